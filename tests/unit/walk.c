#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "dicom/kind.h"
#include "dicom/walk.h"

/* A DICOM file under construction: PS3.5 7.1, written down here once more, so that the reader is not its own judge. */
struct dcm { uint8_t b[9 << 20]; size_t n; enum walk_form form; };

static struct dcm d;	/* a test at a time */

static void byte(unsigned v) { d.b[d.n++] = (uint8_t)v; }

static void num(uint32_t v, int n, bool big)
{
	for (int i = 0; i < n; i++)
		byte(v >> 8 * (big ? n - 1 - i : i) & 0xff);
}

static void bytes(const void *p, size_t n)
{
	memcpy(d.b + d.n, p, n);
	d.n += n;
}

static void head(uint32_t tag, const char *vr, uint32_t len)
{
	bool big = d.form == WALK_EXPLICIT_BE;

	num(tag >> 16, 2, big);
	num(tag & 0xffff, 2, big);
	if (d.form == WALK_IMPLICIT_LE || tag >> 16 == 0xfffe) {
		num(len, 4, big);
		return;
	}
	bytes(vr, 2);
	if (!strcmp(vr, "SQ") || vr[0] == 'O' || !strcmp(vr, "UN") || !strcmp(vr, "UT") || !strcmp(vr, "UC") ||
	    !strcmp(vr, "UR")) {
		num(0, 2, big);
		num(len, 4, big);
	} else {
		num(len, 2, big);
	}
}

static void text(uint32_t tag, const char *vr, const char *s)
{
	size_t n = strlen(s);

	head(tag, vr, (uint32_t)(n + n % 2));
	bytes(s, n);
	if (n % 2)
		byte(!strcmp(vr, "UI") ? 0 : ' ');
}

static void begin(const char *syntax, enum walk_form form)
{
	d.n = 0;
	for (int i = 0; i < 128; i++)
		byte(0);
	bytes("DICM", 4);
	d.form = WALK_EXPLICIT_LE;
	text(TAG(2, 0x10), "UI", syntax);
	d.form = form;
}

#define IMPLICIT	"1.2.840.10008.1.2"
#define EXPLICIT	"1.2.840.10008.1.2.1"
#define BIG		"1.2.840.10008.1.2.2"
#define DEFLATED	"1.2.840.10008.1.2.1.99"
#define JPEG		"1.2.840.10008.1.2.4.50"

static struct stream *s;
static struct object *o;
static struct err err;

static int open_it(void)
{
	memset(&err, 0, sizeof err);
	assert_int_equal(stream_mem(&s, d.b, d.n, &err), RC_OK);
	return walk_open(&o, s, &err);
}

static void close_it(void)
{
	walk_close(o);
	stream_close(s);
	o = NULL;
}

