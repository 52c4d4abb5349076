/* The process with the network: what it can, and what it cannot. Each question is asked in a child. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

/* Each call with its arguments, which need not be good: what gives another error than EPERM is not refused. */
static char file[64];
static pid_t parent;
static long call_no;
static long call_arg[4];

static bool
can_call(void)
{
	return syscall(call_no, call_arg[0], call_arg[1], call_arg[2], call_arg[3]) >= 0 || errno != EPERM;
}

#define HIGH	((long)1 << 32)	/* the kernel drops it where it takes an int */
#define PATH	((long)(uintptr_t)file)
#define NAME	((long)(uintptr_t)"user.x")

static void
refused(const char *what, long no, long a, long b, long c, long d)
{
	call_no = no;
	call_arg[0] = a;
	call_arg[1] = b;
	call_arg[2] = c;
	call_arg[3] = d;
	if (in_jail(can_call))
		fail_msg("%s is allowed", what);
}

static void
test_calls(void **state)
{
	int fd = -1;

	(void)state;
	parent = getpid();
	snprintf(file, sizeof(file), "%s/y", dir);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
#ifdef SYS_chmod
	refused("chmod", SYS_chmod, PATH, 0600, 0, 0);
	refused("chown", SYS_chown, PATH, -1, -1, 0);
	refused("lchown", SYS_lchown, PATH, -1, -1, 0);
	refused("utime", SYS_utime, PATH, 0, 0, 0);
	refused("utimes", SYS_utimes, PATH, 0, 0, 0);
	refused("futimesat", SYS_futimesat, AT_FDCWD, PATH, 0, 0);
#endif
	refused("fchmod", SYS_fchmod, fd, 0600, 0, 0);
	refused("fchmodat", SYS_fchmodat, AT_FDCWD, PATH, 0600, 0);
	refused("fchmodat2", 452, AT_FDCWD, PATH, 0600, 0);
	refused("fchown", SYS_fchown, fd, -1, -1, 0);
	refused("fchownat", SYS_fchownat, AT_FDCWD, PATH, -1, -1);
	refused("utimensat", SYS_utimensat, fd, 0, 0, 0);
	refused("setxattr", SYS_setxattr, PATH, NAME, NAME, 1);
	refused("lsetxattr", SYS_lsetxattr, PATH, NAME, NAME, 1);
	refused("fsetxattr", SYS_fsetxattr, fd, NAME, NAME, 1);
	refused("removexattr", SYS_removexattr, PATH, NAME, 0, 0);
	refused("fremovexattr", SYS_fremovexattr, fd, NAME, 0, 0);
	refused("setxattrat", 463, AT_FDCWD, PATH, 0, NAME);
	refused("removexattrat", 466, AT_FDCWD, PATH, 0, NAME);
	refused("kill", SYS_kill, parent, 0, 0, 0);
	refused("tkill", SYS_tkill, parent, 0, 0, 0);
	refused("tgkill", SYS_tgkill, parent, parent, 0, 0);
	refused("rt_sigqueueinfo", SYS_rt_sigqueueinfo, parent, SIGCHLD, 0, 0);
	refused("rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, parent, parent, SIGCHLD, 0);
	refused("pidfd_open", SYS_pidfd_open, parent, 0, 0, 0);
	refused("pidfd_send_signal", SYS_pidfd_send_signal, -1, 0, 0, 0);
	refused("pidfd_getfd", SYS_pidfd_getfd, -1, 0, 0, 0);
	refused("ptrace", SYS_ptrace, 0x4206 /* SEIZE */, parent, 0, 0);
	refused("process_vm_readv", SYS_process_vm_readv, parent, 0, 0, 0);
	refused("process_vm_writev", SYS_process_vm_writev, parent, 0, 0, 0);
	refused("prlimit64", SYS_prlimit64, parent, RLIMIT_CORE, 0, 0);
	refused("PR_SET_PDEATHSIG", SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0);
	refused("PR_SET_PDEATHSIG", SYS_prctl, HIGH | PR_SET_PDEATHSIG, 0, 0, 0);
	refused("TIOCSTI", SYS_ioctl, fd, TIOCSTI, 0, 0);
	refused("TIOCSTI", SYS_ioctl, fd, HIGH | TIOCSTI, 0, 0);
	refused("TIOCLINUX", SYS_ioctl, fd, TIOCLINUX, 0, 0);
	refused("FIOSETOWN", SYS_ioctl, fd, 0x8901, 0, 0);
	refused("F_SETOWN", SYS_fcntl, fd, F_SETOWN, parent, 0);
	refused("a local socket", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0);
	refused("a local socket", SYS_socket, HIGH | AF_UNIX, SOCK_STREAM, 0, 0);
	refused("a pair of datagrams", SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
	refused("a raw pair", SYS_socketpair, AF_UNIX, SOCK_RAW, 0, 0);
	close(fd);
	assert_int_equal(unlink(file), 0);
}

static int handed;	/* a socket from before the jail */

static bool
can_reach_abstract(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "mri-netjail-%d", (int)parent);
	return connect(handed, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/* The scopes of Landlock ABI 6, where the kernel has them: an older socket reaches no abstract name. */
static void
test_scope(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long abi = syscall(444, NULL, 0, 1U);

	(void)state;
	parent = getpid();
	handed = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "mri-netjail-%d", (int)parent);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(in_jail(can_reach_abstract), abi < 6);
	close(handed);
	close(fd);
}

static bool
can_signal_itself(void)
{
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) == 0 && pthread_kill(pthread_self(), SIGUSR1) == 0;
}

static bool
can_pair(void)
{
	int fd[2] = { -1, -1 };

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0 && write(fd[0], "x", 1) == 1;
}

static bool is_in_its_session(void) { return getsid(0) == getpid(); }

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
	assert_true(in_jail(can_pair));
	assert_true(in_jail(can_signal_itself));
	assert_true(in_jail(is_in_its_session));
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_calls), cmocka_unit_test(test_scope),
		cmocka_unit_test(test_needed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
