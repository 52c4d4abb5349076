/*
 * Names of members, into UTF-8. A ZIP archive says at most whether a name is
 * UTF-8; which code page it is else in, whoever reads it has to know
 * (APPNOTE 4.4.4 and annex D).
 *
 *	names_load(&err);				before the jail: iconv finds its tables by path
 *	n = names_utf8(NAMES_CP932, name, len, to, cap);
 *
 * What comes out is a label and still hostile: escape it before it is shown.
 */
#ifndef MRI_MEDIA_NAMES_H
#define MRI_MEDIA_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

enum names {
	NAMES_AUTO = 0,	/* what the archive says, and where it says nothing its format's rule */
	NAMES_UTF8,
	NAMES_LATIN1,	/* gzip's (RFC 1952 2.3.1); nobody chooses it */
	NAMES_CP437, NAMES_CP850, NAMES_CP866, NAMES_CP932
};

#define NAMES_WORDS	"cp437, cp850, cp866, cp932, utf-8"

/* "cp850", case does not count; false for what is none of NAMES_WORDS. */
bool names_known(const char *, enum names *);
/* Once, before the jail; idempotent. What was not loaded stays as it is. */
int names_load(struct err *);
/* At most cap bytes, not terminated; returns how many. A byte that is no character of the code page stays as it is,
 * as does all of NAMES_UTF8 and NAMES_AUTO. What does not fit is left off. */
size_t names_utf8(enum names, const char *, size_t, char *to, size_t cap);

#endif
