#include "stage/check_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/check_paper.h"

#define SUBJECT_MAX 128

/* One item on its way. */
struct job {
	struct check_stage *st;
	const struct cli_input *in;
	struct import *import;
	int study;
	struct item_dir *item;
	struct order *order;
	struct check_facts facts;
	struct buf order_bytes;
	json_t *old, *doc;
	struct check_numbers numbers;
	char order_sha[HASH_HEX], manifest_sha[HASH_HEX];
	char subject[SUBJECT_MAX], path[SPOOL_PATH_MAX];
	bool again;
	bool rest_follows;	/* the items behind it get the order of --order in this run, too */
	uint64_t began;
};

static int
read_order_file(struct check_stage *st, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = io_slurp(AT_FDCWD, st->opt->order, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, st->opt->order, &st->more, err);
	buf_wipe(&b);
	return rc;
}

int
check_begin(struct check_stage *st, struct cli *cli, struct work *w, const struct check_options *opt,
    struct err *err)
{
	int rc = RC_OK;

	memset(st, 0, sizeof *st);
	st->cli = cli;
	st->work = w;
	st->opt = opt;
	for (size_t i = 0; i < opt->accept.n; i++) {
		enum check_rule r = CHECK_PATIENT;
		if (!check_rule_find(opt->accept.v[i], &r))
			return err_set(err, ERR_USAGE,
			    "--accept: no such rule (patient, one_patient, one_order, complete, "
			    "readable, consistent, target, permitted)");
		st->accept[r] = st->accepting = true;
	}
	if (st->accepting && (opt->reason == NULL || *opt->reason == '\0'))
		return err_set(err, ERR_USAGE, "--accept needs --reason TEXT");
	if (!st->accepting && opt->reason != NULL)
		return err_set(err, ERR_USAGE, "--reason goes with --accept RULE");
	if (st->accepting && !text_utf8_valid(opt->reason, strlen(opt->reason)))
		return err_set(err, ERR_USAGE, "--reason is not UTF-8");
	st->known = calloc(cli->config->ndestinations + 1, sizeof *st->known);
	if (st->known == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < cli->config->ndestinations; i++)
		st->known[st->nknown++] = cli->config->destinations[i].name;
	if (opt->report != NULL && cli->dry_run)
		return err_set(err, ERR_USAGE, "-n writes nothing: it goes without --report");
	if (opt->worklist && (rc = check_worklist_begin(st, err)) != RC_OK)
		return rc;
	if (opt->order != NULL && (rc = read_order_file(st, err)) != RC_OK)
		return rc;
	return opt->report != NULL ? report_open(&st->report, cli, w, opt->report, err) : RC_OK;
}

void
check_end(struct check_stage *st)
{
	report_close(st->report);
	check_pool_free(st->pool);
	order_free(st->more);
	free(st->known);
}

/* The order as it will be applied: as fetched, completed by --order; without
 * that option as it was completed before. */
static int
complete_order(struct job *j, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = j->st->more == NULL ? item_order_read(j->item, &b, err) : import_order_read(j->import, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, "the stored order", &j->order, err);
	if (rc == RC_OK && j->st->more != NULL)
		rc = order_complete(j->order, j->st->more, err);
	buf_free(&b);
	return rc;
}

/* Then by the worklist; this is what is stored. */
static int
finish_order(struct job *j, struct err *err)
{
	struct check_facts *f = &j->facts;
	int rc = RC_OK;

	if (j->st->opt->worklist)
		rc = check_worklist_run(j->st, j->subject, j->order, f->keys, f->nkeys, f->self,
		    j->study == ITEM_PAPERS, &f->listed, err);
	if (rc == RC_OK)
		rc = order_write(j->order, &j->order_bytes, err);
	if (rc == RC_OK)
		rc = hash_hex(j->order_bytes.data, j->order_bytes.len, j->order_sha, err);
	return rc;
}

static int
read_manifest(struct job *j, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	int rc = item_file_read(j->item, ITEM_MANIFEST, &b, err);

	if (rc == RC_OK)
		rc = hash_hex(b.data, b.len, j->manifest_sha, err);
	if (rc == RC_OK)
		rc = manifest_parse(b.data, b.len, &j->facts.manifest, err);
	buf_free(&b);
	return rc;
}

/* The check before. One that cannot be read is as good as none: this one takes its place. */
static void
read_old(struct job *j)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct err ignore = { 0 };
	bool there = false;

	if (item_file_there(j->item, ITEM_CHECK, &there, &ignore) == RC_OK && there &&
	    item_file_read(j->item, ITEM_CHECK, &b, &ignore) == RC_OK)
		json_parse(b.data, b.len, &j->old, &ignore);
	buf_free(&b);
}

/* What frames were decoded of stays so: without --deep a damaged one would pass the next time. */
static bool
was_deep(const struct job *j)
{
	return json_is_true(json_object_get(j->old, "deep")) &&
	    strcmp(json_text(j->old, "manifest"), j->manifest_sha) == 0;
}

