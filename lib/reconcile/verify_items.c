/* Items that a plan describes: in a sequence it sets, or appended to one. */
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "reconcile/value.h"
#include "reconcile/verify_impl.h"

#define GIVEN_MAX	((size_t)1 << 20)	/* of a value in an item */
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_PATIENT_ID	TAG(0x0010, 0x0020)
#define TAG_ORIGINAL	TAG(0x0400, 0x0561)

static int count_items(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	struct items_seen *s = arg;

	(void)o, (void)err;
	s->n = item + 1;
	s->any = true;
	s->end = el->end;
	return RC_OK;
}

int verify_count(const struct side *s, const struct element *el, struct items_seen *seen, struct err *err)
{
	memset(seen, 0, sizeof *seen);
	return el != NULL && el->length > 0 ? walk_items(s->o, el, count_items, seen, err) : RC_OK;
}

static const char *vr_of(uint32_t tag)
{
	const struct dict_entry *d = dict_by_tag(tag);

	return d != NULL ? d->vr : "";
}

/* An element of the last item of a sequence, as UTF-8 text. */
struct want { unsigned item; uint32_t tag; bool found; char *text; size_t cap; const char *declared; };

static int want_text(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
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
	if (rc == RC_OK && charset_read(w->declared, vr_of(el->tag), raw, n, w->text, w->cap, &len, err) != RC_OK) {
		if (n >= w->cap)
			return RC_OK;
		memcpy(w->text, raw, n);	/* not converted either: bytes against bytes */
		w->text[n] = '\0';
	}
	return rc;
}

/* Value of a top-level element as UTF-8, or as it is where it is not converted. */
static int text_of(const struct side *s, const char *declared, uint32_t tag, char *out, size_t cap, bool *found,
    struct err *err)
{
	char raw[4096];	/* a name, an id, an institution */
	struct err ignored;
	size_t len = 0;
	int rc = walk_text(s->o, tag, raw, sizeof raw, found, err);

	if (rc == RC_OK && charset_read(declared, vr_of(tag), raw, strlen(raw), out, cap, &len, &ignored) != RC_OK)
		text_copy(out, cap, raw);
	return rc;
}

/* An element of one item of a sequence. */
struct find { unsigned item; uint32_t tag; bool found, has_set; struct element el, set; };

static int find_in_item(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	struct find *f = arg;

	(void)o, (void)err;
	if (item == f->item && el->tag == f->tag) {
		f->el = *el;
		f->found = true;
	} else if (item == f->item && el->tag == TAG_CHARSET) {
		f->set = *el;
		f->has_set = true;
	}
	return RC_OK;
}

/* A sequence inside the item, such as a code. */
static int check_inner(struct verify *v, const struct plan_rule *r, const struct element *seq,
    const json_t *items,
    unsigned n, uint32_t tag, struct err *err)
{
	struct find f = { .item = n, .tag = tag };
	size_t i = 0;
	int rc = walk_items(v->now.o, seq, find_in_item, &f, err);

	if (rc == RC_OK && !f.found)
		return verify_wrong(err, r->tag, "has an item that is not the plan's");
	for (i = 0; rc == RC_OK && i < json_array_size(items); i++)
		rc = verify_item(v, r, &f.el, json_array_get(items, i), (unsigned)i, err);
	return rc;
}

/* The old item may have had a character set of its own. */
static int kept_says_same(struct verify *v, const struct find *was, const struct element *is, bool *same,
    struct err *err)
{
	const char *around = v->declared;
	char own[CHARSET_DECLARED_MAX];
	size_t n = 0;
	int rc = RC_OK;

	if (was->has_set && v->converted) {
		rc = walk_trimmed(v->old.o, &was->set, own, sizeof own, &n, err);
		v->declared = own;
	}
	if (rc == RC_OK)
		rc = verify_says_same(v, &was->el, is, 0, same, err);
	v->declared = around;
	return rc;
}

