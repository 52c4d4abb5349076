/* DICOMDIR as a claim: records by their offsets, what is broken in them, and the comparison with what is there. */
#include "object.h"
#include <stdio.h>
#include "dicom/charset.h"
#include "media/dicomdir.h"

#define RECORDS	16

/* One record of a DICOMDIR to be made; next and lower are indexes + 1, 0 none, -1 an offset that leads nowhere. */
struct rec {
	const char *type, *name, *study, *series, *file, *sop;
	int next, lower;
	bool unused;
	const char *charset, *id, *birth, *date, *accession;
	bool odd;	/* next and In-use Flag of lengths that they cannot have */
};

static void record(struct buf *b, enum walk_form f, const struct rec *r, uint32_t next, uint32_t lower)
{
	struct buf item = BUF_INIT(0);

	if (r->odd) {
		ob_raw(&item, f, 0x00041400, "UL", "\1\1\1\1\0\0\0", 8);
		ob_raw(&item, f, 0x00041410, "US", "\0\0\0", 4);
	} else {
		ob_number(&item, f, 0x00041400, next);
		ob_head(&item, f, 0x00041410, "US", 2);
		ob_16(&item, f, r->unused ? 0 : 0xffff);
	}
	ob_number(&item, f, 0x00041420, lower);
	if (r->type)
		ob_text(&item, f, 0x00041430, "CS", r->type);
	if (r->file)
		ob_text(&item, f, 0x00041500, "CS", r->file);
	if (r->sop)
		ob_text(&item, f, 0x00041511, "UI", r->sop);
	if (r->charset)
		ob_text(&item, f, 0x00080005, "CS", r->charset);
	if (r->study || r->date)
		ob_text(&item, f, 0x00080020, "DA", r->date ? r->date : "20260901");
	if (r->accession)
		ob_text(&item, f, 0x00080050, "SH", r->accession);
	if (r->name)
		ob_text(&item, f, 0x00100010, "PN", r->name);
	if (r->name || r->id)
		ob_text(&item, f, 0x00100020, "LO", r->id ? r->id : "4711");
	if (r->birth)
		ob_text(&item, f, 0x00100030, "DA", r->birth);
	if (r->study)
		ob_text(&item, f, 0x0020000d, "UI", r->study);
	if (r->series)
		ob_text(&item, f, 0x0020000e, "UI", r->series);
	ob_head(b, f, 0xfffee000, "", (uint32_t)item.len);
	ob_bytes(b, item.data, item.len);
	buf_free(&item);
}

static void make(struct buf *b, enum walk_form f, const struct rec *v, int n, int root)
{
	uint32_t at[RECORDS + 2] = { 0 }, none = 0xfffff0;
	struct buf seq = BUF_INIT(0);
	size_t head = 0;

	buf_clear(b);
	ob_meta(b, ob_syntax(f));
	head = b->len + (f == WALK_IMPLICIT_LE ? 12 + 8 : 12 + 12);	/* (0004,1200) and the sequence's own header */
	for (int i = 0; i < n; i++) {	/* lengths do not depend on the offsets: the first turn measures */
		at[i + 1] = (uint32_t)(head + seq.len);
		record(&seq, f, &v[i], 0, 0);
	}
	buf_clear(&seq);
	for (int i = 0; i < n; i++)
		record(&seq, f, &v[i], v[i].next < 0 ? none : at[v[i].next], v[i].lower < 0 ? none : at[v[i].lower]);
	ob_number(b, f, 0x00041200, root < 0 ? none : at[root]);
	ob_raw(b, f, 0x00041220, "SQ", seq.data, seq.len);
	buf_free(&seq);
}

static void take(const struct buf *b, struct listing *l)
{
	struct stream *s = NULL;
	struct err err = { 0 };

	must(stream_mem(&s, b->data, b->len, &err), &err);
	listing_init(l, LISTING_DICOMDIR);
	must(dicomdir_read(l, s, &err), &err);
	stream_close(s);
}

