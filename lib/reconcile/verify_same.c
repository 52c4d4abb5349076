/* Are two elements the same: in bytes, or in what they say? */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "dicom/dict.h"
#include "reconcile/value.h"
#include "reconcile/verify_impl.h"

#define TEXT_MAX	((size_t)4 << 20)	/* of a text that is decoded */
#define DEPTH_MAX	(2 * WALK_DEPTH_MAX)
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)

int verify_bytes(struct verify *v, struct stream *x, uint64_t xoff, struct stream *y, uint64_t yoff, uint64_t n,
    bool *same, struct err *err)
{
	int rc = RC_OK;

	*same = true;
	while (rc == RC_OK && n > 0 && *same) {
		size_t step = n < VERIFY_STEP ? (size_t)n : VERIFY_STEP;

		rc = stream_read_full(x, xoff, v->a, step, err);
		if (rc == RC_OK)
			rc = stream_read_full(y, yoff, v->b, step, err);
		if (rc == RC_OK)
			*same = memcmp(v->a, v->b, step) == 0;
		xoff += step;
		yoff += step;
		n -= step;
	}
	return rc;
}

int verify_element(struct verify *v, const struct element *x, const struct element *y, bool *same,
    struct err *err)
{
	*same = false;
	if (x->end - x->off != y->end - y->off)
		return RC_OK;
	return verify_bytes(v, v->old.o->data, x->off, v->now.o->data, y->off, x->end - x->off, same, err);
}

/* A digest of what an element says, whatever its character set and lengths: tags, structure, values, texts as
 * UTF-8 without padding. (0008,0005), group lengths and signatures of items are left out. */
struct digest {
	const struct side *side;
	struct hash *hash;
	const char *outer;	/* set of the level above */
	char declared[CHARSET_DECLARED_MAX];
	bool decode;		/* texts, since they were converted; else they are bytes */
	unsigned item, depth;
	unsigned limit;		/* of items of the outermost sequence; 0: all */
	bool begun;
};

static int digest_element(struct digest *, const struct element *, struct err *);

static int mark(struct digest *d, uint32_t a, uint32_t b, struct err *err)
{
	uint32_t m[2] = { a, b };

	return hash_add(d->hash, m, sizeof m, err);
}

static int digest_step(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	struct digest *d = arg;
	size_t n = 0;
	int rc = RC_OK;

	if (d->limit != 0 && item >= d->limit)
		return RC_OK;
	if (!d->begun || item != d->item) {
		d->begun = true;
		d->item = item;
		text_copy(d->declared, sizeof d->declared, d->outer);
		rc = mark(d, 0xfffee000, item, err);
	}
	if (rc != RC_OK || (el->tag & 0xffff) == 0 || el->tag == TAG_SIGNATURES)
		return rc;
	if (el->tag != TAG_CHARSET)
		return digest_element(d, el, err);
	return walk_trimmed(o, el, d->declared, sizeof d->declared, &n, err);
}

