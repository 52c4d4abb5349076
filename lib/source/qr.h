/*
 * The QR codes in a picture: a photo or scan of a letter as PNG or JPEG, or
 * the pages that pdftoppm makes of a PDF. What decodes them (libpng,
 * libjpeg-turbo, libzbar) runs in a worker that has nothing but the picture;
 * pdftoppm in a process that may read the system's files.
 */
#ifndef MRI_SOURCE_QR_H
#define MRI_SOURCE_QR_H

#include "sys/jail.h"

#define QR_CODES_MAX	32	/* in one picture */

struct qr_codes { char **v; size_t n; };	/* texts of the codes, each once; secrets */

/* The codes that are links, cleaned, as in the picture from page to page. None: ERR_DATA, with what to try.
 * ERR_NOINPUT: no such file. */
int qr_links(const char *path, enum jail_mode, struct qr_codes *, struct err *);
void qr_free(struct qr_codes *);	/* wipes */

/* The picture as grey pixels, malloc; the inside of the worker, for fuzzing. ERR_DATA: not a picture that is known. */
struct qr_image { unsigned char *grey; unsigned width, height; };
int qr_decode_png(const unsigned char *, size_t, struct qr_image *, struct err *);
int qr_decode_jpeg(const unsigned char *, size_t, struct qr_image *, struct err *);
/* One page of the pages in a file; *used: its bytes. PNM, "P5" (grey, 8 bits) only. */
int qr_decode_pgm(const unsigned char *, size_t, struct qr_image *, size_t *used, struct err *);

#endif