/* Two patients, two studies, three files; in the file the image comes first. */
static const struct rec plain[] = {
	{ .type = "IMAGE ", .file = "DIR\\IM1 ", .sop = "1.2.3.1\0", .next = 3 },
	{ .type = "PATIENT ", .name = "Doe^Ann ", .next = 5, .lower = 4 },
	{ .type = "IMAGE ", .file = "DIR/IM2 ", .sop = "1.2.3.2\0" },
	{ .type = "STUDY ", .study = "1.2.1\0", .lower = 8 },
	{ .type = "ODD ", .name = "Roe^Bob ", .lower = 6 },
	{ .type = "STUDY ", .study = "1.2.2\0", .lower = 7 },
	{ .type = "SERIES", .series = "1.2.2.1\0", .lower = 9 },
	{ .type = "SERIES", .series = "1.2.1.1\0", .lower = 1 },
	{ .type = "IMAGE ", .file = "IM3 ", .sop = "1.2.3.3\0" },
};

static void by_offsets(void **state)
{
	static const enum walk_form forms[] = { WALK_EXPLICIT_LE, WALK_IMPLICIT_LE, WALK_EXPLICIT_BE };
	struct buf b = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct listing l;

		make(&b, forms[i], plain, 9, 2);
		take(&b, &l);
		assert_null(l.broken);
		assert_int_equal(l.npatients, 2);
		assert_string_equal(l.patients[0].name, "Doe^Ann");
		assert_int_equal(l.nstudies, 2);
		assert_int_equal(l.nfiles, 3);
		for (size_t k = 0; k < 2; k++) {
			const struct listing_study *s = &l.studies[k];

			assert_int_equal(s->instances, strcmp(s->uid, "1.2.1") == 0 ? 2 : 1);
			assert_int_equal(s->series, 1);
			assert_string_equal(s->date, "20260901");
			assert_string_equal(l.patients[s->patient].name, strcmp(s->uid, "1.2.1") ? "Roe^Bob" : "Doe^Ann");
		}
		listing_free(&l);
	}
	buf_free(&b);
}

/* Whatever is broken in it, what can be read is listed, and it says that it is broken. */
static void broken(void **state)
{
	struct rec v[9];
	struct buf b = BUF_INIT(0);
	struct listing l;
	static const char *const why[] = { "1 of its offsets lead in a circle", "1 of its offsets lead in a circle",
	    "1 of its offsets lead to no record", "4 of its 9 records hang on nothing",
	    "its first record is not where it says", "1 of its offsets lead in a circle" };

	(void)state;
	for (int how = 0; how < 6; how++) {
		int root = how == 4 ? -1 : 2;

		memcpy(v, plain, sizeof v);
		if (how == 0)
			v[2].next = 1;	/* a circle of images */
		else if (how == 1)
			v[7].lower = 2;	/* the series' images are the root again */
		else if (how == 2)
			v[3].lower = -1;	/* nowhere */
		else if (how == 3)
			v[1].next = 0;	/* the second patient hangs on nothing */
		else if (how == 5)
			v[2].next = 3;	/* itself */
		make(&b, WALK_EXPLICIT_LE, v, 9, root);
		take(&b, &l);
		assert_string_equal(l.broken, why[how]);
		assert_int_equal(l.nfiles, 3);
		assert_int_equal(l.nstudies, 2);
		listing_free(&l);
	}
	/* the last record says that it is longer than the sequence has room for, as one of pydicom's files does */
	for (int f = WALK_IMPLICIT_LE; f <= WALK_EXPLICIT_BE; f++) {
		size_t at = 0;

		make(&b, (enum walk_form)f, plain, 9, 2);
		for (size_t i = 0; i + 4 <= b.len; i++)
			if (memcmp(b.data + i, f == WALK_EXPLICIT_BE ? "\xff\xfe\xe0\x00" : "\xfe\xff\x00\xe0", 4) == 0)
				at = i;
		b.data[at + (f == WALK_EXPLICIT_BE ? 7 : 4)] += 24;
		take(&b, &l);
		assert_non_null(strstr(l.broken, "in (0004,1220): it has "));
		assert_int_equal(l.nfiles, 3);
		assert_int_equal(l.nstudies, 2);
		listing_free(&l);
	}
	/* its end is missing: what stands before it counts */
	make(&b, WALK_EXPLICIT_LE, plain, 9, 2);
	b.len -= 8;
	take(&b, &l);
	assert_non_null(strstr(l.broken, "are left"));
	assert_int_equal(l.nfiles, 3);
	listing_free(&l);
	/* cut off anywhere: nothing of it is an error */
	make(&b, WALK_EXPLICIT_LE, plain, 9, 2);
	for (size_t n = 0; n < b.len; n += 13) {
		struct buf part = { .data = b.data, .len = n };

		take(&part, &l);
		assert_non_null(l.broken);
		listing_free(&l);
	}
	/* no sequence of records at all */
	buf_clear(&b);
	ob_meta(&b, ob_syntax(WALK_EXPLICIT_LE));
	ob_number(&b, WALK_EXPLICIT_LE, 0x00041200, 0);
	take(&b, &l);
	assert_string_equal(l.broken, "it has no sequence of records");
	listing_free(&l);
	buf_free(&b);
}

