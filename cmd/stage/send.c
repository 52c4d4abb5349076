#include "stage/send_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "dimse/store.h"

#define TOOL	"mri-send"

/* One item on its way. */
struct run {
	struct send *s;
	const struct cli_input *in;
	char subject[128];	/* "<id>/study/1", or the folder */
	char path[SPOOL_PATH_MAX];
	struct import *import;	/* NULL without a spool */
	struct item_dir *item;
	struct order *order;
	struct send_set set;
	bool prepared;
	size_t left;		/* documents that no destination in hand takes, and none has */
	char left_text[ERR_TEXT_MAX];
	uint64_t began;
};

static void receipt(struct run *r, const char *status, bool again, const char *reason, const json_t *more)
{
	bool good = strcmp(status, "ok") == 0 || strcmp(status, "partial") == 0;
	struct cli_receipt rc = { .in = r->in, .path = good ? r->path : NULL, .ref = r->import
	    ? import_ref(r->import)
		: NULL, .status = status, .again = again, .reason = reason, .more = more };

	cli_receipt(r->s->cli, &rc);
}

/* A failure of the item as a whole, or at one destination: a message, the status, and a receipt. */
static void failed(struct run *r, const char *subject, const struct err *err, const json_t *more)
{
	cli_fail(r->s->cli, NULL, subject, err);
	receipt(r, err->kind == ERR_TEMP ? "temp" : "perm", false, err->text, more);
}

/* All objects are there. */
static void done(struct run *r, bool again, const json_t *more)
{
	receipt(r, r->left ? "partial" : "ok", again, r->left ? r->left_text : NULL, more);
}

static int read_order(struct run *r, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = item_order_read(r->item, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, "order", &r->order, err);
	buf_free(&b);
	return rc;
}

static void count(const uint8_t *fate, size_t n, struct send_tally *t)
{
	t->stored = t->already = t->refused = t->failed = 0;
	t->objects = (long long)n;
	for (size_t i = 0; i < n; i++) {
		t->stored += fate[i] == FATE_STORED;
		t->already += fate[i] == FATE_ALREADY;
		t->refused += fate[i] == FATE_REFUSED;
		t->failed += fate[i] == FATE_FAILED || fate[i] == FATE_OPEN;
	}
}

static size_t open_ones(const uint8_t *fate, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += fate[i] == FATE_OPEN;
	return k;
}

static int prepare(struct run *r, struct err *err)
{
	size_t n = 0;
	int rc = RC_OK;

	if (r->prepared)
		return RC_OK;
	rc = send_prepare(r->s, &r->set, err);
	if (rc != RC_OK)
		return rc;
	r->prepared = true;
	for (size_t i = 0; !r->set.item && i < r->set.nobjects; i++) {	/* a folder: what is not DICOM stays */
		struct send_object *o = &r->set.objects[i];
		if (o->n == 0) {
			r->set.skipped++;
			continue;
		}
		if (n != i) {
			struct send_object moved = r->set.objects[n];
			r->set.objects[n] = *o;
			*o = moved;
		}
		n++;
	}
	if (!r->set.item) {
		for (size_t i = n; i < r->set.nobjects; i++)
			r->set.objects[i].n = 0;
		r->set.nobjects_all = r->set.nobjects;
		r->set.nobjects = n;
		if (!n)
			return err_set(err, ERR_DATA, "holds no DICOM file");
		if (r->set.skipped)
			cli_warn(r->s->cli, r->subject, "%d files that are not DICOM objects were left out", r->set.skipped);
	}
	return RC_OK;
}

/* Plain files and the audit log hold no path or URL: what is not a plain name goes by its keyed hash, as
 * sent/ does. */
static int plain_name(struct run *r, const struct send_destination *d, char out[65], struct err *err)
{
	char hash[65] = "";
	int rc = RC_OK;

	if (!d->by_url) {
		text_copy(out, 65, d->name);
		return RC_OK;
	}
	rc = spool_keyed_hash(r->s->work->spool, "destination", d->name, strlen(d->name), hash, err);
	snprintf(out, 65, "url-%.32s", hash);
	return rc;
}

