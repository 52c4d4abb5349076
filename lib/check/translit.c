#include "check/translit.h"

#include <stdint.h>
#include <string.h>

#include "check/fold.h"

/*
 * A letter (or two) and its spellings without accents, by |; the most usual one
 * first. After a colon the tables that have it, else all: i ICAO Doc 9303, s ISO 9,
 * g GOST 7.79 B, b BGN/PCGN, d German, u Ukrainian, l South Slavic Latin letters;
 * h Hepburn, k Kunrei. A word is written by one table, or it is only similar.
 */
struct row {
	const char *native, *latin;
};
#define SYSTEMS "isgbdulhk"

static const struct row cyrillic[] = {
	{ "ий", "ii:i|ij:sgd|iy:b|y:bu|i:du|yi:u|yy:u" },
	{ "кс", "ks|x:d" },
	{ "а", "a" },
	{ "б", "b" },
	{ "в", "v:isgbul|w:d" },
	{ "г", "g:isgbdl|h:ud" },
	{ "ґ", "g" },
	{ "ѓ", "g" },
	{ "д", "d" },
	{ "ђ", "dj:l|d" },
	{ "е", "e|ye:b|je:d|yo:gb|jo:d" }, /* ё too */
	{ "є", "ie:iu|ye:bu|je:d|e:s" },
	{ "ж", "zh:igbu|z:sl|sch:d" },
	{ "з", "z:isgbul|s:d" },
	{ "ѕ", "dz" },
	{ "и", "i:isgbdl|y:ud" },
	{ "і", "i" },
	{ "ї", "i:isgbu|yi:bu|ji:d" },
	{ "й", "i:iud|j:sg|y:bu" },
	{ "ј", "j" },
	{ "к", "k" },
	{ "л", "l" },
	{ "љ", "lj" },
	{ "м", "m" },
	{ "н", "n" },
	{ "њ", "nj" },
	{ "о", "o" },
	{ "п", "p" },
	{ "р", "r" },
	{ "с", "s|ss:d" },
	{ "т", "t" },
	{ "ћ", "c" },
	{ "ќ", "k" },
	{ "у", "u" },
	{ "ў", "u:isgbu|w:d" },
	{ "ф", "f" },
	{ "х", "kh:ibu|h:sl|x:g|ch:d" },
	{ "ц", "ts:ibu|c:sgl|cz:g|z:d" },
	{ "ч", "ch:igbu|c:sl|tsch:d" },
	{ "џ", "dz" },
	{ "ш", "sh:igbu|s:sl|sch:d" },
	{ "щ", "shch:ibu|s:s|shh:g|sht:l|schtsch:d" },
	{ "ъ", "ie:i|a:l|:sgbdu" },
	{ "ы", "y" },
	{ "ь", "" },
	{ "э", "e" },
	{ "ю", "iu:iu|yu:bgul|ju:d|u:s" },
	{ "я", "ia:iu|ya:bgul|ja:d|a:s" },
};
static const struct row greek[] = {
	{ "ου", "ou|u" },
	{ "αυ", "av|af" },
	{ "ευ", "ev|ef" },
	{ "γγ", "ng" },
	{ "γξ", "nx" },
	{ "γχ", "nch" },
	{ "μπ", "b|mp" },
	{ "ντ", "nt|d" },
	{ "γκ", "gk|g|nk" },
	{ "α", "a" },
	{ "β", "v" },
	{ "γ", "g" },
	{ "δ", "d" },
	{ "ε", "e" },
	{ "ζ", "z" },
	{ "η", "i" },
	{ "θ", "th" },
	{ "ι", "i" },
	{ "κ", "k" },
	{ "λ", "l" },
	{ "μ", "m" },
	{ "ν", "n" },
	{ "ξ", "x" },
	{ "ο", "o" },
	{ "π", "p" },
	{ "ρ", "r" },
	{ "σ", "s" },
	{ "τ", "t" },
	{ "υ", "y" },
	{ "φ", "f" },
	{ "χ", "ch" },
	{ "ψ", "ps" },
	{ "ω", "o" },
};
/* Hepburn and Kunrei. う, お and ー lengthen the vowel before them and may be left out there. */
static const struct row kana[] = {
	{ "きゃ", "kya" }, { "きゅ", "kyu" }, { "きょ", "kyo" }, { "しゃ", "sha:h|sya:k" },
	{ "しゅ", "shu:h|syu:k" }, { "しょ", "sho:h|syo:k" }, { "ちゃ", "cha:h|tya:k" }, { "ちゅ", "chu:h|tyu:k" },
	{ "ちょ", "cho:h|tyo:k" }, { "にゃ", "nya" }, { "にゅ", "nyu" }, { "にょ", "nyo" },
	{ "ひゃ", "hya" }, { "ひゅ", "hyu" }, { "ひょ", "hyo" }, { "みゃ", "mya" },
	{ "みゅ", "myu" }, { "みょ", "myo" }, { "りゃ", "rya" }, { "りゅ", "ryu" },
	{ "りょ", "ryo" }, { "ぎゃ", "gya" }, { "ぎゅ", "gyu" }, { "ぎょ", "gyo" },
	{ "じゃ", "ja:h|zya:k" }, { "じゅ", "ju:h|zyu:k" }, { "じょ", "jo:h|zyo:k" }, { "びゃ", "bya" },
	{ "びゅ", "byu" }, { "びょ", "byo" }, { "ぴゃ", "pya" }, { "ぴゅ", "pyu" },
	{ "ぴょ", "pyo" }, { "あ", "a" }, { "い", "i" }, { "う", "u" },
	{ "え", "e" }, { "お", "o" }, { "か", "ka" }, { "き", "ki" },
	{ "く", "ku" }, { "け", "ke" }, { "こ", "ko" }, { "さ", "sa" },
	{ "し", "shi:h|si:k" }, { "す", "su" }, { "せ", "se" }, { "そ", "so" },
	{ "た", "ta" }, { "ち", "chi:h|ti:k" }, { "つ", "tsu:h|tu:k" }, { "て", "te" },
	{ "と", "to" }, { "な", "na" }, { "に", "ni" }, { "ぬ", "nu" },
	{ "ね", "ne" }, { "の", "no" }, { "は", "ha" }, { "ひ", "hi" },
	{ "ふ", "fu:h|hu:k" }, { "へ", "he" }, { "ほ", "ho" }, { "ま", "ma" },
	{ "み", "mi" }, { "む", "mu" }, { "め", "me" }, { "も", "mo" },
	{ "や", "ya" }, { "ゆ", "yu" }, { "よ", "yo" }, { "ら", "ra" },
	{ "り", "ri" }, { "る", "ru" }, { "れ", "re" }, { "ろ", "ro" },
	{ "わ", "wa" }, { "を", "o|wo" }, { "ん", "n|m" }, { "が", "ga" },
	{ "ぎ", "gi" }, { "ぐ", "gu" }, { "げ", "ge" }, { "ご", "go" },
	{ "ざ", "za" }, { "じ", "ji:h|zi:k" }, { "ず", "zu" }, { "ぜ", "ze" },
	{ "ぞ", "zo" }, { "だ", "da" }, { "ぢ", "ji:h|zi:k" }, { "づ", "zu" },
	{ "で", "de" }, { "ど", "do" }, { "ば", "ba" }, { "び", "bi" },
	{ "ぶ", "bu" }, { "べ", "be" }, { "ぼ", "bo" }, { "ぱ", "pa" },
	{ "ぴ", "pi" }, { "ぷ", "pu" }, { "ぺ", "pe" }, { "ぽ", "po" },
	{ "ゔ", "vu" }, { "っ", "k|s|t|p|c" }, { "ー", "" },
};
static const struct row lengthening[] = { { "う", "u|" }, { "お", "o|" } };

