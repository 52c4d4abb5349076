/*
 * Answers for a portal's questions: from what is known, from a person at the
 * terminal, or from one that comes while we wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/fetch.h"

#define ANSWER_MAX	1024
#define ASKED_MAX	3	/* a date that is none is asked for again so often */
#define WAIT_MS		600000	/* a message to a telephone is good for some minutes */

static const struct known { const char *type, *text; bool echo; } known[] = {
	{ "PAT_BIRTH_DATE", "Birth date of the patient (YYYY-MM-DD)", false },
	{ "STUDY_DATE", "Date of the examination (YYYY-MM-DD)", true },
	{ "PASSWORD", "Password of the link", false },
};

static const struct known *
known_type(const char *type)
{
	size_t i = 0;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i].type) == 0)
			return &known[i];
	return NULL;
}

static int
keep(const struct source_question *q, char answer[ANSWER_MAX], const char *from, struct factors *f, struct err *err)
{
	char type[256];

	snprintf(type, sizeof(type), "%s:%s", q->type, q->id);
	return factors_add(f, type, answer, from, err);
}

static int
from_terminal(struct fetch *fetch, const struct source_question *q, struct factors *f, struct err *err)
{
	const struct known *k = known_type(q->type);
	char answer[ANSWER_MAX] = "", text[256], date[9];
	int i = 0, rc = RC_OK;

	text_escape(text, sizeof(text), q->text, strlen(q->text));
	if (text[0] == '\0')
		text_copy(text, sizeof(text), k != NULL ? k->text : "Answer");
	for (i = 0; i < ASKED_MAX; i++) {
		rc = cli_prompt(fetch->cli, text, k != NULL && k->echo, answer, sizeof(answer), err);
		text_trim(answer);
		if (rc != RC_OK || answer[0] == '\0' || !q->date || factor_date(answer, date))
			break;
	}
	if (rc == RC_OK && answer[0] == '\0')
		rc = err_set(err, ERR_NOINPUT, "no answer");
	if (rc == RC_OK)
		rc = keep(q, answer, "the terminal", f, err);
	hash_wipe(answer, sizeof(answer));
	hash_wipe(date, sizeof(date));
	return rc;
}

/* The descriptor or FIFO of --wait-factor. A FIFO is opened for both directions: it has no end while nobody writes. */
static int
wait_open(struct fetch *fetch, struct err *err)
{
	uint64_t n = 0;
	struct stat st;
	char shown[128];

	if (fetch->wait_fd >= 0)
		return RC_OK;
	if (text_u64(fetch->wait_factor, 1000, &n)) {
		fetch->wait_fd = (int)n;
		return fcntl(fetch->wait_fd, F_GETFD) >= 0 ? RC_OK :
		    err_set(err, ERR_USAGE, "--wait-factor: descriptor %d is not open", (int)n);
	}
	text_escape(shown, sizeof(shown), fetch->wait_factor, strlen(fetch->wait_factor));
	fetch->wait_fd = open(fetch->wait_factor, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fetch->wait_fd < 0)
		return err_sys(err, errno, "cannot open %s", shown);
	if (fstat(fetch->wait_fd, &st) != 0 || !S_ISFIFO(st.st_mode))
		return err_set(err, ERR_USAGE, "--wait-factor: %s is not a FIFO", shown);
	return RC_OK;
}

static int
not_come(const struct source_question *q, struct err *err)
{
	char type[128];

	err_set(err, ERR_TEMP, "the answer for %s has not come yet",
	    text_escape(type, sizeof(type), q->type, strlen(q->type)));
	err_advise(err, "run the same again with --resume and the id of the import when it is there; nothing was sent");
	return err_rc(ERR_TEMP);
}

