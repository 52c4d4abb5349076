/*
 * The exchanges of a session as HAR 1.2 (the HTTP Archive format), redacted
 * before a byte is written. An entry is held in memory until the next one, so
 * that a secret which an answer brought is known when the answer is written;
 * those up to the list are written once more when the list is known, since it
 * says whose records these are.
 * The file is whole JSON after each entry: what closes it is written with it.
 *
 *	har_open(&h, fd, &secrets, line, arg, err)
 *	http_trace(http, har_exchange, h)
 *	har_begin(h, "list", 0)  …  har_end(h, "dlx", "", NULL)		which step the exchanges belong to
 *	har_close(h)		writes the last entry
 */
#ifndef MRI_HTTP_HAR_H
#define MRI_HTTP_HAR_H

#include "base/json.h"
#include "http/redact.h"
#include "http/trace.h"

struct har;

/* fd: a file of ours, empty or one that har_ wrote; stays yours; -1: none. secrets: borrowed, may grow.
 * line: each exchange in a redacted sentence, for --explain; NULL: none. */
int har_open(struct har **, int fd, const struct redact *secrets, void (*line)(void *arg, const char *), void *arg,
    struct err *);
http_trace_fn har_exchange;	/* arg: the har */
/* The step that follows; n: of many of its kind, 0 none. NULL is fine. */
void har_begin(struct har *, const char *what, size_t n);
/* How it ended, with its last exchange: the kind of portal, "" not known; the state, "" none; err NULL: well. Writes
 * the entry that is held, but after a look and a login, where the next step tells more of what is in it. */
void har_end(struct har *, const char *kind, const char *state, const struct err *);
void har_flush(struct har *);	/* the entry that is held; NULL is fine */
void har_close(struct har *);
/* An entry as it is written: nothing stands where secrets stand but tags. */
bool har_clean(const json_t *entry);
bool har_failed(const struct har *);	/* an entry could not be written; the file is whole without it */

#endif
