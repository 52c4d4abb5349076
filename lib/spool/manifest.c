#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "spool/manifest.h"

#define MANIFEST_VERSION	1
/* One study is one visit: the largest series known have 20,000 objects. */
#define MANIFEST_LINES_MAX	1000000
#define MANIFEST_LINE_MAX	((size_t)128 << 10)	/* a line comes from a worker as one message */
#define TITLE_MAX		1024	/* what a person reads in a list */

int manifest_new(struct manifest **out, struct err *err)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return err_set(err, ERR_TEMP, "no memory for a manifest");
	return RC_OK;
}

void manifest_free(struct manifest *m)
{
	size_t i = 0;

	if (!m)
		return;
	for (i = 0; i < m->ndocuments; i++)
		free(m->documents[i].title);
	free(m->objects);
	free(m->documents);
	free(m->patient_name);
	free(m->patient_id);
	free(m->patient_issuer);
	free(m->description);
	free(m);
}

/* Room for one more: capacities are powers of two, so n alone says when to grow. */
static int grow(void **v, size_t n, size_t size, struct err *err)
{
	void *p = NULL;

	if (n >= MANIFEST_LINES_MAX)
		return err_set(err, ERR_DATA, "manifest has more than %d lines", MANIFEST_LINES_MAX);
	if (n && (n & (n - 1)))
		return RC_OK;
	p = realloc(*v, (n ? n * 2 : 1) * size);
	if (!p)
		return err_set(err, ERR_TEMP, "no memory for a manifest");
	*v = p;
	return RC_OK;
}

int manifest_add_object(struct manifest *m, const struct manifest_object *o, struct err *err)
{
	int rc = grow((void **)&m->objects, m->nobjects, sizeof *m->objects, err);

	if (!rc)
		m->objects[m->nobjects++] = *o;
	return rc;
}

int manifest_add_document(struct manifest *m, const struct manifest_document *d, struct err *err)
{
	int rc = grow((void **)&m->documents, m->ndocuments, sizeof *m->documents, err);
	struct manifest_document *to = NULL;

	if (rc)
		return rc;
	to = &m->documents[m->ndocuments];
	*to = *d;
	if (d->title && !(to->title = text_dup(d->title, err)))
		return RC_RETRY;
	m->ndocuments++;
	return RC_OK;
}

/* JSON takes UTF-8 only; what is not UTF-8 is kept readable instead of refused. */
static const char *utf8(const char *s, char escaped[TITLE_MAX])
{
	if (!s)
		return "";
	if (text_utf8_valid(s, strlen(s)))
		return s;
	return text_escape(escaped, TITLE_MAX, s, strlen(s));
}

static int write_line(json_t *line, struct buf *out, struct err *err)
{
	int rc = RC_OK;

	if (!line)
		return err_rc(err->kind);
	rc = json_write(line, out, err);
	if (!rc)
		rc = buf_add(out, "\n", 1, err);
	json_decref(line);
	return rc;
}

static json_t *header_json(const struct manifest *m, struct err *err)
{
	char name[TITLE_MAX], id[TITLE_MAX], issuer[TITLE_MAX], sex[TITLE_MAX], text[TITLE_MAX],
	    date[TITLE_MAX], birth[TITLE_MAX], mods[TITLE_MAX];

	return json_make(err,
	    "{s:i, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}, s:b, s:I, s:I, s:i, s:i}",
	    "v", MANIFEST_VERSION, "type", *m->study_uid ? "study" : "papers",
	    "study_uid", m->study_uid, "study_date", utf8(m->study_date, date),
	    "modalities", utf8(m->modalities, mods), "description", utf8(m->description, text),
	    "patient", "name", utf8(m->patient_name, name), "id", utf8(m->patient_id, id),
	    "issuer", utf8(m->patient_issuer, issuer), "birth_date", utf8(m->patient_birth, birth),
	    "sex", utf8(m->patient_sex, sex), "partial", (int)m->partial,
	    "objects", (json_int_t)m->nobjects, "documents", (json_int_t)m->ndocuments,
	    "duplicates", m->duplicates, "set_aside", m->set_aside);
}