static int digest_text(struct digest *d, const struct element *el, const char *vr, struct err *err)
{
	char *raw = NULL, *text = NULL;
	size_t n = 0, len = 0;
	int rc = RC_OK;

	if (el->length > TEXT_MAX)
		return err_set(err, ERR_DATA, "a text of %lu bytes", (unsigned long)el->length);
	raw = malloc((size_t)el->length + 1);
	text = malloc((size_t)el->length * 4 + 1);
	if (raw == NULL || text == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to verify a text");
	if (rc == RC_OK)
		rc = walk_value(d->side->o, el, raw, el->length, &n, err);
	if (rc == RC_OK && d->decode && !charset_plain(d->declared, raw, n)) {
		rc = charset_read(d->declared, vr, raw, n, text, (size_t)el->length * 4 + 1, &len, err);
	} else if (rc == RC_OK) {
		memcpy(text, raw, n);
		len = n;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
		len--;
	if (rc == RC_OK)
		rc = mark(d, el->tag, (uint32_t)len, err);
	if (rc == RC_OK)
		rc = hash_add(d->hash, text, len, err);
	free(raw);
	free(text);
	return rc;
}

static int digest_raw(struct digest *d, const struct element *el, struct err *err)
{
	uint8_t *buf = malloc(VERIFY_STEP);
	uint64_t at = el->value;
	int rc = buf != NULL ? mark(d, el->tag, (uint32_t)(el->end - el->value), err)
	    : err_set(err, ERR_TEMP, "no memory to verify an object");

	while (rc == RC_OK && at < el->end) {
		size_t n = el->end - at < VERIFY_STEP ? (size_t)(el->end - at) : VERIFY_STEP;

		rc = stream_read_full(d->side->o->data, at, buf, n, err);
		if (rc == RC_OK)
			rc = hash_add(d->hash, buf, n, err);
		at += n;
	}
	free(buf);
	return rc;
}

static int any_element(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	(void)o, (void)item, (void)el, (void)arg, (void)err;
	return RC_OK;
}

/* A sequence in a UN of known length; what cannot be walked is bytes. */
static bool items_in_un(const struct digest *d, const struct element *el)
{
	struct err ignored = { 0 };

	return d->decode && walk_items(d->side->o, el, any_element, NULL, &ignored) == RC_OK;
}

static int digest_element(struct digest *d, const struct element *el, struct err *err)
{
	const struct dict_entry *e = NULL;
	const char *vr = el->vr;
	bool unknown = vr[0] == '\0' || strcmp(vr, "UN") == 0, open = el->length == WALK_UNDEFINED;
	struct digest inner = { .side = d->side, .hash = d->hash, .outer = d->declared, .decode = d->decode,
		.depth = d->depth + 1, .limit = d->depth == 0 ? d->limit : 0 };
	int rc = RC_OK;

	if (unknown && !open && (e = dict_by_tag(el->tag)) != NULL)
		vr = e->vr;
	if (strcmp(vr, "SQ") == 0 ? el->vr[0] == '\0' || !unknown || items_in_un(d, el) : open && unknown &&
	    el->tag != TAG_PIXEL_DATA) {
		if (inner.depth > DEPTH_MAX)
			return err_set(err, ERR_DATA, "sequences nested too deep");
		rc = mark(d, el->tag, 0xfffffffe, err);
		if (rc == RC_OK && el->length > 0)
			rc = walk_items(d->side->o, el, digest_step, &inner, err);
		return rc == RC_OK ? mark(d, el->tag, 0xfffffffd, err) : rc;
	}
	if (value_in_charset(vr) && !open)
		return digest_text(d, el, vr, err);
	return digest_raw(d, el, err);
}

static int digest_of(const struct side *s, const char *declared, bool decode, const struct element *el,
    unsigned limit, uint8_t out[HASH_LEN], struct err *err)
{
	struct digest d = { .side = s, .decode = decode, .limit = limit };
	int rc = hash_new(&d.hash, err);

	text_copy(d.declared, sizeof d.declared, declared);
	if (rc == RC_OK)
		rc = digest_element(&d, el, err);
	if (rc == RC_OK)
		rc = hash_end(d.hash, out, err);
	hash_free(d.hash);
	return rc;
}

int verify_says_same(struct verify *v, const struct element *x, const struct element *y, unsigned limit,
    bool *same,
    struct err *err)
{
	uint8_t one[HASH_LEN], two[HASH_LEN];
	int rc = verify_element(v, x, y, same, err);

	if (rc != RC_OK || *same || (!v->converted && limit == 0 && strcmp(x->vr, y->vr) == 0))
		return rc;
	rc = digest_of(&v->old, v->declared, v->converted, x, limit, one, err);
	if (rc == RC_OK)
		rc = digest_of(&v->now, v->now.declared, v->converted, y, limit, two, err);
	*same = rc == RC_OK && memcmp(one, two, HASH_LEN) == 0;
	return rc;
}
