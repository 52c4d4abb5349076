/* From the document to rules: whoever wrote it, nothing that must stay is touched. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "reconcile/plan.h"
#include "reconcile/value.h"

#define WHERE		"plan"
#define CONDITIONS_MAX	16	/* of one rule */
#define ITEM_MAX	9999	/* number of an item in a path */
#define TAG_CHARSET	TAG(0x0008, 0x0005)

struct load { struct plan *plan; size_t patterns; };

bool plan_path_parse(const char *s, struct edit_step steps[PLAN_PATH_MAX], size_t *depth, uint32_t *leaf)
{
	char tag[12];

	for (*depth = 0; text_copyn(tag, sizeof tag, s, strlen(s) < 11 ? strlen(s) : 11); ++*depth) {
		uint64_t item = 0;
		char number[8] = "";
		const char *end = NULL;

		if (!plan_tag_parse(tag, leaf))
			return false;
		s += 11;
		if (*s == '\0')
			return *depth > 0;
		end = *s == '[' ? strchr(s, ']') : NULL;
		if (end == NULL || end[1] != '.' || *depth == PLAN_PATH_MAX ||
		    !text_copyn(number, sizeof number, s + 1, (size_t)(end - s - 1)) ||
		    !text_u64(number, ITEM_MAX, &item))
			return false;
		steps[*depth] = (struct edit_step){ *leaf, (unsigned)item };
		s = end + 2;
	}
	return false;
}

static int open_pattern(struct load *l, struct pattern **out, const char *re, const char *flags, struct err *err)
{
	if (re == NULL || ++l->patterns > PLAN_PATTERNS_MAX)
		return err_set(err, ERR_DATA, re == NULL ? "plan: a pattern is missing" : "plan: more than %d patterns",
		    PLAN_PATTERNS_MAX);
	return pattern_open(out, re, flags != NULL && strchr(flags, 'i') != NULL, err) == RC_OK ? RC_OK
	    : err_set(err, ERR_DATA, "plan: a pattern that is refused");
}

static int load_condition(struct load *l, const json_t *j, struct plan_condition *c, struct err *err)
{
	const char *tag = json_string_value(json_object_get(j, "tag"));
	const json_t *values = json_object_get(j, "is"), *v = NULL;
	size_t i = 0;

	if (tag == NULL || !plan_tag_parse(tag, &c->tag))
		return err_set(err, ERR_DATA, "plan: a condition without a tag");
	c->not = values == NULL && (values = json_object_get(j, "not")) != NULL;
	if (values == NULL)
		return open_pattern(l, &c->pattern, json_string_value(json_object_get(j, "match")),
		    json_string_value(json_object_get(j, "flags")), err);
	c->values = values;
	for (i = 0; i < json_array_size(values) && json_is_string(v = json_array_get(values, i)); i++)
		;
	return i > 0 && i == json_array_size(values) ? RC_OK
	    : err_set(err, ERR_DATA, "plan: a condition without values");
}

static int load_if(struct load *l, const json_t *doc, const struct plan_if **out, struct err *err)
{
	struct plan_if *f = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	if (doc == NULL)
		return RC_OK;
	for (f = l->plan->ifs; f != NULL; f = f->next) {
		if (json_equal(f->doc, doc)) {
			*out = f;
			return RC_OK;
		}
	}
	if (!json_is_array(doc) || json_array_size(doc) > CONDITIONS_MAX)
		return err_set(err, ERR_DATA, "plan: conditions that are none, or more than %d", CONDITIONS_MAX);
	f = calloc(1, sizeof *f);
	if (f == NULL || (f->v = calloc(json_array_size(doc) + 1, sizeof *f->v)) == NULL) {
		free(f);
		return err_set(err, ERR_TEMP, "no memory for a plan");
	}
	f->doc = doc;
	f->n = json_array_size(doc);
	f->number = l->plan->nifs++;
	f->next = l->plan->ifs;
	l->plan->ifs = f;
	for (i = 0; rc == RC_OK && i < f->n; i++)
		rc = load_condition(l, json_array_get(doc, i), &f->v[i], err);
	*out = f;
	return rc;
}

