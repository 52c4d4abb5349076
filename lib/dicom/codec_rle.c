/*
 * RLE (PS3.5 annex G): a segment for each byte of each sample, the highest
 * byte first. Our own: DCMTK's takes the offsets of the header as they come,
 * also past the fragment, and makes up pixels that are missing.
 */
#include <endian.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "dicom/codec_impl.h"

#define HEADER	64	/* number of segments, 15 offsets */

/* Expands a segment into every step-th byte; false: it ends before `count` of them. G.3.2 */
static bool
expand(const uint8_t *p, const uint8_t *end, uint8_t *to, size_t step, size_t count)
{
	while (count > 0) {
		size_t n = 0;
		uint8_t c = 0;

		if (p == end)
			return false;
		c = *p++;
		if (c == 128)
			continue;
		n = c < 128 ? (size_t)c + 1 : 257 - (size_t)c;
		if (n > count) /* the last run of some encoders is longer than the image */
			n = count;
		if (p == end || (c < 128 && (size_t)(end - p) < n))
			return false;
		for (size_t i = 0; i < n; i++, to += step)
			*to = c < 128 ? p[i] : *p;
		p += c < 128 ? n : 1;
		count -= n;
	}
	return true;
}

static int
segments(const struct codec_image *im, const uint8_t *p, size_t n, uint8_t *to, struct err *err)
{
	size_t pixels = (size_t)im->rows * im->columns, width = im->allocated / 8;
	uint32_t want = (uint32_t)(im->samples * width);
	uint32_t have = n >= HEADER ? get_le32(p) : 0;

	if (have != want)
		return err_set(err, ERR_DATA, "the RLE frame has %lu segments instead of %lu", (unsigned long)have,
		    (unsigned long)want);
	for (uint32_t i = 0; i < want; i++) {
		size_t sample = i / width, byte = i % width;
		size_t begin = get_le32(p + 4 + 4 * i), end = i + 1 < want ? get_le32(p + 8 + 4 * i) : n;
		size_t place = __BYTE_ORDER == __BIG_ENDIAN ? byte : width - 1 - byte;

		if (begin < HEADER || begin > end || end > n)
			return err_set(err, ERR_DATA, "segment %lu of the RLE frame lies outside of it",
			    (unsigned long)i + 1);
		uint8_t *at = to + place + (im->planar ? sample * pixels * width : sample * width);
		if (!expand(p + begin, p + end, at, im->planar ? width : width * im->samples, pixels))
			return err_set(err, ERR_DATA, "segment %lu of the RLE frame ends early", (unsigned long)i + 1);
	}
	return RC_OK;
}

int
codec_rle(const struct codec *c, uint32_t frame, struct codec_frame *out, struct err *err)
{
	const struct codec_image *im = &c->image;
	uint64_t bytes = (uint64_t)im->rows * im->columns * im->samples * (im->allocated / 8);
	size_t n = 0;
	uint8_t *p = NULL;
	int rc = codec_compressed(c, frame, &n, err);

	if (rc != RC_OK)
		return rc;
	if (bytes > CODEC_FRAME_MAX)
		return err_set(err, ERR_REFUSED, "a frame of %llu MB is not decoded here", (unsigned long long)(bytes >> 20));
	p = malloc(n);
	out->pixels = malloc((size_t)bytes);
	out->bytes = (size_t)bytes;
	if (p == NULL || out->pixels == NULL)
		rc = err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	else if ((rc = codec_gather(c, frame, p, err)) == RC_OK)
		rc = segments(im, p, n, out->pixels, err);
	free(p);
	return rc;
}