static void inactive(void **state)
{
	struct rec v[9];
	struct buf b = BUF_INIT(0);
	struct listing l;

	(void)state;
	memcpy(v, plain, sizeof v);
	/* PS3.3 F.5: the second patient was taken out, and all below */
	v[4].unused = v[5].unused = v[6].unused = v[8].unused = true;
	make(&b, WALK_EXPLICIT_LE, v, 9, 2);
	take(&b, &l);
	assert_null(l.broken);
	assert_int_equal(l.nstudies, 1);
	assert_int_equal(l.nfiles, 2);
	assert_int_equal(l.npatients, 1);
	listing_free(&l);
	/* and what is below was forgotten: it hangs on nothing, and says so */
	v[5].unused = v[6].unused = v[8].unused = false;
	make(&b, WALK_EXPLICIT_LE, v, 9, 2);
	take(&b, &l);
	assert_string_equal(l.broken, "3 of its 9 records hang on nothing");
	assert_int_equal(l.npatients, 1);
	assert_int_equal(l.nfiles, 3);
	listing_free(&l);
	buf_free(&b);
}

/* What a record says, to the letter; what cannot be what it should be is not said. */
static void values(void **state)
{
	static char name[202], long_uid[66], too_long[1026];
	static const struct rec v[] = {
		{ .type = "PATIENT ", .charset = "ISO_IR 100", .name = "M\xfcller^Ann", .id = "A-1 ", .birth = "19700102",
		  .next = 2, .lower = 6 },
		{ .type = "PATIENT ", .name = "M\xfcller^Bo ", .id = "B-2 ", .birth = "19701399", .next = 3 },	/* no set */
		{ .type = "PATIENT ", .charset = "ISO 2022 IR 77", .id = "C-3 ", .next = 4 },	/* a set that there is not */
		{ .type = "PATIENT ", .name = name, .id = too_long, .next = 5 },
		{ .type = "PATIENT ", .charset = "\\ISO 2022 IR 149 ", .name = "Hong=\x1b$)C\xfb\xf3 ", .odd = true },
		{ .type = "STUDY ", .study = "1.2.1\0", .date = "20261301", .accession = "ACC-1 ", .lower = 7 },
		{ .type = "IMAGE ", .file = "IM1 ", .sop = long_uid, .next = 8 },
		{ .type = "IMAGE ", .file = "IM2 ", .sop = "1.2.3.x ", .next = 9 },
		{ .type = "IMAGE ", .file = "IM3 ", .sop = "1.2.3.3 " },
	};
	struct buf b = BUF_INIT(0);
	struct listing l;

	(void)state;
	memset(name, 'n', sizeof name - 2);
	memset(too_long, '7', sizeof too_long - 2);
	memset(long_uid, '1', sizeof long_uid - 1);
	make(&b, WALK_EXPLICIT_LE, v, 9, 1);
	take(&b, &l);
	assert_null(l.broken);
	assert_int_equal(l.npatients, 5);
	assert_string_equal(l.patients[0].name, "Müller^Ann");
	assert_string_equal(l.patients[0].id, "A-1");
	assert_string_equal(l.patients[0].birth, "19700102");
	assert_string_equal(l.patients[1].name, "M\\xfcller^Bo");
	assert_string_equal(l.patients[1].birth, "");
	assert_string_equal(l.patients[2].name, "");
	assert_string_equal(l.patients[2].id, "C-3");
	assert_string_equal(l.patients[3].name, name);
	assert_string_equal(l.patients[3].id, "");
	assert_string_equal(l.patients[4].name, "Hong=洪");
	assert_int_equal(l.nstudies, 1);
	assert_string_equal(l.studies[0].date, "");
	assert_string_equal(l.studies[0].accession, "ACC-1");
	assert_int_equal(l.studies[0].patient, 0);
	assert_int_equal(l.nfiles, 3);
	assert_string_equal(l.files[0].path, "IM1");
	assert_string_equal(l.files[0].sop_uid, "");	/* of 65 digits: none, and no shorter one either */
	assert_string_equal(l.files[1].sop_uid, "");
	assert_string_equal(l.files[2].sop_uid, "1.2.3.3");
	assert_int_equal(l.files[2].patient, 0);
	listing_free(&l);
	buf_free(&b);
}

