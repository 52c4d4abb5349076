#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "test.h"

static const char *escaped(const char *s, size_t n, size_t cap)
{
	static char out[256];

	return text_escape(out, cap, s, n);
}

static void hostile_text(void **state)
{
	(void)state;
	assert_string_equal(escaped("M\xc3\xbcller", 7, 256), "M\xc3\xbcller");
	assert_string_equal(escaped("a\x1b[2Jb\n", 7, 256), "a\\x1b[2Jb\\x0a");
	assert_string_equal(escaped("\xff\xfe", 2, 256), "\\xff\\xfe");
	assert_string_equal(escaped("\xe2\x80\xae" "exe", 6, 256), "\\xe2\\x80\\xaeexe");	/* right-to-left override */
	assert_string_equal(escaped("\xc0\xaf", 2, 256), "\\xc0\\xaf");	/* overlong */
	assert_string_equal(escaped("a\0b", 3, 256), "a\\x00b");
	assert_string_equal(escaped("abcdefghij", 10, 8), "abcd\xe2\x80\xa6");
	assert_string_equal(escaped("abcdefg", 7, 8), "abcdefg");
	assert_string_equal(escaped("abc", 3, 1), "");
}

static const char *as_html(const char *s, size_t n)
{
	static struct buf b;
	struct err err = { 0 };

	buf_clear(&b);
	assert_int_equal(text_html(&b, s, n, &err), RC_OK);
	return b.data ? b.data : "";
}

static void html(void **state)
{
	(void)state;
	assert_string_equal(as_html("M\xc3\xbcller", 7), "M\xc3\xbcller");
	assert_string_equal(as_html("<a href=\"x\">&'", 14), "&#60;a href=&#34;x&#34;&#62;&#38;&#39;");
	assert_string_equal(as_html("a\0b\x1b\n\x7f", 6), "a\\u{00}b\\u{1b}\\u{0a}\\u{7f}");
	assert_string_equal(as_html("\xe2\x80\xae" "exe", 6), "\\u{202e}exe");	/* right-to-left override */
	assert_string_equal(as_html("a\xe2\x80\x8b" "b\xc2\xad", 7), "a\\u{200b}b\\u{ad}");	/* nothing to be seen */
	assert_string_equal(as_html("\xf3\xa0\x81\x81", 4), "\\u{e0041}");	/* a tag character */
	assert_string_equal(as_html("\xff<\xc0\xaf", 4), "\\xff&#60;\\xc0\\xaf");
}

static void numbers(void **state)
{
	(void)state;
	uint64_t v = 0;

	assert_true(text_u64("18446744073709551615", UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(text_u64("18446744073709551616", UINT64_MAX, &v));
	assert_false(text_u64("", 9, &v));
	assert_false(text_u64("-1", 9, &v));
	assert_false(text_u64("1 ", 9, &v));
	assert_false(text_u64("10", 9, &v));
}

static void uids(void **state)
{
	(void)state;
	char longest[66];

	assert_true(text_is_uid("1.2.840.10008.1.2"));
	assert_true(text_is_uid("2.25.0"));
	assert_false(text_is_uid("1.02"));
	assert_false(text_is_uid("1..2"));
	assert_false(text_is_uid("1.2."));
	assert_false(text_is_uid(".1"));
	assert_false(text_is_uid(""));
	memset(longest, '1', sizeof(longest));
	longest[64] = '\0';
	assert_true(text_is_uid(longest));
	longest[64] = '1';
	longest[65] = '\0';
	assert_false(text_is_uid(longest));
}

static void hex_and_nearest(void **state)
{
	(void)state;
	unsigned char b[2];
	char h[5];
	const char *const words[] = { "retention", "organisation", "identity" };

	text_hex("\x01\xfe", 2, h);
	assert_string_equal(h, "01fe");
	assert_true(text_unhex("01FE", b, 2));
	assert_int_equal(b[1], 0xfe);
	assert_false(text_unhex("01F", b, 2));
	assert_false(text_unhex("01Fg", b, 2));
	assert_string_equal(text_nearest("retenton", words, 3), "retention");
	assert_null(text_nearest("colour", words, 3));
}

static void links(void **state)
{
	static const char *const yes[] = { "https://h/x", "shlink:/abc", "SHLINK:abc", "radiant://?n=paet", "mailto:a@b",
		"http:x", "weasis:/x", " https://h/x", "URL:https://h/z", "QR-Code:https://h/y", "see https://h/x" };
	static const char *const no[] = { "/media/cdrom", "a.zip", "./https", "study:1.zip", "C:\\DICOM", "c:/DICOM",
		"c:\\x", "a/b:/c", "1x:/y", "https:", "https", "/tmp/mailto:a@b", ":/x", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!text_is_link(yes[i]))
			fail_msg("%s is a link", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (text_is_link(no[i]))
			fail_msg("%s is no link", no[i]);
}

static void times(void **state)
{
	(void)state;
	char out[TIME_TEXT_MAX], date[9];
	time_t t = 0;
	int64_t s = 0;

	assert_true(time_parse_iso("2026-11-24T06:27:41Z", &t));
	assert_string_equal(time_iso(t, out), "2026-11-24T06:27:41Z");
	assert_string_equal(time_compact(t, out), "20261124T062741Z");
	assert_string_equal(time_dicom_dt(t, out), "20261124062741+0000");
	time_t again = 0;
	assert_true(time_parse_compact("20261124T062741Z-abcdef", &again));
	assert_true(t == again);
	assert_false(time_parse_iso("2026-02-30T00:00:00Z", &t));
	assert_false(time_parse_iso("2026-11-24T24:00:00Z", &t));
	assert_true(time_parse_duration("168h", &s));
	assert_int_equal(s, 604800);
	assert_true(time_parse_duration("90", &s));
	assert_int_equal(s, 90);
	assert_false(time_parse_duration("1w", &s));
	assert_false(time_parse_duration("-1h", &s));
	assert_false(time_parse_duration("99999999999999999999h", &s));
	assert_true(time_parse_date("1972-02-29", date));
	assert_string_equal(date, "19720229");
	assert_true(time_parse_date("19720229", date));
	assert_false(time_parse_date("1973-02-29", date));
	assert_false(time_parse_date("29.02.1972", date));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text), cmocka_unit_test(html), cmocka_unit_test(numbers), cmocka_unit_test(uids),
		cmocka_unit_test(hex_and_nearest), cmocka_unit_test(links), cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
