/* A picture of a synthetic object: which pixels come of which values. */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dicom/codec.h"
#include "dicom/thumbnail.h"
#include "test.h"

#define SIDE	320	/* twice the picture's */

struct file { unsigned char *p; size_t n; };

static void add(struct file *f, const void *p, size_t n)
{
	f->p = realloc(f->p, f->n + n);
	assert_non_null(f->p);
	memcpy(f->p + f->n, p, n);
	f->n += n;
}

static void element(struct file *f, unsigned group, unsigned number, const char *vr, const void *value, size_t n)
{
	unsigned char head[12] = { (unsigned char)group, (unsigned char)(group >> 8), (unsigned char)number,
		(unsigned char)(number >> 8), (unsigned char)vr[0], (unsigned char)vr[1] };
	bool wide = !strcmp(vr, "OB") || !strcmp(vr, "OW");

	for (int i = 0; i < (wide ? 4 : 2); i++)
		head[(wide ? 8 : 6) + i] = (unsigned char)(n >> 8 * i);
	add(f, head, wide ? 12 : 8);
	add(f, value, n);
}

static void text(struct file *f, unsigned group, unsigned number, const char *vr, const char *value)
{
	char even[128] = "";
	size_t n = strlen(value) + strlen(value) % 2;

	memset(even, !strcmp(vr, "UI") ? '\0' : ' ', sizeof(even));
	memcpy(even, value, strlen(value));
	element(f, group, number, vr, even, n);
}

static void number(struct file *f, unsigned element_number, unsigned value)
{
	unsigned char v[2] = { (unsigned char)value, (unsigned char)(value >> 8) };

	element(f, 0x0028, element_number, "US", v, 2);
}

/* The meta group and the image attributes that come before the pixels. window "": none. */
static void begin(struct file *f, const char *photometric, unsigned samples, unsigned bits, const char *window)
{
	char preamble[132] = "";

	memset(f, 0, sizeof(*f));
	memcpy(preamble + 128, "DICM", 4);
	add(f, preamble, sizeof(preamble));
	text(f, 2, 0x10, "UI", "1.2.840.10008.1.2.1");
	text(f, 8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.7");
	text(f, 8, 0x18, "UI", "2.25.1");
	number(f, 0x0002, samples);
	text(f, 0x28, 0x0004, "CS", photometric);
	if (samples > 1)
		number(f, 0x0006, 0);
	number(f, 0x0010, SIDE);
	number(f, 0x0011, SIDE);
	number(f, 0x0100, bits);
	number(f, 0x0101, bits);
	number(f, 0x0102, bits - 1);
	number(f, 0x0103, 0);
	if (*window) {
		text(f, 0x28, 0x1050, "DS", window);
		text(f, 0x28, 0x1051, "DS", "256\\1");	/* of several, the first */
		text(f, 0x28, 0x1052, "DS", "-1000");
		text(f, 0x28, 0x1053, "DS", "2");
	}
}

/* 16 bits that grow from 0 to SIDE - 1 with the column. */
static void gradient(struct file *f)
{
	static unsigned char p[SIDE * SIDE * 2];

	for (unsigned i = 0; i < SIDE * SIDE; i++) {
		p[2 * i] = (unsigned char)(i % SIDE);
		p[2 * i + 1] = (unsigned char)(i % SIDE >> 8);
	}
	element(f, 0x7fe0, 0x0010, "OW", p, sizeof(p));
}

static int make(struct file *f, struct thumbnail *t, struct err *err)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	int rc = RC_OK;

	assert_int_equal(codec_load(err), RC_OK);
	assert_int_equal(stream_mem(&s, f->p, f->n, err), RC_OK);
	assert_int_equal(walk_open(&o, s, err), RC_OK);
	rc = thumbnail_make(t, o, err);
	walk_close(o);
	stream_close(s);
	free(f->p);
	return rc;
}

static void windowed(void **state)
{
	struct thumbnail t;
	struct err err = { 0 };
	struct file f;

	(void)state;
	/* values -1000 … -362; the window shows -873 (black) to -618 (white) */
	begin(&f, "MONOCHROME2", 1, 16, "-745\\40");
	gradient(&f);
	assert_int_equal(make(&f, &t, &err), RC_OK);
	assert_int_equal(t.width, 160);
	assert_int_equal(t.height, 160);
	assert_int_equal(t.channels, 1);
	assert_int_equal(t.pixels[0], 0);
	assert_int_equal(t.pixels[31], 0);	/* columns 62 and 63: -875 */
	assert_int_equal(t.pixels[64], 130);	/* 128 and 129: -743, 130 above black of 255 */
	assert_int_equal(t.pixels[159 * 160 + 64], 130);
	assert_int_equal(t.pixels[96], 255);	/* 192 and 193: -615 */
	thumbnail_free(&t);
}

