/* Templates of recipes: each value is escaped for the place it stands in. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "source/recipe_text.h"

static struct recipe_vars vars;

static int
setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	return vars_set(&vars, "d", "19700102", false, &e) + vars_set(&vars, "base", "https://h.example/api/", false, &e) +
	    vars_set(&vars, "x", "a/b?c&d=\"e\"", false, &e) + vars_set(&vars, "crlf", "a\r\nX: y", false, &e) +
	    vars_set(&vars, "n", "17", false, &e) + vars_set(&vars, "z", "007", false, &e) +
	    vars_set(&vars, "answers", "[1]", true, &e);
}

static int
teardown(void **state)
{
	(void)state;
	vars_free(&vars);
	return 0;
}

/* want NULL: refused */
static void
gives(const char *text, enum recipe_place place, const char *want)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 };
	int rc = recipe_expand(text, &vars, place, &b, &err);

	assert_int_equal(rc == RC_OK, want != NULL);
	if (want != NULL)
		assert_string_equal(b.data, want);
	buf_wipe(&b);
}

static void
test_places(void **state)
{
	(void)state;
	gives("{base}/list", PLACE_URL, "https://h.example/api/list");
	gives("https://h/{x}?q={x}", PLACE_URL, "https://h/a%2Fb%3Fc%26d%3D%22e%22?q=a%2Fb%3Fc%26d%3D%22e%22");
	gives("{\"a\":{answers},\"b\":\"{x}\",\"c\":{n},\"d\":{z}}", PLACE_JSON,
	    "{\"a\":[1],\"b\":\"a/b?c&d=\\\"e\\\"\",\"c\":17,\"d\":\"007\"}");
	gives("\"{answers}\"", PLACE_JSON, "\"[1]\"");
	gives("{crlf}", PLACE_HEADER, NULL);
	gives("{ not a name } {D}", PLACE_PLAIN, "{ not a name } {D}");
}

static void
test_filters(void **state)
{
	(void)state;
	gives("{d|date:%d.%m.%Y}", PLACE_PLAIN, "02.01.1970");
	gives("{d|date:%y%%}", PLACE_PLAIN, "70%");
	gives("{base|host}", PLACE_PLAIN, "h.example");
	gives("{x|digits}{n|upper}", PLACE_PLAIN, "17");
	gives("{x|date:%Y}", PLACE_PLAIN, NULL);
	gives("{d|date:%H}", PLACE_PLAIN, NULL);
	gives("{d|nosuch}", PLACE_PLAIN, NULL);
	gives("{nosuch}", PLACE_PLAIN, NULL);
	assert_true(recipe_known("{d}{n|upper}", &vars));
	assert_false(recipe_known("{d}{nosuch}", &vars));
}

static void
test_form(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(recipe_urlencode("a b", "c&d", &b, &err), RC_OK);
	assert_int_equal(recipe_urlencode("e", "\xc3\xbc", &b, &err), RC_OK);
	assert_string_equal(b.data, "a+b=c%26d&e=%C3%BC");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_filters), cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
