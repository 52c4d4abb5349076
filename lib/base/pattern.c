#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "base/pattern.h"
#include "base/text.h"

#define WEIGHT_MAX	4096	/* places of the automaton that regcomp builds; some hundred bytes each */

struct pattern { regex_t re; };

static locale_t utf8;

int pattern_prepare(struct err *err)
{
	if (utf8 == (locale_t)0)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 != (locale_t)0)
		return RC_OK;
	err_set(err, ERR_CONFIG, "the locale C.UTF-8 is missing, which patterns need");
	err_advise(err, "it comes with the package libc-bin");
	return err_rc(err->kind);
}

const char *pattern_bracket_end(const char *p)
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

/* How often regcomp writes down what stands before the repetition at p; 0: there is none. *end: its last character. */
static unsigned long copies(const char *p, const char **end)
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
int pattern_weigh(const char *p, struct err *err)
{
	unsigned long sum[PATTERN_GROUPS_MAX + 1] = { 0 }, last = 0, n = 0;
	bool repeated = false;
	size_t depth = 0;

	for (; *p != '\0'; p++) {
		if ((n = copies(p, &p)) > 0) {
			if (repeated)
				return err_set(err, ERR_CONFIG, "a pattern that repeats a repetition");
			sum[depth] += last * (n - 1);
			last *= n;
		} else if (*p == '(' && depth < PATTERN_GROUPS_MAX) {
			sum[++depth] = last = 0;
		} else if (*p == ')' && depth > 0) {
			last = sum[depth--];
			sum[depth] += last;
		} else {
			p = *p == '[' ? pattern_bracket_end(p) : *p == '\\' ? p + 1 : p;
			last = 1;
			sum[depth]++;
		}
		repeated = n > 0;
		if (sum[depth] > WEIGHT_MAX)
			return err_set(err, ERR_CONFIG, "a pattern that repeats too much: more than %d places", WEIGHT_MAX);
	}
	return RC_OK;
}

/* What regcomp() would take and nobody means, or would mean more than POSIX does: \d, \w, back references. */
static int plain(const char *p, struct err *err)
{
	size_t groups = 0;

	if (*p == '\0')
		return err_set(err, ERR_CONFIG, "an empty pattern");
	if (strlen(p) >= PATTERN_MAX)
		return err_set(err, ERR_CONFIG, "a pattern of more than %d bytes", PATTERN_MAX - 1);
	if (!text_utf8_valid(p, strlen(p)))
		return err_set(err, ERR_CONFIG, "a pattern that is not UTF-8");
	for (; *p != '\0'; p++) {
		if (*p == '[') {
			p = pattern_bracket_end(p);
		} else if (*p == '\\') {
			p++;
			if (*p == '\0')
				return err_set(err, ERR_CONFIG, "a pattern that ends in a backslash");
			if (!ispunct((unsigned char)*p) || strchr("<>`'", *p) != NULL)
				return err_set(err, ERR_CONFIG, "a backslash before something that is no sign of a pattern; "
				    "[0-9] is a digit, [^ ] no blank, and back references are not taken");
		} else if (*p == '(' && ++groups > PATTERN_GROUPS_MAX) {
			return err_set(err, ERR_CONFIG, "a pattern with more than %d groups", PATTERN_GROUPS_MAX);
		}
	}
	return RC_OK;
}

int pattern_open(struct pattern **out, const char *text, bool ignore_case, struct err *err)
{
	struct pattern *p = NULL;
	char why[128];
	locale_t before;
	int code = 0, rc = pattern_prepare(err);

	*out = NULL;
	if (rc == RC_OK)
		rc = plain(text, err);
	if (rc == RC_OK)
		rc = pattern_weigh(text, err);
	if (rc != RC_OK)
		return rc;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(err, ERR_TEMP, "no memory for a pattern");
	before = uselocale(utf8);
	code = regcomp(&p->re, text, REG_EXTENDED | (ignore_case ? REG_ICASE : 0));
	uselocale(before);
	if (code != 0) {
		regerror(code, &p->re, why, sizeof why);
		free(p);
		return err_set(err, ERR_CONFIG, "a pattern that does not compile: %s", why);
	}
	*out = p;
	return RC_OK;
}

void pattern_close(struct pattern *p)
{
	if (p == NULL)
		return;
	regfree(&p->re);
	free(p);
}

size_t pattern_groups(const struct pattern *p)
{
	return p->re.re_nsub;
}

int pattern_match(const struct pattern *p, const char *text, bool begun, regmatch_t at[PATTERN_GROUPS_MAX + 1],
    bool *found, struct err *err)
{
	locale_t before;
	int code = 0;

	*found = false;
	if (strlen(text) > PATTERN_TEXT_MAX)
		return err_set(err, ERR_DATA, "is longer than the %zu bytes that a pattern searches", PATTERN_TEXT_MAX);
	before = uselocale(utf8);
	code = regexec(&p->re, text, PATTERN_GROUPS_MAX + 1, at, begun ? REG_NOTBOL : 0);
	uselocale(before);
	if (code != 0 && code != REG_NOMATCH)
		return err_set(err, ERR_DATA, "needs more memory than a pattern may take");
	*found = code == 0;
	return RC_OK;
}
