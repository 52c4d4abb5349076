/*
 * mri-check --dest: what the destination holds of the study already, asked by
 * a process of its own: C-FIND for dicom://, QIDO-RS for https://. What it
 * hands back is counts and the patients that the study stands under there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "spool/journal.h"
#include "stage/check.h"
#include "sys/worker.h"

#define WEB_TIMEOUT 30 /* seconds of one step of HTTP */

struct question {
	struct assoc_peer peer;
	struct check_web web;
	const char *study_uid, *accession;
	struct readback_object *objects;
	size_t n;
};

struct end { /* the process's one word */
	struct err why;	/* ERR_NONE: h is the answer */
	struct holding h;
};

/* ---- in the process ---- */

static int
ask(struct chan *ch, void *arg)
{
	const struct question *q = arg;
	struct err err = { 0 };
	struct end *end = calloc(1, sizeof *end);
	int rc = RC_OK;

	if (end == NULL)
		return WORKER_EXIT_MEMORY;
	rc = q->web.root != NULL
	    ? check_web_ask(&q->web, q->study_uid, q->accession, q->objects, q->n, &end->h, &err)
	    : holding_ask(&q->peer, q->study_uid, q->accession, q->objects, q->n, &end->h, &err);
	if (rc != RC_OK)
		end->why = err;
	rc = chan_send(ch, end, sizeof *end, NULL, 0, &err);
	free(end);
	return rc != RC_OK;
}

/* ---- the parent ---- */

/* It comes from hostile answers: lengths and counts are held against what there can be. */
static int
take(const struct holding *h, struct check_target *t, struct err *err)
{
	size_t n = h->npatients < HOLDING_PATIENTS_MAX ? h->npatients : HOLDING_PATIENTS_MAX;

	t->patients = calloc(n + 1, sizeof *t->patients);
	if (t->patients == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < n; i++) {
		const struct holding_patient *p = &h->patients[i];
		struct check_identity *to = &t->patients[t->npatients++];
		text_copyn(to->name, sizeof to->name, p->name, strnlen(p->name, sizeof p->name));
		text_copyn(to->id, sizeof to->id, p->id, strnlen(p->id, sizeof p->id));
		text_copyn(to->issuer, sizeof to->issuer, p->issuer, strnlen(p->issuer, sizeof p->issuer));
		text_copyn(to->birth_date, sizeof to->birth_date, p->birth_date,
		    strnlen(p->birth_date, sizeof p->birth_date));
		if (!text_utf8_valid(to->name, strlen(to->name)) || !text_utf8_valid(to->id, strlen(to->id)) ||
		    !text_utf8_valid(to->issuer, strlen(to->issuer)) ||
		    !text_utf8_valid(to->birth_date, strlen(to->birth_date)))
			return err_set(err, ERR_PROTOCOL, "an answer is not UTF-8");
	}
	t->held = h->held < t->ours ? h->held : t->ours;
	t->instances = h->instances;
	t->elsewhere = h->elsewhere;
	return RC_OK;
}

static int
query(const struct check_stage *st, struct question *q, struct check_target *t, struct err *err)
{
	struct jail jail = check_net_jail(st->cli, &q->peer);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct worker *w = NULL;
	struct end *end = calloc(1, sizeof *end);
	int rc = end != NULL ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	jail.answer_seconds *= 10; /* one query a series, and the answer comes at the end */
	jail.cafile = q->web.root != NULL ? q->web.cafile : NULL;
	if (rc == RC_OK)
		rc = worker_start(&w, &jail, charset_prepare, ask, q, err);
	if (rc == RC_OK && chan_recv(worker_chan(w), &msg, NULL, 0, NULL, err) != RC_OK)
		rc = err_set(err, ERR_TEMP, "the process that asks it ended early");
	if (rc == RC_OK && msg.len != sizeof *end)
		rc = err_set(err, ERR_INTERNAL, "an answer of the wrong size");
	worker_stop(w, NULL, NULL);
	if (rc == RC_OK) {
		memcpy(end, msg.data, sizeof *end);
		rc = check_net_failed(&end->why, err);
		if (rc == RC_OK)
			rc = take(&end->h, t, err);
	}
	buf_free(&msg);
	free(end);
	return rc;
}

static bool
in_order(const struct order *o, const char *name)
{
	for (size_t i = 0; i < o->ndestinations; i++)
		if (strcmp(o->destinations[i], name) == 0)
			return true;
	return o->ndestinations == 0;
}

/* It cannot be asked, and that will not change by waiting: said as unknown. What may change, and what an operator
 * has to put right, fails the item. */