static void refused(const char *why)
{
	int rc = open_it();

	assert_int_equal(rc, RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
	stream_close(s);
}

static void is_text(uint32_t tag, const char *want)
{
	char buf[100];
	bool found = false;

	assert_int_equal(walk_text(o, tag, buf, sizeof buf, &found, &err), RC_OK);
	assert_true(found);
	assert_string_equal(buf, want);
}

/* The same data set in each form. */
static void common(void)
{
	bool big = d.form == WALK_EXPLICIT_BE;

	text(TAG(8, 5), "CS", "ISO_IR 100");
	text(TAG(8, 0x18), "UI", "1.2.3");
	head(TAG(8, 0x1140), "SQ", WALK_UNDEFINED);
	head(TAG(0xfffe, 0xe000), "", WALK_UNDEFINED);
	text(TAG(8, 0x1150), "UI", "1.2.4");
	head(TAG(0xfffe, 0xe00d), "", 0);
	head(TAG(0xfffe, 0xe000), "", 0);
	head(TAG(0xfffe, 0xe0dd), "", 0);
	text(TAG(0x10, 0x10), "PN", " Mustermann^Max ");
	text(TAG(0x20, 0x13), "IS", "17");
	head(TAG(0x28, 0x10), "US", 2);
	num(512, 2, big);
	head(TAG_PIXEL_DATA, "OW", 4);
	num(0, 4, big);
}

static void forms(void **state)
{
	static const struct { const char *syntax; enum walk_form form; } v[] = {
		{ IMPLICIT, WALK_IMPLICIT_LE }, { EXPLICIT, WALK_EXPLICIT_LE }, { BIG, WALK_EXPLICIT_BE },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		long long n = 0;
		bool found = false;
		struct walk_pixels px;

		begin(v[i].syntax, v[i].form);
		common();
		assert_int_equal(open_it(), RC_OK);
		assert_true(o->has_preamble);
		assert_false(o->encapsulated);
		assert_int_equal(o->form, v[i].form);
		assert_string_equal(o->transfer_syntax, v[i].syntax);
		assert_int_equal(o->ntop, 7);
		assert_int_equal(o->nmeta, 1);
		assert_int_equal(o->top[6].end, d.n);
		is_text(TAG(8, 0x18), "1.2.3");
		is_text(TAG(0x10, 0x10), "Mustermann^Max");
		is_text(TAG(2, 0x10), v[i].syntax);
		assert_int_equal(walk_number(o, TAG(0x28, 0x10), &n, &found, &err), RC_OK);
		assert_int_equal(n, 512);
		assert_int_equal(walk_number(o, TAG(0x20, 0x13), &n, &found, &err), RC_OK);
		assert_int_equal(n, 17);
		assert_int_equal(walk_number(o, TAG(0x28, 0x11), &n, &found, &err), RC_OK);
		assert_false(found);
		assert_int_equal(walk_number(o, TAG(0x10, 0x10), &n, &found, &err), RC_FAILED);
		assert_int_equal(walk_pixels(o, &px, &err), RC_OK);
		assert_true(px.present && !px.encapsulated);
		assert_int_equal(px.bytes, 4);
		assert_int_equal(px.off, d.n - 4);
		close_it();
	}
}

struct seen { unsigned items, elements; uint32_t last; };

static int see(const struct object *obj, unsigned item, const struct element *e, void *arg, struct err *er)
{
	struct seen *x = arg;

	(void)obj;
	(void)er;
	x->items = item + 1;
	x->elements++;
	x->last = e->tag;
	return RC_OK;
}

static void items(void **state)
{
	struct seen x = { 0 };

	(void)state;
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(walk_items(o, walk_find(o, TAG(8, 0x1140)), see, &x, &err), RC_OK);
	assert_int_equal(x.items, 1);	/* the second is empty */
	assert_int_equal(x.elements, 1);
	assert_int_equal(x.last, TAG(8, 0x1150));
	close_it();
	/* a sequence of defined length whose item has a defined length */
	begin(IMPLICIT, WALK_IMPLICIT_LE);
	head(TAG(8, 0x1140), "SQ", 40);
	for (int i = 0; i < 2; i++) {
		head(TAG(0xfffe, 0xe000), "", 12);
		text(TAG(8, 0x1150), "UI", "1.2");
	}
	assert_int_equal(open_it(), RC_OK);
	memset(&x, 0, sizeof x);
	assert_int_equal(walk_items(o, &o->top[0], see, &x, &err), RC_OK);
	assert_int_equal(x.items, 2);
	assert_int_equal(x.elements, 2);
	close_it();
}

/* PS3.5 6.2.2: UN of undefined length is an implicit sequence, whatever is around it */
static void unknown_sequence(void **state)
{
	struct seen x = { 0 };

	(void)state;
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(9, 0x1001), "UN", WALK_UNDEFINED);
	d.form = WALK_IMPLICIT_LE;
	head(TAG(0xfffe, 0xe000), "", WALK_UNDEFINED);
	text(TAG(9, 0x1002), "LO", "x");
	head(TAG(0xfffe, 0xe00d), "", 0);
	head(TAG(0xfffe, 0xe0dd), "", 0);
	d.form = WALK_EXPLICIT_LE;
	text(TAG(0x10, 0x20), "LO", "4711");
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->ntop, 2);
	is_text(TAG(0x10, 0x20), "4711");
	assert_int_equal(walk_items(o, &o->top[0], see, &x, &err), RC_OK);
	assert_int_equal(x.last, TAG(9, 0x1002));
	close_it();
}

