/* The JSON of DLX portals: what the standard says, what portals send, what nobody should. And where a package ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "source/dlx.h"
#include "source/pack.h"
#include "source/receive.h"

static json_t *
parse(const char *text)
{
	struct err err = { 0 };
	json_t *j = NULL;

	if (json_parse(text, strlen(text), &j, &err) != RC_OK)
		fail_msg("%s", err.text);
	return j;
}

struct info { char *base; struct source_question *q; size_t n; struct err err; };

static const char *language = "";

static int
info(const char *text, struct info *i)
{
	json_t *j = parse(text);
	int rc = RC_OK;

	memset(i, 0, sizeof(*i));
	rc = dlx_parse_info(j, language, &i->base, &i->q, &i->n, &i->err);
	json_decref(j);
	return rc;
}

static void
info_free(struct info *i)
{
	size_t k = 0;

	for (k = 0; k < i->n; k++)
		source_question_free(&i->q[k]);
	free(i->q);
	free(i->base);
}

static void
test_language(void **state)
{
	static const struct { const char *language, *want; } v[] = { { "de_DE", "Deutsch" }, { "de_AT", "AT" },
		{ "de", "Deutsch" },
		{ "fr_FR", "French" }, { "it_IT", "English" }, { "", "English" } };
	struct info i;
	size_t k = 0;

	(void)state;
	for (k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		language = v[k].language;
		assert_int_equal(info("{\"apiInfo\":[],\"tfaQuestion\":[{\"question\":[{\"text\":\"French\",\"language\":\"fr\"},"
		    "{\"text\":\"Deutsch\",\"language\":\"de\"},{\"text\":\"AT\",\"language\":\"de-AT\"},"
		    "{\"text\":\"English\",\"language\":\"en\"}],\"questionId\":\"1\",\"questionType\":\"UNHEARD_OF\"}]}",
		    &i), RC_OK);
		assert_string_equal(i.q[0].text, v[k].want);
		assert_string_equal(i.q[0].type, "UNHEARD_OF");
		info_free(&i);
	}
	language = "it";
	assert_int_equal(info("{\"apiInfo\":[],\"tfaQuestion\":[{\"question\":[{\"text\":\"Deutsch\",\"language\":\"de\"},7],"
	    "\"questionId\":\"1\"}]}", &i), RC_OK);
	assert_string_equal(i.q[0].text, "Deutsch");	/* the first, where English is not there */
	info_free(&i);
	language = "";
	assert_int_equal(dlx_attempts("{\"remainingAttempts\":3}", 23), 3);
	assert_int_equal(dlx_attempts("unauthorized", 12), -1);
}

static void
test_info(void **state)
{
	struct info i;

	(void)state;
	assert_int_equal(info("{\"apiInfo\":[{\"dlxVersion\":\"2.0\",\"apiBasePath\":\"https://h/v2\"},"
	    "{\"dlxVersion\":\"1.0\",\"apiBasePath\":\"https://h/v1\"}],\"tfaQuestion\":[{\"question\":[{\"text\":\"Geb?\","
	    "\"language\":\"de\"}],\"questionId\":\"1\",\"questionType\":\"PAT_BIRTH_DATE\",\"answerFormat\":\"DATE\"},"
	    "{\"question\":\"Wort\",\"questionId\":7,\"questionType\":\"custom\",\"answerFormat\":\"STRING\"}]}", &i), RC_OK);
	assert_string_equal(i.base, "https://h/v2");
	assert_int_equal(i.n, 2);
	assert_string_equal(i.q[0].id, "1");
	assert_string_equal(i.q[0].type, "PAT_BIRTH_DATE");
	assert_string_equal(i.q[0].text, "Geb?");
	assert_true(i.q[0].date);
	assert_string_equal(i.q[1].id, "7");
	assert_string_equal(i.q[1].type, "CUSTOM");
	assert_string_equal(i.q[1].text, "Wort");
	assert_false(i.q[1].date);
	info_free(&i);
	assert_int_equal(info("{\"apiInfo\":{\"apiBasePath\":\"/x\"},\"tfaQuestion\":{\"questionId\":1,"
	    "\"questionType\":\"STUDY_DATE\"},\"more\":[]}", &i), RC_OK);
	assert_string_equal(i.base, "/x");
	assert_int_equal(i.n, 1);
	assert_true(i.q[0].date);
	info_free(&i);
	assert_int_equal(info("{\"apiInfo\":[{}],\"tfaQuestion\":[]}", &i), RC_OK);
	assert_null(i.base);
	info_free(&i);
	assert_int_not_equal(info("{\"resourceType\":\"Bundle\"}", &i), RC_OK);
	assert_int_equal(i.err.kind, ERR_PROTOCOL);
	assert_int_not_equal(info("[1,2]", &i), RC_OK);
	assert_int_not_equal(info("{\"apiInfo\":[{}],\"tfaQuestion\":[{\"questionType\":\"CUSTOM\"}]}", &i), RC_OK);
	assert_int_not_equal(info("{\"apiInfo\":[{}],\"tfaQuestion\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", &i), RC_OK);
}