static const struct {
	const struct row *rows;
	size_t n;
} tables[] = {
	[SCRIPT_LATIN] = { NULL, 0 },
	[SCRIPT_CYRILLIC] = { cyrillic, sizeof cyrillic / sizeof *cyrillic },
	[SCRIPT_GREEK] = { greek, sizeof greek / sizeof *greek },
	[SCRIPT_KANA] = { kana, sizeof kana / sizeof *kana },
	[SCRIPT_OTHER] = { NULL, 0 },
};

enum script
script_of(const char *word)
{
	while (*word != '\0') {
		uint32_t c = fold_next(&word);
		if (c >= 'a' && c <= 'z')
			return SCRIPT_LATIN;
		if (c >= 0x370 && c <= 0x3ff)
			return SCRIPT_GREEK;
		if (c >= 0x400 && c <= 0x52f)
			return SCRIPT_CYRILLIC;
		if ((c >= 0x3041 && c <= 0x3096) || c == 0x30fc)
			return SCRIPT_KANA;
		if (c >= 0x250)
			return SCRIPT_OTHER;
	}
	return SCRIPT_LATIN;
}

bool
script_comparable(enum script a, enum script b)
{
	return a == b || (a == SCRIPT_LATIN && tables[b].n > 0) || (b == SCRIPT_LATIN && tables[a].n > 0);
}

