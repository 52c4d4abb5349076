/* SMART Health Links: links, lists, and what is in the files (FHIR). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "source/link.h"
#include "source/shl.h"

#define KEY	"rxTgYlOaKJPFtcEd0qcceN8wEU4p94SqAwIWQe6uX7Q"

static char *
link_of(const char *json)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static char out[8192];
	size_t n = strlen(json), i = 0, at = 0;
	unsigned v = 0, left = 0;

	at = (size_t)snprintf(out, sizeof(out), "shlink:/");
	for (i = 0; i < n; i++) {
		v = v << 8 | (unsigned char)json[i];
		for (left += 8; left >= 6; left -= 6)
			out[at++] = set[v >> (left - 6) & 63];
	}
	if (left > 0)
		out[at++] = set[v << (6 - left) & 63];
	out[at] = '\0';
	return out;
}

static void
test_good(void **state)
{
	struct err err = { 0 };
	struct shl_link l;
	char *viewer = NULL;

	(void)state;
	assert_int_equal(shl_link_parse(link_of("{\"url\":\"https://h.example/a\",\"key\":\"" KEY "\",\"exp\":1700000000,"
	    "\"flag\":\"LP\",\"label\":\"x\",\"v\":1,\"more\":{},\"_x\":1}"), &l, &err), RC_OK);
	assert_string_equal(l.url, "https://h.example/a");
	assert_int_equal(l.exp, 1700000000);
	assert_true(l.passcode);
	assert_false(l.direct);
	assert_int_equal(l.key[0], 0xaf);
	shl_link_free(&l);
	/* as seen: milliseconds as text, an unknown flag, a viewer before it */
	assert_true(asprintf(&viewer, "https://v.example/view?x=1#%s", link_of("{\"url\":\"https://h.example/a?b=c\","
	    "\"key\":\""
	    KEY "\",\"exp\":\"1767225600000\",\"flag\":\"UZ\"}")) > 0);
	assert_int_equal(shl_link_parse(viewer, &l, &err), RC_OK);
	assert_int_equal(l.exp, 1767225600);
	assert_true(l.direct);
	assert_false(l.passcode);
	shl_link_free(&l);
	free(viewer);
	assert_int_equal(shl_link_parse(link_of("{\"url\":\"https://h/a\",\"key\":\"" KEY "\",\"exp\":"
	    "\"soon\"}"), &l, &err), RC_OK);
	assert_int_equal(l.exp, -1);
	shl_link_free(&l);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"{\"url\":\"https://h/a\",\"key\":\"" KEY "\",\"flag\":\"PU\"}", "{\"url\":\"https://h/a\",\"key\":\"short\"}",
		"{\"url\":\"https://h/a\"}", "{\"key\":\"" KEY "\"}", "[1]", "no json", "{\"url\":\"ftp://h/a\",\"key\":"
	    "\"" KEY "\"}",
		"{\"url\":\"https://user:pw@h/a\",\"key\":\"" KEY "\"}", "{\"url\":\"https://h/a\",\"key\":\"" KEY "\",\"v\":2}",
		"{\"url\":\"https://h/a\",\"key\":\"" KEY "\",\"flag\":7}", "{\"url\":\"https://h/a\",\"key\":\"" KEY "A\"}",
		"{\"url\":\"https://h/12345678901234567890123456789012345678901234567890123456789012345678"
		    "901234567890123456789012345678901234567890123456789012345678901234567890\",\"key\":\"" KEY "\"}",
	};
	struct err err = { 0 };
	struct shl_link l;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		if (shl_link_parse(link_of(bad[i]), &l, &err) == RC_OK)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_null(l.url);
		assert_null(strstr(err.text, KEY));
		assert_null(strstr(err.text, "h/a"));
	}
	assert_int_not_equal(shl_link_parse("shlink:/", &l, &err), RC_OK);
	assert_int_not_equal(shl_link_parse("shlink:/e!", &l, &err), RC_OK);
	assert_null(shl_payload("https://h/#other"));
}

