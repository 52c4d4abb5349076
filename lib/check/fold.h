/*
 * Words of names folded for comparison (letter.h), and how alike two are.
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
/* Appends one character to w. Apostrophes, accents that stand by themselves, and what
 * systems write for a letter they cannot write (? * U+FFFD) vanish. */
void fold_add(struct word *w, uint32_t c);
bool fold_is_space(uint32_t c);		/* blanks, brackets, and the wide blank of Japanese names */
bool fold_is_joint(uint32_t c);		/* hyphens, dots: between the parts of a double name */
size_t fold_count(const char *);	/* characters of a folded word */

enum likeness {
	WORD_OTHER = 0,
	WORD_CUT,	/* one begins with the other */
	WORD_NEAR,	/* a letter or two */
	WORD_SOUND,	/* the same by a table of transliteration */
	WORD_ACCENT,	/* ü against u */
	WORD_SAME
};
enum likeness fold_compare(const struct word *, const struct word *);

#endif
