/*
 * Names in Cyrillic, Greek and kana against the same names in Latin letters.
 * Several tables are in use for each script; a Latin word fits where every
 * letter is written as one of them has it: ICAO Doc 9303-3 section 6, ISO 9,
 * GOST 7.79 B, BGN/PCGN, the German usage; ISO 843; Hepburn, ISO 3602.
 */
#ifndef MRI_CHECK_TRANSLIT_H
#define MRI_CHECK_TRANSLIT_H

#include <stdbool.h>
#include <stddef.h>

enum script { SCRIPT_LATIN, SCRIPT_CYRILLIC, SCRIPT_GREEK, SCRIPT_KANA, SCRIPT_OTHER };

/* Of the first letter of a folded word; digits and signs alone count as Latin. */
enum script script_of(const char *word);
/* Is there a table between them? Every script has one with itself. */
bool script_comparable(enum script, enum script);

/* Both folded (letter.h). False where the script of native has no table. */
bool translit_fits(const char *native, const char *latin);
/* The first spelling of each letter; false: no table for it, or too long. */
bool translit_usual(const char *native, char *out, size_t cap);

#endif
