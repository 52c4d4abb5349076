/*
 * What a file of a SMART Health Link holds. Of FHIR (R4; what R5 writes otherwise is read too) only what an importer
 * needs: the documents in DocumentReference, DiagnosticReport and Binary, where an ImagingStudy lies, whose it all is.
 * The file itself is a document too: nothing that was handed out is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "source/shl.h"

#define TEXT_MAX	1024	/* bytes of a title, a name */
#define ENTRIES_MAX	20000	/* of one Bundle */
#define FORMS_MAX	64	/* attachments, modalities of one resource */
#define CARD_MAX	((size_t)1 << 20)	/* bytes of a card, which is made for QR codes */
#define PLACES_MAX	4	/* endpoints of a study or series, series that are asked: each is looked up in the file */

struct fhir {
	const json_t *root;
	const json_t *entries;	/* of a Bundle, NULL: root is the only resource */
};

static size_t
count(const struct fhir *f)
{
	return f->entries != NULL ? json_array_size(f->entries) : 1;
}

static const json_t *
resource(const struct fhir *f, size_t i)
{
	return f->entries != NULL ? json_object_get(json_array_get(f->entries, i), "resource") : f->root;
}

static bool
is_a(const json_t *r, const char *type)
{
	return strcmp(json_text(r, "resourceType"), type) == 0;
}

/* text_dup of what fits; NULL stays NULL. */
static int
take(const char *s, char **out, struct err *err)
{
	char cut[TEXT_MAX];

	*out = NULL;
	if (s == NULL || s[0] == '\0')
		return RC_OK;
	text_copy(cut, sizeof(cut), s);
	while (cut[0] != '\0' && !text_utf8_valid(cut, strlen(cut)))	/* cut within a character */
		cut[strlen(cut) - 1] = '\0';
	return (*out = text_dup(cut, err)) == NULL ? err_rc(err->kind) : RC_OK;
}

static void
date_of(const char *s, char out[9])
{
	char day[11];

	out[0] = '\0';
	if (strlen(s) < 10)	/* a year or a month is no day */
		return;
	text_copyn(day, sizeof(day), s, 10);
	if (!time_parse_date(day, out))
		out[0] = '\0';
}

/* The code of a Coding, or of the first Coding in a CodeableConcept, or of the first of a list of these. */
static const char *
code_of(const json_t *v)
{
	if (json_is_array(v))
		v = json_array_get(v, 0);
	if (json_is_array(json_object_get(v, "coding")))
		v = json_array_get(json_object_get(v, "coding"), 0);
	return json_text(v, "code");
}

/* Text of a CodeableConcept. */
static const char *
words_of(const json_t *v)
{
	const char *s = json_text(v, "text");

	return s[0] != '\0' ? s : json_text(json_array_get(json_object_get(v, "coding"), 0), "display");
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && s[n - m - 1] == '/' && strcmp(s + n - m, end) == 0;
}

/* A reference ("#a", "Patient/1", "urn:uuid:…", an address) within the file, NULL: elsewhere (FHIR R4, Bundle:
 * resolving references). `in`: the resource that makes it. */
static const json_t *
find(const struct fhir *f, const json_t *in, const char *ref, const char *type)
{
	const json_t *r = NULL, *list = json_object_get(in, "contained");
	char name[256];
	size_t i = 0;

	if (ref[0] == '#') {
		for (i = 0; i < json_array_size(list); i++)
			if (strcmp(json_text(json_array_get(list, i), "id"), ref + 1) == 0)
				return json_array_get(list, i);
		return NULL;
	}
	for (i = 0; ref[0] != '\0' && i < count(f); i++) {
		r = resource(f, i);
		if (!is_a(r, type))
			continue;
		snprintf(name, sizeof(name), "%s/%.200s", type, json_text(r, "id"));
		if ((f->entries != NULL && strcmp(json_text(json_array_get(f->entries, i), "fullUrl"), ref) == 0) ||
		    (json_text(r, "id")[0] != '\0' && (strcmp(name, ref) == 0 || ends_with(ref, name))))
			return r;
	}
	return NULL;
}

/* The only Patient; of several none. */
static const json_t *
sole_patient(const struct fhir *f)
{
	const json_t *found = NULL;
	size_t i = 0;

	for (i = 0; i < count(f); i++)
		if (is_a(resource(f, i), "Patient")) {
			if (found != NULL)
				return NULL;
			found = resource(f, i);
		}
	return found;
}

