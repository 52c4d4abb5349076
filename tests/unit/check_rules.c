/* lib/check: the eight rules, and what one object says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/check.h"
#include "dicom/charset.h"
#include "dicom/walk.h"

/* A study of n objects of one patient, all as it should be. */
enum {
	N = 6
};
struct fixture {
	struct order *order;
	struct study_key keys[3];
	struct check_object objects[N];
	struct check_identity people[3];
	struct claim_study claimed[2];
	struct claim claim;
	struct check_package package;
	struct check_study s;
	struct check_report rep;
};

static const char asked[] =
    "{\"basis\":{\"kind\":\"consent\",\"reference\":\"r\"},"
    "\"patient\":{\"id\":\"4711\",\"issuer\":\"HOSP\",\"name\":\"Müller^Jörg\","
    "\"birth_date\":\"1970-02-01\",\"sex\":\"M\"},"
    "\"studies\":[{\"study_uid\":\"1.1\",\"accession\":\"A\"}],\"destinations\":[\"pacs\"]}";

static struct order *
order_of(const char *text)
{
	struct order *o = NULL;
	struct err err = { 0 };

	if (order_parse(text, strlen(text), "order", &o, &err) != RC_OK)
		fail_msg("%s", err.text);
	return o;
}

static void
make(struct fixture *f)
{
	static const char *const known[] = { "pacs", "his" };

	memset(f, 0, sizeof *f);
	f->order = order_of(asked);
	f->keys[0] = (struct study_key){ "1.1", "20260901", "CT" };
	f->keys[1] = (struct study_key){ "1.2", "20250901", "CT" };
	f->keys[2] = (struct study_key){ "1.3", "20240901", "MR" };
	for (int i = 0; i < N; i++) {
		struct check_object *o = &f->objects[i];
		o->n = i + 1;
		o->package = 1;
		o->number = i + 1;
		o->frames = 1;
		o->image = true;
		snprintf(o->sop_uid, sizeof o->sop_uid, "1.1.1.%d", i + 1);
		snprintf(o->sha256, sizeof o->sha256, "%064d", i);
		text_copy(o->series_uid, sizeof o->series_uid, "1.1.1");
		text_copy(o->study_uid, sizeof o->study_uid, "1.1");
	}
	for (int i = 0; i < 3; i++) {
		struct check_identity *p = &f->people[i];
		text_copy(p->name, sizeof p->name, "MUELLER^JOERG");
		text_copy(p->id, sizeof p->id, "P1");
		text_copy(p->issuer, sizeof p->issuer, "FOREIGN");
		text_copy(p->birth_date, sizeof p->birth_date, "19700201");
		text_copy(p->sex, sizeof p->sex, "M");
	}
	claim_init(&f->claim);
	f->claim.package = 1;
	f->claimed[0] = (struct claim_study){ .study_uid = "1.1", .instances = N, .series = -1 };
	f->claim.studies = f->claimed;
	f->claim.nstudies = 1;
	f->package = (struct check_package){ 1, N };
	f->s = (struct check_study){ .order = f->order,
		.studies = f->keys,
		.nstudies = 1,
		.objects = f->objects,
		.nobjects = N,
		.identities = f->people,
		.nidentities = 1,
		.claims = &f->claim,
		.nclaims = 1,
		.packages = &f->package,
		.npackages = 1,
		.basis_required = true,
		.known = known,
		.nknown = 2,
		.now = 1000,
		.purge_at = 2000 };
}

static void
judge(struct fixture *f)
{
	struct err err = { 0 };

	check_report_free(&f->rep);
	assert_int_equal(check_judge(&f->s, &f->rep, &err), RC_OK);
}

static void
drop(struct fixture *f)
{
	check_report_free(&f->rep);
	order_free(f->order);
}

/* The rule says just that, and no other rule holds anything. */
static void
says(struct fixture *f, enum check_rule rule, enum check_verdict verdict, enum check_severity severity,
    const char *phrase)
{
	const struct check_result *r = &f->rep.rules[rule];

	judge(f);
	if (r->verdict != verdict || (verdict != CHECK_PASS && r->severity != severity) ||
	    strstr(r->reason, phrase) == NULL)
		fail_msg("%s: %s %s (%s), expected %s %s (%s)", check_rule_name(rule),
		    check_verdict_name(r->verdict), check_severity_name(r->severity), r->reason,
		    check_verdict_name(verdict), check_severity_name(severity), phrase);
	assert_null(strstr(r->reason, "19700"));
	assert_null(strstr(r->reason, "ller"));
	assert_null(strstr(r->reason, "LLER"));
	assert_null(strstr(r->reason, "1.1.1"));
}

static void
all_is_well(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	judge(&f);
	for (int i = 0; i < CHECK_RULES; i++)
		if (f.rep.rules[i].verdict != CHECK_PASS || *f.rep.rules[i].reason == '\0')
			fail_msg("%s: %s", check_rule_name((enum check_rule)i), f.rep.rules[i].reason);
	assert_int_equal(f.rep.entry, 0);
	drop(&f);
}

/* detail has the pair: the order's value, and what was found. */
static void
shown(const struct fixture *f, const char *what, const char *order, const char *found)
{
	const json_t *d = NULL;
	size_t i = 0;

	json_array_foreach(f->rep.rules[CHECK_PATIENT].detail, i, d)
	    if (strcmp(json_text(d, "what"), what) == 0) {
		assert_string_equal(json_text(d, "order"), order);
		assert_string_equal(json_text(d, "found"), found);
		return;
	}
	fail_msg("no detail has the %s", what);
}

static void
patient(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	text_copy(f.people[0].birth_date, 32, "19700102");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "day and month swapped");
	assert_non_null(f.rep.rules[CHECK_PATIENT].detail);
	assert_true(json_array_size(f.rep.rules[CHECK_PATIENT].detail) > 1);
	text_copy(f.people[0].birth_date, 32, "");
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "birth date missing");
	text_copy(f.people[0].birth_date, 32, "19700201");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "Muller^Jorg");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_WARNING, "likely");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "Moller^Jorg");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "doubtful");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "Schneider^Anna");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "mismatch");
	text_copy(f.people[0].other_names, CHECK_TEXT_MAX, "Weber^Anna\\Mueller^Joerg");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_WARNING, "birth name");
	drop(&f);

	/* one object of somebody else */
	make(&f);
	f.s.nidentities = 2;
	text_copy(f.people[1].birth_date, 32, "19521122");
	f.objects[3].identity = 1;
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "in 1 of 6 objects");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "different birth dates");
	drop(&f);

	/* the portal's list says somebody else */
	make(&f);
	f.claim.patient_name = "Muster,Anna";
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "portal's list");
	f.claim.patient_name = "Mueller,Joerg";
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	f.claim.patient_birth = "19700202";
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "one digit");
	f.claim.patient_name = NULL; /* a birth date alone is compared, too; what the list leaves out is no doubt */
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "one digit");
	shown(&f, "name", "Müller^Jörg", "");
	shown(&f, "birth_date", "19700201", "19700202");
	f.claim.patient_id = "77";
	judge(&f);
	shown(&f, "id", "4711", "77");
	f.claim.patient_birth = "19700201";
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	f.claim.patient_sex = "F";
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "portal's list, doubtful: sex differs");
	f.claim.patient_sex = NULL;
	struct claim two[2] = { f.claim, f.claim }; /* of two packages the second */
	two[1].patient_birth = "19700202";
	f.s.claims = two;
	f.s.nclaims = 2;
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "one digit");
	drop(&f);

	make(&f);
	text_copy(f.people[0].sex, 17, "F");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "sex differs");
	text_copy(f.people[0].sex, 17, "");
	f.order->patient.nother_names = 1;
	f.order->patient.other_names = calloc(1, sizeof *f.order->patient.other_names);
	f.order->patient.other_names[0] = strdup("Weber^Jörg");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "WEBER^JOERG");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_WARNING, "birth name");
	shown(&f, "name", "Müller^Jörg", "WEBER^JOERG");
	shown(&f, "birth_date", "19700201", "19700201");
	shown(&f, "id", "4711", "P1");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "ALMOST^NOBODY");
	text_copy(f.people[0].other_names, CHECK_TEXT_MAX,
	    "a\\b\\c\\d\\e\\f\\g\\h\\i\\j\\k\\l\\m\\n\\o\\p\\MUELLER^JOERG");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "mismatch"); /* of names beyond the sixteenth none counts */
	f.s.nidentities = 0;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "no object says whose it is");
	drop(&f);
}

