/* Two names, group by group and part by part. */
#include "check/name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/translit.h"

#define GROUPS 3 /* alphabetic, ideographic, phonetic: PS3.5 6.2.1.2 */
#define REPAIRED_MAX 1024

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

static struct words
all_words(const struct name *n)
{
	struct words all = n->family;

	for (size_t i = 0; i < n->given.n; i++)
		words_add(&all, &n->given.v[i]);
	all.cut = all.cut || n->given.cut;
	return all;
}

/* One word, which is a family name or a given name. 홍길동 and 王小東 are both in one. */
static bool
is_half(const struct name *n)
{
	struct words all = all_words(n);

	return all.n == 1 && !(script_of(all.v[0].bare) == SCRIPT_OTHER && fold_count(all.v[0].bare) > 1);
}

/* A double family name may lack either part; a first given name may not be the other's second. */
static enum kin
compare_family(const struct name *a, const struct name *b)
{
	enum kin k = words_compare(&a->family, &b->family);

	if (k > KIN_JOINED && words_joined_equal(&a->whole_family, &b->whole_family))
		return KIN_JOINED;
	return k == KIN_LATER ? KIN_PART : k;
}

static bool
nameless(const struct words *given)
{
	return words_of_newborn(given) || words_are_placeholder(given);
}

static enum kin
compare_given(const struct name *a, const struct name *b)
{
	if (a->given.n > 0 && b->given.n > 0 && (nameless(&a->given) || nameless(&b->given)))
		return words_compare_newborn(&a->given, &b->given);
	return words_compare(&a->given, &b->given);
}

/* At least one side does not say where the family name ends. */
static enum identity
compare_free(const struct name *a, const struct name *b, char *reason)
{
	struct words x = all_words(a), y = all_words(b);
	enum kin k = words_compare(&x, &y);

	if (is_half(a) != is_half(b) && (k == KIN_PART || k == KIN_LATER))
		k = KIN_MISSING;
	else if (k <= KIN_PART && (nameless(&x) || nameless(&y)))
		k = KIN_PLACEHOLDER;
	else if (k == KIN_LATER || (k == KIN_PART && !(a->free && b->free)))
		k = KIN_SHARED; /* nobody knows whether it is the family name that is shared */
	if (kin_verdict(k) > IDENTITY_LIKELY || k == KIN_PART) {
		say(reason, "name", kin_phrase(k));
		return worse(kin_verdict(k), IDENTITY_DOUBTFUL);
	}
	if (a->free && b->free) {
		if (k != KIN_SAME)
			say(reason, "name", kin_phrase(k));
		return kin_verdict(k);
	}
	say(reason, "family and given name not told apart on one side", "");
	return IDENTITY_LIKELY;
}

/* The same words, but not in the same components. */
static enum identity
compare_elsewhere(const struct name *a, const struct name *b, char *reason)
{
	struct words x = all_words(a), y = all_words(b);
	enum kin f = words_compare(&a->family, &b->given), g = words_compare(&a->given, &b->family);
	bool named = !nameless(&a->given) && !nameless(&b->given);

	if (worse(kin_verdict(f), kin_verdict(g)) <= IDENTITY_LIKELY) {
		say(reason, "family and given name swapped", "");
		if (named)
			return IDENTITY_LIKELY;
		say(reason, "given name", kin_phrase(KIN_PLACEHOLDER));
		return IDENTITY_DOUBTFUL;
	}
	if (named && x.n > 2 && words_compare(&x, &y) <= KIN_ORDER) {
		say(reason, "a part of the name stands in another place", "");
		return IDENTITY_LIKELY;
	}
	return IDENTITY_MISMATCH;
}

static bool
particles_differ(const struct name *a, const struct name *b)
{
	return a->particles.n != b->particles.n ||
	    words_partners(&a->particles, &b->particles, WORD_SAME) != a->particles.n;
}

/* A particle that only one side has, and a part that only the other has. */
static bool
both_have_more(const struct name *a, const struct name *b)
{
	size_t p = words_partners(&a->particles, &b->particles, WORD_SAME);

	return (a->particles.n > p && b->family.n > a->family.n) ||
	    (b->particles.n > p && a->family.n > b->family.n);
}