/* What was kept of the first item that stood there. */
static int check_kept(struct verify *v, const struct plan_rule *r, const struct element *seq, unsigned n,
    uint32_t tag,
    struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag);
	struct find was = { .tag = tag }, is = { .item = n, .tag = tag };
	bool same = false;
	int rc = x != NULL && x->length > 0 ? walk_items(v->old.o, x, find_in_item, &was, err) : RC_OK;

	if (rc == RC_OK)
		rc = walk_items(v->now.o, seq, find_in_item, &is, err);
	/* Out of a UN nothing is kept: it has no VR. */
	if (rc != RC_OK || (was.found && !is.found && was.el.vr[0] == '\0' &&
	    v->old.o->form != WALK_IMPLICIT_LE))
		return rc;
	if (was.found && is.found)
		rc = kept_says_same(v, &was, &is.el, &same, err);
	if (rc == RC_OK && (was.found != is.found || (is.found && !same)))
		rc = verify_wrong(err, r->tag, "does not keep what describes the image");
	return rc;
}

/* A value that the plan itself gives. */
static int check_given(struct verify *v, const struct plan_rule *r, const struct element *seq, unsigned n,
    uint32_t tag, const char *text, struct err *err)
{
	const struct dict_entry *d = dict_by_tag(tag);
	struct find f = { .item = n, .tag = tag };
	bool implicit = seq->vr[0] == '\0' || strcmp(seq->vr, "UN") == 0, same = false;
	int rc = walk_items(v->now.o, seq, find_in_item, &f, err);

	if (rc == RC_OK && (d == NULL || (!f.found && text[0] != '\0')))
		return verify_wrong(err, r->tag, "has an item that is not the plan's");
	if (rc == RC_OK)
		rc = verify_value(v, f.found ? &f.el : NULL, d->vr, text, implicit ? WALK_IMPLICIT_LE : v->now.o->form,
		    GIVEN_MAX, &same, err);
	return rc != RC_OK || same ? rc : verify_wrong(err, r->tag, "has an item that is not the plan's");
}

/* Has the item something that the plan does not say? */
struct more { unsigned item; const json_t *template; bool found; };

static int find_more(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct more *m = arg;
	char key[12];

	(void)o, (void)err;
	m->found |= item == m->item && json_object_get(m->template, plan_tag_text(el->tag, key)) == NULL;
	return RC_OK;
}

