/* The process with the network: what it can, and what it cannot. Each question is asked in a child. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sys/netjail.h"

static char dir[] = "/tmp/mri-netjail-XXXXXX";

static bool
in_jail(bool (*ask)(void))
{
	struct err err = { 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(netjail_enter(JAIL_REQUIRED, NULL, &err) != RC_OK ? 2 : ask() ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 1;
}

static bool
can_make(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/x", dir);
	return open(path, O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool can_read_there(void) { return open(dir, O_RDONLY | O_DIRECTORY) >= 0; }
static bool can_read_hosts(void) { return open("/etc/hosts", O_RDONLY) >= 0; }
static bool can_remove(void) { return rmdir(dir) == 0; }

static bool
can_exec(void)
{
	char *const argv[] = { (char *)(uintptr_t)"true", NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		execv("/bin/true", argv);	/* does not come back where it may */
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, 0) == pid;
}

static bool
can_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && listen(fd, 1) == 0;
}

static bool can_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }

static bool
can_resolve(void)
{
	struct addrinfo *a = NULL;

	return getaddrinfo("localhost", "443", NULL, &a) == 0;
}

static void *nothing(void *arg) { return arg; }

static bool
can_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static void
test_refused(void **state)
{
	(void)state;
	assert_false(in_jail(can_make));
	assert_false(in_jail(can_read_there));
	assert_false(in_jail(can_remove));
	assert_false(in_jail(can_exec));
	assert_false(in_jail(can_listen));
}

static void
test_needed(void **state)
{
	(void)state;
	assert_true(in_jail(can_socket));
	assert_true(in_jail(can_read_hosts));
	assert_true(in_jail(can_resolve));
	assert_true(in_jail(can_thread));
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_refused), cmocka_unit_test(test_needed) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
