/*
 * A byte buffer that grows up to a ceiling. Beyond it, or without memory,
 * buf_ functions return RC_RETRY (no memory) or RC_FAILED (ceiling) and set err;
 * what was in the buffer stays. b->data is NUL-terminated after every append
 * (the NUL is not counted in len).
 */
#ifndef MRI_BASE_BUF_H
#define MRI_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;	/* ceiling in bytes; 0: BUF_MAX_DEFAULT */
};

#define BUF_MAX_DEFAULT	((size_t)64 << 20)
#define BUF_INIT(limit)	{ NULL, 0, 0, (limit) }

int buf_add(struct buf *, const void *, size_t, struct err *);
int buf_puts(struct buf *, const char *, struct err *);
int buf_printf(struct buf *, struct err *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int buf_grow(struct buf *, size_t more, struct err *);	/* room for `more` bytes at data + len */
void buf_clear(struct buf *);	/* len = 0, keeps the memory */
void buf_free(struct buf *);	/* also sets it empty; wipes nothing */
void buf_wipe(struct buf *);	/* overwrites, then frees: for secrets */

#ifdef __cplusplus
}
#endif
#endif
