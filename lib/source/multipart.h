/*
 * multipart/related as WADO-RS sends it (RFC 2046 5.1, RFC 2387), read while
 * it comes, in pieces of any size. Memory does not grow with a part.
 *
 *	multipart_boundary(content_type, boundary, err)
 *	multipart_open(&m, boundary, &ops, err)
 *	multipart_feed(m, data, n, err) …
 *	multipart_closed(m)	the closing boundary came: only then is it whole
 *	multipart_free(m)
 *
 * Strict in what counts: lines end with CR LF, the headers of a part are
 * capped. Tolerated: a preamble, an epilogue, blanks behind a boundary, parts
 * without headers. An error of a callback ends the feed with it.
 */
#ifndef MRI_SOURCE_MULTIPART_H
#define MRI_SOURCE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#define MULTIPART_BOUNDARY_MAX	70	/* RFC 2046 5.1.1 */
#define MULTIPART_HEADERS_MAX	8192	/* bytes of one part's headers: three lines are usual */
#define MULTIPART_PARTS_MAX	200000	/* the largest studies have some ten thousand objects */

struct multipart_ops {
	/* type: media type of the part, lower case, without parameters; "" where it has none */
	int (*part)(void *arg, const char *type, struct err *);
	int (*data)(void *arg, const void *, size_t, struct err *);
	int (*end)(void *arg, struct err *);	/* its boundary came: the part is whole */
	void *arg;
};

struct multipart;

/* The boundary of a Content-Type with its parameters; ERR_PROTOCOL where it has none, or is not multipart. */
int multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1], struct err *);
int multipart_open(struct multipart **, const char *boundary, const struct multipart_ops *, struct err *);
int multipart_feed(struct multipart *, const void *, size_t, struct err *);
bool multipart_closed(const struct multipart *);
void multipart_free(struct multipart *);

#endif
