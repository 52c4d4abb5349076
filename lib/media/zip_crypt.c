/* Encrypted members: ZipCrypto (APPNOTE 6.1) and WinZip AES (AE-1, AE-2). */
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <zlib.h>
#include "media/zip_impl.h"

#define CRYPTO_HEADER	12
#define AES_ITERATIONS	1000	/* of PBKDF2, fixed by the format */
#define AES_VERIFIER	2
#define AES_TAG		10	/* of HMAC-SHA-1's 20 bytes */
#define AES_BLOCK	16
#define PAD_BLOCKS	256	/* counter blocks that are encrypted at once */
#define TRIED_MAX	8	/* members that a password is tried on */

struct zip_crypter {
	size_t i;
	enum zip_crypt kind;
	uint32_t keys[3];		/* ZipCrypto */
	EVP_CIPHER_CTX *aes;
	EVP_MAC_CTX *mac;
	uint64_t counter;		/* of the next block */
	size_t used;			/* of the pad */
	uint8_t pad[PAD_BLOCKS * AES_BLOCK], tag[AES_TAG];
};

static int no_crypto(struct err *err)
{
	return err_set(err, ERR_TEMP, "cannot begin to decrypt: no memory, or this OpenSSL has no AES or SHA-1");
}

static size_t salt_len(const struct zip_member *m)
{
	return 4 + 4 * (size_t)m->aes_bits;
}

size_t zip_crypt_extra(const struct zip_member *m)
{
	if (m->crypt == ZIP_CRYPTO)
		return CRYPTO_HEADER;
	return m->crypt == ZIP_AES ? salt_len(m) + AES_VERIFIER + AES_TAG : 0;
}

/* --- ZipCrypto ---------------------------------------------------------------------- */

static uint32_t crc_step(uint32_t crc, uint8_t b)
{
	return (uint32_t)get_crc_table()[(crc ^ b) & 0xff] ^ crc >> 8;
}

static void feed(uint32_t k[3], uint8_t plain)
{
	k[0] = crc_step(k[0], plain);
	k[1] = (k[1] + (k[0] & 0xff)) * 134775813u + 1;
	k[2] = crc_step(k[2], (uint8_t)(k[1] >> 24));
}

static void crypto_step(uint32_t k[3], uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t t = (k[2] & 0xffff) | 2;

		p[i] ^= (uint8_t)(t * (t ^ 1) >> 8);
		feed(k, p[i]);
	}
}

/* The header's last byte repeats a byte of the CRC or of the time, as the writer likes: the CRC says more. */
static int crypto_begin(struct zip_crypter *c, struct zip *z, uint64_t at, struct err *err)
{
	uint8_t head[CRYPTO_HEADER];
	int rc = stream_read_full(z->s, at, head, sizeof head, err);

	c->keys[0] = 0x12345678;
	c->keys[1] = 0x23456789;
	c->keys[2] = 0x34567890;
	for (size_t i = 0; i < z->password_len; i++)
		feed(c->keys, z->password[i]);
	if (rc == RC_OK)
		crypto_step(c->keys, head, sizeof head);
	return rc;
}

/* --- WinZip AES --------------------------------------------------------------------- */

static int aes_keys(struct zip_crypter *c, const uint8_t *key, size_t n)
{
	const EVP_CIPHER *cipher = n == 16 ? EVP_aes_128_ecb() : n == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
	char digest[] = "SHA1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool good = mac && (c->mac = EVP_MAC_CTX_new(mac)) && EVP_MAC_init(c->mac, key + n, n, params) &&
	    (c->aes = EVP_CIPHER_CTX_new()) && EVP_EncryptInit_ex(c->aes, cipher, NULL, key, NULL) &&
	    EVP_CIPHER_CTX_set_padding(c->aes, 0);

	EVP_MAC_free(mac);
	return good;
}

static int aes_begin(struct zip_crypter *c, struct zip *z, uint64_t at, uint64_t end, struct err *err)
{
	const struct zip_member *m = &z->v[c->i];
	size_t n = 8 + 8 * (size_t)m->aes_bits, salt = salt_len(m);	/* bytes of a key */
	uint8_t head[16 + AES_VERIFIER], derived[2 * 32 + AES_VERIFIER];
	int rc = stream_read_full(z->s, at, head, salt + AES_VERIFIER, err);

	if (rc == RC_OK)
		rc = stream_read_full(z->s, end - AES_TAG, c->tag, AES_TAG, err);
	if (rc != RC_OK)
		return rc;
	if (!PKCS5_PBKDF2_HMAC((const char *)z->password, (int)z->password_len, head, (int)salt, AES_ITERATIONS,
	    EVP_sha1(), (int)(2 * n + AES_VERIFIER), derived))
		rc = no_crypto(err);
	else if (CRYPTO_memcmp(derived + 2 * n, head + salt, AES_VERIFIER) != 0)
		rc = err_set(err, ERR_DATA, "member %zu is encrypted with another password", c->i + 1);
	else if (!aes_keys(c, derived, n))
		rc = no_crypto(err);
	OPENSSL_cleanse(derived, sizeof derived);
	c->used = sizeof c->pad;
	return rc;
}

/* Counter mode, but the counter is little-endian and begins at 1: OpenSSL's own is big-endian. */
static int next_pad(struct zip_crypter *c)
{
	uint8_t blocks[sizeof c->pad] = { 0 };
	int n = 0;

	for (size_t b = 0; b < PAD_BLOCKS; b++) {
		uint64_t v = ++c->counter;

		for (size_t k = 0; k < 8; k++)
			blocks[b * AES_BLOCK + k] = (uint8_t)(v >> 8 * k);
	}
	c->used = 0;
	return EVP_EncryptUpdate(c->aes, c->pad, &n, blocks, (int)sizeof blocks) && n == (int)sizeof blocks;
}

