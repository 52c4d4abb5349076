/* Maps: every mistake told by line; what a line does to an object; that the verifier sees when it was not done. */
#include <fcntl.h>
#include <ftw.h>

#include "dicom/charset.h"
#include "plan.h"
#include "reconcile/map.h"

static char told[16384];	/* all mistakes of the last map, a line each */
static size_t ntold;

static void fault(void *arg, const struct err *err)
{
	size_t n = strlen(told);

	(void)arg;
	assert_int_equal(err->kind, ERR_CONFIG);
	snprintf(told + n, sizeof told - n, "%s | %s\n", err->text, err->advice);
	ntold++;
}

static int compile(struct map **m, const char *text, size_t n)
{
	struct err err = { 0 };
	int rc = RC_OK;

	told[0] = '\0';
	ntold = 0;
	must(map_new(m, &err), &err);
	rc = map_add(*m, "site/a.map", text, n, fault, NULL, &err);
	assert_int_equal(rc != RC_OK, ntold > 0);
	return rc;
}

/* Each line is a map of its own, with one mistake; the sentence or the advice says `why`. */
static void mistakes(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "StationNam = X", "StationNam: no such keyword in the data dictionary | the nearest one is StationName" },
		{ "(0008,103f)x = X", "no operator" },
		{ "(0009,1001) = X", "name a private element by its creator" },
		{ "(0008,zz) = X", "four hexadecimal digits" },
		{ "= X", "begins with no attribute" },
		{ "StationName X", "StationName: no operator behind it | TARGET = value" },
		{ "StationName", "no operator" },
		{ "StationName - X", "behind the \"-\"" },
		{ "StationName = 12345678901234567", "StationName: is longer than the 16 characters of VR SH" },
		{ "StationName = {InstitutionName} 12345678901234567", "longer than the 16" },
		{ "StudyDate = 20261301", "VR DA | PS3.5" },
		{ "Modality = ct", "form of VR CS" },
		{ "PatientSize = tall", "VR DS" },
		{ "StationName s/a", "an edit that does not end" },
		{ "StationName s/a/b", "an edit that does not end" },
		{ "StationName s/a/b/x", "flags g and i" },
		{ "StationName s/(/b/", "StationName: a pattern that does not compile" },
		{ "StationName s//b/", "an empty pattern" },
		{ "StationName s/(a)\\1/b/", "back references are not taken" },
		{ "StationName s/\\d/b/", "[0-9] is a digit" },
		{ "StationName s/((a{99}){99}){99}/b/", "repeats too much" },
		{ "StationName s/a**/b/", "repeats a repetition" },
		{ "StationName s/a/\\1/", "\\1, and the pattern has 0 groups" },
		{ "StationName s/a/\\n/", "a backslash before something else" },
		{ "StationName s/a/12345678901234567/", "longer than the 16" },
		{ "StationName = {patient.nam}", "patient.nam: no such template" },
		{ "StationName = {patient.nam}", "the nearest one is patient.name" },
		{ "StationName = {StationNam}", "the nearest one is StationName" },
		{ "StationName = {PixelData}", "{PixelData}: has VR OW, which is no text" },
		{ "StationName = {StationName", "a \"{\" without its \"}\"" },
		{ "StationName = a}", "a \"}\" without its \"{\"" },
		{ "SOPInstanceUID = 1.2", "do not change" },
		{ "StudyInstanceUID -", "do not change" },
		{ "PixelData -", "do not change" },
		{ "Rows = 1", "do not change" },
		{ "DigitalSignaturesSequence -", "do not change" },
		{ "OriginalAttributesSequence -", "is written by mri-retag itself" },
		{ "ContributingEquipmentSequence[0].Manufacturer = X", "is written by mri-retag itself" },
		{ "SpecificCharacterSet = ISO_IR 100", "--set SpecificCharacterSet" },
		{ "PatientID -", "says who the patient is, and stays" },
		{ "PatientName s/a/b/", "is not edited" },
		{ "PatientID = {StationName}", "the same in all objects" },
		{ "[when Modality = CT]\nPatientID = {patient.id}", "the same in all objects" },
		{ "ProcedureCodeSequence = X", "a sequence has no value of its own | name an element" },
		{ "ProcedureCodeSequence s/a/b/", "its VR has no text to edit" },
		{ "ProcedureCodeSequence.CodeValue = X", "a \".\" without the number of an item" },
		{ "ProcedureCodeSequence[x].CodeValue = X", "items count from 0" },
		{ "ProcedureCodeSequence[0] -", "an item as a whole" },
		{ "ProcedureCodeSequence[0].CodeValu = X", "the nearest one is CodeValue" },
		{ "StationName[0].CodeValue = X", "has VR SH and no items" },
		{ "ProcedureCodeSequence[0].PixelData = X", "do not change" },
		{ "ReferencedStudySequence[0].ReferencedSOPInstanceUID = 1.2", "do not change" },
		{ "ConceptNameCodeSequence[0].ConceptNameCodeSequence[0].ConceptNameCodeSequence[0].ConceptNameCodeSequence[0]."
		  "ConceptNameCodeSequence[0].CodeValue = X", "more than 4 sequences" },
		{ "(\"ACME\",0019,10) = X", "a private element needs its VR" },
		{ "(\"ACME\",0018,10) LO = X", "not odd" },
		{ "(\"ACME\",0019,1g) LO = X", "two digits" },
		{ "(\"ACME\",0019) LO = X", "is not (\"CREATOR\",gggg,ee)" },
		{ "(\"\",0019,10) LO = X", "the creator" },
		{ "(\"ACME\",0019,10) OB = X", "VR OB has no value" },
		{ "(\"ACME\",0019,10) DA = X", "form of VR DA" },
		{ "StationName = A\nInstitutionName = B\nStationName = C", "a.map:3: StationName: line 1 says already" },
		{ "StationName = A\nStationName -", "a.map:2: StationName: line 1 says already" },
		{ "StationName s/a/b/\nStationName s/a/c/", "line 1 says already" },
		{ "[when Modality = CT]\nStationName = A\n[always]\n[when Modality = CT]\nStationName = B",
		  ":5: StationName: line 2" },
		{ "[when]", "begins with no attribute" },
		{ "[if Modality = CT]", "neither [when" },
		{ "[when Modality = CT", "a section without its ]" },
		{ "[when Modality CT]", "without =, != or ~" },
		{ "[when Modality =]", "a condition without values" },
		{ "[when Modality = ct]", "Modality: a value that does not have the form of VR CS" },
		{ "[when StudyDescription = \"a]", "does not end" },
		{ "[when Modalit = CT]", "the nearest one is Modality" },
		{ "[when sourc = x]", "the nearest one is source" },
		{ "[when source ~ /x/]", "source and order take = or !=" },
		{ "[when order = foreign]", "either scheduled or unscheduled" },
		{ "[when SOPClass = CTImageStorag]", "the nearest one is CTImageStorage" },
		{ "[when StudyDescription ~ thorax]", "a ~ without its /pattern/" },
		{ "[when StudyDescription ~ /(/]", "does not compile" },
		{ "[when StudyDescription ~ /a/x]", "a flag that is not i" },
		{ "[when StudyDescription ~ /a/ or Modality = CT]", "that is not \"and\"" },
		{ "[when ProcedureCodeSequence = X]", "has VR SQ, which is no text" },
		{ "[always and ever]", "something behind" },
		{ "StationName = \xff", "not UTF-8" },
		{ "StationName = a\x01", "control characters" },
	};
	static const char all[] = "# a comment\n\nStationNam = A\nStudyID = 12345678901234567\r\n  Rows -\n"
	    "InstitutionName = Ü\n\tModality\n";
	char text[512];
	size_t i = 0;
	struct map *m = NULL;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		(void)compile(&m, t[i].text, strlen(t[i].text));
		if (ntold != 1 || strstr(told, t[i].why) == NULL)
			print_error("# %s: %s", t[i].text, told);
		assert_int_equal(ntold, 1);
		assert_non_null(strstr(told, t[i].why));
		assert_non_null(strstr(told, "site/a.map:"));
		map_free(m);
	}
	/* All of one file in one pass, each with its line; bytes that no text has. */
	(void)compile(&m, all, sizeof all - 1);
	assert_int_equal(ntold, 4);
	assert_non_null(strstr(told, "a.map:3: "));
	assert_non_null(strstr(told, "a.map:4: "));
	assert_non_null(strstr(told, "a.map:5: "));
	assert_non_null(strstr(told, "a.map:7: "));
	map_free(m);
	(void)compile(&m, "StationName = A\0B", 17);
	assert_non_null(strstr(told, "NUL"));
	map_free(m);
	{
		char *many = malloc(10 * 1000 + 1);

		assert_non_null(many);
		for (i = 0; i < 1000; i++)	/* no keyword is near */
			memcpy(many + 10 * i, "Nothing -\n", 10);
		assert_int_not_equal(compile(&m, many, 10 * 1000), RC_OK);
		assert_int_equal(ntold, MAP_FAULTS_MAX);
		map_free(m);
		memset(many, 'x', 10 * 1000);
		(void)compile(&m, many, 10 * 1000);
		assert_non_null(strstr(told, "a line of more than"));
		map_free(m);
		free(many);
	}
	/* No pattern takes long to be refused or taken. */
	memset(text, '(', sizeof text - 1);
	memcpy(text, "StationName s/", 14);
	text[sizeof text - 1] = '\0';
	(void)compile(&m, text, strlen(text));
	assert_int_equal(ntold, 1);
	map_free(m);
}

