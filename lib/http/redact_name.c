/* A patient's name among what is redacted: "Müller^Jörg", "Müller,Jörg", the whole and its parts, in each case. */
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/redact.h"

#define PART_MAX	128	/* bytes of one part of a name */

/* ASCII only: case changes in other letters are rare in one record, and the name as it is stands beside. */
static void
recase(char *s, bool upper, bool first)
{
	for (; *s != '\0'; s++, first = false)
		if ((upper || first) && *s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
		else if (!upper && !first && *s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static int
add_cases(struct redact *r, const char *kind, const char *text, struct err *err)
{
	char *s = text_dup(text, err);
	int rc = s == NULL ? err_rc(err->kind) : redact_add_as(r, kind, s, err);

	if (rc == RC_OK) {
		recase(s, true, false);
		rc = redact_add_as(r, kind, s, err);
	}
	if (rc == RC_OK) {
		recase(s, false, false);
		rc = redact_add_as(r, kind, s, err);
	}
	if (rc == RC_OK) {
		recase(s, false, true);
		rc = redact_add_as(r, kind, s, err);
	}
	hash_wipe_text(&s);
	return rc;
}

int
redact_add_name(struct redact *r, const char *kind, const char *name, struct err *err)
{
	static const char between[] = "^,= \t";
	char part[PART_MAX];
	size_t n = 0;
	int rc = add_cases(r, kind, name, err);

	for (; *name != '\0' && rc == RC_OK; name += n) {
		name += strspn(name, between);
		n = strcspn(name, between);
		text_copyn(part, sizeof(part), name, n);
		rc = add_cases(r, kind, part, err);
	}
	hash_wipe(part, sizeof(part));
	return rc;
}
