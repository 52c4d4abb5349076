#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe_regex.h"

#define PATTERN_MAX	1024
#define WEIGHT_MAX	4096	/* places of the automaton that regcomp builds; some hundred bytes each */

/* The "]" of the "[" at p (XBD 9.3.5), or the last character where there is none: regcomp says so. */
static const char *
bracket_end(const char *p)
{
	const char *class = NULL;

	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	for (; *p != '\0' && *p != ']'; p++)
		if (*p == '[' && p[1] != '\0' && strchr(":.=", p[1]) != NULL &&
		    (class = strchr(p + 2, ']')) != NULL && class[-1] == p[1])
			p = class;
	return *p != '\0' ? p : p - 1;
}

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
			for (end = bracket_end(p); p < end; )
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

/* How often regcomp writes down what stands before the repetition at p; 0: there is none. *end: its last character. */
static unsigned long
copies(const char *p, const char **end)
{
	unsigned long least = 0, most = 0;
	char *after = NULL;

	*end = p;
	if (*p != '{')
		return *p == '+' ? 2 : *p == '*' || *p == '?' ? 1 : 0;
	most = least = strtoul(p + 1, &after, 10);
	if (*after == ',')
		most = after[1] == '}' ? least + 1 : strtoul(after + 1, &after, 10);
	*end = strchr(p, '}') != NULL ? strchr(p, '}') : p + strlen(p) - 1;
	most = least > most ? least : most;
	return most < 1 ? 1 : most > WEIGHT_MAX ? WEIGHT_MAX + 1 : most;
}

/* regcomp writes out what is repeated, so "((a{255}){255}){255}" and "a++++++++" would take all memory. */
static int
weigh(const char *p, struct err *err)
{
	unsigned long sum[REGEX_GROUPS_MAX + 1] = { 0 }, last = 0, n = 0;
	bool repeated = false;
	size_t depth = 0;

	for (; *p != '\0'; p++) {
		if ((n = copies(p, &p)) > 0) {
			if (repeated)
				return err_set(err, ERR_CONFIG, "a pattern that repeats a repetition");
			sum[depth] += last * (n - 1);
			last *= n;
		} else if (*p == '(' && depth < REGEX_GROUPS_MAX) {
			sum[++depth] = last = 0;
		} else if (*p == ')' && depth > 0) {
			last = sum[depth--];
			sum[depth] += last;
		} else {
			p = *p == '[' ? bracket_end(p) : *p == '\\' ? p + 1 : p;
			last = 1;
			sum[depth]++;
		}
		repeated = n > 0;
		if (sum[depth] > WEIGHT_MAX)
			return err_set(err, ERR_CONFIG, "a pattern that repeats too much: more than %d places", WEIGHT_MAX);
	}
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
	if ((rc = translate(pattern, r, plain, err)) == RC_OK && (rc = weigh(plain, err)) == RC_OK &&
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