static void good(void **state)
{
	static const char text[] = "\xef\xbb\xbf# comments, blanks, everything there is\r\n"
	    "StationName = AK\n(0008,1040)=Radiologie\n  InstitutionAddress   ?=   Straße 1  \n"
	    "ReferringPhysicianName -\nPatientComments = \nStudyComments = \"  ends  \"\n"
	    "[when Modality = CT MR and SOPClass = CTImageStorage 1.2.840.10008.5.1.4.1.1.4]\n"
	    "SeriesDescription s|a/b|{{x}} & \\& \\\\ {StationName}|gi\nSeriesDescription s/  */ /g\n"
	    "[when source = portal.example and StudyDescription ~ /a]\\/b/i and StationName != \"A B\" C]\n"
	    "RequestAttributesSequence[0].ScheduledProtocolCodeSequence[1].CodeMeaning = {study.description}\n"
	    "(\"ACME 1.1\",0019,10) LO = x\n(\"ACME 1.1\",0019,11) -\n[always]\nStudyID = {study.accession}\n"
	    "PatientName = {patient.name}\nSmokingStatus s/(A)(B)/\\2\\1/\n";
	struct map *m = NULL;

	(void)state;
	if (compile(&m, text, sizeof text - 1) != RC_OK)
		print_error("# %s", told);
	assert_int_equal(ntold, 0);
	assert_int_equal(map_count(m), 14);
	map_free(m);
}