static int
gate(struct job *j, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	bool there = false;
	int rc = import_unpack_read(j->import, &there, &b, err);

	if (rc == RC_OK && there)
		rc = check_facts_media(&j->facts, b.data, b.len, err);
	buf_free(&b);
	if (rc == RC_OK && !there) {
		rc = err_set(err, ERR_PERSON, "not unpacked yet");
		err_advise(err, "run mri-unpack on its import first");
	}
	return rc;
}

static int
judge(struct job *j, struct err *err)
{
	struct check_report rep = { 0 };
	struct check_study s;
	struct err clock = { 0 };
	int rc = RC_OK;

	check_study_of(j->st, &j->facts, j->order, j->study == ITEM_PAPERS, &s);
	if (spool_clock(j->st->work->spool, &s.now, &clock) != RC_OK) {
		cli_warn(j->st->cli, j->subject, "%s", clock.text);
		cli_worse(j->st->cli, clock.kind);
	}
	s.purge_at = import_purge_at(j->import);
	if ((rc = check_judge(&s, &rep, err)) != RC_OK)
		return rc;
	rc =
	    check_document(j->st, &rep, j->old, j->order_sha, j->manifest_sha, &j->doc, &j->numbers, err);
	check_report_free(&rep);
	return rc;
}

struct last {
	const char *item;
	char outcome[16];
};

static int
last_check(const json_t *line, void *arg, struct err *err)
{
	struct last *l = arg;
	const char *stage = json_string_value(json_object_get(line, "stage"));
	const char *item = json_string_value(json_object_get(line, "item"));
	const char *outcome = json_string_value(json_object_get(line, "outcome"));

	(void)err;
	if (stage != NULL && item != NULL && outcome != NULL && strcmp(stage, "check") == 0 &&
	    strcmp(item, l->item) == 0)
		text_copy(l->outcome, sizeof l->outcome, outcome);
	return RC_OK;
}

static const char *
outcome_of(const struct job *j)
{
	if (j->numbers.errors > 0)
		return "held";
	return j->facts.manifest->partial ? "partial" : "ok";
}

static int
write_history(struct job *j, struct err *err)
{
	char reason[ERR_TEXT_MAX] = "";
	json_t *n = json_make(err, "{s:I, s:I, s:I, s:I}", "objects", (json_int_t)j->facts.nobjects,
	    "errors", (json_int_t)j->numbers.errors, "accepted", (json_int_t)j->numbers.accepted,
	    "warnings", (json_int_t)j->numbers.warnings);
	int rc = RC_OK;

	if (n == NULL)
		return err_rc(err->kind);
	if (j->numbers.errors > 0)
		check_reason(j->doc, false, reason, sizeof reason);
	rc = import_history_add(j->import, "check", item_name(j->item), outcome_of(j),
	    *reason != '\0' ? reason : NULL, n, err);
	json_decref(n);
	return rc;
}

/* Order first: a check is bound to it, and one that is bound to another order is stale. */
static int
commit(struct job *j, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct last last = { item_name(j->item), "" };
	bool same_order = false, same = false;
	int rc = item_file_write(
	    j->item, ITEM_ORDER, j->order_bytes.data, j->order_bytes.len, &same_order, err);

	if (rc != RC_OK)
		return rc;
	same = j->old != NULL && check_same(j->old, j->doc);
	if (!same) { /* a report of another check goes first */
		if ((rc = item_file_remove(j->item, ITEM_REPORT, err)) != RC_OK)
			return rc;
		if ((rc = json_write(j->doc, &b, err)) == RC_OK)
			rc = item_file_write(j->item, ITEM_CHECK, b.data, b.len, NULL, err);
	}
	if (rc == RC_OK && same)
		rc = import_history_each(j->import, last_check, &last, err);
	/* a check without its line in history: the run before was interrupted */
	if (rc == RC_OK && (!same || strcmp(last.outcome, outcome_of(j)) != 0))
		rc = write_history(j, err);
	j->again = same && same_order;
	buf_free(&b);
	return rc;
}

static void
warn_of_rules(struct job *j)
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

static int
send_receipt(struct job *j, struct err *err)
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

static int
run(struct job *j, struct err *err)
{
	int rc = RC_OK;

	if ((rc = gate(j, err)) != RC_OK ||
	    (rc = item_open(&j->item, j->import, j->study, !j->st->cli->dry_run, err)) != RC_OK ||
	    (rc = read_manifest(j, err)) != RC_OK || (rc = complete_order(j, err)) != RC_OK)
		return rc;
	read_old(j);
	j->st->deep = j->st->opt->deep || was_deep(j);
	if ((rc = check_facts_import(&j->facts, j->import, j->study, j->rest_follows, err)) != RC_OK ||
	    (rc = finish_order(j, err)) != RC_OK || (rc = check_facts_read(j->st, &j->facts, j->item, err)) != RC_OK ||
	    (rc = check_papers_read(j->st, &j->facts, j->item, j->order, err)) != RC_OK ||
	    (rc = check_targets_ask(j->st, j->subject, j->order, &j->facts, j->item, err)) != RC_OK ||
	    (rc = judge(j, err)) != RC_OK)
		return rc;
	if (j->st->cli->dry_run) {
		check_worklist_print(j->st->cli, j->path, &j->facts.listed);
		check_print(j->st->cli, j->path, j->doc);
		if (j->numbers.errors > 0)
			cli_worse(j->st->cli, ERR_PERSON);
		return RC_OK;
	}
	return commit(j, err);
}

