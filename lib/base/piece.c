#include "base/piece.h"

#include <stdlib.h>
#include <string.h>

static int append(struct pieces *p, struct piece piece, struct err *err)
{
	if (piece.len == 0)
		return RC_OK;
	if (p->n) {
		struct piece *last = &p->v[p->n - 1];
		if (last->from == piece.from && last->off + last->len == piece.off) {
			last->len += piece.len;
			return RC_OK;
		}
	}
	if (p->n == PIECES_MAX)
		return err_set(err, ERR_DATA, "more than %d pieces in one object", PIECES_MAX);
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct piece *v = realloc(p->v, cap * sizeof(*v));
		if (!v)
			return err_set(err, ERR_TEMP, "no memory");
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = piece;
	return RC_OK;
}

int pieces_original(struct pieces *p, uint64_t off, uint64_t len, struct err *err)
{
	return append(p, (struct piece){ PIECE_ORIGINAL, off, len }, err);
}

int pieces_new(struct pieces *p, const void *data, size_t len, struct err *err)
{
	uint64_t off = p->bytes.len;
	int rc = buf_add(&p->bytes, data, len, err);

	return rc ? rc : append(p, (struct piece){ PIECE_NEW, off, len }, err);
}

uint64_t pieces_size(const struct pieces *p)
{
	uint64_t size = 0;

	for (size_t i = 0; i < p->n; i++)
		size += p->v[i].len;
	return size;
}

void pieces_free(struct pieces *p)
{
	free(p->v);
	buf_free(&p->bytes);
	p->v = NULL;
	p->n = p->cap = 0;
}

struct reader {
	struct stream *original;
	const struct pieces *p;
	uint64_t *start;	/* of each piece in the result */
	size_t last;		/* piece of the last read: reading goes forward */
};

static size_t piece_at(struct reader *r, uint64_t off)
{
	size_t i = r->last;

	if (off >= r->start[i] && off < r->start[i] + r->p->v[i].len)
		return i;
	size_t low = 0, high = r->p->n - 1;
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		if (r->start[middle] <= off)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static int reader_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	struct reader *r = s->ctx;

	while (*got < len) {
		size_t i = piece_at(r, off);
		const struct piece *piece = &r->p->v[i];
		uint64_t skip = off - r->start[i];
		size_t n = piece->len - skip < len - *got ? (size_t)(piece->len - skip) : len - *got;

		if (piece->from == PIECE_NEW) {
			memcpy((char *)to + *got, r->p->bytes.data + piece->off + skip, n);
		} else {
			int rc = stream_read_full(r->original, piece->off + skip, (char *)to + *got, n, err);
			if (rc)
				return rc;
		}
		r->last = i;
		off += n;
		*got += n;
	}
	return RC_OK;
}

static void reader_close(struct stream *s)
{
	struct reader *r = s->ctx;

	stream_close(r->original);
	free(r->start);
	free(r);
}

static const struct stream_ops reader_ops = { reader_read, NULL, NULL, reader_close };

int piece_stream(struct stream **out, struct stream *original, const struct pieces *p, struct err *err)
{
	struct reader *r = NULL;
	int rc = RC_OK;
	uint64_t size = 0;

	*out = NULL;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->v[i];
		uint64_t limit = piece->from == PIECE_NEW ? p->bytes.len : original->size;
		if (piece->off > limit || piece->len > limit - piece->off || piece->len == 0) {
			rc = err_set(err, ERR_DATA, "piece %zu lies outside its source", i + 1);
			goto out;
		}
	}
	if (!(r = calloc(1, sizeof(*r))) || !(r->start = calloc(p->n + 1, sizeof(*r->start)))) {
		rc = err_set(err, ERR_TEMP, "no memory");
		goto out;
	}
	for (size_t i = 0; i < p->n; i++) {
		r->start[i] = size;
		size += p->v[i].len;
	}
	r->original = original;
	r->p = p;
	rc = stream_new(out, &reader_ops, r, size, err);
out:
	if (rc) {
		stream_close(original);
		if (r)
			free(r->start);
		free(r);
	}
	return rc;
}
