#include "media/xdm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/evp.h>
#include "base/text.h"
#include "base/time.h"
#include "base/xml.h"

#define HEAD_LOOK	2048	/* the element stands behind a declaration and a comment at most */
#define VALUE_MAX	1024
#define SHA1_STEP	65536
#define SCHEME_PATIENT	"urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"	/* XDSDocumentEntry.patientId */
#define TYPE_STUDY	"^urn:ihe:iti:xds:2013:studyInstanceUID"	/* a CXi of referenceIdList */

bool xdm_is(const void *head, size_t n)
{
	const char *p = memmem(head, n < HEAD_LOOK ? n : HEAD_LOOK, "SubmitObjectsRequest", 20);

	return p && p > (const char *)head && (p[-1] == '<' || p[-1] == ':');
}

static bool named(const xmlNode *x, const char *name)
{
	return x->type == XML_ELEMENT_NODE && !strcmp((const char *)x->name, name);
}

static void attr(xmlNode *x, const char *name, char *to, size_t cap)
{
	xmlChar *v = xmlGetNoNsProp(x, (const xmlChar *)name);

	text_copy(to, cap, v ? (const char *)v : "");
	xmlFree(v);
}

/* --- one document entry ----------------------------------------------------------------- */

struct entry {
	char uri[VALUE_MAX], size[32], hash[VALUE_MAX], media[128];
	char patient[VALUE_MAX], source[VALUE_MAX], name[VALUE_MAX], birth[64], study[65];
	bool long_uri;
};

/* ITI TF-3 4.2.3.2.26: a URI that is too long for a value comes in parts, "1|…", "2|…". */
static void uri_part(struct entry *e, const char *v)
{
	size_t n = strlen(e->uri);

	if (v[0] >= '1' && v[0] <= '9' && v[1] == '|') {
		v += 2;
	} else if (n) {
		e->long_uri = true;
		return;
	}
	if (!text_copy(e->uri + n, sizeof e->uri - n, v))
		e->long_uri = true;
}

static void patient_info(struct entry *e, const char *v)
{
	if (text_starts(v, "PID-3|") && !e->source[0])
		text_copy(e->source, sizeof e->source, v + 6);
	else if (text_starts(v, "PID-5|") && !e->name[0])
		text_copy(e->name, sizeof e->name, v + 6);
	else if (text_starts(v, "PID-7|") && !e->birth[0])
		text_copy(e->birth, sizeof e->birth, v + 6);
}

static void value(struct entry *e, const char *slot, const char *v)
{
	const char *type = NULL;

	if (!strcmp(slot, "URI"))
		uri_part(e, v);
	else if (!strcmp(slot, "size"))
		text_copy(e->size, sizeof e->size, v);
	else if (!strcmp(slot, "hash"))
		text_copy(e->hash, sizeof e->hash, v);
	else if (!strcmp(slot, "sourcePatientId"))
		text_copy(e->source, sizeof e->source, v);
	else if (!strcmp(slot, "sourcePatientInfo"))
		patient_info(e, v);
	else if (!strcmp(slot, "referenceIdList") && (type = strstr(v, TYPE_STUDY)) && strcspn(v, "^") < sizeof e->study)
		text_copyn(e->study, sizeof e->study, v, strcspn(v, "^"));
}

static void slot(struct entry *e, xmlNode *x)
{
	char name[64];

	attr(x, "name", name, sizeof name);
	for (xmlNode *list = x->children; list; list = list->next) {
		if (!named(list, "ValueList"))
			continue;
		for (xmlNode *v = list->children; v; v = v->next) {
			xmlChar *text = named(v, "Value") ? xmlNodeGetContent(v) : NULL;
			char plain[VALUE_MAX];

			if (!text)
				continue;
			text_copy(plain, sizeof plain, (const char *)text);
			text_trim(plain);
			value(e, name, plain);
			xmlFree(text);
		}
	}
}

/* "%41" → "A"; a percent sign that is none stays. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		char hex[3] = { s[0] == '%' ? s[1] : '\0', s[0] == '%' && s[1] ? s[2] : '\0', '\0' };
		uint8_t c = 0;

		if (hex[1] && text_unhex(hex, &c, 1) && c) {
			*to++ = (char)c;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The same id is the same patient, unless two names stand beside it. */
static int patient_of(struct listing *l, struct entry *e, int *index, struct err *err)
{
	char id[LISTING_TEXT], name[LISTING_TEXT], birth[9] = "";
	const char *cx = e->patient[0] ? e->patient : e->source;

	text_escape(id, sizeof id, cx, strcspn(cx, "^"));
	text_escape(name, sizeof name, e->name, strlen(e->name));
	if (!time_parse_date(e->birth, birth))
		birth[0] = '\0';
	*index = -1;
	if (!id[0] && !name[0])
		return RC_OK;
	for (size_t i = 0; i < l->npatients; i++)
		if (id[0] && !strcmp(l->patients[i].id, id) &&
		    (!name[0] || !l->patients[i].name[0] || !strcmp(l->patients[i].name, name))) {
			*index = (int)i;
			return RC_OK;
		}
	return listing_patient(l, name, id, birth, index, err);
}

