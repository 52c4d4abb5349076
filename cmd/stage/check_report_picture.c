/*
 * The jailed process that looks at one object of each series. It answers with
 * a line of JSON (what the series says of itself) and the bytes of a PNG; the
 * parent takes both as what they are, bytes of a stranger.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "dicom/codec.h"
#include "dicom/thumbnail.h"
#include "stage/check_report.h"
#include "sys/worker.h"

#define TEXT_RAW_MAX	1024	/* bytes of a description */
#define PNG_MAX		((size_t)100 << 10)	/* 160 * 160 * 3 and what PNG adds, in one message */

struct report_pictures { struct worker *worker; };

/* ---- the child ---- */

static void prepare(void *arg)
{
	struct err err = { 0 };

	(void)arg;
	charset_load(&err);	/* what cannot be loaded is not converted or decoded, and that is said */
	codec_load(&err);
}

static void series_text(const struct object *o, uint32_t tag, char *to, size_t cap)
{
	char charset[TEXT_RAW_MAX], raw[TEXT_RAW_MAX];
	struct err ignored = { 0 };
	size_t n = 0;

	*to = '\0';
	if (walk_text(o, tag, raw, sizeof(raw), NULL, &ignored) != RC_OK)
		return;
	if (charset_ascii(raw, strlen(raw)))
		text_copy(to, cap, raw);
	else if (walk_text(o, TAG(0x0008, 0x0005), charset, sizeof(charset), NULL, &ignored) != RC_OK ||
	    charset_to_utf8(charset, raw, strlen(raw), to, cap, &n, &ignored) != RC_OK)
		*to = '\0';
}

static long long number_of(const struct object *o, uint32_t tag, long long none)
{
	struct err ignored = { 0 };
	long long n = none;
	bool found = false;

	return walk_number(o, tag, &n, &found, &ignored) == RC_OK && found ? n : none;
}

static void draw(const struct object *o, struct report_picture *p, struct err *err)
{
	struct thumbnail t = { 0 };
	int rc = thumbnail_make(&t, o, err);

	if (!rc && !(rc = thumbnail_png(&t, &p->png, err))) {
		p->width = t.width;
		p->height = t.height;
	}
	if (rc)
		buf_clear(&p->png);
	thumbnail_free(&t);
}

static void look(struct stream *s, struct report_picture *p, struct err *err)
{
	struct object *o = NULL;

	if (walk_open(&o, s, err) != RC_OK)
		return;
	series_text(o, TAG(0x0008, 0x103e), p->description, sizeof(p->description));
	series_text(o, TAG(0x0018, 0x0015), p->body_part, sizeof(p->body_part));
	p->number = number_of(o, TAG(0x0020, 0x0011), -1);
	if (p->number < 0 || p->number > INT32_MAX)
		p->number = -1;
	p->columns = number_of(o, TAG(0x0028, 0x0011), 0);
	p->rows = number_of(o, TAG(0x0028, 0x0010), 0);
	draw(o, p, err);
	walk_close(o);
}

static int answer(struct chan *chan, int fd, const struct age_key *key)
{
	struct report_picture p = { .number = -1, .png = BUF_INIT(CHAN_MSG_MAX) };
	struct buf out = BUF_INIT(CHAN_MSG_MAX);
	struct stream *s = NULL;
	struct err why = { 0 }, err = { 0 };
	json_t *j = NULL;
	int rc = spool_stream_fd(&s, fd, key, &why);

	if (!rc)
		look(s, &p, &why);
	j = json_make(&err, "{s:s, s:s, s:I, s:I, s:I, s:i, s:i, s:s}", "description", p.description, "body_part",
	    p.body_part, "number", (json_int_t)p.number, "columns", (json_int_t)p.columns, "rows", (json_int_t)p.rows,
	    "width", (int)p.width, "height", (int)p.height, "why", p.width ? "" : why.text);
	rc = j ? json_write(j, &out, &err) : err_rc(err.kind);
	if (!rc && !(rc = buf_add(&out, "\n", 1, &err)) && !(rc = buf_add(&out, p.png.data, p.png.len, &err)))
		rc = chan_send(chan, out.data, out.len, NULL, 0, &err);
	json_decref(j);
	stream_close(s);
	buf_free(&out);
	buf_free(&p.png);
	return rc;
}

