/* Birth dates as portals, objects and letters write them, and in what way two differ. */
#ifndef MRI_CHECK_BIRTH_H
#define MRI_CHECK_BIRTH_H

#include "check/patient.h"

enum birth_kind {
	BIRTH_MISSING,
	BIRTH_UNREADABLE,	/* no day of the calendar, or not in a form that is plain */
	BIRTH_PLACEHOLDER,	/* 19000101 and the like */
	BIRTH_PART,		/* only the year, or year and month; zeros for what is not known */
	BIRTH_DAY
};

/* YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD, D.M.YYYY, and parts of these. D/M/YYYY is unreadable:
 * nobody knows whether the day comes first. out: YYYYMMDD. */
enum birth_kind birth_parse(const char *, char out[9]);

/* *phrase: "" where they agree. */
enum identity birth_compare(const char *a, const char *b, const char **phrase);

#endif