static bool
for_good(enum err_kind k)
{
	return k == ERR_REFUSED || k == ERR_PROTOCOL;
}

static int
ask_one(const struct check_stage *st, const char *subject, const struct destination *d, struct question *q,
    struct check_target *t, struct err *err)
{
	bool web = text_starts(d->url, "https://") || text_starts(d->url, "http://");
	struct target where;
	int rc = RC_OK;

	if (text_starts(d->url, "dicoms://")) {
		t->why = "this release does not ask over TLS";
		return RC_OK;
	}
	if (!web && !text_starts(d->url, "dicom://"))
		return RC_OK; /* a folder, HL7: nothing to ask */
	memset(&q->peer, 0, sizeof q->peer);
	q->web = (struct check_web){ .root = NULL };
	if (web) {
		q->web.root = d->url;
		q->web.cafile = d->cafile != NULL ? d->cafile : st->cli->config->cafile;
		q->web.allow_http = st->cli->config->allow_http;
		q->web.nallow_http = st->cli->config->nallow_http;
		q->web.step_ms = 1000 * (st->cli->timeout > 0 ? st->cli->timeout : WEB_TIMEOUT);
		q->peer.timeout = (int)(q->web.step_ms / 1000);
	} else if ((rc = check_peer(st->cli, "the destination", d, &where, &q->peer, err)) != RC_OK) {
		return rc;
	}
	rc = query(st, q, t, err);
	if (rc != RC_OK && for_good(err->kind)) {
		cli_warn(st->cli, subject, "'%s': %s", t->name, err->text);
		t->why = err->kind == ERR_REFUSED ? "it answers no such query" : "its answer cannot be read";
		err_clear(err);
		return RC_OK;
	}
	if (rc != RC_OK)
		return err_wrap(err, "cannot ask '%s'", t->name);
	t->asked = true;
	if (t->ours > 0 && t->held == t->ours)
		cli_note(st->cli, 1, subject, "'%s' holds all %zu objects already", t->name, t->held);
	return RC_OK;
}

static int
objects_of(const struct check_facts *f, struct readback_object **out, size_t *n, struct err *err)
{
	struct readback_object *v = calloc(f->nobjects + 1, sizeof *v);

	*n = 0;
	*out = v;
	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < f->nobjects; i++) {
		const struct check_object *o = &f->objects[i];
		if (text_is_uid(o->sop_uid) && text_is_uid(o->series_uid))
			v[(*n)++] = (struct readback_object){ o->study_uid, o->series_uid, o->sop_uid, false };
	}
	return RC_OK;
}

int
check_targets_ask(const struct check_stage *st, const char *subject, const struct order *o, struct check_facts *f,
    const struct item_dir *item, struct err *err)
{
	const struct cli_list *dest = &st->opt->dest;
	struct question q = { .accession = "" };
	struct err ignored = { 0 };
	int entry = ORDER_UNSCHEDULED, rc = RC_OK;

	if (dest->n == 0 || f->nkeys == 0 || f->nobjects == 0 || !text_is_uid(f->keys[f->self].study_uid))
		return RC_OK; /* papers; no study to ask for */
	q.study_uid = f->keys[f->self].study_uid;
	if (order_match(o, f->keys, f->nkeys, f->self, &entry, &ignored) == RC_OK && entry >= 0 &&
	    o->studies[entry].accession != NULL)
		q.accession = o->studies[entry].accession;
	f->targets.v = calloc(dest->n, sizeof *f->targets.v);
	if (f->targets.v == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	rc = objects_of(f, &q.objects, &q.n, err);
	for (size_t i = 0; rc == RC_OK && i < dest->n; i++) {
		const struct destination *d = config_destination(st->cli->config, dest->v[i]);
		struct destination by_url = { .url = (char *)(uintptr_t)dest->v[i] };
		struct journal_summary sum;
		struct check_target *t = &f->targets.v[f->targets.n];

		if (d == NULL && target_is_url(dest->v[i]) && !st->cli->config->policy)
			d = &by_url;
		if (d == NULL || d->url == NULL || !in_order(o, dest->v[i]))
			continue; /* rule permitted says so */
		f->targets.n++;
		*t = (struct check_target){ .name = dest->v[i], .ours = q.n, .instances = -1 };
		t->sent = item != NULL && journal_look(item, t->name, &sum, &ignored) == RC_OK;
		rc = ask_one(st, subject, d, &q, t, err);
	}
	free(q.objects);
	return rc;
}

void
check_targets_free(struct check_targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].patients);
	free(t->v);
	memset(t, 0, sizeof *t);
}
