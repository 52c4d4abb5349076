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

/* The examples of PS3.5 annexes H to K, and one character of each set. */
static void reads(void **state)
{
	static const struct { const char *set, *bytes, *utf8; } v[] = {
		{ "\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
		    "Yamada^Tarou=山田^太郎=やまだ^たろう" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87",
		    "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
		    "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう" },
		{ "\\ISO 2022 IR 149",
		    "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
		    "Hong^Gildong=洪^吉洞=홍^길동" },
		{ "GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东" },
		{ "GBK", "\xcd\xf5", "王" },
		{ "\\ISO 2022 IR 58", "\x1b$)A\xcd\xf5", "王" },
		{ "\\ISO 2022 IR 159", "\x1b$(D\x30\x21\x1b(B", "丂" },
		{ "ISO 2022 IR 100\\ISO 2022 IR 144", "J\xe9r\xf4me^\x1b-L\xbb\xee^\xe9", "Jérôme^Лю^é" },
		{ "ISO 2022 IR 6\\ISO 2022 IR 166", "\x1b-T\xa1", "ก" },
		{ "ISO_IR 100", "\xfc", "ü" },
		{ "\\ISO 2022 IR 87", "\x1b$B;3\x1b(J a", "山 a" },
	};
	struct err err = { 0 };
	char out[256];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		assert_true(charset_readable(v[i].set));
		if (charset_read(v[i].set, true, v[i].bytes, strlen(v[i].bytes), out, sizeof out, &n, &err) != RC_OK)
			fail_msg("%s: %s", v[i].utf8, err.text);
		assert_string_equal(out, v[i].utf8);
		assert_int_equal(n, strlen(v[i].utf8));
		/* no room is no overrun */
		assert_int_equal(charset_read(v[i].set, true, v[i].bytes, strlen(v[i].bytes), out, n, &n, &err),
		    RC_FAILED);
	}
	/* ^ begins anew in a name only */
	assert_int_equal(charset_read("\\ISO 2022 IR 144", false, "\x1b-L\xbb^\xee", 6, out, sizeof out, &n, &err), RC_OK);
	assert_string_equal(out, "Л^ю");
	assert_int_equal(charset_read("\\ISO 2022 IR 144", true, "\x1b-L\xbb^\xee", 6, out, sizeof out, &n, &err),
	    RC_FAILED);
}

static void reads_not(void **state)
{
	static const struct { const char *set, *bytes; } v[] = {
		{ "\\ISO 2022 IR 87", "\x1b$)C\xfb\xf3" },	/* a set that is not declared */
		{ "\\ISO 2022 IR 87", "\x1b$(D\x30\x21" },
		{ "\\ISO 2022 IR 149", "\x1b(J" },
		{ "\\ISO 2022 IR 87", "\x1b$B;" },		/* half a character */
		{ "\\ISO 2022 IR 87", "\x1b$B;\xb3" },
		{ "\\ISO 2022 IR 87", "\x1b$B\x7e\x7e" },	/* none there */
		{ "\\ISO 2022 IR 87", "\xfc" },		/* nothing in G1 */
		{ "\\ISO 2022 IR 87", "\x1b" },
		{ "\\ISO 2022 IR 87", "\x1b$" },
		{ "\\ISO 2022 IR 149", "\x1b$)C\xfb\xf3^\xfb\xf3" },	/* anew after ^ */
		{ "\\ISO 2022 IR 149", "\x1b$)C\xfb" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87", "\xe5" },
		{ "ISO 2022 IR 100\\ISO 2022 IR 144", "\x85" },
		{ "GB18030", "\xcd" },
		{ "GB18030", "\xff\xff" },
	};
	static const char *const unknown[] = { "ISO_IR 999", "latin1", "\\?", "ISO 2022 IR 87\\ISO_IR 192",
		"\\ISO 2022 IR 87\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\" };
	struct err err = { 0 };
	char out[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		if (charset_read(v[i].set, true, v[i].bytes, strlen(v[i].bytes), out, sizeof out, &n, &err) != RC_FAILED)
			fail_msg("case %zu gives '%s'", i, out);
		assert_int_equal(err.kind, ERR_DATA);
		assert_non_null(strstr(err.text, "contradicts"));
	}
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		assert_false(charset_readable(unknown[i]));
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
		cmocka_unit_test(room), cmocka_unit_test(reads), cmocka_unit_test(reads_not),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
