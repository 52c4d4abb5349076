/* A sequence in which rules with a path change elements: those have their values, everything else is as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "reconcile/value.h"
#include "reconcile/verify_impl.h"

#define VALUE_MAX	((size_t)4 << 20)
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)

struct seen { unsigned item; struct element el; };
struct list { struct seen *v; size_t n, cap; };

/* Where in the sequence: the steps down to it; the item of the last one is the one in hand. */
struct place { uint32_t top; struct edit_step path[PLAN_PATH_MAX]; size_t depth; };

static int bad(struct err *err, const struct place *p, const char *what)
{
	return err_set(err, ERR_DATA, "changed object is not as planned: (%04x,%04x) %s", TAG_GROUP(p->top),
	    p->top & 0xffff, what);
}

static int note(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct list *l = arg;

	(void)o;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct seen *v = cap <= WALK_ELEMENTS_MAX * 2 ? realloc(l->v, cap * sizeof *v) : NULL;

		if (v == NULL)
			return err_set(err, ERR_TEMP, "no memory to verify a sequence");
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct seen){ item, *el };
	return RC_OK;
}

/* Does r go through this place? More of it: the leaf is deeper, by the sequence `next` of the item. */
static bool through(const struct plan_rule *r, const struct place *p, uint32_t *next, bool *leaf)
{
	size_t i = 0;

	if (r->depth < p->depth || r->depth == 0)
		return false;
	for (i = 0; i < p->depth; i++) {
		if (r->path[i].tag != p->path[i].tag || r->path[i].item != p->path[i].item)
			return false;
	}
	*leaf = r->depth == p->depth;
	*next = *leaf ? r->leaf : r->path[p->depth].tag;
	return true;
}

/* The rule on tag here; deeper: one on something in it. */
static const struct plan_rule *rule_on(const struct verify *v, const struct place *p, uint32_t tag, bool *deeper)
{
	size_t i = 0;

	*deeper = false;
	for (i = 0; i < v->plan->nrules; i++) {
		uint32_t next = 0;
		bool leaf = false;

		if (!through(&v->plan->rules[i], p, &next, &leaf) || next != tag)
			continue;
		*deeper = !leaf;
		return &v->plan->rules[i];
	}
	return NULL;
}

static bool touched(const struct verify *v, const struct place *p, uint32_t group, bool any)
{
	size_t i = 0;

	for (i = 0; i < v->plan->nrules; i++) {
		uint32_t next = 0;
		bool leaf = false;

		if (through(&v->plan->rules[i], p, &next, &leaf) && (any || TAG_GROUP(next) == group))
			return true;
	}
	return false;
}

static const struct element *in_item(const struct list *l, unsigned item, uint32_t tag)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {	/* the first of the item; the walk shows items in their order */
		size_t mid = lo + (hi - lo) / 2;

		if (l->v[mid].item < item)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < l->n && l->v[lo].item == item; lo++) {
		if (l->v[lo].el.tag == tag)
			return &l->v[lo].el;
	}
	return NULL;
}

static int count(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	(void)o, (void)el, (void)err;
	*(size_t *)arg = item + 1;
	return RC_OK;
}

static int check_items(struct verify *v, const struct plan_rule *r, const struct place *p, const struct element *y,
    struct err *err)
{
	size_t n = 0, i = 0;
	int rc = y->length > 0 ? walk_items(v->now.o, y, count, &n, err) : RC_OK;

	if (rc == RC_OK && n != json_array_size(r->items))
		rc = bad(err, p, "does not have the planned items in its item");
	for (i = 0; rc == RC_OK && i < n; i++)
		rc = verify_item(v, r, y, json_array_get(r->items, i), (unsigned)i, err);
	return rc;
}

