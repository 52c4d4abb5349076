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

/* Read as a whole to convert (charset_read), never written: ASCII only. */
static void not_written(void **state)
{
	static const char *const names[] = { "\\ISO 2022 IR 87", "ISO 2022 IR 100", "GB18030", "GBK", "ISO_IR 13",
		"ISO_IR 100\\ISO 2022 IR 87", "\\ISO 2022 IR 58", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159" };
	struct err err = { 0 };
	char out[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(charset_known(names[i], &err), RC_OK);
		assert_int_equal(charset_to_utf8(names[i], "A", 1, out, sizeof out, &n, &err), RC_FAILED);
		assert_int_equal(charset_from_utf8(names[i], "ü", 2, out, sizeof out, &n, &err), RC_FAILED);
		assert_non_null(strstr(err.text, "not written"));
		assert_int_equal(charset_from_utf8(names[i], "A^B", 3, out, sizeof out, &n, &err), RC_OK);
	}
	/* New ASCII values stand in every set, but where yen has the backslash's place. */
	assert_int_equal(charset_from_utf8("ISO_IR 13", "A~B", 3, out, sizeof out, &n, &err), RC_FAILED);
	assert_int_equal(charset_from_utf8("ISO 2022 IR 13\\ISO 2022 IR 87", "A\\B", 3, out, sizeof out, &n, &err), RC_FAILED);
	assert_int_equal(charset_from_utf8("ISO 2022 IR 6\\ISO 2022 IR 13", "A~B", 3, out, sizeof out, &n, &err), RC_OK);
	assert_false(charset_plain("ISO_IR 13", "A~", 2));
	assert_true(charset_plain("ISO_IR 13", "A", 1));
	assert_true(charset_plain("ISO_IR 138", "A~\\", 3));
	assert_false(charset_plain("ISO_IR 100", "\xfc", 1));
	assert_false(charset_plain("\\ISO 2022 IR 87", "\x1b(B", 3));
}

static void refuses_names(void **state)
{
	static const char *const names[] = { "LATIN1", "ISO_IR\x1b[31m", "ISO_IR 999", "\\?", "ISO 2022 IR 87\\ISO_IR 192",
		"GB18030\\ISO 2022 IR 87", "\\ISO 2022 IR 87\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\" };
	struct err err = { 0 };
	char out[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(charset_known(names[i], &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(strchr(err.text, '\x1b'));
		assert_non_null(strstr(err.advice, "GB18030"));
		assert_int_equal(charset_to_utf8(names[i], "A", 1, out, sizeof out, &n, &err), RC_FAILED);
		assert_int_equal(charset_from_utf8(names[i], "ü", 2, out, sizeof out, &n, &err), RC_FAILED);
		assert_int_equal(charset_read(names[i], "PN", "A", 1, out, sizeof out, &n, &err), RC_FAILED);
	}
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

static void check_reads(const char *set, const char *vr, const char *bytes, size_t n, const char *utf8)
{
	struct err err = { 0 };
	char out[256];
	size_t len = 0;

	if (charset_read(set, vr, bytes, n, out, sizeof out, &len, &err) != RC_OK)
		fail_msg("%s: %s", utf8, err.text);
	assert_string_equal(out, utf8);
	assert_int_equal(len, strlen(utf8));
	/* no room is no overrun, and not the text's fault */
	assert_int_equal(charset_read(set, vr, bytes, n, out, len, &len, &err), RC_FAILED);
	assert_null(strstr(err.text, "contradicts"));
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
		{ "GB18030", "\x95\x32\x90\x31\x81\x39\xef\x30", "𠂇㐁" },	/* U+20087: FE51 has it, too */
		{ "GBK", "\xcd\xf5", "王" },
		{ "GBK ", "\x87\xd6", "囍" },
		{ "\\ISO 2022 IR 58", "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", "Zhang^XiaoDong=张^小东=" },
		{ "\\ISO 2022 IR 159", "\x1b$(D\x30\x21\x1b(B", "丂" },
		{ "ISO_IR 13", "\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ" },
		{ "\\ISO 2022 IR 13", "\x1b)I\xd4\xcf", "ﾔﾏ" },
		{ "ISO_IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159\\ISO 2022 IR 100", "\xb1\x1b$B0!\x1b$(D\x30\x21\x1b(J\x1b-A\xfc",
		    "ｱ亜丂ü" },
		{ "ISO 2022 IR 100\\ISO 2022 IR 144", "J\xe9r\xf4me^\x1b-L\xbb\xee^\xe9", "Jérôme^Лю^é" },
		{ "ISO 2022 IR 100\\ISO 2022 IR 101\\ISO 2022 IR 109\\ISO 2022 IR 110\\ISO 2022 IR 126\\ISO 2022 IR 127\\"
		    "ISO 2022 IR 138\\ISO 2022 IR 148\\ISO 2022 IR 203\\ISO 2022 IR 166\\ISO 2022 IR 58",
		    "\xfc\x1b-B\xa3\x1b-C\xa6\x1b-D\xbe\x1b-F\xc4\x1b-G\xe2\x1b-H\xf9\x1b-M\xfe\x1b-b\xa4\x1b-T\xa1\x1b$)A\xcd\xf5",
		    "üŁĤžΔقשş€ก王" },
		{ "ISO 2022 IR 6\\ISO 2022 IR 166", "\x1b-T\xa1", "ก" },
		{ "ISO_IR 166", "\xa1\xd2", "กา" },
		{ "ISO_IR 100", "\xfc", "ü" },
		{ "ISO_IR 192", "王", "王" },
		{ "\\ISO 2022 IR 87", "\x1b$B;3\x1b(J a", "山 a" },
		{ "\\ISO 2022 IR 87", "\x1b(B\x1b$B\x1b(BA", "A" },	/* escapes to no purpose are no text */
		{ "\\ISO 2022 IR 87", "\x1b$B!@!A\x1b(B", "＼〜" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		check_reads(v[i].set, "PN", v[i].bytes, strlen(v[i].bytes), v[i].utf8);
}

/* What ^, = and backslash are depends on the VR, and what 5C and 7E are on the set. */
static void delimiters(void **state)
{
	static const struct { const char *set, *vr, *bytes, *utf8; } v[] = {
		{ "\\ISO 2022 IR 144", "LO", "\x1b-L\xbb^\xee=\xee", "Л^ю=ю" },
		{ "\\ISO 2022 IR 144", "PN", "\x1b-L\xbb^\xee", NULL },
		{ "\\ISO 2022 IR 144", "PN", "\x1b-L\xbb=\xee", NULL },
		{ "\\ISO 2022 IR 144", "LO", "\x1b-L\xbb\\\xee", NULL },
		{ "\\ISO 2022 IR 144", "SH", "\x1b-L\xbb\\\x1b-L\xee", "Л\\ю" },
		{ "\\ISO 2022 IR 144", "LT", "\x1b-L\xbb\\\xee", "Л\\ю" },
		{ "\\ISO 2022 IR 144", "LT", "\x1b-L\xbb\n\xee", NULL },
		{ "\\ISO 2022 IR 144", "UT", "\x1b-L\xbb\r\xee", NULL },
		{ "\\ISO 2022 IR 144", "ST", "\x1b-L\xbb\t\xee", NULL },
		{ "\\ISO 2022 IR 144", "ST", "\x1b-L\xbb\f\xee", NULL },
		{ "\\ISO 2022 IR 87", "PN", "\x1b$B;3\\^^=\x1b(B", "山權渊" },	/* bytes of characters, not delimiters */
		{ "\\ISO 2022 IR 87", "LT", "\x1b$B;3\n;3", "山\n;3" },
		{ "ISO_IR 13", "LO", "\xb1\\~\\5", "ｱ\\‾\\5" },
		{ "ISO_IR 13", "ST", "\xb1\\~", "ｱ¥‾" },
		{ "ISO_IR 13", "ST", "\\500", "¥500" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87", "UT", "\\\x1b(B\\~\x1b(J~\n\\", "¥\\~‾\n¥" },
		{ "\\ISO 2022 IR 87", "LT", "\x1b(J\\~\x1b(B~\\", "¥‾~\\" },
		{ "\\ISO 2022 IR 87", "LO", "\x1b(J\\~", "\\~" },	/* the delimiter: ASCII again */
	};
	struct err err = { 0 };
	char out[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		if (v[i].utf8 != NULL)
			check_reads(v[i].set, v[i].vr, v[i].bytes, strlen(v[i].bytes), v[i].utf8);
		else if (charset_read(v[i].set, v[i].vr, v[i].bytes, strlen(v[i].bytes), out, sizeof out, &n, &err) != RC_FAILED)
			fail_msg("case %zu gives '%s'", i, out);
	}
}

static void reads_not(void **state)
{
	static const struct { const char *set, *bytes, *why; } v[] = {
		{ "\\ISO 2022 IR 87", "\x1b$)C\xfb\xf3", "byte 0 .*not declared" },
		{ "\\ISO 2022 IR 87", "ab\x1b$(D\x30\x21", "byte 2 .*not declared" },
		{ "\\ISO 2022 IR 149", "\x1b(J", "not declared" },
		{ "\\ISO 2022 IR 149", "\x1b)I\xb1", "not declared" },
		{ "ISO 2022 IR 6", "\x1b-A\xfc", "not declared" },
		{ "\\ISO 2022 IR 87", "\x1b$B;", "byte 3 .*half a character" },
		{ "\\ISO 2022 IR 87", "\x1b$B;\xb3", "half a character" },
		{ "\\ISO 2022 IR 87", "\x1b$B\x7e\x7e", "byte 3 " },		/* none there */
		{ "\\ISO 2022 IR 87", "\xfc", "no set is designated" },
		{ "\\ISO 2022 IR 87", "a\x1b", "byte 1 .*cut off" },
		{ "\\ISO 2022 IR 87", "\x1b$", "cut off" },
		{ "\\ISO 2022 IR 149", "\x1b$)", "cut off" },
		{ "\\ISO 2022 IR 87", "\x1b$A!!", "does not have" },
		{ "\\ISO 2022 IR 87", "\x1b(Z", "does not have" },
		{ "\\ISO 2022 IR 87", "\x1b%G\xe7\x8e\x8b\x1b%@", "does not have" },	/* UTF-8, as X11 would say */
		{ "\\ISO 2022 IR 87", "\x1b\x1b(B", "does not have" },
		{ "\\ISO 2022 IR 149", "\x1b$)C\xfb\xf3^\xfb\xf3", "no set is designated" },	/* anew after ^ */
		{ "\\ISO 2022 IR 149", "\x1b$)C\xfb", "half a character" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87", "\xe5", "byte 0 " },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87", "\x8e\x52", "byte 0 " },	/* Shift JIS */
		{ "ISO 2022 IR 100\\ISO 2022 IR 144", "\x85", "byte 0 " },
		{ "ISO 2022 IR 100\\ISO 2022 IR 144", "M\xc3\xbcller", "byte 0 " },	/* UTF-8 called Latin-1 */
		{ "ISO_IR 100", "M\xc3\xbcller", "byte 0 " },
		{ "GB18030", "a\xcd", "byte 1 .*half a character" },
		{ "GB18030", "\xcd\xf5\x95\x32", "byte 2 .*half a character" },
		{ "GB18030", "\xff\xff", "byte 0 " },
		{ "GB18030", "\x1b$B;3\x1b(B", "byte 0 " },
		{ "GB18030", "Wang=王^小东", "byte 5 .*it is UTF-8" },
		{ "GBK", "王", "it is UTF-8" },
		{ "GBK", "\x95\x32\x90\x31", "byte 0 " },	/* four bytes a character are GB18030's */
	};
	struct err err = { 0 };
	char out[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		const char *two = strstr(v[i].why, ".*"), *first = v[i].why;

		if (charset_read(v[i].set, "PN", v[i].bytes, strlen(v[i].bytes), out, sizeof out, &n, &err) != RC_FAILED)
			fail_msg("case %zu gives '%s'", i, out);
		assert_int_equal(err.kind, ERR_DATA);
		assert_non_null(strstr(err.text, "contradicts"));
		assert_non_null(strstr(err.text, two != NULL ? two + 2 : first));
		if (two != NULL)
			assert_memory_equal(err.text, first, (size_t)(two - first));
		assert_null(strstr(err.text, "ller"));
		assert_null(strchr(err.text, '\x1b'));
	}
}

/* Every code of every set of two bytes gives one character or none; of the characters none is another's. */
static void all_pairs(void **state)
{
	static const struct { const char *set, *before; int high; unsigned characters; } v[] = {
		{ "\\ISO 2022 IR 87", "\x1b$B", 0, 6879 },		/* JIS X 0208 */
		{ "\\ISO 2022 IR 159", "\x1b$(D", 0, 6067 },		/* JIS X 0212 */
		{ "\\ISO 2022 IR 149", "\x1b$)C", 0x80, 8227 },
		{ "\\ISO 2022 IR 58", "\x1b$)A", 0x80, 7445 },	/* GB 2312 */
	};
	static char seen[0x110000 / 8];

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		size_t k = strlen(v[i].before), n = 0;
		unsigned characters = 0;
		struct err err = { 0 };
		char in[8], out[16];

		memset(seen, 0, sizeof seen);
		memcpy(in, v[i].before, k);
		for (int a = 0x21; a < 0x7f; a++) {
			for (int b = 0x21; b < 0x7f; b++) {
				const unsigned char *u = (const unsigned char *)out;
				unsigned long cp = 0;

				in[k] = (char)(a | v[i].high);
				in[k + 1] = (char)(b | v[i].high);
				if (charset_read(v[i].set, "LO", in, k + 2, out, sizeof out, &n, &err) != RC_OK)
					continue;
				cp = n == 1 ? u[0] : n == 2 ? (u[0] & 31ul) << 6 | (u[1] & 63ul)
				    : (u[0] & 15ul) << 12 | (u[1] & 63ul) << 6 | (u[2] & 63ul);
				assert_in_range(n, 2, 3);	/* none is ASCII: no delimiter is made */
				assert_false(seen[cp / 8] & 1 << cp % 8);
				seen[cp / 8] = (char)(seen[cp / 8] | 1 << cp % 8);
				characters++;
			}
		}
		assert_int_equal(characters, v[i].characters);
	}
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
		cmocka_unit_test(converts), cmocka_unit_test(not_written), cmocka_unit_test(refuses_names),
		cmocka_unit_test(contradictions), cmocka_unit_test(room), cmocka_unit_test(reads),
		cmocka_unit_test(delimiters), cmocka_unit_test(reads_not), cmocka_unit_test(all_pairs),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
