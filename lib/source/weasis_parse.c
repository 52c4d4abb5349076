#include <errno.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "base/xml.h"
#include "source/weasis.h"

#define TEXT_MAX	1024	/* bytes of a name or description */
#define VALUE_MAX	8192	/* of an address or a header: a token */
#define MODALITIES_MAX	200
#define DEPTH_MAX	16	/* manifest/arcQuery/Patient/Study/Series/Instance is six */
#define XML_MAX		((size_t)48 << 20)	/* 100,000 objects with all attributes, unpacked */
#define HEAD_BYTES	2048	/* within which the root element stands */

struct reading {
	struct weasis *w;
	xmlParserCtxtPtr xml;
	struct weasis_archive *archive;
	struct source_offer patient;	/* its fields of a patient */
	struct weasis_study *study;
	char series[INSTANCE_UID];
	unsigned depth;
	bool root;
	int rc;
	struct err *err;
};

/* Attributes as SAX2 gives them, five pointers each. */
struct attributes { const xmlChar **v; int n; };

static void
refuse(struct reading *r, const char *what)
{
	if (r->rc == RC_OK)
		r->rc = err_set(r->err, ERR_PROTOCOL, "the manifest %s", what);
	xmlStopParser(r->xml);
}

/* The attribute's text, malloc, NULL where it is absent, empty or too long. Names are compared without case: real
 * manifests spell them in several ways. */
static char *
text_of(struct reading *r, const struct attributes *a, const char *name, size_t max)
{
	const char *begin = NULL;
	size_t n = 0;
	char *s = NULL;
	int i = 0;

	for (i = 0; i < a->n; i++) {
		if (strcasecmp((const char *)a->v[5 * i], name) != 0)
			continue;
		begin = (const char *)a->v[5 * i + 3];
		n = (size_t)((const char *)a->v[5 * i + 4] - begin);
		if (n == 0 || n > max)
			return NULL;
		if ((s = malloc(n + 1)) == NULL) {
			r->rc = err_sys(r->err, ENOMEM, "cannot read the manifest");
			xmlStopParser(r->xml);
			return NULL;
		}
		memcpy(s, begin, n);
		s[n] = '\0';
		return s;
	}
	return NULL;
}

static bool
uid_of(struct reading *r, const struct attributes *a, const char *name, char out[INSTANCE_UID])
{
	char *s = text_of(r, a, name, INSTANCE_UID - 1);

	out[0] = '\0';
	if (s != NULL && text_is_uid(s))
		text_copy(out, INSTANCE_UID, s);
	free(s);
	return out[0] != '\0';
}

static void
date_of(struct reading *r, const struct attributes *a, const char *name, char out[9])
{
	char *s = text_of(r, a, name, 32);

	if (s == NULL || !time_parse_date(s, out))
		out[0] = '\0';
	free(s);
}

/* What goes into a request line or a header must not end it. */
static bool
one_line(const char *s, bool blanks)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || (*s == ' ' && !blanks))
			return false;
	return true;
}

static void
add_header(struct reading *r, const char *name, const char *value)
{
	/* what a message of HTTP is made of is not the manifest's to say */
	static const char *const own[] = { "host", "connection", "content-length", "transfer-encoding", "te", "upgrade",
	    "range", "if-range", "expect", "accept-encoding" };
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	struct weasis_archive *a = r->archive;
	char *line = NULL;
	size_t i = 0;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcasecmp(name, own[i]) == 0)
			return;
	if (name[strspn(name, token)] != '\0' || text_starts(name, "Proxy-") || !one_line(value, true))
		return refuse(r, "has a header that is none");
	if (a->nheaders == SOURCE_TAGS_MAX)
		return refuse(r, "has more headers than are taken");
	if (asprintf(&line, "%s: %s", name, value) < 0) {
		r->rc = err_sys(r->err, ENOMEM, "cannot read the manifest");
		xmlStopParser(r->xml);
		return;
	}
	a->headers[a->nheaders++] = line;
}

