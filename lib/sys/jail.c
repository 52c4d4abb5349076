#include "sys/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "sys/landlock.h"

#ifdef MRI_SANITIZED
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

/* Descriptors of a worker: the channel, what it is handed, some to spare. */
#define JAIL_FILES	256

/* Past the CPU limit comes SIGXCPU; one who ignores that is killed a second later. */
#define JAIL_CPU_GRACE	1

struct jail_pretend jail_pretend = { 1000, false };

#define CALL(name)	SCMP_SYS(name)

/* What bytes are parsed with: held descriptors, memory, time. Nothing that takes a name, an address,
 * another process. */
static const int allowed[] = {
	CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(write), CALL(writev), CALL(pwrite64),
	CALL(pwritev), CALL(lseek), CALL(fstat), CALL(ftruncate), CALL(fallocate), CALL(fsync),
	CALL(fdatasync), CALL(copy_file_range), CALL(fadvise64), CALL(close), CALL(close_range), CALL(dup),
	CALL(dup2), CALL(dup3), CALL(poll), CALL(ppoll), CALL(sendmsg), CALL(recvmsg),
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock), CALL(munlock),
	CALL(futex), CALL(sched_yield), CALL(sched_getaffinity), CALL(restart_syscall),
	CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(rt_sigaction), CALL(sigaltstack),
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep), CALL(gettimeofday),
	CALL(time), CALL(getrusage), CALL(sysinfo), CALL(uname), CALL(getrandom),
	CALL(getpid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
	CALL(exit), CALL(exit_group),
};

/* A thread's life; clone itself is filtered by its flags. */
static const int for_threads[] = {
	CALL(set_robust_list), CALL(rseq), CALL(set_tid_address), CALL(membarrier),
};

/* What AddressSanitizer and its report need; it reads its own maps. */
static const int for_sanitizers[] = {
	CALL(mmap), CALL(mprotect), CALL(prctl), CALL(openat), CALL(readlink), CALL(readlinkat),
	CALL(getppid), CALL(prlimit64), CALL(getdents64), CALL(newfstatat),
};

static const int fcntls[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL };

static bool allow_list(scmp_filter_ctx ctx, const int *call, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* a call that this architecture does not have is none to allow */
		int e = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call[i], 0);
		if (e && e != -EDOM)
			return false;
	}
	return true;
}
#define ALLOW_LIST(ctx, list)	allow_list((ctx), (list), sizeof(list) / sizeof((list)[0]))

static bool allow_some(scmp_filter_ctx ctx, bool threads)
{
	bool ok = true;

	/* memory, never executable: there is no code to load after the lock */
	ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* glibc's fstat() since 2.33; it can look at a path's attributes, not open it */
	ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(newfstatat), 1,
	    SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	/* limits are read (stack size, open files), not set */
	ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0, 0),
	    SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* a process that aborts signals itself */
	ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	for (size_t i = 0; ok && i < sizeof(fcntls) / sizeof(fcntls[0]); i++)
		ok = !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i], 0));
	if (threads) {
		/* clone3 hides its flags in memory: ENOSYS makes glibc use clone */
		ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
		ok = ok && !seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND,
			CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
		ok = ok && ALLOW_LIST(ctx, for_threads);
	}
	return ok;
}

static bool filter(bool threads)
{
	/* ERRNO, not KILL: a library that tries something optional goes on, and fault injection works */
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = ctx && ALLOW_LIST(ctx, allowed) && allow_some(ctx, threads) &&
	    (!SANITIZED || ALLOW_LIST(ctx, for_sanitizers));

	if (ok) {
		/* a balanced tree of calls; without it (an old library) the filter is the same, slower */
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		ok = seccomp_load(ctx) == 0;
	}
	if (ctx)
		seccomp_release(ctx);
	return ok;
}

static bool limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit old, want = { soft, hard };

	if (getrlimit((__rlimit_resource_t)what, &old) != 0)
		return false;
	/* a lower limit that is there already stays; RLIM_INFINITY keeps the hard one */
	if (old.rlim_max != RLIM_INFINITY && want.rlim_max > old.rlim_max)
		want.rlim_max = old.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &want) == 0;
}

int jail_enter(const struct jail *j, struct err *err)
{
	rlim_t memory = j->memory ? j->memory : JAIL_MEMORY;
	rlim_t cpu = j->cpu_seconds ? j->cpu_seconds : JAIL_CPU;
	uint8_t sum[HASH_LEN];
	int rc = RC_OK;

	/* OpenSSL reads its configuration and finds its algorithms now, or not at all */
	if ((rc = hash_bytes("", 0, sum, err)) || (rc = hash_hmac("", 0, "", 0, sum, err)))
		return rc;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	bool limits = limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NOFILE, JAIL_FILES, RLIM_INFINITY) &&
	    limit(RLIMIT_CPU, cpu, cpu + JAIL_CPU_GRACE) && (SANITIZED || limit(RLIMIT_AS, memory, memory));
	if (!limits)
		return err_sys(err, errno, "cannot limit a worker");
	if (j->mode == JAIL_OFF)
		return RC_OK;

	bool privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	bool files = landlock_only(NULL, 0, false);	/* nothing can be opened, bound, connected */
	bool calls = !jail_pretend.no_seccomp && filter(j->threads);
	if (j->mode == JAIL_REQUIRED && !(privs && files && calls)) {
		rc = err_set(err, ERR_DENIED, "no sandbox: this kernel gives no %s, and sandbox = required",
		    !privs ? "no_new_privs" : !files ? "Landlock" : "seccomp filter");
		err_advise(err, "enable it in the kernel (lsm=landlock), or set [policy] sandbox = auto");
	}
	return rc;
}

void jail_self(void)
{
	struct rlimit none = { 0, 0 };

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void jail_describe(char *out, unsigned cap)
{
	/* asks whether the kernel has filters, without setting one */
	bool calls = !jail_pretend.no_seccomp && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 &&
	    seccomp_api_get() > 0;
	int abi = landlock_abi();
	char files[32];

	snprintf(files, sizeof(files), "landlock abi %d", abi);
	snprintf(out, cap, "%s, %s%s", calls ? "seccomp" : "no seccomp", abi > 0 ? files : "no landlock",
	    SANITIZED ? ", no memory limit (sanitized build)" : "");
}
