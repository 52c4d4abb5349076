/* lib/dicom/edit: what changes, and that nothing else does. */
#include <zlib.h>

#include "dicom/charset.h"
#include "object.h"

#define NAME	0x00100010
#define ID	0x00100020

static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };

typedef void change_fn(struct edit *, const struct object *, struct err *);

/* Applies change to `file`; rc other than RC_OK at edit_finish is returned. */
static int change(const struct buf *file, change_fn *fn, struct buf *out, size_t *npieces, struct err *err)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	struct edit *e = NULL;
	struct pieces p = { 0 };
	int rc = RC_OK;

	must(stream_mem(&s, file->data, file->len, err), err);
	must(walk_open(&o, s, err), err);
	must(edit_begin(&e, o, err), err);
	fn(e, o, err);
	rc = edit_finish(e, &p, err);
	if (rc == RC_OK)
		ob_apply(file, &p, out);
	if (npieces != NULL)
		*npieces = p.n;
	pieces_free(&p);
	edit_free(e);
	walk_close(o);
	stream_close(s);
	return rc;
}

static void same(const struct buf *got, const struct buf *want)
{
	size_t i = 0;

	for (i = 0; i < got->len && i < want->len && got->data[i] == want->data[i]; i++)
		;
	if (got->len != want->len || i < want->len)
		print_error("# %zu bytes, wanted %zu, first difference at %zu\n", got->len, want->len, i);
	assert_int_equal(got->len, want->len);
	assert_int_equal(i, want->len);
}

static void expect(const struct buf *file, change_fn *fn, const struct buf *want)
{
	struct buf got = BUF_INIT(0);
	struct err err = { 0 };

	must(change(file, fn, &got, NULL, &err), &err);
	same(&got, want);
	buf_free(&got);
}

static void begin(struct buf *b, enum walk_form form)
{
	buf_clear(b);
	ob_meta(b, ob_syntax(form));
}

static void set_both(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	must(edit_set(e, NAME, "PN", "A^Long^Name", 11, err), err);
	must(edit_set(e, ID, "LO", "X", 1, err), err);
}

static void replaces(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0);
	size_t i = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		begin(&file, forms[i]);
		begin(&want, forms[i]);
		ob_text(&file, forms[i], 0x00080060, "CS", "CT");
		ob_text(&file, forms[i], NAME, "PN", "Old ");
		ob_text(&file, forms[i], ID, "LO", "123456");
		ob_text(&file, forms[i], 0x7fe00010, "OW", "pixels");
		ob_text(&want, forms[i], 0x00080060, "CS", "CT");
		ob_text(&want, forms[i], NAME, "PN", "A^Long^Name ");
		ob_text(&want, forms[i], ID, "LO", "X ");
		ob_text(&want, forms[i], 0x7fe00010, "OW", "pixels");
		expect(&file, set_both, &want);
	}
	buf_free(&file);
	buf_free(&want);
}

static void add_three(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	must(edit_set(e, 0x7fe10010, "LO", "last", 4, err), err);
	must(edit_set(e, 0x00080018, "UI", "1.2.3", 5, err), err);
	must(edit_set(e, 0x00100030, "DA", "", 0, err), err);
	must(edit_set(e, 0x00080005, "CS", "ISO_IR 192", 10, err), err);
}

static void adds_in_order(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0);
	size_t i = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		begin(&file, forms[i]);
		begin(&want, forms[i]);
		ob_text(&file, forms[i], 0x00080060, "CS", "CT");
		ob_text(&file, forms[i], 0x00280010, "US", "\1\1");
		ob_text(&want, forms[i], 0x00080005, "CS", "ISO_IR 192");
		ob_raw(&want, forms[i], 0x00080018, "UI", "1.2.3", 6);
		ob_text(&want, forms[i], 0x00080060, "CS", "CT");
		ob_text(&want, forms[i], 0x00100030, "DA", "");
		ob_text(&want, forms[i], 0x00280010, "US", "\1\1");
		ob_text(&want, forms[i], 0x7fe10010, "LO", "last");
		expect(&file, add_three, &want);
	}
	buf_free(&file);
	buf_free(&want);
}

static void remove_name(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	must(edit_remove(e, NAME, err), err);
	must(edit_remove(e, 0x00100040, err), err);
}

static void nothing(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	must(edit_zero_preamble(e, err), err);
	must(edit_remove(e, 0x00100040, err), err);
}

