/* A request held against a recorded one. Private to lib/http. */
#ifndef MRI_HTTP_REPLAY_COMPARE_H
#define MRI_HTTP_REPLAY_COMPARE_H

#include "http/client.h"
#include "http/recording.h"
#include "http/tags.h"

/* Is it the same request? Then tags that are new stand for what it has in their place. */
bool compare_fits(struct tags *, const struct http_request *, const char *url, const struct recorded *);
/* How far it is from it (0: the same), and the difference that weighs most, in words, without values. */
unsigned compare_differs(struct tags *, const struct http_request *, const char *url, const struct recorded *,
    char *what, size_t cap);
/* The path of the request with its tags, escaped; no query. */
void compare_path(const struct tags *, const char *url, char *out, size_t cap);

#endif
