/* The workers of one run: started when there is work, waited for, replaced when one dies. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include "stage/unpack_pool.h"

/* The answer will not come, or is no file. */
static void output_close(struct wait *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

int pool_hire(struct pool *pool, struct hand *h, struct err *err)
{
	return h->worker ? RC_OK : worker_start(&h->worker, &pool->jail, NULL, unpack_worker, NULL, err);
}

int pool_ready(struct pool *pool, struct hand *h, bool check, struct err *err)
{
	int rc = pool_hire(pool, h, err);

	if (rc == RC_OK && !pool->src.folder && h->source != pool->src.id) {
		rc = pool_ask_open(pool, h, check, err);
		if (rc == RC_OK && pool->src.encrypted && pool_has_password(pool))
			rc = pool_ask_password(pool, h, err);
	}
	return rc;
}

/* The worker is gone: what it had in hand is set aside, the rest goes to others. */
static int bury(struct pool *pool, struct hand *h, struct err *err)
{
	struct err why = { 0 };
	bool first = true;
	int rc = RC_OK;

	worker_died(h->worker, &why);
	h->worker = NULL;
	h->source = 0;
	if (why.kind == ERR_TEMP) {	/* says nothing about what it had in hand */
		*err = why;
		rc = err_rc(why.kind);
	}
	for (; h->n && rc == RC_OK; h->n--, h->head = (h->head + 1) % AHEAD, first = false) {
		struct wait *w = &h->queue[h->head];

		output_close(w);
		if (w->slot >= 0)
			rc = staging_drop(pool->run->staging, w->slot, err);
		if (w->what == WANT_MEMBER && !first) {
			pool->src.again[pool->src.nagain++] = w->member;
		} else if (w->what == WANT_MEMBER) {
			struct unpack_file *f = pool_file(pool, w->member);

			f->answered = true;
			pool->answered++;
			if (rc == RC_OK)
				rc = unpack_aside(f, true, why.text, err);
		} else if (first && w->what == WANT_SPILL) {
			pool->unspilt = why;
		} else if (first) {
			pool_fail(pool, &why);
		}
	}
	h->n = 0;
	return rc;
}

static int hear(struct pool *pool, struct hand *h, struct err *err)
{
	if (chan_recv(worker_chan(h->worker), &pool->msg, NULL, 0, NULL, err) != RC_OK)
		return bury(pool, h, err);	/* closed, or more than it may say: it is not to be trusted any further */
	return pool_answer(pool, h, err);
}

int pool_wait(struct pool *pool, struct err *err)
{
	struct pollfd fds[UNPACK_JOBS_MAX];
	struct hand *who[UNPACK_JOBS_MAX];
	nfds_t n = 0;
	int rc = RC_OK;

	for (unsigned i = 0; i < pool->jobs; i++) {
		struct hand *h = &pool->hands[i];

		if (!h->worker || !h->n)
			continue;
		fds[n].fd = worker_fd(h->worker);
		fds[n].events = POLLIN;
		fds[n].revents = 0;
		who[n++] = h;
	}
	if (!n)
		return RC_OK;
	if (poll(fds, n, WORKER_TICK_MS) < 0)
		return errno == EINTR ? RC_OK : err_sys(err, errno, "cannot wait for the workers");
	for (nfds_t i = 0; i < n && rc == RC_OK; i++)
		if (fds[i].revents || worker_late(who[i]->worker))
			rc = hear(pool, who[i], err);
	return rc;
}

bool pool_busy(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->jobs; i++)
		if (pool->hands[i].n)
			return true;
	return false;
}

void pool_dismiss(struct hand *h)
{
	for (; h->n; h->n--, h->head = (h->head + 1) % AHEAD)
		output_close(&h->queue[h->head]);
	worker_stop(h->worker, NULL, NULL);
	h->worker = NULL;
}
