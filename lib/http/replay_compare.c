#include "http/replay_compare.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

/* What a difference weighs: another host is further away than another value of the query. */
enum { HOST = 32, PATH = 4, METHOD = 3, BODY = 2, QUERY = 1 };	/* a path is each of its segments */
#define SHAPE_DEPTH_MAX	16

/* "https://host:1", "/path", "a=b": a recorded address has tags in it, whose '#' begins no fragment. */
struct parts { const char *host, *path, *query; size_t nhost, npath, nquery; };

/* A tag that stood for a whole address was taken for one relative to the page it was on; where it led, the recording
 * tells by other tags: any path may be it. */
static bool
is_made(const struct tags *t, const struct parts *here)
{
	const char *last = memrchr(here->path, '/', here->npath);

	return last != NULL && here->nquery == 0 && tags_made(t, last + 1, here->npath - (size_t)(last + 1 - here->path));
}

struct view {
	struct tags *tags;
	unsigned differs, most;
	char *what; size_t cap;
};

static void
split(const char *url, struct parts *p)
{
	const char *s = strstr(url, "://");

	p->host = url;
	p->nhost = s != NULL ? (size_t)(s - url) + 3 + strcspn(s + 3, "/?") : strcspn(url, "/?");
	p->path = url + p->nhost;
	p->npath = strcspn(p->path, "?");
	p->query = p->path + p->npath + (p->path[p->npath] == '?');
	p->nquery = strlen(p->query);
}

__attribute__((format(printf, 3, 4))) static void
differs(struct view *v, unsigned weight, const char *fmt, ...)
{
	va_list ap;

	v->differs += weight;
	if (weight <= v->most)
		return;
	v->most = weight;
	va_start(ap, fmt);
	vsnprintf(v->what, v->cap, fmt, ap);
	va_end(ap);
}

/* For a message: what stands for a tag is shown as the tag. */
static void
show(const struct tags *t, const char *s, size_t n, char out[64])
{
	struct buf b = BUF_INIT(URL_MAX * 2);
	struct err e = { 0 };

	if (tags_hide(t, s, n, &b, &e) != RC_OK || b.data == NULL)
		text_copy(out, 64, n == 0 ? "" : "?");
	else
		text_escape(out, 64, b.data, b.len);
	buf_wipe(&b);
}

/* Both percent-decoded. */
static bool
fits(struct tags *t, const char *pattern, size_t plen, const char *text, size_t len)
{
	char *a = NULL, *b = NULL;
	struct err e = { 0 };
	bool is = url_decode(pattern, plen, &a, &e) == RC_OK && url_decode(text, len, &b, &e) == RC_OK &&
	    tags_match(t, a, strlen(a), b, strlen(b));

	hash_wipe_text(&a);
	hash_wipe_text(&b);
	return is;
}

/* The part up to c, and the step behind it. */
static size_t
part(const char **s, size_t *left, char c, const char **out)
{
	const char *end = memchr(*s, c, *left);
	size_t n = end != NULL ? (size_t)(end - *s) : *left, gone = n + (end != NULL);

	*out = *s;
	*s += gone;
	*left -= gone;
	return n;
}

static void
paths(struct view *v, const struct parts *there, const struct parts *here)
{
	const char *a = there->path, *b = here->path, *x = NULL, *y = NULL;
	size_t na = there->npath, nb = here->npath, n = 0, m = 0, segment = 0;
	char shown[64], other[64];

	for (; na > 0 || nb > 0; segment++) {
		n = part(&a, &na, '/', &x);
		m = part(&b, &nb, '/', &y);
		if (fits(v->tags, x, n, y, m))
			continue;
		show(v->tags, x, n, shown);
		show(v->tags, y, m, other);
		differs(v, PATH, "segment %zu of the path is '%s' there and '%s' here", segment, shown, other);
	}
}

static void
queries(struct view *v, const char *a, size_t na, const char *b, size_t nb)
{
	const char *x = NULL, *y = NULL;
	size_t n = 0, m = 0, kn = 0, km = 0;
	char shown[64], other[64];

	while (na > 0 || nb > 0) {
		n = part(&a, &na, '&', &x);
		m = part(&b, &nb, '&', &y);
		kn = memchr(x, '=', n) != NULL ? (size_t)((const char *)memchr(x, '=', n) - x) : n;
		km = memchr(y, '=', m) != NULL ? (size_t)((const char *)memchr(y, '=', m) - y) : m;
		show(v->tags, x, kn, shown);
		show(v->tags, y, km, other);
		if (n == 0 || m == 0)
			differs(v, QUERY, "the query has '%s' only %s", n == 0 ? other : shown, n == 0 ? "here" : "there");
		else if (kn != km || memcmp(x, y, kn) != 0)
			differs(v, QUERY, "the query has '%s' there and '%s' here", shown, other);
		else if (!fits(v->tags, x + kn, n - kn, y + km, m - km))
			differs(v, QUERY, "the value of '%s' in the query is another one", shown);
	}
}

/* A field of that name in the form. */
static bool
has_field(const char *form, size_t len, const char *name, size_t n)
{
	const char *x = NULL;
	size_t m = 0;

	while (len > 0) {
		m = part(&form, &len, '&', &x);
		if (m >= n && memcmp(x, name, n) == 0 && (m == n || x[n] == '='))
			return true;
	}
	return false;
}

