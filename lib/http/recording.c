#include "http/recording.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"

static int
bad(struct err *err, size_t number, const char *what)
{
	return err_set(err, ERR_DATA, "entry %zu of the recording: %s", number, what);
}

static int
request_of(const json_t *q, struct recorded *r, struct err *err)
{
	const json_t *h = NULL, *post = json_object_get(q, "postData");
	size_t i = 0;

	r->auth = "";
	r->method = json_text(q, "method");
	r->url = json_text(q, "url");
	r->post = json_text(post, "text");
	r->post_type = json_text(post, "mimeType");
	json_array_foreach(json_object_get(q, "headers"), i, h)
		if (strcasecmp(json_text(h, "name"), "Authorization") == 0)
			r->auth = text_starts(json_text(h, "value"), "Basic ") ? "Basic" : "Bearer";
	if (r->method[0] == '\0' || strstr(r->url, "://") == NULL)
		return bad(err, r->number, "a request without a method or an address");
	return RC_OK;
}

static int
response_of(const json_t *a, struct recorded *r, struct err *err)
{
	const json_t *content = json_object_get(a, "content"), *text = json_object_get(content, "text");
	json_int_t status = json_integer_value(json_object_get(a, "status"));
	json_int_t size = json_integer_value(json_object_get(content, "size"));

	if (status < 0 || status > 999 || size < 0)
		return bad(err, r->number, "an answer that cannot be");
	r->status = (long)status;
	r->bytes = (uint64_t)size;
	r->type = json_text(content, "mimeType");
	r->media = json_text(content, "_media");
	r->sha256 = json_text(content, "_sha256");
	r->location = json_text(a, "redirectURL");
	r->headers = json_object_get(a, "headers");
	r->text = json_string_value(text);
	r->text_len = json_string_length(text);
	return RC_OK;
}

/* "fetch 2" */
static bool
step_of(const char *text, struct recorded_step *s)
{
	size_t n = strcspn(text, " ");
	uint64_t number = 0;

	if (n == 0 || n >= sizeof(s->what) || strspn(text, "abcdefghijklmnopqrstuvwxyz") != n ||
	    (text[n] == ' ' && !text_u64(text + n + 1, RECORDING_ENTRIES_MAX, &number)))
		return false;
	text_copyn(s->what, sizeof(s->what), text, n);
	s->n = (size_t)number;
	s->kind = s->state = s->said = "";
	return true;
}

static int
session_of(struct recording *r, const char *name, struct recorded_session **out, struct err *err)
{
	struct recorded_session *v = NULL;
	size_t i = 0;

	for (i = 0; i < r->n && strcmp(r->v[i].name, name) != 0; i++)
		;
	if (i == r->n) {
		if ((v = realloc(r->v, (r->n + 1) * sizeof(*v))) == NULL)
			return err_sys(err, ENOMEM, "cannot hold the recording");
		r->v = v;
		r->v[r->n++] = (struct recorded_session){ .name = name };
	}
	*out = &r->v[i];
	return RC_OK;
}

/* The step of this entry: the last one of its session, or one more. */
static int
take_step(struct recorded_session *s, const json_t *entry, struct recorded *e, struct err *err)
{
	struct recorded_step one = { .n = 0 }, *last = s->nsteps > 0 ? &s->steps[s->nsteps - 1] : NULL, *v = NULL;

	if (!step_of(json_text(entry, "_step"), &one))
		return bad(err, e->number, "it says of no step that it belongs to");
	if (last == NULL || last->whole || strcmp(last->what, one.what) != 0 || last->n != one.n) {
		if (s->nsteps == RECORDING_STEPS_MAX)
			return err_set(err, ERR_DATA, "the recording has more than %d steps", RECORDING_STEPS_MAX);
		if ((v = realloc(s->steps, (s->nsteps + 1) * sizeof(*v))) == NULL)
			return err_sys(err, ENOMEM, "cannot hold the recording");
		s->steps = v;
		s->steps[s->nsteps++] = one;
		last = &s->steps[s->nsteps - 1];
	}
	e->step = s->nsteps - 1;
	if (json_is_string(json_object_get(entry, "_state"))) {
		last->whole = true;
		last->kind = json_text(entry, "_kind");
		last->state = json_text(entry, "_state");
		last->said = json_text(entry, "_said");
	}
	return RC_OK;
}

static int
take_entry(struct recording *r, const json_t *entry, size_t number, struct err *err)
{
	const json_t *error = json_object_get(entry, "_error");
	struct recorded e = { .number = number }, *v = NULL;
	struct recorded_session *s = NULL;
	json_int_t kind = 0;
	int rc = RC_OK;

	if ((rc = request_of(json_object_get(entry, "request"), &e, err)) != RC_OK ||
	    (rc = response_of(json_object_get(entry, "response"), &e, err)) != RC_OK)
		return rc;
	if (error != NULL) {
		kind = json_integer_value(json_object_get(error, "kind"));
		if (kind <= ERR_NONE || kind > ERR_INTERNAL)
			return bad(err, number, "an error of no kind");
		e.error = json_text(error, "text");
		e.error_kind = (int)kind;
	}
	if ((rc = session_of(r, json_text(entry, "_session"), &s, err)) != RC_OK ||
	    (rc = take_step(s, entry, &e, err)) != RC_OK)
		return rc;
	if ((v = realloc(s->v, (s->n + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the recording");
	s->v = v;
	s->v[s->n++] = e;
	return RC_OK;
}

int
recording_parse(struct recording **out, const char *text, size_t len, struct err *err)
{
	struct recording *r = calloc(1, sizeof(*r));
	const json_t *log = NULL, *list = NULL;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	*out = NULL;
	if (r == NULL)
		return err_sys(err, ENOMEM, "cannot hold the recording");
	if (len > RECORDING_BYTES_MAX) {
		rc = err_set(err, ERR_DATA, "a recording of more than %zu bytes", RECORDING_BYTES_MAX);
		goto out;
	}
	if ((rc = json_parse(text, len, &r->root, err)) != RC_OK) {
		err_wrap(err, "the recording");
		goto out;
	}
	log = json_object_get(r->root, "log");
	list = json_object_get(log, "entries");
	n = json_array_size(list);
	if (!json_is_array(list) || strcmp(json_text(json_object_get(log, "creator"), "name"), "mri-tools") != 0) {
		rc = err_set(err, ERR_DATA, "not a recording of mri-fetch --har");
		err_advise(err, "a HAR of a browser holds its secrets as they are, and nothing of the steps: record with --har");
		goto out;
	}
	if (n > RECORDING_ENTRIES_MAX)
		rc = err_set(err, ERR_DATA, "a recording of more than %d exchanges", RECORDING_ENTRIES_MAX);
	else if (n == 0)
		rc = err_set(err, ERR_DATA, "the recording is empty");
	for (i = 0; i < n && rc == RC_OK; i++)
		rc = take_entry(r, json_array_get(list, i), i + 1, err);
out:
	if (rc == RC_OK)
		*out = r;
	else
		recording_free(r);
	return rc != RC_OK ? err_rc(err->kind) : rc;
}

void
recording_free(struct recording *r)
{
	size_t i = 0;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++) {
		free(r->v[i].v);
		free(r->v[i].steps);
	}
	free(r->v);
	json_decref(r->root);
	free(r);
}

const char *
recorded_header(const struct recorded *r, const char *name)
{
	const json_t *h = NULL;
	size_t i = 0;

	json_array_foreach((json_t *)(uintptr_t)r->headers, i, h)
		if (strcasecmp(json_text(h, "name"), name) == 0)
			return json_text(h, "value");
	return NULL;
}
