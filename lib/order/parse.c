/*
 * Reads an order (mri-order(5)). Messages name the key, never its value:
 * orders hold patient data.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "order/order.h"

#define WHERE_MAX 128
#define NAMES_MAX 32 /* other names of one person, factors, destinations */

/* Lengths in characters, PS3.5 6.2 */
enum vr_len {
	LEN_SH = 16,
	LEN_CS = 16,
	LEN_LO = 64,
	LEN_PN_GROUP = 64,
	LEN_PN_PARTS = 5,
	LEN_PN_GROUPS = 3,
	LEN_PATH = 4096,
	LEN_LINK = 8192,
	LEN_FACTOR = 256,
	LEN_REF = 64
};

enum flavour {
	TEXT_ANY,
	TEXT_DICOM,
	TEXT_CODE,
	TEXT_NAME
};

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
has_controls(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && ((unsigned char)s[1] & 0xe0) == 0x80))
			return true; /* C0, DEL, C1 */
	}
	return false;
}

static int
check_name(const char *s, const char *where, const char *key, struct err *err)
{
	size_t groups = 1, parts = 1, len = 0;

	for (; *s != '\0'; s++) {
		if (*s == '=') {
			groups++;
			parts = 1;
			len = 0;
			continue;
		}
		parts += *s == '^';
		len += ((unsigned char)*s & 0xc0) != 0x80;
		if (parts > LEN_PN_PARTS)
			return err_set(err, ERR_DATA, "%s: %s has more than %d components", where, key,
			    LEN_PN_PARTS);
		if (len > LEN_PN_GROUP)
			return err_set(err, ERR_DATA, "%s: %s is longer than %d characters", where, key,
			    LEN_PN_GROUP);
	}
	if (groups > LEN_PN_GROUPS)
		return err_set(
		    err, ERR_DATA, "%s: %s has more than %d component groups", where, key, LEN_PN_GROUPS);
	return RC_OK;
}

