/* A plan: made, applied, and held against the result by the other look (lib/reconcile). */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

#include "dicom/charset.h"
#include "plan.h"

static void scheduled(void **state)
{
	static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };
	struct buf file = BUF_INIT(0), out = BUF_INIT(0), again = BUF_INIT(0);
	struct plan_report report;
	struct err err = { 0 };
	json_t *plan = NULL;
	size_t i = 0;

	(void)state;
	plain_order();
	must(make(&plan, 0, NULL, 0, &err), &err);
	for (i = 0; i < 3; i++) {
		study(&file, forms[i], "ISO_IR 100", "Fremd^Name");
		must(apply(plan, &file, &out, &report, &err), &err);
		must(verify(plan, &file, &out, &err), &err);
		must(apply(plan, &file, &again, &report, &err), &err);
		assert_int_equal(out.len, again.len);
		assert_memory_equal(out.data, again.data, out.len);
		assert_true(report.signatures);
		assert_false(report.converted);

		assert_string_equal(top(&out, 0x00100010), "Muster^Eva");
		assert_string_equal(top(&out, 0x00100020), "L1");
		assert_string_equal(top(&out, 0x00100021), "HOSP");
		assert_string_equal(top(&out, 0x00100040), "F");
		assert_string_equal(top(&out, 0x00080050), "ACC1");
		assert_string_equal(top(&out, 0x00380010), "ADM1");
		assert_string_equal(top(&out, 0x00080018), "1.2.3");
		assert_string_equal(top(&out, 0x0020000d), "1.2.4");
		assert_string_equal(top(&out, 0x7fe00010), "pixels");
		assert_string_equal(top(&out, 0x00080005), "ISO_IR 100");
		assert_non_null(top(&out, 0x00080015));
		assert_null(top(&out, 0xfffafffa));
		assert_null(value(&out, 0x00081032, 0, 0, 0x00080100));
		assert_string_equal(value(&out, 0x00080051, 0, 0, 0x00400031), "US");
		assert_string_equal(value(&out, 0x00101002, 0, 0, 0x00100020), "F99");
		assert_string_equal(value(&out, 0x00101002, 0, 0, 0x00100021), "ELSE");
		assert_string_equal(value(&out, 0x00101002, 0, 0, 0x00100022), "TEXT");
		assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00401001), "RP1");
		assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00400009), "SPS1");
		assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00321060), "CT");
		assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00400007), "Thorax");
		assert_string_equal(value(&out, 0x0018a001, 0, 0, 0x00080070), "mri-tools");
		assert_string_equal(value(&out, 0x0018a001, 0, 0, 0x00080080), "Klinik");
		assert_string_equal(value(&out, 0x0018a001, 0, 0, 0x00081010), "host");
		assert_string_equal(value(&out, 0x0018a001, 0, 0x0040a170, 0x00080100), "MEDIM");

		/* the older record stays, ours comes after it */
		assert_string_equal(value(&out, ORIGINAL, 0, 0, 0x04000565), "CORRECT");
		assert_string_equal(value(&out, ORIGINAL, 1, 0, 0x04000565), "COERCE");
		assert_string_equal(value(&out, ORIGINAL, 1, 0, 0x04000563), "mri-tools");
		assert_string_equal(value(&out, ORIGINAL, 1, 0, 0x04000564), "Elsewhere");
		assert_string_equal(value(&out, ORIGINAL, 1, 0, 0x04000562), top(&out, 0x00080015));
		assert_string_equal(OLD(&out, 1, 0x00100010), "Fremd^Name");
		assert_string_equal(OLD(&out, 1, 0x00100020), "F99");
		assert_string_equal(OLD(&out, 1, 0x00100021), "ELSE");
		assert_string_equal(OLD(&out, 1, 0x00080050), "FOREIGN1");
		assert_null(OLD(&out, 1, 0x00100030));	/* the same as before */
		assert_null(OLD(&out, 1, 0x00100040));	/* only added */
		assert_null(OLD(&out, 1, 0x00101002));	/* nothing dropped */
	}
	json_decref(plan);
	buf_free(&file);
	buf_free(&out);
	buf_free(&again);
}

