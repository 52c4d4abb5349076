#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"

static const char *const rule_names[CHECK_RULES] = { "patient", "one_patient", "one_order", "complete",
	"readable", "consistent", "target", "permitted" };

/* The severity of everything that can be found: an error holds the item. */
static const struct {
	enum check_rule rule;
	enum check_severity severity;
	enum check_verdict verdict;
	const char *name;	/* for people, after the rule's: [check] of mri.conf(5) */
} points[] = {
	[POINT_BROKEN] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "broken" },
	[POINT_SHORT_PIXELS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "short" },
	[POINT_LONG_PIXELS] = { CHECK_READABLE, CHECK_WARNING, CHECK_FINDING, "long" },
	[POINT_NO_PIXELS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "no_pixels" },
	[POINT_FRAME] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "frame" },
	[POINT_UNDECODED] = { CHECK_READABLE, CHECK_WARNING, CHECK_UNKNOWN, "undecoded" },
	[POINT_FRAGMENTS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "fragments" },
	[POINT_OFFSETS] = { CHECK_READABLE, CHECK_WARNING, CHECK_FINDING, "offsets" },
	[POINT_BAD_UID] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "uid" },
	[POINT_META_DIFFERS] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "meta" },
	[POINT_CHARSET] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "charset" },
	[POINT_CHARSET_UNKNOWN] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_UNKNOWN, "charset_unknown" },
	[POINT_TYPE1] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "type1" },
	[POINT_NO_MODALITY] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "modality" },
	[POINT_NO_STUDY_ID] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "study_id" },
	[POINT_OTHER_STUDY] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "other_study" },
	[POINT_NO_PATIENT_ASKED] = { CHECK_PATIENT, CHECK_ERROR, CHECK_UNKNOWN, "unasked" },
	[POINT_PATIENT_MISMATCH] = { CHECK_PATIENT, CHECK_ERROR, CHECK_FINDING, "mismatch" },
	[POINT_PATIENT_DOUBTFUL] = { CHECK_PATIENT, CHECK_ERROR, CHECK_FINDING, "doubtful" },
	[POINT_PATIENT_UNKNOWN] = { CHECK_PATIENT, CHECK_ERROR, CHECK_UNKNOWN, "unknown" },
	[POINT_PATIENT_LIKELY] = { CHECK_PATIENT, CHECK_WARNING, CHECK_FINDING, "likely" },
	[POINT_PATIENT_UNCLAIMED] = { CHECK_PATIENT, CHECK_WARNING, CHECK_UNKNOWN, "unclaimed" },
	[POINT_PATIENT_DOCUMENT] = { CHECK_PATIENT, CHECK_WARNING, CHECK_FINDING, "document" },
	[POINT_PATIENTS] = { CHECK_ONE_PATIENT, CHECK_ERROR, CHECK_FINDING, "patients" },
	[POINT_SPELLINGS] = { CHECK_ONE_PATIENT, CHECK_WARNING, CHECK_FINDING, "spellings" },
	[POINT_ORDER_AMBIGUOUS] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "ambiguous" },
	[POINT_ORDER_UNMATCHED] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_FINDING, "unmatched" },
	[POINT_WORKLIST_NONE] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_UNKNOWN, "worklist_none" },
	[POINT_WORKLIST_MANY] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "worklist_many" },
	[POINT_WORKLIST_DIFFERS] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "worklist_differs" },
	[POINT_WORKLIST_UNTIED] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_FINDING, "worklist_untied" },
	[POINT_FEWER] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "fewer" },
	[POINT_MORE] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "more" }, /* portals count images, not files */
	[POINT_STUDY_ABSENT] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "absent" },
	[POINT_STUDY_UNCLAIMED] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "unlisted" },
	[POINT_UNCLAIMED] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_UNKNOWN, "unclaimed" },
	[POINT_PARTIAL] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "partial" },
	[POINT_IMPLAUSIBLE] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "implausible" },
	[POINT_EMPTY] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "empty" },
	[POINT_CONFLICT] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "conflict" },
	[POINT_DUPLICATE] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "duplicate" },
	[POINT_PORTAL_ERROR] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "portal_error" },
	[POINT_LISTED_ABSENT] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "listed_absent" },
	[POINT_LISTED_STUDY] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "listed_study" },
	[POINT_LISTED_OTHER] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_other" },
	[POINT_LISTED_MOVED] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "listed_moved" },
	[POINT_LISTED_SIZE] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_size" },
	[POINT_LISTED_HASH] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_hash" },
	[POINT_UNLISTED] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "unlisted" },
	[POINT_INDEX_BROKEN] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "index_broken" },
	[POINT_MEDIUM_PATIENTS] = { CHECK_ONE_PATIENT, CHECK_WARNING, CHECK_FINDING, "medium_patients" },
	[POINT_TARGET_PATIENT] = { CHECK_TARGET, CHECK_ERROR, CHECK_FINDING, "other_patient" },
	[POINT_TARGET_ACCESSION] = { CHECK_TARGET, CHECK_ERROR, CHECK_FINDING, "accession" },
	[POINT_TARGET_PARTLY] = { CHECK_TARGET, CHECK_WARNING, CHECK_FINDING, "partly" },
	[POINT_TARGET_UNASKED] = { CHECK_TARGET, CHECK_WARNING, CHECK_UNKNOWN, "unasked" },
	[POINT_BASIS] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "basis" },
	[POINT_DESTINATION] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "destination" },
	[POINT_DEADLINE] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "deadline" },
};
_Static_assert(sizeof points / sizeof *points == CHECK_POINTS, "every point has its severity");
_Static_assert(CHECK_POINTS <= CHECK_POINTS_MAX, "every point may be made stricter");
_Static_assert(POINT_OBJECT_LAST < 32, "points of objects are bits of 32");

