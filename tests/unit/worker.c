/* Workers: the channel, what a worker may not do, and how each way of dying is told. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#include "base/time.h"
#include "sys/worker.h"

#ifdef MRI_SANITIZED
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

static const struct jail plain_jail;

/* Answers every message with itself. */
static int echo(struct chan *c, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;

	(void)arg;
	while (!chan_recv(c, &msg, NULL, 0, NULL, &err))
		if (chan_send(c, msg.data, msg.len, NULL, 0, &err))
			break;
	buf_free(&msg);
	return err.kind == ERR_NOINPUT ? 0 : 9;
}

static struct worker *start(worker_fn *run, void *arg, const struct jail *jail)
{
	struct worker *w = NULL;
	struct err err;
	err_clear(&err);
	int rc = worker_start(&w, jail, NULL, run, arg, &err);
	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, RC_OK);
	return w;
}

static void echoes_up_to_the_largest(void **state)
{
	static const size_t sizes[] = { 1, 2, 4096, 65536, CHAN_MSG_MAX - 1, CHAN_MSG_MAX };
	struct worker *w = start(echo, NULL, &plain_jail);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	enum worker_end how;
	int code = -1;
	char *big = malloc(CHAN_MSG_MAX + 1);

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i <= CHAN_MSG_MAX; i++)
		big[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(chan_send(worker_chan(w), big, sizes[i], NULL, 0, &err), RC_OK);
		assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);
		assert_int_equal(msg.len, sizes[i]);
		assert_memory_equal(msg.data, big, sizes[i]);
	}
	/* several on their way before one is read */
	for (int i = 0; i < 2; i++)
		assert_int_equal(chan_send(worker_chan(w), big, CHAN_MSG_MAX, NULL, 0, &err), RC_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);
		assert_int_equal(msg.len, CHAN_MSG_MAX);
	}
	assert_int_equal(chan_send(worker_chan(w), big, CHAN_MSG_MAX + 1, NULL, 0, &err), RC_FATAL);
	assert_int_equal(chan_send(worker_chan(w), big, 0, NULL, 0, &err), RC_FATAL);
	assert_int_equal(chan_recv_ms(worker_chan(w), 20, &msg, NULL, 0, NULL, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	worker_stop(w, &how, &code);
	assert_int_equal(how, WORKER_EXITED);
	assert_int_equal(code, 0);
	buf_free(&msg);
	free(big);
}

/* Gets a file to read and one to write; says what it read, appends to the other. */
static int copy_fd(struct chan *c, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	int fds[2] = { -1, -1 }, rc = 0;
	size_t n = 0;
	char text[64];

	(void)arg;
	if (chan_recv(c, &msg, fds, 2, &n, &err) || n != 2)
		return 1;
	ssize_t got = pread(fds[0], text, sizeof(text), 0);
	if (got <= 0 || write(fds[1], text, (size_t)got) != got || fdatasync(fds[1]) != 0 ||
	    ftruncate(fds[1], got - 1) != 0 || !(fcntl(fds[0], F_GETFD) & FD_CLOEXEC))
		rc = 2;
	if (chan_send(c, text, got > 0 ? (size_t)got : 1, NULL, 0, &err))
		rc = 3;
	buf_free(&msg);
	return rc;
}

static void passes_descriptors(void **state)
{
	struct worker *w = start(copy_fd, NULL, &plain_jail);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	enum worker_end how;
	int code = -1;
	FILE *from = tmpfile(), *to = tmpfile();
	struct stat st;

	(void)state;
	assert_non_null(from);
	assert_non_null(to);
	assert_int_equal(write(fileno(from), "slices", 6), 6);
	int fds[2] = { fileno(from), fileno(to) };
	assert_int_equal(chan_send(worker_chan(w), "go", 2, fds, 2, &err), RC_OK);
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);
	assert_memory_equal(msg.data, "slices", 6);
	worker_stop(w, &how, &code);
	assert_int_equal(code, 0);
	assert_int_equal(fstat(fileno(to), &st), 0);
	assert_int_equal(st.st_size, 5);
	fclose(from);
	fclose(to);
	buf_free(&msg);
}

/* A worker has no descriptor to give. */
static int gives_fd(struct chan *c, void *arg)
{
	struct err err;
	int fds[2] = { 0, 1 };

	(void)arg;
	return chan_send(c, "take", 4, fds, 2, &err) ? 1 : 0;
}

