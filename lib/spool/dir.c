/* Directories of the spool, and locks in them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "spool/private.h"

#define ERASE_DEPTH_MAX	16	/* ours is 4 deep; more goes as well */
#define LOCK_POLL_MS	5

int dir_open(int dirfd, const char *name, int *fd, struct err *err)
{
	int f = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f < 0)
		return err_sys(err, errno, "cannot open the directory %s", name);
	*fd = f;
	return RC_OK;
}

int dir_make(int dirfd, const char *name, int *fd, bool *made, struct err *err)
{
	bool fresh = true;
	if (mkdirat(dirfd, name, 0700) < 0) {
		if (errno != EEXIST)
			return err_sys(err, errno, "cannot make the directory %s", name);
		fresh = false;
	}
	int rc = dir_open(dirfd, name, fd, err);
	if (rc != RC_OK && fresh)
		unlinkat(dirfd, name, AT_REMOVEDIR);
	if (rc == RC_OK && made != NULL)
		*made = fresh;
	return rc;
}

int dir_sync(int fd, const char *name, struct err *err)
{
	int rc = io_fsync(fd, err);
	return rc == RC_OK ? RC_OK : err_wrap(err, "cannot make %s durable", name);
}

int dir_each(int dirfd, dir_fn *cb, void *arg, struct err *err)
{
	int rc = RC_OK;
	DIR *d = NULL;
	/* a descriptor of its own: the offset of dirfd is shared with every dup of it */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		rc = err_sys(err, errno, "cannot read a directory of the spool");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == RC_OK) {
		errno = 0;
		struct dirent *de = readdir(d);
		if (de == NULL) {
			if (errno != 0)
				rc = err_sys(err, errno, "cannot read a directory of the spool");
			break;
		}
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		rc = cb(dirfd, de->d_name, arg, err);
	}
	closedir(d);
	return rc;
}

struct numbers {
	int *v;
	size_t n, cap;
};

static int number_add(int dirfd, const char *name, void *arg, struct err *err)
{
	struct numbers *ns = arg;
	uint64_t u = 0;
	(void)dirfd;
	if (!text_u64(name, NUMBER_MAX, &u) || u == 0)
		return RC_OK;
	if (ns->n == ns->cap) {
		size_t cap = ns->cap == 0 ? 64 : ns->cap * 2;
		int *v = realloc(ns->v, cap * sizeof(*v));
		if (v == NULL)
			return err_sys(err, ENOMEM, "cannot list a directory of the spool");
		ns->v = v;
		ns->cap = cap;
	}
	ns->v[ns->n++] = (int)u;
	return RC_OK;
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return x < y ? -1 : x > y;
}

int dir_numbers(int dirfd, const char *sub, int **v, size_t *n, struct err *err)
{
	struct numbers ns = { NULL, 0, 0 };
	int fd = openat(dirfd, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*v = NULL;
	*n = 0;
	if (fd < 0)
		return errno == ENOENT ? RC_OK : err_sys(err, errno, "cannot open the directory %s", sub);
	int rc = dir_each(fd, number_add, &ns, err);
	close(fd);
	if (rc != RC_OK) {
		free(ns.v);
		return rc;
	}
	if (ns.n > 1)
		qsort(ns.v, ns.n, sizeof(*ns.v), by_number);
	*v = ns.v;
	*n = ns.n;
	return RC_OK;
}

struct erase {
	uint64_t files, bytes;
	uint64_t removed;	/* directories too */
	dev_t dev;
	int depth;
	bool failed;
	struct err first;
};

static void erase_failed(struct erase *e, int errnum)
{
	if (!e->failed) {
		e->failed = true;
		err_sys(&e->first, errnum, "cannot remove a file of the spool");
	}
}

/* A directory may change while it is read: it is read again until a pass removes nothing. */
static int erase_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct erase *e = arg;
	struct stat st;
	uint64_t before = 0;
	int fd = -1;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			erase_failed(e, errno);
		return RC_OK;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd, name, 0) == 0) {
			e->removed++;
			e->files++;
			e->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		} else if (errno != ENOENT) {
			erase_failed(e, errno);
		}
		return RC_OK;
	}
	if (st.st_dev != e->dev || e->depth >= ERASE_DEPTH_MAX) {
		erase_failed(e, st.st_dev != e->dev ? EXDEV : ELOOP);
		return RC_OK;
	}
	if ((st.st_mode & 0700) != 0700)
		if (fchmodat(dirfd, name, 0700, 0) < 0)	/* nobody's mistake keeps payload */
			erase_failed(e, errno);
	do {
		before = e->removed;
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			break;
		e->depth++;
		if (dir_each(fd, erase_one, e, err) != RC_OK && !e->failed) {
			e->failed = true;
			e->first = *err;
		}
		e->depth--;
		close(fd);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
			e->removed++;
			return RC_OK;
		}
	} while (errno == ENOTEMPTY && e->removed != before);
	erase_failed(e, errno);
	return RC_OK;
}

int dir_erase(int dirfd, const char *name, uint64_t *files, uint64_t *bytes, struct err *err)
{
	struct erase e = { 0 };
	struct stat st;
	if (fstat(dirfd, &st) < 0)
		return err_sys(err, errno, "cannot remove a directory of the spool");
	e.dev = st.st_dev;
	erase_one(dirfd, name, &e, err);
	if (files != NULL)
		*files += e.files;
	if (bytes != NULL)
		*bytes += e.bytes;
	if (e.failed) {
		*err = e.first;
		return err_rc(err->kind);
	}
	return RC_OK;
}

static int lock_fd(int fd, int wait_ms, const char *what, struct err *err)
{
	uint64_t until = time_mono_ms() + (uint64_t)wait_ms;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(err, errno, "cannot lock %s", what);
		if (time_mono_ms() >= until) {
			err_set(err, ERR_TEMP, "%s is held by another process", what);
			err_advise(err, "wait until it has ended, then try again");
			return err_rc(ERR_TEMP);
		}
		poll(NULL, 0, LOCK_POLL_MS);
	}
	return RC_OK;
}

/* The file may be replaced between open and flock: what is locked must be what has the name. */
static int lock_at(int dirfd, const char *name, int flags, int wait_ms, const char *what, int *fd,
    struct err *err)
{
	struct stat a, b;
	for (;;) {
		int f = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (f < 0)
			return err_sys(err, errno, "cannot lock %s", what);
		int rc = lock_fd(f, wait_ms, what, err);
		if (rc != RC_OK) {
			close(f);
			return rc;
		}
		if (fstat(f, &a) == 0 && fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
			*fd = f;
			return RC_OK;
		}
		close(f);
	}
}

int lock_file(int dirfd, const char *name, int wait_ms, const char *what, int *fd, struct err *err)
{
	return lock_at(dirfd, name, O_RDWR | O_CREAT, wait_ms, what, fd, err);
}

int lock_dir(int dirfd, const char *name, int wait_ms, const char *what, int *fd, struct err *err)
{
	return lock_at(dirfd, name, O_RDONLY | O_DIRECTORY, wait_ms, what, fd, err);
}

bool lock_held(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}
