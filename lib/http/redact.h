/*
 * Secrets that must not leave the process. Every text that may quote something
 * from outside goes through redact_text() or redact_buf(): each known secret
 * becomes its tag, "[token#1]", the same one wherever it stands and however it
 * is spelled: as it is, percent-encoded (RFC 3986) or as form data, escaped in
 * JSON, in base64 and base64url at each of the three alignments, and a date
 * also as 19700101, 1970-01-01, 01.01.1970, 1970/01/01.
 */
#ifndef MRI_HTTP_REDACT_H
#define MRI_HTTP_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

struct redact_secret;
struct redact { struct redact_secret *v; size_t n; };

#define REDACT_MAX	1024	/* secrets of one session; beyond it redact_full() is true */
#define REDACT_MIN	4	/* a shorter text stands in too many innocent places to be replaced */
#define REDACT_KIND_MAX	16

/* Copies. NULL, "" and short ones are passed over; a known one keeps its first tag. kind: "token", a word of [a-z]. */
int redact_add_as(struct redact *, const char *kind, const char *secret, struct err *);
int redact_add(struct redact *, const char *secret, struct err *);	/* of the kind "secret" */
/* A name: the whole and what stands between its separators, each also in capitals, small, and with a capital first. */
int redact_add_name(struct redact *, const char *kind, const char *name, struct err *);
bool redact_full(const struct redact *);
void redact_text(const struct redact *, char *text, size_t cap);	/* in place */
int redact_buf(const struct redact *, const char *, size_t, struct buf *out, struct err *);	/* appends */
bool redact_found(const struct redact *, const char *, size_t);	/* a secret stands in it, in whatever spelling */
/* The same where hashes and numbers are searched too: a spelling of less than eight bytes counts as a word only. */
bool redact_known(const struct redact *, const char *, size_t);
const char *redact_raw(const struct redact *, size_t i);	/* the i-th secret as it was added, borrowed */
void redact_err(const struct redact *, struct err *);
void redact_free(struct redact *);	/* wipes */

#endif
