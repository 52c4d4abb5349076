/*
 * The network side of mri-send: each association is a process of its own. It
 * asks the parent for the object that comes next and gets its descriptors;
 * it answers with what the receiver said. The parent keeps the journal.
 */
#include "stage/send_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "deliver/readback.h"
#include "deliver/store.h"

#define ASSOCIATIONS_MAX	16	/* an archive has that many slots for everybody */

enum said { SAID_NEED = 1, SAID_RESULT, SAID_END };

struct from_lane {		/* a process to the parent */
	enum said said;
	uint32_t index;
	enum deliver_outcome outcome;
	int32_t status;
	uint64_t bytes;
	enum err_kind kind;
	char text[ERR_TEXT_MAX], advice[ERR_ADVICE_MAX];
};

struct to_lane {
	enum err_kind kind;	/* ERR_NONE: descriptors come with it */
	char text[ERR_TEXT_MAX];
	bool stop;
	struct age_key key;
};

struct lane_job {
	struct assoc_peer peer;
	const struct send_set *set;
	const uint32_t *indexes;
	size_t n;
};

struct lane {
	struct worker *w;
	struct lane_job job;
	uint32_t *indexes;
	bool opened;		/* it got as far as an object */
};

/* ---- in the process ---- */

struct lane_side { struct chan *ch; const struct lane_job *job; bool stop; };

static int lane_open(const struct deliver_object *o, void *arg, struct stream **out, struct err *err)
{
	struct lane_side *side = arg;
	struct from_lane need = { .said = SAID_NEED, .index = (uint32_t)o->n };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct to_lane reply;
	int fds[2];
	size_t nfds = 0;
	int rc = chan_send(side->ch, &need, sizeof need, NULL, 0, err);

	if (rc == RC_OK)
		rc = chan_recv(side->ch, &msg, fds, 2, &nfds, err);
	if (rc == RC_OK && msg.len != sizeof reply)
		rc = err_set(err, ERR_INTERNAL, "an answer of the wrong size");
	if (rc == RC_OK) {
		memcpy(&reply, msg.data, sizeof reply);
		side->stop = reply.stop;
		if (reply.kind)
			rc = err_set(err, reply.kind, "%s", reply.text);
		else
			rc = send_object_stream(out, fds, nfds, &reply.key, err);
	}
	buf_free(&msg);
	return rc;
}

static int lane_done(const struct deliver_result *r, void *arg, struct err *err)
{
	struct lane_side *side = arg;
	struct from_lane m = { .said = SAID_RESULT, .index = (uint32_t)r->n, .outcome = r->outcome,
	    .status = r->status,
		.bytes = r->bytes };

	if (side->stop && r->outcome == DELIVER_UNREADABLE)
		return err_set(err, ERR_TEMP, "interrupted");
	if (r->why) {
		m.kind = r->why->kind;
		text_copy(m.text, sizeof m.text, r->why->text);
		text_copy(m.advice, sizeof m.advice, r->why->advice);
	}
	return chan_send(side->ch, &m, sizeof m, NULL, 0, err);
}

static int lane_run(struct chan *ch, void *arg)
{
	const struct lane_job *job = arg;
	struct lane_side side = { ch, job, false };
	struct deliver_object *objects = calloc(job->n + 1, sizeof *objects);
	struct deliver_store st = { .peer = job->peer, .objects = objects, .n = job->n, .open = lane_open,
		.done = lane_done, .arg = &side };
	struct from_lane end = { .said = SAID_END };
	struct err err = { 0 };

	if (!objects)
		return 1;
	for (size_t i = 0; i < job->n; i++) {
		const struct send_object *o = &job->set->objects[job->indexes[i]];
		objects[i] = (struct deliver_object){ (int)job->indexes[i], o->sop_class, o->sop_uid,
			o->transfer_syntax, o->dataset };
	}
	if (deliver_store(&st, &err) != RC_OK) {
		end.kind = err.kind;
		text_copy(end.text, sizeof end.text, err.text);
		text_copy(end.advice, sizeof end.advice, err.advice);
	}
	free(objects);
	return chan_send(ch, &end, sizeof end, NULL, 0, &err) != RC_OK;
}

