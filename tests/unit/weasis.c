/* Weasis manifests and links, and requests of WADO-URI. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "source/link.h"
#include "source/wadouri.h"
#include "source/weasis.h"

#define ARCHIVE "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- made by hand -->\n" \
	"<manifest xmlns=\"http://www.weasis.org/xsd/2.5\">\n" \
	"<arcQuery arcId=\"1\" baseUrl=\"https://pacs.example/wado\" webLogin=\"dXNlcjpwYXNz\" " \
	"additionnalParameters=\"&amp;t=a%20b\">" \
	"<httpTag key=\"X-Ticket\" value=\"tick-1\"/>\n"
#define PATIENT "<Patient PatientID=\"P&lt;1\" " \
	"PatientName=\"M&#252;ller^J\xc3\xb6rg\" PatientBirthDate=\"19700101\" PatientSex=\"M\">"
#define STUDY "<Study StudyInstanceUID=\"1.2.3\" " \
	"StudyDate=\"20260901\" StudyDescription=\"CT &amp; more\" AccessionNumber=\"A1\">"
#define SERIES(n, m) "<Series SeriesInstanceUID=\"1.2.3." #n "\" Modality=\"" m "\">"
#define OBJECT(uid) "<Instance SOPInstanceUID=\"" uid "\" InstanceNumber=\"1\"/>"
#define END "</Study></Patient></arcQuery></manifest>"

static int
parse(const char *xml, struct weasis *w, struct err *err)
{
	err_clear(err);
	return weasis_parse(xml, strlen(xml), w, err);
}

static void
manifests(void **state)
{
	static const char whole[] = ARCHIVE PATIENT STUDY SERIES(1, "CT") OBJECT("1.2.3.1.1") OBJECT("1.2.3.1.2")
	    OBJECT("1.2.3.1.2") "</Series>" SERIES(2, "SR") OBJECT("1.2.3.2.1") "</Series>" SERIES(3, "CT")
	    "<Instance sopinstanceuid='1.2.3.3.1' DirectDownloadFile='/a b/\xc3\xa9.dcm'/></Series>" END;
	struct weasis w;
	struct err err = { 0 };
	const struct source_offer *o = NULL;
	char *url = NULL;

	(void)state;
	assert_true(weasis_is(whole, strlen(whole)));
	assert_int_equal(parse(whole, &w, &err), RC_OK);
	assert_int_equal(w.narchives, 1);
	assert_string_equal(w.archives[0].base, "https://pacs.example/wado");
	assert_string_equal(w.archives[0].extra, "&t=a%20b");
	assert_int_equal(w.archives[0].nheaders, 2);
	assert_string_equal(w.archives[0].headers[0], "Authorization: Basic dXNlcjpwYXNz");
	assert_string_equal(w.archives[0].headers[1], "X-Ticket: tick-1");
	assert_int_equal(w.nstudies, 1);
	o = &w.studies[0].offer;
	assert_string_equal(o->study_uid, "1.2.3");
	assert_string_equal(o->date, "20260901");
	assert_string_equal(o->description, "CT & more");
	assert_string_equal(o->accession, "A1");
	assert_string_equal(o->modalities, "CT\\SR");
	assert_string_equal(o->patient_name, "M\xc3\xbcller^J\xc3\xb6rg");
	assert_string_equal(o->patient_id, "P<1");
	assert_string_equal(o->patient_birth, "19700101");
	assert_string_equal(o->patient_sex, "M");
	assert_int_equal(o->files, 4);	/* the one that stands there twice counts once */
	assert_int_equal(w.studies[0].list.listed, 4);
	assert_string_equal(w.studies[0].list.v[2].series, "1.2.3.2");
	assert_null(w.studies[0].list.v[2].url);
	assert_string_equal(w.studies[0].list.v[3].url, "https://pacs.example/wado/a%20b/%C3%A9.dcm");
	assert_int_equal(wadouri_object(w.archives[0].base, "1.2.3", &w.studies[0].list.v[0], w.archives[0].extra, &url,
	    &err), RC_OK);
	assert_string_equal(url, "https://pacs.example/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.1&objectUID="
	    "1.2.3.1.1&contentType=application/dicom&t=a%20b");
	free(url);
	assert_int_equal(wadouri_object("https://h/w?site=1", "1.2.3", &w.studies[0].list.v[0], "k=v", &url, &err), RC_OK);
	assert_string_equal(url, "https://h/w?site=1&requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.1&objectUID=1.2.3.1.1"
	    "&contentType=application/dicom&k=v");
	free(url);
	weasis_free(&w);
}

