#include "order/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CLAIM_STUDIES_MAX 4096 /* a portal's list: the largest seen has 60 */
#define CLAIM_TEXT_MAX 2048 /* a label, escaped */

void
claim_init(struct claim *c)
{
	memset(c, 0, sizeof *c);
	c->total_instances = -1;
	c->plausible = true;
}

void
claim_free(struct claim *c)
{
	for (size_t i = 0; i < c->nstudies; i++) {
		free(c->studies[i].study_uid);
		free(c->studies[i].date);
		free(c->studies[i].modality);
		free(c->studies[i].description);
	}
	free(c->studies);
	free(c->source);
	free(c->kind);
	free(c->media);
	free(c->title);
	free(c->patient_name);
	free(c->patient_id);
	free(c->patient_birth);
	free(c->patient_sex);
	claim_init(c);
}

static int
get_text(const json_t *doc, const char *where, const char *key, char **out, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(doc, where, key, &s, err);

	*out = NULL;
	if (rc != RC_OK || s == NULL)
		return rc;
	*out = text_dup(s, err);
	return *out != NULL ? RC_OK : err_rc(err->kind);
}

static int
get_count(const json_t *doc, const char *where, const char *key, long long *out, struct err *err)
{
	int rc = json_get_int(doc, where, key, -1, out, err);

	if (rc == RC_OK && *out < 0)
		*out = -1;
	return rc;
}

static int
parse_study(const json_t *s, struct claim_study *to, struct err *err)
{
	static const char where[] = "claim: studies";
	int rc = RC_OK;

	to->instances = to->series = -1;
	if (!json_is_object(s))
		return err_set(err, ERR_DATA, "%s: an entry is no object", where);
	if ((rc = get_text(s, where, "study_uid", &to->study_uid, err)) != RC_OK ||
	    (rc = get_text(s, where, "date", &to->date, err)) != RC_OK ||
	    (rc = get_text(s, where, "modality", &to->modality, err)) != RC_OK ||
	    (rc = get_text(s, where, "description", &to->description, err)) != RC_OK ||
	    (rc = get_count(s, where, "instances", &to->instances, err)) != RC_OK ||
	    (rc = get_count(s, where, "series", &to->series, err)) != RC_OK)
		return rc;
	return RC_OK;
}

