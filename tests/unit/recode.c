/* lib/dicom/recode: the whole data set to ISO_IR 192, and lib/dicom/texts, which reads what it converts. */
#include "dicom/charset.h"
#include "dicom/texts.h"
#include "object.h"

#define NAME	0x00100010
#define SEQ	0x00400275
#define INNER	0x00081140

static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };

static void begin(struct buf *b, enum walk_form form)
{
	buf_clear(b);
	ob_meta(b, ob_syntax(form));
}

static int recoded(const struct buf *file, const char *declared, struct buf *out, struct err *err)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	struct edit *e = NULL;
	struct pieces p = { 0 };
	int rc = RC_OK;

	must(stream_mem(&s, file->data, file->len, err), err);
	must(walk_open(&o, s, err), err);
	must(edit_begin(&e, o, err), err);
	rc = edit_recode(e, declared, err);
	if (rc == RC_OK)
		rc = edit_finish(e, &p, err);
	if (rc == RC_OK)
		ob_apply(file, &p, out);
	pieces_free(&p);
	edit_free(e);
	walk_close(o);
	stream_close(s);
	return rc;
}

static void expect(const struct buf *file, const char *declared, const struct buf *want)
{
	struct buf got = BUF_INIT(0);
	struct err err = { 0 };

	must(recoded(file, declared, &got, &err), &err);
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.data, want->data, want->len);
	buf_free(&got);
}

/* Its own set in an item, the outer one again in the next, and in a sequence inside. */
static void items(void **state)
{
	static const char outer[] = "\\ISO 2022 IR 149", inner[] = "ISO 2022 IR 13\\ISO 2022 IR 87";
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), a = BUF_INIT(0), b = BUF_INIT(0), c = BUF_INIT(0),
	    d = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		for (int how = 0; how < 4; how++) {
			enum walk_form form = forms[i];

			begin(&file, form);
			begin(&want, form);
			buf_clear(&a);
			buf_clear(&b);
			buf_clear(&c);
			buf_clear(&d);
			ob_text(&a, form, NAME, "PN", "\xd4\xcf=\x1b$B;3\x1b(J^\x1b$B;3\x1b(J ");
			ob_text(&b, form, NAME, "PN", "ﾔﾏ=山^山");
			ob_text(&c, form, 0x00080005, "CS", inner);
			ob_text(&c, form, 0x00081030, "LO", "\xb1\x1b$B^=\x1b(J~\\");
			ob_sequence(&c, form, INNER, how, &a);
			ob_text(&d, form, 0x00080005, "CS", "ISO_IR 192");
			ob_text(&d, form, 0x00081030, "LO", "ｱ渊‾\\");
			ob_sequence(&d, form, INNER, how, &b);
			ob_text(&file, form, 0x00080005, "CS", outer);
			ob_sequence(&file, form, 0x00081110, how, &c);
			ob_text(&file, form, NAME, "PN", "\x1b$)C\xfb\xf3^\x1b$)C\xfb\xf3 ");
			ob_text(&file, form, 0x00102180, "SH", "plain ");
			ob_text(&want, form, 0x00080005, "CS", "ISO_IR 192");
			ob_sequence(&want, form, 0x00081110, how, &d);
			ob_text(&want, form, NAME, "PN", "洪^洪 ");
			ob_text(&want, form, 0x00102180, "SH", "plain ");
			expect(&file, outer, &want);
		}
	}
	buf_free(&file);
	buf_free(&want);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
}