static int write_object(const struct manifest_object *o, struct buf *out, struct err *err)
{
	char modality[TITLE_MAX];

	return write_line(json_make(err, "{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i}",
	    "type", "object", "n", o->n, "sop_class", o->sop_class, "sop_uid", o->sop_uid,
	    "series_uid", o->series_uid, "transfer_syntax", o->transfer_syntax,
	    "modality", utf8(o->modality, modality), "sha256", o->sha256, "bytes", (json_int_t)o->bytes,
	    "number", (json_int_t)o->number, "package", o->package), out, err);
}

static int write_document(const struct manifest_document *d, struct buf *out, struct err *err)
{
	char media[TITLE_MAX], title[TITLE_MAX];

	return write_line(json_make(err, "{s:s, s:i, s:s, s:s, s:I, s:i, s:s}", "type", "document", "n", d->n,
	    "media", utf8(d->media, media), "sha256", d->sha256, "bytes", (json_int_t)d->bytes,
	    "package", d->package, "title", utf8(d->title, title)), out, err);
}

static int by_object(const void *a, const void *b)
{
	const struct manifest_object *const *x = a, *const *y = b;

	return ((*x)->n > (*y)->n) - ((*x)->n < (*y)->n);
}

static int by_document(const void *a, const void *b)
{
	const struct manifest_document *const *x = a, *const *y = b;

	return ((*x)->n > (*y)->n) - ((*x)->n < (*y)->n);
}

/* Members of an archive are read in parallel; the lines stand in order of their numbers. */
int manifest_write(const struct manifest *m, struct buf *out, struct err *err)
{
	const struct manifest_document **documents = NULL;
	const struct manifest_object **objects = NULL;
	size_t i = 0;
	int rc = RC_OK;

	objects = calloc(m->nobjects + 1, sizeof *objects);
	documents = calloc(m->ndocuments + 1, sizeof *documents);
	if (!objects || !documents) {
		rc = err_set(err, ERR_TEMP, "no memory for a manifest");
		goto out;
	}
	for (i = 0; i < m->nobjects; i++)
		objects[i] = &m->objects[i];
	for (i = 0; i < m->ndocuments; i++)
		documents[i] = &m->documents[i];
	qsort(objects, m->nobjects, sizeof *objects, by_object);
	qsort(documents, m->ndocuments, sizeof *documents, by_document);
	rc = write_line(header_json(m, err), out, err);
	for (i = 0; !rc && i < m->nobjects; i++)
		rc = write_object(objects[i], out, err);
	for (i = 0; !rc && i < m->ndocuments; i++)
		rc = write_document(documents[i], out, err);
out:
	free(objects);
	free(documents);
	return rc;
}

/* ---- reading ---- */

static int get_text(const json_t *j, const char *where, const char *key, char *to, size_t cap, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, where, key, &s, err);

	if (rc)
		return rc;
	if (!text_copy(to, cap, s ? s : ""))
		return err_set(err, ERR_DATA, "%s: '%s' is longer than %zu bytes", where, key, cap - 1);
	return RC_OK;
}

static int get_dup(const json_t *j, const char *where, const char *key, char **to, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, where, key, &s, err);

	if (!rc && !(*to = text_dup(s ? s : "", err)))
		rc = RC_RETRY;
	return rc;
}

static int get_number(const json_t *j, const char *where, const char *key, long long min, long long max,
	long long *to, struct err *err)
{
	int rc = json_get_int(j, where, key, min, to, err);

	if (!rc && (*to < min || *to > max))
		rc = err_set(err, ERR_DATA, "%s: '%s' is out of range", where, key);
	return rc;
}

static int get_hash(const json_t *j, const char *where, char to[65], struct err *err)
{
	unsigned char raw[32];
	int rc = get_text(j, where, "sha256", to, 65, err);

	if (!rc && !text_unhex(to, raw, sizeof raw))
		rc = err_set(err, ERR_DATA, "%s: 'sha256' is not a SHA-256", where);
	return rc;
}

