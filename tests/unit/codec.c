/* Frames: uncompressed in each form, each codec, which fragments are whose, and what is hostile. */
#include <stdio.h>
#include "object.h"
#include "base/buf.h"
#include "dicom/codec.h"

#define LE	WALK_EXPLICIT_LE
#define RLE	"1.2.840.10008.1.2.5"
#define SV1	"1.2.840.10008.1.2.4.70"
#define JPEG	"1.2.840.10008.1.2.4.50"
#define JPEGLS	"1.2.840.10008.1.2.4.80"
#define J2K	"1.2.840.10008.1.2.4.90"
#define STORED	"1.2.840.10008.1.2.1.98"

/* 4 x 4 pixels, and the same by the encoders of DCMTK. */
static const uint8_t pixels[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 48, 64, 80, 96, 112, 128 };
static const uint8_t lossless[84] = { 0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01,
	0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0xff, 0xc3, 0x00, 0x0b, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01,
	0x11, 0x00, 0xff, 0xc4, 0x00, 0x18, 0x00, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x05, 0x07, 0x03, 0x04, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x01,
	0x00, 0x00, 0xc0, 0x15, 0xe8, 0xaf, 0xae, 0x85, 0x0a, 0x1a, 0x05, 0x0a, 0x14, 0x3f, 0xff, 0xff, 0xd9 };
static const uint8_t jpegls[44] = { 0xff, 0xd8, 0xff, 0xf7, 0x00, 0x0b, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01,
	0x11, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x5b, 0x69, 0x34, 0xc0, 0xc0, 0x10,
	0x02, 0x00, 0x40, 0x00, 0x00, 0x17, 0xf0, 0x08, 0xf0, 0x04, 0xff, 0xff, 0xd9 };
#define SOF_AT	20	/* of the marker in `lossless` */
#define SCAN_AT	69	/* of its coded data */

/* An image under construction. */
struct image {
	const char *syntax;
	enum walk_form form;
	unsigned rows, columns, samples, bits, frames, planar;
	const char *photometric;
	const void *value; size_t n;	/* uncompressed */
	const char *vr;
	struct buf fragments;		/* items, the table first; n == 0 */
};

static struct image im;
static struct buf bytes = BUF_INIT(1 << 20);
static struct stream *stream;
static struct object *object;
static struct codec *codec;
static struct codec_frame frame;
static struct err err;

static void begin(const char *syntax, enum walk_form form)
{
	buf_free(&im.fragments);
	im = (struct image){ syntax, form, 4, 4, 1, 8, 1, 0, "MONOCHROME2", pixels, sizeof pixels, "OB", BUF_INIT(1 << 16) };
}

static void short_of(uint32_t tag, unsigned v)
{
	ob_head(&bytes, im.form, tag, "US", 2);
	ob_16(&bytes, im.form, v);
}

static void string_of(uint32_t tag, const char *vr, const char *v)
{
	char even[64];
	int n = snprintf(even, sizeof even, "%s", v);

	if (n & 1)
		even[n++] = ' ';
	ob_raw(&bytes, im.form, tag, vr, even, (size_t)n);
}

static void write_it(void)
{
	char count[16];

	buf_clear(&bytes);
	ob_meta(&bytes, im.syntax);
	string_of(0x00080016, "UI", "1.2.34");
	short_of(0x00280002, im.samples);
	string_of(0x00280004, "CS", im.photometric);
	short_of(0x00280006, im.planar);
	snprintf(count, sizeof count, "%u", im.frames);
	string_of(0x00280008, "IS", count);
	short_of(0x00280010, im.rows);
	short_of(0x00280011, im.columns);
	short_of(0x00280100, im.bits);
	short_of(0x00280101, im.bits);
	short_of(0x00280102, im.bits - 1);
	short_of(0x00280103, 0);
	if (im.fragments.len == 0) {
		ob_raw(&bytes, im.form, 0x7fe00010, im.vr, im.value, im.n);
		return;
	}
	ob_head(&bytes, im.form, 0x7fe00010, "OB", UINT32_MAX);
	ob_bytes(&bytes, im.fragments.data, im.fragments.len);
	ob_head(&bytes, im.form, 0xfffee0dd, "", 0);
}

