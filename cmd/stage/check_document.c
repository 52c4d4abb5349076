/* The check as it is written into the item: verdicts, findings, acceptances. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "stage/check.h"

/* Rules that look at the order: what was accepted for another order is not accepted for this one. */
static bool
looks_at_order(enum check_rule r)
{
	return r == CHECK_PATIENT || r == CHECK_ONE_ORDER || r == CHECK_TARGET ||
	    r == CHECK_PERMITTED;
}

/* jansson: two absent values are not equal. */
static bool
same_detail(const json_t *a, const json_t *b)
{
	const json_t *x = json_object_get(a, "detail"), *y = json_object_get(b, "detail");

	return x == y || json_equal(x, y);
}

/* An acceptance of the check before holds for that rule, that finding, those bytes. Borrowed, or NULL. */
static json_t *
still_accepted(const json_t *old, enum check_rule rule, const json_t *now, const char *order_sha,
    const char *manifest_sha)
{
	json_t *rules = json_object_get(old, "rules"), *r = NULL;
	size_t i = 0;

	if (strcmp(json_text(old, "manifest"), manifest_sha) != 0)
		return NULL;
	if (looks_at_order(rule) && strcmp(json_text(old, "order"), order_sha) != 0)
		return NULL;
	json_array_foreach(rules, i, r)
	{
		json_t *accepted = json_object_get(r, "accepted");
		if (strcmp(json_text(r, "rule"), check_rule_name(rule)) == 0 && json_is_object(accepted) &&
		    strcmp(json_text(r, "reason"), json_text(now, "reason")) == 0 &&
		    same_detail(r, now))
			return accepted;
	}
	return NULL;
}

static int
accept_now(const struct check_stage *st, json_t *rule, struct err *err)
{
	char when[TIME_TEXT_MAX];
	json_t *a = json_make(err, "{s:s, s:s, s:s}", "by", st->work->ident.name, "reason",
	    st->opt->reason, "time", time_iso(time_now(), when));

	if (a == NULL)
		return err_rc(err->kind);
	if (json_object_set_new(rule, "accepted", a) != 0)
		return err_set(err, ERR_TEMP, "no memory");
	return RC_OK;
}

static int
write_rule(const struct check_stage *st, enum check_rule rule, const struct check_result *r,
    const json_t *old, const char *order_sha, const char *manifest_sha, json_t *list,
    struct check_numbers *n, struct err *err)
{
	json_t *j = json_make(err, "{s:s, s:s, s:s}", "rule", check_rule_name(rule), "verdict",
	    check_verdict_name(r->verdict), "reason", r->reason);
	json_t *before = NULL;
	int rc = RC_OK;

	if (j == NULL)
		return err_rc(err->kind);
	if (json_array_append_new(list, j) != 0)
		return err_set(err, ERR_TEMP, "no memory");
	if (r->verdict == CHECK_PASS)
		return RC_OK;
	if (json_object_set_new(j, "severity", json_string(check_severity_name(r->severity))) != 0 ||
	    (r->detail != NULL && json_object_set(j, "detail", r->detail) != 0))
		return err_set(err, ERR_TEMP, "no memory");
	before = still_accepted(old, rule, j, order_sha, manifest_sha);
	if (before != NULL && json_object_set(j, "accepted", before) != 0)
		return err_set(err, ERR_TEMP, "no memory");
	if (before == NULL && st->accept[rule] && (rc = accept_now(st, j, err)) != RC_OK)
		return rc;
	if (r->severity == CHECK_WARNING)
		n->warnings++;
	else if (json_object_get(j, "accepted") != NULL)
		n->accepted++;
	else
		n->errors++;
	return RC_OK;
}

int
check_document(const struct check_stage *st, const struct check_report *rep, const json_t *old,
    const char *order_sha, const char *manifest_sha, json_t **out, struct check_numbers *n,
    struct err *err)
{
	json_t *list = json_array(), *doc = NULL;
	char when[TIME_TEXT_MAX];
	int rc = RC_OK;

