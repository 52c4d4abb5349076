/* Requests of a recipe: made from templates, kept in scope, repeated where that is harmless, judged when they come. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "http/jar.h"
#include "http/replay.h"
#include "source/recipe_session.h"
#include "source/recipe_submit.h"

#define HEADERS_MAX	16
#define TRIES		4
#define BACKOFF_MS	500

/* One request, ready to be sent. */
struct asked {
	const char *method;
	char *url;
	char *headers[HEADERS_MAX + 1]; size_t nheaders;
	struct buf body;
	const char *body_type;
	bool once;
	unsigned tries;		/* 0: as often as is usual */
	const char *id;
};

static void
asked_free(struct asked *a)
{
	size_t i = 0;

	hash_wipe_text(&a->url);
	for (i = 0; i < a->nheaders; i++)
		hash_wipe_text(&a->headers[i]);
	buf_wipe(&a->body);
	memset(a, 0, sizeof(*a));
}

void
recipe_at_set(struct recipe_at *at, struct recipe_at to)
{
	if (to.page != NULL)
		to.page->refs++;
	page_drop(at->page);
	*at = to;
}

static int
add_header(struct asked *a, const char *name, const char *value, struct err *err)
{
	struct buf b = BUF_INIT(RECIPE_VALUE_MAX + 256);
	int rc = a->nheaders < HEADERS_MAX ? buf_printf(&b, err, "%s: %s", name, value) :
	    err_set(err, ERR_CONFIG, "a request with more than %d headers", HEADERS_MAX);

	if (rc == RC_OK)
		a->headers[a->nheaders++] = b.data;
	else
		buf_wipe(&b);
	return rc;
}

static int
make_headers(const struct recipe_node *n, const struct recipe_vars *vars, struct asked *a, struct err *err)
{
	const struct recipe_node *h = recipe_child(n, RT_HEADER);
	struct buf v = BUF_INIT(RECIPE_VALUE_MAX);
	int rc = RC_OK;

	for (; h != NULL && rc == RC_OK; h = recipe_next(h)) {
		buf_clear(&v);
		if ((rc = recipe_expand(recipe_attr(h, "value"), vars, PLACE_HEADER, &v, err)) == RC_OK)
			rc = add_header(a, recipe_attr(h, "name"), v.data, err);
	}
	buf_wipe(&v);
	return rc;
}

/* url with its <query>s, or the body of <form>: pairs. */
static int
make_pairs(const struct recipe_node *first, const struct recipe_vars *vars, struct buf *out, struct err *err)
{
	struct buf v = BUF_INIT(RECIPE_VALUE_MAX);
	const struct recipe_node *n = first;
	int rc = RC_OK;

	for (; n != NULL && rc == RC_OK; n = recipe_next(n)) {
		buf_clear(&v);
		if ((rc = recipe_expand(recipe_attr(n, "value"), vars, PLACE_PLAIN, &v, err)) == RC_OK)
			rc = recipe_urlencode(recipe_attr(n, "name"), v.data, out, err);
	}
	buf_wipe(&v);
	return rc;
}

static int
make_url(const struct recipe_node *n, const struct recipe_vars *vars, struct asked *a, struct err *err)
{
	struct buf url = BUF_INIT(URL_MAX), pairs = BUF_INIT(URL_MAX);
	int rc = recipe_expand(recipe_attr(n, "url"), vars, PLACE_URL, &url, err);

	if (rc == RC_OK && (rc = make_pairs(recipe_child(n, RT_QUERY), vars, &pairs, err)) == RC_OK && pairs.len > 0)
		rc = buf_printf(&url, err, "%c%s", strchr(url.data, '?') != NULL ? '&' : '?', pairs.data);
	buf_wipe(&pairs);
	if (rc == RC_OK)
		a->url = url.data;
	else
		buf_wipe(&url);
	return rc;
}

static int
make_body(const struct recipe_node *n, const struct recipe_vars *vars, struct asked *a, struct err *err)
{
	const struct recipe_node *form = recipe_child(n, RT_FORM), *json = recipe_child(n, RT_JSON);
	int rc = RC_OK;

	if (form != NULL) {
		rc = make_pairs(form->child, vars, &a->body, err);
		a->body_type = "application/x-www-form-urlencoded";
	} else if (json != NULL) {
		rc = recipe_expand(json->text != NULL ? json->text : "", vars, PLACE_JSON, &a->body, err);
		a->body_type = "application/json";
	}
	return rc;
}

