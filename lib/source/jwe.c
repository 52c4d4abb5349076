#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "source/jwe.h"

#define HEADER_MAX	8192	/* characters of the first part; ours have a hundred */
#define IV_LEN		12	/* RFC 7518 5.3: 96 bits */
#define TAG_LEN		16	/* and 128 */

enum { PART_HEADER, PART_KEY, PART_IV, PART_TEXT, PART_TAG, PARTS };

struct part { const char *at; size_t len; };

/* Splits at the dots; gives how many parts there are, at most one more than there may be. */
static size_t
split(const char *s, size_t n, struct part part[PARTS])
{
	const char *end = s + n, *dot = NULL;
	size_t i = 0;

	for (i = 0; i <= PARTS; i++) {
		dot = memchr(s, '.', (size_t)(end - s));
		if (i < PARTS)
			part[i] = (struct part){ s, (size_t)((dot != NULL ? dot : end) - s) };
		if (dot == NULL)
			return i + 1;
		s = dot + 1;
	}
	return i;
}

static int
check_shape(const char *s, size_t n, struct part part[PARTS], struct err *err)
{
	size_t parts = 0;

	if (n > 0 && (*s == '{' || *s == '['))
		return err_set(err, ERR_PROTOCOL, "a file of the link is not encrypted, or not as it should be");
	if (n > 0 && *s == '<')
		return err_set(err, ERR_PROTOCOL, "in place of a file of the link came a web page");
	parts = split(s, n, part);
	if (parts == 3)
		return err_set(err, ERR_PROTOCOL, "a file of the link is only signed (JWS), not encrypted (JWE)");
	if (parts != PARTS)
		return err_set(err, ERR_PROTOCOL, "a file of the link is no JWE: it does not have five parts");
	return RC_OK;
}

