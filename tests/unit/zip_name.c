/* Names of members of ZIP archives: which code page, by which sign, and what becomes of bytes that are in none. */
#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/text.h"
#include "media/zip.h"

#define UTF8_FLAG	0x0800
#define LONG		65000

/* An archive of one stored member with a name, a flag, and an extra area on each side: APPNOTE 4.3. */
static uint8_t b[1 << 18];
static size_t n;

static void put(uint64_t v, int k)
{
	for (int i = 0; i < k; i++)
		b[n++] = i < 8 ? (uint8_t)(v >> 8 * i) : 0;
}

static void raw(const void *p, size_t k)
{
	if (k)
		memcpy(b + n, p, k);
	n += k;
}

/* A field 0x7075 (APPNOTE 4.6.9) that says `utf8` for the name whose CRC it has. */
struct field { uint8_t bytes[256]; size_t n; };

static struct field unicode(const char *of, const char *utf8, int version)
{
	size_t len = strlen(utf8);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)of, (uInt)strlen(of));
	struct field f = { .n = 9 + len };

	for (int i = 0; i < 2; i++) {
		f.bytes[i] = (uint8_t)(0x7075 >> 8 * i);
		f.bytes[2 + i] = (uint8_t)((5 + len) >> 8 * i);
	}
	f.bytes[4] = (uint8_t)version;
	for (int i = 0; i < 4; i++)
		f.bytes[5 + i] = (uint8_t)(crc >> 8 * i);
	memcpy(f.bytes + 9, utf8, len);
	return f;
}

static struct stream *s;
static struct zip *z;
static struct err err;

static int open_it(const char *name, size_t len, uint16_t flags, const struct field *local, const struct field *central)
{
	size_t directory = 0, end = 0;
	int rc = RC_OK;

	n = 0;
	put(0x04034b50, 4);
	put(20, 2);
	put(flags, 2);
	put(0, 6);
	put(crc32(0, (const Bytef *)"x", 1), 4);
	put(1, 4);
	put(1, 4);
	put(len, 2);
	put(local ? local->n : 0, 2);
	raw(name, len);
	raw(local ? local->bytes : NULL, local ? local->n : 0);
	raw("x", 1);
	directory = n;
	put(0x02014b50, 4);
	put(20, 2);
	put(20, 2);
	put(flags, 2);
	put(0, 6);
	put(crc32(0, (const Bytef *)"x", 1), 4);
	put(1, 4);
	put(1, 4);
	put(len, 2);
	put(central ? central->n : 0, 2);
	put(0, 14);
	raw(name, len);
	raw(central ? central->bytes : NULL, central ? central->n : 0);
	end = n;
	put(0x06054b50, 4);
	put(0, 4);
	put(1, 2);
	put(1, 2);
	put(end - directory, 4);
	put(directory, 4);
	put(0, 2);
	memset(&err, 0, sizeof err);
	assert_int_equal(stream_mem(&s, b, n, &err), RC_OK);
	rc = zip_open(&z, s, &err);
	return rc == RC_OK ? zip_check_headers(z, &err) : rc;
}

static void close_it(void)
{
	zip_close(z);
	stream_close(s);
	z = NULL;
}

/* As it is shown: escaped. */
static const char *shown(enum names names)
{
	static char text[400];
	char utf8[1024];
	size_t len = zip_name(zip_member(z, 0), names, utf8, sizeof utf8);

	assert_true(len <= sizeof utf8);
	return text_escape(text, sizeof text, utf8, len);
}

static void is(const char *name, uint16_t flags, enum names names, const char *want)
{
	assert_int_equal(open_it(name, strlen(name), flags, NULL, NULL), RC_OK);
	assert_string_equal(shown(names), want);
	close_it();
}

/* The bytes are those of bsdtar's ZIP writer (hdrcharset=…) and of p7zip (-mcp=…). */
static void pages(void **state)
{
	(void)state;
	is("DICOM/IM1", 0, NAMES_AUTO, "DICOM/IM1");
	is("M\x81ller \x90.dcm", 0, NAMES_AUTO, "Müller É.dcm");
	is("M\x81ller \x90.dcm", 0, NAMES_CP437, "Müller É.dcm");
	is("\x9b\xe1\xb7.dcm", 0, NAMES_AUTO, "¢ß╖.dcm");
	is("H\x9bst \xb7\x82.dcm", 0, NAMES_CP850, "Høst Àé.dcm");
	is("\x88\xa2\xa0\xad\xae\xa2.dcm", 0, NAMES_CP866, "Иванов.dcm");
	is("\x95\x5c\x83\x5c.dcm", 0, NAMES_CP932, "表ソ.dcm");
	is("\xd4\xb6\xc0 \x8e\x52\x93\x63\\a~", 0, NAMES_CP932, "ﾔｶﾀ 山田\\a~");
	is("DICOM\\IM1", 0, NAMES_CP932, "DICOM\\IM1");
}