/* ---- the parent ---- */

#define MARK_MAYBE	1	/* an attempt had no answer: it may have arrived */
#define MARK_GIVEN	2	/* a process had it in this run */

struct round {
	struct send *s;
	struct send_set *set;
	struct journal *journal;
	uint8_t *fate;
	struct send_tally *tally;
	struct lane lanes[ASSOCIATIONS_MAX];
	size_t nlanes, running;
	long unsynced;
	bool stop;		/* no further object: a signal, the item's time, a purge */
	struct err stopped;	/* why */
	bool opened;
	bool announced;		/* the journal says what is on its way */
	uint8_t *mark;		/* of each object: MARK_ */
	struct err lost;	/* of the last association that was lost */
	uint64_t until;		/* --max-time, 0: none */
};

/* Before the first object goes: after a kill between its arrival and its answer, nobody may take other bytes
 * for the first ones under this UID. taken_back: what no process has had was not sent after all. */
static int announce(struct round *r, bool taken_back, struct err *err)
{
	struct journal_entry *v = NULL;
	char hash[65];
	size_t n = 0;
	int rc = RC_OK;

	if (!r->journal || r->announced != taken_back)
		return RC_OK;
	v = calloc(r->set->nobjects + 1, sizeof *v);
	if (!v)
		return err_set(err, ERR_TEMP, "no memory for the journal");
	for (size_t i = 0; i < r->set->nobjects; i++) {
		const struct send_object *o = &r->set->objects[i];
		enum journal_status s = JOURNAL_NONE;

		if (r->fate[i] != FATE_OPEN)
			continue;
		s = journal_get(r->journal, o->n, hash);
		if (!taken_back && hash[0] && (s == JOURNAL_SENDING || s == JOURNAL_FAILED))
			r->mark[i] |= MARK_MAYBE;
		if (!r->mark[i])
			v[n++] = (struct journal_entry){ o->n, taken_back ? "" : o->hash };
	}
	if (n)
		rc = journal_add_many(r->journal, v, n, JOURNAL_SENDING, err);
	free(v);
	r->announced = true;
	return rc;
}

