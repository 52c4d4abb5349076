/* What is secret in an entry of a HAR, by its place, and the entry without it. */
#ifndef MRI_HTTP_HAR_SECRETS_H
#define MRI_HTTP_HAR_SECRETS_H

#include "base/json.h"
#include "http/redact.h"

/* Cookies, Authorization, values of a query, long or mixed segments of a path, JSON Web Tokens anywhere. */
void har_find_secrets(struct redact *, const json_t *entry);
/* Every text of the entry: those that the session knows first. Scheme and host of a URL stay. */
int har_redact(const struct redact *known, const struct redact *found, json_t *entry);

/* The parts of an address that may be a secret, as those of a request's. */
void har_hide_address(struct redact *, const char *url);

#endif
