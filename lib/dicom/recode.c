/*
 * The whole data set to ISO_IR 192 (PS3.3 C.12.1.1.2): every text of every level is a patch of its value and
 * of the lengths around it; the rest stays, private elements of which nobody says that they are text too. Nothing is
 * guessed: a text that contradicts its set, or a set that DICOM does not have, ends it.
 */
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/edit_impl.h"
#include "dicom/texts.h"
#include "dicom/walk_impl.h"

#define TEXT_MAX	((size_t)4 << 20)	/* one text; UT may be longer, none that we have seen is */
#define UTF8_GROWTH	3	/* bytes that a byte makes at most (Thai, euro, kana) */

static const char utf8[] = "ISO_IR 192";

struct recode {
	struct edit *e;
	uint32_t top;		/* the top-level element we are in */
	struct buf raw, text;
};

/* One level: the data set or an item. */
struct level {
	struct recode *r;
	unsigned depth;
	bool implicit;		/* inside UN: implicit little endian (PS3.5 6.2.2) */
	bool texts;		/* some were read by `declared` that are not the same in every set */
	char declared[CHARSET_DECLARED_MAX];
	int64_t delta;		/* bytes it grew by */
	struct fix group;	/* the group length that is open; width 0: none */
	uint16_t group_no;
};

struct sequence {
	struct level *outer;
	struct level item;
	bool open;
	unsigned number;
	uint64_t header;	/* of the open item */
	int64_t delta;
};

static int recode_element(struct level *, const struct element *, int64_t *delta, struct err *);

int recode_value(const char *declared, const char *vr, const char *s, size_t n, struct buf *out, bool *changed,
    struct err *err)
{
	size_t len = 0;
	int rc = RC_OK;

	*changed = false;
	buf_clear(out);
	if (charset_plain(declared, s, n))
		return buf_add(out, s, n, err);
	rc = buf_grow(out, n * UTF8_GROWTH + 2, err);
	if (rc == RC_OK)
		rc = charset_read(declared, vr, s, n, out->data, n * UTF8_GROWTH + 1, &len, err);
	if (rc != RC_OK)
		return rc;
	*changed = len != n || memcmp(out->data, s, n) != 0;
	out->len = len;
	if (len & 1) {
		if (out->data[len - 1] == ' ' || out->data[len - 1] == '\0')	/* the padding that was needed before */
			out->len--;
		else
			out->data[out->len++] = ' ';
	}
	out->data[out->len] = '\0';
	return RC_OK;
}

/* The value of el becomes bytes. */
static int replace(struct level *l, const struct element *el, const void *bytes, size_t n, int64_t *delta,
    struct err *err)
{
	struct recode *r = l->r;
	struct fix f = edit_length_field(r->e->o, el, r->top);
	int rc = edit_patch(r->e, r->top, el->value, el->length, bytes, n, err);

	*delta = f.delta = (int64_t)n - (int64_t)el->length;
	return rc == RC_OK ? edit_fix(r->e, &f, err) : rc;
}

static int recode_text(struct level *l, const struct element *el, const char *vr, int64_t *delta, struct err *err)
{
	struct recode *r = l->r;
	size_t n = 0;
	bool changed = false;
	int rc = RC_OK;

	if (el->length > TEXT_MAX)
		return err_set(err, ERR_DATA, "the text (%04x,%04x) is longer than %zu MB", TAG_GROUP(el->tag),
		    el->tag & 0xffff, TEXT_MAX >> 20);
	buf_clear(&r->raw);
	rc = buf_grow(&r->raw, el->length, err);
	if (rc == RC_OK)
		rc = walk_value(r->e->o, el, r->raw.data, el->length, &n, err);
	if (rc == RC_OK)
		rc = recode_value(l->declared, vr, r->raw.data, n, &r->text, &changed, err);
	if (rc != RC_OK)
		return err_wrap(err, "(%04x,%04x)", TAG_GROUP(el->tag), el->tag & 0xffff);
	l->texts |= !charset_plain(l->declared, r->raw.data, n);
	return changed ? replace(l, el, r->text.data, r->text.len, delta, err) : RC_OK;
}

static int close_group(struct level *l, struct err *err)
{
	int rc = l->group.width != 0 ? edit_fix(l->r->e, &l->group, err) : RC_OK;

	l->group.width = 0;
	return rc;
}

/* A group length inside an item: right again when the group has been seen whole. */
static int open_group(struct level *l, const struct element *el, struct err *err)
{
	uint8_t now[4];
	size_t n = 0;
	int rc = RC_OK;

	if (el->length != sizeof now)
		return RC_OK;
	rc = walk_value(l->r->e->o, el, now, sizeof now, &n, err);
	if (rc != RC_OK)
		return rc;
	l->group = edit_length_field(l->r->e->o, el, l->r->top);
	l->group.off = el->value;
	l->group.width = 4;
	l->group.old = get32(now, l->group.big);
	l->group.delta = 0;
	l->group_no = TAG_GROUP(el->tag);
	return RC_OK;
}

