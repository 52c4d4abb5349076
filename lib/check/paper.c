#include "check/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/birth.h"
#include "check/name.h"

#define RING 8 /* words in which a whole name has to stand */
#define LABEL_WORDS 3 /* "geb. am 1.2.1970" */

static const char *const labels[] = { "geb", "geboren", "geborene", "geburtsdatum", "geburtstag", "gebdatum",
	"birth", "birthdate", "birthtime", "born", "dob", "ne", "nee", "naissance" };
static const struct {
	const char *word;
	int month;
} months[] = { { "januar", 1 }, { "jaenner", 1 }, { "january", 1 }, { "jan", 1 }, { "janvier", 1 },
	{ "februar", 2 }, { "february", 2 }, { "feb", 2 }, { "fevrier", 2 }, { "maerz", 3 }, { "march", 3 },
	{ "mar", 3 }, { "mars", 3 }, { "april", 4 }, { "apr", 4 }, { "avril", 4 }, { "mai", 5 }, { "may", 5 },
	{ "juni", 6 }, { "june", 6 }, { "jun", 6 }, { "juin", 6 }, { "juli", 7 }, { "july", 7 }, { "jul", 7 },
	{ "juillet", 7 }, { "august", 8 }, { "aug", 8 }, { "aout", 8 }, { "september", 9 }, { "sep", 9 },
	{ "sept", 9 }, { "septembre", 9 }, { "oktober", 10 }, { "october", 10 }, { "okt", 10 }, { "oct", 10 },
	{ "octobre", 10 }, { "november", 11 }, { "nov", 11 }, { "novembre", 11 }, { "dezember", 12 },
	{ "december", 12 }, { "dez", 12 }, { "dec", 12 }, { "decembre", 12 } };

struct reading {
	struct words family, given; /* of the order; the first given name is enough */
	char birth[9];
	struct word ring[RING]; /* the last words */
	uint32_t before[RING]; /* the sign before each */
	size_t seen; /* words in all */
	size_t label; /* `seen` when a birth date was announced; 0 never */
	bool name, date, other_date;
};

/* The i-th last word, 0 the last. */
static const struct word *
last(const struct reading *r, size_t i)
{
	return &r->ring[(r->seen - 1 - i) % RING];
}

static uint32_t
sign_before(const struct reading *r, size_t i)
{
	return r->before[(r->seen - 1 - i) % RING];
}

static bool
in_ring(const struct reading *r, const struct word *w)
{
	for (size_t i = 0; i < RING && i < r->seen; i++)
		if (strcmp(last(r, i)->written, w->written) == 0)
			return true;
	return false;
}

static bool
name_is_there(const struct reading *r)
{
	for (size_t i = 0; i < r->family.n; i++)
		if (!in_ring(r, &r->family.v[i]))
			return false;
	return in_ring(r, &r->given.v[0]);
}

/* A number of at most four digits; -1 none. */
static int
number(const struct word *w)
{
	size_t n = strlen(w->written);

	if (n == 0 || n > 4 || strspn(w->written, "0123456789") != n)
		return -1;
	return (int)strtol(w->written, NULL, 10);
}

static bool
is_year(const struct word *w)
{
	int y = number(w);

	return strlen(w->written) == 4 && y >= 1900 && y < 2100;
}

static int
month(const struct word *w)
{
	for (size_t i = 0; i < sizeof months / sizeof *months; i++)
		if (strcmp(w->written, months[i].word) == 0)
			return months[i].month;
	return 0;
}

/* A date whose last word is the newest: day, month, year. */
static bool
date_here(const struct reading *r, int *d, int *m, int *y)
{
	const struct word *a = NULL, *b = NULL, *c = NULL;
	uint32_t s = 0, t = 0;

	if (r->seen < 3)
		return false;
	a = last(r, 2);
	b = last(r, 1);
	c = last(r, 0);
	s = sign_before(r, 1);
	t = sign_before(r, 0);
	if (is_year(a) && s == '-' && t == '-') { /* ISO 8601 */
		*y = number(a);
		*m = number(b);
		*d = number(c);
		return true;
	}
	if (!is_year(c))
		return false;
	*y = number(c);
	if ((*m = month(b)) > 0) {
		*d = number(a);
		return true;
	}
	if ((*m = month(a)) > 0) { /* January 2, 1970 */
		*d = number(b);
		return true;
	}
	*d = number(a);
	*m = number(b);
	/* 1/2/1970: nobody knows which is the day */
	return (s == '.' && t == '.') || (s == '-' && t == '-') || (s == '/' && t == '/' && *d == *m);
}

