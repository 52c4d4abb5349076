#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/receive.h"

#define DECIDE_BYTES	132	/* the DICOM prefix ends there (PS3.10 7.1); ZIP and PDF tell earlier */
#define PAGE_MAX	((size_t)8 << 20)	/* a JSON answer */

int
tail_init(struct tail *t, struct err *err)
{
	t->total = 0;
	if (t->ring == NULL && (t->ring = malloc(TAIL_BYTES)) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the end of a file");
	return RC_OK;
}

void
tail_free(struct tail *t)
{
	free(t->ring);
	t->ring = NULL;
}

void
tail_add(struct tail *t, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t at = 0, part = 0;

	if (n > TAIL_BYTES) {
		t->total += n - TAIL_BYTES;
		p += n - TAIL_BYTES;
		n = TAIL_BYTES;
	}
	while (n > 0) {
		at = (size_t)(t->total % TAIL_BYTES);
		part = n < TAIL_BYTES - at ? n : TAIL_BYTES - at;
		memcpy(t->ring + at, p, part);
		t->total += part;
		p += part;
		n -= part;
	}
}

static unsigned char *
tail_flat(const struct tail *t, size_t *n)
{
	unsigned char *flat = NULL;
	size_t at = (size_t)(t->total % TAIL_BYTES);

	*n = t->total < TAIL_BYTES ? (size_t)t->total : TAIL_BYTES;
	if ((flat = malloc(*n + 1)) == NULL)
		return NULL;
	if (t->total <= TAIL_BYTES) {
		memcpy(flat, t->ring, *n);
	} else {
		memcpy(flat, t->ring + at, TAIL_BYTES - at);
		memcpy(flat + TAIL_BYTES - at, t->ring, at);
	}
	return flat;
}

static uint64_t
le(const unsigned char *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* APPNOTE 4.3.16: the comment reaches the end, the directory ends where the record begins (4.3.14: the zip64 one). */
static bool
directory_fits(const unsigned char *b, size_t i, uint64_t base)
{
	uint64_t size = le(b + i + 12, 4), off = le(b + i + 16, 4), pos = base + i, at = 0;

	if (size != 0xffffffff && off != 0xffffffff && le(b + i + 10, 2) != 0xffff)
		return size <= pos && off <= pos - size;
	if (i < 20 || le(b + i - 20, 4) != 0x07064b50)
		return off + size == pos;
	at = le(b + i - 12, 8);
	if (at < base || at - base > i || i - (size_t)(at - base) < 76 || le(b + (at - base), 4) != 0x06064b50)
		return false;
	size = le(b + (at - base) + 40, 8);
	off = le(b + (at - base) + 48, 8);
	return size <= at && off == at - size;
}

bool
tail_zip_whole(const struct tail *t, struct err *err)
{
	unsigned char *b = NULL;
	uint64_t base = 0;
	size_t n = 0, i = 0;
	bool whole = false;

	b = tail_flat(t, &n);
	if (b == NULL) {
		err_sys(err, ENOMEM, "cannot hold the end of a file");
		return false;
	}
	base = t->total - n;
	for (i = n >= 22 ? n - 22 + 1 : 0; i-- > 0 && !whole;)
		whole = le(b + i, 4) == 0x06054b50 && i + 22 + le(b + i + 20, 2) == n && directory_fits(b, i, base);
	free(b);
	return whole;
}

bool
tail_pdf_whole(const struct tail *t)
{
	unsigned char *b = NULL;
	size_t n = 0, from = 0;
	bool whole = false;

	b = tail_flat(t, &n);
	if (b == NULL)
		return false;
	from = n > 2048 ? n - 2048 : 0;	/* readers look in the last 1024 bytes; some writers pad */
	whole = memmem(b + from, n - from, "%%EOF", 5) != NULL;
	free(b);
	return whole;
}

bool
receiver_is_package(enum media m)
{
	return m == MEDIA_ZIP || m == MEDIA_DICOM || m == MEDIA_PDF || m == MEDIA_JPEG || m == MEDIA_PNG;
}

int
receiver_init(struct receiver *r, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->page.max = PAGE_MAX;
	return tail_init(&r->tail, err);
}

static void
reset(struct receiver *r)
{
	stream_close(r->stream);
	r->stream = NULL;
	hash_free(r->hash);
	r->hash = NULL;
	buf_wipe(&r->page);
	r->page.max = PAGE_MAX;
	r->nhead = 0;
	r->decided = r->stopped = r->packaged = false;
	memset(&r->p, 0, sizeof(r->p));
	r->tail.total = 0;
}

void
receiver_free(struct receiver *r)
{
	reset(r);
	tail_free(&r->tail);
}

static int
on_begin(void *arg, const struct http_response *resp, struct err *err)
{
	struct receiver *r = arg;

	reset(r);
	text_copy(r->p.type, sizeof(r->p.type), resp->type);
	(void)disposition_label(resp->disposition, r->label);
	return hash_new(&r->hash, err);
}

static int
pass(struct receiver *r, const void *data, size_t n, struct err *err)
{
	int rc = RC_OK;

	r->p.bytes += n;
	if (!r->packaged) {
		if (r->page.len + n > PAGE_MAX)
			return err_set(err, ERR_PROTOCOL, "the portal's answer has more than %zu bytes", PAGE_MAX);
		return buf_add(&r->page, data, n, err);
	}
	tail_add(&r->tail, data, n);
	if ((rc = hash_add(r->hash, data, n, err)) != RC_OK)
		return rc;
	return stream_write(r->stream, data, n, err);
}

/* What the answer is; then the head that was held back goes where it belongs. */
static int
decide(struct receiver *r, bool last, struct err *err)
{
	enum media m = sniff(r->head, r->nhead);
	int rc = RC_OK;

	if (m == MEDIA_UNKNOWN && !last && r->nhead < SNIFF_BYTES)
		return RC_OK;
	r->decided = true;
	r->p.media = m;
	if (receiver_is_package(m)) {
		if (r->look) {
			r->stopped = true;
			return err_set(err, ERR_TEMP, "looked at only");
		}
		rc = r->out->begin(r->out->arg, r->offer, m, &r->stream, err);
		r->packaged = rc == RC_OK;
	} else if (!r->pages) {
		err_set(err, ERR_PROTOCOL, "the portal sent %s in place of a study or document",
		    m == MEDIA_HTML ? "a web page" : m == MEDIA_UNKNOWN ? "something unknown" : media_name(m));
		rc = err_rc(ERR_PROTOCOL);
	}
	return rc != RC_OK ? rc : pass(r, r->head, r->nhead, err);
}

static int
on_write(void *arg, const void *data, size_t n, struct err *err)
{
	struct receiver *r = arg;
	size_t part = 0;
	int rc = RC_OK;

	if (!r->decided) {
		part = n < SNIFF_BYTES - r->nhead ? n : SNIFF_BYTES - r->nhead;
		memcpy(r->head + r->nhead, data, part);
		r->nhead += part;
		if (r->nhead < DECIDE_BYTES)
			return RC_OK;
		if ((rc = decide(r, false, err)) != RC_OK || !r->decided)
			return rc;
		data = (const char *)data + part;
		n -= part;
	}
	return n > 0 ? pass(r, data, n, err) : RC_OK;
}

/* The same bytes again: that is what the portal has, and no further attempt will bring more. */
static bool
same_again(struct receiver *r)
{
	bool same = strcmp(r->before, r->p.sha256) == 0;

	text_copy(r->before, sizeof(r->before), r->p.sha256);
	return same;
}

static int
judge_end(struct receiver *r, const struct http_response *resp, struct err *err)
{
	bool proved = resp->end == HTTP_END_PROVED, whole = proved;

	err_clear(err);
	if (r->p.media == MEDIA_ZIP)
		whole = tail_zip_whole(&r->tail, err);
	else if (r->p.media == MEDIA_PDF)
		whole = tail_pdf_whole(&r->tail);
	else if (!proved)
		whole = resp->end == HTTP_END_CLEAN;
	if (err->kind != ERR_NONE)
		return err_rc(err->kind);
	r->p.plausible = whole;
	if (whole)
		return RC_OK;
	if (same_again(r) && (proved || (r->p.media != MEDIA_ZIP && r->p.media != MEDIA_PDF))) {
		/* A DICOM file has no mark at its end: mri-unpack walks it. */
		text_copy(r->p.reason, sizeof(r->p.reason), r->p.media == MEDIA_ZIP || r->p.media == MEDIA_PDF ?
		    "the portal's own copy ends early" : "its end cannot be proved");
		return RC_OK;
	}
	return err_set(err, ERR_TEMP, "the %s ends early, after %llu bytes", media_name(r->p.media),
	    (unsigned long long)r->p.bytes);
}

static int
on_complete(void *arg, const struct http_response *resp, struct err *err)
{
	struct receiver *r = arg;
	uint8_t sum[HASH_LEN];
	int rc = RC_OK;

	if (r->nhead == 0)
		return err_set(err, ERR_TEMP, "the portal sent an empty answer");
	if (!r->decided && (rc = decide(r, true, err)) != RC_OK)
		return rc;
	if (!r->packaged)
		return RC_OK;
	if ((rc = hash_end(r->hash, sum, err)) != RC_OK)
		return rc;
	text_hex(sum, sizeof(sum), r->p.sha256);
	if ((rc = judge_end(r, resp, err)) != RC_OK)
		return rc;
	rc = stream_commit(r->stream, err);
	stream_close(r->stream);
	r->stream = NULL;
	return rc == RC_OK ? RC_OK : RC_FAILED;	/* a full disk: another download does not help */
}

void
receiver_sink(struct receiver *r, struct http_sink *sink)
{
	sink->begin = on_begin;
	sink->write = on_write;
	sink->complete = on_complete;
	sink->resumable = true;
	sink->arg = r;
}
