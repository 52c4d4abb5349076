/* one_patient: all objects of a study are one person's, by one issuer's id. */
#include <string.h>

#include "check/birth.h"
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

/* What was found in any pair. */
struct differences {
	bool ids, issuers, dates, names, missing, spelling;
};

static void
compare_two(const struct check_identity *a, const struct check_identity *b, struct differences *d)
{
	char reason[PATIENT_REASON_MAX];
	enum pair id = compare(a->id, b->id), issuer = compare(a->issuer, b->issuer);
	bool same_date = strcmp(a->birth_date, b->birth_date) == 0, same_name = strcmp(a->name, b->name) == 0;
	const char *phrase = NULL;
	/* what is written alike is one patient's, whatever it is worth against an order */
	enum identity date = same_date ? IDENTITY_MATCH : birth_compare(a->birth_date, b->birth_date, &phrase);
	enum identity name = same_name ? IDENTITY_MATCH : name_compare(a->name, b->name, reason);

	d->ids = d->ids || id == PAIR_TWO;
	d->issuers = d->issuers || issuer == PAIR_TWO;
	d->dates = d->dates || date > IDENTITY_UNKNOWN;
	d->names = d->names || name > IDENTITY_UNKNOWN;
	d->missing = d->missing || id == PAIR_MISSING || issuer == PAIR_MISSING ||
	    date == IDENTITY_UNKNOWN || name == IDENTITY_UNKNOWN;
	d->spelling = d->spelling || name == IDENTITY_LIKELY || (name == IDENTITY_MATCH && !same_name);
}

int
rule_one_patient(const struct check_study *s, struct check_report *rep, struct err *err)
{
	struct differences d = { 0 };

	if (s->papers) {
		check_pass(rep, CHECK_ONE_PATIENT, "papers have no objects");
		return RC_OK;
	}
	/* each with each: what the first lacks may differ between two others */
	for (size_t i = 1; i < s->nidentities; i++)
		for (size_t k = 0; k < i; k++)
			compare_two(&s->identities[k], &s->identities[i], &d);
	if (d.ids)
		check_say(rep, POINT_PATIENTS, "objects with different patient ids in one study");
	if (d.issuers)
		check_say(rep, POINT_PATIENTS, "patient ids of different issuers in one study");
	if (d.dates)
		check_say(rep, POINT_PATIENTS, "objects with different birth dates in one study");
	if (d.names)
		check_say(rep, POINT_PATIENTS, "objects with different patient names in one study");
	if (s->identities_more)
		check_say(
		    rep, POINT_PATIENTS, "more than %d patients in one study", CHECK_IDENTITIES_MAX);
	if (d.missing)
		check_say(rep, POINT_SPELLINGS,
		    "some objects lack an attribute of the patient that others have");
	if (d.spelling)
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