static int run(struct chan *chan, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	struct age_key key;
	size_t nfds = 0;
	int fd = -1;

	(void)arg;
	while (chan_recv(chan, &msg, &fd, 1, &nfds, &err) == RC_OK) {
		if (msg.len != sizeof(key) || nfds != 1)
			return 1;
		memcpy(&key, msg.data, sizeof(key));
		if (answer(chan, fd, &key) != RC_OK)
			return 1;
	}
	buf_wipe(&msg);
	return 0;
}

/* ---- the parent ---- */

static int start(struct report_pictures **out, enum jail_mode mode, struct err *err)
{
	struct jail jail = { .mode = mode };

	if (!*out && !(*out = calloc(1, sizeof(**out))))
		return err_set(err, ERR_TEMP, "no memory");
	return (*out)->worker ? RC_OK : worker_start(&(*out)->worker, &jail, prepare, run, NULL, err);
}

void report_pictures_free(struct report_pictures *p)
{
	if (!p)
		return;
	worker_stop(p->worker, NULL, NULL);
	free(p);
}

static int small(const json_t *j, const char *key, long long low, long long high, long long *out, struct err *err)
{
	int rc = json_get_int(j, "the picture", key, low, out, err);

	if (!rc && (*out < low || *out > high))
		rc = err_set(err, ERR_DATA, "the picture: %s is out of range", key);
	return rc;
}

/* What a jailed process says is not believed: sizes within limits, a PNG where it says PNG. */
static int take(const struct buf *msg, struct report_picture *p, struct err *err)
{
	static const char signature[] = "\x89PNG\r\n\x1a\n";
	const char *nl = memchr(msg->data, '\n', msg->len);
	long long width = 0, height = 0;
	size_t png = nl ? msg->len - (size_t)(nl + 1 - msg->data) : 0;
	json_t *j = NULL;
	int rc = RC_OK;

	if (!nl || png > PNG_MAX)
		return err_set(err, ERR_DATA, "the picture's answer makes no sense");
	if ((rc = json_parse(msg->data, (size_t)(nl - msg->data), &j, err)) ||
	    (rc = small(j, "number", -1, INT32_MAX, &p->number, err)) ||
	    (rc = small(j, "columns", 0, UINT16_MAX, &p->columns, err)) ||
	    (rc = small(j, "rows", 0, UINT16_MAX, &p->rows, err)) ||
	    (rc = small(j, "width", 0, THUMBNAIL_SIDE, &width, err)) ||
	    (rc = small(j, "height", 0, THUMBNAIL_SIDE, &height, err)))
		goto out;
	text_copy(p->description, sizeof(p->description), json_text(j, "description"));
	text_copy(p->body_part, sizeof(p->body_part), json_text(j, "body_part"));
	text_copy(p->why, sizeof(p->why), json_text(j, "why"));
	if (width == 0)
		goto out;
	if (png < sizeof(signature) || memcmp(nl + 1, signature, sizeof(signature) - 1) || height == 0)
		rc = err_set(err, ERR_DATA, "the picture is none");
	else
		rc = buf_add(&p->png, nl + 1, png, err);
	if (!rc) {
		p->width = (unsigned)width;
		p->height = (unsigned)height;
	}
out:
	json_decref(j);
	return rc;
}

void report_picture_make(struct report_pictures **pictures, enum jail_mode mode, int fd, const struct age_key *key,
    struct report_picture *p)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	int rc = start(pictures, mode, &err);

	if (!rc && ((rc = chan_send(worker_chan((*pictures)->worker), key, sizeof(*key), &fd, 1, &err)) ||
	    (rc = chan_recv(worker_chan((*pictures)->worker), &msg, NULL, 0, NULL, &err)))) {
		worker_died((*pictures)->worker, &err);
		(*pictures)->worker = NULL;
	} else if (!rc) {
		rc = take(&msg, p, &err);
	}
	if (rc)
		text_copy(p->why, sizeof(p->why), err.text);
	buf_free(&msg);
}
