/* Two lists of words of a name: in what way are they akin? */
#include <stdio.h>
#include <string.h>

#include "check/name.h"

/* Likely: by a rule that is written down. What is only similar is a doubt. */
static const struct {
	enum identity verdict;
	const char *phrase;
} kins[] = {
	[KIN_SAME] = { IDENTITY_MATCH, "" },
	[KIN_ACCENT] = { IDENTITY_LIKELY, "umlaut, accent or variant left out" },
	[KIN_SOUND] = { IDENTITY_LIKELY, "another script, the same by transliteration" },
	[KIN_JOINED] = { IDENTITY_LIKELY, "its parts written as one word" },
	[KIN_ORDER] = { IDENTITY_LIKELY, "its parts in another order" },
	[KIN_PART] = { IDENTITY_LIKELY, "a part of it is missing on one side" },
	[KIN_NEAR] = { IDENTITY_DOUBTFUL, "spelt almost the same" },
	[KIN_CUT] = { IDENTITY_DOUBTFUL, "perhaps cut short on one side" },
	[KIN_LATER] = { IDENTITY_DOUBTFUL, "only a later part agrees" },
	[KIN_INITIAL] = { IDENTITY_DOUBTFUL, "only an initial" },
	[KIN_SHARED] = { IDENTITY_DOUBTFUL, "one part agrees, another differs" },
	[KIN_MISSING] = { IDENTITY_DOUBTFUL, "missing on one side" },
	[KIN_PLACEHOLDER] = { IDENTITY_DOUBTFUL, "a placeholder, not a name" },
	[KIN_OTHER] = { IDENTITY_MISMATCH, "differs" },
};

enum identity
kin_verdict(enum kin k)
{
	return kins[k].verdict;
}

const char *
kin_phrase(enum kin k)
{
	return kins[k].phrase;
}

static void
join(const struct words *w, char *out, size_t cap)
{
	size_t n = 0;

	*out = '\0';
	for (size_t i = 0; i < w->n; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s", w->v[i].written);
}

bool
words_joined_equal(const struct words *a, const struct words *b)
{
	char x[NAME_WORDS_MAX * FOLD_WORD_MAX], y[NAME_WORDS_MAX * FOLD_WORD_MAX];

	join(a, x, sizeof x);
	join(b, y, sizeof y);
	return strcmp(x, y) == 0;
}

static size_t
partners_of(const struct words *a, const struct words *b, enum likeness least)
{
	bool used[NAME_WORDS_MAX] = { false };
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (!used[k] && fold_compare(&a->v[i], &b->v[k]) >= least) {
				used[k] = true;
				n++;
				break;
			}
	return n;
}

/* The first that fits is taken: likeness is not transitive, so both ways are tried. */
size_t
words_partners(const struct words *a, const struct words *b, enum likeness least)
{
	size_t n = partners_of(a, b, least), m = partners_of(b, a, least);

	return n > m ? n : m;
}

/* One letter of an alphabet: 伟 is a whole name. */
static bool
is_initial(const struct word *w)
{
	unsigned char c = (unsigned char)*w->bare;

	return fold_count(w->bare) == 1 && (c < 0x80 ? c >= 'a' && c <= 'z' : c < 0xe0);
}

/* An initial on a side, and nothing that contradicts. */
static bool
initials(const struct words *a, const struct words *b)
{
	bool any = false;

	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const struct word *x = &a->v[i], *y = &b->v[i];
		if (is_initial(x) || is_initial(y)) {
			any = true;
			if (strncmp(x->bare, y->bare, 1) != 0)
				return false;
		} else if (fold_compare(x, y) < WORD_SOUND) {
			return false;
		}
	}
	return any;
}

static bool
only_initials(const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!is_initial(&w->v[i]))
			return false;
	return w->n > 0;
}

static enum kin
in_order(const struct words *a, const struct words *b)
{
	enum likeness worst = WORD_SAME;

	for (size_t i = 0; i < a->n; i++) {
		enum likeness l = fold_compare(&a->v[i], &b->v[i]);
		worst = l < worst ? l : worst;
	}
	return worst == WORD_SAME    ? KIN_SAME
	    : worst == WORD_ACCENT ? KIN_ACCENT
	    : worst == WORD_SOUND  ? KIN_SOUND
				   : KIN_OTHER;
}

static enum kin
compare_whole_words(const struct words *a, const struct words *b)
{
	size_t less = a->n < b->n ? a->n : b->n, k = 0;
	enum kin kin = KIN_OTHER;

	if (less == 0)
		return a->n == b->n ? KIN_SAME : KIN_MISSING;
	if (a->n == b->n && (kin = in_order(a, b)) != KIN_OTHER)
		return only_initials(a) ? KIN_INITIAL : kin; /* Jan and Jana are both J. */
	if (words_joined_equal(a, b))
		return KIN_JOINED;
	k = words_partners(a, b, WORD_SOUND);
	if (k == a->n && k == b->n)
		return KIN_ORDER;
	if (k == less)
		return fold_compare(&a->v[0], &b->v[0]) >= WORD_SOUND ? KIN_PART : KIN_LATER;
	if (initials(a, b))
		return KIN_INITIAL;
	if (words_partners(a, b, WORD_NEAR) == less)
		return KIN_NEAR;
	if (words_partners(a, b, WORD_CUT) == less)
		return KIN_CUT;
	return k > 0 ? KIN_SHARED : KIN_OTHER;
}

/* What was cut off cannot be proved the same. */
enum kin
words_compare(const struct words *a, const struct words *b)
{
	enum kin k = compare_whole_words(a, b);

	return (a->cut || b->cut) && k < KIN_NEAR ? KIN_NEAR : k;
}

/* Given names of which one is Baby or Twin: they name nobody, but Twin 1 is not Twin 2. */
enum kin
words_compare_newborn(const struct words *a, const struct words *b)
{
	return a->n == b->n && a->n > 1 && words_compare(a, b) > KIN_PART &&
		words_partners(a, b, WORD_SAME) == a->n - 1
	    ? KIN_OTHER
	    : KIN_PLACEHOLDER;
}
