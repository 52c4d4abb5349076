/*
 * Secrets that must not leave the process in a message. Every text that may
 * quote something from outside goes through redact_text(): each known secret,
 * plain or percent-encoded, becomes "[secret]".
 */
#ifndef MRI_HTTP_REDACT_H
#define MRI_HTTP_REDACT_H

#include <stddef.h>
#include "base/err.h"

struct redact { char **v; size_t n; };

#define REDACT_MAX	64	/* secrets of one session: link, token, answers, bearer */
#define REDACT_MIN	4	/* a shorter text stands in too many innocent places to be replaced */

int redact_add(struct redact *, const char *secret, struct err *);	/* copies; NULL, "" and short ones are passed over */
void redact_text(const struct redact *, char *text, size_t cap);	/* in place */
void redact_err(const struct redact *, struct err *);
void redact_free(struct redact *);	/* wipes */

#endif