static void
test_versions(void **state)
{
	static const struct { const char *text, *base; bool more; } v[] = {
		{ "{\"apiInfo\":[{\"dlxVersion\":\"1.0\",\"apiBasePath\":\"/1\"},{\"dlxVersion\":\"v2\",\"apiBasePath\":\"/2\"}]}",
		    "/2", true },
		{ "{\"apiInfo\":[{\"dlxVersion\":1,\"apiBasePath\":\"/1\"},"
		    "{\"dlxVersion\":3,\"apiBasePath\":\"/3\"}]}", "/1", false },
		{ "{\"apiInfo\":[{\"dlxVersion\":\"1.0\",\"apiBasePath\":\"/1\"},{\"dlxVersion\":\"2.0\",\"apiBasePath\":\"/2\","
		    "\"capabilities\":{\"download\":false,\"tokens\":true}}]}", "/1", false },
		{ "{\"apiInfo\":{\"dlxVersion\":\"1.0\",\"apiBasePath\":\"/1\",\"capabilities\":{}}}", "/1", true },
		{ "{\"apiInfo\":[{\"dlxVersion\":\"20\",\"apiBasePath\":\"/x\"}]}", "/x", false },
		{ "{\"apiInfo\":[{\"dlxVersion\":1e300,\"apiBasePath\":\"/x\"}]}", "/x", false },
	};
	struct info i;
	json_t *j = NULL;
	size_t k = 0;

	(void)state;
	for (k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		assert_int_equal(info(v[k].text, &i), RC_OK);
		assert_string_equal(i.base, v[k].base);
		info_free(&i);
		j = parse(v[k].text);
		if (dlx_tells_more(j) != v[k].more)
			fail_msg("%s", v[k].text);
		json_decref(j);
	}
}

static void
test_roots(void **state)
{
	static const struct { const char *text, *wado, *qido; } v[] = {
		{ "{\"dlxVersion\":\"v2\",\"capabilities\":{\"dicomweb\":{\"wadoRs\":{\"available\":true,\"url\":\"https://h/w\"},"
		    "\"qidoRs\":{\"available\":false,\"url\":\"https://h/q\"}}}}", "https://h/w", NULL },
		{ "{\"apiInfo\":[{\"capabilities\":{\"dicomweb\":{\"wadoRs\":{\"available\":true,\"url\":\"/w\"},"
		    "\"qidoRs\":{\"available\":true,\"url\":\"/q\"}}}}]}", "/w", "/q" },
		{ "{\"capabilities\":{\"dicomweb\":{\"wadoRs\":{\"available\":\"yes\",\"url\":\"/w\"}}}}", NULL, NULL },
		{ "{\"capabilities\":{\"dicomweb\":{\"wadoRs\":{\"available\":true,\"url\":{}}}}}", NULL, NULL },
		{ "{\"capabilities\":[]}", NULL, NULL }, { "[]", NULL, NULL }, { "{}", NULL, NULL },
	};
	struct err err = { 0 };
	json_t *j = NULL;
	char *wado = NULL, *qido = NULL;
	size_t k = 0;

	(void)state;
	for (k = 0; k < sizeof(v) / sizeof(v[0]); k++, free(wado), free(qido)) {
		j = parse(v[k].text);
		assert_int_equal(dlx_parse_roots(j, &wado, &qido, &err), RC_OK);
		json_decref(j);
		if ((wado == NULL) != (v[k].wado == NULL) || (qido == NULL) != (v[k].qido == NULL))
			fail_msg("%s", v[k].text);
		if (wado != NULL)
			assert_string_equal(wado, v[k].wado);
		if (qido != NULL)
			assert_string_equal(qido, v[k].qido);
	}
}