static enum identity
compare_components(const struct name *a, const struct name *b, char *reason)
{
	enum kin family = compare_family(a, b), given = compare_given(a, b);
	enum identity v = worse(kin_verdict(family), kin_verdict(given));
	bool apart = family == KIN_PART && given == KIN_PART;

	if (v > IDENTITY_LIKELY || apart) {
		char elsewhere[PATIENT_REASON_MAX] = "";
		enum identity e = compare_elsewhere(a, b, elsewhere);
		if (e < v || (apart && e == IDENTITY_LIKELY)) {
			say(reason, elsewhere, "");
			return e;
		}
	}
	if (family == KIN_PART && both_have_more(a, b)) {
		family = KIN_SHARED;
		v = worse(v, kin_verdict(family));
	}
	if (family != KIN_SAME)
		say(reason, "family name", kin_phrase(family));
	if (given != KIN_SAME)
		say(reason, "given name", kin_phrase(given));
	if (v <= IDENTITY_LIKELY && family != KIN_JOINED && particles_differ(a, b)) {
		say(reason, "a particle such as von differs", "");
		v = IDENTITY_LIKELY;
	}
	return v;
}

/* What stands beside the name: Jr. and Sr., the birth name. */
static enum identity
compare_beside(const struct name *a, const struct name *b, char *reason)
{
	enum identity v = IDENTITY_MATCH;

	if (a->suffix.n > 0 && b->suffix.n > 0 && words_compare(&a->suffix, &b->suffix) != KIN_SAME)
		v = IDENTITY_DOUBTFUL;
	else if (a->suffix.n != b->suffix.n)
		v = IDENTITY_LIKELY;
	if (v != IDENTITY_MATCH)
		say(reason, "a suffix such as Jr. differs", "");
	if (a->birth.n > 0 && b->birth.n > 0 &&
	    kin_verdict(words_compare(&a->birth, &b->birth)) > IDENTITY_LIKELY) {
		say(reason, "the birth names differ", "");
		v = IDENTITY_DOUBTFUL;
	}
	return v;
}

/* One side's birth name is the other's family name. */
static bool
by_birth_name(const struct name *a, const struct name *b)
{
	struct name born = *a;

	if (a->birth.n == 0 || kin_verdict(compare_given(a, b)) > IDENTITY_LIKELY || b->free)
		return false;
	born.family = born.whole_family = a->birth;
	return kin_verdict(compare_family(&born, b)) <= IDENTITY_LIKELY;
}

static enum identity
compare_groups(const struct name *a, const struct name *b, char *reason)
{
	enum identity v = IDENTITY_MATCH;

	*reason = '\0';
	v = a->free || b->free ? compare_free(a, b, reason) : compare_components(a, b, reason);
	if (v > IDENTITY_LIKELY && (by_birth_name(a, b) || by_birth_name(b, a))) {
		*reason = '\0';
		say(reason, "the family name is the other's birth name", "");
		v = IDENTITY_LIKELY;
	}
	if (v <= IDENTITY_LIKELY && is_half(a) && is_half(b)) { /* twins have it in common */
		say(reason, "only one name on both sides", "");
		v = IDENTITY_DOUBTFUL;
	}
	return v <= IDENTITY_LIKELY ? worse(v, compare_beside(a, b, reason)) : v;
}

static enum script
script_of_name(const struct name *n)
{
	return script_of(n->family.n > 0 ? n->family.v[0].bare : n->given.v[0].bare);
}

/* What was found of all pairs of groups. */
struct found {
	bool any, comparable, placeholder;
	bool contradiction; /* the same group in the same script, and another name */
	enum identity first, best; /* of the alphabetic groups, of all */
	bool same_first; /* the alphabetic groups are in the same script */
	char first_reason[PATIENT_REASON_MAX], best_reason[PATIENT_REASON_MAX];
};

