#include "crypt/age_header.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "crypt/prim.h"

#define VERSION_LINE	"age-encryption.org/v1\n"
#define INFO_X25519	"age-encryption.org/v1/X25519"

enum {
	KEY_B64 = 43,		/* 32 bytes without padding */
	WRAPPED = AGE_FILE_KEY + PRIM_TAG,
	COLUMNS = 64,		/* a body line; a shorter one ends the body */
	/* X25519 stanzas that are tried: more recipients than a header of AGE_HEADER_MAX holds */
	STANZAS_MAX = 160
};

struct stanza { uint8_t share[PRIM_KEY], body[WRAPPED]; };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void b64_encode32(const uint8_t *from, char *to)
{
	for (int i = 0; i < KEY_B64; i++) {
		int byte = i * 6 / 8, shift = 10 - i * 6 % 8;
		unsigned two = (unsigned)from[byte] << 8 | (byte < 31 ? from[byte + 1] : 0U);
		to[i] = digits[two >> shift & 63];
	}
}

/* RFC 4648 without padding, canonical (bits that are left over are zero). -1: not so, or longer than cap. */
static int b64_decode(const char *from, size_t n, uint8_t *to, size_t cap)
{
	unsigned bits = 0, have = 0;
	size_t len = 0;

	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *at = from[i] ? strchr(digits, from[i]) : NULL;
		if (!at)
			return -1;
		bits = bits << 6 | (unsigned)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			if (len == cap)
				return -1;
			to[len++] = (uint8_t)(bits >> have);
			bits &= (1U << have) - 1;
		}
	}
	return bits ? -1 : (int)len;
}

static int mac_of(const uint8_t file_key[AGE_FILE_KEY], const char *header, size_t n, uint8_t mac[HASH_LEN],
    struct err *err)
{
	uint8_t key[PRIM_KEY];
	int rc = prim_hkdf(file_key, AGE_FILE_KEY, NULL, 0, "header", key, err);

	if (!rc)
		rc = hash_hmac(key, sizeof(key), header, n, mac, err);
	hash_wipe(key, sizeof(key));
	return rc;
}

static int wrap_key(const uint8_t shared[PRIM_KEY], const uint8_t share[PRIM_KEY],
    const uint8_t recipient[PRIM_KEY], uint8_t key[PRIM_KEY], struct err *err)
{
	uint8_t salt[2 * PRIM_KEY];

	memcpy(salt, share, PRIM_KEY);
	memcpy(salt + PRIM_KEY, recipient, PRIM_KEY);
	return prim_hkdf(shared, PRIM_KEY, salt, sizeof(salt), INFO_X25519, key, err);
}

size_t age_header_size(void)
{
	return strlen(VERSION_LINE) + strlen("-> X25519 ") + KEY_B64 + 1 + KEY_B64 + 1 +
	    strlen("--- ") + KEY_B64 + 1;
}

