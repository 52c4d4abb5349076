/* lib/check: names and birth dates compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "check/fold.h"
#include "check/patient.h"

struct pair {
	const char *a, *b;
	enum identity want;
	const char *phrase;
};

/* Both ways round: comparing is symmetric. */
static void
check_pairs(const struct pair *v, size_t n)
{
	char reason[PATIENT_REASON_MAX];

	for (size_t i = 0; i < n; i++)
		for (int turn = 0; turn < 2; turn++) {
			const char *a = turn ? v[i].b : v[i].a, *b = turn ? v[i].a : v[i].b;
			enum identity got = name_compare(a, b, reason);
			if (got != v[i].want || strstr(reason, v[i].phrase) == NULL)
				fail_msg("'%s' and '%s': %s (%s), expected %s (%s)", a, b,
				    identity_word(got), reason, identity_word(v[i].want), v[i].phrase);
		}
}

static void
names_that_match(void **state)
{
	static const struct pair v[] = {
		{ "Müller^Jörg", "Müller^Jörg", IDENTITY_MATCH, "" },
		{ "Müller^Jörg", "MÜLLER^JÖRG", IDENTITY_MATCH, "" },
		{ "Müller^Jörg", "Mueller^Joerg", IDENTITY_MATCH, "" },
		{ "Müller^Jörg", "MUELLER^JOERG^^^", IDENTITY_MATCH, "" },
		{ "Mustermann^Max", "Mustermann,Max", IDENTITY_MATCH, "" },
		{ "Mustermann^Max", "Mustermann, Max", IDENTITY_MATCH, "" },
		{ "Strauß^Käthe", "Strauss^Kaethe", IDENTITY_MATCH, "" },
		{ "STRAUẞ^Käthe", "Strauß^Käthe", IDENTITY_MATCH, "" },
		{ "Müller-Schmidt^Anna", "Mueller Schmidt^Anna", IDENTITY_MATCH, "" },
		{ "Müller^Hans^Peter", "Müller^Hans-Peter", IDENTITY_MATCH, "" },
		{ "Müller^Jörg^^Prof. Dr. med.", "Müller^Jörg", IDENTITY_MATCH, "" },
		{ "Dr. Müller^Jörg", "Müller^Jörg", IDENTITY_MATCH, "" },
		{ "von Stein^Anna", "Stein^Anna^^von", IDENTITY_MATCH, "" },
		{ "Stein^Anna^^^von und zu", "Stein^Anna^^von zu", IDENTITY_MATCH, "" },
		{ "O'Connor^Sinéad", "OConnor^Sinead", IDENTITY_MATCH, "" },
		{ "O’Connor^Sinéad", "O'CONNOR^SINEAD", IDENTITY_MATCH, "" },
		{ "Sørensen^Åse", "Soerensen^Aase", IDENTITY_MATCH, "" },
		{ "Mu\xcc\x88ller^Jo\xcc\x88rg", "Müller^Jörg", IDENTITY_MATCH, "" },
		{ "Graf^Anna", "GRAF^ANNA", IDENTITY_MATCH, "" },
		{ "Šimůnek^Žofie", "Simunek^Zofie", IDENTITY_MATCH, "" },
		{ "ИВАНОВ^Пётр", "Иванов^Пётр", IDENTITY_MATCH, "" },
		{ "山田^太郎", "山田^太郎", IDENTITY_MATCH, "" },
		{ "Müller  ^ Jörg ", "Müller^Jörg", IDENTITY_MATCH, "" },
		{ "Jörg Müller", "Joerg Mueller", IDENTITY_MATCH, "" },
	};

	(void)state;
	check_pairs(v, sizeof v / sizeof *v);
}

