/*
 * System calls that change something, taken over by the test program (its own
 * definitions come before the C library's): the n-th one fails with an error
 * that is chosen, or the process is killed before it.
 */
#ifndef MRI_TESTS_UNIT_FAULTKIT_H
#define MRI_TESTS_UNIT_FAULTKIT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int at;		/* the call that is hit, from 1; 0: none */
	int seen;	/* calls so far */
	int errnum;	/* 0: SIGKILL */
	const char *hit;	/* name of the call that was hit */
	int syncfs;	/* how many of them */
} fault;

static inline void fault_set(int at, int errnum)
{
	fault.at = at;
	fault.seen = 0;
	fault.syncfs = 0;
	fault.hit = NULL;
	fault.errnum = errnum;
}

static inline int fault_hit(const char *name)
{
	if (++fault.seen != fault.at)
		return 0;
	if (fault.errnum == 0)
		kill(getpid(), SIGKILL);
	fault.hit = name;
	errno = fault.errnum;
	return 1;
}

int openat(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (fault_hit("openat"))
		return -1;
	return (int)syscall(SYS_openat, dirfd, name, flags, mode);
}
ssize_t write(int fd, const void *p, size_t n) { return fault_hit("write") ? -1 : syscall(SYS_write, fd, p, n); }
int fsync(int fd) { return fault_hit("fsync") ? -1 : (int)syscall(SYS_fsync, fd); }
int syncfs(int fd)
{
	fault.syncfs++;
	return fault_hit("syncfs") ? -1 : (int)syscall(SYS_syncfs, fd);
}
int ftruncate(int fd, off_t n) { return fault_hit("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, n); }
int renameat(int a, const char *b, int c, const char *d)
{
	return fault_hit("renameat") ? -1 : (int)syscall(SYS_renameat2, a, b, c, d, 0);
}
int renameat2(int a, const char *b, int c, const char *d, unsigned f)
{
	return fault_hit("renameat2") ? -1 : (int)syscall(SYS_renameat2, a, b, c, d, f);
}
int unlinkat(int fd, const char *name, int flags)
{
	return fault_hit("unlinkat") ? -1 : (int)syscall(SYS_unlinkat, fd, name, flags);
}
int mkdirat(int fd, const char *name, mode_t mode)
{
	return fault_hit("mkdirat") ? -1 : (int)syscall(SYS_mkdirat, fd, name, mode);
}

#endif