static void give(struct round *r, struct lane *lane, uint32_t index, struct err *err)
{
	struct to_lane reply = { 0 };
	struct err why = { 0 };
	int fds[2] = { -1, -1 };
	size_t nfds = 0;

	lane->opened = r->opened = true;
	if (!r->stop && cli_stopped()) {
		r->stop = true;
		(void)err_set(&r->stopped, ERR_TEMP, "interrupted");
	}
	if (!r->stop && r->until && time_mono_ms() >= r->until) {
		r->stop = true;
		(void)err_set(&r->stopped, ERR_TEMP, "the time for this item (--max-time) is over");
	}
	if (!r->stop && r->set->import && import_present(r->set->import, &r->stopped) != RC_OK)
		r->stop = true;
	if (!r->stop && announce(r, false, &r->stopped) != RC_OK)
		r->stop = true;
	if (r->stop)
		why = r->stopped;
	else if (index >= r->set->nobjects)
		(void)err_set(&why, ERR_INTERNAL, "no such object");
	else
		(void)send_object_fds(r->set, &r->set->objects[index], fds, &nfds, &reply.key, &why);
	reply.stop = r->stop;
	reply.kind = why.kind;
	text_copy(reply.text, sizeof reply.text, why.text);
	if (!why.kind)
		r->mark[index] |= MARK_GIVEN;
	(void)chan_send(worker_chan(lane->w), &reply, sizeof reply, fds, why.kind ? 0 : nfds, err);
	for (size_t i = 0; i < nfds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	hash_wipe(&reply.key, sizeof reply.key);
}

static void warned(struct send_tally *t, int status)
{
	for (size_t i = 0; i < sizeof t->warnings / sizeof *t->warnings; i++)
		if (t->warnings[i].n == 0 || t->warnings[i].status == status) {
			t->warnings[i].status = status;
			t->warnings[i].n++;
			return;
		}
}

static int result(struct round *r, const struct from_lane *m, struct err *err)
{
	struct send_tally *t = r->tally;
	struct send_object *o = NULL;
	bool gone = false;	/* that it was not stored is certain, and nothing of before is in doubt */
	enum journal_status js = JOURNAL_FAILED;
	char text[ERR_TEXT_MAX];
	int rc = RC_OK;

	if (m->index >= r->set->nobjects || r->fate[m->index] != FATE_OPEN)
		return err_set(err, ERR_INTERNAL, "an answer for an object that was not sent");
	o = &r->set->objects[m->index];
	text_copy(text, sizeof text, m->text);
	switch (m->outcome) {
	case DELIVER_STORED:
		r->fate[m->index] = FATE_STORED;
		t->stored++;
		t->bytes += m->bytes;
		js = JOURNAL_STORED;
		if (m->status > 0)
			warned(t, m->status);
		break;
	case DELIVER_REFUSED:
		r->fate[m->index] = FATE_REFUSED;
		t->refused++;
		js = JOURNAL_REFUSED;
		send_tally_bad(t, ERR_REFUSED, text, m->advice);
		break;
	case DELIVER_UNREADABLE:
		r->fate[m->index] = FATE_FAILED;
		t->failed++;
		gone = !(r->mark[m->index] & MARK_MAYBE);
		send_tally_bad(t, m->kind ? m->kind : ERR_IO, text, m->advice);
		break;
	default:	/* open again: the second round takes it */
		(void)err_set(&r->lost, ERR_TEMP, "%s", text);
		if (m->status < 0)
			r->mark[m->index] |= MARK_MAYBE;
		gone = !(r->mark[m->index] & MARK_MAYBE);
		break;
	}
	cli_note(r->s->cli, 2, NULL, "object %d: %s", o->n, m->outcome == DELIVER_STORED && !text[0] ? "stored"
	    : text);
	if (r->journal) {
		rc = journal_add(r->journal, o->n, js, gone ? "" : o->hash, m->status < 0 ? 0xffff : m->status, err);
		if (rc == RC_OK && ++r->unsynced >= SEND_SYNC_EVERY) {
			r->unsynced = 0;
			rc = journal_sync(r->journal, err);
		}
	}
	return rc;
}

static void progress(struct round *r)
{
	struct cli_progress p = { .what = "sending", .bytes = r->tally->bytes, .n = r->tally->stored +
		r->tally->already + r->tally->refused + r->tally->failed, .total = r->tally->objects };

	cli_progress(r->s->cli, &p);
}

static int hear(struct round *r, struct lane *lane, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct from_lane m;
	struct err why = { 0 };
	int rc = chan_recv(worker_chan(lane->w), &msg, NULL, 0, NULL, &why);

	if (rc == RC_OK && msg.len != sizeof m)
		rc = err_set(&why, ERR_INTERNAL, "an answer of the wrong size");
	if (rc != RC_OK) {
		worker_died(lane->w, &why);
		lane->w = NULL;
		r->running--;
		(void)err_set(&r->lost, ERR_TEMP, "the sending process ended early");
		buf_free(&msg);
		return RC_OK;	/* what it had not answered for is open still */
	}
	memcpy(&m, msg.data, sizeof m);
	buf_free(&msg);
	m.text[sizeof m.text - 1] = m.advice[sizeof m.advice - 1] = '\0';
	switch (m.said) {
	case SAID_NEED:
		give(r, lane, m.index, &why);
		return RC_OK;
	case SAID_RESULT:
		rc = result(r, &m, err);
		progress(r);
		return rc;
	default:
		if (m.kind && !r->stop) {
			(void)err_set(&r->lost, m.kind, "%s", m.text);
			err_advise(&r->lost, "%s", m.advice);
		}
		worker_stop(lane->w, NULL, NULL);
		lane->w = NULL;
		r->running--;
		return RC_OK;
	}
}

static void peer_of(const struct send *s, const struct send_destination *d, struct assoc_peer *p)
{
	*p = (struct assoc_peer){ .host = d->target.host, .port = d->target.port, .called = d->target.called,
		.calling = d->calling, .timeout = s->cli->timeout > 3600 ? 3600 : (int)s->cli->timeout };
}

/* It speaks to the network and holds no descriptor of the spool but the object in hand. Between two of its words
 * lie the opening of an association, an object of `largest` bytes over a slow line (64 KiB/s) and its answer. */
static struct jail net_jail(const struct send *s, const struct assoc_peer *p, uint64_t largest)
{
	uint64_t wait = JAIL_ANSWER + 2 * (uint64_t)p->timeout + (largest >> 16);

	return (struct jail){ .mode = (enum jail_mode)s->cli->config->sandbox, .network = true,
		.answer_seconds = wait < JAIL_ANSWER_MAX ? (unsigned)wait : JAIL_ANSWER_MAX };
}

/* One round over what is open: objects dealt out to the lanes in turn, so that each association sees all
 * of the study. */
static int play(struct round *r, const struct send_destination *d, struct err *err)
{
	struct assoc_peer peer;
	struct jail jail;
	uint64_t largest = 0;
	size_t n = 0, lanes = 0;
	int rc = RC_OK;

	for (size_t i = 0; i < r->set->nobjects; i++)
		if (r->fate[i] == FATE_OPEN) {
			n++;
			if (r->set->objects[i].size > largest)
				largest = r->set->objects[i].size;
		}
	peer_of(r->s, d, &peer);
	jail = net_jail(r->s, &peer, largest);
	lanes = r->s->cli->jobs > 0 ? (size_t)r->s->cli->jobs : 1;
	if (lanes > ASSOCIATIONS_MAX)
		lanes = ASSOCIATIONS_MAX;
	if (lanes > n)
		lanes = n;
	memset(r->lanes, 0, sizeof r->lanes);
	r->nlanes = lanes;
	r->running = 0;
	for (size_t l = 0; rc == RC_OK && l < lanes; l++) {
		struct lane *lane = &r->lanes[l];
		size_t nth = 0;

		lane->indexes = calloc(n / lanes + 2, sizeof *lane->indexes);
		if (!lane->indexes) {
			rc = err_set(err, ERR_TEMP, "no memory for %zu objects", n);
			break;
		}
		for (size_t i = 0; i < r->set->nobjects; i++)
			if (r->fate[i] == FATE_OPEN && nth++ % lanes == l)
				lane->indexes[lane->job.n++] = (uint32_t)i;
		lane->job.peer = peer;
		lane->job.set = r->set;
		lane->job.indexes = lane->indexes;
		rc = worker_start(&lane->w, &jail, NULL, lane_run, &lane->job, err);
		r->running += rc == RC_OK;
	}
	while (rc == RC_OK && r->running) {
		struct pollfd p[ASSOCIATIONS_MAX];
		struct lane *of[ASSOCIATIONS_MAX];
		nfds_t np = 0;

		for (size_t l = 0; l < lanes; l++)
			if (r->lanes[l].w) {
				of[np] = &r->lanes[l];
				p[np++] = (struct pollfd){ .fd = worker_fd(r->lanes[l].w), .events = POLLIN };
			}
		if (poll(p, np, WORKER_TICK_MS) < 0 && errno != EINTR)
			rc = err_sys(err, errno, "cannot wait for the associations");
		for (nfds_t i = 0; rc == RC_OK && i < np; i++)
			if (p[i].revents || worker_late(of[i]->w))
				rc = hear(r, of[i], err);
	}
	for (size_t l = 0; l < lanes; l++) {
		worker_stop(r->lanes[l].w, NULL, NULL);
		free(r->lanes[l].indexes);
	}
	if (r->journal) {
		struct err sync = { 0 };
		if (journal_sync(r->journal, &sync) != RC_OK && rc == RC_OK) {
			*err = sync;
			rc = err_rc(sync.kind);
		}
	}
	return rc;
}

static size_t still_open(const struct round *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->set->nobjects; i++)
		n += r->fate[i] == FATE_OPEN;
	return n;
}

