/*
 * Names of persons, taken apart (PS3.5 6.2.1 PN; portals write
 * "Family,Given" and worse) and compared part by part. Inside lib/check only.
 */
#ifndef MRI_CHECK_NAME_H
#define MRI_CHECK_NAME_H

#include "check/fold.h"
#include "check/patient.h"

#define NAME_WORDS_MAX	12	/* of one component: Portuguese names have 8 */

struct words {
	struct word v[NAME_WORDS_MAX];
	size_t n;
	bool cut;	/* there were more, or longer ones */
};

/* One group of a name (alphabetic, ideographic, phonetic: PS3.5 6.2.1.2). */
struct name {
	struct words family, given;	/* titles and particles left out */
	struct words whole_family;	/* with its particles, as it stands: "vandenberg" is "van den berg" */
	struct words particles, suffix, birth;
	bool free;	/* one string without a sign where the family name ends: all in family */
};

void name_parse(const char *s, const char *end, struct name *);
void words_add(struct words *, const struct word *);

/* Words that stand where a name is not known: Unknown, Anonymous, N.N. */
bool name_is_placeholder(const struct name *);
bool words_are_placeholder(const struct words *);
/* Baby, Sohn, Twin: a child that has no given name yet. */
bool words_of_newborn(const struct words *);

/* How two lists of words are akin, from the same to another. */
enum kin {
	KIN_SAME = 0, KIN_ACCENT, KIN_SOUND, KIN_JOINED, KIN_ORDER, KIN_PART,
	KIN_NEAR, KIN_CUT, KIN_LATER, KIN_INITIAL, KIN_SHARED, KIN_MISSING, KIN_PLACEHOLDER,
	KIN_OTHER
};
enum kin words_compare(const struct words *, const struct words *);
enum kin words_compare_newborn(const struct words *, const struct words *);
/* Words of a that have a partner of at least that likeness in b, each used once. */
size_t words_partners(const struct words *a, const struct words *b, enum likeness least);
bool words_joined_equal(const struct words *, const struct words *);

enum identity kin_verdict(enum kin);
const char *kin_phrase(enum kin);	/* "" where they are the same */

#endif
