#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/redact.h"

static int
take(struct redact *r, const char *secret, struct err *err)
{
	char **v = NULL;
	size_t i = 0;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->v[i], secret) == 0)
			return RC_OK;
	if (r->n == REDACT_MAX)
		return err_set(err, ERR_PROTOCOL, "more than %d secrets in one session", REDACT_MAX);
	v = realloc(r->v, (r->n + 1) * sizeof(*v));
	if (v == NULL)
		return err_sys(err, ENOMEM, "cannot keep a secret");
	r->v = v;
	if ((r->v[r->n] = text_dup(secret, err)) == NULL)
		return err_rc(err->kind);
	r->n++;
	return RC_OK;
}

int
redact_add(struct redact *r, const char *secret, struct err *err)
{
	static const char safe[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *coded = NULL, *w = NULL;
	const char *p = NULL;
	int rc = RC_OK;

	if (secret == NULL || strlen(secret) < REDACT_MIN)
		return RC_OK;
	if ((rc = take(r, secret, err)) != RC_OK)
		return rc;
	coded = malloc(3 * strlen(secret) + 1);
	if (coded == NULL)
		return err_sys(err, ENOMEM, "cannot keep a secret");
	for (p = secret, w = coded; *p != '\0'; p++) {
		if (strchr(safe, *p) != NULL) {
			*w++ = *p;
		} else {
			snprintf(w, 4, "%%%02X", (unsigned char)*p);
			w += 3;
		}
	}
	*w = '\0';
	rc = take(r, coded, err);
	hash_wipe(coded, strlen(coded));
	free(coded);
	return rc;
}

void
redact_text(const struct redact *r, char *text, size_t cap)
{
	static const char tag[] = "[secret]";
	char *at = NULL, *from = NULL;
	size_t i = 0, len = 0, rest = 0, room = 0, n = 0;

	for (i = 0; i < r->n; i++) {
		len = strlen(r->v[i]);
		for (from = text; (at = strstr(from, r->v[i])) != NULL; from = at + n) {
			rest = strlen(at + len);
			room = cap - 1 - (size_t)(at - text);
			n = sizeof(tag) - 1 < room ? sizeof(tag) - 1 : room;
			if (rest > room - n)
				rest = room - n;
			memmove(at + n, at + len, rest);
			memcpy(at, tag, n);
			at[n + rest] = '\0';
		}
	}
}

void
redact_err(const struct redact *r, struct err *err)
{
	redact_text(r, err->text, sizeof(err->text));
	redact_text(r, err->advice, sizeof(err->advice));
}

void
redact_free(struct redact *r)
{
	size_t i = 0;

	for (i = 0; i < r->n; i++) {
		hash_wipe(r->v[i], strlen(r->v[i]));
		free(r->v[i]);
	}
	free(r->v);
	r->v = NULL;
	r->n = 0;
}
