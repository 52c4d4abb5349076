#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "http/resume.h"

#define STRONG_SECONDS	60	/* RFC 9110 8.8.2.2: a date that much older than Date is strong */

static const char *
header(CURL *c, const char *name)
{
	struct curl_header *h = NULL;

	return curl_easy_header(c, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK && h->amount == 1 ? h->value : NULL;
}

void
resume_forget(struct resume *r)
{
	*r = (struct resume){ .total = -1 };
}

static bool
strong_etag(const char *v)
{
	size_t n = v != NULL ? strlen(v) : 0;

	return n > 2 && n < VALIDATOR_MAX && v[0] == '"' && v[n - 1] == '"' && memchr(v + 1, '"', n - 2) == NULL;
}

static bool
strong_date(const char *modified, const char *date)
{
	time_t m = modified != NULL ? curl_getdate(modified, NULL) : -1, d = date != NULL ? curl_getdate(date, NULL) : -1;

	return m >= 0 && d >= 0 && d - m >= STRONG_SECONDS && strlen(modified) < VALIDATOR_MAX;
}

void
resume_learn(struct resume *r, CURL *c, long long length, const char **why)
{
	const char *coding = header(c, "Content-Encoding"), *ranges = header(c, "Accept-Ranges");
	const char *etag = header(c, "ETag"), *modified = header(c, "Last-Modified");

	resume_forget(r);
	*why = "";
	if (coding != NULL && strcasecmp(coding, "identity") != 0) {
		*why = "its content is coded";
	} else if (ranges != NULL && strcasecmp(ranges, "none") == 0) {
		*why = "the server gives no parts";
	} else if (strong_etag(etag)) {
		text_copy(r->validator, sizeof(r->validator), etag);
		r->etag = true;
	} else if (etag == NULL && strong_date(modified, header(c, "Date"))) {
		text_copy(r->validator, sizeof(r->validator), modified);
	} else {
		*why = etag != NULL || modified != NULL ? "its validator is a weak one" : "it has no validator";
	}
	if (r->validator[0] != '\0')
		r->total = length;
}

int
resume_headers(const struct resume *r, struct buf *range, struct buf *if_range, struct err *err)
{
	int rc = buf_printf(range, err, "Range: bytes=%llu-", (unsigned long long)r->have);

	return rc == RC_OK ? buf_printf(if_range, err, "If-Range: %s", r->validator) : rc;
}

/* digits up to the character `end`; false where there are none, or too many. */
static bool
number(const char **p, char end, uint64_t *out)
{
	const char *q = *p;
	uint64_t v = 0;

	for (; *q >= '0' && *q <= '9'; q++) {
		if (v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*q - '0');
	}
	if (q == *p || *q != end)
		return false;
	*out = v;
	*p = q + (end != '\0');
	return true;
}

bool
resume_fits(const struct resume *r, CURL *c, long long *total)
{
	const char *range = header(c, "Content-Range"), *coding = header(c, "Content-Encoding");
	const char *same = header(c, r->etag ? "ETag" : "Last-Modified");
	uint64_t first = 0, last = 0, whole = 0;

	if (range == NULL || strncasecmp(range, "bytes ", 6) != 0 || (coding != NULL && strcasecmp(coding, "identity") != 0))
		return false;
	range += 6;
	if (!number(&range, '-', &first) || !number(&range, '/', &last) || !number(&range, '\0', &whole))
		return false;
	if (first != r->have || last < first || last + 1 != whole || whole > INT64_MAX)
		return false;	/* a part that ends before the end is nobody's wish */
	if (r->total >= 0 && (uint64_t)r->total != whole)
		return false;
	if (same == NULL || strcmp(same, r->validator) != 0)
		return false;
	*total = (long long)whole;
	return true;
}
