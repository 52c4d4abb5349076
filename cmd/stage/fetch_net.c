#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/fetch_net.h"
#include "stage/fetch_serve.h"
#include "stage/fetch_wire.h"

#define POLL_MS		200	/* how late a ^C may be noticed */
#define LEAVE_MS	2000	/* a session that hangs in a name server is not waited for longer */
/* A session that is at work says so every other second; one that says nothing for this many steps hangs: in what a
 * portal sent it, or on a disk. It has time to bring 64 GB to a slow one. */
#define SILENT_STEPS	5
#define OFFERS_MAX	10000
#define QUESTIONS_MAX	16
#define STEPS_MAX	1000

struct net {
	struct chan chan;	/* to the process that forks sessions */
	pid_t pid;
	uint64_t silence_ms;
};

struct net_session {
	struct chan chan;
	uint64_t silence_ms;
	struct net_events ev;
	enum source_kind kind;
	const char *state;
	bool wants_body;	/* a look that may bring the file itself, which has not come */
	bool wants_all;		/* one package may bring every offer */
	struct source_question *questions; size_t nquestions;
	struct source_offer *offers; size_t noffers;
	struct source_package package;
	int (*ask)(void *arg, const struct source_question *, char **answer, struct err *);
	void *ask_arg;
	struct net_recorded *recorded;	/* where steps of a recording go, borrowed; NULL: none is asked for */
};

/* No handler of the parent runs in these processes; a ^C that reaches the group is the parent's to act on. */
static void
own_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	size_t i = 0;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

static int
only(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || (keep != 3 && dup3(keep, 3, O_CLOEXEC) < 0))
		return -1;
	return syscall(SYS_close_range, 4U, ~0U, 0U) == 0 || errno == ENOSYS ? 3 : -1;
}

/* Forks a session for each socket that comes; ends when the parent goes. */
static _Noreturn void
spawner(int fd, const struct net_options *o)
{
	struct chan control = { .fd = fd }, session = { .fd = -1 };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct err err = { 0 };
	uint64_t until = 0;
	size_t n = 0;
	int got = -1;

	own_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	jail_self();
	if ((control.fd = only(fd)) < 0)
		_exit(1);
	while (chan_recv(&control, &msg, &got, 1, &n, &err) == RC_OK) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (n != 1)
			continue;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			buf_free(&msg);
			if ((session.fd = only(got)) < 0)
				_exit(1);
			_exit(fetch_serve(&session, o));
		}
		close(got);
	}
	/* what is left dies with us (PDEATHSIG) */
	for (until = time_mono_ms() + LEAVE_MS; waitpid(-1, NULL, WNOHANG) >= 0 && time_mono_ms() < until;)
		poll(NULL, 0, 5);
	_exit(0);
}

int
net_start(struct net **out, const struct net_options *o, struct err *err)
{
	struct net *net = calloc(1, sizeof(*net));
	int pair[2] = { -1, -1 };

	*out = NULL;
	if (net == NULL)
		return err_sys(err, ENOMEM, "cannot start the network process");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(net);
		return err_sys(err, errno, "cannot start the network process");
	}
	net->pid = fork();
	if (net->pid == 0) {
		close(pair[0]);
		spawner(pair[1], o);
	}
	close(pair[1]);
	if (net->pid < 0) {
		close(pair[0]);
		free(net);
		return err_sys(err, EAGAIN, "cannot start the network process");
	}
	net->chan.fd = pair[0];
	net->silence_ms = SILENT_STEPS * (o->timeout > 0 ? (uint64_t)o->timeout * 1000 : HTTP_STEP_MS);
	*out = net;
	return RC_OK;
}