static void encapsulated(void **state)
{
	struct walk_pixels px;

	(void)state;
	begin(JPEG, WALK_EXPLICIT_LE);
	text(TAG(8, 0x18), "UI", "1.2.3");
	head(TAG_PIXEL_DATA, "OB", WALK_UNDEFINED);
	head(TAG(0xfffe, 0xe000), "", 8);
	num(0, 4, false);
	num(14, 4, false);
	for (int i = 0; i < 3; i++) {
		head(TAG(0xfffe, 0xe000), "", 6);
		bytes("abcdef", 6);
	}
	head(TAG(0xfffe, 0xe0dd), "", 0);
	text(TAG(0xfffc, 0xfffc), "OB", "pad.");
	assert_int_equal(open_it(), RC_OK);
	assert_true(o->encapsulated);
	assert_int_equal(o->ntop, 3);
	assert_int_equal(walk_pixels(o, &px, &err), RC_OK);
	assert_int_equal(px.fragments, 3);
	assert_int_equal(px.table, 2);
	assert_int_equal(px.bytes, 3 * 14);
	close_it();
	/* no delimiter */
	d.n -= 8 + 12 + 4;
	refused("ends inside a sequence");
	/* a fragment of undefined length */
	begin(JPEG, WALK_EXPLICIT_LE);
	head(TAG_PIXEL_DATA, "OB", WALK_UNDEFINED);
	head(TAG(0xfffe, 0xe000), "", WALK_UNDEFINED);
	refused("fragment of undefined length");
	/* undefined length of a text */
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(8, 5), "UT", WALK_UNDEFINED);
	refused("no sequence");
}

static void deflated(void **state)
{
	static uint8_t packed[1 << 16], plain[1 << 16];
	z_stream z;
	size_t at = 0, n = 0;

	(void)state;
	memset(&z, 0, sizeof z);
	begin(DEFLATED, WALK_EXPLICIT_LE);
	at = d.n;
	common();
	n = d.n - at;
	memcpy(plain, d.b + at, n);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = plain;
	z.avail_in = (unsigned)n;
	z.next_out = packed;
	z.avail_out = sizeof packed;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	d.n = at;
	bytes(packed, z.total_out);
	byte(0);	/* PS3.5 A.5: padded to an even length */
	deflateEnd(&z);
	assert_int_equal(open_it(), RC_OK);
	assert_true(o->deflated);
	assert_int_equal(o->dataset, 0);
	assert_int_equal(o->file_dataset, at);
	assert_int_equal(o->data->size, n);
	is_text(TAG(8, 0x18), "1.2.3");
	close_it();
	d.n = at + 20;
	refused("broken DICOM at offset 182: the deflated data set ends early");
	d.b[at] = 7;	/* a block type that there is not */
	refused("broken DICOM at offset 163: the deflated data set is damaged");
}

