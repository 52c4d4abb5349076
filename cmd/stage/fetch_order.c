#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/fetch.h"

#define FILE_MAX	((size_t)16 << 20)	/* an order file: some ten thousand orders */
#define FACTOR_MAX	((size_t)4096)
#define FACTORS_MAX	32

static int
add_order(struct orders *os, const char *text, size_t len, const char *where, struct err *err)
{
	struct order *o = NULL, **v = NULL;
	int rc = order_parse(text, len, where, &o, err);

	if (rc != RC_OK)
		return rc;
	if ((v = realloc(os->v, (os->n + 1) * sizeof(struct order *))) == NULL) {
		order_free(o);
		return err_sys(err, ENOMEM, "cannot hold the orders");
	}
	os->v = v;
	os->v[os->n++] = o;
	return RC_OK;
}

/* NDJSON when the first line that is not blank is a document by itself. */
static bool
one_a_line(const char *text, size_t len)
{
	struct err e = { 0 };
	json_t *j = NULL;
	const char *end = memchr(text, '\n', len);
	bool yes = end != NULL && json_parse(text, (size_t)(end - text), &j, &e) == RC_OK;

	json_decref(j);
	return yes;
}

int
orders_load(const char *path, struct orders *os, struct err *err)
{
	struct buf b = BUF_INIT(FILE_MAX);
	struct stream *s = NULL;
	char where[64], shown[128];
	const char *p = NULL, *end = NULL;
	size_t len = 0;
	long line = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = RC_OK;

	memset(os, 0, sizeof(*os));
	text_escape(shown, sizeof(shown), path, strlen(path));
	if (fd < 0)
		return err_sys(err, errno, "cannot open the order %s", shown);
	if ((rc = stream_file(&s, fd, err)) == RC_OK)
		rc = stream_slurp(s, &b, err);
	stream_close(s);
	if (rc != RC_OK) {
		err_wrap(err, "order %s", shown);
		goto out;
	}
	for (p = b.data != NULL ? b.data : "", len = b.len; len > 0 && strchr(" \t\r\n", *p) != NULL; p++, len--)
		;
	if (len == 0) {
		rc = err_set(err, ERR_DATA, "the order %s is empty", shown);
		goto out;
	}
	if (!one_a_line(p, len)) {
		rc = add_order(os, p, len, "order", err);
		goto out;
	}
	for (; len > 0 && rc == RC_OK; len -= (size_t)(end - p), p = end) {
		line++;
		end = memchr(p, '\n', len);
		end = end != NULL ? end + 1 : p + len;
		if (strspn(p, " \t\r\n") >= (size_t)(end - p))
			continue;
		snprintf(where, sizeof(where), "order, line %ld", line);
		rc = add_order(os, p, (size_t)(end - p), where, err);
	}
out:
	buf_wipe(&b);
	if (rc != RC_OK)
		orders_free(os);
	return rc;
}

void
orders_free(struct orders *os)
{
	size_t i = 0;

	for (i = 0; i < os->n; i++)
		order_free(os->v[i]);
	free(os->v);
	os->v = NULL;
	os->n = 0;
}

static int
set_text(char **to, const char *value, const char *option, struct err *err)
{
	if (value == NULL)
		return RC_OK;
	if (*to != NULL && **to != '\0')
		return strcmp(*to, value) == 0 ? RC_OK :
		    err_set(err, ERR_USAGE, "%s contradicts the order", option);
	free(*to);
	*to = text_dup(value, err);
	return *to == NULL ? err_rc(err->kind) : RC_OK;
}

int
order_basis(struct order *o, const char *kind, const char *reference, struct err *err)
{
	int rc = set_text(&o->basis_kind, kind, "--basis", err);

	return rc != RC_OK ? rc : set_text(&o->basis_reference, reference, "--reference", err);
}