void
net_stop(struct net *net)
{
	if (net == NULL)
		return;
	close(net->chan.fd);
	while (waitpid(net->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(net);
}

int
net_session_new(struct net_session **out, struct net *net, const struct net_events *ev, struct err *err)
{
	struct net_session *s = calloc(1, sizeof(*s));
	int pair[2] = { -1, -1 }, size = 4 * (int)CHAN_MSG_MAX, rc = RC_OK;

	*out = NULL;
	if (s == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	s->ev = *ev;
	s->state = "";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(s);
		return err_sys(err, errno, "cannot start a session");
	}
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	rc = chan_send(&net->chan, "s", 1, &pair[1], 1, err);
	close(pair[1]);
	if (rc != RC_OK) {
		close(pair[0]);
		free(s);
		return err_set(err, ERR_TEMP, "the network process is gone");
	}
	s->chan.fd = pair[0];
	s->silence_ms = net->silence_ms;
	*out = s;
	return RC_OK;
}

static void
forget_offers(struct net_session *s)
{
	size_t i = 0;

	for (i = 0; i < s->noffers; i++)
		source_offer_free(&s->offers[i]);
	free(s->offers);
	s->offers = NULL;
	s->noffers = 0;
}

void
net_session_free(struct net_session *s)
{
	size_t i = 0;

	if (s == NULL)
		return;
	close(s->chan.fd);	/* ends whatever the session does */
	forget_offers(s);
	for (i = 0; i < s->nquestions; i++)
		source_question_free(&s->questions[i]);
	free(s->questions);
	free(s);
}

static int
add_offer(struct net_session *s, const json_t *j, struct err *err)
{
	struct source_offer *v = NULL;
	int rc = RC_OK;

	if (s->noffers == OFFERS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal lists more than %d entries", OFFERS_MAX);
	if ((v = realloc(s->offers, (s->noffers + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's list");
	s->offers = v;
	if ((rc = wire_offer_read(j, &v[s->noffers], err)) == RC_OK)
		s->noffers++;
	return rc;
}

static int
add_question(struct net_session *s, const json_t *j, struct err *err)
{
	struct source_question *v = NULL;
	int rc = RC_OK;

	if (s->nquestions == QUESTIONS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal asks more than %d questions", QUESTIONS_MAX);
	if ((v = realloc(s->questions, (s->nquestions + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's questions");
	s->questions = v;
	if ((rc = wire_question_read(j, &v[s->nquestions], err)) == RC_OK)
		s->nquestions++;
	return rc;
}

/* The direct link's body has begun: where to? */
static int
hand_out(struct net_session *s, const json_t *j, struct err *err)
{
	struct source_offer offer = { .files = -1 };
	const struct age_recipient *to = NULL;
	char text[AGE_TEXT_MAX];
	json_int_t media = json_integer_value(json_object_get(j, "media"));
	int fd = -1, rc = RC_OK;

	/* where nobody asked for a file, none is taken: each would open an import */
	if (!s->wants_body)
		return err_set(err, ERR_PROTOCOL, "the network process offers a file that nobody asked for");
	s->wants_body = false;
	offer.media = (char *)(uintptr_t)json_string_value(json_object_get(j, "type"));
	if (s->ev.output == NULL || media <= MEDIA_UNKNOWN || media > MEDIA_EMPTY)
		rc = err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	else
		rc = s->ev.output(s->ev.arg, &offer, (enum media)media, &fd, &to, err);
	if (rc != RC_OK) {
		(void)wire_send_take(&s->chan, json_pack("{s:s}", "do", "stop"), -1, &(struct err){ 0 });
		return rc;
	}
	if (to != NULL)
		age_recipient_text(to, text);
	return wire_send_take(&s->chan, json_pack("{s:s, s:s?}", "do", "output", "to", to != NULL ? text : NULL), fd, err);
}

/* A token that has run out: the file may hold a new one by now. Once for each request that was refused. */
static int
hand_token(struct net_session *s, struct err *err)
{
	char *bearer = NULL;
	json_t *j = NULL;
	int rc = RC_OK;

	if (s->ev.token == NULL)
		return err_set(err, ERR_PROTOCOL, "the network process asks for a token that nobody has");
	if ((rc = s->ev.token(s->ev.arg, &bearer, err)) != RC_OK) {
		(void)wire_send_take(&s->chan, json_pack("{s:s}", "do", "stop"), -1, &(struct err){ 0 });
		return rc;
	}
	j = json_pack("{s:s, s:s}", "do", "token", "bearer", bearer);
	hash_wipe(bearer, strlen(bearer));
	free(bearer);
	return wire_send_take(&s->chan, j, -1, err);
}

/* A question in the middle of a login. */
static int
hand_answer(struct net_session *s, const json_t *j, struct err *err)
{
	struct source_question q = { 0 };
	char *answer = NULL;
	json_t *reply = NULL;
	int rc = wire_question_read(j, &q, err);

	if (rc == RC_OK && s->ask == NULL) {
		err_set(err, ERR_DENIED, "the portal wants one more answer after the login");
		rc = err_rc(ERR_DENIED);
	} else if (rc == RC_OK) {
		rc = s->ask(s->ask_arg, &q, &answer, err);
	}
	source_question_free(&q);
	if (rc == RC_OK && (reply = json_pack("{s:s, s:s}", "do", "answer", "text", answer)) == NULL)
		rc = err_set(err, ERR_DENIED, "an answer is not UTF-8 text");
	hash_wipe_text(&answer);
	if (rc == RC_OK)
		return wire_send_take(&s->chan, reply, -1, err);
	(void)wire_send_take(&s->chan, json_pack("{s:s}", "do", "stop"), -1, &(struct err){ 0 });
	return rc;
}

static int
add_recorded(struct net_session *s, const json_t *j, struct err *err)
{
	struct net_recorded *r = s->recorded;
	struct net_recorded_step *v = NULL, *one = NULL;

	if (r == NULL || r->nsteps == STEPS_MAX)
		return err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	if ((v = realloc(r->steps, (r->nsteps + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the recording");
	r->steps = v;
	one = &v[r->nsteps++];
	*one = (struct net_recorded_step){ .n = (size_t)json_integer_value(json_object_get(j, "n")),
	    .whole = json_is_true(json_object_get(j, "whole")) };
	text_copy(one->what, sizeof(one->what), json_text(j, "what"));
	if ((one->state = text_dup(json_text(j, "state"), err)) == NULL ||
	    (one->said = text_dup(json_text(j, "said"), err)) == NULL)
		return err_rc(err->kind);
	return RC_OK;
}

/* One message that is not the end of the request. */
static int
on_message(struct net_session *s, const char *t, const json_t *j, struct err *err)
{
	if (strcmp(t, "offer") == 0)
		return add_offer(s, j, err);
	if (strcmp(t, "question") == 0)
		return add_question(s, j, err);
	if (strcmp(t, "recorded") == 0)
		return add_recorded(s, j, err);
	if (strcmp(t, "body") == 0)
		return hand_out(s, j, err);
	if (strcmp(t, "step") == 0) {
		const char *text = json_text(j, "text");
		char shown[1024];

		if (s->ev.step != NULL)
			s->ev.step(s->ev.arg, text_escape(shown, sizeof(shown), text, strlen(text)));
		return RC_OK;
	}
	if (strcmp(t, "alive") == 0)
		return RC_OK;
	if (strcmp(t, "token") == 0)
		return hand_token(s, err);
	if (strcmp(t, "ask") == 0)
		return hand_answer(s, j, err);
	if (strcmp(t, "progress") == 0) {
		if (s->ev.progress != NULL)
			s->ev.progress(s->ev.arg, (uint64_t)json_integer_value(json_object_get(j, "bytes")),
			    json_integer_value(json_object_get(j, "total")));
		return RC_OK;
	}
	return err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
}

/* Messages until done or failed. done: the last message, a new reference. */
static int
await(struct net_session *s, json_t **done, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	json_t *j = NULL;
	const char *t = NULL;
	uint64_t heard = time_mono_ms();
	int rc = RC_OK;

	*done = NULL;
	for (;;) {
		rc = chan_recv_ms(&s->chan, POLL_MS, &msg, NULL, 0, NULL, err);
		if (rc == RC_RETRY) {
			if (s->ev.stopped != NULL && s->ev.stopped()) {
				rc = err_set(err, ERR_TEMP, "interrupted");
				break;
			}
			if (time_mono_ms() - heard > s->silence_ms) {
				rc = err_set(err, ERR_TEMP, "the process that reads the portal's answers hangs");
				err_advise(err, "run the same again; if it comes back, what the portal sends may be hostile");
				break;
			}
			continue;
		}
		if (rc != RC_OK) {
			rc = err_set(err, ERR_PROTOCOL, "the process that reads the portal's answers died");
			err_advise(err, "what the portal sent may be hostile; other links are not concerned");
			break;
		}
		if ((rc = json_parse(msg.data, msg.len, &j, err)) != RC_OK)
			break;
		t = json_string_value(json_object_get(j, "t"));
		if (t != NULL && strcmp(t, "done") == 0) {
			*done = j;
			j = NULL;
			break;
		}
		if (t != NULL && strcmp(t, "failed") == 0)
			rc = wire_error_read(j, &s->state, err);
		else
			rc = on_message(s, t != NULL ? t : "", j, err);
		json_decref(j);
		j = NULL;
		if (rc != RC_OK)
			break;
		heard = time_mono_ms();
	}
	json_decref(j);
	buf_wipe(&msg);
	return rc;
}

static int
ask(struct net_session *s, json_t *request, int fd, json_t **done, struct err *err)
{
	int rc = wire_send_take(&s->chan, request, fd, err);

	*done = NULL;
	s->state = "";
	if (rc != RC_OK) {
		rc = err_set(err, ERR_PROTOCOL, "the process that reads the portal's answers died");
		return rc;
	}
	return await(s, done, err);
}

/* The request that a session begins with: what is recorded, what is not to be shown, what is known of the portal. */
static int
begin(struct net_session *s, json_t *request, const struct source_portal *portal, json_t **done, struct err *err)
{
	const struct net_events *ev = &s->ev;

	if (request != NULL) {
		json_object_set_new(request, "har", json_boolean(ev->har_fd > 0));
		json_object_set_new(request, "steps", json_boolean(ev->step != NULL));
		json_object_set_new(request, "hide", json_pack("{s:s*, s:s*, s:s*}", "name", ev->name, "id", ev->id, "birth",
		    ev->birth));
		if (portal != NULL)
			json_object_set_new(request, "portal", wire_portal(portal));
	}
	return ask(s, request, ev->har_fd > 0 ? ev->har_fd : -1, done, err);
}

int
net_look(struct net_session *s, const char *link, bool only_look, const struct source_portal *portal, struct err *err)
{
	json_t *done = NULL;
	json_int_t kind = 0;
	int rc = RC_OK;

	s->wants_body = !only_look;
	rc = begin(s, json_pack("{s:s, s:s, s:b}", "do", "look", "link", link, "only", only_look ? 1 : 0), portal, &done, err);
	s->wants_body = false;
	if (rc != RC_OK)
		return rc;
	kind = json_integer_value(json_object_get(done, "kind"));
	json_decref(done);
	if (kind <= SOURCE_NONE || kind >= SOURCE_KINDS)
		return err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	s->kind = (enum source_kind)kind;
	return RC_OK;
}

int
net_dicomweb(struct net_session *s, const struct source_portal *p, const char *const *asks, size_t n, struct err *err)
{
	json_t *list = json_array(), *done = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_string(asks[i]));
	rc = begin(s, json_pack("{s:s, s:o}", "do", "dicomweb", "asks", list), p, &done, err);
	json_decref(done);
	if (rc == RC_OK)
		s->kind = SOURCE_DICOMWEB;
	return rc;
}

int
net_recipe(struct net_session *s, const char *link, const char *name, const char *text, const struct source_portal *p,
    struct err *err)
{
	json_t *done = NULL;
	int rc = begin(s, json_pack("{s:s, s:s, s:s, s:s}", "do", "recipe", "link", link, "name", name, "text", text), p,
	    &done, err);

	json_decref(done);
	if (rc == RC_OK)
		s->kind = SOURCE_RECIPE;
	return rc;
}

static int
copy_text(const json_t *j, const char *key, char **out, struct err *err)
{
	return (*out = text_dup(json_text(j, key), err)) == NULL ? err_rc(err->kind) : RC_OK;
}

int
net_replay(struct net_session *s, int fd, size_t k, struct net_recorded *r, struct err *err)
{
	const json_t *asks = NULL;
	json_t *done = NULL;
	int rc = RC_OK;

	memset(r, 0, sizeof(*r));
	s->recorded = r;
	rc = ask(s, json_pack("{s:s, s:I}", "do", "replay", "session", (json_int_t)k), fd, &done, err);
	s->recorded = NULL;
	asks = json_object_get(done, "asks");
	if (rc == RC_OK && (r->asks = calloc(json_array_size(asks) + 1, sizeof(*r->asks))) == NULL)
		rc = err_sys(err, ENOMEM, "cannot hold the recording");
	for (; rc == RC_OK && r->nasks < json_array_size(asks); r->nasks += rc == RC_OK)
		if (!json_is_string(json_array_get(asks, r->nasks)) ||
		    (r->asks[r->nasks] = text_dup(json_string_value(json_array_get(asks, r->nasks)), err)) == NULL)
			rc = err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	if (rc == RC_OK && (rc = copy_text(done, "kind", &r->kind, err)) == RC_OK &&
	    (rc = copy_text(done, "link", &r->link, err)) == RC_OK &&
	    (rc = copy_text(done, "first", &r->first, err)) == RC_OK && (rc = copy_text(done, "root", &r->root, err)) == RC_OK)
		rc = copy_text(done, "auth", &r->auth, err);
	r->sessions = (size_t)json_integer_value(json_object_get(done, "sessions"));
	json_decref(done);
	if (rc != RC_OK)
		net_recorded_free(r);
	return rc;
}

int
net_replay_unused(struct net_session *s, size_t step, size_t *n, struct err *err)
{
	json_t *done = NULL;
	int rc = ask(s, json_pack("{s:s, s:I}", "do", "unused", "step", (json_int_t)step), -1, &done, err);

	*n = (size_t)json_integer_value(json_object_get(done, "n"));
	json_decref(done);
	return rc;
}

void
net_on_ask(struct net_session *s, int (*fn)(void *, const struct source_question *, char **, struct err *), void *arg)
{
	s->ask = fn;
	s->ask_arg = arg;
}

void
net_recorded_free(struct net_recorded *r)
{
	size_t i = 0;

	for (i = 0; i < r->nsteps; i++) {
		free(r->steps[i].state);
		free(r->steps[i].said);
	}
	free(r->steps);
	for (i = 0; i < r->nasks; i++)
		free(r->asks[i]);
	free(r->asks);
	free(r->kind);
	free(r->link);
	free(r->first);
	free(r->root);
	free(r->auth);
	memset(r, 0, sizeof(*r));
}

enum source_kind
net_kind(const struct net_session *s)
{
	return s->kind;
}

const struct source_question *
net_questions(const struct net_session *s, size_t *n)
{
	*n = s->nquestions;
	return s->questions;
}

int
net_login(struct net_session *s, const char *const *answers, struct err *err)
{
	json_t *list = json_array(), *done = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < s->nquestions; i++)
		json_array_append_new(list, json_string(answers[i]));
	if (list == NULL || json_array_size(list) != s->nquestions) {
		json_decref(list);
		return err_set(err, ERR_DENIED, "an answer is not UTF-8 text");
	}
	rc = ask(s, json_pack("{s:s, s:o}", "do", "login", "answers", list), -1, &done, err);
	json_decref(done);
	return rc;
}

int
net_list(struct net_session *s, struct err *err)
{
	json_t *done = NULL;
	int rc = RC_OK;

	if (s->kind == SOURCE_DIRECT)
		return RC_OK;
	forget_offers(s);
	rc = ask(s, json_pack("{s:s}", "do", "list"), -1, &done, err);
	json_decref(done);
	return rc;
}

const struct source_offer *
net_offers(const struct net_session *s, size_t *n)
{
	*n = s->noffers;
	return s->offers;
}

void
net_want_all(struct net_session *s)
{
	s->wants_all = true;
}

int
net_fetch(struct net_session *s, size_t i, int fd, const struct age_recipient *to, struct source_package *p,
    struct err *err)
{
	char text[AGE_TEXT_MAX];
	json_t *done = NULL;
	int rc = RC_OK;

	if (to != NULL)
		age_recipient_text(to, text);
	rc = ask(s, json_pack("{s:s, s:I, s:b, s:s?}", "do", "fetch", "n", (json_int_t)i, "all", s->wants_all ? 1 : 0, "to",
	    to != NULL ? text : NULL), fd, &done, err);
	s->wants_all = false;
	if (rc == RC_OK)
		rc = wire_package_read(done, p, err);
	json_decref(done);
	return rc;
}

const char *
net_state(const struct net_session *s)
{
	return s->state;
}