static void unscheduled(void **state)
{
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct plan_report report;
	struct err err = { 0 };
	json_t *plan = NULL;

	(void)state;
	plain_order();
	order.patient.issuer = NULL;
	must(make(&plan, ORDER_UNSCHEDULED, NULL, 0, &err), &err);
	study(&file, WALK_EXPLICIT_LE, NULL, "Fremd^Name");
	must(apply(plan, &file, &out, &report, &err), &err);
	must(verify(plan, &file, &out, &err), &err);
	assert_string_equal(top(&out, 0x00080050), "");
	assert_string_equal(top(&out, 0x00100021), "");	/* no foreign issuer beside a local id */
	assert_null(top(&out, 0x00380010));
	assert_string_equal(OLD(&out, 1, 0x00080050), "FOREIGN1");
	assert_string_equal(OLD(&out, 1, 0x00100021), "ELSE");
	assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00401001), "FRP");	/* not ours to change */
	assert_string_equal(value(&out, 0x00081032, 0, 0, 0x00080100), "X1");
	json_decref(plan);
	buf_free(&file);
	buf_free(&out);
}

/* The object has the local id already: no other id, but the record. */
static void same_patient(void **state)
{
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct plan_report report;
	struct err err = { 0 };
	json_t *plan = NULL;

	(void)state;
	plain_order();
	order.patient.id = "F99";
	order.patient.issuer = "ELSE";
	memset(&entry, 0, sizeof entry);
	entry.accession = "FOREIGN1";	/* the same as there: on record all the same */
	must(make(&plan, 0, NULL, 0, &err), &err);
	study(&file, WALK_EXPLICIT_LE, NULL, "Muster^Eva");
	must(apply(plan, &file, &out, &report, &err), &err);
	must(verify(plan, &file, &out, &err), &err);
	assert_null(value(&out, 0x00101002, 0, 0, 0x00100020));
	assert_string_equal(OLD(&out, 1, 0x00100020), "F99");
	assert_string_equal(OLD(&out, 1, 0x00100021), "ELSE");
	assert_null(OLD(&out, 1, 0x00100010));
	assert_string_equal(OLD(&out, 1, 0x00080050), "FOREIGN1");
	/* An entry that gives no request leaves none but what describes the image. */
	assert_null(value(&out, 0x00400275, 0, 0, 0x00401001));
	assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00400007), "Thorax");
	json_decref(plan);
	buf_free(&file);
	buf_free(&out);
}