	memset(n, 0, sizeof *n);
	*out = NULL;
	if (list == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (int i = 0; i < CHECK_RULES && rc == RC_OK; i++)
		rc = write_rule(
		    st, (enum check_rule)i, &rep->rules[i], old, order_sha, manifest_sha, list, n, err);
	if (rc == RC_OK) {
		doc = json_make(err, "{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:O}", "v", 1, "type",
		    "check", "time", time_iso(time_now(), when), "order", order_sha, "manifest",
		    manifest_sha, "verdict",
		    n->errors > 0	  ? "held"
			: n->accepted > 0 ? "accepted"
					  : "pass",
		    "scheduled", rep->entry != ORDER_UNSCHEDULED, "entry", rep->entry, "rules", list);
		if (doc == NULL)
			rc = err_rc(err->kind);
		else if (st->deep && json_object_set_new(doc, "deep", json_true()) != 0)
			rc = err_set(err, ERR_TEMP, "no memory");
	}
	json_decref(list);
	*out = doc;
	return rc;
}

bool
check_same(const json_t *a, const json_t *b)
{
	json_t *x = json_copy((json_t *)(uintptr_t)a), *y = json_copy((json_t *)(uintptr_t)b);
	bool same = false;

	if (x != NULL && y != NULL) {
		json_object_del(x, "time");
		json_object_del(y, "time");
		same = json_equal(x, y);
	}
	json_decref(x);
	json_decref(y);
	return same;
}

static bool
holds(const json_t *rule)
{
	return strcmp(json_text(rule, "severity"), "error") == 0 &&
	    json_object_get(rule, "accepted") == NULL;
}

void
check_reason(const json_t *doc, bool sentences, char *out, size_t cap)
{
	json_t *rule = NULL;
	size_t i = 0, n = 0;

	text_copy(out, cap, "held: ");
	n = strlen(out);
	json_array_foreach(json_object_get(doc, "rules"), i, rule)
	{
		if (!holds(rule) || n + 1 >= cap)
			continue;
		n += (size_t)snprintf(out + n, cap - n, "%s%s%s%s", n > 6 ? sentences ? "; " : ", " : "",
		    json_text(rule, "rule"), sentences ? ": " : "",
		    sentences ? json_text(rule, "reason") : "");
	}
}

json_t *
check_findings(const json_t *doc, struct err *err)
{
	json_t *list = json_array(), *rule = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(doc, "rules"), i, rule)
	{
		json_t *copy = NULL;
		if (strcmp(json_text(rule, "verdict"), "pass") == 0)
			continue;
		copy = json_copy(rule);
		if (copy == NULL || json_array_append_new(list, copy) != 0) {
			err_set(err, ERR_TEMP, "no memory");
			json_decref(list);
			return NULL;
		}
		json_object_del(copy, "detail");
	}
	return list;
}

/* detail holds values of patients: it is for mri-show --findings. */
void
check_print(struct cli *cli, const char *path, const json_t *doc)
{
	json_t *rule = NULL, *copy = NULL;
	size_t i = 0;

	if (cli->json) {
		copy = json_deep_copy(doc);
		json_array_foreach(json_object_get(copy, "rules"), i, rule)
		    json_object_del(rule, "detail");
		if (copy != NULL && json_object_set_new(copy, "path", json_string(path)) == 0)
			cli_print_json(cli, copy);
		json_decref(copy);
		return;
	}
	cli_print(cli, "%s: %s, %s", path, json_text(doc, "verdict"),
	    json_is_true(json_object_get(doc, "scheduled")) ? "scheduled" : "unscheduled");
	json_array_foreach(json_object_get(doc, "rules"), i, rule)
	{
		const char *severity = json_text(rule, "severity");
		cli_print(cli, "  %-12s %-8s%s%s%s  %s", json_text(rule, "rule"), json_text(rule, "verdict"),
		    *severity != '\0' ? " " : "", severity,
		    json_object_get(rule, "accepted") != NULL ? " (accepted)" : "",
		    json_text(rule, "reason"));
	}
}
