/*
 * A session of a recording in place of the network. http_open() with
 * options.replay makes no socket: each request is held against the recorded
 * ones, and the one that fits gives the answer, in their order; one that fits
 * none ends the request with a sentence that names the nearest and what
 * differs: method, host, segments of the path, keys of the query, names of
 * fields. Values of fields are not compared: they are answers.
 *
 *	replay_new(&p, recording, session, err) … options.replay = p … replay_free(p)
 */
#ifndef MRI_HTTP_REPLAY_H
#define MRI_HTTP_REPLAY_H

#include "http/client.h"
#include "http/recording.h"

struct replay;

int replay_new(struct replay **, const struct recording *, size_t session, struct err *);	/* borrows it */
void replay_free(struct replay *);
/* The address of exchange i (from 0) of the session, fit to be asked for. malloc. */
int replay_url(struct replay *, size_t i, char **, struct err *);
/* What was made up for such addresses: it is not what the tags stand for, until it is asked for. */
void replay_forget(struct replay *);
/* The body of the last request that a recording holds by size and sum only: no sink has seen it. NULL: none was. */
const struct recorded *replay_absent(const struct replay *);
/* RC_OK: each request so far had its answer; else the error of the first one that had none, also where it was passed
 * over by the one who asked. */
int replay_verdict(const struct replay *, struct err *);
size_t replay_unused(const struct replay *, size_t step);	/* exchanges of a step that nobody asked for (yet) */

bool replay_next(struct replay *, const char *method, const char *url);	/* is that the exchange that comes next? */

/* Private to lib/http. What transfer_run() does with a network. */
int replay_run(struct http *, const struct http_request *, const char *url, struct http_response *, char **location,
    struct err *);
const char *replay_header(struct replay *, const char *name);	/* as http_header() */
int replay_cookie(struct replay *, const char *name, char **out, struct err *);	/* as http_cookie() */
bool replay_plain(const struct replay *, const char *host);	/* it was spoken to without TLS */

#endif
