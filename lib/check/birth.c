#include "check/birth.h"

#include <stdbool.h>
#include <string.h>

#include "base/time.h"

/* What systems store that know no date. Nobody who was born then is a patient. */
static const char *const placeholders[] = { "00010101", "11111111", "18000101", "19000101", "99991231" };

/* Digits at s, at most n; returns how many. */
static size_t
digits(const char *s, size_t n, char *out)
{
	size_t i = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9') {
		out[i] = s[i];
		i++;
	}
	out[i] = '\0';
	return i;
}

/* D.M.YYYY, DIN 5008. */
static bool
day_first(const char *s, char out[9])
{
	char d[3], m[3], y[5];
	size_t n = digits(s, 2, d), k = 0;

	if (n == 0 || s[n] != '.')
		return false;
	s += n + 1;
	k = digits(s, 2, m);
	if (k == 0 || s[k] != '.' || digits(s + k + 1, 4, y) != 4 || s[k + 5] != '\0')
		return false;
	memcpy(out, y, 4);
	out[4] = k == 1 ? '0' : m[0];
	out[5] = m[k - 1];
	out[6] = n == 1 ? '0' : d[0];
	out[7] = d[n - 1];
	out[8] = '\0';
	return true;
}

/* YYYY, YYYYMM, YYYYMMDD, with - or . between; "00" for what is left out. */
static bool
year_first(const char *s, char out[9])
{
	char part[5];
	char sep = '\0';

	memcpy(out, "00000000", 9);
	if (digits(s, 4, part) != 4)
		return false;
	memcpy(out, part, 4);
	s += 4;
	if (*s == '-' || *s == '.')
		sep = *s;
	for (int i = 4; i < 8 && *s != '\0'; i += 2) {
		if (sep != '\0' && *s++ != sep)
			return false;
		if (digits(s, 2, part) != 2)
			return false;
		memcpy(out + i, part, 2);
		s += 2;
	}
	return *s == '\0';
}

enum birth_kind
birth_parse(const char *s, char out[9])
{
	char plain[32], whole[9];
	size_t n = 0;

	*out = '\0';
	while (s != NULL && *s == ' ')
		s++;
	if (s == NULL || *s == '\0')
		return BIRTH_MISSING;
	n = strlen(s);
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n >= sizeof plain)
		return BIRTH_UNREADABLE;
	memcpy(plain, s, n);
	plain[n] = '\0';
	if (!year_first(plain, out) && !day_first(plain, out))
		return BIRTH_UNREADABLE;
	for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
		if (strcmp(out, placeholders[i]) == 0)
			return BIRTH_PLACEHOLDER;
	if (time_parse_date(out, whole))
		return BIRTH_DAY;
	memcpy(whole, out, sizeof whole);
	if (memcmp(whole + 6, "00", 2) != 0)
		return BIRTH_UNREADABLE;
	whole[7] = '1';
	if (memcmp(whole + 4, "00", 2) == 0)
		whole[5] = '1';
	return time_parse_date(whole, whole) ? BIRTH_PART : BIRTH_UNREADABLE;
}

/* In what way do two different days differ? */
static const char *
difference(const char *a, const char *b)
{
	int digits_differ = 0;

	if (strncmp(a, b, 4) == 0 && strncmp(a + 4, b + 6, 2) == 0 && strncmp(a + 6, b + 4, 2) == 0)
		return "birth date differs: day and month swapped";
	for (int i = 0; i < 8; i++)
		digits_differ += a[i] != b[i];
	if (strcmp(a + 2, b + 2) == 0)
		return "birth date differs: the century";
	if (digits_differ == 1)
		return "birth date differs: one digit";
	if (digits_differ == 2)
		for (int i = 0; i < 7; i++)
			if (a[i] != b[i] && a[i] == b[i + 1] && a[i + 1] == b[i])
				return "birth date differs: two digits swapped";
	if (strcmp(a + 4, b + 4) == 0)
		return "birth date differs: the year";
	return "birth date differs";
}

/* One of them is known in part: does what is known agree? */
static bool
parts_agree(const char *a, const char *b)
{
	for (int i = 4; i < 8; i += 2)
		if (memcmp(a + i, "00", 2) == 0 || memcmp(b + i, "00", 2) == 0)
			return strncmp(a, b, (size_t)i) == 0;
	return strcmp(a, b) == 0;
}

enum identity
birth_compare(const char *a, const char *b, const char **phrase)
{
	char x[9], y[9];
	enum birth_kind k = birth_parse(a, x), l = birth_parse(b, y), less = k < l ? k : l;

	*phrase = "";
	switch (less) {
	case BIRTH_MISSING:
		*phrase = "birth date missing on one side";
		return IDENTITY_UNKNOWN;
	case BIRTH_UNREADABLE:
		*phrase = "a birth date is no day of the calendar";
		return IDENTITY_UNKNOWN;
	case BIRTH_PLACEHOLDER:
		*phrase = "a placeholder stands for the birth date";
		return IDENTITY_UNKNOWN;
	case BIRTH_PART:
		if (parts_agree(x, y)) {
			*phrase = "a birth date is only partly known";
			return IDENTITY_UNKNOWN;
		}
		*phrase = "birth date differs";
		return IDENTITY_MISMATCH;
	case BIRTH_DAY:
		break;
	}
	if (strcmp(x, y) == 0)
		return IDENTITY_MATCH;
	*phrase = difference(x, y);
	return IDENTITY_MISMATCH;
}
