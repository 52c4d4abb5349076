/* A program of the system's in its jail: what it may read, that it reaches nothing else, and where it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sys/tool.h"

static char out[4096];

/* The exit code; what it wrote is in out. */
static int
run(const char *const argv[], enum jail_mode mode, uint64_t file_bytes, unsigned cpu)
{
	struct tool_limits l = { .mode = mode, .memory = (uint64_t)1 << 30, .cpu_seconds = cpu, .file_bytes = file_bytes };
	struct err err = { 0 };
	int in = memfd_create("in", MFD_CLOEXEC), to = memfd_create("out", MFD_CLOEXEC), code = -1;
	ssize_t n = 0;

	assert_true(in >= 0 && to >= 0);
	assert_int_equal(write(in, "hello\n", 6), 6);
	if (tool_run(argv, in, to, &l, &code, &err) != RC_OK)
		fail_msg("%s", err.text);
	n = pread(to, out, sizeof(out) - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	close(in);
	close(to);
	return code;
}

static void
test_works(void **state)
{
	static const char *const cat[] = { "cat", NULL };

	(void)state;
	assert_int_equal(run(cat, JAIL_AUTO, 1000, 5), 0);
	assert_string_equal(out, "hello\n");	/* from the beginning, wherever the descriptor stood */
}

static void
test_files(void **state)
{
	char path[] = "/tmp/tool.XXXXXX", made[64];
	int fd = mkstemp(path);
	const char *const read_it[] = { "cat", path, NULL };
	const char *const write_it[] = { "touch", made, NULL };
	static const char *const environment[] = { "env", NULL };

	(void)state;
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
	snprintf(made, sizeof(made), "%s.made", path);
	assert_int_equal(run(read_it, JAIL_OFF, 1000, 5), 0);
	assert_string_equal(out, "secret");
	assert_int_not_equal(run(read_it, JAIL_AUTO, 1000, 5), 0);
	assert_string_equal(out, "");
	assert_int_not_equal(run(write_it, JAIL_AUTO, 1000, 5), 0);
	assert_int_not_equal(access(made, F_OK), 0);
	assert_int_equal(setenv("CANARY", "s3cret", 1), 0);
	assert_int_equal(run(environment, JAIL_AUTO, 1000, 5), 0);
	assert_null(strstr(out, "s3cret"));
	unlink(path);
}

static void
test_network(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char script[64];
	const char *const connects[] = { "bash", "-c", script, NULL };
	static const char *const forks[] = { "bash", "-c", "cat; echo no", NULL };

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(script, sizeof(script), "exec 3<>/dev/tcp/127.0.0.1/%d", ntohs(a.sin_port));
	assert_int_not_equal(run(connects, JAIL_AUTO, 1000, 5), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(run(connects, JAIL_OFF, 1000, 5), 0);
	assert_int_equal(poll(&p, 1, 1000), 1);
	close(fd);
	(void)run(forks, JAIL_AUTO, 1000, 5);
	assert_null(strstr(out, "hello"));	/* no other process */
}

static void
test_limits(void **state)
{
	static const char *const endless[] = { "cat", "/dev/zero", NULL };
	static const char *const busy[] = { "bash", "-c", "while :; do :; done", NULL };
	static const char *const absent[] = { "no-such-program", NULL };
	struct tool_limits l = { .memory = (uint64_t)1 << 30, .cpu_seconds = 1, .file_bytes = 1 };
	struct err err = { 0 };
	int code = 0, fd = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	assert_true(run(endless, JAIL_OFF, 1000, 5) != 0);
	assert_int_equal(strlen(out), 0);	/* zeros, and only those that fit */
	assert_true(run(busy, JAIL_AUTO, 1000, 1) > 128);
	assert_int_not_equal(tool_run(absent, fd, fd, &l, &code, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works), cmocka_unit_test(test_files), cmocka_unit_test(test_network),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