const char *
check_rule_name(enum check_rule r)
{
	return rule_names[r];
}

bool
check_rule_find(const char *name, enum check_rule *out)
{
	char plain[32];

	text_copy(plain, sizeof plain, name);
	for (char *p = plain; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	for (int i = 0; i < CHECK_RULES; i++)
		if (strcmp(plain, rule_names[i]) == 0) {
			*out = (enum check_rule)i;
			return true;
		}
	return false;
}

const char *
check_verdict_name(enum check_verdict v)
{
	static const char *const names[] = { "pass", "unknown", "finding" };

	return names[v];
}

const char *
check_severity_name(enum check_severity s)
{
	return s == CHECK_ERROR ? "error" : "warning";
}

bool
check_point_name(size_t i, char *out, size_t cap, bool *error)
{
	if (i >= CHECK_POINTS)
		return false;
	snprintf(out, cap, "%s.%s", rule_names[points[i].rule], points[i].name);
	*error = points[i].severity == CHECK_ERROR;
	return true;
}

static enum check_severity
severity_of(const struct check_report *rep, enum check_point p)
{
	return rep->severities != NULL && rep->severities->error[p] ? CHECK_ERROR : points[p].severity;
}

static void __attribute__((format(printf, 2, 0)))
add_reason(struct check_result *r, const char *fmt, va_list ap)
{
	size_t n = strlen(r->reason);

	if (n > 0 && n + 3 < sizeof r->reason) {
		memcpy(r->reason + n, "; ", 3);
		n += 2;
	}
	vsnprintf(r->reason + n, sizeof r->reason - n, fmt, ap);
}

void
check_say(struct check_report *rep, enum check_point p, const char *fmt, ...)
{
	struct check_result *r = &rep->rules[points[p].rule];
	enum check_severity severity = severity_of(rep, p);
	va_list ap;

	if (r->verdict == CHECK_PASS) { /* the first finding takes the place of a pass */
		r->reason[0] = '\0';
		r->severity = severity;
	}
	if (points[p].verdict > r->verdict)
		r->verdict = points[p].verdict;
	if (severity > r->severity)
		r->severity = severity;
	va_start(ap, fmt);
	add_reason(r, fmt, ap);
	va_end(ap);
}

void
check_pass(struct check_report *rep, enum check_rule rule, const char *fmt, ...)
{
	va_list ap;

	if (rep->rules[rule].verdict != CHECK_PASS)
		return;
	va_start(ap, fmt);
	add_reason(&rep->rules[rule], fmt, ap);
	va_end(ap);
}

int
check_detail(struct check_report *rep, enum check_rule rule, const char *what, const char *order,
    const char *found, size_t objects, struct err *err)
{
	struct check_result *r = &rep->rules[rule];
	json_t *d = NULL;

	if (r->detail == NULL && (r->detail = json_array()) == NULL)
		return err_set(err, ERR_TEMP, "no memory for a finding");
	d = json_make(err, "{s:s, s:s, s:s, s:I}", "what", what, "order", order != NULL ? order : "",
	    "found", found != NULL ? found : "", "objects", (json_int_t)objects);
	if (d == NULL)
		return err_rc(err->kind);
	if (json_array_append_new(r->detail, d) != 0)
		return err_set(err, ERR_TEMP, "no memory for a finding");
	return RC_OK;
}

void
check_say_objects(
    struct check_report *rep, const struct check_study *s, enum check_point p, const char *text)
{
	size_t n = 0;
	int first = 0;

	for (size_t i = 0; i < s->nobjects; i++) {
		if ((s->objects[i].points & (uint32_t)1 << p) == 0)
			continue;
		if (n++ == 0)
			first = s->objects[i].n;
	}
	if (n > 0)
		check_say(rep, p, "%s in %zu of %zu objects (first: original/%05d)", text, n, s->nobjects,
		    first);
}

int
check_judge(const struct check_study *s, struct check_report *rep, struct err *err)
{
	static int (*const rules[CHECK_RULES])(const struct check_study *, struct check_report *,
	    struct err *) = { rule_patient, rule_one_patient, rule_one_order, rule_complete,
		rule_readable, rule_consistent, rule_target, rule_permitted };

	memset(rep, 0, sizeof *rep);
	rep->severities = s->severities;
	rep->entry = ORDER_UNSCHEDULED;
	for (int i = 0; i < CHECK_RULES; i++) {
		int rc = rules[i](s, rep, err);
		if (rc != RC_OK) {
			check_report_free(rep);
			return rc;
		}
	}
	medium_judge(s, rep);
	return RC_OK;
}

void
check_report_free(struct check_report *rep)
{
	for (int i = 0; i < CHECK_RULES; i++) {
		json_decref(rep->rules[i].detail);
		rep->rules[i].detail = NULL;
	}
}
