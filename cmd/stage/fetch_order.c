#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/fetch.h"

#define FILE_MAX	((size_t)16 << 20)	/* an order file: some ten thousand orders */

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
