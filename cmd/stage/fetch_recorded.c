#include "stage/fetch_recorded.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"
#include "stage/fetch_wire.h"

#define ASKS_MAX	100	/* studies of one order that are asked for one by one */
#define FIELDS		"&includefield="	/* what dicomweb.c puts behind what it is asked for */

static int
read_all(struct recorded_answers *a, int fd, struct err *err)
{
	struct buf b = BUF_INIT(RECORDING_BYTES_MAX);
	struct stream *s = NULL;
	int rc = stream_file(&s, fd, err);

	if (rc == RC_OK)
		rc = stream_slurp(s, &b, err);
	stream_close(s);
	if (rc == RC_OK)
		rc = recording_parse(&a->recording, b.data != NULL ? b.data : "", b.len, err);
	buf_free(&b);
	return rc;
}

static bool
among(const json_t *list, const char *text)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
		if (strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

/* A DICOMweb portal's list: …/studies?WHAT&includefield=… (PS3.18 10.6) */
static int
take_ask(char *url, json_t *done, struct err *err)
{
	json_t *asks = json_object_get(done, "asks");
	char *at = strstr(url, "/studies?"), *end = at != NULL ? strstr(at, FIELDS) : NULL;

	if (end == NULL || json_array_size(asks) >= ASKS_MAX)
		return RC_OK;
	*at = *end = '\0';
	at += strlen("/studies?");
	if (json_object_get(done, "root") == NULL)
		json_object_set_new(done, "root", json_string(url));
	if (!among(asks, at) && json_array_append_new(asks, json_string(at)) != 0)
		return err_set(err, ERR_DATA, "the recording: an address that is no text");
	return RC_OK;
}

/* What the parent needs to begin as the recorded session began. */
static int
origin(const struct recorded_answers *a, const struct recorded_session *s, const char *kind, json_t *done,
    struct err *err)
{
	char *url = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < s->n && rc == RC_OK; i++) {
		if (i > 0 && (strcmp(kind, "dicomweb") != 0 || strcmp(s->steps[s->v[i].step].what, "list") != 0))
			continue;	/* to look at an address binds its tags */
		if ((rc = replay_url(a->replay, i, &url, err)) != RC_OK)
			break;
		if (i == 0)
			json_object_set_new(done, "first", json_string(url));
		if (strcmp(s->steps[s->v[i].step].what, "look") == 0)
			json_object_set_new(done, "link", json_string(url));
		else
			rc = take_ask(url, done, err);
		hash_wipe_text(&url);
	}
	replay_forget(a->replay);
	return rc;
}

int
recorded_load(struct recorded_answers *a, struct chan *c, int fd, size_t k, struct err *err)
{
	const struct recorded_session *s = NULL;
	const struct recorded_step *t = NULL;
	const char *kind = "";
	json_t *done = NULL;
	size_t i = 0;
	int rc = read_all(a, fd, err);

	if (rc != RC_OK || (rc = replay_new(&a->replay, a->recording, k, err)) != RC_OK)
		return rc;
	s = &a->recording->v[k];
	for (i = 0; i < s->nsteps && rc == RC_OK; i++) {
		t = &s->steps[i];
		kind = t->kind[0] != '\0' ? t->kind : kind;
		rc = wire_send_take(c, json_pack("{s:s, s:s, s:I, s:s, s:s, s:b}", "t", "recorded", "what", t->what, "n",
		    (json_int_t)t->n, "state", t->state, "said", t->said, "whole", t->whole), -1, err);
	}
	if (rc != RC_OK)
		return rc;
	done = json_make(err, "{s:s, s:I, s:s, s:s, s:[]}", "t", "done", "sessions", (json_int_t)a->recording->n,
	    "kind", kind, "auth", s->v[0].auth, "asks");
	if (done == NULL)
		return err_rc(err->kind);
	if ((rc = origin(a, s, kind, done, err)) != RC_OK) {
		json_decref(done);
		return rc;
	}
	return wire_send_take(c, done, -1, err);
}

int
recorded_unused(const struct recorded_answers *a, struct chan *c, size_t step, struct err *err)
{
	return wire_send_take(c, json_pack("{s:s, s:I}", "t", "done", "n", (json_int_t)(a->replay != NULL ?
	    replay_unused(a->replay, step) : 0)), -1, err);
}

void
recorded_free(struct recorded_answers *a)
{
	replay_free(a->replay);
	recording_free(a->recording);
	*a = (struct recorded_answers){ 0 };
}
