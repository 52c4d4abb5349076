#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

int stream_new(struct stream **out, const struct stream_ops *ops, void *ctx, uint64_t size, struct err *err)
{
	*out = NULL;
	struct stream *s = malloc(sizeof(*s));
	if (!s)
		return err_set(err, ERR_TEMP, "no memory");
	s->ops = ops;
	s->ctx = ctx;
	s->size = size;
	*out = s;
	return RC_OK;
}

int stream_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	*got = 0;
	if (!s->ops->read)
		return err_set(err, ERR_INTERNAL, "reading from a stream that is written");
	if (off >= s->size || len == 0)
		return RC_OK;
	if (len > s->size - off)
		len = (size_t)(s->size - off);
	return s->ops->read(s, off, to, len, got, err);
}

int stream_read_full(struct stream *s, uint64_t off, void *to, size_t len, struct err *err)
{
	size_t got = 0;
	int rc = stream_read(s, off, to, len, &got, err);

	if (rc)
		return rc;
	if (got != len)
		return err_set(err, ERR_DATA, "ends early: %zu bytes are missing at offset %llu", len - got,
		    (unsigned long long)(off + got));
	return RC_OK;
}

int stream_write(struct stream *s, const void *from, size_t len, struct err *err)
{
	if (!s->ops->write)
		return err_set(err, ERR_INTERNAL, "writing to a stream that is read");
	int rc = s->ops->write(s, from, len, err);
	if (!rc)
		s->size += len;
	return rc;
}

int stream_commit(struct stream *s, struct err *err)
{
	return s->ops->commit ? s->ops->commit(s, err) : RC_OK;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->ops->close)
		s->ops->close(s);
	free(s);
}

int stream_copy(struct stream *from, struct stream *to, struct err *err)
{
	enum { STEP = 256 << 10 };
	int rc = RC_OK;
	char *step = malloc(STEP);

	if (!step)
		return err_set(err, ERR_TEMP, "no memory");
	for (uint64_t off = 0; off < from->size;) {
		size_t n = from->size - off < STEP ? (size_t)(from->size - off) : STEP;
		if ((rc = stream_read_full(from, off, step, n, err)) || (rc = stream_write(to, step, n, err)))
			break;
		off += n;
	}
	free(step);
	return rc;
}

int stream_slurp(struct stream *s, struct buf *to, struct err *err)
{
	if (s->size > SIZE_MAX / 2)
		return err_set(err, ERR_DATA, "too large for memory");
	int rc = buf_grow(to, (size_t)s->size, err);
	if (rc || (rc = stream_read_full(s, 0, to->data + to->len, (size_t)s->size, err)))
		return rc;
	to->len += (size_t)s->size;
	to->data[to->len] = '\0';
	return RC_OK;
}

/* A file: ctx holds the descriptor. */

static int fd_of(const struct stream *s)
{
	return (int)(intptr_t)s->ctx;
}

static int file_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	return io_pread_full(fd_of(s), to, len, off, got, err);
}

static int file_write(struct stream *s, const void *from, size_t len, struct err *err)
{
	return io_write_full(fd_of(s), from, len, err);
}

static void file_close(struct stream *s)
{
	close(fd_of(s));
}

static const struct stream_ops file_reader_ops = { file_read, NULL, NULL, file_close };
static const struct stream_ops file_writer_ops = { NULL, file_write, NULL, file_close };

int stream_file(struct stream **out, int fd, struct err *err)
{
	struct stat st;
	int rc;

	*out = NULL;
	if (fstat(fd, &st) != 0)
		rc = err_sys(err, errno, "cannot stat");
	else if (!S_ISREG(st.st_mode))
		rc = err_set(err, ERR_DATA, "not an ordinary file");
	else
		rc = stream_new(out, &file_reader_ops, (void *)(intptr_t)fd, (uint64_t)st.st_size, err);
	if (rc)
		close(fd);
	return rc;
}

int stream_file_writer(struct stream **out, int fd, struct err *err)
{
	int rc = stream_new(out, &file_writer_ops, (void *)(intptr_t)fd, 0, err);

	if (rc)
		close(fd);
	return rc;
}

/* Memory: ctx is the first byte. */

static int mem_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	(void)err;
	memcpy(to, (const char *)s->ctx + off, len);
	*got = len;
	return RC_OK;
}

static void mem_close(struct stream *s)
{
	free(s->ctx);
}

static const struct stream_ops mem_ops = { mem_read, NULL, NULL, NULL };
static const struct stream_ops mem_taken_ops = { mem_read, NULL, NULL, mem_close };

int stream_mem(struct stream **out, const void *data, size_t len, struct err *err)
{
	/* ctx is never written through mem_ops */
	return stream_new(out, &mem_ops, (void *)(uintptr_t)data, len, err);
}

int stream_mem_take(struct stream **out, void *data, size_t len, struct err *err)
{
	int rc = stream_new(out, &mem_taken_ops, data, len, err);

	if (rc)
		free(data);
	return rc;
}
