/* Patterns of recipes: named groups, what POSIX has not, and none that takes all memory to compile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "source/recipe_regex.h"

static void
takes(const char *pattern, const char *text, const char *want)
{
	struct err err = { 0 };
	char *out = NULL;

	if (recipe_regex_take(pattern, text, &out, &err) != RC_OK)
		fail_msg("%s: %s", pattern, err.text);
	if ((want == NULL) != (out == NULL) || (want != NULL && strcmp(want, out) != 0))
		fail_msg("%s takes '%s' of '%s'", pattern, out != NULL ? out : "nothing", text);
	free(out);
}

static void
refused(const char *pattern, const char *say)
{
	struct recipe_regex *re = NULL;
	struct err err = { 0 };

	assert_int_not_equal(recipe_regex_open(pattern, &re, &err), RC_OK);
	assert_null(re);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strstr(err.text, say) == NULL)
		fail_msg("%s: '%s' does not say '%s'", pattern, err.text, say);
}

static void
test_take(void **state)
{
	(void)state;
	takes("noch ([0-9]+) Versuche?", "Falsch, noch 3 Versuche", "3");
	takes("[?&]s=([0-9a-f]+)", "https://x/?a=1&s=0af", "0af");
	takes("abc", "xabcx", "abc");		/* no group: the whole */
	takes("a(x)?b", "ab", "ab");		/* it took no part */
	takes("^b", "ab", NULL);
	takes("[]x(]+([0-9])", "(]5", "5");	/* a bracket that begins with its end */
	takes("[[:digit:](]+([a-z])", "(12b", "b");
	takes("[[](.)", "[q", "q");
	takes("[\\(]([0-9])", "(4", "4");	/* in brackets a backslash is itself */
}

static void
test_names(void **state)
{
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *re = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(recipe_regex_open("^https://x/(c/)?(?<code>[A-Z0-9]{12})(/(?<lang>de|en))?$", &re, &err), RC_OK);
	assert_int_equal(re->ngroups, 4);
	assert_string_equal(re->names[1], "");
	assert_string_equal(re->names[2], "code");
	assert_string_equal(re->names[4], "lang");
	assert_true(recipe_regex_match(re, "https://x/ABCDEFGH1234", at));
	assert_int_equal(at[1].rm_so, -1);
	assert_int_equal(at[2].rm_eo - at[2].rm_so, 12);
	assert_int_equal(at[4].rm_so, -1);
	recipe_regex_free(re);
	recipe_regex_free(NULL);
}

static void
test_refused(void **state)
{
	char wide[2000];

	(void)state;
	refused("a\\d", "\\d");
	refused("a\\", "POSIX");
	refused("(?!x)a", "named group");
	refused("(?<na", "named group");
	refused("[a-", "compile");
	refused("(a", "compile");
	refused("(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)", "groups");
	memset(wide, 'a', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	refused(wide, "bytes");
	refused("a++++++++++++++++++++++++++++++", "repeats a repetition");
	refused("a{2}{3}", "repeats a repetition");
	refused("(a{200}){200}", "too much");
	refused("(((a{255}){255}){255}){255}", "too much");
	refused("(((((((((a+)+)+){99})+)+)+)+){9})", "too much");
	refused("[0-9]{99999999999999999999}", "too much");
	refused("(a{4000}b{4000})", "too much");
}

static void
test_heavy_but_taken(void **state)
{
	(void)state;
	takes("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "0af51234-1234-1234-1234-0123456789ab", "-1234");
	takes("^([^ ]{1,500}) x$", "abc x", "abc");
	takes("((a+)+)+b", "aaab", "aaa");
	takes("x{0}y", "y", "y");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_heavy_but_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
