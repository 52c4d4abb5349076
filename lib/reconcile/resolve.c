#include <stdlib.h>
#include <string.h>

#include "dicom/dict.h"
#include "reconcile/oldtext.h"
#include "reconcile/resolve_impl.h"
#include "reconcile/template.h"
#include "reconcile/value.h"

#define VALUE_MAX	((size_t)256 << 10)	/* of a value that is computed; value_check() refuses earlier */
#define TAG_CHARSET	TAG(0x0008, 0x0005)

int resolve_blame(const struct plan_rule *r, struct err *err)
{
	const struct dict_entry *d = dict_by_tag(r->depth > 0 ? r->leaf : r->tag);
	char tag[12];

	if (err->kind == ERR_CONFIG)	/* a plan that was made by no compiler */
		err->kind = ERR_DATA;
	if (err->kind != ERR_DATA)
		return err_rc(err->kind);
	plan_tag_text(r->depth > 0 ? r->leaf : r->tag, tag);
	return err_wrap(err, "%s%s%s%s", d != NULL && d->keyword[0] != '\0' ? d->keyword : tag,
	    r->from != NULL ? " (" : "", r->from != NULL ? r->from : "", r->from != NULL ? ")" : "");
}

static bool same_path(const struct plan_rule *r, const struct edit_step *path, size_t depth)
{
	size_t i = 0;

	for (i = 0; i < depth && r->path[i].tag == path[i].tag && r->path[i].item == path[i].item; i++)
		;
	return i == depth;
}

struct plan_rule *resolve_find(struct resolve *re, uint32_t tag, const struct edit_step *path, size_t depth,
    uint32_t leaf)
{
	size_t i = 0;

	for (i = 0; i < re->out->nrules; i++) {
		struct plan_rule *r = &re->out->rules[i];

		if (r->tag == tag && r->op != PLAN_APPEND && r->op != PLAN_CONVERT && r->depth == depth &&
		    (depth == 0 || (r->leaf == leaf && same_path(r, path, depth))))
			return r;
	}
	return NULL;
}

static int add(struct resolve *re, struct plan_rule **out, struct err *err)
{
	struct plan *p = re->out;

	if (p->nrules == re->cap) {
		size_t cap = re->cap ? re->cap * 2 : 64;
		struct plan_rule *v = realloc(p->rules, cap * sizeof *v);

		if (v == NULL)
			return err_set(err, ERR_TEMP, "no memory to apply a plan");
		p->rules = v;
		re->cap = cap;
	}
	*out = &p->rules[p->nrules++];
	return RC_OK;
}

/* Rules inside of what is replaced as a whole. */
static void drop_inside(struct resolve *re, uint32_t tag, const struct edit_step *path, size_t depth, uint32_t leaf)
{
	size_t i = 0, n = 0;

	for (i = 0; i < re->out->nrules; i++) {
		const struct plan_rule *r = &re->out->rules[i];

		if (!(r->tag == tag && r->depth > depth && same_path(r, path, depth) && (depth == 0 ||
		    r->path[depth].tag == leaf)))
			re->out->rules[n++] = *r;
	}
	re->out->nrules = n;
}

static int keep_text(struct plan *p, const char *text, const char **kept, struct err *err)
{
	char **v = realloc(p->texts, (p->ntexts + 1) * sizeof *v);

	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory to apply a plan");
	p->texts = v;
	v[p->ntexts] = strdup(text);
	if (v[p->ntexts] == NULL)
		return err_set(err, ERR_TEMP, "no memory to apply a plan");
	*kept = v[p->ntexts++];
	return RC_OK;
}

int resolve_put(struct resolve *re, const struct plan_rule *r, size_t depth, uint32_t leaf, enum plan_op op,
    const char *text, json_t *items, struct err *err)
{
	struct plan_rule *to = NULL;
	const char *kept = NULL;
	int rc = RC_OK;

	if (items != NULL && json_array_append_new(re->out->doc, items) != 0)
		return err_set(err, ERR_TEMP, "no memory to apply a plan");
	if (text != NULL)
		rc = keep_text(re->out, text, &kept, err);
	if (rc != RC_OK)
		return rc;
	drop_inside(re, r->tag, r->path, depth, leaf);
	to = resolve_find(re, r->tag, r->path, depth, leaf);
	if (to == NULL && (rc = add(re, &to, err)) != RC_OK)
		return rc;
	*to = (struct plan_rule){ .tag = r->tag, .op = op, .text = kept, .items = items, .source = r->source,
		.depth = depth, .leaf = leaf, .from = r->from };
	memcpy(to->path, r->path, sizeof to->path);
	memcpy(to->vr, items != NULL ? "SQ" : r->vr, sizeof to->vr);
	return RC_OK;
}

