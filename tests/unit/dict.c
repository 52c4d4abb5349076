#include "test.h"
#include <string.h>
#include "dicom/dict.h"

static void vr_of(uint32_t tag, const char *vr, const char *keyword)
{
	const struct dict_entry *e = dict_by_tag(tag);

	assert_non_null(e);
	assert_string_equal(e->vr, vr);
	assert_string_equal(e->keyword, keyword);
}

static void tags(void **state)
{
	(void)state;
	vr_of(0x00100010, "PN", "PatientName");
	vr_of(0x00080005, "CS", "SpecificCharacterSet");
	vr_of(0x7fe00010, "OW", "PixelData");
	vr_of(0x04000561, "SQ", "OriginalAttributesSequence");
	vr_of(0x00280106, "US", "SmallestImagePixelValue");	/* US or SS in the standard */
	vr_of(0x00020010, "UI", "TransferSyntaxUID");
	assert_null(dict_by_tag(0x00100011));
	assert_null(dict_by_tag(0x00091001));
	assert_null(dict_by_tag(0x00090010));
}

static void repeating_groups(void **state)
{
	(void)state;
	vr_of(0x60000010, "US", "OverlayRows");
	vr_of(0x601e3000, "OW", "OverlayData");
	vr_of(0x50020005, "US", "CurveDimensions");
	assert_null(dict_by_tag(0x60010010));	/* odd: private */
	assert_null(dict_by_tag(0x61000010));
}

static void group_lengths(void **state)
{
	(void)state;
	assert_string_equal(dict_by_tag(0x00100000)->vr, "UL");
	assert_string_equal(dict_by_tag(0x00090000)->vr, "UL");
	assert_string_equal(dict_by_tag(0x7fe00000)->vr, "UL");
}

static void keywords(void **state)
{
	const char *all[] = { "PatientName", "AccessionNumber", "PixelData", "ZoomFactor", "AbortReason" };

	(void)state;
	assert_int_equal(dict_by_keyword("PatientID")->tag, 0x00100020);
	assert_int_equal(dict_by_keyword("PatientBirthDate")->tag, 0x00100030);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const struct dict_entry *e = dict_by_keyword(all[i]);

		assert_non_null(e);
		assert_string_equal(e->keyword, all[i]);
		assert_ptr_equal(dict_by_tag(e->tag), e);
	}
	assert_null(dict_by_keyword("patientname"));
	assert_null(dict_by_keyword(""));
	assert_null(dict_by_keyword("Zzz"));
	assert_null(dict_by_keyword("AAA"));
}

static void nearest(void **state)
{
	(void)state;
	assert_string_equal(dict_nearest("PatientNmae"), "PatientName");
	assert_string_equal(dict_nearest("AcessionNumber"), "AccessionNumber");
	assert_null(dict_nearest("Quetzalcoatlus"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags), cmocka_unit_test(repeating_groups), cmocka_unit_test(group_lengths),
		cmocka_unit_test(keywords), cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
