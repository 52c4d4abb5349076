/* Frames: what an image says of itself, uncompressed ones, and who decodes the others. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/codec_impl.h"

#define FLOATS	TAG(0x7fe0, 0x0008)
#define DOUBLES	TAG(0x7fe0, 0x0009)
#define PIECE	((size_t)1 << 20)	/* that verifying reads at once */

enum codec_kind
codec_kind(const char *ts)
{
	static const struct { const char *uid; enum codec_kind kind; } v[] = {	/* PS3.6 A */
		{ "1.2.840.10008.1.2.1.98", CODEC_STORED }, { "1.2.840.10008.1.2.5", CODEC_RLE },
		{ "1.2.840.10008.1.2.4.50", CODEC_JPEG }, { "1.2.840.10008.1.2.4.51", CODEC_JPEG },
		{ "1.2.840.10008.1.2.4.53", CODEC_JPEG }, { "1.2.840.10008.1.2.4.55", CODEC_JPEG },
		{ "1.2.840.10008.1.2.4.57", CODEC_JPEG }, { "1.2.840.10008.1.2.4.70", CODEC_JPEG },
		{ "1.2.840.10008.1.2.4.80", CODEC_JPEGLS }, { "1.2.840.10008.1.2.4.81", CODEC_JPEGLS },
	};

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (strcmp(ts, v[i].uid) == 0)
			return v[i].kind;
	return CODEC_NONE;
}

/* A number within [min, max]; absent: otherwise, which may be out of the range: then it has to be there. */
static int
number(const struct object *o, uint32_t tag, const char *what, long long min, long long max, long long otherwise,
    long long *out, struct err *err)
{
	bool found = false;
	int rc = walk_number(o, tag, out, &found, err);

	if (rc != RC_OK)
		return rc;
	if (!found)
		*out = otherwise;
	if (*out < min || *out > max)
		return found ? err_set(err, ERR_DATA, "%s is %lld", what, *out)
			     : err_set(err, ERR_DATA, "%s is missing", what);
	return RC_OK;
}

static int
read_bits(const struct object *o, struct codec_image *im, struct err *err)
{
	long long allocated = 0, stored = 0, high = 0, sign = 0;
	int rc = RC_OK;

	if (im->is_float) {
		im->allocated = im->stored = walk_find(o, FLOATS) != NULL ? 32 : 64;
		im->high = im->allocated - 1;
		return RC_OK;
	}
	if ((rc = number(o, TAG(0x0028, 0x0100), "Bits Allocated", 1, 64, 0, &allocated, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0101), "Bits Stored", 1, allocated, allocated, &stored, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0102), "High Bit", 0, allocated - 1, stored - 1, &high, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0103), "Pixel Representation", 0, 1, 0, &sign, err)) != RC_OK)
		return rc;
	if (allocated != 1 && allocated != 8 && allocated != 16 && allocated != 32 && allocated != 64)
		return err_set(err, ERR_REFUSED, "pixels of %lld allocated bits are not decoded here", allocated);
	im->allocated = (unsigned)allocated;
	im->stored = (unsigned)stored;
	im->high = (unsigned)high;
	im->is_signed = sign == 1;
	return RC_OK;
}

static int
read_image(const struct object *o, struct codec_image *im, struct err *err)
{
	long long rows = 0, columns = 0, samples = 0, planar = 0, frames = 0;
	int rc = RC_OK;

	if ((rc = number(o, TAG(0x0028, 0x0010), "Rows", 1, UINT16_MAX, 0, &rows, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0011), "Columns", 1, UINT16_MAX, 0, &columns, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0002), "Samples per Pixel", 1, 4, 1, &samples, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0006), "Planar Configuration", 0, 1, 0, &planar, err)) != RC_OK ||
	    (rc = number(o, TAG(0x0028, 0x0008), "Number of Frames", 0, INT32_MAX, 1, &frames, err)) != RC_OK ||
	    (rc = read_bits(o, im, err)) != RC_OK)
		return rc;
	if (samples == 2)
		return err_set(err, ERR_DATA, "Samples per Pixel is 2");
	if ((rc = walk_text(o, TAG(0x0028, 0x0004), im->photometric, sizeof im->photometric, NULL, err)) != RC_OK)
		return rc;
	if (im->photometric[0] == '\0')
		text_copy(im->photometric, sizeof im->photometric, samples == 1 ? "MONOCHROME2" : "RGB");
	im->rows = (uint32_t)rows;
	im->columns = (uint32_t)columns;
	im->samples = (unsigned)samples;
	im->planar = samples > 1 && planar == 1;
	im->frames = frames > 0 ? (uint32_t)frames : 1;
	im->subsampled = samples == 3 && im->allocated == 8 && (strcmp(im->photometric, "YBR_FULL_422") == 0 ||
	    strcmp(im->photometric, "YBR_PARTIAL_422") == 0);
	return RC_OK;
}

