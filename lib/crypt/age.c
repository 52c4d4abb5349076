#include "crypt/age.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "crypt/age_header.h"
#include "crypt/bech32.h"
#include "crypt/prim.h"

#define HRP_IDENTITY	"age-secret-key-"
#define HRP_RECIPIENT	"age"

/* Payload: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár) as age writes it: chunks of
 * 64 KiB with a tag each; nonce = 11 bytes of counter, 1 byte that is 1 in the last chunk. */
enum {
	CHUNK = 64 << 10,
	SEALED = CHUNK + PRIM_TAG
};

/* Identities and recipients */

int age_identity_new(struct age_identity *id, struct err *err)
{
	int rc = RC_OK;

	prim_lock(id, sizeof(*id));
	if ((rc = hash_random(id->secret, sizeof(id->secret), err)) ||
	    (rc = prim_public(id->secret, id->to.pub, err)))
		age_identity_wipe(id);
	return rc;
}

int age_identity_parse(const char *text, struct age_identity *id, struct err *err)
{
	int rc = RC_OK;

	prim_lock(id, sizeof(*id));
	/* only upper case: what age-keygen writes, and age reads */
	if (!text_starts(text, "AGE-SECRET-KEY-1") || !bech32_decode(HRP_IDENTITY, text, id->secret))
		rc = err_set(err, ERR_DATA, "not an age identity (AGE-SECRET-KEY-1 and 58 characters)");
	else
		rc = prim_public(id->secret, id->to.pub, err);
	if (rc)
		age_identity_wipe(id);
	return rc;
}

void age_identity_text(const struct age_identity *id, char out[AGE_TEXT_MAX])
{
	bech32_encode(HRP_IDENTITY, id->secret, out);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
}

void age_identity_wipe(struct age_identity *id)
{
	hash_wipe(id, sizeof(*id));
}

int age_recipient_parse(const char *text, struct age_recipient *to, struct err *err)
{
	if (!text_starts(text, "age1") || !bech32_decode(HRP_RECIPIENT, text, to->pub))
		return err_set(err, ERR_DATA, "not an age recipient (age1 and 58 characters)");
	return RC_OK;
}

void age_recipient_text(const struct age_recipient *to, char out[AGE_TEXT_MAX])
{
	bech32_encode(HRP_RECIPIENT, to->pub, out);
}

int age_prepare(struct err *err)
{
	return prim_prepare(err);
}

/* What reader and writer share */

static void nonce_of(uint64_t chunk, int last, uint8_t nonce[PRIM_NONCE])
{
	memset(nonce, 0, PRIM_NONCE);
	for (int i = 0; i < 8; i++)
		nonce[PRIM_NONCE - 2 - i] = (uint8_t)(chunk >> 8 * i);
	nonce[PRIM_NONCE - 1] = last ? 1 : 0;
}

static int payload_aead(const uint8_t file_key[AGE_FILE_KEY], const void *nonce, int seal,
    struct prim_aead **out, struct err *err)
{
	uint8_t key[PRIM_KEY];
	int rc = RC_OK;

	prim_lock(key, sizeof(key));
	rc = prim_hkdf(file_key, AGE_FILE_KEY, nonce, AGE_NONCE, "payload", key, err);
	if (!rc)
		rc = prim_aead_new(out, key, seal, err);
	hash_wipe(key, sizeof(key));
	return rc;
}

uint64_t age_size(uint64_t plain)
{
	uint64_t chunks = plain ? (plain - 1) / CHUNK + 1 : 1;

	return age_header_size() + AGE_NONCE + plain + chunks * PRIM_TAG;
}

/* The bytes hold the line of the MAC, which ends a header. */
static int whole_header(const char *p, size_t n)
{
	const char *mac = memmem(p, n, "\n--- ", 5);

	return mac && memchr(mac + 1, '\n', n - (size_t)(mac + 1 - p));
}

int age_unwrap(struct stream *raw, const struct age_identity *id, struct age_key *key, struct err *err)
{
	/* nearly every header is ours and short: a longer one is read in a second go */
	char first[1024], *p = first, *more = NULL;
	size_t got = 0;
	int rc = stream_read(raw, 0, first, sizeof(first), &got, err);

	memset(key, 0, sizeof(*key));
	prim_lock(key, sizeof(*key));
	if (!rc && got < raw->size && !whole_header(first, got)) {
		if (!(p = more = malloc(AGE_HEADER_MAX)))
			return err_set(err, ERR_TEMP, "no memory for an age header");
		rc = stream_read(raw, 0, more, AGE_HEADER_MAX, &got, err);
	}
	if (!rc)
		rc = age_header_open(p, got, id, key, err);
	if (!rc && raw->size - key->header < AGE_NONCE) {
		hash_wipe(key, sizeof(*key));
		rc = err_set(err, ERR_DATA, "the age header ends early");
	}
	free(more);
	return rc;
}