static int old_top(struct resolve *re, uint32_t tag, const char *vr, struct buf *b, struct err *err)
{
	const struct element *el = walk_find(re->o, tag);

	return el == NULL || el->length == 0 ? RC_OK : oldtext(re->o, el, vr, re->declared,
	    TAG_GROUP(tag) == 2 ? WALK_EXPLICIT_LE : re->o->form, b, err);
}

int resolve_hole(void *arg, const char *name, struct buf *b, struct err *err)
{
	struct resolve *re = arg;
	const struct dict_entry *d = dict_by_keyword(name);
	int rc = d == NULL ? err_set(err, ERR_DATA, "has a template that is no keyword")
	    : old_top(re, d->tag, d->vr, b, err);

	return rc != RC_OK && d != NULL ? err_wrap(err, "the old value of %s", d->keyword) : rc;
}

int resolve_value(struct resolve *re, const struct plan_rule *r, bool *done, struct err *err)
{
	struct template_use use = { .hole = resolve_hole, .arg = re };
	int rc = buf_add(&re->now, "", 0, err);

	*done = false;
	buf_clear(&re->next);
	if (rc == RC_OK)
		rc = buf_add(&re->next, "", 0, err);
	if (rc != RC_OK)
		return rc;
	if (r->op == PLAN_EDIT) {
		if (re->now.len == 0)
			return RC_OK;
		rc = resolve_edit(re, r, err);
		if (rc == RC_OK && re->next.len == re->now.len && memcmp(re->next.data, re->now.data,
		    re->now.len) == 0)
			return RC_OK;
	} else {
		if (r->if_empty && re->now.len > 0)
			return RC_OK;
		rc = r->template ? template_expand(r->text, &use, &re->next, err) : buf_puts(&re->next, r->text, err);
	}
	if (rc == RC_OK)
		rc = value_check(r->vr, re->next.data, err);
	*done = rc == RC_OK;
	return rc;
}

static int holds(struct resolve *re, const struct plan_if *f, bool *yes, struct err *err)
{
	size_t i = 0, k = 0;
	int rc = RC_OK;

	*yes = f == NULL || re->known[f->number] != 'n';
	if (f == NULL || re->known[f->number] != 0)
		return RC_OK;
	for (i = 0; rc == RC_OK && *yes && i < f->n; i++) {
		const struct plan_condition *c = &f->v[i];
		const struct dict_entry *d = dict_by_tag(c->tag);
		regmatch_t at[PATTERN_GROUPS_MAX + 1];
		bool found = false;
		char *s = NULL, *end = NULL;

		buf_clear(&re->now);
		rc = buf_add(&re->now, "", 0, err);
		if (rc == RC_OK)
			rc = old_top(re, c->tag, d != NULL ? d->vr : "UN", &re->now, err);
		if (rc != RC_OK)
			return err_wrap(err, "the condition on %s", d != NULL ? d->keyword : "an attribute");
		if (c->pattern != NULL) {
			rc = pattern_match(c->pattern, re->now.data, false, at, yes, err);
			continue;
		}
		for (s = re->now.data; s != NULL; s = end != NULL ? end + 1 : NULL) {
			end = strchr(s, '\\');
			if (end != NULL)
				*end = '\0';
			for (k = 0; k < json_array_size(c->values); k++)
				found |= strcmp(json_string_value(json_array_get(c->values, k)), s) == 0;
		}
		*yes = found != c->not;
	}
	re->known[f->number] = *yes ? 'y' : 'n';
	return rc;
}

