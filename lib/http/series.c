/* Several requests at a time. Each lane is a handle of its own beside the session's, with the session's rules. */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include "base/hash.h"
#include "base/time.h"
#include "http/transfer.h"

#define POLL_MS	1000	/* curl wakes up for what it waits for itself */

struct lane {
	struct http h;			/* a copy, but for curl, trace and what one request changes */
	struct http_request req;
	struct http_response resp;
	struct transfer t;
	bool busy;
};

struct many {
	struct http *h;
	const struct http_series *s;
	CURLM *multi;
	struct lane lane[HTTP_LANES_MAX];
	unsigned busy;
	bool over;			/* no further request */
};

static int
lane_open(struct many *m, struct lane *l, struct err *err)
{
	l->h = *m->h;
	memset(&l->h.trace, 0, sizeof(l->h.trace));
	memset(&l->h.resume, 0, sizeof(l->h.resume));
	if ((l->h.curl = curl_easy_init()) == NULL)
		return err_sys(err, ENOMEM, "cannot start libcurl");
	http_trace(&l->h, m->h->trace.fn, m->h->trace.arg);
	return transfer_setup(&l->h, err);
}

static void
lane_close(struct many *m, struct lane *l)
{
	struct err err = { 0 };
	char *location = NULL;

	if (l->busy) {
		curl_multi_remove_handle(m->multi, l->h.curl);
		(void)transfer_finish(&l->t, CURLE_ABORTED_BY_CALLBACK, l->req.url, &location, &err);
		hash_wipe_text(&location);
	}
	curl_easy_cleanup(l->h.curl);
	trace_free(&l->h);
	http_response_free(&l->resp);
}

/* Gives the lane its next request, where there is one. */
static int
lane_start(struct many *m, struct lane *l, struct err *err)
{
	int rc = RC_OK;

	memset(&l->req, 0, sizeof(l->req));
	if (m->over || !m->s->next(m->s->arg, (unsigned)(l - m->lane), &l->req)) {
		m->over = true;
		return RC_OK;
	}
	l->req.sink = NULL;
	l->req.max = m->s->max;
	l->resp = (struct http_response){ .anew = "", .body = l->resp.body };	/* the memory serves again */
	l->t = (struct transfer){ .h = &l->h, .req = &l->req, .resp = &l->resp };
	l->h.bytes = m->h->bytes;
	if ((rc = transfer_may(m->h, &l->req, l->req.url, err)) != RC_OK ||
	    (rc = transfer_prepare(&l->t, l->req.url, transfer_secrets(&l->req, l->req.url), err)) != RC_OK) {
		m->over = true;
		(void)m->s->came(m->s->arg, (unsigned)(l - m->lane), rc, &l->resp, err);
		return RC_OK;
	}
	m->h->series += l->req.soon;
	m->h->requests += !l->req.soon;
	if (curl_multi_add_handle(m->multi, l->h.curl) != CURLM_OK)
		return err_sys(err, ENOMEM, "cannot start a request");
	l->busy = true;
	m->busy++;
	return RC_OK;
}

static void
lane_end(struct many *m, struct lane *l, CURLcode code)
{
	struct err err = { 0 };
	char *location = NULL;
	int rc = RC_OK;

	curl_multi_remove_handle(m->multi, l->h.curl);
	l->busy = false;
	m->busy--;
	rc = transfer_finish(&l->t, code, l->req.url, &location, &err);
	hash_wipe_text(&location);
	l->resp.tries = 1;
	m->h->bytes += l->resp.bytes;
	if (!m->s->came(m->s->arg, (unsigned)(l - m->lane), rc, &l->resp, &err))
		m->over = true;
}

static struct lane *
lane_of(struct many *m, const CURL *curl)
{
	unsigned i = 0;

	while (i < m->s->lanes && m->lane[i].h.curl != curl)
		i++;
	return i < m->s->lanes ? &m->lane[i] : NULL;
}

static int
run(struct many *m, struct err *err)
{
	CURLMsg *msg = NULL;
	struct lane *l = NULL;
	int running = 0, left = 0, rc = RC_OK;
	unsigned i = 0;

	for (i = 0; i < m->s->lanes && rc == RC_OK; i++)
		rc = lane_start(m, &m->lane[i], err);
	while (rc == RC_OK && m->busy > 0) {
		if (curl_multi_perform(m->multi, &running) != CURLM_OK)
			return err_set(err, ERR_INTERNAL, "libcurl does not go on");
		while (rc == RC_OK && (msg = curl_multi_info_read(m->multi, &left)) != NULL) {
			if (msg->msg != CURLMSG_DONE || (l = lane_of(m, msg->easy_handle)) == NULL)
				continue;
			lane_end(m, l, msg->data.result);	/* msg is gone */
			rc = lane_start(m, l, err);
		}
		if (http_cancelled(m->h))
			return err_set(err, ERR_TEMP, "interrupted");
		if (rc == RC_OK && m->busy > 0 && curl_multi_poll(m->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
			return err_set(err, ERR_INTERNAL, "libcurl does not wait");
	}
	return rc;
}

int
http_perform_series(struct http *h, const struct http_series *s, struct err *err)
{
	struct many m = { .h = h, .s = s };
	unsigned i = 0;
	int rc = RC_OK;

	if (h->o.replay != NULL)
		return err_set(err, ERR_INTERNAL, "a recording answers one request at a time");
	if (s->lanes < 1 || s->lanes > HTTP_LANES_MAX)
		return err_set(err, ERR_INTERNAL, "%u lanes", s->lanes);
	if ((m.multi = curl_multi_init()) == NULL)
		return err_sys(err, ENOMEM, "cannot start libcurl");
	curl_multi_setopt(m.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)s->lanes);
	for (i = 0; i < s->lanes && rc == RC_OK; i++)
		rc = lane_open(&m, &m.lane[i], err);
	if (rc == RC_OK)
		rc = run(&m, err);
	for (i = 0; i < s->lanes; i++)
		if (m.lane[i].h.curl != NULL)
			lane_close(&m, &m.lane[i]);
	curl_multi_cleanup(m.multi);
	h->last_ms = time_mono_ms();
	return rc;
}
