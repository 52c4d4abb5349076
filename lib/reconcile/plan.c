#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "reconcile/irwf.h"
#include "reconcile/map.h"
#include "reconcile/value.h"

#define KEYWORD_SHOWN	200	/* of a foreign keyword in a message, escaped */
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define WHERE		"plan"

char *plan_tag_text(uint32_t tag, char out[12])
{
	static const char digits[] = "0123456789abcdef";
	size_t i = 0, at = 0;

	out[at++] = '(';
	for (i = 0; i < 8; i++) {
		if (i == 4)
			out[at++] = ',';
		out[at++] = digits[tag >> (28 - 4 * i) & 15];
	}
	out[at++] = ')';
	out[at] = '\0';
	return out;
}

bool plan_tag_parse(const char *s, uint32_t *tag)
{
	uint8_t b[4];
	char hex[9];

	if (strlen(s) != 11 || s[0] != '(' || s[5] != ',' || s[10] != ')')
		return false;
	memcpy(hex, s + 1, 4);
	memcpy(hex + 4, s + 6, 4);
	hex[8] = '\0';
	if (!text_unhex(hex, b, sizeof b))
		return false;
	*tag = TAG((uint16_t)(b[0] << 8 | b[1]), (uint16_t)(b[2] << 8 | b[3]));
	return true;
}

bool plan_untouchable(uint32_t tag)
{
	/* PS3.3 C.7.6.3: what says how the pixel data are to be read */
	static const uint16_t pixels[] = { 0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101,
	    0x0102, 0x0103 };
	const struct dict_entry *d = dict_by_tag(tag);
	uint16_t group = TAG_GROUP(tag);
	size_t i = 0;

	if (group <= 2 || group == 0x7fe0 || group >= 0xfffa || (tag & 0xffff) == 0)
		return true;
	for (i = 0; group == 0x0028 && i < sizeof pixels / sizeof pixels[0]; i++) {
		if ((tag & 0xffff) == pixels[i])
			return true;
	}
	return d != NULL && strcmp(d->vr, "UI") == 0;
}

bool plan_reserved(uint32_t tag)
{
	static const uint32_t own[] = { TAG_CHARSET, TAG(0x0008, 0x0015), TAG(0x0010, 0x1002), TAG(0x0018, 0xa001),
	    TAG(0x0400, 0x0550), TAG(0x0400, 0x0561), TAG(0x0400, 0x0562), TAG(0x0400, 0x0563), TAG(0x0400, 0x0564),
	    TAG(0x0400, 0x0565) };
	size_t i = 0;

	for (i = 0; i < sizeof own / sizeof own[0] && own[i] != tag; i++)
		;
	return i < sizeof own / sizeof own[0];
}

static int bad_set(struct err *err, const char *advice, const char *keyword, const char *why)
{
	char shown[KEYWORD_SHOWN];

	text_escape(shown, sizeof shown, keyword, strlen(keyword));
	err_set(err, ERR_CONFIG, "--set %s: %s", shown, why);
	if (advice != NULL)
		err_advise(err, "%s", advice);
	return err_rc(err->kind);
}

int plan_set_parse(char *text, struct plan_set *set, struct err *err)
{
	const struct dict_entry *d = NULL;
	char *equals = strchr(text, '=');
	char near[KEYWORD_SHOWN] = "";
	struct err why;

	if (equals == NULL)
		return bad_set(err, "write KEYWORD=VALUE, as in --set StudyDescription='Chest CT'", text,
		    "no '='");
	*equals = '\0';
	set->keyword = text;
	set->value = equals + 1;
	d = dict_by_keyword(text);
	if (d == NULL) {
		const char *word = dict_nearest(text);

		if (word != NULL) {
			text_copy(near, sizeof near, "the nearest one is ");
			text_copy(near + strlen(near), sizeof near - strlen(near), word);
		}
		return bad_set(err, word != NULL ? near : NULL, text, "no such keyword in the data dictionary");
	}
	set->tag = d->tag;
	if (d->tag == TAG_CHARSET) {
		if (charset_known(set->value, &why) != RC_OK)
			return bad_set(err, why.advice, text, why.text);
		return RC_OK;
	}
	if (plan_untouchable(d->tag))
		return bad_set(err, NULL, text, "UIDs, pixel data and what describes them do not change");
	if (!value_settable(d->vr))
		return bad_set(err, NULL, text, "its VR has no value that can be given here");
	if (value_check(d->vr, set->value, &why) != RC_OK)
		return bad_set(err, NULL, text, why.text);
	return RC_OK;
}