/* Version 1, several archives, how they are asked, and what a portal says when it failed. */
static void
dialects(void **state)
{
	struct weasis w;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse("<wado_query wadoURL='http://h/wado'><Patient><Study StudyInstanceUID='1.2'>"
	    "<Series SeriesInstanceUID='1.3'>"
	    OBJECT("1.4") "</Series></Study></Patient></wado_query>", &w, &err), RC_OK);
	assert_string_equal(w.archives[0].base, "http://h/wado");
	assert_int_equal(w.studies[0].list.listed, 1);
	assert_null(w.studies[0].offer.patient_name);
	weasis_free(&w);
	assert_int_equal(parse("<manifest><arcQuery baseUrl='https://a/' queryMode='DICOM_WEB'><Patient PatientID='1'><Study "
	    "StudyInstanceUID='1.2'/></Patient></arcQuery><arcQuery baseUrl='https://b/' queryMode='DICOM'><Patient><Study "
	    "StudyInstanceUID='1.3'/></Patient></arcQuery></manifest>", &w, &err), RC_OK);
	assert_int_equal(w.nstudies, 2);
	assert_int_equal(w.archives[w.studies[0].archive].mode, WEASIS_DICOMWEB);
	assert_int_equal(w.archives[w.studies[1].archive].mode, WEASIS_DIMSE);
	assert_int_equal(w.studies[0].offer.files, -1);
	assert_null(w.studies[1].offer.patient_id);
	weasis_free(&w);
	assert_int_equal(parse("<manifest><arcQuery baseUrl='https://a/'><Message title='x' severity='ERROR'/></arcQuery>"
	    "</manifest>", &w, &err), RC_OK);
	assert_true(w.failed);
	weasis_free(&w);
}

static void
hostile(void **state)
{
	static const struct { const char *xml, *says; } bad[] = {
		{ "<!DOCTYPE manifest [<!ENTITY a 'aaaa'>]><manifest/>", "DOCTYPE" },
		{ "<!DOCTYPE manifest SYSTEM 'file:///etc/passwd'><manifest/>", "DOCTYPE" },
		{ "<manifest><arcQuery baseUrl='&a;'/></manifest>", "not whole, or no XML" },
		{ "<other/>", "is none" },
		{ "<manifest><arcQuery baseUrl='https://a/'>", "not whole" },
		{ "<manifest><arcQuery/></manifest>", "where its objects are" },
		{ "<manifest><arcQuery baseUrl='https://a/&#10;x'/></manifest>", "where its objects are" },
		{ "<manifest><arcQuery baseUrl='https://a/'><httpTag key='A' value='b&#13;&#10;Host: c'/>"
		    "</arcQuery></manifest>", "header" },
		{ "<manifest><arcQuery baseUrl='https://a/'><httpTag key='A: b' value='c'/></arcQuery></manifest>", "header" },
		{ "<manifest><Patient><Study StudyInstanceUID='1.2'/></Patient></manifest>", "without a UID" },
		{ ARCHIVE PATIENT "<Study StudyInstanceUID='1.2/../3'/></Patient></arcQuery></manifest>", "without a UID" },
		{ ARCHIVE PATIENT STUDY SERIES(1, "CT") "<Instance SOPInstanceUID='../../x'/></Series>" END, "without a UID" },
		{ ARCHIVE PATIENT STUDY "<Instance SOPInstanceUID='1.2'/>" END, "without a UID" },
		{ "<manifest><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
		    "</a></a></manifest>", "nested deeper" },
	};
	struct weasis w;
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(parse(bad[i].xml, &w, &err), RC_OK);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		if (strstr(err.text, bad[i].says) == NULL)
			fail_msg("%zu: %s", i, err.text);
	}
	assert_int_not_equal(weasis_parse("", 0, &w, &err), RC_OK);
	/* headers that are HTTP's own are passed over */
	assert_int_equal(parse("<manifest><arcQuery baseUrl='https://a/'><httpTag key='Host' value='b'/>"
	    "<httpTag key='X' value='y'/></arcQuery></manifest>", &w, &err), RC_OK);
	assert_int_equal(w.archives[0].nheaders, 1);
	weasis_free(&w);
	assert_false(weasis_is("<html><body><manifest/>", 22));
	assert_false(weasis_is("<manifesto/>", 12));
	assert_false(weasis_is("<!-- <manifest", 14));
	assert_false(weasis_is("{\"manifest\":1}", 14));
	assert_true(weasis_is("\xef\xbb\xbf <?xml version='1.0'?><wado_query\n", 37));
}

/* gzip is known by its bytes; one that unpacks to too much is refused while it unpacks. */
static void
packed(void **state)
{
	static const char xml[] = ARCHIVE PATIENT STUDY SERIES(1, "CT") OBJECT("1.2.3.1.1") "</Series>" END;
	static char blanks[65536];
	size_t cap = (size_t)1 << 20, n = 0;
	unsigned char *out = malloc(cap);
	z_stream z = { 0 };
	struct weasis w;
	struct err err = { 0 };
	int i = 0;

	(void)state;
	assert_non_null(out);
	for (i = 0; i < 2; i++) {	/* as it is, then with 49 MB of blanks behind the root's name */
		memset(&z, 0, sizeof(z));
		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_out = out;
		z.avail_out = (unsigned)cap;
		if (i == 1) {
			memset(blanks, ' ', sizeof(blanks));
			z.next_in = (Bytef *)(uintptr_t)"<manifest>";
			z.avail_in = 10;
			assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
			for (n = 0; n < 784; n++) {
				z.next_in = (Bytef *)blanks;
				z.avail_in = sizeof(blanks);
				assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
			}
		} else {
			z.next_in = (Bytef *)(uintptr_t)xml;
			z.avail_in = sizeof(xml) - 1;
		}
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		n = cap - z.avail_out;
		deflateEnd(&z);
		assert_true(weasis_is(out, n));
		if (i == 0) {
			assert_int_equal(weasis_parse(out, n, &w, &err), RC_OK);
			assert_int_equal(w.studies[0].list.listed, 1);
			weasis_free(&w);
			assert_int_not_equal(weasis_parse(out, n - 20, &w, &err), RC_OK);
			assert_non_null(strstr(err.text, "cannot be unpacked"));
		} else {
			assert_int_not_equal(weasis_parse(out, n, &w, &err), RC_OK);
			assert_non_null(strstr(err.text, "larger than is taken"));
		}
	}
	free(out);
}