/* mb megabytes of which `dense` bytes each do not shrink, deflated: one block that ends on a byte, again and again. */
static void inflates_to(int mb, size_t dense)
{
	static uint8_t plain[1 << 20];
	z_stream z;
	uint32_t x = 1;
	size_t at = 0, n = 0;

	memset(plain, 0, sizeof plain);
	for (size_t i = 0; i < dense; i++)
		plain[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	memset(&z, 0, sizeof z);
	begin(DEFLATED, WALK_EXPLICIT_LE);
	at = d.n;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = plain;
	z.avail_in = sizeof plain;
	z.next_out = d.b + d.n;
	z.avail_out = (unsigned)(sizeof d.b - d.n);
	assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	n = z.total_out;
	deflateEnd(&z);
	for (d.n += n; --mb > 0; d.n += n)
		memcpy(d.b + d.n, d.b + at, n);
	bytes("\x03\0", 2);	/* the last block, empty */
}

static void bomb(void **state)
{
	(void)state;
	inflates_to(32, 0);	/* a black image may shrink a thousand times: that much of it does no harm */
	refused("the data set is empty");
	inflates_to(34, 0);
	refused("inflates to more than 250 times its size");
	inflates_to(34, 5000);
	refused(" of the inflated data set, level 1");
	inflates_to(513, 5000);
	refused("inflates to more than 512 MB");
}

static void bare(void **state)
{
	static const enum walk_form v[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		d.n = 0;
		d.form = v[i];
		common();
		assert_int_equal(open_it(), RC_OK);
		assert_false(o->has_preamble);
		assert_int_equal(o->form, v[i]);
		assert_int_equal(o->ntop, 7);
		assert_int_equal(o->dataset, 0);
		is_text(TAG(8, 0x18), "1.2.3");
		close_it();
	}
	/* a meta group without preamble */
	d.n = 0;
	d.form = WALK_EXPLICIT_LE;
	text(TAG(2, 0x10), "UI", IMPLICIT);
	d.form = WALK_IMPLICIT_LE;
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_false(o->has_preamble);
	assert_int_equal(o->nmeta, 1);
	assert_int_equal(o->ntop, 7);
	close_it();
	/* "DICM" at 128 in a value of a data set that has no preamble */
	d.n = 0;
	d.form = WALK_EXPLICIT_LE;
	text(TAG(8, 0x5), "CS", "ISO_IR 100");
	head(TAG(8, 0x1030), "LO", 200);
	for (int i = 0; i < 200; i++)
		byte(' ');
	memcpy(d.b + 128, "DICM", 4);
	assert_int_equal(open_it(), RC_OK);
	assert_false(o->has_preamble);
	assert_int_equal(o->ntop, 2);
	close_it();
}

/* The data set is not in the form that its transfer syntax says: the bytes count. */
static void wrong_syntax(void **state)
{
	(void)state;
	begin(EXPLICIT, WALK_IMPLICIT_LE);
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->form, WALK_IMPLICIT_LE);
	is_text(TAG(8, 0x18), "1.2.3");
	close_it();
	begin(IMPLICIT, WALK_EXPLICIT_LE);
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->form, WALK_EXPLICIT_LE);
	close_it();
	begin(BIG, WALK_EXPLICIT_LE);	/* no group is 0x0800: which end comes first shows in the first tag */
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->form, WALK_EXPLICIT_LE);
	close_it();
	begin(EXPLICIT, WALK_EXPLICIT_BE);
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->form, WALK_EXPLICIT_BE);
	is_text(TAG(8, 0x18), "1.2.3");
	close_it();
}

