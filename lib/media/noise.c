#include "media/noise.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/bytes.h"

#define ICONS_MAX	64
#define FORKS_MAX	64
#define FORK_DATA	1	/* AppleSingle and AppleDouble (RFC 1740 A): the bytes of the file itself */

/* --- by magic ------------------------------------------------------------------------------- */

/* What a Macintosh writes beside a file; one that holds the file's own bytes is none. */
static bool apple_double(const uint8_t *p, size_t n)
{
	static const uint8_t magic[] = { 0, 5, 22, 7, 0, 2, 0, 0 };
	size_t forks = n >= 26 ? get_be16(p + 24) : 0;

	if (n < 26 || memcmp(p, magic, sizeof magic) != 0 || !forks || forks > FORKS_MAX || n < 26 + 12 * forks)
		return false;
	for (size_t i = 0; i < forks; i++)
		if (get_be32(p + 26 + 12 * i) == FORK_DATA)
			return false;
	return true;
}

/* An icon: a directory whose pictures lie in the file. */
static bool icon(const uint8_t *p, size_t n, uint64_t size)
{
	size_t count = n >= 6 ? get_le16(p + 4) : 0;

	if (n < 6 || get_le16(p) != 0 || get_le16(p + 2) != 1 || !count || count > ICONS_MAX || n < 6 + 16 * count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *e = p + 6 + 16 * i;
		uint64_t bytes = get_le32(e + 8), off = get_le32(e + 12);

		if (e[3] != 0 || get_le16(e + 4) > 1 || get_le16(e + 6) > 32 || !bytes || off < 6 + 16 * count || off + bytes > size)
			return false;
	}
	return true;
}

static bool shortcut(const uint8_t *p, size_t n)
{
	static const uint8_t magic[] = { 0x4c, 0, 0, 0, 1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46 };

	return n >= sizeof magic && memcmp(p, magic, sizeof magic) == 0;
}

/* --- thumbnails: a compound file whose streams are a catalogue and pictures by number ([MS-CFB] 2.2, 2.6) -- */

#define ENTRY	128

/* "Catalog", "12", "256_0a1b2c3d4e5f" */
static bool thumbnail_name(const uint8_t *e)
{
	size_t bytes = get_le16(e + 64), n = bytes / 2;
	char name[33];

	if (bytes < 4 || bytes > 64 || bytes % 2)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (e[2 * i + 1] != 0)
			return false;
		name[i] = (char)e[2 * i];
	}
	if (name[n - 1] != '\0')
		return false;
	if (!strcmp(name, "Catalog"))
		return true;
	n = strspn(name, "0123456789");
	return n > 0 && (name[n] == '\0' || (name[n] == '_' && name[n + 1] != '\0' &&
	    name[n + 1 + strspn(name + n + 1, "0123456789abcdefABCDEF")] == '\0'));
}

static int thumbnails(struct stream *s, const uint8_t *p, size_t n, bool *is, struct err *err)
{
	static const uint8_t magic[] = { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1 };
	uint8_t dir[4096];
	unsigned shift = n >= 52 ? get_le16(p + 30) : 0, good = 0;
	uint64_t off = 0;
	int rc = RC_OK;

	*is = false;
	if (n < 52 || memcmp(p, magic, sizeof magic) != 0 || (shift != 9 && shift != 12))
		return RC_OK;
	off = ((uint64_t)get_le32(p + 48) + 1) << shift;
	if (off + ((uint64_t)1 << shift) > s->size)
		return RC_OK;
	rc = stream_read_full(s, off, dir, (size_t)1 << shift, err);
	if (rc != RC_OK || dir[66] != 5)
		return rc;
	for (size_t i = ENTRY; i < (size_t)1 << shift; i += ENTRY) {
		if (dir[i + 66] == 0)
			continue;
		if (dir[i + 66] != 2 || !thumbnail_name(dir + i))
			return RC_OK;
		good++;
	}
	*is = good > 0;
	return RC_OK;
}

/* --- texts ---------------------------------------------------------------------------------- */

/* UTF-16 as Notepad writes it becomes bytes; what is no Latin letter becomes one that no rule knows. */
static size_t narrow(char *p, size_t n)
{
	size_t to = 0;

	for (size_t i = 2; i + 1 < n; i += 2)
		p[to++] = p[i + 1] == 0 ? p[i] : '\x7f';
	return to;
}

/* The next line, without blanks around it. */
static bool line(const char **p, const char *end, const char **from, size_t *len)
{
	const char *nl = NULL;

	if (*p >= end)
		return false;
	nl = memchr(*p, '\n', (size_t)(end - *p));
	*from = *p;
	*len = (size_t)((nl ? nl : end) - *p);
	*p = nl ? nl + 1 : end;
	while (*len && strchr(" \t\r", (*from)[*len - 1]) && (*from)[*len - 1] != '\0')
		--*len;
	while (*len && (**from == ' ' || **from == '\t'))
		++*from, --*len;
	return true;
}