static int open_fds(void)
{
	int n = 0;
	for (int i = 0; i < 256; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static void takes_no_descriptor_that_it_did_not_ask_for(void **state)
{
	int before = open_fds();
	struct worker *w = start(gives_fd, NULL, &plain_jail);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	worker_stop(w, NULL, &code);
	assert_int_equal(code, 0);
	assert_int_equal(open_fds(), before);
	buf_free(&msg);
}

/* The child's view of what it inherited. */
static int inherits(struct chan *c, void *arg)
{
	char bad[200] = "";
	struct err err;
	struct sigaction sa;
	sigset_t set;
	char byte;

	(void)arg;
	for (int i = 0; i < 200; i++)
		if (i > 3 && fcntl(i, F_GETFD) >= 0)
			snprintf(bad, sizeof(bad), "descriptor %d is open", i);
	if (c->fd != 3)
		snprintf(bad, sizeof(bad), "channel is %d", c->fd);
	if (read(0, &byte, 1) != 0 || write(1, "x", 1) != 1)
		snprintf(bad, sizeof(bad), "0 and 1 are not /dev/null");
	sigaction(SIGUSR1, NULL, &sa);
	if (sa.sa_handler != SIG_DFL)
		snprintf(bad, sizeof(bad), "a handler of the parent is set");
	sigprocmask(SIG_SETMASK, NULL, &set);
	if (sigismember(&set, SIGUSR2))
		snprintf(bad, sizeof(bad), "a signal is blocked");
	if (!*bad)
		snprintf(bad, sizeof(bad), "clean");
	return chan_send(c, bad, strlen(bad), NULL, 0, &err) ? 1 : 0;
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void begins_clean(void **state)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	sigset_t block, old;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	int extra = dup(2);	/* not close-on-exec, and yet it must not get through */

	(void)state;
	assert_true(extra > 2);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR2);
	sigprocmask(SIG_BLOCK, &block, &old);
	struct worker *w = start(inherits, NULL, &plain_jail);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);
	assert_string_equal(msg.data, "clean");
	worker_stop(w, NULL, NULL);
	close(extra);
	buf_free(&msg);
}

/* Ways to end */

static int segfaults(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigaction(SIGSEGV, &dfl, NULL);	/* the sanitizer's report is not wanted */
	raise(SIGSEGV);
	return 0;
}

static int killed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	raise(SIGKILL);
	return 0;
}

static volatile char *keep;

static int eats_memory(struct chan *c, void *arg)
{
	size_t limit = *(size_t *)arg;

	(void)c;
	for (size_t had = 0; had < 2 * limit; had += 1 << 20) {
		char *p = malloc(1 << 20);
		if (!p)
			abort();	/* as a C++ library does */
		memset(p, 1, 1 << 20);
		keep = p;
	}
	return SANITIZED ? WORKER_EXIT_MEMORY : 0;	/* no limit there */
}

static int out_of_memory(struct chan *c, void *arg)
{
	size_t limit = *(size_t *)arg;

	(void)c;
	void *p = SANITIZED ? NULL : malloc(limit);	/* one request that is too large */
	return p ? 0 : WORKER_EXIT_MEMORY;
}

static int loops(struct chan *c, void *arg)
{
	volatile unsigned n = 0;

	(void)c;
	(void)arg;
	for (;;)
		n++;
	return 0;
}

static int loops_on(struct chan *c, void *arg)
{
	struct sigaction ign = { .sa_handler = SIG_IGN };

	sigaction(SIGXCPU, &ign, NULL);
	return loops(c, arg);
}

static int leaves(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	return 7;
}

static int waits(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	for (;;)
		poll(NULL, 0, -1);
	return 0;
}

/* Sends it an object, expects no answer, and asks how it died. */
static void dies(worker_fn *run, void *arg, const struct jail *jail, const char *sentence)
{
	struct worker *w = start(run, arg, jail);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;

	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	worker_died(w, &err);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.kind, ERR_DATA);
	buf_free(&msg);
	/* and its successor works */
	w = start(echo, NULL, &plain_jail);
	assert_int_equal(chan_send(worker_chan(w), "next", 4, NULL, 0, &err), RC_OK);
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);
	assert_string_equal(msg.data, "next");
	worker_stop(w, NULL, NULL);
	buf_free(&msg);
}

static void tells_how_it_died(void **state)
{
	size_t limit = 128 << 20;
	struct jail small = { .memory = limit };
	struct jail quick = { .cpu_seconds = 1 }, impatient = { .answer_seconds = 1 };

	(void)state;
	dies(segfaults, NULL, &plain_jail, "the parser died (signal 11)");
	dies(killed, NULL, &plain_jail, "the parser was killed (signal 9)");
	dies(leaves, NULL, &plain_jail, "the parser ended without an answer (status 7)");
	dies(eats_memory, &limit, &small, "the parser ran out of memory (limit 128 MiB)");
	dies(out_of_memory, &limit, &small, "the parser ran out of memory (limit 128 MiB)");
	dies(loops, NULL, &quick, "the parser used up its processor time (1 s)");
	dies(loops_on, NULL, &quick, "the parser used up its processor time (1 s)");
	dies(waits, NULL, &impatient, "the parser gave no answer within 1 s");
}

static bool yes(void)
{
	return true;
}

/* After a ^C a worker that stands still is not waited for, and nothing is said about what it had in hand. */
static void is_not_waited_for_after_a_stop(void **state)
{
	struct worker *w = NULL;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;
	uint64_t begin = time_mono_ms();

	(void)state;
	worker_hurry(yes);
	w = start(echo, NULL, &plain_jail);
	assert_int_equal(chan_send(worker_chan(w), "last", 4, NULL, 0, &err), RC_OK);
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_OK);	/* it has its time */
	worker_stop(w, NULL, NULL);
	w = start(waits, NULL, &plain_jail);
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_FAILED);
	assert_true(worker_late(w));
	worker_died(w, &err);
	worker_hurry(NULL);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_string_equal(err.text, "interrupted");
	assert_in_range(time_mono_ms() - begin, WORKER_HURRY_MS, 2 * WORKER_HURRY_MS);
	buf_free(&msg);
}

