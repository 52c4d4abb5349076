#include "check/ids.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define KVNR 10 /* a letter, eight digits, a check digit */

/* A string without the spaces around it (LO, PS3.5 6.2). */
struct part {
	const char *s;
	size_t n;
};

static struct part
trim(const char *s)
{
	struct part p = { s != NULL ? s : "", 0 };

	while (*p.s == ' ')
		p.s++;
	p.n = strlen(p.s);
	while (p.n > 0 && p.s[p.n - 1] == ' ')
		p.n--;
	return p;
}

static struct part
without_zeros(struct part p)
{
	while (p.n > 1 && *p.s == '0') {
		p.s++;
		p.n--;
	}
	return p;
}

static bool
equal(struct part a, struct part b)
{
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

static bool
equal_but_case(struct part a, struct part b)
{
	return a.n == b.n && strncasecmp(a.s, b.s, a.n) == 0;
}

/* The check digit: the letter as two digits, every second digit doubled, sums of digits, modulo 10. */
static bool
is_kvnr(struct part p)
{
	int digits[KVNR] = { 0 }, sum = 0, letter = 0;

	if (p.n != KVNR || !isalpha((unsigned char)*p.s) || (unsigned char)*p.s >= 0x80)
		return false;
	letter = toupper((unsigned char)*p.s) - 'A' + 1;
	digits[0] = letter / 10;
	digits[1] = letter % 10;
	for (int i = 1; i < KVNR; i++) {
		if (!isdigit((unsigned char)p.s[i]))
			return false;
		if (i < KVNR - 1)
			digits[i + 1] = p.s[i] - '0';
	}
	for (int i = 0; i < KVNR; i++) {
		int product = digits[i] * (1 + i % 2);
		sum += product / 10 + product % 10;
	}
	return sum % 10 == p.s[KVNR - 1] - '0';
}

static size_t
count(const struct identity_facts *f)
{
	return 1 + f->nother_ids;
}

static struct part
id_of(const struct identity_facts *f, size_t i)
{
	return trim(i == 0 ? f->id : f->other_ids[i - 1].id);
}

static struct part
issuer_of(const struct identity_facts *f, size_t i)
{
	return trim(i == 0 ? f->issuer : f->other_ids[i - 1].issuer);
}

/* How well a's id i agrees with those that b has of the same issuer: one of merged ids is enough. */
static enum identity
of_issuer(const struct identity_facts *a, size_t i, const struct identity_facts *b)
{
	struct part id = id_of(a, i), issuer = issuer_of(a, i);
	enum identity best = IDENTITY_DOUBTFUL;
	bool any = false;

	for (size_t k = 0; k < count(b); k++) {
		struct part other = id_of(b, k);
		if (other.n == 0 || !equal_but_case(issuer, issuer_of(b, k)))
			continue;
		any = true;
		if (equal(id, other))
			return IDENTITY_MATCH;
		if (equal(without_zeros(id), without_zeros(other)))
			best = IDENTITY_LIKELY;
	}
	return any ? best : IDENTITY_MATCH;
}

/* Best of all ids that a has of this issuer. */
static enum identity
best_of_issuer(const struct identity_facts *a, size_t i, const struct identity_facts *b)
{
	enum identity best = IDENTITY_DOUBTFUL;

	for (size_t k = 0; k < count(a); k++)
		if (id_of(a, k).n > 0 && equal_but_case(issuer_of(a, k), issuer_of(a, i))) {
			enum identity v = of_issuer(a, k, b);
			best = v < best ? v : best;
		}
	return best;
}

static bool
other_kvnr(const struct identity_facts *a, const struct identity_facts *b)
{
	bool any = false;

	for (size_t i = 0; i < count(a); i++)
		for (size_t k = 0; k < count(b); k++) {
			if (!is_kvnr(id_of(a, i)) || !is_kvnr(id_of(b, k)))
				continue;
			if (equal_but_case(id_of(a, i), id_of(b, k)))
				return false;
			any = true;
		}
	return any;
}

enum identity
ids_compare(const struct identity_facts *a, const struct identity_facts *b, const char **phrase)
{
	enum identity worst = IDENTITY_MATCH;

	*phrase = "";
	if (other_kvnr(a, b)) {
		*phrase = "another insurance number";
		return IDENTITY_DOUBTFUL;
	}
	for (size_t i = 0; i < count(a); i++)
		if (id_of(a, i).n > 0 && issuer_of(a, i).n > 0) {
			enum identity v = best_of_issuer(a, i, b);
			worst = v > worst ? v : worst;
		}
	if (worst == IDENTITY_LIKELY)
		*phrase = "an id differs in leading zeros";
	else if (worst == IDENTITY_DOUBTFUL)
		*phrase = "another id of the same issuer";
	return worst;
}