static int open_it(void)
{
	write_it();
	memset(&err, 0, sizeof err);
	must(stream_mem(&stream, bytes.data, bytes.len, &err), &err);
	must(walk_open(&object, stream, &err), &err);
	return codec_open(&codec, object, &err);
}

static void close_it(void)
{
	codec_close(codec);
	walk_close(object);
	stream_close(stream);
	codec = NULL;
}

static void fragment(const void *p, size_t n)
{
	ob_head(&im.fragments, LE, 0xfffee000, "", (uint32_t)(n + (n & 1)));
	ob_bytes(&im.fragments, p, n);
	if (n & 1)
		ob_bytes(&im.fragments, "", 1);
}

static void table(const uint32_t *v, size_t n)
{
	ob_head(&im.fragments, LE, 0xfffee000, "", (uint32_t)(4 * n));
	for (size_t i = 0; i < n; i++)
		ob_32(&im.fragments, LE, v[i]);
}

static void gives(uint32_t n, const void *want, size_t len)
{
	must(codec_verify(codec, n, &err), &err);
	must(codec_read(codec, n, &frame, &err), &err);
	assert_int_equal(frame.bytes, len);
	assert_memory_equal(frame.pixels, want, len);
	codec_frame_free(&frame);
}

static void one(const void *want, size_t len)
{
	must(open_it(), &err);
	gives(0, want, len);
	close_it();
}

static void fails(uint32_t n, enum err_kind kind, const char *why)
{
	int rc = open_it();

	frame.pixels = NULL;
	if (rc == RC_OK)
		rc = codec_read(codec, n, &frame, &err);
	if (rc != RC_FAILED)
		fail_msg("%d instead of '%s'", rc, why);
	if (err.kind != kind || strstr(err.text, why) == NULL)
		fail_msg("'%s' (kind %d) instead of '%s'", err.text, err.kind, why);
	assert_null(frame.pixels);
	close_it();
}