/* What a record stands below says whose it is, not what it repeats; without offsets its place does. */
static void belongs(void **state)
{
	static const struct rec v[] = {
		{ .type = "PATIENT ", .name = "Doe^Ann ", .lower = 2, .next = 5 },
		{ .type = "STUDY ", .study = "1.2.1\0", .name = "Not^Ann ", .lower = 3, .next = 4 },
		{ .type = "IMAGE ", .file = "IM1 ", .name = "Not^Ann ", .study = "1.2.9\0", .series = "1.2.9.1\0" },
		{ .type = "HL7 STRUC DOC ", .file = "DOC ", .name = "Not^Ann " },	/* beside the study, not of it */
		{ .type = "PATIENT ", .name = "Roe^Bob ", .lower = 6, .next = 7 },
		{ .type = "STUDY ", .study = "1.2.1\0" },	/* of two patients: the first stays */
		{ .type = "SERIES", .series = "1.2.2.1\0", .lower = 8 },	/* of no study */
		{ .type = "IMAGE ", .file = "IM2 " },
	};
	static const struct rec lost[] = {
		{ .type = "PATIENT ", .name = "Doe^Ann " }, { .type = "STUDY ", .study = "1.2.1\0" },
		{ .type = "IMAGE ", .file = "IM1 " }, { .type = "PATIENT ", .name = "Roe^Bob " },
		{ .type = "IMAGE ", .file = "IM2 " },
	};
	static const struct rec bare[] = { { .type = "SERIES", .series = "1.2.2.1\0" } };
	struct buf b = BUF_INIT(0);
	struct listing l;

	(void)state;
	make(&b, WALK_EXPLICIT_LE, v, 8, 1);
	take(&b, &l);
	assert_null(l.broken);
	assert_int_equal(l.npatients, 2);
	assert_int_equal(l.nstudies, 1);
	assert_string_equal(l.patients[l.studies[0].patient].name, "Doe^Ann");
	assert_int_equal(l.studies[0].series, 0);
	assert_int_equal(l.studies[0].instances, 1);
	assert_int_equal(l.nfiles, 3);
	for (size_t i = 0; i < 3; i++) {
		bool image = !strcmp(l.files[i].path, "IM1"), none = !strcmp(l.files[i].path, "IM2");

		assert_int_equal(l.files[i].study, image ? 0 : -1);
		if (none)
			assert_int_equal(l.files[i].patient, -1);
		else
			assert_string_equal(l.patients[l.files[i].patient].name, "Doe^Ann");
	}
	listing_free(&l);

	make(&b, WALK_EXPLICIT_LE, lost, 5, -1);
	take(&b, &l);
	assert_int_equal(l.nfiles, 2);
	assert_int_equal(l.files[0].study, 0);
	assert_int_equal(l.files[0].patient, 0);
	assert_int_equal(l.files[1].study, -1);
	assert_int_equal(l.files[1].patient, 1);
	listing_free(&l);

	make(&b, WALK_EXPLICIT_LE, bare, 1, 1);
	take(&b, &l);
	assert_null(l.broken);
	assert_int_equal(l.nstudies, 0);
	listing_free(&l);
	buf_free(&b);
}