static int check_value(struct verify *v, const struct plan_rule *r, const struct place *p, const struct element *x,
    const struct element *y, bool implicit, struct err *err)
{
	bool same = false;
	int rc = RC_OK;

	if (y->vr[0] != '\0' && strcmp(y->vr, r->vr) != 0 && (x == NULL || strcmp(x->vr, y->vr) != 0))
		return bad(err, p, "has an element with another VR");
	rc = verify_value(v, y, r->vr, r->text, implicit ? WALK_IMPLICIT_LE : v->now.o->form, VALUE_MAX, &same, err);
	return rc != RC_OK || same ? rc : bad(err, p, "does not have the planned value in its item");
}

/* A group length in the item, of a group that changed. */
static int check_length(struct verify *v, const struct place *p, const struct list *l, size_t at, bool implicit,
    struct err *err)
{
	const struct element *el = &l->v[at].el;
	bool big = v->now.o->form == WALK_EXPLICIT_BE && !implicit;
	uint64_t sum = 0;
	uint8_t b[4] = { 0 };
	size_t n = 0, i = 0;
	uint32_t said = 0;
	int rc = RC_OK;

	if (el->length != sizeof b)
		return RC_OK;
	for (i = 0; i < l->n; i++) {
		if (i != at && l->v[i].item == l->v[at].item && TAG_GROUP(l->v[i].el.tag) == TAG_GROUP(el->tag))
			sum += l->v[i].el.end - l->v[i].el.off;
	}
	rc = walk_value(v->now.o, el, b, sizeof b, &n, err);
	said = big ? get_be32(b) : get_le32(b);
	return rc == RC_OK && said != sum ? bad(err, p, "has an item with a wrong group length") : rc;
}

static int compare(struct verify *, struct place *, const struct element *, const struct element *, bool implicit,
    struct err *);

/* The character set that an item says, or the one around it. */
static int declared_in(const struct object *o, const struct list *l, unsigned item, char *out, size_t cap,
    struct err *err)
{
	const struct element *el = in_item(l, item, TAG_CHARSET);
	size_t n = 0;

	return el != NULL ? walk_trimmed(o, el, out, cap, &n, err) : RC_OK;
}

/* One element that stands on both sides. */
static int check_both(struct verify *v, struct place *p, const struct element *x, const struct element *y,
    bool implicit, struct err *err)
{
	bool deeper = false, same = false;
	const struct plan_rule *r = rule_on(v, p, x->tag, &deeper);
	int rc = RC_OK;

	if (r != NULL && deeper) {
		p->path[p->depth++].tag = x->tag;
		rc = compare(v, p, x, y, implicit, err);
		p->depth--;
		return rc;
	}
	if (r != NULL && r->op == PLAN_REMOVE)
		return bad(err, p, "still has an element that goes");
	if (r != NULL)
		return r->items != NULL ? check_items(v, r, p, y, err) : check_value(v, r, p, x, y, implicit, err);
	if (x->tag == TAG_CHARSET && v->converted)
		return RC_OK;
	if (strcmp(x->vr, y->vr) != 0)
		return bad(err, p, "has an element with another VR, and no rule says so");
	rc = verify_says_same(v, x, y, 0, &same, err);
	return rc != RC_OK || same ? rc : bad(err, p, "changed by more than the rules say");
}