static void
begin_archive(struct reading *r, const struct attributes *a, const char *where)
{
	static const char b64[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=";
	struct weasis_archive *to = NULL;
	char *login = NULL, *mode = NULL, *value = NULL;

	if (r->w->narchives == WEASIS_ARCHIVES_MAX)
		return refuse(r, "names more archives than are taken");
	r->archive = to = &r->w->archives[r->w->narchives++];
	to->base = text_of(r, a, where, VALUE_MAX);
	/* the viewer reads the word with this letter too many */
	if ((to->extra = text_of(r, a, "additionnalParameters", VALUE_MAX)) == NULL)
		to->extra = text_of(r, a, "additionalParameters", VALUE_MAX);
	login = text_of(r, a, "webLogin", VALUE_MAX);
	mode = text_of(r, a, "queryMode", 32);
	if (r->rc != RC_OK)
		goto out;
	if (to->base == NULL || !one_line(to->base, false) || (to->extra != NULL && !one_line(to->extra, false)))
		refuse(r, "does not say where its objects are");
	else if (mode != NULL && strcasecmp(mode, "DICOM") == 0)
		to->mode = WEASIS_DIMSE;
	else if (mode != NULL && strcasecmp(mode, "DICOM_WEB") == 0)
		to->mode = WEASIS_DICOMWEB;
	if (r->rc == RC_OK && login != NULL && login[strspn(login, b64)] == '\0' && asprintf(&value, "Basic %s", login) > 0)
		add_header(r, "Authorization", value);	/* RFC 7617, coded already */
out:
	hash_wipe_text(&value);
	hash_wipe_text(&login);
	free(mode);
}

static void
http_tag(struct reading *r, const struct attributes *a)
{
	char *key = text_of(r, a, "key", 64), *value = text_of(r, a, "value", VALUE_MAX);

	if (key != NULL && value != NULL && r->archive != NULL)
		add_header(r, key, value);
	free(key);
	hash_wipe_text(&value);
}

static void
begin_patient(struct reading *r, const struct attributes *a)
{
	source_offer_free(&r->patient);
	r->patient.patient_id = text_of(r, a, "PatientID", TEXT_MAX);
	r->patient.patient_name = text_of(r, a, "PatientName", TEXT_MAX);
	r->patient.patient_sex = text_of(r, a, "PatientSex", 16);
	date_of(r, a, "PatientBirthDate", r->patient.patient_birth);
}

static char *
again(struct reading *r, const char *s)
{
	char *copy = s != NULL ? text_dup(s, r->err) : NULL;

	if (s != NULL && copy == NULL) {
		r->rc = err_rc(r->err->kind);
		xmlStopParser(r->xml);
	}
	return copy;
}

static void
begin_study(struct reading *r, const struct attributes *a)
{
	struct weasis_study *v = NULL;
	struct source_offer *o = NULL;
	char uid[INSTANCE_UID];

	if (r->archive == NULL || !uid_of(r, a, "StudyInstanceUID", uid))
		return refuse(r, "has a study without a UID");
	if (r->w->nstudies == WEASIS_STUDIES_MAX)
		return refuse(r, "names more studies than are taken");
	if ((v = realloc(r->w->studies, (r->w->nstudies + 1) * sizeof(*v))) == NULL) {
		r->rc = err_sys(r->err, ENOMEM, "cannot read the manifest");
		xmlStopParser(r->xml);
		return;
	}
	r->w->studies = v;
	r->study = v = &v[r->w->nstudies++];
	memset(v, 0, sizeof(*v));
	v->archive = (size_t)(r->archive - r->w->archives);
	o = &v->offer;
	o->files = -1;
	o->id = again(r, uid);
	o->study_uid = again(r, uid);
	o->media = again(r, "application/dicom");
	date_of(r, a, "StudyDate", o->date);
	o->description = text_of(r, a, "StudyDescription", TEXT_MAX);
	o->accession = text_of(r, a, "AccessionNumber", TEXT_MAX);
	o->patient_id = again(r, r->patient.patient_id);
	o->patient_name = again(r, r->patient.patient_name);
	o->patient_sex = again(r, r->patient.patient_sex);
	text_copy(o->patient_birth, sizeof(o->patient_birth), r->patient.patient_birth);
}

/* "CT\SR": each once. */
static void
add_modality(struct reading *r, const char *word)
{
	struct source_offer *o = &r->study->offer;
	const char *old = o->modalities != NULL ? o->modalities : "", *p = old;
	size_t n = strlen(word);
	char *v = NULL;

	for (; *p != '\0'; p += strcspn(p, "\\"), p += *p == '\\')
		if (strncmp(p, word, n) == 0 && (p[n] == '\0' || p[n] == '\\'))
			return;
	if (strlen(old) + n + 2 > MODALITIES_MAX || strchr(word, '\\') != NULL)
		return;
	if (asprintf(&v, "%s%s%s", old, *old != '\0' ? "\\" : "", word) < 0)
		return;
	free(o->modalities);
	o->modalities = v;
}

static void
begin_series(struct reading *r, const struct attributes *a)
{
	char *modality = text_of(r, a, "Modality", 16);

	if (r->study == NULL || !uid_of(r, a, "SeriesInstanceUID", r->series))
		refuse(r, "has a series without a UID");
	else if (modality != NULL)
		add_modality(r, modality);
	free(modality);
}

/* base + "/" + file, or an address of its own. */
static char *
direct(struct reading *r, const char *file)
{
	const char *base = r->archive->base;
	struct buf b = BUF_INIT(URL_MAX);
	size_t n = strlen(base);
	int rc = RC_OK;

	if (strstr(file, "://") == NULL)
		rc = buf_printf(&b, r->err, "%s%s", base, n > 0 && base[n - 1] != '/' && file[0] != '/' ? "/" : "");
	if (n > 0 && base[n - 1] == '/' && file[0] == '/')
		file++;
	for (; *file != '\0' && rc == RC_OK; file++)
		rc = buf_printf(&b, r->err, (unsigned char)*file <= ' ' || (unsigned char)*file >= 0x7f || *file == '\\' ?
		    "%%%02X" : "%c", (unsigned char)*file);
	if (rc == RC_OK)
		return b.data;
	buf_wipe(&b);
	r->rc = rc;
	xmlStopParser(r->xml);
	return NULL;
}

static void
instance(struct reading *r, const struct attributes *a)
{
	struct instance *one = NULL;
	char uid[INSTANCE_UID], *file = NULL;
	bool fresh = false;

	if (r->study == NULL || r->series[0] == '\0' || !uid_of(r, a, "SOPInstanceUID", uid))
		return refuse(r, "has an object without a UID");
	if (r->w->objects == INSTANCES_MAX)
		return refuse(r, "names more objects than are taken");
	if ((r->rc = instances_add(&r->study->list, uid, &one, &fresh, r->err)) != RC_OK) {
		xmlStopParser(r->xml);
		return;
	}
	if (!fresh)
		return;
	r->w->objects++;
	text_copy(one->series, sizeof(one->series), r->series);
	instances_list(&r->study->list, one);
	r->study->offer.files = (long long)r->study->list.listed;
	if ((file = text_of(r, a, "DirectDownloadFile", VALUE_MAX)) != NULL)
		one->url = direct(r, file);
	hash_wipe_text(&file);
}

static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int nns, const xmlChar **ns,
    int n, int defaulted, const xmlChar **v)
{
	struct reading *r = arg;
	struct attributes a = { v, n };
	const char *name = (const char *)local;
	char *severity = NULL;

	(void)prefix; (void)uri; (void)nns; (void)ns; (void)defaulted;
	if (r->rc != RC_OK)
		return;
	if (++r->depth > DEPTH_MAX)
		return refuse(r, "is nested deeper than is taken");
	if (r->depth == 1) {
		r->root = strcmp(name, "manifest") == 0 || strcmp(name, "wado_query") == 0;
		if (!r->root)
			return refuse(r, "is none");
		if (strcmp(name, "wado_query") == 0)
			begin_archive(r, &a, "wadoURL");
	} else if (strcmp(name, "arcQuery") == 0) {
		begin_archive(r, &a, "baseUrl");
	} else if (strcasecmp(name, "httpTag") == 0) {
		http_tag(r, &a);
	} else if (strcmp(name, "Message") == 0) {
		severity = text_of(r, &a, "severity", 16);
		r->w->failed = r->w->failed || (severity != NULL && strcasecmp(severity, "ERROR") == 0);
		free(severity);
	} else if (strcmp(name, "Patient") == 0) {
		begin_patient(r, &a);
	} else if (strcmp(name, "Study") == 0) {
		begin_study(r, &a);
	} else if (strcmp(name, "Series") == 0) {
		begin_series(r, &a);
	} else if (strcmp(name, "Instance") == 0) {
		instance(r, &a);
	}
}

