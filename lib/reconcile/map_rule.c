/* One line of a map: target, operator, value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/dict.h"
#include "reconcile/map_impl.h"
#include "reconcile/template.h"
#include "reconcile/value.h"

#define DELIMITERS	"/|,#!:;@%~_"
#define HOW	"TARGET = value, TARGET ?= value, TARGET - or TARGET s/pattern/text/"

/* A value, as the compiler reads it. */
struct reading {
	struct compile *c;
	const struct target *t;
	size_t groups;		/* of the pattern */
	size_t characters;	/* of literal text, of the longest value */
	size_t run;
	bool order, old, told;
};

static int read_literal(void *arg, const char *s, size_t n, struct buf *b, struct err *err)
{
	struct reading *r = arg;
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if (s[i] == '\\' && value_multiple(r->t->vr))
			r->run = 0;
		else
			r->run += ((unsigned char)s[i] & 0xc0) != 0x80;
		if (r->run > r->characters)
			r->characters = r->run;
	}
	return buf_add(b, s, n, err);
}

static int read_hole(void *arg, const char *name, struct buf *b, struct err *err)
{
	struct reading *r = arg;
	const struct dict_entry *d = dict_by_keyword(name);

	(void)b;
	if (map_field_known(name)) {
		r->order = true;
		return RC_OK;
	}
	r->old = true;
	if (d != NULL && (value_settable(d->vr) || strcmp(d->vr, "UI") == 0))
		return RC_OK;
	r->told = true;
	if (d != NULL)
		map_fault(r->c, "templates are texts and numbers of the top level", "{%s}: has VR %s, which is no text",
		    d->keyword, d->vr);
	else
		map_unknown(r->c, "no such template: neither a field of the order nor a keyword", name,
		    map_field_nearest(name) != NULL ? map_field_nearest(name) : dict_nearest(name));
	return err_set(err, ERR_CONFIG, "told");
}

static int read_group(void *arg, unsigned n, struct buf *b, struct err *err)
{
	struct reading *r = arg;

	(void)b;
	return n <= r->groups ? RC_OK : err_set(err, ERR_CONFIG,
	    "\\%u, and the pattern has %zu group%s", n, r->groups, r->groups == 1 ? "" : "s");
}

/* Is the value, or new text of an edit, one that can stand? *plain: as it is without templates, malloc. */
static bool read_value(struct reading *r, const char *s, bool edit, char **plain)
{
	struct template_use use = { read_literal, read_hole, edit ? read_group : NULL, r };
	struct compile *c = r->c;
	const struct target *t = r->t;
	struct buf b = BUF_INIT(0);
	struct err err = { 0 };
	size_t longest = value_longest(t->vr);
	bool good = buf_add(&b, "", 0, &err) == RC_OK && template_expand(s, &use, &b, &err) == RC_OK;

	*plain = NULL;
	if (!good && !r->told)
		map_fault(c, "mri-map(5) says what a value may be", "%s: %s", t->text, err.text);
	if (good && r->characters > longest) {
		map_fault(c, "shorten it", "%s: is longer than the %zu characters of VR %s", t->text, longest, t->vr);
		good = false;
	} else if (good && !edit && !r->order && !r->old && value_check(t->vr, b.data, &err) != RC_OK) {
		map_fault(c, "PS3.5 6.2 says what a value of that VR is", "%s: %s", t->text, err.text);
		good = false;
	}
	if (good)
		*plain = b.data;
	else
		buf_free(&b);
	return good;
}

static bool is_patient(const struct target *t)
{
	static const uint32_t tags[] = { TAG(0x0010, 0x0010), TAG(0x0010, 0x0020), TAG(0x0010, 0x0021),
	    TAG(0x0010, 0x0030), TAG(0x0010, 0x0040) };
	size_t i = 0;

	for (i = 0; i < sizeof tags / sizeof tags[0] && tags[i] != t->tag; i++)
		;
	return t->depth == 0 && i < sizeof tags / sizeof tags[0];
}

/* Two lines of one section that say what a target becomes: only one can be meant. Edits work in turn. */
static bool said_before(struct compile *c, const struct target *t, const char *op)
{
	char line[16];
	json_t *key = json_pack("[O?, O?, s, s]", c->only, c->of, t->text, op);
	char *text = key != NULL ? json_dumps(key, JSON_COMPACT) : NULL;
	const char *before = text != NULL ? json_string_value(json_object_get(c->seen, text)) : NULL;

	if (before != NULL) {
		map_fault(c, "keep one of them, or put them under different conditions",
		    "%s: line %s says already what it becomes", t->text, before);
	} else if (text != NULL) {
		(void)snprintf(line, sizeof line, "%u", c->line);
		json_object_set_new(c->seen, text, json_string(line));
	} else {
		err_set(&c->err, ERR_TEMP, "no memory for a map");
	}
	free(text);
	json_decref(key);
	return before != NULL || text == NULL;
}

static void put(struct compile *c, json_t *rule, const char *key, const char *value)
{
	if (value != NULL && json_object_set_new(rule, key, json_string(value)) != 0)
		err_set(&c->err, ERR_TEMP, "no memory for a map");
}

