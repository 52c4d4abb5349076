#include "dimse/find.h"

#include <string.h>
#include "base/text.h"
#include "dimse/command.h"

#define STUDY_ROOT_FIND		"1.2.840.10008.5.1.4.1.2.2.1"
#define WORKLIST_FIND		"1.2.840.10008.5.1.4.31"
#define IMPLICIT_LITTLE_ENDIAN	"1.2.840.10008.1.2"

#define TAG_SOP_UID		0x00080018u
#define TAG_LEVEL		0x00080052u
#define TAG_STUDY_UID		0x0020000du
#define TAG_SERIES_UID		0x0020000eu

void find_pair(struct assoc_pair *p, enum find_model model)
{
	memset(p, 0, sizeof *p);
	text_copy(p->sop_class, sizeof p->sop_class, model == FIND_WORKLIST ? WORKLIST_FIND : STUDY_ROOT_FIND);
	text_copy(p->transfer_syntax, sizeof p->transfer_syntax, IMPLICIT_LITTLE_ENDIAN);
}

/* UIDs are padded with NUL, everything else that is asked by with a blank (PS3.5 6.2). */
static int add(struct buf *b, const struct find_key *k, struct err *err)
{
	bool uid = k->tag == TAG_SOP_UID || k->tag == TAG_STUDY_UID || k->tag == TAG_SERIES_UID;

	return dimse_add_text(b, k->tag, uid ? '\0' : ' ', k->value, err);
}

static int identifier(struct buf *out, const struct find_key *keys, size_t n, struct err *err)
{
	struct buf item = BUF_INIT(DIMSE_IDENTIFIER_MAX);
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		if (!keys[i].in) {
			rc = add(out, &keys[i], err);
			continue;
		}
		rc = add(&item, &keys[i], err);
		if (rc == RC_OK && (i + 1 == n || keys[i + 1].in != keys[i].in)) {
			rc = dimse_add_item(out, keys[i].in, item.data, item.len, err);
			buf_clear(&item);
		}
	}
	buf_free(&item);
	return rc;
}

static int ask(struct assoc *a, const struct assoc_pair *pair, const struct find_key *keys, size_t n, uint16_t message,
    struct err *err)
{
	struct buf b = BUF_INIT(DIMSE_IDENTIFIER_MAX);
	struct dimse_request rq = { .field = DIMSE_C_FIND, .message = message, .sop_class = pair->sop_class,
		.data = true };
	int rc = dimse_write_request(&b, &rq, err);

	if (rc == RC_OK)
		rc = assoc_write(a, pair->context, true, b.data, b.len, true, err);
	buf_clear(&b);
	if (rc == RC_OK)
		rc = identifier(&b, keys, n, err);
	if (rc == RC_OK)
		rc = assoc_write(a, pair->context, false, b.data, b.len, true, err);
	buf_free(&b);
	return rc;
}

int find_query(struct assoc *a, const struct assoc_pair *pair, const struct find_key *keys, size_t n, find_match_fn *cb,
    void *arg, struct err *err)
{
	struct buf command = BUF_INIT(DIMSE_COMMAND_MAX), data = BUF_INIT(DIMSE_IDENTIFIER_MAX);
	uint16_t message = assoc_message(a);
	int rc = ask(a, pair, keys, n, message, err), matches = 0;

	while (rc == RC_OK) {
		struct dimse_response rsp = { 0 };

		rc = assoc_receive(a, true, &command, err);
		if (rc == RC_OK)
			rc = dimse_parse_response(command.data, command.len, &rsp, err);
		if (rc == RC_OK && (rsp.field != (DIMSE_C_FIND | DIMSE_RESPONSE) || rsp.message != message))
			rc = err_set(err, ERR_PROTOCOL, "the peer answered something other than this C-FIND");
		if (rc == RC_OK && rsp.data)
			rc = assoc_receive(a, false, &data, err);
		if (rc != RC_OK || rsp.status == 0x0000)
			break;
		if (rsp.status != 0xff00 && rsp.status != 0xff01) {	/* pending, PS3.4 C.4.1.1.4 */
			rc = err_set(err, (rsp.status & 0xff00) == 0xa700 ? ERR_TEMP : ERR_REFUSED,
			    "the query was answered with status 0x%04x", rsp.status);
			break;
		}
		if (!rsp.data)
			rc = err_set(err, ERR_PROTOCOL, "a match of the query has no data set");
		else if (++matches > FIND_MATCHES_MAX)
			rc = err_set(err, ERR_PROTOCOL, "the query has more than %d matches", FIND_MATCHES_MAX);
		if (rc == RC_OK)
			rc = cb((const uint8_t *)data.data, data.len, arg, err);
	}
	buf_free(&command);
	buf_free(&data);
	return rc;
}

struct images { find_image_fn *cb; void *arg; };

static int image(const uint8_t *p, size_t n, void *arg, struct err *err)
{
	const struct images *im = arg;
	char uid[65];
	int rc = dimse_find_text(p, n, TAG_SOP_UID, uid, sizeof uid, err);

	return rc == RC_OK && uid[0] ? im->cb(uid, im->arg, err) : rc;
}

int find_images(struct assoc *a, const struct assoc_pair *pair, const struct find_series *q,
    find_image_fn *cb, void *arg, struct err *err)
{
	const struct find_key keys[] = { { TAG_SOP_UID, "", 0 }, { TAG_LEVEL, "IMAGE", 0 },
		{ TAG_STUDY_UID, q->study_uid, 0 }, { TAG_SERIES_UID, q->series_uid, 0 } };
	struct images im = { cb, arg };

	return find_query(a, pair, keys, sizeof keys / sizeof *keys, image, &im, err);
}