/* Each transfer syntax of PS3.6 table A-1, and two private ones: how its data set is written. */
static void syntaxes(void **state)
{
	static const struct { const char *uid; enum walk_form form; bool encapsulated; } v[] = {
		{ "1.2.840.10008.1.2", WALK_IMPLICIT_LE, false }, { "1.2.840.10008.1.2.1", WALK_EXPLICIT_LE, false },
		{ "1.2.840.10008.1.2.1.98", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.2", WALK_EXPLICIT_BE, false },
		{ "1.2.840.10008.1.2.4.50", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.51", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.57", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.70", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.80", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.81", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.90", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.91", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.92", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.93", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.100", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.100.1", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.103", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.106.1", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.107", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.112", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.4.201", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.4.203", WALK_EXPLICIT_LE, true },
		{ "1.2.840.10008.1.2.5", WALK_EXPLICIT_LE, true }, { "1.2.840.10008.1.2.8.1", WALK_EXPLICIT_LE, true },
		{ "1.2.840.113619.5.2", WALK_IMPLICIT_LE, false }, { "1.2.840.10008.1.20", WALK_IMPLICIT_LE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		begin(v[i].uid, v[i].form);
		common();
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(o->form, v[i].form);
		assert_int_equal(o->encapsulated, v[i].encapsulated);
		assert_false(o->deflated);
		assert_string_equal(o->transfer_syntax, v[i].uid);
		is_text(TAG(8, 0x18), "1.2.3");
		close_it();
	}
}

static void tolerated(void **state)
{
	(void)state;
	/* odd lengths, group lengths, unsorted elements, zeros at the end */
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(0x10, 0), "UL", 4);
	num(77, 4, false);
	head(TAG(0x10, 0x20), "LO", 3);
	bytes("abc", 3);
	text(TAG(8, 0x18), "UI", "1.2.3");
	for (int i = 0; i < 500; i++)
		byte(0);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->ntop, 3);
	is_text(TAG(0x10, 0x20), "abc");
	is_text(TAG(8, 0x18), "1.2.3");
	assert_null(walk_find(o, TAG(8, 0x19)));
	close_it();
	d.b[d.n - 1] = 1;	/* no padding any more */
	refused("broken");
	/* a VR of the future has a long length, "??" a short one */
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	text(TAG(8, 5), "CS", "x ");
	num(TAG(0x10, 0x20) >> 16, 2, false);
	num(0x20, 2, false);
	bytes("ZZ\0\0", 4);
	num(2, 4, false);
	bytes("ab", 2);
	num(0x10, 2, false);
	num(0x30, 2, false);
	bytes("??", 2);
	num(2, 2, false);
	bytes("cd", 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(o->ntop, 3);
	is_text(TAG(0x10, 0x20), "ab");
	is_text(TAG(0x10, 0x30), "cd");
	close_it();
}

static void broken(void **state)
{
	size_t whole = 0;

	(void)state;
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(8, 5), "UT", 100);
	bytes("short", 5);
	refused("has 100 bytes, 5 are left");
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(8, 0x1140), "SQ", 20);
	head(TAG(0xfffe, 0xe000), "", 30);
	for (int i = 0; i < 60; i++)
		byte(0);
	refused("has 30 bytes, 12 are left");
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(8, 0x1140), "SQ", 16);
	text(TAG(8, 5), "CS", "ISO_IR 6");
	refused("no item where one belongs");
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(0xfffe, 0xe00d), "", 0);
	head(TAG(0xfffe, 0xe00d), "", 0);
	refused("where an element belongs");
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	refused("data set is empty");
	d.n = 0;
	bytes("just some text, longer than a header", 36);
	refused("not DICOM");
	d.n = 0;
	refused("not DICOM");
	/* where: offset, level, tag, and what is around it */
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(0x40, 0x275), "SQ", WALK_UNDEFINED);
	head(TAG(0xfffe, 0xe000), "", WALK_UNDEFINED);
	whole = d.n;
	head(TAG(0x40, 0x7), "LO", 9);
	refused("broken DICOM at offset 180, level 2, (0040,0007) in (0040,0275): it has 9 bytes, 0 are left");
	d.n = whole + 3;
	refused("broken DICOM at offset 180, level 2, in (0040,0275): ends inside a tag");
	d.n = whole;
	refused("broken DICOM at offset 180, level 2, in (0040,0275): ends inside a sequence or item");
	head(TAG(0xfffe, 0xe00d), "", 0);
	text(TAG(0x40, 0x7), "LO", "x");
	refused("broken DICOM at offset 188, level 1, (0040,0007) in (0040,0275): no item where one belongs in a");
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	head(TAG(0x40, 0x275), "SQ", 9);
	refused("broken DICOM at offset 160, level 1, (0040,0275): it has 9 bytes, 0 are left");
	d.n -= 3;
	refused("broken DICOM at offset 160, level 1, (0040,0275): ends inside a length");
	/* every cut of a good file is refused or is another good file: never read beyond */
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	common();
	whole = d.n;
	for (size_t n = 0; n < whole; n++) {
		uint8_t *copy = malloc(n + 1);	/* exactly n bytes, so that a sanitizer sees one more */

		memcpy(copy, d.b, n);
		assert_int_equal(stream_mem(&s, copy, n, &err), RC_OK);
		o = NULL;
		if (walk_open(&o, s, &err) == RC_OK)
			assert_true(o->ntop < 7);
		close_it();
		free(copy);
	}
}

static void nested(unsigned depth, bool defined)
{
	begin(IMPLICIT, WALK_IMPLICIT_LE);
	for (unsigned i = 0; i < depth; i++) {
		head(TAG(8, 0x1140), "SQ", defined ? 16 * (depth - 1 - i) + 8 : WALK_UNDEFINED);
		head(TAG(0xfffe, 0xe000), "", defined ? 16 * (depth - 1 - i) : WALK_UNDEFINED);
	}
	for (unsigned i = 0; !defined && i < depth; i++) {
		head(TAG(0xfffe, 0xe00d), "", 0);
		head(TAG(0xfffe, 0xe0dd), "", 0);
	}
}

static void depth(void **state)
{
	(void)state;
	for (int defined = 0; defined < 2; defined++) {
		nested(WALK_DEPTH_MAX, defined);
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(o->ntop, 1);
		assert_int_equal(o->top[0].end, d.n);
		close_it();
		nested(WALK_DEPTH_MAX + 1, defined);
		refused("nested more than 64 deep");
		nested(6000, defined);
		refused("nested more than 64 deep");
	}
}

