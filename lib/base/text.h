/*
 * Text: bounded copies, numbers, UTF-8, escaping for a terminal or a log.
 */
#ifndef MRI_BASE_TEXT_H
#define MRI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies with truncation, always terminates; false if it did not fit. cap > 0. */
bool text_copy(char *to, size_t cap, const char *from);
bool text_copyn(char *to, size_t cap, const char *from, size_t len);
/* Printable form of hostile bytes, in one line: control characters, ill-formed
 * UTF-8 and bidirectional overrides become \xHH; returns `to`. Truncates with "…". */
char *text_escape(char *to, size_t cap, const char *from, size_t len);
bool text_utf8_valid(const char *, size_t);
/* Appends hostile bytes as text of an HTML page, inside of an element or of a quoted attribute. What a reader cannot
 * see is written out: control characters, bidirectional marks, joiners and spaces of no width as \u{202e}, ill-formed
 * UTF-8 as \xHH. Newlines and tabs too. */
int text_html(struct buf *, const char *, size_t, struct err *);
/* Decimal only, whole string, no sign; false if not, or above max. */
bool text_u64(const char *, uint64_t max, uint64_t *);
bool text_is_uid(const char *);		/* PS3.5 9.1: 1–64 of [0-9.], components without leading zero */
/* A link, not a path: a scheme of two letters or more and ":/", "https:", "mailto:" and their like, or "://" behind
 * whatever a scanner put before it. "C:\…", "c:/…" and "study:1" are paths. */
bool text_is_link(const char *);
void text_trim(char *);			/* blanks at both ends, in place */
bool text_given(const char *);		/* neither NULL nor empty */
bool text_starts(const char *s, const char *prefix);
void text_hex(const void *, size_t, char *to);	/* to: 2 * n + 1 */
bool text_unhex(const char *, void *to, size_t n);	/* exactly 2 * n digits */
/* Of n candidates the one nearest by edit distance (at most 3), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);
char *text_dup(const char *, struct err *);	/* malloc; NULL and err without memory */

#ifdef __cplusplus
}
#endif
#endif
