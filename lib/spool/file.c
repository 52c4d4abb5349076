/* How a file of the spool is written and read: plain, or sealed to a recipient. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

static bool new_name(const char *name, char out[NAME_LEN])
{
	int n = snprintf(out, NAME_LEN, ".%s", name);
	return n > 0 && n < NAME_LEN;
}

int file_open(int dirfd, const char *name, const char *what, int *fd, struct err *err)
{
	struct stat st;
	int f = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (f < 0)
		return err_sys(err, errno, "cannot open %s", what);
	if (fstat(f, &st) < 0) {
		int e = errno;
		close(f);
		return err_sys(err, e, "cannot open %s", what);
	}
	if (!S_ISREG(st.st_mode)) {
		close(f);
		return err_set(err, ERR_DATA, "%s is not a regular file", what);
	}
	*fd = f;
	return RC_OK;
}

int file_begin(int dirfd, const char *name, mode_t mode, int *fd, struct err *err)
{
	char tmp[NAME_LEN];
	if (!new_name(name, tmp))
		return err_set(err, ERR_INTERNAL, "file name too long");
	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove what was left of %s", name);
	int f = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (f < 0)
		return err_sys(err, errno, "cannot create %s", name);
	*fd = f;
	return RC_OK;
}

int file_settle(int fd, const char *name, struct err *err)
{
	int rc = io_fsync(fd, err);
	if (close(fd) < 0 && rc == RC_OK && errno != EINTR)
		rc = err_sys(err, errno, "cannot close");
	return rc == RC_OK ? RC_OK : err_wrap(err, "cannot write %s", name);
}

int file_place(int dirfd, const char *name, struct err *err)
{
	char tmp[NAME_LEN];
	if (!new_name(name, tmp))
		return err_set(err, ERR_INTERNAL, "file name too long");
	if (renameat(dirfd, tmp, dirfd, name) < 0) {
		int e = errno;
		unlinkat(dirfd, tmp, 0);
		return err_sys(err, e, "cannot publish %s", name);
	}
	return dir_sync(dirfd, name, err);
}

void file_drop(int dirfd, const char *name)
{
	char tmp[NAME_LEN];
	if (new_name(name, tmp))
		unlinkat(dirfd, tmp, 0);
}

int file_write(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err)
{
	return sealed_write(dirfd, name, NULL, data, len, mode, err);
}

int file_read(int dirfd, const char *name, struct buf *b, struct err *err)
{
	struct stream *s = NULL;
	int fd = -1;
	int rc = file_open(dirfd, name, name, &fd, err);
	if (rc == RC_OK)
		rc = stream_file(&s, fd, err);
	if (rc == RC_OK && (rc = stream_slurp(s, b, err)) != RC_OK)
		rc = err_wrap(err, "cannot read %s", name);
	stream_close(s);
	return rc;
}

bool file_there(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int sealed_writer(struct stream **out, int fd, const struct age_recipient *to, struct err *err)
{
	struct stream *raw = NULL;
	int rc = stream_file_writer(&raw, fd, err);
	if (rc != RC_OK || to == NULL) {
		*out = raw;
		return rc;
	}
	return age_create(out, raw, to, err);
}

/* All bytes into fd (taken). */
static int fill(int fd, const char *name, const struct age_recipient *to, const void *data, size_t len, struct err *err)
{
	struct stream *s = NULL;
	int rc = sealed_writer(&s, fd, to, err);
	if (rc == RC_OK && (rc = stream_write(s, data, len, err)) == RC_OK)
		rc = stream_commit(s, err);
	stream_close(s);
	return rc == RC_OK ? RC_OK : err_wrap(err, "cannot write %s", name);
}

int sealed_write(int dirfd, const char *name, const struct age_recipient *to, const void *data, size_t len,
    mode_t mode, struct err *err)
{
	int fd = -1, sync = -1;
	int rc = file_begin(dirfd, name, mode, &fd, err);
	if (rc != RC_OK)
		return rc;
	sync = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (sync < 0) {
		rc = err_sys(err, errno, "cannot write %s", name);
		close(fd);
	} else if ((rc = fill(fd, name, to, data, len, err)) == RC_OK) {
		rc = file_settle(sync, name, err);
	} else {
		close(sync);
	}
	if (rc != RC_OK) {
		file_drop(dirfd, name);
		return rc;
	}
	return file_place(dirfd, name, err);
}

int sealed_stage(int dirfd, const char *name, const struct age_recipient *to, const void *data, size_t len,
    mode_t mode, struct err *err)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(err, errno, "cannot create %s", name);
	return fill(fd, name, to, data, len, err);
}

int sealed_open(int dirfd, const char *name, const char *what, const struct age_identity *who,
    struct stream **out, struct err *err)
{
	struct stream *raw = NULL;
	int fd = -1;
	int rc = file_open(dirfd, name, what, &fd, err);
	if (rc == RC_OK)
		rc = stream_file(&raw, fd, err);
	if (rc != RC_OK || who == NULL) {
		*out = raw;
		return rc;
	}
	if ((rc = age_open_identity(out, raw, who, err)) != RC_OK)
		return err_wrap(err, "cannot open %s", what);
	return RC_OK;
}

int sealed_read(int dirfd, const char *name, const char *what, const struct age_identity *who,
    struct buf *b, struct err *err)
{
	struct stream *s = NULL;
	int rc = sealed_open(dirfd, name, what, who, &s, err);
	if (rc == RC_OK && (rc = stream_slurp(s, b, err)) != RC_OK)
		err_wrap(err, "cannot read %s", what);
	stream_close(s);
	return rc;
}

int sealed_fd(int dirfd, const char *name, const char *what, const struct age_identity *who,
    int *fd, struct age_key *key, struct err *err)
{
	struct stream *raw = NULL;
	int f = -1, dup = -1;
	memset(key, 0, sizeof(*key));
	int rc = file_open(dirfd, name, what, &f, err);
	if (rc != RC_OK || who == NULL)
		goto out;
	dup = fcntl(f, F_DUPFD_CLOEXEC, 3);
	if (dup < 0) {
		rc = err_sys(err, errno, "cannot open %s", what);
		goto out;
	}
	if ((rc = stream_file(&raw, dup, err)) != RC_OK || (rc = age_unwrap(raw, who, key, err)) != RC_OK)
		err_wrap(err, "cannot open %s", what);
out:
	stream_close(raw);
	if (rc != RC_OK) {
		if (f >= 0)
			close(f);
		hash_wipe(key, sizeof(*key));
		return rc;
	}
	*fd = f;
	return RC_OK;
}

int spool_stream_fd(struct stream **out, int fd, const struct age_key *key, struct err *err)
{
	struct stream *raw = NULL;
	int rc = stream_file(&raw, fd, err);
	if (rc != RC_OK || key == NULL || key->header == 0) {
		*out = raw;
		return rc;
	}
	return age_open(out, raw, key, err);
}

int spool_writer_fd(struct stream **out, int fd, const struct age_recipient *to, struct err *err)
{
	return sealed_writer(out, fd, to, err);
}
