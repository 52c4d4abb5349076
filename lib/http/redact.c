#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "http/redact.h"

#define SPELLINGS_MAX	64
#define WORD_MAX	8	/* eight digits stand in one hash of ten million */
#define TAG_MAX		(REDACT_KIND_MAX + 16)

struct redact_secret {
	char tag[TAG_MAX];
	char kind[REDACT_KIND_MAX];
	char *raw;
	char *spelled[SPELLINGS_MAX];
	size_t len[SPELLINGS_MAX];
	size_t n;
};

static int
keep(struct redact_secret *s, const struct buf *b, struct err *err)
{
	size_t i = 0;

	if (b->len < REDACT_MIN)
		return RC_OK;
	for (i = 0; i < s->n; i++)
		if (strcmp(s->spelled[i], b->data) == 0)
			return RC_OK;
	if (s->n == SPELLINGS_MAX)
		return RC_OK;
	if ((s->spelled[s->n] = text_dup(b->data, err)) == NULL)
		return err_rc(err->kind);
	s->len[s->n++] = b->len;
	return RC_OK;
}

enum coding { PERCENT_UPPER, PERCENT_LOWER, PERCENT_ALL, PLUS, PATH, JSON, JSON_SLASH, CODINGS };

static int
code_char(enum coding how, unsigned char c, struct buf *b, struct err *err)
{
	static const char unreserved[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	bool safe = c != '\0' && strchr(unreserved, c) != NULL;

	switch (how) {
	case PERCENT_UPPER:
		return buf_printf(b, err, safe ? "%c" : "%%%02X", c);
	case PERCENT_LOWER:
		return buf_printf(b, err, safe ? "%c" : "%%%02x", c);
	case PERCENT_ALL:
		return buf_printf(b, err, "%%%02X", c);
	case PLUS:
		return buf_printf(b, err, c == ' ' ? "+" : safe && c != '~' ? "%c" : "%%%02X", c);
	case PATH:	/* RFC 3986 3.3: what a path may hold as it is */
		return buf_printf(b, err, safe || strchr("!$&'()*+,;=:@/", c) != NULL ? "%c" : "%%%02X", c);
	default:
		if (c == '"' || c == '\\' || (c == '/' && how == JSON_SLASH))
			return buf_printf(b, err, "\\%c", c);
		return buf_printf(b, err, c < 0x20 ? "\\u%04x" : "%c", c);
	}
}

/* RFC 8259 7: what is not ASCII as \u, as many writers do. */
static int
spell_unicode(struct redact_secret *s, const char *text, struct err *err)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	const unsigned char *p = (const unsigned char *)text;
	unsigned long c = 0;
	int more = 0, rc = RC_OK;

	if (!text_utf8_valid(text, strlen(text)))
		return RC_OK;
	while (*p != '\0' && rc == RC_OK) {
		if (*p < 0x80) {
			rc = code_char(JSON, *p++, &b, err);
			continue;
		}
		more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		for (c = *p++ & (0x3fU >> more); more > 0; more--)
			c = c << 6 | (*p++ & 0x3f);
		if (c >= 0x10000)
			rc = buf_printf(&b, err, "\\u%04lx\\u%04lx", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
		else
			rc = buf_printf(&b, err, "\\u%04lx", c);
	}
	if (rc == RC_OK && b.len > 0)
		rc = keep(s, &b, err);
	buf_wipe(&b);
	return rc;
}

/* The characters that stand for the secret alone when `shift` bytes (0, 1, 2) stand before it in its group of three. */
static int
spell_base64(struct redact_secret *s, const char *text, size_t shift, const char *last, struct err *err)
{
	static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	struct buf b = BUF_INIT((size_t)1 << 20);
	size_t len = strlen(text), bit = 0, i = (8 * shift + 5) / 6, end = 8 * (shift + len) / 6;
	unsigned v = 0;
	int k = 0, rc = RC_OK;

	for (; i < end && rc == RC_OK; i++) {
		for (v = 0, k = 0; k < 6; k++) {
			bit = 6 * i + (size_t)k - 8 * shift;
			v = v << 1 | ((unsigned char)text[bit / 8] >> (7 - bit % 8) & 1);
		}
		rc = buf_printf(&b, err, "%c", v < 62 ? common[v] : last[v - 62]);
	}
	if (rc == RC_OK && b.len > 0)
		rc = keep(s, &b, err);
	buf_wipe(&b);
	return rc;
}

static int
spell(struct redact_secret *s, const char *text, struct err *err)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	const char *p = NULL;
	size_t shift = 0;
	int how = 0, rc = buf_puts(&b, text, err);

	if (rc == RC_OK)
		rc = keep(s, &b, err);
	for (how = 0; how < CODINGS && rc == RC_OK; how++) {
		buf_clear(&b);
		for (p = text; *p != '\0' && rc == RC_OK; p++)
			rc = code_char((enum coding)how, (unsigned char)*p, &b, err);
		if (rc == RC_OK)
			rc = keep(s, &b, err);
	}
	buf_wipe(&b);
	if (rc == RC_OK)
		rc = spell_unicode(s, text, err);
	for (shift = 0; shift < 3 && rc == RC_OK; shift++)
		if ((rc = spell_base64(s, text, shift, "+/", err)) == RC_OK)
			rc = spell_base64(s, text, shift, "-_", err);
	return rc;
}

/* Three bytes of slack: a birth date may come as DD.MM.YYYY too. */
static bool
as_date(const char *text, char ymd[9])
{
	char turned[9];

	if (time_parse_date(text, ymd))
		return true;
	if (strlen(text) != 10 || ((text[2] != '.' || text[5] != '.') && (text[4] != '/' || text[7] != '/')))
		return false;
	if (text[2] == '.')
		snprintf(turned, sizeof(turned), "%.4s%.2s%.2s", text + 6, text + 3, text);
	else
		snprintf(turned, sizeof(turned), "%.4s%.2s%.2s", text, text + 5, text + 8);
	return time_parse_date(turned, ymd);
}

