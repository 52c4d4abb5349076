/*
 * What is not one byte a character: code extensions (ISO 2022, PS3.3
 * C.12.1.1.2, PS3.5 6.1.2.5), GB18030 and GBK. The segments are found here;
 * each character is converted by itself in the set that holds where it stands.
 */
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset_impl.h"

#define VALUES_MAX	16	/* of (0008,0005); there are 15 terms */
#define TERM_MAX	32

enum kind { ASCII, ROMAN, SINGLE, KANA, G0_PAIR, G0_PAIR_SUPPLEMENT, G1_PAIR };

/* Table C.12-3 and C.12-4. */
static const struct set {
	const char *number;
	enum kind kind;
	enum charset_code code;
	const char *escape;	/* after ESC */
	const char *alone;	/* SINGLE: the set without code extensions */
} sets[] = {
	{ "6", ASCII, NCODES, "(B", NULL },
	{ "100", SINGLE, NCODES, "-A", "ISO_IR 100" },
	{ "101", SINGLE, NCODES, "-B", "ISO_IR 101" },
	{ "109", SINGLE, NCODES, "-C", "ISO_IR 109" },
	{ "110", SINGLE, NCODES, "-D", "ISO_IR 110" },
	{ "144", SINGLE, NCODES, "-L", "ISO_IR 144" },
	{ "127", SINGLE, NCODES, "-G", "ISO_IR 127" },
	{ "126", SINGLE, NCODES, "-F", "ISO_IR 126" },
	{ "138", SINGLE, NCODES, "-H", "ISO_IR 138" },
	{ "148", SINGLE, NCODES, "-M", "ISO_IR 148" },
	{ "203", SINGLE, NCODES, "-b", "ISO_IR 203" },
	{ "166", SINGLE, NCODES, "-T", "ISO_IR 166" },
	{ "13", KANA, CODE_EUC_JP, ")I", NULL },
	{ "87", G0_PAIR, CODE_EUC_JP, "$B", NULL },
	{ "159", G0_PAIR_SUPPLEMENT, CODE_EUC_JP, "$(D", NULL },
	{ "149", G1_PAIR, CODE_EUC_KR, "$)C", NULL },
	{ "58", G1_PAIR, CODE_EUC_CN, "$)A", NULL },
};
#define NSETS	(sizeof sets / sizeof sets[0])
/* The Roman letters of JIS X 0201 (ISO-IR 14) come with "13", and writers use them with "87" too. */
static const struct set roman = { "14", ROMAN, NCODES, "(J", NULL };

struct reader {
	bool declared[NSETS];
	const struct set *g0, *g1;	/* NULL: ASCII; nothing */
	const struct set *g0_first, *g1_first;
	bool name, values;	/* VR PN; backslash divides values */
	const char *why;	/* it contradicts */
	bool full;
	char *out;
	size_t cap, len;
};

/* "ISO 2022 IR 87", and "ISO_IR 100" where writers mixed them up. */
static const struct set *
set_of(const char *term)
{
	const char *number = text_starts(term, "ISO 2022 IR ") ? term + 12 : text_starts(term, "ISO_IR ") ? term + 7 : "";

	for (size_t i = 0; i < NSETS; i++)
		if (strcmp(number, sets[i].number) == 0)
			return &sets[i];
	return NULL;
}

/* The next of several values, trimmed. */
static bool
next_value(const char **at, char *to)
{
	const char *end = *at == NULL ? NULL : strchr(*at, '\\');

	if (*at == NULL)
		return false;
	if (!text_copyn(to, TERM_MAX, *at, end != NULL ? (size_t)(end - *at) : strlen(*at)))
		text_copy(to, TERM_MAX, "?");	/* longer than any */
	text_trim(to);
	*at = end != NULL ? end + 1 : NULL;
	return true;
}

/* What `declared` allows and begins with; false: a term that is none here. */
static bool
declare(const char *declared, struct reader *r)
{
	const char *at = declared;
	char term[TERM_MAX];
	bool first = true;

	memset(r, 0, sizeof *r);
	for (int i = 0; i < VALUES_MAX && next_value(&at, term); i++, first = false) {
		const struct set *s = set_of(term);

		if (s == NULL && !(first && term[0] == '\0'))
			return false;
		if (s == NULL)
			continue;
		r->declared[s - sets] = true;
		if (first && s->kind != ASCII && s->kind != G0_PAIR && s->kind != G0_PAIR_SUPPLEMENT)
			r->g1_first = s;
		if (first && s->kind == KANA)
			r->g0_first = &roman;
	}
	return at == NULL;
}

