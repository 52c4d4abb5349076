#include "check/worklist.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/patient.h"
#include "check/rules.h"

static bool
differ(const char *a, const char *b)
{
	return text_given(a) && text_given(b) && strcmp(a, b) != 0;
}

/* The entry whose worklist is asked: this item's, else the only one there is. */
static const struct order_study *
entry_of(const struct order *o, int entry)
{
	if (entry >= 0)
		return &o->studies[entry];
	return o->nstudies == 1 ? &o->studies[0] : NULL;
}

enum check_worklist_key
check_worklist_by(const struct order *o, int entry, const struct order_study **of)
{
	*of = entry_of(o, entry);
	if (*of != NULL && text_given((*of)->accession))
		return CHECK_BY_ACCESSION;
	if (text_given(o->patient.id))
		return CHECK_BY_ID;
	return text_given(o->patient.name) && *o->patient.birth_date != '\0' ? CHECK_BY_NAME : CHECK_BY_NOTHING;
}

static void
say(char *why, const char *phrase)
{
	size_t n = strlen(why);

	snprintf(why + n, CHECK_WORKLIST_WHY_MAX - n, "%s%s", n > 0 ? ", " : "", phrase);
}

/* A peer may pass over what it was asked by. */
static bool
answers(const struct order *o, int entry, const struct order *c, enum check_worklist_key key)
{
	const struct order_study *e = entry_of(o, entry);

	switch (key) {
	case CHECK_BY_ACCESSION:
		return c->nstudies == 1 && text_given(c->studies[0].accession) &&
		    strcmp(c->studies[0].accession, e->accession) == 0;
	case CHECK_BY_ID:
		return text_given(c->patient.id) && strcmp(c->patient.id, o->patient.id) == 0;
	case CHECK_BY_NAME:
		return strcmp(c->patient.birth_date, o->patient.birth_date) == 0;
	default:
		return false;
	}
}

static void
compare_study(const struct order_study *e, const struct order_study *c, char *why)
{
	if (differ(e->accession, c->accession))
		say(why, "accession number differs");
	if (differ(e->accession_issuer, c->accession_issuer))
		say(why, "issuer of the accession number differs");
	if (differ(e->requested_procedure_id, c->requested_procedure_id))
		say(why, "requested procedure id differs");
	if (differ(e->scheduled_step_id, c->scheduled_step_id))
		say(why, "scheduled step id differs");
	if (differ(e->admission_id, c->admission_id))
		say(why, "admission id differs");
	if (differ(e->modality, c->modality))
		say(why, "modality differs");
}

