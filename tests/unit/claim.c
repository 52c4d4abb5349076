/* lib/order/claim: what a portal says about a package, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "order/claim.h"

static void
there_and_back(void **state)
{
	struct claim_study studies[2] = {
		{ .study_uid = "1.2.3",
		    .date = "20260901",
		    .modality = "CT",
		    .description = "Thorax",
		    .instances = 312,
		    .series = 4 },
		{ .description = "ohne alles", .instances = -1, .series = -1 },
	};
	struct claim c, back;
	struct buf b = BUF_INIT(0), twice = BUF_INIT(0);
	struct err err = { 0 };

	(void)state;
	claim_init(&c);
	assert_true(c.plausible);
	assert_int_equal(c.total_instances, -1);
	c.package = 3;
	c.source = "dlx";
	c.kind = "study";
	c.media = "application/zip";
	c.bytes = 5368709120u;
	text_copy(c.sha256, sizeof c.sha256, "00ff");
	c.title = "Befund \xc3\xbc";
	c.studies = studies;
	c.nstudies = 2;
	c.patient_name = "M\xc3\xbcller,J\xc3\xb6rg";
	c.patient_birth = "19700101";
	c.total_instances = 312;
	c.partial = true;
	c.plausible = false;
	assert_int_equal(claim_write(&c, &b, &err), RC_OK);
	assert_null(strchr(b.data, '\n'));
	assert_int_equal(claim_parse(b.data, b.len, &back, &err), RC_OK);
	assert_int_equal(back.package, 3);
	assert_true(back.bytes == c.bytes);
	assert_string_equal(back.title, c.title);
	assert_string_equal(back.patient_name, c.patient_name);
	assert_null(back.patient_id);
	assert_int_equal(back.nstudies, 2);
	assert_int_equal(back.studies[0].instances, 312);
	assert_int_equal(back.studies[1].instances, -1);
	assert_null(back.studies[1].study_uid);
	assert_true(back.partial);
	assert_false(back.plausible);
	assert_int_equal(claim_write(&back, &twice, &err), RC_OK);
	assert_string_equal(b.data, twice.data);
	claim_free(&back);
	assert_null(back.title);
	buf_free(&b);
	buf_free(&twice);
}

/* Labels of portals come in any encoding; the claim is UTF-8 all the same. */
static void
hostile_text(void **state)
{
	struct claim c, back;
	struct buf b = BUF_INIT(0);
	struct err err = { 0 };

	(void)state;
	claim_init(&c);
	c.title = "Rei\xdf\x1b[2J";
	assert_int_equal(claim_write(&c, &b, &err), RC_OK);
	assert_int_equal(claim_parse(b.data, b.len, &back, &err), RC_OK);
	assert_non_null(strstr(back.title, "\\xdf"));
	claim_free(&back);
	buf_free(&b);
}

static void
refuses(void **state)
{
	static const char *const bad[] = { "", "[]", "{\"v\":2}", "{\"package\":-1}", "{\"bytes\":-5}",
		"{\"studies\":[1]}", "{\"studies\":{}}", "{\"instances\":\"many\"}", "{\"title\":7}",
		"{\"patient\":\"x\"}",
		"{\"sha256\":\"000000000000000000000000000000000000000000000000000000000000000000\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct claim c;
		struct err err = { 0 };
		if (claim_parse(bad[i], strlen(bad[i]), &c, &err) == RC_OK)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.kind, ERR_DATA);
	}
}

static void
keys_of_later_versions(void **state)
{
	static const char text[] =
	    "{\"v\":1,\"type\":\"claim\",\"package\":1,\"novel\":true,\"instances\":-7}";
	struct claim c;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(claim_parse(text, sizeof text - 1, &c, &err), RC_OK);
	assert_int_equal(c.total_instances, -1);
	assert_true(c.plausible);
	claim_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(refuses),
		cmocka_unit_test(keys_of_later_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
