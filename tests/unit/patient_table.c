/* lib/check: the table patient_pairs.tsv, each pair both ways round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/patient.h"

#define COLUMNS 5
#define LIST_MAX 8
#define LINE_MAX_BYTES 2048

struct side {
	char text[LINE_MAX_BYTES];
	const char *names[LIST_MAX];
	struct identity_id ids[LIST_MAX];
	struct identity_facts facts;
};

/* Fields of s in place; returns how many. */
static size_t
fields(char *s, char sep, char **out, size_t max)
{
	size_t n = 0;

	while (n < max) {
		out[n++] = s;
		s = strchr(s, sep);
		if (s == NULL)
			break;
		*s++ = '\0';
	}
	return n;
}

static void
read_side(const char *cell, struct side *out)
{
	char *f[7] = { NULL }, *list[LIST_MAX] = { NULL };
	size_t n = 0;

	memset(out, 0, sizeof *out);
	snprintf(out->text, sizeof out->text, "%s", cell);
	n = fields(out->text, '|', f, 7);
	out->facts = (struct identity_facts){ .name = f[0],
		.birth_date = n > 1 ? f[1] : "19700201",
		.sex = f[2],
		.id = f[3],
		.issuer = f[4],
		.other_names = out->names,
		.other_ids = out->ids };
	if (f[5] != NULL && *f[5] != '\0') {
		out->facts.nother_names = fields(f[5], '\\', list, LIST_MAX);
		for (size_t i = 0; i < out->facts.nother_names; i++)
			out->names[i] = list[i];
	}
	if (f[6] != NULL && *f[6] != '\0') {
		out->facts.nother_ids = fields(f[6], '\\', list, LIST_MAX);
		for (size_t i = 0; i < out->facts.nother_ids; i++) {
			char *part[2] = { NULL };
			assert_int_equal(fields(list[i], '@', part, 2), 2);
			out->ids[i] = (struct identity_id){ part[0], part[1] };
		}
	}
}

static enum identity
verdict_of(const char *word)
{
	for (int v = IDENTITY_MATCH; v <= IDENTITY_MISMATCH; v++)
		if (strcmp(word, identity_word((enum identity)v)) == 0)
			return (enum identity)v;
	fail_msg("no verdict: %s", word);
	return IDENTITY_MATCH;
}

static void
the_table(void **state)
{
	const char *src = getenv("SRC");
	char path[4096], line[LINE_MAX_BYTES], reason[PATIENT_REASON_MAX];
	struct side a, b;
	size_t pairs = 0, wrong = 0;
	FILE *f = NULL;

	(void)state;
	snprintf(path, sizeof path, "%s/tests/unit/patient_pairs.tsv", src != NULL ? src : ".");
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		char *c[COLUMNS] = { NULL };
		line[strcspn(line, "\n")] = '\0';
		if (*line == '#')
			continue;
		if (fields(line, '\t', c, COLUMNS) != COLUMNS || *c[4] == '\0')
			fail_msg("pair %zu has no source", pairs + 1);
		read_side(c[0], &a);
		read_side(c[1], &b);
		for (int turn = 0; turn < 2; turn++) {
			enum identity v = IDENTITY_MATCH;
			patient_compare(turn ? &b.facts : &a.facts, turn ? &a.facts : &b.facts, &v, reason);
			if (v == verdict_of(c[2]) && strstr(reason, c[3]) != NULL)
				continue;
			print_error("'%s' and '%s'%s: %s (%s), expected %s (%s): %s\n", c[0], c[1],
			    turn ? " turned" : "", identity_word(v), reason, c[2], c[3], c[4]);
			wrong++;
		}
		pairs++;
	}
	fclose(f);
	assert_in_range(pairs, 300, 2000);
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
