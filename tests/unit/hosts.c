/* Which hosts may have a person's answers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "source/hosts.h"

static void
test_related(void **state)
{
	static const char *const yes[][2] = {
		{ "klinik.example", "klinik.example" }, { "klinik.example", "api.klinik.example" },
		{ "klinik.example", "a.b.klinik.example" }, { "localhost", "localhost" }, { "10.0.0.1", "10.0.0.1" },
		{ "[::1]", "[::1]" },
	};
	static const char *const no[][2] = {
		{ "klinik.example", "klinik.example.evil" }, { "klinik.example", "xklinik.example" },
		{ "a.klinik.example", "b.klinik.example" },	/* a parent that both share */
		{ "example", "klinik.example" }, { "localhost", "a.localhost" },	/* one label */
		{ "0.1", "10.0.0.1" }, { "0.0.1", "10.0.0.1" }, { "10.0.0.1", "a.10.0.0.1" }, { "[::1]", "::1" },
		{ "klinik.example", ".klinik.example" }, { "", "" }, { "", ".example" }, { ".example", "a.example" },
		{ "example.", "a.example." }, { "klinik.example", "klinik.example." },
	};
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!hosts_related(yes[i][0], yes[i][1]) || !hosts_related(yes[i][1], yes[i][0]))
			fail_msg("%s and %s", yes[i][0], yes[i][1]);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (hosts_related(no[i][0], no[i][1]) || hosts_related(no[i][1], no[i][0]))
			fail_msg("%s and %s", no[i][0], no[i][1]);
}

static void
test_trusted(void **state)
{
	static char *prefix[] = { "https://cloud.example/dlx", "bare.example" };
	struct source_portal p = { .dicomweb = "https://pacs.example/dicom-web", .prefix = prefix, .nprefix = 2 };
	struct source s = { .link = "https://klinik.example/token/V", .state = "" };
	struct err err = { 0 };

	(void)state;
	assert_true(hosts_trusted(&s, "https://KLINIK.example:8443/api"));
	assert_true(hosts_trusted(&s, "https://api.klinik.example/"));
	assert_false(hosts_trusted(&s, "https://cloud.example/dlx/v1"));
	assert_false(hosts_trusted(&s, "file:///etc/passwd"));
	assert_false(hosts_trusted(&s, "https://user@klinik.example/"));
	s.o.portal = &p;
	assert_true(hosts_trusted(&s, "https://cloud.example/dlx/v1"));
	assert_false(hosts_trusted(&s, "https://cloud.example/dlxx"));
	assert_false(hosts_trusted(&s, "http://cloud.example/dlx"));
	assert_true(hosts_trusted(&s, "https://bare.example/any"));
	assert_false(hosts_trusted(&s, "https://a.bare.example/any"));
	assert_true(hosts_trusted(&s, "https://pacs.example/other"));
	assert_int_equal(hosts_check(&s, "https://klinik.example/api", &err), RC_OK);
	assert_string_equal(s.state, "");
	assert_int_not_equal(hosts_check(&s, "https://evil.example/SECRET?token=V", &err), RC_OK);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_string_equal(s.state, "not-permitted");
	assert_non_null(strstr(err.text, "evil.example"));
	assert_null(strstr(err.text, "SECRET"));
	assert_non_null(strstr(err.advice, "url_prefix"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_related), cmocka_unit_test(test_trusted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
