#include "stage/purge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "order/order.h"
#include "spool/journal.h"
#include "spool/manifest.h"
#include "spool/purge.h"

#define TOOL		"mri-purge"
#define STUDIES_MAX	4096	/* studies of one import */

int stage_purge_open(struct cli *cli, struct work *w, struct err *err)
{
	const struct config *c = cli->config;
	struct spool_settings set = { .retention = c->retention, .encrypt = c->encrypt,
	    .keep_package = c->keep_package, .gone_period = c->gone_period, .link_period = c->link_period,
	    .record_period = c->record_period };
	struct err again = { 0 };
	int rc = work_open(cli, w, SPOOL_PUBLIC, true, err);

	if (!rc || !cli->spool_dir)
		return rc;
	/* The act does not wait for its record here (70-security): only an intact spool is asked for. */
	if (spool_open(&w->spool, cli->spool_dir, SPOOL_PUBLIC, &set, &again))
		return rc;
	cli_fail(cli, NULL, "audit", err);
	cli_warn(cli, NULL, "purging without an audit log");
	return RC_OK;
}

static void spool_time(struct cli *cli, struct work *w, time_t *now)
{
	struct err err = { 0 };

	if (spool_clock(w->spool, now, &err))
		cli_fail(cli, NULL, "clock", &err);	/* 78 in the end; the purge goes on with the spool's own time */
}

static json_t *numbers(const struct purge_result *r)
{
	struct err err = { 0 };

	return json_make(&err, "{s:I, s:I}", "files", (json_int_t)r->files, "bytes", (json_int_t)r->bytes);
}

static void report(struct cli *cli, const struct cli_input *in, const char *id, const char *rule,
	const struct purge_result *r, const struct err *err)
{
	struct cli_input none = { .path = id }, where = in ? *in : none;
	json_t *more = NULL;

	cli_count(cli, "imports", 1);
	if (err) {
		cli_count(cli, "failed", 1);
		where.path = id;
		cli_fail(cli, &where, id, err);
		return;
	}
	cli_count(cli, "purged", 1);
	if ((more = numbers(r)))
		json_object_set_new(more, "rule", json_string(rule));
	cli_receipt(cli, &(struct cli_receipt){ .in = &where, .path = id, .status = "ok", .more = more });
	json_decref(more);
}

/*
 * Intent, act, outcome. A log that cannot be written does not keep payload alive; what is removed makes room, so
 * that the record is tried once more afterwards.
 */
static void purge_one(struct cli *cli, struct work *w, const struct cli_input *in, const char *id, const char *rule,
	bool due)
{
	struct purge_result r = { 0 };
	struct err err = { 0 }, audit = { 0 };
	struct act *act = NULL;
	json_t *n = NULL;
	bool failed = false;
	int rc = act_begin(&act, w->audit, TOOL, "purge", id, rule, AUDIT_RESERVE, &audit);

	if (rc && !due) {	/* nobody waits for this one: it can be repeated when the log is well */
		report(cli, in, id, rule, &r, &audit);
		return;
	}
	failed = purge_import(w->spool, id, rule, NULL, due, &r, &err) != RC_OK;
	if (rc)
		rc = act_begin(&act, w->audit, TOOL, "purge", id, rule, AUDIT_RESERVE, &audit);
	if (rc)
		cli_fail(cli, NULL, "audit", &audit);
	n = numbers(&r);
	if (!rc && act_end(act, failed ? (err.kind == ERR_TEMP ? "temp" : "perm") : "ok", n, &audit))
		cli_fail(cli, NULL, "audit", &audit);
	json_decref(n);
	report(cli, in, id, rule, &r, failed ? &err : NULL);
}

/* ---- due ---- */

struct run {
	struct cli *cli;
	struct work *w;
	time_t now;
	bool found;
};

static int due_one(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct run *run = arg;

	(void)where;
	(void)err;
	if (!cli_stopped())
		purge_one(run->cli, run->w, NULL, id, "deadline", true);
	return RC_OK;
}