static const json_t *
patient_of(const struct fhir *f, const json_t *r)
{
	const json_t *p = find(f, r, json_text(json_object_get(r, "subject"), "reference"), "Patient");

	return p != NULL ? p : sole_patient(f);
}

/* Family^Given Given, of the official name, else of the first. */
static int
name_of(const json_t *p, char **out, struct err *err)
{
	const json_t *names = json_object_get(p, "name"), *n = json_array_get(names, 0), *given = NULL;
	struct buf b = BUF_INIT(TEXT_MAX);
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	for (i = 0; i < json_array_size(names); i++)
		if (strcmp(json_text(json_array_get(names, i), "use"), "official") == 0) {
			n = json_array_get(names, i);
			break;
		}
	if (json_text(n, "family")[0] == '\0')
		return take(json_text(n, "text"), out, err);
	given = json_object_get(n, "given");
	rc = buf_printf(&b, err, "%.256s", json_text(n, "family"));
	for (i = 0; rc == RC_OK && i < json_array_size(given) && i < 8; i++)
		if (json_is_string(json_array_get(given, i)))
			rc = buf_printf(&b, err, "%s%.64s", i == 0 ? "^" : " ", json_string_value(json_array_get(given, i)));
	if (rc == RC_OK)
		rc = take(b.data, out, err);
	buf_free(&b);
	return rc;
}

/* The identifier of type MR (v2-0203), else the first. */
static const char *
identifier_of(const json_t *p)
{
	const json_t *list = json_object_get(p, "identifier"), *v = json_array_get(list, 0);
	size_t i = 0;

	for (i = 0; i < json_array_size(list); i++)
		if (strcmp(code_of(json_object_get(json_array_get(list, i), "type")), "MR") == 0) {
			v = json_array_get(list, i);
			break;
		}
	return json_text(v, "value");
}

static int
set_patient(struct source_offer *o, const json_t *p, struct err *err)
{
	const char *sex = json_text(p, "gender");
	int rc = RC_OK;

	if (p == NULL)
		return RC_OK;
	date_of(json_text(p, "birthDate"), o->patient_birth);
	if ((rc = name_of(p, &o->patient_name, err)) != RC_OK ||
	    (rc = take(identifier_of(p), &o->patient_id, err)) != RC_OK)
		return rc;
	return take(strcmp(sex, "male") == 0 ? "M" : strcmp(sex, "female") == 0 ? "F" :
	    strcmp(sex, "other") == 0 ? "O" : NULL, &o->patient_sex, err);
}

static void
doc_free(struct shl_doc *d)
{
	source_offer_free(&d->offer);
	if (d->data != NULL)
		hash_wipe(d->data, d->len);
	free(d->data);
	free(d->endpoint);
	memset(d, 0, sizeof(*d));
}

void
shl_docs_free(struct shl_docs *ds)
{
	size_t i = 0;

	for (i = 0; i < ds->n; i++)
		doc_free(&ds->v[i]);
	free(ds->v);
	memset(ds, 0, sizeof(*ds));
}

int
shl_docs_add(struct shl_docs *ds, struct shl_doc *d, struct err *err)
{
	struct shl_doc *v = NULL;
	char hash[HASH_HEX], id[32];
	int rc = RC_OK;

	if (ds->n >= SHL_DOCS_MAX || ds->bytes + d->len > SHL_KEPT_MAX)
		rc = err_set(err, ERR_PROTOCOL, "behind the link lies more than %d documents or %llu MB", SHL_DOCS_MAX,
		    (unsigned long long)(SHL_KEPT_MAX >> 20));
	else if ((v = realloc(ds->v, (ds->n + 1) * sizeof(*v))) == NULL)
		rc = err_sys(err, ENOMEM, "cannot hold what the link offers");
	else
		ds->v = v;
	snprintf(id, sizeof(id), "elsewhere-%zu", ds->n + 1);
	if (rc == RC_OK && d->data != NULL)
		rc = hash_hex(d->data, d->len, hash, err);
	if (rc == RC_OK && d->offer.id == NULL &&
	    (d->offer.id = text_dup(d->data != NULL ? hash : id, err)) == NULL)
		rc = err_rc(err->kind);
	if (rc == RC_OK && d->offer.media == NULL && (d->offer.media = text_dup("", err)) == NULL)
		rc = err_rc(err->kind);
	if (rc != RC_OK) {
		doc_free(d);
		return rc;
	}
	d->offer.files = d->offer.files > 0 ? d->offer.files : -1;
	ds->bytes += d->len;
	ds->v[ds->n++] = *d;
	memset(d, 0, sizeof(*d));
	return RC_OK;
}

