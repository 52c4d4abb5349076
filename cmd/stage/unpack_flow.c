#include "stage/unpack_flow.h"
#include <stdlib.h>
#include <string.h>

#define HEAD_KEPT	((size_t)4 << 20)	/* header values are read from here */
#define TAIL_KEPT	((size_t)1 << 20)	/* and what was last seen: more than one window of the walk */

static int flow_step(struct flow *f, struct err *err)
{
	const void *p = NULL;
	size_t n = 0, keep = 0;
	int rc = f->more(f->source, &p, &n, err);

	if (rc == RC_OK && n == 0)
		f->ended = true;
	if (rc == RC_OK && n)
		rc = f->take(f->sink, p, n, err);
	if (rc != RC_OK) {
		f->failed = *err;
		return rc;
	}
	keep = HEAD_KEPT - f->head_len < n ? HEAD_KEPT - f->head_len : n;
	memcpy(f->head + f->head_len, p, keep);
	f->head_len += keep;
	if (f->tail_len + n > TAIL_KEPT) {	/* n <= TAIL_KEPT / 2 */
		size_t old = TAIL_KEPT / 2 < f->tail_len ? TAIL_KEPT / 2 : f->tail_len;

		memmove(f->tail, f->tail + f->tail_len - old, old);
		f->tail_len = old;
	}
	memcpy(f->tail + f->tail_len, p, n);
	f->tail_len += n;
	f->pos += n;
	return RC_OK;
}

static int flow_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	struct flow *f = s->ctx;
	int rc = RC_OK;

	*got = 0;
	if (off + len <= f->head_len) {
		memcpy(to, f->head + off, len);
		*got = len;
		return RC_OK;
	}
	while (f->pos < off + len && !f->ended) {
		rc = flow_step(f, err);
		if (rc != RC_OK)
			return rc;
	}
	if (off + len <= f->head_len) {
		memcpy(to, f->head + off, len);
	} else {
		if (f->pos < off + len || off < f->pos - f->tail_len)
			return err_set(err, ERR_DATA, "DICOM object whose elements are too far apart to be read in one go");
		memcpy(to, f->tail + (off - (f->pos - f->tail_len)), len);
	}
	*got = len;
	return RC_OK;
}

static const struct stream_ops flow_ops = { .read = flow_read };

int flow_judge(struct flow *f, struct judgement *j, struct err *err)
{
	struct stream *s = NULL;
	int rc = RC_OK;

	f->head = malloc(HEAD_KEPT);
	f->tail = malloc(TAIL_KEPT);
	if (!f->head || !f->tail) {
		rc = err_set(err, ERR_TEMP, "no memory to unpack");
		goto out;
	}
	rc = stream_new(&s, &flow_ops, f, f->size, err);
	if (rc != RC_OK)
		goto out;
	rc = judge(s, j, err);
	while (rc == RC_OK && f->failed.kind == ERR_NONE && !f->ended)
		rc = flow_step(f, err);
	if (f->failed.kind != ERR_NONE) {
		*err = f->failed;
		rc = err_rc(err->kind);
	}
out:
	stream_close(s);
	free(f->head);
	free(f->tail);
	return rc;
}
