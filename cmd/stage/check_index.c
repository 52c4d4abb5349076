#include "stage/check_index.h"

#include "base/json.h"
#include "dicom/kind.h"
#include "media/dicomdir.h"
#include "media/sniff.h"
#include "stage/listing_wire.h"

/* What begins as DICOM. A directory without a meta header that says so is told by its records. */
static enum other
look(struct stream *s)
{
	struct object *d = NULL;
	struct err err = { 0 };
	enum other what = OTHER_UNREAD;

	if (walk_open(&d, s, &err) != RC_OK)
		return OTHER_UNREAD;
	if (dicomdir_is(d))
		what = OTHER_INDEX;
	else if (kind_is_worklist(d))
		what = OTHER_FOREIGN;
	walk_close(d);
	return what;
}

static enum other
kind_of(struct stream *s)
{
	enum media m = MEDIA_UNKNOWN;
	struct err err = { 0 };

	if (sniff_stream(s, &m, &err) != RC_OK)
		return OTHER_UNREAD; /* a scratch */
	return m == MEDIA_DICOMDIR ? OTHER_INDEX : m == MEDIA_DICOM ? look(s) : OTHER_FOREIGN;
}

int
check_index_answer(struct chan *chan, struct stream *s, struct err *err)
{
	struct buf text = BUF_INIT(LISTING_BYTES_MAX), head = BUF_INIT(CHAN_MSG_MAX);
	enum other what = kind_of(s);
	struct err unread = { 0 };
	json_t *doc = NULL;
	struct listing l;
	int rc = RC_OK;

	if (what == OTHER_INDEX) {
		listing_init(&l, LISTING_DICOMDIR);
		if (dicomdir_read(&l, s, &unread) != RC_OK)
			rc = listing_broken(&l, err, "%s", unread.text);
		if (rc == RC_OK)
			rc = listing_write(&l, &text, err);
		listing_free(&l);
	}
	if (rc == RC_OK) {
		doc = json_make(err, "{s:i, s:I}", "other", (int)what, "listing", (json_int_t)text.len);
		rc = doc != NULL ? json_write(doc, &head, err) : err_rc(err->kind);
	}
	if (rc == RC_OK)
		rc = chan_send(chan, head.data, head.len, NULL, 0, err);
	if (rc == RC_OK)
		rc = listing_send(chan, &text, err);
	json_decref(doc);
	buf_free(&head);
	buf_wipe(&text);
	return rc;
}

int
check_index_take(struct chan *chan, enum other *what, struct listing *l, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	json_t *doc = NULL;
	long long other = 0, bytes = 0;
	int rc = chan_recv(chan, &msg, NULL, 0, NULL, err);

	*what = OTHER_UNREAD;
	if (rc != RC_OK)
		goto out;
	if ((rc = json_parse(msg.data, msg.len, &doc, err)) != RC_OK ||
	    (rc = json_get_int(doc, "answer", "other", -1, &other, err)) != RC_OK ||
	    (rc = json_get_int(doc, "answer", "listing", 0, &bytes, err)) != RC_OK)
		goto out;
	if (other < 0 || other >= OTHER_COUNT || bytes < 0 || (size_t)bytes > LISTING_BYTES_MAX ||
	    (bytes > 0) != (other == OTHER_INDEX)) {
		rc = err_set(err, ERR_INTERNAL, "a worker's answer is out of bounds");
		goto out;
	}
	if (other == OTHER_INDEX)
		rc = listing_receive(chan, (size_t)bytes, l, err);
	*what = (enum other)other;
out:
	json_decref(doc);
	buf_free(&msg);
	return rc;
}