static int parse_header(const json_t *j, const char *where, struct manifest *m, long long *objects,
	long long *documents, struct err *err)
{
	json_t *patient = NULL, *none = NULL;
	long long v = 0, n = 0;
	const char *type = NULL;
	int rc = RC_OK;

	if ((rc = json_get_str(j, where, "type", &type, err)) || (rc = json_get_int(j, where, "v", 0, &v, err)))
		return rc;
	if (v != MANIFEST_VERSION) {
		rc = err_set(err, ERR_DATA, "%s: version %lld is not known", where, v);
		err_advise(err, "it was written by another version of mri-tools");
		return rc;
	}
	if (!type || (strcmp(type, "study") && strcmp(type, "papers")))
		return err_set(err, ERR_DATA, "%s: not the header of a manifest", where);
	if ((rc = get_text(j, where, "study_uid", m->study_uid, sizeof m->study_uid, err)) ||
	    (rc = get_text(j, where, "study_date", m->study_date, sizeof m->study_date, err)) ||
	    (rc = get_text(j, where, "modalities", m->modalities, sizeof m->modalities, err)) ||
	    (rc = get_dup(j, where, "description", &m->description, err)) ||
	    (rc = json_get_bool(j, where, "partial", false, &m->partial, err)) ||
	    (rc = json_get_obj(j, where, "patient", &patient, err)) ||
	    (rc = get_number(j, where, "objects", 0, MANIFEST_LINES_MAX, objects, err)) ||
	    (rc = get_number(j, where, "documents", 0, MANIFEST_LINES_MAX, documents, err)))
		return rc;
	if ((strcmp(type, "study") == 0) != (*m->study_uid != 0))
		return err_set(err, ERR_DATA, "%s: a study has a Study Instance UID, papers have none", where);
	if ((rc = get_number(j, where, "duplicates", 0, 1 << 30, &n, err)))
		return rc;
	m->duplicates = (int)n;
	if ((rc = get_number(j, where, "set_aside", 0, 1 << 30, &n, err)))
		return rc;
	m->set_aside = (int)n;
	if (!patient && !(patient = none = json_object()))
		return err_set(err, ERR_TEMP, "no memory for a manifest");
	if (!(rc = get_dup(patient, where, "name", &m->patient_name, err)) &&
	    !(rc = get_dup(patient, where, "id", &m->patient_id, err)) &&
	    !(rc = get_dup(patient, where, "issuer", &m->patient_issuer, err)) &&
	    !(rc = get_text(patient, where, "birth_date", m->patient_birth, sizeof m->patient_birth, err)))
		rc = get_text(patient, where, "sex", m->patient_sex, sizeof m->patient_sex, err);
	json_decref(none);
	return rc;
}

/* Numbers are file names: each stands once, in order. */
static int check_order(int n, int before, const char *where, struct err *err)
{
	return n > before ? RC_OK : err_set(err, ERR_DATA, "%s: number %d is not after %d", where, n, before);
}

static int parse_object(const json_t *j, const char *where, struct manifest *m, struct err *err)
{
	struct manifest_object o = { 0 };
	long long n = 0, bytes = 0, package = 0;
	int rc = RC_OK;

	if ((rc = get_number(j, where, "n", 0, MANIFEST_LINES_MAX, &n, err)) ||
	    (rc = check_order((int)n, m->nobjects ? m->objects[m->nobjects - 1].n : 0, where, err)) ||
	    (rc = get_text(j, where, "sop_class", o.sop_class, sizeof o.sop_class, err)) ||
	    (rc = get_text(j, where, "sop_uid", o.sop_uid, sizeof o.sop_uid, err)) ||
	    (rc = get_text(j, where, "series_uid", o.series_uid, sizeof o.series_uid, err)) ||
	    (rc = get_text(j, where, "transfer_syntax", o.transfer_syntax, sizeof o.transfer_syntax, err)) ||
	    (rc = get_text(j, where, "modality", o.modality, sizeof o.modality, err)) ||
	    (rc = get_hash(j, where, o.sha256, err)) ||
	    (rc = get_number(j, where, "bytes", 0, INT64_MAX, &bytes, err)) ||
	    (rc = json_get_int(j, where, "number", -1, &o.number, err)) ||
	    (rc = get_number(j, where, "package", 0, MANIFEST_LINES_MAX, &package, err)))
		return rc;
	o.n = (int)n;
	o.bytes = (uint64_t)bytes;
	o.package = (int)package;
	return manifest_add_object(m, &o, err);
}

