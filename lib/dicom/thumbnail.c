#include "dicom/thumbnail.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/codec.h"

#define DS_MAX	256	/* bytes: the first of several decimal strings is enough */
#define LUT_MAX	65536	/* entries of a palette, PS3.3 C.7.6.3.1.5 */

/* Palette Color Lookup Table of one channel, scaled to 8 bits. */
struct lut {
	unsigned char *v;
	size_t n;
	long long first;
};

static uint32_t scaled(uint32_t side, uint32_t longest)
{
	uint32_t n = longest <= THUMBNAIL_SIDE ? side : (uint32_t)((uint64_t)side * THUMBNAIL_SIDE / longest);

	return n > 0 ? n : 1;
}

static uint64_t raw_bits(const unsigned char *p, unsigned bytes)
{
	uint8_t a = *p;
	uint16_t b = 0;
	uint32_t c = 0;
	uint64_t d = 0;

	switch (bytes) {
	case 1:
		return a;
	case 2:
		memcpy(&b, p, 2);
		return b;
	case 4:
		memcpy(&c, p, 4);
		return c;
	default:
		memcpy(&d, p, 8);
		return d;
	}
}

static double real_value(const unsigned char *p, unsigned bytes)
{
	float f = 0;
	double d = 0;

	if (bytes == 4) {
		memcpy(&f, p, 4);
		d = f;
	} else if (bytes == 8) {
		memcpy(&d, p, 8);
	}
	return isfinite(d) ? d : 0;
}

/* One stored value (PS3.5 8.1.1): the bits below the high bit; what stands above may be an overlay. */
static double value_at(const struct codec_frame *f, uint32_t x, uint32_t y, unsigned sample)
{
	unsigned bytes = f->bits_allocated / 8;
	uint64_t pixel = (uint64_t)y * f->columns + x;
	uint64_t at = f->planar ? (uint64_t)sample * f->columns * f->rows + pixel : pixel * f->samples + sample;
	const unsigned char *p = (const unsigned char *)f->pixels + at * bytes;
	uint64_t v = 0;

	if (f->is_float)
		return real_value(p, bytes);
	v = raw_bits(p, bytes) >> (f->high_bit + 1 - f->bits_stored);
	if (f->bits_stored < 64)
		v &= ((uint64_t)1 << f->bits_stored) - 1;
	if (f->is_signed && f->bits_stored < 64 && (v >> (f->bits_stored - 1)) != 0)
		return (double)v - (double)((uint64_t)1 << f->bits_stored);
	return f->is_signed ? (double)(int64_t)v : (double)v;
}

/* What value_at() relies on. */
static int sound(const struct codec_frame *f, struct err *err)
{
	uint64_t pixels = (uint64_t)f->columns * f->rows;

	if (pixels == 0 || (f->samples != 1 && f->samples != 3) || f->bits_stored < 1 ||
	    f->bits_stored > f->bits_allocated || f->high_bit >= f->bits_allocated || f->high_bit + 1 < f->bits_stored ||
	    (f->bits_allocated != 8 && f->bits_allocated != 16 && f->bits_allocated != 32 && f->bits_allocated != 64) ||
	    pixels > CODEC_FRAME_MAX || pixels * f->samples * (f->bits_allocated / 8) > f->bytes)
		return err_set(err, ERR_REFUSED, "an image of this form is not shown");
	return RC_OK;
}

/* The mean of the pixels that fall on one of the picture. */
typedef double pixel_fn(const struct codec_frame *, uint32_t x, uint32_t y, unsigned channel, const void *arg);

static double mean(const struct codec_frame *f, const struct thumbnail *t, uint32_t x, uint32_t y, unsigned channel,
    pixel_fn *at, const void *arg)
{
	uint32_t x0 = (uint32_t)((uint64_t)x * f->columns / t->width);
	uint32_t x1 = (uint32_t)((uint64_t)(x + 1) * f->columns / t->width);
	uint32_t y0 = (uint32_t)((uint64_t)y * f->rows / t->height);
	uint32_t y1 = (uint32_t)((uint64_t)(y + 1) * f->rows / t->height);
	double sum = 0;

	for (uint32_t j = y0; j < y1; j++)
		for (uint32_t i = x0; i < x1; i++)
			sum += at(f, i, j, channel, arg);
	return sum / ((double)(x1 - x0) * (y1 - y0));
}

static unsigned char byte(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)(v + 0.5);
}

/* ---- grey ---- */