static void
names_that_are_likely(void **state)
{
	static const struct pair v[] = {
		{ "Müller^Jörg", "Muller^Jorg", IDENTITY_LIKELY, "umlaut" },
		{ "Sørensen^Åse", "Sorensen^Ase", IDENTITY_LIKELY, "family name: umlaut" },
		{ "Müller^Jörg", "Jörg^Müller", IDENTITY_LIKELY, "swapped" },
		{ "von Stein^Anna", "Stein^Anna", IDENTITY_LIKELY, "particle" },
		{ "Müller-Schmidt^Anna", "Müller^Anna", IDENTITY_LIKELY, "family name: a part" },
		{ "Müller-Schmidt^Anna", "Schmidt^Anna", IDENTITY_LIKELY, "family name: a part" },
		{ "Müller-Schmidt^Anna", "Schmidt-Müller^Anna", IDENTITY_LIKELY, "another order" },
		{ "Müller^Anna Maria", "Müller^Anna", IDENTITY_LIKELY, "given name: a part" },
		{ "Müller^Hans-Peter", "Müller^Hanspeter", IDENTITY_LIKELY, "one word" },
		{ "Müller^Jörg", "Jörg Müller", IDENTITY_LIKELY, "not told apart" },
		{ "Yamada^Tarou=山田^太郎=やまだ^たろう", "山田^太郎", IDENTITY_LIKELY, "another group" },
		{ "Yamada^Tarou=山田^太郎", "Yamada^Taro=山田^太郎", IDENTITY_LIKELY, "another group" },
	};

	(void)state;
	check_pairs(v, sizeof v / sizeof *v);
}

static void
names_that_stay_in_doubt(void **state)
{
	static const struct pair v[] = {
		{ "Meier^Anna", "Meyer^Anna", IDENTITY_DOUBTFUL, "family name: spelt almost" },
		{ "Bauer^Anna", "Baur^Anna", IDENTITY_DOUBTFUL, "family name: spelt almost" },
		{ "Mueller^Anna", "Muller^Anna", IDENTITY_DOUBTFUL, "spelt almost" },
		{ "Müller^Anna Maria", "Müller^Maria", IDENTITY_DOUBTFUL, "later part" },
		{ "Müller^Jörg", "Müller^J.", IDENTITY_DOUBTFUL, "initial" },
		{ "Müller^Jörg", "Müller", IDENTITY_DOUBTFUL, "" },
		{ "Müller^Anna Maria", "Müller^Anna Luise", IDENTITY_DOUBTFUL, "one part agrees" },
		{ "Yamada^Tarou=山田^太郎", "Suzuki^Ken=山田^太郎", IDENTITY_DOUBTFUL, "another group" },
		{ "Yamada^Tarou", "山田^太郎", IDENTITY_DOUBTFUL, "scripts" },
		{ "Müller^Jörg", "Anna Müller", IDENTITY_DOUBTFUL, "" },
	};

	(void)state;
	check_pairs(v, sizeof v / sizeof *v);
}

static void
names_of_others(void **state)
{
	static const struct pair v[] = {
		{ "Müller^Jörg", "Schneider^Jörg", IDENTITY_MISMATCH, "family name: differs" },
		{ "Müller^Jörg", "Müller^Anna", IDENTITY_MISMATCH, "given name: differs" },
		{ "Müller^Jörg", "Weber^Anna", IDENTITY_MISMATCH, "differs" },
		{ "Jörg Müller", "Anna Weber", IDENTITY_MISMATCH, "name: differs" },
		{ "山田^太郎", "鈴木^健", IDENTITY_MISMATCH, "differs" },
		{ "", "Müller^Jörg", IDENTITY_UNKNOWN, "missing" },
		{ "^^^^", "Müller^Jörg", IDENTITY_UNKNOWN, "missing" },
	};

	(void)state;
	check_pairs(v, sizeof v / sizeof *v);
}

static void
compare(const struct identity_facts *a, const struct identity_facts *b, enum identity want,
    const char *phrase)
{
	char reason[PATIENT_REASON_MAX];
	enum identity got = IDENTITY_MATCH;

	assert_int_equal(patient_compare(a, b, &got, reason), 0);
	if (got != want || strstr(reason, phrase) == NULL)
		fail_msg(
		    "%s (%s), expected %s (%s)", identity_word(got), reason, identity_word(want), phrase);
}