static void resumed_one(const char *id, const struct purge_result *r, const struct err *failed, void *arg)
{
	struct run *run = arg;
	struct act *act = NULL;
	struct err err = { 0 };
	json_t *n = numbers(r);

	if (act_begin(&act, run->w->audit, TOOL, "purge", spool_is_id(id) ? id : NULL, "resumed", AUDIT_RESERVE, &err) ||
	    act_end(act, failed ? "perm" : "ok", n, &err))
		cli_fail(run->cli, NULL, "audit", &err);
	json_decref(n);
	report(run->cli, NULL, id, "resumed", r, failed);
}

void stage_purge_due(struct cli *cli, struct work *w)
{
	struct run run = { .cli = cli, .w = w };
	struct err err = { 0 };
	int n = 0;

	cli_balance(cli, "imports", "purged", "failed", "kept", NULL);
	spool_time(cli, w, &run.now);
	/* What failed and what failed again has been said import by import. */
	purge_resume(w->spool, resumed_one, &run, &err);
	if (purge_due(w->spool, run.now, due_one, &run, &err))
		cli_fail(cli, NULL, NULL, &err);
	if (purge_periods(w->spool, run.now, &n, &err))
		cli_fail(cli, NULL, NULL, &err);
	cli_count(cli, "expired", n);
	if (n)
		cli_note(cli, 1, NULL, "%d tombstones, link memories and records were over", n);
}

static void print_left(int64_t left, char out[32])
{
	if (left <= 0)
		snprintf(out, 32, "now");
	else if (left >= 48 * 3600)
		snprintf(out, 32, "%dd%02dh", (int)(left / 86400), (int)(left % 86400 / 3600));
	else
		snprintf(out, 32, "%dh%02dm", (int)(left / 3600), (int)(left % 3600 / 60));
}

static int list_one(const char *id, enum import_where where, void *arg, struct err *err)
{
	char left[32] = "", at[TIME_TEXT_MAX] = "?", state[32] = "damaged", ref[512] = "";
	struct run *run = arg;
	struct import *import = NULL;
	struct err ignored = { 0 };
	int64_t seconds = 0;
	json_t *j = NULL;

	run->found = true;
	if (!import_peek(&import, run->w->spool, id, where, &ignored)) {
		seconds = (int64_t)import_purge_at(import) - (int64_t)run->now;
		time_iso(import_purge_at(import), at);
		text_escape(ref, sizeof(ref), import_ref(import), strlen(import_ref(import)));
		if (import_state(import, state, &ignored))
			text_copy(state, sizeof(state), "damaged");
	}
	import_close(import);
	print_left(seconds, left);
	if (!run->cli->json) {
		cli_print(run->cli, "%s  %-20s  %8s  %-10s  %s", id, at, left, state, ref);
		return RC_OK;
	}
	j = json_make(err, "{s:i, s:s, s:s, s:s, s:I, s:s, s:s}", "v", 1, "type", "due", "id", id, "purge_at", at,
	    "left", (json_int_t)(seconds > 0 ? seconds : 0), "state", state, "ref", ref);
	if (!j)
		return err_rc(err->kind);
	cli_print_json(run->cli, j);
	json_decref(j);
	return RC_OK;
}

void stage_purge_list(struct cli *cli, struct work *w, int64_t within, bool found_is_one)
{
	struct run run = { .cli = cli, .w = w };
	struct err err = { 0 };

	spool_time(cli, w, &run.now);
	if (purge_due(w->spool, run.now + (time_t)within, list_one, &run, &err))
		cli_fail(cli, NULL, NULL, &err);
	if (run.found && found_is_one)
		cli_worse(cli, ERR_PERSON);
}

/* ---- now ---- */