bool
check_worklist_fits(const struct order *o, int entry, const struct order *c, enum check_worklist_key key,
    char why[CHECK_WORKLIST_WHY_MAX])
{
	struct identity_facts a = check_asked(&o->patient), b = check_asked(&c->patient);
	char ignored[CHECK_WORKLIST_WHY_MAX], reason[PATIENT_REASON_MAX];
	enum identity verdict = IDENTITY_MATCH;

	if (why == NULL)
		why = ignored;
	*why = '\0';
	patient_compare(&a, &b, &verdict, reason);
	/* found by an identifier a missing name is no doubt; found by a name alone it has to be that name */
	if (verdict > IDENTITY_UNKNOWN || (key == CHECK_BY_NAME && verdict > IDENTITY_LIKELY))
		say(why, reason);
	if (differ(a.issuer, b.issuer))
		say(why, "issuer of the patient id differs");
	else if (differ(a.id, b.id) && verdict <= IDENTITY_UNKNOWN)
		say(why, "patient id differs");
	if (entry >= 0 && c->nstudies == 1)
		compare_study(&o->studies[entry], &c->studies[0], why);
	return *why == '\0';
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
same_patient(const struct order_patient *a, const struct order_patient *b)
{
	return same(a->id, b->id) && same(a->issuer, b->issuer) && same(a->name, b->name) &&
	    same(a->birth_date, b->birth_date) && same(a->sex, b->sex);
}

/* Two candidates that would give the order the same are one. */
static bool
same_gift(const struct order *a, const struct order *b, bool study)
{
	const struct order_study *x = NULL, *y = NULL;

	if (!same_patient(&a->patient, &b->patient))
		return false;
	if (!study || (a->nstudies == 0 && b->nstudies == 0))
		return true;
	if (a->nstudies != b->nstudies)
		return false;
	x = &a->studies[0];
	y = &b->studies[0];
	return same(x->accession, y->accession) && same(x->accession_issuer, y->accession_issuer) &&
	    same(x->requested_procedure_id, y->requested_procedure_id) &&
	    same(x->scheduled_step_id, y->scheduled_step_id) && same(x->description, y->description) &&
	    same(x->admission_id, y->admission_id);
}

void
check_worklist_choose(const struct order *o, int entry, struct check_worklist *w)
{
	char why[CHECK_WORKLIST_WHY_MAX];
	size_t answered = 0;

	w->fitting = w->chosen = 0;
	*w->why = '\0';
	for (size_t i = 0; i < w->n; i++) {
		if (!answers(o, entry, w->v[i], w->key))
			continue;
		if (!check_worklist_fits(o, entry, w->v[i], w->key, why)) {
			if (answered++ == 0)
				text_copy(w->why, sizeof w->why, why);
			continue;
		}
		answered++;
		if (w->fitting > 0 && same_gift(w->v[w->chosen], w->v[i], w->study))
			continue;
		if (w->fitting++ == 0)
			w->chosen = i;
	}
	if (w->fitting > 1 || w->more)
		w->end = CHECK_WORKLIST_MANY;
	else if (w->fitting == 1)
		w->end = CHECK_WORKLIST_ONE;
	else
		w->end = answered > 0 ? CHECK_WORKLIST_DIFFERS : CHECK_WORKLIST_NONE;
}

static int
show(const struct check_study *s, const struct order *c, struct check_report *rep, struct err *err)
{
	const struct order_study *e = entry_of(s->order, rep->entry), *m = c->nstudies > 0 ? &c->studies[0] : NULL;
	const struct order_patient *p = &s->order->patient;
	const struct {
		const char *what, *order, *found;
	} pairs[] = {
		{ "worklist name", p->name, c->patient.name },
		{ "worklist birth_date", p->birth_date, c->patient.birth_date },
		{ "worklist sex", p->sex, c->patient.sex },
		{ "worklist id", p->id, c->patient.id },
		{ "worklist issuer", p->issuer, c->patient.issuer },
		{ "worklist accession", e != NULL ? e->accession : NULL, m != NULL ? m->accession : NULL },
		{ "worklist requested_procedure_id", e != NULL ? e->requested_procedure_id : NULL,
		    m != NULL ? m->requested_procedure_id : NULL },
		{ "worklist scheduled_step_id", e != NULL ? e->scheduled_step_id : NULL,
		    m != NULL ? m->scheduled_step_id : NULL },
		{ "worklist description", e != NULL ? e->description : NULL,
		    m != NULL ? m->description : NULL },
	};
	int rc = RC_OK;

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs && rc == RC_OK; i++)
		if (text_given(pairs[i].found))
			rc = check_detail(rep, CHECK_ONE_ORDER, pairs[i].what, pairs[i].order,
			    pairs[i].found, 0, err);
	return rc;
}

int
worklist_say(const struct check_study *s, struct check_report *rep, struct err *err)
{
	const struct check_worklist *w = s->worklist;
	int rc = RC_OK;

	if (w == NULL)
		return RC_OK;
	if (w->key == CHECK_BY_NOTHING)
		check_say(rep, POINT_WORKLIST_NONE,
		    "the order has no accession, patient id, or name and birth date to ask the worklist by");
	else if (w->end == CHECK_WORKLIST_NONE)
		check_say(rep, POINT_WORKLIST_NONE, "the worklist has nothing for this order");
	else if (w->end == CHECK_WORKLIST_MANY)
		check_say(rep, POINT_WORKLIST_MANY, "%s%zu entries of the worklist fit this order",
		    w->more ? "more than " : "", w->more ? w->n : w->fitting);
	else if (w->end == CHECK_WORKLIST_DIFFERS)
		check_say(rep, POINT_WORKLIST_DIFFERS, "the worklist contradicts the order: %s", w->why);
	if (w->end == CHECK_WORKLIST_ONE && w->untied && w->v[w->chosen]->nstudies > 0)
		check_say(rep, POINT_WORKLIST_UNTIED,
		    "the worklist does not say which study of this import its entry is for");
	if (w->key == CHECK_BY_NOTHING || w->end == CHECK_WORKLIST_ONE || w->end == CHECK_WORKLIST_NONE)
		return RC_OK;
	for (size_t i = 0; i < w->n && rc == RC_OK; i++)
		rc = show(s, w->v[i], rep, err);
	return rc;
}
