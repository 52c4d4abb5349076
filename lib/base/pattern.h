/*
 * Regular expressions, POSIX extended (regex(7)), that cannot run away: capped in length, groups and in what
 * regcomp() makes of them; no back references. Text is UTF-8, a character is a character, whatever the locale
 * of the process: pattern_prepare() loads what that needs, before a jail is locked.
 */
#ifndef MRI_BASE_PATTERN_H
#define MRI_BASE_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include "base/err.h"

#define PATTERN_MAX	1024	/* bytes, with the NUL */
#define PATTERN_GROUPS_MAX	9
/* Bytes of a text that is searched: a search costs the square of it, for these a second at worst. */
#define PATTERN_TEXT_MAX	((size_t)4 << 10)

struct pattern;

int pattern_prepare(struct err *);	/* idempotent; ERR_CONFIG: the locale C.UTF-8 is not installed */
/* ERR_CONFIG: why. Calls pattern_prepare(). */
int pattern_open(struct pattern **, const char *, bool ignore_case, struct err *);
void pattern_close(struct pattern *);
size_t pattern_groups(const struct pattern *);
/* begun: text is not the beginning of the line. at: [0] the whole; rm_so -1 where a group took no part. Too long a
 * text, or no memory to search it: ERR_DATA. */
int pattern_match(const struct pattern *, const char *text, bool begun, regmatch_t at[PATTERN_GROUPS_MAX + 1],
    bool *found, struct err *);

/* The "]" of the "[" at p (XBD 9.3.5), or the last character where there is none: regcomp says so. */
const char *pattern_bracket_end(const char *p);
/* Would regcomp() need too much memory for it? ERR_CONFIG. */
int pattern_weigh(const char *, struct err *);

#endif