static int
spell_date(struct redact_secret *s, const char *d, struct err *err)
{
	char text[16];
	int rc = spell(s, d, err);

	snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", d, d + 4, d + 6);
	if (rc == RC_OK)
		rc = spell(s, text, err);
	snprintf(text, sizeof(text), "%.2s.%.2s.%.4s", d + 6, d + 4, d);
	if (rc == RC_OK)
		rc = spell(s, text, err);
	snprintf(text, sizeof(text), "%.4s/%.2s/%.2s", d, d + 4, d + 6);
	return rc == RC_OK ? spell(s, text, err) : rc;
}

static void
wipe(struct redact_secret *s)
{
	size_t i = 0;

	for (i = 0; i < s->n; i++) {
		hash_wipe(s->spelled[i], s->len[i]);
		free(s->spelled[i]);
	}
	hash_wipe_text(&s->raw);
}

static bool
known(const struct redact *r, const char *secret)
{
	size_t i = 0, k = 0;

	for (i = 0; i < r->n; i++)
		for (k = 0; k < r->v[i].n; k++)
			if (strcmp(r->v[i].spelled[k], secret) == 0)
				return true;
	return false;
}

bool
redact_full(const struct redact *r)
{
	return r->n >= REDACT_MAX;
}

int
redact_add_as(struct redact *r, const char *kind, const char *secret, struct err *err)
{
	struct redact_secret s = { .n = 0 }, *v = NULL;
	char ymd[9];
	size_t i = 0, number = 1;
	int rc = RC_OK;

	if (secret == NULL || strlen(secret) < REDACT_MIN || known(r, secret))
		return RC_OK;
	if (redact_full(r))
		return err_set(err, ERR_PROTOCOL, "more than %d secrets in one session", REDACT_MAX);
	for (i = 0; i < r->n; i++)
		number += strcmp(r->v[i].kind, kind) == 0;
	text_copy(s.kind, sizeof(s.kind), kind);
	snprintf(s.tag, sizeof(s.tag), "[%s#%zu]", s.kind, number);
	if ((s.raw = text_dup(secret, err)) == NULL)
		return err_rc(err->kind);
	rc = as_date(secret, ymd) ? spell_date(&s, ymd, err) : spell(&s, secret, err);
	if (rc == RC_OK && (v = realloc(r->v, (r->n + 1) * sizeof(*v))) == NULL)
		rc = err_sys(err, ENOMEM, "cannot keep a secret");
	if (rc != RC_OK) {
		wipe(&s);
		return rc;
	}
	r->v = v;
	r->v[r->n++] = s;
	return RC_OK;
}

int
redact_add(struct redact *r, const char *secret, struct err *err)
{
	return redact_add_as(r, "secret", secret, err);
}

/* The longest spelling of any secret that stands at p. */
static const struct redact_secret *
at(const struct redact *r, const char *p, size_t left, size_t *len)
{
	const struct redact_secret *best = NULL, *s = NULL;
	size_t i = 0, k = 0;

	*len = 0;
	for (i = 0; i < r->n; i++) {
		s = &r->v[i];
		for (k = 0; k < s->n; k++)
			if (s->spelled[k][0] == *p && s->len[k] > *len && s->len[k] <= left &&
			    memcmp(s->spelled[k], p, s->len[k]) == 0) {
				best = s;
				*len = s->len[k];
			}
	}
	return best;
}

int
redact_buf(const struct redact *r, const char *text, size_t n, struct buf *out, struct err *err)
{
	const struct redact_secret *s = NULL;
	size_t i = 0, from = 0, len = 0;
	int rc = RC_OK;

	while (i < n && rc == RC_OK) {
		if ((s = at(r, text + i, n - i, &len)) == NULL) {
			i++;
			continue;
		}
		if ((rc = buf_add(out, text + from, i - from, err)) == RC_OK)
			rc = buf_puts(out, s->tag, err);
		from = i += len;
	}
	return rc == RC_OK ? buf_add(out, text + from, n - from, err) : rc;
}

bool
redact_found(const struct redact *r, const char *text, size_t n)
{
	size_t i = 0, len = 0;

	for (i = 0; i < n; i++)
		if (at(r, text + i, n - i, &len) != NULL)
			return true;
	return false;
}

static bool
in_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

bool
redact_known(const struct redact *r, const char *text, size_t n)
{
	size_t i = 0, len = 0;

	for (i = 0; i < n; i++)
		if (at(r, text + i, n - i, &len) != NULL && (len >= WORD_MAX || ((i == 0 || !in_word((unsigned char)text[i - 1])) &&
		    (i + len == n || !in_word((unsigned char)text[i + len])))))
			return true;
	return false;
}

const char *
redact_raw(const struct redact *r, size_t i)
{
	return r->v[i].raw;
}

void
redact_text(const struct redact *r, char *text, size_t cap)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 };

	if (cap == 0)
		return;
	if (redact_buf(r, text, strlen(text), &b, &err) != RC_OK)
		text[0] = '\0';	/* better no message than one with a secret */
	else
		text_copy(text, cap, b.data != NULL ? b.data : "");
	buf_wipe(&b);
}

void
redact_err(const struct redact *r, struct err *err)
{
	redact_text(r, err->text, sizeof(err->text));
	redact_text(r, err->advice, sizeof(err->advice));
}

void
redact_free(struct redact *r)
{
	size_t i = 0;

	for (i = 0; i < r->n; i++)
		wipe(&r->v[i]);
	free(r->v);
	r->v = NULL;
	r->n = 0;
}