static int
check_text(
    const char *s, enum flavour flavour, size_t max, const char *where, const char *key, struct err *err)
{
	if (has_controls(s))
		return err_set(err, ERR_DATA, "%s: %s has control characters", where, key);
	if (flavour != TEXT_ANY && strchr(s, '\\') != NULL)
		return err_set(
		    err, ERR_DATA, "%s: %s has a backslash, which separates values in DICOM", where, key);
	if (flavour == TEXT_NAME)
		return check_name(s, where, key, err);
	if (characters(s) > max)
		return err_set(err, ERR_DATA, "%s: %s is longer than %zu characters", where, key, max);
	if (flavour == TEXT_CODE)
		for (; *s != '\0'; s++)
			if (!isupper((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_' &&
			    *s != ' ')
				return err_set(err, ERR_DATA,
				    "%s: %s is no code (capital letters, digits, _)", where, key);
	return RC_OK;
}

/* "" counts as absent: *out stays NULL. */
static int
take_text(const json_t *doc, const char *where, const char *key, enum flavour flavour, size_t max,
    char **out, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(doc, where, key, &s, err);

	if (rc != RC_OK || s == NULL || *s == '\0')
		return rc;
	if ((rc = check_text(s, flavour, max, where, key, err)) != RC_OK)
		return rc;
	*out = text_dup(s, err);
	if (*out == NULL)
		return err_rc(err->kind);
	if (flavour != TEXT_ANY)
		text_trim(*out);
	return RC_OK;
}

static int
take_date(const json_t *doc, const char *where, const char *key, char out[9], struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(doc, where, key, &s, err);

	if (rc != RC_OK || s == NULL || *s == '\0')
		return rc;
	if (!time_parse_date(s, out)) {
		memset(out, 0, 9);
		err_set(err, ERR_DATA, "%s: %s is no day of the calendar", where, key);
		err_advise(err, "write YYYY-MM-DD");
		return err_rc(err->kind);
	}
	return RC_OK;
}

static int
take_list(const json_t *doc, const char *where, const char *key, enum flavour flavour, size_t max,
    char ***out, size_t *n, struct err *err)
{
	json_t *list = NULL;
	int rc = json_get_arr(doc, where, key, &list, err);

	if (rc != RC_OK || json_array_size(list) == 0)
		return rc;
	if (json_array_size(list) > NAMES_MAX)
		return err_set(err, ERR_DATA, "%s: %s has more than %d entries", where, key, NAMES_MAX);
	*out = calloc(json_array_size(list), sizeof **out);
	if (*out == NULL)
		return err_set(err, ERR_TEMP, "%s: no memory", where);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (s == NULL || *s == '\0')
			return err_set(err, ERR_DATA, "%s: an entry of %s is no text", where, key);
		if ((rc = check_text(s, flavour, max, where, key, err)) != RC_OK)
			return rc;
		if (((*out)[i] = text_dup(s, err)) == NULL)
			return err_rc(err->kind);
		*n = i + 1;
	}
	return RC_OK;
}

static int
parse_factor(const char *type, json_t *v, const char *where, struct order_factor *to, struct err *err)
{
	static const char *const known[] = { "file" };
	const char *s = NULL;
	int rc = RC_OK;

	if (*type == '\0' || characters(type) > LEN_LO || has_controls(type))
		return err_set(err, ERR_DATA,
		    "%s: a factor's type is empty, too long or has control characters", where);
	if ((to->type = text_dup(type, err)) == NULL)
		return err_rc(err->kind);
	if (json_is_string(v)) {
		s = json_string_value(v);
		if (has_controls(s) || characters(s) > LEN_FACTOR)
			return err_set(err, ERR_DATA,
			    "%s: a factor is longer than %d characters or has control characters", where,
			    LEN_FACTOR);
		to->value = text_dup(s, err);
		return to->value != NULL ? RC_OK : err_rc(err->kind);
	}
	if (!json_is_object(v))
		return err_set(err, ERR_DATA, "%s: a factor is neither a text nor {\"file\": …}", where);
	if ((rc = json_known_keys(v, where, known, 1, err)) != RC_OK ||
	    (rc = take_text(v, where, "file", TEXT_ANY, LEN_PATH, &to->file, err)) != RC_OK)
		return rc;
	if (to->file == NULL)
		return err_set(err, ERR_DATA, "%s: a factor names no file", where);
	return RC_OK;
}

static int
parse_factors(json_t *f, const char *top, struct order *o, struct err *err)
{
	char where[WHERE_MAX];
	const char *type = NULL;
	json_t *v = NULL;

	snprintf(where, sizeof where, "%s: factors", top);
	if (json_object_size(f) > NAMES_MAX)
		return err_set(err, ERR_DATA, "%s: more than %d", where, NAMES_MAX);
	if (json_object_size(f) == 0)
		return RC_OK;
	o->factors = calloc(json_object_size(f), sizeof *o->factors);
	if (o->factors == NULL)
		return err_set(err, ERR_TEMP, "%s: no memory", where);
	json_object_foreach(f, type, v)
	{
		int rc = parse_factor(type, v, where, &o->factors[o->nfactors++], err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static int
parse_basis(const json_t *b, const char *top, struct order *o, struct err *err)
{
	static const char *const known[] = { "kind", "reference", "acting_for" };
	char where[WHERE_MAX];
	int rc = RC_OK;

	snprintf(where, sizeof where, "%s: basis", top);
	if ((rc = json_known_keys(b, where, known, 3, err)) != RC_OK ||
	    (rc = take_text(b, where, "kind", TEXT_ANY, LEN_LO, &o->basis_kind, err)) != RC_OK ||
	    (rc = take_text(b, where, "reference", TEXT_ANY, LEN_FACTOR, &o->basis_reference, err)) !=
		RC_OK ||
	    (rc = take_text(b, where, "acting_for", TEXT_ANY, LEN_LO, &o->acting_for, err)) != RC_OK)
		return rc;
	return RC_OK;
}

static int
parse_patient(const json_t *p, const char *top, struct order_patient *to, struct err *err)
{
	static const char *const known[] = { "id", "issuer", "name", "birth_date", "sex", "other_names" };
	char where[WHERE_MAX];
	int rc = RC_OK;

	snprintf(where, sizeof where, "%s: patient", top);
	if ((rc = json_known_keys(p, where, known, sizeof known / sizeof *known, err)) != RC_OK ||
	    (rc = take_text(p, where, "id", TEXT_DICOM, LEN_LO, &to->id, err)) != RC_OK ||
	    (rc = take_text(p, where, "issuer", TEXT_DICOM, LEN_LO, &to->issuer, err)) != RC_OK ||
	    (rc = take_text(p, where, "name", TEXT_NAME, 0, &to->name, err)) != RC_OK ||
	    (rc = take_date(p, where, "birth_date", to->birth_date, err)) != RC_OK ||
	    (rc = take_text(p, where, "sex", TEXT_CODE, LEN_CS, &to->sex, err)) != RC_OK ||
	    (rc = take_list(p, where, "other_names", TEXT_NAME, 0, &to->other_names, &to->nother_names,
		 err)) != RC_OK)
		return rc;
	if (to->sex != NULL && strcmp(to->sex, "M") != 0 && strcmp(to->sex, "F") != 0 &&
	    strcmp(to->sex, "O") != 0)
		return err_set(err, ERR_DATA, "%s: sex is none of M, F, O", where);
	if (to->issuer != NULL && to->id == NULL)
		return err_set(err, ERR_DATA, "%s: an issuer without an id", where);
	return RC_OK;
}

static int
parse_study(const json_t *s, const char *where, struct order_study *to, struct err *err)
{
	static const char *const known[] = { "study_uid", "date", "modality", "accession",
		"accession_issuer", "requested_procedure_id", "scheduled_step_id", "description",
		"admission_id" };
	int rc = RC_OK;

	if (!json_is_object(s))
		return err_set(err, ERR_DATA, "%s: no object", where);
	if ((rc = json_known_keys(s, where, known, sizeof known / sizeof *known, err)) != RC_OK ||
	    (rc = take_text(s, where, "study_uid", TEXT_ANY, LEN_FACTOR, &to->study_uid, err)) != RC_OK ||
	    (rc = take_date(s, where, "date", to->date, err)) != RC_OK ||
	    (rc = take_text(s, where, "modality", TEXT_CODE, LEN_CS, &to->modality, err)) != RC_OK ||
	    (rc = take_text(s, where, "accession", TEXT_DICOM, LEN_SH, &to->accession, err)) != RC_OK ||
	    (rc = take_text(s, where, "accession_issuer", TEXT_DICOM, LEN_LO, &to->accession_issuer,
		 err)) != RC_OK ||
	    (rc = take_text(s, where, "requested_procedure_id", TEXT_DICOM, LEN_SH,
		 &to->requested_procedure_id, err)) != RC_OK ||
	    (rc = take_text(s, where, "scheduled_step_id", TEXT_DICOM, LEN_SH, &to->scheduled_step_id,
		 err)) != RC_OK ||
	    (rc = take_text(s, where, "description", TEXT_DICOM, LEN_LO, &to->description, err)) !=
		RC_OK ||
	    (rc = take_text(s, where, "admission_id", TEXT_DICOM, LEN_LO, &to->admission_id, err)) !=
		RC_OK)
		return rc;
	if (to->study_uid != NULL && !text_is_uid(to->study_uid))
		return err_set(err, ERR_DATA, "%s: study_uid is no UID (PS3.5 9.1)", where);
	if (to->accession_issuer != NULL && to->accession == NULL)
		return err_set(err, ERR_DATA, "%s: an accession_issuer without an accession", where);
	return RC_OK;
}

static int
parse_studies(const json_t *list, const char *top, struct order *o, struct err *err)
{
	size_t n = json_array_size(list);

	if (n > ORDER_STUDIES_MAX)
		return err_set(err, ERR_DATA, "%s: more than %d studies", top, ORDER_STUDIES_MAX);
	if (n == 0)
		return RC_OK;
	o->studies = calloc(n, sizeof *o->studies);
	if (o->studies == NULL)
		return err_set(err, ERR_TEMP, "%s: no memory", top);
	for (size_t i = 0; i < n; i++) {
		char where[WHERE_MAX];
		snprintf(where, sizeof where, "%s: studies[%zu]", top, i);
		o->nstudies = i + 1;
		int rc = parse_study(json_array_get(list, i), where, &o->studies[i], err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static int
parse_want(const json_t *w, const char *top, struct order *o, struct err *err)
{
	static const char *const known[] = { "studies", "documents" };
	char where[WHERE_MAX];
	const char *studies = NULL;
	int rc = RC_OK;

	o->want_all = o->nstudies == 0;
	if (w == NULL)
		return RC_OK;
	snprintf(where, sizeof where, "%s: want", top);
	if ((rc = json_known_keys(w, where, known, 2, err)) != RC_OK ||
	    (rc = json_get_str(w, where, "studies", &studies, err)) != RC_OK ||
	    (rc = json_get_bool(w, where, "documents", true, &o->want_documents, err)) != RC_OK)
		return rc;
	if (studies == NULL)
		return RC_OK;
	if (strcmp(studies, "all") != 0 && strcmp(studies, "listed") != 0)
		return err_set(err, ERR_DATA, "%s: studies is neither listed nor all", where);
	o->want_all = strcmp(studies, "all") == 0;
	return RC_OK;
}

int
order_parse(const char *text, size_t len, const char *source, struct order **out, struct err *err)
{
	static const char *const known[] = { "v", "ref", "link", "link_host", "link_hash", "factors",
		"basis", "patient", "studies", "want", "destinations" };
	json_t *doc = NULL, *factors = NULL, *basis = NULL, *patient = NULL, *studies = NULL,
	       *want = NULL;
	struct order *o = NULL;
	char w[WHERE_MAX / 2];
	long long v = 1;
	int rc = RC_OK;

	*out = NULL;
	text_escape(w, sizeof w, source, strlen(source));
	if (len > ORDER_MAX)
		return err_set(err, ERR_DATA, "%s: an order of more than %zu bytes", w, ORDER_MAX);
	if ((rc = json_parse(text, len, &doc, err)) != RC_OK) {
		rc = err_wrap(err, "%s", w);
		goto out;
	}
	if (!json_is_object(doc)) {
		rc = err_set(err, ERR_DATA, "%s: an order is a JSON object", w);
		goto out;
	}
	if ((rc = order_new(&o, err)) != RC_OK ||
	    (rc = json_known_keys(doc, w, known, sizeof known / sizeof *known, err)) != RC_OK ||
	    (rc = json_get_int(doc, w, "v", 1, &v, err)) != RC_OK)
		goto out;
	if (v != 1) {
		rc = err_set(err, ERR_DATA, "%s: order of version %lld, this program knows 1", w, v);
		goto out;
	}
	if ((rc = take_text(doc, w, "ref", TEXT_ANY, LEN_REF, &o->ref, err)) != RC_OK ||
	    (rc = take_text(doc, w, "link", TEXT_ANY, LEN_LINK, &o->link, err)) != RC_OK ||
	    (rc = take_text(doc, w, "link_host", TEXT_ANY, LEN_FACTOR, &o->link_host, err)) != RC_OK ||
	    (rc = take_text(doc, w, "link_hash", TEXT_ANY, LEN_FACTOR, &o->link_hash, err)) != RC_OK ||
	    (rc = json_get_obj(doc, w, "factors", &factors, err)) != RC_OK ||
	    (rc = json_get_obj(doc, w, "basis", &basis, err)) != RC_OK ||
	    (rc = json_get_obj(doc, w, "patient", &patient, err)) != RC_OK ||
	    (rc = json_get_arr(doc, w, "studies", &studies, err)) != RC_OK ||
	    (rc = json_get_obj(doc, w, "want", &want, err)) != RC_OK)
		goto out;
	if ((factors != NULL && (rc = parse_factors(factors, w, o, err)) != RC_OK) ||
	    (basis != NULL && (rc = parse_basis(basis, w, o, err)) != RC_OK) ||
	    (patient != NULL && (rc = parse_patient(patient, w, &o->patient, err)) != RC_OK) ||
	    (studies != NULL && (rc = parse_studies(studies, w, o, err)) != RC_OK) ||
	    (rc = parse_want(want, w, o, err)) != RC_OK ||
	    (rc = take_list(doc, w, "destinations", TEXT_ANY, LEN_FACTOR, &o->destinations,
		 &o->ndestinations, err)) != RC_OK)
		goto out;
out:
	json_decref(doc);
	if (rc == RC_OK)
		*out = o;
	else
		order_free(o);
	return rc;
}
