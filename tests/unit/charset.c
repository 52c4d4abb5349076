/* lib/dicom/charset against PS3.3 C.12.1.1.2. */
#include <string.h>

#include "test.h"
#include "dicom/charset.h"

static void both(const char *set, const char *bytes, const char *utf8)
{
	struct err err = { 0 };
	char out[256];
	size_t n = 0;

	assert_int_equal(charset_to_utf8(set, bytes, strlen(bytes), out, sizeof out, &n, &err), RC_OK);
	assert_string_equal(out, utf8);
	assert_int_equal(n, strlen(utf8));
	assert_int_equal(charset_from_utf8(set, utf8, strlen(utf8), out, sizeof out, &n, &err), RC_OK);
	assert_string_equal(out, bytes);
	assert_int_equal(n, strlen(bytes));
}

static void converts(void **state)
{
	(void)state;
	both("ISO_IR 100", "Buc^J\xe9r\xf4me", "Buc^Jérôme");
	both("ISO_IR 101", "W\xd3\xa3KA", "WÓŁKA");	/* looks like UTF-8, and is not */
	both("ISO_IR 109", "\xa6orge", "Ĥorge");
	both("ISO_IR 110", "\xbejam", "ž" "jam");
	both("ISO_IR 144", "\xbb\xee\xda\x63\xd5\xdc\xd1\xe3\xe0\xd3", "Люкcембург");
	both("ISO_IR 127", "\xe2\xc8\xc7\xe6\xea", "قباني");
	both("ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος");
	both("ISO_IR 138", "\xf9\xf8\xe5\xef", "שרון");
	both("ISO_IR 148", "\xd0\xfd\xfe", "Ğış");
	both("ISO_IR 203", "\xa4", "€");
	both("ISO_IR 166", "\xa1\xd2", "กา");
	both("ISO_IR 192", "Wang^XiaoDong=王^小东", "Wang^XiaoDong=王^小东");
	both("ISO_IR 6", "Plain", "Plain");
	both("", "Plain", "Plain");
	both("ISO_IR 100 ", "\xfc", "ü");	/* padded */
}

static void refuses_names(void **state)
{
	static const char *const names[] = { "\\ISO 2022 IR 87", "ISO 2022 IR 100", "GB18030", "GBK",
	    "ISO_IR 13", "LATIN1",
		"ISO_IR 100\\ISO 2022 IR 87", "ISO_IR\x1b[31m" };
	struct err err = { 0 };
	char out[64];
	size_t i = 0, n = 0;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(charset_known(names[i], &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(strchr(err.text, '\x1b'));
		assert_int_equal(charset_to_utf8(names[i], "A", 1, out, sizeof out, &n, &err), RC_FAILED);
		assert_int_equal(charset_from_utf8(names[i], "ü", 2, out, sizeof out, &n, &err), RC_FAILED);
	}
	/* New ASCII values stand in every set, but where yen has the backslash's place. */
	assert_int_equal(charset_from_utf8("\\ISO 2022 IR 87", "A^B", 3, out, sizeof out, &n, &err), RC_OK);
	assert_int_equal(charset_from_utf8("ISO_IR 13", "A^B", 3, out, sizeof out, &n, &err), RC_OK);
	assert_int_equal(charset_from_utf8("ISO_IR 13", "A~B", 3, out, sizeof out, &n, &err), RC_FAILED);
}

static void contradictions(void **state)
{
	static const struct { const char *set, *bytes; size_t at; } bad[] = {
		{ "", "A\xfc", 1 }, { "ISO_IR 6", "\xfc", 0 }, { "ISO_IR 100", "A\x85", 1 },
		    { "ISO_IR 100", "\x1b$B", 0 },
		{ "ISO_IR 100", "M\xc3\xbcller", 0 }, { "ISO_IR 192", "A\xfc", 0 }, { "ISO_IR 127", "\xa1", 0 },
		{ "ISO_IR 126", "A\xff", 1 },
	};
	struct err err = { 0 };
	char out[64];
	size_t i = 0, n = 0;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		err_clear(&err);
		assert_int_equal(charset_to_utf8(bad[i].set, bad[i].bytes, strlen(bad[i].bytes), out,
		    sizeof out, &n, &err),
		    RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
		assert_non_null(strstr(err.text, "contradicts"));
	}
	assert_int_equal(charset_from_utf8("ISO_IR 100", "Łódź", 7, out, sizeof out, &n, &err), RC_FAILED);
	assert_int_equal(charset_from_utf8("", "é", 2, out, sizeof out, &n, &err), RC_FAILED);
	assert_int_equal(charset_from_utf8("ISO_IR 100", "\xff", 1, out, sizeof out, &n, &err), RC_FAILED);
}

static void room(void **state)
{
	struct err err = { 0 };
	char out[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(charset_to_utf8("ISO_IR 100", "\xfc" "a", 2, out, 4, &n, &err), RC_OK);
	assert_string_equal(out, "üa");
	assert_int_equal(charset_to_utf8("ISO_IR 100", "\xfc" "ab", 3, out, 4, &n, &err), RC_FAILED);
	assert_null(strstr(err.text, "contradicts"));
	assert_int_equal(charset_to_utf8("", "abcd", 4, out, 4, &n, &err), RC_FAILED);
	assert_int_equal(charset_to_utf8("", "", 0, out, 4, &n, &err), RC_OK);
	assert_int_equal(n, 0);
}

static int load(void **state)
{
	struct err err = { 0 };

	(void)state;
	return charset_load(&err) != RC_OK || charset_load(&err) != RC_OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts), cmocka_unit_test(refuses_names), cmocka_unit_test(contradictions),
		cmocka_unit_test(room),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
