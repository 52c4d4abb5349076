#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "test.h"

static void worst_first(void **state)
{
	(void)state;
	static const int order[] = { 70, 78, 77, 74, 73, 66, 65, 64, 1, 76, 69, 75, 0 };
	static const enum err_kind kinds[] = { ERR_INTERNAL, ERR_CONFIG, ERR_DENIED, ERR_IO, ERR_CANTCREAT, ERR_NOINPUT,
		ERR_DATA, ERR_USAGE, ERR_PERSON, ERR_PROTOCOL, ERR_REFUSED, ERR_TEMP, ERR_NONE };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_int_equal(err_status(kinds[i]), order[i]);
		for (size_t j = 0; j < sizeof(order) / sizeof(order[0]); j++)
			assert_int_equal(err_worse(kinds[i], kinds[j]), kinds[i < j ? i : j]);
	}
}

static void system_errors(void **state)
{
	(void)state;
	struct err err = { 0 };

	assert_int_equal(err_sys(&err, ENOSPC, "cannot write %s", "x"), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_string_equal(err.text, "cannot write x: No space left on device");
	assert_true(err.advice[0]);
	assert_int_equal(err_sys(&err, ENOENT, "x"), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_int_equal(err_kind_of(EIO), ERR_IO);
	assert_int_equal(err_kind_of(EACCES), ERR_DENIED);
	assert_int_equal(err_wrap(&err, "package %d", 3), RC_FAILED);
	assert_true(strncmp(err.text, "package 3: x: ", 14) == 0);
}

static void long_sentences_are_cut(void **state)
{
	(void)state;
	struct err err = { 0 };
	char text[2 * ERR_TEXT_MAX];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_DATA, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	err_wrap(&err, "p");
	assert_string_equal(err.text + ERR_TEXT_MAX - 4, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worst_first),
		cmocka_unit_test(system_errors),
		cmocka_unit_test(long_sentences_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
