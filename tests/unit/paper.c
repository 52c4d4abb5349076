/* lib/check: whose a letter is, by its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/paper.h"

static const struct {
	const char *text;
	enum paper_says want;
} papers[] = {
	/* name and birth date, in the forms of letters */
	{ "Müller, Jörg geb. 01.02.1970", PAPER_AGREES },
	{ "Sehr geehrter Herr Kollege,\nwir berichten über Herrn Jörg Müller,\ngeboren am 1. Februar 1970", PAPER_AGREES },
	{ "Patient: MUELLER JOERG\f\n*1.2.1970", PAPER_AGREES },
	{ "Name: Dr. Jörg Peter Müller  Geb.-Datum: 1970-02-01", PAPER_AGREES },
	{ "Mr Joerg Mueller, born February 1, 1970", PAPER_AGREES },
	{ "M. Jörg Müller, né le 1 février 1970", PAPER_AGREES },
	{ "Müller, Jörg, geb. 01.02.1970, Untersuchung vom 03.09.2026", PAPER_AGREES },
	{ "geb. 01.02.1970, Patient Jörg Müller; Mutter geb. 05.06.1940", PAPER_AGREES },
	/* one of the two alone, or only something similar, says nothing */
	{ "Müller, Jörg", PAPER_SILENT },
	{ "geb. 01.02.1970", PAPER_SILENT },
	{ "Müller, Anna geb. 01.02.1970", PAPER_SILENT },
	{ "Muller, Jorg geb. 01.02.1970", PAPER_SILENT },
	{ "Möller, Jörg geb. 01.02.1970", PAPER_SILENT },
	{ "Müller, J. geb. 01.02.1970", PAPER_SILENT },
	{ "Jörg, der Sohn, war da. Es ging ihm gut, sagt die Oma Müller. geb. 01.02.1970", PAPER_SILENT },
	{ "Müller, Jörg 01/02/1970", PAPER_SILENT }, /* January or February */
	{ "Müller, Jörg 01.02.70", PAPER_SILENT },
	{ "Müller, Jörg geb. 31.02.1970", PAPER_SILENT },
	{ "Müller, Jörg 1.2.276.1970", PAPER_SILENT },
	{ "", PAPER_SILENT },
	{ "Befund: unauffällig. Untersuchung vom 03.09.2026", PAPER_SILENT },
	/* a birth date that is called one, and is another */
	{ "Müller, Jörg geb. 02.01.1970", PAPER_CONTRADICTS },
	{ "Müller, Jörg, geboren am 1. Februar 1971", PAPER_CONTRADICTS },
	{ "Weber, Anna, Geburtsdatum: 05.06.1980", PAPER_CONTRADICTS },
	{ "Date of birth: 1980-06-05", PAPER_CONTRADICTS },
	{ "Date of birth: June 5, 1980", PAPER_CONTRADICTS },
	{ "DOB 06/05/1980", PAPER_SILENT },
	{ "<patient><name><given>J\xc3\xb6rg</given><family>M\xc3\xbcller</family></name><birthTime value=\"19700201\"/>",
	    PAPER_AGREES },
	{ "<patient><name><given>Anna</given><family>Weber</family></name><birthTime value=\"19800605\"/></patient>",
	    PAPER_CONTRADICTS },
	{ "<effectiveTime value=\"20260903\"/><id extension=\"19800605\"/>", PAPER_SILENT },
	{ "{\"name\":[{\"family\":\"M\xc3\xbcller\",\"given\":[\"J\xc3\xb6rg\"]}],\"birthDate\":\"1970-02-01\"}",
	    PAPER_AGREES },
	{ "<Patient><birthDate value=\"1980-06-05\"/></Patient>", PAPER_CONTRADICTS },
	{ "MSH|^~\\&|A|B\rPID|1||4711^^^H||M\xc3\xbcller^J\xc3\xb6rg||19700201|M\rOBX|1", PAPER_AGREES },
	{ "MSH|^~\\&|A|B\nPID|1||4711^^^H||M\xc3\xbcller^J\xc3\xb6rg||197002011200|M", PAPER_SILENT },
	{ "MSH|^~\\&|A|B\rPID|1||19700305^^^H||Weber^Anna||19800605|F", PAPER_CONTRADICTS },
	{ "MSH#^~\\&#A\rEVN#1\r\nPID#1##4711##Weber^Anna##198006051200#F", PAPER_CONTRADICTS },
	{ "MSH|^~\\&|A|B\rPID|1||19800605^^^H||Weber^Anna", PAPER_SILENT },
	{ "MSH|^~\\&|A|B\rPID|1||4711||Weber^Anna||1980|F\rPV1|1|2|3|4|5|6|19800605", PAPER_SILENT },
	{ "MSH|", PAPER_SILENT },
	{ "PID|1||4711||Weber^Anna||19800605|F", PAPER_SILENT },
	{ "DOB 05/05/1980", PAPER_CONTRADICTS },
	/* what is near enough to its label, and what is a date at all */
	{ "geboren am Montag, 05.06.1980", PAPER_CONTRADICTS },
	{ "geboren wohl am Montag, 05.06.1980", PAPER_SILENT },
	{ "birthTime a b 19800605", PAPER_CONTRADICTS },
	{ "birthTime a b c 19800605", PAPER_SILENT },
	{ "geb. 05-06-1980", PAPER_CONTRADICTS },
	{ "geb. 05.06 1980", PAPER_SILENT },
	{ "geb. 05 06.1980", PAPER_SILENT },
	{ "geb. 1980.06.05", PAPER_SILENT },
	{ "geb. 00005.06.1980", PAPER_SILENT },
	{ "geb. 05.06.1899", PAPER_SILENT },
	{ "geb. 05.06.2100", PAPER_SILENT },
	{ "geb. 05.06.2099", PAPER_CONTRADICTS },
	{ "geb. 01.02.1970, Mutter geb. 05.06.1940", PAPER_SILENT }, /* one of them is the patient's */
	/* a name within eight words */
	{ "Jörg 2 3 4 5 6 7 Müller geb. 01.02.1970", PAPER_AGREES },
	{ "Jörg 2 3 4 5 6 7 8 Müller geb. 01.02.1970", PAPER_SILENT },
	{ "Müller geb. Weber war hier. Die Untersuchung fand statt am 03.09.2026", PAPER_SILENT },
};