static void
test_answers(void **state)
{
	struct source_question q[2] = {
		{ (char *)(uintptr_t)"1", (char *)(uintptr_t)"PAT_BIRTH_DATE", (char *)(uintptr_t)"", true },
		{ (char *)(uintptr_t)"x", (char *)(uintptr_t)"PASSWORD", (char *)(uintptr_t)"", false },
	};
	const char *good[] = { "1970-01-01", "p\"w" }, *bad[] = { "01.01.70", "p" }, *odd[] = { "19700101", "\xff" };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dlx_answers(q, 2, good, &b, &err), RC_OK);
	assert_string_equal(b.data, "{\"tfaAnswer\":[{\"questionId\":\"1\",\"answer\":\"19700101\"},"
	    "{\"questionId\":\"x\",\"answer\":\"p\\\"w\"}]}");
	buf_clear(&b);
	assert_int_not_equal(dlx_answers(q, 2, bad, &b, &err), RC_OK);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_null(strstr(err.text, "01.01"));
	buf_clear(&b);
	assert_int_not_equal(dlx_answers(q, 2, odd, &b, &err), RC_OK);
	assert_int_equal(dlx_answers(q, 0, good, &b, &err), RC_OK);
	assert_string_equal(b.data, "{\"tfaAnswer\":[]}");
	buf_free(&b);
}

static size_t
list_of(const char *text, struct source_offer **v, int *rc)
{
	struct err err = { 0 };
	json_t *j = parse(text);
	size_t n = 0;

	*rc = dlx_parse_list(j, v, &n, &err);
	json_decref(j);
	return n;
}

static void
list_free(struct source_offer *v, size_t n)
{
	while (n-- > 0)
		source_offer_free(&v[n]);
	free(v);
}

static void
test_list(void **state)
{
	static const char *const dates[] = { "20240419", "\"20240419\"", "\"2024-04-19\"", "\"2024-04-19T10:00:00Z\"",
	    "\"19.04.2024\"", "\"20240419081500\"" };
	struct source_offer *v = NULL;
	char text[256];
	size_t n = 0, i = 0;
	int rc = 0;

	(void)state;
	n = list_of("{\"dataItem\":[{\"id\":5,\"mimeType\":\"application/pdf\",\"description\":\"d\","
	    "\"studyInstanceUID\":\"1.2.3\",\"date\":20240419,\"modalities\":[\"CT\",\"SR\"],"
	    "\"patientsName\":\"Mustermann,Max\",\"patientsBirthdate\":\"1970-01-01\","
	    "\"patientsSex\":\"M\",\"fileCount\":3,\"new\":{}},{\"id\":\"b\",\"mimeType\":\"application/pdf\","
	    "\"modalities\":\"CT,MR\",\"studyInstanceUID\":\"not a uid\"}]}", &v, &rc);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].id, "5");
	assert_string_equal(v[0].study_uid, "1.2.3");
	assert_string_equal(v[0].date, "20240419");
	assert_string_equal(v[0].modalities, "CT\\SR");
	assert_string_equal(v[0].patient_birth, "19700101");
	assert_string_equal(v[0].patient_name, "Mustermann,Max");
	assert_int_equal(v[0].files, 3);
	assert_false(v[0].document);	/* a ZIP that is called a PDF */
	assert_true(v[1].document);
	assert_null(v[1].study_uid);
	assert_string_equal(v[1].modalities, "CT\\MR");
	assert_int_equal(v[1].files, -1);
	list_free(v, n);
	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		snprintf(text, sizeof(text), "[[{\"id\":1,\"date\":%s}]]", dates[i]);
		n = list_of(text, &v, &rc);
		assert_int_equal(rc, RC_OK);
		assert_int_equal(n, 1);
		assert_string_equal(v[0].date, "20240419");
		list_free(v, n);
	}
	n = list_of("{\"dataItem\":[{\"id\":1,\"date\":\"20240231\",\"patientsBirthdate\":19.5}]}", &v, &rc);
	assert_int_equal(rc, RC_OK);
	assert_string_equal(v[0].date, "");
	list_free(v, n);
	n = list_of("{\"dataItem\":[]}", &v, &rc);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(n, 0);
	list_free(v, n);
	(void)list_of("{\"dataItem\":[{\"mimeType\":\"x\"}]}", &v, &rc);
	assert_int_not_equal(rc, RC_OK);
	(void)list_of("{\"dataItem\":[7]}", &v, &rc);
	assert_int_not_equal(rc, RC_OK);
	(void)list_of("{\"items\":[]}", &v, &rc);
	assert_int_not_equal(rc, RC_OK);
}