/* Private elements: converted where a VR says that they are text, bytes otherwise. */
static void private_bytes(void **state)
{
	static const char gb[] = "\xcd\xf5", utf8[] = "王 ";
	struct buf file = BUF_INIT(0), want = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		bool bare = forms[i] == WALK_IMPLICIT_LE;

		begin(&file, forms[i]);
		begin(&want, forms[i]);
		ob_text(&file, forms[i], 0x00080005, "CS", "GB18030 ");
		ob_text(&file, forms[i], 0x00090010, "LO", "ACME");
		ob_text(&file, forms[i], 0x00091001, "UN", gb);
		ob_text(&file, forms[i], 0x00091002, "LO", gb);
		ob_text(&file, forms[i], 0x00091003, "OB", gb);
		ob_text(&file, forms[i], NAME, "PN", gb);
		ob_raw(&file, forms[i], 0x00102000, "LO", "\xcd\xf5x\0", 4);	/* padded by a NUL: no more needed */
		ob_text(&file, forms[i], 0x00102110, "UN", gb);		/* public: the dictionary has its VR */
		ob_text(&want, forms[i], 0x00080005, "CS", "ISO_IR 192");
		ob_text(&want, forms[i], 0x00090010, "LO", "ACME");
		ob_text(&want, forms[i], 0x00091001, "UN", gb);
		ob_text(&want, forms[i], 0x00091002, "LO", bare ? gb : utf8);
		ob_text(&want, forms[i], 0x00091003, "OB", gb);
		ob_text(&want, forms[i], NAME, "PN", utf8);
		ob_text(&want, forms[i], 0x00102000, "LO", "王x");
		ob_text(&want, forms[i], 0x00102110, "UN", utf8);
		expect(&file, "GB18030", &want);
	}
	buf_free(&file);
	buf_free(&want);
}

/* A public sequence as UN, of known length and not: implicit inside. A private one of known length: bytes, as is one
 * that is no list of items. */
static void sequences_in_un(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), old = BUF_INIT(0), now = BUF_INIT(0), a = BUF_INIT(0),
	    b = BUF_INIT(0);

	(void)state;
	ob_text(&a, WALK_IMPLICIT_LE, 0x00400007, "LO", "\xcd\xf5");
	ob_text(&b, WALK_IMPLICIT_LE, 0x00400007, "LO", "王 ");
	ob_raw(&old, WALK_IMPLICIT_LE, 0xfffee000, "", a.data, a.len);
	ob_raw(&now, WALK_IMPLICIT_LE, 0xfffee000, "", b.data, b.len);
	for (int i = 1; i < 3; i++) {
		begin(&file, forms[i]);
		begin(&want, forms[i]);
		ob_text(&file, forms[i], 0x00080005, "CS", "GBK ");
		ob_raw(&file, forms[i], 0x00091001, "UN", old.data, old.len);
		ob_text(&file, forms[i], 0x00081110, "UN", "\xcd\xf5no items");
		ob_raw(&file, forms[i], SEQ, "UN", old.data, old.len);
		ob_head(&file, forms[i], 0x00400555, "UN", 0xffffffff);
		ob_bytes(&file, old.data, old.len);
		ob_head(&file, WALK_IMPLICIT_LE, 0xfffee0dd, "", 0);
		ob_text(&want, forms[i], 0x00080005, "CS", "ISO_IR 192");
		ob_raw(&want, forms[i], 0x00091001, "UN", old.data, old.len);
		ob_text(&want, forms[i], 0x00081110, "UN", "\xcd\xf5no items");
		ob_raw(&want, forms[i], SEQ, "UN", now.data, now.len);
		ob_head(&want, forms[i], 0x00400555, "UN", 0xffffffff);
		ob_bytes(&want, now.data, now.len);
		ob_head(&want, WALK_IMPLICIT_LE, 0xfffee0dd, "", 0);
		expect(&file, "GBK", &want);
	}
	buf_free(&file);
	buf_free(&want);
	buf_free(&old);
	buf_free(&now);
	buf_free(&a);
	buf_free(&b);
}

