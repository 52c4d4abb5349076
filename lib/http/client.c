#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "http/client.h"
#include "http/jar.h"
#include "http/proxy.h"
#include "http/replay.h"
#include "http/transfer.h"

#define RESUME_STEP	((uint64_t)64 << 10)
#define ALIVE_MS	1000	/* how often somebody is told during a wait */
#define BACKOFF_MS	300	/* first wait after a transport error; doubles, with jitter */

static void
free_texts(char **v, size_t n)
{
	size_t i = 0;

	for (i = 0; v != NULL && i < n; i++)
		free(v[i]);
	free(v);
}

static int
take_cert(struct http *h, const struct http_options *o, struct err *err)
{
	struct url u;
	int rc = url_parse(o->cert_url != NULL ? o->cert_url : "", &u, err);

	if (rc != RC_OK)
		return rc;
	text_copy(h->cert_host, sizeof(h->cert_host), u.host);
	url_free(&u);
	return (h->cert = text_dup(o->cert, err)) == NULL || (h->key = text_dup(o->key, err)) == NULL ?
	    err_rc(err->kind) : RC_OK;
}

int
http_open(struct http **out, const struct http_options *o, struct err *err)
{
	struct http *h = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	if ((rc = proxy_check(o->proxy, err)) != RC_OK)
		return rc;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	h->o = *o;
	if (h->o.step_ms <= 0)
		h->o.step_ms = HTTP_STEP_MS;
	if (h->o.wait_ms <= 0)
		h->o.wait_ms = HTTP_WAIT_MS;
	if (h->o.gap_ms <= 0)
		h->o.gap_ms = HTTP_GAP_MS;
	if (h->o.max_requests == 0)
		h->o.max_requests = HTTP_REQUESTS_MAX;
	if (h->o.max_bytes == 0)
		h->o.max_bytes = HTTP_BYTES_MAX;
	rc = err_rc(ERR_TEMP);
	if ((h->agent = text_dup(o->agent, err)) == NULL ||
	    (o->cafile != NULL && o->cafile[0] != '\0' && (h->cafile = text_dup(o->cafile, err)) == NULL) ||
	    (o->proxy != NULL && o->proxy[0] != '\0' && (h->proxy = text_dup(o->proxy, err)) == NULL))
		goto out;
	if (o->cert != NULL && o->key != NULL && (rc = take_cert(h, o, err)) != RC_OK)
		goto out;
	if (o->nallow_http > 0 && (h->plain = calloc(o->nallow_http, sizeof(*h->plain))) == NULL) {
		rc = err_sys(err, ENOMEM, "cannot start a session");
		goto out;
	}
	for (i = 0; i < o->nallow_http; i++, h->nplain++)
		if ((h->plain[i] = text_dup(o->allow_http[i], err)) == NULL)
			goto out;
	for (i = 0, rc = RC_OK; i < o->nallow && rc == RC_OK; i++)
		rc = address_rules_add(&h->rules, o->allow[i], err);
	if (rc != RC_OK)
		goto out;
	if (o->replay != NULL)	/* nothing that could open a socket is there */
		goto out;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (h->curl = curl_easy_init()) == NULL) {
		rc = err_sys(err, ENOMEM, "cannot start libcurl");
		goto out;
	}
	rc = transfer_setup(h, err);
out:
	if (rc == RC_OK)
		*out = h;
	else
		http_close(h);
	return rc;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	trace_free(h);
	free(h->agent);
	free(h->cafile);
	free(h->cert);
	hash_wipe_text(&h->key);
	hash_wipe_text(&h->proxy);
	free_texts(h->plain, h->nplain);
	free(h);
}

void
http_response_free(struct http_response *resp)
{
	hash_wipe_text(&resp->url);
	buf_wipe(&resp->body);
}

unsigned
http_requests(const struct http *h)
{
	return h->requests + h->series;
}

bool
http_cancelled(const struct http *h)
{
	struct pollfd p = { .fd = h->o.cancel_fd, .events = 0 };

	return h->o.cancel_fd >= 0 && poll(&p, 1, 0) == 1;
}

bool
http_status_later(long status)
{
	return status == 408 || status == 425 || status == 429 ||
	    (status >= 500 && status != 501 && status != 505);
}

