/* Fuzz target: recordings: reading one, and running it: each exchange asked for as it stands, then changed. */
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "http/replay.h"
#include "replay.h"

#define ASKED_MAX	64	/* exchanges of one file that are asked for */

static int
on_begin(void *arg, const struct http_response *resp, struct err *err)
{
	(void)arg; (void)resp; (void)err;
	return RC_OK;
}

static int
on_write(void *arg, const void *data, size_t n, struct err *err)
{
	(void)data; (void)err;
	*(size_t *)arg += n;
	return RC_OK;
}

static void
ask(struct http *h, const struct recorded *e, const char *url, bool sink)
{
	size_t got = 0;
	struct http_sink to = { .begin = on_begin, .write = on_write, .arg = &got };
	struct http_request req = { .method = e->method, .url = url, .body = e->post, .body_len = strlen(e->post),
	    .body_type = e->post_type, .tries = 2, .sink = sink ? &to : NULL };
	struct http_response resp;
	struct err err = { 0 };

	if (http_perform(h, &req, &resp, &err) != RC_OK && err.text[0] == '\0')
		__builtin_trap();
	http_response_free(&resp);
}

static void
session(const struct recording *r, size_t k)
{
	struct http_options o = { .agent = "fuzz", .cancel_fd = -1 };
	struct replay *p = NULL;
	struct http *h = NULL;
	struct err err = { 0 };
	char *url = NULL;
	size_t i = 0;

	if (replay_new(&p, r, k, &err) != RC_OK)
		return;
	o.replay = p;
	if (http_open(&h, &o, &err) == RC_OK)
		for (i = 0; i < r->v[k].n && i < ASKED_MAX; i++) {
			if (r->v[k].v[i].step >= r->v[k].nsteps)
				__builtin_trap();
			if (replay_url(p, i, &url, &err) != RC_OK)
				continue;
			ask(h, &r->v[k].v[i], url, i % 2 == 1);
			if (strlen(url) > 12)
				url[strlen(url) - 1] ^= 1;
			ask(h, &r->v[k].v[i], url, false);
			hash_wipe_text(&url);
		}
	http_close(h);
	replay_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct recording *r = NULL;
	struct err err = { 0 };
	size_t k = 0;

	if (recording_parse(&r, (const char *)data, n, &err) != RC_OK) {
		if (err.kind == ERR_NONE || r != NULL)
			__builtin_trap();
		return 0;
	}
	for (k = 0; k < r->n && k < ASKED_MAX; k++)
		session(r, k);
	recording_free(r);
	return 0;
}
