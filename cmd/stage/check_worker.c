#include "stage/check_index.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "dicom/charset.h"
#include "dicom/codec.h"

#define JOBS_MAX 16 /* each has its own address space of up to JAIL_MEMORY */

/* Decoding an object of 4 GB takes minutes, and its processor time counts for all objects of a worker together. */
#define DEEP_CPU (24 * 3600)
#define DEEP_ANSWER (2 * 3600)

struct check_pool {
	struct worker *v[JOBS_MAX];
	bool loaded[JOBS_MAX]; /* has an object in hand */
	size_t jobs;
	enum jail_mode mode;
	bool deep;
};

struct request {
	struct age_key key;
	bool index; /* what the file is that gave no object, in place of its facts */
};

/* The child. */

/* One object; an answer always goes back. */
static int
answer(struct chan *chan, int fd, const struct age_key *key, bool deep)
{
	struct check_object o;
	struct check_identity id;
	struct buf out = BUF_INIT(CHAN_MSG_MAX);
	struct stream *s = NULL;
	struct err err = { 0 };
	int rc = RC_OK;

	rc = spool_stream_fd(&s, fd, key, &err);
	if (rc == RC_OK)
		rc = check_object_read(s, deep, &o, &id, &err);
	if (rc != RC_OK) {
		memset(&o, 0, sizeof o);
		memset(&id, 0, sizeof id);
		o.points = (uint32_t)1 << POINT_BROKEN;
		text_copy(o.why, sizeof o.why, err.text);
	}
	rc = check_object_write(&o, &id, &out, &err);
	if (rc == RC_OK)
		rc = chan_send(chan, out.data, out.len, NULL, 0, &err);
	stream_close(s);
	buf_free(&out);
	return rc;
}

static int
answer_index(struct chan *chan, int fd, const struct age_key *key)
{
	struct stream *s = NULL;
	struct err err = { 0 };
	int rc = spool_stream_fd(&s, fd, key, &err);

	if (rc == RC_OK)
		rc = check_index_answer(chan, s, &err);
	stream_close(s);
	return rc;
}

static int
run(struct chan *chan, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	struct request r;
	size_t nfds = 0;
	int fd = -1;

	while (chan_recv(chan, &msg, &fd, 1, &nfds, &err) == RC_OK) {
		if (msg.len != sizeof r || nfds != 1)
			return 1;
		memcpy(&r, msg.data, sizeof r);
		if ((r.index ? answer_index(chan, fd, &r.key)
			     : answer(chan, fd, &r.key, ((const struct check_pool *)arg)->deep)) != RC_OK)
			return 1;
	}
	buf_wipe(&msg);
	return 0;
}

/* The parent. */

