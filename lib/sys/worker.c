#include "sys/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/netjail.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif

/* A message lies in one piece in the socket's buffer; room for a few, so that both sides work at once. */
#define CHAN_BUFFER	(4 * (int)CHAN_MSG_MAX)

/* What a worker that was told to end, or has died, gets to be gone by itself. */
#define STOP_GRACE_MS	2000

enum { CHILD_FD = 3 };	/* the channel in the child */

struct worker {
	struct chan chan;
	pid_t pid;
	int pidfd;
	uint64_t memory;	/* its limits */
	unsigned cpu_seconds;
};

/* The channel */

static bool (*stopped)(void);

void worker_hurry(bool (*fn)(void))
{
	stopped = fn;
}

/* Of the parent's side: is the other one too late? The socket's time-out (open_pair) brings the caller here. */
static bool late(struct chan *c)
{
	static uint64_t stop_seen;
	uint64_t now = time_mono_ms(), from = c->last;
	uint64_t limit = (uint64_t)c->limit_ms;

	if (c->limit_ms == 0 || c->late)
		return c->late;
	if (stopped && stopped()) {
		if (!stop_seen)
			stop_seen = now;
		if (from < stop_seen)
			from = stop_seen;
		if (limit > WORKER_HURRY_MS)
			limit = WORKER_HURRY_MS;
	}
	return c->late = now - from >= limit;
}

static void traffic(struct chan *c)
{
	if (c->limit_ms)
		c->last = time_mono_ms();
}

bool worker_late(struct worker *w)
{
	return late(&w->chan);
}

int chan_send(struct chan *c, const void *data, size_t len, const int *fds, size_t nfds, struct err *err)
{
	union { struct cmsghdr align; char space[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))]; } control;
	struct iovec part = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	/* an empty message could not be told from the end */
	if (len == 0 || len > CHAN_MSG_MAX || nfds > CHAN_FDS_MAX)
		return err_set(err, ERR_INTERNAL, "a message of %zu bytes and %zu descriptors", len, nfds);
	if (nfds) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, nfds * sizeof(int));
	}
	for (;;) {
		ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		if (n >= 0) {
			traffic(c);
			return RC_OK;	/* SEQPACKET sends all or nothing */
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN && !late(c))
			continue;
		if (errno == EAGAIN)
			return err_set(err, ERR_NOINPUT, "no answer");
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return err_set(err, ERR_NOINPUT, "channel closed");
		return err_sys(err, errno, "cannot send to the other process");
	}
}

/* Takes up to max descriptors out of m, closes any more; true when there were more. */
static bool take_fds(struct msghdr *m, int *fds, size_t max, size_t *nfds)
{
	bool more = false;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd = -1;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (*nfds < max) {
				fds[(*nfds)++] = fd;
			} else {
				close(fd);
				more = true;
			}
		}
	}
	return more || m->msg_flags & MSG_CTRUNC;
}

int chan_recv_ms(struct chan *c, int ms, struct buf *msg, int *fds, size_t max, size_t *nfds, struct err *err)
{
	union { struct cmsghdr align; char space[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))]; } control;
	uint64_t begin = ms >= 0 ? time_mono_ms() : 0;
	size_t taken = 0;
	ssize_t n = 0;
	int rc = RC_OK;

	buf_clear(msg);
	if (nfds)
		*nfds = 0;
	if ((rc = buf_grow(msg, CHAN_MSG_MAX, err)))
		return rc;
	for (;;) {
		struct iovec part = { msg->data, CHAN_MSG_MAX };
		struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
			.msg_controllen = sizeof(control) };

		if (ms >= 0) {
			struct pollfd p = { .fd = c->fd, .events = POLLIN };
			uint64_t spent = time_mono_ms() - begin;
			int left = spent < (uint64_t)ms ? ms - (int)spent : 0;
			int ready = poll(&p, 1, left);
			if (ready < 0 && errno != EINTR)
				return err_sys(err, errno, "cannot wait for the other process");
			if (ready == 0)
				return err_set(err, ERR_TEMP, "no answer within %d ms", ms);
			if (ready < 0)
				continue;
		}
		memset(&control, 0, sizeof(control));
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !late(c))
			continue;
		if (n < 0 && errno == EAGAIN)
			return err_set(err, ERR_NOINPUT, "no answer");
		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			/* the end; a hostile peer's empty message with descriptors counts as that */
			if (n == 0)
				(void)take_fds(&m, NULL, 0, &taken);
			return err_set(err, ERR_NOINPUT, "channel closed");
		}
		if (n < 0)
			return err_sys(err, errno, "cannot receive from the other process");
		if (take_fds(&m, fds, max, &taken) || m.msg_flags & MSG_TRUNC) {
			for (size_t i = 0; i < taken; i++)
				close(fds[i]);
			return err_set(err, ERR_DATA, "the other process sent more than it may");
		}
		break;
	}
	traffic(c);
	msg->len = (size_t)n;
	msg->data[n] = '\0';
	if (nfds)
		*nfds = taken;
	return RC_OK;
}