static int aes_step(struct zip_crypter *c, uint8_t *p, size_t n, struct err *err)
{
	if (!EVP_MAC_update(c->mac, p, n))
		return no_crypto(err);
	while (n) {
		size_t k = 0;

		if (c->used == sizeof c->pad && !next_pad(c))
			return no_crypto(err);
		k = sizeof c->pad - c->used < n ? sizeof c->pad - c->used : n;
		for (size_t i = 0; i < k; i++)
			p[i] ^= c->pad[c->used + i];
		c->used += k;
		p += k;
		n -= k;
	}
	return RC_OK;
}

/* --- both --------------------------------------------------------------------------- */

int zip_crypt_begin(struct zip_crypter **out, struct zip *z, size_t i, uint64_t *data, uint64_t *end, struct err *err)
{
	const struct zip_member *m = &z->v[i];
	struct zip_crypter *c = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (!z->password)
		return err_set(err, ERR_INTERNAL, "member %zu is encrypted, and there is no password", i + 1);
	c = calloc(1, sizeof *c);
	if (!c)
		return no_crypto(err);
	c->i = i;
	c->kind = m->crypt;
	rc = m->crypt == ZIP_AES ? aes_begin(c, z, *data, *end, err) : crypto_begin(c, z, *data, err);
	if (rc != RC_OK) {
		zip_crypt_free(c);
		return rc;
	}
	*data += m->crypt == ZIP_AES ? salt_len(m) + AES_VERIFIER : CRYPTO_HEADER;
	*end -= m->crypt == ZIP_AES ? AES_TAG : 0;
	*out = c;
	return RC_OK;
}

int zip_crypt_step(struct zip_crypter *c, uint8_t *p, size_t n, struct err *err)
{
	if (c->kind == ZIP_AES)
		return aes_step(c, p, n, err);
	crypto_step(c->keys, p, n);
	return RC_OK;
}

int zip_crypt_check(struct zip_crypter *c, struct err *err)
{
	uint8_t sum[20];
	size_t n = 0;

	if (c->kind != ZIP_AES)
		return RC_OK;
	if (!EVP_MAC_final(c->mac, sum, &n, sizeof sum))
		return no_crypto(err);
	if (n != sizeof sum || CRYPTO_memcmp(sum, c->tag, AES_TAG) != 0)
		return err_set(err, ERR_DATA, "member %zu is damaged: its authentication code is wrong", c->i + 1);
	return RC_OK;
}

void zip_crypt_free(struct zip_crypter *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->aes);
	EVP_MAC_CTX_free(c->mac);
	OPENSSL_cleanse(c, sizeof *c);
	free(c);
}

int zip_crypt_load(struct err *err)
{
	static const uint8_t none[32];
	struct zip_crypter c = { 0 };
	uint8_t key[64];
	int good = PKCS5_PBKDF2_HMAC("", 0, none, 8, 1, EVP_sha1(), sizeof key, key) && aes_keys(&c, key, 16);

	EVP_CIPHER_CTX_free(c.aes);
	EVP_MAC_CTX_free(c.mac);
	(void)get_crc_table();
	return good ? RC_OK : no_crypto(err);
}

/* --- the password of an archive ------------------------------------------------------ */

size_t zip_encrypted(const struct zip *z)
{
	size_t n = 0;

	for (size_t i = 0; i < z->n; i++)
		n += z->v[i].crypt != ZIP_CLEAR;
	return n;
}

void zip_password_wipe(struct zip *z)
{
	if (z->password)
		OPENSSL_cleanse(z->password, z->password_len);
	free(z->password);
	z->password = NULL;
}

static int whole(struct zip *z, size_t i, struct err *err)
{
	struct zip_reader *r = NULL;
	const void *p = NULL;
	size_t n = 1;
	int rc = zip_begin(&r, z, i, err);

	while (rc == RC_OK && n)
		rc = zip_more(r, &p, &n, err);
	zip_end(r);
	return rc;
}

/* The smallest encrypted member that is no smaller than the last one; z->n: there is none. Without content, ZipCrypto
 * proves nothing. */
static size_t next_smallest(const struct zip *z, size_t last)
{
	size_t best = z->n;

	for (size_t i = 0; i < z->n; i++) {
		const struct zip_member *m = &z->v[i];

		if (!m->crypt || (m->crypt == ZIP_CRYPTO && m->size == 0))
			continue;
		if (last < z->n && (m->size < z->v[last].size || (m->size == z->v[last].size && i <= last)))
			continue;
		if (best == z->n || m->size < z->v[best].size)
			best = i;
	}
	return best;
}

int zip_password(struct zip *z, const void *password, size_t n, struct err *err)
{
	size_t i = z->n;
	int rc = RC_OK, tried = 0;

	zip_password_wipe(z);
	if (n > ZIP_PASSWORD_MAX)
		return err_set(err, ERR_DENIED, "the password is longer than %d bytes", ZIP_PASSWORD_MAX);
	z->password = malloc(n + 1);
	if (!z->password)
		return no_crypto(err);
	memcpy(z->password, password, n);
	z->password_len = n;
	for (size_t k = 0; k < z->n; k++)
		if (z->v[k].crypt)
			z->v[k].unreadable = NULL;
	while (tried < TRIED_MAX && (i = next_smallest(z, i)) < z->n) {
		rc = whole(z, i, err);
		if (rc == RC_OK || err->kind != ERR_DATA)
			return rc;
		tried++;
	}
	if (!tried)
		return RC_OK;
	return err_set(err, ERR_DENIED, "the password does not open it: none of %d encrypted members that it was tried on",
	    tried);
}