static void wire(void **state)
{
	static char long_line[9000] = "{\"listing\":0}\n{\"name\":\"";
	static const char document[] = "{\"listing\":1}\n{\"study\":\"1.2\",\"accession\":\"ACC-1\",\"series\":3}\n"
	    "{\"file\":\"A\",\"media\":\"text/plain\",\"bytes\":7,\"sha1\":\"ab\"}\n";
	struct buf b = BUF_INIT(0), text = BUF_INIT(0), again = BUF_INIT(0);
	struct listing l, m;
	struct err err = { 0 };
	static const char *const bad[] = { "", "{}", "{\"listing\":7}", "{\"listing\":0}\n{\"file\":\"A\",\"in\":0}",
	    "{\"listing\":0}\n{\"file\":\"A\",\"of\":-2}", "{\"listing\":0}\n{\"study\":\"1.2\"}\n{\"study\":\"1.2\"}",
	    "{\"listing\":0}\n{\"name\":\"a\"}\n{\"name\":\"a\"}", "{\"listing\":0}\n{\"study\":\"1.2\",\"of\":0}",
	    "{\"listing\":0}\n{\"file\":\"A\",\"of\":0}", "{\"listing\":0}\n[",
	    "{\"listing\":0}\n{\"file\":\"A\",\"sha1\":\"12345678901234567890123456789012345678901\"}",
	    "{\"listing\":0}\n{\"study\":\"12345678901234567890123456789012345678901234567890123456789012345\"}" };

	(void)state;
	make(&b, WALK_EXPLICIT_LE, plain, 9, -1);
	take(&b, &l);
	must(listing_write(&l, &text, &err), &err);
	must(listing_parse(&m, text.data, text.len, &err), &err);
	must(listing_write(&m, &again, &err), &err);
	assert_int_equal(again.len, text.len);
	assert_memory_equal(again.data, text.data, text.len);
	assert_string_equal(m.broken, l.broken);
	listing_free(&l);
	listing_free(&m);
	must(listing_parse(&m, document, sizeof document - 1, &err), &err);
	assert_int_equal(m.kind, LISTING_XDM);
	assert_int_equal(m.files[0].bytes, 7);
	assert_string_equal(m.files[0].media, "text/plain");
	assert_string_equal(m.files[0].sha1, "ab");
	assert_string_equal(m.studies[0].accession, "ACC-1");
	assert_int_equal(m.studies[0].series, 3);
	listing_free(&m);
	memset(long_line + strlen(long_line), 'n', sizeof long_line - strlen(long_line) - 4);
	memcpy(long_line + sizeof long_line - 4, "\"}\n", 4);
	assert_int_equal(listing_parse(&m, long_line, sizeof long_line - 1, &err), RC_FAILED);
	assert_string_equal(err.text, "a medium's index: a line is too long");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&err, 0, sizeof err);
		assert_int_not_equal(listing_parse(&m, bad[i], strlen(bad[i]), &err), RC_OK);
		assert_int_equal(err.kind, ERR_DATA);
	}
	buf_free(&b);
	buf_free(&text);
	buf_free(&again);
}