int age_header_make(const struct age_recipient *to, uint8_t file_key[AGE_FILE_KEY],
    char out[AGE_HEADER_OURS], size_t *len, struct err *err)
{
	static const uint8_t zero[PRIM_NONCE];
	struct { uint8_t secret[PRIM_KEY], shared[PRIM_KEY], key[PRIM_KEY]; } s;
	uint8_t share[PRIM_KEY], body[WRAPPED], mac[HASH_LEN];
	char share64[KEY_B64 + 1] = "", body64[KEY_B64 + 1] = "", mac64[KEY_B64 + 1] = "";
	struct prim_aead *aead = NULL;
	int low = 0, n = 0, rc = RC_OK;

	prim_lock(&s, sizeof(s));
	if ((rc = hash_random(file_key, AGE_FILE_KEY, err)) ||
	    (rc = hash_random(s.secret, sizeof(s.secret), err)) ||
	    (rc = prim_public(s.secret, share, err)) ||
	    (rc = prim_agree(s.secret, to->pub, s.shared, &low, err)))
		goto out;
	if (low) {
		rc = err_set(err, ERR_CONFIG, "the age recipient is not a usable key");
		goto out;
	}
	if ((rc = wrap_key(s.shared, share, to->pub, s.key, err)) ||
	    (rc = prim_aead_new(&aead, s.key, 1, err)) ||
	    (rc = prim_seal(aead, zero, file_key, AGE_FILE_KEY, body, err)))
		goto out;
	b64_encode32(share, share64);
	b64_encode32(body, body64);
	n = snprintf(out, AGE_HEADER_OURS, VERSION_LINE "-> X25519 %s\n%s\n---", share64, body64);
	if ((rc = mac_of(file_key, out, (size_t)n, mac, err)))
		goto out;
	b64_encode32(mac, mac64);
	*len = (size_t)n + (size_t)snprintf(out + n, AGE_HEADER_OURS - (size_t)n, " %s\n", mac64);
out:
	if (rc)
		hash_wipe(file_key, AGE_FILE_KEY);
	prim_aead_free(aead);
	hash_wipe(&s, sizeof(s));
	return rc;
}

/* A line at *off, without its newline; false where the bytes end first. */
static bool take_line(const char *p, size_t n, size_t *off, const char **line, size_t *len)
{
	const char *end = *off < n ? memchr(p + *off, '\n', n - *off) : NULL;

	if (!end)
		return false;
	*line = p + *off;
	*len = (size_t)(end - *line);
	*off += *len + 1;
	return true;
}

/* "-> type arg …": printable ASCII, one space between, none empty. The first two are kept. */
static bool split(const char *line, size_t len, const char *arg[2], size_t arglen[2], size_t *count)
{
	size_t from = 3;

	*count = 0;
	for (size_t i = 3; i <= len; i++) {
		if (i < len && line[i] != ' ') {
			if (line[i] < 0x21 || line[i] > 0x7e)
				return false;
			continue;
		}
		if (i == from)
			return false;
		if (*count < 2) {
			arg[*count] = line + from;
			arglen[*count] = i - from;
		}
		++*count;
		from = i + 1;
	}
	return true;
}

enum verdict { GOOD, ENDS, BAD, PASSPHRASE };
struct header {
	struct stanza stanza[STANZAS_MAX];
	size_t n;
	size_t maced;		/* bytes under the MAC */
	size_t len;
	uint8_t mac[HASH_LEN];
};

/* The body: base64 in lines of 64; all are checked, the first cap bytes kept. */
static enum verdict take_body(const char *p, size_t n, size_t *off, uint8_t *to, size_t cap, size_t *total)
{
	const char *line = NULL;
	size_t len = 0;

	*total = 0;
	do {
		uint8_t part[COLUMNS / 4 * 3];
		if (!take_line(p, n, off, &line, &len))
			return ENDS;
		int got = len <= COLUMNS ? b64_decode(line, len, part, sizeof(part)) : -1;
		if (got < 0)
			return BAD;
		for (int i = 0; i < got; i++, ++*total)
			if (*total < cap)
				to[*total] = part[i];
	} while (len == COLUMNS);
	return GOOD;
}

static enum verdict parse(const char *p, size_t n, struct header *h)
{
	const char *line = NULL, *arg[2] = { NULL, NULL };
	size_t len = 0, arglen[2] = { 0, 0 }, count = 0, off = strlen(VERSION_LINE), stanzas = 0, body = 0;
	bool passphrase = false;
	uint8_t other[1];
	enum verdict v = GOOD;

