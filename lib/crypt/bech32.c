#include "crypt/bech32.h"

#include <string.h>

#include "base/hash.h"

enum {
	GROUPS = 52,		/* 256 bits in groups of 5, the last padded */
	CHECK = 6,
	HRP_MAX = 20
};

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t step(uint32_t sum, uint8_t value)
{
	static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (int i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

static uint32_t checksum(const char *hrp, const uint8_t *values, size_t n)
{
	uint32_t sum = 1;

	for (const char *p = hrp; *p; p++)
		sum = step(sum, (uint8_t)*p >> 5);
	sum = step(sum, 0);
	for (const char *p = hrp; *p; p++)
		sum = step(sum, (uint8_t)*p & 31);
	for (size_t i = 0; i < n; i++)
		sum = step(sum, values[i]);
	return sum;
}

void bech32_encode(const char *hrp, const uint8_t data[32], char *out)
{
	uint8_t values[GROUPS + CHECK] = { 0 };

	for (unsigned bit = 0; bit < 256; bit++)
		if (data[bit / 8] >> (7 - bit % 8) & 1)
			values[bit / 5] |= (uint8_t)(16 >> bit % 5);
	uint32_t sum = checksum(hrp, values, sizeof(values)) ^ 1;
	for (int i = 0; i < CHECK; i++)
		values[GROUPS + i] = sum >> 5 * (5 - i) & 31;

	size_t n = strlen(hrp);
	memcpy(out, hrp, n);
	out[n++] = '1';
	for (size_t i = 0; i < sizeof(values); i++)
		out[n++] = charset[values[i]];
	out[n] = '\0';
	hash_wipe(values, sizeof(values));
}

bool bech32_decode(const char *hrp, const char *text, uint8_t data[32])
{
	size_t n = strlen(hrp);
	uint8_t values[GROUPS + CHECK] = { 0 };
	bool upper = false, lower = false, ok = false;

	if (n > HRP_MAX || strlen(text) != n + 1 + sizeof(values))
		return false;
	for (size_t i = 0; i < n + 1 + sizeof(values); i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z') {
			upper = true;
			c = (char)(c - 'A' + 'a');
		} else if (c >= 'a' && c <= 'z') {
			lower = true;
		}
		if (i <= n) {
			if (c != (i < n ? hrp[i] : '1'))
				goto out;
			continue;
		}
		const char *at = c ? strchr(charset, c) : NULL;
		if (!at)
			goto out;
		values[i - n - 1] = (uint8_t)(at - charset);
	}
	/* 52 groups hold 260 bits: the last four are padding */
	if ((upper && lower) || checksum(hrp, values, sizeof(values)) != 1 || values[GROUPS - 1] & 15)
		goto out;
	memset(data, 0, 32);
	for (unsigned bit = 0; bit < 256; bit++)
		if (values[bit / 5] & 16 >> bit % 5)
			data[bit / 8] |= (uint8_t)(128 >> bit % 8);
	ok = true;
out:
	hash_wipe(values, sizeof(values));
	return ok;
}
