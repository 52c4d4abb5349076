/*
 * A small tar archive in memory (POSIX pax, by libarchive): what is sent out
 * whole or not at all.
 *
 *	tarball_new(&t, max, err)  tarball_add(t, "a/b.json", data, n, time, err) …
 *	tarball_end(t, &bytes, &n, err)		the bytes stay until tarball_free(t)
 */
#ifndef MRI_MEDIA_TARBALL_H
#define MRI_MEDIA_TARBALL_H

#include <stddef.h>
#include <time.h>
#include "base/err.h"

struct tarball;

int tarball_new(struct tarball **, size_t max, struct err *);	/* max: bytes; more is ERR_DATA */
/* name: of ours, ASCII. The member has mode 0600 and nobody's name. */
int tarball_add(struct tarball *, const char *name, const void *, size_t, time_t, struct err *);
int tarball_end(struct tarball *, const void **, size_t *, struct err *);
void tarball_free(struct tarball *);	/* wipes */

#endif