int chan_recv(struct chan *c, struct buf *msg, int *fds, size_t max, size_t *nfds, struct err *err)
{
	return chan_recv_ms(c, -1, msg, fds, max, nfds, err);
}

/* The child */

/* A sanitizer reports on stderr. */
#ifdef MRI_SANITIZED
#define REPORTS	true
#else
#define REPORTS	false
#endif

/* Stdin and stdout are /dev/null, the channel is 3, everything else goes. So does stderr in a jail: errors come
 * by message, and a parser that was taken over could write to a terminal what the terminal obeys. */
static int only_channel(int *fd, bool jailed, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return err_sys(err, errno, "cannot open /dev/null");
	if (((jailed && !REPORTS) || fcntl(2, F_GETFD) < 0) && dup2(null, 2) < 0)
		return err_sys(err, errno, "cannot open /dev/null");
	if (*fd != CHILD_FD && dup3(*fd, CHILD_FD, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot pass the channel on");
	*fd = CHILD_FD;
	if (close_range(CHILD_FD + 1, ~0U, 0) != 0) {
		/* a kernel before 5.9 */
		long max = sysconf(_SC_OPEN_MAX);
		for (int i = CHILD_FD + 1; i < (max > 0 && max < 65536 ? (int)max : 65536); i++)
			close(i);
	}
	return RC_OK;
}

/* No handler of the parent runs here. A ^C or a stop of the service goes to the whole group: the parent
 * decides what still ends in order, and its going ends the child (end of the channel, PDEATHSIG). */
static void own_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, ign = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT ?
		    &ign : &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(int fd, pid_t parent, const struct jail *jail, void (*prepare)(void *),
    worker_fn *run, void *arg)
{
	struct chan c = { .fd = fd };
	struct err err = { 0 }, ignored;	/* sent whole: no bytes of the stack that nobody set */
	int rc = RC_OK;

	own_signals();
	/* An object's buffers come and go at the same sizes: given back to the kernel each time, their page
	 * faults cost more than the parsing (a quarter of the time of 500 objects). */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(0);
	if (!(rc = only_channel(&c.fd, jail->mode != JAIL_OFF, &err))) {
		if (prepare)
			prepare(arg);
		rc = jail->network ? netjail_enter(jail->mode, jail->cafile, &err) : jail_enter(jail, &err);
	}
	/* the first message says that it stands, or why not: worker_start() reads it */
	if (chan_send(&c, &err, sizeof(err), NULL, 0, &ignored) || rc)
		_exit(0);
	_exit(run(&c, arg));
}

/* The parent */

/* Waits for the child at most ms; false: it is still there. */
static bool gone_within(struct worker *w, int ms, int *status, struct rusage *use)
{
	uint64_t begin = time_mono_ms();

	for (;;) {
		pid_t p = wait4(w->pid, status, WNOHANG, use);
		if (p == w->pid)
			return true;
		if (p < 0 && errno != EINTR) {	/* reaped elsewhere (SIGCHLD ignored): its end is unknown */
			*status = 0;
			return true;
		}
		uint64_t spent = time_mono_ms() - begin;
		if (spent >= (uint64_t)ms)
			return false;
		struct pollfd pf = { .fd = w->pidfd, .events = POLLIN };
		int left = ms - (int)spent;
		/* without a pidfd (before Linux 5.3) look again every 5 ms */
		(void)poll(&pf, w->pidfd >= 0 ? 1 : 0, w->pidfd >= 0 ? left : left < 5 ? left : 5);
	}
}

static enum worker_end judge(const struct worker *w, int status, bool by_us, const struct rusage *use,
    int *code)
{
	uint64_t peak = (uint64_t)use->ru_maxrss << 10;

	if (WIFEXITED(status)) {
		*code = WEXITSTATUS(status);
		return *code == WORKER_EXIT_MEMORY ? WORKER_MEMORY : WORKER_EXITED;
	}
	*code = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (*code == SIGXCPU)
		return WORKER_CPU;
	if (*code == SIGKILL && !by_us &&
	    (uint64_t)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) >= w->cpu_seconds)
		return WORKER_CPU;	/* the hard limit */
	/* a NULL from malloc that was not looked at, or std::bad_alloc that was not caught; the kernel that lacks
	 * memory kills with 9, and so does a person: the one takes who is large */
	if ((*code == SIGSEGV || *code == SIGABRT || *code == SIGBUS || (*code == SIGKILL && !by_us)) &&
	    peak >= w->memory / 4 * 3)
		return WORKER_MEMORY;
	return WORKER_KILLED;
}

void worker_stop(struct worker *w, enum worker_end *how, int *code)
{
	struct rusage use;
	enum worker_end end = WORKER_EXITED;
	int status = 0, number = 0;
	bool by_us = false;

	if (w) {
		memset(&use, 0, sizeof(use));
		close(w->chan.fd);
		if (!gone_within(w, STOP_GRACE_MS, &status, &use)) {
			by_us = true;
			kill(w->pid, SIGKILL);
			while (!gone_within(w, STOP_GRACE_MS, &status, &use))
				;
		}
		end = judge(w, status, by_us, &use, &number);
		if (w->pidfd >= 0)
			close(w->pidfd);
		free(w);
	}
	if (how)
		*how = end;
	if (code)
		*code = number;
}

/* Ends it and says why it ended; true when it was killed from outside, which says nothing about what it had in hand. */
static bool tell_end(struct worker *w, struct err *err)
{
	enum worker_end how = WORKER_EXITED;
	int code = 0;
	unsigned long long memory = w ? w->memory >> 20 : 0;
	unsigned cpu = w ? w->cpu_seconds : 0;
	int limit = w ? w->chan.limit_ms / 1000 : 0;

	if (w && w->chan.late) {
		kill(w->pid, SIGKILL);
		worker_stop(w, NULL, NULL);
		if (stopped && stopped())
			err_set(err, ERR_TEMP, "interrupted");
		else
			err_set(err, ERR_DATA, "the parser gave no answer within %d s", limit);
		return true;
	}
	worker_stop(w, &how, &code);
	switch (how) {
	case WORKER_EXITED:
		err_set(err, ERR_DATA, "the parser ended without an answer (status %d)", code);
		break;
	case WORKER_KILLED:
		err_set(err, ERR_DATA, "the parser %s (signal %d)", code == SIGKILL ? "was killed" : "died", code);
		break;
	case WORKER_MEMORY:
		err_set(err, ERR_DATA, "the parser ran out of memory (limit %llu MiB)", memory);
		break;
	case WORKER_CPU:
		err_set(err, ERR_DATA, "the parser used up its processor time (%u s)", cpu);
		break;
	}
	return how == WORKER_KILLED && code == SIGKILL;
}

void worker_died(struct worker *w, struct err *err)
{
	(void)tell_end(w, err);
}

static int open_pair(int fd[2], struct err *err)
{
	struct timeval tick = { 0, 1000 * WORKER_TICK_MS };
	int size = CHAN_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return err_sys(err, errno, "cannot make a channel to a worker");
	/* net.core.wmem_max may cap it: then fewer messages are on their way at once */
	for (int i = 0; i < 2; i++) {
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		(void)setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	/* the parent's: so that it looks up from its waiting */
	if (setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) != 0 ||
	    setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick)) != 0) {
		err_sys(err, errno, "cannot make a channel to a worker");
		close(fd[0]);
		close(fd[1]);
		return err_rc(err->kind);
	}
	return RC_OK;
}