static void
compare_pair(const struct name *x, const struct name *y, size_t i, size_t k, struct found *f)
{
	char reason[PATIENT_REASON_MAX];
	enum script s = SCRIPT_LATIN, t = SCRIPT_LATIN;
	enum identity v = IDENTITY_MATCH;

	if (x->family.n + x->given.n == 0 || y->family.n + y->given.n == 0)
		return;
	if (name_is_placeholder(x) || name_is_placeholder(y)) {
		f->placeholder = true;
		return;
	}
	s = script_of_name(x);
	t = script_of_name(y);
	v = compare_groups(x, y, reason);
	f->comparable = f->comparable || script_comparable(s, t);
	f->contradiction = f->contradiction || (i == k && i > 0 && s == t && v > IDENTITY_LIKELY);
	if (i == 0 && k == 0) {
		f->first = v;
		f->same_first = s == t;
		text_copy(f->first_reason, sizeof f->first_reason, reason);
	}
	if (!f->any || v < f->best) {
		f->best = v;
		text_copy(f->best_reason, sizeof f->best_reason, reason);
	}
	f->any = true;
}

/* Up to three groups. */
static size_t
groups_of(const char *s, struct name out[GROUPS])
{
	size_t n = 0;

	while (s != NULL && n < GROUPS) {
		const char *end = s + strcspn(s, "=");
		name_parse(s, end, &out[n++]);
		s = *end == '=' ? end + 1 : NULL;
	}
	return n;
}

static enum identity
compare_names(const char *a, const char *b, char *reason)
{
	struct name x[GROUPS], y[GROUPS];
	struct found f = { .best = IDENTITY_UNKNOWN, .first = IDENTITY_UNKNOWN };
	size_t n = groups_of(a, x), m = groups_of(b, y);

	*reason = '\0';
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			compare_pair(&x[i], &y[k], i, k, &f);
	if (!f.any) {
		say(reason,
		    f.placeholder ? "a placeholder stands for the name" : "name missing on one side", "");
		return IDENTITY_UNKNOWN;
	}
	if (!f.comparable && f.best > IDENTITY_LIKELY) {
		say(reason, "the names are in different scripts", "");
		return IDENTITY_DOUBTFUL;
	}
	if (f.best <= IDENTITY_LIKELY && f.contradiction) {
		say(reason, "another group of the name differs", "");
		return IDENTITY_DOUBTFUL;
	}
	if (f.first == IDENTITY_UNKNOWN || f.best == f.first) {
		text_copy(reason, PATIENT_REASON_MAX,
		    f.first == IDENTITY_UNKNOWN ? f.best_reason : f.first_reason);
		return f.best;
	}
	/* Another group agrees better: that carries a transliteration, not a name that is another one. */
	text_copy(reason, PATIENT_REASON_MAX, f.first_reason);
	say(reason, "another group of the name agrees", "");
	if (f.best > IDENTITY_LIKELY)
		return f.first;
	return f.first == IDENTITY_MISMATCH && f.same_first ? IDENTITY_DOUBTFUL : IDENTITY_LIKELY;
}

/* UTF-8 that was read as Latin-1 (Ã¼ for ü), made good. False: it is not that. */
static bool
repair(const char *s, char out[REPAIRED_MAX])
{
	size_t n = 0;
	bool high = false;

	while (s != NULL && *s != '\0') {
		uint32_t c = fold_next(&s);
		if (c > 0xff || n + 1 >= REPAIRED_MAX)
			return false;
		high = high || c >= 0x80;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return high && text_utf8_valid(out, n);
}

enum identity
name_compare(const char *a, const char *b, char reason[PATIENT_REASON_MAX])
{
	char repaired[REPAIRED_MAX], ignored[PATIENT_REASON_MAX];
	enum identity v = compare_names(a, b, reason);

	if (v > IDENTITY_UNKNOWN &&
	    ((repair(a, repaired) && compare_names(repaired, b, ignored) <= IDENTITY_LIKELY) ||
		(repair(b, repaired) && compare_names(a, repaired, ignored) <= IDENTITY_LIKELY))) {
		*reason = '\0';
		say(reason, "a name was read in the wrong character set", "");
		return IDENTITY_DOUBTFUL;
	}
	return v;
}
