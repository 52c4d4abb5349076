/* Deflated transfer syntax (PS3.5 A.5): the data set is one stream, all of it new. */
#include <string.h>
#include <zlib.h>

#include "dicom/edit_impl.h"

#define STEP	65536
#define OUT_MAX	((size_t)128 << 20)	/* deflated; the worker that made it has 256 MB */

static int feed(z_stream *z, const void *in, size_t n, int flush, struct pieces *out, struct err *err)
{
	uint8_t buf[STEP];
	int zrc = Z_OK, rc = RC_OK;

	z->next_in = (Bytef *)(uintptr_t)in;
	z->avail_in = (unsigned)n;
	do {
		z->next_out = buf;
		z->avail_out = sizeof buf;
		zrc = deflate(z, flush);
		if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR)
			return err_set(err, ERR_INTERNAL, "deflate failed (%d)", zrc);
		rc = pieces_new(out, buf, sizeof buf - z->avail_out, err);
	} while (rc == RC_OK && z->avail_out == 0);
	return rc;
}

int edit_deflate(const struct edit *e, const struct pieces *dataset, struct pieces *out, struct err *err)
{
	uint8_t in[STEP];
	z_stream z;
	size_t i = 0;
	int rc = RC_OK;

	memset(&z, 0, sizeof z);
	if (out->bytes.max == 0)
		out->bytes.max = OUT_MAX;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(err, ERR_TEMP, "no memory to deflate");
	for (i = 0; rc == RC_OK && i < dataset->n; i++) {
		const struct piece *q = &dataset->v[i];
		uint64_t done = 0;

		while (rc == RC_OK && done < q->len) {
			size_t n = q->len - done < STEP ? (size_t)(q->len - done) : STEP;

			if (q->from == PIECE_NEW)
				memcpy(in, dataset->bytes.data + q->off + done, n);
			else
				rc = stream_read_full(e->o->data, q->off + done, in, n, err);
			if (rc == RC_OK)
				rc = feed(&z, in, n, Z_NO_FLUSH, out, err);
			done += n;
		}
	}
	if (rc == RC_OK)
		rc = feed(&z, in, 0, Z_FINISH, out, err);
	if (rc == RC_OK && z.total_out & 1)	/* PS3.5 A.5 */
		rc = pieces_new(out, "", 1, err);
	deflateEnd(&z);
	return rc;
}