/* The page's own site, as browsers say it: some portals refuse forms that come from nowhere. */
static int
say_origin(const struct recipe_page *p, struct asked *a, struct err *err)
{
	char origin[URL_HOST_MAX + 32];
	struct url u;
	int rc = url_parse(p->url, &u, err);

	if (rc != RC_OK)
		return rc;
	if (u.port == 443 || u.port == 80)
		snprintf(origin, sizeof(origin), "%s://%s", u.scheme, u.host);
	else
		snprintf(origin, sizeof(origin), "%s://%s:%u", u.scheme, u.host, u.port);
	url_free(&u);
	if ((rc = add_header(a, "Origin", origin, err)) == RC_OK) {
		text_copy(origin + strlen(origin), sizeof(origin) - strlen(origin), "/");
		rc = add_header(a, "Referer", origin, err);
	}
	return rc;
}

static int
make_submit(struct recipe_session *rs, const struct recipe_item *it, const struct recipe_node *n, struct asked *a,
    struct err *err)
{
	const char *p = NULL;
	struct form f;
	int rc = RC_OK;

	if (it->at.page == NULL || (rc = form_fill(&it->at, n, &it->vars, &f, err)) != RC_OK) {
		rs->s->state = "portal-changed";
		return it->at.page == NULL ? err_set(err, ERR_PROTOCOL, "there is no page with a form yet") : rc;
	}
	for (p = f.hidden.data; p != NULL && p < f.hidden.data + f.hidden.len; p += strlen(p) + 1)
		if (rs->s->har != NULL && rs->s->secrets.n < REDACT_MAX / 2)
			(void)redact_add_as(&rs->s->secrets, "hidden", p, &(struct err){ 0 });
	buf_wipe(&f.hidden);
	a->method = f.post ? "POST" : "GET";
	a->url = f.url;
	a->body = f.body;
	a->body_type = f.post ? "application/x-www-form-urlencoded" : NULL;
	return say_origin(it->at.page, a, err);
}

static int
make(struct recipe_session *rs, const struct recipe_item *it, const struct recipe_node *n, struct asked *a,
    struct err *err)
{
	int rc = RC_OK;

	memset(a, 0, sizeof(*a));
	a->body.max = (size_t)256 << 10;
	a->once = recipe_yes(n, "once", false);
	a->id = recipe_attr(n, "id");
	if (n->tag == RT_SUBMIT)
		return make_submit(rs, it, n, a, err);
	a->method = n->tag == RT_POST ? "POST" : "GET";
	if ((rc = make_url(n, &it->vars, a, err)) == RC_OK && (rc = make_headers(n, &it->vars, a, err)) == RC_OK)
		rc = make_body(n, &it->vars, a, err);
	return rc;
}

/* How many redirects the scope allows, as http_request has it. */
static int
redirects_of(const struct recipe *r)
{
	const char *v = recipe_attr(r->scope, "redirects");
	unsigned long n = v != NULL ? strtoul(v, NULL, 10) : HTTP_REDIRECTS;

	return n == 0 ? -1 : n > 20 ? 20 : (int)n;
}

static int
send_one(struct recipe_session *rs, const struct asked *a, const struct http_sink *sink, struct http_response *resp,
    struct err *err)
{
	struct source *s = rs->s;
	const char *private[] = { s->private, NULL };
	struct http_request req = { .method = a->method, .url = a->url, .headers = (const char *const *)a->headers,
	    .bearer = s->bearer, .bearer_hosts = (const char *const *)s->hosts, .nbearer_hosts = s->nhosts,
	    .private = s->private != NULL ? private : NULL, .body = a->body.data, .body_len = a->body.len,
	    .body_type = a->body_type, .once = a->once, .single = true,
	    .hosts = (const char *const *)rs->hosts, .nhosts = rs->nhosts, .sink = sink,
	    .headers_stay = true, .redirects = redirects_of(rs->r),
	    .max = sink == NULL ? PAGE_BYTES_MAX : 0, .tries = a->once ? 1 : a->tries,
	    .progress = s->o.progress, .progress_arg = s->o.progress_arg };

	rs->alive_ms = time_mono_ms();
	return http_perform(s->http, &req, resp, err);
}

/* A form's answer is often "look there": http_perform follows for GET only, and nothing that carries a credential. */
static int
follow(struct recipe_session *rs, struct asked *a, struct http_response *resp, struct err *err)
{
	const char *to = NULL;
	int left = redirects_of(rs->r);
	struct asked next = { .method = "GET" };
	int rc = RC_OK;

	while (rc == RC_OK && resp->status >= 301 && resp->status <= 303 &&
	    (to = http_header(rs->s->http, "Location")) != NULL) {
		if (left-- <= 0) {
			rc = err_set(err, ERR_PROTOCOL, "the portal redirects more often than the scope allows");
			break;
		}
		hash_wipe_text(&next.url);
		if ((rc = url_resolve(resp->url != NULL ? resp->url : a->url, to, &next.url, err)) != RC_OK)
			break;
		http_response_free(resp);
		rc = send_one(rs, &next, NULL, resp, err);
	}
	hash_wipe_text(&next.url);
	return rc;
}

