/* One import of the spool: its packages as items, with its record and history; then the packages go. */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "stage/unpack_impl.h"

#define TOOL		"mri-unpack"
#define PACKAGES_MAX	4096	/* packages of one import; a portal hands out a few */

static int read_packages(struct unpack_run *run, const struct cli_input *in, struct err *err)
{
	int *numbers = calloc(PACKAGES_MAX, sizeof *numbers);
	size_t n = 0;
	int rc = numbers ? RC_OK : err_set(err, ERR_TEMP, "no memory to unpack");

	if (rc == RC_OK)
		rc = import_packages(run->import, numbers, PACKAGES_MAX, &n, err);
	if (rc == RC_OK && n > PACKAGES_MAX)
		rc = err_set(err, ERR_DATA, "more than %d packages", PACKAGES_MAX);
	if (rc == RC_OK && !(run->packages = calloc(n + 1, sizeof *run->packages)))
		rc = err_set(err, ERR_TEMP, "no memory to unpack");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct unpack_package *p = &run->packages[i];
		struct buf b = BUF_INIT(0);

		run->npackages++;
		p->n = numbers[i];
		p->in = in;
		claim_init(&p->claim);
		rc = import_claim_read(run->import, p->n, &b, err);
		if (rc == RC_OK)
			rc = claim_parse(b.data, b.len, &p->claim, err);
		p->claimed = rc == RC_OK;
		if (rc != RC_OK && err->kind == ERR_NOINPUT)	/* nobody said anything of it */
			rc = RC_OK;
		buf_wipe(&b);
	}
	free(numbers);
	return rc;
}

static int history(struct unpack_run *run, struct err *err)
{
	struct unpack_outcome o = unpack_outcome_of(run);
	json_t *n = NULL;
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		char name[32];

		unpack_item_name(it, name);
		n = json_make(err, "{s:i,s:i,s:I}", "objects", it->objects, "documents", it->documents, "bytes",
		    (json_int_t)it->bytes);
		rc = n ? import_history_add(run->import, "unpack", name, it->partial ? "partial" : "ok", NULL, n, err)
		    : err_rc(err->kind);
		json_decref(n);
	}
	if (rc != RC_OK)
		return rc;
	n = json_make(err, "{s:I,s:I,s:I,s:I,s:I}", "files", (json_int_t)run->nfiles, "objects",
	    (json_int_t)run->counts[FATE_OBJECT], "documents", (json_int_t)run->counts[FATE_DOCUMENT], "duplicates",
	    (json_int_t)run->counts[FATE_DUPLICATE], "set_aside", (json_int_t)run->counts[FATE_ASIDE]);
	rc = n ? import_history_add(run->import, "unpack", NULL, o.word, o.reason, n, err) : err_rc(err->kind);
	json_decref(n);
	return rc;
}

/* The package goes when all of it is durable elsewhere; its claim stays. */
static int drop_packages(struct unpack_run *run, struct work *w, struct err *err)
{
	int rc = RC_OK;

	if (spool_settings(w->spool)->keep_package)
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++)
		if (!run->packages[i].failed && !run->packages[i].partial && !run->packages[i].kept)
			rc = import_package_drop(run->import, run->packages[i].n, err);
	return rc;
}

static int fresh(struct unpack_run *run, struct work *w, const struct cli_input *in, struct err *err)
{
	struct buf record = BUF_INIT(0);
	struct act *act = NULL;
	uint64_t began = time_mono_ms();
	bool there = false;
	int rc = RC_OK, rc2 = RC_OK;
	struct err err2 = { 0 };

	if (!run->cli->dry_run) {
		rc = act_begin(&act, w->audit, TOOL, "unpack", run->subject, NULL, AUDIT_NONE, err);
		if (rc == RC_OK)
			rc = staging_new(&run->staging, run->import, err);
		/* another one may have come to its end while this one waited for the lock */
		if (rc == RC_OK)
			rc = import_unpack_read(run->import, &there, &record, err);
		if (rc == RC_OK && there) {
			rc = unpack_again(run->cli, w, in, run->import, &record, err);
			rc2 = act_end(act, rc == RC_OK ? "ok" : rc == RC_RETRY ? "temp" : "perm", NULL, &err2);
			if (rc == RC_OK && rc2 != RC_OK) {
				rc = rc2;
				*err = err2;
			}
			goto out;
		}
	}
	if (rc == RC_OK)
		rc = read_packages(run, in, err);
	if (rc == RC_OK)
		rc = unpack_read_all(run, err);
	if (rc == RC_OK && run->cli->dry_run) {
		unpack_say(run);
		unpack_plan(run);
		unpack_count(run);
		goto out;
	}
	for (size_t i = 0; rc == RC_OK && i < run->nitems; i++)
		rc = unpack_publish(run, i, err);
	if (rc == RC_OK)
		rc = unpack_record(run, &record, err);
	if (rc == RC_OK)
		rc = import_unpack_write(run->import, record.data, record.len, err);
	if (rc == RC_OK)
		rc = history(run, err);
	if (rc == RC_OK)
		rc = drop_packages(run, w, err);
	if (act) {
		rc2 = act_end(act, rc == RC_OK ? unpack_outcome_of(run).word : rc == RC_RETRY ? "temp" : "perm", NULL, &err2);
		if (rc == RC_OK && rc2 != RC_OK) {
			rc = rc2;
			*err = err2;
		}
	}
	if (rc == RC_OK) {
		unpack_count(run);
		unpack_answer_import(run, w, in, began);
	}
out:
	staging_free(run->staging);
	run->staging = NULL;
	buf_wipe(&record);
	return rc;
}

void stage_unpack_import(struct cli *cli, struct work *w, const struct cli_input *in, const char *id,
    const struct unpack_how *how)
{
	struct unpack_run run = { .cli = cli, .subject = id, .password = &how->password, .names = how->names };
	struct import *import = NULL;
	struct buf record = BUF_INIT(0);
	struct err err = { 0 };
	bool there = false;
	time_t now = 0;
	int rc = import_open(&import, w->spool, id, IMPORT_COMMITTED, &err);

	run.import = import;
	if (rc == RC_OK) {
		struct err clock = { 0 };

		if (spool_clock(w->spool, &now, &clock) != RC_OK)
			cli_warn(cli, NULL, "%s", clock.text);
		if (import_expired(import, now))
			rc = err_set(&err, ERR_REFUSED, "its time is over: it is due to be purged");
	}
	if (rc == RC_OK)
		rc = import_unpack_read(import, &there, &record, &err);
	if (rc == RC_OK && there)
		rc = unpack_again(cli, w, in, import, &record, &err);
	else if (rc == RC_OK)
		rc = fresh(&run, w, in, &err);
	if (rc != RC_OK)
		cli_fail(cli, in, id, &err);
	buf_wipe(&record);
	unpack_free(&run);
	import_close(import);
}
