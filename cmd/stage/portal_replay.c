/*
 * mri-portal replay: the steps of a recording once more, by the same session
 * code, with the recording in place of the portal. Each step is held against
 * how it ended then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "stage/fetch.h"
#include "stage/portal.h"

#define ANSWERS_MAX	16
#define ANSWER_MAX	1024
#define SESSIONS_MAX	1000

struct rerun {
	struct cli *cli;
	const struct cli_input *in;
	struct net_session *s;
	struct net_recorded rec;
	size_t session;
	const struct chosen *recipe;	/* text NULL: none was named */
	unsigned tokens, asked;	/* new ones, and answers within a login, that were asked for */
};

static void
on_step(void *arg, const char *text)
{
	struct rerun *r = arg;
	json_t *j = NULL;

	if (!r->cli->json) {
		cli_print(r->cli, "    %s", text);
		return;
	}
	j = json_pack("{s:i, s:s, s:I, s:I, s:s}", "v", 1, "type", "exchange", "in", (json_int_t)r->in->number, "session",
	    (json_int_t)r->session + 1, "text", text);
	if (j != NULL)
		cli_print_json(r->cli, j);
	json_decref(j);
}

/* Any will do: a recording has none, and compares none. */
static int
on_token(void *arg, char **bearer, struct err *err)
{
	struct rerun *r = arg;
	char text[64];

	snprintf(text, sizeof(text), "replayed.token.%u", ++r->tokens);
	return (*bearer = text_dup(text, err)) == NULL ? err_rc(err->kind) : RC_OK;
}

static void
print(struct rerun *r, const struct net_recorded_step *t, const char *verdict, const char *state,
    const struct source_package *p)
{
	char step[48], package[128] = "";
	json_t *j = NULL;

	if (t->n > 0)
		snprintf(step, sizeof(step), "%s %zu", t->what, t->n);
	else
		text_copy(step, sizeof(step), t->what);
	if (!r->cli->json) {
		if (p != NULL)
			snprintf(package, sizeof(package), "\t%s\t%llu bytes%s", media_name(p->media), (unsigned long long)p->bytes,
			    p->reason[0] != '\0' ? ", not recorded" : "");
		cli_print(r->cli, "%s\t%s\t%s%s", step, verdict, state, package);
		return;
	}
	j = json_pack("{s:i, s:s, s:I, s:I, s:s, s:s, s:s}", "v", 1, "type", "step", "in", (json_int_t)r->in->number,
	    "session", (json_int_t)r->session + 1, "step", step, "verdict", verdict, "state", state);
	if (j != NULL && p != NULL)
		json_object_set_new(j, "package", json_pack("{s:s, s:I, s:s, s:b}", "media", media_type(p->media), "bytes",
		    (json_int_t)p->bytes, "sha256", p->sha256, "recorded", p->reason[0] == '\0'));
	if (j != NULL)
		cli_print_json(r->cli, j);
	json_decref(j);
}

/* A recipe asks for its link as for anything else: the first address that was asked for is as good. */
static void
answer(const struct rerun *r, const struct source_question *q, size_t i, char out[ANSWER_MAX])
{
	if (strcmp(q->id, "link") == 0)
		text_copy(out, ANSWER_MAX, r->rec.first);
	else
		snprintf(out, ANSWER_MAX, q->date ? "190001%02zu" : "replayed-answer-%zu", i % 28 + 1);
}

static int
on_ask(void *arg, const struct source_question *q, char **out, struct err *err)
{
	struct rerun *r = arg;
	char made[ANSWER_MAX];

	answer(r, q, ++r->asked + ANSWERS_MAX, made);
	return (*out = text_dup(made, err)) == NULL ? err_rc(err->kind) : RC_OK;
}

