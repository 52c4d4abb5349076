/* What a text from a letter is, and where a DLX link keeps its token. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "source/link.h"

static void
token_is(const char *link, const char *expected)
{
	struct err err = { 0 };
	char *token = NULL;

	if (link_token(link, &token, &err) != RC_OK)
		fail_msg("%s: %s", link, err.text);
	assert_string_equal(token, expected);
	free(token);
}

static void
test_token(void **state)
{
	struct err err = { 0 };
	char *token = NULL;

	(void)state;
	token_is("https://h/dlx/v1/token/V", "V");
	token_is("https://h/dlx/v1/token/V/", "V");
	token_is("https://h/a/token/V?token=other", "V");
	token_is("https://h/portal?x=1&token=V%2F2&y=3", "V/2");
	token_is("https://h/portal?token=V#part", "V");
	token_is("https://h/p/abc", "abc");
	token_is("https://h/p/abc/", "abc");
	token_is("https://h/p/abc?lang=de", "abc");
	token_is("https://h/token/?token=Q", "Q");
	assert_int_not_equal(link_token("https://h/", &token, &err), RC_OK);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_not_equal(link_token("https://h/p/%00x", &token, &err), RC_OK);
	assert_null(token);
}

static void
test_clean(void **state)
{
	char a[] = "  https://h/x \r\n", b[] = "QR-Code:https://h/y", c[] = "URL:https://h/z", d[] = "URL:nothing";
	char e[] = "]Q1https://h/q", f[] = "weasis:https://h/q", g[] = "https://h/?u=https://i/", h[] = "SHL: shlink:/eyJ";
	char i[] = "/a/https://h/";

	(void)state;
	link_clean(a);
	assert_string_equal(a, "https://h/x");
	link_clean(b);
	assert_string_equal(b, "https://h/y");
	link_clean(c);
	assert_string_equal(c, "https://h/z");
	link_clean(d);
	assert_string_equal(d, "URL:nothing");
	link_clean(e);
	assert_string_equal(e, "https://h/q");
	link_clean(f);
	assert_string_equal(f, "weasis:https://h/q");
	link_clean(g);
	assert_string_equal(g, "https://h/?u=https://i/");
	link_clean(h);
	assert_string_equal(h, "shlink:/eyJ");
	link_clean(i);
	assert_string_equal(i, "/a/https://h/");
}

static void
test_kinds(void **state)
{
	static const char *const unsupported[] = {
		"weasis://?%24dicom", "radiant://?n=paet",
		"dnviewer://dicomweb", "mailto:a@b", "ftp://h/x", "gopher://h/x", "file:///etc/passwd"
	};
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	assert_int_equal(link_check("https://h/x", &err), RC_OK);
	assert_int_equal(link_check("HTTPS://h/x", &err), RC_OK);
	assert_int_equal(link_check("http://h/x", &err), RC_OK);	/* lib/http judges it */
	assert_int_equal(link_check("shlink:/eyJ1", &err), RC_OK);
	assert_int_equal(link_check("https://viewer.example/#shlink:/eyJ1", &err), RC_OK);
	for (i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		err_clear(&err);
		assert_int_not_equal(link_check(unsupported[i], &err), RC_OK);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_true(err.advice[0] != '\0');
	}
}

static void
test_mistyped(void **state)
{
	static const char *const wrong[] = {
		"https\303\226--host-path", "http\303\266--host", "https>&&host&path", "HTTPS>&&HOST",
		"httpsM!!host", "shlink\303\226-ez",
		"https\303\226&&host&",
	};
	static const char *const right[] = { "https", "https--x", "httpd", "httpd--x",
		"shlink", "http-", "httpsM!", "h\303\226--" };
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(link_is(wrong[i]));
		assert_int_not_equal(link_check(wrong[i], &err), RC_OK);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(strstr(err.text, "host"));
	}
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (link_is(right[i]))
			fail_msg("%s", right[i]);
}

static void
test_host(void **state)
{
	char host[64];

	(void)state;
	link_host("https://Portal.Example:8443/p/secret?token=s", host, sizeof(host));
	assert_string_equal(host, "portal.example");
	link_host("shlink:/abc", host, sizeof(host));
	assert_string_equal(host, "");
}

static void
test_key(void **state)
{
	static const char *const same[] = {
		"https://portal.example/p?t=A", "HTTPS://Portal.EXAMPLE:443/p?t=A", "https://portal.example/p?t=A#part",
	};
	static const char *const other[] = {
		"https://portal.example/P?t=A", "https://portal.example/p?t=a", "https://portal.example:444/p?t=A",
		"http://portal.example/p?t=A", "https://portal.example/p",
	};
	struct err err = { 0 };
	char *key = NULL;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++, free(key)) {
		assert_int_equal(link_key(same[i], &key, &err), RC_OK);
		assert_string_equal(key, same[0]);
	}
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++, free(key)) {
		assert_int_equal(link_key(other[i], &key, &err), RC_OK);
		assert_string_equal(key, other[i]);
	}
	assert_int_not_equal(link_key("https://user:pw@h/", &key, &err), RC_OK);
	assert_null(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key), cmocka_unit_test(test_token), cmocka_unit_test(test_clean),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_mistyped), cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