static void
patient_of_the_order(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	order_free(f.order);
	f.s.order = f.order = order_of("{\"basis\":{\"kind\":\"consent\",\"reference\":\"r\"}}");
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "names no patient");
	order_free(f.order);
	f.s.order = f.order = order_of("{\"patient\":{\"id\":\"4711\",\"name\":\"Müller^Jörg\"}}");
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "birth date missing");
	order_free(f.order);
	f.s.order = f.order = order_of("{\"patient\":{\"id\":\"4711\",\"birth_date\":\"1970-02-01\"}}");
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "name missing");
	order_free(f.order);
	f.s.order = f.order = order_of("{\"patient\":{\"id\":\"4711\"}}"); /* an id alone names one, and proves nobody */
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "missing");
	assert_null(strstr(f.rep.rules[CHECK_PATIENT].reason, "names no patient"));
	order_free(f.order);
	f.s.order = f.order = order_of("{\"patient\":{\"name\":\"Müller^Jörg\",\"birth_date\":\"1970-02-01\"}}");
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	drop(&f);
}

static void
papers(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	f.s.papers = true;
	f.s.nobjects = f.s.nidentities = f.s.nstudies = 0;
	f.s.documents = 1;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_WARNING, "whose papers");
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_WARNING, "1 documents");
	f.s.documents = 0;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "no document");
	f.s.documents = 1;
	f.claim.patient_name = "Mueller,Joerg";
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "birth date missing");
	f.claim.patient_birth = "1970-02-01";
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	f.claim.patient_birth = "1970-01-02";
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "swapped");
	drop(&f);
}

/* What the text of the documents says, with the portal's list and without. */
static void
papers_that_speak(void **state)
{
	struct check_paper said[2] = { { 1, false, PAPER_SILENT }, { 2, false, PAPER_SILENT } };
	struct fixture f;

	(void)state;
	make(&f);
	f.s.papers = true;
	f.s.nobjects = f.s.nidentities = f.s.nstudies = 0;
	f.s.documents = f.s.npapers_say = 2;
	f.s.papers_say = said;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_WARNING, "whose papers");
	said[0].says = PAPER_AGREES;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_WARNING, "1 of 2 documents do not say");
	said[1].says = PAPER_AGREES;
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	said[1].says = PAPER_CONTRADICTS;
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "document 2 says another birth date");
	f.claim.patient_name = "Mueller,Joerg"; /* the list does not clear what the paper says */
	f.claim.patient_birth = "1970-02-01";
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "document 2 says another birth date");
	said[1].says = PAPER_SILENT;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_WARNING, "1 of 2 documents do not say");
	said[0].says = PAPER_SILENT; /* nor does the list say whose each is */
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_WARNING, "2 of 2 documents do not say");
	said[0].says = PAPER_AGREES;
	said[1].says = PAPER_CONTRADICTS; /* has said something */
	judge(&f);
	assert_null(strstr(f.rep.rules[CHECK_PATIENT].reason, "do not say"));
	f.claim.patient_name = NULL; /* papers have no object that would say it */
	said[1].says = PAPER_AGREES;
	says(&f, CHECK_PATIENT, CHECK_UNKNOWN, CHECK_ERROR, "portal's list, unknown: name missing");
	drop(&f);
	said[1].says = PAPER_SILENT;
	make(&f); /* beside objects it is a hint */
	f.s.documents = f.s.npapers_say = 1;
	f.s.papers_say = said;
	said[0].says = PAPER_CONTRADICTS;
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_WARNING, "document 1 says another birth date");
	said[0].record = true; /* a field of its own is none */
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "document 1 says another birth date");
	said[0].says = PAPER_SILENT;
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	drop(&f);
}

static void
one_patient(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	f.s.nidentities = 2;
	f.objects[5].identity = 1;
	text_copy(f.people[1].id, CHECK_TEXT_MAX, "P2");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "patient ids");
	text_copy(f.people[1].id, CHECK_TEXT_MAX, "P1");
	text_copy(f.people[1].issuer, CHECK_TEXT_MAX, "OTHER");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "issuers");
	text_copy(f.people[1].issuer, CHECK_TEXT_MAX, "");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_WARNING, "lack");
	text_copy(f.people[1].issuer, CHECK_TEXT_MAX, "FOREIGN");
	text_copy(f.people[1].name, CHECK_TEXT_MAX, "Müller^Jörg");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_WARNING, "spelt");
	text_copy(f.people[1].name, CHECK_TEXT_MAX, "Weber^Jörg");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "names");
	drop(&f);

	/* the first object lacks what tells two others apart */
	make(&f);
	f.s.nidentities = 3;
	f.objects[4].identity = 1;
	f.objects[5].identity = 2;
	text_copy(f.people[0].id, CHECK_TEXT_MAX, "");
	text_copy(f.people[2].id, CHECK_TEXT_MAX, "P2");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "different patient ids");
	text_copy(f.people[2].id, CHECK_TEXT_MAX, "P1");
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "");
	text_copy(f.people[2].name, CHECK_TEXT_MAX, "WEBER^ANNA");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "different patient names");
	drop(&f);

	/* each attribute that one of two lacks; what both have alike is no difference, whatever it is worth */
	for (int i = 0; i < 4; i++) {
		make(&f);
		f.s.nidentities = 2;
		f.objects[5].identity = 1;
		struct check_identity *p = &f.people[1];
		*(i == 0 ? p->id : i == 1 ? p->issuer : i == 2 ? p->birth_date : p->name) = '\0';
		says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_WARNING, "some objects lack");
		assert_int_equal(json_array_size(f.rep.rules[CHECK_ONE_PATIENT].detail), 2);
		assert_int_equal(json_integer_value(json_object_get(
		    json_array_get(f.rep.rules[CHECK_ONE_PATIENT].detail, 1), "objects")), 1);
		drop(&f);
	}
	make(&f);
	f.s.nidentities = 2;
	text_copy(f.people[1].sex, 17, "");
	for (int i = 0; i < 2; i++) {
		text_copy(f.people[i].birth_date, 32, "");
		text_copy(f.people[i].name, CHECK_TEXT_MAX, "MUELLER");
	}
	says(&f, CHECK_ONE_PATIENT, CHECK_PASS, CHECK_WARNING, "one patient");
	for (int i = 0; i < 2; i++)
		text_copy(f.people[i].name, CHECK_TEXT_MAX, "");
	says(&f, CHECK_ONE_PATIENT, CHECK_PASS, CHECK_WARNING, "one patient");
	drop(&f);
	make(&f);
	f.s.nidentities = 2;
	text_copy(f.people[0].name, CHECK_TEXT_MAX, "Müller^Jörg");
	text_copy(f.people[1].name, CHECK_TEXT_MAX, "Muller^Jorg");
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_WARNING, "spelt");
	f.s.nidentities = 1;
	f.s.identities_more = true;
	says(&f, CHECK_ONE_PATIENT, CHECK_FINDING, CHECK_ERROR, "more than 64 patients");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "more than 64 patients");
	drop(&f);
}

