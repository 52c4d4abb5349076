#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int io_read_full(int fd, void *to, size_t len, size_t *got, struct err *err)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = read(fd, (char *)to + *got, len - *got);
		if (n == 0)
			break;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, errno, "cannot read");
		}
		*got += (size_t)n;
	}
	return RC_OK;
}

int io_pread_full(int fd, void *to, size_t len, uint64_t off, size_t *got, struct err *err)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = pread(fd, (char *)to + *got, len - *got, (off_t)(off + *got));
		if (n == 0)
			break;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, errno, "cannot read");
		}
		*got += (size_t)n;
	}
	return RC_OK;
}

int io_write_full(int fd, const void *from, size_t len, struct err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)from + done, len - done);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, errno, "cannot write");
		}
		done += (size_t)n;
	}
	return RC_OK;
}

int io_fsync(int fd, struct err *err)
{
	while (fsync(fd) != 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot sync");
	return RC_OK;
}

int io_slurp(int dirfd, const char *name, struct buf *to, struct err *err)
{
	struct stat st;
	int rc = RC_OK;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return err_sys(err, errno, "cannot open");
	if (fstat(fd, &st) != 0) {
		rc = err_sys(err, errno, "cannot stat");
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_DATA, "not an ordinary file");
		goto out;
	}
	/* the size as it is now, then whatever came since: a file may grow */
	const size_t before = to->len;
	for (size_t want = (size_t)st.st_size, got = 0;; want = 1) {
		if ((rc = buf_grow(to, want, err)) ||
		    (rc = io_read_full(fd, to->data + to->len, want, &got, err)))
			break;
		to->len += got;
		to->data[to->len] = '\0';
		char more;
		if (got < want || (rc = io_pread_full(fd, &more, 1, to->len - before, &got, err)) || got == 0)
			break;
	}
out:
	close(fd);
	return rc;
}

int io_replace(int dirfd, const char *name, const void *data, size_t len, mode_t mode, struct err *err)
{
	char tmp[256];
	int rc = RC_OK, fd = -1;
	int n = snprintf(tmp, sizeof(tmp), ".%s.new", name);

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return err_set(err, ERR_INTERNAL, "file name too long");
	if (unlinkat(dirfd, tmp, 0) != 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove an old temporary file");
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(err, errno, "cannot create");
	if ((rc = io_write_full(fd, data, len, err)) || (rc = io_fsync(fd, err)))
		goto out;
	if (close(fd) != 0) {
		fd = -1;
		rc = err_sys(err, errno, "cannot close");
		goto out;
	}
	fd = -1;
	if (renameat(dirfd, tmp, dirfd, name) != 0) {
		rc = err_sys(err, errno, "cannot rename");
		goto out;
	}
	return io_fsync(dirfd, err);
out:
	if (fd >= 0)
		close(fd);
	unlinkat(dirfd, tmp, 0);
	return rc;
}

int linereader_next(struct linereader *r, char **line, size_t *len, struct err *err)
{
	int rc = RC_OK;

	*line = NULL;
	*len = 0;
	if (!r->buf.max)
		r->buf.max = r->max ? r->max + 65536 : 0;
	for (size_t seen = r->pos;;) {
		char *end = seen < r->buf.len ? memchr(r->buf.data + seen, r->sep, r->buf.len - seen) : NULL;

		if (end || (r->eof && r->pos < r->buf.len)) {
			char *begin = r->buf.data + r->pos;
			size_t n = end ? (size_t)(end - begin) : r->buf.len - r->pos;

			if (r->max && n > r->max)
				return err_set(err, ERR_DATA, "a line is longer than %zu bytes", r->max);
			begin[n] = '\0';
			r->pos += n + (end ? 1 : 0);
			*line = begin;
			*len = n;
			return RC_OK;
		}
		if (r->eof)
			return RC_OK;
		if (r->max && r->buf.len - r->pos > r->max)
			return err_set(err, ERR_DATA, "a line is longer than %zu bytes", r->max);
		if (r->pos) {
			memmove(r->buf.data, r->buf.data + r->pos, r->buf.len - r->pos);
			r->buf.len -= r->pos;
			r->pos = 0;
		}
		seen = r->buf.len;
		if ((rc = buf_grow(&r->buf, 4096, err)))
			return rc;
		ssize_t n = read(r->fd, r->buf.data + r->buf.len, r->buf.cap - r->buf.len - 1);
		if (n < 0) {
			if (errno == EINTR)
				return err_sys(err, errno, "cannot read");	/* a signal: the caller looks at cli_stopped */
			return err_sys(err, errno, "cannot read");
		}
		if (n == 0)
			r->eof = 1;
		r->buf.len += (size_t)n;
	}
}

void linereader_free(struct linereader *r)
{
	buf_free(&r->buf);
}
