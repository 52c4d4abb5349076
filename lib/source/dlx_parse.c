#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "base/time.h"
#include "source/dlx.h"
#include "source/session.h"

/* A text that may have been written as a number; NULL where it is neither. RC_OK unless memory is short. */
static int
text_of(const json_t *v, char **out, struct err *err)
{
	char number[32];

	*out = NULL;
	if (json_is_string(v)) {
		if (json_string_length(v) == 0 || json_string_length(v) > DLX_TEXT_MAX)
			return RC_OK;
		*out = text_dup(json_string_value(v), err);
	} else if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		*out = text_dup(number, err);
	} else {
		return RC_OK;
	}
	return *out == NULL ? err_rc(err->kind) : RC_OK;
}

static int
get(const json_t *o, const char *key, char **out, struct err *err)
{
	return text_of(json_object_get(o, key), out, err);
}

/* 20240419, "2024-04-19", "2024-04-19T08:15:00", "19.04.2024" → "20240419"; "" for anything else. */
static int
date_of(const json_t *v, char out[9], struct err *err)
{
	char *s = NULL, iso[11];
	int rc = text_of(v, &s, err);

	out[0] = '\0';
	if (s == NULL)
		return rc;
	if (strlen(s) > 10 && (s[10] == 'T' || s[10] == ' '))
		s[10] = '\0';
	else if (strlen(s) > 8 && s[2] != '.' && isdigit((unsigned char)s[4]) && isdigit((unsigned char)s[7]))
		s[8] = '\0';	/* 20240419081500 */
	if (strlen(s) == 10 && s[2] == '.' && s[5] == '.') {
		snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2s", s + 6, s + 3, s);
		memcpy(s, iso, sizeof(iso));
	}
	if (!time_parse_date(s, out))
		out[0] = '\0';
	free(s);
	return RC_OK;
}

/* How well the language of a text suits: 3 the same, 2 the same without the region, 1 English, 0 another. */
static int
suits(const json_t *text, const char *language)
{
	const char *have = json_string_value(json_object_get(text, "language"));
	size_t n = have != NULL ? strcspn(have, "-_") : 0, m = strcspn(language, "-_");

	if (have == NULL)
		return 0;
	if (m > 0 && n == m && strncasecmp(have, language, n) == 0)
		return strlen(have) == strlen(language) && strcasecmp(have + n + (have[n] != '\0'),
		    language + m + (language[m] != '\0')) == 0 ? 3 : 2;
	return n == 2 && strncasecmp(have, "en", 2) == 0 ? 1 : 0;
}

static const json_t *
text_in(const json_t *texts, const char *language)
{
	const json_t *one = NULL, *best = json_array_get(texts, 0);
	size_t i = 0;

	json_array_foreach((json_t *)texts, i, one)
		if (suits(one, language) > suits(best, language))
			best = one;
	return best;
}

static int
question_of(const json_t *v, const char *language, struct source_question *q, struct err *err)
{
	const json_t *text = json_object_get(v, "question"), *first = NULL;
	char *format = NULL;
	size_t i = 0;
	int rc = RC_OK;

	memset(q, 0, sizeof(*q));
	if ((rc = get(v, "questionId", &q->id, err)) != RC_OK ||
	    (rc = get(v, "questionType", &q->type, err)) != RC_OK ||
	    (rc = get(v, "answerFormat", &format, err)) != RC_OK)
		goto out;
	first = json_is_array(text) ? text_in(text, language) : text;
	rc = json_is_object(first) ? get(first, "text", &q->text, err) : text_of(first, &q->text, err);
	if (rc != RC_OK)
		goto out;
	if (q->id == NULL) {
		rc = err_set(err, ERR_PROTOCOL, "the portal asks a question without an id");
		goto out;
	}
	if ((q->type == NULL && (q->type = text_dup("CUSTOM", err)) == NULL) ||
	    (q->text == NULL && (q->text = text_dup("", err)) == NULL)) {
		rc = err_rc(err->kind);
		goto out;
	}
	for (i = 0; q->type[i] != '\0'; i++)
		q->type[i] = (char)toupper((unsigned char)q->type[i]);
	q->date = format != NULL ? strcasecmp(format, "DATE") == 0 :
	    strcmp(q->type, "PAT_BIRTH_DATE") == 0 || strcmp(q->type, "STUDY_DATE") == 0;
out:
	free(format);
	if (rc != RC_OK)
		source_question_free(q);
	return rc;
}