static int parse_document(const json_t *j, const char *where, struct manifest *m, struct err *err)
{
	struct manifest_document d = { 0 };
	long long n = 0, bytes = 0, package = 0;
	int rc = RC_OK;

	if ((rc = get_number(j, where, "n", 0, MANIFEST_LINES_MAX, &n, err)) ||
	    (rc = check_order((int)n, m->ndocuments ? m->documents[m->ndocuments - 1].n : 0, where, err)) ||
	    (rc = get_text(j, where, "media", d.media, sizeof d.media, err)) ||
	    (rc = get_hash(j, where, d.sha256, err)) ||
	    (rc = get_number(j, where, "bytes", 0, INT64_MAX, &bytes, err)) ||
	    (rc = get_number(j, where, "package", 0, MANIFEST_LINES_MAX, &package, err)) ||
	    (rc = get_dup(j, where, "title", &d.title, err)))
		goto out;
	d.n = (int)n;
	d.bytes = (uint64_t)bytes;
	d.package = (int)package;
	rc = manifest_add_document(m, &d, err);
out:
	free(d.title);
	return rc;
}

static int parse_line(const char *text, size_t len, long line, struct manifest *m, long long *objects,
	long long *documents, struct err *err)
{
	char where[48];
	const char *type = NULL;
	json_t *j = NULL;
	int rc = RC_OK;

	snprintf(where, sizeof where, "manifest line %ld", line);
	if (len > MANIFEST_LINE_MAX)
		return err_set(err, ERR_DATA, "%s is longer than %zu bytes", where, MANIFEST_LINE_MAX);
	if ((rc = json_parse(text, len, &j, err))) {
		err_wrap(err, "%s", where);
		return rc;
	}
	if (line == 1)
		rc = parse_header(j, where, m, objects, documents, err);
	else if (!(rc = json_get_str(j, where, "type", &type, err))) {
		if (type && !strcmp(type, "object"))
			rc = parse_object(j, where, m, err);
		else if (type && !strcmp(type, "document"))
			rc = parse_document(j, where, m, err);
		else
			rc = err_set(err, ERR_DATA, "%s: neither object nor document", where);
	}
	json_decref(j);
	return rc;
}

int manifest_parse(const char *text, size_t len, struct manifest **out, struct err *err)
{
	long long objects = 0, documents = 0;
	struct manifest *m = NULL;
	const char *end = NULL;
	long line = 0;
	size_t n = 0;
	int rc = manifest_new(&m, err);

	*out = NULL;
	while (!rc && len) {
		end = memchr(text, '\n', len);
		if (!end) {
			rc = err_set(err, ERR_DATA, "manifest line %ld: ends early", line + 1);
			break;
		}
		n = (size_t)(end - text);
		rc = parse_line(text, n, ++line, m, &objects, &documents, err);
		text += n + 1;
		len -= n + 1;
	}
	if (!rc && !line)
		rc = err_set(err, ERR_DATA, "manifest is empty");
	if (!rc && ((size_t)objects != m->nobjects || (size_t)documents != m->ndocuments))
		rc = err_set(err, ERR_DATA, "manifest lists %zu objects and %zu documents, its header says %lld and %lld",
		    m->nobjects, m->ndocuments, objects, documents);
	if (rc)
		manifest_free(m);
	else
		*out = m;
	return rc;
}
