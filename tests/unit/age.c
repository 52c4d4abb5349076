/* age streams: sizes around the chunk, random access, cut and changed bytes, headers by the rules, failing media. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "crypt/age.h"
#include "crypt/bech32.h"
#include "crypt/prim.h"
#include "test.h"

enum { CHUNK = 65536 };

static struct age_identity me, other;

/* A writing stream into a buffer that fails after `room` bytes. */
struct sink { struct buf buf; size_t room; int committed; };

static int sink_write(struct stream *s, const void *from, size_t n, struct err *err)
{
	struct sink *k = s->ctx;

	if (n > k->room)
		return err_sys(err, ENOSPC, "cannot write");
	k->room -= n;
	return buf_add(&k->buf, from, n, err);
}
static int sink_commit(struct stream *s, struct err *err)
{
	(void)err;
	((struct sink *)s->ctx)->committed++;
	return RC_OK;
}
static const struct stream_ops sink_ops = { NULL, sink_write, sink_commit, NULL };

static uint8_t *noise(size_t n)
{
	uint8_t *p = malloc(n + 1);
	uint32_t x = 12345;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24);
	}
	return p;
}

/* Seals plain[n] in pieces of `step` bytes. */
static void seal(struct sink *k, const uint8_t *plain, size_t n, size_t step)
{
	struct err err;
	struct stream *raw = NULL, *s = NULL;

	memset(k, 0, sizeof(*k));
	k->room = SIZE_MAX;
	assert_int_equal(stream_new(&raw, &sink_ops, k, 0, &err), RC_OK);
	assert_int_equal(age_create(&s, raw, &me.to, &err), RC_OK);
	for (size_t i = 0; i < n; i += step)
		assert_int_equal(stream_write(s, plain + i, n - i < step ? n - i : step, &err), RC_OK);
	assert_int_equal(s->size, n);
	assert_int_equal(stream_commit(s, &err), RC_OK);
	assert_int_equal(k->committed, 1);
	assert_int_not_equal(stream_write(s, "x", 1, &err), RC_OK);	/* too late */
	assert_int_not_equal(stream_commit(s, &err), RC_OK);
	stream_close(s);
	assert_int_equal(k->buf.len, age_size(n));
}

static int open_bytes(struct stream **s, const void *p, size_t n, const struct age_identity *id, struct err *err)
{
	struct stream *raw = NULL;

	assert_int_equal(stream_mem(&raw, p, n, err), RC_OK);
	return age_open_identity(s, raw, id, err);
}

static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 65537, 131071, 131072, 131073, 200000 };
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static void comes_back_at_every_size(void **state)
{
	static const size_t steps[] = { 1000, 65535, 65536, 65537, 1 << 20 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		size_t n = sizes[i];
		uint8_t *plain = noise(n), *back = noise(n);
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			struct sink k;
			struct stream *s = NULL;
			seal(&k, plain, n, steps[j]);
			assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len, &me, &err), RC_OK);
			assert_int_equal(s->size, n);
			memset(back, 0, n);
			assert_int_equal(stream_read_full(s, 0, back, n, &err), RC_OK);
			assert_memory_equal(back, plain, n);
			stream_close(s);
			buf_free(&k.buf);
		}
		free(plain);
		free(back);
	}
}

static void reads_at_any_offset(void **state)
{
	enum { N = 3 * CHUNK + 1234 };
	struct err err;
	struct sink k;
	struct stream *s = NULL;
	uint8_t *plain = noise(N), *back = malloc(N);
	uint32_t x = 7;

	(void)state;
	assert_non_null(back);
	seal(&k, plain, N, N);
	assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len, &me, &err), RC_OK);
	for (int i = 0; i < 2000; i++) {
		x = x * 1664525 + 1013904223;
		size_t off = (x >> 8) % (N + 10);
		x = x * 1664525 + 1013904223;
		size_t len = i % 3 ? (x >> 8) % 300 : (x >> 8) % N, got = 0;
		size_t want = off >= N ? 0 : len < N - off ? len : N - off;
		if (i % 7 == 0)	/* whole chunks go past the cache */
			off = off / CHUNK * CHUNK, want = off >= N ? 0 : len < N - off ? len : N - off;
		assert_int_equal(stream_read(s, off, back, len, &got, &err), RC_OK);
		assert_int_equal(got, want);
		assert_memory_equal(back, plain + (want ? off : 0), want);
	}
	stream_close(s);
	buf_free(&k.buf);
	free(plain);
	free(back);
}

