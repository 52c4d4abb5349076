#include "dimse/worklist.h"

#include <string.h>
#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/walk.h"
#include "dimse/find.h"

#define UTF8		"ISO_IR 192"
#define CHARSET_MAX	256		/* (0008,0005): a few names of 16 characters */

#define TAG_CHARSET		TAG(0x0008, 0x0005)
#define TAG_ACCESSION_ISSUER	TAG(0x0008, 0x0051)
#define TAG_STEP		TAG(0x0040, 0x0100)	/* Scheduled Procedure Step Sequence: one item, PS3.4 K.6.1.2.2 */

/* Where a field stands, in the order of tags, as they are asked for. Of two places the first that says anything
 * counts; the top level is read before the sequences. */
static const struct place {
	uint32_t tag, in;
	enum worklist_field field;
} places[] = {
	{ TAG(0x0008, 0x0050), 0, WORKLIST_ACCESSION },
	{ TAG(0x0040, 0x0031), TAG_ACCESSION_ISSUER, WORKLIST_ACCESSION_ISSUER },
	{ TAG(0x0010, 0x0010), 0, WORKLIST_NAME },
	{ TAG(0x0010, 0x0020), 0, WORKLIST_ID },
	{ TAG(0x0010, 0x0021), 0, WORKLIST_ISSUER },
	{ TAG(0x0010, 0x0030), 0, WORKLIST_BIRTH_DATE },
	{ TAG(0x0010, 0x0040), 0, WORKLIST_SEX },
	{ TAG(0x0032, 0x1060), 0, WORKLIST_DESCRIPTION },
	{ TAG(0x0038, 0x0010), 0, WORKLIST_ADMISSION },
	{ TAG(0x0008, 0x0060), TAG_STEP, WORKLIST_MODALITY },
	{ TAG(0x0040, 0x0002), TAG_STEP, WORKLIST_DATE },
	{ TAG(0x0040, 0x0007), TAG_STEP, WORKLIST_DESCRIPTION },
	{ TAG(0x0040, 0x0009), TAG_STEP, WORKLIST_STEP },
	{ TAG(0x0040, 0x1001), 0, WORKLIST_PROCEDURE },
};
#define PLACES	(sizeof places / sizeof *places)

struct listening {
	worklist_fn *cb;
	void *arg;
	size_t n;
	bool more;
};

struct reading {
	char charset[CHARSET_MAX];
	struct worklist_entry *entry;
};

static int take(struct reading *r, const struct object *o, const struct element *e, enum worklist_field f,
    struct err *err)
{
	char raw[WORKLIST_TEXT_MAX];
	size_t n = 0, len = 0;
	int rc = *r->entry->v[f] ? RC_OK : walk_trimmed(o, e, raw, sizeof raw, &n, err);

	if (rc == RC_OK && n)
		rc = charset_read(r->charset, dict_by_tag(e->tag)->vr, raw, n, r->entry->v[f], WORKLIST_TEXT_MAX, &len, err);
	if (rc == RC_OK)
		text_trim(r->entry->v[f]);
	return rc;
}

static int in_item(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	if (item)
		return RC_OK;
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].in && places[i].tag == e->tag)
			return take(arg, o, e, places[i].field, err);
	return RC_OK;
}

static int read_entry(struct reading *r, const struct object *o, struct err *err)
{
	const struct element *e;
	int rc = walk_text(o, TAG_CHARSET, r->charset, sizeof r->charset, NULL, err);

	for (size_t i = 0; rc == RC_OK && i < PLACES; i++)
		if (!places[i].in && (e = walk_find(o, places[i].tag)))
			rc = take(r, o, e, places[i].field, err);
	if (rc == RC_OK && (e = walk_find(o, TAG_ACCESSION_ISSUER)))
		rc = walk_items(o, e, in_item, r, err);
	if (rc == RC_OK && (e = walk_find(o, TAG_STEP)))
		rc = walk_items(o, e, in_item, r, err);
	return rc;
}

int worklist_read(const uint8_t *p, size_t n, struct worklist_entry *entry, struct err *err)
{
	struct reading r = { .entry = entry };
	struct stream *s = NULL;
	struct object *o = NULL;
	int rc;

	memset(entry, 0, sizeof *entry);
	rc = stream_mem(&s, p, n, err);
	if (rc == RC_OK)
		rc = walk_open(&o, s, err);
	if (rc == RC_OK && o->form != WALK_IMPLICIT_LE)
		rc = err_set(err, ERR_PROTOCOL, "an answer of the worklist is not in the transfer syntax that was agreed");
	if (rc == RC_OK)
		rc = read_entry(&r, o, err);
	walk_close(o);
	stream_close(s);
	if (rc != RC_OK && err->kind == ERR_DATA) {
		struct err why = *err;
		return err_set(err, ERR_PROTOCOL, "an answer of the worklist cannot be read: %s", why.text);
	}
	return rc;
}

static int heard(const uint8_t *p, size_t n, void *arg, struct err *err)
{
	struct listening *l = arg;
	struct worklist_entry entry;
	int rc;

	if (l->n++ == WORKLIST_ENTRIES_MAX) {
		l->more = true;
		return err_set(err, ERR_PROTOCOL, "the worklist has more than %d entries for this", WORKLIST_ENTRIES_MAX);
	}
	rc = worklist_read(p, n, &entry, err);
	return rc == RC_OK ? l->cb(&entry, l->arg, err) : rc;
}

static const char *asked(const struct worklist_question *q, enum worklist_field f)
{
	const char *v = f == WORKLIST_ACCESSION ? q->accession : f == WORKLIST_ID ? q->id : f == WORKLIST_NAME ? q->name
	    : f == WORKLIST_BIRTH_DATE ? q->birth_date : NULL;

	return text_given(v) ? v : "";
}

int worklist_ask(const struct assoc_peer *peer, const struct worklist_question *q, worklist_fn *cb, void *arg,
    bool *more, struct err *err)
{
	struct find_key keys[PLACES + 1];
	struct listening l = { .cb = cb, .arg = arg };
	struct assoc_pair pair;
	struct assoc *as = NULL;
	bool ascii = true;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < PLACES; i++) {
		const char *v = asked(q, places[i].field);
		ascii = ascii && charset_ascii(v, strlen(v));
	}
	if (!ascii)
		keys[n++] = (struct find_key){ TAG_CHARSET, UTF8, 0 };
	for (size_t i = 0; i < PLACES; i++)
		keys[n++] = (struct find_key){ places[i].tag, asked(q, places[i].field), places[i].in };
	find_pair(&pair, FIND_WORKLIST);
	rc = assoc_open(&as, peer, &pair, 1, err);
	if (rc == RC_OK && !pair.accepted)
		rc = err_set(err, ERR_REFUSED, "it offers no worklist (Modality Worklist C-FIND): %s", assoc_reason(&pair));
	if (rc == RC_OK)
		rc = find_query(as, &pair, keys, n, heard, &l, err);
	*more = l.more;
	if (l.more) {
		err_clear(err);
		assoc_abort(as);
		return RC_OK;
	}
	if (rc == RC_OK)
		assoc_close(as);
	else
		assoc_abort(as);
	return rc;
}
