#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/kind.h"
#include "media/dicomdir.h"
#include "media/noise.h"
#include "media/xdm.h"
#include "media/zip.h"
#include "dicom/walk.h"
#include "stage/unpack_judge.h"

#define CHARSET_TEXT	200	/* (0008,0005): a few defined terms */
#define VALUE_MAX	1024

static void aside(struct judgement *j, bool data, const char *reason)
{
	j->fate = FATE_ASIDE;
	j->data = data;
	text_copy(j->reason, sizeof j->reason, reason);
}

/* A value that is printed or compared as it is; "" where it is absent or too long. */
static void plain(const struct object *o, uint32_t tag, char *to, size_t cap)
{
	char raw[VALUE_MAX];
	struct err err = { 0 };

	to[0] = '\0';
	if (walk_text(o, tag, raw, sizeof raw, NULL, &err) != RC_OK || strlen(raw) >= cap)
		return;
	text_escape(to, cap, raw, strlen(raw));
}

static void uid(const struct object *o, uint32_t tag, char to[65])
{
	plain(o, tag, to, 65);
	if (to[strspn(to, "0123456789.")] != '\0')
		to[0] = '\0';
}

/* A value of a person's text, in UTF-8; "" where it contradicts its character set. */
static void text(const struct object *o, const char *charset, uint32_t tag, char *to, size_t cap)
{
	char raw[VALUE_MAX], utf8[2 * VALUE_MAX];
	struct err err = { 0 };

	to[0] = '\0';
	if (walk_text(o, tag, raw, sizeof raw, NULL, &err) != RC_OK)
		return;
	charset_value(charset, dict_by_tag(tag)->vr, raw, strlen(raw), utf8, sizeof utf8);
	text_escape(to, cap, utf8, strlen(utf8));
}

static void date(const struct object *o, uint32_t tag, char to[9])
{
	char raw[32];

	plain(o, tag, raw, sizeof raw);
	if (!time_parse_date(raw, to))
		to[0] = '\0';
}

/* Kept as a claim; what cannot be read of it is a finding of its own and stops nothing. */
static int index_of_medium(struct stream *s, enum listing_kind kind, struct judgement *j, struct err *err)
{
	struct listing l;
	int rc = RC_OK;

	if (kind == LISTING_DICOMDIR)
		j->media = MEDIA_DICOMDIR;
	aside(j, false, kind == LISTING_DICOMDIR ? "a DICOMDIR, which is the medium's index and no object"
	    : "the metadata of an XDM medium");
	listing_init(&l, kind);
	rc = kind == LISTING_DICOMDIR ? dicomdir_read(&l, s, err) : xdm_read(&l, s, err);
	j->listing.max = LISTING_BYTES_MAX;
	if (rc == RC_OK)
		rc = listing_write(&l, &j->listing, err);
	listing_free(&l);
	return rc;
}

/* It names the study of its order itself, and is hashed for the metadata of XDM as every document. What stands in the
 * place of the UID and is none names a study that nobody has. */
static int worklist(struct stream *s, const struct object *o, struct judgement *j, struct err *err)
{
	char raw[VALUE_MAX];
	struct err unread = { 0 };
	bool named = walk_text(o, TAG(0x0020, 0x000d), raw, sizeof raw, NULL, &unread) != RC_OK || raw[0];

	j->fate = FATE_DOCUMENT;
	j->media = MEDIA_WORKLIST;
	text_copy(j->uids, sizeof j->uids, !named ? "" : j->study_uid[0] ? j->study_uid : "?");
	return s->size > ZIP_READ_MAX ? RC_OK : xdm_sha1(s, j->sha1, err);
}