static void
birth_dates(void **state)
{
	static const struct {
		const char *a, *b;
		enum identity want;
		const char *phrase;
	} v[] = {
		{ "19700201", "1970-02-01", IDENTITY_MATCH, "agree" },
		{ "19700201", "19700102", IDENTITY_MISMATCH, "day and month swapped" },
		{ "19240515", "20240515", IDENTITY_MISMATCH, "century" },
		{ "19700201", "19710201", IDENTITY_MISMATCH, "one digit" },
		{ "19700201", "19070201", IDENTITY_MISMATCH, "two digits swapped" },
		{ "19700201", "19880201", IDENTITY_MISMATCH, "the year" },
		{ "19700201", "19881122", IDENTITY_MISMATCH, "birth date differs" },
		{ "19700201", "", IDENTITY_UNKNOWN, "missing" },
		{ "19700201", NULL, IDENTITY_UNKNOWN, "missing" },
		{ "19700201", "19700000", IDENTITY_UNKNOWN, "partly" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct identity_facts a = { .name = "Müller^Jörg", .birth_date = v[i].a };
		struct identity_facts b = { .name = "MUELLER,JOERG", .birth_date = v[i].b };
		compare(&a, &b, v[i].want, v[i].phrase);
		compare(&b, &a, v[i].want, v[i].phrase);
	}
}

static void
other_facts(void **state)
{
	static const char *const birth_names[] = { "Schneider^Anna" };
	struct identity_facts a = { .name = "Müller^Anna", .birth_date = "19700201", .sex = "F" };
	struct identity_facts b = { .name = "Müller^Anna", .birth_date = "19700201", .sex = "M" };

	(void)state;
	compare(&a, &b, IDENTITY_DOUBTFUL, "sex differs");
	b.sex = "O";
	compare(&a, &b, IDENTITY_LIKELY, "sex");
	b.sex = NULL;
	compare(&a, &b, IDENTITY_MATCH, "agree");
	b.name = "Schneider^Anna";
	compare(&a, &b, IDENTITY_MISMATCH, "family name");
	a.other_names = birth_names;
	a.nother_names = 1;
	compare(&a, &b, IDENTITY_LIKELY, "birth name");
	b.birth_date = "19700102"; /* a birth name forgives no birth date */
	compare(&a, &b, IDENTITY_MISMATCH, "day and month");
	b = a;
	a.id = "1";
	a.issuer = "HOSP";
	b.id = "2";
	compare(&a, &b, IDENTITY_MATCH, "agree");
	b.issuer = "HOSP";
	compare(&a, &b, IDENTITY_DOUBTFUL, "another id");
}

/* What one side never says is not held against the other, on whichever side that is. */
static void
sides_that_are_silent(void **state)
{
	static const char *const others[] = { "Schneider^Anna" };
	struct identity_facts a = { .name = "Müller^Anna", .birth_date = "19700201" };
	struct identity_facts b = { .name = "Müller^Anna", .no_birth_date = true };

	(void)state;
	compare(&a, &b, IDENTITY_MATCH, "agree");
	compare(&b, &a, IDENTITY_MATCH, "agree");
	b.no_birth_date = false; /* it could, and does not */
	compare(&b, &a, IDENTITY_UNKNOWN, "birth date");
	b = (struct identity_facts){ .birth_date = "19700201", .no_name = true };
	compare(&a, &b, IDENTITY_MATCH, "agree");
	compare(&b, &a, IDENTITY_MATCH, "agree");
	b.no_name = false;
	compare(&b, &a, IDENTITY_UNKNOWN, "missing");
	/* no name, but another one that agrees */
	b.other_names = others;
	b.nother_names = 1;
	a.name = "Schneider^Anna";
	compare(&a, &b, IDENTITY_LIKELY, "another name");
	compare(&b, &a, IDENTITY_LIKELY, "another name");
}

static void
words_for_sex(void **state)
{
	static const struct {
		const char *a, *b;
		enum identity want;
	} v[] = {
		{ "M", "male", IDENTITY_MATCH }, { "W", "female", IDENTITY_MATCH }, { "D", "X", IDENTITY_MATCH },
		{ "U", "F", IDENTITY_MATCH }, { "unknown", "M", IDENTITY_MATCH }, { "W", "M", IDENTITY_DOUBTFUL },
		{ "X", "F", IDENTITY_LIKELY }, { "D", "M", IDENTITY_LIKELY }, { "zzz", "F", IDENTITY_LIKELY },
		{ "", "F", IDENTITY_MATCH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct identity_facts a = { .name = "Müller^Anna", .birth_date = "19700201", .sex = v[i].a };
		struct identity_facts b = { .name = "Müller^Anna", .birth_date = "19700201", .sex = v[i].b };
		compare(&a, &b, v[i].want, "");
		compare(&b, &a, v[i].want, "");
	}
}

static void
ids(void **state)
{
	static const struct identity_id merged[] = { { "9", "HOSP" }, { "7", "OTHER" } };
	static const struct identity_id nobodys[] = { { "8", "" } };
	struct identity_facts a = { .name = "Müller^Anna", .birth_date = "19700201", .id = "1", .issuer = "HOSP" };
	struct identity_facts b = a;

	(void)state;
	b.id = "9";
	compare(&a, &b, IDENTITY_DOUBTFUL, "another id of the same issuer");
	a.other_ids = merged; /* one of two that were merged is enough */
	a.nother_ids = 2;
	compare(&a, &b, IDENTITY_MATCH, "agree");
	compare(&b, &a, IDENTITY_MATCH, "agree");
	a.id = "9";
	a.other_ids = (const struct identity_id[]){ { "1", "HOSP" } };
	a.nother_ids = 1;
	compare(&a, &b, IDENTITY_MATCH, "agree");
	b.id = "09";
	compare(&a, &b, IDENTITY_LIKELY, "leading zeros");
	a.other_ids = merged;
	a.nother_ids = 2;
	b.id = "9";
	b.other_ids = (const struct identity_id[]){ { "6", "other" } };
	b.nother_ids = 1; /* agreement of one issuer clears no other's */
	compare(&a, &b, IDENTITY_DOUBTFUL, "another id of the same issuer");
	a.id = b.id = "6";
	b.issuer = "OTHER";
	a.issuer = "other";
	b.id = "7";
	a.other_ids = b.other_ids = merged;
	a.nother_ids = b.nother_ids = 1;
	compare(&a, &b, IDENTITY_DOUBTFUL, "another id of the same issuer");
	a.id = b.id = "9";
	a.issuer = b.issuer = "HOSP";
	a.nother_ids = 0;
	b.other_ids = nobodys; /* nobody says whose it is */
	compare(&a, &b, IDENTITY_MATCH, "agree");
	/* insurance numbers are told by their check digit, whoever is said to have issued them */
	a = b = (struct identity_facts){ .name = "Müller^Anna", .birth_date = "19700201", .id = "A123456780" };
	b.id = "B123456782";
	compare(&a, &b, IDENTITY_DOUBTFUL, "another insurance number");
	b.id = "a123456780";
	compare(&a, &b, IDENTITY_MATCH, "agree");
	b.id = "B123456783"; /* none */
	compare(&a, &b, IDENTITY_MATCH, "agree");
	b.id = "B12345678X";
	compare(&a, &b, IDENTITY_MATCH, "agree");
}

/* Values in reasons would end on a terminal and in the history. */
static void
reasons_quote_nothing(void **state)
{
	struct identity_facts a = {
		.name = "Xavierson^Quirin", .birth_date = "19700201", .id = "77881", .issuer = "H"
	};
	struct identity_facts b = {
		.name = "Yolandson^Zeno", .birth_date = "19331122", .id = "99112", .issuer = "H"
	};
	char reason[PATIENT_REASON_MAX];
	enum identity v = IDENTITY_MATCH;
	static const char *const values[] = { "avier", "uirin", "olan", "eno", "1970", "0201", "1933",
		"1122", "77881", "9911" };

	(void)state;
	patient_compare(&a, &b, &v, reason);
	assert_int_equal(v, IDENTITY_MISMATCH);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		assert_null(strstr(reason, values[i]));
}

/* Longer than any limit, ill-formed, all separators: no crash, some verdict. */
static void
hostile_names(void **state)
{
	static char longer[70000];
	char reason[PATIENT_REASON_MAX];
	static const char *const v[] = { "\xc3", "\xff\xfe^\xf4\x90", "====", "^=^=^", ",,,,,,,", "-.-.-",
		"\xe2\x82", "a^b^c^d^e^f^g", "a a a a a a a a a a a a a a a a a a^b" };

	(void)state;
	for (size_t i = 0; i + 1 < sizeof longer; i++)
		longer[i] = "abc^=, -\xc3\xbc"[i % 10];
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		name_compare(v[i], longer, reason);
		name_compare(longer, v[i], reason);
		name_compare(v[i], v[i], reason);
	}
	name_compare(longer, longer, reason);
	memset(longer, 'y', sizeof longer - 1);
	assert_int_equal(
	    name_compare(longer, longer, reason), IDENTITY_DOUBTFUL); /* cut off: not proved the same */
	assert_int_not_equal(name_compare(longer, "Müller^Jörg", reason), IDENTITY_MATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_match),
		cmocka_unit_test(names_that_are_likely),
		cmocka_unit_test(names_that_stay_in_doubt),
		cmocka_unit_test(names_of_others),
		cmocka_unit_test(birth_dates),
		cmocka_unit_test(other_facts),
		cmocka_unit_test(sides_that_are_silent),
		cmocka_unit_test(words_for_sex),
		cmocka_unit_test(ids),
		cmocka_unit_test(reasons_quote_nothing),
		cmocka_unit_test(hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
