#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "reconcile/plan.h"
#include "reconcile/value.h"
#include "reconcile/verify.h"

#define STEP		((size_t)64 << 10)
#define VALUE_MAX	((size_t)4 << 20)	/* of a text that is decoded */
#define DEPTH_MAX	(2 * WALK_DEPTH_MAX)
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_PATIENT_ID	TAG(0x0010, 0x0020)
#define TAG_OTHER_IDS	TAG(0x0010, 0x1002)
#define TAG_ORIGINAL	TAG(0x0400, 0x0561)
#define TAG_MODIFIED	TAG(0x0400, 0x0550)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)
#define UTF8		"ISO_IR 192"

struct side {
	struct object *o;
	char declared[128];
};

struct verify {
	const struct plan *plan;
	struct side old, now;
	const char *declared;	/* what the old bytes are: as written, or as an operator said */
	bool converted;
	uint8_t *a, *b;		/* STEP bytes each */
};

static int wrong(struct err *err, uint32_t tag, const char *what)
{
	return err_set(err, ERR_DATA, "changed object is not as planned: (%04x,%04x) %s", TAG_GROUP(tag),
	    tag & 0xffff, what);
}

static int same_bytes(struct verify *v, struct stream *x, uint64_t xoff, struct stream *y, uint64_t yoff, uint64_t n,
    bool *same, struct err *err)
{
	int rc = RC_OK;

	*same = true;
	while (rc == RC_OK && n > 0 && *same) {
		size_t step = n < STEP ? (size_t)n : STEP;

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

static int same_element(struct verify *v, const struct element *x, const struct element *y, bool *same,
    struct err *err)
{
	*same = false;
	if (x->end - x->off != y->end - y->off)
		return RC_OK;
	return same_bytes(v, v->old.o->data, x->off, v->now.o->data, y->off, x->end - x->off, same, err);
}

/* A digest of what an element says, whatever its character set and lengths: tags, structure, values, texts as
 * UTF-8 without padding. (0008,0005), group lengths and signatures of items are left out. */
struct digest {
	const struct side *side;
	struct hash *hash;
	const char *outer;	/* set of the level above */
	char declared[128];
	unsigned item, depth;
	bool begun, has_signature;
};

static int digest_element(struct digest *, const struct element *, struct err *);

static int mark(struct digest *d, uint32_t a, uint32_t b, struct err *err)
{
	uint32_t m[2] = { a, b };

	return hash_add(d->hash, m, sizeof m, err);
}

static int digest_step(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct digest *d = arg;
	size_t n = 0;
	int rc = RC_OK;

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
	rc = walk_value(o, el, d->declared, sizeof d->declared - 1, &n, err);
	while (n > 0 && (d->declared[n - 1] == ' ' || d->declared[n - 1] == '\0'))
		n--;
	d->declared[n] = '\0';
	return rc;
}

static int digest_text(struct digest *d, const struct element *el, struct err *err)
{
	char *raw = NULL, *text = NULL;
	size_t n = 0, len = 0;
	int rc = RC_OK;

	if (el->length > VALUE_MAX)
		return err_set(err, ERR_DATA, "a text of %lu bytes", (unsigned long)el->length);
	raw = malloc((size_t)el->length + 1);
	text = malloc((size_t)el->length * 4 + 1);
	if (raw == NULL || text == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to verify a text");
	if (rc == RC_OK)
		rc = walk_value(d->side->o, el, raw, el->length, &n, err);
	if (rc == RC_OK)
		rc = charset_to_utf8(d->declared, raw, n, text, (size_t)el->length * 4 + 1, &len, err);
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
	uint8_t *buf = malloc(STEP);
	uint64_t at = el->value;
	int rc = buf != NULL ? mark(d, el->tag, (uint32_t)(el->end - el->value), err)
	    : err_set(err, ERR_TEMP, "no memory to verify an object");

	while (rc == RC_OK && at < el->end) {
		size_t n = el->end - at < STEP ? (size_t)(el->end - at) : STEP;

		rc = stream_read_full(d->side->o->data, at, buf, n, err);
		if (rc == RC_OK)
			rc = hash_add(d->hash, buf, n, err);
		at += n;
	}
	free(buf);
	return rc;
}

static int digest_element(struct digest *d, const struct element *el, struct err *err)
{
	const struct dict_entry *e = NULL;
	const char *vr = el->vr;
	bool unknown = vr[0] == '\0' || strcmp(vr, "UN") == 0, open = el->length == WALK_UNDEFINED;
	struct digest inner = { .side = d->side, .hash = d->hash, .outer = d->declared, .depth = d->depth + 1 };
	int rc = RC_OK;

	if (unknown && !open && (e = dict_by_tag(el->tag)) != NULL)
		vr = e->vr;
	if (strcmp(vr, "SQ") == 0 ? el->vr[0] == '\0' || !unknown : open && unknown && el->tag != TAG_PIXEL_DATA) {
		if (inner.depth > DEPTH_MAX)
			return err_set(err, ERR_DATA, "sequences nested too deep");
		rc = mark(d, el->tag, 0xfffffffe, err);
		if (rc == RC_OK && el->length > 0)
			rc = walk_items(d->side->o, el, digest_step, &inner, err);
		return rc == RC_OK ? mark(d, el->tag, 0xfffffffd, err) : rc;
	}
	if (value_in_charset(vr) && !open)
		return digest_text(d, el, err);
	return digest_raw(d, el, err);
}

static int digest_of(const struct side *s, const char *declared, const struct element *el, uint8_t out[HASH_LEN],
    struct err *err)
{
	struct digest d = { .side = s };
	int rc = hash_new(&d.hash, err);

	text_copy(d.declared, sizeof d.declared, declared);
	if (rc == RC_OK)
		rc = digest_element(&d, el, err);
	if (rc == RC_OK)
		rc = hash_end(d.hash, out, err);
	hash_free(d.hash);
	return rc;
}

/* No rule names it. */
static int check_unnamed(struct verify *v, const struct element *x, const struct element *y, struct err *err)
{
	uint8_t one[HASH_LEN], two[HASH_LEN];
	bool same = false;
	int rc = same_element(v, x, y, &same, err);

	if (rc != RC_OK || same)
		return rc;
	if (!v->converted || strcmp(x->vr, y->vr) != 0)
		return wrong(err, x->tag, "changed, and no rule says so");
	rc = digest_of(&v->old, v->declared, x, one, err);
	if (rc == RC_OK)
		rc = digest_of(&v->now, v->now.declared, y, two, err);
	if (rc == RC_OK && memcmp(one, two, HASH_LEN) != 0)
		rc = wrong(err, x->tag, "changed by more than its character set");
	return rc;
}

struct items_seen { unsigned n; bool any; uint64_t end; };	/* end: of the last element in them */

static int count_items(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct items_seen *s = arg;

	(void)o, (void)err;
	s->n = item + 1;
	s->any = true;
	s->end = el->end;
	return RC_OK;
}

static int items_of(const struct side *s, const struct element *el, struct items_seen *seen, struct err *err)
{
	memset(seen, 0, sizeof *seen);
	return el != NULL && el->length > 0 ? walk_items(s->o, el, count_items, seen, err) : RC_OK;
}

/* An element of the last item of a sequence, as UTF-8 text. */
struct want { unsigned item; uint32_t tag; bool found; char *text; size_t cap; const char *declared; };

static int want_text(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct want *w = arg;
	char raw[1024];
	size_t n = 0, len = 0;
	int rc = RC_OK;

	if (item != w->item || el->tag != w->tag || el->length > sizeof raw)
		return RC_OK;
	rc = walk_value(o, el, raw, sizeof raw, &n, err);
	while (n > 0 && (raw[n - 1] == ' ' || raw[n - 1] == '\0'))
		n--;
	w->found = true;
	if (rc == RC_OK && charset_to_utf8(w->declared, raw, n, w->text, w->cap, &len, err) != RC_OK) {
		if (n >= w->cap)
			return RC_OK;
		memcpy(w->text, raw, n);	/* a set we do not convert: bytes against bytes */
		w->text[n] = '\0';
	}
	return rc;
}

/* Value of a top-level element as UTF-8, or as it is in a set that is not converted here. */
static int text_of(const struct side *s, const char *declared, uint32_t tag, char *out, size_t cap, bool *found,
    struct err *err)
{
	char raw[4096];	/* a name, an id, an institution */
	struct err ignored;
	size_t len = 0;
	int rc = walk_text(s->o, tag, raw, sizeof raw, found, err);

	if (rc == RC_OK && charset_to_utf8(declared, raw, strlen(raw), out, cap, &len, &ignored) != RC_OK)
		text_copy(out, cap, raw);
	return rc;
}

/* What was appended: one item more for each rule on the tag, older ones as they were, with the values the plan gives. */
static int check_append(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag), *y = walk_find(v->now.o, r->tag);
	struct items_seen before, after;
	const json_t *template = json_array_get(r->items, 0);
	const char *key = NULL;
	json_t *value = NULL;
	bool same = true;
	int rc = items_of(&v->old, x, &before, err);

	if (rc == RC_OK)
		rc = items_of(&v->now, y, &after, err);
	if (rc != RC_OK)
		return rc;
	if (after.n <= before.n) {
		if (r->foreign || strcmp(r->source, "set") == 0)	/* nothing to append: then nothing changed */
			return x == NULL ? y == NULL ? RC_OK : wrong(err, r->tag, "was added, and no rule says so")
			    : y == NULL ? wrong(err, r->tag, "is gone") : check_unnamed(v, x, y, err);
		return wrong(err, r->tag, "has no new item");
	}
	if (before.any && !v->converted) {
		rc = same_bytes(v, v->old.o->data, x->value, v->now.o->data, y->value, before.end - x->value, &same, err);
		if (rc == RC_OK && !same)
			return wrong(err, r->tag, "has older items that changed");
	}
	json_object_foreach((json_t *)(uintptr_t)template, key, value) {
		char text[1024] = "", expected[1024] = "";
		const char *from = json_string_value(json_object_get(value, "old"));
		struct want w = { .item = after.n - 1, .text = text, .cap = sizeof text, .declared = v->now.declared };
		uint32_t tag = 0;
		bool found = false;

		if (rc != RC_OK)
			break;
		if (!plan_tag_parse(key, &w.tag) || r->tag == TAG_ORIGINAL)
			continue;	/* checked with the values it holds */
		if (from != NULL && plan_tag_parse(from, &tag))
			rc = text_of(&v->old, v->declared, tag, expected, sizeof expected, &found, err);
		else if (json_is_string(value))
			text_copy(expected, sizeof expected, json_string_value(value));
		else
			continue;
		if (rc == RC_OK)
			rc = walk_items(v->now.o, y, want_text, &w, err);
		if (rc == RC_OK && (expected[0] != '\0' || w.found) && strcmp(text, expected) != 0)
			rc = wrong(err, r->tag, "has an item that is not the plan's");
	}
	return rc;
}

/* Is the old value of tag in the last items of Original Attributes? */
struct record { const struct side *side; unsigned from; uint32_t tag; bool found; };

static int record_inner(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct record *r = arg;

	(void)o, (void)err;
	if (item == 0 && el->tag == r->tag)
		r->found = true;
	return RC_OK;
}

static int record_item(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct record *r = arg;

	if (item < r->from || el->tag != TAG_MODIFIED || el->length == 0)
		return RC_OK;
	return walk_items(o, el, record_inner, r, err);
}

static int check_recorded(struct verify *v, uint32_t tag, struct err *err)
{
	const struct element *x = walk_find(v->old.o, TAG_ORIGINAL), *y = walk_find(v->now.o, TAG_ORIGINAL);
	struct items_seen before;
	struct record r = { .side = &v->now, .tag = tag };
	int rc = items_of(&v->old, x, &before, err);

	r.from = before.n;
	if (rc == RC_OK && y != NULL)
		rc = walk_items(v->now.o, y, record_item, &r, err);
	if (rc == RC_OK && !r.found)
		rc = wrong(err, tag, "changed without a record in Original Attributes");
	return rc;
}

static int check_set(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *y = walk_find(v->now.o, r->tag);
	struct buf want = BUF_INIT(VALUE_MAX), have = BUF_INIT(VALUE_MAX);
	size_t n = 0;
	int rc = value_encode(r->vr, r->text, v->now.declared, v->now.o->form, &want, err);

	if (rc == RC_OK && y == NULL)
		rc = wrong(err, r->tag, "is missing");
	if (rc == RC_OK)
		rc = buf_grow(&have, y->length, err);
	if (rc == RC_OK)
		rc = walk_value(v->now.o, y, have.data, y->length, &n, err);
	if (rc == RC_OK && n > want.len && n > 0 && (have.data[n - 1] == ' ' || have.data[n - 1] == '\0'))
		while (n > want.len && (have.data[n - 1] == ' ' || have.data[n - 1] == '\0'))
			n--;
	if (rc == RC_OK && (n != want.len || (n > 0 && memcmp(have.data, want.data, n) != 0)))
		rc = wrong(err, r->tag, "does not have the planned value");
	buf_free(&want);
	buf_free(&have);
	return rc;
}

static int check_rule(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag), *y = walk_find(v->now.o, r->tag);
	struct items_seen seen;
	bool same = false;
	int rc = RC_OK;

	switch (r->op) {
	case PLAN_SET:
		if (r->items == NULL) {
			rc = check_set(v, r, err);
			break;
		}
		rc = items_of(&v->now, y, &seen, err);
		if (rc == RC_OK && seen.n != json_array_size(r->items) && !(seen.n == 0 && y == NULL))
			rc = wrong(err, r->tag, "does not have the planned items");
		break;
	case PLAN_EMPTY:
		if (y != NULL && y->length != 0)
			rc = wrong(err, r->tag, "is not empty");
		break;
	case PLAN_REMOVE:
		if (y != NULL)
			rc = wrong(err, r->tag, "is still there");
		break;
	case PLAN_APPEND:
		return check_append(v, r, err);
	case PLAN_CONVERT:
		return RC_OK;
	}
	if (rc != RC_OK || x == NULL)
		return rc;
	if (y != NULL)
		rc = same_element(v, x, y, &same, err);
	if (rc == RC_OK && v->converted && y != NULL && r->op == PLAN_SET && r->text != NULL) {
		uint8_t one[HASH_LEN], two[HASH_LEN];

		rc = digest_of(&v->old, v->declared, x, one, err);
		if (rc == RC_OK)
			rc = digest_of(&v->now, v->now.declared, y, two, err);
		same = rc == RC_OK && memcmp(one, two, HASH_LEN) == 0;
	}
	return rc == RC_OK && !same && x->length != 0 ? check_recorded(v, r->tag, err) : rc;
}

static bool group_changed(const struct verify *v, uint16_t group)
{
	size_t i = 0;

	for (i = 0; i < v->plan->nrules; i++) {
		if (TAG_GROUP(v->plan->rules[i].tag) == group)
			return true;
	}
	return v->converted;
}

/* Both top levels side by side, in the order of the tags. */
static int check_all(struct verify *v, struct err *err)
{
	const struct object *a = v->old.o, *b = v->now.o;
	size_t i = 0, j = 0;
	int rc = RC_OK;

	while (rc == RC_OK && (i < a->ntop || j < b->ntop)) {
		const struct element *x = i < a->ntop ? &a->top[i] : NULL, *y = j < b->ntop ? &b->top[j] : NULL;
		uint32_t tag = 0;
		bool both = x != NULL && y != NULL && x->tag == y->tag;

		/* Where they differ the one that a rule names is the one that came or went. */
		if (!both && y != NULL && plan_rule_for(v->plan, y->tag) != NULL && walk_find(a, y->tag) == NULL)
			x = NULL;
		else if (!both && x != NULL)
			y = NULL;
		tag = x != NULL ? x->tag : y->tag;
		i += x != NULL;
		j += y != NULL;
		if (plan_rule_for(v->plan, tag) != NULL && tag != TAG_CHARSET)
			continue;
		if (tag == TAG_CHARSET) {
			if (!v->converted && (!both || strcmp(v->old.declared, v->now.declared) != 0))
				rc = wrong(err, tag, "changed without a conversion");
		} else if ((tag & 0xffff) == 0 && group_changed(v, TAG_GROUP(tag))) {
			continue;
		} else if (both) {
			rc = check_unnamed(v, x, y, err);
		} else if (tag != TAG_SIGNATURES || x == NULL) {
			rc = wrong(err, tag, x == NULL ? "was added, and no rule says so" : "is gone, and no rule says so");
		}
	}
	return rc;
}

/* Retired group lengths that stand there say what is true. */
static int check_group_lengths(struct verify *v, struct err *err)
{
	const struct object *o = v->now.o;
	size_t i = 0, j = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < o->ntop; i++) {
		uint64_t length = 0;
		long long said = 0;
		bool found = false;

		if ((o->top[i].tag & 0xffff) != 0 || !group_changed(v, TAG_GROUP(o->top[i].tag)) || v->converted)
			continue;
		for (j = 0; j < o->ntop; j++) {
			if (j != i && TAG_GROUP(o->top[j].tag) == TAG_GROUP(o->top[i].tag))
				length += o->top[j].end - o->top[j].off;
		}
		rc = walk_number(o, o->top[i].tag, &said, &found, err);
		if (rc == RC_OK && found && (uint64_t)said != length)
			rc = wrong(err, o->top[i].tag, "is not the length of its group");
	}
	return rc;
}