int
factors_add(struct factors *f, const char *type, const char *value, struct err *err)
{
	struct order_factor *v = NULL, *one = NULL;

	if (f->n == FACTORS_MAX)
		return err_set(err, ERR_USAGE, "more than %d factors", FACTORS_MAX);
	if ((v = realloc(f->v, (f->n + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the factors");
	f->v = v;
	one = &v[f->n];
	memset(one, 0, sizeof(*one));
	if ((one->type = text_dup(type, err)) == NULL || (one->value = text_dup(value, err)) == NULL) {
		free(one->type);
		return err_rc(err->kind);
	}
	f->n++;
	return RC_OK;
}

/* The first line of a file: what an editor or echo leaves behind it does not belong to a secret. */
static int
add_from_file(struct factors *f, const char *type, const char *path, struct err *err)
{
	struct buf b = BUF_INIT(FACTOR_MAX);
	struct stream *s = NULL;
	char shown[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = RC_OK;

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (fd < 0)
		return err_sys(err, errno, "cannot open the factor %s", shown);
	if ((rc = stream_file(&s, fd, err)) == RC_OK)
		rc = stream_slurp(s, &b, err);
	stream_close(s);
	if (rc == RC_OK && b.len > 0) {
		b.data[strcspn(b.data, "\r\n")] = '\0';
		text_trim(b.data);
	}
	if (rc == RC_OK && (b.len == 0 || b.data[0] == '\0'))
		rc = err_set(err, ERR_DATA, "the file is empty");
	if (rc == RC_OK)
		rc = factors_add(f, type, b.data, err);
	else
		err_wrap(err, "factor %s", shown);
	buf_wipe(&b);
	return rc;
}

int
factors_parse(const char *const *texts, size_t n, struct factors *f, struct err *err)
{
	char type[64];
	const char *at = NULL;
	size_t i = 0;
	int rc = RC_OK;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < n && rc == RC_OK; i++) {
		at = strchr(texts[i], '=');
		if (at == NULL || at == texts[i] || at[1] != '@' || at[2] == '\0' ||
		    !text_copyn(type, sizeof(type), texts[i], (size_t)(at - texts[i]))) {
			rc = err_set(err, ERR_USAGE, "--factor wants TYPE=@FILE: a secret stands in a file, not on the command line");
			err_advise(err, "types: PAT_BIRTH_DATE, STUDY_DATE, PASSWORD, CUSTOM, CUSTOM:ID");
			break;
		}
		rc = add_from_file(f, type, at + 2, err);
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
		rc = factors_add(f, given->v[i].type, given->v[i].value, err);
	for (i = 0; i < o->nfactors && rc == RC_OK; i++) {
		if (has_type(f, o->factors[i].type))
			continue;
		if (o->factors[i].value != NULL)
			rc = factors_add(f, o->factors[i].type, o->factors[i].value, err);
		else
			rc = add_from_file(f, o->factors[i].type, o->factors[i].file, err);
	}
	if (rc == RC_OK && !has_type(f, "PAT_BIRTH_DATE") && o->patient.birth_date[0] != '\0')
		rc = factors_add(f, "PAT_BIRTH_DATE", o->patient.birth_date, err);
	if (rc == RC_OK && !has_type(f, "STUDY_DATE") && o->nstudies == 1 && o->studies[0].date[0] != '\0')
		rc = factors_add(f, "STUDY_DATE", o->studies[0].date, err);
	if (rc != RC_OK)
		factors_free(f);
	return rc;
}

const char *
factors_find(const struct factors *f, const struct source_question *q)
{
	char exact[256];
	size_t i = 0;

	snprintf(exact, sizeof(exact), "%s:%s", q->type, q->id);
	for (i = 0; i < f->n; i++)
		if (strcmp(f->v[i].type, exact) == 0)
			return f->v[i].value;
	for (i = 0; i < f->n; i++)
		if (strcmp(f->v[i].type, q->type) == 0)
			return f->v[i].value;
	return NULL;
}

static int
by_type(const void *a, const void *b)
{
	const struct order_factor *x = a, *y = b;
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
	struct order_factor v[FACTORS_MAX];
	char date[FACTORS_MAX][9];
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < f->n && i < FACTORS_MAX; i++) {
		v[i] = f->v[i];
		if (is_date(v[i].type) && time_parse_date(v[i].value, date[i]))
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
		free(f->v[i].file);
	}
	free(f->v);
	f->v = NULL;
	f->n = 0;
}
