/*
 * Letters folded for comparison: no case, no accents. Two spellings of each
 * word, since ü is written ue by some and u by others (and ø oe or o, å aa or a).
 */
#ifndef MRI_CHECK_FOLD_H
#define MRI_CHECK_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLD_WORD_MAX	260	/* bytes of a folded word; a PN group has 64 characters (PS3.5 6.2) */

struct word {
	char written[FOLD_WORD_MAX];	/* ü → ue, ß → ss */
	char bare[FOLD_WORD_MAX];	/* ü → u, ß → ss */
	bool cut;			/* longer than that: never the same as anything */
};

/* One character of UTF-8 at *s, which moves on; ill-formed bytes count as themselves. */
uint32_t fold_next(const char **s);
/* Appends one character to w. Apostrophes and combining marks other than the diaeresis vanish. */
void fold_add(struct word *w, uint32_t c);
bool fold_is_space(uint32_t c);		/* blanks, and the wide blank of Japanese names */
bool fold_is_joint(uint32_t c);		/* hyphens, dots: between the parts of a double name */

enum likeness { WORD_OTHER = 0, WORD_NEAR /* a letter or two */, WORD_ACCENT /* ü against u */, WORD_SAME };
enum likeness fold_compare(const struct word *, const struct word *);

#endif