static void
links(void **state)
{
	static const struct { const char *link, *is; } good[] = {
		{ "weasis://%24dicom%3Aget+-w+%22https%3A%2F%2Fh.example%2Fm.xml%3Ft%3Da%252Bb%22",
		    "https://h.example/m.xml?t=a%2Bb" },
		{ "weasis://?%24dicom%3Aget%20-w%20https%3A%2F%2Fh%2Fm", "https://h/m" },
		{ "weasis://%24dicom%3Aget+-w+%22https%3A%2F%2Fh%2Fm%22+%24weasis%3Aconfig+cdb%3D%22https%3A%2F%2Fh%2Fv+2%22"
		    "+pro%3D%22a+b%22",
		    "https://h/m" },
		{ "weasis://%24weasis%3Aconfig+arg%3Dx+%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm", "https://h/m" },
		{ "weasis://%24dicom%3Ars+--url+%22https%3A%2F%2Fh%2Fdicom-web%22+-r+%22studyUID%3D1.2.3%22"
		    "+%24weasis%3Aconfig+pro%3Dx",
		    "https://h/dicom-web?StudyInstanceUIDs=1.2.3" },
		{ "WEASIS:$dicom:get -r 'https://h/a.dcm'", "https://h/a.dcm" },
		{ "weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm%3Fq%3D1%2B2", "https://h/m?q=1+2" },
	};
	static const char *const bad[] = { "weasis://", "weasis://%24dicom", "weasis://%24dicom%3Aget+-w",
	    "weasis://%24dicom%3Aget+-w+%22https",
	    "weasis://%24dicom%3Aget+-w+file%3A%2F%2F%2Fetc%2Fpasswd", "weasis://%24dicom%3Aget+-l+%2Fetc", "weasis://%",
	    "weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm+-w+https%3A%2F%2Fh%2Fn",
	    "weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm%00",
	    "weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm+%24dicom%3Aget+-r+https%3A%2F%2Fh%2Fn",
	    "weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm+%24image%3Aget+x", "weasis://%24dicom%3Aget+-w+%24weasis%3Aconfig",
	    "weasis://https%3A%2F%2Fh%2Fm", "weasis://%24dicom%3Aget+https%3A%2F%2Fh%2Fm",
	    "weasis://%24dicom%3Ars+--url+https%3A%2F%2Fh", "weasis://%24dicom%3Ars+-r+studyUID%3D1.2.3",
	    "weasis://%24dicom%3Ars+--url+https%3A%2F%2Fh+-r+studyUID%3Dx",
	    "weasis://%24dicom%3Ars+--url+https%3A%2F%2Fh+-r+patientID%3D1",
	    "weasis://%24dicom%3Ars+--url+https%3A%2F%2Fh+-r+studyUID%3D1.2+-H+%22Authorization%3A+Bearer+x%22",
	    "weasis://%24dicom%3Ars+--url+https%3A%2F%2Fh+-r+studyUID%3D1.2+-r+studyUID%3D1.3",
	    "https://h/?weasis://%24dicom%3Aget+-w+https%3A%2F%2Fh%2Fm" };
	struct err err = { 0 };
	char text[256], *out = NULL;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), " %s\r\n", good[i].link);
		link_clean(text);
		assert_string_equal(text, good[i].is);
		assert_int_equal(link_check(text, &err), RC_OK);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s", bad[i]);
		assert_false(weasis_link(text));
		assert_string_equal(text, bad[i]);
	}
	assert_int_not_equal(link_check(bad[0], &err), RC_OK);
	assert_non_null(strstr(err.text, "Weasis viewer"));
	assert_int_equal(wadouri_address("https://h/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3#x", &out,
	    &err), RC_OK);
	assert_string_equal(out, "https://h/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3"
	    "&contentType=application/dicom");
	free(out);
	assert_int_equal(wadouri_address("https://h/wado?requestType=WADO&objectUID=3&contentType=image/jpeg", &out,
	    &err), RC_OK);
	assert_null(out);
	assert_int_equal(wadouri_address("https://h/?x=WADO", &out, &err), RC_OK);
	assert_null(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests), cmocka_unit_test(dialects), cmocka_unit_test(hostile), cmocka_unit_test(packed),
		cmocka_unit_test(links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
