/* lib/order: reading, writing, completing and matching orders; the basis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order/basis.h"
#include "order/order.h"

static struct order *
parse(const char *text)
{
	struct order *o = NULL;
	struct err err = { 0 };

	if (order_parse(text, strlen(text), "o.json", &o, &err) != RC_OK)
		fail_msg("%s: %s", text, err.text);
	return o;
}

static void
refuse(const char *text, const char *say)
{
	struct order *o = NULL;
	struct err err = { 0 };

	if (order_parse(text, strlen(text), "o.json", &o, &err) == RC_OK)
		fail_msg("taken: %s", text);
	assert_null(o);
	assert_int_equal(err.kind, ERR_DATA);
	if (strstr(err.text, say) == NULL && strstr(err.advice, say) == NULL)
		fail_msg("'%s' (%s) does not say '%s'", err.text, err.advice, say);
}

static char *
written(const struct order *o)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	struct err err = { 0 };

	assert_int_equal(order_write(o, &b, &err), RC_OK);
	return b.data;
}

static const char full[] =
    "{\"v\":1,\"ref\":\"TICKET-4711\",\"link\":\"https://x.example/token/SECRET\","
    "\"factors\":{\"PAT_BIRTH_DATE\":\"1970-01-01\",\"PASSWORD\":{\"file\":\"/run/pw\"}},"
    "\"basis\":{\"kind\":\"consent\",\"reference\":\"form 7\",\"acting_for\":\"patient\"},"
    "\"patient\":{\"id\":\"4711\",\"issuer\":\"HOSP\",\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-01-"
    "01\",\"sex\":\"M\","
    "\"other_names\":[\"Schmidt^Jörg\"]},"
    "\"studies\":[{\"study_uid\":\"1.2.3\",\"date\":\"20260901\",\"modality\":\"CT\",\"accession\":"
    "\"A1\","
    "\"accession_issuer\":\"RIS\",\"requested_procedure_id\":\"RP1\",\"scheduled_step_id\":\"S1\","
    "\"description\":\"CT Thorax\",\"admission_id\":\"F1\"}],"
    "\"want\":{\"studies\":\"listed\",\"documents\":false},\"destinations\":[\"pacs\",\"his\"]}";

static void
reads_every_field(void **state)
{
	struct order *o = parse(full);

	(void)state;
	assert_string_equal(o->ref, "TICKET-4711");
	assert_string_equal(o->link, "https://x.example/token/SECRET");
	assert_int_equal(o->nfactors, 2);
	assert_string_equal(o->factors[0].type, "PAT_BIRTH_DATE");
	assert_string_equal(o->factors[0].value, "1970-01-01");
	assert_string_equal(o->factors[1].file, "/run/pw");
	assert_null(o->factors[1].value);
	assert_string_equal(o->basis_kind, "consent");
	assert_string_equal(o->acting_for, "patient");
	assert_string_equal(o->patient.id, "4711");
	assert_string_equal(o->patient.issuer, "HOSP");
	assert_string_equal(o->patient.name, "Müller^Jörg");
	assert_string_equal(o->patient.birth_date, "19700101");
	assert_string_equal(o->patient.sex, "M");
	assert_int_equal(o->patient.nother_names, 1);
	assert_int_equal(o->nstudies, 1);
	assert_string_equal(o->studies[0].study_uid, "1.2.3");
	assert_string_equal(o->studies[0].date, "20260901");
	assert_string_equal(o->studies[0].accession_issuer, "RIS");
	assert_string_equal(o->studies[0].admission_id, "F1");
	assert_false(o->want_all);
	assert_false(o->want_documents);
	assert_int_equal(o->ndestinations, 2);
	assert_string_equal(o->destinations[1], "his");
	order_free(o);
}

static void
defaults(void **state)
{
	struct order *o = parse("{}");

	(void)state;
	assert_true(o->want_all);
	assert_true(o->want_documents);
	assert_null(o->basis_kind);
	assert_null(o->patient.id);
	order_free(o);
	o = parse("{\"studies\":[{\"modality\":\"CT\"}],\"patient\":{\"id\":\"\",\"birth_date\":null}}");
	assert_false(o->want_all);
	assert_null(o->patient.id);
	order_free(o);
}

/* The stored form has no link and no factors; it reads back to the same bytes. */
static void
stored_form(void **state)
{
	struct order *o = parse(full), *again = NULL, *other = NULL;
	char *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	o->link_host = strdup("x.example");
	o->link_hash = strdup("abcd");
	a = written(o);
	assert_null(strstr(a, "SECRET"));
	assert_null(strstr(a, "/run/pw"));
	assert_null(strstr(a, "factors"));
	assert_null(strstr(a, "\"link\""));
	assert_non_null(strstr(a, "\"link_host\":\"x.example\""));
	assert_null(strchr(a, '\n'));
	again = parse(a);
	b = written(again);
	assert_string_equal(a, b);
	other = parse("{\"destinations\":[\"p\"],\"patient\":{\"sex\":\"M\",\"birth_date\":\"19700101\","
		      "\"id\":\"1\"},\"ref\":\"r\"}");
	c = written(other);
	free(b);
	order_free(again);
	again = parse("{\"ref\":\"r\",\"patient\":{\"id\":\"1\",\"birth_date\":\"1970-01-01\",\"sex\":"
		      "\"M\"},\"destinations\":[\"p\"]}");
	b = written(again);
	assert_string_equal(b, c); /* key order and date form of the input do not matter */
	free(a);
	free(b);
	free(c);
	order_free(o);
	order_free(again);
	order_free(other);
}