/* The bytes of base64; what is broken is told as such, and the rest goes on. */
static int
set_bytes(struct shl_doc *d, const char *text, struct err *err)
{
	size_t n = strlen(text);

	if ((d->data = malloc(BASE64_SIZE(n))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold a document");
	if (base64_decode(BASE64_MIME, text, n, d->data, &d->len) && d->len > 0)
		return RC_OK;
	free(d->data);
	d->data = NULL;
	d->len = 0;
	d->elsewhere = "a document whose content is broken (base64)";
	return RC_OK;
}

static int
add_attachment(const struct fhir *f, const json_t *r, const json_t *a, const char *title, const char *date,
    struct shl_docs *ds, struct err *err)
{
	struct shl_doc d = { .offer = { .files = -1 } };
	const char *data = json_text(a, "data"), *type = json_text(a, "contentType");
	const json_t *binary = NULL;
	enum media m = MEDIA_UNKNOWN;
	int rc = RC_OK;

	if (data[0] == '\0' && (binary = find(f, r, json_text(a, "url"), "Binary")) != NULL) {
		data = json_text(binary, "data");
		type = type[0] != '\0' ? type : json_text(binary, "contentType");
	}
	if (data[0] == '\0' && json_text(a, "url")[0] == '\0')
		return RC_OK;	/* R4: an attachment may be a title only, where nothing is known */
	if (data[0] == '\0')
		d.elsewhere = "a document that lies on a server of its own";
	else
		rc = set_bytes(&d, data, err);
	if (d.data != NULL)
		m = sniff(d.data, d.len);
	d.offer.document = m != MEDIA_ZIP && m != MEDIA_DICOM;
	date_of(date[0] != '\0' ? date : json_text(a, "creation"), d.offer.date);
	if (rc != RC_OK || (rc = take(type, &d.offer.media, err)) != RC_OK ||
	    (rc = take(json_text(a, "title")[0] != '\0' ? json_text(a, "title") : title, &d.offer.description,
	    err)) != RC_OK || (rc = set_patient(&d.offer, patient_of(f, r), err)) != RC_OK) {
		doc_free(&d);
		return rc;
	}
	return shl_docs_add(ds, &d, err);
}

static int
add_attachments(const struct fhir *f, const json_t *r, struct shl_docs *ds, struct err *err)
{
	const json_t *list = NULL, *a = NULL;
	const char *title = "", *date = "";
	bool reference = is_a(r, "DocumentReference");
	size_t i = 0;
	int rc = RC_OK;

	if (reference) {
		list = json_object_get(r, "content");
		title = json_text(r, "description")[0] != '\0' ? json_text(r, "description") :
		    words_of(json_object_get(r, "type"));
		date = json_text(r, "date");
	} else if (is_a(r, "DiagnosticReport")) {
		list = json_object_get(r, "presentedForm");
		title = words_of(json_object_get(r, "code"));
		date = json_text(r, "effectiveDateTime")[0] != '\0' ? json_text(r, "effectiveDateTime") :
		    json_text(r, "issued");
	}
	for (i = 0; rc == RC_OK && i < json_array_size(list) && i < FORMS_MAX; i++) {
		a = json_array_get(list, i);
		rc = add_attachment(f, r, reference ? json_object_get(a, "attachment") : a, title, date, ds, err);
	}
	return rc;
}

/* The root of the DICOMweb server that a list of references names. */
static const char *
wado_of(const struct fhir *f, const json_t *r, const json_t *refs)
{
	const json_t *e = NULL;
	size_t i = 0;

	for (i = 0; i < json_array_size(refs) && i < PLACES_MAX; i++) {
		e = find(f, r, json_text(json_array_get(refs, i), "reference"), "Endpoint");
		if (e != NULL && strcmp(code_of(json_object_get(e, "connectionType")), "dicom-wado-rs") == 0)
			return json_text(e, "address");
	}
	return "";
}

static int
add_modality(struct buf *b, const char *code, struct err *err)
{
	char seen[80], all[300];

	if (code[0] == '\0' || strlen(code) > 16 || b->len > 200)	/* CS, PS3.5 6.2 */
		return RC_OK;
	snprintf(seen, sizeof(seen), "\\%s\\", code);
	snprintf(all, sizeof(all), "\\%s\\", b->data != NULL ? b->data : "");
	return strstr(all, seen) != NULL ? RC_OK : buf_printf(b, err, "%s%s", b->len > 0 ? "\\" : "", code);
}

static int
modalities_of(const json_t *r, char **out, struct err *err)
{
	const json_t *list = json_object_get(r, "modality"), *series = json_object_get(r, "series");
	struct buf b = BUF_INIT(TEXT_MAX);
	size_t i = 0;
	int rc = buf_puts(&b, "", err);

	for (i = 0; rc == RC_OK && i < json_array_size(list) && i < FORMS_MAX; i++)
		rc = add_modality(&b, code_of(json_array_get(list, i)), err);
	for (i = 0; rc == RC_OK && i < json_array_size(series) && i < ENTRIES_MAX; i++)
		rc = add_modality(&b, code_of(json_object_get(json_array_get(series, i), "modality")), err);
	if (rc == RC_OK)
		rc = take(b.data, out, err);
	buf_free(&b);
	return rc;
}

static int
add_imaging(const struct fhir *f, const json_t *r, struct shl_docs *ds, struct err *err)
{
	struct shl_doc d = { .offer = { .files = -1 }, .elsewhere = "a study that lies at a DICOMweb server" };
	const json_t *ids = json_object_get(r, "identifier"), *series = json_object_get(r, "series");
	const json_t *n = json_object_get(r, "numberOfInstances");
	const char *uid = "", *root = wado_of(f, r, json_object_get(r, "endpoint"));
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < json_array_size(ids) && uid[0] == '\0'; i++) {
		uid = json_text(json_array_get(ids, i), "value");
		if (text_starts(uid, "urn:oid:"))
			uid += 8;
		else if (strcmp(json_text(json_array_get(ids, i), "system"), "urn:dicom:uid") != 0)
			uid = "";
		if (!text_is_uid(uid))
			uid = "";
	}
	for (i = 0; i < json_array_size(series) && i < PLACES_MAX && root[0] == '\0'; i++)
		root = wado_of(f, r, json_object_get(json_array_get(series, i), "endpoint"));
	rc = take(root, &d.endpoint, err);
	for (i = d.endpoint != NULL ? strlen(d.endpoint) : 0; i > 0 && d.endpoint[i - 1] == '/'; i--)
		d.endpoint[i - 1] = '\0';
	if (root[0] == '\0')
		d.elsewhere = "a study, and not where it lies";
	date_of(json_text(r, "started"), d.offer.date);
	if (json_is_integer(n) && json_integer_value(n) > 0)
		d.offer.files = json_integer_value(n);
	if (rc != RC_OK || (rc = take(uid, &d.offer.study_uid, err)) != RC_OK ||
	    (rc = take("application/dicom", &d.offer.media, err)) != RC_OK ||
	    (rc = take(json_text(r, "description"), &d.offer.description, err)) != RC_OK ||
	    (rc = modalities_of(r, &d.offer.modalities, err)) != RC_OK ||
	    (rc = set_patient(&d.offer, patient_of(f, r), err)) != RC_OK) {
		doc_free(&d);
		return rc;
	}
	return shl_docs_add(ds, &d, err);
}

/* Whose the file is: the subject of its Composition, or of its one resource, or the one Patient. */
static int
set_owner(const struct fhir *f, struct source_offer *o, struct err *err)
{
	const json_t *r = f->root, *composition = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < count(f) && composition == NULL; i++)
		if (is_a(resource(f, i), "Composition"))
			composition = resource(f, i);
	if (composition != NULL)
		r = composition;
	date_of(json_text(r, "date")[0] != '\0' ? json_text(r, "date") : json_text(r, "timestamp"), o->date);
	if ((rc = take(composition != NULL && json_text(r, "title")[0] != '\0' ? json_text(r, "title") :
	    json_text(f->root, "resourceType"), &o->description, err)) != RC_OK)
		return rc;
	return set_patient(o, is_a(r, "Patient") ? r : patient_of(f, r), err);
}