/* The child's first message: the error that kept it from its work, or none. */
static int wait_ready(struct worker *w, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	int rc = chan_recv(&w->chan, &msg, NULL, 0, NULL, err);

	if (!rc && msg.len != sizeof(*err)) {
		rc = err_set(err, ERR_INTERNAL, "a worker began with another message");
	} else if (!rc) {
		struct err said;
		memcpy(&said, msg.data, sizeof(said));
		if ((rc = err_rc(said.kind)))
			*err = said;
	}
	buf_free(&msg);
	return rc;
}

int worker_start(struct worker **out, const struct jail *jail, void (*prepare)(void *), worker_fn *run,
    void *arg, struct err *err)
{
	struct worker *w = calloc(1, sizeof(*w));
	int fd[2] = { -1, -1 }, rc = RC_OK;
	pid_t me = getpid();

	*out = NULL;
	if (!w)
		return err_set(err, ERR_TEMP, "no memory for a worker");
	w->memory = jail->memory ? jail->memory : JAIL_MEMORY;
	w->cpu_seconds = jail->cpu_seconds ? jail->cpu_seconds : JAIL_CPU;
	w->pidfd = -1;
	w->chan.limit_ms = 1000 * (int)(jail->answer_seconds ? jail->answer_seconds : JAIL_ANSWER);
	w->chan.last = time_mono_ms();
	if ((rc = open_pair(fd, err))) {
		free(w);
		return rc;
	}
	w->pid = fork();
	if (w->pid == 0)
		child(fd[1], me, jail, prepare, run, arg);
	if (w->pid < 0)
		rc = err_sys(err, errno, "cannot start a worker");
	close(fd[1]);
	if (rc) {
		close(fd[0]);
		free(w);
		return rc;
	}
	w->chan.fd = fd[0];
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0U);	/* close-on-exec by itself */
	if ((rc = wait_ready(w, err))) {
		struct err why = *err;
		bool killed = tell_end(w, err);
		if (why.kind != ERR_NOINPUT)
			*err = why;
		else	/* no object was in hand: this is ours, or it is killed and another time it is not */
			err->kind = killed ? ERR_TEMP : ERR_INTERNAL;
		return err_wrap(err, "cannot start a worker");
	}
	*out = w;
	return RC_OK;
}

struct chan *worker_chan(struct worker *w)
{
	return &w->chan;
}

int worker_fd(const struct worker *w)
{
	return w->chan.fd;
}