static json_t *numbers(const struct run *r, const char *destination, const struct send_tally *t,
    size_t ndocuments)
{
	struct err err;
	json_t *j = json_make(&err, "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "destination", destination,
	    "instances", (json_int_t)t->objects, "stored", (json_int_t)t->stored, "already", (json_int_t)t->already,
	    "refused", (json_int_t)t->refused, "failed", (json_int_t)t->failed, "bytes", (json_int_t)t->bytes,
	    "confirmed", t->confirmed, "ms", (json_int_t)(time_mono_ms() - r->began));

	if (j && ndocuments)
		json_object_set_new(j, "documents", json_integer((json_int_t)ndocuments));
	if (j && r->left)
		json_object_set_new(j, "documents_left", json_integer((json_int_t)r->left));
	return j;
}

static int read_back(struct run *r, const struct send_destination *d, struct send_tally *t, struct err *err)
{
	size_t missing = 0;
	int rc = RC_OK;

	for (size_t i = 0; i < r->set.nobjects; i++) {	/* its UID is not known: nobody can ask for it */
		const struct send_object *o = &r->set.objects[i];
		if (o->ready)
			continue;
		(void)err_set(err, o->bad ? o->bad : ERR_DATA, "object %d cannot be read back from '%s': %s", o->n,
		    d->name, o->why ? o->why : "cannot be read");
		return err_rc(err->kind);
	}
	rc = send_readback(r->s, &r->set, d, &missing, err);
	if (rc == RC_OK && missing) {
		(void)err_set(err, ERR_REFUSED, "'%s' acknowledged all objects and does not show %zu of %zu", d->name,
		    missing, r->set.nobjects);
		err_advise(err, "ask its operator; run mri-send again to look once more");
		rc = err_rc(err->kind);
	}
	t->confirmed = rc == RC_OK;
	return rc;
}

/* Folder: synced is confirmed. */
static int folder_journal(struct run *r, struct journal *j, const uint8_t *fate, const uint8_t *documents,
    struct err *err)
{
	char hash[65];
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < r->set.nobjects; i++) {
		const struct send_object *o = &r->set.objects[i];
		if (fate[i] == FATE_STORED || (fate[i] == FATE_ALREADY && journal_get(j, o->n, hash) != JOURNAL_STORED))
			rc = journal_add(j, o->n, JOURNAL_STORED, o->hash, 0, err);
	}
	for (size_t i = 0; rc == RC_OK && i < r->set.ndocuments; i++) {
		const struct send_document *o = &r->set.documents[i];
		int n = JOURNAL_DOCUMENT + o->n;
		if (documents[i] == FATE_STORED || (documents[i] == FATE_ALREADY &&
		    journal_get(j, n, hash) != JOURNAL_STORED))
			rc = journal_add(j, n, JOURNAL_STORED, o->hash, 0, err);
	}
	return rc == RC_OK ? journal_sync(j, err) : rc;
}

static void warnings(struct run *r, const struct send_destination *d, const struct send_tally *t)
{
	for (size_t i = 0; i < sizeof t->warnings / sizeof *t->warnings && t->warnings[i].n; i++)
		cli_warn(r->s->cli, r->subject, "'%s' stored %ld objects with status 0x%04x: %s", d->name,
		    t->warnings[i].n, t->warnings[i].status, store_meaning((uint16_t)t->warnings[i].status));
}

static int journal_at(struct run *r, const struct send_destination *d, bool made, struct journal **j,
    struct err *err)
{
	struct journal_summary sum;
	struct err ignored;

	if (!r->import || *j || (!made && journal_look(r->item, d->name, &sum, &ignored) != RC_OK))
		return RC_OK;
	return journal_open(j, r->item, d->name, err);
}

/* Everything but the spool's bookkeeping around it. */
static int transfer(struct run *r, const struct send_destination *d, struct journal *j, uint8_t *fate,
    uint8_t *documents, struct send_tally *t, struct err *err)
{
	struct err why = { 0 };		/* of a folder as a whole: all files may be there, and no DICOMDIR */
	int rc = RC_OK;

	for (size_t i = 0; i < r->set.nobjects; i++) {
		const struct send_object *o = &r->set.objects[i];
		if (fate[i] == FATE_OPEN && !o->ready) {
			fate[i] = FATE_FAILED;
			t->failed++;
			send_tally_bad(t, o->bad, o->why ? o->why : "cannot be read", NULL);
		}
	}
	if (d->target.kind == TARGET_FOLDER) {
		if (send_folder(r->s, &r->set, d, j, fate, documents, t, &why) != RC_OK)
			send_tally_bad(t, why.kind, why.text, why.advice);
		else if (j)
			rc = folder_journal(r, j, fate, documents, err);
	} else if (open_ones(fate, r->set.nobjects)) {
		rc = send_dicom(r->s, &r->set, d, j, fate, t, err);
	}
	count(fate, r->set.nobjects, t);
	warnings(r, d, t);
	if (rc == RC_OK)
		rc = send_verdict(d, t, documents, r->set.ndocuments * (d->target.kind == TARGET_FOLDER), err);
	if (rc == RC_OK && why.kind) {
		*err = why;
		rc = err_rc(why.kind);
	}
	if (rc == RC_OK && d->target.kind == TARGET_FOLDER)
		t->confirmed = true;
	else if (rc == RC_OK && d->verify && r->set.nobjects)
		rc = read_back(r, d, t, err);
	if (rc == RC_OK && j && t->confirmed)
		rc = journal_confirm(j, err);
	return rc;
}