static int
read_fhir(const json_t *j, struct shl_doc *whole, struct shl_docs *ds, struct err *err)
{
	struct fhir f = { .root = j, .entries = is_a(j, "Bundle") ? json_object_get(j, "entry") : NULL };
	const json_t *r = NULL;
	size_t i = 0;
	int rc = RC_OK;

	if (is_a(j, "Bundle") && !json_is_array(f.entries))
		f.entries = NULL;
	if (count(&f) > ENTRIES_MAX)
		return err_set(err, ERR_PROTOCOL, "a file of the link has more than %d entries", ENTRIES_MAX);
	if (is_a(j, "Binary"))
		rc = add_attachment(&f, j, j, "", "", ds, err);
	for (i = 0; rc == RC_OK && i < count(&f); i++) {
		r = resource(&f, i);
		rc = is_a(r, "ImagingStudy") ? add_imaging(&f, r, ds, err) : add_attachments(&f, r, ds, err);
	}
	return rc != RC_OK ? rc : set_owner(&f, &whole->offer, err);
}

/* Whose a SMART Health Card is: its signed FHIR Bundle says so. A card that cannot be read says nothing. */
static int
read_card(const json_t *j, struct source_offer *o, struct err *err)
{
	const json_t *cards = json_object_get(j, "verifiableCredential"), *bundle = NULL;
	const char *jws = json_string_value(json_array_get(cards, 0));
	struct buf b = BUF_INIT(CARD_MAX);
	struct err e = { 0 };
	struct fhir f = { 0 };
	json_t *content = NULL;
	int rc = RC_OK;

	if (jws != NULL && jws_content(jws, strlen(jws), &b, &e) == RC_OK &&
	    json_parse(b.data, b.len, &content, &e) == RC_OK) {
		bundle = json_object_get(json_object_get(json_object_get(content, "vc"), "credentialSubject"), "fhirBundle");
		f.root = bundle;
		f.entries = json_array_size(json_object_get(bundle, "entry")) <= ENTRIES_MAX ?
		    json_object_get(bundle, "entry") : NULL;
		if (f.entries != NULL)
			rc = set_patient(o, sole_patient(&f), err);
	}
	json_decref(content);
	buf_wipe(&b);
	return rc;
}