/* Counts in *unnamed those that say no place on the medium. */
static int document(struct listing *l, xmlNode *x, size_t *unnamed, struct err *err)
{
	struct entry e = { .uri = "" };
	struct listing_file *f = NULL;
	char path[LISTING_TEXT], hash[SHA1_HEX];
	uint64_t size = 0;
	uint8_t digest[20];
	int patient = -1, rc = RC_OK;

	attr(x, "mimeType", e.media, sizeof e.media);
	for (xmlNode *c = x->children; c; c = c->next) {
		char scheme[64];

		if (named(c, "Slot"))
			slot(&e, c);
		if (!named(c, "ExternalIdentifier"))
			continue;
		attr(c, "identificationScheme", scheme, sizeof scheme);
		if (!strcmp(scheme, SCHEME_PATIENT))
			attr(c, "value", e.patient, sizeof e.patient);
	}
	unescape(e.uri);
	text_escape(path, sizeof path, e.uri, strlen(e.uri));
	rc = patient_of(l, &e, &patient, err);
	if (rc == RC_OK && !e.long_uri && !e.uri[0]) {
		(*unnamed)++;
		return RC_OK;
	}
	if (rc == RC_OK && e.long_uri)
		rc = listing_broken(l, err, "a document with a URI that cannot be read");
	if (rc == RC_OK)
		rc = listing_file(l, e.long_uri ? "" : path, &f, err);
	if (rc != RC_OK)
		return rc;
	f->patient = patient;
	text_escape(path, sizeof path, e.media, strlen(e.media));
	if (path[0] && !(f->media = text_dup(path, err)))
		return err_rc(err->kind);
	if (text_u64(e.size, INT64_MAX, &size))
		f->bytes = (long long)size;
	else if (e.size[0])
		rc = listing_broken(l, err, "a size that is no number");
	if (text_unhex(e.hash, digest, sizeof digest)) {
		text_hex(digest, sizeof digest, hash);
		text_copy(f->sha1, sizeof f->sha1, hash);
	} else if (rc == RC_OK && e.hash[0]) {
		rc = listing_broken(l, err, "a hash that is no SHA-1");
	}
	/* ITI TF-2 3.32.4.1.2: both are there for every document of XDM */
	if (rc == RC_OK && (f->bytes < 0 || !f->sha1[0]))
		rc = listing_broken(l, err, "a document without size or hash");
	if (rc == RC_OK && text_is_uid(e.study))
		rc = listing_study(l, e.study, &f->study, err);
	return rc;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int walk(struct listing *l, xmlNode *root, struct err *err)
{
	xmlNode *x = root;
	unsigned depth = 0;
	size_t unnamed = 0;
	int rc = RC_OK;

	while (x && rc == RC_OK) {
		if (named(x, "ExtrinsicObject"))
			rc = document(l, x, &unnamed, err);
		else if (depth >= XDM_DEPTH_MAX)
			rc = err_set(err, ERR_DATA, "elements that are nested more than %d deep", XDM_DEPTH_MAX);
		if (x->children && x->type == XML_ELEMENT_NODE && !named(x, "ExtrinsicObject")) {
			x = x->children;
			depth++;
			continue;
		}
		while (x && x != root && !x->next) {
			x = x->parent;
			depth--;
		}
		x = !x || x == root ? NULL : x->next;
	}
	/* ITI TF-3 4.2.3.2.26: on media each has a URI. Where none has, the set was made for a repository, not for a
	 * medium: it claims patients, no files. */
	if (rc == RC_OK && unnamed > 0 && l->nfiles > 0)
		rc = listing_broken(l, err, "a document without a URI");
	return rc;
}

static void refuse_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *ctxt = arg;
	bool *doctype = ctxt->_private;

	(void)name; (void)external; (void)system;
	*doctype = true;
	xmlStopParser(ctxt);
}

static int parse(struct listing *l, const struct buf *b, struct err *err)
{
	xmlParserCtxt *ctxt = NULL;
	xmlDoc *doc = NULL;
	xmlNode *root = NULL;
	bool doctype = false;
	int rc = RC_OK;

	xml_quiet();
	if (!(ctxt = xmlNewParserCtxt()))
		return err_set(err, ERR_TEMP, "no memory for a medium's index");
	ctxt->_private = &doctype;
	ctxt->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(ctxt, b->data, (int)b->len, NULL, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (doctype)
		rc = listing_broken(l, err, "a DOCTYPE, which is refused");
	else if (!root || !ctxt->wellFormed)
		rc = listing_broken(l, err, "no well-formed XML: line %d", ctxt->lastError.line);
	else if (!named(root, "SubmitObjectsRequest"))
		rc = listing_broken(l, err, "no submission set");
	else
		rc = walk(l, root, err);
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
	return rc;
}

int xdm_read(struct listing *l, struct stream *s, struct err *err)
{
	struct buf b = BUF_INIT(XDM_BYTES_MAX);
	int rc = RC_OK;

	if (s->size > XDM_BYTES_MAX)
		return listing_broken(l, err, "it is larger than %zu MB", XDM_BYTES_MAX >> 20);
	rc = stream_slurp(s, &b, err);
	if (rc == RC_OK)
		rc = parse(l, &b, err);
	if (rc != RC_OK && err->kind == ERR_DATA)
		rc = listing_broken(l, err, "%s", err->text);
	buf_free(&b);
	return rc;
}

int xdm_sha1(struct stream *s, char out[SHA1_HEX], struct err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t *step = malloc(SHA1_STEP), digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t n = 0;
	int rc = RC_OK;

	if (!md || !step || EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1)
		rc = err_set(err, ERR_TEMP, "no memory for a hash");
	for (uint64_t off = 0; rc == RC_OK && off < s->size; off += n) {
		n = s->size - off < SHA1_STEP ? (size_t)(s->size - off) : SHA1_STEP;
		rc = stream_read_full(s, off, step, n, err);
		if (rc == RC_OK && EVP_DigestUpdate(md, step, n) != 1)
			rc = err_set(err, ERR_INTERNAL, "cannot hash");
	}
	if (rc == RC_OK && EVP_DigestFinal_ex(md, digest, &len) != 1)
		rc = err_set(err, ERR_INTERNAL, "cannot hash");
	if (rc == RC_OK)
		text_hex(digest, len, out);
	EVP_MD_CTX_free(md);
	free(step);
	return rc;
}