/* transfer between its history line and its audit record. */
static int recorded(struct run *r, const struct send_destination *d, struct journal *j, uint8_t *fate,
    uint8_t *documents, struct send_tally *t, struct err *err)
{
	struct act *act = NULL;
	struct err late = { 0 };
	const char *outcome = NULL, *reason = NULL;
	char name[65] = "";
	json_t *more = NULL;
	int rc = RC_OK, rc2 = RC_OK;

	if (!r->import)
		return transfer(r, d, j, fate, documents, t, err);
	rc = plain_name(r, d, name, err);
	if (rc == RC_OK)
		rc = act_begin(&act, r->s->work->audit, TOOL, r->s->opt->as_is ? "send as is" : "send", r->subject,
		    r->s->opt->reason, AUDIT_NONE, err);
	if (rc != RC_OK)
		return rc;
	rc = transfer(r, d, j, fate, documents, t, err);
	outcome = rc != RC_OK ? err->kind == ERR_TEMP ? "temp" : "perm" : r->left ? "partial" : "ok";
	reason = rc != RC_OK ? err->text : r->left ? r->left_text : NULL;
	more = numbers(r, name, t, d->target.kind == TARGET_FOLDER ? r->set.ndocuments : 0);
	rc2 = send_record(r->s, &r->set, d, fate, &late);
	if (rc2 == RC_OK)
		rc2 = import_history_add(r->import, "send", item_name(r->item), outcome, reason, more, &late);
	if (rc2 != RC_OK && rc == RC_OK) {
		*err = late;
		rc = rc2;
	}
	if (rc != RC_OK)
		outcome = err->kind == ERR_TEMP ? "temp" : "perm";
	rc2 = act_end(act, outcome, more, &late);
	if (rc2 != RC_OK && rc == RC_OK) {
		*err = late;
		rc = rc2;
	}
	json_decref(more);
	return rc;
}

/* Was all of it done before, and is written down as done? */
static bool done_before(struct run *r, const struct send_destination *d, struct journal *j,
    const uint8_t *fate)
{
	char state[32] = "";
	struct err ignored;

	return j && d->target.kind == TARGET_DICOM && !open_ones(fate, r->set.nobjects) &&
	    (!d->verify || journal_confirmed(j)) && item_state(r->item, d->name, state, &ignored) == RC_OK &&
	    (strcmp(state, "sent") == 0 || strcmp(state, "confirmed") == 0);
}

static int show(struct run *r, const struct send_destination *d, const struct send_tally *t, struct err *err)
{
	struct cli *cli = r->s->cli;
	size_t docs = d->target.kind == TARGET_FOLDER ? r->set.ndocuments : 0;
	json_t *j = NULL;

	if (!cli->json) {
		cli_print(cli, "%s: %lld objects and %zu documents to '%s', %lld already there", r->subject,
		    t->objects - t->already, docs, d->name, t->already);
		return RC_OK;
	}
	j = json_make(err, "{s:i, s:s, s:s, s:s, s:I, s:I, s:I}", "v", 1, "type", "send", "path", r->path,
	    "destination",
	    d->name, "instances", (json_int_t)(t->objects - t->already), "documents", (json_int_t)docs, "already",
	    (json_int_t)t->already);
	if (!j)
		return err_rc(err->kind);
	if (r->left)
		json_object_set_new(j, "documents_left", json_integer((json_int_t)r->left));
	cli_print_json(cli, j);
	json_decref(j);
	return RC_OK;
}

static void account(struct run *r, const struct send_tally *t)
{
	struct cli *cli = r->s->cli;

	cli_count(cli, "objects", t->objects);
	cli_count(cli, "stored", t->stored);
	cli_count(cli, "already_there", t->already);
	cli_count(cli, "refused", t->refused);
	cli_count(cli, "failed", t->failed);
	cli_count(cli, "bytes", (long long)t->bytes);
}