static void charsets(void **state)
{
	static const struct { const char *set, *old, *name; int rc; bool converted; const char *now,
	    *was; } t[] = {
		{ "ISO_IR 100", "M\xfcller^J", "Böhm^A", RC_OK, false, "B\xf6hm^A", "M\xfcller^J" },
		{ "ISO_IR 100", "M\xfcller^J", "Łódź^A", RC_OK, true, "Łódź^A", "Müller^J" },
		{ NULL, "Plain", "Böhm^A", RC_OK, true, "Böhm^A", "Plain" },
		{ "ISO_IR 192", "Müller^J", "Łódź^A", RC_OK, false, "Łódź^A", "Müller^J" },
		{ NULL, "M\xfcller^J", "Böhm^A", RC_FAILED, false, NULL, NULL },
		{ NULL, "M\xfcller^J", "Boehm^A", RC_OK, false, "Boehm^A", "M\xfcller^J" },
		{ "\\ISO 2022 IR 87", "Yamada", "Boehm^A", RC_OK, false, "Boehm^A", "Yamada" },
		{ "\\ISO 2022 IR 87", "Yamada", "Böhm^A", RC_OK, true, "Böhm^A", "Yamada" },
		/* into a set that is not written: converted, even if it has the character */
		{ "\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "山田", RC_OK, true, "山田",
		    "Yamada^Tarou=山田^太郎" },
		{ "\\ISO 2022 IR 87", "Yamada=\x1b$B;3ED\x1b(B", "Boehm", RC_OK, false, "Boehm",
		    "Yamada=\x1b$B;3ED\x1b(B" },
		{ "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", "\xd4\xcf\xc0\xde=\x1b$B;3\x1b$(D0!\x1b(J", "Böhm",
		    RC_OK, true, "Böhm", "ﾔﾏﾀﾞ=山丂" },
		{ "ISO_IR 13", "\xd4\xcf\xc0\xde", "A~", RC_OK, true, "A~", "ﾔﾏﾀﾞ" },
		{ "ISO_IR 13", "\xd4\xcf\xc0\xde", "A", RC_OK, false, "A", "\xd4\xcf\xc0\xde" },
		{ "\\ISO 2022 IR 149", "Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Böhm", RC_OK, true, "Böhm",
		    "Hong=洪^吉洞" },
		{ "\\ISO 2022 IR 58", "Zhang=\x1b$)A\xd5\xc5", "Böhm", RC_OK, true, "Böhm", "Zhang=张" },
		{ "GB18030", "Wang=\xcd\xf5", "Böhm", RC_OK, true, "Böhm", "Wang=王" },
		{ "GBK", "Wang=\xcd\xf5", "Böhm", RC_OK, true, "Böhm", "Wang=王" },
		{ "ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Böhm", RC_OK, true, "Böhm", "Διονυσιος" },
		{ "ISO_IR 144", "\xbb\xee\xda\x63\xd5\xdc", "Böhm", RC_OK, true, "Böhm", "Люкcем" },
		{ "ISO_IR 127", "\xe2\xc8\xc7\xe6\xea", "Böhm", RC_OK, true, "Böhm", "قباني" },
		{ "ISO_IR 138", "\xf9\xf8\xe5\xef", "Böhm", RC_OK, true, "Böhm", "שרון" },
		{ "ISO 2022 IR 100\\ISO 2022 IR 166", "J\xe9=\x1b-T\xa1\xd2", "Łódź", RC_OK, true, "Łódź", "Jé=กา" },
		/* hostile: unknown, cut off, not declared, half a character */
		{ "\\ISO 2022 IR 87", "\x1b$A!!", "Böhm", RC_FAILED, false, NULL, NULL },
		{ "\\ISO 2022 IR 87", "Yamada=\x1b$", "Böhm", RC_FAILED, false, NULL, NULL },
		{ "\\ISO 2022 IR 87", "Hong=\x1b$)C\xfb\xf3", "Böhm", RC_FAILED, false, NULL, NULL },
		{ "\\ISO 2022 IR 149", "Hong=\x1b$)C\xfb", "Böhm", RC_FAILED, false, NULL, NULL },
		{ "GB18030", "Wang=\xe7\x8e\x8b", "Böhm", RC_FAILED, false, NULL, NULL },
		{ "ISO_IR 999", "Wang", "Böhm", RC_FAILED, false, NULL, NULL },
	};
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct plan_report report;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct err err = { 0 };
		json_t *plan = NULL;
		int rc = RC_OK;

		plain_order();
		order.patient.name = (char *)(uintptr_t)t[i].name;
		must(make(&plan, 0, NULL, 0, &err), &err);
		study(&file, WALK_EXPLICIT_LE, t[i].set, t[i].old);
		rc = apply(plan, &file, &out, &report, &err);
		assert_int_equal(rc, t[i].rc);
		if (rc == RC_OK) {
			must(verify(plan, &file, &out, &err), &err);
			assert_int_equal(report.converted, t[i].converted);
			assert_string_equal(top(&out, 0x00100010), t[i].now);
			assert_string_equal(OLD(&out, 1, 0x00100010), t[i].was);
			if (t[i].converted)
				assert_string_equal(top(&out, 0x00080005), "ISO_IR 192");
		} else {	/* by name, with the tag, and what can be done */
			assert_int_equal(err.kind, ERR_DATA);
			assert_non_null(strstr(err.text, strcmp(t[i].old, "Wang") == 0 ? "ISO_IR 999" : "(0010,0010)"));
			assert_true(err.advice[0] != '\0');
			assert_null(strstr(err.text, "Wang"));
		}
		json_decref(plan);
	}
	buf_free(&file);
	buf_free(&out);
}

/* What an operator says the bytes are helps where nothing or something wrong is declared. */
static void declared_by_operator(void **state)
{
	static const struct { const char *set, *declared, *old, *was; } t[] = {
		{ "SpecificCharacterSet=ISO_IR 100", NULL, "M\xfcller^J", "Müller^J" },
		{ "SpecificCharacterSet=ISO_IR 192", NULL, "Müller^J", "Müller^J" },
		{ "SpecificCharacterSet=ISO_IR 192", "ISO_IR 100", "Müller^J", "Müller^J" },
		{ "SpecificCharacterSet=ISO_IR 192", "ISO_IR 192", "Müller^J", "Müller^J" },
		{ "SpecificCharacterSet=GB18030", "ISO_IR 100", "\xcd\xf5", "王" },
		/* no escape, as some write Korean: G1 begins with it */
		{ "SpecificCharacterSet=ISO 2022 IR 149", "\\ISO 2022 IR 149", "Hong=\xfb\xf3^\xd1\xce\xd4\xd7", "Hong=洪^吉洞" },
		{ "SpecificCharacterSet=\\ISO 2022 IR 87", NULL, "Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田" },
	};
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct plan_set set;
		struct plan_report report;
		struct err err = { 0 };
		json_t *plan = NULL;
		char text[64];

		plain_order();
		order.patient.name = "Böhm^A";
		snprintf(text, sizeof text, "%s", t[i].set);
		must(plan_set_parse(text, &set, &err), &err);
		must(make(&plan, 0, &set, 1, &err), &err);
		study(&file, WALK_EXPLICIT_LE, t[i].declared, t[i].old);
		must(apply(plan, &file, &out, &report, &err), &err);
		must(verify(plan, &file, &out, &err), &err);
		assert_string_equal(OLD(&out, 1, 0x00100010), t[i].was);
		assert_string_equal(top(&out, 0x00080005), "ISO_IR 192");
		json_decref(plan);
	}
	buf_free(&file);
	buf_free(&out);
}

