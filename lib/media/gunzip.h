/* Inside of media/container: a gzip file (RFC 1952), inflated in order; CRC and length of each part are checked. */
#ifndef MRI_MEDIA_GUNZIP_H
#define MRI_MEDIA_GUNZIP_H

#include <stdbool.h>
#include "base/io.h"

struct gunzip;

int gunzip_new(struct gunzip **, struct stream * /* borrowed */, struct err *);
/* The next bytes, valid until the next call; *n == 0 at the end of the file. */
int gunzip_more(struct gunzip *, const uint8_t **, size_t *n, struct err *);
void gunzip_free(struct gunzip *);

#endif