static bool decimal(const struct object *o, uint32_t tag, double *out)
{
	char text[DS_MAX], *end = NULL;
	struct err ignored = { 0 };
	bool found = false;
	double v = 0;

	if (walk_text(o, tag, text, sizeof(text), &found, &ignored) != RC_OK || !found)
		return false;
	v = strtod(text, &end);
	if (end == text || !isfinite(v))
		return false;
	*out = v;
	return true;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Values between the first and the last hundredth; all of them where that leaves nothing. */
static int spread(const double *v, size_t n, double *low, double *high, struct err *err)
{
	double *sorted = malloc(n * sizeof(*sorted));

	if (!sorted)
		return err_set(err, ERR_TEMP, "no memory for a picture");
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	*low = sorted[n / 100];
	*high = sorted[n - 1 - n / 100];
	if (*low == *high) {
		*low = sorted[0];
		*high = sorted[n - 1];
	}
	free(sorted);
	return RC_OK;
}

/* PS3.3 C.11.2.1.2.1. False: there is none, or it is none. */
static bool window(const struct object *o, double *low, double *high)
{
	double center = 0, width = 0;

	/* a modality LUT gives values that are not computed here */
	if (walk_find(o, TAG(0x0028, 0x3000)) || !decimal(o, TAG(0x0028, 0x1050), &center) ||
	    !decimal(o, TAG(0x0028, 0x1051), &width) || width < 1)
		return false;
	*low = center - 0.5 - (width - 1) / 2;
	*high = center - 0.5 + (width - 1) / 2;
	return true;
}

static bool flat(const unsigned char *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

static void map(struct thumbnail *t, const double *v, double low, double high, bool invert)
{
	for (size_t i = 0; i < (size_t)t->width * t->height; i++) {
		double at = high > low ? (v[i] - low) / (high - low) : v[i] > low ? 1 : v[i] < low ? 0 : 0.5;
		t->pixels[i] = byte(255 * (invert ? 1 - at : at));
	}
}

static double stored(const struct codec_frame *f, uint32_t x, uint32_t y, unsigned channel, const void *arg)
{
	(void)arg;
	return value_at(f, x, y, channel);
}

static int grey(struct thumbnail *t, const struct object *o, const struct codec_frame *f, struct err *err)
{
	size_t n = (size_t)t->width * t->height;
	double *v = malloc(n * sizeof(*v)), slope = 1, intercept = 0, low = 0, high = 0;
	bool invert = strcmp(f->photometric, "MONOCHROME1") == 0, windowed = false;
	int rc = RC_OK;

	if (!v)
		return err_set(err, ERR_TEMP, "no memory for a picture");
	if (!decimal(o, TAG(0x0028, 0x1053), &slope) || slope == 0)
		slope = 1;
	decimal(o, TAG(0x0028, 0x1052), &intercept);
	for (size_t i = 0; i < n; i++)
		v[i] = slope * mean(f, t, (uint32_t)(i % t->width), (uint32_t)(i / t->width), 0, stored, NULL) + intercept;
	if ((windowed = window(o, &low, &high)))
		map(t, v, low, high, invert);
	/* one that leaves nothing to be seen is no help */
	if ((!windowed || flat(t->pixels, n)) && !(rc = spread(v, n, &low, &high, err)))
		map(t, v, low, high, invert);
	free(v);
	return rc;
}

/* ---- colour ---- */

static double rgb(const struct codec_frame *f, uint32_t x, uint32_t y, unsigned channel, const void *arg)
{
	(void)arg;
	return value_at(f, x, y, channel) * 255 / (double)(((uint64_t)1 << f->bits_stored) - 1);
}

/* PS3.3 C.7.6.3.1.2, YBR_FULL */
static double ybr(const struct codec_frame *f, uint32_t x, uint32_t y, unsigned channel, const void *arg)
{
	double l = rgb(f, x, y, 0, arg), cb = rgb(f, x, y, 1, arg) - 128, cr = rgb(f, x, y, 2, arg) - 128;
	double v = channel == 0 ? l + 1.402 * cr : channel == 1 ? l - 0.344136 * cb - 0.714136 * cr : l + 1.772 * cb;

	return v < 0 ? 0 : v > 255 ? 255 : v;
}

static double paletted(const struct codec_frame *f, uint32_t x, uint32_t y, unsigned channel, const void *arg)
{
	const struct lut *l = &((const struct lut *)arg)[channel];
	long long i = (long long)value_at(f, x, y, 0) - l->first;

	return l->v[i < 0 ? 0 : i >= (long long)l->n ? (long long)l->n - 1 : i];
}

static unsigned short_at(const struct object *o, const unsigned char *p)
{
	return o->form == WALK_EXPLICIT_BE ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

/* Descriptor and data of channel c (0 red): PS3.3 C.7.6.3.1.5 and .6. */
static int lut_read(const struct object *o, unsigned c, struct lut *l, struct err *err)
{
	const struct element *how = walk_find(o, TAG(0x0028, 0x1101 + c)), *data = walk_find(o, TAG(0x0028, 0x1201 + c));
	unsigned char d[6], *raw = NULL;
	size_t got = 0;
	unsigned bits = 0;
	bool wide = false;
	int rc = RC_OK;

	if (!how || !data)
		return err_set(err, ERR_REFUSED, "its palette is not one that is shown");
	if ((rc = walk_value(o, how, d, sizeof(d), &got, err)))
		return rc;
	if (got != sizeof(d) || data->length == WALK_UNDEFINED || data->length > 2 * LUT_MAX)
		return err_set(err, ERR_DATA, "its palette is damaged");
	l->n = short_at(o, d) ? short_at(o, d) : LUT_MAX;
	l->first = (int16_t)short_at(o, d + 2);
	bits = short_at(o, d + 4);
	wide = data->length >= 2 * l->n;	/* 8 bits: an entry a byte, or in a word of its own */
	if (bits != 8 && bits != 16)
		return err_set(err, ERR_DATA, "its palette is damaged");
	if (data->length < l->n || (bits == 16 && !wide))
		return err_set(err, ERR_DATA, "its palette is shorter than it says");
	if (!(raw = malloc((size_t)data->length + 1)) || !(l->v = malloc(l->n))) {
		free(raw);
		return err_set(err, ERR_TEMP, "no memory for a palette");
	}
	rc = walk_value(o, data, raw, data->length, &got, err);
	for (size_t i = 0; i < l->n && !rc; i++)
		l->v[i] = !wide ? raw[i] : (unsigned char)(bits == 16 ? short_at(o, raw + 2 * i) >> 8 : short_at(o, raw + 2 * i));
	free(raw);
	return rc;
}

static void paint(struct thumbnail *t, const struct codec_frame *f, pixel_fn *at, const void *arg)
{
	for (uint32_t y = 0; y < t->height; y++)
		for (uint32_t x = 0; x < t->width; x++)
			for (unsigned c = 0; c < 3; c++)
				t->pixels[((size_t)y * t->width + x) * 3 + c] = byte(mean(f, t, x, y, c, at, arg));
}

static int palette(struct thumbnail *t, const struct object *o, const struct codec_frame *f, struct err *err)
{
	struct lut l[3] = { { 0 } };
	int rc = RC_OK;

	for (unsigned c = 0; c < 3 && !rc; c++)
		rc = lut_read(o, c, &l[c], err);
	if (!rc)
		paint(t, f, paletted, l);
	for (unsigned c = 0; c < 3; c++)
		free(l[c].v);
	return rc;
}

static int draw(struct thumbnail *t, const struct object *o, const struct codec_frame *f, struct err *err)
{
	bool indexed = strcmp(f->photometric, "PALETTE COLOR") == 0;
	uint32_t longest = f->columns > f->rows ? f->columns : f->rows;
	int rc = sound(f, err);

	if (rc)
		return rc;
	t->width = scaled(f->columns, longest);
	t->height = scaled(f->rows, longest);
	t->channels = f->samples == 3 || indexed ? 3 : 1;
	if (!(t->pixels = calloc((size_t)t->width * t->height, t->channels)))
		return err_set(err, ERR_TEMP, "no memory for a picture");
	if (indexed && f->samples == 1 && !f->is_float)
		return palette(t, o, f, err);
	if (strncmp(f->photometric, "MONOCHROME", 10) == 0 && f->samples == 1)
		return grey(t, o, f, err);
	if (f->samples == 3 && !f->is_float && !f->is_signed && f->bits_stored <= 16 && strcmp(f->photometric, "RGB") == 0)
		paint(t, f, rgb, NULL);
	else if (f->samples == 3 && !f->is_float && !f->is_signed && f->bits_stored <= 16 &&
	    strncmp(f->photometric, "YBR_FULL", 8) == 0)
		paint(t, f, ybr, NULL);
	else
		rc = err_set(err, ERR_REFUSED, "colours of this kind are not shown");
	return rc;
}

int thumbnail_make(struct thumbnail *t, const struct object *o, struct err *err)
{
	struct codec_frame f = { 0 };
	struct codec *c = NULL;
	int rc = codec_open(&c, o, err);

	memset(t, 0, sizeof(*t));
	if (!rc && !(rc = codec_read(c, codec_frames(c) / 2, &f, err)))
		rc = draw(t, o, &f, err);
	codec_frame_free(&f);
	codec_close(c);
	if (rc)
		thumbnail_free(t);
	return rc;
}

void thumbnail_free(struct thumbnail *t)
{
	free(t->pixels);
	memset(t, 0, sizeof(*t));
}

int thumbnail_png(const struct thumbnail *t, struct buf *out, struct err *err)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .width = t->width, .height = t->height,
	    .format = t->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY };
	png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
	int rc = buf_grow(out, n, err);

	if (rc)
		return rc;
	if (!png_image_write_to_memory(&image, out->data + out->len, &n, 0, t->pixels, 0, NULL)) {
		png_image_free(&image);
		return err_set(err, ERR_TEMP, "the picture could not be written");
	}
	out->len += n;
	out->data[out->len] = '\0';
	return RC_OK;
}
