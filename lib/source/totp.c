#include "source/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"

static int
base32(const char *s, size_t n, struct totp *t, struct err *err)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const char *at = NULL;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t i = 0;
	char c = 0;

	for (i = 0; i < n; i++) {
		c = s[i];
		if (c == ' ' || c == '-' || c == '\t')
			continue;
		if (c == '=' || (c == '%' && i + 2 < n && strncasecmp(s + i, "%3D", 3) == 0))
			break;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if ((at = strchr(alphabet, c)) == NULL || c == '\0')
			return err_set(err, ERR_DATA, "the secret is not base32");
		bits = (bits << 5 | (uint32_t)(at - alphabet)) & 0xfff;
		if ((have += 5) < 8)
			continue;
		have -= 8;
		if (t->nkey == sizeof(t->key))
			return err_set(err, ERR_DATA, "the secret is longer than %d bytes", TOTP_KEY_MAX);
		t->key[t->nkey++] = (uint8_t)(bits >> have);
	}
	return t->nkey > 0 ? RC_OK : err_set(err, ERR_DATA, "the secret is empty");
}

static int
number(const char *s, size_t n, uint64_t least, uint64_t most, int *out, const char *what, struct err *err)
{
	char text[16];
	uint64_t v = 0;

	if (!text_copyn(text, sizeof(text), s, n) || !text_u64(text, most, &v) || v < least)
		return err_set(err, ERR_DATA, "%s must be %llu to %llu", what, (unsigned long long)least,
		    (unsigned long long)most);
	*out = (int)v;
	return RC_OK;
}

static int
algorithm(const char *s, size_t n, struct totp *t, struct err *err)
{
	static const struct { const char *name; int sha; } known[] = { { "SHA1", 1 }, { "SHA256", 256 }, { "SHA512", 512 } };
	size_t i = 0;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n && strncasecmp(known[i].name, s, n) == 0) {
			t->sha = known[i].sha;
			return RC_OK;
		}
	return err_set(err, ERR_DATA, "the algorithm must be SHA1, SHA256 or SHA512");
}

int
totp_parse(const char *text, struct totp *t, struct err *err)
{
	const char *p = NULL, *value = NULL;
	size_t n = 0, name = 0;
	int rc = RC_OK;

	memset(t, 0, sizeof(*t));
	t->sha = 1;
	t->digits = 6;
	t->period = 30;
	if (strncasecmp(text, "otpauth:", 8) != 0)
		return base32(text, strlen(text), t, err);
	if (strncasecmp(text, "otpauth://totp/", 15) != 0 || (p = strchr(text, '?')) == NULL)
		return err_set(err, ERR_DATA, "the otpauth link is not one of kind totp");
	for (p++; *p != '\0' && rc == RC_OK; p += n + (p[n] == '&')) {
		n = strcspn(p, "&");
		name = strcspn(p, "=&");
		if (name == n)
			continue;
		value = p + name + 1;
		if (name == 6 && strncmp(p, "secret", 6) == 0)
			rc = base32(value, n - name - 1, t, err);
		else if (name == 6 && strncmp(p, "digits", 6) == 0)
			rc = number(value, n - name - 1, 6, 10, &t->digits, "the digits", err);
		else if (name == 6 && strncmp(p, "period", 6) == 0)
			rc = number(value, n - name - 1, 5, 3600, &t->period, "the period", err);
		else if (name == 9 && strncmp(p, "algorithm", 9) == 0)
			rc = algorithm(value, n - name - 1, t, err);
	}
	if (rc == RC_OK && t->nkey == 0)
		rc = err_set(err, ERR_DATA, "the otpauth link holds no secret");
	return rc;
}

int
totp_at(const struct totp *t, time_t when, char code[TOTP_CODE_MAX], struct err *err)
{
	const EVP_MD *md = t->sha == 512 ? EVP_sha512() : t->sha == 256 ? EVP_sha256() : EVP_sha1();
	uint8_t counter[8], sum[EVP_MAX_MD_SIZE];
	uint64_t step = (uint64_t)when / (uint64_t)t->period, value = 0, mod = 1;
	unsigned n = 0, at = 0;
	int i = 0;

	for (i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (uint8_t)step;
	if (HMAC(md, t->key, (int)t->nkey, counter, sizeof(counter), sum, &n) == NULL || n < 20)
		return err_set(err, ERR_INTERNAL, "cannot compute a one-time password");
	at = sum[n - 1] & 15;	/* RFC 4226 5.3: 31 bits from there */
	value = ((uint64_t)(sum[at] & 0x7f) << 24) | ((uint64_t)sum[at + 1] << 16) |
	    ((uint64_t)sum[at + 2] << 8) | sum[at + 3];
	for (i = 0; i < t->digits; i++)
		mod *= 10;
	snprintf(code, TOTP_CODE_MAX, "%0*llu", t->digits, (unsigned long long)(value % mod));
	hash_wipe(sum, sizeof(sum));
	return RC_OK;
}

void
totp_wipe(struct totp *t)
{
	hash_wipe(t, sizeof(*t));
}
