#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "spool/import.h"
#include "stage/fetch_recorded.h"
#include "stage/fetch_serve.h"
#include "stage/fetch_wire.h"
#include "sys/netjail.h"

#define PROGRESS_MS	100
#define ALIVE_MS	2000
/* A portal may drip, or be busy now and then, without an end. Within this 64 GiB (HTTP_BYTES_MAX) come at 25 Mbit/s,
 * and what began in the evening is over in the morning. */
#define WALL_MS		((uint64_t)6 * 3600 * 1000)

struct server {
	struct chan *chan;
	struct source *source;
	struct source_options options;
	struct source_portal portal;
	char **allow;			/* that of the configuration and that of the portal; the texts are theirs */
	int fd;				/* where the package goes */
	bool sealed;
	struct age_recipient to;
	uint64_t told_ms;
	int har;			/* -1: nothing is recorded */
	bool steps;			/* each exchange is told to the parent */
	struct recorded_answers recorded;	/* of a replay */
};

static void
on_step(void *arg, const char *text)
{
	struct server *sv = arg;

	(void)wire_send_take(sv->chan, json_pack("{s:s, s:s}", "t", "step", "text", text), -1, &(struct err){ 0 });
}

static void
on_progress(void *arg, uint64_t bytes, long long total)
{
	struct server *sv = arg;
	struct err e = { 0 };
	uint64_t now = time_mono_ms();

	if (now - sv->told_ms < PROGRESS_MS)
		return;
	sv->told_ms = now;
	(void)wire_send_take(sv->chan, json_pack("{s:s, s:I, s:I}", "t", "progress", "bytes", (json_int_t)bytes,
	    "total", (json_int_t)total), -1, &e);
}

/* A portal that lets us wait is none of our failures: the parent hears that we do. */
static void
on_alive(void *arg)
{
	struct server *sv = arg;
	uint64_t now = time_mono_ms();

	if (now - sv->told_ms < ALIVE_MS)
		return;
	sv->told_ms = now;
	(void)wire_send_take(sv->chan, json_pack("{s:s}", "t", "alive"), -1, &(struct err){ 0 });
}

static int
take_recipient(struct server *sv, const json_t *j, struct err *err)
{
	const char *to = json_string_value(json_object_get(j, "to"));

	sv->sealed = to != NULL;
	return to != NULL ? age_recipient_parse(to, &sv->to, err) : RC_OK;
}

static void
drop_fd(struct server *sv)
{
	if (sv->fd >= 0)
		close(sv->fd);
	sv->fd = -1;
}

/* Receives one message; a descriptor that comes with it replaces the one we had. */
static int
receive(struct server *sv, json_t **out, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	size_t nfds = 0;
	int fd = -1, rc = chan_recv(sv->chan, &msg, &fd, 1, &nfds, err);

	*out = NULL;
	if (rc == RC_OK && nfds == 1) {
		drop_fd(sv);
		sv->fd = fd;
	}
	if (rc == RC_OK)
		rc = json_parse(msg.data, msg.len, out, err);
	buf_wipe(&msg);
	return rc;
}

/* Each attempt starts on an empty file: bytes of two attempts are never joined. */
static int
begin(void *arg, const struct source_offer *offer, enum media media, struct stream **out, struct err *err)
{
	struct server *sv = arg;
	json_t *j = NULL;
	int copy = -1, rc = RC_OK;

	if (sv->fd < 0) {	/* a direct link: only now is it known that there is something to write */
		rc = wire_send_take(sv->chan, json_pack("{s:s, s:i, s:s?}", "t", "body", "media", (int)media,
		    "type", offer->media), -1, err);
		if (rc != RC_OK || (rc = receive(sv, &j, err)) != RC_OK)
			return rc;
		rc = take_recipient(sv, j, err);
		json_decref(j);
		if (rc != RC_OK)
			return rc;
		if (sv->fd < 0)
			return err_set(err, ERR_TEMP, "interrupted");
	}
	if (ftruncate(sv->fd, 0) != 0 || lseek(sv->fd, 0, SEEK_SET) != 0)
		return err_sys(err, errno, "cannot begin a package");
	copy = dup(sv->fd);
	if (copy < 0)
		return err_sys(err, errno, "cannot begin a package");
	return spool_writer_fd(out, copy, sv->sealed ? &sv->to : NULL, err);
}

