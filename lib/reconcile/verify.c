#include <stdlib.h>
#include <string.h>

#include "reconcile/resolve.h"
#include "reconcile/value.h"
#include "reconcile/verify.h"
#include "reconcile/verify_impl.h"

#define VALUE_MAX	((size_t)4 << 20)	/* of a text that is decoded */
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_ORIGINAL	TAG(0x0400, 0x0561)
#define TAG_MODIFIED	TAG(0x0400, 0x0550)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)
#define UTF8		"ISO_IR 192"

int verify_wrong(struct err *err, uint32_t tag, const char *what)
{
	return err_set(err, ERR_DATA, "changed object is not as planned: (%04x,%04x) %s", TAG_GROUP(tag),
	    tag & 0xffff, what);
}

/* No rule names it. */
int verify_unnamed(struct verify *v, const struct element *x, const struct element *y, struct err *err)
{
	bool same = false;
	int rc = RC_OK;

	if (strcmp(x->vr, y->vr) != 0)
		return verify_wrong(err, x->tag, "has another VR, and no rule says so");
	rc = verify_says_same(v, x, y, 0, &same, err);
	return rc != RC_OK || same ? rc : verify_wrong(err, x->tag, v->converted
	    ? "changed by more than its character set"
	    : "changed, and no rule says so");
}

/* Is the old value of tag, as it was, in the new items of Original Attributes? */
struct record { struct verify *v; unsigned from; const struct element *old; bool found, same; };

static int record_inner(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	struct record *r = arg;

	(void)o;
	if (item != 0 || el->tag != r->old->tag)
		return RC_OK;
	r->found = true;
	return verify_says_same(r->v, r->old, el, 0, &r->same, err);
}

static int record_item(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
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
	struct record r = { .v = v, .old = walk_find(v->old.o, tag) };
	int rc = verify_count(&v->old, x, &before, err);

	r.from = before.n;
	if (rc == RC_OK && y != NULL)
		rc = walk_items(v->now.o, y, record_item, &r, err);
	if (rc == RC_OK && !r.same)
		rc = verify_wrong(err, tag, r.found ? "has another old value in Original Attributes than it had"
		    : "changed without a record in Original Attributes");
	return rc;
}

int verify_value(struct verify *v, const struct element *el, const char *vr, const char *text, enum walk_form form,
    size_t max, bool *same, struct err *err)
{
	struct buf want = BUF_INIT(max), have = BUF_INIT(max);
	size_t n = 0;
	int rc = value_encode(vr, text, v->now.declared, form, &want, err);

	if (rc == RC_OK && el != NULL) {
		rc = buf_grow(&have, (size_t)el->length + 1, err);
		if (rc == RC_OK)
			rc = walk_value(v->now.o, el, have.data, el->length, &n, err);
	}
	while (rc == RC_OK && n > want.len && (have.data[n - 1] == ' ' || have.data[n - 1] == '\0'))
		n--;
	*same = rc == RC_OK && n == want.len && (n == 0 || memcmp(have.data, want.data, n) == 0);
	buf_free(&want);
	buf_free(&have);
	return rc;
}

static int check_set(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag), *y = walk_find(v->now.o, r->tag);
	bool same = false;
	int rc = RC_OK;

	if (y == NULL)
		return verify_wrong(err, r->tag, "is missing");
	if (y->vr[0] != '\0' && strcmp(y->vr, r->vr) != 0 && (x == NULL || strcmp(x->vr, y->vr) != 0))
		return verify_wrong(err, r->tag, "has another VR");
	rc = verify_value(v, y, r->vr, r->text, v->now.o->form, VALUE_MAX, &same, err);
	return rc != RC_OK || same ? rc : verify_wrong(err, r->tag, "does not have the planned value");
}