static void
one_order(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	f.s.nstudies = 3;
	f.s.self = 1;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "unscheduled");
	assert_int_equal(f.rep.entry, ORDER_UNSCHEDULED);
	f.s.self = 0;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "entry 1");
	order_free(f.order);
	f.s.order = f.order = order_of("{\"studies\":[{\"modality\":\"CT\"}]}");
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "another one of the import");
	assert_int_equal(f.rep.entry, ORDER_UNSCHEDULED);
	order_free(f.order);
	f.s.order = f.order = order_of("{\"studies\":[{\"study_uid\":\"1.9\"}]}");
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_WARNING, "no study of this import");
	order_free(f.order); /* an entry that says nothing is for a study that is alone */
	f.s.order = f.order = order_of("{\"studies\":[{\"accession\":\"A\"}]}");
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_WARNING, "no study of this import");
	f.s.nstudies = 1;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "entry 1");
	order_free(f.order);
	f.s.order = f.order = order_of("{\"studies\":[{\"study_uid\":\"1.2\"}]}"); /* a sibling's */
	f.s.nstudies = 2;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "unscheduled");
	order_free(f.order);
	f.s.order = f.order = order_of("{}");
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "unscheduled");
	drop(&f);
}

/* What the worklist said is said, both sides where they are to be seen. */
static void
worklist(void **state)
{
	struct order *one = order_of("{\"patient\":{\"id\":\"1\"},\"studies\":[{\"accession\":\"A\"}]}");
	struct order *bare = order_of("{\"patient\":{\"id\":\"1\"}}");
	const struct order *v[] = { one };
	struct check_worklist w = { .key = CHECK_BY_NOTHING, .end = CHECK_WORKLIST_NONE, .v = v };
	struct fixture f;

	(void)state;
	make(&f);
	f.s.worklist = &w;
	says(&f, CHECK_ONE_ORDER, CHECK_UNKNOWN, CHECK_WARNING, "to ask the worklist by");
	w.key = CHECK_BY_ID;
	says(&f, CHECK_ONE_ORDER, CHECK_UNKNOWN, CHECK_WARNING, "has nothing for this order");
	w.untied = true; /* of no entry it is not asked whose it is */
	w.n = 1;
	says(&f, CHECK_ONE_ORDER, CHECK_UNKNOWN, CHECK_WARNING, "has nothing for this order");
	assert_null(strstr(f.rep.rules[CHECK_ONE_ORDER].reason, "which study"));
	assert_null(f.rep.rules[CHECK_ONE_ORDER].detail);
	w.end = CHECK_WORKLIST_ONE;
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_WARNING, "does not say which study");
	assert_null(f.rep.rules[CHECK_ONE_ORDER].detail);
	w.untied = false;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "entry 1");
	w.untied = true;
	v[0] = bare; /* a patient without a study is for none */
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "entry 1");
	v[0] = one;
	w.end = CHECK_WORKLIST_DIFFERS;
	text_copy(w.why, sizeof w.why, "sex differs");
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "the worklist contradicts the order: sex differs");
	assert_true(json_array_size(f.rep.rules[CHECK_ONE_ORDER].detail) > 1);
	w.end = CHECK_WORKLIST_MANY;
	w.fitting = 2;
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "2 entries of the worklist fit");
	assert_true(json_array_size(f.rep.rules[CHECK_ONE_ORDER].detail) > 1);
	w.more = true;
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "more than 1 entries");
	drop(&f);
	order_free(one);
	order_free(bare);
}

static void
complete(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	f.claimed[0].instances = 7;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "says 7, 6 came");
	f.s.duplicates = 1; /* 7 files, one of them twice */
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "as claimed");
	f.claimed[0].instances = 4;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_WARNING, "says 4, 6 came");
	f.objects[0].image = f.objects[1].image = false; /* portals count images */
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "as claimed");
	f.claimed[0].instances = -1;
	says(&f, CHECK_COMPLETE, CHECK_UNKNOWN, CHECK_WARNING, "nobody said");
	f.claim.total_instances = 9;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "package 001 says 9, 6 came");
	f.package.objects = 9; /* the others are another study's */
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "");
	f.claimed[1] = (struct claim_study){ .study_uid = "1.5", .instances = -1, .series = -1 };
	f.claim.nstudies = 2;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR,
	    "1 studies of the portal's list did not come");
	f.claim.nstudies = 1;
	f.claimed[0].study_uid = "1.2";
	f.s.nstudies = 2;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_WARNING, "does not have");
	f.claimed[0].study_uid = "1.1";
	f.s.partial = true;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "partial");
	f.s.partial = false;
	f.claim.partial = true;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "portal itself");
	f.claim.partial = false;
	f.claim.plausible = false;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_WARNING, "look like");
	f.claim.plausible = true;
	f.objects[3].number = 40;
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_WARNING, "instance numbers are missing");
	f.objects[3].number = 4;
	f.objects[5].number = 7;
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_WARNING, "; 1 instance numbers are missing");
	f.claimed[0].instances = f.claim.total_instances = -1;
	says(&f, CHECK_COMPLETE, CHECK_UNKNOWN, CHECK_WARNING, "; 1 instance numbers are missing");
	text_copy(f.objects[5].series_uid, 65, "1.1.2"); /* another series has numbers of its own */
	judge(&f);
	assert_null(strstr(f.rep.rules[CHECK_COMPLETE].reason, "missing"));
	f.s.nobjects = 0;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "no object");
	drop(&f);
}

/* What a claim lists is missed also where its package gave no object at all: a PDF, or what was there already. */
static void
complete_empty_package(void **state)
{
	struct fixture f;
	struct claim two[2];

	(void)state;
	make(&f);
	two[0] = two[1] = f.claim;
	f.claimed[1] = (struct claim_study){ .study_uid = "1.5", .instances = 3, .series = -1 };
	two[1].package = 2;
	two[1].studies = &f.claimed[1];
	f.s.claims = two;
	f.s.nclaims = 2;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR,
	    "1 studies of the portal's list did not come");
	f.claimed[1].study_uid = "1.1"; /* the same study again */
	f.claimed[1].instances = N;
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "as claimed");
	two[1].partial = true;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "package 002 is not whole");
	drop(&f);

	/* another study's package is that study's matter */
	make(&f);
	struct check_package packages[2] = { { 1, N }, { 2, 4 } };
	two[0] = two[1] = f.claim;
	f.claimed[1] = (struct claim_study){ .study_uid = "1.5", .instances = 3, .series = -1 };
	two[1].package = 2;
	two[1].studies = &f.claimed[1];
	f.s.claims = two;
	f.s.nclaims = 2;
	f.s.packages = packages;
	f.s.npackages = 2;
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "as claimed");
	drop(&f);
}

/* A list without UIDs: date and modality say which study is meant. */
static void
complete_without_uids(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	f.s.nstudies = 3;
	f.claimed[0] =
	    (struct claim_study){ .date = "20260901", .modality = "CT", .instances = 8, .series = -1 };
	f.claimed[1] =
	    (struct claim_study){ .date = "20250901", .modality = "CT", .instances = 6, .series = -1 };
	f.claim.nstudies = 2;
	says(&f, CHECK_COMPLETE, CHECK_FINDING, CHECK_ERROR, "says 8, 6 came");
	f.s.self = 1;
	says(&f, CHECK_COMPLETE, CHECK_PASS, CHECK_ERROR, "as claimed");
	drop(&f);
}