int
shl_contents(const char *type, struct buf *plain, struct shl_docs *ds, struct err *err)
{
	struct shl_doc d = { .offer = { .files = -1, .document = true } };
	struct err e = { 0 };
	json_t *j = NULL;
	enum media m = MEDIA_UNKNOWN;
	int rc = RC_OK;

	if (plain->len == 0) {
		buf_wipe(plain);
		return err_set(err, ERR_DATA, "a file of the link is empty");
	}
	m = sniff(plain->data, plain->len);
	if (json_parse(plain->data, plain->len, &j, &e) != RC_OK && e.kind == ERR_TEMP) {
		*err = e;
		rc = err_rc(e.kind);
	}
	if (rc == RC_OK && json_text(j, "resourceType")[0] != '\0') {
		rc = read_fhir(j, &d, ds, err);
		type = "application/fhir+json";
	} else if (rc == RC_OK && (json_object_get(j, "access_token") != NULL ||
	    strcmp(type, "application/smart-api-access") == 0)) {
		/* it holds a bearer token: not a document, and not kept */
		d.elsewhere = "access to a server's interface (application/smart-api-access)";
	} else if (rc == RC_OK && json_object_get(j, "verifiableCredential") != NULL) {
		type = "application/smart-health-card";
		rc = read_card(j, &d.offer, err);
	} else if (rc == RC_OK) {
		d.offer.document = m != MEDIA_ZIP && m != MEDIA_DICOM;
		type = m == MEDIA_UNKNOWN ? type : media_type(m);
	}
	json_decref(j);
	if (rc == RC_OK && d.elsewhere == NULL) {
		d.data = plain->data;
		d.len = plain->len;
		*plain = (struct buf){ .max = plain->max };
	}
	buf_wipe(plain);
	if (rc == RC_OK)
		rc = take(type, &d.offer.media, err);
	if (rc != RC_OK) {
		doc_free(&d);
		return rc;
	}
	return shl_docs_add(ds, &d, err);
}
