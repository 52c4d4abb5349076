#include "stage/retag.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "spool/manifest.h"
#include "spool/overlay.h"

#define SHA_HEX		65
#define SUBJECT_MAX	128

/* One item on its way. */
struct job {
	struct retag *r;
	const struct cli_input *in;
	struct import *import;
	struct item_dir *item;
	struct order *order;
	struct manifest *manifest;
	json_t *plan;
	char check_sha[SHA_HEX], order_sha[SHA_HEX], manifest_sha[SHA_HEX];
	char subject[SUBJECT_MAX], path[SPOOL_PATH_MAX];
	int entry;		/* of the order */
	unsigned long long bytes;	/* new ones */
	int signatures, converted;
	uint64_t began;
};

int retag_begin(struct retag *r, struct err *err)
{
	struct ident who;
	size_t i = 0;
	int rc = retag_maps(r, err);

	if (rc != RC_OK)
		return rc;
	r->sets = calloc(r->set.n + 1, sizeof *r->sets);
	if (r->sets == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (i = 0; rc == RC_OK && i < r->set.n; i++) {
		char *text = text_dup(r->set.v[i], err);	/* lives as long as the program */

		rc = text == NULL ? err_rc(err->kind) : plan_set_parse(text, &r->sets[r->nsets], err);
		r->nsets += rc == RC_OK;
		if (rc != RC_OK)
			free(text);
	}
	if (rc == RC_OK && ident_get(&who, cli_sudo_uid(), &(struct err){ 0 }) == RC_OK)
		text_copy(r->station, sizeof r->station, who.host);
	return rc;
}

void retag_end(struct retag *r)
{
	size_t i = 0;

	retag_worker_stop(r->worker);
	for (i = 0; i < r->nsets; i++)
		free((char *)(uintptr_t)r->sets[i].keyword);
	free(r->sets);
	free(r->set.v);
	free(r->map.v);
	map_free(r->rules);
}

int retag_worker_ready(struct retag *r, const json_t *plan, struct err *err)
{
	int rc = RC_OK;

	if (r->worker == NULL)
		rc = retag_worker_start(&r->worker, (enum jail_mode)r->cli->config->sandbox, err);
	if (rc == RC_OK && plan != NULL)
		rc = retag_worker_plan(r->worker, plan, err);
	return rc;
}

static int answer(struct retag *r, struct pieces *p, struct plan_report *report, json_t **json, struct err *err)
{
	bool died = false;
	int rc = retag_worker_recv(r->worker, p, report, json, &died, err);

	if (died) {
		retag_worker_stop(r->worker);
		r->worker = NULL;
	}
	return rc;
}

int retag_ask(struct retag *r, enum retag_ask ask, int fd, const struct age_key *key, struct pieces *p,
    struct plan_report *report, json_t **json, struct err *err)
{
	int rc = retag_worker_send(r->worker, ask, fd, key, err);

	close(fd);
	return rc == RC_OK ? answer(r, p, report, json, err) : rc;
}

static int read_json(struct job *j, enum item_file which, json_t **out, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	int rc = item_file_read(j->item, which, &b, err);

	if (rc == RC_OK)
		rc = json_parse(b.data, b.len, out, err);
	buf_free(&b);
	return rc;
}

static int stale(struct err *err, const char *what)
{
	err_set(err, ERR_PERSON, "its check is stale: the %s is another one now", what);
	err_advise(err, "run mri-check on it again");
	return RC_FAILED;
}

/* The gate: a check that passed, or was accepted, and is bound to this order and this manifest (10-house). */
static int gate(struct job *j, struct err *err)
{
	json_t *check = NULL;
	const char *verdict = NULL, *order = NULL, *manifest = NULL;
	long long entry = ORDER_UNSCHEDULED;
	bool there = false, scheduled = false;
	int rc = item_file_there(j->item, ITEM_CHECK, &there, err);

	if (rc == RC_OK && !there) {
		err_set(err, ERR_PERSON, "not checked yet");
		err_advise(err, "run mri-check on it first");
		return RC_FAILED;
	}
	if (rc == RC_OK)
		rc = item_file_hash(j->item, ITEM_CHECK, j->check_sha, err);
	if (rc == RC_OK)
		rc = item_file_hash(j->item, ITEM_ORDER, j->order_sha, err);
	if (rc == RC_OK)
		rc = item_file_hash(j->item, ITEM_MANIFEST, j->manifest_sha, err);
	if (rc == RC_OK)
		rc = read_json(j, ITEM_CHECK, &check, err);
	if (rc == RC_OK)
		rc = json_get_str(check, "check", "verdict", &verdict, err);
	if (rc == RC_OK)
		rc = json_get_str(check, "check", "order", &order, err);
	if (rc == RC_OK)
		rc = json_get_str(check, "check", "manifest", &manifest, err);
	if (rc == RC_OK)
		rc = json_get_bool(check, "check", "scheduled", false, &scheduled, err);
	if (rc == RC_OK)
		rc = json_get_int(check, "check", "entry", ORDER_UNSCHEDULED, &entry, err);
	if (rc != RC_OK)
		goto out;
	if (verdict == NULL || (strcmp(verdict, "pass") != 0 && strcmp(verdict, "accepted") != 0)) {
		rc = err_set(err, ERR_PERSON, "held by mri-check");
		err_advise(err,
		    "read mri-show --findings, then mri-check --accept RULE --reason TEXT, or leave it");
	} else if (order == NULL || strcmp(order, j->order_sha) != 0) {
		rc = stale(err, "order");
	} else if (manifest == NULL || strcmp(manifest, j->manifest_sha) != 0) {
		rc = stale(err, "manifest");
	} else if (scheduled != (entry >= 0) || entry > INT32_MAX) {
		rc = err_set(err, ERR_DATA, "its check says scheduled and names no entry, or the reverse");
	}
	j->entry = scheduled ? (int)entry : ORDER_UNSCHEDULED;
out:
	json_decref(check);
	return rc;
}

static int load(struct job *j, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	int rc = item_file_read(j->item, ITEM_ORDER, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, "the item's order", &j->order, err);
	buf_clear(&b);
	if (rc == RC_OK)
		rc = item_file_read(j->item, ITEM_MANIFEST, &b, err);
	if (rc == RC_OK)
		rc = manifest_parse(b.data, b.len, &j->manifest, err);
	buf_free(&b);
	return rc;
}

static int make_plan(struct job *j, time_t t, struct err *err)
{
	struct plan_input in = {
		.order = j->order, .entry = j->entry, .order_sha256 = j->order_sha,
		    .manifest_sha256 = j->manifest_sha,
		.time = t, .version = PLAN_TOOL " " MRI_VERSION,
		.organisation = spool_organisation(j->r->work->spool), .station = j->r->station,
		.sets = j->r->sets, .nsets = j->r->nsets, .map = j->r->rules, .source = j->order->link_host,
	};

	json_decref(j->plan);
	j->plan = NULL;
	return plan_make(&j->plan, &in, err);
}

/* Is the overlay that is there of this check and this plan? Then its time is kept, and nothing is done.
 * A broken or
 * older one is made anew. */
static int done_before(struct job *j, bool *done, struct err *err)
{
	struct overlay *o = NULL;
	struct err ignored = { 0 };
	time_t t = 0;
	int rc = RC_OK;

	*done = false;
	if (overlay_open(&o, j->item, &ignored) != RC_OK)
		return RC_OK;
	if (strcmp(overlay_check(o), j->check_sha) == 0 && plan_time(overlay_plan(o), &t, &ignored) == RC_OK) {
		rc = make_plan(j, t, err);
		*done = rc == RC_OK && json_equal(j->plan, overlay_plan(o));
	}
	overlay_close(o);
	return rc;
}

static int ask(struct job *j, size_t i, enum retag_ask what, struct err *err)
{
	struct age_key key;
	int fd = -1, rc = item_object_fd(j->item, j->manifest->objects[i].n, &fd, &key, err);

	if (rc == RC_OK)
		rc = retag_worker_send(j->r->worker, what, fd, &key, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static void progress(struct job *j, size_t i)
{
	struct cli_progress p = { .what = j->subject, .bytes = j->bytes, .n = (long long)i,
		.total = (long long)j->manifest->nobjects };

	cli_progress(j->r->cli, &p);
}

/* Every object through the worker into the overlay; one request ahead of the answer. */
static int objects(struct job *j, struct overlay_writer *w, struct err *err)
{
	const struct manifest *m = j->manifest;
	size_t i = 0;
	int rc = m->nobjects > 0 ? ask(j, 0, RETAG_APPLY, err) : RC_OK;

	for (i = 0; rc == RC_OK && i < m->nobjects; i++) {
		struct pieces p = { 0 };
		struct plan_report report = { 0 };

		if (i + 1 < m->nobjects)
			rc = ask(j, i + 1, RETAG_APPLY, err);
		if (rc == RC_OK && (rc = answer(j->r, &p, &report, NULL, err)) != RC_OK)
			err_wrap(err, "object %d", m->objects[i].n);
		if (rc == RC_OK)
			rc = overlay_add(w, m->objects[i].n, m->objects[i].sha256, &p, err);
		j->bytes += p.bytes.len;
		j->signatures += report.signatures;
		j->converted += report.converted;
		pieces_free(&p);
		progress(j, i + 1);
	}
	/* answers may be on their way: a new one for the next item */
	if (rc != RC_OK && j->r->worker != NULL) {
		retag_worker_stop(j->r->worker);
		j->r->worker = NULL;
	}
	return rc;
}

static json_t *numbers(const struct job *j)
{
	struct err err = { 0 };

	return json_make(&err, "{s:i, s:I, s:i, s:i, s:I}", "objects", (int)j->manifest->nobjects, "bytes",
	    (json_int_t)j->bytes, "converted", j->converted, "signatures", j->signatures, "ms",
	    (json_int_t)(time_mono_ms() - j->began));
}

static int history(struct job *j, const char *outcome, const char *reason, const json_t *more, struct err *err)
{
	return import_history_add(j->import, "retag", item_name(j->item), outcome, reason, more, err);
}

static int make_overlay(struct job *j, struct err *err)
{
	struct overlay_writer *w = NULL;
	struct act *act = NULL;
	struct err audit = { 0 };
	json_t *more = NULL;
	int rc = act_begin(&act, j->r->work->audit, RETAG_TOOL, "retag", j->subject,
	    j->r->rules != NULL ? j->r->nsets > 0 ? "irwf, map, set" : "irwf, map" : j->r->nsets > 0
	    ? "irwf, set" : "irwf", AUDIT_NONE, err);

	if (rc != RC_OK)
		return rc;
	rc = retag_worker_ready(j->r, j->plan, err);
	if (rc == RC_OK)
		rc = overlay_create(&w, j->item, j->check_sha, j->plan, (int)j->manifest->nobjects, err);
	if (rc == RC_OK)
		rc = objects(j, w, err);
	if (rc == RC_OK)
		rc = import_present(j->import, err);
	if (rc == RC_OK)
		rc = overlay_commit(w, err);
	else
		overlay_abort(w);
	more = numbers(j);
	if (rc == RC_OK)
		rc = history(j, "ok", j->signatures > 0
		    ? "digital signatures that no longer held are gone" : NULL, more, err);
	if (act_end(act, rc == RC_OK ? "ok" : err->kind == ERR_TEMP ? "temp" : "perm", more,
	    &audit) != RC_OK && rc == RC_OK) {
		*err = audit;
		rc = err_rc(err->kind);
	}
	json_decref(more);
	return rc;
}

static void receipt(struct job *j, bool again, const json_t *more)
{
	struct cli_receipt r = { .in = j->in, .path = j->path, .ref = import_ref(j->import), .status = "ok",
		.again = again, .more = more };

	cli_receipt(j->r->cli, &r);
}

static int show(struct job *j, struct err *err)
{
	struct retag_old *old = NULL;
	size_t i = 0;
	int rc = make_plan(j, time_now(), err);

	if (rc == RC_OK)
		rc = retag_old_new(&old, err);
	if (rc == RC_OK)
		rc = retag_worker_ready(j->r, j->plan, err);
	for (i = 0; rc == RC_OK && i < j->manifest->nobjects; i++) {
		json_t *values = NULL;

		rc = ask(j, i, RETAG_OLD, err);
		if (rc == RC_OK && (rc = answer(j->r, NULL, NULL, &values, err)) != RC_OK)
			err_wrap(err, "object %d", j->manifest->objects[i].n);
		if (rc == RC_OK)
			rc = retag_old_add(old, values, err);
		json_decref(values);
	}
	if (rc == RC_OK)
		retag_old_print(old, j->r->cli, j->subject, j->path, j->plan);
	retag_old_free(old);
	return rc;
}

/* The file is there and its line may be missing: a run that was killed between, or a check since that
 * changed nothing. */
static int mend_history(struct job *j, struct err *err)
{
	char state[32] = "";
	int rc = item_state(j->item, NULL, state, err);

	if (rc == RC_OK && (strcmp(state, "interrupted") == 0 || strcmp(state, "checked") == 0))
		rc = history(j, "ok", "done before", NULL, err);
	return rc;
}

static int retag(struct job *j, struct err *err)
{
	json_t *more = NULL;
	bool done = false;
	int rc = gate(j, err);

	if (rc == RC_OK)
		rc = load(j, err);
	if (rc == RC_OK && (j->r->plan || j->r->cli->dry_run))
		return show(j, err);
	if (rc == RC_OK)
		rc = done_before(j, &done, err);
	if (rc == RC_OK && done)
		rc = mend_history(j, err);
	else if (rc == RC_OK && (rc = make_plan(j, time_now(), err)) == RC_OK)
		rc = make_overlay(j, err);
	if (rc != RC_OK)
		return rc;
	if (j->signatures > 0)
		cli_warn(j->r->cli, j->subject,
		    "digital signatures of %d objects no longer held and are gone", j->signatures);
	cli_count(j->r->cli, "objects", (long long)j->manifest->nobjects);
	cli_count(j->r->cli, "bytes", (long long)j->bytes);
	more = numbers(j);
	item_close(j->item);	/* unlocked before the receipt */
	j->item = NULL;
	receipt(j, done, more);
	json_decref(more);
	return rc;
}

static int undo(struct job *j, struct err *err)
{
	struct act *act = NULL;
	struct err audit = { 0 };
	bool there = false;
	int rc = item_file_there(j->item, ITEM_OVERLAY, &there, err);

	if (rc == RC_OK && (j->r->plan || j->r->cli->dry_run)) {
		cli_print(j->r->cli, "%s: %s", j->subject, there ? "its overlay would be removed"
		    : "not retagged");
		return rc;
	}
	if (rc == RC_OK && there) {
		rc = act_begin(&act, j->r->work->audit, RETAG_TOOL, "retag", j->subject, "undo",
		    AUDIT_NONE, err);
		if (rc != RC_OK)
			return rc;
		rc = item_file_remove(j->item, ITEM_OVERLAY, err);
		if (rc == RC_OK)
			rc = history(j, "undone", NULL, NULL, err);
		if (act_end(act, rc == RC_OK ? "ok" : "perm", NULL, &audit) != RC_OK && rc == RC_OK) {
			*err = audit;
			rc = err_rc(err->kind);
		}
	}
	if (rc == RC_OK)
		receipt(j, !there, NULL);
	return rc;
}

static int one(struct import *import, int study, void *arg, struct err *err)
{
	struct job j = *(struct job *)arg;	/* retag and input stand in it */
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	struct err why = { 0 };
	int rc = RC_OK;

	(void)err;
	if (cli_stopped())
		return RC_OK;
	j.import = import;
	j.began = time_mono_ms();
	text_copy(ref.id, sizeof ref.id, import_id(import));
	spool_ref_text(&ref, j.subject);
	spool_ref_path(j.r->work->spool, &ref, j.path);
	if (import_expired(import, time_now()))
		rc = err_set(&why, ERR_REFUSED, "its deadline is over");
	if (rc == RC_OK)
		rc = item_open(&j.item, import, study, true, &why);
	/* Papers have no attributes: nothing to change until documents become objects. */
	if (rc == RC_OK && study == ITEM_PAPERS) {
		item_close(j.item);	/* unlocked before the receipt */
		j.item = NULL;
		if (!j.r->plan && !j.r->cli->dry_run)
			receipt(&j, false, NULL);
	} else if (rc == RC_OK) {
		rc = j.r->undo ? undo(&j, &why) : retag(&j, &why);
	}
	cli_progress_end(j.r->cli);
	cli_count(j.r->cli, "items", 1);
	cli_count(j.r->cli, rc == RC_OK ? "done" : "failed", 1);
	if (rc != RC_OK)
		cli_fail(j.r->cli, j.in, j.subject, &why);
	item_close(j.item);
	order_free(j.order);
	manifest_free(j.manifest);
	json_decref(j.plan);
	return RC_OK;
}

void retag_input(struct retag *r, const struct cli_input *in)
{
	struct job j = { .r = r, .in = in };
	struct spool_ref ref = { .kind = SPOOL_NOT };
	struct err err = { 0 };
	int rc = work_open_for(r->cli, r->work, SPOOL_SECRET, in->path, &err);

	if (rc == RC_OK && r->work->spool != NULL)
		rc = spool_resolve(r->work->spool, in->path, &ref, &err);
	if (rc == RC_OK && ref.kind == SPOOL_NOT) {
		rc = err_set(&err, ERR_NOINPUT, "is nothing in a spool");
		err_advise(&err, "without a spool: mri-retag --order FILE -o DIR FOLDER");
	}
	if (rc == RC_OK)
		rc = work_items(r->work, &ref, one, &j, &err);
	if (rc != RC_OK)
		cli_fail(r->cli, in, in->path, &err);
}
