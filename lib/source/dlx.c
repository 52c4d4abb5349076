#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/dlx.h"
#include "source/dlx_web.h"
#include "source/hosts.h"
#include "source/link.h"
#include "source/session.h"

#define JWT_MAX	16384	/* bytes; servers refuse headers that are longer */

long
dlx_wait_of(const struct http_response *r)
{
	return r->status == 503 || r->status == 429 ? dlx_timeout(r->body.data, r->body.len) : -1;
}

/* RFC 7519: three parts of base64url. What else comes with 200 is no bearer. */
static int
take_bearer(struct source *s, const struct buf *body, struct err *err)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
	const char *p = body->data != NULL ? body->data : "";
	size_t n = body->len;
	char *jwt = NULL;

	while (n > 0 && strchr(" \t\r\n\"", p[n - 1]) != NULL)
		n--;
	while (n > 0 && strchr(" \t\r\n\"", *p) != NULL) {
		p++;
		n--;
	}
	if (n < 8 || n > JWT_MAX || strspn(p, alphabet) < n || memchr(p, '.', n) == NULL) {
		s->state = "portal-changed";
		return err_set(err, ERR_PROTOCOL, "the portal took the answers, but what it gave is no bearer token");
	}
	if ((jwt = malloc(n + 1)) == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	memcpy(jwt, p, n);
	jwt[n] = '\0';
	hash_wipe_text(&s->bearer);
	s->bearer = jwt;
	return redact_add_as(&s->secrets, "bearer", jwt, err);
}

static int
post_answers(struct source *s, struct err *err)
{
	static const char *const headers[] = { "Accept: application/jwt, */*;q=0.1", NULL };
	struct http_response resp = { 0 };
	struct http_request req = { .method = "POST", .headers = headers, .body = s->answers.data,
	    .body_len = s->answers.len, .body_type = "application/json", .once = true, .max = (size_t)64 << 10 };
	char *url = NULL;
	long left = -1;
	int rc = url_append(s->base, "tokentfa", s->token, &url, err);

	if (rc != RC_OK)
		return rc;
	req.url = url;
	rc = http_perform(s->http, &req, &resp, err);
	if (rc != RC_OK)
		goto out;
	switch (resp.status) {
	case 200:
	case 201:
		rc = take_bearer(s, &resp.body, err);
		break;
	case 401:
		s->state = "credentials-wrong";
		left = dlx_attempts(resp.body.data, resp.body.len);
		err_set(err, ERR_DENIED, "the portal refuses the answers, or does not know the link: it does not tell which");
		if (left >= 0)
			err_set(err, ERR_DENIED, "the portal refuses the answers; attempts left: %ld", left);
		err_advise(err, "compare both with the letter; the same answers are not sent again");
		rc = err_rc(ERR_DENIED);
		break;
	case 403:
		s->state = "expired";
		err_set(err, ERR_REFUSED, "the answers are right, but the link has expired");
		err_advise(err, "ask the sender to activate the link again");
		rc = err_rc(ERR_REFUSED);
		break;
	default:
		rc = source_status(s, &resp, "the login", err);
	}
out:
	http_response_free(&resp);
	hash_wipe(url, strlen(url));
	free(url);
	return rc;
}

static int
dlx_login(struct source *s, const char *const *answers, struct err *err)
{
	int rc = RC_OK;

	buf_wipe(&s->answers);
	s->answers.max = (size_t)64 << 10;
	if ((rc = dlx_answers(s->questions, s->nquestions, answers, &s->answers, err)) != RC_OK) {
		s->state = "factor-needed";
		return rc;
	}
	return post_answers(s, err);
}

int
dlx_login_again(struct source *s, struct err *err)
{
	int rc = RC_OK;

	s->again = true;
	rc = post_answers(s, err);
	if (rc != RC_OK && strcmp(s->state, "credentials-wrong") == 0) {	/* they were right: some are good once only */
		s->state = "session-lost";
		err_set(err, ERR_TEMP, "the portal ended the session, and does not take the same answers again");
		err_advise(err, "run the same again, with a new one-time password where there is one");
		rc = RC_RETRY;
	}
	return rc;
}

int
dlx_get(struct source *s, const char *name, const char *segment, const struct http_sink *sink,
    const char *what, struct http_response *resp, struct err *err)
{
	static const char *const json[] = { "Accept: application/json", NULL };
	static const char *const any[] = {
		"Accept: application/zip, application/dicom, application/pdf, */*;q=0.5", NULL
	};
	struct http_request req = { .method = "GET", .headers = sink != NULL ? any : json, .sink = sink,
	    .bearer_hosts = (const char *const *)s->hosts, .nbearer_hosts = s->nhosts, .wait_of = dlx_wait_of,
	    .progress = s->o.progress, .progress_arg = s->o.progress_arg };
	char *url = NULL;
	int rc = url_append(s->base, name, segment, &url, err);

	while (rc == RC_OK) {
		req.url = url;
		req.bearer = s->bearer;
		rc = http_perform(s->http, &req, resp, err);
		source_busy(s, rc, resp);
		if (rc != RC_OK || resp->status != 401 || s->again)
			break;
		http_response_free(resp);
		rc = dlx_login_again(s, err);
	}
	if (rc == RC_OK && resp->status == 401) {
		s->state = "session-lost";
		rc = err_set(err, ERR_TEMP, "%s: the portal ended the session", what);
		err_advise(err, "run the same later");
	} else if (rc == RC_OK && resp->status == 403) {
		s->state = "not-permitted";
		rc = err_set(err, ERR_DENIED, "%s: the portal does not permit it (status 403)", what);
		err_advise(err, "ask the sender to release it");
	} else if (rc == RC_OK && (resp->status < 200 || resp->status >= 300 || resp->status == 202)) {
		rc = source_status(s, resp, what, err);
	}
	hash_wipe_text(&url);
	return rc;
}