static int
run_audited(struct job *j, struct err *err)
{
	struct audit *audit = j->st->cli->dry_run ? NULL : j->st->work->audit;
	struct act *act = NULL;
	struct err late = { 0 };
	const char *outcome = "ok";
	json_t *n = NULL;
	int rc = act_begin(&act, audit, "mri-check", j->st->accepting ? "accept" : "check", j->subject,
	    j->st->opt->reason, AUDIT_NONE, err);

	if (rc != RC_OK)
		return rc;
	rc = run(j, err);
	if (rc != RC_OK)
		outcome = err->kind == ERR_TEMP ? "temp" : err->kind == ERR_DENIED ? "refused" : "perm";
	else if (j->numbers.errors > 0)
		outcome = "perm";
	else if (j->facts.manifest->partial)
		outcome = "partial";
	n = json_make(&late, "{s:I, s:I, s:I, s:I}", "objects", (json_int_t)j->facts.nobjects, "errors",
	    (json_int_t)j->numbers.errors, "accepted", (json_int_t)j->numbers.accepted, "warnings",
	    (json_int_t)j->numbers.warnings);
	if (act_end(act, outcome, n, &late) != RC_OK && rc == RC_OK) {
		*err = late;
		rc = err_rc(late.kind);
	}
	json_decref(n);
	return rc;
}

struct input {
	struct check_stage *st;
	const struct cli_input *in;
	bool whole;	/* it names an import */
};

static int
open_object(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	const struct job *j = arg;

	return item_object_fd(j->item, j->facts.objects[i].n, fd, key, err);
}

/* For whoever decides, so it is made of what is held too. */
static void
report(struct job *j)
{
	const struct report_source src = { .path = j->path,
		.item = j->item,
		.import = j->import,
		.order = j->order,
		.facts = &j->facts,
		.doc = j->again ? j->old : j->doc,
		.open = open_object,
		.arg = j };

	if (j->st->report != NULL)
		report_item(j->st->report, &src, j->subject);
}

/* One item; what is wrong with it does not stop the next one. */
static int
check_item(struct import *import, int study, void *arg, struct err *err)
{
	const struct input *input = arg;
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	struct job j = { .st = input->st,
		.in = input->in,
		.import = import,
		.study = study,
		.order_bytes = BUF_INIT(ORDER_MAX),
		.rest_follows = input->whole && input->st->more != NULL,
		.began = time_mono_ms() };
	struct cli *cli = input->st->cli;
	struct err e = { 0 };
	int rc = RC_OK;

	(void)err;
	if (cli_stopped())
		return RC_OK;
	text_copy(ref.id, sizeof ref.id, import_id(import));
	spool_ref_text(&ref, j.subject);
	spool_ref_path(input->st->work->spool, &ref, j.path);
	cli_count(cli, "items", 1);
	rc = run_audited(&j, &e);
	if (rc == RC_OK)
		report(&j);
	item_close(j.item); /* unlocked before the receipt */
	if (rc == RC_OK && !cli->dry_run)
		rc = send_receipt(&j, &e);
	else if (rc == RC_OK)
		cli_count(cli, j.numbers.errors > 0 ? "held" : "cleared", 1);
	if (rc != RC_OK) {
		struct cli_input item = *input->in;
		item.path = j.path;
		item.ref = import_ref(import);
		cli_fail(cli, cli->dry_run ? NULL : &item, j.subject, &e);
		cli_count(cli, "failed", 1);
	}
	check_facts_free(&j.facts);
	order_free(j.order);
	buf_free(&j.order_bytes);
	json_decref(j.old);
	json_decref(j.doc);
	return rc == RC_FATAL ? rc : RC_OK;
}

void
check_input(struct check_stage *st, const struct cli_input *in)
{
	struct spool_ref ref = { .kind = SPOOL_NOT };
	struct input input = { st, in, false };
	struct stat sb;
	struct err err = { 0 };
	int rc = work_open_for(st->cli, st->work, SPOOL_SECRET, in->path, &err);

	if (rc == RC_OK && st->work->spool != NULL)
		rc = spool_resolve(st->work->spool, in->path, &ref, &err);
	if (rc != RC_OK) {
		cli_fail(st->cli, in, in->path, &err);
		return;
	}
	if (ref.kind == SPOOL_NOT) {
		if (stat(in->path, &sb) == 0) {
			check_folder(st, in);
			return;
		}
		err_set(&err, ERR_NOINPUT, "neither an import, an item nor a folder");
		if (st->work->spool == NULL)
			err_advise(&err, "ids need a spool: -s DIR or MRI_SPOOL");
		cli_fail(st->cli, in, in->path, &err);
		return;
	}
	input.whole = ref.kind == SPOOL_IMPORT;
	if (work_items(st->work, &ref, check_item, &input, &err) != RC_OK && err.kind != ERR_NONE)
		cli_fail(st->cli, in, in->path, &err);
}