static void paths(void **state)
{
	char to[LISTING_TEXT], deep[2 * LISTING_TEXT];

	(void)state;
	assert_true(listing_path("", "A\\B/C", to));
	assert_string_equal(to, "A/B/C");
	assert_true(listing_path("CD/X/", "..\\.\\A//B/", to));
	assert_string_equal(to, "CD/A/B");
	assert_false(listing_path("CD", "../../A", to));
	assert_false(listing_path("", "", to));
	assert_false(listing_path("", "..", to));
	memset(deep, 'x', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_false(listing_path("", deep, to));
	assert_false(listing_path(deep, "A", to));
	deep[LISTING_TEXT] = '\0';
	assert_false(listing_path(deep, "A", to));
	assert_false(listing_path("", deep, to));
	deep[LISTING_TEXT - 1] = '\0';
	assert_false(listing_path("", deep, to));
	deep[LISTING_TEXT - 2] = '\0';	/* room for a stroke and the end */
	assert_true(listing_path("", deep, to));
	assert_string_equal(to, deep);
	assert_true(listing_path("CD", "..A/.B/...", to));	/* names, however odd */
	assert_string_equal(to, "CD/..A/.B/...");
}

/* The same in everything is the same patient; as many of each as there may be, and no more. */
static void counted(void **state)
{
	struct listing l;
	struct listing_file *f = NULL;
	struct err err = { 0 };
	static const struct { const char *name, *id, *birth; int index; } v[] = {
		{ "Doe", "1", "", 0 }, { "Doe", "2", "", 1 },
		{ "Doe", "1", "19700101", 2 }, { "Roe", "1", "", 3 }, { "Doe", "2", "", 1 },
	};
	int index = -1;

	(void)state;
	listing_init(&l, LISTING_DICOMDIR);
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		must(listing_patient(&l, v[i].name, v[i].id, v[i].birth, &index, &err), &err);
		assert_int_equal(index, v[i].index);
	}
	for (int i = 0; l.npatients < LISTING_PATIENTS_MAX; i++) {
		char id[16];

		snprintf(id, sizeof id, "P%d", i);
		must(listing_patient(&l, "", id, "", &index, &err), &err);
	}
	assert_int_equal(listing_patient(&l, "", "one more", "", &index, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	must(listing_patient(&l, "", "P7", "", &index, &err), &err);
	l.studies = calloc(LISTING_STUDIES_MAX, sizeof *l.studies);
	assert_non_null(l.studies);
	l.nstudies = LISTING_STUDIES_MAX;
	assert_int_equal(listing_study(&l, "1.2", &index, &err), RC_FAILED);
	l.nstudies--;
	must(listing_study(&l, "1.2", &index, &err), &err);
	l.nfiles = LISTING_FILES_MAX;
	assert_int_equal(listing_file(&l, "A", &f, &err), RC_FAILED);
	l.nfiles = 0;
	listing_free(&l);
}

static void compare(void **state)
{
	struct buf b = BUF_INIT(0);
	struct listing l;
	struct err err = { 0 };
	struct listing_found v[] = {
		{ .path = "cd/dir/im1.;1", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.1", .study_uid = "1.2.1" },
		{ .path = "cd/OTHER/IM2", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.2", .study_uid = "1.2.1" },
		{ .path = "cd/DICOMDIR", .kind = FOUND_ASIDE, .beside = true },
		{ .path = "cd/IM9", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.9", .study_uid = "1.2.9" },
		{ .path = "elsewhere/IM8", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.8", .study_uid = "1.2.9" },
		{ .path = NULL, .kind = FOUND_OBJECT, .beside = true, .sop_uid = "1.2.3.7", .study_uid = "1.2.9" },
		{ .path = "cd/IM3", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.33", .study_uid = "1.2.2" },
	};
	int one = 0, two = 0;

	(void)state;
	make(&b, WALK_EXPLICIT_LE, plain, 9, 2);
	take(&b, &l);
	must(listing_compare(&l, "cd", v, 7, &err), &err);
	assert_int_equal(listing_study(&l, "1.2.1", &one, &err), RC_OK);
	assert_int_equal(listing_study(&l, "1.2.2", &two, &err), RC_OK);
	assert_int_equal(l.studies[one].here, 1);
	assert_int_equal(l.studies[one].moved, 1);
	assert_int_equal(l.studies[one].absent, 0);
	/* another object has the name of the one that is listed: both are wrong */
	assert_int_equal(l.studies[two].other, 1);
	assert_int_equal(l.studies[two].absent, 1);
	assert_int_equal(l.unlisted, 1);
	assert_int_equal(l.nstudies, 3);
	assert_int_equal(l.studies[2].unlisted, 1);
	listing_free(&l);

	take(&b, &l);
	v[0].kind = FOUND_ASIDE;
	v[0].sop_uid = NULL;
	must(listing_compare(&l, "cd", v, 1, &err), &err);
	assert_int_equal(listing_study(&l, "1.2.1", &one, &err), RC_OK);
	assert_int_equal(l.studies[one].aside, 1);
	assert_int_equal(l.studies[one].absent, 1);
	listing_free(&l);
	buf_free(&b);
}

#define HASH "a9993e364706816aba3e25717850c26c9cd0d89d"
#define OTHER "b9993e364706816aba3e25717850c26c9cd0d89d"

/* Files of one study, as an index lists them; the last one is of none. */
static const struct {
	const char *path, *sop, *sha1;
	long long bytes;
	enum listing_state state;
	size_t at;
} listed[] = {
	{ "A", "1.1", "", -1, LISTED_HERE, 2 },
	{ "B", "1.2", "", -1, LISTED_ASIDE, 3 },
	{ "C", "1.3", "", -1, LISTED_OTHER, 4 },	/* an object was promised */
	{ "D", "", "", -1, LISTED_HERE, 5 },
	{ "E", "1.5", "", -1, LISTED_HERE, 6 },
	{ "G", "1.6", "", -1, LISTED_OTHER, 7 },	/* its object lies under H */
	{ "M", "1.8", "", 5, LISTED_SIZE, 9 },
	{ "N", "1.9", HASH, 6, LISTED_HASH, 10 },
	{ "O", "1.10", HASH, 6, LISTED_HERE, 11 },	/* no hash was made of it */
	{ "P", "", "", -1, LISTED_ABSENT, 0 },
};
static const struct listing_found on_it[] = {
	{ .path = "A2", .kind = FOUND_OBJECT, .sop_uid = "1.1", .study_uid = "1.2" },	/* the same object again */
	{ .path = "A", .kind = FOUND_OBJECT, .sop_uid = "1.1", .study_uid = "1.2" },
	{ .path = "B", .kind = FOUND_ASIDE },
	{ .path = "C", .kind = FOUND_DOCUMENT },
	{ .path = "D", .kind = FOUND_OBJECT, .sop_uid = "1.4", .study_uid = "1.2" },
	{ .path = "E", .kind = FOUND_ASIDE, .beside = true, .sop_uid = "1.5" },
	{ .path = "G", .kind = FOUND_OBJECT, .sop_uid = "1.7", .study_uid = "1.2" },
	{ .path = "H", .kind = FOUND_OBJECT, .sop_uid = "1.6", .study_uid = "1.2" },
	{ .path = "M", .kind = FOUND_OBJECT, .sop_uid = "1.8", .study_uid = "1.2", .bytes = 6 },
	{ .path = "N", .kind = FOUND_OBJECT, .sop_uid = "1.9", .study_uid = "1.2", .bytes = 6, .sha1 = OTHER },
	{ .path = "O", .kind = FOUND_OBJECT, .sop_uid = "1.10", .study_uid = "1.2", .bytes = 6, .sha1 = "" },
	{ .path = "Q", .kind = FOUND_OBJECT, .beside = true, .sop_uid = "1.11", .study_uid = "1.2" },
	{ .path = "R.PDF", .kind = FOUND_DOCUMENT },
};
#define LISTED	(sizeof listed / sizeof *listed)

static void list_them(struct listing *l, enum listing_kind kind)
{
	struct err err = { 0 };
	int index = 0;

	listing_init(l, kind);
	must(listing_patient(l, "Doe^Ann", "4711", "19700101", &index, &err), &err);
	must(listing_study(l, "1.2", &index, &err), &err);
	l->studies[0].patient = 0;
	for (size_t i = 0; i < LISTED; i++) {
		struct listing_file *f = NULL;

		must(listing_file(l, listed[i].path, &f, &err), &err);
		snprintf(f->sop_uid, sizeof f->sop_uid, "%s", listed[i].sop);
		snprintf(f->sha1, sizeof f->sha1, "%s", listed[i].sha1);
		f->bytes = listed[i].bytes;
		f->study = i + 1 < LISTED ? 0 : -1;
	}
	must(listing_compare(l, "", on_it, sizeof on_it / sizeof *on_it, &err), &err);
}

static long long count_of(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

/* Every way in which what is there can differ from what is listed, counted and recorded. */
static void states(void **state)
{
	static const char *const named[] = { "B", "C", "G", "M", "N", "P" };
	struct listing l;
	struct err err = { 0 };
	json_t *j = NULL, *s = NULL, *d = NULL;

	(void)state;
	list_them(&l, LISTING_DICOMDIR);
	for (size_t i = 0; i < LISTED; i++) {
		if (l.files[i].state != listed[i].state)
			fail_msg("%s: %s", listed[i].path, listing_state_name(l.files[i].state));
		assert_int_equal(l.files[i].at, listed[i].at);
	}
	assert_int_equal(l.unlisted, 1);	/* A2 */
	must(listing_broken(&l, &err, "a reason"), &err);
	j = listing_record(&l, 2, 5, &err);
	assert_non_null(j);
	assert_string_equal(json_text(j, "broken"), "a reason");
	assert_int_equal(count_of(j, "unlisted"), 1);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "absent"), 1);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "here"), 0);
	assert_string_equal(json_text(json_array_get(json_object_get(j, "patients"), 0), "birth_date"), "19700101");
	s = json_array_get(json_object_get(j, "studies"), 0);
	assert_int_equal(count_of(s, "patient"), 0);
	assert_int_equal(count_of(s, "here"), 4);
	assert_int_equal(count_of(s, "moved"), 0);
	assert_int_equal(count_of(s, "set_aside"), 1);
	assert_int_equal(count_of(s, "other"), 4);
	assert_int_equal(count_of(s, "absent"), 1);	/* C: what was promised is nowhere */
	assert_int_equal(count_of(s, "unlisted"), 1);
	d = json_object_get(j, "differing");
	assert_int_equal(json_array_size(d), sizeof named / sizeof *named);
	for (size_t i = 0; i < json_array_size(d); i++)
		assert_string_equal(json_text(json_array_get(d, i), "name"), named[i]);
	assert_string_equal(json_text(json_array_get(d, 0), "sop_uid"), "1.2");
	json_decref(j);
	listing_free(&l);

	list_them(&l, LISTING_XDM);	/* documents are no instances of a study */
	assert_int_equal(l.studies[0].here, 0);
	assert_int_equal(l.unlisted, 1);	/* R.PDF */
	j = listing_record(&l, 2, 5, &err);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "here"), 4);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "set_aside"), 1);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "other"), 2);
	json_decref(j);
	listing_free(&l);
}