/* A map on the study of plan.h: applied, verified, applied again the same. NULL: applied; else the error's text. */
static struct buf file, out;
static struct plan_report report;
static json_t *plan;
static char why[1024];

static bool run_on(const char *text, enum walk_form form, int e)
{
	struct buf again = BUF_INIT(0);
	struct map *m = NULL;
	struct err err = { 0 };
	int rc = RC_OK;

	json_decref(plan);
	plan = NULL;
	if (compile(&m, text, strlen(text)) != RC_OK)
		print_error("# %s", told);
	assert_int_equal(ntold, 0);
	with_map = m;
	rc = make(&plan, e, NULL, 0, &err);
	with_map = NULL;
	if (rc == RC_OK)
		rc = apply(plan, &file, &out, &report, &err);
	snprintf(why, sizeof why, "%s", rc != RC_OK ? err.text : "");
	map_free(m);
	if (rc != RC_OK) {
		assert_int_equal(err.kind, ERR_DATA);
		return false;
	}
	must(verify(plan, &file, &out, &err), &err);
	must(apply(plan, &file, &again, &report, &err), &err);
	assert_int_equal(out.len, again.len);
	assert_memory_equal(out.data, again.data, out.len);
	buf_free(&again);
	(void)form;
	return true;
}

static void done(void)
{
	json_decref(plan);
	plan = NULL;
	buf_free(&file);
	buf_free(&out);
}

