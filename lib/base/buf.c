#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

int buf_grow(struct buf *b, size_t more, struct err *err)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;

	if (more > max || b->len > max - more)
		return err_set(err, ERR_DATA, "more than %zu bytes where no more are expected", max);
	size_t need = b->len + more + 1;	/* and the NUL */
	if (need <= b->cap)
		return RC_OK;
	size_t cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data)
		return err_set(err, ERR_TEMP, "no memory for %zu bytes", cap);
	b->data = data;
	b->cap = cap;
	return RC_OK;
}

int buf_add(struct buf *b, const void *data, size_t len, struct err *err)
{
	int rc = buf_grow(b, len, err);

	if (rc)
		return rc;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return RC_OK;
}

int buf_puts(struct buf *b, const char *text, struct err *err)
{
	return buf_add(b, text, strlen(text), err);
}

int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
{
	va_list ap, again;
	int rc = RC_OK;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0) {
		rc = err_set(err, ERR_INTERNAL, "cannot format text");
	} else if (!(rc = buf_grow(b, (size_t)n, err))) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
	return rc;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		hash_wipe(b->data, b->cap);
	buf_free(b);
}