static void
consistent(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	text_copy(f.objects[4].sop_uid, 65, f.objects[2].sop_uid);
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR,
	    "1 objects have the SOP Instance UID of another");
	text_copy(f.objects[4].sha256, 65, f.objects[2].sha256);
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "there twice");
	f.objects[0].points = (uint32_t)1 << POINT_CHARSET;
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR,
	    "in 1 of 6 objects (first: original/00001)");
	drop(&f);

	make(&f);
	text_copy(f.objects[1].sop_uid, 65, f.objects[0].sop_uid);
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "1 objects have the SOP Instance UID of another");
	*f.objects[0].sha256 = *f.objects[1].sha256 = '\0'; /* bytes that nobody summed are not the same */
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "1 objects have the SOP Instance UID of another");
	*f.objects[0].sop_uid = *f.objects[1].sop_uid = '\0'; /* nor is none of two a UID */
	says(&f, CHECK_CONSISTENT, CHECK_PASS, CHECK_WARNING, "");
	drop(&f);
}

#define POINT(p) ((uint32_t)1 << (p))

/* Whatever is found in one object is told, with its weight and where; a configuration makes its own point an error. */
static void
told(void **state)
{
	static const struct {
		enum check_point p;
		enum check_rule rule;
		enum check_verdict verdict;
		enum check_severity severity;
		const char *phrase;
	} v[] = {
		{ POINT_BROKEN, CHECK_READABLE, CHECK_FINDING, CHECK_ERROR, "not readable" },
		{ POINT_SHORT_PIXELS, CHECK_READABLE, CHECK_FINDING, CHECK_ERROR, "less pixel data" },
		{ POINT_LONG_PIXELS, CHECK_READABLE, CHECK_FINDING, CHECK_WARNING, "more pixel data" },
		{ POINT_NO_PIXELS, CHECK_READABLE, CHECK_FINDING, CHECK_ERROR, "without its pixel data" },
		{ POINT_FRAGMENTS, CHECK_READABLE, CHECK_FINDING, CHECK_ERROR, "fragments and frames" },
		{ POINT_OFFSETS, CHECK_READABLE, CHECK_FINDING, CHECK_WARNING, "offset table" },
		{ POINT_FRAME, CHECK_READABLE, CHECK_FINDING, CHECK_ERROR, "do not decode" },
		{ POINT_UNDECODED, CHECK_READABLE, CHECK_UNKNOWN, CHECK_WARNING, "cannot be decoded here" },
		{ POINT_BAD_UID, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "UID that is none" },
		{ POINT_META_DIFFERS, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "another encoding" },
		{ POINT_CHARSET, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "contradict the character set" },
		{ POINT_CHARSET_UNKNOWN, CHECK_CONSISTENT, CHECK_UNKNOWN, CHECK_WARNING, "does not convert" },
		{ POINT_TYPE1, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "archives require" },
		{ POINT_TYPE2, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "be it empty" },
		{ POINT_NO_MODALITY, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "no Modality" },
		{ POINT_NO_STUDY_ID, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "no Study ID" },
		{ POINT_OTHER_STUDY, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "UID of another study" },
	};
	struct check_severities strict = { .error = { false } };
	struct fixture f;

	(void)state;
	_Static_assert(sizeof v / sizeof *v == POINT_OBJECT_LAST + 1, "each point of an object");
	make(&f);
	f.s.severities = &strict;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		f.objects[2].points = POINT(v[i].p);
		says(&f, v[i].rule, v[i].verdict, v[i].severity, v[i].phrase);
		says(&f, v[i].rule, v[i].verdict, v[i].severity, " in 1 of 6 objects (first: original/00003)");
		memset(strict.error, true, sizeof strict.error);
		strict.error[v[i].p] = false;
		says(&f, v[i].rule, v[i].verdict, v[i].severity, v[i].phrase);
		memset(strict.error, false, sizeof strict.error);
		strict.error[v[i].p] = true;
		says(&f, v[i].rule, v[i].verdict, CHECK_ERROR, v[i].phrase);
		strict.error[v[i].p] = false;
	}
	/* the worst counts, in whatever order it is found */
	f.objects[2].points = POINT(POINT_CHARSET_UNKNOWN) | POINT(POINT_NO_MODALITY);
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "does not convert");
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "; no Modality");
	f.objects[2].points = POINT(POINT_CHARSET_UNKNOWN) | POINT(POINT_BAD_UID);
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "does not convert");
	assert_null(strstr(f.rep.rules[CHECK_CONSISTENT].reason, "sets agree")); /* nor is a pass added */
	f.objects[2].points = POINT(POINT_CHARSET);
	f.objects[2].charset_tag = 0x00081030;
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "; original/00003: (0008,1030)");
	assert_null(strstr(f.rep.rules[CHECK_CONSISTENT].reason, "sequence"));
	f.objects[2].charset_nested = true;
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "(0008,1030) in a sequence");
	drop(&f);
}

/* More to say than there is room for is cut off, and what stands behind it stays. */
static void
much_to_say(void **state)
{
	struct check_paper said[64];
	struct fixture f;

	(void)state;
	for (int n = 1; n < 30; n++) { /* the end of the room at any letter */
		make(&f);
		for (int i = 0; i < 64; i++)
			said[i] = (struct check_paper){ i < n ? i : 100 + i, true, PAPER_CONTRADICTS };
		f.s.papers_say = said;
		f.s.npapers_say = 64;
		says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "says another birth date");
		assert_int_equal(strlen(f.rep.rules[CHECK_PATIENT].reason), CHECK_REASON_MAX - 1);
		assert_null(f.rep.rules[CHECK_PATIENT].detail);
		drop(&f);
	}
}

static void
permitted(void **state)
{
	static const char *const pacs[] = { "pacs" }, *const his[] = { "his" },
				 *const other[] = { "other" }, *const both[] = { "pacs", "his" },
				 *const url[] = { "folder:/tmp/x" };
	struct fixture f;

	(void)state;
	make(&f);
	f.s.destinations = pacs;
	f.s.ndestinations = 1;
	says(&f, CHECK_PERMITTED, CHECK_PASS, CHECK_ERROR, "");
	f.s.destinations = his;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "not one of the order");
	f.s.destinations = other;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "not configured");
	f.order->ndestinations = 0;
	f.s.destinations = url;
	says(&f, CHECK_PERMITTED, CHECK_PASS, CHECK_ERROR, "");
	f.s.named_only = true;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "not configured");
	f.order->ndestinations = 1;
	f.s.ndestinations = 0;
	f.s.nknown = 0;
	f.s.now = 2000;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "time of this import is over");
	f.s.purge_at = 0; /* no spool, no deadline */
	says(&f, CHECK_PERMITTED, CHECK_PASS, CHECK_ERROR, "");
	f.s.purge_at = 2000;
	f.s.now = 1000;
	f.s.known = other; /* the order's own destination, where no other is asked for */
	f.s.nknown = 1;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "destination 1 of the order is not configured");
	f.s.known = both;
	f.s.nknown = 2;
	f.s.destinations = both;
	f.s.ndestinations = 2;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "not one of the order");
	f.s.ndestinations = f.s.nknown = 0;
	free(f.order->basis_reference);
	f.order->basis_reference = NULL;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "no reference");
	free(f.order->basis_kind);
	f.order->basis_kind = NULL;
	f.s.basis_required = false;
	says(&f, CHECK_PERMITTED, CHECK_PASS, CHECK_ERROR, "");
	f.s.basis_required = true;
	says(&f, CHECK_PERMITTED, CHECK_FINDING, CHECK_ERROR, "legal basis");
	drop(&f);
}