/* The memory of links knows it by its address, however it is written. */
static void
test_key(void **state)
{
	char host[64], *a = NULL, *b = NULL, *copy = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(link_key(link_of("{\"url\":\"https://H.example/a\",\"key\":\"" KEY "\",\"label\":"
	    "\"one\"}"), &a, &err), RC_OK);
	copy = text_dup(link_of("{\"key\":\"" KEY "\",\"url\":\"https://h.example:443/a\"}"), &err);
	assert_int_equal(link_key(copy, &b, &err), RC_OK);
	assert_string_equal(a, b);
	link_host(copy, host, sizeof(host));
	assert_string_equal(host, "h.example");
	link_host(a, host, sizeof(host));
	assert_string_equal(host, "h.example");
	assert_null(link_warning(copy, 1700000001));
	assert_non_null(link_warning(link_of("{\"url\":\"https://h/a\",\"key\":\"" KEY "\",\"exp\":"
	    "1700000000}"), 1700000001));
	free(copy);
	free(a);
	free(b);
}

static void
test_manifest(void **state)
{
	static const char good[] = "{\"files\":[{\"contentType\":\"application/fhir+json\",\"location\":\"https://h/1\"},"
	    "{\"contentType\":\"x\",\"embedded\":\"e\",\"location\":\"https://h/2\"}],\"list\":{}}";
	static const char *const bad[] = { "{}", "[]", "{\"files\":{}}", "{\"files\":[{}]}", "{\"files\":[1]}", "x", "" };
	struct err err = { 0 };
	struct shl_manifest m;
	size_t i = 0;

	(void)state;
	assert_int_equal(shl_manifest_parse(good, strlen(good), &m, &err), RC_OK);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].location, "https://h/1");
	assert_string_equal(m.v[1].embedded, "e");
	assert_null(m.v[1].location);	/* one that may be used once stays unused */
	shl_manifest_free(&m);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		assert_int_not_equal(shl_manifest_parse(bad[i], strlen(bad[i]), &m, &err), RC_OK);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(m.n, 0);
	}
	assert_int_equal(shl_attempts("{\"remainingAttempts\":2}", 23), 2);
	assert_int_equal(shl_attempts("Incorrect passcode", 18), -1);
	assert_int_equal(shl_attempts("{\"remainingAttempts\":-1}", 24), -1);
	assert_int_equal(shl_attempts(NULL, 0), -1);
}

static void
contents(const char *type, const char *text, struct shl_docs *ds)
{
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);

	memset(ds, 0, sizeof(*ds));
	assert_int_equal(buf_puts(&b, text, &err), RC_OK);
	if (shl_contents(type, &b, ds, &err) != RC_OK)
		fail_msg("%s", err.text);
	assert_null(b.data);
}

#define PATIENT "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":" \
    "\"female\"," \
    "\"birthDate\":\"1970-01-02\",\"identifier\":[{\"value\":\"other\"},{\"type\":{\"coding\":[{\"code\":" \
    "\"MR\"}]},\"value\":\"4711\"}]," \
    "\"name\":[{\"use\":\"maiden\",\"family\":\"Alt\"},{\"use\":\"official\",\"family\":\"Muster\",\"given\":" \
    "[\"Eva\",\"Maria\"]}]}}"
#define OTHER "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"q\",\"birthDate\":\"2020\",\"name\":[{" \
    "\"text\":\"Kind\"}]}}"
#define BUNDLE(entries) "{\"resourceType\":\"Bundle\",\"entry\":[" entries "]}"
#define PDF64 "JVBERi0xLjQKJSVFT0YK"