static int top(struct resolve *re, const struct plan_rule *r, struct err *err)
{
	const struct plan_rule *is = resolve_find(re, r->tag, NULL, 0, 0);
	bool done = false;
	int rc = RC_OK;

	if (r->items != NULL)
		return resolve_put(re, r, 0, 0, r->op, NULL, json_incref((json_t *)(uintptr_t)r->items), err);
	if (r->op == PLAN_EMPTY || r->op == PLAN_REMOVE)
		return resolve_put(re, r, 0, 0, r->op, NULL, NULL, err);
	buf_clear(&re->now);
	if (r->op == PLAN_EDIT || r->if_empty) {
		if (is == NULL)
			rc = old_top(re, r->tag, r->vr, &re->now, err);
		else if (is->op == PLAN_SET && is->text != NULL)
			rc = buf_puts(&re->now, is->text, err);
	}
	if (rc == RC_OK)
		rc = resolve_value(re, r, &done, err);
	return rc == RC_OK && done ? resolve_put(re, r, 0, 0, PLAN_SET, re->next.data, NULL, err) : rc;
}

static int one(struct resolve *re, const struct plan_rule *rule, struct err *err)
{
	struct plan_rule r = *rule, *to = NULL;
	bool yes = true, none = false;
	int rc = RC_OK;

	if (r.op == PLAN_APPEND || r.op == PLAN_CONVERT) {
		rc = add(re, &to, err);
		if (rc == RC_OK)
			*to = r;
		return rc;
	}
	rc = holds(re, r.only, &yes, err);
	if (rc == RC_OK && yes && r.creator != NULL)
		rc = resolve_private(re, &r, &none, err);
	if (rc == RC_OK && yes && !none)
		rc = r.depth > 0 ? resolve_nested(re, &r, err) : top(re, &r, err);
	return rc == RC_OK ? rc : resolve_blame(&r, err);
}

/* Elements that are added to one item are wanted in their order. */
static int by_path(const void *a, const void *b)
{
	const struct plan_rule *x = a, *y = b;
	size_t i = 0;

	if (x->depth == 0 || y->depth == 0)
		return (x->depth > 0) - (y->depth > 0);
	for (i = 0; i < x->depth && i < y->depth; i++) {
		if (x->path[i].tag != y->path[i].tag)
			return x->path[i].tag < y->path[i].tag ? -1 : 1;
		if (x->path[i].item != y->path[i].item)
			return x->path[i].item < y->path[i].item ? -1 : 1;
	}
	if (x->depth != y->depth) {
		uint32_t p = i < x->depth ? x->path[i].tag : x->leaf, q = i < y->depth ? y->path[i].tag : y->leaf;

		return p < q ? -1 : p > q;
	}
	return x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

static void sort_nested(struct plan *p)
{
	size_t i = 0, k = 0;

	for (i = 1; i < p->nrules; i++) {	/* stable: rules of the top level stay as they are */
		struct plan_rule r = p->rules[i];

		for (k = i; k > 0 && by_path(&p->rules[k - 1], &r) > 0; k--)
			p->rules[k] = p->rules[k - 1];
		p->rules[k] = r;
	}
}

int plan_resolve(const struct plan *p, const struct object *o, struct plan **out, struct err *err)
{
	struct resolve re = { .plan = p, .o = o, .now = BUF_INIT(VALUE_MAX), .next = BUF_INIT(VALUE_MAX) };
	const struct plan_rule *charset = plan_rule_for(p, TAG_CHARSET);
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	if (!p->resolve)
		return RC_OK;
	re.out = calloc(1, sizeof *re.out);
	re.known = calloc(p->nifs + 1, 1);
	if (re.out == NULL || re.known == NULL || (re.out->doc = json_array()) == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to apply a plan");
	if (rc == RC_OK)
		rc = walk_text(o, TAG_CHARSET, re.declared, sizeof re.declared, NULL, err);
	if (rc == RC_OK && charset != NULL && charset->text != NULL) {
		if (strlen(charset->text) >= sizeof re.declared)
			rc = err_set(err, ERR_DATA, "plan: a character set with a long name");
		else
			memcpy(re.declared, charset->text, strlen(charset->text) + 1);
	}
	for (i = 0; rc == RC_OK && i < p->nrules; i++)
		rc = one(&re, &p->rules[i], err);
	if (rc == RC_OK) {
		sort_nested(re.out);
		re.out->may_convert = p->may_convert;
	}
	free(re.known);
	buf_free(&re.now);
	buf_free(&re.next);
	if (rc == RC_OK)
		*out = re.out;
	else
		plan_free(re.out);
	return rc;
}
