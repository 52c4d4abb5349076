/* "[when Modality = CT MR and source != portal.example]", "[always]". */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dicom/classes.h"
#include "dicom/dict.h"
#include "reconcile/map_impl.h"
#include "reconcile/value.h"

#define WORD_MAX	256
#define HOW	"as in [when Modality = CT MR], [when StudyDescription ~ /thorax/i and source = portal.example]"

enum about { ABOUT_OBJECT, ABOUT_CLASS, ABOUT_SOURCE, ABOUT_ORDER };

/* A bare or quoted word; false: no more, or a quote without end. *bare: not quoted. */
static bool word(char **at, char out[WORD_MAX], bool *bare)
{
	char *s = map_blanks(*at), *end = NULL;

	*bare = *s != '"';
	if (*s == '\0')
		return false;
	end = *bare ? s + strcspn(s, " \t\"") : strchr(s + 1, '"');
	if (end == NULL || !text_copyn(out, WORD_MAX, *bare ? s : s + 1, (size_t)(end - (*bare ? s : s + 1))))
		return false;
	*at = *bare ? end : end + 1;
	return *bare ? end > s : true;
}

/* Is it a value the attribute can have? A class becomes its UID. */
static bool value(struct compile *c, enum about about, const struct dict_entry *d, char v[WORD_MAX])
{
	struct err why = { 0 };
	char uid[65];

	if (about == ABOUT_ORDER && strcmp(v, "scheduled") != 0 && strcmp(v, "unscheduled") != 0) {
		map_fault(c, "the study has an entry in the order (scheduled), or it has none (unscheduled)",
		    "order: is either scheduled or unscheduled");
		return false;
	}
	if (about == ABOUT_CLASS && !text_is_uid(v)) {
		if (!class_uid(v, uid)) {
			map_unknown(c, "no such SOP class, and no UID", v, class_nearest(v));
			return false;
		}
		text_copy(v, WORD_MAX, uid);
	}
	if (about == ABOUT_OBJECT && strcmp(d->vr, "UI") != 0 && (value_check(d->vr, v, &why) != RC_OK ||
	    (value_multiple(d->vr) && strchr(v, '\\') != NULL))) {
		map_fault(c, "a condition names one value each, in quotes where it has blanks", "%s: a value that %s",
		    d->keyword, why.text[0] != '\0' ? why.text : "holds a backslash, which separates values");
		return false;
	}
	return true;
}

static json_t *values(struct compile *c, char **at, enum about about, const struct dict_entry *d, bool *more)
{
	json_t *list = json_array();
	char v[WORD_MAX], *before = *at;
	bool bare = false;

	*more = false;
	while (list != NULL && word(at, v, &bare)) {
		if (bare && strcmp(v, "and") == 0) {
			*more = true;
			break;
		}
		if (!value(c, about, d, v) || json_array_append_new(list, json_string(v)) != 0) {
			json_decref(list);
			return NULL;
		}
		before = *at;
	}
	if (list != NULL && !*more && *map_blanks(before) != '\0')
		map_fault(c, HOW, "a value in quotes that does not end");
	else if (list != NULL && json_array_size(list) == 0)
		map_fault(c, HOW, "a condition without values");
	else
		return list;
	json_decref(list);
	return NULL;
}

static bool match(struct compile *c, char **at, json_t *cond, bool *more)
{
	char *s = map_blanks(*at), *re = NULL, flags[WORD_MAX] = "", joint[WORD_MAX];
	struct pattern *p = NULL;
	struct err why = { 0 };
	bool bare = false;

	if (*s != '\0' && strchr("/|,#!:;@%", *s) != NULL) {
		*at = s + 1;
		re = map_delimited(at, *s);
	}
	if (re == NULL) {
		map_fault(c, HOW, "a ~ without its /pattern/");
		return false;
	}
	if (**at != ' ' && **at != '\t' && **at != '\0' && (!word(at, flags, &bare) || strcmp(flags, "i") != 0)) {
		map_fault(c, "i: capital and small letters are the same", "a flag that is not i");
		return false;
	}
	*more = word(at, joint, &bare);
	if (*more && strcmp(joint, "and") != 0) {
		map_fault(c, HOW, "something behind a /pattern/ that is not \"and\"");
		return false;
	}
	if (pattern_open(&p, re, flags[0] != '\0', &why) != RC_OK) {
		map_fault(c, "mri-map(5) says what a pattern may be", "%s", why.text);
		return false;
	}
	pattern_close(p);
	c->map->patterns++;
	return json_object_set_new(cond, "match", json_string(re)) == 0 &&
	    (flags[0] == '\0' || json_object_set_new(cond, "flags", json_string("i")) == 0);
}