/* GB18030 and GBK are never one of several. */
static bool
is_gb(const char *declared, enum charset_code *c)
{
	char term[TERM_MAX];

	if (!text_copy(term, sizeof term, declared))
		return false;
	text_trim(term);
	*c = strcmp(term, "GBK") == 0 ? CODE_GBK : CODE_GB18030;
	return *c == CODE_GBK || strcmp(term, "GB18030") == 0;
}

bool
charset_wide_known(const char *declared)
{
	enum charset_code c;
	struct reader r;

	return is_gb(declared, &c) || declare(declared, &r);
}

bool
charset_wide_jis(const char *declared)
{
	struct reader r;

	return declare(declared, &r) && r.g0_first == &roman;
}

static bool
put(struct reader *r, const char *s, size_t n)
{
	if (r->len + n >= r->cap) {
		r->full = true;
		return false;
	}
	memcpy(r->out + r->len, s, n);
	r->len += n;
	return true;
}

static bool
put_char(struct reader *r, enum charset_code c, const uint8_t *p, size_t n)
{
	char utf8[CHARSET_CHAR_MAX];
	size_t len = 0;

	return charset_char(c, p, n, utf8, &len) && put(r, utf8, len);
}

static bool
because(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

static const struct set *
set_by_escape(const char *p, size_t n, size_t *used, bool *cut)
{
	*cut = false;
	for (size_t i = 0; i <= NSETS; i++) {
		const struct set *s = i < NSETS ? &sets[i] : &roman;

		*used = strlen(s->escape);
		if (n >= *used && memcmp(p, s->escape, *used) == 0)
			return s;
		*cut |= n < *used && memcmp(p, s->escape, n) == 0;
	}
	return NULL;
}

static bool
designate(struct reader *r, const char *p, size_t n, size_t *used)
{
	bool cut = false;
	const struct set *s = set_by_escape(p, n, used, &cut);

	if (s == NULL)
		return because(r, cut ? "an escape sequence that is cut off" : "an escape sequence that DICOM does not have");
	if (s == &roman ? !r->declared[set_of("ISO_IR 13") - sets] && !r->declared[set_of("ISO_IR 87") - sets]
	    : s->kind != ASCII && !r->declared[s - sets])
		return because(r, "an escape sequence of a set that is not declared");
	if (s->kind == ASCII || s->kind == ROMAN || s->kind == G0_PAIR || s->kind == G0_PAIR_SUPPLEMENT)
		r->g0 = s->kind == ASCII ? NULL : s;
	else
		r->g1 = s;
	return true;
}

/* ASCII, or the Roman letters of JIS X 0201: they differ in two places. */
static bool
letter(struct reader *r, uint8_t c)
{
	if (r->g0 == &roman && c == '~')
		return put(r, "\xe2\x80\xbe", 3);
	if (r->g0 == &roman && c == '\\' && !r->values)
		return put(r, "\xc2\xa5", 2);
	return put(r, (const char *)&c, 1);
}

/* A character of G0 or G1; *used bytes. */
static bool
character(struct reader *r, const uint8_t *p, size_t n, size_t *used)
{
	const struct set *s = p[0] < 0x80 ? r->g0 : r->g1;
	uint8_t pair[3] = { 0x8f, p[0] | 0x80, n > 1 ? p[1] | 0x80 : 0 };
	char utf8[CHARSET_CHAR_MAX];
	size_t len = 0;

	*used = 1;
	if (p[0] < 0x80 && (s == NULL || s->kind == ROMAN))
		return letter(r, p[0]);
	if (s == NULL)
		return because(r, "no set is designated there");
	if (s->kind == SINGLE)
		return charset_char_single(s->alone, p[0], utf8, &len) && put(r, utf8, len);
	if (s->kind == KANA) {
		uint8_t kana[2] = { 0x8e, p[0] };
		return p[0] > 0xa0 && p[0] < 0xe0 && put_char(r, s->code, kana, 2);
	}
	*used = 2;
	if (n < 2 || (p[0] ^ p[1]) & 0x80 || (p[0] & 0x7f) < 0x21 || (p[1] & 0x7f) < 0x21)
		return because(r, "half a character");
	return s->kind == G0_PAIR_SUPPLEMENT ? put_char(r, s->code, pair, 3) : put_char(r, s->code, pair + 1, 2);
}

/* After these the sets are the first ones again (PS3.5 6.1.2.5.3). */
static bool
resets(const struct reader *r, uint8_t c)
{
	return c == '\n' || c == '\r' || c == '\t' || c == '\f' || (r->values && c == '\\') ||
	    (r->name && (c == '^' || c == '='));
}

static bool
segments(struct reader *r, const uint8_t *p, size_t n, size_t *at)
{
	r->g0 = r->g0_first;
	r->g1 = r->g1_first;
	for (size_t i = 0, used = 0; i < n; i += used) {
		bool one = r->g0 == NULL || r->g0 == &roman;	/* a byte a character, in G0 */

		*at = i;
		if (p[i] == CHARSET_ESC) {
			if (!designate(r, (const char *)p + i + 1, n - i - 1, &used))
				return false;
			used++;
		} else if (p[i] < 0x21 || p[i] == 0x7f || (one && resets(r, p[i]))) {
			used = 1;
			if (!put(r, (const char *)p + i, 1))
				return false;
			if (resets(r, p[i])) {
				r->g0 = r->g0_first;
				r->g1 = r->g1_first;
			}
		} else if (!character(r, p + i, n - i, &used)) {
			return false;
		}
	}
	return true;
}

/* Text of three and more bytes a character that is whole UTF-8 is UTF-8: as GBK it would be a rare character, a rare
 * pair and so on to the end. Two bytes a character prove nothing. */
static bool
looks_utf8(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0xe0)
			return text_utf8_valid((const char *)p, n);
	return false;
}