/* Both sides of one item, [*i, …) and [*j, …). */
static int check_pair(struct verify *v, struct place *p, const struct list *a, size_t *i, const struct list *b,
    size_t *j, bool implicit, struct err *err)
{
	const struct element *x = &a->v[*i].el, *y = &b->v[*j].el;
	unsigned item = *i < a->n ? a->v[*i].item : b->v[*j].item;
	const struct plan_rule *r = NULL;
	struct verify w = *v;
	char declared[sizeof w.now.declared];
	bool deeper = false;
	int rc = RC_OK;

	if (*j < b->n && b->v[*j].item < item)
		item = b->v[*j].item;
	if (*i >= a->n || a->v[*i].item != item)
		x = NULL;
	if (*j >= b->n || b->v[*j].item != item)
		y = NULL;
	if (p->depth > 0)
		p->path[p->depth - 1].item = item;
	text_copy(declared, sizeof declared, v->declared);
	rc = declared_in(v->old.o, a, item, declared, sizeof declared, err);
	if (rc == RC_OK)
		rc = declared_in(v->now.o, b, item, w.now.declared, sizeof w.now.declared, err);
	if (rc != RC_OK)
		return rc;
	w.declared = declared;
	if (x != NULL && y != NULL && x->tag == y->tag) {
		++*i, ++*j;
		if ((x->tag & 0xffff) == 0 && (v->converted || touched(v, p, TAG_GROUP(x->tag), false)))
			return touched(v, p, TAG_GROUP(x->tag), false) ? check_length(v, p, b, *j - 1, implicit, err)
			    : RC_OK;
		return check_both(&w, p, x, y, implicit, err);
	}
	/* Where they differ the one that a rule names came or went. */
	if (y != NULL && in_item(a, item, y->tag) == NULL) {
		++*j;
		r = rule_on(v, p, y->tag, &deeper);
		if (r == NULL || deeper || r->op != PLAN_SET)
			return bad(err, p, "has an element that came, and no rule says so");
		if (*j > 1 && b->v[*j - 2].item == item && b->v[*j - 2].el.tag > y->tag)
			return bad(err, p, "has a new element that is not in its place");
		return r->items != NULL ? check_items(&w, r, p, y, err)
		    : check_value(&w, r, p, NULL, y, implicit, err);
	}
	if (x == NULL)
		return bad(err, p, "has its elements in another order");
	++*i;
	r = rule_on(v, p, x->tag, &deeper);
	if (in_item(b, item, x->tag) != NULL || (!(r != NULL && !deeper && r->op == PLAN_REMOVE) &&
	    !(x->tag == TAG_SIGNATURES && (v->converted || touched(v, p, 0, true)))))
		return bad(err, p, "has lost an element, and no rule says so");
	return RC_OK;
}

/* What rules set stands there. */
static int check_there(const struct verify *v, const struct place *p, const struct list *b, struct err *err)
{
	size_t i = 0, k = 0;

	for (i = 0; i < v->plan->nrules; i++) {
		const struct plan_rule *r = &v->plan->rules[i];

		if (r->depth != p->depth || r->op != PLAN_SET)
			continue;
		for (k = 0; k + 1 < p->depth && r->path[k].tag == p->path[k].tag && r->path[k].item == p->path[k].item; k++)
			;
		if (k + 1 == p->depth && r->path[k].tag == p->path[k].tag && in_item(b, r->path[k].item,
		    r->leaf) == NULL)
			return bad(err, p, "lacks an element that a rule sets");
	}
	return RC_OK;
}

static int compare(struct verify *v, struct place *p, const struct element *x, const struct element *y, bool implicit,
    struct err *err)
{
	struct list a = { 0 }, b = { 0 };
	size_t i = 0, j = 0;
	int rc = RC_OK;

	if (strcmp(x->vr, y->vr) != 0 || (x->length == WALK_UNDEFINED) != (y->length == WALK_UNDEFINED))
		return bad(err, p, "is written in another way than it was");
	implicit |= x->vr[0] == '\0' || strcmp(x->vr, "UN") == 0;
	if (x->length != 0)
		rc = walk_items(v->old.o, x, note, &a, err);
	if (rc == RC_OK && y->length != 0)
		rc = walk_items(v->now.o, y, note, &b, err);
	while (rc == RC_OK && (i < a.n || j < b.n))
		rc = check_pair(v, p, &a, &i, &b, &j, implicit, err);
	if (rc == RC_OK)
		rc = check_there(v, p, &b, err);
	free(a.v);
	free(b.v);
	return rc;
}

int verify_nested(struct verify *v, uint32_t tag, struct err *err)
{
	const struct element *x = walk_find(v->old.o, tag), *y = walk_find(v->now.o, tag);
	struct place p = { .top = tag, .depth = 1 };

	p.path[0].tag = tag;
	if (x == NULL || y == NULL)
		return bad(err, &p, "is gone, or came, where only its items change");
	return compare(v, &p, x, y, false, err);
}
