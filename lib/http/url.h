/*
 * URLs (RFC 3986), by libcurl's parser: what is judged here is what is connected to.
 * A URL of a portal is a secret: nothing here puts one into an error, only host names, escaped.
 */
#ifndef MRI_HTTP_URL_H
#define MRI_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#define URL_MAX		8192	/* bytes; servers refuse more */
#define URL_HOST_MAX	256	/* RFC 1035 2.3.4, with NUL */

struct url {
	char scheme[16];
	char host[URL_HOST_MAX];	/* lower case, no port */
	unsigned port;
	char *path;			/* percent-encoded as given, from '/' */
	char *query;			/* NULL where there is none */
};

/* http and https only, no user part: ERR_PROTOCOL otherwise. */
int url_parse(const char *text, struct url *, struct err *);
void url_free(struct url *);	/* what is in it; wipes */

/* rel as a browser on `base` would take it; a fragment is dropped. malloc. */
int url_resolve(const char *base, const char *rel, char **, struct err *);
/* base + "/" + name + "/" + segment, where segment (may be NULL) is encoded; the query of base goes. malloc. */
int url_append(const char *base, const char *name, const char *segment, char **, struct err *);
/* Value of a query parameter, decoded; *out NULL where it is absent. malloc. */
int url_query(const struct url *, const char *name, char **, struct err *);
/* How much of an address a prefix holds, in bytes: a bare host, or "https://host[:port][/path]", whose path ends at a
 * slash. 0: the address does not begin with it. */
size_t url_fits(const char *prefix, const struct url *);
/* Percent-decoding of a path segment. malloc. */
int url_decode(const char *, size_t, char **, struct err *);

#endif
