/* Each secret in each spelling, and nothing else. */
#include <stdio.h>
#include <string.h>
#include "http/redact.h"
#include "test.h"

static const char *
of(const struct redact *r, const char *text, struct buf *b)
{
	struct err err = { 0 };

	buf_clear(b);
	assert_int_equal(redact_buf(r, text, strlen(text), b, &err), RC_OK);
	return b->data;
}

static void
test_spellings(void **state)
{
	static const char *const spelled[] = {
		"a\xc3\xa4 b\"/c~", "a%C3%A4%20b%22%2Fc~", "a%c3%a4%20b%22%2fc~", "a%C3%A4+b%22%2Fc%7E",
		"%61%C3%A4%20%62%22%2F%63%7E", "a\xc3\xa4 b\\\"/c~", "a\xc3\xa4 b\\\"\\/c~", "a\\u00e4 b\\\"/c~",
	};
	static const char *const coded[] = { "YcOkIGIiL2N+", "YcOkIGIiL2N-" };
	struct redact r = { NULL, 0 };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };
	char text[128];
	size_t i = 0;

	(void)state;
	assert_int_equal(redact_add_as(&r, "code", "a\xc3\xa4 b\"/c~", &err), RC_OK);
	for (i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		snprintf(text, sizeof(text), "<%s>", spelled[i]);
		assert_string_equal(of(&r, text, &b), "<[code#1]>");
		assert_true(redact_found(&r, text, strlen(text)));
	}
	for (i = 0; i < 2; i++)
		assert_string_equal(of(&r, coded[i], &b), "[code#1]");
	assert_string_equal(of(&r, "eGHDpCBiIi9jfg==", &b), "eG[code#1]g==");	/* one byte before it */
	assert_string_equal(of(&r, "eHlhw6QgYiIvY34=", &b), "eHl[code#1]4=");	/* two */
	assert_string_equal(of(&r, "nothing of it", &b), "nothing of it");
	assert_false(redact_found(&r, "nothing of it", 13));
	buf_free(&b);
	redact_free(&r);
}

static void
test_dates(void **state)
{
	static const char *const given[] = { "19700131", "1970-01-31", "31.01.1970", "1970/01/31" };
	struct redact r = { NULL, 0 };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };
	size_t i = 0, k = 0;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(redact_add_as(&r, "birth", given[i], &err), RC_OK);
		assert_int_equal(r.n, 1);
		for (k = 0; k < 4; k++)
			assert_string_equal(of(&r, given[k], &b), "[birth#1]");
		assert_string_equal(of(&r, "31%2E01%2E1970 1970%2F01%2F31", &b), "31%2E01%2E1970 [birth#1]");
		assert_string_equal(of(&r, "MTk3MC0wMS0zMQ==", &b), "[birth#1]Q==");
		redact_free(&r);
	}
	buf_free(&b);
}

static void
test_tags(void **state)
{
	struct redact r = { NULL, 0 };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(redact_add_as(&r, "token", "token-one", &err), RC_OK);
	assert_int_equal(redact_add_as(&r, "token", "token-one-and-more", &err), RC_OK);
	assert_int_equal(redact_add_as(&r, "code", "token-one", &err), RC_OK);
	assert_int_equal(redact_add_as(&r, "code", "abc", &err), RC_OK);
	assert_int_equal(redact_add(&r, NULL, &err), RC_OK);
	assert_int_equal(r.n, 2);
	/* the longest that stands there, and the first tag stays */
	assert_string_equal(of(&r, "token-one token-one-and-more abc", &b), "[token#1] [token#2] abc");
	buf_free(&b);
	redact_free(&r);
}

static void
test_known(void **state)
{
	static const struct { const char *text; bool is; } v[] = { { "id 4711.", true }, { "4711", true }, { "a4711", false },
		{ "47110", false }, { "4711\xc3\xa4", false }, { "xKanarienvogelx", true }, { "S2FuYXJpZW52b2dlbA==", true },
		{ "nothing", false }, { "", false } };
	struct redact r = { NULL, 0 };
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	assert_int_equal(redact_add(&r, "4711", &err), RC_OK);
	assert_int_equal(redact_add(&r, "Kanarienvogel", &err), RC_OK);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (redact_known(&r, v[i].text, strlen(v[i].text)) != v[i].is)
			fail_msg("%s", v[i].text);
	assert_string_equal(redact_raw(&r, 1), "Kanarienvogel");
	redact_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings), cmocka_unit_test(test_dates), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