/* Which element it is about, and is it one that may change? */
static int load_target(const json_t *j, struct plan_rule *r, struct err *err)
{
	const char *tag = NULL, *path = NULL, *vr = NULL;
	const struct dict_entry *d = NULL;
	size_t i = 0;
	int rc = json_get_str(j, WHERE, "tag", &tag, err);

	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "path", &path, err);
	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "creator", &r->creator, err);
	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "vr", &vr, err);
	if (rc != RC_OK)
		return rc;
	if (tag == NULL || !plan_tag_parse(tag, &r->tag))
		return err_set(err, ERR_DATA, "plan: a rule without tag, op or source");
	if (path != NULL && (!plan_path_parse(path, r->path, &r->depth, &r->leaf) || r->path[0].tag != r->tag))
		return err_set(err, ERR_DATA, "plan: a path on %s that leads nowhere", tag);
	if (r->creator != NULL) {
		if ((TAG_GROUP(r->tag) & 1) == 0 || (r->tag & 0xffff) > 0xff || r->depth > 0 || vr == NULL ||
		    (!value_settable(vr) && strcmp(vr, "UN") != 0) || value_check("LO", r->creator, err) != RC_OK ||
		    r->creator[0] == '\0' || TAG_GROUP(r->tag) < 9)
			return err_set(err, ERR_DATA, "plan: %s is no private element of a creator", tag);
		return text_copy(r->vr, sizeof r->vr, vr) ? RC_OK : err_set(err, ERR_DATA, "plan: a VR of %s", tag);
	}
	for (i = 0; i < r->depth; i++) {
		d = dict_by_tag(r->path[i].tag);
		if (d == NULL || strcmp(d->vr, "SQ") != 0 || plan_reserved(r->path[i].tag) ||
		    plan_untouchable(r->path[i].tag))
			return err_set(err, ERR_DATA, "plan: a path through %s that is not allowed", tag);
	}
	d = dict_by_tag(r->depth > 0 ? r->leaf : r->tag);
	if (d == NULL || plan_untouchable(d->tag) || (r->depth > 0 && plan_reserved(r->leaf)))
		return err_set(err, ERR_DATA, "plan: a rule that is not allowed on %s", tag);
	text_copy(r->vr, sizeof r->vr, d->vr);
	return RC_OK;
}

/* What the rules of a map may have besides. */
static int load_map(struct load *l, const json_t *j, struct plan_rule *r, struct err *err)
{
	const char *template = NULL, *re = NULL, *flags = NULL;
	int rc = json_get_str(j, WHERE, "template", &template, err);

	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "from", &r->from, err);
	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "re", &re, err);
	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "flags", &flags, err);
	if (rc == RC_OK)
		rc = load_if(l, json_object_get(j, "if"), &r->only, err);
	if (rc != RC_OK)
		return rc;
	if (template != NULL && r->op == PLAN_SET && r->text == NULL && r->items == NULL) {
		r->text = template;
		r->template = true;
	}
	if (r->op == PLAN_EDIT) {
		r->all = flags != NULL && strchr(flags, 'g') != NULL;
		rc = open_pattern(l, &r->pattern, re, flags, err);
	}
	if (rc == RC_OK && strcmp(r->source, "map") != 0 && (r->only != NULL || r->template || r->op == PLAN_EDIT ||
	    r->if_empty || r->depth > 0 || r->creator != NULL))
		rc = err_set(err, ERR_DATA, "plan: a rule that only a map may have");
	if (rc == RC_OK && strcmp(r->source, "map") == 0 && (r->op == PLAN_CONVERT || plan_reserved(r->tag)) &&
	    r->op != PLAN_APPEND)
		rc = err_set(err, ERR_DATA, "plan: a rule that no map may have");
	l->plan->resolve |= strcmp(r->source, "map") == 0 && r->op != PLAN_APPEND;
	return rc;
}

static int load_value(const json_t *j, struct plan_rule *r, struct err *err)
{
	const json_t *value = json_object_get(j, "new");
	const char *when = NULL, *declared = NULL;
	int rc = json_get_str(j, WHERE, "when", &when, err);

	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "declared", &declared, err);
	if (rc != RC_OK)
		return rc;
	r->foreign = when != NULL && strcmp(when, "foreign") == 0;
	r->if_empty = when != NULL && strcmp(when, "empty") == 0;
	if (when != NULL && (r->foreign ? r->op != PLAN_APPEND : !r->if_empty || r->op != PLAN_SET))
		return err_set(err, ERR_DATA, "plan: a rule with a \"when\" that is not understood");
	if (r->op == PLAN_CONVERT)
		r->text = declared;
	else if (strcmp(r->vr, "SQ") == 0)
		r->items = json_is_array(value) ? value : NULL;
	else
		r->text = json_string_value(value);
	return RC_OK;
}

