/*
 * System calls that change something, taken over by the test program (its own
 * definitions come before the C library's): the n-th one fails with an error
 * that is chosen, or the process is killed before it. What was written and is
 * not synced is remembered: a file that is renamed before its sync, and a
 * directory that is not synced when a receipt is given, would be lost with the power.
 */
#ifndef MRI_TESTS_UNIT_FAULTKIT_H
#define MRI_TESTS_UNIT_FAULTKIT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int at;		/* the call that is hit, from 1; 0: none */
	int seen;	/* calls so far */
	int errnum;	/* 0: SIGKILL */
	const char *hit;	/* name of the call that was hit */
	int syncfs;	/* how many of them */
	ino_t synced;	/* the directory that the last was called on */
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

/* Inodes with something in them that is not synced: contents of files, entries of directories. */
static struct {
	struct { dev_t dev; ino_t ino; int dir; } v[1024];
	size_t n;
	int early;	/* files renamed before they were synced */
	char name[64];	/* the last of them, or of those below */
} unsynced;

static inline void unsynced_add(const struct stat *st)
{
	for (size_t i = 0; i < unsynced.n; i++)
		if (unsynced.v[i].dev == st->st_dev && unsynced.v[i].ino == st->st_ino)
			return;
	if (unsynced.n < sizeof(unsynced.v) / sizeof(unsynced.v[0])) {
		unsynced.v[unsynced.n].dev = st->st_dev;
		unsynced.v[unsynced.n].ino = st->st_ino;
		unsynced.v[unsynced.n++].dir = S_ISDIR(st->st_mode);
	}
}

static inline int unsynced_has(const struct stat *st)
{
	for (size_t i = 0; i < unsynced.n; i++)
		if (unsynced.v[i].dev == st->st_dev && unsynced.v[i].ino == st->st_ino)
			return 1;
	return 0;
}

static inline void unsynced_fd(int fd)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		unsynced_add(&st);
}

static inline void synced_fd(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return;
	for (size_t i = 0; i < unsynced.n; i++)
		if (unsynced.v[i].dev == st.st_dev && unsynced.v[i].ino == st.st_ino)
			unsynced.v[i--] = unsynced.v[--unsynced.n];
}

static inline void renaming(int from, const char *name, int to)
{
	struct stat st;
	/* out of staging everything is synced later, at once */
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && name[0] == '.' && unsynced_has(&st)) {
		unsynced.early++;
		snprintf(unsynced.name, sizeof(unsynced.name), "%s", name);
	}
	unsynced_fd(from);
	unsynced_fd(to);
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
	int fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
	if (fd >= 0 && (flags & O_EXCL))
		unsynced_fd(dirfd);
	return fd;
}
ssize_t write(int fd, const void *p, size_t n)
{
	if (fault_hit("write"))
		return -1;
	unsynced_fd(fd);
	return syscall(SYS_write, fd, p, n);
}
int fsync(int fd)
{
	if (fault_hit("fsync"))
		return -1;
	synced_fd(fd);
	return (int)syscall(SYS_fsync, fd);
}
int syncfs(int fd)
{
	struct stat on;
	fault.syncfs++;
	fault.synced = fstat(fd, &on) == 0 ? on.st_ino : 0;
	if (fault_hit("syncfs"))
		return -1;
	unsynced.n = 0;
	return (int)syscall(SYS_syncfs, fd);
}
int ftruncate(int fd, off_t n) { return fault_hit("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, n); }
int renameat(int a, const char *b, int c, const char *d)
{
	if (fault_hit("renameat"))
		return -1;
	renaming(a, b, c);
	return (int)syscall(SYS_renameat2, a, b, c, d, 0);
}
int renameat2(int a, const char *b, int c, const char *d, unsigned f)
{
	if (fault_hit("renameat2"))
		return -1;
	renaming(a, b, c);
	return (int)syscall(SYS_renameat2, a, b, c, d, f);
}
int unlinkat(int fd, const char *name, int flags)
{
	if (fault_hit("unlinkat"))
		return -1;
	return (int)syscall(SYS_unlinkat, fd, name, flags);
}
int mkdirat(int fd, const char *name, mode_t mode)
{
	if (fault_hit("mkdirat"))
		return -1;
	unsynced_fd(fd);
	return (int)syscall(SYS_mkdirat, fd, name, mode);
}

#endif
