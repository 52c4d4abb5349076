#include "http/har.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "http/har_secrets.h"
#include "http/url.h"

#define HEAD	"{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"mri-tools\",\"version\":\"" MRI_VERSION \
	"\"},\"entries\":["
#define TAIL	"\n]}}\n"
#define FILE_MAX	((off_t)256 << 20)
#define EARLY_MAX	64	/* exchanges until the list is known; a login of more is none */
#define EARLY_BYTES	((size_t)8 << 20)	/* of their bodies */
#define MANY	256	/* secrets: a list of many patients is not worth the search, its text stays out */
#define SMALL	((size_t)8 << 10)	/* but what led to it is, up to so many bytes of a text */

struct har {
	int fd;
	off_t end;		/* where TAIL begins */
	bool any, failed, told;
	const struct redact *secrets;
	struct redact own;	/* what the exchanges show to be a secret */
	json_t *pending;
	json_t *early;		/* exchanges up to the end of the list, with their secrets; NULL: that is over */
	size_t early_bytes;
	off_t early_end;	/* where they begin in the file */
	bool early_any;
	char session[9];	/* of one link: several may be recorded into one file */
	char step[32];
	void (*line)(void *, const char *);
	void *arg;
};

int
har_open(struct har **out, int fd, const struct redact *secrets, void (*line)(void *, const char *), void *arg,
    struct err *err)
{
	struct har *h = calloc(1, sizeof(*h));
	uint8_t mark[4];
	struct stat st;

	*out = NULL;
	if (h == NULL)
		return err_sys(err, ENOMEM, "cannot record");
	*h = (struct har){ .fd = fd, .secrets = secrets, .line = line, .arg = arg };
	if (fd >= 0 && fstat(fd, &st) != 0) {
		free(h);
		return err_sys(err, errno, "cannot record");
	}
	if (hash_random(mark, sizeof(mark), err) != RC_OK) {
		free(h);
		return err_rc(err->kind);
	}
	text_hex(mark, sizeof(mark), h->session);
	if (fd >= 0 && st.st_size == 0) {
		h->end = (off_t)strlen(HEAD);
		if (pwrite(fd, HEAD TAIL, strlen(HEAD TAIL), 0) != (ssize_t)strlen(HEAD TAIL)) {
			free(h);
			return err_sys(err, errno != 0 ? errno : ENOSPC, "cannot record");
		}
	} else if (fd >= 0) {
		h->end = st.st_size - (off_t)strlen(TAIL);
		h->any = h->end > (off_t)strlen(HEAD);
	}
	h->early = json_array();
	h->early_end = h->end;
	h->early_any = h->any;
	*out = h;
	return RC_OK;
}

bool
har_failed(const struct har *h)
{
	return h->failed;
}

static json_t *
text_of(const char *s, size_t n)
{
	char shown[1024];

	return text_utf8_valid(s, n) && memchr(s, '\0', n) == NULL ? json_stringn(s, n) :
	    json_string(text_escape(shown, sizeof(shown), s, n));
}

static json_t *
pair(const char *name, size_t n, const char *value)
{
	return json_pack("{s:o, s:o}", "name", text_of(name, n), "value", text_of(value, strlen(value)));
}

static json_t *
query_of(const char *url)
{
	json_t *list = json_array();
	const char *p = strchr(url, '?');
	char *value = NULL;
	struct err e = { 0 };
	size_t n = 0, name = 0;

	for (p = p != NULL ? p + 1 : ""; *p != '\0' && *p != '#'; p += n + (p[n] == '&')) {
		n = strcspn(p, "&#");
		name = strcspn(p, "=&#");
		value = name < n ? strndup(p + name + 1, n - name - 1) : text_dup("", &e);
		if (value != NULL)
			json_array_append_new(list, pair(p, name, value));
		free(value);
	}
	return list;
}

static const char *
version_of(const struct http_exchange *x)
{
	return x->http_version == 20 ? "HTTP/2" : x->http_version == 10 ? "HTTP/1.0" : "HTTP/1.1";
}

static json_t *
request_of(const struct http_exchange *x)
{
	json_t *headers = json_array(), *r = NULL;
	const char *colon = NULL;
	size_t i = 0;

	for (i = 0; i < x->nsent; i++)
		if ((colon = strchr(x->sent[i], ':')) != NULL && colon[1] != '\0')
			json_array_append_new(headers, pair(x->sent[i], (size_t)(colon - x->sent[i]),
			    colon + 1 + strspn(colon + 1, " ")));
	r = json_pack("{s:s, s:o, s:s, s:[], s:o, s:o, s:i, s:I}", "method", x->method, "url",
	    text_of(x->url, strlen(x->url)), "httpVersion", version_of(x), "cookies", "headers", headers,
	    "queryString", query_of(x->url), "headersSize", -1, "bodySize", (json_int_t)x->body_len);
	if (x->body_len > 0)
		json_object_set_new(r, "postData", json_pack("{s:s, s:o}", "mimeType", x->body_type != NULL ?
		    x->body_type : "", "text", text_of(x->body, x->body_len)));
	return r;
}

