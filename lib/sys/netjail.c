#include "sys/netjail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sys/landlock.h"

/* A session holds a list of 10,000 studies and curl's buffers; threads of the resolver reserve stacks. */
#define NET_MEMORY	((rlim_t)1 << 30)

/* Resolver, certificates, libraries that are loaded late. */
static const struct landlock_path readable[] = {
	{ "/etc", false }, { "/usr", false }, { "/lib", false }, { "/lib64", false }, { "/run/systemd/resolve", false },
	{ "/run/resolvconf", false }, { "/run/nscd", false }, { "/dev/urandom", false }, { "/dev/null", false },
};

static bool
files_only(const char *cafile)
{
	struct landlock_path paths[sizeof(readable) / sizeof(readable[0]) + 1];
	size_t n = sizeof(readable) / sizeof(readable[0]);

	memcpy(paths, readable, sizeof(readable));
	paths[n] = (struct landlock_path){ cafile, false };
	return landlock_only(paths, n + (cafile != NULL), true);
}

#define CALL(name)	SCMP_SYS(name)

/* By number: libseccomp 2.5 does not know them. They are the same everywhere. */
enum { CALL_FCHMODAT2 = 452, CALL_SETXATTRAT = 463, CALL_REMOVEXATTRAT = 466, CALL_FILE_SETATTR = 469 };

/* Landlock says nothing about attributes, seccomp nothing about paths: what changes a file goes whole. */
static const int refused[] = {
	CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(process_madvise), CALL(kill), CALL(tkill), CALL(rt_sigqueueinfo),
	CALL(rt_tgsigqueueinfo), CALL(pidfd_open), CALL(pidfd_send_signal), CALL(pidfd_getfd),
	CALL(listen), CALL(accept), CALL(accept4), CALL(mount), CALL(umount2),
	CALL(pivot_root), CALL(chroot), CALL(setns), CALL(unshare), CALL(bpf), CALL(perf_event_open),
	CALL(userfaultfd), CALL(keyctl), CALL(add_key), CALL(request_key), CALL(init_module), CALL(finit_module),
	CALL(kexec_load), CALL(open_by_handle_at), CALL(io_uring_setup), CALL(mknodat),
	CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL_FCHMODAT2, CALL(chown), CALL(fchown), CALL(lchown),
	CALL(fchownat), CALL(utime), CALL(utimes), CALL(futimesat), CALL(utimensat), CALL(setxattr),
	CALL(lsetxattr), CALL(fsetxattr), CALL_SETXATTRAT, CALL(removexattr), CALL(lremovexattr),
	CALL(fremovexattr), CALL_REMOVEXATTRAT, CALL_FILE_SETATTR,
};

/* One value of an argument. The kernel takes these as int: what is above 32 bits must not hide it. */
#define INT_MASK	UINT64_C(0xffffffff)
#define TYPE_MASK	UINT64_C(0xf)	/* SOCK_TYPE_MASK: the type without SOCK_CLOEXEC, SOCK_NONBLOCK */

static const struct value { int call; unsigned arg; uint64_t mask, value; } values[] = {
	/* a local service does more than the network may: nscd, the bus, a container's socket. The resolver goes on
	 * without nscd. A pair of datagrams could be pointed at a name; SOCK_RAW is one here (unix(7)). */
	{ CALL(socket), 0, INT_MASK, AF_UNIX },
	{ CALL(socketpair), 1, TYPE_MASK, SOCK_DGRAM },
	{ CALL(socketpair), 1, TYPE_MASK, SOCK_RAW },
	/* to outlive the parent */
	{ CALL(prctl), 0, INT_MASK, PR_SET_PDEATHSIG },
	/* to type into the terminal */
	{ CALL(ioctl), 1, INT_MASK, TIOCSTI },
	{ CALL(ioctl), 1, INT_MASK, TIOCLINUX },
	/* SIGIO to another process */
	{ CALL(ioctl), 1, INT_MASK, FIOSETOWN },
	{ CALL(ioctl), 1, INT_MASK, SIOCSPGRP },
	{ CALL(fcntl), 1, INT_MASK, F_SETOWN },
	{ CALL(fcntl), 1, INT_MASK, F_SETOWN_EX },
};

static bool
refuse_all(scmp_filter_ctx ctx)
{
	size_t i = 0;
	int e = 0;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
		if (e != 0 && e != -EDOM)	/* a call that this architecture does not have */
			return false;
	}
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), values[i].call, 1,
		    SCMP_CMP64(values[i].arg, SCMP_CMP_MASKED_EQ, values[i].mask, values[i].value)) != 0)
			return false;
	return true;
}

static bool
filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = ctx != NULL && refuse_all(ctx);

	/* threads of the resolver, yes; processes, no. clone3 hides its flags in memory: ENOSYS makes glibc use clone. */
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), CALL(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0) == 0;
	/* an abort and a thread's cancellation signal their own process; limits are those of this process (0) */
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), CALL(tgkill), 1,
	    SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0)) == 0;
	ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), CALL(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0, 0)) == 0;
	ok = ok && seccomp_load(ctx) == 0;
	if (ctx != NULL)
		seccomp_release(ctx);
	return ok;
}

int
netjail_enter(enum jail_mode mode, const char *cafile, struct err *err)
{
	struct rlimit core = { 0, 0 };
	bool files = false, calls = false;

	jail_self();
	(void)setrlimit(RLIMIT_CORE, &core);
#ifndef MRI_SANITIZED
	struct rlimit memory = { NET_MEMORY, NET_MEMORY };
	(void)setrlimit(RLIMIT_AS, &memory);
#endif
	if (mode == JAIL_OFF)
		return RC_OK;
	(void)setsid();	/* away from the terminal. Fails where it leads a group already */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		files = files_only(cafile);
		calls = filter();
	}
	if (mode == JAIL_REQUIRED && !(files && calls)) {
		err_set(err, ERR_DENIED, "the process with the network cannot be locked in: no %s here",
		    files ? "seccomp" : "Landlock");
		err_advise(err, "[policy] sandbox = auto works without");
		return err_rc(ERR_DENIED);
	}
	return RC_OK;
}
