/* Links of the OHIF viewer, and the manifests that they name. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "source/ohif.h"

static void
test_address(void **state)
{
	static const struct { const char *link, *want; } v[] = {
		{ "https://v.example/viewer/dicomjson?url=https://h.example/m.json", "https://h.example/m.json" },
		{ "https://v.example/viewer/dicomjson/?a=b&url=https%3A%2F%2Fh.example%2Fm.json%3Ft%3D1",
		    "https://h.example/m.json?t=1" },
		{ "https://v.example/ohif/viewer?url=../studies/7/ohif-dicom-json", "https://v.example/studies/7/ohif-dicom-json" },
		{ "https://v.example/viewer?StudyInstanceUIDs=1.2.3", NULL },
		{ "https://v.example/viewer/dicomjson", NULL }, { "https://v.example/viewer?url=https://h.example/page", NULL },
		{ "https://v.example/review?url=https://h.example/m.json", NULL },
		{ "https://v.example/?url=https://h.example/m.json", NULL },
	};
	struct err err = { 0 };
	char *got = NULL;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++, free(got)) {
		assert_int_equal(ohif_address(v[i].link, &got, &err), RC_OK);
		if (v[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, v[i].want);
	}
	assert_int_not_equal(ohif_address("https://v.example/viewer/dicomjson?url=https://u:p@h.example/", &got, &err), RC_OK);
	assert_null(got);
}

static int
parse(const char *text, struct ohif *o, struct err *err)
{
	json_t *j = NULL;
	int rc = RC_OK;

	assert_int_equal(json_parse(text, strlen(text), &j, err), RC_OK);
	rc = ohif_parse(j, "https://h.example/a/m.json", o, err);
	json_decref(j);
	return rc;
}

static void
test_manifest(void **state)
{
	struct ohif o;
	struct err err = { 0 };
	const struct source_offer *f = NULL;

	(void)state;
	assert_int_equal(parse("{\"studies\":[{\"StudyInstanceUID\":\"1.2.3\",\"StudyDate\":\"20260901\",\"PatientName\":"
	    "[{\"Alphabetic\":\"Muster^Eva\"}],\"PatientID\":4711,\"PatientSex\":\"F\","
	    "\"AccessionNumber\":\"A1\",\"more\":{},\"series\":[{\"SeriesInstanceUID\":\"1.2.3.1\",\"Modality\":\"CT\","
	    "\"instances\":["
	    "{\"metadata\":{\"SOPInstanceUID\":\"1.2.3.1.1\",\"PatientBirthDate\":\"19700101\",\"PatientSex\":\"O\"},"
	    "\"url\":\"dicomweb:https://s.example/1.dcm?sig=x\"},"
	    "{\"metadata\":{\"SOPInstanceUID\":\"1.2.3.1.2\"},\"url\":\"wadouri:2.dcm?frame=1\"},"
	    "{\"metadata\":{\"SOPInstanceUID\":\"1.2.3.1.2\"},\"url\":\"wadouri:2.dcm?frame=2\"}]},"
	    "{\"SeriesInstanceUID\":\"1.2.3.2\",\"Modality\":\"SR\",\"instances\":[{\"SOPInstanceUID\":\"1.2.3.2.1\","
	    "\"url\":\"wadors:https://s.example/instances/1.2.3.2.1/frames/1\"}]}]},"
	    "{\"StudyInstanceUID\":\"1.2.4\",\"series\":[]},"
	    "{\"StudyInstanceUID\":\"1.2.3\",\"series\":[{\"instances\":["
	    "{\"SOPInstanceUID\":\"1.2.3.3.1\",\"url\":\"/x?f=1&frame=3\"}]}]}"
	    "]}", &o, &err), RC_OK);
	assert_int_equal(o.n, 2);
	f = &o.v[0].offer;
	assert_string_equal(f->study_uid, "1.2.3");
	assert_string_equal(f->patient_name, "Muster^Eva");
	assert_string_equal(f->patient_id, "4711");
	assert_string_equal(f->patient_sex, "F");
	assert_string_equal(f->patient_birth, "19700101");
	assert_string_equal(f->date, "20260901");
	assert_string_equal(f->modalities, "CT\\SR");
	assert_string_equal(f->accession, "A1");
	assert_int_equal(f->files, 4);
	assert_int_equal(o.v[0].list.listed, 4);
	assert_string_equal(o.v[0].list.v[0].url, "https://s.example/1.dcm?sig=x");
	assert_string_equal(o.v[0].list.v[0].series, "1.2.3.1");
	assert_string_equal(o.v[0].list.v[1].url, "https://h.example/a/2.dcm");
	assert_string_equal(o.v[0].list.v[2].url, "https://s.example/instances/1.2.3.2.1");
	assert_string_equal(o.v[0].list.v[3].url, "https://h.example/x?f=1");
	assert_int_equal(o.v[1].offer.files, 0);
	ohif_free(&o);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"{}", "[]", "{\"studies\":[]}", "{\"studies\":{}}", "{\"studies\":[7]}",
		"{\"studies\":[{\"StudyInstanceUID\":\"x\"}]}",
		"{\"studies\":[{\"StudyInstanceUID\":\"1.2\",\"series\":[{\"instances\":[{\"url\":\"https://h/a\"}]}]}]}",
		"{\"studies\":[{\"StudyInstanceUID\":\"1.2\",\"series\":[{\"instances\":[{\"SOPInstanceUID\":\"1.2.3\"}]}]}]}",
		("{\"studies\":[{\"StudyInstanceUID\":\"1.2\",\"series\":[{\"instances\":["
		    "{\"SOPInstanceUID\":\"1.2.3\",\"url\":\"https://u:SECRET@h/\"}]}]}]}")
	};
	struct ohif o;
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		if (parse(bad[i], &o, &err) == RC_OK)
			fail_msg("%s", bad[i]);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_null(strstr(err.text, "SECRET"));
		assert_int_equal(o.n, 0);
	}
}

static void
test_proxy(void **state)
{
	static const char *const bad_links[] = { "https://v/viewer/dicomwebproxy?url=/c", "https://v/?StudyInstanceUIDs=",
		"https://v/?StudyInstanceUIDs=1.2,x", "https://v/?StudyInstanceUIDs=1.2,1.3,1.4",
		"https://v/?StudyInstanceUIDs=1.2%26a=b" };
	static const char *const bad[] = { "{}", "[]", "{\"servers\":{\"dicomWeb\":[]}}",
		"{\"servers\":{\"dicomWeb\":[{\"qidoRoot\":\"/q\"}]}}",
		"{\"servers\":{\"dicomWeb\":[{\"qidoRoot\":\"/q\",\"wadoRoot\":\"/w?a=b\"}]}}",
		"{\"servers\":{\"dicomWeb\":[{\"qidoRoot\":\"/q\",\"wadoRoot\":\"https://u:p@h/w\"}]}}" };
	struct err err = { 0 };
	char *asks[2] = { NULL }, *qido = NULL, *wado = NULL;
	json_t *j = NULL;
	size_t n = 0, i = 0;

	(void)state;
	assert_int_equal(ohif_asks("https://v/viewer/dicomwebproxy?StudyInstanceUIDs=1.2.3%2C1.2.4&url=/c", asks, 2, &n,
	    &err), RC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(asks[0], "StudyInstanceUID=1.2.3");
	assert_string_equal(asks[1], "StudyInstanceUID=1.2.4");
	free(asks[0]);
	free(asks[1]);
	for (i = 0; i < sizeof(bad_links) / sizeof(bad_links[0]); i++) {
		assert_int_not_equal(ohif_asks(bad_links[i], asks, 2, &n, &err), RC_OK);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		while (n > 0)
			free(asks[--n]);
	}
	j = json_loads("{\"servers\":{\"dicomWeb\":[{\"qidoRoot\":\"https://q.example/rs\",\"wadoRoot\":\"/w/\"}]}}", 0, NULL);
	assert_int_equal(ohif_parse_roots(j, "https://h.example/c.json", &qido, &wado, &err), RC_OK);
	assert_string_equal(qido, "https://q.example/rs");
	assert_string_equal(wado, "https://h.example/w/");
	free(qido);
	free(wado);
	json_decref(j);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		j = json_loads(bad[i], 0, NULL);
		if (ohif_parse_roots(j, "https://h.example/c.json", &qido, &wado, &err) == RC_OK)
			fail_msg("%s", bad[i]);
		assert_null(qido);
		assert_null(wado);
		json_decref(j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address), cmocka_unit_test(test_manifest), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
