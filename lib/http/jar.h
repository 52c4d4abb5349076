/*
 * What a session of many pages needs beside single requests: cookies, kept in
 * memory by libcurl (RFC 6265, with its list of public suffixes) and gone with
 * the session; the headers of the last answer; waits shorter than a second.
 */
#ifndef MRI_HTTP_JAR_H
#define MRI_HTTP_JAR_H

#include <stdint.h>
#include "http/client.h"

int http_cookies(struct http *, struct err *);			/* from now on they are kept and sent */
const char *http_header(struct http *, const char *name);	/* of the last answer; borrowed until the next request */
/* Value of a cookie that is held, whatever its host; *out NULL: none. malloc, a secret. */
int http_cookie(struct http *, const char *name, char **out, struct err *);
/* A longer gap_ms, a shorter wait_ms, less max_requests and max_bytes; never the other way. 0: as it is. */
void http_narrow(struct http *, const struct http_options *);
int http_pause(struct http *, uint64_t ms, struct err *);	/* counted as http_wait() counts */

#endif