static void
test_documents(void **state)
{
	struct shl_docs ds;

	(void)state;
	contents("", BUNDLE(PATIENT ",{\"resource\":{\"resourceType\":\"DocumentReference\",\"date\":\"2026-09-01T10:"
	    "00:00Z\","
	    "\"type\":{\"text\":\"Letter\"},\"content\":[{\"attachment\":{\"contentType\":\"application/pdf\",\"data\":"
	    "\"" PDF64 "\"}},"
	    "{\"attachment\":{\"data\":\"!!!\"}},{\"attachment\":{\"url\":\"https://elsewhere/1\"}},{\"attachment\":{"
	    "\"title\":\"t\"}}]}},"
	    "{\"resource\":{\"resourceType\":\"DiagnosticReport\",\"issued\":\"2026-08-01\",\"presentedForm\":[{"
	    "\"url\":\"Binary/b\"}]}},"
	    "{\"resource\":{\"resourceType\":\"Binary\",\"id\":\"b\",\"contentType\":\"text/plain\",\"data\":"
	    "\"aGVsbG8=\"}}"), &ds);
	assert_int_equal(ds.n, 5);
	assert_memory_equal(ds.v[0].data, "%PDF-1.4\n%%EOF\n", 15);
	assert_int_equal(ds.v[0].len, 15);
	assert_string_equal(ds.v[0].offer.media, "application/pdf");
	assert_string_equal(ds.v[0].offer.description, "Letter");
	assert_string_equal(ds.v[0].offer.date, "20260901");
	assert_string_equal(ds.v[0].offer.patient_name, "Muster^Eva Maria");
	assert_string_equal(ds.v[0].offer.patient_birth, "19700102");
	assert_string_equal(ds.v[0].offer.patient_id, "4711");
	assert_string_equal(ds.v[0].offer.patient_sex, "F");
	assert_true(ds.v[0].offer.document);
	assert_null(ds.v[1].data);	/* broken base64 */
	assert_non_null(ds.v[1].elsewhere);
	assert_null(ds.v[2].data);
	assert_memory_equal(ds.v[3].data, "hello", 5);
	assert_string_equal(ds.v[3].offer.media, "text/plain");
	assert_string_equal(ds.v[4].offer.media, "application/fhir+json");
	assert_string_equal(ds.v[4].offer.patient_birth, "19700102");
	shl_docs_free(&ds);
}

/* Of two people in one file none is guessed. */
static void
test_two_patients(void **state)
{
	struct shl_docs ds;

	(void)state;
	contents("", BUNDLE(PATIENT "," OTHER ",{\"resource\":{\"resourceType\":\"DocumentReference\",\"subject\":{"
	    "\"reference\":\"Patient/q\"},"
	    "\"content\":[{\"attachment\":{\"data\":\"" PDF64 "\"}}]}}"), &ds);
	assert_int_equal(ds.n, 2);
	assert_string_equal(ds.v[0].offer.patient_name, "Kind");
	assert_string_equal(ds.v[0].offer.patient_birth, "");	/* a year is no birth date */
	assert_null(ds.v[1].offer.patient_name);
	shl_docs_free(&ds);
	contents("", BUNDLE(PATIENT "," OTHER ",{\"resource\":{\"resourceType\":\"Composition\",\"title\":\"IPS\","
	    "\"subject\":{\"reference\":\"urn:uuid:1\"}}}"), &ds);
	assert_string_equal(ds.v[0].offer.patient_name, "Muster^Eva Maria");
	assert_string_equal(ds.v[0].offer.description, "IPS");
	shl_docs_free(&ds);
}

static void
test_imaging(void **state)
{
	struct shl_docs ds;

	(void)state;
	contents("", BUNDLE(PATIENT ",{\"resource\":{\"resourceType\":\"ImagingStudy\",\"started\":\"2026-09-01\","
	    "\"numberOfInstances\":7,"
	    "\"identifier\":[{\"system\":\"x\",\"value\":\"1.2\"},{\"system\":\"urn:dicom:uid\",\"value\":\"urn:oid:"
	    "1.2.3\"}],"
	    "\"endpoint\":[{\"reference\":\"Endpoint/e\"}],\"modality\":[{\"code\":\"CT\"}],"
	    "\"series\":[{\"modality\":{\"code\":\"CT\"}},{\"modality\":{\"coding\":[{\"code\":\"SR\"}]}}]}},"
	    "{\"resource\":{\"resourceType\":\"Endpoint\",\"id\":\"e\",\"connectionType\":{\"code\":\"dicom-wado-rs\"},"
	    "\"address\":\"https://p/wado\"}}"), &ds);
	assert_int_equal(ds.n, 2);
	assert_string_equal(ds.v[0].offer.study_uid, "1.2.3");
	assert_string_equal(ds.v[0].offer.modalities, "CT\\SR");
	assert_string_equal(ds.v[0].offer.date, "20260901");
	assert_int_equal(ds.v[0].offer.files, 7);
	assert_string_equal(ds.v[0].endpoint, "https://p/wado");
	assert_false(ds.v[0].offer.document);
	assert_null(ds.v[0].data);
	shl_docs_free(&ds);
}

