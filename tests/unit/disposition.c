/* Names of files in Content-Disposition: labels, never paths. */
#include "test.h"

#include <string.h>
#include "source/disposition.h"

static void
test_labels(void **state)
{
	static const struct { const char *header, *label; } cases[] = {
		{ "attachment; filename=\"CT Thorax.zip\"", "CT Thorax.zip" },
		{ "attachment; filename=study.zip", "study.zip" },
		{ "ATTACHMENT; FileName = study.zip ; x=y", "study.zip" },
		{ "attachment; filename=\"a\\\"b.zip\"", "a\"b.zip" },
		{ "attachment; filename=\"old.zip\"; filename*=UTF-8''M%C3%BCller.zip", "M\xc3\xbcller.zip" },
		{ "attachment; filename*=utf-8'de'%e2%82%ac.zip; filename=x", "\xe2\x82\xac.zip" },
		{ "attachment; filename*=iso-8859-1''M%FCller.zip", "M\xc3\xbcller.zip" },
		{ "attachment; filename*=UTF-8''%ff.zip; filename=good.zip", "good.zip" },	/* no UTF-8 */
		{ "attachment; filename*=UTF-8''a%0; filename=good.zip", "good.zip" },
		{ "attachment; filename*=UTF-8''a%00b; filename=good.zip", "good.zip" },
		{ "attachment; filename*=koi8-r''a; filename=good.zip", "good.zip" },
		{ "attachment; filename=\"M\xfcller.zip\"", "M\xc3\xbcller.zip" },
		{ "attachment; filename=\"../../etc/passwd\"", "passwd" },
		{ "attachment; filename=\"C:\\\\x\\\\y.zip\"", "y.zip" },
		{ "attachment; filename*=UTF-8''..%2F..%2Fevil%0a%1b%5B31m", "evil[31m" },
		{ "attachment; filename=\"a\xc2\x9b.zip\"", "a.zip" },
		{ "attachment; x=\"; filename=no\"; filename=yes", "yes" },
		{ "attachment; filename=\"..\"", "" },
		{ "attachment; filename=\"", "" },
		{ "attachment", "" }, { "", "" }, { ";;;=;", "" },
	};
	char out[LABEL_MAX], big[1000];
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(disposition_label(cases[i].header, out), cases[i].label[0] != '\0');
		assert_string_equal(out, cases[i].label);
	}
	memset(big, 0, sizeof(big));
	memcpy(big, "x; filename=", 12);
	for (i = 12; i + 3 < sizeof(big) - 1; i += 3)
		memcpy(big + i, "\xe2\x82\xac", 3);
	assert_true(disposition_label(big, out));
	assert_int_equal(strlen(out), 255);	/* cut between characters */
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_labels) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
