/*
 * Going on where a cut download stopped, and only where the bytes can be
 * proved to be of the same representation (RFC 9110 8.8, 13.1.5, 14): a strong
 * ETag, else Last-Modified where Date shows that it is strong; no coding of
 * the content; If-Range; then 206 from our offset, of the same total, under
 * the same validator. Anything else begins anew. Private to lib/http.
 */
#ifndef MRI_HTTP_RESUME_H
#define MRI_HTTP_RESUME_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

#define VALIDATOR_MAX	256	/* bytes of an ETag or date; a longer one is not used */

struct resume {
	char validator[VALIDATOR_MAX];	/* "": not to be resumed */
	bool etag;
	uint64_t have;			/* bytes of the body that the sink holds; 0: from the start */
	long long total;		/* -1 not known */
};

/* After the headers of a 200: what a later attempt may rely on. why: "", or why it cannot, for -v. */
void resume_learn(struct resume *, CURL *, long long length, const char **why);
/* "Range: …" and "If-Range: …" for an attempt with have > 0. */
int resume_headers(const struct resume *, struct buf *range, struct buf *if_range, struct err *);
/* Are the bytes of this 206 ours, from have on? *total: of the whole. */
bool resume_fits(const struct resume *, CURL *, long long *total);
void resume_forget(struct resume *);

#endif
