/*
 * A credential is tried once (40-portals). The link memory keeps, as keyed
 * hashes, each set of answers with how it went:
 *	sent K	durable before the request that carries them, for the K-th time
 *	void K	the portal answered without judging them (busy)
 *	wrong	never sent again; right: may be
 * Sent without an outcome (a crash, a cut connection, a failure): once more.
 * A set is the answers to the questions that were asked, as they are sent; of a one-time password its secret, which is
 * the credential: with a wrong one, each minute would bring another wrong answer.
 * All that was known is kept as wrong beside it: so the portal need not be
 * asked for its questions again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "spool/link.h"
#include "stage/fetch.h"

#define UNJUDGED_MAX	2	/* sent without an outcome */
#define SENT_MAX	50	/* a portal that is busy at each of fifty logins is not coming back */
#define ANSWERS_MAX	16

static int
note(struct link_memory *lm, const char *word, unsigned k, const char *text, bool *tried, struct err *err)
{
	struct buf b = BUF_INIT((size_t)256 << 10);
	int rc = buf_printf(&b, err, "%s %u\n%s", word, k, text);

	if (rc == RC_OK)
		rc = tried != NULL ? link_tried(lm, b.data, tried, err) : link_try(lm, b.data, err);
	buf_wipe(&b);
	return rc;
}

static int
count(struct link_memory *lm, const char *word, const char *text, unsigned *n, struct err *err)
{
	bool tried = true;
	int rc = RC_OK;

	for (*n = 0; *n < SENT_MAX && rc == RC_OK; (*n)++) {
		rc = note(lm, word, *n + 1, text, &tried, err);
		if (!tried)
			break;
	}
	return rc;
}

static int
refuse_wrong(struct link_memory *lm, const char *text, bool again, unsigned *sent, struct err *err)
{
	unsigned voids = 0;
	bool wrong = false, right = false;
	int rc = RC_OK;

	if ((rc = note(lm, "wrong", 0, text, &wrong, err)) != RC_OK ||
	    (rc = note(lm, "right", 0, text, &right, err)) != RC_OK ||
	    (rc = count(lm, "sent", text, sent, err)) != RC_OK || (rc = count(lm, "void", text, &voids, err)) != RC_OK)
		return rc;
	if (again)	/* a person decided, and the audit log says so */
		return RC_OK;
	if (wrong) {
		err_set(err, ERR_DENIED, "these answers were refused before; they are not sent again");
		err_advise(err, "compare link and answers with the letter, or ask the sender for a new link; "
		    "--again REASON overrides");
		return err_rc(ERR_DENIED);
	}
	if (!right && *sent >= voids + UNJUDGED_MAX) {
		err_set(err, ERR_DENIED, "these answers were sent %u times without a verdict; they are not sent again",
		    *sent - voids);
		err_advise(err, "the portal may count attempts: ask the sender before you try with other answers");
		return err_rc(ERR_DENIED);
	}
	return RC_OK;
}

int
login_refused(struct link_memory *lm, const struct factors *f, struct err *err)
{
	struct buf text = BUF_INIT((size_t)256 << 10);
	unsigned sent = 0;
	int rc = RC_OK;

	if (lm == NULL || f->n == 0)
		return RC_OK;
	rc = factors_text(f, &text, err);
	if (rc == RC_OK)
		rc = refuse_wrong(lm, text.data, false, &sent, err);
	buf_wipe(&text);
	return rc;
}

/* The answers that are sent. An id is told only where it tells two questions of one type apart: it may be a new one
 * each time. */
static int
sent_text(const struct source_question *q, const struct factor *const *have, size_t n, struct buf *out,
    struct err *err)
{
	struct buf type = BUF_INIT((size_t)64 << 10);
	struct factors f = { 0 };
	char date[9] = "";
	size_t i = 0, k = 0, same = 0;
	int rc = RC_OK;

	for (i = 0; i < n && rc == RC_OK; i++) {
		for (k = 0, same = 0; k < n; k++)
			same += strcmp(q[k].type, q[i].type) == 0;
		buf_clear(&type);
		rc = buf_printf(&type, err, "%s%s%s", q[i].type, same > 1 ? ":" : "", same > 1 ? q[i].id : "");
		if (rc == RC_OK)
			rc = factors_add(&f, type.data, q[i].date && factor_date(have[i]->value, date) ? date : have[i]->value, NULL,
			    err);
	}
	if (rc == RC_OK)
		rc = buf_puts(out, "", err);
	if (rc == RC_OK)
		rc = factors_text(&f, out, err);
	hash_wipe(date, sizeof(date));
	factors_free(&f);
	buf_free(&type);
	return rc;
}

/* What the portal's answer means for these answers, durable before anything else is done with it. */
static int
remember(struct link_memory *lm, const char *text, const char *known, unsigned sent, const char *state, int rc,
    struct err *err)
{
	struct err e = { 0 };
	int kept = RC_OK;