static int check_rule(struct verify *v, const struct plan_rule *r, struct err *err)
{
	const struct element *x = walk_find(v->old.o, r->tag), *y = walk_find(v->now.o, r->tag);
	struct items_seen seen;
	bool same = false;
	size_t i = 0;
	int rc = RC_OK;

	if (r->depth > 0) {
		/* once for all rules in the sequence */
		if (r == plan_rule_for(v->plan, r->tag))
			rc = verify_nested(v, r->tag, err);
	} else switch (r->op) {
	case PLAN_SET:
		if (r->items == NULL) {
			rc = check_set(v, r, err);
			break;
		}
		rc = verify_count(&v->now, y, &seen, err);
		if (rc == RC_OK && seen.n != 0 && seen.n != json_array_size(r->items))
			rc = verify_wrong(err, r->tag, "does not have the planned items");
		for (i = 0; rc == RC_OK && i < json_array_size(r->items); i++)
			rc = y == NULL ? RC_OK : verify_item(v, r, y, json_array_get(r->items, i),
			    (unsigned)i, err);
		break;
	case PLAN_EMPTY:
		if (y != NULL && y->length != 0)
			rc = verify_wrong(err, r->tag, "is not empty");
		break;
	case PLAN_REMOVE:
		if (y != NULL)
			rc = verify_wrong(err, r->tag, "is still there");
		break;
	case PLAN_APPEND:
		return verify_append(v, r, err);
	case PLAN_CONVERT:
	case PLAN_EDIT:
		return RC_OK;
	}
	if (rc != RC_OK || x == NULL)
		return rc;
	if (y != NULL)
		rc = verify_says_same(v, x, y, 0, &same, err);
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
		if (!both && y != NULL && plan_rule_for(v->plan, y->tag) != NULL && walk_find(a,
		    y->tag) == NULL)
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
				rc = verify_wrong(err, tag, "changed without a conversion");
		} else if ((tag & 0xffff) == 0 && group_changed(v, TAG_GROUP(tag))) {
			continue;
		} else if (both) {
			rc = verify_unnamed(v, x, y, err);
		} else if (tag != TAG_SIGNATURES || x == NULL) {
			rc = verify_wrong(err, tag, x == NULL ? "was added, and no rule says so"
			    : "is gone, and no rule says so");
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

		const struct element *x = walk_find(v->old.o, o->top[i].tag);
		bool same = false;

		if ((o->top[i].tag & 0xffff) != 0 || !group_changed(v, TAG_GROUP(o->top[i].tag)))
			continue;
		if (x != NULL && v->converted && (rc = verify_element(v, x, &o->top[i], &same,
		    err)) == RC_OK && same)
			continue;	/* nothing in it was converted */
		for (j = 0; j < o->ntop; j++) {
			if (j != i && TAG_GROUP(o->top[j].tag) == TAG_GROUP(o->top[i].tag))
				length += o->top[j].end - o->top[j].off;
		}
		rc = walk_number(o, o->top[i].tag, &said, &found, err);
		if (rc == RC_OK && found && (uint64_t)said != length)
			rc = verify_wrong(err, o->top[i].tag, "is not the length of its group");
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
		rc = verify_bytes(v, v->old.o->file, start, v->now.o->file, start, n - start, &same, err);
	if (rc == RC_OK && !same)
		return err_set(err, ERR_DATA, "changed object is not as planned: its meta header differs");
	if (rc != RC_OK || start == 0)
		return rc;
	rc = verify_bytes(v, v->old.o->file, 0, v->now.o->file, 0, start, &same, err);
	if (rc == RC_OK && !same) {
		rc = stream_read_full(v->now.o->file, 0, v->a, start, err);
		if (rc == RC_OK && memcmp(v->a, zeros, start) != 0)
			rc = err_set(err, ERR_DATA,
			    "changed object is not as planned: its preamble is neither old nor zero");
	}
	return rc;
}

int plan_verify_loaded(const struct plan *plan, struct stream *original, struct stream *changed, struct err *err)
{
	struct plan *own = NULL;
	struct verify v = { .plan = plan };
	const struct plan_rule *charset = NULL;
	size_t i = 0;
	int rc = RC_OK;

	if ((v.a = malloc(VERIFY_STEP)) == NULL || (v.b = malloc(VERIFY_STEP)) == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to verify an object");
	if (rc == RC_OK)
		rc = walk_open(&v.old.o, original, err);
	if (rc == RC_OK && (rc = walk_open(&v.now.o, changed, err)) != RC_OK)
		err_wrap(err, "changed object");
	if (rc == RC_OK)
		rc = walk_text(v.old.o, TAG_CHARSET, v.old.declared, sizeof v.old.declared, NULL, err);
	if (rc == RC_OK)
		rc = walk_text(v.now.o, TAG_CHARSET, v.now.declared, sizeof v.now.declared, NULL, err);
	if (rc == RC_OK)
		rc = plan_resolve(plan, v.old.o, &own, err);
	if (rc != RC_OK)
		goto out;
	if (own != NULL)
		v.plan = own;
	charset = plan_rule_for(plan, TAG_CHARSET);
	v.declared = charset != NULL && charset->text != NULL ? charset->text : v.old.declared;
	/* declared as UTF-8 all is converted only where the operator says so: items may have sets of their own */
	v.converted = charset != NULL && strcmp(v.now.declared, UTF8) == 0 &&
	    (charset->text != NULL || strcmp(v.declared, UTF8) != 0);
	if (v.old.o->form != v.now.o->form || strcmp(v.old.o->transfer_syntax, v.now.o->transfer_syntax) != 0)
		rc = err_set(err, ERR_DATA, "changed object is not as planned: its transfer syntax differs");
	if (rc == RC_OK)
		rc = check_head(&v, err);
	if (rc == RC_OK)
		rc = check_all(&v, err);
	for (i = 0; rc == RC_OK && i < v.plan->nrules; i++)
		rc = check_rule(&v, &v.plan->rules[i], err);
	if (rc == RC_OK)
		rc = check_group_lengths(&v, err);
out:
	walk_close(v.old.o);
	walk_close(v.now.o);
	plan_free(own);
	free(v.a);
	free(v.b);
	return rc;
}

int plan_verify(const json_t *doc, struct stream *original, struct stream *changed, struct err *err)
{
	struct plan *plan = NULL;
	int rc = plan_load(&plan, doc, err);

	if (rc == RC_OK)
		rc = plan_verify_loaded(plan, original, changed, err);
	plan_free(plan);
	return rc;
}
