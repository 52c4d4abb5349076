/* An order filled up from what a worklist says: nothing that it has is changed. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "order/order.h"

static bool
given(const char *s)
{
	return s != NULL && *s != '\0';
}

static int
fill(char **to, const char *from, struct err *err)
{
	char *copy = NULL;

	if (given(*to) || !given(from))
		return RC_OK;
	if ((copy = text_dup(from, err)) == NULL)
		return err_rc(err->kind);
	free(*to);
	*to = copy;
	return RC_OK;
}

/* An issuer goes with its own identifier only. */
static int
fill_issued(char **id, char **issuer, const char *more_id, const char *more_issuer, struct err *err)
{
	int rc = fill(id, more_id, err);

	if (rc != RC_OK || !given(more_id) || strcmp(*id, more_id) != 0)
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