static void removes(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), got = BUF_INIT(0);
	struct err err = { 0 };
	size_t n = 0;

	(void)state;
	begin(&file, WALK_EXPLICIT_LE);
	begin(&want, WALK_EXPLICIT_LE);
	ob_text(&file, WALK_EXPLICIT_LE, NAME, "PN", "Old ");
	ob_text(&file, WALK_EXPLICIT_LE, ID, "LO", "1234");
	ob_text(&want, WALK_EXPLICIT_LE, ID, "LO", "1234");
	expect(&file, remove_name, &want);
	/* No change is one piece: the whole original. */
	must(change(&file, nothing, &got, &n, &err), &err);
	assert_int_equal(n, 1);
	same(&got, &file);
	/* A preamble with something in it becomes zeros, and nothing else. */
	buf_clear(&got);
	memset(file.data, 'x', 128);
	must(change(&file, nothing, &got, &n, &err), &err);
	memset(file.data, 0, 128);
	same(&got, &file);
	buf_free(&file);
	buf_free(&want);
	buf_free(&got);
}

static void group_lengths(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0);
	size_t i = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		size_t h = 8;

		begin(&file, forms[i]);
		begin(&want, forms[i]);
		/* An untouched group keeps its length, right or wrong. */
		ob_number(&file, forms[i], 0x00080000, 99);
		ob_text(&file, forms[i], 0x00080060, "CS", "CT");
		ob_number(&file, forms[i], 0x00100000, 1);
		ob_text(&file, forms[i], NAME, "PN", "Old ");
		ob_text(&file, forms[i], ID, "LO", "123456");
		ob_number(&want, forms[i], 0x00080000, 99);
		ob_text(&want, forms[i], 0x00080060, "CS", "CT");
		ob_number(&want, forms[i], 0x00100000, (uint32_t)(h + 12 + h + 2));
		ob_text(&want, forms[i], NAME, "PN", "A^Long^Name ");
		ob_text(&want, forms[i], ID, "LO", "X ");
		expect(&file, set_both, &want);
	}
	/* One that cannot be right goes. */
	begin(&file, WALK_EXPLICIT_LE);
	begin(&want, WALK_EXPLICIT_LE);
	ob_text(&file, WALK_EXPLICIT_LE, 0x00100000, "UL", "");
	ob_text(&file, WALK_EXPLICIT_LE, NAME, "PN", "Old ");
	ob_text(&file, WALK_EXPLICIT_LE, ID, "LO", "123456");
	ob_text(&want, WALK_EXPLICIT_LE, NAME, "PN", "A^Long^Name ");
	ob_text(&want, WALK_EXPLICIT_LE, ID, "LO", "X ");
	expect(&file, set_both, &want);
	buf_free(&file);
	buf_free(&want);
}

#define OTHER_IDS 0x00101002

static void append_one(struct edit *e, const struct object *o, struct err *err)
{
	enum walk_form form = WALK_EXPLICIT_LE;
	struct item *it = NULL;

	(void)o;
	must(edit_item_form(e, OTHER_IDS, &form, err), err);
	must(item_new(&it, form, err), err);
	must(item_set(it, 0x00100021, "LO", "NEW", 3, err), err);
	must(item_set(it, ID, "LO", "2", 1, err), err);
	must(edit_sequence_append(e, OTHER_IDS, it, err), err);
	item_free(it);
}

static void append_two(struct edit *e, const struct object *o, struct err *err)
{
	append_one(e, o, err);
	append_one(e, o, err);
}

static void new_item(struct buf *b, enum walk_form form)
{
	struct buf in = BUF_INIT(0);

	ob_text(&in, form, ID, "LO", "2 ");
	ob_text(&in, form, 0x00100021, "LO", "NEW ");
	ob_head(b, form, 0xfffee000, "", (uint32_t)in.len);
	ob_bytes(b, in.data, in.len);
	buf_free(&in);
}