static void utf8(void **state)
{
	(void)state;
	is("M\xc3\xbcller", UTF8_FLAG, NAMES_AUTO, "Müller");
	is("M\xc3\xbcller", UTF8_FLAG, NAMES_CP932, "Müller");
	/* forgotten flags: macOS and Java; what was chosen counts all the same, half-width katakana may look so */
	is("M\xc3\xbcller", 0, NAMES_AUTO, "Müller");
	is("\xc3\xb1", 0, NAMES_CP932, "ﾃｱ");
	is("\xc3\xb1", 0, NAMES_UTF8, "ñ");
	/* a flag that lies is no reason to guess */
	is("M\x81ller", UTF8_FLAG, NAMES_AUTO, "M\\x81ller");
	is("M\x81ller", UTF8_FLAG, NAMES_CP850, "M\\x81ller");
	is("M\x81ller", 0, NAMES_UTF8, "M\\x81ller");
	is("\xc0\xaf\xed\xa0\x80", UTF8_FLAG, NAMES_AUTO, "\\xc0\\xaf\\xed\\xa0\\x80");
	/* what a terminal would act on, whatever it is written in */
	is("a\xe2\x80\xae" "fdp\x1b[0m", UTF8_FLAG, NAMES_AUTO, "a\\xe2\\x80\\xaefdp\\x1b[0m");
	is("\x1b[2J\x81\n", 0, NAMES_AUTO, "\\x1b[2Jü\\x0a");
}

static void halves(void **state)
{
	(void)state;
	/* the first byte of a pair at the end, before ASCII, alone; a byte that is in no pair */
	is("\x95\x5c\x83", 0, NAMES_CP932, "表\\x83");
	is("\x83.dcm", 0, NAMES_CP932, "\\x83.dcm");
	is("\x83", 0, NAMES_CP932, "\\x83");
	is("\xfd\x95\x5c\xff", 0, NAMES_CP932, "\\xfd表\\xff");
	/* a code page of one byte has a character for every one */
	for (int c = 0x80; c < 0x100; c++) {
		char name[2] = { (char)c };

		assert_int_equal(open_it(name, 1, 0, NULL, NULL), RC_OK);
		for (enum names k = NAMES_CP437; k <= NAMES_CP866; k++)
			assert_null(strchr(shown(k), '\\'));
		close_it();
	}
}

static void fields(void **state)
{
	static const char name[] = "M\x81ller", other[] = "M\x84ller";
	struct field right = unicode(name, "M\xc3\xbcller \xe5\xb1\xb1", 1), wrong = unicode(other, "Mallory", 1);
	struct field ill = unicode(name, "\xff", 1), newer = unicode(name, "Mallory", 2), none = unicode(name, "", 1);
	struct field second = right, short_one = { .bytes = { 0x75, 0x70, 4, 0, 1, 0, 0, 0 }, .n = 8 };
	const struct field *unused[] = { &wrong, &ill, &newer, &none, &short_one };

	(void)state;
	for (int side = 0; side < 2; side++) {
		assert_int_equal(open_it(name, strlen(name), 0, side ? &right : NULL, &right), RC_OK);
		assert_string_equal(shown(NAMES_AUTO), "Müller 山");
		assert_string_equal(shown(NAMES_CP866), "Müller 山");
		close_it();
	}
	/* in the local header alone: the directory is what counts */
	assert_int_equal(open_it(name, strlen(name), 0, &right, NULL), RC_OK);
	assert_string_equal(shown(NAMES_AUTO), "Müller");
	close_it();
	for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
		assert_int_equal(open_it(name, strlen(name), 0, unused[i], unused[i]), RC_OK);
		assert_string_equal(shown(NAMES_AUTO), "Müller");
		assert_null(zip_member(z, 0)->unicode);
		close_it();
		/* and says nothing against one that does count */
		assert_int_equal(open_it(name, strlen(name), 0, unused[i], &right), RC_OK);
		assert_string_equal(shown(NAMES_AUTO), "Müller 山");
		close_it();
	}
	/* the first of several counts, behind a field of another kind too */
	memcpy(second.bytes, "\x55\x54\x01\x00\x07", 5);
	memcpy(second.bytes + 5, right.bytes, right.n);
	memcpy(second.bytes + 5 + right.n, ill.bytes, ill.n);
	second.n = 5 + right.n + ill.n;
	assert_int_equal(open_it(name, strlen(name), 0, NULL, &second), RC_OK);
	assert_string_equal(shown(NAMES_AUTO), "Müller 山");
	close_it();
	/* two names, and both would count */
	second = unicode(name, "M\xc3\xbcller \xe5\xb1\xb2", 1);
	assert_int_equal(open_it(name, strlen(name), 0, &second, &right), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	assert_string_equal(err.text, "ZIP archive refused: member 1: its two names differ");
	close_it();
	second = unicode(name, "M\xc3\xbcller", 1);
	assert_int_equal(open_it(name, strlen(name), 0, &second, &right), RC_FAILED);
	close_it();
	/* with the flag the name says it itself, unless it does not */
	right = unicode("M\xc3\xbcller", "Mallory", 1);
	assert_int_equal(open_it("M\xc3\xbcller", 7, UTF8_FLAG, &right, &right), RC_OK);
	assert_string_equal(shown(NAMES_AUTO), "Müller");
	close_it();
	right = unicode(name, "M\xc3\xbcller", 1);
	assert_int_equal(open_it(name, strlen(name), UTF8_FLAG, &right, &right), RC_OK);
	assert_string_equal(shown(NAMES_AUTO), "Müller");
	close_it();
}

