#include "sys/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/time.h"

/* Landlock by number: Debian 12's headers know ABI 2 only. */
#define CALL_CREATE_RULESET	444
#define CALL_ADD_RULE		445
#define CALL_RESTRICT_SELF	446
#define FS_ABI1		((UINT64_C(1) << 13) - 1)
#define FS_EXECUTE	(UINT64_C(1) << 0)
#define FS_READ_FILE	(UINT64_C(1) << 2)
#define FS_READ_DIR	(UINT64_C(1) << 3)
#define PATH_BENEATH	1

#define NOT_JAILED	125	/* exit codes of the child before the program runs */
#define NOT_FOUND	127
#define POLL_MS		20

struct path_rule { uint64_t allowed; int32_t fd; } __attribute__((packed));

static void
allow(int ruleset, const char *path, uint64_t rights)
{
	struct path_rule r = { rights, open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (r.fd < 0)
		return;
	if (fstat(r.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		r.allowed &= ~FS_READ_DIR;
	(void)syscall(CALL_ADD_RULE, ruleset, PATH_BENEATH, &r, 0U);
	close(r.fd);
}

static bool
files_only(void)
{
	uint64_t handled = FS_ABI1;
	int fd = (int)syscall(CALL_CREATE_RULESET, &handled, sizeof(handled), 0U);
	bool ok = false;

	if (fd < 0)
		return false;
	allow(fd, "/usr", FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
	allow(fd, "/lib", FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
	allow(fd, "/lib64", FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
	allow(fd, "/bin", FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
	allow(fd, "/etc", FS_READ_FILE | FS_READ_DIR);
	allow(fd, "/var/cache/fontconfig", FS_READ_FILE | FS_READ_DIR);
	allow(fd, "/dev/null", FS_READ_FILE);
	allow(fd, "/dev/urandom", FS_READ_FILE);
	ok = syscall(CALL_RESTRICT_SELF, fd, 0U) == 0;
	close(fd);
	return ok;
}

/* No network, no other process, no attributes of files. execve stays: the program itself is started by it. */
static bool
no_network(void)
{
	static const int refused[] = {
		SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
		SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(fork), SCMP_SYS(vfork),
		SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kill), SCMP_SYS(tkill),
		SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(mount), SCMP_SYS(umount2),
		SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(bpf),
		SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
		SCMP_SYS(io_uring_setup), SCMP_SYS(mknodat), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
		SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr),
		SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(utimensat), SCMP_SYS(execveat),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = ctx != NULL;
	size_t i = 0;
	int e = 0;

	for (i = 0; ok && i < sizeof(refused) / sizeof(refused[0]); i++) {
		e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
		ok = e == 0 || e == -EDOM;
	}
	/* threads, yes; processes, no: glibc forks by clone. clone3 hides its flags in memory: ENOSYS makes it use clone */
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
	ok = ok && seccomp_load(ctx) == 0;
	if (ctx != NULL)
		seccomp_release(ctx);
	return ok;
}

static void
limit(int what, uint64_t n)
{
	struct rlimit r = { n, n };

	(void)setrlimit((__rlimit_resource_t)what, &r);
}

static _Noreturn void
child(const char *const argv[], int in, int out, const struct tool_limits *l)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[128];
	bool jailed = true;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null < 0 || dup2(null, 2) < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || lseek(0, 0, SEEK_SET) < 0)
		_exit(NOT_JAILED);
	if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0 && errno != ENOSYS)
		_exit(NOT_JAILED);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, l->cpu_seconds);
	limit(RLIMIT_FSIZE, l->file_bytes);
	if (l->mode != JAIL_OFF) {
		jailed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
		jailed = files_only() && jailed;
		jailed = no_network() && jailed;
	}
	if (!jailed && l->mode == JAIL_REQUIRED)
		_exit(NOT_JAILED);
	snprintf(path, sizeof(path), "/usr/bin/%s", argv[0]);
	limit(RLIMIT_AS, l->memory);	/* last: what this process maps itself may be more (sanitizers) */
	execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	_exit(NOT_FOUND);
}

int
tool_run(const char *const argv[], int in, int out, const struct tool_limits *l, int *code, struct err *err)
{
	uint64_t until = time_mono_ms() + (uint64_t)l->cpu_seconds * 4000;
	pid_t pid = fork(), got = 0;
	int how = 0;

	if (pid < 0)
		return err_sys(err, EAGAIN, "cannot start %s", argv[0]);
	if (pid == 0)
		child(argv, in, out, l);
	for (;;) {
		got = waitpid(pid, &how, WNOHANG);
		if (got == pid || (got < 0 && errno != EINTR))
			break;
		if (time_mono_ms() > until)
			kill(pid, SIGKILL);
		poll(NULL, 0, POLL_MS);
	}
	*code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	if (*code == NOT_FOUND) {
		err_set(err, ERR_CONFIG, "the program %s is not installed", argv[0]);
		err_advise(err, "install the package that has it (pdftoppm: poppler-utils)");
		return err_rc(ERR_CONFIG);
	}
	if (*code == NOT_JAILED)
		return err_set(err, ERR_DENIED, "the program %s cannot be locked in", argv[0]);
	return RC_OK;
}
