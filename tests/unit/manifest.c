#include "fixture.h"

static struct manifest *sample(void)
{
	struct manifest_object o = { .n = 2, .sop_class = "1.2.840.10008.5.1.4.1.1.2", .sop_uid = "1.2.3.2",
	    .series_uid = "1.2.3", .transfer_syntax = "1.2.840.10008.1.2.1", .modality = "CT", .bytes = 7000000000ULL,
	    .number = -1, .package = 3 };
	struct manifest_document d = { .n = 1, .media = "application/pdf", .bytes = 12, .package = 1,
	    .title = (char *)(uintptr_t)"Bef\xc3\xbcnd \"1\"\n\x1b[2J" };
	struct manifest *m = NULL;
	struct err err;

	memset(o.sha256, 'a', 64);
	memset(d.sha256, 'b', 64);
	assert_int_equal(manifest_new(&m, &err), RC_OK);
	snprintf(m->study_uid, sizeof(m->study_uid), "1.2.3.4");
	snprintf(m->study_date, sizeof(m->study_date), "20260901");
	snprintf(m->modalities, sizeof(m->modalities), "CT\\SR");
	m->patient_name = strdup("M\xc3\xbcller^J\xc3\xb6rg");
	m->patient_id = strdup("\xff\xfe not UTF-8");
	snprintf(m->patient_birth, sizeof(m->patient_birth), "19700101");
	m->partial = true;
	m->duplicates = 5;
	m->set_aside = 6;
	assert_int_equal(manifest_add_object(m, &o, &err), RC_OK);
	o.n = 1;
	o.number = 17;
	snprintf(o.sop_uid, sizeof(o.sop_uid), "1.2.3.1");
	assert_int_equal(manifest_add_object(m, &o, &err), RC_OK);
	assert_int_equal(manifest_add_document(m, &d, &err), RC_OK);
	return m;
}

static void round_trip(void **state)
{
	struct buf a = BUF_INIT(0), b = BUF_INIT(0);
	struct manifest *m = sample(), *back = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(manifest_write(m, &a, &err), RC_OK);
	assert_int_equal(manifest_parse(a.data, a.len, &back, &err), RC_OK);
	assert_string_equal(back->study_uid, "1.2.3.4");
	assert_string_equal(back->patient_name, m->patient_name);
	assert_string_equal(back->patient_id, "\\xff\\xfe not UTF-8");
	assert_string_equal(back->patient_issuer, "");
	assert_string_equal(back->modalities, "CT\\SR");
	assert_true(back->partial);
	assert_int_equal(back->duplicates, 5);
	assert_int_equal(back->set_aside, 6);
	assert_int_equal(back->nobjects, 2);
	assert_int_equal(back->objects[0].n, 1);	/* in order, however they were added */
	assert_int_equal(back->objects[0].number, 17);
	assert_int_equal(back->objects[1].number, -1);
	assert_true(back->objects[1].bytes == 7000000000ULL);
	assert_string_equal(back->objects[1].sop_uid, "1.2.3.2");
	assert_string_equal(back->documents[0].title, m->documents[0].title);
	assert_int_equal(manifest_write(back, &b, &err), RC_OK);
	assert_int_equal(a.len, b.len);			/* the same again is the same bytes */
	assert_memory_equal(a.data, b.data, a.len);
	manifest_free(m);
	manifest_free(back);
	buf_free(&a);
	buf_free(&b);
}

static void refuse(const char *text, const char *why)
{
	struct manifest *m = NULL;
	struct err err = { 0 };

	assert_int_equal(manifest_parse(text, strlen(text), &m, &err), RC_FAILED);
	assert_null(m);
	assert_int_equal(err.kind, ERR_DATA);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

#define HEAD "{\"v\":1,\"type\":\"study\",\"study_uid\":\"1.2\",\"objects\":1,\"documents\":0}\n"
#define SHA  "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define OBJECT "{\"type\":\"object\",\"n\":1,\"sha256\":" SHA ",\"bytes\":1}\n"

static void bad_ones(void **state)
{
	struct manifest *m = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(manifest_parse(HEAD OBJECT, strlen(HEAD OBJECT), &m, &err), RC_OK);
	manifest_free(m);
	refuse("", "empty");
	refuse(HEAD, "lists 0 objects");
	refuse(HEAD OBJECT OBJECT, "number 1 is not after 1");
	refuse("{\"v\":2,\"type\":\"study\",\"study_uid\":\"1.2\"}\n", "version 2");
	refuse("{\"v\":1,\"type\":\"overlay\"}\n", "not the header");
	refuse("{\"v\":1,\"type\":\"papers\",\"study_uid\":\"1.2\"}\n", "papers have none");
	refuse(HEAD "{\"type\":\"object\",\"n\":0,\"sha256\":" SHA "}\n", "number 0");
	refuse(HEAD "{\"type\":\"object\",\"n\":1,\"sha256\":\"xyz\"}\n", "not a SHA-256");
	refuse(HEAD "{\"type\":\"object\",\"n\":1,\"bytes\":-1,\"sha256\":" SHA "}\n", "out of range");
	refuse(HEAD "{\"type\":\"other\"}\n", "neither object nor document");
	refuse(HEAD "{\"type\":\"object\",\"n\":1", "ends early");
	refuse(HEAD "{\"type\":\"object\",\"n\":1,\"sop_uid\":\"11111111111111111111111111111111111111111111111111111"
	    "1111111111111111\",\"sha256\":" SHA "}\n", "longer than 64");
}

/* Every prefix is refused, none crashes: what a torn file can be. */
static void cut_anywhere(void **state)
{
	struct buf a = BUF_INIT(0);
	struct manifest *m = sample(), *back = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(manifest_write(m, &a, &err), RC_OK);
	for (size_t i = 0; i < a.len; i++) {
		assert_int_not_equal(manifest_parse(a.data, i, &back, &err), RC_OK);
		assert_null(back);
	}
	manifest_free(m);
	buf_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(bad_ones), cmocka_unit_test(cut_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