/* The texts of item n against those of the plan. Old values in Original Attributes are checked tag by tag. */
int verify_item(struct verify *v, const struct plan_rule *r, const struct element *seq,
    const json_t *template,
    unsigned n, struct err *err)
{
	struct more more = { n, template, false };
	const char *key = NULL;
	json_t *value = NULL;
	int rc = seq->length > 0 ? walk_items(v->now.o, seq, find_more, &more, err) : RC_OK;

	if (rc == RC_OK && more.found)
		rc = verify_wrong(err, r->tag, "has an item with more than the plan says");
	if (rc != RC_OK)
		return rc;
	json_object_foreach((json_t *)(uintptr_t)template, key, value) {
		char text[1024] = "", expected[1024] = "";
		const char *from = json_string_value(json_object_get(value, "old"));
		struct want w = { .item = n, .text = text, .cap = sizeof text, .declared = v->now.declared };
		uint32_t tag = 0;
		bool found = false;

		if (!plan_tag_parse(key, &w.tag))
			return err_set(err, ERR_DATA, "plan: an item with a key that is no tag");
		if (json_is_array(value) || json_is_true(json_object_get(value, "kept"))) {
			rc = json_is_array(value) ? check_inner(v, r, seq, value, n, w.tag, err)
			    : check_kept(v, r, seq, n, w.tag, err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		if (json_is_string(value)) {
			rc = check_given(v, r, seq, n, w.tag, json_string_value(value), err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		if (from != NULL && plan_tag_parse(from, &tag))
			rc = text_of(&v->old, v->declared, tag, expected, sizeof expected, &found, err);
		else
			continue;
		if (rc == RC_OK)
			rc = walk_items(v->now.o, seq, want_text, &w, err);
		if (rc == RC_OK && (expected[0] != '\0' || w.found) && strcmp(text, expected) != 0)
			rc = verify_wrong(err, r->tag, "has an item that is not the plan's");
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* A rule that may have nothing to append. An id is always on record, by who wrote it. */
static bool may_be_none(const struct verify *v, const struct plan_rule *r)
{
	const struct plan_rule *id = plan_rule_for(v->plan, TAG_PATIENT_ID);

	return r->foreign || strcmp(r->source, "irwf") != 0 || (r->tag == TAG_ORIGINAL && id != NULL &&
	    strcmp(id->source, "irwf") != 0);
}

/* Which of the new items is r's: they stand in the order of the rules. *none: it has appended nothing. */
static int appended_at(struct verify *v, const struct plan_rule *r, const struct element *y, unsigned first,
    unsigned end, unsigned *item, bool *none, struct err *err)
{
	size_t i = 0, left = 0;
	struct err ignored = { 0 };

	for (i = 0; i < v->plan->nrules; i++)
		left += v->plan->rules[i].tag == r->tag && v->plan->rules[i].op == PLAN_APPEND;
	for (i = 0, *item = first; i < v->plan->nrules; i++) {
		const struct plan_rule *q = &v->plan->rules[i];
		bool absent = false;

		if (q->tag != r->tag || q->op != PLAN_APPEND)
			continue;
		if (left > end - *item)
			absent = *item == end || (may_be_none(v, q) && verify_item(v, q, y, json_array_get(q->items, 0),
			    *item, &ignored) != RC_OK);
		if (q == r && absent && !may_be_none(v, r))
			return verify_wrong(err, r->tag, "has no new item");
		*none = absent;
		if (q == r)
			return RC_OK;
		*item += !absent;
		left--;
	}
	return err_set(err, ERR_INTERNAL, "a rule that is not in its plan");
}

/* What was appended: at most one item more for each rule on the tag, older ones as they were, with the values the plan
 * gives. */
int verify_append(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag), *y = walk_find(v->now.o, r->tag);
	struct items_seen before, after;
	unsigned rules = 0, added = 0, item = 0;
	size_t i = 0;
	bool same = true, none = false;
	int rc = verify_count(&v->old, x, &before, err);

	if (rc == RC_OK)
		rc = verify_count(&v->now, y, &after, err);
	if (rc != RC_OK)
		return rc;
	for (i = 0; i < v->plan->nrules; i++)
		rules += v->plan->rules[i].tag == r->tag && v->plan->rules[i].op == PLAN_APPEND;
	added = after.n > before.n ? after.n - before.n : 0;
	if (added > rules)	/* there were empty items at the end */
		added = rules;
	rc = appended_at(v, r, y, after.n - added, after.n, &item, &none, err);
	if (rc != RC_OK)
		return rc;
	if (none && added > 0)
		return RC_OK;
	if (none)	/* then nothing changed */
		return x == NULL ? y == NULL ? RC_OK : verify_wrong(err, r->tag, "was added, and no rule says so")
		    : y == NULL ? verify_wrong(err, r->tag, "is gone") : verify_unnamed(v, x, y, err);
	if (before.any) {
		rc = v->converted ? verify_says_same(v, x, y, before.n, &same, err)
		    : verify_bytes(v, v->old.o->data, x->value, v->now.o->data, y->value,
		    before.end - x->value, &same, err);
		if (rc == RC_OK && !same)
			return verify_wrong(err, r->tag, "has older items that changed");
	}
	return rc == RC_OK ? verify_item(v, r, y, json_array_get(r->items, 0), item, err) : rc;
}