/* An index that could not be read leaves nothing out; one that was read in part does. Nor does it speak for a folder
 * whose name begins as its own. The record names so many files, and counts all. */
static void in_part(void **state)
{
	static const struct listing_found beyond[] = {
		{ .path = "CD/IM1", .kind = FOUND_OBJECT, .sop_uid = "1.1", .study_uid = "1.2" },
		{ .path = "CD2/IM2", .kind = FOUND_OBJECT, .sop_uid = "1.2", .study_uid = "1.2" },
	};
	struct listing l;
	struct listing_file *f = NULL;
	struct err err = { 0 };
	json_t *j = NULL;

	(void)state;
	listing_init(&l, LISTING_DICOMDIR);
	must(listing_broken(&l, &err, "it cannot be read"), &err);
	must(listing_compare(&l, "CD", beyond, 2, &err), &err);
	assert_int_equal(l.unlisted, 0);
	for (int i = 0; i <= LISTING_DIFFERS_MAX; i++)
		must(listing_file(&l, "X", &f, &err), &err);
	must(listing_compare(&l, "CD", beyond, 2, &err), &err);
	assert_int_equal(l.unlisted, 1);
	j = listing_record(&l, 0, 0, &err);
	assert_int_equal(json_array_size(json_object_get(j, "differing")), LISTING_DIFFERS_MAX);
	assert_int_equal(count_of(json_object_get(j, "no_study"), "absent"), LISTING_DIFFERS_MAX + 1);
	json_decref(j);
	listing_free(&l);
}