int send_dicom(struct send *s, struct send_set *set, const struct send_destination *d,
    struct journal *journal, uint8_t *fate, struct send_tally *tally, struct err *err)
{
	struct round *r = calloc(1, sizeof *r);
	size_t left = 0;
	int rc = RC_OK;

	if (!r || !(r->mark = calloc(set->nobjects + 1, 1))) {
		free(r);
		return err_set(err, ERR_TEMP, "no memory");
	}
	r->s = s;
	r->set = set;
	r->journal = journal;
	r->fate = fate;
	r->tally = tally;
	if (s->cli->max_time > 0)
		r->until = time_mono_ms() + 1000u * (uint64_t)s->cli->max_time;
	rc = play(r, d, err);
	/* once more, with new associations, for what may be had now: not where none could be opened at all */
	if (rc == RC_OK && still_open(r) && r->opened && !r->stop && r->lost.kind == ERR_TEMP) {
		cli_note(s->cli, 1, NULL, "%zu objects are tried once more: %s", still_open(r), r->lost.text);
		memset(&r->lost, 0, sizeof r->lost);
		rc = play(r, d, err);
	}
	cli_progress_end(s->cli);
	if (rc == RC_OK)
		rc = announce(r, true, err);
	left = still_open(r);
	if (left) {
		const struct err *why = r->stop ? &r->stopped : &r->lost;
		for (size_t i = 0; i < set->nobjects; i++)
			if (fate[i] == FATE_OPEN)
				fate[i] = FATE_FAILED;
		tally->failed += (long long)left;
		send_tally_bad(tally, why->kind ? why->kind : ERR_TEMP, why->text[0] ? why->text : "not sent",
		    why->advice);
	}
	free(r->mark);
	free(r);
	return rc;
}