static void without_a_window(void **state)
{
	struct thumbnail t, inverted;
	struct err err = { 0 };
	struct file f;

	(void)state;
	begin(&f, "MONOCHROME2", 1, 16, "");
	gradient(&f);
	assert_int_equal(make(&f, &t, &err), RC_OK);
	begin(&f, "MONOCHROME1", 1, 16, "");
	gradient(&f);
	assert_int_equal(make(&f, &inverted, &err), RC_OK);
	assert_int_equal(t.pixels[0], 0);
	assert_int_equal(t.pixels[159], 255);
	assert_in_range(t.pixels[80], 127, 130);
	for (int i = 0; i < 160; i++)
		assert_in_range(t.pixels[i] + inverted.pixels[i], 255, 256);
	thumbnail_free(&t);
	thumbnail_free(&inverted);
	/* a window in which nothing is seen is none */
	begin(&f, "MONOCHROME2", 1, 16, "30000");
	gradient(&f);
	assert_int_equal(make(&f, &t, &err), RC_OK);
	assert_int_equal(t.pixels[0], 0);
	assert_int_equal(t.pixels[159], 255);
	thumbnail_free(&t);
}

/* Every pixel the same three bytes; what comes of them. */
static void colour(const char *photometric, const unsigned char in[3], const unsigned char out[3])
{
	static unsigned char p[SIDE * SIDE * 3];
	struct thumbnail t;
	struct err err = { 0 };
	struct file f;

	for (unsigned i = 0; i < SIDE * SIDE; i++)
		memcpy(p + 3 * i, in, 3);
	begin(&f, photometric, 3, 8, "");
	element(&f, 0x7fe0, 0x0010, "OW", p, sizeof(p));
	assert_int_equal(make(&f, &t, &err), RC_OK);
	assert_int_equal(t.channels, 3);
	for (int c = 0; c < 3; c++)
		assert_in_range(t.pixels[c], out[c] - 1, out[c] + 1);
	thumbnail_free(&t);
}

static void colours(void **state)
{
	static const unsigned char red[3] = { 254, 1, 1 }, ybr_red[3] = { 76, 85, 255 }, as_it_is[3] = { 10, 200, 77 };

	(void)state;
	colour("RGB", as_it_is, as_it_is);
	colour("YBR_FULL", ybr_red, red);
}

/* Index 1 is green, all others are blue; both forms of 8-bit entries. */
static void palettes(void **state)
{
	static unsigned char p[SIDE * SIDE];
	unsigned char how[6] = { 4, 0, 0, 0, 16, 0 };
	static const unsigned char none[8] = { 0 }, green[8] = { 0, 0, 0, 0xff };
	static const unsigned char blue[8] = { 0, 0xff, 0, 0, 0, 0xff, 0, 0xff };
	struct thumbnail t;
	struct err err = { 0 };
	struct file f;

	(void)state;
	memset(p, 1, sizeof(p) / 2);
	for (int cut = 0; cut < 2; cut++) {
		begin(&f, "PALETTE COLOR", 1, 8, "");
		for (unsigned c = 0; c < 3; c++)
			element(&f, 0x28, 0x1101 + c, "US", how, 6);
		element(&f, 0x28, 0x1201, "OW", none, 8);
		element(&f, 0x28, 0x1202, "OW", green, 8);
		element(&f, 0x28, 0x1203, "OW", blue, cut ? 6 : 8);
		element(&f, 0x7fe0, 0x0010, "OW", p, sizeof(p));
		if (cut) {
			assert_int_equal(make(&f, &t, &err), RC_FAILED);
			assert_int_equal(err.kind, ERR_DATA);
			continue;
		}
		assert_int_equal(make(&f, &t, &err), RC_OK);
		assert_memory_equal(t.pixels, "\0\xff\0", 3);
		assert_memory_equal(t.pixels + (160 * 160 - 1) * 3, "\0\0\xff", 3);
		thumbnail_free(&t);
	}
}

static void nothing_to_show(void **state)
{
	struct thumbnail t;
	struct err err = { 0 };
	struct file f;

	(void)state;
	begin(&f, "MONOCHROME2", 1, 16, "");
	assert_int_equal(make(&f, &t, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_null(t.pixels);
}

static void png(void **state)
{
	unsigned char pixels[6] = { 1, 2, 3, 4, 5, 6 };
	struct thumbnail t = { .width = 2, .height = 1, .channels = 3, .pixels = pixels };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(thumbnail_png(&t, &b, &err), RC_OK);
	assert_memory_equal(b.data, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\2\0\0\0\1\x08\2", 26);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(windowed), cmocka_unit_test(without_a_window),
		cmocka_unit_test(colours), cmocka_unit_test(palettes), cmocka_unit_test(nothing_to_show), cmocka_unit_test(png) };

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	codec_unload();
	return failed;
}
