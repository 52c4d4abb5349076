#include "stage/retag_worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dicom/charset.h"
#include "spool/import.h"
#include "sys/worker.h"

#define PLAN_MAX	((size_t)8 << 20)	/* a plan has 5 KB, one with maps of 1,000 lines 300 */
#define CHUNK		((size_t)64 << 10)
#define KEY_TEXT	1024	/* of one value of a RETAG_KEY answer */

enum { ASK_PLAN = 100, ASK_PLAN_PART };	/* parts, of CHUNK bytes, come before the last one */

struct request { uint32_t ask; struct age_key key; };

struct reply {
	int rc;
	struct err err;
	struct plan_report report;
	uint64_t pieces, bytes;	/* that follow, in chunks */
};

struct retag_worker { struct worker *worker; };

/* ---- in the jail ---- */

static int send_all(struct chan *chan, const void *data, uint64_t n, struct err *err)
{
	const char *p = data;
	int rc = RC_OK;

	while (rc == RC_OK && n > 0) {
		size_t step = n < CHUNK ? (size_t)n : CHUNK;

		rc = chan_send(chan, p, step, NULL, 0, err);
		p += step;
		n -= step;
	}
	return rc;
}

static int add_text(const struct object *o, const char *declared, const char *key, uint32_t tag, json_t *j,
    struct err *err)
{
	char raw[KEY_TEXT], text[KEY_TEXT * 4];
	size_t len = 0;
	struct err ignored;
	json_t *v = NULL;
	int rc = walk_text(o, tag, raw, sizeof raw, NULL, err);

	if (rc != RC_OK)
		return rc;
	if (charset_read(declared, "LO", raw, strlen(raw), text, sizeof text, &len, &ignored) != RC_OK)
		len = 0;
	v = json_stringn(text, len);
	return v != NULL && json_object_set_new(j, key, v) == 0 ? RC_OK : err_set(err, ERR_TEMP, "no memory");
}

static int key_of(const struct object *o, json_t **out, struct err *err)
{
	static const struct { const char *key; uint32_t tag; } keys[] = {
		{ "class", TAG(0x0002, 0x0002) }, { "study", TAG(0x0020, 0x000d) }, { "date", TAG(0x0008,
		    0x0020) },
		{ "modality", TAG(0x0008, 0x0060) }, { "id", TAG(0x0010, 0x0020) }, { "issuer", TAG(0x0010,
		    0x0021) },
		{ "birth", TAG(0x0010, 0x0030) },
	};
	char declared[CHARSET_DECLARED_MAX];
	size_t i = 0;
	int rc = walk_text(o, TAG(0x0008, 0x0005), declared, sizeof declared, NULL, err);

	*out = json_object();
	if (*out == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (i = 0; rc == RC_OK && i < sizeof keys / sizeof keys[0]; i++)
		rc = add_text(o, declared, keys[i].key, keys[i].tag, *out, err);
	return rc;
}

static int one(struct chan *chan, const struct request *q, int fd, const struct plan *plan)
{
	struct reply r = { 0 };
	struct stream *s = NULL;
	struct object *o = NULL;
	struct pieces pieces = { 0 };
	struct buf text = BUF_INIT(CHAN_MSG_MAX);
	json_t *j = NULL;
	int rc = spool_stream_fd(&s, fd, &q->key, &r.err);

	if (rc == RC_OK)
		rc = walk_open(&o, s, &r.err);
	if (rc == RC_OK && plan == NULL && q->ask != RETAG_KEY)
		rc = err_set(&r.err, ERR_INTERNAL, "no plan");
	else if (rc == RC_OK && q->ask == RETAG_APPLY)
		rc = plan_apply(plan, o, &pieces, &r.report, &r.err);
	else if (rc == RC_OK && q->ask == RETAG_OLD)
		rc = plan_old(plan, o, &j, &r.err);
	else if (rc == RC_OK)
		rc = key_of(o, &j, &r.err);
	if (rc == RC_OK && j != NULL)
		rc = json_write(j, &text, &r.err);
	r.rc = rc;
	if (rc == RC_OK) {
		r.pieces = pieces.n;
		r.bytes = j != NULL ? text.len : pieces.bytes.len;
	}
	rc = chan_send(chan, &r, sizeof r, NULL, 0, &r.err);
	if (rc == RC_OK)
		rc = send_all(chan, pieces.v, r.pieces * sizeof *pieces.v, &r.err);
	if (rc == RC_OK)
		rc = send_all(chan, j != NULL ? text.data : pieces.bytes.data, r.bytes, &r.err);
	walk_close(o);
	stream_close(s);
	pieces_free(&pieces);
	buf_free(&text);
	json_decref(j);
	return rc;
}

static int take_plan(const char *text, size_t n, struct plan **plan, struct err *err)
{
	json_t *doc = NULL;
	int rc = json_parse(text, n, &doc, err);

	plan_free(*plan);
	*plan = NULL;
	if (rc == RC_OK)
		rc = plan_load(plan, doc, err);
	json_decref(doc);
	return rc;
}

static int run(struct chan *chan, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX), text = BUF_INIT(PLAN_MAX + CHUNK);
	struct plan *plan = NULL;
	struct request q;
	int rc = RC_OK;

	(void)arg;
	while (rc == RC_OK) {
		struct reply r = { 0 };
		int fd = -1;
		size_t nfds = 0;

		if (chan_recv(chan, &msg, &fd, 1, &nfds, &r.err) != RC_OK || msg.len < sizeof q)
			break;
		memcpy(&q, msg.data, sizeof q);
		if (q.ask == ASK_PLAN || q.ask == ASK_PLAN_PART) {
			r.rc = buf_add(&text, msg.data + sizeof q, msg.len - sizeof q, &r.err);
			if (r.rc == RC_OK && q.ask == ASK_PLAN_PART)
				continue;
			if (r.rc == RC_OK)
				r.rc = take_plan(text.data, text.len, &plan, &r.err);
			buf_free(&text);
			rc = chan_send(chan, &r, sizeof r, NULL, 0, &r.err);
		} else if (nfds == 1) {
			rc = one(chan, &q, fd, plan);
			fd = -1;	/* taken */
		} else {
			break;
		}
		if (fd >= 0)
			close(fd);
	}
	plan_free(plan);
	buf_free(&text);
	buf_free(&msg);
	return 0;
}

