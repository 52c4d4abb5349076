/*
 * Reading what is not one byte a character: code extensions (ISO 2022, PS3.3
 * C.12.1.1.2, PS3.5 6.1.2.5) and GB 18030. The segments are found here, each
 * character is converted by itself in an encoding without state (EUC), so
 * that nothing depends on what iconv makes of escape sequences.
 */
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset_impl.h"

#define ESC		0x1b
#define VALUES_MAX	16	/* of (0008,0005); there are 15 terms */
#define TERM_MAX	32
#define CHAR_MAX_UTF8	8	/* one character, a combining one included */

enum kind { SINGLE, KANA, G0_PAIR, G0_PAIR_SUPPLEMENT, G1_PAIR, ROMAN };
enum euc { EUC_JP, EUC_KR, EUC_CN, GB18030, GBK, NEUC };

/* Table C.12-3 and C.12-4. Those whose escape begins with ( or $ and a letter go into G0, the others into G1. */
static const struct set {
	const char *number;
	enum kind kind;
	enum euc euc;
	const char *escape;	/* after ESC */
	const char *alone;	/* SINGLE: the set without code extensions */
} sets[] = {
	{ "6", ROMAN, NEUC, "(B", NULL },
	{ "100", SINGLE, NEUC, "-A", "ISO_IR 100" },
	{ "101", SINGLE, NEUC, "-B", "ISO_IR 101" },
	{ "109", SINGLE, NEUC, "-C", "ISO_IR 109" },
	{ "110", SINGLE, NEUC, "-D", "ISO_IR 110" },
	{ "144", SINGLE, NEUC, "-L", "ISO_IR 144" },
	{ "127", SINGLE, NEUC, "-G", "ISO_IR 127" },
	{ "126", SINGLE, NEUC, "-F", "ISO_IR 126" },
	{ "138", SINGLE, NEUC, "-H", "ISO_IR 138" },
	{ "148", SINGLE, NEUC, "-M", "ISO_IR 148" },
	{ "203", SINGLE, NEUC, "-b", "ISO_IR 203" },
	{ "166", SINGLE, NEUC, "-T", "ISO_IR 166" },
	{ "13", KANA, EUC_JP, ")I", NULL },
	{ "87", G0_PAIR, EUC_JP, "$B", NULL },
	{ "159", G0_PAIR_SUPPLEMENT, EUC_JP, "$(D", NULL },
	{ "149", G1_PAIR, EUC_KR, "$)C", NULL },
	{ "58", G1_PAIR, EUC_CN, "$)A", NULL },
};
#define NSETS	(sizeof sets / sizeof sets[0])

static const char *const euc_names[NEUC] = { "EUC-JP", "EUC-KR", "GB2312", "GB18030", "GBK" };
static iconv_t euc[NEUC];	/* held open: see charset.h */
static bool loaded;

struct reader {
	bool declared[NSETS];
	const struct set *g0, *g1;	/* NULL: ASCII; nothing */
	const struct set *g0_first, *g1_first;
	char *out;
	size_t cap, len;
};

int
charset_wide_load(struct err *err)
{
	for (int i = 0; i < NEUC && !loaded; i++) {
		euc[i] = iconv_open("UTF-8", euc_names[i]);
		if (euc[i] == (iconv_t)-1)
			return err_sys(err, errno, "cannot load the character set %s", euc_names[i]);
	}
	loaded = true;
	return RC_OK;
}

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
		if (first && s->kind != ROMAN && s->kind != G0_PAIR && s->kind != G0_PAIR_SUPPLEMENT)
			r->g1_first = s;
	}
	return at == NULL;
}

bool
charset_readable(const char *declared)
{
	struct reader r;
	struct err ignore = { 0 };

	return charset_known(declared, &ignore) == RC_OK || strcmp(declared, "GB18030") == 0 ||
	    strcmp(declared, "GBK") == 0 || declare(declared, &r);
}

static bool
put(struct reader *r, const char *s, size_t n)
{
	if (r->len + n >= r->cap)
		return false;
	memcpy(r->out + r->len, s, n);
	r->len += n;
	return true;
}

static bool
put_euc(struct reader *r, enum euc which, const uint8_t *p, size_t n)
{
	char utf8[CHAR_MAX_UTF8], *to = utf8, *from = (char *)(uintptr_t)p;
	size_t room = sizeof utf8, left = n;

	iconv(euc[which], NULL, NULL, NULL, NULL);
	if (iconv(euc[which], &from, &left, &to, &room) != 0 || left != 0)
		return false;
	return put(r, utf8, (size_t)(to - utf8));
}