static void sending_to_the_dead_is_an_error_and_no_signal(void **state)
{
	struct worker *w = start(leaves, NULL, &plain_jail);
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;

	(void)state;
	assert_int_equal(chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err), RC_FAILED);
	assert_int_equal(chan_send(worker_chan(w), "x", 1, NULL, 0, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	worker_stop(w, NULL, NULL);
	buf_free(&msg);
}

static void stops_one_that_does_not_listen(void **state)
{
	enum worker_end how;
	int code = 0;

	(void)state;
	worker_stop(start(waits, NULL, &plain_jail), &how, &code);
	assert_int_equal(how, WORKER_KILLED);
	assert_int_equal(code, SIGKILL);
	worker_stop(NULL, &how, &code);
	assert_int_equal(how, WORKER_EXITED);
}

/* A parent that is killed takes its workers along. */
static void does_not_survive_its_parent(void **state)
{
	static const struct jail no_jail = { .mode = JAIL_OFF };
	int fd[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid_t p = fork();
	if (p == 0) {
		/* without a jail the worker inherits stderr: it becomes the pipe, whose end is seen when the
		 * last holder is gone */
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		start(loops, NULL, &no_jail);
		kill(getpid(), SIGKILL);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &byte, 1), 0);
	close(fd[0]);
	assert_int_equal(waitpid(p, NULL, 0), p);
}

/* A jailed worker writes to no terminal: stderr is not what the parent has there. */
static int writes_to_stderr(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	return write(2, "x", 1) == 1 ? 0 : 1;
}

static void has_no_stderr(void **state)
{
	int fd[2], code = -1, old = dup(2);
	char byte;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], 2);
	struct worker *w = start(writes_to_stderr, NULL, &plain_jail);
	dup2(old, 2);
	close(old);
	close(fd[1]);
	worker_stop(w, NULL, &code);
	assert_int_equal(code, 0);
	assert_int_equal(read(fd[0], &byte, 1), SANITIZED ? 1 : 0);
	close(fd[0]);
}

/* prepare() runs before the lock and can still open files. */
static int prepared = -1;

static void prepare(void *arg)
{
	(void)arg;
	prepared = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int reads_prepared(struct chan *c, void *arg)
{
	char byte;

	(void)c;
	(void)arg;
	if (read(prepared, &byte, 1) != 1)
		return 1;
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 2 : 0;
}

static void prepares_before_the_lock(void **state)
{
	struct worker *w = NULL;
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(worker_start(&w, &plain_jail, prepare, reads_prepared, NULL, &err), RC_OK);
	worker_stop(w, NULL, &code);
	assert_int_equal(code, 0);
}

static void kill_self(void *arg)
{
	(void)arg;
	raise(SIGKILL);
}

static void abort_self(void *arg)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	(void)arg;
	sigaction(SIGABRT, &dfl, NULL);
	raise(SIGABRT);
}

/* Killed before it had an object: again later. Died by itself: a bug of ours. */
static void killed_at_start(void **state)
{
	struct worker *w = NULL;
	struct err err;

	(void)state;
	assert_int_equal(worker_start(&w, &plain_jail, kill_self, echo, NULL, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_string_equal(err.text, "cannot start a worker: the parser was killed (signal 9)");
	assert_null(w);
	assert_int_equal(worker_start(&w, &plain_jail, abort_self, echo, NULL, &err), RC_FATAL);
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_null(w);
}

static void says_why_it_cannot_start(void **state)
{
	struct worker *w = NULL;
	struct err err;
	struct rlimit old, none;

	(void)state;
	/* no descriptors left: the pair cannot be made */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int rc = worker_start(&w, &plain_jail, NULL, echo, NULL, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rc, RC_RETRY);
	assert_null(w);
	/* a sandbox that is required and not there */
	struct jail required = { .mode = JAIL_REQUIRED };
	jail_pretend.landlock_abi = 0;
	rc = worker_start(&w, &required, NULL, echo, NULL, &err);
	jail_pretend.landlock_abi = 1000;
	assert_int_equal(rc, RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, "Landlock"));
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_up_to_the_largest),
		cmocka_unit_test(passes_descriptors),
		cmocka_unit_test(has_no_stderr),
		cmocka_unit_test(takes_no_descriptor_that_it_did_not_ask_for),
		cmocka_unit_test(begins_clean),
		cmocka_unit_test(tells_how_it_died),
		cmocka_unit_test(is_not_waited_for_after_a_stop),
		cmocka_unit_test(sending_to_the_dead_is_an_error_and_no_signal),
		cmocka_unit_test(stops_one_that_does_not_listen),
		cmocka_unit_test(does_not_survive_its_parent),
		cmocka_unit_test(prepares_before_the_lock),
		cmocka_unit_test(killed_at_start),
		cmocka_unit_test(says_why_it_cannot_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