/* The session begins with the link: only then is it known what the configuration says of its portal. */
static int
begin_session(struct server *sv, const json_t *request, const char *link, struct err *err)
{
	const json_t *portal = json_object_get(request, "portal"), *hide = json_object_get(request, "hide");
	struct http_options *h = &sv->options.http;
	int rc = RC_OK;

	if (sv->source != NULL)
		return err_set(err, ERR_INTERNAL, "a second look");
	if (portal != NULL) {
		if ((rc = wire_portal_read(portal, &sv->portal, err)) != RC_OK)
			return rc;
		if ((sv->allow = calloc(h->nallow + sv->portal.nallow + 1, sizeof(*sv->allow))) == NULL)
			return err_sys(err, ENOMEM, "cannot start a session");
		if (h->nallow > 0)
			memcpy(sv->allow, h->allow, h->nallow * sizeof(*sv->allow));
		if (sv->portal.nallow > 0)
			memcpy(sv->allow + h->nallow, sv->portal.allow, sv->portal.nallow * sizeof(*sv->allow));
		h->allow = sv->allow;
		h->nallow += sv->portal.nallow;
		h->cert = sv->portal.cert;
		h->key = sv->portal.key;
		h->cert_url = sv->portal.dicomweb != NULL ? sv->portal.dicomweb : link;
		sv->options.portal = &sv->portal;
	}
	sv->options.record = sv->har >= 0 || sv->steps;
	sv->options.har_fd = sv->har;
	sv->options.step = sv->steps ? on_step : NULL;
	sv->options.step_arg = sv;
	if ((rc = source_new(&sv->source, &sv->options, err)) == RC_OK)
		rc = source_hide(sv->source, json_text(hide, "name"), json_text(hide, "id"), json_text(hide, "birth"), err);
	return rc;
}

static int
do_look(struct server *sv, const json_t *j, struct err *err)
{
	struct source_output out = { begin, sv };
	const struct source_question *q = NULL;
	const struct source_offer *o = NULL;
	const char *link = json_string_value(json_object_get(j, "link"));
	bool only = json_is_true(json_object_get(j, "only"));
	size_t i = 0, n = 0;
	int rc = RC_OK;

	if (link == NULL)
		return err_set(err, ERR_INTERNAL, "a look without a link");
	if ((rc = begin_session(sv, j, link, err)) != RC_OK)
		return rc;
	if ((rc = source_look(sv->source, link, only, &out, err)) != RC_OK)
		return rc;
	for (q = source_questions(sv->source, &n), i = 0; i < n && rc == RC_OK; i++)
		rc = wire_send_take(sv->chan, wire_question(&q[i]), -1, err);
	for (o = source_offers(sv->source, &n), i = 0; i < n && rc == RC_OK; i++)
		rc = wire_send_take(sv->chan, wire_offer(&o[i]), -1, err);
	return rc != RC_OK ? rc : wire_send_take(sv->chan, json_pack("{s:s, s:i}", "t", "done", "kind",
	    (int)source_kind(sv->source)), -1, err);
}

/* A new token, from the parent. */
static int
on_renew(void *arg, char **bearer, struct err *err)
{
	struct server *sv = arg;
	json_t *j = NULL;
	const char *text = NULL;
	int rc = wire_send_take(sv->chan, json_pack("{s:s}", "t", "token"), -1, err);

	*bearer = NULL;
	if (rc != RC_OK || (rc = receive(sv, &j, err)) != RC_OK)
		return rc;
	text = json_string_value(json_object_get(j, "bearer"));
	if (text == NULL)
		rc = err_set(err, ERR_TEMP, "interrupted");
	else if ((*bearer = text_dup(text, err)) == NULL)
		rc = err_rc(err->kind);
	json_decref(j);
	return rc;
}

/* One more answer, from the parent; it, in turn, from the person. */
static int
on_ask(void *arg, const struct source_question *q, char **answer, struct err *err)
{
	struct server *sv = arg;
	json_t *j = wire_question(q);
	const char *text = NULL;
	int rc = RC_OK;

	*answer = NULL;
	if (j != NULL)
		json_object_set_new(j, "t", json_string("ask"));
	if ((rc = wire_send_take(sv->chan, j, -1, err)) != RC_OK)
		return rc;
	j = NULL;
	if ((rc = receive(sv, &j, err)) != RC_OK)
		return rc;
	if ((text = json_string_value(json_object_get(j, "text"))) == NULL)
		rc = err_set(err, ERR_TEMP, "interrupted");
	else if ((*answer = text_dup(text, err)) == NULL)
		rc = err_rc(err->kind);
	json_decref(j);
	return rc;
}