static const char *
media_of(const struct http_exchange *x)
{
	if (x->text_len >= 4 && memcmp(x->text, "PK\3\4", 4) == 0)
		return "zip";
	if (x->text_len >= 5 && memcmp(x->text, "%PDF-", 5) == 0)
		return "pdf";
	if (x->text_len >= 132 && memcmp(x->text + 128, "DICM", 4) == 0)
		return "dicom";
	if (text_starts(x->type, "image/") || text_starts(x->type, "multipart/"))
		return "binary";
	return x->bytes == x->text_len && text_utf8_valid(x->text, x->text_len) &&
	    memchr(x->text, '\0', x->text_len) == NULL ? NULL : "binary";
}

static json_t *
response_of(const struct http_exchange *x)
{
	json_t *headers = json_array(), *cookies = json_array(), *content = NULL;
	const char *media = media_of(x), *v = NULL;
	size_t i = 0;

	for (i = 0; i < x->nheaders; i++) {
		json_array_append_new(headers, pair(x->names[i], strlen(x->names[i]), x->values[i]));
		if (strcasecmp(x->names[i], "Set-Cookie") == 0 && (v = strchr(x->values[i], '=')) != NULL)
			json_array_append_new(cookies, json_pack("{s:o, s:o}", "name",
			    text_of(x->values[i], (size_t)(v - x->values[i])), "value", text_of(v + 1, strcspn(v + 1, ";"))));
	}
	content = json_pack("{s:I, s:o, s:s}", "size", (json_int_t)x->bytes, "mimeType", text_of(x->type, strlen(x->type)),
	    "_sha256", x->sha256);
	if (media != NULL)
		json_object_set_new(content, "_media", json_string(media));
	else
		json_object_set_new(content, "text", json_stringn(x->text, x->text_len));
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:I}", "status", (json_int_t)x->status, "statusText", "",
	    "httpVersion", version_of(x), "cookies", cookies, "headers", headers, "content", content, "redirectURL",
	    text_of(x->location != NULL ? x->location : "", x->location != NULL ? strlen(x->location) : 0),
	    "headersSize", -1, "bodySize", (json_int_t)x->bytes);
}

/* Between two of libcurl's moments, in milliseconds; a moment that did not come is 0. */
static double
span(int64_t from, int64_t to)
{
	return to > from ? (double)(to - from) / 1000 : 0;
}

static json_t *
entry_of(const struct http_exchange *x)
{
	struct timespec now = { 0 };
	char began[TIME_TEXT_MAX], stamp[TIME_TEXT_MAX + 8];
	json_t *e = NULL, *certs = NULL;
	int64_t ms = 0;
	size_t i = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - x->total / 1000;
	snprintf(stamp, sizeof(stamp), "%.19s.%03dZ", time_iso((time_t)(ms / 1000), began), (int)(ms % 1000));
	e = json_pack("{s:s, s:f, s:o, s:o, s:{}, s:{s:i, s:f, s:f, s:f, s:f, s:f, s:f}, s:b}", "startedDateTime", stamp,
	    "time", span(0, x->total), "request", request_of(x), "response", response_of(x), "cache", "timings", "blocked",
	    -1, "dns", x->reused ? -1.0 : span(0, x->dns), "connect", x->reused ? -1.0 :
	    span(x->dns, x->tls > 0 ? x->tls : x->connected), "ssl", x->reused || x->tls == 0 ? -1.0 :
	    span(x->connected, x->tls), "send", span(x->tls > 0 ? x->tls : x->connected, x->sending), "wait",
	    span(x->sending, x->first), "receive", span(x->first, x->total), "_reused", x->reused ? 1 : 0);
	if (e == NULL)
		return NULL;
	if (x->ip[0] != '\0')
		json_object_set_new(e, "serverIPAddress", json_string(x->ip));
	if (x->error != NULL)
		json_object_set_new(e, "_error", json_pack("{s:i, s:o}", "kind", x->error_kind, "text",
		    text_of(x->error, strlen(x->error))));
	if (x->tls_version[0] != '\0') {
		certs = json_array();
		for (i = 0; i < x->ncerts; i++)
			json_array_append_new(certs, text_of(x->certs[i], strlen(x->certs[i])));
		json_object_set_new(e, "_tls", json_pack("{s:s, s:s, s:o}", "version", x->tls_version, "cipher",
		    x->tls_cipher, "chain", certs));
	}
	return e;
}

