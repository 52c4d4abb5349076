#include "check/patient.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"
#include "check/birth.h"
#include "check/ids.h"

const char *
identity_word(enum identity v)
{
	static const char *const words[] = { "match", "likely", "unknown", "doubtful", "mismatch" };

	return words[v];
}

static void
say(char *reason, const char *text)
{
	size_t n = strlen(reason);

	if (*text != '\0')
		snprintf(reason + n, PATIENT_REASON_MAX - n, "%s%s", n > 0 ? "; " : "", text);
}

/* The best of all names of both; another name than the first makes it likely at most. */
static enum identity
compare_names(const struct identity_facts *a, const struct identity_facts *b, char *reason)
{
	char phrase[PATIENT_REASON_MAX] = "", ignored[PATIENT_REASON_MAX] = "";
	enum identity v = name_compare(a->name, b->name, phrase);

	if (v > IDENTITY_UNKNOWN || (v == IDENTITY_UNKNOWN && (text_given(a->name) || text_given(b->name)))) {
		for (size_t i = 0; i <= a->nother_names; i++)
			for (size_t k = 0; k <= b->nother_names; k++) {
				const char *x = i == 0 ? a->name : a->other_names[i - 1];
				const char *y = k == 0 ? b->name : b->other_names[k - 1];
				if (i + k == 0 || !text_given(x) || !text_given(y) ||
				    name_compare(x, y, ignored) > IDENTITY_LIKELY)
					continue;
				say(reason, "agrees with another name, such as a birth name");
				return IDENTITY_LIKELY;
			}
	}
	say(reason, phrase);
	return v;
}

/* One letter for the words in use: DICOM's M F O, HL7's U, FHIR's words, German W and D, ICAO's X. */
static char
sex_of(const char *s)
{
	static const struct {
		const char *word;
		char sex;
	} words[] = { { "M", 'M' }, { "F", 'F' }, { "O", 'O' }, { "W", 'F' }, { "D", 'O' }, { "X", 'O' },
		{ "male", 'M' }, { "female", 'F' }, { "other", 'O' }, { "U", '\0' }, { "unknown", '\0' } };

	if (!text_given(s))
		return '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(s, words[i].word) == 0)
			return words[i].sex;
	return 'O';
}

static enum identity
compare_sex(const char *a, const char *b, char *reason)
{
	char x = sex_of(a), y = sex_of(b);

	if (x == '\0' || y == '\0' || x == y)
		return IDENTITY_MATCH;
	if (x != 'O' && y != 'O') {
		say(reason, "sex differs");
		return IDENTITY_DOUBTFUL;
	}
	say(reason, "sex is given in another way");
	return IDENTITY_LIKELY;
}

int
patient_compare(const struct identity_facts *a, const struct identity_facts *b, enum identity *verdict,
    char reason[PATIENT_REASON_MAX])
{
	enum identity all[4] = { IDENTITY_MATCH, IDENTITY_MATCH, IDENTITY_MATCH, IDENTITY_MATCH };
	const char *phrase = "";

	*reason = '\0';
	if (!a->no_birth_date && !b->no_birth_date)
		all[0] = birth_compare(a->birth_date, b->birth_date, &phrase);
	say(reason, phrase);
	if (!a->no_name && !b->no_name)
		all[1] = compare_names(a, b, reason);
	all[2] = compare_sex(a->sex, b->sex, reason);
	all[3] = ids_compare(a, b, &phrase);
	say(reason, phrase);
	*verdict = IDENTITY_MATCH;
	for (int i = 0; i < 4; i++)
		if (all[i] > *verdict)
			*verdict = all[i];
	if (*reason == '\0')
		text_copy(reason, PATIENT_REASON_MAX, "name and birth date agree");
	return RC_OK;
}