static void
refuses(void **state)
{
	(void)state;
	refuse("[]", "object");
	refuse("{\"v\":2}", "version 2");
	refuse("{\"ref\":\"a\",\"ref\":\"b\"}", "o.json");
	refuse("{} x", "o.json");
	refuse("{\"pateint\":{}}", "pateint");
	refuse("{\"pateint\":{}}", "patient"); /* the nearest */
	refuse("{\"patient\":{\"birthdate\":\"1970-01-01\"}}", "birth_date");
	refuse("{\"studies\":[{\"accesion\":\"A\"}]}", "accession");
	refuse("{\"patient\":{\"birth_date\":\"1970-02-30\"}}", "birth_date");
	refuse("{\"patient\":{\"birth_date\":\"01.02.1970\"}}", "birth_date");
	refuse("{\"patient\":{\"birth_date\":19700101}}", "birth_date");
	refuse("{\"patient\":{\"sex\":\"X\"}}", "sex");
	refuse("{\"patient\":{\"sex\":\"m\"}}", "sex");
	refuse("{\"patient\":{\"id\":\"a\\\\b\"}}", "backslash");
	refuse("{\"patient\":{\"id\":\"a\\nb\"}}", "control");
	refuse("{\"patient\":{\"id\":\"a\\u0085b\"}}", "control");
	refuse("{\"patient\":{\"name\":\"a^b^c^d^e^f\"}}", "components");
	refuse("{\"patient\":{\"name\":\"a=b=c=d\"}}", "groups");
	refuse("{\"patient\":{\"issuer\":\"HOSP\"}}", "issuer");
	refuse("{\"studies\":[{\"study_uid\":\"1.02.3\"}]}", "UID");
	refuse("{\"studies\":[{\"study_uid\":\"abc\"}]}", "UID");
	refuse("{\"studies\":[{\"accession\":\"12345678901234567\"}]}", "16 characters");
	refuse("{\"studies\":[{\"modality\":\"ct\"}]}", "code");
	refuse("{\"studies\":[{\"date\":\"2026-13-01\"}]}", "date");
	refuse("{\"studies\":[7]}", "studies[0]");
	refuse("{\"studies\":{}}", "studies");
	refuse("{\"studies\":[{\"accession_issuer\":\"RIS\"}]}", "accession");
	refuse("{\"want\":{\"studies\":\"some\"}}", "listed");
	refuse("{\"destinations\":[\"\"]}", "destinations");
	refuse("{\"destinations\":[1]}", "destinations");
	refuse("{\"factors\":{\"PASSWORD\":{\"fil\":\"x\"}}}", "file");
	refuse("{\"factors\":{\"PASSWORD\":1}}", "factor");
	refuse("{\"factors\":{\"\":\"x\"}}", "factor");
}

/* Lengths count characters, not bytes (PS3.5 6.2). */
static void
lengths_in_characters(void **state)
{
	char text[640], name[260] = "";

	(void)state;
	for (int i = 0; i < 64; i++)
		memcpy(name + 2 * i, "ü", 3);
	snprintf(text, sizeof text, "{\"patient\":{\"name\":\"%s\",\"id\":\"%s\"}}", name, name);
	order_free(parse(text));
	memcpy(name + 128, "x", 2);
	snprintf(text, sizeof text, "{\"patient\":{\"name\":\"%s\"}}", name);
	refuse(text, "64 characters");
	snprintf(text, sizeof text, "{\"patient\":{\"id\":\"%s\"}}", name);
	refuse(text, "64 characters");
}