static int
add_entry(struct buf *b, const json_t *entry, bool any, struct err *err)
{
	int rc = buf_puts(b, any ? ",\n" : "\n", err);

	return rc == RC_OK ? json_write(entry, b, err) : rc;
}

/* One write of entries and of what closes the file; on a full disk the file is what it was. */
static void
put(struct har *h, int rc, struct buf *text)
{
	struct buf b = *text;
	struct err e = { 0 };
	size_t tail = strlen(TAIL);

	if (rc == RC_OK)
		rc = buf_puts(&b, TAIL, &e);
	if (rc != RC_OK || h->end + (off_t)b.len > FILE_MAX) {
		h->failed = true;
	} else if (pwrite(h->fd, b.data, b.len, h->end) != (ssize_t)b.len) {
		h->failed = true;
		if (pwrite(h->fd, TAIL, tail, h->end) != (ssize_t)tail || ftruncate(h->fd, h->end + (off_t)tail) != 0)
			h->fd = -1;
	} else {
		h->end += (off_t)(b.len - tail);
		h->any = true;
	}
	buf_wipe(&b);
	*text = b;
}

static void
append(struct har *h, const json_t *entry)
{
	struct buf b = BUF_INIT((size_t)4 << 20);
	struct err e = { 0 };
	int rc = add_entry(&b, entry, h->any, &e);

	put(h, rc, &b);
}

static void
tell(struct har *h, const json_t *entry)
{
	const json_t *q = json_object_get(entry, "request"), *r = json_object_get(entry, "response");
	const char *error = json_text(json_object_get(entry, "_error"), "text");
	const char *location = json_text(r, "redirectURL");
	char line[1024];

	snprintf(line, sizeof(line), "%s %.400s -> %lld %.60s, %lld bytes, %.0f ms%s%.200s%s%.200s", json_text(q, "method"),
	    json_text(q, "url"), (long long)json_integer_value(json_object_get(r, "status")),
	    json_text(json_object_get(r, "content"), "mimeType"),
	    (long long)json_integer_value(json_object_get(r, "bodySize")),
	    json_number_value(json_object_get(entry, "time")), location[0] != '\0' ? ", leads to " : "", location,
	    error[0] != '\0' ? ": " : "", error);
	h->line(h->arg, line);
}

/* No more secrets can be told apart: of this exchange only what cannot hold one is kept. */
static void
leave_out(json_t *entry)
{
	json_t *q = json_object_get(entry, "request"), *r = json_object_get(entry, "response");
	const char *url = json_text(q, "url"), *at = strstr(url, "://");
	size_t host = at != NULL ? (size_t)(at - url) + 3 + strcspn(at + 3, "/?#") : 0;
	struct buf b = BUF_INIT(URL_MAX);

	if (buf_add(&b, url, host, &(struct err){ 0 }) != RC_OK || buf_puts(&b, "/left-out", &(struct err){ 0 }) != RC_OK)
		b.len = 0;
	json_object_set_new(q, "url", json_stringn(b.data != NULL ? b.data : "", b.len));
	json_object_set_new(q, "queryString", json_array());
	json_object_set_new(q, "headers", json_array());
	json_object_del(q, "postData");
	json_object_set_new(r, "headers", json_array());
	json_object_set_new(r, "cookies", json_array());
	json_object_set_new(r, "redirectURL", json_string(""));
	json_object_del(entry, "_error");
	json_object_set_new(entry, "comment", json_string("left out: more secrets than a recording can hide"));
	buf_wipe(&b);
}

static int
hide(struct har *h, json_t *entry)
{
	json_t *content = json_object_get(json_object_get(entry, "response"), "content");
	const char *step = json_text(entry, "_step");
	bool small = (strcmp(step, "look") == 0 || strcmp(step, "login") == 0) &&
	    json_string_length(json_object_get(content, "text")) <= SMALL;
	int rc = RC_OK;

	if (h->secrets->n + h->own.n > MANY && !small) {
		json_object_del(content, "text");
		json_object_set_new(content, "comment", json_string("left out: too many secrets"));
	}
	har_find_secrets(&h->own, entry);
	if (redact_full(&h->own) || redact_full(h->secrets))
		leave_out(entry);
	if ((rc = har_redact(h->secrets, &h->own, entry)) != RC_OK)
		h->failed = true;
	return rc;
}

