/* Inside of dicom/codec: what is known of an image, and where its frames lie. */
#ifndef MRI_DICOM_CODEC_IMPL_H
#define MRI_DICOM_CODEC_IMPL_H

#include "dicom/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

struct codec_image {		/* PS3.3 C.7.6.3.1, checked */
	uint32_t rows, columns;	/* 1 to 65535 */
	unsigned samples;	/* 1, 3, 4 */
	unsigned allocated, stored, high;	/* allocated: 1, 8, 16, 32, 64; high < allocated */
	bool is_signed, is_float, planar, subsampled;
	char photometric[17];
	uint32_t frames;
};

struct fragment { uint64_t item, off; uint32_t bytes; };	/* item: of its tag; off: of its value */

struct codec {
	const struct object *o;
	struct codec_image image;
	const struct element *element;	/* of the pixel data */
	bool encapsulated;
	struct fragment *fragments; uint32_t nfragments;
	uint32_t *first;	/* of each frame, and one past the last; NULL: it cannot be told */
	char untold[160];	/* why */
};

/* Places of the fragments and which are whose; needs image.frames. */
int codec_fragments(struct codec *, uint64_t first, uint64_t bytes, uint32_t count, struct err *);
/* Bytes of the fragments of a frame; ERR_REFUSED when nobody can tell or they are too many. */
int codec_compressed(const struct codec *, uint32_t frame, size_t *bytes, struct err *);
int codec_gather(const struct codec *, uint32_t frame, uint8_t *to, struct err *);

/* Start of frame of a JPEG or JPEG-LS stream (ISO 10918-1 B.2.2, 14495-1 C.2.2). */
struct codec_sof { uint32_t rows, columns; unsigned samples, precision; };
int codec_sof(const uint8_t *, size_t, struct codec_sof *, struct err *);

/* The codec for a transfer syntax. */
enum codec_kind { CODEC_NONE, CODEC_STORED, CODEC_RLE, CODEC_JPEG, CODEC_JPEGLS };
enum codec_kind codec_kind(const char *transfer_syntax);
/* One frame; out has what the object says. Pixels are allocated, also on failure: the caller frees. */
int codec_rle(const struct codec *, uint32_t frame, struct codec_frame *out, struct err *);
int codec_decode(const struct codec *, uint32_t frame, enum codec_kind, struct codec_frame *, struct err *);

#ifdef __cplusplus
}
#endif
#endif
