#include "check/fold.h"

#include <string.h>

#define DIAERESIS 0x0308

uint32_t
fold_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t c = p[0];
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;

	if (c >= 0xf5)
		more = 0;
	if (more > 0)
		c &= 0x3fu >> more;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*s += 1;
			return p[0];
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	*s += more + 1;
	return c;
}

bool
fold_is_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == 0xa0 || c == 0x3000;
}

bool
fold_is_joint(uint32_t c)
{
	return c == '-' || c == '.' || c == '/' || (c >= 0x2010 && c <= 0x2015) || c == 0xb7;
}

/* Latin-1 and Latin Extended-A without their accents, in two spellings. */
static const struct {
	uint32_t c;
	const char *written, *bare;
} table[] = {
	{ 0xe4, "ae", "a" },
	{ 0xf6, "oe", "o" },
	{ 0xfc, "ue", "u" },
	{ 0xdf, "ss", "ss" },
	{ 0x1e9e, "ss", "ss" },
	{ 0xe5, "aa", "a" },
	{ 0xe6, "ae", "a" },
	{ 0xf8, "oe", "o" },
	{ 0x153, "oe", "o" },
	{ 0xf0, "d", "d" },
	{ 0xfe, "th", "th" },
	{ 0x111, "d", "d" },
	{ 0x142, "l", "l" },
	{ 0x131, "i", "i" },
	{ 0x17f, "s", "s" },
};

/* Base letters of U+00E0–U+00FF; '.': in the table, or no letter with an accent. */
static const char latin1[] = "aaaa...ceeeeiiii.nooooo..uuu.y.y";

/* Latin Extended-A: the last character of each run with one base letter. */
static const struct {
	uint32_t last;
	char base;
} extended[] = { { 0x105, 'a' }, { 0x10d, 'c' }, { 0x111, 'd' }, { 0x11b, 'e' }, { 0x123, 'g' },
	{ 0x127, 'h' }, { 0x131, 'i' }, { 0x135, 'j' }, { 0x138, 'k' }, { 0x142, 'l' }, { 0x14b, 'n' },
	{ 0x153, 'o' }, { 0x159, 'r' }, { 0x161, 's' }, { 0x167, 't' }, { 0x173, 'u' }, { 0x175, 'w' },
	{ 0x178, 'y' }, { 0x17e, 'z' } };

/* Lower case of the scripts that have it and occur in names here: Latin, Greek, Cyrillic. */
static uint32_t
lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
		return c + 0x20;
	if (c == 0x152)
		return 0x153;
	if (c == 0x178)
		return 0xff;
	if (c == 0x110 || c == 0x141)
		return c + 1;
	if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	if (c >= 0xff21 && c <= 0xff3a) /* full width */
		return c - 0xff21 + 'a';
	if (c >= 0xff41 && c <= 0xff5a)
		return c - 0xff41 + 'a';
	return c;
}

static bool
append(char *to, const char *s, size_t n)
{
	size_t len = strlen(to);

	if (len + n >= FOLD_WORD_MAX)
		return false;
	memcpy(to + len, s, n);
	to[len + n] = '\0';
	return true;
}

static void
append_both(struct word *w, const char *written, const char *bare)
{
	if (!append(w->written, written, strlen(written)) || !append(w->bare, bare, strlen(bare)))
		w->cut = true;
}

static void
append_char(struct word *w, uint32_t c)
{
	char b[5] = "";

	if (c < 0x80)
		b[0] = (char)c;
	else if (c < 0x800) {
		b[0] = (char)(0xc0 | c >> 6);
		b[1] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		b[0] = (char)(0xe0 | c >> 12);
		b[1] = (char)(0x80 | (c >> 6 & 0x3f));
		b[2] = (char)(0x80 | (c & 0x3f));
	} else {
		b[0] = (char)(0xf0 | c >> 18);
		b[1] = (char)(0x80 | (c >> 12 & 0x3f));
		b[2] = (char)(0x80 | (c >> 6 & 0x3f));
		b[3] = (char)(0x80 | (c & 0x3f));
	}
	append_both(w, b, b);
}

void
fold_add(struct word *w, uint32_t c)
{
	if (c == '\'' || c == '`' || c == 0xb4 || c == 0x2018 || c == 0x2019)
		return;
	if (c >= 0x300 && c <= 0x36f) { /* combining, as macOS writes them */
		size_t n = strlen(w->written);
		if (c == DIAERESIS && n > 0 && strchr("aou", w->written[n - 1]) != NULL)
			w->cut = !append(w->written, "e", 1) || w->cut;
		return;
	}
	c = lower(c);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].c == c) {
			append_both(w, table[i].written, table[i].bare);
			return;
		}
	char base = '.';
	if (c >= 0xe0 && c <= 0xff)
		base = latin1[c - 0xe0];
	else if (c >= 0x100 && c <= 0x17e) {
		size_t k = 0;
		while (c > extended[k].last)
			k++;
		base = extended[k].base;
	}
	append_char(w, base == '.' ? c : (uint32_t)(unsigned char)base);
}

/* Letters to change, add, drop or swap with the neighbour (optimal string alignment). */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned short row[3][FOLD_WORD_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned short)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned short *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
		now[0] = (unsigned short)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1u < best)
				best = up[j] + 1u;
			if (now[j - 1] + 1u < best)
				best = now[j - 1] + 1u;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1u < best)
				best = up2[j - 2] + 1u;
			now[j] = (unsigned short)best;
		}
	}
	return row[n % 3][m];
}

enum likeness
fold_compare(const struct word *a, const struct word *b)
{
	size_t n = strlen(a->bare), d = 0;

	if (a->cut || b->cut)
		return strcmp(a->bare, b->bare) == 0 ? WORD_NEAR : WORD_OTHER;
	if (strcmp(a->written, b->written) == 0)
		return WORD_SAME;
	if (strcmp(a->written, b->bare) == 0 || strcmp(a->bare, b->written) == 0 ||
	    strcmp(a->bare, b->bare) == 0)
		return WORD_ACCENT;
	if (strlen(b->bare) < n)
		n = strlen(b->bare);
	d = distance(a->bare, b->bare);
	return n >= 3 && d <= (n >= 7 ? 2 : 1) ? WORD_NEAR : WORD_OTHER;
}
