/* DICOMDIR as a claim: records by their offsets, what is broken in them, and the comparison with what is there. */
#include "object.h"
#include "media/dicomdir.h"

#define RECORDS	16

/* One record of a DICOMDIR to be made; next and lower are indexes + 1, 0 none, -1 an offset that leads nowhere. */
struct rec {
	const char *type, *name, *study, *series, *file, *sop;
	int next, lower;
	bool unused;
};

static void record(struct buf *b, enum walk_form f, const struct rec *r, uint32_t next, uint32_t lower)
{
	struct buf item = BUF_INIT(0);

	ob_number(&item, f, 0x00041400, next);
	ob_head(&item, f, 0x00041410, "US", 2);
	ob_16(&item, f, r->unused ? 0 : 0xffff);
	ob_number(&item, f, 0x00041420, lower);
	if (r->type)
		ob_text(&item, f, 0x00041430, "CS", r->type);
	if (r->file)
		ob_text(&item, f, 0x00041500, "CS", r->file);
	if (r->sop)
		ob_text(&item, f, 0x00041511, "UI", r->sop);
	if (r->study)
		ob_text(&item, f, 0x00080020, "DA", "20260901");
	if (r->name) {
		ob_text(&item, f, 0x00100010, "PN", r->name);
		ob_text(&item, f, 0x00100020, "LO", "4711");
	}
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
		assert_non_null(l.broken);
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
	buf_free(&b);
}

static void wire(void **state)
{
	struct buf b = BUF_INIT(0), text = BUF_INIT(0), again = BUF_INIT(0);
	struct listing l, m;
	struct err err = { 0 };
	static const char *const bad[] = { "", "{}", "{\"listing\":7}", "{\"listing\":0}\n{\"file\":\"A\",\"in\":0}",
	    "{\"listing\":0}\n{\"file\":\"A\",\"of\":-2}", "{\"listing\":0}\n{\"study\":\"1.2\"}\n{\"study\":\"1.2\"}",
	    "{\"listing\":0}\n{\"name\":\"a\"}\n{\"name\":\"a\"}", "{\"listing\":0}\n[",
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_offsets), cmocka_unit_test(broken), cmocka_unit_test(inactive),
		cmocka_unit_test(wire), cmocka_unit_test(paths), cmocka_unit_test(compare), cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
