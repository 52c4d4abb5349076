#include "stage/listing_wire.h"

int listing_send(struct chan *chan, const struct buf *text, struct err *err)
{
	int rc = RC_OK;

	for (size_t at = 0; rc == RC_OK && at < text->len;) {
		size_t n = text->len - at < CHAN_MSG_MAX ? text->len - at : CHAN_MSG_MAX;

		rc = chan_send(chan, text->data + at, n, NULL, 0, err);
		at += n;
	}
	return rc;
}

static int receive(struct chan *chan, size_t bytes, struct buf *text, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	int rc = RC_OK;

	while (rc == RC_OK && text->len < bytes) {
		rc = chan_recv(chan, &msg, NULL, 0, NULL, err);
		if (rc == RC_OK && (!msg.len || msg.len > bytes - text->len))
			rc = err_set(err, ERR_INTERNAL, "a worker's answer is out of bounds");
		if (rc == RC_OK)
			rc = buf_add(text, msg.data, msg.len, err);
	}
	buf_free(&msg);
	return rc;
}

int listing_receive(struct chan *chan, size_t bytes, struct listing *l, struct err *err)
{
	struct buf text = BUF_INIT(LISTING_BYTES_MAX);
	int rc = receive(chan, bytes, &text, err);

	listing_init(l, LISTING_DICOMDIR);
	if (rc == RC_OK)
		rc = listing_parse(l, text.data, text.len, err);
	else if (err->kind == ERR_NOINPUT)	/* the next one to wait for it buries it */
		rc = listing_broken(l, err, "the parser died");
	buf_wipe(&text);
	return rc;
}