static int dicom(struct stream *s, struct judgement *j, struct err *err)
{
	struct object *o = NULL;
	char charset[CHARSET_TEXT];
	bool found = false;
	int rc = walk_open(&o, s, err);

	if (rc != RC_OK) {
		if (err->kind != ERR_DATA)
			return rc;
		aside(j, true, err->text);
		return RC_OK;
	}
	j->fate = FATE_OBJECT;
	uid(o, TAG(0x0008, 0x0016), j->sop_class);
	uid(o, TAG(0x0008, 0x0018), j->sop_uid);
	uid(o, TAG(0x0020, 0x000d), j->study_uid);
	uid(o, TAG(0x0020, 0x000e), j->series_uid);
	text_copy(j->transfer_syntax, sizeof j->transfer_syntax, o->transfer_syntax);
	if (j->transfer_syntax[strspn(j->transfer_syntax, "0123456789.")] != '\0')
		j->transfer_syntax[0] = '\0';
	plain(o, TAG(0x0008, 0x0060), j->modality, sizeof j->modality);
	date(o, TAG(0x0008, 0x0020), j->study_date);
	date(o, TAG(0x0010, 0x0030), j->birth);
	plain(o, TAG(0x0010, 0x0040), j->sex, sizeof j->sex);
	plain(o, TAG(0x0008, 0x0005), charset, sizeof charset);
	text(o, charset, TAG(0x0008, 0x1030), j->description, sizeof j->description);
	text(o, charset, TAG(0x0010, 0x0010), j->name, sizeof j->name);
	text(o, charset, TAG(0x0010, 0x0020), j->id, sizeof j->id);
	text(o, charset, TAG(0x0010, 0x0021), j->issuer, sizeof j->issuer);
	if (walk_number(o, TAG(0x0020, 0x0013), &j->number, &found, err) != RC_OK || !found)
		j->number = -1;
	if (dicomdir_is(o)) {
		walk_close(o);
		return index_of_medium(s, LISTING_DICOMDIR, j, err);
	}
	if (kind_is_worklist(o)) {
		rc = worklist(s, o, j, err);
		walk_close(o);
		return rc;
	}
	if (!j->sop_class[0] || !j->sop_uid[0]) {
		aside(j, true, "a DICOM file without SOP Class UID or SOP Instance UID");
	} else if (!j->study_uid[0] || !j->series_uid[0]) {
		aside(j, true, "a DICOM object that belongs to no study or series");
	} else if (!j->transfer_syntax[0]) {
		aside(j, true, "a DICOM object without a usable transfer syntax");
	}
	walk_close(o);
	return RC_OK;
}

static int mentions(struct stream *s, struct judgement *j, struct err *err)
{
	size_t n = s->size < MENTION_BYTES ? (size_t)s->size : MENTION_BYTES;
	char *text = malloc(n + 1);
	int rc = text ? stream_read_full(s, 0, text, n, err) : err_set(err, ERR_TEMP, "no memory to read a document");

	if (rc == RC_OK)
		mention_uids(text, n, j->uids);
	free(text);
	return rc;
}

static bool is_written(enum media m)
{
	return m == MEDIA_XML || m == MEDIA_CDA || m == MEDIA_FHIR || m == MEDIA_FHIR_XML || m == MEDIA_HL7 ||
	    m == MEDIA_JSON || m == MEDIA_TEXT;
}

/* Metadata of XDM are told by their content; a document may be listed in such, with its hash. */
static int document(struct stream *s, struct judgement *j, struct err *err)
{
	char head[SNIFF_BYTES];
	size_t n = 0;
	int rc = RC_OK;

	j->fate = FATE_DOCUMENT;
	if (s->size > ZIP_READ_MAX)
		return RC_OK;
	if (j->media == MEDIA_XML) {
		rc = stream_read(s, 0, head, sizeof head, &n, err);
		if (rc == RC_OK && xdm_is(head, n))
			return index_of_medium(s, LISTING_XDM, j, err);
	}
	if (rc == RC_OK && is_written(j->media))
		rc = mentions(s, j, err);
	return rc == RC_OK ? xdm_sha1(s, j->sha1, err) : rc;
}

int judge(struct stream *s, struct judgement *j, struct err *err)
{
	const char *noise = NULL;
	char what[128];
	int rc = sniff_stream(s, &j->media, err);

	if (rc == RC_OK)
		rc = noise_find(s, j->media, &noise, err);
	if (rc != RC_OK)
		return rc;
	j->data = false;
	j->reason[0] = '\0';
	if (noise) {
		aside(j, false, noise);
		return RC_OK;
	}
	switch (j->media) {
	case MEDIA_DICOM:
		return dicom(s, j, err);
	case MEDIA_DICOMDIR:
		return index_of_medium(s, LISTING_DICOMDIR, j, err);
	case MEDIA_PDF: case MEDIA_JPEG: case MEDIA_PNG: case MEDIA_XML: case MEDIA_HTML: case MEDIA_JSON:
	case MEDIA_FHIR: case MEDIA_TEXT: case MEDIA_CDA: case MEDIA_FHIR_XML: case MEDIA_HL7:
		return document(s, j, err);
	case MEDIA_ZIP: case MEDIA_GZIP: case MEDIA_TAR: case MEDIA_7Z: case MEDIA_RAR: case MEDIA_ISO:
		snprintf(what, sizeof what, "an archive inside (%s): it is not opened", media_name(j->media));
		aside(j, true, what);
		break;
	case MEDIA_EXE:
		aside(j, false, "a program");
		break;
	case MEDIA_EMPTY:
		aside(j, true, "an empty file");
		break;
	case MEDIA_WORKLIST:	/* which sniff() cannot tell from DICOM */
	case MEDIA_UNKNOWN:
		aside(j, true, "neither DICOM nor a document that is known");
		break;
	}
	return RC_OK;
}