/* What is kept of an item that had a set of its own: the new item has the object's. */
static void kept_with_its_set(void **state)
{
	static const struct { const char *top, *own, *text, *name, *set; int rc; const char *now; } t[] = {
		{ "ISO_IR 100", "ISO_IR 144", "\xbb\xee", "Muster", NULL, RC_FAILED, NULL },
		{ "ISO_IR 192", "ISO_IR 144", "\xbb\xee", "Müller", NULL, RC_FAILED, NULL },
		{ "ISO_IR 100", "ISO_IR 144", "AB", "Muster", NULL, RC_OK, "AB" },
		{ "ISO_IR 144", "ISO_IR 144", "\xbb\xee", "Muster", NULL, RC_OK, "\xbb\xee" },
		{ "ISO_IR 100", "ISO_IR 144", "\xbb\xee", "Łódź", NULL, RC_OK, "Лю" },
		{ "ISO_IR 192", "ISO_IR 144", "\xbb\xee", "Müller", "SpecificCharacterSet=ISO_IR 192", RC_OK, "Лю" },
		{ "ISO_IR 192", "\\ISO 2022 IR 87", "\x1b$B;3\x1b(B", "Müller", "SpecificCharacterSet=ISO_IR 192", RC_OK, "山" },
	};
	struct buf file = BUF_INIT(0), out = BUF_INIT(0), item = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		enum walk_form f = WALK_EXPLICIT_LE;
		struct plan_report report;
		struct plan_set set;
		struct err err = { 0 };
		json_t *plan = NULL;
		char text[64];

		plain_order();
		order.patient.name = (char *)(uintptr_t)t[i].name;
		if (t[i].set != NULL) {
			snprintf(text, sizeof text, "%s", t[i].set);
			must(plan_set_parse(text, &set, &err), &err);
		}
		must(make(&plan, 0, &set, t[i].set != NULL, &err), &err);
		buf_clear(&file);
		ob_meta(&file, ob_syntax(f));
		ob_text(&file, f, 0x00080005, "CS", t[i].top);
		ob_text(&file, f, 0x00100010, "PN", "Old ");
		ob_text(&file, f, 0x00100020, "LO", "F9");
		buf_clear(&item);
		ob_text(&item, f, 0x00080005, "CS", t[i].own);
		ob_text(&item, f, 0x00400007, "LO", t[i].text);
		ob_sequence(&file, f, 0x00400275, 0, &item);
		err_clear(&err);
		assert_int_equal(apply(plan, &file, &out, &report, &err), t[i].rc);
		if (t[i].rc == RC_OK) {
			must(verify(plan, &file, &out, &err), &err);
			assert_string_equal(value(&out, 0x00400275, 0, 0, 0x00400007), t[i].now);
		} else {
			assert_non_null(strstr(err.text, "(0040,0275)"));
			assert_non_null(strstr(err.advice, "SpecificCharacterSet="));
		}
		json_decref(plan);
	}
	buf_free(&file);
	buf_free(&out);
	buf_free(&item);
}

