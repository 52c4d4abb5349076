/*
 * struct stream: the one type that payload travels in. Open one for reading
 * (read at any offset) or for writing (append, then commit), and close it.
 * Behind it lies a file, an encrypted file, memory, or a list of pieces.
 *
 *	stream_file(&s, fd, err)  stream_read(s, off, buf, n, &got, err)
 *	stream_close(s)
 *
 * A stream is used by one thread at a time. Sizes and offsets are bytes.
 * A writing stream that is closed without stream_commit() is incomplete; the
 * one who created the file removes it.
 */
#ifndef MRI_BASE_IO_H
#define MRI_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stream;

struct stream_ops {
	/* Reads up to len bytes at off; *got < len only at the end. */
	int (*read)(struct stream *, uint64_t off, void *, size_t len,
	    size_t *got, struct err *);
	/* Appends all of it or fails. */
	int (*write)(struct stream *, const void *, size_t, struct err *);
	/* No more writes: flush the format's end (last chunk, trailer). Does not fsync. */
	int (*commit)(struct stream *, struct err *);
	void (*close)(struct stream *);	/* frees what ctx holds, not the stream */
};

struct stream {
	const struct stream_ops *ops;
	void *ctx;
	uint64_t size;	/* reading: the whole; writing: bytes so far */
};

/* For those who make a kind of stream; frees nothing on failure but itself. */
int stream_new(struct stream **, const struct stream_ops *, void *ctx,
    uint64_t size, struct err *);

int stream_read(struct stream *, uint64_t off, void *, size_t len,
    size_t *got, struct err *);
/* All of len or ERR_DATA "ends early". */
int stream_read_full(struct stream *, uint64_t off, void *, size_t len, struct err *);
int stream_write(struct stream *, const void *, size_t, struct err *);
int stream_commit(struct stream *, struct err *);
void stream_close(struct stream *);	/* NULL is fine */

/* Reads fd by pread; takes fd (closed with the stream, also on failure). */
int stream_file(struct stream **, int fd, struct err *);
int stream_file_writer(struct stream **, int fd, struct err *);	/* appends at fd's offset; takes fd */
int stream_mem(struct stream **, const void *, size_t, struct err *);	/* borrows the bytes */
int stream_mem_take(struct stream **, void *, size_t, struct err *);	/* frees them when closed, and on failure */
int stream_copy(struct stream *from, struct stream *to, struct err *);	/* all bytes, no commit */
/* The whole into a buffer whose ceiling stands in it. */
int stream_slurp(struct stream *, struct buf *, struct err *);

/* System calls that do not stop half way and are not interrupted. */
int io_read_full(int fd, void *, size_t, size_t *got, struct err *);	/* *got < n at EOF */
int io_write_full(int fd, const void *, size_t, struct err *);
int io_pread_full(int fd, void *, size_t, uint64_t off, size_t *got, struct err *);
/* Opens dirfd/name O_RDONLY|O_CLOEXEC|O_NOFOLLOW and reads all of it into a buffer. */
int io_slurp(int dirfd, const char *name, struct buf *, struct err *);
/* name.tmp → write → fsync → rename → fsync(dir): for small plain files. */
int io_replace(int dirfd, const char *name, const void *, size_t, mode_t, struct err *);
int io_fsync(int fd, struct err *);
/* Lines from a descriptor, separated by sep ('\n' or 0). *line stays valid until the
 * next call; NULL at the end. A last line without separator counts. max: bytes a line. */
struct linereader { int fd; char sep; size_t max; struct buf buf; size_t pos; int eof; };
int linereader_next(struct linereader *, char **line, size_t *len, struct err *);
void linereader_free(struct linereader *);

#ifdef __cplusplus
}
#endif
#endif