static int
dlx_list(struct source *s, struct err *err)
{
	struct http_response resp = { 0 };
	struct source_offer *v = NULL;
	json_t *j = NULL;
	size_t n = 0;
	int rc = dlx_get(s, "list", NULL, NULL, "the list", &resp, err);

	if (rc != RC_OK)
		goto out;
	if ((rc = json_parse(resp.body.data != NULL ? resp.body.data : "", resp.body.len, &j, err)) != RC_OK) {
		err_wrap(err, "the portal's list");
		err->kind = ERR_PROTOCOL;
		s->state = "portal-changed";
		goto out;
	}
	if ((rc = dlx_parse_list(j, &v, &n, err)) != RC_OK) {
		s->state = "portal-changed";
		goto out;
	}
	s->offers = v;
	s->noffers = n;
out:
	json_decref(j);
	http_response_free(&resp);
	return rc;
}

static int
download(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	struct http_response resp = { 0 };
	struct receiver *r = calloc(1, sizeof(*r));
	struct http_sink sink;
	char what[48];
	bool all = false;
	int rc = RC_OK;

	if (r == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	if ((rc = receiver_init(r, err)) != RC_OK)
		goto out;
	r->out = out;
	r->offer = &s->offers[i];
	receiver_sink(r, &sink);
	snprintf(what, sizeof(what), "entry %zu of the list", i + 1);
	rc = dlx_get(s, "download", s->offers[i].id, &sink, what, &resp, err);
	if (rc != RC_OK && s->all && (resp.status == 404 || resp.status == 405 || resp.status == 501)) {
		http_response_free(&resp);
		err_clear(err);
		s->state = "";
		rc = dlx_get(s, "downloadall", NULL, &sink, "the whole list", &resp, err);
		all = rc == RC_OK;
	}
	if (rc == RC_OK) {
		*p = r->p;
		p->all = all;
	}
	else if (err->kind == ERR_TEMP && s->state[0] == '\0' && resp.status >= 200 && resp.status < 300)
		s->state = "partial";
out:
	receiver_free(r);
	free(r);
	http_response_free(&resp);
	return rc;
}

static int
dlx_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	bool done = false;
	int rc = dlx_web_fetch(s, i, out, p, &done, err);

	return done ? rc : download(s, i, out, p, err);
}

static const struct source_ops dlx_ops = { SOURCE_DLX, dlx_login, dlx_list, dlx_fetch, dlx_web_free };

int
dlx_recognise(struct source *s, const char *text, size_t len, const char *final_url, struct err *err)
{
	json_t *j = NULL;
	char *base = NULL, *mark = NULL;
	int rc = RC_OK;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if ((rc = json_parse(text, len, &j, err)) != RC_OK) {
		err_wrap(err, "the portal's answer to the link");
		err->kind = ERR_PROTOCOL;
		s->state = "portal-changed";
		goto out;
	}
	if ((rc = dlx_parse_info(j, s->o.language != NULL ? s->o.language : "",
	    &base, &s->questions, &s->nquestions, err)) != RC_OK) {
		s->state = "unsupported";
		err_advise(err, "ask the sender for a DICOM Link Exchange (DLX) link or a ZIP");
		goto out;
	}
	/* The token is of the link as handed out; after a redirect the new one may have lost it. */
	if ((rc = link_token(s->link, &s->token, err)) != RC_OK ||
	    (rc = redact_add_as(&s->secrets, "token", s->token, err)) != RC_OK)
		goto out;
	if (base == NULL && (mark = strstr(s->link, "/token/")) != NULL) {
		rc = (base = text_dup(s->link, err)) == NULL ? err_rc(err->kind) : RC_OK;
		if (rc != RC_OK)
			goto out;
		base[mark - s->link] = '\0';
	}
	if (base == NULL) {
		s->state = "portal-changed";
		rc = err_set(err, ERR_PROTOCOL, "the portal names no apiBasePath");
		goto out;
	}
	if ((rc = url_resolve(final_url, base, &s->base, err)) != RC_OK ||
	    (rc = hosts_check(s, final_url, err)) != RC_OK || (rc = hosts_check(s, s->base, err)) != RC_OK ||
	    (rc = source_add_host(s, s->link, err)) != RC_OK || (rc = source_add_host(s, final_url, err)) != RC_OK ||
	    (rc = source_add_host(s, s->base, err)) != RC_OK)
		goto out;
	if (dlx_tells_more(j) && (rc = dlx_web_new(s, err)) != RC_OK)
		goto out;
	s->ops = &dlx_ops;
out:
	free(base);
	json_decref(j);
	return rc;
}
