#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "source/dicomweb.h"
#include "source/ohif.h"

#define VALUE_MAX	1024	/* bytes of one text */

int
ohif_address(const char *link, char **out, struct err *err)
{
	struct url u;
	const char *last = NULL;
	char *named = NULL;
	size_t n = 0, end = 0;
	bool any = false;
	int rc = url_parse(link, &u, err);

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	for (n = strlen(u.path); n > 0 && u.path[n - 1] == '/'; n--)
		;
	for (last = u.path + n; last > u.path && last[-1] != '/'; last--)
		;
	n = (size_t)(u.path + n - last);
	any = (n == 9 && strncmp(last, "dicomjson", n) == 0) || (n == 13 && strncmp(last, "dicomwebproxy", n) == 0);
	if (any || (n == 6 && strncmp(last, "viewer", n) == 0))
		rc = url_query(&u, "url", &named, err);
	end = named != NULL ? strcspn(named, "?#") : 0;
	if (rc == RC_OK && named != NULL && (any || (end >= 4 && strncasecmp(named + end - 4, "json", 4) == 0)))
		rc = url_resolve(link, named, out, err);
	hash_wipe_text(&named);
	url_free(&u);
	return rc;
}

int
ohif_asks(const char *link, char **asks, size_t max, size_t *n, struct err *err)
{
	static const char key[] = "StudyInstanceUID=";
	struct url u;
	char *named = NULL, *at = NULL, *next = NULL;
	int rc = url_parse(link, &u, err);

	*n = 0;
	if (rc != RC_OK)
		return rc;
	rc = url_query(&u, "StudyInstanceUIDs", &named, err);
	for (at = named; rc == RC_OK && at != NULL; at = next) {
		if ((next = strchr(at, ',')) != NULL)
			*next++ = '\0';
		if (!text_is_uid(at) || *n == max)
			rc = err_set(err, ERR_PROTOCOL, "the link of a viewer names %s", *n == max ? "too many studies" :
			    "a study that is no UID");
		else if ((asks[*n] = malloc(sizeof(key) + strlen(at))) == NULL)
			rc = err_sys(err, ENOMEM, "cannot read the link");
		else
			snprintf(asks[(*n)++], sizeof(key) + strlen(at), "%s%s", key, at);
	}
	if (rc == RC_OK && *n == 0)
		rc = err_set(err, ERR_PROTOCOL, "the link of a viewer names no study");
	hash_wipe_text(&named);
	url_free(&u);
	return rc;
}

int
ohif_parse_roots(const json_t *j, const char *base, char **qido, char **wado, struct err *err)
{
	const json_t *one = json_array_get(json_object_get(json_object_get(j, "servers"), "dicomWeb"), 0);
	const char *q = json_text(one, "qidoRoot"), *w = json_text(one, "wadoRoot");
	int rc = RC_OK;

	*qido = *wado = NULL;
	if (q[0] == '\0' || w[0] == '\0')
		return err_set(err, ERR_PROTOCOL, "what the link of a viewer names is no configuration of a DICOMweb server");
	if ((rc = url_resolve(base, q, qido, err)) == RC_OK && (rc = url_resolve(base, w, wado, err)) == RC_OK &&
	    (strpbrk(*qido, "?#") != NULL || strpbrk(*wado, "?#") != NULL))
		rc = err_set(err, ERR_PROTOCOL, "a DICOMweb server with a query in its address");
	if (rc != RC_OK) {
		hash_wipe_text(qido);
		hash_wipe_text(wado);
	}
	return rc;
}

/* Of a keyword: a text, a number, the first of a list, the alphabetic form of a name; "" where there is none. */
static const char *
value(const json_t *o, const char *key, char number[32])
{
	const json_t *v = json_object_get(o, key);

	if (json_is_array(v))
		v = json_array_get(v, 0);
	return dicomweb_text(v, number);
}

/* What the study says, else its first object. */
static const char *
either(const json_t *study, const char *key, char number[32])
{
	const json_t *series = json_array_get(json_object_get(study, "series"), 0);
	const json_t *first = json_array_get(json_object_get(series, "instances"), 0);
	const char *s = value(study, key, number);

	return s[0] != '\0' ? s : value(json_object_get(first, "metadata"), key, number);
}

static int
copy(const json_t *study, const char *key, char **out, struct err *err)
{
	char number[32];
	const char *s = either(study, key, number);

	*out = s[0] != '\0' ? text_dup(s, err) : NULL;
	return s[0] != '\0' && *out == NULL ? err_rc(err->kind) : RC_OK;
}

static void
copy_date(const json_t *study, const char *key, char out[9])
{
	char number[32];

	if (!time_parse_date(either(study, key, number), out))
		out[0] = '\0';
}

/* "dicomweb:https://h/a.dcm", "wadouri:https://h/wado?…&frame=1", "wadors:https://h/…/instances/1.2/frames/1": what
 * stands before the address says how the viewer reads it, what stands behind it, which picture it shows. */
static int
address_of(const char *text, const char *base, char **out, struct err *err)
{
	static const char *const before[] = { "dicomweb:", "wadouri:", "wadors:" };
	char *plain = NULL, *at = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (text_starts(text, before[i])) {
			text += strlen(before[i]);
			break;
		}
	if ((plain = text_dup(text, err)) == NULL)
		return err_rc(err->kind);
	if (((at = strstr(plain, "&frame=")) != NULL || (at = strstr(plain, "?frame=")) != NULL) &&
	    at[7 + strspn(at + 7, "0123456789")] == '\0')
		*at = '\0';
	if ((at = strstr(plain, "/frames/")) != NULL && at[8 + strspn(at + 8, "0123456789")] == '\0')
		*at = '\0';
	rc = url_resolve(base, plain, out, err);
	hash_wipe_text(&plain);
	return rc;
}

