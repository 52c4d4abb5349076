#include <stdint.h>
#include <string.h>
#include "base/base64.h"

static int
value_of(enum base64_form form, unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (form == BASE64_URL ? '-' : '+'))
		return 62;
	return c == (form == BASE64_URL ? '_' : '/') ? 63 : -1;
}

bool
base64_decode(enum base64_form form, const char *s, size_t n, void *to, size_t *len)
{
	unsigned char *out = to;
	uint32_t bits = 0;
	size_t i = 0, digits = 0, pad = 0, at = 0;
	int v = 0;

	*len = 0;
	for (i = 0; i < n; i++) {
		if (form == BASE64_MIME && s[i] != '\0' && strchr(" \t\r\n", s[i]) != NULL)
			continue;
		if (s[i] == '=') {
			pad++;
			continue;
		}
		if (pad > 0 || (v = value_of(form, (unsigned char)s[i])) < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (++digits % 4 == 0) {
			out[at++] = (unsigned char)(bits >> 16);
			out[at++] = (unsigned char)(bits >> 8);
			out[at++] = (unsigned char)bits;
			bits = 0;
		}
	}
	if (digits % 4 == 1 || pad > 2 || (pad > 0 && (digits + pad) % 4 != 0) ||
	    (form == BASE64_MIME && (digits + pad) % 4 != 0))
		return false;
	if (digits % 4 == 2) {
		if ((bits & 0xf) != 0)
			return false;
		out[at++] = (unsigned char)(bits >> 4);
	} else if (digits % 4 == 3) {
		if ((bits & 0x3) != 0)
			return false;
		out[at++] = (unsigned char)(bits >> 10);
		out[at++] = (unsigned char)(bits >> 2);
	}
	*len = at;
	return true;
}

int base64_encode(struct buf *b, const void *bytes, size_t n, struct err *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = bytes;
	int rc = buf_grow(b, (n + 2) / 3 * 4 + 1, err);

	if (!rc)
		b->data[b->len] = '\0';	/* of no bytes, too */
	for (size_t i = 0; i < n && !rc; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		char four[4] = { letters[v >> 18], letters[v >> 12 & 63], i + 1 < n ? letters[v >> 6 & 63] : '=',
			i + 2 < n ? letters[v & 63] : '=' };

		rc = buf_add(b, four, sizeof(four), err);
	}
	return rc;
}