static int
do_recipe(struct server *sv, const json_t *j, struct err *err)
{
	const struct source_question *q = NULL;
	const char *link = json_text(j, "link"), *text = json_text(j, "text");
	size_t i = 0, n = 0;
	int rc = begin_session(sv, j, link, err);

	if (rc == RC_OK)
		rc = source_recipe(sv->source, link, json_text(j, "name"), text, strlen(text), err);
	if (rc != RC_OK)
		return rc;
	for (q = source_questions(sv->source, &n), i = 0; rc == RC_OK && i < n; i++)
		rc = wire_send_take(sv->chan, wire_question(&q[i]), -1, err);
	return rc != RC_OK ? rc : wire_send_take(sv->chan, json_pack("{s:s}", "t", "done"), -1, err);
}

static int
do_dicomweb(struct server *sv, const json_t *j, struct err *err)
{
	const json_t *list = json_object_get(j, "asks");
	const char **asks = calloc(json_array_size(list) + 1, sizeof(char *));
	size_t i = 0;
	int rc = asks == NULL ? err_sys(err, ENOMEM, "cannot ask the portal") : RC_OK;

	for (i = 0; i < json_array_size(list) && rc == RC_OK; i++)
		if ((asks[i] = json_string_value(json_array_get(list, i))) == NULL)
			rc = err_set(err, ERR_INTERNAL, "a request that is no text");
	if (rc == RC_OK && (rc = begin_session(sv, j, NULL, err)) == RC_OK)
		rc = source_dicomweb(sv->source, asks, i, err);
	free(asks);
	return rc != RC_OK ? rc : wire_send_take(sv->chan, json_pack("{s:s}", "t", "done"), -1, err);
}

static int
do_login(struct server *sv, const json_t *j, struct err *err)
{
	const json_t *list = json_object_get(j, "answers");
	const char *answers[16] = { NULL };
	size_t i = 0, n = 0;
	int rc = RC_OK;

	(void)source_questions(sv->source, &n);
	if (n > sizeof(answers) / sizeof(answers[0]) || json_array_size(list) != n)
		return err_set(err, ERR_INTERNAL, "%zu answers to %zu questions", json_array_size(list), n);
	for (i = 0; i < n; i++)
		if ((answers[i] = json_string_value(json_array_get(list, i))) == NULL)
			return err_set(err, ERR_INTERNAL, "an answer that is no text");
	if ((rc = source_login(sv->source, answers, err)) != RC_OK)
		return rc;
	return wire_send_take(sv->chan, json_pack("{s:s}", "t", "done"), -1, err);
}

static int
do_list(struct server *sv, struct err *err)
{
	const struct source_offer *o = NULL;
	size_t i = 0, n = 0;
	int rc = source_list(sv->source, err);

	for (o = source_offers(sv->source, &n), i = 0; i < n && rc == RC_OK; i++)
		rc = wire_send_take(sv->chan, wire_offer(&o[i]), -1, err);
	return rc != RC_OK ? rc : wire_send_take(sv->chan, json_pack("{s:s}", "t", "done"), -1, err);
}

static int
do_fetch(struct server *sv, const json_t *j, struct err *err)
{
	struct source_output out = { begin, sv };
	struct source_package p;
	json_int_t n = json_integer_value(json_object_get(j, "n"));
	int rc = take_recipient(sv, j, err);

	if (rc == RC_OK && n < 0)
		rc = err_set(err, ERR_INTERNAL, "a fetch without a number");
	if (json_is_true(json_object_get(j, "all")))
		source_want_all(sv->source);
	if (rc == RC_OK)
		rc = source_fetch(sv->source, (size_t)n, &out, &p, err);
	return rc != RC_OK ? rc : wire_send_take(sv->chan, wire_package(&p), -1, err);
}

static int
do_replay(struct server *sv, const json_t *j, struct err *err)
{
	int fd = sv->fd, rc = RC_OK;

	sv->fd = -1;
	if (fd < 0 || sv->recorded.replay != NULL) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_INTERNAL, "a replay without a recording, or a second one");
	}
	rc = recorded_load(&sv->recorded, sv->chan, fd, (size_t)json_integer_value(json_object_get(j, "session")), err);
	sv->options.http.replay = sv->recorded.replay;
	return rc;
}

