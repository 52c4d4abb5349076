#include "base/hash.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

struct hash {
	EVP_MD_CTX *ctx;
};

int hash_new(struct hash **out, struct err *err)
{
	struct hash *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (!h || !(h->ctx = EVP_MD_CTX_new()) || !EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL)) {
		hash_free(h);
		return err_set(err, ERR_TEMP, "cannot begin a SHA-256: no memory");
	}
	*out = h;
	return RC_OK;
}

int hash_add(struct hash *h, const void *data, size_t len, struct err *err)
{
	if (!EVP_DigestUpdate(h->ctx, data, len))
		return err_set(err, ERR_INTERNAL, "SHA-256 failed");
	return RC_OK;
}

int hash_end(struct hash *h, uint8_t out[HASH_LEN], struct err *err)
{
	if (!EVP_DigestFinal_ex(h->ctx, out, NULL))
		return err_set(err, ERR_INTERNAL, "SHA-256 failed");
	return RC_OK;
}

void hash_free(struct hash *h)
{
	if (h)
		EVP_MD_CTX_free(h->ctx);
	free(h);
}

int hash_bytes(const void *data, size_t len, uint8_t out[HASH_LEN], struct err *err)
{
	if (!EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL))
		return err_set(err, ERR_INTERNAL, "SHA-256 failed");
	return RC_OK;
}

int hash_hex(const void *data, size_t len, char out[HASH_HEX], struct err *err)
{
	uint8_t sum[HASH_LEN];
	int rc = hash_bytes(data, len, sum, err);

	if (!rc)
		text_hex(sum, sizeof(sum), out);
	return rc;
}

int hash_stream(struct stream *s, char out[HASH_HEX], struct err *err)
{
	enum { STEP = 256 << 10 };
	struct hash *h = NULL;
	uint8_t sum[HASH_LEN];
	char *step = malloc(STEP);
	int rc = step ? hash_new(&h, err) : err_set(err, ERR_TEMP, "no memory");

	for (uint64_t off = 0; !rc && off < s->size;) {
		size_t n = s->size - off < STEP ? (size_t)(s->size - off) : STEP;
		if (!(rc = stream_read_full(s, off, step, n, err)))
			rc = hash_add(h, step, n, err);
		off += n;
	}
	if (!rc && !(rc = hash_end(h, sum, err)))
		text_hex(sum, sizeof(sum), out);
	hash_free(h);
	free(step);
	return rc;
}

int hash_hmac(const void *key, size_t keylen, const void *data, size_t len, uint8_t out[HASH_LEN], struct err *err)
{
	unsigned n = HASH_LEN;

	if (!HMAC(EVP_sha256(), key, (int)keylen, data, len, out, &n))
		return err_set(err, ERR_INTERNAL, "HMAC failed");
	return RC_OK;
}

int hash_random(void *to, size_t len, struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = getrandom((char *)to + done, len - done, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, errno, "cannot get random bytes");
		}
		done += (size_t)n;
	}
	return RC_OK;
}

void hash_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void hash_wipe_text(char **s)
{
	if (*s)
		hash_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}
