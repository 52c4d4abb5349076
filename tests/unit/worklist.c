/* Which of a worklist's candidates is the order's, and what the order takes from it. */
#include "test.h"

#include <string.h>

#include "check/worklist.h"
#include "dicom/charset.h"
#include "dimse/worklist.h"

static struct order *made(const char *text)
{
	struct order *o = NULL;
	struct err err = { 0 };

	if (order_parse(text, strlen(text), "order", &o, &err) != RC_OK)
		fail_msg("%s", err.text);
	return o;
}

#define PATIENT(id, name, birth, sex) \
	"\"patient\":{\"id\":\"" id "\",\"issuer\":\"HOSP\",\"name\":\"" name "\",\"birth_date\":\"" birth \
	"\",\"sex\":\"" sex "\"}"
#define STUDY(acc, step) \
	"\"studies\":[{\"accession\":\"" acc "\",\"accession_issuer\":\"RIS\",\"requested_procedure_id\":\"RP\"," \
	"\"scheduled_step_id\":\"" step "\",\"modality\":\"CT\"}]"
#define JOERG	PATIENT("1", "Müller^Jörg", "1970-02-01", "M")
#define ANNA	PATIENT("1", "Schulz^Anna", "1970-02-01", "F")

#define SOLE	"{\"studies\":[{\"accession\":\"A\"}]}"
#define TWIN(id, issuer, name, birth, sex, of, procedure, step, description, admission) \
	"{\"patient\":{\"id\":\"" id "\",\"issuer\":\"" issuer "\",\"name\":\"" name "\",\"birth_date\":\"" birth \
	"\",\"sex\":\"" sex "\"},\"studies\":[{\"accession\":\"A\",\"accession_issuer\":\"" of \
	"\",\"requested_procedure_id\":\"" procedure "\",\"scheduled_step_id\":\"" step "\",\"description\":\"" description \
	"\",\"admission_id\":\"" admission "\"}]}"
#define DIFFERENT(twin) { SOLE, { TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V"), twin }, \
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_MANY, "" }