/* An item's (0008,0005) after its texts; a text that its own item's set contradicts; a set that DICOM does not have. */
static void refused(void **state)
{
	static const struct { const char *before, *set, *after, *why; } t[] = {
		{ "M\xfcller", "ISO_IR 144", NULL, "(0008,0005) stands after" },
		{ NULL, "ISO_IR 192", "M\xfcller", "(0040,0275)[0]: (0010,0010): byte 0" },
		{ NULL, "ISO_IR 192", "M\xfcller", "'ISO_IR 192'" },
		{ NULL, "", "M\xfcller", "default repertoire" },
		{ NULL, "\\ISO 2022 IR 87", "M\x1b$)C\xfb\xf3ller", "not declared" },
		{ NULL, "\\ISO 2022 IR 87", "Mueller\x1b", "cut off" },
		{ NULL, "LATIN1", "M\xfcller", "'LATIN1' is none of DICOM" },
		{ "Mueller", "ISO_IR 144", NULL, NULL },
		{ NULL, "LATIN1", "Mueller", NULL },
	};
	struct buf file = BUF_INIT(0), a = BUF_INIT(0), out = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct err err = { 0 };

		buf_clear(&a);
		if (t[i].before != NULL)
			ob_text(&a, WALK_EXPLICIT_LE, NAME, "PN", t[i].before);
		ob_text(&a, WALK_EXPLICIT_LE, 0x00080005, "CS", t[i].set);
		if (t[i].after != NULL)
			ob_text(&a, WALK_EXPLICIT_LE, NAME, "PN", t[i].after);
		begin(&file, WALK_EXPLICIT_LE);
		ob_sequence(&file, WALK_EXPLICIT_LE, SEQ, 0, &a);
		assert_int_equal(recoded(&file, "ISO_IR 100", &out, &err), t[i].why == NULL ? RC_OK : RC_FAILED);
		if (t[i].why == NULL)
			continue;
		assert_int_equal(err.kind, ERR_DATA);
		if (strstr(err.text, t[i].why) == NULL)
			fail_msg("case %zu: %s", i, err.text);
		assert_null(strstr(err.text, "ller"));
	}
	buf_free(&file);
	buf_free(&a);
	buf_free(&out);
}

struct seen { unsigned n, nested; struct buf vrs, sets; };

static int see(const struct text *t, void *arg, struct err *err)
{
	struct seen *s = arg;

	s->n++;
	s->nested += t->nested;
	must(buf_printf(&s->vrs, err, "%s", t->vr), err);
	return buf_printf(&s->sets, err, "%s;", t->declared);
}

static void texts(void **state)
{
	struct buf file = BUF_INIT(0), a = BUF_INIT(0), un = BUF_INIT(0);
	struct seen s = { .vrs = BUF_INIT(64), .sets = BUF_INIT(64) };
	struct stream *stream = NULL;
	struct object *o = NULL;
	struct err err = { 0 };

	(void)state;
	begin(&file, WALK_EXPLICIT_LE);
	ob_text(&a, WALK_EXPLICIT_LE, 0x00080005, "CS", "");
	ob_text(&a, WALK_EXPLICIT_LE, NAME, "PN", "A ");
	ob_text(&file, WALK_EXPLICIT_LE, 0x00080005, "CS", "GBK ");
	ob_text(&file, WALK_EXPLICIT_LE, 0x00091001, "UN", "B ");
	ob_sequence(&file, WALK_EXPLICIT_LE, 0x00081110, 0, &a);
	ob_text(&file, WALK_EXPLICIT_LE, 0x00104000, "LT", "C ");
	buf_clear(&a);
	ob_text(&a, WALK_IMPLICIT_LE, 0x00400007, "LO", "D ");
	ob_raw(&un, WALK_IMPLICIT_LE, 0xfffee000, "", a.data, a.len);
	ob_raw(&file, WALK_EXPLICIT_LE, SEQ, "UN", un.data, un.len);
	must(stream_mem(&stream, file.data, file.len, &err), &err);
	must(walk_open(&o, stream, &err), &err);
	must(texts_each(o, see, &s, &err), &err);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.nested, 2);
	assert_string_equal(s.vrs.data, "PNLTLO");
	assert_string_equal(s.sets.data, ";GBK;GBK;");	/* empty in an item: the default repertoire */
	walk_close(o);
	stream_close(stream);
	buf_free(&s.vrs);
	buf_free(&s.sets);
	buf_free(&file);
	buf_free(&a);
	buf_free(&un);
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
		cmocka_unit_test(items), cmocka_unit_test(private_bytes), cmocka_unit_test(sequences_in_un),
		cmocka_unit_test(refused), cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