static void
on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *r = arg;
	const char *name = (const char *)local;

	(void)prefix; (void)uri;
	r->depth--;
	if (strcmp(name, "Series") == 0)
		r->series[0] = '\0';
	else if (strcmp(name, "Study") == 0)
		r->study = NULL;
	else if (strcmp(name, "Patient") == 0)
		source_offer_free(&r->patient);
	else if (strcmp(name, "arcQuery") == 0)
		r->archive = NULL;
}

static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	(void)name; (void)id; (void)system;
	refuse(arg, "has a DOCTYPE");
}

static bool
is_gzip(const unsigned char *p, size_t n)
{
	return n > 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* Each piece of the text to feed, gzip or not. feed false: enough. */
static int
each_piece(const void *data, size_t n, bool (*feed)(void *, const char *, size_t), void *arg, struct err *err)
{
	unsigned char out[16384];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n };
	size_t total = 0, got = 0, at = 0;
	int zrc = Z_OK;
	bool more = true;

	if (!is_gzip(data, n)) {
		for (; at < n && more; at += got) {
			got = n - at < sizeof(out) ? n - at : sizeof(out);
			more = feed(arg, (const char *)data + at, got);
		}
		return RC_OK;
	}
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return err_sys(err, ENOMEM, "cannot unpack the manifest");
	while (more && zrc == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		zrc = inflate(&z, Z_NO_FLUSH);
		got = sizeof(out) - z.avail_out;
		total += got;
		if ((zrc != Z_OK && zrc != Z_STREAM_END) || total > XML_MAX)
			break;
		more = feed(arg, (const char *)out, got);
	}
	inflateEnd(&z);
	if (!more || zrc == Z_STREAM_END)
		return RC_OK;
	return err_set(err, ERR_PROTOCOL, total > XML_MAX ? "the manifest is larger than is taken" :
	    "the manifest cannot be unpacked");
}

