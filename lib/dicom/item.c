/* Encoding: elements and items in the three forms (PS3.5 7.1, 7.5). */
#include <stdlib.h>
#include <string.h>

#include "dicom/edit_impl.h"

#define ITEM_PARTS_MAX	4096	/* elements of one item that we build */
#define ITEM_COPY_MAX	((size_t)16 << 20)	/* an old value that is kept beside the new one */
#define SHORT_MAX	0xfffe	/* PS3.5 7.1.2: 16-bit length, even */

struct part { uint32_t tag; size_t at, n; };

struct item {
	enum walk_form form;
	struct buf bytes;
	struct part *parts;
	size_t nparts, cap;
};

void put16(uint8_t *p, uint16_t v, bool big)
{
	p[big ? 0 : 1] = (uint8_t)(v >> 8);
	p[big ? 1 : 0] = (uint8_t)v;
}

void put32(uint8_t *p, uint32_t v, bool big)
{
	put16(p + (big ? 0 : 2), (uint16_t)(v >> 16), big);
	put16(p + (big ? 2 : 0), (uint16_t)v, big);
}

static bool vr_in(const char *vr, const char *list)
{
	for (; *list; list += 2) {
		if (vr[0] == list[0] && vr[1] == list[1] && vr[2] == '\0')
			return true;
	}
	return false;
}

bool vr_text(const char *vr)
{
	return vr_in(vr, "SHLOSTPNLTUCUT");
}

int put_header(struct buf *b, enum walk_form form, uint32_t tag, const char *vr, size_t n, struct err *err)
{
	bool big = form == WALK_EXPLICIT_BE;
	uint8_t h[12] = { 0 };
	size_t len = 8;

	if (n >= WALK_UNDEFINED)
		return err_set(err, ERR_DATA, "a value of %zu bytes has no place in DICOM", n);
	put16(h, TAG_GROUP(tag), big);
	put16(h + 2, (uint16_t)tag, big);
	if (form == WALK_IMPLICIT_LE || TAG_GROUP(tag) == 0xfffe) {
		put32(h + 4, (uint32_t)n, big);
		return buf_add(b, h, len, err);
	}
	memcpy(h + 4, vr, 2);
	if (vr_in(vr, "OBODOFOLOVOWSQSVUCUNURUTUV")) {	/* PS3.5 7.1.2 */
		put32(h + 8, (uint32_t)n, big);
		len = 12;
	} else if (n > SHORT_MAX) {
		return err_set(err, ERR_DATA,
		    "the new value of (%04x,%04x) has %zu bytes: more than its VR %s can hold",
		    TAG_GROUP(tag), tag & 0xffff, n, vr);
	} else {
		put16(h + 6, (uint16_t)n, big);
	}
	return buf_add(b, h, len, err);
}

int put_element(struct buf *b, enum walk_form form, uint32_t tag, const char *vr, const void *value, size_t n,
    struct err *err)
{
	int rc = RC_OK;

	if (strlen(vr) != 2)
		return err_set(err, ERR_INTERNAL, "(%04x,%04x) without a VR", TAG_GROUP(tag), tag & 0xffff);
	rc = put_header(b, form, tag, vr, n + (n & 1), err);
	if (rc == RC_OK)
		rc = buf_add(b, value, n, err);
	if (rc == RC_OK && n & 1)	/* PS3.5 6.2: UI and bytes with NUL, text with a blank */
		rc = buf_add(b, vr_in(vr, "UIOBUN") ? "" : " ", 1, err);
	return rc;
}

int item_new(struct item **out, enum walk_form form, struct err *err)
{
	struct item *it = calloc(1, sizeof *it);

	*out = it;
	if (!it)
		return err_set(err, ERR_TEMP, "no memory for an item");
	it->form = form;
	it->bytes.max = EDIT_BYTES_MAX;
	return RC_OK;
}

bool item_is_empty(const struct item *it)
{
	return it->nparts == 0;
}

bool item_has(const struct item *it, uint32_t tag)
{
	size_t i = 0;

	for (i = 0; i < it->nparts && it->parts[i].tag != tag; i++)
		;
	return i < it->nparts;
}

void item_free(struct item *it)
{
	if (!it)
		return;
	buf_free(&it->bytes);
	free(it->parts);
	free(it);
}

/* Takes what was appended to it->bytes since `at` as the element tag. */
static int take(struct item *it, uint32_t tag, size_t at, struct err *err)
{
	size_t i = 0;

	for (i = 0; i < it->nparts; i++) {
		if (it->parts[i].tag == tag)
			return err_set(err, ERR_DATA, "(%04x,%04x) stands twice in one item",
			    TAG_GROUP(tag), tag & 0xffff);
	}
	if (it->nparts == it->cap) {
		size_t cap = it->cap ? it->cap * 2 : 16;
		struct part *p = NULL;

		if (it->nparts == ITEM_PARTS_MAX)
			return err_set(err, ERR_DATA, "an item of more than %d elements", ITEM_PARTS_MAX);
		p = realloc(it->parts, cap * sizeof *p);
		if (!p)
			return err_set(err, ERR_TEMP, "no memory for an item");
		it->parts = p;
		it->cap = cap;
	}
	for (i = it->nparts; i > 0 && it->parts[i - 1].tag > tag; i--)
		it->parts[i] = it->parts[i - 1];
	it->parts[i] = (struct part){ tag, at, it->bytes.len - at };
	it->nparts++;
	return RC_OK;
}

int item_set(struct item *it, uint32_t tag, const char *vr, const void *value, size_t n, struct err *err)
{
	size_t at = it->bytes.len;
	int rc = put_element(&it->bytes, it->form, tag, vr, value, n, err);

	return rc == RC_OK ? take(it, tag, at, err) : rc;
}