/* A data set in explicit little endian, made here byte by byte. */
struct maker {
	uint8_t v[8192];
	size_t n;
	uint32_t lacks, empty;	/* an attribute that is left out, or has no value */
};

static void
put(struct maker *m, unsigned g, unsigned e, const char *vr, const void *p, size_t n)
{
	uint8_t head[12] = { (uint8_t)g, (uint8_t)(g >> 8), (uint8_t)e, (uint8_t)(e >> 8), (uint8_t)vr[0],
		(uint8_t)vr[1] };
	size_t padded = n + (n & 1), hl = 8;

	if (m->lacks == TAG(g, e))
		return;
	if (m->empty == TAG(g, e))
		n = padded = 0;
	if (strcmp(vr, "OW") == 0 || strcmp(vr, "SQ") == 0) {
		hl = 12;
		memcpy(head + 8, &(uint32_t){ (uint32_t)padded }, 4);
	} else {
		head[6] = (uint8_t)padded;
		head[7] = (uint8_t)(padded >> 8);
	}
	assert_true(m->n + hl + padded <= sizeof m->v);
	memcpy(m->v + m->n, head, hl);
	memset(m->v + m->n + hl, strcmp(vr, "UI") == 0 ? 0 : ' ', padded);
	memcpy(m->v + m->n + hl, p, n);
	m->n += hl + padded;
}

static void
put_text(struct maker *m, unsigned g, unsigned e, const char *vr, const char *s)
{
	put(m, g, e, vr, s, strlen(s));
}

static void
put_us(struct maker *m, unsigned g, unsigned e, unsigned v)
{
	uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	put(m, g, e, "US", b, 2);
}

/* What patient, study and series have in every object. */
static void
put_study(struct maker *m, const char *name, const char *id, const char *birth, const char *sex, const char *modality)
{
	put_text(m, 8, 0x20, "DA", "20240101");
	put_text(m, 8, 0x30, "TM", "1200");
	put_text(m, 8, 0x50, "SH", "");
	put_text(m, 8, 0x60, "CS", modality);
	put_text(m, 8, 0x90, "PN", "");
	put_text(m, 0x10, 0x10, "PN", name);
	put_text(m, 0x10, 0x20, "LO", id);
	put_text(m, 0x10, 0x30, "DA", birth);
	put_text(m, 0x10, 0x40, "CS", sex);
}

/* From Rows to Pixel Representation; planar where there is more than one sample. */
static void
put_image(struct maker *m, unsigned samples, const char *photometric, const char *frames, unsigned rows, unsigned cols,
    unsigned bits)
{
	put_us(m, 0x28, 0x02, samples);
	put_text(m, 0x28, 0x04, "CS", photometric);
	if (samples > 1)
		put_us(m, 0x28, 0x06, 0);
	if (frames != NULL)
		put_text(m, 0x28, 0x08, "IS", frames);
	put_us(m, 0x28, 0x10, rows);
	put_us(m, 0x28, 0x11, cols);
	put_us(m, 0x28, 0x100, bits);
	put_us(m, 0x28, 0x101, bits);
	put_us(m, 0x28, 0x102, bits - 1);
	put_us(m, 0x28, 0x103, 0);
}

struct recipe {
	const char *charset, *name, *sop_uid, *meta_uid, *photometric, *frames, *study_id, *modality, *nested,
	    *other_id, *other_issuer, *retired_ids, *sop_class, *meta_class, *syntax, *study_uid, *series_uid,
	    *birth_name, *other_name, *id, *issuer, *birth, *sex;
	uint32_t lacks, empty;
	unsigned rows, cols, bits, samples;
	size_t pixels;
	bool no_pixels;
};

static uint32_t
points_of(const struct recipe *r, struct check_object *o, struct check_identity *id)
{
	static const uint8_t zero[4096];
	struct maker m = { .n = 132, .lacks = r->lacks, .empty = r->empty };
	const char *sop_class = r->sop_class != NULL ? r->sop_class : "1.2.840.10008.5.1.4.1.1.2";
	struct stream *s = NULL;
	struct err err = { 0 };

	memcpy(m.v + 128, "DICM", 4);
	put_text(&m, 2, 0x02, "UI", r->meta_class != NULL ? r->meta_class : sop_class);
	put_text(&m, 2, 0x03, "UI", r->meta_uid != NULL ? r->meta_uid : "1.2.3.4");
	put_text(&m, 2, 0x10, "UI", r->syntax != NULL ? r->syntax : "1.2.840.10008.1.2.1");
	if (r->charset != NULL)
		put_text(&m, 8, 0x05, "CS", r->charset);
	put_text(&m, 8, 0x16, "UI", sop_class);
	put_text(&m, 8, 0x18, "UI", r->sop_uid != NULL ? r->sop_uid : "1.2.3.4");
	put_study(&m, r->name != NULL ? r->name : "A^B", r->id != NULL ? r->id : "", r->birth != NULL ? r->birth : "",
	    r->sex != NULL ? r->sex : "", r->modality != NULL ? r->modality : "CT");
	if (r->issuer != NULL)
		put_text(&m, 0x10, 0x21, "LO", r->issuer);
	if (r->retired_ids != NULL)
		put_text(&m, 0x10, 0x1000, "LO", r->retired_ids);
	if (r->other_id != NULL) { /* a sequence of one item */
		struct maker in = { .n = 8, .v = { 0xfe, 0xff, 0x00, 0xe0 } };
		put_text(&in, 0x10, 0x20, "LO", r->other_id);
		put_text(&in, 0x10, 0x21, "LO", r->other_issuer);
		in.v[4] = (uint8_t)(in.n - 8);
		put(&m, 0x10, 0x1002, "SQ", in.v, in.n);
	}
	if (r->other_name != NULL)
		put_text(&m, 0x10, 0x1001, "PN", r->other_name);
	if (r->birth_name != NULL)
		put_text(&m, 0x10, 0x1005, "PN", r->birth_name);
	put_text(&m, 0x20, 0x0d, "UI", r->study_uid != NULL ? r->study_uid : "1.2.3");
	put_text(&m, 0x20, 0x0e, "UI", r->series_uid != NULL ? r->series_uid : "1.2.3.1");
	put_text(&m, 0x20, 0x10, "SH", r->study_id != NULL ? r->study_id : "1");
	put_text(&m, 0x20, 0x11, "IS", "");
	put_text(&m, 0x20, 0x13, "IS", "17");
	if (r->rows > 0) {
		put_image(&m, r->samples > 0 ? r->samples : 1, r->photometric != NULL ? r->photometric : "MONOCHROME2",
		    r->frames, r->rows, r->cols, r->bits);
		if (r->nested == NULL && !r->no_pixels)
			put(&m, 0x7fe0, 0x10, "OW", zero, r->pixels);
	}
	if (r->nested != NULL) { /* a sequence of one item of one text, which may begin with a character set of its own */
		struct maker in = { .n = 8, .v = { 0xfe, 0xff, 0x00, 0xe0 } };
		const char *text = strchr(r->nested, '|');

		if (text != NULL)
			put(&in, 8, 0x05, "CS", r->nested, (size_t)(text++ - r->nested));
		put_text(&in, 0x40, 0x07, "LO", text != NULL ? text : r->nested);
		in.v[4] = (uint8_t)(in.n - 8);
		put(&m, 0x40, 0x275, "SQ", in.v, in.n);
	}
	assert_int_equal(stream_mem(&s, m.v, m.n, &err), RC_OK);
	assert_int_equal(check_object_read(s, false, o, id, &err), RC_OK);
	stream_close(s);
	return o->points;
}

