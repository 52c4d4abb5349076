/* target: what the destinations hold already. */
#include <string.h>

#include "check/patient.h"
#include "base/text.h"
#include "check/rules.h"

/* Under whom it will stand when it is sent: the order's patient; without an id there, the object's own. */
static struct identity_facts
local(const struct check_study *s)
{
	const struct order_patient *p = &s->order->patient;
	struct identity_facts f = { .name = p->name,
		.birth_date = p->birth_date,
		.id = p->id,
		.issuer = p->issuer,
		.other_names = (const char *const *)p->other_names,
		.nother_names = p->nother_names };

	if (!text_given(f.id) && s->nidentities == 1) {
		f.id = s->identities[0].id;
		f.issuer = s->identities[0].issuer;
	}
	return f;
}

/* An archive keeps patients apart by their id. The same id with another birth date or name is another patient, too. */
static bool
another(const struct identity_facts *mine, const struct identity_facts *theirs)
{
	char ignored[PATIENT_REASON_MAX];
	enum identity v = IDENTITY_MATCH;

	if (text_given(mine->id) && strcmp(mine->id, theirs->id) != 0)
		return true;
	if (text_given(mine->issuer) && text_given(theirs->issuer) && strcmp(mine->issuer, theirs->issuer) != 0)
		return true;
	patient_compare(mine, theirs, &v, ignored);
	return v > IDENTITY_UNKNOWN;
}

static int
whose(const struct check_study *s, const struct check_target *t, struct check_report *rep, struct err *err)
{
	struct identity_facts mine = local(s);
	bool said = false;

	for (size_t i = 0; i < t->npatients; i++) {
		const struct check_identity *p = &t->patients[i];
		struct identity_facts theirs = {
			.name = p->name, .birth_date = p->birth_date, .id = p->id, .issuer = p->issuer
		};
		int rc = RC_OK;

		if (!another(&mine, &theirs))
			continue;
		if (!said)
			check_say(rep, POINT_TARGET_PATIENT, "'%s' holds this study under another patient", t->name);
		said = true;
		if ((rc = check_detail(rep, CHECK_TARGET, "name", mine.name, p->name, t->held, err)) != RC_OK ||
		    (rc = check_detail(rep, CHECK_TARGET, "id", mine.id, p->id, t->held, err)) != RC_OK ||
		    (rc = check_detail(
			 rep, CHECK_TARGET, "birth_date", mine.birth_date, p->birth_date, t->held, err)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

static void
how_much(const struct check_target *t, struct check_report *rep)
{
	long long others = t->instances - (long long)t->held;

	if (t->held < t->ours)
		check_say(rep, POINT_TARGET_PARTLY, "'%s' holds %zu of %zu objects of this study already", t->name,
		    t->held, t->ours);
	if (others > 0)
		check_say(rep, POINT_TARGET_PARTLY, "'%s' holds %lld objects of this study that are not here", t->name,
		    others);
}

int
rule_target(const struct check_study *s, struct check_report *rep, struct err *err)
{
	for (size_t i = 0; i < s->ntargets; i++) {
		const struct check_target *t = &s->targets[i];
		int rc = RC_OK;

		if (!t->asked) {
			if (t->why != NULL)
				check_say(rep, POINT_TARGET_UNASKED, "'%s' was not asked: %s", t->name, t->why);
			continue;
		}
		if ((rc = whose(s, t, rep, err)) != RC_OK)
			return rc;
		if (t->npatients > 0 && !t->sent)
			how_much(t, rep);
		if (t->elsewhere > 0)
			check_say(rep, POINT_TARGET_ACCESSION,
			    "'%s' has the accession number of this study on another one", t->name);
	}
	check_pass(rep, CHECK_TARGET, "nothing is known that speaks against it");
	return RC_OK;
}