static void appends(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), item = BUF_INIT(0), seq = BUF_INIT(0);
	size_t i = 0, h = 0;
	int how = 0, twice = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		enum walk_form form = forms[i];

		h = form == WALK_IMPLICIT_LE ? 8 : 12;
		buf_clear(&item);
		ob_text(&item, form, ID, "LO", "old   ");	/* surplus padding stays */
		for (how = 0; how < 4; how++) {
			for (twice = 0; twice < 2; twice++) {
				bool open = how == 1 || how == 2;

				begin(&file, form);
				begin(&want, form);
				ob_number(&file, form, 0x00100000, 0);
				buf_clear(&seq);
				ob_sequence(&seq, form, OTHER_IDS, how, &item);
				ob_bytes(&file, seq.data, seq.len);
				ob_text(&file, form, 0x00104000, "LT", "after ");
				if (open)
					seq.len -= 8;
				new_item(&seq, form);
				if (twice)
					new_item(&seq, form);
				if (open)
					ob_head(&seq, form, 0xfffee0dd, "", 0);
				ob_number(&want, form, 0x00100000, (uint32_t)(seq.len + 8 + 6));
				ob_head(&want, form, OTHER_IDS, "SQ", open ? UINT32_MAX
				    : (uint32_t)(seq.len - h));
				ob_bytes(&want, seq.data + h, seq.len - h);
				ob_text(&want, form, 0x00104000, "LT", "after ");
				expect(&file, twice ? append_two : append_one, &want);
			}
		}
		/* Made where there is none, or an empty one. */
		begin(&file, form);
		begin(&want, form);
		ob_text(&file, form, 0x00104000, "LT", "after ");
		buf_clear(&seq);
		new_item(&seq, form);
		new_item(&seq, form);
		ob_raw(&want, form, OTHER_IDS, "SQ", seq.data, seq.len);
		ob_text(&want, form, 0x00104000, "LT", "after ");
		expect(&file, append_two, &want);
		begin(&file, form);
		ob_head(&file, form, OTHER_IDS, "SQ", 0);
		ob_text(&file, form, 0x00104000, "LT", "after ");
		expect(&file, append_two, &want);
	}
	buf_free(&file);
	buf_free(&want);
	buf_free(&item);
	buf_free(&seq);
}

/* A sequence that an archive stored as UN is implicit little endian inside (PS3.5 6.2.2), and stays that. */
static void appends_in_un(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), item = BUF_INIT(0), seq = BUF_INIT(0);
	int open = 0;

	(void)state;
	ob_text(&item, WALK_IMPLICIT_LE, ID, "LO", "old ");
	for (open = 0; open < 2; open++) {
		begin(&file, WALK_EXPLICIT_LE);
		begin(&want, WALK_EXPLICIT_LE);
		buf_clear(&seq);
		ob_sequence(&seq, WALK_IMPLICIT_LE, OTHER_IDS, open ? 1 : 0, &item);
		ob_head(&file, WALK_EXPLICIT_LE, OTHER_IDS, "UN", open ? UINT32_MAX : (uint32_t)(seq.len - 8));
		ob_bytes(&file, seq.data + 8, seq.len - 8);
		if (open)
			seq.len -= 8;
		new_item(&seq, WALK_IMPLICIT_LE);
		if (open)
			ob_head(&seq, WALK_IMPLICIT_LE, 0xfffee0dd, "", 0);
		ob_head(&want, WALK_EXPLICIT_LE, OTHER_IDS, "UN", open ? UINT32_MAX : (uint32_t)(seq.len - 8));
		ob_bytes(&want, seq.data + 8, seq.len - 8);
		expect(&file, append_one, &want);
	}
	buf_free(&file);
	buf_free(&want);
	buf_free(&item);
	buf_free(&seq);
}

#define MODIFIED 0x04000561

/* An explicit element, with a sequence in it, kept in a UN: its VRs go. */
static void copy_into_un(struct edit *e, const struct object *o, struct err *err)
{
	enum walk_form form = WALK_EXPLICIT_LE;
	struct item *it = NULL;

	must(edit_item_form(e, MODIFIED, &form, err), err);
	assert_int_equal(form, WALK_IMPLICIT_LE);
	must(item_new(&it, form, err), err);
	must(edit_copy(e, it, walk_find(o, NAME), err), err);
	must(edit_copy(e, it, walk_find(o, OTHER_IDS), err), err);
	must(edit_sequence_append(e, MODIFIED, it, err), err);
	item_free(it);
}

static void copies_into_un(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), item = BUF_INIT(0), in = BUF_INIT(0);
	enum walk_form x = WALK_EXPLICIT_LE, im = WALK_IMPLICIT_LE;

	(void)state;
	begin(&file, x);
	ob_text(&file, x, NAME, "PN", "A^B ");
	ob_text(&item, x, ID, "LO", "1 ");
	ob_sequence(&file, x, OTHER_IDS, 0, &item);
	ob_bytes(&want, file.data, file.len);
	ob_head(&file, x, MODIFIED, "UN", UINT32_MAX);
	ob_head(&file, im, 0xfffee000, "", 0);
	ob_head(&file, im, 0xfffee0dd, "", 0);

	buf_clear(&item);
	ob_text(&item, im, ID, "LO", "1 ");
	ob_text(&in, im, NAME, "PN", "A^B ");
	ob_sequence(&in, im, OTHER_IDS, 1, &item);
	ob_head(&want, x, MODIFIED, "UN", UINT32_MAX);
	ob_head(&want, im, 0xfffee000, "", 0);
	ob_head(&want, im, 0xfffee000, "", (uint32_t)in.len);
	ob_bytes(&want, in.data, in.len);
	ob_head(&want, im, 0xfffee0dd, "", 0);
	expect(&file, copy_into_un, &want);
	buf_free(&file);
	buf_free(&want);
	buf_free(&item);
	buf_free(&in);
}