/* text: YYYYMMDD, written in that many words, the newest last. */
static void
judge_date(struct reading *r, const char *text, size_t words)
{
	char plain[9];

	if (birth_parse(text, plain) != BIRTH_DAY)
		return;
	if (strcmp(plain, r->birth) == 0)
		r->date = true;
	else if (r->label > 0 && r->seen - words + 1 - r->label <= LABEL_WORDS)
		r->other_date = true;
}

static void
look_at_date(struct reading *r)
{
	const char *word = last(r, 0)->written;
	char text[16];
	int d = 0, m = 0, y = 0;

	if (strlen(word) == 8 && strspn(word, "0123456789") == 8) { /* CDA: <birthTime value="19700201"/> */
		judge_date(r, word, 1);
	} else if (date_here(r, &d, &m, &y) && d >= 1 && d <= 31 && m >= 1 && m <= 12) {
		snprintf(text, sizeof text, "%04d%02d%02d", y, m, d);
		judge_date(r, text, 3);
	}
}

/* HL7 v2 says it without a word, in PID-7. The first separator is the sign behind "MSH" (2.5.4). */
static void
look_at_pid(struct reading *r, const char *s, const char *end)
{
	char sep = '|', date[9], plain[9];

	if (end - s < 8 || memcmp(s, "MSH", 3) != 0)
		return;
	sep = s[3];
	while (s < end && !(end - s > 4 && memcmp(s, "PID", 3) == 0 && s[3] == sep)) {
		while (s < end && *s != '\r' && *s != '\n')
			s++;
		s += s < end;
	}
	for (int field = 0; s < end && *s != '\r' && *s != '\n' && field < 7; s++)
		field += *s == sep;
	if (end - s < 8 || strspn(s, "0123456789") < 8)
		return;
	text_copyn(date, sizeof date, s, 8);
	if (birth_parse(date, plain) == BIRTH_DAY && strcmp(plain, r->birth) != 0)
		r->other_date = true;
}

static void
take(struct reading *r, const struct word *w, uint32_t before)
{
	r->ring[r->seen % RING] = *w;
	r->before[r->seen % RING] = before;
	r->seen++;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strcmp(w->written, labels[i]) == 0)
			r->label = r->seen;
	look_at_date(r);
	r->name = r->name || name_is_there(r);
}

/* What stands between words in XML, JSON and HL7. */
static bool
is_markup(uint32_t c)
{
	return c < 0x80 && strchr("<>=\"{}|^&~#", (int)c) != NULL;
}

static void
read_words(struct reading *r, const char *s, const char *end)
{
	struct word w = { "", "", false };
	uint32_t before = ' ';

	while (s < end) {
		uint32_t c = fold_next(&s);
		if (c > ' ' && !fold_is_space(c) && !fold_is_joint(c) && !is_markup(c)) {
			fold_add(&w, c);
			continue;
		}
		if (*w.written != '\0') {
			take(r, &w, before);
			before = ' ';
		}
		if (c > ' ')
			before = c;
		w.written[0] = w.bare[0] = '\0';
		w.cut = false;
	}
	if (*w.written != '\0')
		take(r, &w, before);
}

enum paper_says
paper_read(const char *text, size_t n, const char *name, const char *birth)
{
	struct reading *r = calloc(1, sizeof *r);
	struct name *asked = calloc(1, sizeof *asked);
	enum paper_says says = PAPER_SILENT;

	if (r == NULL || asked == NULL || birth_parse(birth, r->birth) != BIRTH_DAY || name == NULL)
		goto out;
	name_parse(name, name + strcspn(name, "="), asked);
	if (asked->family.n == 0 || asked->given.n == 0 || asked->family.n + 1 > RING ||
	    name_is_placeholder(asked) || words_of_newborn(&asked->given))
		goto out;
	r->family = asked->family;
	r->given = asked->given;
	read_words(r, text, text + n);
	look_at_pid(r, text, text + n);
	if (r->date && r->name)
		says = PAPER_AGREES;
	else if (!r->date && r->other_date)
		says = PAPER_CONTRADICTS;
out:
	free(asked);
	free(r);
	return says;
}
