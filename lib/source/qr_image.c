#include <ctype.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <png.h>
#include "source/qr.h"

#define PIXELS_MAX	((size_t)64 << 20)	/* of one picture: a phone makes 50 million */
#define SIDE_MAX	30000u

static int
bad(struct err *err, const char *what)
{
	err_set(err, ERR_DATA, "the %s is broken", what);
	err_advise(err, "scan or photograph the letter again");
	return err_rc(ERR_DATA);
}

static int
room(struct qr_image *im, unsigned w, unsigned h, struct err *err)
{
	if (w == 0 || h == 0 || w > SIDE_MAX || h > SIDE_MAX || (size_t)w * h > PIXELS_MAX) {
		err_set(err, ERR_DATA, "a picture of more than %zu million pixels", PIXELS_MAX >> 20);
		err_advise(err, "scan it with fewer: 300 dpi are enough");
		return err_rc(ERR_DATA);
	}
	im->width = w;
	im->height = h;
	im->grey = malloc((size_t)w * h);
	return im->grey != NULL ? RC_OK : err_set(err, ERR_TEMP, "not enough memory for the picture");
}

int
qr_decode_png(const unsigned char *p, size_t n, struct qr_image *im, struct err *err)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	png_color white = { 255, 255, 255 };	/* what is transparent is paper */
	int rc = RC_OK;

	memset(im, 0, sizeof(*im));
	if (png_image_begin_read_from_memory(&png, p, n) == 0)
		return bad(err, "PNG image");
	png.format = PNG_FORMAT_GRAY;
	rc = room(im, png.width, png.height, err);
	if (rc == RC_OK && png_image_finish_read(&png, &white, im->grey, (png_int_32)png.width, NULL) == 0) {
		free(im->grey);
		im->grey = NULL;
		rc = bad(err, "PNG image");
	}
	png_image_free(&png);
	return rc;
}

struct jpeg_trouble { struct jpeg_error_mgr base; jmp_buf out; };

static void
jpeg_stop(j_common_ptr c)
{
	longjmp(((struct jpeg_trouble *)c->err)->out, 1);
}

static void
jpeg_silent(j_common_ptr c)
{
	(void)c;
}

/* Apart from what longjmp would tear: rows into memory that is already there. */
static int
jpeg_rows(struct jpeg_decompress_struct *j, struct qr_image *im, struct err *err)
{
	JSAMPROW row = NULL;
	int rc = RC_OK;

	jpeg_read_header(j, TRUE);
	j->out_color_space = JCS_GRAYSCALE;
	if ((rc = room(im, j->image_width, j->image_height, err)) != RC_OK)
		return rc;
	jpeg_start_decompress(j);
	while (j->output_scanline < j->output_height) {
		row = im->grey + (size_t)j->output_scanline * im->width;
		jpeg_read_scanlines(j, &row, 1);
	}
	jpeg_finish_decompress(j);
	return RC_OK;
}

int
qr_decode_jpeg(const unsigned char *p, size_t n, struct qr_image *im, struct err *err)
{
	struct jpeg_decompress_struct j = { 0 };
	struct jpeg_trouble trouble;
	int rc = RC_OK;

	memset(im, 0, sizeof(*im));
	j.err = jpeg_std_error(&trouble.base);
	trouble.base.error_exit = jpeg_stop;
	trouble.base.output_message = jpeg_silent;
	if (setjmp(trouble.out) != 0) {
		jpeg_destroy_decompress(&j);
		free(im->grey);
		im->grey = NULL;
		return bad(err, "JPEG image");
	}
	jpeg_create_decompress(&j);
	j.mem->max_memory_to_use = (long)PIXELS_MAX * 2;	/* a progressive one holds all coefficients */
	jpeg_mem_src(&j, p, n);
	rc = jpeg_rows(&j, im, err);
	jpeg_destroy_decompress(&j);
	return rc;
}

static bool
number(const unsigned char *p, size_t n, size_t *at, unsigned *out)
{
	while (*at < n && isspace(p[*at]))
		++*at;
	for (*out = 0; *at < n && isdigit(p[*at]) && *out <= SIDE_MAX; ++*at)
		*out = *out * 10 + (p[*at] - '0');
	return *at < n && isspace(p[*at]) && *out > 0 && *out <= SIDE_MAX;
}

int
qr_decode_pgm(const unsigned char *p, size_t n, struct qr_image *im, size_t *used, struct err *err)
{
	unsigned w = 0, h = 0, top = 0;
	size_t at = 2;
	int rc = RC_OK;

	memset(im, 0, sizeof(*im));
	if (n < 2 || memcmp(p, "P5", 2) != 0 || !number(p, n, &at, &w) || !number(p, n, &at, &h) ||
	    !number(p, n, &at, &top) || top != 255 || n - ++at < (size_t)w * h)
		return bad(err, "page made of the PDF");
	if ((rc = room(im, w, h, err)) != RC_OK)
		return rc;
	memcpy(im->grey, p + at, (size_t)w * h);
	*used = at + (size_t)w * h;
	return RC_OK;
}
