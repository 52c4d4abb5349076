/*
 * What one exchange with a portal was, for --har and --explain: one call of
 * the session's trace function when it has ended, well or not. All texts are
 * as they were, secrets included, and are gone when the function returns.
 */
#ifndef MRI_HTTP_TRACE_H
#define MRI_HTTP_TRACE_H

#include "http/client.h"

#define TRACE_BODY_MAX	((size_t)256 << 10)	/* what is kept of a body */
#define TRACE_HEADERS_MAX 128

struct http_exchange {
	const char *method, *url, *location;	/* location: where a redirect leads, NULL none */
	const char *const *sent; size_t nsent;	/* "Name: value" */
	const void *body; size_t body_len;
	const char *body_type;
	long status;				/* 0: no answer */
	int http_version;			/* 10, 11, 20; 0 unknown */
	const char *names[TRACE_HEADERS_MAX], *values[TRACE_HEADERS_MAX];
	size_t nheaders;
	const char *type;			/* media type, "" none */
	const char *text; size_t text_len;	/* the body's beginning, at most TRACE_BODY_MAX */
	uint64_t bytes;				/* of the whole body as received */
	char sha256[65];
	const char *error;			/* NULL: it went well */
	int error_kind;				/* enum err_kind */
	/* microseconds from the start, as libcurl counts them; total: the whole */
	int64_t dns, connected, tls, sending, first, total;
	bool reused;
	const char *ip; long port;
	const char *tls_version, *tls_cipher;	/* "" without TLS */
	const char *const *certs; size_t ncerts;	/* subject; issuer; until: a line a certificate. Of a new connection */
};

typedef void http_trace_fn(void *arg, const struct http_exchange *);
void http_trace(struct http *, http_trace_fn *, void *arg);	/* NULL: none */

/* Private to lib/http: transfer.c says when. */
struct trace {
	http_trace_fn *fn;
	void *arg;
	struct buf body;
	struct hash *hash;
	char version[24], cipher[64];
};
void trace_begin(struct http *);
void trace_connected(struct http *);
void trace_body(struct http *, const void *, size_t);
void trace_end(struct http *, const struct http_request *, const char *url, const void *headers,
    const struct http_response *, const char *location, int rc, const struct err *);
void trace_free(struct http *);

#endif