static int
login(struct rerun *r, struct err *err)
{
	const struct source_question *q = NULL;
	char made[ANSWERS_MAX][ANSWER_MAX];
	const char *answers[ANSWERS_MAX] = { NULL };
	size_t i = 0, n = 0;

	q = net_questions(r->s, &n);
	if (n > ANSWERS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal asks %zu questions", n);
	for (i = 0; i < n; i++) {
		answer(r, &q[i], i, made[i]);
		answers[i] = made[i];
	}
	return net_login(r->s, answers, err);
}

static int
look(struct rerun *r, struct source_package *p, struct err *err)
{
	struct source_portal portal = { .token = strcmp(r->rec.auth, "Bearer") == 0 ? "replayed.token.0" : NULL };
	int rc = net_look(r->s, r->rec.link, true, &portal, err);

	if (rc == RC_OK && net_kind(r->s) == SOURCE_DIRECT)
		rc = net_fetch(r->s, 0, -1, NULL, p, err);
	return rc;
}

static int
run(struct rerun *r, const struct net_recorded_step *t, struct source_package *p, struct err *err)
{
	size_t n = 0;

	memset(p, 0, sizeof(*p));
	if (strcmp(t->what, "look") == 0)
		return look(r, p, err);
	if (strcmp(t->what, "login") == 0)
		return login(r, err);
	if (strcmp(t->what, "list") == 0)
		return net_list(r->s, err);
	(void)net_offers(r->s, &n);
	if (strcmp(t->what, "fetch") != 0 || t->n == 0)
		return err_set(err, ERR_DATA, "the recording has a step that is not known here");
	if (t->n > n)
		return err_set(err, ERR_PERSON, "entry %zu of the list was fetched, and the list has %zu now", t->n, n);
	return net_fetch(r->s, t->n - 1, -1, NULL, p, err);
}

/* One step, and how it compares. What it says of the state is what the recording says, else "ok". */
static int
rerun_step(struct rerun *r, size_t i)
{
	const struct net_recorded_step *t = &r->rec.steps[i];
	struct source_package p;
	struct err err = { 0 }, e = { 0 };
	size_t unused = 0;
	int rc = run(r, t, &p, &err), later = rc;
	const char *state = rc == RC_OK ? "" : net_state(r->s)[0] != '\0' ? net_state(r->s) : "failed";
	bool same = strcmp(state, t->state) == 0 && (rc == RC_OK) == (t->said[0] == '\0') && err.kind != ERR_PERSON;

	if (!t->whole) {
		print(r, t, "unfinished", state[0] != '\0' ? state : "ok", NULL);
		return RC_FAILED;
	}
	/* a recipe's keepalive goes by the clock, which a replay does not wait for */
	if (same && strcmp(r->rec.kind, "recipe") != 0 && p.reason[0] == '\0' &&
	    (later = net_replay_unused(r->s, i, &unused, &e)) == RC_OK && unused > 0) {
		err_set(&err, ERR_PERSON, "%zu exchanges that were recorded are not asked for any more", unused);
		same = false;
	}
	print(r, t, same ? "same" : "differs", state[0] != '\0' ? state : "ok", p.bytes > 0 ? &p : NULL);
	if (!same && err.kind != ERR_PERSON) {
		char now[ERR_TEXT_MAX];

		text_copy(now, sizeof(now), err.text);
		err_set(&err, ERR_PERSON, "it ended with %.80s then, and with %.80s now%s%.200s", t->state[0] != '\0' ? t->state :
		    "success", state[0] != '\0' ? state : "success", now[0] != '\0' ? ": " : "", now);
	}
	if (!same) {
		err_wrap(&err, "session %zu, step %s", r->session + 1, t->what);
		cli_fail(r->cli, NULL, r->in->path, &err);
	}
	return rc != RC_OK && strcmp(t->what, "fetch") != 0 ? RC_FAILED : later == RC_OK || same ? RC_OK : RC_FAILED;
}

static int
begin(struct rerun *r, struct err *err)
{
	bool bearer = strcmp(r->rec.auth, "Bearer") == 0, basic = strcmp(r->rec.auth, "Basic") == 0;
	struct source_portal portal = { .dicomweb = r->rec.root, .token = bearer ? "replayed.token.0" : NULL,
	    .user = basic ? "replayed" : NULL, .password = basic ? "replayed-password" : NULL };

	if (strcmp(r->rec.kind, "recipe") == 0 && r->recipe->text != NULL) {
		net_on_ask(r->s, on_ask, r);
		return net_recipe(r->s, "", r->recipe->name, r->recipe->text, &portal, err);
	}
	if (strcmp(r->rec.kind, "recipe") == 0) {
		err_set(err, ERR_NOINPUT, "a portal that a recipe spoke to");
		err_advise(err, "name the recipe with --recipe");
		return err_rc(ERR_NOINPUT);
	}
	if (r->rec.link[0] != '\0')
		return RC_OK;	/* the first step looks at it */
	if (strcmp(r->rec.kind, "dicomweb") == 0 && r->rec.root[0] != '\0')
		return net_dicomweb(r->s, &portal, (const char *const *)r->rec.asks, r->rec.nasks, err);
	if (strcmp(r->rec.kind, "shl") == 0) {
		err_set(err, ERR_REFUSED, "a SMART Health Link: what it is opened with stands in the link, and in no recording");
		return err_rc(ERR_REFUSED);
	}
	return err_set(err, ERR_DATA, "the recording does not say what the session began with");
}

/* *sessions: how many there are. */
static int
rerun_session(struct rerun *r, struct net *net, int fd, size_t *sessions, struct err *err)
{
	struct net_events ev = { .step = on_step, .stopped = cli_stopped, .token = on_token, .arg = r };
	size_t i = 0;
	int rc = net_session_new(&r->s, net, &ev, err);

	if (rc == RC_OK && (rc = net_replay(r->s, fd, r->session, &r->rec, err)) == RC_OK) {
		*sessions = r->rec.sessions;
		if ((rc = begin(r, err)) == RC_OK) {
			if (!r->cli->json)
				cli_print(r->cli, "session %zu\t%s", r->session + 1, r->rec.kind[0] != '\0' ? r->rec.kind : "unknown");
			for (i = 0; i < r->rec.nsteps && !cli_stopped() && rerun_step(r, i) == RC_OK; i++)
				;
		}
		net_recorded_free(&r->rec);
	}
	net_session_free(r->s);
	r->s = NULL;
	return rc;
}

static void
replay_file(struct cli *cli, struct net *net, const struct cli_input *in, const struct chosen *recipe)
{
	struct rerun r = { .cli = cli, .in = in, .recipe = recipe };
	struct err err = { 0 };
	size_t sessions = 1;
	int fd = open(in->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		err_sys(&err, errno, "cannot open the recording");
		cli_fail(cli, NULL, in->path, &err);
		return;
	}
	for (; r.session < sessions && r.session < SESSIONS_MAX && !cli_stopped(); r.session++) {
		err_clear(&err);
		if (rerun_session(&r, net, fd, &sessions, &err) != RC_OK)
			cli_fail(cli, NULL, in->path, &err);
	}
	close(fd);
}

void
portal_replay(struct cli *cli, const char *recipe)
{
	struct net_options o = { .language = "", .jail = (enum jail_mode)cli->config->sandbox, .offline = true };
	struct cli_input in;
	struct net *net = NULL;
	struct chosen chosen = { 0 };
	struct err err = { 0 };

	if (cli->argc < 2)
		cli_usage_error(cli, "replay needs a file that mri-fetch --har wrote");
	cli->argc--;
	cli->argv++;
	if (recipe != NULL && recipe_named(cli, recipe, &chosen, &err) != RC_OK)
		cli_die(cli, &err);
	if (net_start(&net, &o, &err) != RC_OK)
		cli_die(cli, &err);
	while (cli_next(cli, &in))
		replay_file(cli, net, &in, &chosen);
	net_stop(net);
	chosen_free(&chosen);
}