static int refused;

static void set_twice_there(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	refused = edit_set(e, NAME, "PN", "A", 1, err);
}

static void set_too_long(struct edit *e, const struct object *o, struct err *err)
{
	static char text[70000];

	(void)o;
	memset(text, 'x', sizeof text);
	refused = edit_set(e, 0x00104000, "LT", text, sizeof text, err);
}

static void set_meta(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	refused = edit_set(e, 0x00020010, "UI", "1.2", 3, err);
}

static void append_to_text(struct edit *e, const struct object *o, struct err *err)
{
	enum walk_form form = WALK_EXPLICIT_LE;

	(void)o;
	refused = edit_item_form(e, OTHER_IDS, &form, err);
}

static void refuses(void **state)
{
	struct buf file = BUF_INIT(0), got = BUF_INIT(0);
	struct err err = { 0 };

	(void)state;
	begin(&file, WALK_EXPLICIT_LE);
	ob_text(&file, WALK_EXPLICIT_LE, NAME, "PN", "A^B ");
	ob_text(&file, WALK_EXPLICIT_LE, NAME, "PN", "C^D ");
	ob_text(&file, WALK_EXPLICIT_LE, OTHER_IDS, "LO", "text");
	(void)change(&file, set_twice_there, &got, NULL, &err);
	assert_int_equal(refused, RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	assert_non_null(strstr(err.text, "stands twice"));
	(void)change(&file, set_too_long, &got, NULL, &err);
	assert_int_equal(refused, RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	(void)change(&file, set_meta, &got, NULL, &err);
	assert_int_not_equal(refused, RC_OK);
	assert_int_equal(err.kind, ERR_INTERNAL);
	(void)change(&file, append_to_text, &got, NULL, &err);
	assert_int_equal(refused, RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	buf_free(&file);
	buf_free(&got);
}

static void deflate_to(struct buf *to, const struct buf *from)
{
	uint8_t out[4096];
	z_stream z;

	memset(&z, 0, sizeof z);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
	z.next_in = (Bytef *)from->data;
	z.avail_in = (unsigned)from->len;
	z.next_out = out;
	z.avail_out = sizeof out;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	ob_bytes(to, out, z.total_out);
	deflateEnd(&z);
}

static void deflated(void **state)
{
	struct buf set = BUF_INIT(0), file = BUF_INIT(0), got = BUF_INIT(0), want = BUF_INIT(0),
	    back = BUF_INIT(0);
	struct stream *s = NULL;
	struct object *o = NULL;
	struct err err = { 0 };

	(void)state;
	ob_text(&set, WALK_EXPLICIT_LE, NAME, "PN", "Old ");
	ob_text(&set, WALK_EXPLICIT_LE, ID, "LO", "123456");
	ob_text(&set, WALK_EXPLICIT_LE, 0x7fe00010, "OW", "pixels");
	ob_meta(&file, "1.2.840.10008.1.2.1.99");
	deflate_to(&file, &set);
	must(change(&file, set_both, &got, NULL, &err), &err);
	assert_int_equal(got.len & 1, 0);
	ob_text(&want, WALK_EXPLICIT_LE, NAME, "PN", "A^Long^Name ");
	ob_text(&want, WALK_EXPLICIT_LE, ID, "LO", "X ");
	ob_text(&want, WALK_EXPLICIT_LE, 0x7fe00010, "OW", "pixels");
	must(stream_mem(&s, got.data, got.len, &err), &err);
	must(walk_open(&o, s, &err), &err);
	must(stream_slurp(o->data, &back, &err), &err);
	same(&back, &want);
	walk_close(o);
	stream_close(s);
	/* Nothing changed: not deflated anew. */
	buf_clear(&got);
	must(change(&file, nothing, &got, NULL, &err), &err);
	same(&got, &file);
	buf_free(&set);
	buf_free(&file);
	buf_free(&got);
	buf_free(&want);
	buf_free(&back);
}

static void recode_latin1(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	must(edit_recode(e, "ISO_IR 100", err), err);
}

/* Texts at two levels, one with a set of its own; lengths of all that is around them, group lengths,
 * signatures. */
static void recodes(void **state)
{
	struct buf file = BUF_INIT(0), want = BUF_INIT(0), a = BUF_INIT(0), b = BUF_INIT(0),
	    c = BUF_INIT(0), d = BUF_INIT(0);
	size_t i = 0;
	int how = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		enum walk_form form = forms[i];

		for (how = 0; how < 4; how++) {
			struct buf *in[] = { &a, &b, &c, &d };
			size_t k = 0;

			for (k = 0; k < 4; k++)
				buf_clear(in[k]);
			begin(&file, form);
			begin(&want, form);
			/* a: old inner item, b: its converted form; Greek by its own (0008,0005) */
			ob_text(&a, form, 0x00080005, "CS", "ISO_IR 126");
			ob_text(&a, form, 0x00080104, "LO", "\xc1\xc2");
			ob_text(&b, form, 0x00080005, "CS", "ISO_IR 192");
			ob_text(&b, form, 0x00080104, "LO", "\xce\x91\xce\x92");
			/* c, d: the outer items */
			ob_number(&c, form, 0x00080000, 1000);
			ob_text(&c, form, 0x00080104, "LO", "M\xfcller");
			ob_sequence(&c, form, 0x00081140, how, &a);
			ob_text(&c, form, 0x00400031, "UT", "plain ");
			ob_text(&c, form, 0xfffafffa, "SQ", "");
			ob_number(&d, form, 0x00080000, 1000 + 2 + 2);
			ob_text(&d, form, 0x00080104, "LO", "M\xc3\xbcller ");
			ob_sequence(&d, form, 0x00081140, how, &b);
			ob_text(&d, form, 0x00400031, "UT", "plain ");

			ob_text(&file, form, 0x00080005, "CS", "ISO_IR 100");
			ob_text(&file, form, 0x00080080, "LO", "Hospital");
			ob_text(&file, form, NAME, "PN", "M\xfcllers ");
			ob_sequence(&file, form, 0x00400275, how, &c);
			ob_raw(&file, form, 0x7fe00010, "OW", "\xfc\xfc", 2);
			ob_text(&want, form, 0x00080005, "CS", "ISO_IR 192");
			ob_text(&want, form, 0x00080080, "LO", "Hospital");
			ob_text(&want, form, NAME, "PN", "M\xc3\xbcllers");
			ob_sequence(&want, form, 0x00400275, how, &d);
			ob_raw(&want, form, 0x7fe00010, "OW", "\xfc\xfc", 2);
			expect(&file, recode_latin1, &want);
		}
	}
	buf_free(&file);
	buf_free(&want);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
}

static const char *declared;

static void recode_any(struct edit *e, const struct object *o, struct err *err)
{
	(void)o;
	refused = edit_recode(e, declared, err);
}

static void recode_refuses(void **state)
{
	static const struct { const char *set, *text; } bad[] = {
		{ "", "M\xfcller" },			/* not declared */
		{ "ISO_IR 6", "M\xfcller" },
		{ "ISO_IR 100", "M\x80ller" },		/* C1: Windows-1252 called Latin-1 */
		{ "ISO_IR 100", "M\xc3\xbcller" },	/* UTF-8 called Latin-1 */
		{ "ISO_IR 192", "M\xfcller" },		/* the reverse */
		{ "ISO_IR 100", "\x1b$BM|ler" },	/* extended where nothing is */
		{ "\\ISO 2022 IR 87", "M\xfcller" },	/* nothing is there to extend */
		{ "\\ISO 2022 IR 87", "M\x1b$(D0!ller" },	/* a set that is not declared */
		{ "GB18030", "M\xfcller\xfc" },
		{ "ISO_IR 999", "Mueller " },
	};
	struct buf file = BUF_INIT(0), got = BUF_INIT(0);
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin(&file, WALK_EXPLICIT_LE);
		ob_raw(&file, WALK_EXPLICIT_LE, NAME, "PN", bad[i].text, strlen(bad[i].text));
		declared = bad[i].set;
		refused = RC_OK;
		err_clear(&err);
		(void)change(&file, recode_any, &got, NULL, &err);
		assert_int_equal(refused, RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(strstr(err.text, "ller"));	/* no patient data in a message */
	}
	buf_free(&file);
	buf_free(&got);
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
		cmocka_unit_test(replaces), cmocka_unit_test(adds_in_order), cmocka_unit_test(removes),
		cmocka_unit_test(group_lengths), cmocka_unit_test(appends), cmocka_unit_test(appends_in_un),
		cmocka_unit_test(copies_into_un), cmocka_unit_test(refuses), cmocka_unit_test(deflated),
		cmocka_unit_test(recodes), cmocka_unit_test(recode_refuses),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