/* Reading */

struct reader {
	struct stream *raw;
	struct prim_aead *aead;
	uint64_t begin;		/* of the first chunk in raw */
	uint64_t chunks;
	uint64_t plain;
	uint64_t cached;	/* chunk in buf, decrypted; UINT64_MAX: none */
	uint8_t *buf;		/* one sealed chunk, or the only one */
	size_t cap;
};

static size_t chunk_len(const struct reader *r, uint64_t i)
{
	return i + 1 < r->chunks ? CHUNK : (size_t)(r->plain - i * CHUNK);
}

/* Chunk i into `to` (buf itself, or the caller's CHUNK bytes). */
static int load(struct reader *r, uint64_t i, uint8_t *to, struct err *err)
{
	uint8_t nonce[PRIM_NONCE];
	size_t len = chunk_len(r, i) + PRIM_TAG;
	int bad = 0;

	r->cached = UINT64_MAX;
	int rc = stream_read_full(r->raw, r->begin + i * SEALED, r->buf, len, err);
	if (rc)
		return rc;
	nonce_of(i, i + 1 == r->chunks, nonce);
	if ((rc = prim_open(r->aead, nonce, r->buf, len, to, &bad, err)))
		return rc;
	if (bad)
		return err_set(err, ERR_DATA, "encrypted data are damaged or cut (64 KiB chunk %llu of %llu)",
		    (unsigned long long)i + 1, (unsigned long long)r->chunks);
	if (to == r->buf)
		r->cached = i;
	return RC_OK;
}

static int age_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	struct reader *r = s->ctx;
	int rc = RC_OK;

	while (*got < len) {
		uint64_t i = (off + *got) / CHUNK;
		size_t skip = (size_t)((off + *got) % CHUNK), have = chunk_len(r, i);
		size_t n = have - skip < len - *got ? have - skip : len - *got;

		if (i != r->cached && skip == 0 && n == have) {
			if ((rc = load(r, i, (uint8_t *)to + *got, err)))
				return rc;
		} else {
			if (i != r->cached && (rc = load(r, i, r->buf, err)))
				return rc;
			memcpy((uint8_t *)to + *got, r->buf + skip, n);
		}
		*got += n;
	}
	return RC_OK;
}

static void reader_free(struct reader *r)
{
	stream_close(r->raw);
	prim_aead_free(r->aead);
	if (r->buf)
		hash_wipe(r->buf, r->cap);
	free(r->buf);
	free(r);
}

static void reader_close(struct stream *s)
{
	reader_free(s->ctx);
}

static const struct stream_ops reader_ops = { age_read, NULL, NULL, reader_close };

int age_open(struct stream **out, struct stream *raw, const struct age_key *key, struct err *err)
{
	uint8_t nonce[AGE_NONCE];
	uint64_t sealed = 0;
	struct reader *r = calloc(1, sizeof(*r));
	int rc = RC_OK;

	*out = NULL;
	if (!r) {
		stream_close(raw);
		return err_set(err, ERR_TEMP, "no memory");
	}
	r->raw = raw;
	if (key->header > raw->size || raw->size - key->header < AGE_NONCE + PRIM_TAG) {
		rc = err_set(err, ERR_DATA, "encrypted data end early");
		goto out;
	}
	r->begin = key->header + AGE_NONCE;
	sealed = raw->size - r->begin;
	r->chunks = (sealed - 1) / SEALED + 1;
	/* the last chunk is empty only where it is the only one */
	uint64_t last = sealed - (r->chunks - 1) * SEALED;
	if (last < PRIM_TAG || (last == PRIM_TAG && r->chunks > 1)) {
		rc = err_set(err, ERR_DATA, "encrypted data end early");
		goto out;
	}
	r->plain = sealed - r->chunks * PRIM_TAG;
	r->cap = sealed < SEALED ? (size_t)sealed : SEALED;
	if (!(r->buf = malloc(r->cap))) {
		rc = err_set(err, ERR_TEMP, "no memory");
		goto out;
	}
	if ((rc = stream_read_full(raw, key->header, nonce, sizeof(nonce), err)) ||
	    (rc = payload_aead(key->file_key, nonce, 0, &r->aead, err)) ||
	    (rc = load(r, r->chunks - 1, r->buf, err)))
		goto out;
	rc = stream_new(out, &reader_ops, r, r->plain, err);
out:
	if (rc)
		reader_free(r);
	return rc;
}

