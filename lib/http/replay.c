#include "http/replay.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/replay_compare.h"
#include "http/transfer.h"

struct replay {
	const struct recorded_session *s;
	bool *used;
	size_t next;		/* behind the last one that was used */
	struct tags tags;
	const struct recorded *last, *absent;
	char *header;		/* that was asked for */
	struct err missed;	/* kind ERR_NONE: none */
};

int
replay_new(struct replay **out, const struct recording *r, size_t session, struct err *err)
{
	struct replay *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL)
		return err_sys(err, ENOMEM, "cannot run the recording");
	if (session >= r->n) {
		free(p);
		return err_set(err, ERR_NOINPUT, "the recording has no session %zu", session + 1);
	}
	p->s = &r->v[session];
	if ((p->used = calloc(p->s->n + 1, sizeof(*p->used))) == NULL) {
		free(p);
		return err_sys(err, ENOMEM, "cannot run the recording");
	}
	*out = p;
	return RC_OK;
}

void
replay_free(struct replay *p)
{
	if (p == NULL)
		return;
	tags_free(&p->tags);
	hash_wipe_text(&p->header);
	free(p->used);
	free(p);
}

static int
filled(struct replay *p, const char *text, char **out, struct err *err)
{
	struct buf b = BUF_INIT((size_t)64 << 10);
	int rc = tags_fill(&p->tags, text, strlen(text), &b, err);

	*out = NULL;
	if (rc == RC_OK && (*out = text_dup(b.data != NULL ? b.data : "", err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

int
replay_url(struct replay *p, size_t i, char **out, struct err *err)
{
	return filled(p, i < p->s->n ? p->s->v[i].url : "", out, err);
}

void
replay_forget(struct replay *p)
{
	tags_cut(&p->tags, 0);
}

const struct recorded *
replay_absent(const struct replay *p)
{
	return p->absent;
}

int
replay_verdict(const struct replay *p, struct err *err)
{
	if (p->missed.kind == ERR_NONE)
		return RC_OK;
	*err = p->missed;
	return err_rc(err->kind);
}

size_t
replay_unused(const struct replay *p, size_t step)
{
	size_t i = 0, n = 0;

	for (i = 0; i < p->s->n; i++)
		n += p->s->v[i].step == step && !p->used[i];
	return n;
}

bool
replay_next(struct replay *p, const char *method, const char *url)
{
	const struct http_request req = { .method = method };

	return p->next < p->s->n && !p->used[p->next] && compare_fits(&p->tags, &req, url, &p->s->v[p->next]);
}

const char *
replay_header(struct replay *p, const char *name)
{
	const char *v = p->last != NULL ? recorded_header(p->last, name) : NULL;
	struct err e = { 0 };

	hash_wipe_text(&p->header);
	return v != NULL && filled(p, v, &p->header, &e) == RC_OK ? p->header : NULL;
}

/* The last one that was set under the name, in an answer that was given. */
int
replay_cookie(struct replay *p, const char *name, char **out, struct err *err)
{
	const json_t *h = NULL;
	const char *v = NULL, *found = NULL;
	char *whole = NULL;
	size_t i = 0, k = 0, n = strlen(name);
	int rc = RC_OK;

	*out = NULL;
	for (i = 0; i < p->s->n; i++)
		json_array_foreach((json_t *)(uintptr_t)(p->used[i] ? p->s->v[i].headers : NULL), k, h) {
			v = json_text(h, "value");
			if (strcasecmp(json_text(h, "name"), "Set-Cookie") == 0 && strncmp(v, name, n) == 0 && v[n] == '=')
				found = v + n + 1;
		}
	if (found == NULL || (rc = filled(p, found, &whole, err)) != RC_OK)
		return rc;
	whole[strcspn(whole, ";")] = '\0';
	*out = whole;
	return RC_OK;
}

bool
replay_plain(const struct replay *p, const char *host)
{
	size_t i = 0, n = strlen(host);
	const char *u = NULL;

	for (i = 0; i < p->s->n; i++) {
		u = p->s->v[i].url;
		if (strncasecmp(u, "http://", 7) == 0 && strncasecmp(u + 7, host, n) == 0 && strchr(":/?", u[7 + n]) != NULL)
			return true;
	}
	return false;
}

/* In their order; one that was recorded earlier where the order has changed. */
static const struct recorded *
find(struct replay *p, const struct http_request *req, const char *url)
{
	size_t i = 0, k = 0;

	for (k = 0; k < p->s->n; k++) {
		i = (p->next + k) % p->s->n;
		if (p->used[i] || !compare_fits(&p->tags, req, url, &p->s->v[i]))
			continue;
		p->used[i] = true;
		p->next = i + 1;
		return &p->s->v[i];
	}
	return NULL;
}

static int
miss(struct replay *p, const struct http_request *req, const char *url, struct err *err)
{
	char what[256], best_what[256] = "", asked[160];
	const struct recorded *best = NULL;
	unsigned n = 0, least = ~0U;
	size_t i = 0;

	for (i = 0; i < p->s->n; i++) {
		n = 2 * compare_differs(&p->tags, req, url, &p->s->v[i], what, sizeof(what)) + p->used[i];
		if (n >= least)
			continue;
		least = n;
		best = &p->s->v[i];
		text_copy(best_what, sizeof(best_what), n > 1 ? what : "it was asked for once, and is asked for again");
	}
	compare_path(&p->tags, url, asked, sizeof(asked));
	err_set(err, ERR_PERSON, "the recording has no answer to %s %s; the nearest is entry %zu: %s", req->method, asked,
	    best != NULL ? best->number : 0, best_what);
	if (p->missed.kind == ERR_NONE)
		p->missed = *err;
	return err_rc(ERR_PERSON);
}

static int
read_headers(struct replay *p, const struct recorded *e, struct http_response *resp, struct err *err)
{
	const char *v = recorded_header(e, "Retry-After");
	uint64_t n = 0;
	char *text = NULL;
	int rc = RC_OK;

	resp->status = e->status;
	resp->length = (long long)e->bytes;
	resp->end = HTTP_END_PROVED;
	resp->retry_after = v == NULL ? -1 : text_u64(v, 86400, &n) ? (long)n : 0;
	text_copy(resp->type, sizeof(resp->type), e->type);
	resp->full_type[0] = resp->disposition[0] = '\0';
	if ((v = recorded_header(e, "Content-Type")) != NULL)
		text_copy(resp->full_type, sizeof(resp->full_type), v);
	if ((v = recorded_header(e, "Content-Disposition")) == NULL)
		return RC_OK;
	if ((rc = filled(p, v, &text, err)) == RC_OK)
		text_copy(resp->disposition, sizeof(resp->disposition), text);
	free(text);
	return rc;
}

static int
give_body(const struct http_request *req, const struct buf *body, struct http_response *resp, struct err *err)
{
	bool good = resp->status >= 200 && resp->status < 300;
	int rc = RC_OK;

	resp->bytes = body->len;
	if (!good || req->sink == NULL)
		return buf_add(&resp->body, body->data != NULL ? body->data : "", body->len, err);
	if ((rc = req->sink->begin(req->sink->arg, resp, err)) == RC_OK && body->len > 0)
		rc = req->sink->write(req->sink->arg, body->data, body->len, err);
	return rc;
}

/* The exchange, for --explain: as it is here, without what only a network has. */
static void
tell(struct http *h, const struct http_request *req, const char *url, const struct recorded *e, const struct buf *body,
    const char *location, int rc, const struct err *err)
{
	struct http_exchange x = { .method = req->method, .url = url, .location = location, .body = req->body,
	    .body_len = req->body_len, .body_type = req->body_type, .status = e->status, .type = e->type,
	    .text = body->data != NULL ? body->data : "", .text_len = body->len, .bytes = e->bytes,
	    .error = rc != RC_OK && e->error != NULL ? err->text : NULL, .error_kind = err->kind, .reused = true,
	    .ip = "", .tls_version = "", .tls_cipher = "" };

	if (h->trace.fn != NULL)
		h->trace.fn(h->trace.arg, &x);
}

/* With the last error of a step that ended well, as a look that stops before the file does, there was none. */
static bool
failed(const struct replay *p, const struct recorded *e)
{
	const struct recorded_step *step = &p->s->steps[e->step];
	size_t i = (size_t)(e - p->s->v) + 1;

	return e->error != NULL && (e->status == 0 || !step->whole || step->state[0] != '\0' || step->said[0] != '\0' ||
	    (i < p->s->n && p->s->v[i].step == e->step));
}

int
replay_run(struct http *h, const struct http_request *req, const char *url, struct http_response *resp, char **location,
    struct err *err)
{
	struct replay *p = h->o.replay;
	struct buf body = BUF_INIT(HTTP_BODY_MAX > req->max ? HTTP_BODY_MAX : req->max);
	const struct recorded *e = find(p, req, url);
	int rc = RC_OK;

	*location = NULL;
	p->absent = NULL;
	resp->bytes = 0;
	resp->status = 0;
	resp->length = resp->retry_after = -1;
	buf_clear(&resp->body);
	resp->body.max = body.max;
	h->ours = false;
	h->requests++;
	p->last = e;
	if (e == NULL)
		return miss(p, req, url, err);
	if (failed(p, e)) {
		err_set(err, (enum err_kind)e->error_kind, "%s", e->error);
		rc = err_rc(err->kind);
		goto out;
	}
	if ((rc = read_headers(p, e, resp, err)) != RC_OK)
		goto out;
	if (e->text == NULL && e->bytes > 0 && e->status >= 200 && e->status < 300) {
		p->absent = e;
		h->ours = true;
		rc = err_set(err, ERR_PERSON, "entry %zu: the %llu bytes of the answer are not recorded", e->number,
		    (unsigned long long)e->bytes);
		goto out;
	}
	if (e->text != NULL && (rc = tags_fill(&p->tags, e->text, e->text_len, &body, err)) != RC_OK)
		goto out;
	if (e->location[0] != '\0' && (rc = filled(p, e->location, location, err)) != RC_OK)
		goto out;
	rc = give_body(req, &body, resp, err);
	h->ours = rc != RC_OK;
out:
	tell(h, req, url, e, &body, *location, rc, err);
	buf_wipe(&body);
	return rc;
}