/* ---- the parent ---- */

int retag_worker_start(struct retag_worker **out, enum jail_mode mode, struct err *err)
{
	struct jail jail = { .mode = mode };
	struct retag_worker *w = calloc(1, sizeof *w);
	int rc = RC_OK;

	*out = NULL;
	if (w == NULL)
		return err_set(err, ERR_TEMP, "no memory for a worker");
	rc = worker_start(&w->worker, &jail, plan_prepare, run, NULL, err);
	if (rc != RC_OK) {
		free(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

void retag_worker_stop(struct retag_worker *w)
{
	enum worker_end how;
	int code = 0;

	if (w == NULL)
		return;
	worker_stop(w->worker, &how, &code);
	free(w);
}

static int died(struct retag_worker *w, bool *gone, struct err *err)
{
	worker_died(w->worker, err);
	w->worker = NULL;
	*gone = true;
	return err_rc(err->kind);
}

static int recv_all(struct retag_worker *w, struct buf *msg, void *to, uint64_t n, struct err *err)
{
	char *p = to;
	int rc = RC_OK;

	while (rc == RC_OK && n > 0) {
		rc = chan_recv(worker_chan(w->worker), msg, NULL, 0, NULL, err);
		if (rc == RC_OK && msg->len > n)
			rc = err_set(err, ERR_DATA, "the worker sent more than it said");
		if (rc == RC_OK) {
			memcpy(p, msg->data, msg->len);
			p += msg->len;
			n -= msg->len;
		}
	}
	return rc;
}

/* The other side parses what is hostile: nothing it says is taken unproved. */
static bool plausible(const struct pieces *p)
{
	size_t i = 0;

	for (i = 0; i < p->n; i++) {
		const struct piece *q = &p->v[i];

		if (q->from != PIECE_ORIGINAL && q->from != PIECE_NEW)
			return false;
		if (q->off + q->len < q->off || (q->from == PIECE_NEW && q->off + q->len > p->bytes.len))
			return false;
	}
	return true;
}

static int recv_pieces(struct retag_worker *w, const struct reply *r, struct buf *msg, struct pieces *p,
    struct err *err)
{
	int rc = RC_OK;

	if (r->pieces > PIECES_MAX)
		return err_set(err, ERR_DATA, "the worker made more than %d pieces", PIECES_MAX);
	p->v = calloc((size_t)r->pieces + 1, sizeof *p->v);
	if (p->v == NULL)
		return err_set(err, ERR_TEMP, "no memory for pieces");
	p->n = p->cap = (size_t)r->pieces;
	p->bytes.max = (size_t)256 << 20;	/* RLIMIT_AS of who made them */
	rc = recv_all(w, msg, p->v, r->pieces * sizeof *p->v, err);
	if (rc == RC_OK)
		rc = buf_grow(&p->bytes, (size_t)r->bytes, err);
	if (rc == RC_OK)
		rc = recv_all(w, msg, p->bytes.data, r->bytes, err);
	if (rc != RC_OK)
		return rc;
	p->bytes.len = (size_t)r->bytes;
	return plausible(p) ? RC_OK : err_set(err, ERR_DATA, "the worker made pieces that can not be");
}

static int recv_json(struct retag_worker *w, const struct reply *r, struct buf *msg, json_t **out,
    struct err *err)
{
	struct buf text = BUF_INIT(CHAN_MSG_MAX);
	int rc = buf_grow(&text, (size_t)r->bytes, err);

	if (rc == RC_OK)
		rc = recv_all(w, msg, text.data, r->bytes, err);
	if (rc == RC_OK)
		rc = json_parse(text.data, (size_t)r->bytes, out, err);
	buf_free(&text);
	return rc;
}

int retag_worker_send(struct retag_worker *w, enum retag_ask ask, int fd, const struct age_key *key,
    struct err *err)
{
	struct request q;
	int rc = RC_OK;

	memset(&q, 0, sizeof q);
	q.ask = (uint32_t)ask;
	q.key = *key;
	rc = chan_send(worker_chan(w->worker), &q, sizeof q, &fd, 1, err);
	return rc != RC_OK && err->kind == ERR_NOINPUT ? err_set(err, ERR_DATA,
	    "the parser died over an object") : rc;
}

int retag_worker_recv(struct retag_worker *w, struct pieces *pieces, struct plan_report *report, json_t **json,
    bool *gone, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct reply r;
	int rc = chan_recv(worker_chan(w->worker), &msg, NULL, 0, NULL, err);

	*gone = false;
	if (rc == RC_OK && msg.len != sizeof r)
		rc = err_set(err, ERR_DATA, "the worker's answer has another length");
	if (rc != RC_OK) {
		buf_free(&msg);
		return died(w, gone, err);
	}
	memcpy(&r, msg.data, sizeof r);
	if (r.rc != RC_OK) {
		*err = r.err;
		err->text[sizeof err->text - 1] = err->advice[sizeof err->advice - 1] = '\0';
		buf_free(&msg);
		return r.rc > RC_FATAL || r.rc < 0 || r.err.kind > ERR_INTERNAL
		    ? err_set(err, ERR_DATA, "the worker's answer is none") : r.rc;
	}
	if (report != NULL)
		*report = r.report;
	if (pieces != NULL)
		rc = recv_pieces(w, &r, &msg, pieces, err);
	else if (json != NULL)
		rc = recv_json(w, &r, &msg, json, err);
	buf_free(&msg);
	return rc != RC_OK && err->kind != ERR_TEMP ? died(w, gone, err) : rc;
}

int retag_worker_plan(struct retag_worker *w, const json_t *plan, struct err *err)
{
	struct buf text = BUF_INIT(PLAN_MAX), msg = BUF_INIT(CHAN_MSG_MAX);
	struct request q;
	size_t at = 0;
	bool gone = false;
	int rc = json_write(plan, &text, err);

	memset(&q, 0, sizeof q);
	if (rc != RC_OK && err->kind != ERR_TEMP)
		rc = err_set(err, ERR_CONFIG, "the plan has more than %zu MB: fewer rules, or shorter ones", PLAN_MAX >> 20);
	while (rc == RC_OK && at < text.len) {
		size_t n = text.len - at < CHUNK ? text.len - at : CHUNK;

		q.ask = at + n < text.len ? ASK_PLAN_PART : ASK_PLAN;
		buf_clear(&msg);
		rc = buf_add(&msg, &q, sizeof q, err);
		if (rc == RC_OK)
			rc = buf_add(&msg, text.data + at, n, err);
		if (rc == RC_OK)
			rc = chan_send(worker_chan(w->worker), msg.data, msg.len, NULL, 0, err);
		at += n;
	}
	buf_free(&text);
	buf_free(&msg);
	return rc == RC_OK ? retag_worker_recv(w, NULL, NULL, NULL, &gone, err) : rc;
}
