/*
 * An order completed by another one (30-cli: --order of mri-check). A field
 * that both have is taken from the later one; ref, basis and link stay. Or
 * filled up by a worklist's: then a field that both have stays.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "order/order.h"

static bool
differ(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") != 0;
}

static int
take(char **to, const char *from, struct err *err)
{
	char *copy = NULL;

	if (!text_given(from))
		return RC_OK;
	if ((copy = text_dup(from, err)) == NULL)
		return err_rc(err->kind);
	free(*to);
	*to = copy;
	return RC_OK;
}

/* An identifier and who gave it are one thing: another id never keeps the old one's issuer. */
static int
take_issued(char **id, char **issuer, const char *new_id, const char *new_issuer, struct err *err)
{
	int rc = RC_OK;

	if (!text_given(new_id))
		return RC_OK;
	if (differ(*id, new_id)) {
		free(*issuer);
		*issuer = NULL;
	}
	if ((rc = take(id, new_id, err)) != RC_OK)
		return rc;
	return take(issuer, new_issuer, err);
}

static int
take_list(char ***to, size_t *n, char *const *from, size_t m, struct err *err)
{
	char **copy = NULL;

	if (m == 0)
		return RC_OK;
	copy = calloc(m, sizeof *copy);
	if (copy == NULL)
		return err_set(err, ERR_TEMP, "no memory for an order");
	for (size_t i = 0; i < m; i++)
		if ((copy[i] = text_dup(from[i], err)) == NULL) {
			while (i > 0)
				free(copy[--i]);
			free(copy);
			return err_rc(err->kind);
		}
	for (size_t i = 0; i < *n; i++)
		free((*to)[i]);
	free(*to);
	*to = copy;
	*n = m;
	return RC_OK;
}

static int
complete_study(struct order_study *s, const struct order_study *more, struct err *err)
{
	int rc = RC_OK;

	if (*more->date != '\0')
		text_copy(s->date, sizeof s->date, more->date);
	if ((rc = take(&s->study_uid, more->study_uid, err)) != RC_OK ||
	    (rc = take(&s->modality, more->modality, err)) != RC_OK ||
	    (rc = take_issued(&s->accession, &s->accession_issuer, more->accession,
		 more->accession_issuer, err)) != RC_OK ||
	    (rc = take(&s->requested_procedure_id, more->requested_procedure_id, err)) != RC_OK ||
	    (rc = take(&s->scheduled_step_id, more->scheduled_step_id, err)) != RC_OK ||
	    (rc = take(&s->description, more->description, err)) != RC_OK ||
	    (rc = take(&s->admission_id, more->admission_id, err)) != RC_OK)
		return rc;
	return RC_OK;
}

static bool
contradicts(const char *a, const char *b)
{
	return text_given(a) && text_given(b) && strcmp(a, b) != 0;
}

static bool
agrees(const char *a, const char *b)
{
	return text_given(a) && text_given(b) && strcmp(a, b) == 0;
}

/* The same study asked for twice: one UID; or, where not both give one, nothing
 * against it and either a date or modality in common or each order's only entry. */
static bool
same_entry(const struct order_study *a, const struct order_study *b, bool only)
{
	if (text_given(a->study_uid) && text_given(b->study_uid))
		return strcmp(a->study_uid, b->study_uid) == 0;
	if (contradicts(a->date, b->date) || contradicts(a->modality, b->modality))
		return false;
	return only || agrees(a->date, b->date) || agrees(a->modality, b->modality);
}