static void
test_other_files(void **state)
{
	struct shl_docs ds;
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);

	(void)state;
	contents("application/smart-health-card", "{\"verifiableCredential\":[\"a.b.c\"]}", &ds);
	assert_string_equal(ds.v[0].offer.media, "application/smart-health-card");
	assert_non_null(ds.v[0].data);
	shl_docs_free(&ds);
	contents("application/smart-api-access", "{\"access_token\":\"tok\"}", &ds);
	assert_null(ds.v[0].data);	/* a token is not kept */
	assert_non_null(ds.v[0].elsewhere);
	shl_docs_free(&ds);
	contents("application/fhir+json", "%PDF-1.4 what it really is", &ds);
	assert_string_equal(ds.v[0].offer.media, "application/pdf");
	shl_docs_free(&ds);
	contents("", BUNDLE("1,{},{\"resource\":[]},{\"resource\":{\"resourceType\":\"ImagingStudy\"}},"
	    "{\"resource\":{\"resourceType\":\"DiagnosticReport\",\"presentedForm\":7}}"), &ds);
	assert_int_equal(ds.n, 2);
	shl_docs_free(&ds);
	memset(&ds, 0, sizeof(ds));
	assert_int_not_equal(shl_contents("", &b, &ds, &err), RC_OK);
	assert_int_equal(ds.n, 0);
}

/* What HL7 publishes: a link in the wild, and its payload with milliseconds as text. */
static void
test_hl7(void **state)
{
	const char *corpus = getenv("CORPUS");
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	struct shl_link l;
	struct shl_manifest m;
	char path[4096];

	(void)state;
	if (corpus == NULL || corpus[0] == '\0')
		return;
	snprintf(path, sizeof(path), "%s/xml-json/smart-health-links/IPS_IG-bundle-01-shl.txt", corpus);
	assert_int_equal(io_slurp(AT_FDCWD, path, &b, &err), RC_OK);
	text_trim(b.data);
	assert_int_equal(shl_link_parse(b.data, &l, &err), RC_OK);
	assert_true(l.direct);
	shl_link_free(&l);
	buf_clear(&b);
	snprintf(path, sizeof(path), "%s/xml-json/smart-health-links/shl-payload-1.json", corpus);
	assert_int_equal(io_slurp(AT_FDCWD, path, &b, &err), RC_OK);
	assert_int_equal(shl_link_parse(link_of(b.data), &l, &err), RC_OK);
	assert_int_equal(l.exp, 1767225600);
	assert_true(l.passcode);
	shl_link_free(&l);
	buf_clear(&b);
	snprintf(path, sizeof(path), "%s/xml-json/smart-health-links/shl-manifest-1.json", corpus);
	assert_int_equal(io_slurp(AT_FDCWD, path, &b, &err), RC_OK);
	assert_int_equal(shl_manifest_parse(b.data, b.len, &m, &err), RC_OK);
	assert_int_equal(m.n, 3);
	shl_manifest_free(&m);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_key),
		cmocka_unit_test(test_manifest), cmocka_unit_test(test_documents), cmocka_unit_test(test_two_patients),
		cmocka_unit_test(test_imaging), cmocka_unit_test(test_other_files), cmocka_unit_test(test_hl7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