/* Where a frame's bits begin and how many they are, uncompressed (PS3.5 8.1.1, 8.2). */
static uint64_t
frame_bits(const struct codec_image *im)
{
	uint64_t pixels = (uint64_t)im->rows * im->columns;

	/* two pixels share their chroma: PS3.3 C.7.6.3.1.2 */
	return im->subsampled ? pixels * 16 : pixels * im->samples * im->allocated;
}

/* Do all frames fit into the element? 1-bit frames follow each other without padding. */
static int
fits(const struct codec *c, struct err *err)
{
	unsigned __int128 bits = (unsigned __int128)frame_bits(&c->image) * c->image.frames;

	if ((bits + 7) / 8 > c->element->length)
		return err_set(err, ERR_DATA, "less pixel data than rows, columns, frames and bits say");
	return RC_OK;
}

int
codec_open(struct codec **out, const struct object *o, struct err *err)
{
	static const uint32_t tags[] = { TAG_PIXEL_DATA, FLOATS, DOUBLES };
	struct codec *c = calloc(1, sizeof *c);
	struct walk_pixels px = { 0 };
	int rc = RC_OK;

	*out = NULL;
	if (c == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	c->o = o;
	for (size_t i = 0; i < 3 && c->element == NULL; i++) {
		c->element = walk_find(o, tags[i]);
		c->image.is_float = i > 0;
	}
	if (c->element == NULL) {
		rc = err_set(err, ERR_NOINPUT, "no pixel data");
	} else if ((rc = read_image(o, &c->image, err)) == RC_OK && (rc = walk_pixels(o, &px, err)) == RC_OK) {
		c->encapsulated = px.encapsulated;
		rc = px.encapsulated ? codec_fragments(c, px.off, px.bytes, px.fragments, err) : fits(c, err);
	}
	if (rc != RC_OK) {
		codec_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void
codec_close(struct codec *c)
{
	if (c == NULL)
		return;
	free(c->fragments);
	free(c->first);
	free(c);
}

uint32_t
codec_frames(const struct codec *c)
{
	return c->image.frames;
}

static void
swap(uint8_t *p, size_t n, size_t width)
{
	for (; n >= width; n -= width, p += width)
		for (size_t i = 0; i < width / 2; i++) {
			uint8_t b = p[i];
			p[i] = p[width - 1 - i];
			p[width - 1 - i] = b;
		}
}

/* Y1 Y2 Cb Cr for two pixels becomes Y Cb Cr for each. `to` may end where `from` ends. */
static void
spread(const uint8_t *from, uint8_t *to, size_t pixels)
{
	for (size_t i = 0; i + 1 < pixels; i += 2, from += 4) {
		uint8_t v[4] = { from[0], from[1], from[2], from[3] };

		for (size_t k = 0; k < 2; k++, to += 3) {
			to[0] = v[k];
			to[1] = v[2];
			to[2] = v[3];
		}
	}
}

/* Bits from the lowest up (PS3.5 8.1.1), the first one `skip` bits into the bytes. */
static void
unpack_bits(const uint8_t *from, unsigned skip, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[(skip + i) / 8] >> (skip + i) % 8 & 1;
}

/* The bytes of a frame that is not compressed become samples of this machine: in place, or in out->pixels. */
static int
arrange(const struct codec *c, uint8_t *raw, size_t n, unsigned skip, struct codec_frame *out, struct err *err)
{
	const struct codec_image *im = &c->image;
	size_t pixels = (size_t)im->rows * im->columns, width = im->allocated / 8;
	bool big = c->o->form == WALK_EXPLICIT_BE && !c->encapsulated;

	if (width > 1 && big != (__BYTE_ORDER == __BIG_ENDIAN))
		swap(raw, n, width);
	out->bytes = im->allocated == 1 ? pixels * im->samples : im->subsampled ? pixels * 3 : n;
	if (out->bytes == n && im->allocated != 1)
		return RC_OK;
	if (out->bytes > CODEC_FRAME_MAX)
		return err_set(err, ERR_REFUSED, "a frame of %zu MB is not decoded here", out->bytes >> 20);
	out->pixels = calloc(1, out->bytes);
	if (out->pixels == NULL)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	if (im->allocated == 1) {
		unpack_bits(raw, skip, out->pixels, out->bytes);
		out->bits_allocated = 8;
	} else {
		spread(raw, out->pixels, pixels);
		text_copy(out->photometric, sizeof out->photometric, "YBR_FULL");
	}
	return RC_OK;
}

/* The bytes that a frame lies in: the first one's offset in the value, how many, and how many bits of the first are
 * the frame's before. fits() has proved that they are there. */
static void
place(const struct codec *c, uint32_t frame, uint64_t *at, uint64_t *n, unsigned *skip)
{
	uint64_t bits = frame_bits(&c->image), begin = bits * frame;

	*at = begin / 8;
	*skip = (unsigned)(begin % 8);
	*n = (*skip + bits + 7) / 8;
}

/* In words of big endian order (OW) two bytes have changed places; a frame may begin inside a word. */
static int
read_range(const struct codec *c, uint64_t at, size_t n, uint8_t *to, struct err *err)
{
	bool words = c->o->form == WALK_EXPLICIT_BE && c->image.allocated <= 8 && strcmp(c->element->vr, "OW") == 0;
	size_t lead = words ? at & 1 : 0, len = n + lead;
	int rc = RC_OK;

	if (words && len % 2 == 1 && at - lead + len < c->element->length)
		len++;
	rc = stream_read_full(c->o->data, c->element->value + at - lead, to, len, err);
	if (rc == RC_OK && words) {
		swap(to, len, 2);
		memmove(to, to + lead, n);
	}
	return rc;
}

static int
read_plain(const struct codec *c, uint32_t frame, struct codec_frame *out, struct err *err)
{
	uint64_t at = 0, n = 0;
	unsigned skip = 0;
	uint8_t *raw = NULL;
	int rc = RC_OK;

	place(c, frame, &at, &n, &skip);
	if (n > CODEC_FRAME_MAX)
		return err_set(err, ERR_REFUSED, "a frame of %llu MB is not decoded here", (unsigned long long)(n >> 20));
	raw = malloc((size_t)n + 2);
	if (raw == NULL)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	if ((rc = read_range(c, at, (size_t)n, raw, err)) == RC_OK &&
	    (rc = arrange(c, raw, (size_t)n, skip, out, err)) == RC_OK && out->pixels == NULL) {
		out->pixels = raw;
		return RC_OK;
	}
	free(raw);
	return rc;
}

/* Encapsulated but not compressed (PS3.5 A.4.11): the fragments are the frame. */
static int
read_stored(const struct codec *c, uint32_t frame, struct codec_frame *out, struct err *err)
{
	size_t want = (size_t)((frame_bits(&c->image) + 7) / 8), have = 0;
	int rc = codec_compressed(c, frame, &have, err);
	uint8_t *raw = NULL;

	if (rc != RC_OK)
		return rc;
	if (have < want)
		return err_set(err, ERR_DATA, "less pixel data than rows, columns and bits say");
	raw = malloc(have);
	if (raw == NULL)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	if ((rc = codec_gather(c, frame, raw, err)) == RC_OK && (rc = arrange(c, raw, want, 0, out, err)) == RC_OK &&
	    out->pixels == NULL) {
		out->pixels = raw;
		return RC_OK;
	}
	free(raw);
	return rc;
}

int
codec_read(struct codec *c, uint32_t frame, struct codec_frame *out, struct err *err)
{
	const struct codec_image *im = &c->image;
	enum codec_kind kind = codec_kind(c->o->transfer_syntax);
	int rc = RC_OK;

	memset(out, 0, sizeof *out);
	if (frame >= im->frames)
		return err_set(err, ERR_USAGE, "there is no frame %lu", (unsigned long)frame + 1);
	out->columns = im->columns;
	out->rows = im->rows;
	out->samples = im->samples;
	out->bits_allocated = im->allocated;
	out->bits_stored = im->stored;
	out->high_bit = im->high;
	out->is_signed = im->is_signed;
	out->is_float = im->is_float;
	out->planar = im->planar && !im->subsampled;
	text_copy(out->photometric, sizeof out->photometric, im->photometric);
	if (!c->encapsulated)
		rc = read_plain(c, frame, out, err);
	else if (kind == CODEC_NONE)
		rc = err_set(err, ERR_REFUSED, "there is no decoder here for its transfer syntax");
	else if (kind == CODEC_STORED)
		rc = read_stored(c, frame, out, err);
	else if (im->is_float || im->allocated % 8 != 0 || im->allocated > 32)
		rc = err_set(err, ERR_REFUSED, "compressed pixels of %u allocated bits are not decoded here", im->allocated);
	else if (kind == CODEC_RLE)
		rc = codec_rle(c, frame, out, err);
	else
		rc = codec_decode(c, frame, kind, out, err);
	if (rc != RC_OK)
		codec_frame_free(out);
	return rc;
}

int
codec_verify(struct codec *c, uint32_t frame, struct err *err)
{
	struct codec_frame f;
	uint64_t at = 0, n = 0;
	unsigned skip = 0;
	uint8_t *piece = NULL;
	int rc = RC_OK;

	if (c->encapsulated || frame >= c->image.frames) {
		rc = codec_read(c, frame, &f, err);
		codec_frame_free(&f);
		return rc;
	}
	place(c, frame, &at, &n, &skip);
	piece = malloc(PIECE);
	if (piece == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (uint64_t done = 0; rc == RC_OK && done < n; done += PIECE)
		rc = stream_read_full(c->o->data, c->element->value + at + done, piece,
		    n - done < PIECE ? (size_t)(n - done) : PIECE, err);
	free(piece);
	return rc;
}

int
codec_frame(const struct object *o, uint32_t frame, struct codec_frame *out, struct err *err)
{
	struct codec *c = NULL;
	int rc = codec_open(&c, o, err);

	memset(out, 0, sizeof *out);
	if (rc == RC_OK)
		rc = codec_read(c, frame, out, err);
	codec_close(c);
	return rc;
}

void
codec_frame_free(struct codec_frame *f)
{
	free(f->pixels);
	f->pixels = NULL;
	f->bytes = 0;
}
