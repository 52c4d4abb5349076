#include "dimse/store.h"

#include <stdlib.h>
#include <string.h>
#include "dimse/command.h"

/* Bytes read at once from the store, and ahead: a CT slice fits whole, an age chunk is 64 KB. */
#define STORE_BLOCK	((size_t)1 << 20)

void store_ahead_free(struct store_ahead *a)
{
	free(a->data);
	memset(a, 0, sizeof *a);
}

static int room(struct store_ahead *a, struct err *err)
{
	if (!a->data) {
		a->data = malloc(STORE_BLOCK);
		if (!a->data)
			return err_set(err, ERR_TEMP, "cannot read an object: no memory");
		a->cap = STORE_BLOCK;
	}
	return RC_OK;
}

static int fill(struct store_ahead *a, struct stream *s, uint64_t off, struct err *err)
{
	uint64_t left = s->size > off ? s->size - off : 0;
	size_t n = left < a->cap ? (size_t)left : a->cap;
	int rc = n ? stream_read_full(s, off, a->data, n, err) : RC_OK;

	a->of = s;
	a->off = off;
	a->len = rc == RC_OK ? n : 0;
	return rc;
}

int store_read_ahead(struct store_ahead *a, const struct store_object *o, struct err *err)
{
	int rc = room(a, err);

	if (rc == RC_OK)
		rc = fill(a, o->file, o->dataset, err);
	if (rc != RC_OK)
		a->of = NULL;
	return rc;
}

int store_send(struct assoc *as, const struct store_object *o, struct store_ahead *a, uint16_t *message,
    struct err *err)
{
	struct buf command = BUF_INIT(DIMSE_COMMAND_MAX);
	struct dimse_request rq = { .field = DIMSE_C_STORE, .data = true };
	uint64_t off = o->dataset, end = o->file->size;
	bool odd = end > off && (end - off) & 1;
	size_t most = assoc_fragment(as) & ~(size_t)1;	/* fragments are of even length, PS3.8 E.2 */
	int rc;

	if (end <= off)
		return err_set(err, ERR_DATA, "an object has no data set");
	rq.sop_class = o->sop_class;
	rq.sop_uid = o->sop_uid;
	rq.message = *message = assoc_message(as);
	rc = room(a, err);
	if (rc == RC_OK && (a->of != o->file || a->off != off || !a->len))
		rc = fill(a, o->file, off, err);
	if (rc == RC_OK)
		rc = dimse_write_request(&command, &rq, err);
	if (rc == RC_OK)
		rc = assoc_write(as, o->context, true, command.data, command.len, true, err);
	while (rc == RC_OK && off < end) {
		size_t at = 0;

		while (rc == RC_OK && at < a->len) {
			size_t n = a->len - at < most ? a->len - at : most;
			bool last = off + at + n == end;
			/* the pad goes into the last fragment: a->cap is even, so an odd end is never at it,
			 * unless the fragment is full, and then n is even and the object goes on */
			if (last && odd)
				a->data[at + n++] = 0x00;
			rc = assoc_write(as, o->context, false, a->data + at, n, last, err);
			at += n;
		}
		off += a->len;
		if (rc == RC_OK && off < end)
			rc = fill(a, o->file, off, err);
	}
	a->of = NULL;
	a->len = 0;
	if (rc == RC_OK)
		rc = assoc_flush(as, err);
	buf_free(&command);
	return rc;
}

int store_answer(struct assoc *as, uint16_t message, uint16_t *status, struct err *err)
{
	struct buf b = BUF_INIT(DIMSE_COMMAND_MAX);
	struct dimse_response rsp = { 0 };
	int rc = assoc_receive(as, true, &b, err);

	if (rc == RC_OK)
		rc = dimse_parse_response(b.data, b.len, &rsp, err);
	if (rc == RC_OK && (rsp.field != (DIMSE_C_STORE | DIMSE_RESPONSE) || rsp.message != message || rsp.data))
		rc = err_set(err, ERR_PROTOCOL, "the peer answered something other than this C-STORE");
	*status = rsp.status;
	buf_free(&b);
	return rc;
}

enum store_verdict store_judge(uint16_t status)
{
	if (status == 0x0000)
		return STORE_STORED;
	if ((status & 0xf000) == 0xb000)
		return STORE_WARNING;
	if ((status & 0xff00) == 0xa700)
		return STORE_LATER;
	return STORE_REFUSED;
}

const char *store_meaning(uint16_t status)
{
	switch (status) {
	case 0x0000: return "stored";
	case 0x0110: return "processing failure";
	case 0x0111: return "duplicate instance";
	case 0x0117: return "invalid instance";
	case 0x0122: return "SOP class not supported";
	case 0x0124: return "not authorised";
	case 0x0211: return "unrecognised operation";
	case 0xb000: return "stored, with values coerced";
	case 0xb006: return "stored, with elements discarded";
	case 0xb007: return "stored, though the data set does not match its SOP class";
	default: break;
	}
	switch (status & 0xff00) {
	case 0xa700: return "out of resources";
	case 0xa800: return "SOP class not supported";
	case 0xa900: return "the data set does not match its SOP class";
	default: break;
	}
	switch (status & 0xf000) {
	case 0xb000: return "stored, with a warning";
	case 0xc000: return "cannot understand";
	default: return "refused";
	}
}