/* "2.0", "v2", 2 → 2; 0 where it is not said. */
static int
version_of(const json_t *api)
{
	const json_t *v = json_object_get(api, "dlxVersion");
	const char *s = json_is_string(v) ? json_string_value(v) : "";

	if (json_is_number(v))
		return json_number_value(v) >= 1 && json_number_value(v) < 10 ? (int)json_number_value(v) : 0;
	s += *s == 'v' || *s == 'V';
	return isdigit((unsigned char)s[0]) && !isdigit((unsigned char)s[1]) ? s[0] - '0' : 0;
}

/* Of several APIs the newest that we speak and that gives something out; of one, that. */
static const json_t *
api_of(const json_t *info)
{
	const json_t *one = NULL, *best = NULL;
	size_t i = 0;

	if (json_is_object(info))
		return info;
	json_array_foreach((json_t *)info, i, one)
		if (!json_is_false(json_object_get(json_object_get(one, "capabilities"), "download")) &&
		    version_of(one) <= DLX_VERSION_MAX && version_of(one) > version_of(best))
			best = one;
	return best != NULL ? best : json_array_get(info, 0);
}

bool
dlx_tells_more(const json_t *j)
{
	const json_t *api = api_of(json_object_get(j, "apiInfo"));

	return version_of(api) >= 2 || json_is_object(json_object_get(api, "capabilities"));
}

static int
root_of(const json_t *web, const char *service, char **out, struct err *err)
{
	const json_t *one = json_object_get(web, service);

	*out = NULL;
	return json_is_true(json_object_get(one, "available")) ? get(one, "url", out, err) : RC_OK;
}

int
dlx_parse_roots(const json_t *j, char **wado, char **qido, struct err *err)
{
	const json_t *wrapped = json_object_get(j, "apiInfo");
	const json_t *api = api_of(wrapped != NULL ? wrapped : j);
	const json_t *web = json_object_get(json_object_get(api, "capabilities"), "dicomweb");
	int rc = root_of(web, "wadoRs", wado, err);

	*qido = NULL;
	return rc == RC_OK ? root_of(web, "qidoRs", qido, err) : rc;
}

int
dlx_parse_info(const json_t *j, const char *language, char **base,
    struct source_question **out, size_t *n, struct err *err)
{
	const json_t *info = json_object_get(j, "apiInfo"), *tfa = json_object_get(j, "tfaQuestion");
	struct source_question *v = NULL;
	size_t i = 0, count = json_is_object(tfa) ? 1 : json_array_size(tfa);
	int rc = RC_OK;

	*base = NULL;
	*out = NULL;
	*n = 0;
	if (!json_is_object(j) || !(json_is_array(info) || json_is_object(info) || json_is_array(tfa)))
		return err_set(err, ERR_PROTOCOL, "the answer is JSON, but not of DICOM Link Exchange");
	if (count > SOURCE_QUESTIONS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal asks more than %d questions", SOURCE_QUESTIONS_MAX);
	if ((rc = get(api_of(info), "apiBasePath", base, err)) != RC_OK)
		return rc;
	v = calloc(count + 1, sizeof(*v));
	if (v == NULL)
		rc = err_sys(err, ENOMEM, "cannot read the portal's questions");
	for (i = 0; rc == RC_OK && i < count; i++)
		rc = question_of(json_is_object(tfa) ? tfa : json_array_get(tfa, i), language, &v[i], err);
	if (rc == RC_OK) {
		*out = v;
		*n = count;
		return RC_OK;
	}
	for (i = 0; v != NULL && i < count; i++)
		source_question_free(&v[i]);
	free(v);
	free(*base);
	*base = NULL;
	return rc;
}

int
dlx_answers(const struct source_question *q, size_t n, const char *const *answers, struct buf *out, struct err *err)
{
	json_t *list = json_array(), *body = NULL;
	char date[9];
	const char *a = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < n && rc == RC_OK; i++) {
		a = answers[i];
		if (q[i].date) {
			if (!time_parse_date(a, date)) {
				err_set(err, ERR_DENIED, "the answer to question %zu is not a date", i + 1);
				err_advise(err, "write it as YYYY-MM-DD");
				rc = err_rc(ERR_DENIED);
				break;
			}
			a = date;
		}
		if (json_array_append_new(list, json_pack("{s:s,s:s}", "questionId", q[i].id, "answer", a)) != 0)
			rc = err_set(err, ERR_DENIED, "the answer to question %zu is not UTF-8 text", i + 1);
	}
	if (rc == RC_OK) {
		body = json_pack("{s:O}", "tfaAnswer", list);
		rc = body == NULL ? err_sys(err, ENOMEM, "cannot write the answers") : json_write(body, out, err);
	}
	json_decref(body);
	json_decref(list);
	return rc;
}

