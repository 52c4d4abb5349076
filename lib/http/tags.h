/*
 * The tags of a recording ("[code#1]") held against what stands in their place
 * when it is run again. A tag is met first in a request, then it takes what
 * the request has there, or first in an answer, then something is made up
 * that is of the right form; from then on it stands for that, in whatever
 * spelling. Private to lib/http.
 */
#ifndef MRI_HTTP_TAGS_H
#define MRI_HTTP_TAGS_H

#include "http/redact.h"

#define TAGS_MAX	4096	/* of one session; redact.h has 1024 secrets, har.c as many again */

struct tag { char name[REDACT_KIND_MAX + 8]; char *text; bool made; };	/* made: up, of an answer */
struct tags { struct tag *v; size_t n; };

/* Is `text` what `pattern`, which may hold tags, stands for? Takes the texts of tags that are new; false: none. */
bool tags_match(struct tags *, const char *pattern, size_t plen, const char *text, size_t len);
/* The text with each tag replaced by what it stands for, appended. */
int tags_fill(struct tags *, const char *text, size_t, struct buf *, struct err *);
/* The other way round, for messages: what tags stand for replaced by them. */
int tags_hide(const struct tags *, const char *text, size_t, struct buf *, struct err *);
/* Is the text what was made up for a tag? */
bool tags_made(const struct tags *, const char *text, size_t);
void tags_cut(struct tags *, size_t n);	/* forgets all but the first n; wipes */
void tags_free(struct tags *);	/* wipes */

#endif
