#include "order/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

int
order_new(struct order **out, struct err *err)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return err_set(err, ERR_TEMP, "no memory for an order");
	(*out)->want_all = true;
	(*out)->want_documents = true;
	return RC_OK;
}

static void
free_secret(char *s)
{
	hash_wipe_text(&s);
}

static void
free_list(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void
free_study(struct order_study *s)
{
	free(s->study_uid);
	free(s->modality);
	free(s->accession);
	free(s->accession_issuer);
	free(s->requested_procedure_id);
	free(s->scheduled_step_id);
	free(s->description);
	free(s->admission_id);
}

void
order_free(struct order *o)
{
	if (o == NULL)
		return;
	free(o->ref);
	free_secret(o->link);
	free(o->link_host);
	free(o->link_hash);
	for (size_t i = 0; i < o->nfactors; i++) {
		free(o->factors[i].type);
		free_secret(o->factors[i].value);
		free(o->factors[i].file);
	}
	free(o->factors);
	free(o->basis_kind);
	free(o->basis_reference);
	free(o->acting_for);
	free(o->patient.id);
	free(o->patient.issuer);
	free(o->patient.name);
	free(o->patient.sex);
	free_list(o->patient.other_names, o->patient.nother_names);
	for (size_t i = 0; i < o->nstudies; i++)
		free_study(&o->studies[i]);
	free(o->studies);
	free_list(o->destinations, o->ndestinations);
	free(o);
}

/* The stored form. Absent fields are left out. */

static int
put(json_t *to, const char *key, json_t *v, struct err *err)
{
	if (json_object_set_new(to, key, v) != 0)
		return err_set(
		    err, ERR_DATA, "order: %s cannot be written (not UTF-8, or no memory)", key);
	return RC_OK;
}

static int
put_text(json_t *to, const char *key, const char *s, struct err *err)
{
	return s == NULL || *s == '\0' ? RC_OK : put(to, key, json_string(s), err);
}

static int
put_date(json_t *to, const char *key, const char *d, struct err *err)
{
	char iso[11];

	if (*d == '\0')
		return RC_OK;
	snprintf(iso, sizeof iso, "%.4s-%.2s-%.2s", d, d + 4, d + 6);
	return put_text(to, key, iso, err);
}

static int
put_list(json_t *to, const char *key, char **v, size_t n, struct err *err)
{
	json_t *list = NULL;

	if (n == 0)
		return RC_OK;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(v[i])) != 0) {
			json_decref(list);
			return err_set(
			    err, ERR_DATA, "order: %s cannot be written (not UTF-8, or no memory)", key);
		}
	return put(to, key, list, err);
}

/* Puts `part` under key unless it is empty; consumes it. */
static int
put_part(json_t *doc, const char *key, json_t *part, int rc, struct err *err)
{
	if (rc != RC_OK || json_object_size(part) == 0) {
		json_decref(part);
		return rc;
	}
	return put(doc, key, part, err);
}

static int
write_basis(json_t *doc, const struct order *o, struct err *err)
{
	json_t *b = json_object();
	int rc = RC_OK;

	if ((rc = put_text(b, "kind", o->basis_kind, err)) == RC_OK &&
	    (rc = put_text(b, "reference", o->basis_reference, err)) == RC_OK)
		rc = put_text(b, "acting_for", o->acting_for, err);
	return put_part(doc, "basis", b, rc, err);
}

static int
write_patient(json_t *doc, const struct order_patient *p, struct err *err)
{
	json_t *j = json_object();
	int rc = RC_OK;

	if ((rc = put_text(j, "id", p->id, err)) == RC_OK &&
	    (rc = put_text(j, "issuer", p->issuer, err)) == RC_OK &&
	    (rc = put_text(j, "name", p->name, err)) == RC_OK &&
	    (rc = put_date(j, "birth_date", p->birth_date, err)) == RC_OK &&
	    (rc = put_text(j, "sex", p->sex, err)) == RC_OK)
		rc = put_list(j, "other_names", p->other_names, p->nother_names, err);
	return put_part(doc, "patient", j, rc, err);
}

static int
write_study(json_t *list, const struct order_study *s, struct err *err)
{
	json_t *j = json_object();
	int rc = RC_OK;

	if (j == NULL || json_array_append_new(list, j) != 0)
		return err_set(err, ERR_TEMP, "no memory for an order");
	if ((rc = put_text(j, "study_uid", s->study_uid, err)) != RC_OK ||
	    (rc = put_date(j, "date", s->date, err)) != RC_OK ||
	    (rc = put_text(j, "modality", s->modality, err)) != RC_OK ||
	    (rc = put_text(j, "accession", s->accession, err)) != RC_OK ||
	    (rc = put_text(j, "accession_issuer", s->accession_issuer, err)) != RC_OK ||
	    (rc = put_text(j, "requested_procedure_id", s->requested_procedure_id, err)) != RC_OK ||
	    (rc = put_text(j, "scheduled_step_id", s->scheduled_step_id, err)) != RC_OK ||
	    (rc = put_text(j, "description", s->description, err)) != RC_OK ||
	    (rc = put_text(j, "admission_id", s->admission_id, err)) != RC_OK)
		return rc;
	return RC_OK;
}

static int
write_studies(json_t *doc, const struct order *o, struct err *err)
{
	json_t *list = NULL;
	int rc = RC_OK;

	if (o->nstudies == 0)
		return RC_OK;
	list = json_array();
	if ((rc = put(doc, "studies", list, err)) != RC_OK)
		return rc;
	for (size_t i = 0; i < o->nstudies; i++)
		if ((rc = write_study(list, &o->studies[i], err)) != RC_OK)
			return rc;
	return RC_OK;
}

int
order_write(const struct order *o, struct buf *out, struct err *err)
{
	json_t *doc = json_object(), *want = NULL;
	int rc = RC_OK;

	if (doc == NULL)
		return err_set(err, ERR_TEMP, "no memory for an order");
	if ((rc = put(doc, "v", json_integer(1), err)) != RC_OK ||
	    (rc = put_text(doc, "ref", o->ref, err)) != RC_OK ||
	    (rc = put_text(doc, "link_host", o->link_host, err)) != RC_OK ||
	    (rc = put_text(doc, "link_hash", o->link_hash, err)) != RC_OK ||
	    (rc = write_basis(doc, o, err)) != RC_OK ||
	    (rc = write_patient(doc, &o->patient, err)) != RC_OK ||
	    (rc = write_studies(doc, o, err)) != RC_OK)
		goto out;
	want = json_object();
	if ((rc = put(doc, "want", want, err)) != RC_OK ||
	    (rc = put_text(want, "studies", o->want_all ? "all" : "listed", err)) != RC_OK ||
	    (rc = put(want, "documents", json_boolean(o->want_documents), err)) != RC_OK ||
	    (rc = put_list(doc, "destinations", o->destinations, o->ndestinations, err)) != RC_OK)
		goto out;
	rc = json_write(doc, out, err);
out:
	json_decref(doc);
	return rc;
}