int age_open_identity(struct stream **out, struct stream *raw, const struct age_identity *id, struct err *err)
{
	struct age_key key;
	int rc = age_unwrap(raw, id, &key, err);

	*out = NULL;
	if (rc)
		stream_close(raw);
	else
		rc = age_open(out, raw, &key, err);
	hash_wipe(&key, sizeof(key));
	return rc;
}

/* Writing: a chunk is sealed when a byte after it comes, or at commit (then it is the last). */

struct writer {
	struct stream *raw;
	struct prim_aead *aead;
	uint64_t chunk;		/* number of the one in hand */
	size_t fill;		/* plaintext bytes of it in buf + HEAD */
	size_t head;		/* bytes of header and nonce right before buf + HEAD, not yet written */
	int failed;		/* what was written can no longer be completed */
	uint8_t buf[];		/* HEAD, SEALED */
};
#define HEAD	(AGE_HEADER_OURS + AGE_NONCE)

static int flush(struct writer *w, const void *from, size_t len, int last, struct err *err)
{
	uint8_t nonce[PRIM_NONCE];

	nonce_of(w->chunk, last, nonce);
	int rc = prim_seal(w->aead, nonce, from, len, w->buf + HEAD, err);
	if (!rc)
		rc = stream_write(w->raw, w->buf + HEAD - w->head, w->head + len + PRIM_TAG, err);
	w->head = 0;
	w->fill = 0;
	w->chunk++;
	if (rc)
		w->failed = 1;
	return rc;
}

static int age_write(struct stream *s, const void *from, size_t len, struct err *err)
{
	struct writer *w = s->ctx;
	const uint8_t *p = from;
	int rc = RC_OK;

	if (w->failed)
		return err_set(err, ERR_IO, "writing goes on after it failed");
	while (len) {
		if (w->fill == CHUNK && (rc = flush(w, w->buf + HEAD, CHUNK, 0, err)))
			return rc;
		if (w->fill == 0 && len > CHUNK) {
			if ((rc = flush(w, p, CHUNK, 0, err)))
				return rc;
			p += CHUNK;
			len -= CHUNK;
			continue;
		}
		size_t n = CHUNK - w->fill < len ? CHUNK - w->fill : len;
		memcpy(w->buf + HEAD + w->fill, p, n);
		w->fill += n;
		p += n;
		len -= n;
	}
	return RC_OK;
}

static int age_commit(struct stream *s, struct err *err)
{
	struct writer *w = s->ctx;

	if (w->failed)
		return err_set(err, ERR_IO, "writing goes on after it failed");
	int rc = flush(w, w->buf + HEAD, w->fill, 1, err);
	w->failed = 1;	/* nothing comes after the last chunk */
	return rc ? rc : stream_commit(w->raw, err);
}

static void writer_free(struct writer *w)
{
	stream_close(w->raw);
	prim_aead_free(w->aead);
	hash_wipe(w->buf, HEAD + SEALED);
	free(w);
}

static void writer_close(struct stream *s)
{
	writer_free(s->ctx);
}

static const struct stream_ops writer_ops = { NULL, age_write, age_commit, writer_close };

int age_create(struct stream **out, struct stream *raw, const struct age_recipient *to, struct err *err)
{
	struct writer *w = malloc(sizeof(*w) + HEAD + SEALED);
	uint8_t file_key[AGE_FILE_KEY];
	char header[AGE_HEADER_OURS];
	size_t len = 0;
	int rc = RC_OK;

	*out = NULL;
	if (!w) {
		stream_close(raw);
		return err_set(err, ERR_TEMP, "no memory");
	}
	memset(w, 0, sizeof(*w));
	w->raw = raw;
	prim_lock(file_key, sizeof(file_key));
	if ((rc = age_header_make(to, file_key, header, &len, err)))
		goto out;
	/* header and nonce go out with the first chunk: one write for a small file */
	uint8_t *nonce = w->buf + HEAD - AGE_NONCE;
	memcpy(nonce - len, header, len);
	w->head = len + AGE_NONCE;
	if ((rc = hash_random(nonce, AGE_NONCE, err)) ||
	    (rc = payload_aead(file_key, nonce, 1, &w->aead, err)))
		goto out;
	rc = stream_new(out, &writer_ops, w, 0, err);
out:
	hash_wipe(file_key, sizeof(file_key));
	if (rc)
		writer_free(w);
	return rc;
}