/* The first request says what is recorded; the descriptor that comes with it is for that. */
static void
take_recording(struct server *sv, const json_t *j)
{
	sv->steps = json_is_true(json_object_get(j, "steps"));
	if (json_is_true(json_object_get(j, "har")) && sv->har < 0) {
		sv->har = sv->fd;
		sv->fd = -1;
	}
}

static int
dispatch(struct server *sv, const json_t *j, struct err *err)
{
	const char *what = json_string_value(json_object_get(j, "do"));
	int rc = err_rc(ERR_INTERNAL);

	if (what != NULL && strcmp(what, "replay") == 0) {
		rc = do_replay(sv, j, err);
		drop_fd(sv);
		return rc;
	}
	if (sv->source == NULL)
		take_recording(sv, j);
	if (what != NULL && strcmp(what, "look") == 0)
		rc = do_look(sv, j, err);
	else if (what != NULL && strcmp(what, "dicomweb") == 0)
		rc = do_dicomweb(sv, j, err);
	else if (what != NULL && strcmp(what, "recipe") == 0)
		rc = do_recipe(sv, j, err);
	else if (sv->source == NULL)
		err_set(err, ERR_INTERNAL, "a request before the look");
	else if (what != NULL && strcmp(what, "login") == 0)
		rc = do_login(sv, j, err);
	else if (what != NULL && strcmp(what, "list") == 0)
		rc = do_list(sv, err);
	else if (what != NULL && strcmp(what, "unused") == 0)
		rc = recorded_unused(&sv->recorded, sv->chan, (size_t)json_integer_value(json_object_get(j, "step")), err);
	else if (what != NULL && strcmp(what, "fetch") == 0)
		rc = do_fetch(sv, j, err);
	else
		err_set(err, ERR_INTERNAL, "an unknown request");
	drop_fd(sv);
	return rc;
}

/* A replay needs no network: there it gets the jail of those who parse, which has no socket. */
static int
lock_in(const struct net_options *o, struct err *err)
{
	struct jail parser = { .mode = o->jail };
	uint8_t sum[HASH_LEN];

	if (!o->offline)
		return netjail_enter(o->jail, o->cafile, err);
	(void)hash_bytes("", 0, sum, err);	/* OpenSSL reads its configuration while it can */
	return jail_enter(&parser, err);
}

int
fetch_serve(struct chan *chan, const struct net_options *o)
{
	struct server sv = { .chan = chan, .fd = -1, .har = -1 };
	struct err err = { 0 };
	json_t *j = NULL;
	int jailed = lock_in(o, &err), rc = jailed;

	sv.options = (struct source_options){
		.http = { .agent = "mri-tools/" MRI_VERSION, .cafile = o->cafile, .proxy = o->proxy, .allow = o->allow,
		    .nallow = o->nallow, .allow_http = o->allow_http, .nallow_http = o->nallow_http,
		    .step_ms = o->timeout * 1000, .wait_ms = o->max_time * 1000, .cancel_fd = chan->fd,
		    .alive = on_alive, .alive_arg = &sv,
		    .deadline = time_mono_ms() + (o->max_time > 0 ? (uint64_t)o->max_time * 1000 : WALL_MS) },
		.language = o->language, .recipient = o->recipient, .progress = on_progress, .progress_arg = &sv,
		.renew = on_renew, .renew_arg = &sv, .ask = on_ask, .ask_arg = &sv,
	};
	while (receive(&sv, &j, &(struct err){ 0 }) == RC_OK) {
		if (jailed == RC_OK) {
			err_clear(&err);
			rc = dispatch(&sv, j, &err);
			if (rc != RC_OK && sv.source != NULL)
				source_redact(sv.source, &err);
		}
		json_decref(j);
		if (rc != RC_OK && wire_send_take(chan, wire_error(&err, sv.source != NULL ?
		    source_state(sv.source) : ""), -1, &(struct err){ 0 }) != RC_OK)
			break;
	}
	drop_fd(&sv);
	source_close(sv.source);
	recorded_free(&sv.recorded);
	if (sv.har >= 0)
		close(sv.har);
	source_portal_free(&sv.portal);
	free(sv.allow);
	return 0;
}