static void uncompressed(void **state)
{
	static const uint8_t big[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t swapped[6] = { 2, 1, 4, 3, 6, 5 };
	static const uint8_t little[8] = { 2, 1, 4, 3, 6, 5, 8, 7 };
	static const uint8_t bits[2] = { 0x5a, 0x03 }, first[5] = { 0, 1, 0, 1, 1 }, second[5] = { 0, 1, 0, 1, 1 };
	static const uint8_t chroma[8] = { 10, 20, 128, 129, 30, 40, 130, 131 };
	static const uint8_t full[12] = { 10, 128, 129, 20, 128, 129, 30, 130, 131, 40, 130, 131 };

	(void)state;
	begin("1.2.840.10008.1.2.1", LE);
	im.frames = 4;
	im.rows = 1;
	must(open_it(), &err);
	assert_int_equal(codec_frames(codec), 4);
	gives(0, pixels, 4);
	gives(3, pixels + 12, 4);
	assert_int_not_equal(codec_read(codec, 4, &frame, &err), RC_OK);
	assert_int_equal(err.kind, ERR_USAGE);
	close_it();

	begin("1.2.840.10008.1.2.2", WALK_EXPLICIT_BE); /* 16 bits in the other order */
	im.bits = 16, im.rows = 1, im.value = big, im.n = 8, im.vr = "OW";
	one(little, 8);
	im.bits = 8, im.rows = 1, im.columns = 3, im.frames = 2; /* bytes in words of the other order, odd frames */
	im.value = swapped, im.n = 6;
	must(open_it(), &err);
	gives(0, big, 3);
	gives(1, big + 3, 3);
	close_it();

	begin("1.2.840.10008.1.2", WALK_IMPLICIT_LE); /* bits: the second frame begins inside a byte */
	im.bits = 1, im.rows = 1, im.columns = 5, im.frames = 2, im.value = bits, im.n = 2;
	must(open_it(), &err);
	gives(0, first, 5);
	gives(1, second, 5);
	close_it();

	begin("1.2.840.10008.1.2.1", LE); /* shared chroma is spread */
	im.samples = 3, im.photometric = "YBR_FULL_422", im.rows = 2, im.columns = 2, im.value = chroma, im.n = 8;
	must(open_it(), &err);
	gives(0, full, 12);
	must(codec_read(codec, 0, &frame, &err), &err);
	assert_string_equal(frame.photometric, "YBR_FULL");
	codec_frame_free(&frame);
	close_it();
}

static void each_codec(void **state)
{
	uint8_t rle[64 + 18] = { 1, 0, 0, 0, 64, 0, 0, 0 };

	(void)state;
	rle[64] = 15;
	memcpy(rle + 65, pixels, 16);
	begin(RLE, LE);
	table(NULL, 0);
	fragment(rle, sizeof rle);
	one(pixels, 16);
	rle[0] = 2, rle[4] = 64, rle[8] = 68; /* runs, a no-op, 16 bits: the high byte first */
	memcpy(rle + 64, "\xfd\x01\x80\x00\xfe\x02\x00\x03", 8);
	begin(RLE, LE);
	im.rows = 1, im.bits = 16;
	table(NULL, 0);
	fragment(rle, 72);
	one("\x02\x01\x02\x01\x02\x01\x03\x01", 8);
	begin(SV1, LE);
	table(NULL, 0);
	fragment(lossless, sizeof lossless);
	one(pixels, 16);
	begin(JPEGLS, LE);
	table(NULL, 0);
	fragment(jpegls, sizeof jpegls);
	one(pixels, 16);
	begin(STORED, LE);
	table(NULL, 0);
	fragment(pixels, sizeof pixels);
	one(pixels, 16);
	begin(J2K, LE);
	table(NULL, 0);
	fragment("\xff\x4f\xff\x51", 4);
	fails(0, ERR_REFUSED, "no decoder here");
}

/* Two frames of which the first has two fragments. */
static void halves(const uint32_t *offsets)
{
	table(offsets, offsets != NULL ? 2 : 0);
	fragment(lossless, 40);
	fragment(lossless + 40, sizeof lossless - 40);
	fragment(lossless, sizeof lossless);
	im.frames = 2;
}

static void whose_fragment(void **state)
{
	static const uint32_t good[2] = { 0, 48 + 8 + sizeof lossless - 40 }, wild[2] = { 0, 17 };
	static const uint32_t *const tables[] = { good, wild, NULL };

	(void)state;
	for (size_t i = 0; i < 3; i++) { /* a table that points nowhere is not believed */
		begin(SV1, LE);
		halves(tables[i]);
		must(open_it(), &err);
		gives(0, pixels, 16);
		gives(1, pixels, 16);
		close_it();
	}
	begin(SV1, LE);
	table(NULL, 0);
	fragment(lossless, 30);
	fragment(lossless + 30, 20);
	fragment(lossless + 50, sizeof lossless - 50);
	one(pixels, 16); /* one frame: all of them */
	im.frames = 2;
	fails(1, ERR_REFUSED, "is not said by an offset table");
	im.frames = 4;
	fails(0, ERR_DATA, "4 frames in 3 compressed fragments");
	im.frames = 2000000000;
	fails(0, ERR_DATA, "2000000000 frames");
}

static void lossless_as(size_t at, uint8_t v, size_t n, enum err_kind kind, const char *why)
{
	uint8_t copy[sizeof lossless];

	memcpy(copy, lossless, sizeof copy);
	copy[at] = v;
	begin(SV1, LE);
	table(NULL, 0);
	fragment(copy, n);
	if (why != NULL)
		fails(0, kind, why);
	else
		one(pixels, 16);
}

static void rle_fails(const uint8_t *rle, size_t n, const char *why)
{
	begin(RLE, LE);
	table(NULL, 0);
	fragment(rle, n);
	fails(0, ERR_DATA, why);
}

static void hostile(void **state)
{
	uint8_t seven[sizeof jpegls];
	uint8_t rle[64 + 4] = { 1, 0, 0, 0, 64, 0, 0, 0, [64] = 15, 1, 2, 3 };

	(void)state;
	lossless_as(0, 0xff, sizeof lossless - 2, ERR_NONE, NULL); /* only its end is missing */
	lossless_as(0, 0xff, SCAN_AT + 4, ERR_DATA, "it does not decode");
	lossless_as(0, 0xff, SOF_AT + 4, ERR_DATA, "without a start of frame");
	lossless_as(0, 0x00, sizeof lossless, ERR_DATA, "does not begin like JPEG");
	lossless_as(SOF_AT + 5, 0xff, sizeof lossless, ERR_DATA, "4 x 65284 pixels");
	lossless_as(SOF_AT + 7, 0xff, sizeof lossless, ERR_DATA, "65284 x 4 pixels");
	lossless_as(SOF_AT + 9, 3, sizeof lossless, ERR_DATA, "of 3 samples");
	lossless_as(SOF_AT + 4, 16, sizeof lossless, ERR_DATA, "16 bits a sample, the object allocates 8");
	lossless_as(SOF_AT + 1, 0xd9, sizeof lossless, ERR_DATA, "without a start of frame");
	lossless_as(SOF_AT + 1, 0x01, sizeof lossless, ERR_REFUSED, "the marker TEM"); /* no end else */
	rle_fails(rle, sizeof rle, "segment 1 of the RLE frame ends early");
	rle[64] = 3, rle[4] = 68; /* offsets: at the end, past it, inside the header; too many segments */
	rle_fails(rle, sizeof rle, "ends early");
	rle[4] = 69;
	rle_fails(rle, sizeof rle, "outside of it");
	rle[4] = 63;
	rle_fails(rle, sizeof rle, "outside of it");
	rle[0] = 2;
	rle_fails(rle, sizeof rle, "2 segments instead of 1");
	rle_fails(rle, 62, "0 segments");
	memcpy(seven, jpegls, sizeof seven);
	seven[6] = 7;
	begin(JPEGLS, LE);
	table(NULL, 0);
	fragment(seven, sizeof seven);
	fails(0, ERR_REFUSED, "7 bits a sample");
	begin(SV1, LE); /* what JPEG cannot be */
	table(NULL, 0);
	fragment(lossless, sizeof lossless);
	im.bits = 64;
	fails(0, ERR_REFUSED, "64 allocated bits");
	begin(SV1, LE);
	table(NULL, 0);
	fragment("", 0);
	fails(0, ERR_DATA, "empty");
	begin(RLE, LE);
	table(NULL, 0);
	fragment(rle, sizeof rle);
	im.rows = im.columns = 65535;
	fails(0, ERR_REFUSED, "4095 MB is not decoded here");
}

static void attributes(void **state)
{
	(void)state;
	begin("1.2.840.10008.1.2.1", LE);
	im.rows = 5;
	fails(0, ERR_DATA, "less pixel data");
	begin("1.2.840.10008.1.2.1", LE);
	im.rows = 0;
	fails(0, ERR_DATA, "Rows is 0");
	begin("1.2.840.10008.1.2.1", LE);
	im.samples = 2;
	fails(0, ERR_DATA, "Samples per Pixel is 2");
	begin("1.2.840.10008.1.2.1", LE);
	im.bits = 12;
	fails(0, ERR_REFUSED, "12 allocated bits");
	begin("1.2.840.10008.1.2.1", LE);
	im.rows = im.columns = 65535, im.frames = 2147483647;
	fails(0, ERR_DATA, "less pixel data");
}

static int load(void **state)
{
	(void)state;
	return codec_load(&err) == RC_OK && codec_load(&err) == RC_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uncompressed),
		cmocka_unit_test(each_codec),
		cmocka_unit_test(whose_fragment),
		cmocka_unit_test(hostile),
		cmocka_unit_test(attributes),
	};
	int rc = cmocka_run_group_tests(tests, load, NULL);

	buf_free(&bytes);
	buf_free(&im.fragments);
	codec_unload();
	return rc;
}
