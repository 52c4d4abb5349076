#include "check/fold.h"

#include <string.h>

#include "check/letter.h"
#include "check/translit.h"

#define DIAERESIS 0x0308
#define LETTERS_MAX FOLD_WORD_MAX
#define PREFIX_MIN 3 /* letters: Max, Alex */
#define TWO_LETTERS_MIN 6 /* letters of a word of which two may differ: Stefan, Stephan */

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
	return c == ' ' || c == '\t' || c == '_' || c == '(' || c == ')' || c == '[' || c == ']' ||
	    c == ',' || c == ';' || c == ':' || c == 0xa0 || c == 0x3000;
}

bool
fold_is_joint(uint32_t c)
{
	return c == '-' || c == '.' || c == '/' || c == '<' || (c >= 0x2010 && c <= 0x2015) ||
	    c == 0xb7 || c == 0x30fb;
}

/* Apostrophes of all kinds, and signs that stand for a letter or for nothing. */
static bool
vanishes(uint32_t c)
{
	return c == '\'' || c == '`' || c == 0xb4 || c == 0x2018 || c == 0x2019 || c == 0x2bc ||
	    c == '"' || c == '?' || c == '*' || c == '#' || c == '+' || c == 0xfffd;
}

static bool
append(char *to, const char *s)
{
	size_t len = strlen(to), n = strlen(s);

	if (len + n >= FOLD_WORD_MAX)
		return false;
	memcpy(to + len, s, n + 1);
	return true;
}

/* A mark that makes another letter of the one before it, in both spellings. */
static void
combine(char *word, uint32_t mark)
{
	size_t n = strlen(word);
	char b[5] = "";
	uint32_t c = 0;

	while (n > 0 && ((unsigned char)word[n - 1] & 0xc0) == 0x80)
		n--;
	if (n == 0)
		return;
	const char *last = word + n - 1;
	c = letter_combine(fold_next(&last), mark);
	if (c == 0 || letter_encode(c, b) != (int)strlen(word + n - 1))
		return;
	memcpy(word + n - 1, b, strlen(b));
}

void
fold_add(struct word *w, uint32_t c)
{
	struct letter l = { "", "" };

	if (vanishes(c))
		return;
	if (letter_is_mark(c)) { /* combining, as macOS writes them */
		size_t n = strlen(w->written);
		if (c == DIAERESIS && n > 0 && strchr("aou", w->written[n - 1]) != NULL)
			w->cut = !append(w->written, "e") || w->cut;
		combine(w->written, c);
		combine(w->bare, c);
		return;
	}
	letter_fold(c, &l);
	if (!append(w->written, l.written) || !append(w->bare, l.bare))
		w->cut = true;
}

static size_t
decode(const char *s, uint32_t out[LETTERS_MAX])
{
	size_t n = 0;

	while (*s != '\0' && n < LETTERS_MAX)
		out[n++] = fold_next(&s);
	return n;
}

size_t
fold_count(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; fold_next(&s))
		n++;
	return n;
}

/* Letters to change, add, drop or swap with the neighbour (optimal string alignment). */
static size_t
distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	unsigned short row[3][LETTERS_MAX + 1];

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

static enum likeness
spelling(const char *a, const char *b)
{
	uint32_t x[LETTERS_MAX], y[LETTERS_MAX];
	size_t n = decode(a, x), m = decode(b, y), less = n < m ? n : m;

	if (less < PREFIX_MIN)
		return WORD_OTHER;
	if (distance(x, n, y, m) <= (less >= TWO_LETTERS_MIN ? 2 : 1))
		return WORD_NEAR;
	return memcmp(x, y, less * sizeof *x) == 0 ? WORD_CUT : WORD_OTHER;
}

/* Of a word in Cyrillic, Greek or kana against one in Latin letters. */
static enum likeness
sound(const struct word *native, const struct word *latin)
{
	char usual[FOLD_WORD_MAX];

	if (translit_fits(native->bare, latin->written) || translit_fits(native->bare, latin->bare))
		return WORD_SOUND;
	return translit_usual(native->bare, usual, sizeof usual) ? spelling(usual, latin->bare)
								 : WORD_OTHER;
}

enum likeness
fold_compare(const struct word *a, const struct word *b)
{
	enum script x = script_of(a->bare), y = script_of(b->bare);

	if (a->cut || b->cut)
		return strcmp(a->bare, b->bare) == 0 ? WORD_NEAR : WORD_OTHER;
	if (strcmp(a->written, b->written) == 0)
		return WORD_SAME;
	if (x != y && y == SCRIPT_LATIN)
		return sound(a, b);
	if (x != y && x == SCRIPT_LATIN)
		return sound(b, a);
	if (strcmp(a->written, b->bare) == 0 || strcmp(a->bare, b->written) == 0 ||
	    strcmp(a->bare, b->bare) == 0)
		return WORD_ACCENT;
	return spelling(a->bare, b->bare);
}
