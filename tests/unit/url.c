/* Destinations as URLs. */
#include "test.h"

#include <string.h>

#include "deliver/url.h"

static void good(void **state)
{
	struct target t;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(target_parse("dicom://ORTHANC@127.0.0.1:4242", &t, &err), RC_OK);
	assert_int_equal(t.kind, TARGET_DICOM);
	assert_string_equal(t.called, "ORTHANC");
	assert_string_equal(t.host, "127.0.0.1");
	assert_int_equal(t.port, 4242);
	assert_int_equal(target_parse("dicom://A B@pacs.example:1", &t, &err), RC_OK);
	assert_string_equal(t.called, "A B");
	assert_int_equal(target_parse("folder:/a/b c", &t, &err), RC_OK);
	assert_int_equal(t.kind, TARGET_FOLDER);
	assert_string_equal(t.dir, "/a/b c");
}

static void bad(void **state)
{
	static const char *const urls[] = {
		"", "pacs", "dicom://", "dicom://host:104", "dicom://@host:104", "dicom://A@host", "dicom://A@host:",
		"dicom://A@host:0", "dicom://A@host:65536", "dicom://A@host:1x", "dicom://A@:104", "dicom://A@ho st:104",
		"dicom://AAAAAAAAAAAAAAAAA@host:104", "dicom://A\\B@host:104", "dicom://   @host:104", "folder:",
		"dicoms://A@host:104", "https://host/dicom-web", "mllp://host:1", "mllps://host:1", "ftp://host",
		"dicom://A@host:104/path", "dicom://A@[::1]:104",
	};
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct err err = { 0 };
		assert_int_not_equal(target_parse(urls[i], &t, &err), RC_OK);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_int_not_equal(err.advice[0], '\0');
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(target_is_url("dicom://A@b:1"));
	assert_true(target_is_url("folder:x"));
	assert_false(target_is_url("pacs"));
	assert_false(target_is_url(":x"));
	assert_true(target_ae_valid("ABCDEFGHIJKLMNOP"));
	assert_false(target_ae_valid("ABCDEFGHIJKLMNOPQ"));
	assert_false(target_ae_valid(""));
	assert_false(target_ae_valid("\xc3\xa4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
