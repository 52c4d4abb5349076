/*
 * One letter folded for comparison: lower case, without its accent, full width
 * made narrow, katakana made hiragana. Two spellings, since ü is written ue by
 * some and u by others (DIN 5007-2, ICAO Doc 9303-3 section 6).
 */
#ifndef MRI_CHECK_LETTER_H
#define MRI_CHECK_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#define LETTER_MAX	8	/* bytes of one spelling, with the NUL */

struct letter {
	char written[LETTER_MAX];	/* ü → ue, ß → ss */
	char bare[LETTER_MAX];		/* ü → u, ß → ss */
};

void letter_fold(uint32_t, struct letter *);

/* What a combining mark makes of the letter before it, 0 nothing: U+3099 after か gives が. */
uint32_t letter_combine(uint32_t before, uint32_t mark);
/* A mark on the letter before it: Latin accents, the voice marks of kana. */
bool letter_is_mark(uint32_t);

/* UTF-8 of one code point; returns its bytes, out is terminated. */
int letter_encode(uint32_t, char out[5]);

#endif