/* The first field of one form that the other has not: *n 0: none. */
static const char *
only_in(const char *a, size_t na, const char *b, size_t nb, size_t *n)
{
	const char *x = NULL;

	while (na > 0) {
		*n = part(&a, &na, '&', &x);
		*n = memchr(x, '=', *n) != NULL ? (size_t)((const char *)memchr(x, '=', *n) - x) : *n;
		if (*n > 0 && !has_field(b, nb, x, *n))
			return x;
	}
	*n = 0;
	return NULL;
}

/* Names of a form's fields; what they hold are answers. */
static void
forms(struct view *v, const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = 0, m = 0;
	const char *x = only_in(a, na, b, nb, &n), *y = only_in(b, nb, a, na, &m);
	char shown[64], other[64];

	show(v->tags, x != NULL ? x : "", n, shown);
	show(v->tags, y != NULL ? y : "", m, other);
	if (n > 0 && m > 0)
		differs(v, BODY, "the form has the field '%s' there and '%s' here", shown, other);
	else if (n > 0 || m > 0)
		differs(v, BODY, "the form has the field '%s' only %s", n > 0 ? shown : other, n > 0 ? "there" : "here");
}

/* Members and kinds of values, not values. name: of the member that is looked at. */
static void
shapes(struct view *v, const json_t *a, const json_t *b, const char *name, int depth)
{
	const char *key = NULL;
	const json_t *one = NULL;
	char shown[64];
	size_t i = 0;

	show(v->tags, name, strlen(name), shown);
	if (json_is_object(a) != json_is_object(b) || json_is_array(a) != json_is_array(b) ||
	    json_array_size(a) != json_array_size(b)) {
		differs(v, BODY, "the member '%s' of the body has another form", shown);
		return;
	}
	if (depth > SHAPE_DEPTH_MAX)
		return;
	json_array_foreach((json_t *)(uintptr_t)a, i, one)
		shapes(v, one, json_array_get(b, i), name, depth + 1);
	json_object_foreach((json_t *)(uintptr_t)a, key, one) {
		show(v->tags, key, strlen(key), shown);
		if (json_object_get(b, key) == NULL)
			differs(v, BODY, "the member '%s' of the body is only there", shown);
		else
			shapes(v, one, json_object_get(b, key), key, depth + 1);
	}
	json_object_foreach((json_t *)(uintptr_t)b, key, one) {
		show(v->tags, key, strlen(key), shown);
		if (json_object_get(a, key) == NULL)
			differs(v, BODY, "the member '%s' of the body is only here", shown);
	}
}

static void
bodies(struct view *v, const struct http_request *req, const struct recorded *e)
{
	const char *body = req->body != NULL ? req->body : "", *type = req->body_type != NULL ? req->body_type : "";
	size_t n = req->body != NULL ? req->body_len : 0;
	json_t *a = NULL, *b = NULL;
	struct err err = { 0 };

	if (tags_match(v->tags, e->post, strlen(e->post), body, n))
		return;
	if (text_starts(type, "application/x-www-form-urlencoded")) {
		forms(v, e->post, strlen(e->post), body, n);
	} else if (strstr(type, "json") != NULL && json_parse(e->post, strlen(e->post), &a, &err) == RC_OK &&
	    json_parse(body, n, &b, &err) == RC_OK) {
		shapes(v, a, b, "", 0);
	} else {
		differs(v, BODY, "the body is another one");
	}
	json_decref(a);
	json_decref(b);
}

unsigned
compare_differs(struct tags *t, const struct http_request *req, const char *url, const struct recorded *e, char *what,
    size_t cap)
{
	struct view v = { .tags = t, .what = what, .cap = cap };
	struct parts there, here;
	size_t known = t->n;
	char shown[64], other[64];

	what[0] = '\0';
	split(e->url, &there);
	split(url, &here);
	if (is_made(t, &here)) {
		there.nhost = strcspn(there.host, "[") < there.nhost ? strcspn(there.host, "[") : there.nhost;
		there.npath = there.nquery = here.npath = 0;
	}
	if (there.nhost != here.nhost || strncasecmp(there.host, here.host, there.nhost) != 0) {
		show(t, there.host, there.nhost, shown);
		show(t, here.host, here.nhost, other);
		differs(&v, HOST, "the host is '%s' there and '%s' here", shown, other);
	}
	if (strcmp(e->method, req->method) != 0)
		differs(&v, METHOD, "the method is %s there and %s here", text_escape(shown, sizeof(shown), e->method,
		    strlen(e->method)), req->method);
	paths(&v, &there, &here);
	queries(&v, there.query, there.nquery, here.query, here.nquery);
	bodies(&v, req, e);
	if (v.differs > 0)
		tags_cut(t, known);
	return v.differs;
}

bool
compare_fits(struct tags *t, const struct http_request *req, const char *url, const struct recorded *e)
{
	char what[256];

	return compare_differs(t, req, url, e, what, sizeof(what)) == 0;
}

void
compare_path(const struct tags *t, const char *url, char *out, size_t cap)
{
	struct buf b = BUF_INIT(URL_MAX * 2);
	struct parts p;
	struct err e = { 0 };

	split(url, &p);
	if (tags_hide(t, p.path, p.npath, &b, &e) != RC_OK)
		text_copy(out, cap, "?");
	else
		text_escape(out, cap, b.data != NULL ? b.data : "", b.len);
	buf_wipe(&b);
}
