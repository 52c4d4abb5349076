/* What mri-check answers for an item of a spool: a receipt, and in words what is held or warned of. */
#include "stage/check_item.h"

#include <string.h>

#include "base/time.h"

static void
warn_of_rules(struct check_job *j)
{
	json_t *rule = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(j->doc, "rules"), i, rule)
	{
		const char *severity = json_string_value(json_object_get(rule, "severity"));
		const char *name = json_string_value(json_object_get(rule, "rule"));
		enum check_rule r = CHECK_PATIENT;
		if (check_rule_find(name, &r) && j->st->accept[r] &&
		    json_object_get(rule, "accepted") == NULL)
			cli_warn(j->st->cli, j->subject, "%s: nothing to accept", name);
		if (severity == NULL ||
		    (strcmp(severity, "error") == 0 && json_object_get(rule, "accepted") == NULL))
			continue;
		if (!j->again)
			cli_warn(j->st->cli, j->subject, "%s: %s%s", name,
			    json_string_value(json_object_get(rule, "reason")),
			    json_object_get(rule, "accepted") != NULL ? " (accepted)" : "");
	}
}

int
check_answer(struct check_job *j, struct err *err)
{
	struct cli_receipt r = {
		.in = j->in, .path = j->path, .ref = import_ref(j->import), .again = j->again
	};
	struct err held = { 0 };
	char text[ERR_TEXT_MAX];
	json_t *findings = check_findings(j->doc, err), *more = NULL;

	if (findings == NULL)
		return err_rc(err->kind);
	more = json_make(err, "{s:I, s:I, s:I, s:O, s:O, s:O}", "instances",
	    (json_int_t)j->facts.nobjects, "documents", (json_int_t)j->facts.manifest->ndocuments, "ms",
	    (json_int_t)(time_mono_ms() - j->began), "verdict", json_object_get(j->doc, "verdict"),
	    "scheduled", json_object_get(j->doc, "scheduled"), "findings", findings);
	json_decref(findings);
	if (more == NULL)
		return err_rc(err->kind);
	if (j->st->opt->worklist &&
	    json_object_set_new(more, "worklist", check_worklist_numbers(&j->facts.listed, err)) != 0) {
		json_decref(more);
		return err_set(err, ERR_TEMP, "no memory");
	}
	warn_of_rules(j);
	r.more = more;
	if (j->numbers.errors > 0) {
		check_reason(j->doc, true, text, sizeof text);
		err_set(&held, ERR_PERSON, "%s", text);
		err_advise(&held,
		    "mri-show --findings shows both sides; "
		    "mri-check --accept RULE --reason TEXT lets it pass");
		cli_fail(j->st->cli, NULL, j->subject, &held);
		r.status = "perm";
		r.reason = held.text;
	} else {
		r.status = j->facts.manifest->partial ? "partial" : "ok";
	}
	cli_receipt(j->st->cli, &r);
	cli_count(j->st->cli, j->numbers.errors > 0 ? "held" : "cleared", 1);
	json_decref(more);
	return RC_OK;
}
