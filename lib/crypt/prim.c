#include "crypt/prim.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"

/* Where OpenSSL keeps private X25519 keys once this is set up: 32 KiB, locked, not dumped. */
#define SECURE_HEAP	((size_t)32 << 10)
#define SECURE_MIN	((size_t)32)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *chacha;
static EVP_KDF *hkdf;

static void fetch_all(void)
{
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN);
	chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	ERR_clear_error();
}

/* OpenSSL's queue is emptied: what stays in it would be taken for an error of the next TLS call. */
static int broken(struct err *err, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	bool memory = ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;

	ERR_clear_error();
	return memory ? err_set(err, ERR_TEMP, "%s: no memory", what) :
	    err_set(err, ERR_INTERNAL, "%s failed", what);
}

static int ready(struct err *err)
{
	pthread_once(&once, fetch_all);
	if (!chacha || !hkdf)
		return err_set(err, ERR_INTERNAL, "OpenSSL has no ChaCha20-Poly1305 or no HKDF");
	return RC_OK;
}

int prim_prepare(struct err *err)
{
	uint8_t secret[PRIM_KEY] = { 1 }, pub[PRIM_KEY], shared[PRIM_KEY], sum[HASH_LEN];
	int zero = 0, rc = RC_OK;

	/* X25519 and HMAC are fetched by their first use */
	if ((rc = ready(err)) || (rc = prim_public(secret, pub, err)) ||
	    (rc = prim_agree(secret, pub, shared, &zero, err)) ||
	    (rc = prim_hkdf(secret, sizeof(secret), pub, sizeof(pub), "prepare", shared, err)))
		return rc;
	return hash_hmac(secret, sizeof(secret), pub, sizeof(pub), sum, err);
}

int prim_public(const uint8_t secret[PRIM_KEY], uint8_t pub[PRIM_KEY], struct err *err)
{
	size_t n = PRIM_KEY;
	int rc = ready(err);
	EVP_PKEY *key = NULL;

	if (rc)
		return rc;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, PRIM_KEY);
	if (!key || EVP_PKEY_get_raw_public_key(key, pub, &n) != 1 || n != PRIM_KEY)
		rc = broken(err, "X25519");
	EVP_PKEY_free(key);
	return rc;
}

int prim_agree(const uint8_t secret[PRIM_KEY], const uint8_t peer[PRIM_KEY], uint8_t shared[PRIM_KEY],
    int *zero, struct err *err)
{
	static const uint8_t none[PRIM_KEY];
	size_t n = PRIM_KEY;
	int rc = ready(err);
	EVP_PKEY *key = NULL, *other = NULL;
	EVP_PKEY_CTX *ctx = NULL;

	*zero = 0;
	if (rc)
		return rc;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, PRIM_KEY);
	other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, PRIM_KEY);
	ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	if (!other || !ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, other) != 1) {
		rc = broken(err, "X25519");
	} else if (EVP_PKEY_derive(ctx, shared, &n) != 1) {
		/* OpenSSL refuses an all-zero result itself; any other cause is lack of memory */
		if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
			rc = broken(err, "X25519");
		else
			*zero = 1;
		ERR_clear_error();
	} else if (n != PRIM_KEY) {
		rc = broken(err, "X25519");
	} else {
		*zero = CRYPTO_memcmp(shared, none, PRIM_KEY) == 0;
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(key);
	return rc;
}

int prim_hkdf(const void *secret, size_t secretlen, const void *salt, size_t saltlen, const char *info,
    uint8_t out[PRIM_KEY], struct err *err)
{
	char digest[] = "SHA256";
	int rc = ready(err);
	EVP_KDF_CTX *ctx = NULL;

	if (rc)
		return rc;
	/* The parameters are declared without const and only read. An empty salt is left out: that is
	 * HKDF's default, a salt of zeros (RFC 5869 2.2). */
	OSSL_PARAM params[5] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secretlen),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info,
		    __builtin_strlen(info)),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end()
	};
	if (saltlen)
		params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt,
		    saltlen);
	ctx = EVP_KDF_CTX_new(hkdf);
	if (!ctx || EVP_KDF_derive(ctx, out, PRIM_KEY, params) != 1)
		rc = broken(err, "HKDF");
	EVP_KDF_CTX_free(ctx);
	return rc;
}

/* struct prim_aead is an EVP_CIPHER_CTX: it holds the key, and wipes it when freed */
static EVP_CIPHER_CTX *ctx_of(struct prim_aead *a)
{
	return (EVP_CIPHER_CTX *)(void *)a;
}

int prim_aead_new(struct prim_aead **out, const uint8_t key[PRIM_KEY], int seal, struct err *err)
{
	int rc = ready(err);

	*out = NULL;
	if (rc)
		return rc;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx || EVP_CipherInit_ex2(ctx, chacha, key, NULL, seal ? 1 : 0, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return broken(err, "ChaCha20-Poly1305");
	}
	*out = (struct prim_aead *)(void *)ctx;
	return RC_OK;
}

int prim_seal(struct prim_aead *a, const uint8_t nonce[PRIM_NONCE], const void *from, size_t len, void *to,
    struct err *err)
{
	EVP_CIPHER_CTX *ctx = ctx_of(a);
	uint8_t *out = to;
	int n = 0, more = 0;

	if (len > INT_MAX)
		return err_set(err, ERR_INTERNAL, "too much to encrypt at once");
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &n, from, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, out + n, &more) != 1 || (size_t)n + (size_t)more != len ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PRIM_TAG, out + len) != 1)
		return broken(err, "ChaCha20-Poly1305");
	return RC_OK;
}

int prim_open(struct prim_aead *a, const uint8_t nonce[PRIM_NONCE], const void *from, size_t len, void *to,
    int *bad, struct err *err)
{
	EVP_CIPHER_CTX *ctx = ctx_of(a);
	uint8_t *out = to, tag[PRIM_TAG];
	int n = 0, more = 0;

	*bad = 0;
	if (len < PRIM_TAG || len > INT_MAX)
		return err_set(err, ERR_INTERNAL, "a chunk of %zu bytes cannot be decrypted", len);
	len -= PRIM_TAG;
	__builtin_memcpy(tag, (const uint8_t *)from + len, PRIM_TAG);
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, PRIM_TAG, tag) != 1 ||
	    EVP_DecryptUpdate(ctx, out, &n, from, (int)len) != 1)
		return broken(err, "ChaCha20-Poly1305");
	if (EVP_DecryptFinal_ex(ctx, out + n, &more) != 1) {
		ERR_clear_error();
		hash_wipe(to, len);
		*bad = 1;
	}
	return RC_OK;
}

void prim_aead_free(struct prim_aead *a)
{
	EVP_CIPHER_CTX_free(ctx_of(a));
}

void prim_lock(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)p & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + n + page - 1) & ~(page - 1);

	/* best effort: RLIMIT_MEMLOCK may be 0 */
	(void)mlock((void *)from, to - from);
	(void)madvise((void *)from, to - from, MADV_DONTDUMP);
}
