/*
 * What a text from a letter, a QR code or a command line is: a web link, one
 * of another kind, or no link (a path). Links are secrets.
 */
#ifndef MRI_SOURCE_LINK_H
#define MRI_SOURCE_LINK_H

#include <stdbool.h>
#include <time.h>
#include "base/err.h"

#define LINK_MAX	8000	/* bytes; a QR code holds 4296 characters at most */

/* Blanks and what scanners put before a link ("URL:", "QR-Code:", "]Q1") go; a link that starts the Weasis viewer with
 * one manifest becomes the address of that; in place. */
void link_clean(char *);
/* text_is_link(), or one that a scanner typed for a keyboard of another layout: link_check() says so. */
bool link_is(const char *);
/* RC_OK for http, https and SMART Health Links. Others: ERR_PROTOCOL (76) saying what it is and what to ask
 * the sender for. ERR_DATA (65): typed for another keyboard. */
int link_check(const char *, struct err *);
/* What a link says of itself that makes no difference yet, NULL: nothing. Static text. */
const char *link_warning(const char *, time_t now);
/* Host of a web link, or of what a SMART Health Link names, escaped for messages; "" where there is none. */
void link_host(const char *, char *, size_t cap);
/* The token of a DLX link: the segment after /token/, else the query parameter token, else the last segment.
 * Decoded, malloc, a secret. */
int link_token(const char *, char **, struct err *);
/* The one spelling of a web link that memories know it by: scheme and host in lower case, no default port, no
 * fragment; of a SMART Health Link that of the address in it, and a mark. malloc, a secret. */
int link_key(const char *, char **, struct err *);

#endif
