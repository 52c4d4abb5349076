/*
 * A small picture of one frame, for a person to recognise a series by. It is
 * not a presentation state and nobody reads an image from it: modality
 * rescale, the first window (PS3.3 C.11.2.1.2) or the values between the first
 * and the last hundredth, MONOCHROME1 inverted, colour as RGB; averaged down.
 *
 *	thumbnail_make(&t, object, err)  thumbnail_png(&t, &buf, err)  thumbnail_free(&t)
 *
 * Call it in a jailed worker, after codec_load().
 */
#ifndef MRI_DICOM_THUMBNAIL_H
#define MRI_DICOM_THUMBNAIL_H

#include "base/buf.h"
#include "dicom/walk.h"

#ifdef __cplusplus
extern "C" {
#endif

#define THUMBNAIL_SIDE	160	/* pixels, the longer side at most */

struct thumbnail {
	unsigned width, height, channels;	/* channels: 1 grey, 3 RGB */
	unsigned char *pixels;			/* width * height * channels */
};

/* Of the middle frame. Errors are those of codec.h: ERR_NOINPUT no pixel data, ERR_REFUSED not decoded here,
 * ERR_DATA damaged. */
int thumbnail_make(struct thumbnail *, const struct object *, struct err *);
void thumbnail_free(struct thumbnail *);	/* what is in it, not it */
int thumbnail_png(const struct thumbnail *, struct buf *, struct err *);	/* appended */

#ifdef __cplusplus
}
#endif
#endif
