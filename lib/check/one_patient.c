/* one_patient: all objects of a study are one person's, by one issuer's id. */
#include <string.h>

#include "check/patient.h"
#include "check/rules.h"

/* Two values of a field: the same, one missing, or two. */
enum pair {
	PAIR_SAME,
	PAIR_MISSING,
	PAIR_TWO
};

static enum pair
compare(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return PAIR_SAME;
	return *a == '\0' || *b == '\0' ? PAIR_MISSING : PAIR_TWO;
}

int
rule_one_patient(const struct check_study *s, struct check_report *rep, struct err *err)
{
	bool ids = false, issuers = false, dates = false, names = false, missing = false,
	     spelling = false;

	if (s->papers) {
		check_pass(rep, CHECK_ONE_PATIENT, "papers have no objects");
		return RC_OK;
	}
	for (size_t i = 1; i < s->nidentities; i++) {
		const struct check_identity *a = &s->identities[0], *b = &s->identities[i];
		char reason[PATIENT_REASON_MAX];
		enum pair id = compare(a->id, b->id), issuer = compare(a->issuer, b->issuer),
			  date = compare(a->birth_date, b->birth_date);
		enum identity name = name_compare(a->name, b->name, reason);

		ids = ids || id == PAIR_TWO;
		issuers = issuers || issuer == PAIR_TWO;
		dates = dates || date == PAIR_TWO;
		names = names || name > IDENTITY_UNKNOWN;
		missing = missing || id == PAIR_MISSING || issuer == PAIR_MISSING ||
		    date == PAIR_MISSING || (name == IDENTITY_UNKNOWN && strcmp(a->name, b->name) != 0);
		spelling = spelling || name == IDENTITY_LIKELY ||
		    (name == IDENTITY_MATCH && strcmp(a->name, b->name) != 0);
	}
	if (ids)
		check_say(rep, POINT_PATIENTS, "objects with different patient ids in one study");
	if (issuers)
		check_say(rep, POINT_PATIENTS, "patient ids of different issuers in one study");
	if (dates)
		check_say(rep, POINT_PATIENTS, "objects with different birth dates in one study");
	if (names)
		check_say(rep, POINT_PATIENTS, "objects with different patient names in one study");
	if (s->identities_more)
		check_say(
		    rep, POINT_PATIENTS, "more than %d patients in one study", CHECK_IDENTITIES_MAX);
	if (missing)
		check_say(rep, POINT_SPELLINGS,
		    "some objects lack an attribute of the patient that others have");
	if (spelling)
		check_say(rep, POINT_SPELLINGS, "the patient's name is spelt in more than one way");
	if (rep->rules[CHECK_ONE_PATIENT].verdict != CHECK_PASS)
		for (size_t i = 0; i < s->nidentities; i++) {
			size_t n = 0;
			for (size_t k = 0; k < s->nobjects; k++)
				n += s->objects[k].identity == (int)i;
			int rc = check_detail(rep, CHECK_ONE_PATIENT, "patient", s->identities[i].id,
			    s->identities[i].name, n, err);
			if (rc != RC_OK)
				return rc;
		}
	check_pass(rep, CHECK_ONE_PATIENT, "one patient in all objects");
	return RC_OK;
}