static void operators(void **state)
{
	static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };
	size_t i = 0;

	(void)state;
	plain_order();
	for (i = 0; i < 3; i++) {
		study(&file, forms[i], "ISO_IR 100", "Fremd^Name");
		assert_true(run_on("InstitutionName = Elsewhere, {Modality} {{{patient.id}}}\nStationName ?= AK1\n"
		    "Modality ?= MR\nPatientBirthDate = {patient.birth_date}\nStudyDescription - \n"
		    "InstitutionalDepartmentName ?= Köln\n", forms[i], 0));
		assert_string_equal(top(&out, 0x00080080), "Elsewhere, CT {L1}");
		assert_string_equal(top(&out, 0x00081010), "AK1");	/* where there is none */
		assert_string_equal(top(&out, 0x00080060), "CT");
		assert_string_equal(top(&out, 0x00081040), "K\xf6ln");	/* fits the object's set */
		/* what was there before, by whom, why; what was only added is not listed */
		assert_string_equal(value(&out, ORIGINAL, 2, 0, 0x04000565), "COERCE");
		assert_string_equal(OLD(&out, 2, 0x00080080), "Elsewhere");
		assert_null(OLD(&out, 2, 0x00081010));
		assert_null(OLD(&out, 2, 0x00080060));
		assert_null(OLD(&out, 1, 0x00080080));
		assert_string_equal(OLD(&out, 1, 0x00100020), "F99");
		assert_string_equal(value(&out, ORIGINAL, 0, 0, 0x04000565), "CORRECT");
		/* nothing to record: no item, and the verifier agrees */
		assert_true(run_on("StationName ?= AK1\nModality = CT\n", forms[i], 0));
		assert_null(value(&out, ORIGINAL, 2, 0, 0x04000565));
		/* later wins, over the order too; the id is on record by who wrote it */
		assert_true(run_on("AccessionNumber = X{study.accession}\nPatientID = 0{patient.id}\n", forms[i], 0));
		assert_string_equal(top(&out, 0x00080050), "XACC1");
		assert_string_equal(top(&out, 0x00100020), "0L1");
		assert_string_equal(OLD(&out, 2, 0x00100020), "F99");
		assert_string_equal(OLD(&out, 2, 0x00100021), "ELSE");
		assert_string_equal(OLD(&out, 2, 0x00080050), "FOREIGN1");
	}
	/* a field that the order does not give leaves the line out */
	study(&file, WALK_EXPLICIT_LE, NULL, "Fremd^Name");
	entry.description = NULL;
	assert_true(run_on("InstitutionName = {study.description}\nStationName = {order.ref}\nStudyID = A\n", forms[1], 0));
	assert_string_equal(top(&out, 0x00080080), "Elsewhere");
	assert_null(top(&out, 0x00081010));
	assert_string_equal(top(&out, 0x00200010), "A");
	assert_true(run_on("AccessionNumber = {study.accession}\n", forms[1], ORDER_UNSCHEDULED));
	assert_string_equal(top(&out, 0x00080050), "");
	/* --set wins over maps */
	{
		struct plan_set set;
		static const char both[] = "InstitutionName = Map\nInstitutionName s/M/N/\nStationName = M\n";
		char text[] = "InstitutionName=Set";
		struct map *m = NULL;
		struct err err = { 0 };

		must(plan_set_parse(text, &set, &err), &err);
		assert_int_equal(compile(&m, both, strlen(both)), RC_OK);
		json_decref(plan);
		with_map = m;
		must(make(&plan, 0, &set, 1, &err), &err);
		with_map = NULL;
		map_free(m);
		must(apply(plan, &file, &out, &report, &err), &err);
		must(verify(plan, &file, &out, &err), &err);
		assert_string_equal(top(&out, 0x00080080), "Set");
		assert_string_equal(value(&out, ORIGINAL, 2, 0, 0x04000565), "CORRECT");	/* nothing of the map to record */
		assert_string_equal(OLD(&out, 2, 0x00080080), "Elsewhere");
	}
	done();
}

