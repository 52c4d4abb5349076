/*
 * Names of persons, component by component (PS3.5 6.2 PN; portals write
 * "Family,Given" and worse).
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/fold.h"
#include "check/patient.h"

#define WORDS_MAX 12 /* of one component: Portuguese names have 8 */
#define GROUPS 3 /* alphabetic, ideographic, phonetic: PS3.5 6.2.1 */
#define PARTS 5 /* family, given, middle, prefix, suffix */

struct words {
	struct word v[WORDS_MAX];
	size_t n;
	bool cut; /* there were more, or longer ones */
};

struct name {
	struct words family, given, particles;
	bool free; /* one string without a sign where the family name ends: all in family */
};

static const char *const titles[] = { "dr", "prof", "professor", "professorin", "med", "dent", "vet",
	"phil", "nat", "rer", "jur", "hc", "habil", "dipl", "ing", "mag", "msc", "bsc", "ma", "ba", "mba",
	"phd", "md", "herr", "hr", "frau", "fr", "mr", "mrs", "ms", "priv", "doz", "pd" };
static const char *const particles[] = { "von", "vom", "v", "zu", "zum", "zur", "van", "der", "den",
	"ter", "ten", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "el", "al", "bin", "ibn",
	"freiherr", "frhr", "freifrau", "freiin", "graf", "graefin", "baron", "baronin", "baronesse",
	"prinz", "prinzessin", "ritter", "edler", "edle" };

static bool
is_one_of(const struct word *w, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(w->written, list[i]) == 0)
			return true;
	return false;
}

enum sort {
	WORD_NAME,
	WORD_TITLE,
	WORD_PARTICLE
};

static enum sort
sort_of(const struct word *w, bool after)
{
	if (is_one_of(w, titles, sizeof titles / sizeof *titles))
		return WORD_TITLE;
	/* "V." after a given name is an initial, in "Jörg v. Stein" it stands before a name */
	if (strcmp(w->written, "v") == 0 && !after)
		return WORD_NAME;
	return is_one_of(w, particles, sizeof particles / sizeof *particles) ? WORD_PARTICLE : WORD_NAME;
}

static void
push(struct words *to, const struct word *w)
{
	to->cut = to->cut || to->n == WORDS_MAX || w->cut;
	if (to->n < WORDS_MAX)
		to->v[to->n++] = *w;
}

static void
split(const char *s, const char *end, struct words *out)
{
	struct word w = { "", "", false };

	while (s < end) {
		uint32_t c = fold_next(&s);
		if (!fold_is_space(c) && !fold_is_joint(c)) {
			fold_add(&w, c);
			continue;
		}
		if (*w.written != '\0')
			push(out, &w);
		memset(&w, 0, sizeof w);
	}
	if (*w.written != '\0')
		push(out, &w);
}

/* Words of s to `to`, particles aside, titles dropped. A component that has
 * nothing else is a name after all (Graf^Anna, Herr^Otto). */
static void
add_component(struct name *n, struct words *to, const char *s, const char *end)
{
	struct words all = { .n = 0, .cut = false };
	size_t names = 0;

	split(s, end, &all);
	for (size_t i = 0; i < all.n; i++)
		names += sort_of(&all.v[i], i + 1 < all.n) == WORD_NAME;
	for (size_t i = 0; i < all.n; i++) {
		enum sort k = sort_of(&all.v[i], i + 1 < all.n);
		if (k == WORD_NAME || names == 0)
			push(to, &all.v[i]);
		else if (k == WORD_PARTICLE)
			push(&n->particles, &all.v[i]);
	}
	to->cut = to->cut || all.cut;
}

/* Prefix and suffix: only particles count, the rest are titles. */
static void
add_affix(struct name *n, const char *s, const char *end)
{
	struct words all = { .n = 0, .cut = false };

	split(s, end, &all);
	for (size_t i = 0; i < all.n; i++)
		if (sort_of(&all.v[i], true) == WORD_PARTICLE)
			push(&n->particles, &all.v[i]);
}

static bool
blank(const char *s, const char *end)
{
	while (s < end)
		if (!fold_is_space(fold_next(&s)))
			return false;
	return true;
}

/* Up to PARTS parts of s, separated by sep; returns how many there are. */
static size_t
cut(const char *s, const char *end, char sep, const char *from[PARTS], const char *to[PARTS])
{
	size_t n = 0;

	while (n < PARTS) {
		const char *p = memchr(s, sep, (size_t)(end - s));
		from[n] = s;
		to[n++] = p != NULL ? p : end;
		if (p == NULL)
			break;
		s = p + 1;
	}
	return n;
}