static bool
designate(struct reader *r, const char *p, size_t n, size_t *used)
{
	for (size_t i = 0; i < NSETS; i++) {
		size_t len = strlen(sets[i].escape);

		if (n < len || memcmp(p, sets[i].escape, len) != 0)
			continue;
		*used = len;
		if (sets[i].kind == ROMAN)
			r->g0 = NULL;
		else if (!r->declared[i])
			return false;
		else if (sets[i].kind == G0_PAIR || sets[i].kind == G0_PAIR_SUPPLEMENT)
			r->g0 = &sets[i];
		else
			r->g1 = &sets[i];
		return true;
	}
	*used = 2;	/* JIS X 0201 has its Roman letters in G0; with IR 87 alone writers use them too */
	if (n >= 2 && memcmp(p, "(J", 2) == 0 && (r->declared[set_of("ISO_IR 13") - sets] ||
	    r->declared[set_of("ISO_IR 87") - sets])) {
		r->g0 = NULL;
		return true;
	}
	return false;
}

/* A character of G0 or G1; *used bytes. */
static bool
character(struct reader *r, const uint8_t *p, size_t n, size_t *used)
{
	const struct set *s = p[0] < 0x80 ? r->g0 : r->g1;
	uint8_t pair[3] = { 0x8f, p[0] | 0x80, n > 1 ? p[1] | 0x80 : 0 };
	char utf8[CHAR_MAX_UTF8];
	struct err ignore = { 0 };
	size_t len = 0;

	*used = 1;
	if (s == NULL)
		return p[0] < 0x80 && put(r, (const char *)p, 1);
	if (s->kind == SINGLE)
		return charset_to_utf8(s->alone, (const char *)p, 1, utf8, sizeof utf8, &len, &ignore) == RC_OK &&
		    put(r, utf8, len);
	if (s->kind == KANA) {
		uint8_t kana[2] = { 0x8e, p[0] };
		return p[0] > 0xa0 && p[0] < 0xe0 && put_euc(r, s->euc, kana, 2);
	}
	*used = 2;
	if (n < 2 || (p[0] ^ p[1]) & 0x80 || (p[0] & 0x7f) < 0x21 || (p[1] & 0x7f) < 0x21)
		return false;
	return s->kind == G0_PAIR_SUPPLEMENT ? put_euc(r, s->euc, pair, 3) : put_euc(r, s->euc, pair + 1, 2);
}

/* After these the sets are the first ones again (PS3.5 6.1.2.5.3); ^ and = in names only. */
static bool
resets(uint8_t c, bool name)
{
	return c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || (name && (c == '^' || c == '='));
}

static bool
segments(struct reader *r, bool name, const uint8_t *p, size_t n, size_t *at)
{
	r->g0 = r->g0_first;
	r->g1 = r->g1_first;
	for (size_t i = 0, used = 0; i < n; i += used) {
		*at = i;
		if (p[i] == ESC) {
			if (!designate(r, (const char *)p + i + 1, n - i - 1, &used))
				return false;
			used++;
		} else if (p[i] < 0x21 || p[i] == 0x7f || (r->g0 == NULL && resets(p[i], name))) {
			used = 1;
			if (!put(r, (const char *)p + i, 1))
				return false;
			if (resets(p[i], name)) {
				r->g0 = r->g0_first;
				r->g1 = r->g1_first;
			}
		} else if (!character(r, p + i, n - i, &used)) {
			return false;
		}
	}
	return true;
}

static bool
gb(struct reader *r, enum euc which, const char *s, size_t n, size_t *at)
{
	char *from = (char *)(uintptr_t)s, *to = r->out;
	size_t left = n, room = r->cap - 1;

	iconv(euc[which], NULL, NULL, NULL, NULL);
	if (iconv(euc[which], &from, &left, &to, &room) != 0 || left != 0) {
		*at = n - left;
		return false;
	}
	r->len = (size_t)(to - r->out);
	return true;
}

int
charset_read(const char *declared, bool name, const char *bytes, size_t n, char *out, size_t cap, size_t *len,
    struct err *err)
{
	struct err ignore = { 0 };
	struct reader r;
	size_t at = 0;
	bool fine = false, is_gb = strcmp(declared, "GB18030") == 0 || strcmp(declared, "GBK") == 0;

	*len = 0;
	if (charset_known(declared, &ignore) == RC_OK)
		return charset_to_utf8(declared, bytes, n, out, cap, len, err);
	if (!declare(declared, &r) && !is_gb)
		return charset_known(declared, err);
	if (!loaded)
		return err_set(err, ERR_INTERNAL, "character sets are not loaded");
	r.out = out;
	r.cap = cap;
	fine = is_gb ? gb(&r, declared[2] == 'K' ? GBK : GB18030, bytes, n, &at)
		     : segments(&r, name, (const uint8_t *)bytes, n, &at);
	if (!fine)
		return err_set(err, ERR_DATA, "byte %zu of a text contradicts the declared character sets", at);
	out[r.len] = '\0';
	*len = r.len;
	return RC_OK;
}