	if (rc == RC_OK || strcmp(state, "expired") == 0)
		kept = note(lm, "right", 0, text, NULL, &e);
	else if (strcmp(state, "credentials-wrong") == 0) {
		if ((kept = note(lm, "wrong", 0, text, NULL, &e)) == RC_OK && strcmp(text, known) != 0)
			kept = note(lm, "wrong", 0, known, NULL, &e);
	} else if (strcmp(state, "busy") == 0 || strcmp(state, "rate-limited") == 0)	/* 503, 429 */
		kept = note(lm, "void", sent, text, NULL, &e);
	if (kept == RC_OK && rc != RC_OK && strcmp(state, "credentials-wrong") == 0)
		kept = link_set(lm, link_import(lm), "wrong-factor", &e);
	else if (kept == RC_OK && rc != RC_OK && strcmp(state, "expired") == 0)
		kept = link_set(lm, link_import(lm), "expired", &e);
	if (kept != RC_OK && rc == RC_OK)
		*err = e;
	return rc != RC_OK ? rc : kept;
}

static int
send_answers(struct net_session *s, const struct source_question *q, const struct factor *const *have, size_t n,
    struct err *err)
{
	char (*made)[ANSWER_SENT_MAX] = calloc(n + 1, sizeof(*made));
	const char *answers[ANSWERS_MAX] = { NULL };
	size_t i = 0;
	int rc = RC_OK;

	if (made == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (i = 0; i < n && rc == RC_OK; i++) {
		rc = answer_make(&q[i], have[i], made[i], err);
		answers[i] = made[i];
	}
	if (rc == RC_OK)
		rc = net_login(s, answers, err);
	hash_wipe(made, (n + 1) * sizeof(*made));
	free(made);
	return rc;
}

/* A login under way: the answers that were sent last have no verdict yet. */
struct login {
	struct fetch *fetch;
	struct link_memory *lm;
	struct factors *f;
	const char **state;
	struct buf text, known;		/* the set that was sent; all that was known */
	unsigned voids;			/* of that set */
};

/* Notes that these answers are about to be sent; refuses those that were wrong. */
static int
note_sent(struct login *l, const struct source_question *q, const struct factor *const *have, size_t n, struct err *err)
{
	unsigned sent = 0;
	int rc = RC_OK;

	if (l->lm == NULL)
		return RC_OK;
	buf_wipe(&l->known);
	buf_wipe(&l->text);
	l->known.max = l->text.max = (size_t)256 << 10;
	if ((rc = buf_puts(&l->known, "", err)) != RC_OK || (rc = factors_text(l->f, &l->known, err)) != RC_OK ||
	    (rc = sent_text(q, have, n, &l->text, err)) != RC_OK)
		return rc;
	if ((rc = refuse_wrong(l->lm, l->text.data, l->fetch->again != NULL, &sent, err)) != RC_OK) {
		*l->state = "credentials-wrong";
		return rc;
	}
	/* the number must be new: a void one is spent too */
	if ((rc = count(l->lm, "void", l->text.data, &l->voids, err)) != RC_OK)
		return rc;
	return note(l->lm, "sent", sent + 1, l->text.data, NULL, err);
}

/* One more answer, which a portal wants after the first ones: so those were right. */
static int
on_ask(void *arg, const struct source_question *q, char **answer, struct err *err)
{
	struct login *l = arg;
	const struct factor *have = NULL;
	char made[ANSWER_SENT_MAX] = "";
	int rc = RC_OK;

	*answer = NULL;
	if (l->lm != NULL && (rc = remember(l->lm, l->text.data, l->known.data, l->voids + 1, "", RC_OK, err)) != RC_OK)
		return rc;
	if ((rc = answers_find(l->fetch, q, 1, l->f, l->state, err)) != RC_OK)
		return rc;
	have = factors_find(l->f, q);
	explain_answer(l->fetch, q, have);
	if ((rc = note_sent(l, q, &have, 1, err)) == RC_OK && (rc = answer_make(q, have, made, err)) == RC_OK &&
	    (*answer = text_dup(made, err)) == NULL)
		rc = err_rc(err->kind);
	hash_wipe(made, sizeof(made));
	return rc;
}

int
login_do(struct fetch *fetch, struct net_session *s, struct link_memory *lm, struct factors *f, const char **state,
    struct err *err)
{
	struct login l = { .fetch = fetch, .lm = lm, .f = f, .state = state };
	const struct factor *have[ANSWERS_MAX] = { NULL };
	size_t n = 0, i = 0;
	const struct source_question *q = net_questions(s, &n);
	int rc = RC_OK;

	if (n > ANSWERS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal asks %zu questions", n);
	if ((rc = answers_find(fetch, q, n, f, state, err)) != RC_OK)
		goto out;
	for (i = 0; i < n; i++)
		have[i] = factors_find(f, &q[i]);
	for (i = 0; i < n; i++)
		explain_answer(fetch, &q[i], have[i]);
	if ((rc = note_sent(&l, q, have, n, err)) != RC_OK)
		goto out;
	net_on_ask(s, on_ask, &l);
	rc = send_answers(s, q, have, n, err);
	net_on_ask(s, NULL, NULL);
	if (rc == RC_OK || (*state)[0] == '\0')
		*state = rc != RC_OK ? net_state(s) : "";
	if (lm != NULL)
		rc = remember(lm, l.text.data, l.known.data, l.voids + 1, *state, rc, err);
out:
	buf_wipe(&l.known);
	buf_wipe(&l.text);
	return rc;
}
