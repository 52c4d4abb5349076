#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "source/disposition.h"

#define RAW_MAX	1024	/* of a header's value */

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Value of the parameter, as it stands between its quotes. False: it is not there. */
static bool
parameter(const char *h, const char *name, char out[RAW_MAX])
{
	const char *p = h + strcspn(h, ";");
	size_t n = 0, len = 0;
	bool quoted = false, ours = false;

	while (*p == ';') {
		p += 1 + strspn(p + 1, " \t");
		len = strcspn(p, "=; \t");
		ours = len == strlen(name) && strncasecmp(p, name, len) == 0;
		p += len;
		p += strspn(p, " \t");
		if (*p != '=') {
			p += strcspn(p, ";");
			continue;
		}
		p += 1 + strspn(p + 1, " \t");
		quoted = *p == '"';
		for (n = 0, p += quoted; *p != '\0' && (quoted ? *p != '"' : *p != ';'); p++) {
			if (quoted && *p == '\\' && p[1] != '\0')
				p++;
			if (n + 1 < RAW_MAX)
				out[n++] = *p;
		}
		while (!quoted && n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
			n--;
		out[n] = '\0';
		if (ours)
			return true;
		p += strcspn(p, ";");
	}
	return false;
}

static void
latin1(char *s, size_t cap)	/* to UTF-8, in place where it fits */
{
	char out[2 * RAW_MAX + 1];
	size_t i = 0, n = 0;

	for (i = 0; s[i] != '\0'; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x80)
			out[n++] = (char)(0xc0 | c >> 6);
		out[n++] = (char)(c < 0x80 ? c : (0x80 | (c & 0x3f)));
	}
	out[n] = '\0';
	(void)text_copy(s, cap, out);
}

/* charset'language'value (RFC 8187 3.2) in place; false where it is no such thing. */
static bool
extended(char *s, size_t cap)
{
	char *p = strchr(s, '\''), *to = s;
	bool utf8 = strncasecmp(s, "UTF-8'", 6) == 0, latin = strncasecmp(s, "ISO-8859-1'", 11) == 0;

	if (p == NULL || (p = strchr(p + 1, '\'')) == NULL || (!utf8 && !latin))
		return false;
	for (p++; *p != '\0'; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		if (digit(p[1]) < 0 || digit(p[2]) < 0)
			return false;
		*to = (char)(digit(p[1]) << 4 | digit(p[2]));
		if (*to++ == '\0')
			return false;
		p += 2;
	}
	*to = '\0';
	if (latin)
		latin1(s, cap);
	return text_utf8_valid(s, strlen(s));
}

/* What stands behind the last slash of either kind, without control characters (C1 too), cut between characters. */
static void
clean(const char *s, char out[LABEL_MAX])
{
	const char *p = NULL;
	size_t n = 0, len = 0;

	for (p = s; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			s = p + 1;
	for (; *s != '\0'; s += len) {
		unsigned char c = (unsigned char)*s;

		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
			continue;
		if (n + len >= LABEL_MAX)
			break;
		memcpy(out + n, s, len);
		n += len;
	}
	out[n] = '\0';
	text_trim(out);
	if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0)
		out[0] = '\0';
}

bool
disposition_label(const char *header, char out[LABEL_MAX])
{
	char raw[RAW_MAX];

	out[0] = '\0';
	if (parameter(header, "filename*", raw) && extended(raw, sizeof(raw)))
		clean(raw, out);
	if (out[0] == '\0' && parameter(header, "filename", raw)) {
		if (!text_utf8_valid(raw, strlen(raw)))
			latin1(raw, sizeof(raw));
		if (text_utf8_valid(raw, strlen(raw)))
			clean(raw, out);
	}
	return out[0] != '\0';
}