static int
modalities_of(const json_t *v, char **out, struct err *err)
{
	char *s = NULL;
	int rc = json_is_array(v) ? json_join(v, '\\', DLX_TEXT_MAX, out, err) : text_of(v, out, err);

	for (s = *out; s != NULL && *s != '\0'; s++)
		if (strchr(",;/ ", *s) != NULL)
			*s = '\\';
	return rc;
}

static int
offer_of(const json_t *v, struct source_offer *o, struct err *err)
{
	char *files = NULL;
	uint64_t n = 0;
	int rc = RC_OK;

	memset(o, 0, sizeof(*o));
	o->files = -1;
	if (!json_is_object(v))
		return err_set(err, ERR_PROTOCOL, "the portal's list has an entry that is no object");
	if ((rc = get(v, "id", &o->id, err)) != RC_OK || (rc = get(v, "mimeType", &o->media, err)) != RC_OK ||
	    (rc = get(v, "studyInstanceUID", &o->study_uid, err)) != RC_OK ||
	    (rc = date_of(json_object_get(v, "date"), o->date, err)) != RC_OK ||
	    (rc = modalities_of(json_object_get(v, "modalities"), &o->modalities, err)) != RC_OK ||
	    (rc = get(v, "description", &o->description, err)) != RC_OK ||
	    (rc = get(v, "patientsName", &o->patient_name, err)) != RC_OK ||
	    (rc = get(v, "patientId", &o->patient_id, err)) != RC_OK ||
	    (rc = get(v, "patientsSex", &o->patient_sex, err)) != RC_OK ||
	    (rc = get(v, "accessionNumber", &o->accession, err)) != RC_OK ||
	    (rc = date_of(json_object_get(v, "patientsBirthdate"), o->patient_birth, err)) != RC_OK ||
	    (rc = get(v, "fileCount", &files, err)) != RC_OK)
		goto out;
	if (o->id == NULL) {
		rc = err_set(err, ERR_PROTOCOL, "the portal's list has an entry without an id");
		goto out;
	}
	if (o->study_uid != NULL && !text_is_uid(o->study_uid)) {
		free(o->study_uid);
		o->study_uid = NULL;
	}
	if (files != NULL && text_u64(files, 10000000, &n))
		o->files = (long long)n;
	/* Portals say application/pdf of ZIPs too: with more than one file it is no paper. */
	o->document = o->media != NULL && o->files <= 1 &&
	    (strncasecmp(o->media, "application/pdf", 15) == 0 || strncasecmp(o->media, "text/", 5) == 0 ||
	    strncasecmp(o->media, "image/", 6) == 0);
	if (o->media == NULL && (o->media = text_dup("", err)) == NULL)
		rc = err_rc(err->kind);
out:
	free(files);
	if (rc != RC_OK)
		source_offer_free(o);
	return rc;
}

int
dlx_parse_list(const json_t *j, struct source_offer **out, size_t *n, struct err *err)
{
	const json_t *list = json_is_object(j) ? json_object_get(j, "dataItem") : j;
	struct source_offer *v = NULL;
	size_t i = 0, count = 0;
	int rc = RC_OK;

	*out = NULL;
	*n = 0;
	if (json_is_array(list) && json_array_size(list) == 1 && json_is_array(json_array_get(list, 0)))
		list = json_array_get(list, 0);
	if (!json_is_array(list) && !json_is_object(list))
		return err_set(err, ERR_PROTOCOL, "the portal's list is not one of DICOM Link Exchange");
	count = json_is_array(list) ? json_array_size(list) : 1;
	if (count > SOURCE_OFFERS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal lists more than %d entries", SOURCE_OFFERS_MAX);
	v = calloc(count + 1, sizeof(*v));
	if (v == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's list");
	for (i = 0; i < count && rc == RC_OK; i++)
		rc = offer_of(json_is_array(list) ? json_array_get(list, i) : list, &v[i], err);
	if (rc == RC_OK) {
		*out = v;
		*n = count;
		return RC_OK;
	}
	for (i = 0; i < count; i++)
		source_offer_free(&v[i]);
	free(v);
	return rc;
}

static long
number_in(const char *text, size_t len, const char *key)
{
	struct err e = { 0 };
	json_t *j = NULL;
	char *s = NULL;
	uint64_t n = 0;
	long seconds = -1;

	if (len == 0 || len > 4096 || json_parse(text, len, &j, &e) != RC_OK)
		return -1;
	if (json_is_object(j) && get(j, key, &s, &e) == RC_OK && s != NULL && text_u64(s, 86400, &n))
		seconds = (long)n;
	free(s);
	json_decref(j);
	return seconds;
}

long
dlx_timeout(const char *text, size_t len)
{
	return number_in(text, len, "timeOutInSeconds");
}

long
dlx_attempts(const char *text, size_t len)
{
	return number_in(text, len, "remainingAttempts");
}