static int
complete_studies(struct order *o, const struct order *more, struct err *err)
{
	size_t had = o->nstudies;
	bool only = had == 1 && more->nstudies == 1;
	struct order_study *grown = NULL;
	int rc = RC_OK;

	if (more->nstudies == 0)
		return RC_OK;
	if (had + more->nstudies > ORDER_STUDIES_MAX)
		return err_set(
		    err, ERR_DATA, "the completed order has more than %d studies", ORDER_STUDIES_MAX);
	grown = realloc(o->studies, (had + more->nstudies) * sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory for an order");
	o->studies = grown;
	for (size_t i = 0; i < more->nstudies; i++) {
		struct order_study *hit = NULL;
		for (size_t k = 0; k < had; k++) {
			if (!same_entry(&o->studies[k], &more->studies[i], only))
				continue;
			if (hit != NULL)
				return err_set(err, ERR_PERSON,
				    "studies[%zu] of the completing order fits two entries of the order",
				    i);
			hit = &o->studies[k];
		}
		if (hit == NULL) {
			hit = &o->studies[o->nstudies++];
			memset(hit, 0, sizeof *hit);
		}
		if ((rc = complete_study(hit, &more->studies[i], err)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

int
order_complete(struct order *o, const struct order *more, struct err *err)
{
	const struct order_patient *p = &more->patient;
	int rc = RC_OK;

	if (!text_given(o->ref) && (rc = take(&o->ref, more->ref, err)) != RC_OK)
		return rc;
	if (!text_given(o->basis_kind) && text_given(more->basis_kind)) {
		if ((rc = take(&o->basis_kind, more->basis_kind, err)) != RC_OK ||
		    (rc = take(&o->basis_reference, more->basis_reference, err)) != RC_OK ||
		    (rc = take(&o->acting_for, more->acting_for, err)) != RC_OK)
			return rc;
	}
	if (*p->birth_date != '\0')
		text_copy(o->patient.birth_date, sizeof o->patient.birth_date, p->birth_date);
	if ((rc = take_issued(&o->patient.id, &o->patient.issuer, p->id, p->issuer, err)) != RC_OK ||
	    (rc = take(&o->patient.name, p->name, err)) != RC_OK ||
	    (rc = take(&o->patient.sex, p->sex, err)) != RC_OK ||
	    (rc = take_list(&o->patient.other_names, &o->patient.nother_names, p->other_names,
		 p->nother_names, err)) != RC_OK ||
	    (rc = complete_studies(o, more, err)) != RC_OK)
		return rc;
	/* want is about what is fetched: it was, and stays. */
	return take_list(
	    &o->destinations, &o->ndestinations, more->destinations, more->ndestinations, err);
}

static int
fill(char **to, const char *from, struct err *err)
{
	return text_given(*to) ? RC_OK : take(to, from, err);
}

/* An issuer goes with its own identifier only. */
static int
fill_issued(char **id, char **issuer, const char *more_id, const char *more_issuer, struct err *err)
{
	int rc = fill(id, more_id, err);

	if (rc != RC_OK || !text_given(more_id) || strcmp(*id, more_id) != 0)
		return rc;
	return fill(issuer, more_issuer, err);
}

int
order_fill(struct order *o, int entry, const struct order *more, struct err *err)
{
	struct order_patient *p = &o->patient;
	const struct order_patient *from = &more->patient;
	struct order_study *s = NULL;
	const struct order_study *m = NULL;
	int rc = RC_OK;

	if ((rc = fill_issued(&p->id, &p->issuer, from->id, from->issuer, err)) != RC_OK ||
	    (rc = fill(&p->name, from->name, err)) != RC_OK || (rc = fill(&p->sex, from->sex, err)) != RC_OK)
		return rc;
	if (*p->birth_date == '\0')
		text_copy(p->birth_date, sizeof p->birth_date, from->birth_date);
	if (entry < 0 || more->nstudies == 0)
		return RC_OK;
	s = &o->studies[entry];
	m = &more->studies[0];
	if ((rc = fill_issued(&s->accession, &s->accession_issuer, m->accession, m->accession_issuer, err)) !=
		RC_OK ||
	    (rc = fill(&s->requested_procedure_id, m->requested_procedure_id, err)) != RC_OK ||
	    (rc = fill(&s->scheduled_step_id, m->scheduled_step_id, err)) != RC_OK ||
	    (rc = fill(&s->description, m->description, err)) != RC_OK)
		return rc;
	return fill(&s->admission_id, m->admission_id, err);
}

int
order_add_entry(struct order *o, const char *study_uid, int *entry, struct err *err)
{
	struct order_study *grown = NULL;

	if (o->nstudies >= ORDER_STUDIES_MAX)
		return err_set(err, ERR_DATA, "the order has %d studies already", ORDER_STUDIES_MAX);
	grown = realloc(o->studies, (o->nstudies + 1) * sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory for an order");
	o->studies = grown;
	memset(&grown[o->nstudies], 0, sizeof *grown);
	*entry = (int)o->nstudies++;
	return fill(&grown[*entry].study_uid, study_uid, err);
}