static void lengths(void **state)
{
	static char name[LONG];
	char to[16];

	(void)state;
	assert_int_equal(open_it("", 0, 0, NULL, NULL), RC_OK);
	assert_string_equal(shown(NAMES_CP932), "");
	close_it();
	assert_int_equal(open_it("\x81\0\x81", 3, 0, NULL, NULL), RC_OK);
	assert_string_equal(shown(NAMES_AUTO), "ü\\x00ü");
	close_it();
	memset(name, 0x81, sizeof name);
	assert_int_equal(open_it(name, sizeof name, 0, NULL, NULL), RC_OK);
	assert_int_equal(strlen(shown(NAMES_AUTO)), 399);	/* 198 letters and the mark */
	assert_string_equal(shown(NAMES_AUTO) + 396, "…");
	/* never beyond its end, nor half a character there: 0x81 is two bytes of UTF-8, 0xff of cp437 too, 0xb3 three */
	for (size_t cap = 0; cap < sizeof to; cap++) {
		memset(to, '#', sizeof to);
		assert_int_equal(zip_name(zip_member(z, 0), NAMES_AUTO, to, cap), cap - cap % 2);
		assert_int_equal(to[cap], '#');
	}
	close_it();
	memset(name, 0xff, sizeof name);	/* no character of cp932: as it is, to the end */
	assert_int_equal(open_it(name, sizeof name, 0, NULL, NULL), RC_OK);
	for (size_t cap = 0; cap < sizeof to; cap++) {
		memset(to, '#', sizeof to);
		assert_int_equal(zip_name(zip_member(z, 0), NAMES_CP932, to, cap), cap);
		assert_int_equal(to[cap], '#');
	}
	close_it();
}

static void words(void **state)
{
	enum names k = NAMES_AUTO;

	(void)state;
	assert_true(names_known("cp437", &k) && k == NAMES_CP437);
	assert_true(names_known("cp850", &k) && k == NAMES_CP850);
	assert_true(names_known("CP866", &k) && k == NAMES_CP866);
	assert_true(names_known("cp932", &k) && k == NAMES_CP932);
	assert_true(names_known("UTF-8", &k) && k == NAMES_UTF8);
	assert_false(names_known("", &k) || names_known("auto", &k) || names_known("latin1", &k) ||
	    names_known("cp93", &k) || names_known("ISO-8859-1", &k) || names_known("cp9321", &k));
	assert_int_equal(k, NAMES_UTF8);
	assert_int_equal(names_load(&err), RC_OK);	/* once more */
}

/* Before it is loaded, and where it cannot be: the bytes. */
static void unloaded(void **state)
{
	(void)state;
	is("M\x81ller", 0, NAMES_AUTO, "M\\x81ller");
	is("M\xc3\xbcller", 0, NAMES_AUTO, "Müller");
	assert_int_equal(names_load(&err), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unloaded), cmocka_unit_test(pages), cmocka_unit_test(utf8), cmocka_unit_test(halves),
		cmocka_unit_test(fields), cmocka_unit_test(lengths), cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