/* RFC 7516 4.1. Unknown members are passed over, but those that "crit" names must be understood. */
static int
read_header(const struct part *p, bool *deflated, char cty[128], struct err *err)
{
	const char *alg = NULL, *enc = NULL, *zip = NULL, *type = NULL, *where = "the header of a file of the link";
	char *text = malloc(BASE64_SIZE(p->len));
	json_t *j = NULL;
	size_t n = 0;
	int rc = RC_OK;

	if (text == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	if (p->len > HEADER_MAX || !base64_decode(BASE64_URL, p->at, p->len, text, &n)) {
		rc = err_set(err, ERR_PROTOCOL, "%s is not base64url", where);
		goto out;
	}
	if ((rc = json_parse(text, n, &j, err)) != RC_OK || (rc = json_get_str(j, where, "alg", &alg, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "enc", &enc, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "zip", &zip, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "cty", &type, err)) != RC_OK) {
		if (err->kind == ERR_DATA)
			err->kind = ERR_PROTOCOL;
		goto out;
	}
	if (alg == NULL || strcmp(alg, "dir") != 0 || enc == NULL || strcmp(enc, "A256GCM") != 0)
		rc = err_set(err, ERR_PROTOCOL, "a file of the link is encrypted by another method than dir with A256GCM");
	else if (zip != NULL && strcmp(zip, "DEF") != 0)
		rc = err_set(err, ERR_PROTOCOL, "a file of the link is compressed by another method than DEF");
	else if (json_object_get(j, "crit") != NULL)
		rc = err_set(err, ERR_PROTOCOL, "a file of the link asks for an extension that is not known");
	*deflated = zip != NULL;
	text_copy(cty, 128, type != NULL ? type : "");
out:
	json_decref(j);
	free(text);
	return rc;
}

static int
open_sealed(const struct part part[PARTS], const uint8_t *key, unsigned char *text, size_t *len, struct err *err)
{
	unsigned char iv[BASE64_SIZE(16)], tag[BASE64_SIZE(22)];
	EVP_CIPHER_CTX *c = NULL;
	size_t niv = 0, ntag = 0, n = 0;
	int got = 0, rest = 0;
	bool good = false;

	if (part[PART_KEY].len != 0)
		return err_set(err, ERR_PROTOCOL, "a file of the link has a key of its own, which dir does not allow");
	if (part[PART_IV].len != 16 || !base64_decode(BASE64_URL, part[PART_IV].at, 16, iv, &niv) || niv != IV_LEN ||
	    part[PART_TAG].len != 22 || !base64_decode(BASE64_URL, part[PART_TAG].at, 22, tag, &ntag) || ntag != TAG_LEN ||
	    !base64_decode(BASE64_URL, part[PART_TEXT].at, part[PART_TEXT].len, text, &n) || n > INT_MAX)
		return err_set(err, ERR_PROTOCOL, "a file of the link is no JWE: a part of it has the wrong form");
	if ((c = EVP_CIPHER_CTX_new()) == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	/* RFC 7516 5.2 step 14: the encoded header is authenticated as it stands */
	good = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
	    EVP_DecryptUpdate(c, NULL, &got, (const unsigned char *)part[PART_HEADER].at, (int)part[PART_HEADER].len) == 1 &&
	    EVP_DecryptUpdate(c, text, &got, text, (int)n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	    EVP_DecryptFinal_ex(c, text + got, &rest) == 1;
	EVP_CIPHER_CTX_free(c);
	if (!good) {
		err_set(err, ERR_DATA, "the key in the link does not open a file of it, or the file was changed on the way");
		err_advise(err, "check that the link is whole: scan it again");
		return err_rc(ERR_DATA);
	}
	*len = (size_t)got;
	return RC_OK;
}

/* Raw deflate, to its very end. */
static int
inflate_all(const unsigned char *in, size_t n, struct buf *out, struct err *err)
{
	z_stream z = { 0 };
	unsigned char chunk[16384];
	int zrc = Z_OK, rc = RC_OK;

	if (n > UINT_MAX || inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return err_set(err, ERR_TEMP, "not enough memory");
	z.next_in = (unsigned char *)(uintptr_t)in;
	z.avail_in = (unsigned)n;
	while (rc == RC_OK && zrc == Z_OK) {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		zrc = inflate(&z, Z_NO_FLUSH);
		if (zrc != Z_OK && zrc != Z_STREAM_END)
			rc = err_set(err, zrc == Z_MEM_ERROR ? ERR_TEMP : ERR_DATA, "a file of the link is compressed, "
			    "but broken");
		else if (out->len + sizeof(chunk) - z.avail_out > out->max)
			rc = err_set(err, ERR_PROTOCOL, "a file of the link is larger than %zu MB when unpacked", out->max >> 20);
		else
			rc = buf_add(out, chunk, sizeof(chunk) - z.avail_out, err);
	}
	if (rc == RC_OK && z.avail_in > 0)
		rc = err_set(err, ERR_DATA, "a file of the link is compressed, but broken");
	inflateEnd(&z);
	return rc;
}

int
jwe_decrypt(const char *s, size_t n, const uint8_t key[JWE_KEY_LEN], struct buf *plain, char cty[128], struct err *err)
{
	struct part part[PARTS];
	unsigned char *text = NULL;
	bool deflated = false;
	size_t len = 0;
	int rc = RC_OK;

	cty[0] = '\0';
	buf_clear(plain);
	while (n > 0 && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')) {
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r' || s[n - 1] == '\n'))
		n--;
	if ((rc = check_shape(s, n, part, err)) != RC_OK ||
	    (rc = read_header(&part[PART_HEADER], &deflated, cty, err)) != RC_OK)
		return rc;
	if ((text = malloc(BASE64_SIZE(part[PART_TEXT].len))) == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	rc = open_sealed(part, key, text, &len, err);
	if (rc == RC_OK && deflated)
		rc = inflate_all(text, len, plain, err);
	else if (rc == RC_OK && len > plain->max)
		rc = err_set(err, ERR_PROTOCOL, "a file of the link is larger than %zu MB", plain->max >> 20);
	else if (rc == RC_OK)
		rc = buf_add(plain, text, len, err);
	free(text);
	return rc;
}

int
jws_content(const char *s, size_t n, struct buf *content, struct err *err)
{
	struct part part[PARTS];
	unsigned char *bytes = NULL;
	size_t len = 0;
	int rc = RC_OK;

	buf_clear(content);
	if (split(s, n, part) != 3)
		return err_set(err, ERR_DATA, "a card of the link is no JWS: it does not have three parts");
	if ((bytes = malloc(BASE64_SIZE(part[1].len))) == NULL)
		return err_set(err, ERR_TEMP, "not enough memory");
	if (base64_decode(BASE64_URL, part[1].at, part[1].len, bytes, &len))
		rc = inflate_all(bytes, len, content, err);
	else
		rc = err_set(err, ERR_DATA, "a card of the link is no JWS: a part of it has the wrong form");
	free(bytes);
	return rc;
}
