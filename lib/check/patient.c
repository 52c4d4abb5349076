#include "check/patient.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"

const char *
identity_word(enum identity v)
{
	static const char *const words[] = { "match", "likely", "unknown", "doubtful", "mismatch" };

	return words[v];
}

static bool
given(const char *s)
{
	return s != NULL && *s != '\0';
}

static void
say(char *reason, const char *text)
{
	size_t n = strlen(reason);

	snprintf(reason + n, PATIENT_REASON_MAX - n, "%s%s", n > 0 ? "; " : "", text);
}

/* In what way do two different days differ? */
static const char *
date_differs(const char *a, const char *b)
{
	int digits = 0;

	if (strncmp(a, b, 4) == 0 && strncmp(a + 4, b + 6, 2) == 0 && strncmp(a + 6, b + 4, 2) == 0)
		return "birth date differs: day and month swapped";
	for (int i = 0; i < 8; i++)
		digits += a[i] != b[i];
	if (strcmp(a + 2, b + 2) == 0)
		return "birth date differs: the century";
	if (digits == 1)
		return "birth date differs: one digit";
	if (digits == 2)
		for (int i = 0; i < 7; i++)
			if (a[i] != b[i] && a[i] == b[i + 1] && a[i + 1] == b[i])
				return "birth date differs: two digits swapped";
	if (strcmp(a + 4, b + 4) == 0)
		return "birth date differs: the year";
	return "birth date differs";
}

static enum identity
compare_dates(const struct identity_facts *a, const struct identity_facts *b, char *reason)
{
	char x[9] = "", y[9] = "";

	if (!given(a->birth_date) || !given(b->birth_date)) {
		say(reason, "birth date missing on one side");
		return IDENTITY_UNKNOWN;
	}
	if (!time_parse_date(a->birth_date, x) || !time_parse_date(b->birth_date, y)) {
		say(reason, "a birth date is no day of the calendar");
		return IDENTITY_UNKNOWN;
	}
	if (strcmp(x, y) == 0)
		return IDENTITY_MATCH;
	say(reason, date_differs(x, y));
	return IDENTITY_MISMATCH;
}

/* The best of all names of both; another name than the first makes it likely at most. */
static enum identity
compare_names(const struct identity_facts *a, const struct identity_facts *b, char *reason)
{
	char phrase[PATIENT_REASON_MAX] = "", ignored[PATIENT_REASON_MAX] = "";
	enum identity v = name_compare(a->name, b->name, phrase);

	if (v > IDENTITY_UNKNOWN || (v == IDENTITY_UNKNOWN && (given(a->name) || given(b->name)))) {
		for (size_t i = 0; i <= a->nother_names; i++)
			for (size_t k = 0; k <= b->nother_names; k++) {
				const char *x = i == 0 ? a->name : a->other_names[i - 1];
				const char *y = k == 0 ? b->name : b->other_names[k - 1];
				if (i + k == 0 || !given(x) || !given(y) ||
				    name_compare(x, y, ignored) > IDENTITY_LIKELY)
					continue;
				say(reason, "agrees with another name, such as a birth name");
				return IDENTITY_LIKELY;
			}
	}
	if (*phrase != '\0')
		say(reason, phrase);
	return v;
}

static enum identity
compare_sex(const char *a, const char *b, char *reason)
{
	if (!given(a) || !given(b) || strcmp(a, b) == 0)
		return IDENTITY_MATCH;
	if ((strcmp(a, "M") == 0 && strcmp(b, "F") == 0) ||
	    (strcmp(a, "F") == 0 && strcmp(b, "M") == 0)) {
		say(reason, "sex differs");
		return IDENTITY_DOUBTFUL;
	}
	say(reason, "sex is given in another way");
	return IDENTITY_LIKELY;
}

/* Ids say something only where one authority gave both. */
static enum identity
compare_ids(const struct identity_facts *a, const struct identity_facts *b, char *reason)
{
	if (!given(a->id) || !given(b->id) || !given(a->issuer) || !given(b->issuer))
		return IDENTITY_MATCH;
	if (strcmp(a->issuer, b->issuer) != 0 || strcmp(a->id, b->id) == 0)
		return IDENTITY_MATCH;
	say(reason, "another id of the same issuer");
	return IDENTITY_DOUBTFUL;
}

int
patient_compare(const struct identity_facts *a, const struct identity_facts *b, enum identity *verdict,
    char reason[PATIENT_REASON_MAX])
{
	enum identity all[4];

	*reason = '\0';
	all[0] = compare_dates(a, b, reason);
	all[1] = compare_names(a, b, reason);
	all[2] = compare_sex(a->sex, b->sex, reason);
	all[3] = compare_ids(a, b, reason);
	*verdict = IDENTITY_MATCH;
	for (int i = 0; i < 4; i++)
		if (all[i] > *verdict)
			*verdict = all[i];
	if (*reason == '\0')
		text_copy(reason, PATIENT_REASON_MAX, "name and birth date agree");
	return RC_OK;
}