static void counts(void **state)
{
	(void)state;
	begin(IMPLICIT, WALK_IMPLICIT_LE);
	for (int i = 0; i <= WALK_TOP_MAX; i++)
		head(TAG(9, i & 0xffff), "LO", 0);
	refused("at its top level");
	begin(IMPLICIT, WALK_IMPLICIT_LE);
	head(TAG(8, 0x1140), "SQ", WALK_UNDEFINED);
	for (int i = 0; i < WALK_ELEMENTS_MAX; i++)
		head(TAG(0xfffe, 0xe000), "", 0);
	head(TAG(0xfffe, 0xe0dd), "", 0);
	refused("more than 1000000 elements");
}

static void values(void **state)
{
	char small[4];
	size_t n = 0;
	bool found = true;

	(void)state;
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	common();
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(walk_text(o, TAG(0x10, 0x10), small, sizeof small, &found, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "longer than 3"));
	assert_string_equal(small, "");
	assert_int_equal(walk_text(o, TAG(0x10, 0x40), small, sizeof small, &found, &err), RC_OK);
	assert_false(found);
	assert_int_equal(walk_value(o, walk_find(o, TAG(8, 0x1140)), small, sizeof small, &n, &err), RC_FAILED);
	close_it();
}

static void steps(const char *sop_class, const char *sop_uid)
{
	begin(EXPLICIT, WALK_EXPLICIT_LE);
	text(TAG(8, 5), "CS", "ISO_IR 100");
	if (sop_class)
		text(TAG(8, 0x16), "UI", sop_class);
	if (sop_uid)
		text(TAG(8, 0x18), "UI", sop_uid);
}

/* Each is judged as it ends: with the sequence of steps at its top level, and with what else follows. */
static bool worklist_with(bool top, uint32_t more)
{
	bool is = false;

	if (!top) {	/* as the Referenced Request Sequence of an image may hold it */
		head(TAG(0x40, 0x275), "SQ", WALK_UNDEFINED);
		head(TAG(0xfffe, 0xe000), "", WALK_UNDEFINED);
	}
	head(TAG(0x40, 0x100), "SQ", 0);
	if (!top) {
		head(TAG(0xfffe, 0xe00d), "", 0);
		head(TAG(0xfffe, 0xe0dd), "", 0);
	}
	if (more) {
		head(more, "OF", 4);
		num(0, 4, false);
	}
	assert_int_equal(open_it(), RC_OK);
	is = kind_is_worklist(o);
	close_it();
	return is;
}

static void worklists(void **state)
{
	static const char mwl[] = "1.2.840.10008.5.1.4.31", mr[] = "1.2.840.10008.5.1.4.1.1.4";
	char longer[80];

	(void)state;
	memset(longer, '1', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	steps(NULL, NULL);
	assert_true(worklist_with(true, 0));
	steps("", "");
	assert_true(worklist_with(true, 0));
	steps(mwl, "1.2.3");
	assert_true(worklist_with(true, 0));
	steps(mwl, NULL);
	assert_false(worklist_with(false, 0));
	steps(mwl, NULL);
	assert_false(worklist_with(true, TAG_PIXEL_DATA));
	steps(NULL, NULL);
	assert_false(worklist_with(true, TAG(0x7fe0, 0x0008)));
	steps(mr, NULL);
	assert_false(worklist_with(true, 0));
	steps(NULL, "1.2.3");
	assert_false(worklist_with(true, 0));
	steps(longer, NULL);
	assert_false(worklist_with(true, 0));
	steps(NULL, longer);
	assert_false(worklist_with(true, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms), cmocka_unit_test(items), cmocka_unit_test(unknown_sequence),
		cmocka_unit_test(encapsulated), cmocka_unit_test(deflated), cmocka_unit_test(bomb), cmocka_unit_test(bare),
		cmocka_unit_test(wrong_syntax), cmocka_unit_test(syntaxes), cmocka_unit_test(tolerated), cmocka_unit_test(broken),
		cmocka_unit_test(depth), cmocka_unit_test(counts), cmocka_unit_test(values),
		cmocka_unit_test(worklists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
