/* A name taken apart: which words are the family's, given, titles, particles. */
#include <string.h>

#include "check/name.h"

#define PARTS 5 /* family, given, middle, prefix, suffix */

static const char *const titles[] = { "dr", "drs", "prof", "professor", "professorin", "dipl", "ing", "mag",
	"doz", "habil", "hc", "phd", "mba", "msc", "bsc" };
/* Titles only beside one of those: Ma and Ba are names too. */
static const char *const weak_titles[] = { "med", "dent", "vet", "phil", "nat", "rer", "jur", "priv", "pd",
	"ma", "ba", "md" };
static const char *const addresses[] = { "herr", "hr", "frau", "fr", "mr", "mrs", "ms", "miss" };
static const char *const particles[] = { "von", "vom", "zu", "zum", "zur", "van", "vant", "der", "den",
	"ter", "ten", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "el", "al", "bin", "ibn" };
static const char *const single_letters[] = { "v", "t" }; /* von, 't: a particle only before a name */
static const char *const ranks[] = { "freiherr", "frhr", "freifrau", "freiin", "graf", "graefin", "baron",
	"baronin", "baronesse", "prinz", "prinzessin", "ritter", "edler", "edle" };
static const char *const conjunctions[] = { "und", "y" };
static const char *const generations[] = { "jr", "sr", "junior", "senior" };
static const char *const more_generations[] = { "jun", "sen", "ii", "iii", "iv" }; /* only as a suffix */
static const char *const births[] = { "geb", "geborene", "geborener", "nee", "born", "roz", "rozena" };

static const char *const placeholders[] = { "unknown", "unbekannt", "anonymous", "anonym", "anonymus",
	"anonymized", "anonymised", "anonymisiert", "anon", "nn", "noname" };
/* Names of families too: placeholders only where nothing else is said. */
static const char *const empty_words[] = { "test", "patient", "null", "none", "dummy", "na", "name" };
static const char *const newborns[] = { "baby", "babyboy", "babygirl", "boy", "girl", "newborn", "twin",
	"infant", "sohn", "tochter", "junge", "maedchen", "knabe", "kind", "neugeborenes", "neugeborene",
	"neugeborener", "zwilling", "drilling" };

#define IS(w, list) is_one_of((w)->written, list, sizeof(list) / sizeof *(list))

static bool
is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

enum place {
	IN_FAMILY,
	IN_GIVEN,
	IN_AFFIX /* prefix or suffix */
};
enum sort {
	WORD_NAME,
	WORD_TITLE, /* and what joins words */
	WORD_PARTICLE,
	WORD_SUFFIX,
	WORD_BIRTH /* what follows is the birth name */
};

static enum sort
sort_of(const struct words *all, size_t i, enum place place, bool titled)
{
	const struct word *w = &all->v[i];
	bool before_another = place == IN_AFFIX || i + 1 < all->n;

	if (i > 0 && IS(w, births))
		return WORD_BIRTH;
	if (IS(w, titles) || (titled && IS(w, weak_titles)) || (i == 0 && IS(w, addresses)) ||
	    (i > 0 && before_another && IS(w, conjunctions)))
		return WORD_TITLE;
	if (IS(w, generations) || (place == IN_AFFIX && IS(w, more_generations)))
		return WORD_SUFFIX;
	if (IS(w, particles) || (before_another && IS(w, ranks)) ||
	    (before_another && place != IN_GIVEN && IS(w, single_letters)))
		return WORD_PARTICLE;
	return WORD_NAME;
}

void
words_add(struct words *to, const struct word *w)
{
	to->cut = to->cut || to->n == NAME_WORDS_MAX || w->cut;
	if (to->n < NAME_WORDS_MAX)
		to->v[to->n++] = *w;
}

static void
split(const char *s, const char *end, struct words *out)
{
	struct word w = { "", "", false };

	out->n = 0;
	out->cut = false;
	while (s < end) {
		uint32_t c = fold_next(&s);
		if (!fold_is_space(c) && !fold_is_joint(c)) {
			fold_add(&w, c);
			continue;
		}
		if (*w.written != '\0')
			words_add(out, &w);
		memset(&w, 0, sizeof w);
	}
	if (*w.written != '\0')
		words_add(out, &w);
}

/* Words of s to `to` and where else they belong. A component that has nothing
 * but titles and particles is a name after all (Graf^Anna, Herr^Otto). */
static void
add_component(struct name *n, struct words *to, const char *s, const char *end, enum place place)
{
	struct words all;
	enum sort sorts[NAME_WORDS_MAX];
	size_t names = 0;
	bool titled = place == IN_AFFIX, born = false;

	split(s, end, &all);
	for (size_t i = 0; i < all.n; i++)
		titled = titled || IS(&all.v[i], titles);
	for (size_t i = 0; i < all.n; i++) {
		sorts[i] = sort_of(&all, i, place, titled);
		names += sorts[i] == WORD_NAME;
	}
	for (size_t i = 0; i < all.n; i++) {
		if (names == 0 && place != IN_AFFIX)
			sorts[i] = WORD_NAME;
		if (sorts[i] == WORD_BIRTH) {
			born = true;
		} else if (born) {
			words_add(&n->birth, &all.v[i]);
		} else if (sorts[i] == WORD_NAME) {
			if (place != IN_AFFIX)
				words_add(to, &all.v[i]);
			if (place == IN_FAMILY)
				words_add(&n->whole_family, &all.v[i]);
		} else if (sorts[i] == WORD_PARTICLE) {
			words_add(&n->particles, &all.v[i]);
			if (place == IN_FAMILY)
				words_add(&n->whole_family, &all.v[i]);
		} else if (sorts[i] == WORD_SUFFIX) {
			words_add(&n->suffix, &all.v[i]);
		}
	}
	if (all.cut && to != NULL)
		to->cut = true;
}