static const struct trial {
	const char *order;
	const char *v[3];
	enum check_worklist_key key;
	enum check_worklist_end end;
	const char *why;
} trials[] = {
	/* by accession: it has to be that one, and nothing else may differ */
	{ "{\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("A", "S") "}" }, CHECK_BY_ACCESSION,
	    CHECK_WORKLIST_ONE, "" },
	{ "{\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("AB", "S") "}" }, CHECK_BY_ACCESSION,
	    CHECK_WORKLIST_NONE, "" },
	{ "{\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("A", "S") "}", "{" JOERG "," STUDY("A", "T") "}" },
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_MANY, "" },
	{ "{\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("A", "S") "}", "{" JOERG "," STUDY("A", "S") "}" },
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_ONE, "" },
	{ "{\"studies\":[{\"accession\":\"A\",\"scheduled_step_id\":\"T\"}]}",
	    { "{" JOERG "," STUDY("A", "S") "}", "{" JOERG "," STUDY("A", "T") "}" }, CHECK_BY_ACCESSION,
	    CHECK_WORKLIST_ONE, "" },
	{ "{\"studies\":[{\"accession\":\"A\",\"modality\":\"MR\"}]}", { "{" JOERG "," STUDY("A", "S") "}" },
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_DIFFERS, "modality differs" },
	{ "{\"studies\":[{\"accession\":\"A\",\"accession_issuer\":\"X\",\"requested_procedure_id\":\"Y\"}]}",
	    { "{" JOERG "," STUDY("A", "S") "}" }, CHECK_BY_ACCESSION, CHECK_WORKLIST_DIFFERS,
	    "issuer of the accession number differs, requested procedure id differs" },
	{ "{\"patient\":{\"id\":\"2\"},\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("A", "S") "}" },
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_DIFFERS, "patient id differs" },
	{ "{\"patient\":{\"id\":\"1\",\"issuer\":\"OTHER\"},\"studies\":[{\"accession\":\"A\"}]}",
	    { "{" JOERG "," STUDY("A", "S") "}" }, CHECK_BY_ACCESSION, CHECK_WORKLIST_DIFFERS,
	    "issuer of the patient id differs" },
	{ "{\"patient\":{\"sex\":\"F\"},\"studies\":[{\"accession\":\"A\"}]}", { "{" JOERG "," STUDY("A", "S") "}" },
	    CHECK_BY_ACCESSION, CHECK_WORKLIST_DIFFERS, "sex differs" },
	/* each that an order may be given makes two of two */
	{ SOLE, { TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V"),
	      TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V") }, CHECK_BY_ACCESSION,
	    CHECK_WORKLIST_ONE, "" },
	DIFFERENT(TWIN("2", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "ELSE", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^C", "1970-02-01", "M", "RIS", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-02", "M", "RIS", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "F", "RIS", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "SIR", "P", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "Q", "S", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "T", "D", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "E", "V")),
	DIFFERENT(TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "W")),
	{ "{\"patient\":{\"id\":\"1\"}}", { "{" JOERG "," STUDY("A", "S") "}", "{" JOERG "," STUDY("B", "S") "}" },
	    CHECK_BY_ID, CHECK_WORKLIST_MANY, "" },
	{ "{\"patient\":{\"id\":\"1\"}}", { "{" JOERG "," STUDY("A", "S") "}", "{" JOERG "}" }, CHECK_BY_ID,
	    CHECK_WORKLIST_MANY, "" },
	{ "{\"studies\":[{\"accession\":\"A\",\"scheduled_step_id\":\"T\",\"admission_id\":\"W\"}]}",
	    { TWIN("1", "HOSP", "A^B", "1970-02-01", "M", "RIS", "P", "S", "D", "V") }, CHECK_BY_ACCESSION,
	    CHECK_WORKLIST_DIFFERS, "scheduled step id differs, admission id differs" },
	/* by id; a RIS that answers with everybody */
	{ "{\"patient\":{\"id\":\"1\"}}", { "{" PATIENT("12", "X", "1970-02-01", "M") "}", "{" JOERG "}" }, CHECK_BY_ID,
	    CHECK_WORKLIST_ONE, "" },
	{ "{\"patient\":{\"id\":\"1\",\"name\":\"MUELLER^JOERG\"}}", { "{" JOERG "," STUDY("A", "S") "}" }, CHECK_BY_ID,
	    CHECK_WORKLIST_ONE, "" },
	{ "{\"patient\":{\"id\":\"1\",\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-02-01\"}}", { "{" ANNA "}" },
	    CHECK_BY_ID, CHECK_WORKLIST_DIFFERS, "" },
	/* by name: that name, that day */
	{ "{\"patient\":{\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-02-01\"}}", { "{" JOERG "}", "{" ANNA "}" },
	    CHECK_BY_NAME, CHECK_WORKLIST_ONE, "" },
	{ "{\"patient\":{\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-01-02\"}}", { "{" JOERG "}" }, CHECK_BY_NAME,
	    CHECK_WORKLIST_NONE, "" },
	{ "{\"patient\":{\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-02-01\"}}",
	    { "{\"patient\":{\"id\":\"9\",\"birth_date\":\"1970-02-01\"}}" }, CHECK_BY_NAME, CHECK_WORKLIST_DIFFERS,
	    "name missing" },
	{ "{\"patient\":{\"name\":\"Müller^Jörg\"}}", { NULL }, CHECK_BY_NOTHING, CHECK_WORKLIST_NONE, "" },
};