static int
parse_studies(const json_t *list, struct claim *c, struct err *err)
{
	size_t n = json_array_size(list);

	if (n == 0)
		return RC_OK;
	if (n > CLAIM_STUDIES_MAX)
		return err_set(err, ERR_DATA, "claim: more than %d studies", CLAIM_STUDIES_MAX);
	c->studies = calloc(n, sizeof *c->studies);
	if (c->studies == NULL)
		return err_set(err, ERR_TEMP, "no memory for a claim");
	for (size_t i = 0; i < n; i++) {
		c->nstudies = i + 1;
		int rc = parse_study(json_array_get(list, i), &c->studies[i], err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

int
claim_parse(const char *text, size_t n, struct claim *c, struct err *err)
{
	static const char where[] = "claim";
	json_t *doc = NULL, *list = NULL, *patient = NULL;
	const char *sum = NULL;
	long long v = 0, number = 0, bytes = 0;
	int rc = RC_OK;

	claim_init(c);
	if ((rc = json_parse(text, n, &doc, err)) != RC_OK) {
		rc = err_wrap(err, "claim");
		goto out;
	}
	if (!json_is_object(doc)) {
		rc = err_set(err, ERR_DATA, "claim: no object");
		goto out;
	}
	if ((rc = json_get_int(doc, where, "v", 1, &v, err)) != RC_OK)
		goto out;
	if (v != 1) {
		rc = err_set(err, ERR_DATA, "claim: version %lld, this program knows 1", v);
		goto out;
	}
	if ((rc = json_get_int(doc, where, "package", 0, &number, err)) != RC_OK ||
	    (rc = json_get_int(doc, where, "bytes", 0, &bytes, err)) != RC_OK ||
	    (rc = json_get_str(doc, where, "sha256", &sum, err)) != RC_OK ||
	    (rc = get_text(doc, where, "source", &c->source, err)) != RC_OK ||
	    (rc = get_text(doc, where, "kind", &c->kind, err)) != RC_OK ||
	    (rc = get_text(doc, where, "media", &c->media, err)) != RC_OK ||
	    (rc = get_text(doc, where, "title", &c->title, err)) != RC_OK ||
	    (rc = get_count(doc, where, "instances", &c->total_instances, err)) != RC_OK ||
	    (rc = json_get_bool(doc, where, "plausible", true, &c->plausible, err)) != RC_OK ||
	    (rc = json_get_bool(doc, where, "partial", false, &c->partial, err)) != RC_OK ||
	    (rc = json_get_arr(doc, where, "studies", &list, err)) != RC_OK ||
	    (rc = json_get_obj(doc, where, "patient", &patient, err)) != RC_OK)
		goto out;
	if (number < 0 || number > 999999 || bytes < 0 ||
	    (sum != NULL && strlen(sum) >= sizeof c->sha256)) {
		rc = err_set(err, ERR_DATA, "claim: package, bytes or sha256 out of range");
		goto out;
	}
	c->package = (int)number;
	c->bytes = (uint64_t)bytes;
	if (sum != NULL)
		text_copy(c->sha256, sizeof c->sha256, sum);
	if (patient != NULL) {
		static const char pw[] = "claim: patient";
		if ((rc = get_text(patient, pw, "name", &c->patient_name, err)) != RC_OK ||
		    (rc = get_text(patient, pw, "id", &c->patient_id, err)) != RC_OK ||
		    (rc = get_text(patient, pw, "birth_date", &c->patient_birth, err)) != RC_OK ||
		    (rc = get_text(patient, pw, "sex", &c->patient_sex, err)) != RC_OK)
			goto out;
	}
	rc = list != NULL ? parse_studies(list, c, err) : RC_OK;
out:
	json_decref(doc);
	if (rc != RC_OK)
		claim_free(c);
	return rc;
}

/* Text of a portal need not be UTF-8: what is not is escaped. */
static int
put_text(json_t *to, const char *key, const char *s, struct err *err)
{
	char safe[CLAIM_TEXT_MAX];

	if (s == NULL)
		return RC_OK;
	if (!text_utf8_valid(s, strlen(s)))
		s = text_escape(safe, sizeof safe, s, strlen(s));
	if (json_object_set_new(to, key, json_string(s)) != 0)
		return err_set(err, ERR_TEMP, "no memory for a claim");
	return RC_OK;
}

static int
put(json_t *to, const char *key, json_t *value, struct err *err)
{
	if (json_object_set_new(to, key, value) != 0)
		return err_set(err, ERR_TEMP, "no memory for a claim");
	return RC_OK;
}

static int
write_study(json_t *list, const struct claim_study *s, struct err *err)
{
	json_t *e = json_object();
	int rc = RC_OK;

	if (e == NULL || json_array_append_new(list, e) != 0)
		return err_set(err, ERR_TEMP, "no memory for a claim");
	if ((rc = put_text(e, "study_uid", s->study_uid, err)) != RC_OK ||
	    (rc = put_text(e, "date", s->date, err)) != RC_OK ||
	    (rc = put_text(e, "modality", s->modality, err)) != RC_OK ||
	    (rc = put_text(e, "description", s->description, err)) != RC_OK ||
	    (s->instances >= 0 && (rc = put(e, "instances", json_integer(s->instances), err)) != RC_OK) ||
	    (s->series >= 0 && (rc = put(e, "series", json_integer(s->series), err)) != RC_OK))
		return rc;
	return RC_OK;
}

int
claim_write(const struct claim *c, struct buf *out, struct err *err)
{
	json_t *doc = json_object(), *list = NULL, *p = NULL;
	int rc = RC_OK;

	if (doc == NULL)
		return err_set(err, ERR_TEMP, "no memory for a claim");
	if ((rc = put(doc, "v", json_integer(1), err)) != RC_OK ||
	    (rc = put_text(doc, "type", "claim", err)) != RC_OK ||
	    (rc = put(doc, "package", json_integer(c->package), err)) != RC_OK ||
	    (rc = put_text(doc, "source", c->source, err)) != RC_OK ||
	    (rc = put_text(doc, "kind", c->kind, err)) != RC_OK ||
	    (rc = put_text(doc, "media", c->media, err)) != RC_OK ||
	    (rc = put(doc, "bytes", json_integer((json_int_t)c->bytes), err)) != RC_OK ||
	    (rc = put_text(doc, "sha256", *c->sha256 ? c->sha256 : NULL, err)) != RC_OK ||
	    (rc = put_text(doc, "title", c->title, err)) != RC_OK ||
	    (c->total_instances >= 0 &&
		(rc = put(doc, "instances", json_integer(c->total_instances), err)) != RC_OK) ||
	    (rc = put(doc, "plausible", json_boolean(c->plausible), err)) != RC_OK ||
	    (rc = put(doc, "partial", json_boolean(c->partial), err)) != RC_OK)
		goto out;
	if (c->patient_name != NULL || c->patient_id != NULL || c->patient_birth != NULL ||
	    c->patient_sex != NULL) {
		p = json_object();
		if ((rc = put(doc, "patient", p, err)) != RC_OK ||
		    (rc = put_text(p, "name", c->patient_name, err)) != RC_OK ||
		    (rc = put_text(p, "id", c->patient_id, err)) != RC_OK ||
		    (rc = put_text(p, "birth_date", c->patient_birth, err)) != RC_OK ||
		    (rc = put_text(p, "sex", c->patient_sex, err)) != RC_OK)
			goto out;
	}
	list = json_array();
	if ((rc = put(doc, "studies", list, err)) != RC_OK)
		goto out;
	for (size_t i = 0; i < c->nstudies; i++)
		if ((rc = write_study(list, &c->studies[i], err)) != RC_OK)
			goto out;
	rc = json_write(doc, out, err);
out:
	json_decref(doc);
	return rc;
}