static int
take_instance(const json_t *j, const char *series, const char *base, struct instances *list, struct err *err)
{
	const json_t *meta = json_object_get(j, "metadata");
	const char *where = json_text(j, "url"), *uid = NULL;
	struct instance *i = NULL;
	char number[32];
	bool is_new = false;
	int rc = RC_OK;

	uid = value(json_is_object(meta) ? meta : j, "SOPInstanceUID", number);
	if (!text_is_uid(uid) || where[0] == '\0')
		return err_set(err, ERR_PROTOCOL, "the manifest has an object without its UID or address");
	if ((rc = instances_add(list, uid, &i, &is_new, err)) != RC_OK || !is_new)
		return rc;	/* one of many frames stands there for each of them */
	if ((rc = address_of(where, base, &i->url, err)) != RC_OK)
		return rc;
	if (text_is_uid(series))
		text_copy(i->series, sizeof(i->series), series);
	instances_list(list, i);
	return RC_OK;
}

static int
add_modality(struct buf *b, const char *word, struct err *err)
{
	size_t n = strlen(word);
	const char *at = b->data;

	if (n == 0 || n > 16 || strchr(word, '\\') != NULL)
		return RC_OK;
	for (; at != NULL && *at != '\0'; at += strcspn(at, "\\"), at += *at == '\\')
		if (strncmp(at, word, n) == 0 && (at[n] == '\0' || at[n] == '\\'))
			return RC_OK;
	return buf_printf(b, err, "%s%s", b->len > 0 ? "\\" : "", word);
}

static int
take_series(const json_t *j, const char *base, struct ohif_study *s, struct buf *modalities, struct err *err)
{
	const json_t *list = json_object_get(j, "instances"), *one = NULL;
	char number[32], uid[32];
	size_t i = 0;
	int rc = add_modality(modalities, value(j, "Modality", number), err);

	json_array_foreach((json_t *)list, i, one)
		if (rc == RC_OK)
			rc = take_instance(one, value(j, "SeriesInstanceUID", uid), base, &s->list, err);
	return rc;
}

static int
take_texts(const json_t *j, struct source_offer *o, struct err *err)
{
	int rc = RC_OK;

	o->files = -1;
	if ((rc = copy(j, "StudyInstanceUID", &o->id, err)) != RC_OK ||
	    (rc = copy(j, "StudyInstanceUID", &o->study_uid, err)) != RC_OK ||
	    (rc = copy(j, "StudyDescription", &o->description, err)) != RC_OK ||
	    (rc = copy(j, "PatientName", &o->patient_name, err)) != RC_OK ||
	    (rc = copy(j, "PatientID", &o->patient_id, err)) != RC_OK ||
	    (rc = copy(j, "PatientSex", &o->patient_sex, err)) != RC_OK ||
	    (rc = copy(j, "AccessionNumber", &o->accession, err)) != RC_OK)
		return rc;
	copy_date(j, "StudyDate", o->date);
	copy_date(j, "PatientBirthDate", o->patient_birth);
	return (o->media = text_dup("application/dicom", err)) == NULL ? err_rc(err->kind) : RC_OK;
}

/* The study of that UID, a new one where it is not there yet. */
static int
study_of(const json_t *j, struct ohif *out, struct ohif_study **s, struct err *err)
{
	char number[32];
	const char *uid = value(j, "StudyInstanceUID", number);
	size_t i = 0;

	if (!text_is_uid(uid))
		return err_set(err, ERR_PROTOCOL, "the manifest has a study without its UID");
	for (i = 0; i < out->n && strcmp(out->v[i].offer.study_uid, uid) != 0; i++)
		;
	*s = &out->v[i];
	if (i < out->n)
		return RC_OK;
	out->n++;
	return take_texts(j, &(*s)->offer, err);
}

static int
take_study(const json_t *j, const char *base, struct ohif *out, struct err *err)
{
	const json_t *list = json_object_get(j, "series"), *one = NULL;
	struct ohif_study *s = NULL;
	struct buf modalities = BUF_INIT(VALUE_MAX);
	size_t i = 0;
	int rc = study_of(j, out, &s, err);

	json_array_foreach((json_t *)list, i, one)
		if (rc == RC_OK)
			rc = take_series(one, base, s, &modalities, err);
	if (rc == RC_OK && modalities.len > 0 && s->offer.modalities == NULL &&
	    (s->offer.modalities = text_dup(modalities.data, err)) == NULL)
		rc = err_rc(err->kind);
	if (rc == RC_OK)
		s->offer.files = (long long)s->list.listed;
	buf_free(&modalities);
	return rc;
}

int
ohif_parse(const json_t *j, const char *base, struct ohif *out, struct err *err)
{
	const json_t *list = json_object_get(j, "studies");
	size_t i = 0, n = json_array_size(list);
	int rc = RC_OK;

	memset(out, 0, sizeof(*out));
	if (n == 0)
		return err_set(err, ERR_PROTOCOL, "what the link of a viewer names is no list of studies");
	if (n > OHIF_STUDIES_MAX)
		return err_set(err, ERR_PROTOCOL, "a manifest of more than %d studies", OHIF_STUDIES_MAX);
	if ((out->v = calloc(n, sizeof(*out->v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold a manifest");
	for (i = 0; i < n && rc == RC_OK; i++)
		rc = take_study(json_array_get(list, i), base, out, err);
	if (rc != RC_OK)
		ohif_free(out);
	return rc;
}

void
ohif_free(struct ohif *o)
{
	size_t i = 0;

	for (i = 0; i < o->n; i++) {
		source_offer_free(&o->v[i].offer);
		instances_free(&o->v[i].list);
	}
	free(o->v);
	memset(o, 0, sizeof(*o));
}