/* What mri-unpack keeps of it. */
static void recorded(void **state)
{
	struct buf b = BUF_INIT(0);
	struct listing l;
	struct err err = { 0 };
	json_t *j = NULL, *s = NULL;

	(void)state;
	make(&b, WALK_EXPLICIT_LE, plain, 9, 2);
	take(&b, &l);
	must(listing_compare(&l, "", NULL, 0, &err), &err);
	j = listing_record(&l, 2, 5, &err);
	assert_non_null(j);
	assert_string_equal(json_text(j, "index"), "DICOMDIR");
	assert_int_equal(json_integer_value(json_object_get(j, "listed")), 3);
	assert_int_equal(json_array_size(json_object_get(j, "patients")), 2);
	assert_int_equal(json_array_size(json_object_get(j, "differing")), 3);
	s = json_array_get(json_object_get(j, "studies"), 0);
	assert_int_equal(json_integer_value(json_object_get(s, "absent")),
	    json_integer_value(json_object_get(s, "instances")));
	assert_string_equal(json_text(json_array_get(json_object_get(j, "differing"), 0), "state"), "absent");
	json_decref(j);
	listing_free(&l);
	buf_free(&b);
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
		cmocka_unit_test(by_offsets), cmocka_unit_test(broken), cmocka_unit_test(inactive),
		cmocka_unit_test(values), cmocka_unit_test(belongs),
		cmocka_unit_test(wire), cmocka_unit_test(paths), cmocka_unit_test(counted),
		cmocka_unit_test(compare), cmocka_unit_test(recorded),
		cmocka_unit_test(states), cmocka_unit_test(in_part),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