/* A public sequence in a UN of known length, and one that is none: both sides are read alike. */
static void converts_in_un(void **state)
{
	struct buf file = BUF_INIT(0), out = BUF_INIT(0), item = BUF_INIT(0), seq = BUF_INIT(0);
	enum walk_form f = WALK_EXPLICIT_LE;
	struct plan_report report;
	struct err err = { 0 };
	json_t *plan = NULL;
	char *at = NULL;

	(void)state;
	plain_order();
	order.patient.name = "Łódź";
	must(make(&plan, 0, NULL, 0, &err), &err);
	ob_meta(&file, ob_syntax(f));
	ob_text(&file, f, 0x00080005, "CS", "GB18030 ");
	ob_text(&file, f, 0x00100010, "PN", "\xcd\xf5");
	ob_text(&item, WALK_IMPLICIT_LE, 0x00080104, "LO", "\xcd\xf5");
	ob_raw(&seq, WALK_IMPLICIT_LE, 0xfffee000, "", item.data, item.len);
	ob_raw(&file, f, 0x00400555, "UN", seq.data, seq.len);
	ob_text(&file, f, 0x00400556, "UN", "\xcd\xf5");
	ob_text(&file, f, 0x00540220, "UN", "\xcd\xf5no items");
	must(apply(plan, &file, &out, &report, &err), &err);
	must(verify(plan, &file, &out, &err), &err);
	assert_string_equal(value(&out, 0x00400555, 0, 0, 0x00080104), "王");
	assert_string_equal(top(&out, 0x00400556), "王");
	assert_string_equal(top(&out, 0x00540220), "\xcd\xf5no items");
	/* and a change in there is seen */
	at = memmem(out.data, out.len, "\x08\0\x04\x01\4\0\0\0王", 11);
	assert_non_null(at);
	at[10]++;
	assert_int_equal(verify(plan, &file, &out, &err), RC_FAILED);
	json_decref(plan);
	buf_free(&file);
	buf_free(&out);
	buf_free(&item);
	buf_free(&seq);
}

static void sets(void **state)
{
	static const struct { const char *text; const char *why; } bad[] = {
		{ "StudyDescription", "no '='" }, { "StudyDescriptio=x", "no such keyword" },
		{ "SOPInstanceUID=1.2", "do not change" }, { "StudyInstanceUID=1.2", "do not change" },
		{ "PixelData=x", "do not change" }, { "Rows=1", "do not change" },
		    { "TransferSyntaxUID=1.2", "do not change" },
		{ "OriginalAttributesSequence=x", "VR" }, { "StudyDate=2026-01-01", "VR DA" },
		{ "StudyDate=20261301", "VR DA" }, { "StudyID=12345678901234567", "longer than the 16" },
		{ "Modality=ct", "form of VR CS" }, { "PatientName=a=b=c=d", "no PN" }, { "PatientSize=x",
		    "VR DS" },
		{ "SpecificCharacterSet=LATIN1", "none of DICOM" }, { "StudyDescription=a\nb", "control" },
		{ "StudyDescription=\xff", "UTF-8" }, { "Modality=\xc3\x84", "VR CS can not hold" },
	};
	struct plan_set set;
	struct err err = { 0 };
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct plan_report report;
	json_t *plan = NULL;
	char text[128];
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "%s", bad[i].text);
		err_clear(&err);
		assert_int_not_equal(plan_set_parse(text, &set, &err), RC_OK);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (strstr(err.text, bad[i].why) == NULL)
			print_error("# %s: %s\n", bad[i].text, err.text);
		assert_non_null(strstr(err.text, bad[i].why));
	}
	plain_order();
	snprintf(text, sizeof text, "AccessionNumber=OTHER");
	must(plan_set_parse(text, &set, &err), &err);
	must(make(&plan, 0, &set, 1, &err), &err);
	study(&file, WALK_EXPLICIT_LE, NULL, "Fremd^Name");
	must(apply(plan, &file, &out, &report, &err), &err);
	must(verify(plan, &file, &out, &err), &err);
	assert_string_equal(top(&out, 0x00080050), "OTHER");	/* later wins */
	assert_string_equal(OLD(&out, 2, 0x00080050), "FOREIGN1");
	assert_string_equal(value(&out, ORIGINAL, 2, 0, 0x04000565), "CORRECT");
	assert_null(OLD(&out, 1, 0x00080050));
	json_decref(plan);
	buf_free(&file);
	buf_free(&out);
}