/* The list says whose records these are, and pages before it may have shown them: they are written once more. */
static void
early_again(struct har *h)
{
	struct buf b = BUF_INIT((size_t)EARLY_MAX << 20);
	struct err e = { 0 };
	json_t *entry = NULL;
	bool any = h->early_any;
	size_t i = 0;
	int rc = RC_OK;

	json_array_foreach(h->early, i, entry)
		if (rc == RC_OK && (rc = hide(h, entry)) == RC_OK && (rc = add_entry(&b, entry, any, &e)) == RC_OK)
			any = true;
	if (h->fd >= 0 && i > 0 && rc == RC_OK) {
		h->end = h->early_end;
		put(h, rc, &b);
		if (h->fd >= 0 && ftruncate(h->fd, h->end + (off_t)strlen(TAIL)) != 0)
			h->failed = true;
	}
	buf_wipe(&b);
	json_decref(h->early);
	h->early = NULL;
}

static void
keep_early(struct har *h)
{
	h->early_bytes += json_string_length(json_object_get(json_object_get(json_object_get(h->pending, "response"),
	    "content"), "text"));
	json_array_append_new(h->early, json_deep_copy(h->pending));
}

void
har_flush(struct har *h)
{
	int rc = RC_OK;

	if (h == NULL || h->pending == NULL)
		return;
	if (h->early != NULL && (json_array_size(h->early) == EARLY_MAX || h->early_bytes > EARLY_BYTES))
		early_again(h);
	if (h->early != NULL)
		keep_early(h);
	rc = hide(h, h->pending);
	if (rc == RC_OK && h->fd >= 0)
		append(h, h->pending);
	if (rc == RC_OK && h->line != NULL && !h->told)
		tell(h, h->pending);
	json_decref(h->pending);
	h->pending = NULL;
	h->told = false;
}

/* The sentence now, the entry later: its body may hold what only the next step knows to be a secret. */
static void
tell_ahead(struct har *h)
{
	json_t *copy = NULL;

	har_find_secrets(&h->own, h->pending);
	if (h->line == NULL || h->told || (copy = json_deep_copy(h->pending)) == NULL)
		return;
	json_object_del(json_object_get(json_object_get(copy, "response"), "content"), "text");
	if (har_redact(h->secrets, &h->own, copy) == RC_OK)
		tell(h, copy);
	h->told = true;
	json_decref(copy);
}

void
har_exchange(void *arg, const struct http_exchange *x)
{
	struct har *h = arg;

	har_flush(h);
	h->pending = entry_of(x);
	if (h->pending == NULL) {
		h->failed = true;
		return;
	}
	json_object_set_new(h->pending, "_session", json_string(h->session));
	json_object_set_new(h->pending, "_step", json_string(h->step));
}

void
har_begin(struct har *h, const char *what, size_t n)
{
	if (h == NULL)
		return;
	if (n > 0)
		snprintf(h->step, sizeof(h->step), "%s %zu", what, n);
	else
		text_copy(h->step, sizeof(h->step), what);
}

void
har_end(struct har *h, const char *kind, const char *state, const struct err *err)
{
	char shown[ERR_TEXT_MAX];

	if (h == NULL)
		return;
	if (h->pending != NULL) {
		json_object_set_new(h->pending, "_kind", json_string(kind));
		json_object_set_new(h->pending, "_state", json_string(err != NULL && state[0] == '\0' ? "failed" : state));
		if (err != NULL)
			json_object_set_new(h->pending, "_said", json_string(text_escape(shown, sizeof(shown), err->text,
			    strlen(err->text))));
	}
	if (strcmp(h->step, "list") == 0 && h->early != NULL) {
		har_flush(h);
		early_again(h);
	} else if (h->pending != NULL && (strcmp(h->step, "look") == 0 || strcmp(h->step, "login") == 0))
		tell_ahead(h);	/* the page that a list is read from may be what a login led to */
	else
		har_flush(h);
}

bool
har_clean(const json_t *entry)
{
	struct redact found = { 0 };
	bool clean = true;
	size_t i = 0;

	har_find_secrets(&found, entry);
	for (i = 0; i < found.n && clean; i++)	/* of a tag in an address only what stands before its '#' is found */
		clean = redact_raw(&found, i)[0] == '[';
	redact_free(&found);
	return clean;
}

void
har_close(struct har *h)
{
	if (h == NULL)
		return;
	har_flush(h);
	if (h->early != NULL)
		early_again(h);
	redact_free(&h->own);
	free(h);
}