/* What a condition is about, by its key. */
static bool key(struct compile *c, char **at, enum about *about, const struct dict_entry **d)
{
	static const char *const others[] = { "source", "order", "SOPClass" };
	char name[WORD_MAX];
	char *s = map_blanks(*at);
	size_t n = strcspn(s, " \t=!~");
	uint32_t tag = 0;

	*d = NULL;
	*at = s + n;
	if (n == 0 || !text_copyn(name, sizeof name, s, n)) {
		map_fault(c, HOW, "a condition that begins with no attribute");
		return false;
	}
	*about = strcmp(name, "source") == 0 ? ABOUT_SOURCE : strcmp(name, "order") == 0 ? ABOUT_ORDER
	    : strcmp(name, "SOPClass") == 0 || strcmp(name, "SOPClassUID") == 0 ? ABOUT_CLASS : ABOUT_OBJECT;
	if (*about == ABOUT_SOURCE || *about == ABOUT_ORDER)
		return true;
	*d = *about == ABOUT_CLASS ? dict_by_keyword("SOPClassUID") : plan_tag_parse(name, &tag) ? dict_by_tag(tag)
	    : dict_by_keyword(name);
	if (*d == NULL) {
		const char *near = text_nearest(name, others, 3);

		map_unknown(c, "no keyword, nor source, order or SOPClass", name, near != NULL ? near
		    : dict_nearest(name));
		return false;
	}
	if (!value_settable((*d)->vr) && strcmp((*d)->vr, "UI") != 0) {
		map_fault(c, "conditions are on texts and numbers of the top level", "%s: has VR %s, which is no text",
		    (*d)->keyword, (*d)->vr);
		return false;
	}
	return true;
}

static bool condition(struct compile *c, char **at, bool *more)
{
	enum about about = ABOUT_OBJECT;
	const struct dict_entry *d = NULL;
	json_t *cond = NULL, *list = NULL, **to = NULL;
	char tag[12];
	char *s = NULL;
	bool not = false, good = false;

	if (!key(c, at, &about, &d))
		return false;
	s = map_blanks(*at);
	not = s[0] == '!' && s[1] == '=';
	to = about == ABOUT_SOURCE || about == ABOUT_ORDER ? &c->of : &c->only;
	cond = json_object();
	if (*to == NULL)
		*to = json_array();
	if (cond == NULL || *to == NULL || json_object_set_new(cond, d != NULL ? "tag" : "key", json_string(d != NULL
	    ? plan_tag_text(d->tag, tag) : about == ABOUT_SOURCE ? "source" : "order")) != 0) {
		err_set(&c->err, ERR_TEMP, "no memory for a map");
	} else if (*s == '~' && d != NULL) {
		*at = s + 1;
		good = match(c, at, cond, more);
	} else if (*s == '=' || not) {
		*at = s + (not ? 2 : 1);
		list = values(c, at, about, d, more);
		good = list != NULL && json_object_set_new(cond, not ? "not" : "is", list) == 0;
	} else {
		map_fault(c, HOW, d != NULL ? "a condition without =, != or ~" : "source and order take = or !=");
	}
	if (good)
		good = json_array_append(*to, cond) == 0;
	json_decref(cond);
	return good;
}

void map_section(struct compile *c, char *s)
{
	char first[WORD_MAX] = "";
	bool bare = false, more = true;

	json_decref(c->only);
	json_decref(c->of);
	c->only = c->of = NULL;
	if (!word(&s, first, &bare) || (strcmp(first, "when") != 0 && strcmp(first, "always") != 0)) {
		map_fault(c, HOW, "a section that is neither [when …] nor [always]");
		return;
	}
	if (strcmp(first, "always") == 0) {
		if (*map_blanks(s) != '\0')
			map_fault(c, "[always] ends the conditions before it", "something behind \"always\"");
		return;
	}
	while (more) {
		if (!condition(c, &s, &more))
			return;
	}
	if (json_array_size(c->only) > 16 || json_array_size(c->of) > 16)
		map_fault(c, NULL, "more than 16 conditions");
}