static void
parse_group(const char *s, const char *end, struct name *out)
{
	const char *from[PARTS] = { NULL }, *to[PARTS] = { NULL };
	size_t n = cut(s, end, '^', from, to);
	bool carets = false;

	memset(out, 0, sizeof *out);
	for (size_t i = 1; i < n; i++)
		carets = carets || !blank(from[i], to[i]);
	if (carets) {
		add_component(out, &out->family, from[0], to[0]);
		for (size_t i = 1; i < n; i++)
			if (i < 3)
				add_component(out, &out->given, from[i], to[i]);
			else
				add_affix(out, from[i], to[i]);
		return;
	}
	end = to[0];
	n = cut(s, end, ',', from, to);
	add_component(out, &out->family, from[0], to[0]);
	if (n == 1) {
		out->free = true;
		return;
	}
	add_component(out, &out->given, from[1], to[1]);
	for (size_t i = 2; i < n; i++)
		add_affix(out, from[i], to[i]);
}

enum kin {
	KIN_SAME = 0,
	KIN_ACCENT,
	KIN_JOINED,
	KIN_ORDER,
	KIN_PART,
	KIN_NEAR,
	KIN_LATER,
	KIN_INITIAL,
	KIN_SHARED,
	KIN_MISSING,
	KIN_OTHER
};

static const struct {
	enum identity verdict;
	const char *how;
} kins[] = {
	[KIN_SAME] = { IDENTITY_MATCH, "" },
	[KIN_ACCENT] = { IDENTITY_LIKELY, "umlaut or accent left out" },
	[KIN_JOINED] = { IDENTITY_LIKELY, "its parts written as one word" },
	[KIN_ORDER] = { IDENTITY_LIKELY, "its parts in another order" },
	[KIN_PART] = { IDENTITY_LIKELY, "a part of it is missing on one side" },
	[KIN_NEAR] = { IDENTITY_DOUBTFUL, "spelt almost the same" },
	[KIN_LATER] = { IDENTITY_DOUBTFUL, "only a later part agrees" },
	[KIN_INITIAL] = { IDENTITY_DOUBTFUL, "only an initial" },
	[KIN_SHARED] = { IDENTITY_DOUBTFUL, "one part agrees, another differs" },
	[KIN_MISSING] = { IDENTITY_DOUBTFUL, "missing on one side" },
	[KIN_OTHER] = { IDENTITY_MISMATCH, "differs" },
};

static bool
joined_equal(const struct words *a, const struct words *b)
{
	char x[WORDS_MAX * FOLD_WORD_MAX] = "", y[WORDS_MAX * FOLD_WORD_MAX] = "";
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += (size_t)snprintf(x + n, sizeof x - n, "%s", a->v[i].written);
	n = 0;
	for (size_t i = 0; i < b->n; i++)
		n += (size_t)snprintf(y + n, sizeof y - n, "%s", b->v[i].written);
	return strcmp(x, y) == 0;
}

/* How many words of a have a partner of at least that likeness in b, each used once. */
static size_t
partners(const struct words *a, const struct words *b, enum likeness least)
{
	bool used[WORDS_MAX] = { false };
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

static bool
initials(const struct words *a, const struct words *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const char *x = a->v[i].bare, *y = b->v[i].bare;
		if (*x != *y || (x[1] != '\0' && y[1] != '\0' && strcmp(x, y) != 0))
			return false;
	}
	return true;
}

static enum kin
compare_whole_words(const struct words *a, const struct words *b)
{
	size_t less = a->n < b->n ? a->n : b->n, k = 0;
	enum likeness worst = WORD_SAME;

	if (less == 0)
		return a->n == b->n ? KIN_SAME : KIN_MISSING;
	if (a->n == b->n) {
		for (size_t i = 0; i < a->n; i++) {
			enum likeness l = fold_compare(&a->v[i], &b->v[i]);
			worst = l < worst ? l : worst;
		}
		if (worst >= WORD_ACCENT)
			return worst == WORD_SAME ? KIN_SAME : KIN_ACCENT;
	}
	if (joined_equal(a, b))
		return KIN_JOINED;
	k = partners(a, b, WORD_ACCENT);
	if (k == a->n && k == b->n)
		return KIN_ORDER;
	if (k == less)
		return fold_compare(&a->v[0], &b->v[0]) >= WORD_ACCENT ? KIN_PART : KIN_LATER;
	if (initials(a, b))
		return KIN_INITIAL;
	if (partners(a, b, WORD_NEAR) == less)
		return KIN_NEAR;
	return k > 0 ? KIN_SHARED : KIN_OTHER;
}

/* What was cut off cannot be proved the same. */
static enum kin
compare_words(const struct words *a, const struct words *b)
{
	enum kin k = compare_whole_words(a, b);

	return (a->cut || b->cut) && k < KIN_NEAR ? KIN_NEAR : k;
}

static void
say(char *reason, const char *what, const char *how)
{
	size_t n = strlen(reason);

	snprintf(reason + n, PATIENT_REASON_MAX - n, "%s%s%s%s", n > 0 ? ", " : "", what,
	    *how != '\0' ? ": " : "", how);
}

static enum identity
worse(enum identity a, enum identity b)
{
	return a > b ? a : b;
}

/* A double family name may lack either part; a first given name may not be the other's second. */
static enum kin
compare_family(const struct name *a, const struct name *b)
{
	enum kin k = compare_words(&a->family, &b->family);

	return k == KIN_LATER ? KIN_PART : k;
}