static int
wait_ms(struct http *h, uint64_t ms, struct err *err)
{
	struct pollfd p = { .fd = h->o.cancel_fd, .events = 0 };
	uint64_t now = time_mono_ms(), until = now + ms;

	if (h->o.replay != NULL)	/* what was waited for has come */
		return RC_OK;
	if (h->o.deadline != 0 && until > h->o.deadline) {
		err_set(err, ERR_TEMP, "the time for this order is up");
		err_advise(err, "give more with --max-time");
		return RC_RETRY;
	}
	for (; now < until; now = time_mono_ms()) {
		if (h->o.alive != NULL)
			h->o.alive(h->o.alive_arg);
		if (poll(&p, h->o.cancel_fd >= 0 ? 1 : 0, until - now > ALIVE_MS ? ALIVE_MS : (int)(until - now)) == 1)
			return err_set(err, ERR_TEMP, "interrupted");
	}
	return RC_OK;
}

int
http_wait(struct http *h, long seconds, struct err *err)
{
	uint64_t ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
	uint64_t cost = ms > 1000 ? ms : 1000;	/* a portal that says 0 again and again comes to an end too */
	uint64_t now = time_mono_ms();

	if (h->waited_ms + cost > (uint64_t)h->o.wait_ms || (h->o.deadline != 0 && now + ms > h->o.deadline)) {
		err_set(err, ERR_TEMP, "the portal is busy and asks to wait %ld s, longer than we may", seconds);
		err_advise(err, "run the same again later, or allow more with --max-time");
		return RC_RETRY;
	}
	h->waited_ms += cost;
	return wait_ms(h, ms > (uint64_t)h->o.gap_ms ? ms : (uint64_t)h->o.gap_ms, err);
}

int
http_pause(struct http *h, uint64_t ms, struct err *err)
{
	if (h->waited_ms + ms > (uint64_t)h->o.wait_ms) {
		err_set(err, ERR_TEMP, "the portal is not ready within the time that we may wait");
		err_advise(err, "run the same again later");
		return RC_RETRY;
	}
	h->waited_ms += ms;
	return wait_ms(h, ms, err);
}

static int
back_off(struct http *h, unsigned tries, struct err *err)
{
	uint64_t ms = (uint64_t)BACKOFF_MS << (tries > 5 ? 5 : tries - 1);
	uint16_t r = 0;

	if (hash_random(&r, sizeof(r), err) != RC_OK)
		return err_rc(err->kind);
	return wait_ms(h, ms / 2 + ms * r / 65536, err);
}

/* http only to hosts that are named; through a proxy the target is judged by its name. */
static int
check_target(const struct http *h, const struct http_request *req, const char *url, struct err *err)
{
	char shown[128];
	struct url u;
	size_t i = 0;
	int rc = url_parse(url, &u, err);

	if (rc != RC_OK)
		return rc;
	if (strcmp(u.scheme, "https") != 0 && (h->o.replay == NULL || !replay_plain(h->o.replay, u.host))) {
		for (i = 0; i < h->nplain && strcasecmp(h->plain[i], u.host) != 0; i++)
			;
		if (i == h->nplain) {
			rc = err_set(err, ERR_DENIED, "%s: an address without TLS (http:)",
			    text_escape(shown, sizeof(shown), u.host, strlen(u.host)));
			err_advise(err, "ask the sender for an https link; [net] allow_http names hosts where http is wanted");
		}
	}
	for (i = 0; i < req->nhosts && strcasecmp(req->hosts[i], u.host) != 0; i++)
		;
	if (rc == RC_OK && req->nhosts > 0 && i == req->nhosts)
		rc = err_set(err, ERR_PROTOCOL, "%s: a host that is not in the scope of this portal",
		    text_escape(shown, sizeof(shown), u.host, strlen(u.host)));
	if (rc == RC_OK && h->proxy != NULL)
		rc = proxy_target(&h->rules, u.host, err);
	url_free(&u);
	return rc;
}

/* A bound that a portal runs into by its own doing, endless pages or redirects. */
int
transfer_may(struct http *h, const struct http_request *req, const char *url, struct err *err)
{
	int rc = check_target(h, req, url, err);

	if (rc == RC_OK && req->soon && h->series >= HTTP_SERIES_MAX)
		rc = err_set(err, ERR_PROTOCOL, "more than %d requests in one series", HTTP_SERIES_MAX);
	else if (rc == RC_OK && !req->soon && h->requests >= h->o.max_requests)
		rc = err_set(err, ERR_PROTOCOL, "more than %u requests for one order", h->o.max_requests);
	return rc;
}