static int load_rule(struct load *l, const json_t *j, struct plan_rule *r, struct err *err)
{
	static const struct { const char *name; enum plan_op op; } ops[] = {
		{ "set", PLAN_SET }, { "empty", PLAN_EMPTY }, { "remove", PLAN_REMOVE },
		{ "append", PLAN_APPEND }, { "convert", PLAN_CONVERT }, { "edit", PLAN_EDIT },
	};
	const char *op = NULL;
	char tag[12];
	size_t i = 0;
	int rc = load_target(j, r, err);

	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "op", &op, err);
	if (rc == RC_OK)
		rc = json_get_str(j, WHERE, "rule", &r->source, err);
	if (rc != RC_OK)
		return rc;
	if (op == NULL || r->source == NULL)
		return err_set(err, ERR_DATA, "plan: a rule without tag, op or source");
	plan_tag_text(r->tag, tag);
	for (i = 0; i < sizeof ops / sizeof ops[0] && strcmp(ops[i].name, op) != 0; i++)
		;
	if (i == sizeof ops / sizeof ops[0])
		return err_set(err, ERR_DATA, "plan: a rule that is not allowed on %s", tag);
	r->op = ops[i].op;
	if ((r->tag == TAG_CHARSET) != (r->op == PLAN_CONVERT))
		return err_set(err, ERR_DATA, "plan: %s changes by conversion only", tag);
	rc = load_value(j, r, err);
	if (rc == RC_OK)
		rc = load_map(l, j, r, err);
	if (rc != RC_OK)
		return rc;
	if (((r->op == PLAN_SET || r->op == PLAN_EDIT) && r->items == NULL && r->text == NULL) ||
	    (r->op == PLAN_EDIT && !value_settable(r->vr)) || (r->op == PLAN_APPEND && r->items == NULL))
		return err_set(err, ERR_DATA, "plan: a rule on %s without a new value", tag);
	if (r->op == PLAN_SET && r->text != NULL && !r->template)
		return value_check(r->vr, r->text, err);
	return RC_OK;
}

int plan_load(struct plan **out, const json_t *doc, struct err *err)
{
	struct plan *p = calloc(1, sizeof *p);
	struct load l = { .plan = p };
	json_t *rules = NULL;
	long long v = 0;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	if (p == NULL)
		return err_set(err, ERR_TEMP, "no memory for a plan");
	p->doc = json_incref((json_t *)(uintptr_t)doc);
	rc = json_get_int(doc, WHERE, "v", 0, &v, err);
	if (rc == RC_OK && v != PLAN_VERSION)
		rc = err_set(err, ERR_DATA, "plan of version %lld, this is %d", v, PLAN_VERSION);
	if (rc == RC_OK)
		rc = json_get_arr(doc, WHERE, "rules", &rules, err);
	if (rc == RC_OK && (rules == NULL || json_array_size(rules) > PLAN_RULES_MAX))
		rc = err_set(err, ERR_DATA, "plan without rules, or with more than %d", PLAN_RULES_MAX);
	if (rc != RC_OK)
		goto out;
	p->nrules = json_array_size(rules);
	p->rules = calloc(p->nrules + 1, sizeof *p->rules);
	if (p->rules == NULL) {
		p->nrules = 0;
		rc = err_set(err, ERR_TEMP, "no memory for a plan");
	}
	for (i = 0; rc == RC_OK && i < p->nrules; i++) {
		rc = load_rule(&l, json_array_get(rules, i), &p->rules[i], err);
		p->may_convert |= p->rules[i].op == PLAN_CONVERT;
	}
out:
	if (rc != RC_OK)
		plan_free(p);
	else
		*out = p;
	return rc;
}

void plan_free(struct plan *p)
{
	size_t i = 0, k = 0;

	if (p == NULL)
		return;
	for (i = 0; i < p->nrules; i++)
		pattern_close(p->rules[i].pattern);
	while (p->ifs != NULL) {
		struct plan_if *f = p->ifs;

		p->ifs = f->next;
		for (k = 0; k < f->n; k++)
			pattern_close(f->v[k].pattern);
		free(f->v);
		free(f);
	}
	for (i = 0; i < p->ntexts; i++)
		free(p->texts[i]);
	free(p->texts);
	json_decref(p->doc);
	free(p->rules);
	free(p);
}

const struct plan_rule *plan_rule_for(const struct plan *p, uint32_t tag)
{
	size_t i = 0;

	for (i = 0; i < p->nrules; i++) {
		if (p->rules[i].tag == tag)
			return &p->rules[i];
	}
	return NULL;
}

void plan_prepare(void *unused)
{
	struct err ignored;

	charset_prepare(unused);
	(void)pattern_prepare(&ignored);
}