static bool starts(const char *p, size_t n, const char *what)
{
	size_t len = strlen(what);

	return n >= len && strncasecmp(p, what, len) == 0;
}

/* Settings of the desktop and of what starts by itself: known sections, "key=value", and nothing else. */
#define VIEW	"settings of a folder's view (desktop.ini)"
#define START	"what starts by itself (autorun.inf)"

static const char *settings(const char *p, size_t n)
{
	static const struct { const char *section, *what; } known[] = {
		{ "[.ShellClassInfo", VIEW }, { "[ViewState]", VIEW }, { "[LocalizedFileNames]", VIEW }, { "[autorun", START },
		{ "[Content]", NULL }, { "[DeviceInstall]", NULL },	/* never the first: the words are anybody's */
	};
	const char *end = p + n, *s = NULL, *what = NULL;
	size_t len = 0;

	while (line(&p, end, &s, &len)) {
		const char *mine = what;
		bool found = false;

		if (!len || *s == ';')
			continue;
		if (*s != '[') {
			if (!what || !memchr(s, '=', len))
				return NULL;
			continue;
		}
		for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
			if ((found = starts(s, len, known[i].section) && s[len - 1] == ']'))
				mine = what ? what : known[i].what;
		if (!found || !mine)
			return NULL;
		what = mine;
	}
	return what;
}

/* Lines of "sum  name" or "SHA256 (name) = sum", and nothing else. */
static bool checksums(const char *p, size_t n)
{
	static const size_t lengths[] = { 32, 40, 56, 64, 96, 128 };
	const char *end = p + n, *s = NULL;
	size_t len = 0, sums = 0;

	while (line(&p, end, &s, &len)) {
		const char *eq = len ? memmem(s, len, ") = ", 4) : NULL;
		size_t hex = 0;
		bool good = false;

		if (!len)
			continue;
		if (eq && (starts(s, len, "MD5 (") || starts(s, len, "SHA"))) {
			len -= (size_t)(eq + 4 - s);
			s = eq + 4;
		} else {
			eq = NULL;
		}
		while (hex < len && ((s[hex] >= '0' && s[hex] <= '9') || ((s[hex] | 32) >= 'a' && (s[hex] | 32) <= 'f')))
			hex++;
		for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
			good |= hex == lengths[i];
		if (!good || (eq ? hex != len : hex >= len || (s[hex] != ' ' && s[hex] != '\t')))
			return false;
		sums++;
	}
	return sums > 0;
}

static const char *of_text(char *p, size_t n)
{
	const char *what = NULL;

	if (n >= 2 && !memcmp(p, "\xff\xfe", 2)) {
		n = narrow(p, n);
	} else if (n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) {
		p += 3;
		n -= 3;
	}
	if (starts(p, n, "#!/") || starts(p, n, "#! /") || starts(p, n, "@echo "))
		return "a script";
	if ((what = settings(p, n)))
		return what;
	return checksums(p, n) ? "a list of checksums" : NULL;
}

int noise_find(struct stream *s, enum media m, const char **what, struct err *err)
{
	struct buf text = BUF_INIT(NOISE_TEXT_MAX);
	uint8_t head[6 + 16 * ICONS_MAX];
	bool thumbs = false;
	size_t n = 0;
	int rc = RC_OK;

	*what = NULL;
	if (m != MEDIA_UNKNOWN && m != MEDIA_TEXT)
		return RC_OK;
	rc = stream_read(s, 0, head, sizeof head, &n, err);
	if (rc == RC_OK && s->size <= NOISE_TEXT_MAX && (m == MEDIA_TEXT || (n >= 2 && !memcmp(head, "\xff\xfe", 2)))) {
		rc = stream_slurp(s, &text, err);
		if (rc == RC_OK)
			*what = of_text(text.data, text.len);
		buf_wipe(&text);
	}
	if (rc != RC_OK || *what || m == MEDIA_TEXT)
		return rc;
	if (apple_double(head, n))
		*what = "a Macintosh's attributes of a file (AppleDouble)";
	else if (n >= 8 && !memcmp(head, "\0\0\0\1Bud1", 8))
		*what = "settings of a folder's view (.DS_Store)";
	else if (icon(head, n, s->size))
		*what = "an icon";
	else if (shortcut(head, n))
		*what = "a shortcut";
	else
		rc = thumbnails(s, head, n, &thumbs, err);
	if (thumbs)
		*what = "a folder's thumbnails (Thumbs.db)";
	return rc;
}
