/*
 * Frames of pixel data, decoded one at a time: JPEG and JPEG-LS by DCMTK's
 * codecs behind a C header, RLE by our own; what is not compressed is read.
 *
 *	codec_load(err);				once, before the jail is locked
 *	codec_open(&c, object, err);
 *	for (f = 0; f < codec_frames(c); f++) { codec_read(c, f, &frame, err); …; codec_frame_free(&frame); }
 *	codec_close(c);
 *
 * DCMTK never sees the object itself: it gets a data set of our own with the
 * image's checked numbers (PS3.3 C.7.6.3.1) and the fragments of one frame
 * (PS3.5 A.4), after their own header was held against those numbers. Call it
 * in a jailed worker all the same: codecs trust what they unpack.
 *
 * Errors: ERR_DATA the frame is damaged or contradicts its object; ERR_REFUSED
 * it cannot be decoded here (no codec, too large, nobody can tell which
 * fragments are the frame's): that says nothing against the data.
 */
#ifndef MRI_DICOM_CODEC_H
#define MRI_DICOM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dicom/walk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a decoded frame, and of a compressed one: a mammogram of 24 megapixels and 16 bits has 48 MB,
 * the largest of 4 samples that a worker of 256 MB can hold beside its compressed bytes is this. */
#define CODEC_FRAME_MAX ((size_t)128 << 20)

/* Samples in the order of this machine. 1-bit pixels come as bytes of 0 and 1; subsampled chroma
 * (YBR_FULL_422) is spread to full. JPEG in YBR comes as RGB: `photometric` and the bits say what is here,
 * not what the object says. */
struct codec_frame {
	uint32_t columns, rows;
	unsigned samples, bits_allocated, bits_stored, high_bit;	/* bits_allocated: 8, 16, 32, 64 */
	bool is_signed, is_float;
	char photometric[17];
	bool planar;		/* samples by plane, not by pixel */
	void *pixels;		/* codec_frame_free() */
	size_t bytes;
};

struct codec;

int codec_load(struct err *);		/* decoders and dictionary; idempotent */
void codec_unload(void);		/* for who ends in order (tests); a worker just ends */

/* Pixel attributes and the places of the fragments. The object is borrowed, and outlives it.
 * An object without pixel data: ERR_NOINPUT. */
int codec_open(struct codec **, const struct object *, struct err *);
void codec_close(struct codec *);	/* NULL is fine */
uint32_t codec_frames(const struct codec *);	/* Number of Frames, at least 1 */
int codec_read(struct codec *, uint32_t frame, struct codec_frame *, struct err *);	/* frames count from 0 */
/* Decodes it and throws it away; one that is not compressed is read in pieces, whatever its size. */
int codec_verify(struct codec *, uint32_t frame, struct err *);

/* Does the offset table, if there is one with an entry a frame, point at fragments, one after the other? */
int codec_offsets(const struct codec *, bool *fit, struct err *);

/* One frame of an object: open, read, close. */
int codec_frame(const struct object *, uint32_t frame, struct codec_frame *, struct err *);
void codec_frame_free(struct codec_frame *);

#ifdef __cplusplus
}
#endif
#endif
