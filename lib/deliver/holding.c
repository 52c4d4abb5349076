#include "deliver/holding.h"

#include <string.h>
#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/walk.h"
#include "dimse/find.h"

#define UTF8		"ISO_IR 192"
#define CHARSET_MAX	256
#define STUDIES_MAX	1000	/* with one accession number: a peer that answers with everything */

#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_ACCESSION	TAG(0x0008, 0x0050)
#define TAG_LEVEL	TAG(0x0008, 0x0052)
#define TAG_NAME	TAG(0x0010, 0x0010)
#define TAG_ID		TAG(0x0010, 0x0020)
#define TAG_ISSUER	TAG(0x0010, 0x0021)
#define TAG_BIRTH_DATE	TAG(0x0010, 0x0030)
#define TAG_STUDY_UID	TAG(0x0020, 0x000d)
#define TAG_INSTANCES	TAG(0x0020, 0x1208)

struct look {
	const char *study_uid, *accession;
	struct holding *h;
	size_t answers;
};

void holding_add(struct holding *h, const struct holding_patient *p)
{
	for (size_t i = 0; i < h->npatients; i++)
		if (memcmp(&h->patients[i], p, sizeof *p) == 0)
			return;
	if (h->npatients < HOLDING_PATIENTS_MAX)
		h->patients[h->npatients++] = *p;
}

static int text(const struct object *o, uint32_t tag, char *out, size_t cap, struct err *err)
{
	char raw[HOLDING_TEXT_MAX], charset[CHARSET_MAX];
	size_t len = 0;
	int rc = walk_text(o, TAG_CHARSET, charset, sizeof charset, NULL, err);

	out[0] = '\0';
	if (rc == RC_OK)
		rc = walk_text(o, tag, raw, sizeof raw, NULL, err);
	if (rc == RC_OK && raw[0])
		rc = charset_to_utf8(charset, raw, strlen(raw), out, cap, &len, err);
	if (rc == RC_OK)
		text_trim(out);
	return rc;
}

static int take(struct look *l, const struct object *o, struct err *err)
{
	struct holding_patient p;
	char uid[65] = "", accession[HOLDING_TEXT_MAX] = "";
	long long n = -1;
	bool found = false;
	int rc = walk_text(o, TAG_STUDY_UID, uid, sizeof uid, NULL, err);

	memset(&p, 0, sizeof p);	/* compared as a whole */
	if (rc == RC_OK && l->accession) {
		rc = text(o, TAG_ACCESSION, accession, sizeof accession, err);
		/* a peer may pass over what it was asked by */
		if (rc == RC_OK && strcmp(accession, l->accession) == 0 && strcmp(uid, l->study_uid) != 0)
			l->h->elsewhere++;
		return rc;
	}
	if (rc != RC_OK || strcmp(uid, l->study_uid) != 0)
		return rc;
	if ((rc = text(o, TAG_NAME, p.name, sizeof p.name, err)) != RC_OK ||
	    (rc = text(o, TAG_ID, p.id, sizeof p.id, err)) != RC_OK ||
	    (rc = text(o, TAG_ISSUER, p.issuer, sizeof p.issuer, err)) != RC_OK ||
	    (rc = text(o, TAG_BIRTH_DATE, p.birth_date, sizeof p.birth_date, err)) != RC_OK ||
	    (rc = walk_number(o, TAG_INSTANCES, &n, &found, err)) != RC_OK)
		return rc;
	holding_add(l->h, &p);
	if (found && n >= 0)
		l->h->instances = n + (l->h->instances > 0 ? l->h->instances : 0);
	return RC_OK;
}

static int heard(const uint8_t *bytes, size_t n, void *arg, struct err *err)
{
	struct look *l = arg;
	struct stream *s = NULL;
	struct object *o = NULL;
	int rc;

	if (l->answers++ == STUDIES_MAX)
		return err_set(err, ERR_PROTOCOL, "it answers with more than %d studies", STUDIES_MAX);
	rc = stream_mem(&s, bytes, n, err);
	if (rc == RC_OK)
		rc = walk_open(&o, s, err);
	if (rc == RC_OK && o->form != WALK_IMPLICIT_LE)
		rc = err_set(err, ERR_PROTOCOL, "an answer is not in the transfer syntax that was agreed");
	if (rc == RC_OK)
		rc = take(l, o, err);
	walk_close(o);
	stream_close(s);
	if (rc != RC_OK && err->kind == ERR_DATA) {
		struct err why = *err;
		return err_set(err, ERR_PROTOCOL, "an answer cannot be read: %s", why.text);
	}
	return rc;
}

static int ask_study(struct assoc *as, const struct assoc_pair *pair, struct look *l, struct err *err)
{
	const struct find_key keys[] = { { TAG_LEVEL, "STUDY", 0 }, { TAG_NAME, "", 0 }, { TAG_ID, "", 0 },
		{ TAG_ISSUER, "", 0 }, { TAG_BIRTH_DATE, "", 0 }, { TAG_STUDY_UID, l->study_uid, 0 },
		{ TAG_INSTANCES, "", 0 } };

	return find_query(as, pair, keys, sizeof keys / sizeof *keys, heard, l, err);
}

static int ask_accession(struct assoc *as, const struct assoc_pair *pair, struct look *l, struct err *err)
{
	const struct find_key keys[] = { { TAG_CHARSET, UTF8, 0 }, { TAG_ACCESSION, l->accession, 0 },
		{ TAG_LEVEL, "STUDY", 0 }, { TAG_STUDY_UID, "", 0 } };
	size_t first = charset_ascii(l->accession, strlen(l->accession)) ? 1 : 0;

	return find_query(as, pair, keys + first, sizeof keys / sizeof *keys - first, heard, l, err);
}

int holding_ask(const struct assoc_peer *peer, const char *study_uid, const char *accession,
    struct readback_object *objects, size_t n, struct holding *h, struct err *err)
{
	struct look study = { study_uid, NULL, h, 0 }, other = { study_uid, accession, h, 0 };
	struct assoc_pair pair;
	struct assoc *as = NULL;
	size_t missing = n;
	int rc;

	memset(h, 0, sizeof *h);
	h->instances = -1;
	find_pair(&pair, FIND_STUDY_ROOT);
	rc = assoc_open(&as, peer, &pair, 1, err);
	if (rc == RC_OK && !pair.accepted)
		rc = err_set(err, ERR_REFUSED, "it offers no query (Study Root C-FIND): %s", assoc_reason(&pair));
	if (rc == RC_OK)
		rc = ask_study(as, &pair, &study, err);
	if (rc == RC_OK && *accession)
		rc = ask_accession(as, &pair, &other, err);
	if (rc == RC_OK && h->npatients)
		rc = readback_round(as, &pair, objects, n, &missing, err);
	h->held = n - missing;
	if (rc == RC_OK)
		assoc_close(as);
	else
		assoc_abort(as);
	return rc;
}
