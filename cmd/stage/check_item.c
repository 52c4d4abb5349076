/* One item of a spool through mri-check: its order completed, its objects read, all of it judged. */
#include "stage/check_item.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/check_paper.h"
#include "stage/check_report.h"

/* The order as it will be applied: as fetched, completed by --order; without
 * that option as it was completed before. */
static int
complete_order(struct check_job *j, struct err *err)
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
finish_order(struct check_job *j, struct err *err)
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
read_manifest(struct check_job *j, struct err *err)
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
read_old(struct check_job *j)
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
was_deep(const struct check_job *j)
{
	return json_is_true(json_object_get(j->old, "deep")) &&
	    strcmp(json_text(j->old, "manifest"), j->manifest_sha) == 0;
}

static int
gate(struct check_job *j, struct err *err)
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
judge(struct check_job *j, struct err *err)
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

static int
run(struct check_job *j, struct err *err)
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
	return check_commit(j, err);
}

static int
run_audited(struct check_job *j, struct err *err)
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

static int
open_object(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	const struct check_job *j = arg;

	return item_object_fd(j->item, j->facts.objects[i].n, fd, key, err);
}

/* For whoever decides, so it is made of what is held too. */
static void
report(struct check_job *j)
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
int
check_item(struct import *import, int study, void *arg, struct err *err)
{
	const struct check_for *input = arg;
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	struct check_job j = { .st = input->st,
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
		rc = check_answer(&j, &e);
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