static int check_head(struct verify *v, struct err *err)
{
	static const uint8_t zeros[128];
	uint64_t n = v->old.o->file_dataset;
	bool same = n == v->now.o->file_dataset;
	size_t start = v->old.o->has_preamble ? sizeof zeros : 0;
	int rc = RC_OK;

	if (same)
		rc = same_bytes(v, v->old.o->file, start, v->now.o->file, start, n - start, &same, err);
	if (rc == RC_OK && !same)
		return err_set(err, ERR_DATA, "changed object is not as planned: its meta header differs");
	if (rc != RC_OK || start == 0)
		return rc;
	rc = same_bytes(v, v->old.o->file, 0, v->now.o->file, 0, start, &same, err);
	if (rc == RC_OK && !same) {
		rc = stream_read_full(v->now.o->file, 0, v->a, start, err);
		if (rc == RC_OK && memcmp(v->a, zeros, start) != 0)
			rc = err_set(err, ERR_DATA, "changed object is not as planned: its preamble is neither old nor zero");
	}
	return rc;
}

int plan_verify(const json_t *doc, struct stream *original, struct stream *changed, struct err *err)
{
	struct plan *plan = NULL;
	struct verify v = { 0 };
	const struct plan_rule *charset = NULL;
	size_t i = 0;
	int rc = plan_load(&plan, doc, err);

	v.plan = plan;
	if (rc == RC_OK && ((v.a = malloc(STEP)) == NULL || (v.b = malloc(STEP)) == NULL))
		rc = err_set(err, ERR_TEMP, "no memory to verify an object");
	if (rc == RC_OK)
		rc = walk_open(&v.old.o, original, err);
	if (rc == RC_OK && (rc = walk_open(&v.now.o, changed, err)) != RC_OK)
		err_wrap(err, "changed object");
	if (rc == RC_OK)
		rc = walk_text(v.old.o, TAG_CHARSET, v.old.declared, sizeof v.old.declared, NULL, err);
	if (rc == RC_OK)
		rc = walk_text(v.now.o, TAG_CHARSET, v.now.declared, sizeof v.now.declared, NULL, err);
	if (rc != RC_OK)
		goto out;
	charset = plan_rule_for(plan, TAG_CHARSET);
	v.declared = charset != NULL && charset->text != NULL ? charset->text : v.old.declared;
	v.converted = charset != NULL && strcmp(v.now.declared, UTF8) == 0 && strcmp(v.declared, UTF8) != 0;
	if (v.old.o->form != v.now.o->form || strcmp(v.old.o->transfer_syntax, v.now.o->transfer_syntax) != 0)
		rc = err_set(err, ERR_DATA, "changed object is not as planned: its transfer syntax differs");
	if (rc == RC_OK)
		rc = check_head(&v, err);
	if (rc == RC_OK)
		rc = check_all(&v, err);
	for (i = 0; rc == RC_OK && i < plan->nrules; i++)
		rc = check_rule(&v, &plan->rules[i], err);
	if (rc == RC_OK)
		rc = check_group_lengths(&v, err);
out:
	walk_close(v.old.o);
	walk_close(v.now.o);
	plan_free(plan);
	free(v.a);
	free(v.b);
	return rc;
}