static void edits(void **state)
{
	static const struct { const char *line, *now; } t[] = {
		{ "InstitutionName s/e/E/", "ElsEwhere" },
		{ "InstitutionName s/e/E/g", "ElsEwhErE" },
		{ "InstitutionName s/E/x/gi", "xlsxwhxrx" },
		{ "InstitutionName s/^(Else)(where)$/\\2 & \\1/", "where Elsewhere Else" },
		{ "InstitutionName s|where|/{Modality}/|", "Else/CT/" },
		{ "InstitutionName s/x*/-/g", "-E-l-s-e-w-h-e-r-e-" },
		{ "InstitutionName s/e*/-/g", "-E-l-s-w-h-r-" },
		{ "InstitutionName s/where/\\&\\\\/", "Else&\\" },
		{ "InstitutionName s/.*//", "" },
		{ "InstitutionName s/nothing/x/", "Elsewhere" },
		{ "InstitutionName s/e$/ä/", "Elsewher\xe4" },
		{ "InstitutionName s/E/{{}}/\nInstitutionName s/l/{patient.id}/", "{}L1sewhere" },
		{ "InstitutionName = Aäöü\nInstitutionName s/^..//", "\xf6\xfc" },	/* characters, not bytes */
		{ "InstitutionName = ÄÖX\nInstitutionName s/[äö]/-/gi", "--X" },
		{ "InstitutionName = A\nInstitutionName s/A/B/\nInstitutionName ?= C", NULL },
		{ "InstitutionName -\nInstitutionName s/E/F/", NULL },
		{ "InstitutionName = ab\\cb\nInstitutionName s/b$/x/", "ax\\cx" },	/* each value by itself */
	};
	size_t i = 0;

	(void)state;
	plain_order();
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct err err = { 0 };
		struct map *m = NULL;

		if (t[i].now == NULL) {	/* said twice */
			(void)compile(&m, t[i].line, strlen(t[i].line));
			assert_int_equal(ntold, strstr(t[i].line, "?=") != NULL);
			map_free(m);
			continue;
		}
		study(&file, WALK_EXPLICIT_LE, "ISO_IR 100", "Fremd^Name");
		if (!run_on(t[i].line, WALK_EXPLICIT_LE, 0))
			print_error("# %s: %s\n", t[i].line, why);
		if (strcmp(top(&out, 0x00080080), t[i].now) != 0)
			print_error("# %s: %s\n", t[i].line, top(&out, 0x00080080));
		assert_string_equal(top(&out, 0x00080080), t[i].now);
		(void)err;
	}
	/* What is too long for its VR in this object is refused by name and line, without its value. */
	study(&file, WALK_EXPLICIT_LE, "ISO_IR 100", "Fremd^Name");
	assert_false(run_on("StationName = {InstitutionName} {InstitutionName}", WALK_EXPLICIT_LE, 0));
	assert_non_null(strstr(why, "StationName (a.map:1): is longer than the 16 characters"));
	assert_null(strstr(why, "Else"));
	assert_false(run_on("AccessionNumber = 123456789012345{patient.id}", WALK_EXPLICIT_LE, 0));
	assert_non_null(strstr(why, "AccessionNumber (a.map:1)"));
	assert_false(run_on("StudyDate = {InstitutionName}", WALK_EXPLICIT_LE, 0));
	assert_non_null(strstr(why, "VR DA"));
	/* A text that the object's set cannot be read in is no text to compute with. */
	study(&file, WALK_EXPLICIT_LE, "ISO_IR 192", "M\xfcller");
	assert_false(run_on("StationName = {PatientName}", WALK_EXPLICIT_LE, 0));
	assert_non_null(strstr(why, "the old value of PatientName"));
	/* What the set cannot hold converts all. */
	study(&file, WALK_EXPLICIT_LE, "ISO_IR 100", "M\xfcller");
	assert_true(run_on("StationName = Łódź", WALK_EXPLICIT_LE, 0));
	assert_true(report.converted);
	assert_string_equal(top(&out, 0x00081010), "Łódź");
	assert_string_equal(OLD(&out, 1, 0x00100010), "Müller");
	done();
}