static const struct row *
find(const struct row *rows, size_t n, const char *at)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(at, rows[i].native, strlen(rows[i].native)) == 0)
			return &rows[i];
	return NULL;
}

/* The row for what stands at `at`, a place in the word `start`. */
static const struct row *
row_at(enum script s, const char *start, const char *at)
{
	const struct row *r = NULL;

	if (s == SCRIPT_KANA && at != start)
		r = find(lengthening, sizeof lengthening / sizeof *lengthening, at);
	return r != NULL ? r : find(tables[s].rows, tables[s].n, at);
}

/* The Latin places that are reached from those of `from` by a spelling of that table. */
static bool
step(const bool *from, bool *to, const char *latin, size_t n, const char *spellings, char table)
{
	bool any = false;

	memset(to, 0, (n + 1) * sizeof *to);
	for (const char *s = spellings;; s++) {
		size_t len = strcspn(s, ":|"), all = strcspn(s, "|");
		bool has = len == all || memchr(s + len, table, all - len) != NULL;
		for (size_t i = 0; has && i + len <= n; i++)
			if (from[i] && strncmp(latin + i, s, len) == 0)
				any = to[i + len] = true;
		s += all;
		if (*s == '\0')
			return any;
	}
}

static bool
fits_table(const char *native, const char *latin, char table)
{
	bool now[FOLD_WORD_MAX] = { true }, next[FOLD_WORD_MAX];
	enum script s = script_of(native);
	size_t n = strlen(latin);

	for (const char *p = native; *p != '\0';) {
		const struct row *r = row_at(s, native, p);
		if (r == NULL || !step(now, next, latin, n, r->latin, table))
			return false;
		memcpy(now, next, (n + 1) * sizeof *now);
		p += strlen(r->native);
	}
	return now[n];
}

bool
translit_fits(const char *native, const char *latin)
{
	for (const char *t = SYSTEMS; *t != '\0'; t++)
		if (fits_table(native, latin, *t))
			return true;
	return false;
}

bool
translit_usual(const char *native, char *out, size_t cap)
{
	enum script s = script_of(native);
	size_t n = 0;

	for (const char *p = native; *p != '\0';) {
		const struct row *r = row_at(s, native, p);
		size_t len = r != NULL ? strcspn(r->latin, ":|") : 0;
		if (r == NULL || n + len >= cap)
			return false;
		memcpy(out + n, r->latin, len);
		n += len;
		p += strlen(r->native);
	}
	out[n] = '\0';
	return true;
}
