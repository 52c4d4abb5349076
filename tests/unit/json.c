#include <string.h>

#include "base/json.h"
#include "test.h"

static int parse(const char *s, struct err *err)
{
	json_t *j = NULL;
	int rc = json_parse(s, strlen(s), &j, err);

	json_decref(j);
	return rc;
}

static void refused(void **state)
{
	(void)state;
	struct err err;
	char deep[300];

	assert_int_equal(parse("{\"a\":[1,2,{\"b\":\"\\u00fc\"}]}", &err), RC_OK);
	assert_int_equal(parse("{\"a\":1,\"a\":2}", &err), RC_FAILED);
	assert_non_null(strstr(err.text, "stands twice"));
	assert_int_equal(parse("{\"secret-text\":nope}", &err), RC_FAILED);
	assert_null(strstr(err.text, "secret"));
	assert_int_equal(parse("{} {}", &err), RC_FAILED);
	assert_int_equal(parse("{\"a\":\"\xff\"}", &err), RC_FAILED);
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	deep[200] = '\0';
	assert_int_equal(parse(deep, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "deeper"));
	assert_int_equal(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &err),
	    RC_FAILED);	/* a bare string is no document of ours, but brackets in it are no depth */
	assert_null(strstr(err.text, "deeper"));
}

static void members(void **state)
{
	(void)state;
	struct err err;
	json_t *j = NULL;
	const char *s = NULL, *known[] = { "name", "n", "yes" };
	long long n = 0;
	bool yes = false;
	const char *text = "{\"name\":\"x\",\"n\":7,\"yes\":true,\"nme\":null}";

	assert_int_equal(json_parse(text, strlen(text), &j, &err), RC_OK);
	assert_int_equal(json_get_str(j, "order", "name", &s, &err), RC_OK);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_str(j, "order", "absent", &s, &err), RC_OK);
	assert_null(s);
	assert_int_equal(json_get_str(j, "order", "n", &s, &err), RC_FAILED);
	assert_string_equal(err.text, "order: \"n\" must be a string");
	assert_int_equal(json_get_int(j, "order", "n", -1, &n, &err), RC_OK);
	assert_int_equal(n, 7);
	assert_int_equal(json_get_int(j, "order", "absent", -1, &n, &err), RC_OK);
	assert_int_equal(n, -1);
	assert_int_equal(json_get_bool(j, "order", "yes", false, &yes, &err), RC_OK);
	assert_true(yes);
	assert_int_equal(json_known_keys(j, "order", known, 3, &err), RC_FAILED);
	assert_string_equal(err.text, "order: unknown key \"nme\"");
	assert_string_equal(err.advice, "did you mean \"name\"?");
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refused), cmocka_unit_test(members) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