static void refuses_every_truncation(void **state)
{
	struct err err;
	struct sink k;
	struct stream *s = NULL;
	uint8_t *plain = noise(2 * CHUNK);

	(void)state;
	seal(&k, plain, 2 * CHUNK, 2 * CHUNK);
	for (size_t n = 0; n < k.buf.len; n += n < 400 || k.buf.len - n < 400 ? 1 : 97) {
		assert_int_equal(open_bytes(&s, k.buf.data, n, &me, &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(s);
	}
	/* the last chunk gone altogether: the one before is whole and is not the last */
	assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len - CHUNK - 16, &me, &err), RC_FAILED);
	/* and something after the end */
	assert_int_equal(buf_add(&k.buf, "!", 1, &err), RC_OK);
	assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len, &me, &err), RC_FAILED);
	buf_free(&k.buf);
	free(plain);
}

static void finds_every_changed_byte(void **state)
{
	enum { N = CHUNK + 50 };
	struct err err;
	struct sink k;
	struct stream *s = NULL;
	uint8_t *plain = noise(N), *back = malloc(N);

	(void)state;
	assert_non_null(back);
	seal(&k, plain, N, N);
	size_t header = (size_t)age_size(0) - 32;
	for (size_t i = 0; i < k.buf.len; i += i < 400 || k.buf.len - i < 100 ? 1 : 997) {
		k.buf.data[i] ^= 1;
		int rc = open_bytes(&s, k.buf.data, k.buf.len, &me, &err);
		if (i >= header + 16 && i < k.buf.len - 66) {	/* the first chunk: seen when it is read */
			assert_int_equal(rc, RC_OK);
			memset(back, 0xaa, N);
			rc = stream_read_full(s, 0, back, N, &err);
			/* nothing unauthenticated is handed out */
			for (size_t b = 0; b < CHUNK; b++)
				assert_true(back[b] == 0);
			stream_close(s);
		}
		assert_int_equal(rc, RC_FAILED);
		/* a changed share or wrapped key reads like another recipient's */
		assert_true(err.kind == ERR_DATA || (i < header && err.kind == ERR_DENIED));
		k.buf.data[i] ^= 1;
	}
	assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len, &me, &err), RC_OK);
	stream_close(s);
	buf_free(&k.buf);
	free(plain);
	free(back);
}