/* The id that an input names; a person must mean the whole import. */
static int input_id(struct work *w, const struct cli_input *in, char id[SPOOL_ID_LEN + 1], struct err *err)
{
	struct spool_ref ref = { 0 };
	int rc = spool_resolve(w->spool, in->path, &ref, err);

	if (rc)
		return rc;
	if (ref.kind == SPOOL_NOT)
		return err_set(err, ERR_NOINPUT, "names no import of this spool");
	if (ref.kind != SPOOL_IMPORT) {
		rc = err_set(err, ERR_USAGE, "is a part of an import");
		err_advise(err, "an import is purged as a whole: give its id");
		return rc;
	}
	text_copy(id, SPOOL_ID_LEN + 1, ref.id);
	return RC_OK;
}

enum { THERE, GONE, ABSENT };

static int whereabouts(struct work *w, const char *id, enum import_where *where, time_t now, bool *due)
{
	char tomb[PURGE_TOMB_MAX] = "";
	struct import *import = NULL;
	struct err err = { 0 };
	int i = 0;

	for (i = IMPORT_COMMITTED; i >= IMPORT_INCOMING; i--) {
		*where = (enum import_where)i;
		if (!import_peek(&import, w->spool, id, *where, &err)) {
			*due = import_expired(import, now);
			import_close(import);
			return THERE;
		}
		if (err.kind != ERR_NOINPUT && err.kind != ERR_REFUSED && err.kind != ERR_TEMP)
			return THERE;	/* damaged: it can be erased all the same */
	}
	return !purge_tombstone(w->spool, id, tomb, &err) && *tomb ? GONE : ABSENT;
}

void stage_purge_now(struct cli *cli, struct work *w, const struct cli_input *in)
{
	struct run run = { .cli = cli, .w = w };
	enum import_where where = IMPORT_COMMITTED;
	char id[SPOOL_ID_LEN + 1] = "";
	struct err err = { 0 };
	bool due = false;

	cli_balance(cli, "imports", "purged", "failed", "kept", NULL);
	if (input_id(w, in, id, &err)) {
		cli_fail(cli, in, in->path, &err);
		return;
	}
	spool_time(cli, w, &run.now);
	switch (whereabouts(w, id, &where, run.now, &due)) {
	case GONE:
		if (!cli->dry_run)
			cli_receipt(cli, &(struct cli_receipt){ .in = in, .path = id, .status = "ok", .again = true });
		break;
	case ABSENT:
		err_set(&err, ERR_NOINPUT, "no such import in this spool");
		cli_fail(cli, in, id, &err);
		break;
	default:
		if (!cli->dry_run)
			purge_one(cli, w, in, id, "now", due);
		else if (list_one(id, where, &run, &err))
			cli_fail(cli, in, id, &err);
		break;
	}
}

/* ---- confirmed ---- */

struct delivered {
	const struct item_dir *item;
	size_t objects, documents;
	bool all, some, papers;
};

static int one_destination(const char *name, void *arg, struct err *err)
{
	struct delivered *d = arg;
	struct journal_summary s = { 0 };
	char state[32] = "";
	bool confirmed = false;
	int rc = journal_look(d->item, name, &s, err);

	if (rc && err->kind != ERR_NOINPUT)
		return rc;
	/* The journal may be older than the last check or retag: then what it tells of is not what is here. */
	if (!rc && s.confirmed) {
		if ((rc = item_state(d->item, name, state, err)))
			return rc;
		confirmed = strcmp(state, "confirmed") == 0;
	}
	if (confirmed)
		d->some = true;
	if (confirmed && (size_t)s.documents == d->documents)
		d->papers = true;
	/* A destination that takes no documents has nothing of an item without objects. */
	if (d->objects && (!confirmed || (size_t)s.stored != d->objects))
		d->all = false;
	return RC_OK;
}

static int read_order(const struct item_dir *item, struct order **out, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = item_order_read(item, &b, err);

	if (!rc)
		rc = order_parse(b.data, b.len, "order", out, err);
	buf_wipe(&b);
	return rc;
}