static void orders_refused(void **state)
{
	struct err err = { 0 };
	json_t *plan = NULL;

	(void)state;
	plain_order();
	order.patient.id = NULL;
	assert_int_not_equal(make(&plan, 0, NULL, 0, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	plain_order();
	entry.accession = "12345678901234567";
	assert_int_not_equal(make(&plan, 0, NULL, 0, &err), RC_OK);
	assert_int_equal(err.kind, ERR_DATA);
	assert_non_null(strstr(err.text, "studies.accession"));
	assert_null(strstr(err.text, "1234"));
	plain_order();
	assert_int_not_equal(make(&plan, 1, NULL, 0, &err), RC_OK);
	/* No rule of a plan, whoever wrote it, touches what must stay. */
	must(make(&plan, 0, NULL, 0, &err), &err);
	{
		json_t *rules = json_object_get(plan, "rules");
		struct plan *p = NULL;

		json_array_append_new(rules, json_pack("{s:s, s:s, s:s, s:s}", "tag", "(0008,0018)", "op",
		    "set", "new", "1.2",
		    "rule", "set"));
		assert_int_not_equal(plan_load(&p, plan, &err), RC_OK);
	}
	json_decref(plan);
}

/* Every byte of a changed object that is altered is seen, but for values that a plan does not fix. */
static void verify_sees(void **state)
{
	struct buf file = BUF_INIT(0), out = BUF_INIT(0), other = BUF_INIT(0);
	struct plan_report report;
	struct err err = { 0 };
	json_t *plan = NULL;
	size_t i = 0, unseen = 0;
	int round = 0;

	(void)state;
	for (round = 0; round < 2; round++) {
		plain_order();
		if (round == 1)
			order.patient.name = "Łódź^A";
		must(make(&plan, 0, NULL, 0, &err), &err);
		study(&file, WALK_EXPLICIT_LE, "ISO_IR 100", "M\xfcller^J");
		must(apply(plan, &file, &out, &report, &err), &err);
		for (i = 0, unseen = 0; i < out.len; i++) {
			out.data[i] ^= 1;
			if (verify(plan, &file, &out, &err) == RC_OK)
				unseen++;
			out.data[i] ^= 1;
		}
		assert_true(unseen <= 40);	/* reserved bytes, VR letters inside items */
		/* An object of another study, or the original itself, is not the changed one. */
		assert_int_not_equal(verify(plan, &file, &file, &err), RC_OK);
		study(&other, WALK_EXPLICIT_LE, "ISO_IR 100", "M\xfcller^K");
		assert_int_not_equal(verify(plan, &other, &out, &err), RC_OK);
		json_decref(plan);
	}
	buf_free(&file);
	buf_free(&out);
	buf_free(&other);
}

static json_t *corpus_plan;
static size_t corpus_done;

static int corpus_file(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct plan_report report;
	struct err err = { 0 };

	(void)w;
	if (kind != FTW_F || st->st_size > 16 << 20)
		return 0;
	must(io_slurp(AT_FDCWD, path, &file, &err), &err);
	if (apply(corpus_plan, &file, &out, &report, &err) == RC_OK) {
		if (verify(corpus_plan, &file, &out, &err) != RC_OK) {
			print_error("# %s: %s\n", path, err.text);
			fail();
		}
		corpus_done++;
	} else {
		assert_int_equal(err.kind, ERR_DATA);
	}
	buf_free(&file);
	buf_free(&out);
	return 0;
}

/* Real files of all transfer syntaxes, where they are at hand: what edit makes, verify accepts. */
static void corpus(void **state)
{
	static const char *const names[] = { "Muster^Eva", "Böhm^Jörg", "Łódź^Ewa" };
	const char *dir = getenv("CORPUS");
	struct err err = { 0 };
	char path[4096];
	size_t i = 0;

	(void)state;
	for (i = 0; dir != NULL && dir[0] != '\0' && i < 3; i++) {
		plain_order();
		order.patient.name = (char *)(uintptr_t)names[i];
		must(make(&corpus_plan, i == 1 ? ORDER_UNSCHEDULED : 0, NULL, 0, &err), &err);
		corpus_done = 0;
		snprintf(path, sizeof path, "%s/dicom", dir);
		assert_int_equal(nftw(path, corpus_file, 16, FTW_PHYS), 0);
		assert_true(corpus_done > 200);
		print_message("# %zu files\n", corpus_done);
		json_decref(corpus_plan);
	}
}

static int load(void **state)
{
	struct err err = { 0 };

	(void)state;
	return charset_load(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scheduled), cmocka_unit_test(unscheduled), cmocka_unit_test(same_patient),
		cmocka_unit_test(charsets), cmocka_unit_test(declared_by_operator), cmocka_unit_test(kept_with_its_set),
		cmocka_unit_test(converts_in_un), cmocka_unit_test(sets),
		cmocka_unit_test(orders_refused), cmocka_unit_test(verify_sees), cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