static void choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
		const struct trial *t = &trials[i];
		struct order *o = made(t->order), *v[3] = { NULL };
		int entry = o->nstudies ? 0 : ORDER_UNSCHEDULED;
		struct check_worklist w = { .study = true, .v = (const struct order *const *)v };
		const struct order_study *of = NULL;

		for (; w.n < 3 && t->v[w.n]; w.n++)
			v[w.n] = made(t->v[w.n]);
		w.key = check_worklist_by(o, entry, &of);
		check_worklist_choose(o, entry, &w);
		if (w.key != t->key || w.end != t->end || !strstr(w.why, t->why))
			fail_msg("trial %zu: key %d, end %d, '%s'", i, w.key, w.end, w.why);
		assert_null(strstr(w.why, "1970"));
		for (size_t k = 0; k < w.n; k++)
			order_free(v[k]);
		order_free(o);
	}
}

/* Two entries of one patient are one where only the patient is asked for; more than could be heard are many. */
static void patient_only(void **state)
{
	struct order *o = made("{\"patient\":{\"id\":\"1\"}}");
	struct order *v[] = { made("{" JOERG "," STUDY("A", "S") "}"), made("{" JOERG "," STUDY("B", "T") "}") };
	struct check_worklist w = { .key = CHECK_BY_ID, .v = (const struct order *const *)v, .n = 2 };

	(void)state;
	check_worklist_choose(o, ORDER_UNSCHEDULED, &w);
	assert_int_equal(w.end, CHECK_WORKLIST_ONE);
	w.study = true;
	check_worklist_choose(o, ORDER_UNSCHEDULED, &w);
	assert_int_equal(w.end, CHECK_WORKLIST_MANY);
	w.study = false;
	w.more = true;
	check_worklist_choose(o, ORDER_UNSCHEDULED, &w);
	assert_int_equal(w.end, CHECK_WORKLIST_MANY);
	order_free(v[0]);
	order_free(v[1]);
	order_free(o);
}

/* What is there stays; an issuer goes with its identifier only. */
static void filling(void **state)
{
	struct order *o = made("{\"patient\":{\"id\":\"7\",\"name\":\"MUELLER^J\"},\"studies\":[{\"accession\":\"Z\"}]}");
	struct order *more = made("{" JOERG "," STUDY("A", "S") "}");
	struct err err = { 0 };
	int entry = -1;

	(void)state;
	assert_int_equal(order_fill(o, 0, more, &err), RC_OK);
	assert_string_equal(o->patient.id, "7");
	assert_null(o->patient.issuer);
	assert_string_equal(o->patient.name, "MUELLER^J");
	assert_string_equal(o->patient.birth_date, "19700201");
	assert_string_equal(o->patient.sex, "M");
	assert_string_equal(o->studies[0].accession, "Z");
	assert_null(o->studies[0].accession_issuer);
	assert_string_equal(o->studies[0].requested_procedure_id, "RP");
	assert_null(o->studies[0].modality);
	assert_int_equal(order_add_entry(o, "1.2.3", &entry, &err), RC_OK);
	assert_int_equal(entry, 1);
	assert_int_equal(order_fill(o, entry, more, &err), RC_OK);
	assert_string_equal(o->studies[1].study_uid, "1.2.3");
	assert_string_equal(o->studies[1].accession, "A");
	assert_string_equal(o->studies[1].accession_issuer, "RIS");
	order_free(more);
	order_free(o);
}

/* An answer of a RIS in a set with code extensions. */
static void extended(void **state)
{
	static const uint8_t answer[] = "\x08\0\x05\0\x10\0\0\0\\ISO 2022 IR 87 "
	    "\x10\0\x10\0\x12\0\0\0Yamada=\x1b$B;3ED\x1b(B ";
	struct worklist_entry entry;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(charset_load(&err), RC_OK);
	assert_int_equal(worklist_read(answer, sizeof answer - 1, &entry, &err), RC_OK);
	assert_string_equal(entry.v[WORKLIST_NAME], "Yamada=山田");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(choice), cmocka_unit_test(patient_only),
		cmocka_unit_test(filling), cmocka_unit_test(extended) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
