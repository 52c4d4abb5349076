#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/pattern.h"
#include "base/text.h"
#include "source/recipe_regex.h"

/* "(?<name>" becomes "("; the groups are counted on the way. */
static int
translate(const char *p, struct recipe_regex *r, char out[PATTERN_MAX], struct err *err)
{
	const char *end = NULL;
	size_t n = 0, name = 0;

	if (strlen(p) >= PATTERN_MAX)
		return err_set(err, ERR_CONFIG, "a pattern of more than %d bytes", PATTERN_MAX - 1);
	for (; *p != '\0'; p++) {
		out[n++] = *p;
		if (*p == '[') {
			for (end = pattern_bracket_end(p); p < end; )
				out[n++] = *++p;
		} else if (*p == '\\') {
			if (p[1] == '\0' || isalnum((unsigned char)p[1]))
				return err_set(err, ERR_CONFIG, "\"\\%c\" is nothing in a pattern (POSIX extended); "
				    "[0-9] is a digit, [^ ] no blank", p[1] == '\0' ? ' ' : p[1]);
			out[n++] = *++p;
		} else if (*p == '(') {
			if (++r->ngroups > REGEX_GROUPS_MAX)
				return err_set(err, ERR_CONFIG, "a pattern with more than %d groups", REGEX_GROUPS_MAX);
			if (p[1] != '?')
				continue;
			name = p[2] == '<' ? strcspn(p + 3, ">") : 0;
			if (name == 0 || p[3 + name] != '>' ||
			    !text_copyn(r->names[r->ngroups], RECIPE_NAME_MAX, p + 3, name))
				return err_set(err, ERR_CONFIG, "\"(?\" begins a named group, as (?<code>[0-9]+), and nothing else");
			p += 3 + name;
		}
	}
	out[n] = '\0';
	return RC_OK;
}

int
recipe_regex_open(const char *pattern, struct recipe_regex **out, struct err *err)
{
	struct recipe_regex *r = calloc(1, sizeof(*r));
	char plain[PATTERN_MAX], why[128];
	int rc = RC_OK, code = 0;

	*out = NULL;
	if (r == NULL)
		return err_sys(err, ENOMEM, "cannot compile a pattern");
	if ((rc = translate(pattern, r, plain, err)) == RC_OK && (rc = pattern_weigh(plain, err)) == RC_OK &&
	    (code = regcomp(&r->re, plain, REG_EXTENDED)) != 0) {
		regerror(code, &r->re, why, sizeof(why));
		rc = err_set(err, ERR_CONFIG, "a pattern that does not compile: %s", why);
	}
	if (rc != RC_OK)
		free(r);
	else
		*out = r;
	return rc;
}

void
recipe_regex_free(struct recipe_regex *r)
{
	if (r == NULL)
		return;
	regfree(&r->re);
	free(r);
}

bool
recipe_regex_match(const struct recipe_regex *r, const char *text, regmatch_t at[REGEX_GROUPS_MAX + 1])
{
	return regexec(&r->re, text, REGEX_GROUPS_MAX + 1, at, 0) == 0;
}

int
recipe_regex_take(const char *pattern, const char *text, char **out, struct err *err)
{
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *r = NULL;
	int g = 0, rc = recipe_regex_open(pattern, &r, err);

	*out = NULL;
	if (rc == RC_OK && recipe_regex_match(r, text, at)) {
		g = r->ngroups > 0 && at[1].rm_so >= 0 ? 1 : 0;
		if ((*out = strndup(text + at[g].rm_so, (size_t)(at[g].rm_eo - at[g].rm_so))) == NULL)
			rc = err_sys(err, ENOMEM, "cannot keep a value");
	}
	recipe_regex_free(r);
	return rc;
}
