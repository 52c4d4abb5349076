/* Inside of media/container: a gzip file (RFC 1952), inflated in order; CRC and length of each part are checked. */
#ifndef MRI_MEDIA_GUNZIP_H
#define MRI_MEDIA_GUNZIP_H

#include <stdbool.h>
#include "base/io.h"

#define GUNZIP_NAME_MAX 1023

struct gunzip;

int gunzip_new(struct gunzip **, struct stream * /* borrowed */, struct err *);
/* The next bytes, valid until the next call; *n == 0 at the end of the file. */
int gunzip_more(struct gunzip *, const uint8_t **, size_t *n, struct err *);
void gunzip_free(struct gunzip *);

/* The first n bytes of what is inside; ERR_DATA where there are fewer. */
int gunzip_head(struct stream *, uint8_t *to, size_t n, struct err *);
/* All of it: how large it is, and what it was called when it was compressed ("" where that is not said). */
int gunzip_measure(struct stream *, uint64_t *size, char name[GUNZIP_NAME_MAX + 1], struct err *);

#endif