/* An operator's value takes the place of a rule on the same attribute. */
static int add_set(const struct plan_set *set, json_t *rules, struct err *err)
{
	char text[12];
	size_t i = 0;

	plan_tag_text(set->tag, text);
	for (i = json_array_size(rules); i > 0; i--) {
		const char *tag = json_string_value(json_object_get(json_array_get(rules, i - 1), "tag"));

		if (tag != NULL && strcmp(tag, text) == 0)
			json_array_remove(rules, i - 1);
	}
	return irwf_rule(rules, set->tag, "set", json_string(set->value), "set", err);
}

/* Has a new value characters that not every set holds? Then (0008,0005) may have to change. ISO_IR 13 does not have
 * all of ASCII. */
static bool beyond_ascii(const json_t *j)
{
	const char *key = NULL;
	json_t *v = NULL;
	size_t i = 0;

	if (json_is_string(j))
		return !charset_plain("ISO_IR 13", json_string_value(j), json_string_length(j));
	json_array_foreach(j, i, v) {
		if (beyond_ascii(v))
			return true;
	}
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		if (beyond_ascii(v))
			return true;
	}
	return false;
}

static int add_charset(const char *declared, json_t *rules, bool *may, struct err *err)
{
	json_t *rule = NULL;
	int rc = RC_OK;

	*may = declared != NULL || beyond_ascii(rules);
	if (!*may)
		return RC_OK;
	rc = irwf_rule(rules, TAG_CHARSET, "convert", json_string("ISO_IR 192"), declared != NULL ? "set"
	    : "irwf", err);
	rule = json_array_get(rules, json_array_size(rules) - 1);
	if (rc == RC_OK && declared != NULL && json_object_set_new(rule, "declared",
	    json_string(declared)) != 0)
		rc = err_set(err, ERR_TEMP, "no memory for a plan");
	return rc;
}

/* Ascending by tag, as the objects are; rules on one tag stay in their order. */
static int sort_rules(json_t **rules, struct err *err)
{
	json_t *sorted = json_array();
	size_t i = 0, n = json_array_size(*rules);

	if (sorted == NULL)
		return err_set(err, ERR_TEMP, "no memory for a plan");
	for (i = 0; i < n; i++) {
		json_t *rule = json_array_get(*rules, i);
		const char *tag = json_string_value(json_object_get(rule, "tag"));
		size_t at = json_array_size(sorted);

		while (at > 0 && strcmp(json_string_value(json_object_get(json_array_get(sorted, at - 1),
		    "tag")), tag) > 0)
			at--;
		if (json_array_insert(sorted, at, rule) != 0) {
			json_decref(sorted);
			return err_set(err, ERR_TEMP, "no memory for a plan");
		}
	}
	json_decref(*rules);
	*rules = sorted;
	return RC_OK;
}

int plan_make(json_t **out, const struct plan_input *in, struct err *err)
{
	json_t *rules = json_array();
	const char *declared = NULL;
	char when[TIME_TEXT_MAX];
	bool may = false;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	if (rules == NULL)
		return err_set(err, ERR_TEMP, "no memory for a plan");
	rc = irwf_rules(in, rules, err);
	if (rc == RC_OK)
		rc = map_rules(in->map, in, rules, err);
	for (i = 0; rc == RC_OK && i < in->nsets; i++) {
		if (in->sets[i].tag == TAG_CHARSET)
			declared = in->sets[i].value;
		else
			rc = add_set(&in->sets[i], rules, err);
	}
	if (rc == RC_OK)
		rc = irwf_record(in, rules, err);
	if (rc == RC_OK)
		rc = add_charset(declared, rules, &may, err);
	if (rc == RC_OK)
		rc = sort_rules(&rules, err);
	if (rc != RC_OK)
		goto out;
	*out = json_make(err, "{s:i, s:s, s:s, s:b, s:i, s:s, s:s, s:s, s:O}", "v", PLAN_VERSION,
	    "time", time_iso(in->time, when), "tool", in->version, "scheduled", in->entry != ORDER_UNSCHEDULED,
	    "entry", in->entry, "order", in->order_sha256, "manifest", in->manifest_sha256,
	    "charset", may ? "ISO_IR 192" : "keep", "rules", rules);
	if (*out == NULL)
		rc = err_rc(err->kind);
out:
	json_decref(rules);
	return rc;
}

int plan_time(const json_t *plan, time_t *t, struct err *err)
{
	const char *text = NULL;
	int rc = json_get_str(plan, WHERE, "time", &text, err);

	if (rc == RC_OK && (text == NULL || !time_parse_iso(text, t)))
		rc = err_set(err, ERR_DATA, "plan: no time stamp");
	return rc;
}
