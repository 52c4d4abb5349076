/*
 * Are these two records of a person the same person's? (50-reconcile)
 *
 * Birth dates must agree to the day; what differs is named, never forgiven.
 * Names are compared component by component, through comma and caret form,
 * case, umlauts, hyphens, titles, particles, swapped components, transliteration,
 * and the ideographic and phonetic groups. Likeness of spelling alone never
 * clears: it makes a mismatch a doubt, and both hold the item. What each pair
 * is to give, and why, stands in tests/unit/patient_pairs.tsv.
 *
 * The reason says which component differs and how. It quotes no value.
 */
#ifndef MRI_CHECK_PATIENT_H
#define MRI_CHECK_PATIENT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum identity {
	IDENTITY_MATCH = 0,	/* birth date agrees, name agrees */
	IDENTITY_LIKELY,	/* birth date agrees, the name in another form: a warning */
	IDENTITY_UNKNOWN,	/* birth date or name is missing on a side */
	IDENTITY_DOUBTFUL,	/* nothing that a person would not have to look at */
	IDENTITY_MISMATCH	/* another birth date, or another name */
};

struct identity_id { const char *id, *issuer; };

/* UTF-8; NULL or "" where unknown. */
struct identity_facts {
	const char *name;	/* PN with carets, "Family, Given", or free */
	const char *birth_date;	/* as birth.h reads it */
	const char *sex;	/* M F O, or a word for them */
	const char *id, *issuer;	/* ids are compared as ids.h says */
	const char *const *other_names;	/* birth name, former names */
	size_t nother_names;
	const struct identity_id *other_ids;	/* issuer "" where nobody says it */
	size_t nother_ids;
	bool no_name, no_birth_date;	/* this source never says it: not compared */
};

#define PATIENT_REASON_MAX	256

/* a is the order's side, b the other. Always RC_OK; reason is a phrase such as
 * "birth date differs: day and month swapped". */
int patient_compare(const struct identity_facts *a, const struct identity_facts *b, enum identity *verdict,
    char reason[PATIENT_REASON_MAX]);

const char *identity_word(enum identity);	/* "match", "likely" … */

/* Names alone: IDENTITY_UNKNOWN where one is empty. */
enum identity name_compare(const char *a, const char *b, char reason[PATIENT_REASON_MAX]);

#ifdef __cplusplus
}
#endif
#endif