static bool
gb(struct reader *r, enum charset_code c, const uint8_t *p, size_t n, size_t *at)
{
	for (*at = 0; *at < n && p[*at] < 0x80; ++*at)
		;
	if (looks_utf8(p, n))
		return because(r, "it is UTF-8");
	for (size_t i = 0, used = 0; i < n; i += used) {
		*at = i;
		used = p[i] <= 0x80 ? 1 : c == CODE_GB18030 && i + 1 < n && p[i + 1] >= '0' && p[i + 1] <= '9' ? 4 : 2;
		if (used == 1 && p[i] < 0x80) {
			if (p[i] == CHARSET_ESC || !put(r, (const char *)p + i, 1))
				return false;
			continue;
		}
		if (used > n - i)
			return because(r, "half a character");
		if (!put_char(r, c, p + i, used))
			return false;
	}
	return true;
}

int
charset_wide(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap, size_t *len,
    struct err *err)
{
	const uint8_t *p = (const uint8_t *)bytes;
	enum charset_code c = NCODES;
	struct reader r;
	size_t at = 0;
	bool fine = false, whole = is_gb(declared, &c);
	int rc = RC_OK;

	*len = 0;
	if (!declare(declared, &r) && !whole)
		return charset_known(declared, err);
	/* Without an escape the first set holds to the end: UTF-8 that is no word in it is found as a whole. */
	if (r.g1_first != NULL && r.g1_first->kind == SINGLE && memchr(bytes, CHARSET_ESC, n) == NULL)
		rc = charset_single(r.g1_first->alone, declared, bytes, n, out, cap, len, err);
	if (rc != RC_OK)
		return rc;
	r.name = strcmp(vr, "PN") == 0;
	r.values = strcmp(vr, "ST") != 0 && strcmp(vr, "LT") != 0 && strcmp(vr, "UT") != 0;
	r.out = out;
	r.cap = cap;
	fine = whole ? gb(&r, c, p, n, &at) : segments(&r, p, n, &at);
	if (r.full)
		return err_set(err, ERR_DATA, "a text of %zu bytes does not convert into %zu", n, cap - 1);
	if (!fine)
		return charset_contradicts(declared, at, r.why, err);
	out[r.len] = '\0';
	*len = r.len;
	return RC_OK;
}