/* The item at one destination. */
static int deliver(struct run *r, const struct send_destination *d, bool *again, struct send_tally *t,
    struct err *err)
{
	uint8_t *fate = NULL, *documents = calloc(r->set.ndocuments + 1, 1);
	struct journal *j = NULL;
	int rc = documents ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	*again = false;
	t->objects = t->failed = (long long)r->set.nobjects;
	if (rc == RC_OK && !r->import)	/* a folder is known only by reading it */
		rc = prepare(r, err);
	t->objects = t->failed = (long long)r->set.nobjects;
	fate = calloc(r->set.nobjects + 1, 1);
	if (rc == RC_OK && !fate)
		rc = err_set(err, ERR_TEMP, "no memory for %zu objects", r->set.nobjects);
	if (rc == RC_OK)
		rc = journal_at(r, d, false, &j, err);
	if (rc == RC_OK && j)
		rc = send_known(&r->set, d, j, fate, err);
	if (rc != RC_OK)
		goto out;
	count(fate, r->set.nobjects, t);
	*again = done_before(r, d, j, fate);
	if (*again && !r->s->cli->dry_run) {
		t->confirmed = journal_confirmed(j);
		goto out;
	}
	rc = prepare(r, err);
	if (r->s->cli->dry_run) {
		if (rc == RC_OK)
			rc = show(r, d, t, err);
		goto out;
	}
	if (rc == RC_OK)
		rc = journal_at(r, d, true, &j, err);
	if (rc == RC_OK && d->target.kind == TARGET_FOLDER)	/* the files themselves are looked at */
		memset(fate, 0, r->set.nobjects);
	t->failed = 0;
	if (rc == RC_OK)
		rc = recorded(r, d, j, fate, documents, t, err);
	count(fate, r->set.nobjects, t);
	if (rc == RC_OK && d->target.kind == TARGET_FOLDER) {
		*again = t->stored == 0;
		for (size_t i = 0; i < r->set.ndocuments; i++)
			*again &= documents[i] == FATE_ALREADY;
	}
out:
	journal_close(j);
	free(fate);
	free(documents);
	return rc;
}

/* One destination, and what is said of it. */
static bool one_destination(struct run *r, const struct send_destination *d, bool *again)
{
	struct cli *cli = r->s->cli;
	struct send_tally t = { 0 };
	struct err err = { 0 };
	json_t *more = NULL;
	int rc = RC_OK;

	r->began = time_mono_ms();
	rc = deliver(r, d, again, &t, &err);
	if (rc == RC_OK && r->import && !cli->dry_run)
		rc = import_present(r->import, &err);	/* a receipt names what is there */
	more = numbers(r, d->name, &t, d->target.kind == TARGET_FOLDER ? r->set.ndocuments : 0);
	if (!cli->dry_run)
		account(r, &t);
	if (rc != RC_OK)
		failed(r, r->subject, &err, more);
	else if (cli->json && !cli->dry_run)
		done(r, *again, more);
	json_decref(more);
	return rc == RC_OK;
}

static int each_destination(struct run *r, struct err *err)
{
	struct cli *cli = r->s->cli;
	struct send_destination *list = NULL;
	size_t n = 0, good = 0, pass = 0;
	bool own = false, all_again = true;
	struct err left = { 0 };
	int rc = send_destinations(r->s, r->order, &list, &n, &own, err);

	if (rc == RC_OK)
		rc = send_route(&r->set, r->order, list, n, &r->left, &left, err);
	text_copy(r->left_text, sizeof r->left_text, left.text);
	for (size_t i = 0; rc == RC_OK && i < n && !cli_stopped(); i++) {
		bool again = false;

		if (!send_takes(&r->set, &list[i])) {
			cli_note(cli, 1, r->subject, "not for '%s': archives take no documents in this version", list[i].name);
			pass++;
			continue;
		}
		good += one_destination(r, &list[i], &again);
		all_again &= again;
	}
	if (good && r->left) {	/* not where nothing was sent: that it may be sent later counts more */
		cli_warn(cli, r->subject, "%s; %s", left.text, left.advice);
		cli_worse(cli, ERR_PERSON);
	}
	if (r->left && !cli->dry_run)
		cli_count(cli, "documents_left", (long long)r->left);
	if (rc == RC_OK && good + pass == n && !cli->json && !cli->dry_run)
		done(r, all_again, NULL);
	for (size_t i = 0; own && i < n; i++)
		send_destination_free(&list[i]);
	if (own)
		free(list);
	return rc;
}

