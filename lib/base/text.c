#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_copyn(char *to, size_t cap, const char *from, size_t len)
{
	size_t n = len < cap ? len : cap - 1;

	memmove(to, from, n);
	to[n] = '\0';
	return n == len;
}

bool text_copy(char *to, size_t cap, const char *from)
{
	return text_copyn(to, cap, from, strlen(from));
}

/* Length of the well-formed UTF-8 sequence at p (Unicode table 3-7), 0 if none; its code point. */
static size_t utf8_one(const unsigned char *p, size_t n, uint32_t *cp)
{
	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	uint32_t c = p[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return len;
}

bool text_utf8_valid(const char *s, size_t n)
{
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_one((const unsigned char *)s + i, n - i, &cp);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

static bool printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff)
		return false;
	/* marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX 9) */
	return !(c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069));
}

char *text_escape(char *to, size_t cap, const char *from, size_t len)
{
	static const char more[] = "\xe2\x80\xa6";	/* … */
	size_t o = 0, keep = 0;

	if (cap == 0)
		return to;
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = utf8_one((const unsigned char *)from + i, len - i, &cp);
		char one[5];
		const char *add = from + i;
		size_t nadd = n;

		if (!n || !printable(cp)) {
			snprintf(one, sizeof(one), "\\x%02x", (unsigned char)from[i]);
			add = one;
			nadd = 4;
			n = 1;
		}
		if (o + nadd + 1 > cap) {
			o = keep;
			if (o + sizeof(more) <= cap) {
				memcpy(to + o, more, sizeof(more) - 1);
				o += sizeof(more) - 1;
			}
			break;
		}
		memcpy(to + o, add, nadd);
		o += nadd;
		if (o + sizeof(more) <= cap)
			keep = o;	/* up to here there is room for the mark */
		i += n;
	}
	to[o] = '\0';
	return to;
}

/* Printable, and yet nothing to be seen: two names that differ in it look the same. */
static bool invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x115f || c == 0x1160 || c == 0x180e || (c >= 0x200b && c <= 0x200d) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xffa0 ||
	    (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

int text_html(struct buf *b, const char *from, size_t len, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; i < len && !rc;) {
		uint32_t cp = 0;
		size_t n = utf8_one((const unsigned char *)from + i, len - i, &cp);

		if (!n)
			rc = buf_printf(b, err, "\\x%02x", (unsigned char)from[i]);
		else if (!printable(cp) || invisible(cp))
			rc = buf_printf(b, err, "\\u{%02x}", (unsigned)cp);
		else if (cp == '<' || cp == '>' || cp == '&' || cp == '"' || cp == '\'')
			rc = buf_printf(b, err, "&#%u;", (unsigned)cp);
		else
			rc = buf_add(b, from + i, n, err);
		i += n ? n : 1;
	}
	return rc;
}

bool text_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		uint64_t d = (uint64_t)(*s - '0');
		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool text_is_uid(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n > 64)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool begins = i == 0 || s[i - 1] == '.';
		if (s[i] == '.') {
			if (begins || i + 1 == n)
				return false;
		} else if (s[i] < '0' || s[i] > '9') {
			return false;
		} else if (begins && s[i] == '0' && i + 1 < n && s[i + 1] != '.') {
			return false;
		}
	}
	return true;
}

bool text_is_link(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char scheme[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";	/* RFC 3986, 3.1 */
	static const char *const known[] = { "http:", "https:", "shlink:", "mailto:" };
	size_t n = 0;

	if (strstr(s, "://"))
		return true;
	s += strspn(s, " \t");
	if (*s && strchr(letters, *s))
		n = strspn(s, scheme);
	if (n < 2 || s[n] != ':')
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == n + 1 && strncasecmp(s, known[i], n + 1) == 0)
			return s[n + 1] != '\0';
	return s[n + 1] == '/';
}

void text_trim(char *s)
{
	size_t n = strlen(s), b = 0;

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r' || s[n - 1] == '\n'))
		n--;
	while (b < n && (s[b] == ' ' || s[b] == '\t' || s[b] == '\r' || s[b] == '\n'))
		b++;
	memmove(s, s + b, n - b);
	s[n - b] = '\0';
}

bool text_given(const char *s)
{
	return s != NULL && *s != '\0';
}

bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void text_hex(const void *data, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[p[i] >> 4];
		to[2 * i + 1] = digits[p[i] & 15];
	}
	to[2 * n] = '\0';
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_unhex(const char *s, void *to, size_t n)
{
	unsigned char *p = to;

	if (strlen(s) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int a = nibble(s[2 * i]), b = nibble(s[2 * i + 1]);
		if (a < 0 || b < 0)
			return false;
		p[i] = (unsigned char)(a << 4 | b);
	}
	return true;
}

/* Levenshtein distance of short words; SIZE_MAX where one is too long to be a typing error. */
static size_t distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t row[MAX + 1], na = strlen(a), nb = strlen(b);

	if (na > MAX || nb > MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[nb];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	size_t least = 4;	/* three letters wrong is still a typing error */

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);
		if (d < least && d < strlen(candidates[i])) {
			least = d;
			best = candidates[i];
		}
	}
	return best;
}

char *text_dup(const char *s, struct err *err)
{
	char *copy = strdup(s);

	if (!copy)
		err_set(err, ERR_TEMP, "no memory");
	return copy;
}
