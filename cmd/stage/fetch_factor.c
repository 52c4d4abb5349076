/*
 * What is known for the questions of a portal: answers from files,
 * descriptors, commands and the order, and secrets that make them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/fetch.h"

#define FACTOR_MAX	((size_t)4096)
#define FACTORS_MAX	32
#define COMMAND_MS	60000	/* a password store may ask its owner for a PIN */
#define WORDS_MAX	32

static int
add(struct factors *f, const char *type, const char *value, enum factor_kind kind, const char *from, struct err *err)
{
	struct factor *v = NULL, *one = NULL;

	if (f->n == FACTORS_MAX)
		return err_set(err, ERR_USAGE, "more than %d factors", FACTORS_MAX);
	if ((v = realloc(f->v, (f->n + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the factors");
	f->v = v;
	one = &v[f->n];
	memset(one, 0, sizeof(*one));
	one->kind = kind;
	one->from = from;
	if ((one->type = text_dup(type, err)) == NULL || (one->value = text_dup(value, err)) == NULL) {
		free(one->type);
		return err_rc(err->kind);
	}
	f->n++;
	return RC_OK;
}

int
factors_add(struct factors *f, const char *type, const char *value, const char *from, struct err *err)
{
	return add(f, type, value, FACTOR_VALUE, from, err);
}

/* The first line: what an editor or echo leaves behind it does not belong to a secret. fd is closed. */
static int
read_line(int fd, struct buf *b, struct err *err)
{
	struct stream *s = NULL;
	int rc = stream_file(&s, fd, err);

	if (rc == RC_OK)
		rc = stream_slurp(s, b, err);
	stream_close(s);
	if (rc == RC_OK && b->len > 0) {
		b->data[strcspn(b->data, "\r\n")] = '\0';
		text_trim(b->data);
	}
	if (rc == RC_OK && (b->len == 0 || b->data[0] == '\0'))
		rc = err_set(err, ERR_DATA, "it is empty");
	return rc;
}

static int
add_from_fd(struct factors *f, const char *type, int fd, enum factor_kind kind, const char *shown, const char *from,
    struct err *err)
{
	struct buf b = BUF_INIT(FACTOR_MAX);
	struct totp t;
	int rc = read_line(fd, &b, err);

	if (rc == RC_OK && kind == FACTOR_TOTP) {
		rc = totp_parse(b.data, &t, err);
		totp_wipe(&t);
	}
	if (rc == RC_OK)
		rc = add(f, type, b.data, kind, from, err);
	else
		err_wrap(err, "factor %s", shown);
	buf_wipe(&b);
	return rc;
}

static int
add_from_file(struct factors *f, const char *type, const char *path, enum factor_kind kind, const char *from,
    struct err *err)
{
	char shown[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (fd < 0)
		return err_sys(err, errno, "cannot open the factor %s", shown);
	return add_from_fd(f, type, fd, kind, shown, from, err);
}

/* The program sees what password stores need, and neither our configuration nor what a caller put beside it. */
static _Noreturn void
run_command(char *const *words, int out)
{
	static const char *const keep[] = { "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "XDG_RUNTIME_DIR",
		"DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_DIR" };
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *env[sizeof(keep) / sizeof(keep[0]) + 2] = { path };
	size_t i = 0, n = 1;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const char *value = NULL;

	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if ((value = getenv(keep[i])) != NULL && asprintf(&env[n], "%s=%s", keep[i], value) > 0)
			n++;
	env[n] = NULL;
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execvpe(words[0], words, env);
	_exit(127);
}

static int
split(const char *command, char **copy, char *words[WORDS_MAX + 1], struct err *err)
{
	char *p = NULL, *save = NULL;
	size_t n = 0;

	if ((*copy = text_dup(command, err)) == NULL)
		return err_rc(err->kind);
	for (p = strtok_r(*copy, " \t", &save); p != NULL && n < WORDS_MAX; p = strtok_r(NULL, " \t", &save))
		words[n++] = p;
	words[n] = NULL;
	return n > 0 && p == NULL ? RC_OK : err_set(err, ERR_USAGE, "a command has 1 to %d words", WORDS_MAX);
}

/* What the program prints until it ends or its time is over. */
static int
collect(int fd, struct buf *b, struct err *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t end = time_mono_ms() + COMMAND_MS, now = 0;
	char chunk[512];
	ssize_t got = 0;
	int rc = RC_OK;

	while (rc == RC_OK && (now = time_mono_ms()) < end) {
		if (cli_stopped())
			return err_set(err, ERR_TEMP, "interrupted");
		if (poll(&p, 1, (int)(end - now < 200 ? end - now : 200)) <= 0)
			continue;
		if ((got = read(fd, chunk, sizeof(chunk))) < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return RC_OK;
		rc = buf_add(b, chunk, (size_t)got, err);
	}
	hash_wipe(chunk, sizeof(chunk));
	return rc != RC_OK ? rc : err_set(err, ERR_TEMP, "it gave no answer within %d seconds", COMMAND_MS / 1000);
}

/* Words at blanks and no shell: what stands in the command is never read as more than words. */
static int
add_from_command(struct factors *f, const char *type, const char *command, struct err *err)
{
	struct buf b = BUF_INIT(FACTOR_MAX);
	char *words[WORDS_MAX + 1], *copy = NULL;
	int pair[2] = { -1, -1 }, status = 0, rc = split(command, &copy, words, err);
	pid_t pid = -1;

	if (rc == RC_OK && pipe2(pair, O_CLOEXEC) != 0)
		rc = err_sys(err, errno, "cannot run a command");
	if (rc == RC_OK && (pid = fork()) < 0)
		rc = err_sys(err, errno, "cannot run a command");
	if (rc != RC_OK)
		goto out;
	if (pid == 0)
		run_command(words, pair[1]);
	close(pair[1]);
	pair[1] = -1;
	if ((rc = collect(pair[0], &b, err)) != RC_OK)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == RC_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rc = err_set(err, ERR_DENIED, WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "there is no such program" :
		    "it failed");
	if (rc == RC_OK && b.len > 0) {
		b.data[strcspn(b.data, "\r\n")] = '\0';
		text_trim(b.data);
	}
	if (rc == RC_OK && (b.len == 0 || b.data[0] == '\0'))
		rc = err_set(err, ERR_DENIED, "it printed nothing");
	if (rc == RC_OK)
		rc = factors_add(f, type, b.data, "a command (--factor)", err);
out:
	if (rc != RC_OK)
		err_wrap(err, "the command of a factor");
	for (status = 0; status < 2; status++)
		if (pair[status] >= 0)
			close(pair[status]);
	free(copy);
	buf_wipe(&b);
	return rc;
}

static int
add_one(struct factors *f, const char *type, const char *how, bool policy, struct err *err)
{
	uint64_t fd = 0;

	if (how[0] == '@' && how[1] != '\0')
		return add_from_file(f, type, how + 1, FACTOR_VALUE, "a file (--factor)", err);
	if (text_starts(how, "totp:@") && how[6] != '\0')
		return add_from_file(f, type, how + 6, FACTOR_TOTP, "a secret for one-time passwords (--factor)", err);
	if (text_starts(how, "fd:") && text_u64(how + 3, 1000, &fd)) {
		if (fcntl((int)fd, F_GETFD) < 0)
			return err_set(err, ERR_USAGE, "--factor: descriptor %d is not open", (int)fd);
		return add_from_fd(f, type, (int)fd, FACTOR_VALUE, "of a descriptor", "a descriptor (--factor)", err);
	}
	if (text_starts(how, "cmd:") && policy)
		return err_set(err, ERR_USAGE, "under the system policy --factor runs no command");
	if (text_starts(how, "cmd:"))
		return add_from_command(f, type, how + 4, err);
	if (strcmp(how, "later") == 0)
		return add(f, type, "", FACTOR_LATER, "later (--factor)", err);
	err_set(err, ERR_USAGE, "--factor wants TYPE=@FILE, fd:N, cmd:COMMAND, totp:@FILE or later: a secret stands in a "
	    "file, not on the command line");
	err_advise(err, "types: PAT_BIRTH_DATE, STUDY_DATE, PASSWORD, CUSTOM, CUSTOM:ID");
	return err_rc(ERR_USAGE);
}

int
factors_parse(const char *const *texts, size_t n, bool policy, struct factors *f, struct err *err)
{
	char type[64];
	const char *at = NULL;
	size_t i = 0;
	int rc = RC_OK;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < n && rc == RC_OK; i++) {
		at = strchr(texts[i], '=');
		if (at == NULL || at == texts[i] || !text_copyn(type, sizeof(type), texts[i], (size_t)(at - texts[i])))
			rc = add_one(f, "", "", policy, err);
		else
			rc = add_one(f, type, at + 1, policy, err);
	}
	if (rc != RC_OK)
		factors_free(f);
	return rc;
}

static bool
has_type(const struct factors *f, const char *type)
{
	size_t i = 0;

	for (i = 0; i < f->n && strcmp(f->v[i].type, type) != 0; i++)
		;
	return i < f->n;
}

int
factors_collect(const struct factors *given, const struct order *o, struct factors *f, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < given->n && rc == RC_OK; i++)
		rc = add(f, given->v[i].type, given->v[i].value, given->v[i].kind, given->v[i].from, err);
	for (i = 0; i < o->nfactors && rc == RC_OK; i++) {
		if (has_type(f, o->factors[i].type))
			continue;
		if (o->factors[i].value != NULL)
			rc = factors_add(f, o->factors[i].type, o->factors[i].value, "the order", err);
		else
			rc = add_from_file(f, o->factors[i].type, o->factors[i].file, FACTOR_VALUE, "a file that the order names", err);
	}
	if (rc == RC_OK && !has_type(f, "PAT_BIRTH_DATE") && o->patient.birth_date[0] != '\0')
		rc = factors_add(f, "PAT_BIRTH_DATE", o->patient.birth_date, "the patient of the order", err);
	if (rc == RC_OK && !has_type(f, "STUDY_DATE") && o->nstudies == 1 && o->studies[0].date[0] != '\0')
		rc = factors_add(f, "STUDY_DATE", o->studies[0].date, "the only study of the order", err);
	if (rc != RC_OK)
		factors_free(f);
	return rc;
}

const struct factor *
factors_find(const struct factors *f, const struct source_question *q)
{
	char exact[256];
	size_t i = 0;

	snprintf(exact, sizeof(exact), "%s:%s", q->type, q->id);
	for (i = f->n; i-- > 0;)	/* what came in the end stands before what was promised */
		if (strcmp(f->v[i].type, exact) == 0)
			return &f->v[i];
	for (i = 0; i < f->n; i++)
		if (strcmp(f->v[i].type, q->type) == 0)
			return &f->v[i];
	return NULL;
}

bool
factor_date(const char *text, char out[9])
{
	char iso[11];

	if (strlen(text) == 10 && text[2] == '.' && text[5] == '.') {
		snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2s", text + 6, text + 3, text);
		return time_parse_date(iso, out);
	}
	return time_parse_date(text, out);
}

static int
by_type(const void *a, const void *b)
{
	const struct factor *x = a, *y = b;
	int c = strcmp(x->type, y->type);

	return c != 0 ? c : strcmp(x->value, y->value);
}

static bool
is_date(const char *type)
{
	static const char *const types[] = { "PAT_BIRTH_DATE", "STUDY_DATE" };
	size_t i = 0, n = strcspn(type, ":");

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i]) == n && strncmp(type, types[i], n) == 0)
			return true;
	return false;
}

int
factors_text(const struct factors *f, struct buf *b, struct err *err)
{
	struct factor v[FACTORS_MAX];
	char date[FACTORS_MAX][9];
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < f->n && i < FACTORS_MAX; i++) {
		v[i] = f->v[i];
		if (is_date(v[i].type) && factor_date(v[i].value, date[i]))
			v[i].value = date[i];
	}
	qsort(v, i, sizeof(v[0]), by_type);
	for (i = 0; i < f->n && rc == RC_OK; i++)
		rc = buf_printf(b, err, "%s=%s\n", v[i].type, v[i].value);
	hash_wipe(date, sizeof(date));
	return rc;
}

void
factors_free(struct factors *f)
{
	size_t i = 0;

	for (i = 0; i < f->n; i++) {
		if (f->v[i].value != NULL)
			hash_wipe(f->v[i].value, strlen(f->v[i].value));
		free(f->v[i].value);
		free(f->v[i].type);
	}
	free(f->v);
	f->v = NULL;
	f->n = 0;
}