/* A message with a birth date or name in it would end on a terminal. */
static void
messages_quote_no_value(void **state)
{
	static const char *const bad[] = { "{\"patient\":{\"name\":\"Quirin\\\\Zeno\"}}",
		"{\"patient\":{\"birth_date\":\"Quirin\"}}", "{\"patient\":{\"sex\":\"Quirin\"}}",
		"{\"studies\":[{\"study_uid\":\"Quirin\"}]}", "{\"factors\":{\"P\":[\"Quirin\"]}}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct order *o = NULL;
		struct err err = { 0 };
		assert_int_not_equal(order_parse(bad[i], strlen(bad[i]), "o.json", &o, &err), RC_OK);
		assert_null(strstr(err.text, "uirin"));
		assert_null(strstr(err.advice, "uirin"));
	}
}

static void
basis(void **state)
{
	static const struct {
		const char *order;
		bool required;
		enum err_kind want;
	} v[] = {
		{ "{\"basis\":{\"kind\":\"consent\",\"reference\":\"r\"}}", true, ERR_NONE },
		{ "{\"basis\":{\"kind\":\"treatment\",\"reference\":\"r\",\"acting_for\":"
		  "\"professional\"}}",
		    true, ERR_NONE },
		{ "{}", true, ERR_DENIED },
		{ "{}", false, ERR_NONE },
		{ "{\"basis\":{\"reference\":\"r\"}}", false, ERR_DENIED },
		{ "{\"basis\":{\"kind\":\"consent\"}}", true, ERR_DENIED },
		{ "{\"basis\":{\"kind\":\"because\",\"reference\":\"r\"}}", true, ERR_CONFIG },
		{ "{\"basis\":{\"kind\":\"consent\",\"reference\":\"r\",\"acting_for\":\"me\"}}", true,
		    ERR_CONFIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct order *o = parse(v[i].order);
		struct err err = { 0 };
		int rc = basis_check(o, v[i].required, &err);
		assert_int_equal(rc == RC_OK ? ERR_NONE : err.kind, v[i].want);
		order_free(o);
	}
}

static void
completes(const char *first, const char *more, const char *want)
{
	struct order *o = parse(first), *m = parse(more), *w = parse(want);
	struct err err = { 0 };
	char *a = NULL, *b = NULL;

	assert_int_equal(order_complete(o, m, &err), RC_OK);
	a = written(o);
	b = written(w);
	assert_string_equal(a, b);
	free(a);
	free(b);
	order_free(o);
	order_free(m);
	order_free(w);
}

static void
completion(void **state)
{
	(void)state;
	completes("{\"ref\":\"a\",\"basis\":{\"kind\":\"consent\",\"reference\":\"1\"}}",
	    "{\"ref\":\"b\",\"basis\":{\"kind\":\"treatment\",\"reference\":\"2\"},\"patient\":{\"id\":"
	    "\"1\",\"sex\":\"F\"}}",
	    "{\"ref\":\"a\",\"basis\":{\"kind\":\"consent\",\"reference\":\"1\"},\"patient\":{\"id\":"
	    "\"1\",\"sex\":\"F\"}}");
	completes("{\"patient\":{\"name\":\"A^B\",\"birth_date\":\"19700101\"}}",
	    "{\"patient\":{\"name\":\"C^D\"}}",
	    "{\"patient\":{\"name\":\"C^D\",\"birth_date\":\"19700101\"}}");
	/* another id never keeps the old issuer */
	completes("{\"patient\":{\"id\":\"1\",\"issuer\":\"X\"}}", "{\"patient\":{\"id\":\"2\"}}",
	    "{\"patient\":{\"id\":\"2\"}}");
	completes("{\"patient\":{\"id\":\"1\",\"issuer\":\"X\"}}",
	    "{\"patient\":{\"id\":\"1\",\"sex\":\"M\"}}",
	    "{\"patient\":{\"id\":\"1\",\"issuer\":\"X\",\"sex\":\"M\"}}");
	/* one study, said twice */
	completes("{\"studies\":[{\"study_uid\":\"1.2\",\"modality\":\"CT\"}]}",
	    "{\"studies\":[{\"study_uid\":\"1.2\",\"accession\":\"A\"}]}",
	    "{\"studies\":[{\"study_uid\":\"1.2\",\"modality\":\"CT\",\"accession\":\"A\"}]}");
	completes("{\"studies\":[{\"date\":\"20260901\"}]}", "{\"studies\":[{\"accession\":\"A\"}]}",
	    "{\"studies\":[{\"date\":\"20260901\",\"accession\":\"A\"}]}");
	/* another one */
	completes("{\"studies\":[{\"study_uid\":\"1.2\"}]}", "{\"studies\":[{\"study_uid\":\"1.3\"}]}",
	    "{\"studies\":[{\"study_uid\":\"1.2\"},{\"study_uid\":\"1.3\"}]}");
	/* what was fetched stays as it was wanted */
	completes("{}", "{\"studies\":[{\"study_uid\":\"1.2\"}],\"destinations\":[\"p\"]}",
	    "{\"studies\":[{\"study_uid\":\"1.2\"}],\"destinations\":[\"p\"],\"want\":{\"studies\":"
	    "\"all\"}}");
}

static void
completion_in_doubt(void **state)
{
	struct order *o = parse("{\"studies\":[{\"modality\":\"CT\",\"date\":\"20260901\"},{\"modality\":"
				"\"CT\",\"date\":\"20260902\"}]}");
	struct order *m = parse("{\"studies\":[{\"modality\":\"CT\",\"accession\":\"A\"}]}");
	struct err err = { 0 };

	(void)state;
	assert_int_not_equal(order_complete(o, m, &err), RC_OK);
	assert_int_equal(err.kind, ERR_PERSON);
	order_free(o);
	order_free(m);
}

static const struct study_key three[] = {
	{ "1.1", "20260901", "CT\\SR" },
	{ "1.2", "20250901", "CT" },
	{ "1.3", "20260901", "MR" },
};

static void
matches(const char *entries, size_t n, size_t self, int want)
{
	char text[512];
	struct err err = { 0 };
	int entry = 99, rc = RC_OK;

	snprintf(text, sizeof text, "{\"studies\":[%s]}", entries);
	struct order *o = parse(text);
	rc = order_match(o, three, n, self, &entry, &err);
	if (want == -2) {
		assert_int_equal(rc, RC_FAILED);
		assert_int_equal(err.kind, ERR_PERSON);
		assert_null(strstr(err.text, "1.1"));
	} else {
		assert_int_equal(rc, RC_OK);
		assert_int_equal(entry, want);
	}
	order_free(o);
}

static void
matching(void **state)
{
	enum {
		CONFLICT = -2
	};

	(void)state;
	matches("", 3, 0, ORDER_UNSCHEDULED);
	matches("{\"study_uid\":\"1.1\"}", 3, 0, 0);
	matches("{\"study_uid\":\"1.1\"}", 3, 1, ORDER_UNSCHEDULED);
	matches("{\"modality\":\"SR\"}", 3, 0, 0);
	matches("{\"modality\":\"S\"}", 3, 0, ORDER_UNSCHEDULED); /* a part of a code is no code */
	matches("{\"date\":\"2026-09-01\",\"modality\":\"CT\"}", 3, 0, 0);
	matches("{\"study_uid\":\"1.1\",\"modality\":\"MR\"}", 3, 0,
	    ORDER_UNSCHEDULED); /* every given field */
	matches("{\"modality\":\"CT\"}", 3, 0, CONFLICT); /* fits two studies */
	matches("{\"modality\":\"CT\"}", 3, 2, ORDER_UNSCHEDULED);
	matches("{\"study_uid\":\"1.1\"},{\"date\":\"20260901\",\"modality\":\"CT\"}", 3, 0,
	    CONFLICT); /* two fit */
	matches("{\"study_uid\":\"1.2\"},{\"study_uid\":\"1.1\"}", 3, 0, 1);
	matches("{\"accession\":\"A\"}", 1, 0, 0); /* a sole study */
	matches("{\"accession\":\"A\"}", 3, 0, ORDER_UNSCHEDULED);
	matches("{\"study_uid\":\"1.1\",\"accession\":\"A\"},{\"study_uid\":\"1.2\",\"accession\":\"A\"}",
	    3, 0, CONFLICT);
	matches("{\"study_uid\":\"1.1\",\"accession\":\"A\"},{\"study_uid\":\"1.9\",\"accession\":\"A\"}",
	    3, 0, 0);
}

static void
wanting(void **state)
{
	struct order *o = parse("{\"studies\":[{\"modality\":\"CT\"}]}");

	(void)state;
	assert_true(order_wants(o, &three[0], false));
	assert_false(order_wants(o, &three[2], false));
	o->want_all = true;
	assert_true(order_wants(o, &three[2], false));
	order_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(defaults),
		cmocka_unit_test(stored_form),
		cmocka_unit_test(refuses),
		cmocka_unit_test(lengths_in_characters),
		cmocka_unit_test(messages_quote_no_value),
		cmocka_unit_test(basis),
		cmocka_unit_test(completion),
		cmocka_unit_test(completion_in_doubt),
		cmocka_unit_test(matching),
		cmocka_unit_test(wanting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