static int
pool_new(struct check_pool **out, enum jail_mode mode, long jobs, struct err *err)
{
	struct check_pool *p = calloc(1, sizeof *p);
	struct err ignored = { 0 };

	if (p == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	if (jobs <= 0)
		jobs = sysconf(_SC_NPROCESSORS_ONLN);
	p->jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : (size_t)jobs;
	p->mode = mode;
	charset_load(&ignored); /* once: workers inherit it. What is missing does not convert, and that is a finding */
	*out = p;
	return RC_OK;
}

static void
stop_all(struct check_pool *p)
{
	for (size_t i = 0; i < p->jobs; i++) {
		worker_stop(p->v[i], NULL, NULL);
		p->v[i] = NULL;
	}
}

/* Workers that stand already have no decoders; others inherit them. What is missing decodes nothing: a finding too. */
static void
pool_deep(struct check_pool *p, bool deep)
{
	struct err ignored = { 0 };

	if (p->deep != deep)
		stop_all(p);
	if (deep)
		codec_load(&ignored);
	p->deep = deep;
}

int
check_pool_ready(struct check_pool **p, enum jail_mode mode, long jobs, bool deep, struct err *err)
{
	int rc = *p != NULL ? RC_OK : pool_new(p, mode, jobs, err);

	if (rc == RC_OK)
		pool_deep(*p, deep);
	return rc;
}

void
check_pool_free(struct check_pool *p)
{
	if (p == NULL)
		return;
	stop_all(p);
	codec_unload();
	free(p);
}

static int
start(struct check_pool *p, size_t w, struct err *err)
{
	struct jail jail = { .mode = p->mode };

	if (p->deep) {
		jail.cpu_seconds = DEEP_CPU;
		jail.answer_seconds = DEEP_ANSWER;
	}
	return p->v[w] != NULL ? RC_OK : worker_start(&p->v[w], &jail, NULL, run, p, err);
}

static void
broken(struct check_object *o, struct check_identity *id, const char *why)
{
	memset(o, 0, sizeof *o);
	memset(id, 0, sizeof *id);
	o->number = -1;
	o->frames = 1;
	o->identity = -1;
	o->points = (uint32_t)1 << POINT_BROKEN;
	text_copy(o->why, sizeof o->why, why);
}

/* Gives a file to worker w. A worker that is gone is made anew once. */
static int
give(struct check_pool *p, size_t w, int fd, const struct request *r, struct err *err)
{
	int rc = RC_OK;

	for (int turn = 0; turn < 2; turn++) {
		if ((rc = start(p, w, err)) != RC_OK)
			return rc;
		rc = chan_send(worker_chan(p->v[w]), r, sizeof *r, &fd, 1, err);
		if (rc == RC_OK)
			return RC_OK;
		worker_died(p->v[w], err);
		p->v[w] = NULL;
	}
	return rc;
}

/* A worker that died in the middle: only a stop ends the run. */
static int
bury(struct check_pool *p, size_t w, struct err *err)
{
	worker_died(p->v[w], err);
	p->v[w] = NULL;
	return err->kind == ERR_TEMP ? err_rc(ERR_TEMP) : RC_OK;
}

static int
take(struct check_pool *p, size_t w, struct check_object *o, struct check_identity *id, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	int rc = chan_recv(worker_chan(p->v[w]), &msg, NULL, 0, NULL, err);

	if (rc != RC_OK) {
		rc = bury(p, w, err);
		broken(o, id, err->text);
	} else if (check_object_parse(msg.data, msg.len, o, id, err) != RC_OK) {
		broken(o, id, err->text);
	}
	buf_free(&msg);
	return rc;
}

int
check_pool_run(struct check_pool *p, size_t n, check_open_fn *open_fn, check_take_fn *take_fn, void *arg,
    struct err *err)
{
	struct check_object *o = malloc(sizeof *o);
	struct check_identity *id = malloc(sizeof *id);
	char(*whys)[CHECK_REASON_MAX] = calloc(p->jobs, sizeof *whys);
	int rc = RC_OK;

	if (o == NULL || id == NULL || whys == NULL) {
		rc = err_set(err, ERR_TEMP, "no memory");
		goto out;
	}
	for (size_t i = 0; i < n + p->jobs && rc == RC_OK; i++) {
		size_t w = i % p->jobs;
		if (i >= p->jobs && i - p->jobs < n) { /* what this worker was given a round ago */
			if (p->loaded[w])
				rc = take(p, w, o, id, err);
			else
				broken(o, id, whys[w]);
			p->loaded[w] = false;
			if (rc == RC_OK)
				rc = take_fn(arg, i - p->jobs, o, id, err);
		}
		if (rc == RC_OK && i < n && !cli_stopped()) {
			struct request r;
			struct err why = { 0 };
			int fd = -1;
			memset(&r, 0, sizeof r); /* its padding travels too */
			if (open_fn(arg, i, &fd, &r.key, &why) != RC_OK) {
				if (why.kind != ERR_DATA && why.kind != ERR_NOINPUT) {
					*err = why;
					rc = err_rc(why.kind);
					break;
				}
				text_copy(whys[w], sizeof whys[w], why.text);
				continue;
			}
			rc = give(p, w, fd, &r, err);
			p->loaded[w] = rc == RC_OK;
			close(fd);
		} else if (rc == RC_OK && i < n) {
			rc = err_set(err, ERR_TEMP, "stopped");
		}
	}
out:
	for (size_t w = 0; w < p->jobs && rc != RC_OK; w++) /* answers that nobody waits for any more */
		if (p->loaded[w]) {
			worker_stop(p->v[w], NULL, NULL);
			p->v[w] = NULL;
			p->loaded[w] = false;
		}
	free(o);
	free(id);
	free(whys);
	return rc;
}

int
check_pool_index(struct check_pool *p, int fd, enum other *what, struct listing *l, struct err *err)
{
	struct request r;
	int rc = RC_OK;

	memset(&r, 0, sizeof r);
	r.index = true;
	*what = OTHER_UNREAD;
	rc = give(p, 0, fd, &r, err);
	close(fd);
	if (rc != RC_OK)
		return rc;
	rc = check_index_take(worker_chan(p->v[0]), what, l, err);
	if (rc == RC_OK)
		return RC_OK;
	if (err->kind == ERR_NOINPUT)
		return bury(p, 0, err);
	worker_stop(p->v[0], NULL, NULL);
	p->v[0] = NULL;
	return rc;
}