/* A payload made by hand under a file key of zeros: chunk lengths, and which of them says that it is the last. */
static int open_made(const size_t *len, const int *last, const uint64_t *number, size_t n, struct err *err)
{
	struct age_key key = { { 0 }, 0 };
	struct prim_aead *aead = NULL;
	struct stream *raw = NULL, *s = NULL;
	struct buf b = BUF_INIT(0);
	uint8_t payload[PRIM_KEY], *chunk = calloc(1, CHUNK + PRIM_TAG);
	static const uint8_t zero[16];

	assert_non_null(chunk);
	assert_int_equal(prim_hkdf(key.file_key, sizeof(key.file_key), zero, 16, "payload", payload, err), RC_OK);
	assert_int_equal(prim_aead_new(&aead, payload, 1, err), RC_OK);
	assert_int_equal(buf_add(&b, zero, 16, err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		uint8_t nonce[PRIM_NONCE] = { 0 };
		nonce[10] = (uint8_t)number[i];
		nonce[11] = (uint8_t)last[i];
		memset(chunk, 0, CHUNK);
		assert_int_equal(prim_seal(aead, nonce, chunk, len[i], chunk, err), RC_OK);
		assert_int_equal(buf_add(&b, chunk, len[i] + PRIM_TAG, err), RC_OK);
	}
	prim_aead_free(aead);
	assert_int_equal(stream_mem(&raw, b.data, b.len, err), RC_OK);
	int rc = age_open(&s, raw, &key, err);
	for (uint64_t off = 0; !rc && off < s->size; off += CHUNK)
		rc = stream_read_full(s, off, chunk, s->size - off < CHUNK ? (size_t)(s->size - off) : CHUNK, err);
	stream_close(s);
	buf_free(&b);
	free(chunk);
	return rc;
}

static void chunks_by_the_rules(void **state)
{
	struct err err;

	(void)state;
#define MADE(...)	open_made((const size_t[]){ __VA_ARGS__
#define LAST(...)	}, (const int[]){ __VA_ARGS__
#define NUMBERS(n, ...)	}, (const uint64_t[]){ __VA_ARGS__ }, (n), &err)
	assert_int_equal(MADE(CHUNK, 5) LAST(0, 1) NUMBERS(2, 0, 1), RC_OK);
	assert_int_equal(MADE(0) LAST(1) NUMBERS(1, 0), RC_OK);
	/* an empty last chunk after a full one; none is the last; two are; in the wrong order; numbered from 1 */
	assert_int_equal(MADE(CHUNK, 0) LAST(0, 1) NUMBERS(2, 0, 1), RC_FAILED);
	assert_int_equal(MADE(CHUNK, 5) LAST(0, 0) NUMBERS(2, 0, 1), RC_FAILED);
	assert_int_equal(MADE(CHUNK, 5) LAST(1, 1) NUMBERS(2, 0, 1), RC_FAILED);
	assert_int_equal(MADE(CHUNK, CHUNK, 5) LAST(0, 0, 1) NUMBERS(3, 1, 0, 2), RC_FAILED);
	assert_int_equal(MADE(CHUNK, 5) LAST(0, 1) NUMBERS(2, 1, 2), RC_FAILED);
#undef MADE
#undef LAST
#undef NUMBERS
}

static void is_closed_to_others(void **state)
{
	struct err err;
	struct sink k;
	struct stream *s = NULL;

	(void)state;
	seal(&k, (const uint8_t *)"abc", 3, 3);
	assert_int_equal(open_bytes(&s, k.buf.data, k.buf.len, &other, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	buf_free(&k.buf);
}

/* Each file has its own key, and no plaintext shows. */
static void looks_like_noise(void **state)
{
	static const char text[] = "MUSTERMANN^ERIKA MUSTERMANN^ERIKA";
	struct sink a, b;

	(void)state;
	seal(&a, (const uint8_t *)text, sizeof(text), 7);
	seal(&b, (const uint8_t *)text, sizeof(text), 7);
	assert_null(memmem(a.buf.data, a.buf.len, "MUSTER", 6));
	assert_int_equal(a.buf.len, b.buf.len);
	size_t same = 0, from = (size_t)age_size(0) - 32;
	for (size_t i = from; i < a.buf.len; i++)
		same += a.buf.data[i] == b.buf.data[i];
	assert_true(same < 8);
	buf_free(&a.buf);
	buf_free(&b.buf);
}

static void header_by_the_rules(void **state)
{
	/* made from a good header by one change each; the MAC need not be reached */
	static const struct { const char *from, *to; const char *says; } wrong[] = {
		{ "age-encryption.org/v1", "age-encryption.org/v2", "not an age file" },
		{ "age-encryption.org/v1\n", "age-encryption.org/v1\r\n", "not an age file" },
		{ "-> X25519 ", "-> X25519  ", "damaged" },
		{ "-> X25519 ", "-> X25519\t", "damaged" },
		{ "-> X25519 ", "->X25519 ", "damaged" },
		{ "-> X25519 ", "-> X25519 more ", "damaged" },
		{ "-> X25519 ", "-> X25519", "sealed to another key" },
		{ "--- ", "---  ", "damaged" },
		{ "--- ", "--  ", "damaged" },
		{ "-> X25519 ", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease\n!\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease\nAAA=\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease\nAB\n-> X25519 ", "damaged" },	/* not canonical */
		{ "-> X25519 ", "-> grease\nA\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease  a\n\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease \n\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> \n\n-> X25519 ", "damaged" },
		{ "-> X25519 ", "-> grease\n\n-> X25519 ", "altered" },
		{ "-> X25519 ", "-> grease a b c\nAAAA\n-> X25519 ", "altered" },
	};
	struct err err;
	struct sink k;
	struct stream *s = NULL;

	(void)state;
	seal(&k, (const uint8_t *)"abc", 3, 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf b = BUF_INIT(0);
		const char *at = memmem(k.buf.data, k.buf.len, wrong[i].from, strlen(wrong[i].from));
		assert_non_null(at);
		size_t head = (size_t)(at - k.buf.data), skip = head + strlen(wrong[i].from);
		assert_int_equal(buf_add(&b, k.buf.data, head, &err), RC_OK);
		assert_int_equal(buf_puts(&b, wrong[i].to, &err), RC_OK);
		assert_int_equal(buf_add(&b, k.buf.data + skip, k.buf.len - skip, &err), RC_OK);
		assert_int_equal(open_bytes(&s, b.data, b.len, &me, &err), RC_FAILED);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("%zu: '%s' is not '%s'", i, err.text, wrong[i].says);
		buf_free(&b);
	}
	buf_free(&k.buf);
}

static void header_has_a_ceiling(void **state)
{
	struct buf b = BUF_INIT(0);
	struct err err;
	struct stream *s = NULL;

	(void)state;
	assert_int_equal(buf_puts(&b, "age-encryption.org/v1\n", &err), RC_OK);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf_puts(&b, "-> grease\n\n", &err), RC_OK);
	assert_int_equal(open_bytes(&s, b.data, b.len, &me, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "longer than 16384 bytes"));
	/* a passphrase is not ours to ask for */
	buf_clear(&b);
	assert_int_equal(buf_puts(&b, "age-encryption.org/v1\n-> scrypt rF0/NwblUHHTpgQgRpe5CQ 10\n"
	    "gUjEymFKMVXQEKdMMHL24oYexjE3TIC0O0zGSqJ2aUY\n--- IOXiQYStkoT1mvZW2tFOqZdhRVvj58egABx/sWfZQbc\n", &err),
	    RC_OK);
	assert_int_equal(open_bytes(&s, b.data, b.len, &me, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, "passphrase"));
	buf_free(&b);
}

static void reports_a_full_disk(void **state)
{
	uint8_t *plain = noise(3 * CHUNK);
	struct err err;

	(void)state;
	/* no room for: anything; the second chunk; the last */
	for (size_t room = 100; room < 3 * CHUNK; room += CHUNK) {
		struct sink k = { .room = room };
		struct stream *raw = NULL, *s = NULL;
		assert_int_equal(stream_new(&raw, &sink_ops, &k, 0, &err), RC_OK);
		assert_int_equal(age_create(&s, raw, &me.to, &err), RC_OK);
		int rc = stream_write(s, plain, 3 * CHUNK, &err);
		if (!rc)
			rc = stream_commit(s, &err);
		assert_int_equal(rc, RC_RETRY);
		assert_int_equal(err.sys, ENOSPC);
		/* what is missing in the middle is not glossed over by going on */
		k.room = SIZE_MAX;
		assert_int_not_equal(stream_write(s, plain, 10, &err), RC_OK);
		assert_int_not_equal(stream_commit(s, &err), RC_OK);
		assert_int_equal(k.committed, 0);
		stream_close(s);
		buf_free(&k.buf);
	}
	free(plain);
}

/* A medium that fails at the n-th read. */
struct source { const struct buf *buf; int until; };

static int source_read(struct stream *s, uint64_t off, void *to, size_t len, size_t *got, struct err *err)
{
	struct source *f = s->ctx;

	if (f->until-- == 0)
		return err_sys(err, EIO, "cannot read");
	memcpy(to, f->buf->data + off, len);
	*got = len;
	return RC_OK;
}
static const struct stream_ops source_ops = { source_read, NULL, NULL, NULL };

static void reports_a_failing_disk(void **state)
{
	enum { N = 2 * CHUNK + 10 };
	uint8_t *plain = noise(N), *back = malloc(N);
	struct sink k;
	struct err err;
	int i = 0, rc = RC_FAILED;

	(void)state;
	assert_non_null(back);
	seal(&k, plain, N, N);
	for (; rc; i++) {
		struct source f = { &k.buf, i };
		struct stream *raw = NULL, *s = NULL;
		assert_int_equal(stream_new(&raw, &source_ops, &f, k.buf.len, &err), RC_OK);
		rc = age_open_identity(&s, raw, &me, &err);
		if (!rc)
			rc = stream_read_full(s, 0, back, N, &err);
		stream_close(s);
		if (rc)
			assert_int_equal(err.sys, EIO);
	}
	assert_int_equal(i, 7);	/* header, nonce, last chunk, then all three; at the seventh go none failed */
	assert_memory_equal(back, plain, N);
	buf_free(&k.buf);
	free(plain);
	free(back);
}

static void keys_as_text(void **state)
{
	/* from the C2SP test kit (its README lets it be copied) */
	static const char known[] = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
	struct age_identity id, again;
	struct age_recipient to;
	char text[AGE_TEXT_MAX], pub[AGE_TEXT_MAX];
	struct err err;

	(void)state;
	assert_int_equal(age_identity_parse(known, &id, &err), RC_OK);
	age_identity_text(&id, text);
	assert_string_equal(text, known);
	age_recipient_text(&id.to, pub);
	assert_int_equal(age_recipient_parse(pub, &to, &err), RC_OK);
	assert_memory_equal(to.pub, id.to.pub, 32);
	/* every single changed character is found: that is what the checksum is for */
	for (size_t i = 0; i < strlen(text); i++) {
		char c = text[i];
		text[i] = c == 'Q' ? 'P' : 'Q';
		assert_int_equal(age_identity_parse(text, &again, &err), RC_FAILED);
		text[i] = c;
	}
	for (size_t i = 0; i < strlen(pub); i++) {
		char c = pub[i];
		pub[i] = c == 'q' ? 'p' : 'q';
		assert_int_equal(age_recipient_parse(pub, &to, &err), RC_FAILED);
		pub[i] = c;
	}
	text[20] = (char)(text[20] - 'A' + 'a');	/* mixed case, or not a letter at all */
	assert_int_equal(age_identity_parse(text, &again, &err), RC_FAILED);
	assert_int_equal(age_recipient_parse("", &to, &err), RC_FAILED);
	assert_int_equal(age_recipient_parse("age1", &to, &err), RC_FAILED);
	assert_int_equal(age_recipient_parse(known, &to, &err), RC_FAILED);
	assert_int_equal(age_identity_parse(pub, &id, &err), RC_FAILED);
	/* the message does not repeat a secret */
	assert_null(strstr(err.text, "EGTZ"));
	age_identity_wipe(&id);
	for (size_t i = 0; i < sizeof(id); i++)
		assert_int_equal(((uint8_t *)&id)[i], 0);
}

static uint32_t polymod(const uint8_t *v, size_t n)
{
	static const uint32_t g[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t c = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t top = c >> 25;
		c = (c & 0x1ffffff) << 5 ^ v[i];
		for (int b = 0; b < 5; b++)
			c ^= top >> b & 1 ? g[b] : 0;
	}
	return c;
}

/* 32 bytes leave four bits over: a text whose checksum is right and whose padding is not zero is refused. */
static void padding_is_zero(void **state)
{
	static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	uint8_t data[32];

	(void)state;
	for (unsigned padding = 0; padding < 16; padding++) {
		/* "age" expanded (BIP 173), 52 groups, room for the checksum */
		uint8_t v[7 + 52 + 6] = { 3, 3, 3, 0, 'a' & 31, 'g' & 31, 'e' & 31 };
		char text[AGE_TEXT_MAX] = "age1";
		v[7 + 51] = (uint8_t)(16 | padding);
		uint32_t sum = polymod(v, sizeof(v)) ^ 1;
		for (int i = 0; i < 6; i++)
			v[7 + 52 + i] = sum >> 5 * (5 - i) & 31;
		for (int i = 0; i < 58; i++)
			text[4 + i] = charset[v[7 + i]];
		assert_int_equal(bech32_decode("age", text, data), padding == 0);
		if (!padding)
			assert_int_equal(data[31], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_at_every_size),
		cmocka_unit_test(reads_at_any_offset),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(finds_every_changed_byte),
		cmocka_unit_test(chunks_by_the_rules),
		cmocka_unit_test(is_closed_to_others),
		cmocka_unit_test(looks_like_noise),
		cmocka_unit_test(header_by_the_rules),
		cmocka_unit_test(header_has_a_ceiling),
		cmocka_unit_test(reports_a_full_disk),
		cmocka_unit_test(reports_a_failing_disk),
		cmocka_unit_test(keys_as_text),
		cmocka_unit_test(padding_is_zero),
	};
	struct err err;

	if (age_identity_new(&me, &err) || age_identity_new(&other, &err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