int item_add_bytes(struct item *it, uint32_t tag, const void *bytes, size_t n, struct err *err)
{
	size_t at = it->bytes.len;
	int rc = buf_add(&it->bytes, bytes, n, err);

	return rc == RC_OK ? take(it, tag, at, err) : rc;
}

int item_encode(const struct item *it, struct buf *b, struct err *err)
{
	size_t i = 0;
	int rc = put_header(b, it->form, TAG_ITEM, "", it->bytes.len, err);

	for (i = 0; rc == RC_OK && i < it->nparts; i++)
		rc = buf_add(b, it->bytes.data + it->parts[i].at, it->parts[i].n, err);
	return rc;
}

int item_sequence(struct item *it, uint32_t tag, struct item *const *items, size_t n, struct err *err)
{
	struct buf b = BUF_INIT(EDIT_BYTES_MAX);
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < n; i++) {
		if (items[i]->form != it->form)
			rc = err_set(err, ERR_INTERNAL, "an item of another form");
		else
			rc = item_encode(items[i], &b, err);
	}
	if (rc == RC_OK)
		rc = item_set(it, tag, "SQ", b.data, b.len, err);
	buf_free(&b);
	return rc;
}

struct implicit {
	struct buf *out;
	unsigned item, depth;
	bool open;
};

static int implicit_element(struct implicit *, const struct object *, const struct element *, struct err *);

static int put_implicit(struct buf *b, uint32_t tag, uint32_t length, struct err *err)
{
	uint8_t h[8];

	put16(h, TAG_GROUP(tag), false);
	put16(h + 2, (uint16_t)tag, false);
	put32(h + 4, length, false);
	return buf_add(b, h, sizeof h, err);
}

static int implicit_step(const struct object *o, unsigned item, const struct element *e, void *arg,
    struct err *err)
{
	struct implicit *im = arg;
	int rc = RC_OK;

	while (rc == RC_OK && (!im->open || im->item < item)) {
		if (im->open)
			rc = put_implicit(im->out, TAG_ITEM_END, 0, err);
		im->item = im->open ? im->item + 1 : 0;
		im->open = true;
		if (rc == RC_OK)
			rc = put_implicit(im->out, TAG_ITEM, WALK_UNDEFINED, err);
	}
	return rc == RC_OK ? implicit_element(im, o, e, err) : rc;
}

static int implicit_element(struct implicit *im, const struct object *o, const struct element *e,
    struct err *err)
{
	struct implicit inner = { .out = im->out, .depth = im->depth + 1 };
	int rc = RC_OK;
	bool as_is = e->vr[0] == '\0' || strcmp(e->vr, "UN") == 0;	/* implicit inside already */

	if (as_is || (strcmp(e->vr, "SQ") != 0 && e->length != WALK_UNDEFINED)) {
		uint64_t n = e->end - e->value;

		if (n > ITEM_COPY_MAX)
			return err_set(err, ERR_DATA, "(%04x,%04x) is too long to be kept as an old value",
			    TAG_GROUP(e->tag), e->tag & 0xffff);
		rc = put_implicit(im->out, e->tag, e->length, err);
		if (rc == RC_OK)
			rc = buf_grow(im->out, (size_t)n, err);
		if (rc == RC_OK)
			rc = stream_read_full(o->data, e->value, im->out->data + im->out->len, (size_t)n, err);
		if (rc == RC_OK)
			im->out->len += (size_t)n;
		return rc;
	}
	if (strcmp(e->vr, "SQ") != 0 || inner.depth > EDIT_DEPTH_MAX)
		return err_set(err, ERR_DATA,
		    "(%04x,%04x) can not be kept as an old value in an element of VR UN",
		    TAG_GROUP(e->tag), e->tag & 0xffff);
	rc = put_implicit(im->out, e->tag, WALK_UNDEFINED, err);
	if (rc == RC_OK)
		rc = walk_items(o, e, implicit_step, &inner, err);
	if (rc == RC_OK && inner.open)
		rc = put_implicit(im->out, TAG_ITEM_END, 0, err);
	return rc == RC_OK ? put_implicit(im->out, TAG_SEQ_END, 0, err) : rc;
}

int item_implicit(const struct object *o, const struct element *e, struct buf *out, struct err *err)
{
	struct implicit im = { .out = out };

	if (o->form == WALK_EXPLICIT_BE)	/* the values would have to be turned round */
		return err_set(err, ERR_DATA, "big endian object with (%04x,%04x) in an element of VR UN",
		    TAG_GROUP(e->tag), e->tag & 0xffff);
	return implicit_element(&im, o, e, err);
}

int item_copy(struct item *it, const struct object *o, const struct element *e, struct err *err)
{
	uint64_t n = e->end - e->off;
	size_t at = it->bytes.len;
	int rc = RC_OK;

	if (n > ITEM_COPY_MAX)
		return err_set(err, ERR_DATA, "(%04x,%04x) is too long to be kept as an old value",
		    TAG_GROUP(e->tag), e->tag & 0xffff);
	if (it->form != o->form) {
		rc = it->form == WALK_IMPLICIT_LE ? item_implicit(o, e, &it->bytes, err)
		    : err_set(err, ERR_INTERNAL, "an item of another form");
	} else {
		rc = buf_grow(&it->bytes, (size_t)n, err);
		if (rc == RC_OK)
			rc = stream_read_full(o->data, e->off, it->bytes.data + at, (size_t)n, err);
		if (rc == RC_OK)
			it->bytes.len += (size_t)n;
	}
	return rc == RC_OK ? take(it, e->tag, at, err) : rc;
}