static bool
blank(const char *s, const char *end)
{
	struct words all;

	split(s, end, &all);
	return all.n == 0;
}

/* "geb. Schneider" between commas. */
static bool
begins_with_birth(const char *s, const char *end)
{
	struct words all;

	split(s, end, &all);
	return all.n > 1 && IS(&all.v[0], births);
}

/* Up to PARTS parts of s, separated by sep; returns how many there are. */
static size_t
cut(const char *s, const char *end, const char *sep, const char *from[PARTS], const char *to[PARTS])
{
	size_t n = 0, len = strlen(sep);

	while (n < PARTS) {
		const char *p = s;
		while (p + len <= end && memcmp(p, sep, len) != 0)
			p++;
		from[n] = s;
		to[n++] = p + len <= end ? p : end;
		if (p + len > end)
			break;
		s = p + len;
	}
	return n;
}

static bool
titles_only(const char *s, const char *end)
{
	struct words all;

	split(s, end, &all);
	for (size_t i = 0; i < all.n; i++)
		if (!IS(&all.v[i], titles) && !IS(&all.v[i], weak_titles) && !IS(&all.v[i], generations))
			return false;
	return true;
}

/* "Family, Given", with a title or the birth name between further commas. */
static void
parse_commas(const char *s, const char *end, const char *sep, struct name *out)
{
	const char *from[PARTS] = { NULL }, *to[PARTS] = { NULL };
	size_t n = cut(s, end, sep, from, to);
	bool given = false;

	add_component(out, &out->family, from[0], to[0], IN_FAMILY);
	for (size_t i = 1; i < n; i++) {
		if (begins_with_birth(from[i], to[i])) {
			struct words all;
			split(from[i], to[i], &all);
			for (size_t k = 1; k < all.n; k++)
				words_add(&out->birth, &all.v[k]);
		} else if (given || (i + 1 < n && titles_only(from[i], to[i]))) {
			add_component(out, NULL, from[i], to[i], IN_AFFIX);
		} else {
			add_component(out, &out->given, from[i], to[i], IN_GIVEN);
			given = true;
		}
	}
	out->free = n == 1;
}

void
name_parse(const char *s, const char *end, struct name *out)
{
	const char *from[PARTS] = { NULL }, *to[PARTS] = { NULL };
	size_t n = cut(s, end, "^", from, to);
	bool carets = false;

	memset(out, 0, sizeof *out);
	for (size_t i = 1; i < n; i++)
		carets = carets || !blank(from[i], to[i]);
	if (!carets) {
		bool mrz = cut(s, to[0], "<<", from, to) > 1; /* ICAO Doc 9303-3 4.6 */
		cut(s, end, "^", from, to);
		parse_commas(s, to[0], mrz ? "<<" : ",", out);
		return;
	}
	add_component(out, &out->family, from[0], to[0], IN_FAMILY);
	for (size_t i = 1; i < n; i++)
		if (i < 3)
			add_component(out, &out->given, from[i], to[i], IN_GIVEN);
		else
			add_component(out, NULL, from[i], to[i], IN_AFFIX);
}

static bool
crossed_out(const char *s)
{
	return strspn(s, "x") == strlen(s) && strlen(s) > 1;
}

static bool
all_in(const struct words *w, bool empty_too)
{
	for (size_t i = 0; i < w->n; i++)
		if (!IS(&w->v[i], placeholders) && !crossed_out(w->v[i].written) &&
		    !(empty_too && IS(&w->v[i], empty_words)))
			return false;
	return true;
}

static bool
is_nn(const struct words *w)
{
	return w->n == 2 && strcmp(w->v[0].written, "n") == 0 && strcmp(w->v[1].written, "n") == 0;
}

bool
words_are_placeholder(const struct words *w)
{
	return w->n > 0 && (all_in(w, false) || is_nn(w));
}

bool
name_is_placeholder(const struct name *n)
{
	struct words all = n->family;

	for (size_t i = 0; i < n->given.n; i++)
		words_add(&all, &n->given.v[i]);
	if (words_are_placeholder(&n->family) || is_nn(&all))
		return true;
	if (all.n == 2 && strcmp(all.v[0].written, "no") == 0 && strcmp(all.v[1].written, "name") == 0)
		return true;
	return all.n > 0 && all_in(&all, true);
}

bool
words_of_newborn(const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (IS(&w->v[i], newborns))
			return true;
	return false;
}