static void
objects(void **state)
{
	static const struct {
		struct recipe r;
		uint32_t want;
	} v[] = {
		{ { .rows = 10, .cols = 8, .bits = 16, .pixels = 160 }, 0 },
		{ { .rows = 10, .cols = 8, .bits = 16, .pixels = 158 }, POINT(POINT_SHORT_PIXELS) },
		{ { .rows = 10, .cols = 8, .bits = 16, .pixels = 162 }, POINT(POINT_LONG_PIXELS) },
		{ { .rows = 10, .cols = 8, .bits = 16, .pixels = 320, .frames = "2" }, 0 },
		{ { .rows = 10, .cols = 8, .bits = 16, .pixels = 160, .frames = "2" },
		    POINT(POINT_SHORT_PIXELS) },
		{ { .rows = 5, .cols = 5, .bits = 8, .pixels = 25 }, 0 }, /* padded to even */
		{ { .rows = 5, .cols = 5, .bits = 1, .pixels = 4 }, 0 },
		{ { .rows = 5, .cols = 5, .bits = 1, .pixels = 2 }, POINT(POINT_SHORT_PIXELS) },
		{ { .rows = 4, .cols = 4, .bits = 8, .samples = 3, .photometric = "RGB", .pixels = 48 },
		    0 },
		{ { .rows = 4, .cols = 4, .bits = 8, .samples = 3, .photometric = "RGB", .pixels = 32 },
		    POINT(POINT_SHORT_PIXELS) },
		{ { .rows = 4,
		      .cols = 4,
		      .bits = 8,
		      .samples = 3,
		      .photometric = "YBR_FULL_422",
		      .pixels = 32 },
		    0 },
		{ { .rows = 10, .cols = 8, .bits = 16, .no_pixels = true }, POINT(POINT_NO_PIXELS) },
		{ { .rows = 10, .cols = 8, .bits = 0, .pixels = 160 },
		    POINT(POINT_NO_PIXELS) | POINT(POINT_TYPE1) },
		{ { .rows = 65535,
		      .cols = 65535,
		      .bits = 65535,
		      .samples = 65535,
		      .frames = "2147483647",
		      .pixels = 2 },
		    POINT(POINT_SHORT_PIXELS) },
		{ { 0 }, 0 }, /* no image: a report */
		{ { .sop_uid = "1.02.3", .meta_uid = "1.02.3" }, POINT(POINT_BAD_UID) },
		{ { .sop_uid = "", .meta_uid = "" }, POINT(POINT_TYPE1) },
		{ { .meta_uid = "1.2.3.5" }, POINT(POINT_META_DIFFERS) },
		{ { .meta_class = "1.2.840.10008.5.1.4.1.1.4" }, POINT(POINT_META_DIFFERS) },
		{ { .syntax = "1.2.840.10008.1.2" }, POINT(POINT_META_DIFFERS) }, /* implicit, it says */
		{ { .sop_class = "1.2.a", .meta_class = "1.2.a" }, POINT(POINT_BAD_UID) },
		{ { .study_uid = "1..2" }, POINT(POINT_BAD_UID) },
		{ { .series_uid = "1.2.3." }, POINT(POINT_BAD_UID) },
		{ { .modality = "" }, POINT(POINT_NO_MODALITY) },
		{ { .study_id = "" }, POINT(POINT_NO_STUDY_ID) },
		{ { .charset = "ISO_IR 100", .name = "M\xfcller^J" }, 0 },
		{ { .charset = "ISO_IR 192", .name = "M\xfcller^J" }, POINT(POINT_CHARSET) },
		{ { .name = "M\xfcller^J" }, POINT(POINT_CHARSET) },
		{ { .charset = "ISO 2022 IR 87", .name = "Yamada^Tarou" }, 0 },
		{ { .charset = "\\ISO 2022 IR 87", .name = "Yamada^Tarou=\x1b$B;3ED\x1b(B" }, 0 },
		{ { .charset = "\\ISO 2022 IR 87", .name = "Yamada^Tarou=\x1b$B;3E" }, POINT(POINT_CHARSET) },
		{ { .charset = "ISO_IR 999", .name = "M\xfcller^J" }, POINT(POINT_CHARSET_UNKNOWN) },
	};
	struct check_object o;
	struct check_identity id;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(charset_load(&err), RC_OK);
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (points_of(&v[i].r, &o, &id) != v[i].want)
			fail_msg(
			    "recipe %zu: points %x, expected %x (%s)", i, o.points, v[i].want, o.why);
	points_of(&(struct recipe){ .charset = "\\ISO 2022 IR 87", .name = "Y=\x1b$B;3ED\x1b(B" }, &o, &id);
	assert_string_equal(id.name, "Y=山田");
	assert_int_equal(points_of(&(struct recipe){ .charset = "ISO_IR 192", .nested = "M\xfcller" }, &o, &id),
	    POINT(POINT_CHARSET));
	assert_int_equal(o.charset_tag, 0x00400007);
	assert_true(o.charset_nested);
	assert_int_equal(
	    points_of(&(struct recipe){ .charset = "ISO_IR 192", .nested = "ISO_IR 100|M\xfcller" }, &o, &id), 0);
	points_of(&(struct recipe){ .charset = "ISO_IR 100", .name = "M\xfcller^J", .birth_name = "Z\xfcrn^J",
		      .other_name = "A^J" }, &o, &id);
	assert_string_equal(id.name, "Müller^J");
	assert_string_equal(id.other_names, "Zürn^J\\A^J");
	assert_string_equal(o.study_uid, "1.2.3");
	points_of(&(struct recipe){ .id = "4711", .issuer = "HOSP", .birth = "19700201", .sex = "M" }, &o, &id);
	assert_string_equal(id.id, "4711");
	assert_string_equal(id.issuer, "HOSP");
	assert_string_equal(id.birth_date, "19700201");
	assert_string_equal(id.sex, "M");
	points_of(&(struct recipe){ .charset = "ISO_IR 100", .birth = "1970020\xb9", .sex = "\xfc" }, &o, &id);
	assert_string_equal(id.birth_date, ""); /* what is no digit is no date */
	assert_string_equal(id.sex, "");
	assert_int_equal(o.number, 17);
}