static enum identity
compare_free(const struct name *a, const struct name *b, char *reason)
{
	struct words x = a->family, y = b->family;
	enum kin k = KIN_OTHER;

	if (a->free && b->free) {
		k = compare_words(&x, &y);
		if (kins[k].verdict != IDENTITY_MATCH)
			say(reason, "name", kins[k].how);
		/* without a family name told apart a part that is missing may be just that */
		return k == KIN_PART ? IDENTITY_DOUBTFUL : kins[k].verdict;
	}
	for (size_t i = 0; i < a->given.n; i++)
		push(&x, &a->given.v[i]);
	for (size_t i = 0; i < b->given.n; i++)
		push(&y, &b->given.v[i]);
	k = compare_words(&x, &y);
	if (k == KIN_PART || k == KIN_LATER)
		k = KIN_SHARED;
	if (kins[k].verdict > IDENTITY_LIKELY) {
		say(reason, "name", kins[k].how);
		return kins[k].verdict;
	}
	say(reason, "family and given name not told apart on one side", "");
	return IDENTITY_LIKELY;
}

static enum identity
compare_groups(const struct name *a, const struct name *b, char *reason)
{
	enum identity v = IDENTITY_MATCH;

	*reason = '\0';
	if (a->free || b->free) {
		v = compare_free(a, b, reason);
	} else {
		enum kin family = compare_family(a, b), given = compare_words(&a->given, &b->given);
		v = worse(kins[family].verdict, kins[given].verdict);
		if (v > IDENTITY_LIKELY) {
			enum kin x = compare_words(&a->family, &b->given),
				 y = compare_words(&a->given, &b->family);
			if (worse(kins[x].verdict, kins[y].verdict) <= IDENTITY_LIKELY) {
				say(reason, "family and given name swapped", "");
				return IDENTITY_LIKELY;
			}
		}
		if (family != KIN_SAME)
			say(reason, "family name", kins[family].how);
		if (given != KIN_SAME)
			say(reason, "given name", kins[given].how);
	}
	if (v <= IDENTITY_LIKELY &&
	    (a->particles.n != b->particles.n ||
		partners(&a->particles, &b->particles, WORD_SAME) != a->particles.n)) {
		say(reason, "a particle such as von differs", "");
		v = IDENTITY_LIKELY;
	}
	return v;
}

static bool
is_latin(const char *s, const char *end)
{
	for (; s < end; s++)
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))
			return true;
	return false;
}

enum identity
name_compare(const char *a, const char *b, char reason[PATIENT_REASON_MAX])
{
	const char *af[PARTS] = { NULL }, *at[PARTS] = { NULL }, *bf[PARTS] = { NULL },
		   *bt[PARTS] = { NULL };
	enum identity best = IDENTITY_UNKNOWN, alphabetic = IDENTITY_UNKNOWN, v = IDENTITY_UNKNOWN;
	char phrase[PATIENT_REASON_MAX] = "", first[PATIENT_REASON_MAX] = "",
	     found[PATIENT_REASON_MAX] = "";
	bool any = false, same_script = false;
	size_t n = 0, m = 0;

	*reason = '\0';
	if (a != NULL)
		n = cut(a, a + strlen(a), '=', af, at);
	if (b != NULL)
		m = cut(b, b + strlen(b), '=', bf, bt);
	for (size_t i = 0; i < n && i < GROUPS; i++) {
		for (size_t k = 0; k < m && k < GROUPS; k++) {
			struct name x, y;
			parse_group(af[i], at[i], &x);
			parse_group(bf[k], bt[k], &y);
			if (x.family.n + x.given.n == 0 || y.family.n + y.given.n == 0)
				continue;
			v = compare_groups(&x, &y, phrase);
			same_script = same_script || is_latin(af[i], at[i]) == is_latin(bf[k], bt[k]);
			if (i == 0 && k == 0) {
				alphabetic = v;
				text_copy(first, sizeof first, phrase);
			}
			if (!any || v < best) {
				best = v;
				text_copy(found, sizeof found, phrase);
			}
			any = true;
		}
	}
	if (!any) {
		say(reason, "name missing on one side", "");
		return IDENTITY_UNKNOWN;
	}
	if (!same_script && best > IDENTITY_LIKELY) {
		say(reason, "the names are in different scripts", "");
		return IDENTITY_DOUBTFUL;
	}
	if (alphabetic == IDENTITY_UNKNOWN || best == alphabetic) {
		text_copy(reason, PATIENT_REASON_MAX, alphabetic == IDENTITY_UNKNOWN ? found : first);
		return best;
	}
	/* Another group agrees better: that carries a transliteration, not a name that is another one. */
	text_copy(reason, PATIENT_REASON_MAX, first);
	say(reason, "another group of the name agrees", "");
	if (best > IDENTITY_LIKELY)
		return alphabetic;
	return alphabetic == IDENTITY_MISMATCH && is_latin(af[0], at[0]) == is_latin(bf[0], bt[0])
	    ? IDENTITY_DOUBTFUL
	    : IDENTITY_LIKELY;
}