/*
 * Every object at every destination of the order, every document at one of them, all of it read back; nothing
 * set aside, which only the import still has.
 */
static int item_confirmed(struct import *import, int study, bool *yes, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct delivered d = { .all = true };
	struct item_dir *item = NULL;
	struct manifest *m = NULL;
	struct order *o = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*yes = false;
	if ((rc = item_open(&item, import, study, false, err)) ||
	    (rc = item_file_read(item, ITEM_MANIFEST, &b, err)) || (rc = manifest_parse(b.data, b.len, &m, err)) ||
	    (rc = read_order(item, &o, err)))
		goto out;
	d.item = item;
	d.objects = m->nobjects;
	d.documents = m->ndocuments;
	for (i = 0; !rc && i < o->ndestinations; i++)
		rc = one_destination(o->destinations[i], &d, err);
	if (!rc && !o->ndestinations)
		rc = journal_each(item, one_destination, &d, err);
	*yes = !rc && d.all && d.some && (d.papers || !d.documents) && !m->partial && !m->set_aside;
out:
	order_free(o);
	manifest_free(m);
	buf_wipe(&b);
	item_close(item);
	return rc;
}

static int import_confirmed(struct import *import, bool *yes, struct err *err)
{
	int *studies = calloc(STUDIES_MAX, sizeof(*studies));
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	bool papers = false, unpacked = false;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	*yes = false;
	if (!studies)
		return err_set(err, ERR_TEMP, "no memory");
	if ((rc = import_unpack_read(import, &unpacked, &b, err)) || !unpacked ||
	    (rc = item_each(import, studies, STUDIES_MAX, &n, &papers, err)))
		goto out;
	*yes = n || papers;
	for (i = 0; !rc && *yes && i < n; i++)
		rc = item_confirmed(import, studies[i], yes, err);
	if (!rc && *yes && papers)
		rc = item_confirmed(import, ITEM_PAPERS, yes, err);
	if (rc)
		*yes = false;
out:
	buf_wipe(&b);
	free(studies);
	return rc;
}

static void confirmed_one(struct cli *cli, struct work *w, const struct cli_input *in, const char *id)
{
	struct cli_input self = { .path = id };
	struct import *import = NULL;
	struct err err = { 0 };
	bool yes = false;
	int rc = import_open(&import, w->spool, id, IMPORT_COMMITTED, &err);

	if (!rc)
		rc = import_confirmed(import, &yes, &err);
	import_close(import);
	if (rc) {
		report(cli, in ? in : &self, id, "confirmed", NULL, &err);
	} else if (yes && cli->dry_run) {
		struct run run = { .cli = cli, .w = w, .now = time_now() };
		list_one(id, IMPORT_COMMITTED, &run, &err);
	} else if (yes) {
		purge_one(cli, w, in, id, "confirmed", false);
	} else if (in) {
		cli_count(cli, "imports", 1);
		cli_count(cli, "kept", 1);
		err_set(&err, ERR_PERSON, "not every destination of the order has confirmed all of it");
		err_advise(&err, "mri-show %s tells what each destination holds", id);
		cli_fail(cli, in, id, &err);
	}
}

static int confirmed_each(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct run *run = arg;

	(void)err;
	if (where == IMPORT_COMMITTED && !cli_stopped())
		confirmed_one(run->cli, run->w, NULL, id);
	return RC_OK;
}

void stage_purge_confirmed(struct cli *cli, struct work *w, const struct cli_input *in)
{
	struct run run = { .cli = cli, .w = w };
	char id[SPOOL_ID_LEN + 1] = "";
	struct err err = { 0 };

	cli_balance(cli, "imports", "purged", "failed", "kept", NULL);
	if (!in) {
		if (import_each(w->spool, confirmed_each, &run, &err))
			cli_fail(cli, NULL, NULL, &err);
	} else if (input_id(w, in, id, &err))
		cli_fail(cli, in, in->path, &err);
	else
		confirmed_one(cli, w, in, id);
}