/* Patterns that others would run away with end soon, and are not wrong. */
static void hostile_patterns(void **state)
{
	static const char *const res[] = { "(a*)*b", "(a|a)*b", "(a|ab|b)*c", "((a*)(a*))*c", "(.*)(.*)(.*)(.*)(.*)x",
	    "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "a{100}b{100}c" };
	char text[256], value[256];
	struct err err = { 0 };
	struct pattern *p = NULL;
	regmatch_t at[PATTERN_GROUPS_MAX + 1];
	bool found = false;
	size_t i = 0;

	(void)state;
	plain_order();
	memset(value, 'a', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	for (i = 0; i < sizeof res / sizeof res[0]; i++) {
		must(pattern_open(&p, res[i], false, &err), &err);
		must(pattern_match(p, value, false, at, &found, &err), &err);
		assert_false(found);
		pattern_close(p);
		study(&file, WALK_EXPLICIT_LE, NULL, "Fremd^Name");
		snprintf(text, sizeof text, "InstitutionName s/%s/x/g", res[i]);
		assert_true(run_on(text, WALK_EXPLICIT_LE, 0));
	}
	done();
}

static void conditions(void **state)
{
	static const struct { const char *when; bool holds; } t[] = {
		{ "[when Modality = CT MR]", true }, { "[when Modality = MR]", false }, { "[when Modality != CT]", false },
		{ "[when Modality != MR US]", true }, { "[when InstitutionName = Elsewhere]", true },
		{ "[when InstitutionName = else]", false }, { "[when InstitutionName ~ /^else/i]", true },
		{ "[when InstitutionName ~ /^else/]", false }, { "[when StationName = \"\"]", true },
		{ "[when Modality = \"\"]", false }, { "[when Modality = CT and InstitutionName ~ /x/]", false },
		{ "[when Modality = CT and InstitutionName ~ /w/ and PatientID = F99]", true },
		{ "[when PatientID = L1]", false },	/* the old value, not the order's */
		{ "[when source = portal.example]", true }, { "[when source = other]", false },
		{ "[when source != other and order = scheduled]", true }, { "[when order = unscheduled]", false },
		{ "[when SOPClass = CTImageStorage]", false }, { "[always]", true },
		{ "[when (0008,0060) = CT]", true }, { "[when PixelRepresentation = 0]", false },
	};
	char text[256];
	size_t i = 0;

	(void)state;
	plain_order();
	with_source = "portal.example";
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		study(&file, WALK_EXPLICIT_LE, NULL, "Fremd^Name");
		snprintf(text, sizeof text, "%s\nStationName = YES\n[when Modality = XX]\nStationName = NO\nPatientComments -\n",
		    t[i].when);
		assert_true(run_on(text, WALK_EXPLICIT_LE, 0));
		if ((top(&out, 0x00081010) != NULL) != t[i].holds)
			print_error("# %s\n", t[i].when);
		assert_int_equal(top(&out, 0x00081010) != NULL, t[i].holds);
	}
	with_source = NULL;
	/* Of two whose conditions hold the later one wins; where none holds the order's rule stays. */
	assert_true(run_on("[when Modality = CT]\nAccessionNumber = A\n"
	    "[when InstitutionName = Elsewhere]\nAccessionNumber = B\n"
	    "[when Modality = MR]\nAccessionNumber = C\nAdmissionID = D\n", WALK_EXPLICIT_LE, 0));
	assert_string_equal(top(&out, 0x00080050), "B");
	assert_string_equal(top(&out, 0x00380010), "ADM1");
	done();
}

/* The plan that a program wrote is read back from its text: nothing of it is elsewhere. */
static void self_contained(void **state)
{
	struct buf text = BUF_INIT(0), other = BUF_INIT(0);
	struct err err = { 0 };
	json_t *read = NULL;

	(void)state;
	plain_order();
	study(&file, WALK_EXPLICIT_LE, "ISO_IR 100", "Fremd^Name");
	assert_true(run_on("[when Modality = CT and InstitutionName ~ /where/]\nInstitutionName s/E(.)/{Modality}\\1/\n"
	    "StationName = {Modality}{patient.id}\nProcedureCodeSequence[0].CodeMeaning = x\n(\"ACME\",0019,10) LO = y\n",
	    WALK_EXPLICIT_LE, 0));
	assert_string_equal(top(&out, 0x00080080), "CTlsewhere");
	assert_int_equal(unseen_rules(plan, &file, &out), 0);
	must(json_write(plan, &text, &err), &err);
	must(json_parse(text.data, text.len, &read, &err), &err);
	must(apply(read, &file, &other, &report, &err), &err);
	assert_int_equal(other.len, out.len);
	assert_memory_equal(other.data, out.data, out.len);
	assert_non_null(strstr(text.data, "\"from\":\"a.map:2\""));
	assert_non_null(strstr(text.data, "\"template\":\"{Modality}L1\""));
	json_decref(read);
	buf_free(&text);
	buf_free(&other);
	done();
}

static size_t corpus_done, corpus_all;

static int corpus_file(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	struct err err = { 0 };

	(void)w;
	if (kind != FTW_F || st->st_size > 16 << 20)
		return 0;
	buf_clear(&file);
	must(io_slurp(AT_FDCWD, path, &file, &err), &err);
	corpus_all++;
	if (apply(plan, &file, &out, &report, &err) != RC_OK) {
		assert_int_equal(err.kind, ERR_DATA);
		return 0;
	}
	if (verify(plan, &file, &out, &err) != RC_OK) {
		print_error("# %s: %s\n", path, err.text);
		fail();
	}
	corpus_done++;
	return 0;
}

/* Real files, where they are at hand: what maps make of them, the verifier accepts. */
static void corpus(void **state)
{
	static const char text[] = "StationName ?= EXT\nInstitutionName s/[aeiou]/ö/g\nSeriesDescription s/[_ ]+/ /g\n"
	    "StudyID = {SeriesNumber}\nPatientComments -\nProcedureCodeSequence -\nProcedureCodeSequence[0].CodeValue = X\n"
	    "ReferencedImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeMeaning ?= für\n"
	    "ConceptNameCodeSequence[0].CodeMeaning s/e/ee/g\n"
	    "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness ?= 1\n"
	    "PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameComments = {Modality}\n"
	    "ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning s/(.)$/\\1\\1/\n"
	    "(\"ACME\",0009,01) LO = {PatientID}\n(\"SIEMENS MED\",0009,10) -\n";
	const char *dir = getenv("CORPUS");
	struct err err = { 0 };
	struct map *m = NULL;
	char path[4096];
	int i = 0;

	(void)state;
	for (i = 0; dir != NULL && dir[0] != '\0' && i < 2; i++) {
		plain_order();
		order.patient.name = (char *)(uintptr_t)(i == 0 ? "Muster^Eva" : "Łódź^Ewa");
		assert_int_equal(compile(&m, text, sizeof text - 1), RC_OK);
		with_map = m;
		must(make(&plan, ORDER_UNSCHEDULED, NULL, 0, &err), &err);
		with_map = NULL;
		map_free(m);
		corpus_done = corpus_all = 0;
		snprintf(path, sizeof path, "%s/dicom", dir);
		assert_int_equal(nftw(path, corpus_file, 16, FTW_PHYS), 0);
		print_message("# %zu of %zu files\n", corpus_done, corpus_all);
		assert_true(corpus_done > 150);
		done();
	}
}

static int load(void **state)
{
	struct err err = { 0 };

	(void)state;
	plan_prepare(NULL);
	return charset_load(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes), cmocka_unit_test(good), cmocka_unit_test(operators), cmocka_unit_test(edits),
		cmocka_unit_test(hostile_patterns), cmocka_unit_test(conditions), cmocka_unit_test(self_contained),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
