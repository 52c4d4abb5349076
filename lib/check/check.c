#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"

static enum check_severity
severity_of(const struct check_report *rep, enum check_point p)
{
	return rep->severities != NULL && rep->severities->error[p] ? CHECK_ERROR : check_points[p].severity;
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
	struct check_result *r = &rep->rules[check_points[p].rule];
	enum check_severity severity = severity_of(rep, p);
	va_list ap;

	if (r->verdict == CHECK_PASS) { /* the first finding takes the place of a pass */
		r->reason[0] = '\0';
		r->severity = severity;
	}
	if (check_points[p].verdict > r->verdict)
		r->verdict = check_points[p].verdict;
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