/* Asked again where the portal says "later": as long as it says, or a few times. *again: it is to be sent once more. */
static int
wait_for(struct recipe_session *rs, const struct asked *a, const struct recipe_at *at, long header, unsigned *tries,
    bool *again, struct err *err)
{
	long told = -1;
	int rc = RC_OK;

	*again = false;
	if (a->once || !http_status_later(at->page->status))
		return RC_OK;
	if ((told = recipe_retry_after(rs, at, a->id)) < 0)
		told = header;
	if (told < 0 && ++*tries >= TRIES)
		return RC_OK;
	*again = true;
	rc = told < 0 ? http_pause(rs->s->http, (uint64_t)BACKOFF_MS << *tries, err) : http_wait(rs->s->http, told, err);
	if (rc != RC_OK)
		rs->s->state = at->page->status == 429 ? "rate-limited" : "busy";
	return rc;
}

/* Has the portal ended the session? Then a new one, once, and the request is made anew. */
static int
session_over(struct recipe_session *rs, const struct recipe_at *at, bool *over, struct err *err)
{
	const struct recipe_node *x = rs->r->login != NULL ? recipe_child(rs->r->login, RT_EXPIRED_WHEN) : NULL;
	const struct recipe_at whole = { at->page, NULL, NULL };

	*over = false;
	if (x == NULL || !rs->logged_in || rs->in_login)
		return RC_OK;
	return page_when(&whole, rs->s->http, x, &rs->login.vars, over, err);
}

/* The last word on an answer that no rule and no step judges. */
static bool
judged_by_next(const struct recipe_node *n)
{
	return n != NULL && n->next != NULL && (n->next->tag == RT_EXPECT || n->next->tag == RT_IF);
}

static int
default_status(struct recipe_session *rs, const struct recipe_node *n, const struct recipe_page *p, struct err *err)
{
	const struct http_response r = { .status = p->status };
	char what[64];

	if ((p->status >= 200 && p->status < 300) || judged_by_next(n))
		return RC_OK;
	snprintf(what, sizeof(what), "<%s> in line %u of the recipe", n != NULL ? recipe_tag_name(n->tag) : "", n->line);
	return source_status(rs->s, &r, what, err);
}

/* What the answer means: rules, the session's end, its status. *again: to be made and sent once more. */
static int
judge(struct recipe_session *rs, const struct recipe_node *n, const struct asked *a, const struct recipe_at *at,
    bool *again, struct err *err)
{
	bool fired = false, over = false;
	int rc = RC_OK;

	*again = false;
	if ((rc = recipe_judge(rs, at, a->id, &fired, err)) != RC_OK || fired)
		return rc;
	if ((rc = session_over(rs, at, &over, err)) != RC_OK)
		return rc;
	if (over) {
		*again = true;
		rs->s->state = "session-lost";
		return a->once ? err_set(err, ERR_TEMP, "the portal ended the session at a request that is sent once only") :
		    recipe_relogin(rs, err);
	}
	return default_status(rs, n, at->page, err);
}

int
recipe_judge_page(struct recipe_session *rs, const struct recipe_node *n, const struct recipe_at *at, bool *over,
    struct err *err)
{
	bool fired = false;
	int rc = recipe_judge(rs, at, recipe_attr(n, "id"), &fired, err);

	*over = false;
	return rc != RC_OK || fired ? rc : session_over(rs, at, over, err);
}

/* A next page is asked for with the headers of the request that gave the first one, at the same host. */
static int
same_headers(const struct recipe_item *it, const struct recipe_node *for_each, struct asked *a, struct err *err)
{
	const struct recipe_node *n = for_each->parent->child, *request = NULL;
	struct url here, next;
	bool same = false;

	for (; n != NULL && n != for_each; n = n->next)
		if (n->tag == RT_GET || n->tag == RT_POST)
			request = n;
	if (request == NULL || it->at.page == NULL || url_parse(it->at.page->url, &here, err) != RC_OK)
		return RC_OK;
	if (url_parse(a->url, &next, err) == RC_OK) {
		same = strcmp(here.host, next.host) == 0;
		url_free(&next);
	}
	url_free(&here);
	err_clear(err);
	return same ? make_headers(request, &it->vars, a, err) : RC_OK;
}

