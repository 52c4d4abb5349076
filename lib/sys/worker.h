/*
 * Workers: forked processes that parse what came from outside, in a jail, and
 * hand results back over a SOCK_SEQPACKET pair as framed messages with
 * descriptors. One worker takes many objects; where it dies, worker_died()
 * says so, the object in hand is set aside and worker_start() makes another.
 *
 *	worker_start(&w, &jail, run, arg, err);
 *	chan_send(worker_chan(w), msg, len, fds, nfds, err);
 *	chan_recv(worker_chan(w), &msg, fds, max, &nfds, err)	→ RC_FAILED + ERR_NOINPUT when it died: worker_died(w, err)
 *	worker_stop(w, &how, &code);
 *
 * run() executes in the child after jail_enter() and returns its exit code; prepare() before it
 * (to load what is loaded late). The child has only its end of the channel and what is sent
 * to it; all other descriptors above 2 are closed, 0, 1 and 2 are /dev/null (stderr stays with JAIL_OFF).
 */
#ifndef MRI_SYS_WORKER_H
#define MRI_SYS_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "sys/jail.h"

#define CHAN_MSG_MAX	((size_t)128 << 10)	/* bytes of one message: a manifest line, a finding */
#define CHAN_FDS_MAX	8

/* limit_ms: the parent's side of a worker; 0 waits for ever. late: the limit has passed. */
struct chan { int fd; int limit_ms; uint64_t last; bool late; };
struct worker;

/* Sends one message with nfds descriptors (they stay open here). */
int chan_send(struct chan *, const void *, size_t len, const int *fds, size_t nfds, struct err *);
/* Receives one message into msg (cleared first). Descriptors come O_CLOEXEC and belong to the
 * caller. End of file, or a worker that stands still: RC_FAILED with ERR_NOINPUT. */
int chan_recv(struct chan *, struct buf *msg, int *fds, size_t max, size_t *nfds, struct err *);
/* The same, waiting at most ms (-1: for ever); RC_RETRY/ERR_TEMP when nothing came. */
int chan_recv_ms(struct chan *, int ms, struct buf *msg, int *fds, size_t max, size_t *nfds, struct err *);

typedef int worker_fn(struct chan *, void *arg);

/* run() returns this when it could not get memory: told apart from other ends as WORKER_MEMORY. */
#define WORKER_EXIT_MEMORY	99

/* Starts it and waits until the jail stands (2 ms, and prepare()). Call it from the main thread: a worker is killed
 * when the thread that started it ends (PR_SET_PDEATHSIG). SIGINT, SIGTERM, SIGHUP and SIGQUIT are ignored in
 * the child: the parent decides what is still finished. */

int worker_start(struct worker **, const struct jail *, void (*prepare)(void *),
    worker_fn *run, void *arg, struct err *);
struct chan *worker_chan(struct worker *);
int worker_fd(const struct worker *);	/* to poll, at most WORKER_TICK_MS: then look at worker_late() */

/* A worker is late when nothing came or went for jail.answer_seconds, or for WORKER_HURRY_MS since stopped() is
 * true: chan_recv() then fails at once, and worker_died() gives ERR_TEMP where it was the stop. */
#define WORKER_TICK_MS	200
#define WORKER_HURRY_MS	3000
bool worker_late(struct worker *);
void worker_hurry(bool (*stopped)(void));	/* the program's own, once */

enum worker_end { WORKER_EXITED, WORKER_KILLED, WORKER_MEMORY, WORKER_CPU };
/* Closes the channel, waits, frees. how/code: exit code or signal number. NULL is fine. */
void worker_stop(struct worker *, enum worker_end *how, int *code);
/* After a failed chan_*: reaps and gives a sentence for the object in hand: "the parser died (signal 11)". Frees.
 * ERR_TEMP ("interrupted"): it says nothing about the object. */
void worker_died(struct worker *, struct err *);

#endif