static void run_close(struct run *r)
{
	send_set_close(&r->set);
	order_free(r->order);
	item_close(r->item);
}

static int send_item(struct import *import, int study, void *arg, struct err *unused)
{
	struct run *r = arg;
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	struct err err = { 0 }, clock = { 0 };
	bool as_is = r->s->opt->as_is;
	time_t now = 0;
	int rc = RC_OK;

	(void)unused;
	if (cli_stopped())
		return RC_OK;
	text_copy(ref.id, sizeof ref.id, import_id(import));
	spool_ref_text(&ref, r->subject);
	spool_ref_path(r->s->work->spool, &ref, r->path);
	r->import = import;
	r->item = NULL;
	r->order = NULL;
	r->prepared = false;
	r->left = 0;
	memset(&r->set, 0, sizeof r->set);
	r->set.dirfd = -1;
	if (spool_clock(r->s->work->spool, &now, &clock) != RC_OK)
		cli_warn(r->s->cli, r->subject, "%s", clock.text);
	if (import_expired(import, now))
		rc = err_set(&err, ERR_REFUSED, "its deadline is over: it is being purged");
	if (rc == RC_OK)
		rc = item_open(&r->item, import, study, !r->s->cli->dry_run, &err);
	if (rc == RC_OK && !as_is)
		rc = send_gate(r->item, &err);
	if (rc == RC_OK)
		rc = send_set_open(r->s, r->item, as_is, &r->set, &err);
	if (rc == RC_OK && r->set.overlay)
		rc = send_gate_overlay(r->item, r->set.overlay, &err);
	if (rc == RC_OK)
		rc = read_order(r, &err);
	if (rc == RC_OK)
		rc = each_destination(r, &err);
	if (rc != RC_OK)
		failed(r, r->subject, &err, NULL);
	run_close(r);
	return RC_OK;	/* the next item may go */
}

static void send_plain_folder(struct run *r, const char *dir)
{
	struct err err = { 0 };
	char *real = realpath(dir, NULL);
	int rc = RC_OK;

	text_escape(r->subject, sizeof r->subject, dir, strlen(dir));
	text_copy(r->path, sizeof r->path, real ? real : dir);
	free(real);
	r->set.dirfd = -1;
	if (r->s->cli->config->policy)
		rc = err_set(&err, ERR_DENIED, "sending outside the spool is not allowed under the system policy");
	if (rc == RC_OK)
		cli_warn(r->s->cli, r->subject, "sent as it is: not checked, not retagged, no journal");
	if (rc == RC_OK)
		rc = send_set_open_dir(r->s, r->path, &r->set, &err);
	if (rc == RC_OK)
		rc = each_destination(r, &err);
	if (rc != RC_OK)
		failed(r, r->subject, &err, NULL);
	run_close(r);
}

void send_input(struct send *s, const struct cli_input *in)
{
	struct run r = { .s = s, .in = in };
	struct spool_ref ref = { 0 };
	struct err err = { 0 };
	int rc = work_open_for(s->cli, s->work, SPOOL_SECRET, in->path, &err);

	if (rc == RC_OK && s->work->spool)
		rc = spool_resolve(s->work->spool, in->path, &ref, &err);
	if (rc == RC_OK && ref.kind == SPOOL_NOT) {
		send_plain_folder(&r, in->path);
		return;
	}
	if (rc == RC_OK)
		rc = work_items(s->work, &ref, send_item, &r, &err);
	if (rc != RC_OK)
		cli_fail(s->cli, in, in->path, &err);
}

int send_begin(struct send *s, struct cli *cli, struct work *work, const struct send_options *opt,
    struct err *err)
{
	int rc = RC_OK;

	*s = (struct send){ .cli = cli, .work = work, .opt = opt };
	s->given = calloc(opt->dest.n + 1, sizeof *s->given);
	if (!s->given)
		return err_set(err, ERR_TEMP, "no memory for the destinations");
	for (size_t i = 0; rc == RC_OK && i < opt->dest.n; i++)
		rc = send_destination_get(s, opt->dest.v[i], &s->given[s->ngiven++], err);
	cli_balance(cli, "objects", "stored", "already_there", "refused", "failed", NULL);
	return rc;
}

void send_end(struct send *s)
{
	for (size_t i = 0; i < s->ngiven; i++)
		send_destination_free(&s->given[i]);
	free(s->given);
	s->given = NULL;
	s->ngiven = 0;
}