static int close_item(struct sequence *s, struct err *err)
{
	struct edit *e = s->outer->r->e;
	struct fix f = { .off = s->header + 4, .width = 4, .top = s->outer->r->top, .delta = s->item.delta };
	uint8_t h[8];
	int rc = RC_OK;

	if (!s->open)
		return RC_OK;
	s->open = false;
	rc = close_group(&s->item, err);
	if (rc != RC_OK || s->item.delta == 0)
		return rc;
	s->delta += s->item.delta;
	rc = stream_read_full(e->o->data, s->header, h, sizeof h, err);
	if (rc != RC_OK)
		return rc;
	f.big = e->o->form == WALK_EXPLICIT_BE && !s->item.implicit;
	f.old = get32(h + 4, f.big);
	if (TAG(get16(h, f.big), get16(h + 2, f.big)) != TAG_ITEM)
		return err_set(err, ERR_INTERNAL, "no item at offset %llu", (unsigned long long)s->header);
	return f.old == WALK_UNDEFINED ? RC_OK : edit_fix(e, &f, err);
}

static int item_element(const struct object *o, unsigned number, const struct element *el, void *arg,
    struct err *err)
{
	struct sequence *s = arg;
	struct level *l = &s->item;
	int64_t delta = 0;
	int rc = RC_OK;

	if (!s->open || number != s->number) {
		rc = close_item(s, err);
		if (rc != RC_OK)
			return rc;
		s->open = true;
		s->number = number;
		s->header = el->off - 8;	/* the item's first element follows its header */
		memset(&l->group, 0, sizeof l->group);
		l->delta = 0;
		s->outer->texts |= l->texts;
		l->texts = false;
		memcpy(l->declared, s->outer->declared, sizeof l->declared);
	}
	if (l->group.width != 0 && TAG_GROUP(el->tag) != l->group_no)
		rc = close_group(l, err);
	if (rc == RC_OK && (el->tag & 0xffff) == 0)
		return open_group(l, el, err);
	if (rc == RC_OK && el->tag == TAG_SIGNATURES && l->delta != 0) {
		delta = -(int64_t)(el->end - el->off);
		rc = edit_patch(l->r->e, l->r->top, el->off, el->end - el->off, NULL, 0, err);
	} else if (rc == RC_OK && el->tag == TAG_CHARSET) {
		size_t n = 0;

		if (l->texts)	/* by which set they were meant nobody can say */
			return err_set(err, ERR_DATA, "(0008,0005) stands after texts of its item");
		rc = walk_trimmed(o, el, l->declared, sizeof l->declared, &n, err);
		if (rc == RC_OK && strcmp(l->declared, utf8) != 0)
			rc = replace(l, el, utf8, sizeof utf8 - 1, &delta, err);
	} else if (rc == RC_OK) {
		rc = recode_element(l, el, &delta, err);
	}
	l->delta += delta;
	l->group.delta += delta;
	return rc;
}

static int recode_sequence(struct level *l, const struct element *el, int64_t *delta, struct err *err)
{
	struct sequence *s = calloc(1, sizeof *s);
	struct fix f = edit_length_field(l->r->e->o, el, l->r->top);
	int rc = RC_OK;

	if (s == NULL)
		return err_set(err, ERR_TEMP, "no memory to convert a sequence");
	s->outer = l;
	s->item.r = l->r;
	s->item.depth = l->depth + 1;
	s->item.implicit = l->implicit || el->vr[0] == '\0' || strcmp(el->vr, "UN") == 0;
	if (s->item.depth > EDIT_DEPTH_MAX)
		rc = err_set(err, ERR_DATA, "sequences are nested more than %d deep", WALK_DEPTH_MAX);
	if (rc == RC_OK)
		rc = walk_items(l->r->e->o, el, item_element, s, err);
	if (rc == RC_OK)
		rc = close_item(s, err);
	if (rc != RC_OK)
		err_wrap(err, "(%04x,%04x)[%u]", TAG_GROUP(el->tag), el->tag & 0xffff, s->number);
	l->texts |= s->item.texts;
	*delta = f.delta = s->delta;
	if (rc == RC_OK && el->length != WALK_UNDEFINED)
		rc = edit_fix(l->r->e, &f, err);
	free(s);
	return rc;
}

static int recode_element(struct level *l, const struct element *el, int64_t *delta, struct err *err)
{
	const char *vr = NULL;

	*delta = 0;
	switch (texts_kind(l->r->e->o, el, &vr)) {
	case TEXTS_VALUE:
		return recode_text(l, el, vr, delta, err);
	case TEXTS_ITEMS:
		return recode_sequence(l, el, delta, err);
	default:
		return RC_OK;
	}
}

int edit_recode(struct edit *e, const char *declared, struct err *err)
{
	struct recode r = { .e = e, .raw = BUF_INIT(TEXT_MAX), .text = BUF_INIT(TEXT_MAX * UTF8_GROWTH + 2) };
	struct level l = { .r = &r };
	int64_t delta = 0;
	size_t i = 0;
	int rc = charset_known(declared, err);

	if (rc != RC_OK)
		return rc;
	if (strlen(declared) >= sizeof l.declared)
		return err_set(err, ERR_DATA, "(0008,0005) is longer than %zu bytes", sizeof l.declared - 1);
	memcpy(l.declared, declared, strlen(declared) + 1);
	for (i = 0; rc == RC_OK && i < e->o->ntop; i++) {
		const struct element *el = &e->o->top[i];

		r.top = el->tag;
		if (el->tag != TAG_CHARSET)
			rc = recode_element(&l, el, &delta, err);
	}
	if (rc == RC_OK)
		rc = edit_set(e, TAG_CHARSET, "CS", utf8, sizeof utf8 - 1, err);
	buf_free(&r.raw);
	buf_free(&r.text);
	return rc;
}