static void
test_timeout(void **state)
{
	(void)state;
	assert_int_equal(dlx_timeout("{\"timeOutInSeconds\":30}", 23), 30);
	assert_int_equal(dlx_timeout("{\"timeOutInSeconds\":\"30\"}", 25), 30);
	assert_int_equal(dlx_timeout("{\"timeOutInSeconds\":-1}", 23), -1);
	assert_int_equal(dlx_timeout("{\"timeOutInSeconds\":99999999}", 29), -1);
	assert_int_equal(dlx_timeout("<html>", 6), -1);
	assert_int_equal(dlx_timeout("", 0), -1);
}

/* A ZIP made by pack.c: whole as it is, not whole where any byte of its end is missing or put before it. */
static void
zip_in(struct buf *b, size_t member)
{
	struct pack z;
	struct stream *s = NULL;
	struct err err = { 0 };
	char sha[65], *data = calloc(1, member + 1);
	FILE *f = tmpfile();
	int fd = dup(fileno(f));

	assert_int_equal(stream_file_writer(&s, fd, &err), RC_OK);
	assert_int_equal(pack_begin(&z, s, &err), RC_OK);
	assert_int_equal(pack_member(&z, "a", member, pack_crc(0, data, member), &err), RC_OK);
	assert_int_equal(pack_data(&z, data, member, &err), RC_OK);
	assert_int_equal(pack_end(&z, sha, &err), RC_OK);
	pack_free(&z);
	stream_close(s);
	assert_int_equal(stream_file(&s, dup(fileno(f)), &err), RC_OK);
	assert_int_equal(stream_slurp(s, b, &err), RC_OK);
	stream_close(s);
	fclose(f);
	free(data);
}

static bool
whole(const void *data, size_t n, size_t step)
{
	struct tail t = { NULL, 0 };
	struct err err = { 0 };
	size_t i = 0;
	bool yes = false;

	assert_int_equal(tail_init(&t, &err), RC_OK);
	for (i = 0; i < n; i += step)
		tail_add(&t, (const char *)data + i, n - i < step ? n - i : step);
	yes = tail_zip_whole(&t, &err);
	tail_free(&t);
	return yes;
}

static void
test_zip_end(void **state)
{
	struct buf b = BUF_INIT((size_t)1 << 20), two = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 };
	size_t cut = 0;

	(void)state;
	zip_in(&b, 200000);
	assert_true(whole(b.data, b.len, b.len));
	assert_true(whole(b.data, b.len, 16384));
	assert_true(whole(b.data, b.len, 977));
	for (cut = 1; cut < 200; cut++)
		assert_false(whole(b.data, b.len - cut, 16384));
	assert_false(whole(b.data, b.len / 2, 16384));
	assert_false(whole("", 0, 1));
	assert_false(whole("PK", 2, 1));
	/* an end that says its directory lies behind itself */
	assert_int_equal(buf_add(&two, b.data, b.len, &err), RC_OK);
	two.data[two.len - 3] = 0x7f;
	assert_false(whole(two.data, two.len, 4096));
	buf_free(&b);
	buf_free(&two);
}

static void
test_crc(void **state)
{
	(void)state;
	assert_int_equal(pack_crc(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(pack_crc(pack_crc(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info), cmocka_unit_test(test_language), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_list), cmocka_unit_test(test_versions), cmocka_unit_test(test_roots),
		cmocka_unit_test(test_timeout), cmocka_unit_test(test_zip_end), cmocka_unit_test(test_crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