/* ---- read-back ---- */

struct look { struct readback rb; struct readback_object *objects; size_t n; };

struct seen { enum err_kind kind; uint64_t missing; char text[ERR_TEXT_MAX], advice[ERR_ADVICE_MAX]; };

static int look_run(struct chan *ch, void *arg)
{
	struct look *l = arg;
	struct seen seen = { 0 };
	struct err err = { 0 };
	size_t missing = 0;

	if (readback_images(&l->rb, l->objects, l->n, &missing, &err) != RC_OK) {
		seen.kind = err.kind;
		text_copy(seen.text, sizeof seen.text, err.text);
		text_copy(seen.advice, sizeof seen.advice, err.advice);
	}
	seen.missing = missing;
	return chan_send(ch, &seen, sizeof seen, NULL, 0, &err) != RC_OK;
}

int send_readback(struct send *s, struct send_set *set, const struct send_destination *d, size_t *missing,
    struct err *err)
{
	struct look l = { .n = 0 };
	struct jail jail;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct worker *w = NULL;
	struct seen seen;
	int rc = RC_OK;

	*missing = 0;
	peer_of(s, d, &l.rb.peer);
	jail = net_jail(s, &l.rb.peer, 0);
	if (s->cli->timeout > 0 && s->cli->timeout < READBACK_SETTLE)
		l.rb.settle = (int)s->cli->timeout;
	l.objects = calloc(set->nobjects + 1, sizeof *l.objects);
	if (!l.objects)
		return err_set(err, ERR_TEMP, "no memory for the read-back");
	for (size_t i = 0; i < set->nobjects; i++)
		if (set->objects[i].ready)
			l.objects[l.n++] = (struct readback_object){ set->objects[i].study_uid,
				set->objects[i].series_uid, set->objects[i].sop_uid, false };
	rc = worker_start(&w, &jail, NULL, look_run, &l, err);
	if (rc == RC_OK)
		rc = chan_recv(worker_chan(w), &msg, NULL, 0, NULL, err);
	if (rc != RC_OK || msg.len != sizeof seen)
		rc = err_set(err, ERR_TEMP, "the process that reads back ended early");
	worker_stop(w, NULL, NULL);
	if (rc == RC_OK) {
		memcpy(&seen, msg.data, sizeof seen);
		seen.text[sizeof seen.text - 1] = seen.advice[sizeof seen.advice - 1] = '\0';
		*missing = (size_t)seen.missing;
		if (seen.kind) {
			rc = err_set(err, seen.kind, "cannot read back: %s", seen.text);
			err_advise(err, "%s", seen.advice);
		}
	}
	buf_free(&msg);
	free(l.objects);
	return rc;
}