bool
transfer_secrets(const struct http_request *req, const char *url)
{
	struct err e = { 0 };
	struct url u;
	size_t i = 0;
	bool yes = false;

	if ((req->bearer == NULL && req->private == NULL) || url_parse(url, &u, &e) != RC_OK)
		return false;
	for (i = 0; i < req->nbearer_hosts; i++)
		yes = yes || strcasecmp(req->bearer_hosts[i], u.host) == 0;
	url_free(&u);
	return yes;
}

static bool
same_host(const char *a, const char *b)
{
	struct url u, v;
	struct err e = { 0 };
	bool same = false;

	if (url_parse(a, &u, &e) != RC_OK)
		return false;
	if (url_parse(b, &v, &e) == RC_OK) {
		same = strcasecmp(u.host, v.host) == 0;
		url_free(&v);
	}
	url_free(&u);
	return same;
}

/* One attempt with its redirects. */
static int
attempt(struct http *h, const struct http_request *asked, struct http_response *resp, struct err *err)
{
	struct http_request bare = *asked;
	const struct http_request *req = asked;
	char *url = text_dup(req->url, err), *to = NULL;
	uint64_t now = 0;
	int hops = 0, most = req->redirects == 0 ? HTTP_REDIRECTS : req->redirects;
	int rc = url == NULL ? err_rc(ERR_TEMP) : RC_OK;

	while (rc == RC_OK) {
		if ((rc = transfer_may(h, req, url, err)) != RC_OK)
			break;
		now = time_mono_ms();
		if (h->last_ms > 0 && !req->soon && now < h->last_ms + (uint64_t)h->o.gap_ms &&
		    (rc = wait_ms(h, h->last_ms + (uint64_t)h->o.gap_ms - now, err)) != RC_OK)
			break;
		rc = h->o.replay != NULL ? replay_run(h, req, url, resp, &to, err) :
		    transfer_run(h, req, url, transfer_secrets(req, url), resp, &to, err);
		h->last_ms = time_mono_ms();
		if (rc != RC_OK || to == NULL || req->once || strcmp(req->method, "GET") != 0)
			break;
		if (++hops > most) {
			rc = err_set(err, ERR_PROTOCOL, "the portal redirects more than %d times", most > 0 ? most : 0);
			break;
		}
		hash_wipe(url, strlen(url));
		free(url);
		url = to;
		to = NULL;
		bare.headers = NULL;
		req = asked->headers_stay && !same_host(asked->url, url) ? &bare : asked;
	}
	hash_wipe_text(&to);
	hash_wipe_text(&resp->url);
	resp->url = url;
	return rc;
}

int
http_perform(struct http *h, const struct http_request *req, struct http_response *resp, struct err *err)
{
	unsigned tries = 0;
	uint64_t have = 0;
	long told = -1;
	int rc = RC_OK;

	memset(resp, 0, sizeof(*resp));
	resp->anew = "";
	resume_forget(&h->resume);
	for (tries = 1;; ) {
		have = h->resume.have;
		rc = attempt(h, req, resp, err);
		resp->tries = tries;
		if (rc == RC_OK && resp->status >= 200 && resp->status < 300 && req->sink != NULL &&
		    req->sink->complete != NULL && (rc = req->sink->complete(req->sink->arg, resp, err)) != RC_OK)
			resume_forget(&h->resume);	/* an end that was none: where it lies is not known */
		if (rc == RC_OK && resp->status == 416 && have > 0)
			continue;	/* forgotten: from the start */
		if (rc == RC_OK && (req->single || !http_status_later(resp->status)))
			return RC_OK;
		if (req->once || h->ours || (rc != RC_OK && rc != RC_RETRY) || http_cancelled(h))
			return rc;
		told = -1;
		if (rc == RC_OK) {
			told = req->wait_of != NULL ? req->wait_of(resp) : -1;
			if (told < 0)
				told = resp->retry_after;
		}
		if (told >= 0) {	/* waits that the portal asked for are bounded by time, not by number */
			if ((rc = http_wait(h, told, err)) != RC_OK)
				return rc;
			continue;
		}
		if (h->resume.have >= have + RESUME_STEP)
			tries = 1;	/* it gets on: the number of requests ends it, if nothing else */
		if (tries++ >= (req->tries > 0 ? req->tries : HTTP_TRIES))
			return rc;
		if (back_off(h, tries - 1, err) != RC_OK)
			return err_rc(err->kind);
	}
}