static int
from_waiting(struct fetch *fetch, const struct source_question *q, struct factors *f, struct err *err)
{
	char answer[ANSWER_MAX] = "", shown[128];
	size_t n = 0;
	int64_t max = fetch->cli->max_time > 0 ? fetch->cli->max_time * 1000 : WAIT_MS;
	uint64_t now = time_mono_ms(), end = now + (uint64_t)max;
	struct pollfd p = { .events = POLLIN };
	ssize_t got = 0;
	char c = '\0';
	int rc = wait_open(fetch, err);

	p.fd = fetch->wait_fd;
	if (rc == RC_OK)
		cli_note(fetch->cli, 0, NULL, "waiting for the answer for %s",
		    text_escape(shown, sizeof(shown), q->type, strlen(q->type)));
	for (; rc == RC_OK; now = time_mono_ms()) {
		if (cli_stopped()) {
			rc = err_set(err, ERR_TEMP, "interrupted");
			break;
		}
		if (now >= end) {
			rc = not_come(q, err);
			break;
		}
		if (poll(&p, 1, (int)(end - now < 200 ? end - now : 200)) <= 0)
			continue;
		/* a byte at a time: the next line may be for the next question */
		if ((got = read(p.fd, &c, 1)) < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got > 0 && c != '\n') {
			if (n + 1 < sizeof(answer))
				answer[n++] = c;
			continue;
		}
		answer[n] = '\0';
		text_trim(answer);
		if (answer[0] == '\0' && got > 0) {
			n = 0;
			continue;
		}
		rc = answer[0] != '\0' ? keep(q, answer, "who was waited for (--wait-factor)", f, err) : not_come(q, err);
		break;
	}
	hash_wipe(answer, sizeof(answer));
	return rc;
}

/* Which factor, by its type only: the portal's own text may hold a patient's data. */
static int
needed(const struct source_question *q, struct err *err)
{
	char type[128];

	text_escape(type, sizeof(type), q->type, strlen(q->type));
	err_set(err, ERR_DENIED, "the portal asks for a factor that was not given: %s", type);
	err_advise(err, "give it with --factor %s=@FILE, or in the order", type);
	return err_rc(ERR_DENIED);
}

static int
find_one(struct fetch *fetch, const struct source_question *q, struct factors *f, const char **state, struct err *err)
{
	const struct factor *have = factors_find(f, q);
	int rc = RC_OK;

	if (have != NULL && have->kind != FACTOR_LATER)
		return RC_OK;
	if (fetch->wait_factor != NULL && !q->date) {
		rc = from_waiting(fetch, q, f, err);
		*state = rc == RC_RETRY ? "waiting" : "factor-needed";
		return rc;
	}
	if (isatty(STDERR_FILENO) && from_terminal(fetch, q, f, err) == RC_OK)
		return RC_OK;
	*state = have != NULL ? "waiting" : "factor-needed";
	return have != NULL ? not_come(q, err) : needed(q, err);
}

int
answers_find(struct fetch *fetch, const struct source_question *q, size_t n, struct factors *f, const char **state,
    struct err *err)
{
	const struct factor *have = NULL;
	char date[9], type[128];
	size_t i = 0;
	int late = 0, rc = RC_OK;

	/* what is waited for comes last: nobody waits in vain */
	for (late = 0; late < 2; late++)
		for (i = 0; i < n && rc == RC_OK; i++)
			if (late == 1 || q[i].date || fetch->wait_factor == NULL)
				rc = find_one(fetch, &q[i], f, state, err);
	for (i = 0; i < n && rc == RC_OK; i++) {
		have = factors_find(f, &q[i]);
		if (q[i].date && (have->kind != FACTOR_VALUE || !factor_date(have->value, date))) {
			*state = "factor-needed";
			err_set(err, ERR_DENIED, "the answer for %s is not a date",
			    text_escape(type, sizeof(type), q[i].type, strlen(q[i].type)));
			err_advise(err, "write it as YYYY-MM-DD; nothing was sent");
			rc = err_rc(ERR_DENIED);
		}
	}
	hash_wipe(date, sizeof(date));
	return rc;
}

int
answer_make(const struct source_question *q, const struct factor *f, char out[ANSWER_SENT_MAX], struct err *err)
{
	struct totp t;
	char date[9];
	int rc = RC_OK;

	if (f->kind == FACTOR_TOTP) {
		if ((rc = totp_parse(f->value, &t, err)) == RC_OK)
			rc = totp_at(&t, time_now(), out, err);
		totp_wipe(&t);
		return rc;
	}
	if (q->date && factor_date(f->value, date))
		text_copy(out, ANSWER_SENT_MAX, date);
	else if (!text_copy(out, ANSWER_SENT_MAX, f->value))
		rc = err_set(err, ERR_DENIED, "an answer is longer than %d bytes", ANSWER_SENT_MAX - 1);
	hash_wipe(date, sizeof(date));
	return rc;
}