struct head { char text[HEAD_BYTES + 1]; size_t n; };

static bool
keep_head(void *arg, const char *p, size_t n)
{
	struct head *h = arg;
	size_t part = n < HEAD_BYTES - h->n ? n : HEAD_BYTES - h->n;

	memcpy(h->text + h->n, p, part);
	h->n += part;
	return h->n < HEAD_BYTES;
}

/* The name of the first element, behind declaration, comments and a byte order mark. */
bool
weasis_is(const void *data, size_t n)
{
	static const char *const roots[] = { "manifest", "wado_query" };
	struct head h = { .n = 0 };
	struct err e = { 0 };
	const char *p = h.text, *end = NULL;
	size_t i = 0;

	if (n == 0 || n > UINT32_MAX)
		return false;
	(void)each_piece(data, n, keep_head, &h, &e);
	if (h.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (;;) {
		p += strspn(p, " \t\r\n");
		end = text_starts(p, "<?") ? "?>" : text_starts(p, "<!--") ? "-->" : NULL;
		if (end == NULL)
			break;
		if ((p = strstr(p, end)) == NULL)
			return false;
		p += strlen(end);
	}
	if (*p++ != '<')
		return false;
	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (text_starts(p, roots[i]) && strchr(" \t\r\n>/", p[strlen(roots[i])]) != NULL)
			return true;
	return false;
}

static bool
feed_xml(void *arg, const char *p, size_t n)
{
	struct reading *r = arg;

	return xmlParseChunk(r->xml, p, (int)n, 0) == 0 && r->rc == RC_OK;
}

int
weasis_parse(const void *data, size_t n, struct weasis *w, struct err *err)
{
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end,
	    .internalSubset = on_doctype };
	struct reading r = { .w = w, .err = err };
	int rc = RC_OK;

	memset(w, 0, sizeof(*w));
	if (n > UINT32_MAX)
		return err_set(err, ERR_PROTOCOL, "the manifest is larger than is taken");
	xml_quiet();
	if ((r.xml = xmlCreatePushParserCtxt(&sax, &r, NULL, 0, NULL)) == NULL)
		return err_sys(err, ENOMEM, "cannot read the manifest");
	/* NOENT: &amp; as itself; others than the five of XML there are none without a DOCTYPE */
	xmlCtxtUseOptions(r.xml, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	rc = each_piece(data, n, feed_xml, &r, err);
	if (rc == RC_OK && r.rc == RC_OK && (xmlParseChunk(r.xml, NULL, 0, 1) != 0 || !r.xml->wellFormed || !r.root) &&
	    r.rc == RC_OK)
		rc = err_set(err, ERR_PROTOCOL, "the manifest is not whole, or no XML");
	if (r.rc != RC_OK)
		rc = r.rc;
	source_offer_free(&r.patient);
	xmlFreeParserCtxt(r.xml);
	if (rc != RC_OK)
		weasis_free(w);
	return rc;
}