static json_t *rule_of(struct compile *c, const struct target *t, const char *op)
{
	char tag[12], from[ERR_TEXT_MAX];
	json_t *rule = json_object();

	if (rule == NULL) {
		err_set(&c->err, ERR_TEMP, "no memory for a map");
		return NULL;
	}
	put(c, rule, "tag", plan_tag_text(t->tag, tag));
	put(c, rule, "keyword", t->text);
	put(c, rule, "path", t->path_text[0] != '\0' ? t->path_text : NULL);
	if (t->creator[0] != '\0') {
		put(c, rule, "creator", t->creator);
		put(c, rule, "vr", t->vr);
	}
	put(c, rule, "op", op);
	(void)snprintf(from, sizeof from, "%s:%u", c->base, c->line);
	if (c->only != NULL)
		json_object_set(rule, "if", c->only);
	if (c->of != NULL)
		json_object_set(rule, "of", c->of);
	put(c, rule, "rule", "map");
	put(c, rule, "from", from);
	return rule;
}

static void finish(struct compile *c, json_t *rule)
{
	if (rule != NULL && json_array_append_new(c->map->rules, rule) != 0)
		err_set(&c->err, ERR_TEMP, "no memory for a map");
}

static void set_line(struct compile *c, const struct target *t, char *value, bool if_empty)
{
	struct reading r = { .c = c, .t = t };
	size_t n = strlen(value);
	char *plain = NULL;
	json_t *rule = NULL;

	if (!value_settable(t->vr)) {
		map_fault(c, strcmp(t->vr, "SQ") == 0 ? "name an element of an item, as in ProcedureCodeSequence[0].CodeValue"
		    : "leave the line out", strcmp(t->vr, "SQ") == 0 ? "%s: a sequence has no value of its own"
		    : "%s: its VR has no value that can be given here", t->text);
		return;
	}
	if (n > 1 && value[0] == '"' && value[n - 1] == '"') {	/* blanks at the ends count */
		value[n - 1] = '\0';
		value++;
	}
	if (!read_value(&r, value, false, &plain))
		return;
	if (is_patient(t) && (r.old || c->only != NULL)) {
		map_fault(c, "say it without a condition on the object and without old values",
		    "%s: says who the patient is, and is the same in all objects of a study", t->text);
	} else if (!said_before(c, t, "set") && (rule = rule_of(c, t, "set")) != NULL) {
		if (if_empty)
			put(c, rule, "when", "empty");
		put(c, rule, r.order || r.old ? "template" : "new", r.order || r.old ? value : plain);
		finish(c, rule);
	}
	free(plain);
}

static void remove_line(struct compile *c, const struct target *t)
{
	if (is_patient(t))
		map_fault(c, "leave the line out", "%s: says who the patient is, and stays", t->text);
	else if (!said_before(c, t, "set"))
		finish(c, rule_of(c, t, "remove"));
}

static void edit_line(struct compile *c, const struct target *t, char *s)
{
	struct reading r = { .c = c, .t = t };
	struct pattern *p = NULL;
	struct err why = { 0 };
	char delimiter = *s++;
	char *re = map_delimited(&s, delimiter);
	char *text = re != NULL ? map_delimited(&s, delimiter) : NULL, *plain = NULL, *key = NULL;
	json_t *rule = NULL;

	if (text == NULL) {
		map_fault(c, "three times the same sign, as in s/pattern/text/; where it is meant itself it is written \\/",
		    "%s: an edit that does not end", t->text);
		return;
	}
	if (s[strspn(s, "gi")] != '\0') {
		map_fault(c, "g: all that is found, i: capital and small letters are the same",
		    "%s: behind the edit stands something else than the flags g and i", t->text);
		return;
	}
	if (!value_settable(t->vr) || is_patient(t)) {
		map_fault(c, is_patient(t) ? "set it with =" : "leave the line out", is_patient(t)
		    ? "%s: says who the patient is, and is not edited" : "%s: its VR has no text to edit", t->text);
		return;
	}
	if (pattern_open(&p, re, strchr(s, 'i') != NULL, &why) != RC_OK) {
		map_fault(c, why.advice[0] != '\0' ? why.advice : "mri-map(5) says what a pattern may be", "%s: %s", t->text,
		    why.text);
		return;
	}
	c->map->patterns++;
	r.groups = pattern_groups(p);
	pattern_close(p);
	if (!read_value(&r, text, true, &plain))
		return;
	key = malloc(strlen(re) + 8);
	if (key == NULL)
		err_set(&c->err, ERR_TEMP, "no memory for a map");
	else
		(void)snprintf(key, strlen(re) + 8, "edit %s", re);
	if (key != NULL && !said_before(c, t, key) && (rule = rule_of(c, t, "edit")) != NULL) {
		put(c, rule, "re", re);
		put(c, rule, "flags", s);
		put(c, rule, "new", text);
		finish(c, rule);
	}
	free(key);
	free(plain);
}

void map_line(struct compile *c, char *s)
{
	struct target t;

	if (!map_target(c, &s, &t))
		return;
	s = map_blanks(s);
	if (s[0] == '=') {
		set_line(c, &t, map_blanks(s + 1), false);
	} else if (s[0] == '?' && s[1] == '=') {
		set_line(c, &t, map_blanks(s + 2), true);
	} else if (s[0] == '-' && *map_blanks(s + 1) == '\0') {
		remove_line(c, &t);
	} else if (s[0] == 's' && s[1] != '\0' && strchr(DELIMITERS, s[1]) != NULL) {
		edit_line(c, &t, s + 1);
	} else {
		map_fault(c, HOW, s[0] == '-' ? "%s: something behind the \"-\" that removes it"
		    : "%s: no operator behind it", t.text);
	}
}