static void
letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof papers / sizeof *papers; i++) {
		const char *t = papers[i].text;
		enum paper_says got = paper_read(t, strlen(t), "Müller^Jörg", "19700201");
		if (got != papers[i].want)
			fail_msg("'%s': %d, expected %d", t, got, papers[i].want);
	}
}

/* The names of the months in three languages, in full and short. */
static void
months(void **state)
{
	static const char *const names[12] = { "Januar Jänner January Jan janvier", "Februar February Feb février",
		"März March Mar mars", "April Apr avril", "Mai May mai", "Juni June Jun juin", "Juli July Jul juillet",
		"August Aug août", "September Sep Sept septembre", "Oktober October Okt Oct octobre",
		"November Nov novembre", "Dezember December Dez Dec décembre" };

	(void)state;
	for (int m = 0; m < 12; m++) {
		char list[64], text[96], birth[9], *rest = list;

		snprintf(list, sizeof list, "%s", names[m]);
		for (char *w = strtok_r(list, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
			snprintf(text, sizeof text, "Jörg Müller, geb. 3. %s 1970", w);
			snprintf(birth, sizeof birth, "1970%02d03", m + 1);
			if (paper_read(text, strlen(text), "Müller^Jörg", birth) != PAPER_AGREES)
				fail_msg("%s", w);
		}
	}
}

static void
other_orders(void **state)
{
	static const char t[] = "Herr Otto van der Berg, geb. 01.02.1970, und Anna-Lena Müller-Schmidt";

	(void)state;
	assert_int_equal(paper_read(t, sizeof t - 1, "van der Berg^Otto", "19700201"), PAPER_AGREES);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg^Otto^^van der", "1970-02-01"), PAPER_AGREES);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg^Otto=Yamada^Tarou", "19700201"), PAPER_AGREES);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg Meier^Otto", "19700201"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Müller-Schmidt^Anna Lena", "19700201"), PAPER_AGREES);
	assert_int_equal(paper_read(t, sizeof t - 1, "Müller-Weber^Anna", "19700201"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg", "19700201"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Unknown^Otto", "19700201"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg^Baby", "19700201"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg^Otto", "1970"), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, "Berg^Otto", ""), PAPER_SILENT);
	assert_int_equal(paper_read(t, sizeof t - 1, NULL, "19700201"), PAPER_SILENT);
}

/* Whatever the bytes are: an answer, inside of the text. */
static void
hostile(void **state)
{
	static const char *const bits[] = { "\xc3", "geb. ", "01.02.1970", "Müller", "\xff\xfe", "1970-02-01", "--..//",
		"\x01", "Jörg", "99999999999999999999", "\xe2\x82", "0.0.1970", "Februar ", " " };
	size_t n = 0, cap = 20000;
	char *t = malloc(cap + 32);

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; n < cap; i++) {
		const char *b = bits[(i * 7 + i / 13) % (sizeof bits / sizeof *bits)];
		memcpy(t + n, b, strlen(b));
		n += strlen(b);
	}
	t[n] = '\0';
	paper_read(t, n, "Müller^Jörg", "19700201");
	memset(t, 'x', n);
	assert_int_equal(paper_read(t, n, "Müller^Jörg", "19700201"), PAPER_SILENT);
	memset(t, '\0', n);
	assert_int_equal(paper_read(t, n, "Müller^Jörg", "19700201"), PAPER_SILENT);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters), cmocka_unit_test(months),
		cmocka_unit_test(other_orders),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