	for (h->n = 0;;) {
		size_t at = off;
		if (!take_line(p, n, &off, &line, &len))
			return ENDS;
		if (len >= 4 && memcmp(line, "--- ", 4) == 0) {
			h->maced = at + 3;
			h->len = off;
			if (b64_decode(line + 4, len - 4, h->mac, sizeof(h->mac)) != HASH_LEN || stanzas == 0)
				return BAD;
			break;
		}
		if (len < 4 || memcmp(line, "-> ", 3) != 0 || !split(line, len, arg, arglen, &count))
			return BAD;
		stanzas++;
		bool x25519 = arglen[0] == 6 && memcmp(arg[0], "X25519", 6) == 0;
		if (arglen[0] == 6 && memcmp(arg[0], "scrypt", 6) == 0)
			passphrase = true;
		if (!x25519) {
			if ((v = take_body(p, n, &off, other, 0, &body)) != GOOD)
				return v;
			continue;
		}
		if (count != 2 || h->n == STANZAS_MAX)
			return BAD;
		struct stanza *s = &h->stanza[h->n++];
		if (b64_decode(arg[1], arglen[1], s->share, sizeof(s->share)) != PRIM_KEY)
			return BAD;
		if ((v = take_body(p, n, &off, s->body, sizeof(s->body), &body)) != GOOD)
			return v;
		if (body != WRAPPED)
			return BAD;
	}
	if (passphrase)
		return stanzas == 1 ? PASSPHRASE : BAD;
	return GOOD;
}

static int try_stanza(const struct stanza *st, const struct age_identity *id, uint8_t file_key[AGE_FILE_KEY],
    bool *found, struct err *err)
{
	static const uint8_t zero[PRIM_NONCE];
	struct { uint8_t shared[PRIM_KEY], key[PRIM_KEY]; } s;
	struct prim_aead *aead = NULL;
	int low = 0, bad = 0, rc = RC_OK;

	*found = false;
	prim_lock(&s, sizeof(s));
	if ((rc = prim_agree(id->secret, st->share, s.shared, &low, err)))
		goto out;
	if (low) {
		rc = err_set(err, ERR_DATA, "the age header is damaged: a key share of low order");
		goto out;
	}
	if ((rc = wrap_key(s.shared, st->share, id->to.pub, s.key, err)) ||
	    (rc = prim_aead_new(&aead, s.key, 0, err)) ||
	    (rc = prim_open(aead, zero, st->body, WRAPPED, file_key, &bad, err)))
		goto out;
	*found = !bad;
out:
	prim_aead_free(aead);
	hash_wipe(&s, sizeof(s));
	return rc;
}

int age_header_open(const char *p, size_t n, const struct age_identity *id, struct age_key *key,
    struct err *err)
{
	struct header h;
	uint8_t mac[HASH_LEN];
	bool found = false;
	int rc = RC_OK;

	if (n < strlen(VERSION_LINE) || memcmp(p, VERSION_LINE, strlen(VERSION_LINE)) != 0)
		return err_set(err, ERR_DATA, "not an age file");
	switch (parse(p, n, &h)) {
	case GOOD:
		break;
	case ENDS:
		if (n >= AGE_HEADER_MAX)
			return err_set(err, ERR_DATA, "the age header is longer than %zu bytes",
			    AGE_HEADER_MAX);
		return err_set(err, ERR_DATA, "the age header ends early");
	case PASSPHRASE:
		return err_set(err, ERR_DENIED, "sealed with a passphrase, not to our key");
	case BAD:
		return err_set(err, ERR_DATA, "the age header is damaged");
	}
	for (size_t i = 0; i < h.n && !found; i++)
		if ((rc = try_stanza(&h.stanza[i], id, key->file_key, &found, err)))
			goto out;
	if (!found) {
		rc = err_set(err, ERR_DENIED, "sealed to another key");
		goto out;
	}
	if ((rc = mac_of(key->file_key, p, h.maced, mac, err)))
		goto out;
	if (CRYPTO_memcmp(mac, h.mac, sizeof(mac)) != 0)
		rc = err_set(err, ERR_DATA, "the age header was altered");
	key->header = h.len;
out:
	if (rc)
		hash_wipe(key, sizeof(*key));
	return rc;
}