/* Each attribute of the table, left out and empty, where its module is called for and where it is not. */
static void
required(void **state)
{
	static const struct recipe image = { .rows = 4, .cols = 4, .bits = 8, .samples = 3, .photometric = "RGB",
		.pixels = 48, .frames = "1", .sop_class = "1.2.840.10008.5.1.4.1.1.7.4" };
	static const uint32_t ones[] = { 0x00080016, 0x00080018, 0x0020000d, 0x0020000e, 0x00280002, 0x00280004, 0x00280006,
		0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103 };
	static const uint32_t twos[] = { 0x00080020, 0x00080030, 0x00080050, 0x00080090, 0x00100010, 0x00100020, 0x00100030,
		0x00100040, 0x00200011, 0x00200013, 0x00280008 };
	struct check_object o, back;
	struct check_identity id;
	struct buf b = BUF_INIT(0);
	struct err err = { 0 };
	struct recipe r = image;
	struct fixture f;

	(void)state;
	assert_int_equal(points_of(&image, &o, &id), 0);
	assert_int_equal(o.type1_tag | o.type2_tag, 0);
	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
		r = image;
		r.lacks = ones[i];
		if (!(points_of(&r, &o, &id) & POINT(POINT_TYPE1)) || o.type1_tag != ones[i])
			fail_msg("without %08x: points %x, first %08x", ones[i], o.points, o.type1_tag);
		r.lacks = 0;
		r.empty = ones[i];
		if (!(points_of(&r, &o, &id) & POINT(POINT_TYPE1)) || o.type1_tag != ones[i])
			fail_msg("empty %08x: points %x, first %08x", ones[i], o.points, o.type1_tag);
		r = (struct recipe){ .lacks = ones[i] }; /* a report has no pixels */
		if (((points_of(&r, &o, &id) & POINT(POINT_TYPE1)) != 0) != (i < 4))
			fail_msg("a report without %08x: points %x", ones[i], o.points);
	}
	for (size_t i = 0; i < sizeof twos / sizeof *twos; i++) {
		r = image;
		r.lacks = twos[i];
		if (points_of(&r, &o, &id) != POINT(POINT_TYPE2) || o.type2_tag != twos[i])
			fail_msg("without %08x: points %x, first %08x", twos[i], o.points, o.type2_tag);
		r = (struct recipe){ .lacks = twos[i] };
		if (points_of(&r, &o, &id) !=
		    (twos[i] == 0x00200013 || twos[i] == 0x00280008 ? 0 : POINT(POINT_TYPE2)))
			fail_msg("a report without %08x: points %x", twos[i], o.points);
		r = image;
		r.empty = twos[i];
		if (points_of(&r, &o, &id) != 0)
			fail_msg("empty %08x: points %x", twos[i], o.points);
	}
	r = image;
	r.sop_class = NULL; /* one frame is no module */
	r.frames = NULL;
	assert_int_equal(points_of(&r, &o, &id), 0);
	r.bits = 0; /* a number that is none */
	points_of(&r, &o, &id);
	assert_int_equal(o.type1_tag, 0x00280100);
	r.lacks = 0x00100020;
	points_of(&r, &o, &id);
	assert_int_equal(check_object_write(&o, &id, &b, &err), RC_OK);
	assert_int_equal(check_object_parse(b.data, b.len, &back, &id, &err), RC_OK);
	assert_int_equal(back.type1_tag, 0x00280100);
	assert_int_equal(back.type2_tag, 0x00100020);
	buf_free(&b);
	make(&f);
	f.objects[0].points = POINT(POINT_TYPE2);
	f.objects[0].type2_tag = 0x00100020;
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_WARNING, "(0010,0020) PatientID");
	f.objects[1].points = POINT(POINT_TYPE1);
	f.objects[1].type1_tag = 0x00280010;
	says(&f, CHECK_CONSISTENT, CHECK_FINDING, CHECK_ERROR, "(0028,0010) Rows");
	drop(&f);
}

/* Two frames of RLE in two fragments, with an offset table, under a transfer syntax. */
static uint32_t
compressed_points(const char *syntax, const char *frames, uint32_t second, bool deep, struct check_object *o)
{
	static const uint8_t item[8] = { 0xfe, 0xff, 0x00, 0xe0 }, end[8] = { 0xfe, 0xff, 0xdd, 0xe0 };
	static const uint8_t undefined[12] = { 0xe0, 0x7f, 0x10, 0x00, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff };
	uint8_t rle[72] = { 1, 0, 0, 0, 64, 0, 0, 0, [64] = 3, 1, 2, 3, 4 }, table[16] = { 0 }, head[8];
	struct maker m = { .n = 132 };
	struct check_identity id;
	struct stream *s = NULL;
	struct err err = { 0 };

	memcpy(m.v + 128, "DICM", 4);
	put_text(&m, 2, 0x10, "UI", syntax);
	put_text(&m, 8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2");
	put_text(&m, 8, 0x18, "UI", "1.2.3.4");
	put_study(&m, "A^B", "", "", "", "CT");
	put_text(&m, 0x20, 0x0d, "UI", "1.2.3");
	put_text(&m, 0x20, 0x0e, "UI", "1.2.3.1");
	put_text(&m, 0x20, 0x10, "SH", "1");
	put_text(&m, 0x20, 0x11, "IS", "");
	put_text(&m, 0x20, 0x13, "IS", "");
	put_image(&m, 1, "MONOCHROME2", frames, 2, 2, 8);
	memcpy(table, item, 8);
	table[4] = 8;
	memcpy(table + 12, &second, 4);
	memcpy(head, item, 8);
	head[4] = sizeof rle;
	memcpy(m.v + m.n, undefined, 12), m.n += 12;
	memcpy(m.v + m.n, table, 16), m.n += 16;
	for (int i = 0; i < 2; i++) {
		if (i == 1) /* the second frame is damaged: nothing but no-ops */
			memset(rle + 64, 128, 8);
		memcpy(m.v + m.n, head, 8), m.n += 8;
		memcpy(m.v + m.n, rle, sizeof rle), m.n += sizeof rle;
	}
	memcpy(m.v + m.n, end, 8), m.n += 8;
	assert_int_equal(stream_mem(&s, m.v, m.n, &err), RC_OK);
	assert_int_equal(check_object_read(s, deep, o, &id, &err), RC_OK);
	stream_close(s);
	return o->points;
}

static void
compressed(void **state)
{
	static const char rle[] = "1.2.840.10008.1.2.5", j2k[] = "1.2.840.10008.1.2.4.90";
	struct check_object o;

	(void)state;
	assert_int_equal(compressed_points(rle, "2", 80, false, &o), 0);
	assert_int_equal(compressed_points(rle, "2", 82, false, &o), POINT(POINT_OFFSETS));
	/* of RLE a fragment is a frame; of others a frame may have several, but none less than one */
	assert_int_equal(compressed_points(rle, "1", 80, false, &o), POINT(POINT_FRAGMENTS));
	assert_int_equal(compressed_points(rle, "3", 80, false, &o), POINT(POINT_FRAGMENTS));
	assert_int_equal(compressed_points(j2k, "3", 80, false, &o), POINT(POINT_FRAGMENTS));
	assert_int_equal(compressed_points(j2k, "1", 80, false, &o), POINT(POINT_OFFSETS));
	assert_int_equal(compressed_points("1.2.840.10008.1.2.4.102", "30", 80, false, &o), 0); /* a video is one stream */
	assert_int_equal(compressed_points(rle, "2", 0, false, &o), POINT(POINT_OFFSETS));
	assert_int_equal(compressed_points("1.2.840.10008.1.2.1", "2", 80, false, &o), POINT(POINT_META_DIFFERS));
	assert_int_equal(compressed_points(rle, "2", 80, true, &o), POINT(POINT_FRAME));
	assert_int_equal(o.decoded, 1);
	assert_string_equal(o.why, "frame 2 of 2: segment 1 of the RLE frame ends early");
	assert_int_equal(compressed_points(j2k, "2", 80, true, &o), POINT(POINT_UNDECODED));
	assert_string_equal(o.why, "frame 1 of 2, the first of several: there is no decoder here for its transfer syntax");
}

/* Ids beside the first one: from the object, over the wire, to the rule. */
static void
other_ids(void **state)
{
	struct check_object o, back;
	struct check_identity id, id_back;
	struct buf b = BUF_INIT(0);
	struct err err = { 0 };
	struct fixture f;

	(void)state;
	points_of(&(struct recipe){ .charset = "ISO_IR 100", .other_id = "4711", .other_issuer = "H\xf6he",
		      .retired_ids = "A123456780\\77 " }, &o, &id);
	assert_string_equal(id.other_ids, "4711\037Höhe\\A123456780\037\\77\037");
	assert_int_equal(check_object_write(&o, &id, &b, &err), RC_OK);
	assert_int_equal(check_object_parse(b.data, b.len, &back, &id_back, &err), RC_OK);
	assert_string_equal(id_back.other_ids, id.other_ids);
	buf_free(&b);
	points_of(&(struct recipe){ .name = "A^B" }, &o, &id);
	assert_string_equal(id.other_ids, "");
	make(&f);
	text_copy(f.people[0].other_ids, CHECK_TEXT_MAX, "4712\037HOSP");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "another id of the same issuer");
	text_copy(f.people[0].other_ids, CHECK_TEXT_MAX, "4712\037HOSP\\4711\037HOSP");
	says(&f, CHECK_PATIENT, CHECK_PASS, CHECK_WARNING, "");
	free(f.order->patient.id);
	f.order->patient.id = strdup("B123456782");
	text_copy(f.people[0].other_ids, CHECK_TEXT_MAX, "A123456780\037");
	says(&f, CHECK_PATIENT, CHECK_FINDING, CHECK_ERROR, "another insurance number");
	drop(&f);
}