static int
ask(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, const char *url, struct err *err)
{
	struct http_response resp = { 0 };
	struct recipe_at at = { 0 };
	struct asked a = { .method = "GET" };
	unsigned tries = 0;
	bool again = true;
	long header = -1;
	int rc = RC_OK;

	while (again && rc == RC_OK) {
		asked_free(&a);
		again = false;
		if (rs->expires != 0 && rs->logged_in && !rs->in_login && rs->logins == 0 && time_now() >= rs->expires &&
		    (rc = recipe_relogin(rs, err)) != RC_OK)
			break;
		if (url != NULL) {
			a.method = "GET";
			rc = (a.url = text_dup(url, err)) == NULL ? err_rc(err->kind) : same_headers(it, n, &a, err);
		} else {
			rc = make(rs, it, n, &a, err);
		}
		if (rc != RC_OK || (rc = send_one(rs, &a, NULL, &resp, err)) != RC_OK ||
		    (rc = follow(rs, &a, &resp, err)) != RC_OK)
			break;
		header = resp.retry_after;
		page_drop(at.page);
		at.page = NULL;
		if ((rc = page_new(&at.page, &resp, err)) != RC_OK ||
		    (rc = wait_for(rs, &a, &at, header, &tries, &again, err)) != RC_OK)
			break;
		if (!again)
			rc = judge(rs, n, &a, &at, &again, err);
	}
	if (rc == RC_OK)
		recipe_at_set(&it->at, at);
	page_drop(at.page);
	http_response_free(&resp);
	asked_free(&a);
	return rc;
}

int
recipe_ask(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	return ask(rs, it, n, NULL, err);
}

int
recipe_ask_url(struct recipe_session *rs, struct recipe_item *it, const char *url, const struct recipe_node *of,
    struct err *err)
{
	return ask(rs, it, of, url, err);
}

int
recipe_download_url(struct recipe_session *rs, const struct recipe_node *n, const char *url, struct receiver *r,
    struct recipe_page **page, struct err *err)
{
	struct http_response resp = { 0 };
	struct http_sink sink;
	struct asked a = { .method = "GET", .tries = recipe_yes(n, "single-use", false) ? 1 : 0 };
	const char *resume = recipe_attr(n, "resume");
	int rc = RC_OK;

	*page = NULL;
	receiver_sink(r, &sink);
	sink.resumable = resume == NULL || strcmp(resume, "never") != 0;
	if ((a.url = text_dup(url, err)) == NULL)
		rc = err_rc(err->kind);
	while (rc == RC_OK && (rc = send_one(rs, &a, &sink, &resp, err)) == RC_OK) {
		if (r->packaged)
			break;
		if (resp.status >= 200 && resp.status < 300) {	/* a page in place of the file */
			buf_wipe(&resp.body);
			resp.body = r->page;
			memset(&r->page, 0, sizeof(r->page));
		}
		if ((rc = page_new(page, &resp, err)) != RC_OK || !http_status_later((*page)->status) || a.tries == 1)
			break;
		if ((rc = http_wait(rs->s->http, resp.retry_after > 0 ? resp.retry_after : 1, err)) != RC_OK)
			break;
		page_drop(*page);
		*page = NULL;
	}
	source_busy(rs->s, rc, &resp);
	http_response_free(&resp);
	asked_free(&a);
	return rc;
}

static bool
keepalive_recorded(struct recipe_session *rs, const struct recipe_node *k, int *rc, struct err *err)
{
	struct buf url = BUF_INIT(URL_MAX);
	bool next = false;

	if ((*rc = recipe_expand(recipe_attr(k->child, "url"), &rs->login.vars, PLACE_URL, &url, err)) == RC_OK)
		next = replay_next(rs->s->o.http.replay, k->child->tag == RT_POST ? "POST" : "GET", url.data);
	buf_wipe(&url);
	return next;
}

/* A wait, in which a session is kept alive by the recipe's request. */
int
recipe_pause(struct recipe_session *rs, uint64_t ms, struct err *err)
{
	const struct recipe_node *k = rs->r->login != NULL ? recipe_child(rs->r->login, RT_KEEPALIVE) : NULL;
	struct recipe_item aside = { .vars = { .outer = &rs->login.vars } };
	bool recorded = rs->s->o.http.replay != NULL;	/* what was waited for has come; what kept the session is there */
	uint64_t every = 0, now = time_mono_ms(), until = now + ms, part = 0;
	int rc = RC_OK;

	if (k != NULL)
		(void)recipe_duration(recipe_attr(k, "every"), &every);
	while (recorded && k != NULL && rc == RC_OK && keepalive_recorded(rs, k, &rc, err))
		rc = recipe_ask(rs, &aside, k->child, err);
	while (!recorded && rc == RC_OK && now < until) {
		part = until - now;
		if (every > 0 && rs->logged_in && now + part > rs->alive_ms + every)
			part = rs->alive_ms + every > now ? rs->alive_ms + every - now : 0;
		if (part > 0)
			rc = http_pause(rs->s->http, part, err);
		now = time_mono_ms();
		if (rc == RC_OK && every > 0 && rs->logged_in && now >= rs->alive_ms + every) {
			rs->alive_ms = now;
			rc = recipe_ask(rs, &aside, k->child, err);
		}
	}
	page_drop(aside.at.page);
	vars_free(&aside.vars);
	return rc;
}
