#include "stage/portal_known.h"
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/fetch.h"

static const char *const words[KNOWN_KINDS] = { "the patient's name", "the patient's id", "the patient's birth date",
	"an accession or order number", "a UID of the study", "a token of the configuration",
	"a password of the configuration", "a key", "a link" };

int
known_add(struct known *k, enum known_kind kind, const char *text, struct err *err)
{
	if (text == NULL || text[0] == '\0')
		return RC_OK;
	return kind == KNOWN_NAME ? redact_add_name(&k->of[kind], "name", text, err) : redact_add(&k->of[kind], text, err);
}

int
known_order(struct known *k, const struct order *o, struct err *err)
{
	const struct order_study *s = NULL;
	size_t i = 0;
	int rc = RC_OK;

	if ((rc = known_add(k, KNOWN_NAME, o->patient.name, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_ID, o->patient.id, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_BIRTH, o->patient.birth_date, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_LINK, o->link, err)) != RC_OK)
		return rc;
	for (i = 0; i < o->patient.nother_names && rc == RC_OK; i++)
		rc = known_add(k, KNOWN_NAME, o->patient.other_names[i], err);
	for (i = 0; i < o->nstudies && rc == RC_OK; i++) {
		s = &o->studies[i];
		if ((rc = known_add(k, KNOWN_UID, s->study_uid, err)) == RC_OK &&
		    (rc = known_add(k, KNOWN_NUMBER, s->accession, err)) == RC_OK &&
		    (rc = known_add(k, KNOWN_NUMBER, s->requested_procedure_id, err)) == RC_OK &&
		    (rc = known_add(k, KNOWN_NUMBER, s->scheduled_step_id, err)) == RC_OK)
			rc = known_add(k, KNOWN_NUMBER, s->admission_id, err);
	}
	return rc;
}

int
known_claim(struct known *k, const struct claim *c, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	if ((rc = known_add(k, KNOWN_NAME, c->patient_name, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_ID, c->patient_id, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_BIRTH, c->patient_birth, err)) != RC_OK)
		return rc;
	for (i = 0; i < c->nstudies && rc == RC_OK; i++)
		rc = known_add(k, KNOWN_UID, c->studies[i].study_uid, err);
	return rc;
}

int
known_manifest(struct known *k, const struct manifest *m, struct err *err)
{
	int rc = RC_OK;

	if ((rc = known_add(k, KNOWN_NAME, m->patient_name, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_ID, m->patient_id, err)) != RC_OK ||
	    (rc = known_add(k, KNOWN_BIRTH, m->patient_birth, err)) != RC_OK)
		return rc;
	return known_add(k, KNOWN_UID, m->study_uid, err);
}

int
known_portals(struct known *k, const struct config *c, struct err *err)
{
	struct source_portal p;
	struct err e = { 0 };
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < c->nportals && rc == RC_OK; i++) {
		if (portal_load(c, c->portals[i].name, NULL, "", &p, &e) != RC_OK)
			continue;	/* what nobody can read here came from here neither */
		if ((rc = known_add(k, KNOWN_TOKEN, p.token, err)) == RC_OK &&
		    (rc = known_add(k, KNOWN_PASSWORD, p.password, err)) == RC_OK)
			rc = known_add(k, KNOWN_KEY, p.key, err);
		source_portal_free(&p);
	}
	return rc;
}

const char *
known_found(const struct known *k, const char *text, size_t n)
{
	size_t i = 0;

	for (i = 0; i < KNOWN_KINDS; i++)
		if (redact_known(&k->of[i], text, n))
			return words[i];
	return NULL;
}

void
known_free(struct known *k)
{
	size_t i = 0;

	for (i = 0; i < KNOWN_KINDS; i++)
		redact_free(&k->of[i]);
}