static void
wire(void **state)
{
	struct check_object o, back;
	struct check_identity id, id_back;
	struct buf b = BUF_INIT(0);
	struct err err = { 0 };
	static const char *const bad[] = { "", "{}x", "{\"points\":-1}", "{\"points\":4294967296}",
		"{\"number\":\"a\"}",
		"{\"class\":\"11111111111111111111111111111111111111111111111111111111111111111\"}" };

	(void)state;
	points_of(&(struct recipe){ .charset = "ISO_IR 100",
		      .name = "M\xfcller^J",
		      .rows = 2,
		      .cols = 2,
		      .bits = 8,
		      .pixels = 2 },
	    &o, &id);
	assert_int_equal(check_object_write(&o, &id, &b, &err), RC_OK);
	assert_int_equal(check_object_parse(b.data, b.len, &back, &id_back, &err), RC_OK);
	assert_string_equal(back.sop_uid, o.sop_uid);
	assert_string_equal(id_back.name, id.name);
	assert_int_equal(back.points, POINT(POINT_SHORT_PIXELS));
	assert_true(back.image);
	buf_free(&b);
	/* each field in its own place */
	o = (struct check_object){ .sop_class = "1", .sop_uid = "2", .series_uid = "3", .study_uid = "4", .study_date = "5",
		.modality = "6", .number = 7, .frames = 8, .decoded = 9, .charset_tag = 10, .type1_tag = 11, .type2_tag = 12,
		.charset_nested = true, .why = "13", .points = POINT(POINT_OBJECT_LAST) };
	id = (struct check_identity){ .name = "a", .id = "b", .issuer = "c", .birth_date = "d", .sex = "e",
		.other_names = "f", .other_ids = "g" };
	assert_int_equal(check_object_write(&o, &id, &b, &err), RC_OK);
	assert_int_equal(check_object_parse(b.data, b.len, &back, &id_back, &err), RC_OK);
	buf_free(&b);
	o.identity = -1; /* the caller's */
	assert_memory_equal(&back, &o, sizeof o);
	assert_memory_equal(&id_back, &id, sizeof id);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_not_equal(
		    check_object_parse(bad[i], strlen(bad[i]), &back, &id_back, &err), RC_OK);
}

static void
broken(void **state)
{
	struct check_object o;
	struct check_identity id;
	struct stream *s = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
	    stream_mem(&s, "not DICOM at all, but long enough to be looked at", 49, &err), RC_OK);
	assert_int_equal(check_object_read(s, false, &o, &id, &err), RC_OK);
	assert_int_equal(o.points, POINT(POINT_BROKEN));
	assert_true(*o.why != '\0');
	stream_close(s);
}

static void
rule_names(void **state)
{
	enum check_rule r = CHECK_PATIENT;

	(void)state;
	assert_true(check_rule_find("one-patient", &r));
	assert_int_equal(r, CHECK_ONE_PATIENT);
	assert_true(check_rule_find("one_order", &r));
	assert_int_equal(r, CHECK_ONE_ORDER);
	assert_false(check_rule_find("all", &r));
}

/* Two items, each with an order of its own, and one accession. */
static void
siblings(void **state)
{
	struct order *own = order_of("{\"studies\":[{\"study_uid\":\"1.2\",\"accession\":\"A\"}]}");
	const struct order *orders[3] = { NULL, own, NULL };
	struct fixture f;

	(void)state;
	make(&f);
	f.s.nstudies = 2;
	f.s.orders = orders;
	f.s.norders = 3;
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "another study of this import has this accession number");
	own->studies[0].accession[0] = 'B';
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "scheduled");
	own->studies[0].accession[0] = 'A';
	own->studies[0].accession_issuer = strdup("OTHER"); /* the number of another hospital */
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "scheduled");
	free(own->studies[0].accession_issuer);
	own->studies[0].accession_issuer = NULL;
	orders[0] = f.order; /* its own order is no sibling's */
	says(&f, CHECK_ONE_ORDER, CHECK_FINDING, CHECK_ERROR, "another study of this import has this accession number");
	orders[1] = NULL;
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "scheduled");
	orders[1] = own;
	own->studies[0].study_uid[2] = '9'; /* an entry that is not for that study */
	says(&f, CHECK_ONE_ORDER, CHECK_PASS, CHECK_WARNING, "scheduled");
	drop(&f);
	order_free(own);
}

/* What a destination holds. */
static void
target(void **state)
{
	struct check_identity there = { .name = "Müller^Jörg", .id = "4711", .birth_date = "19700201" };
	struct check_target t = { .name = "pacs", .asked = true, .ours = N, .instances = -1 };
	struct fixture f;

	(void)state;
	make(&f);
	f.s.targets = &t;
	f.s.ntargets = 1;
	says(&f, CHECK_TARGET, CHECK_PASS, CHECK_WARNING, "nothing is known");
	t.patients = &there;
	t.npatients = 1;
	t.held = N;
	t.instances = N;
	says(&f, CHECK_TARGET, CHECK_PASS, CHECK_WARNING, "nothing is known");
	t.held = 2;
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_WARNING, "holds 2 of 6 objects");
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_WARNING, "holds 4 objects of this study that are not here");
	t.sent = true;
	says(&f, CHECK_TARGET, CHECK_PASS, CHECK_WARNING, "nothing is known");
	text_copy(there.id, sizeof there.id, "4712");
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_ERROR, "under another patient");
	text_copy(there.id, sizeof there.id, "4711");
	text_copy(there.issuer, sizeof there.issuer, "OTHER");
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_ERROR, "under another patient");
	text_copy(there.issuer, sizeof there.issuer, "HOSP");
	text_copy(there.birth_date, sizeof there.birth_date, "19700202");
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_ERROR, "under another patient");
	text_copy(there.birth_date, sizeof there.birth_date, "");
	t.elsewhere = 1;
	says(&f, CHECK_TARGET, CHECK_FINDING, CHECK_ERROR, "accession number of this study on another one");
	t = (struct check_target){ .name = "pacs", .why = "it answers no such query" };
	says(&f, CHECK_TARGET, CHECK_UNKNOWN, CHECK_WARNING, "was not asked: it answers no such query");
	drop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(patient),
		cmocka_unit_test(patient_of_the_order),
		cmocka_unit_test(papers),
		cmocka_unit_test(papers_that_speak),
		cmocka_unit_test(one_patient),
		cmocka_unit_test(one_order), cmocka_unit_test(worklist),
		cmocka_unit_test(complete),
		cmocka_unit_test(complete_empty_package), cmocka_unit_test(complete_without_uids),
		cmocka_unit_test(consistent), cmocka_unit_test(told), cmocka_unit_test(much_to_say),
		cmocka_unit_test(permitted),
		cmocka_unit_test(objects),
		cmocka_unit_test(required),
		cmocka_unit_test(compressed),
		cmocka_unit_test(other_ids),
		cmocka_unit_test(wire),
		cmocka_unit_test(broken),
		cmocka_unit_test(siblings), cmocka_unit_test(target), cmocka_unit_test(rule_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
