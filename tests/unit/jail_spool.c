/*
 * A jailed worker beside a real spool: what a parser that was taken over might
 * want, with the jail as mri-unpack, mri-check and mri-retag enter it, on this
 * kernel and on one with Landlock ABI 2. Each attempt names a thing that is there
 * and that the parent can have.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "spoolkit.h"
#include "stage/unpack_impl.h"
#include "sys/worker.h"

#define NEED(what)	do { if (!(what)) return #what; } while (0)

/* What is where, and what the parent held when the worker was forked. */
static struct {
	struct kit *kit;
	char own[700], other[700], key[700], mac[700], identity[400], outside[400];
	int spool_fd, listen_fd;
	pid_t parent;
} is;

static bool denied(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

/* Not reachable at all: the descriptor is not there any more. */
static bool gone(long result)
{
	return result < 0 && errno == EBADF;
}

static const char *files(void)
{
	char byte = 0;
	const uint8_t *secret = (const uint8_t *)is.kit->sp->identity;

	NEED(denied(open(is.other, O_RDONLY | O_CLOEXEC)));		/* another import */
	NEED(denied(open(is.own, O_RDONLY | O_CLOEXEC)));		/* its own: it gets descriptors */
	NEED(denied(open(is.key, O_RDONLY | O_CLOEXEC)));		/* the key of an import */
	NEED(denied(open(is.mac, O_RDONLY | O_CLOEXEC)));
	NEED(denied(open(is.identity, O_RDONLY | O_CLOEXEC)));		/* what opens all keys */
	NEED(denied(open(is.kit->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
	NEED(denied(open(is.outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	NEED(denied(open(is.own, O_WRONLY | O_TRUNC | O_CLOEXEC)));
	NEED(denied(mkdir(is.outside, 0700)));
	NEED(denied(unlink(is.key)));
	NEED(denied(rename(is.key, is.outside)));
	NEED(denied(link(is.key, is.outside)));
	NEED(denied(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)));
	/* what the parent had open and in memory is not here */
	NEED(gone(read(is.spool_fd, &byte, 1)));
	NEED(gone(openat(is.spool_fd, "VERSION", O_RDONLY | O_CLOEXEC)) || errno == EPERM);
	for (size_t i = 0; i < sizeof *is.kit->sp->identity; i++)
		NEED(secret[i] == 0);
	return "";
}

static const char *shell(void)
{
	char *argv[] = { "sh", "-c", "exit 0", NULL }, *env[] = { NULL };

	NEED(denied(execve("/bin/sh", argv, env)));
	return "";
}

static const char *network(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	NEED(denied(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	NEED(denied(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
	NEED(denied(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	/* the channel is a socket too: it cannot be turned to somebody else */
	memcpy(un.sun_path, "/tmp/x", 7);
	NEED(denied(connect(3, (const struct sockaddr *)&un, sizeof un)));
	NEED(denied(bind(3, (const struct sockaddr *)&un, sizeof un)));
	NEED(gone(accept(is.listen_fd, NULL, NULL)) || errno == EPERM);
	NEED(denied(kill(is.parent, 0)));
	NEED(denied(fork()));
	return "";
}

typedef const char *check_fn(void);
static check_fn *const all[] = { files, shell, network, NULL };
static check_fn *const files_only[] = { files, shell, NULL };

static int run(struct chan *c, void *arg)
{
	check_fn *const *checks = arg;
	struct err err;
	const char *text = "";

	for (; *checks && !*text; checks++)
		text = (*checks)();
	return chan_send(c, text, strlen(text) + 1, NULL, 0, &err) ? 1 : 0;
}

static void in_worker(check_fn *const *checks)
{
	struct jail jail = { .mode = JAIL_AUTO };
	struct worker *w = NULL;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };

	good(worker_start(&w, &jail, NULL, run, (void *)(uintptr_t)checks, &err), &err);
	if (chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err)) {
		worker_died(w, &err);
		fail_msg("%s", err.text);
	}
	worker_stop(w, NULL, NULL);
	if (*msg.data)
		fail_msg("not so: %s", msg.data);
	buf_free(&msg);
}

static void here(void **state)
{
	(void)state;
	jail_pretend = (struct jail_pretend){ 1000, false };
	in_worker(all);
}

static void on_abi_2(void **state)
{
	(void)state;
	jail_pretend = (struct jail_pretend){ 2, false };
	in_worker(all);
	jail_pretend = (struct jail_pretend){ 1000, false };
}

/* Either wall by itself keeps files and programs away. */
static void by_landlock_2_alone(void **state)
{
	(void)state;
	jail_pretend = (struct jail_pretend){ 2, true };
	in_worker(files_only);
	jail_pretend = (struct jail_pretend){ 1000, false };
}

static void by_seccomp_alone(void **state)
{
	(void)state;
#ifndef MRI_SANITIZED	/* the sanitizers open files of their own: there only Landlock says no */
	jail_pretend = (struct jail_pretend){ 0, false };
	in_worker(all);
	jail_pretend = (struct jail_pretend){ 1000, false };
#endif
}

/* The same attempts succeed in the parent: what is denied is there to be had. */
static void in_the_parent(void **state)
{
	const char *const there_is[] = { is.other, is.own, is.key, is.mac, is.identity };
	bool any = false;

	(void)state;
	for (size_t i = 0; i < sizeof there_is / sizeof *there_is; i++) {
		int fd = open(there_is[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			fail_msg("%s cannot be opened", there_is[i]);
		close(fd);
	}
	for (size_t i = 0; i < sizeof *is.kit->sp->identity; i++)
		any = any || ((const uint8_t *)is.kit->sp->identity)[i];
	assert_true(any);
	assert_int_equal(access("/bin/sh", X_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_parent), cmocka_unit_test(here), cmocka_unit_test(on_abi_2),
		cmocka_unit_test(by_landlock_2_alone), cmocka_unit_test(by_seccomp_alone),
	};
	struct import *a = NULL, *b = NULL;
	int rc = 0, sock = -1;

	is.kit = kit_new(true);
	a = kit_import(is.kit, "x");
	b = kit_import(is.kit, "y");
	snprintf(is.own, sizeof is.own, "%s/import/%s/order", is.kit->spool, import_id(a));
	snprintf(is.other, sizeof is.other, "%s/import/%s/order", is.kit->spool, import_id(b));
	snprintf(is.key, sizeof is.key, "%s/keys/%s", is.kit->spool, import_id(a));
	snprintf(is.mac, sizeof is.mac, "%s/keys/mac", is.kit->spool);
	snprintf(is.identity, sizeof is.identity, "%s", is.kit->identity);
	snprintf(is.outside, sizeof is.outside, "%s/made-by-a-worker", is.kit->dir);
	is.spool_fd = fcntl(is.kit->sp->fd, F_DUPFD_CLOEXEC, 100);	/* a number that a worker has no use for */
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is.listen_fd = fcntl(sock, F_DUPFD_CLOEXEC, 100);
	is.parent = getpid();
	unpack_worker_prepare(true);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	close(is.listen_fd);
	close(sock);
	close(is.spool_fd);
	import_close(a);
	import_close(b);
	kit_free(is.kit);
	return rc;
}
