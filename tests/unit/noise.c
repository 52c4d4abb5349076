#include "test.h"
#include <stdlib.h>
#include <string.h>
#include "media/noise.h"

static const char *of(const char *s, size_t n)
{
	struct stream *in = NULL;
	struct err err = { 0 };
	const char *what = NULL;
	enum media m = MEDIA_UNKNOWN;

	assert_int_equal(stream_mem(&in, s, n, &err), RC_OK);
	assert_int_equal(sniff_stream(in, &m, &err), RC_OK);
	assert_int_equal(noise_find(in, m, &what, &err), RC_OK);
	stream_close(in);
	return what;
}
#define OF(s)		of(s, sizeof(s) - 1)
#define NOISE(s)	assert_non_null(OF(s))
#define DATA(s)		assert_null(OF(s))

static void settings(void **state)
{
	(void)state;
	NOISE("[.ShellClassInfo]\r\nIconResource=C:\\x.dll,3\r\n[ViewState]\r\nMode=\r\n");
	NOISE("\xef\xbb\xbf; a comment\r\n\r\n  [LocalizedFileNames]\r\na.txt=@b,-1\r\n");
	NOISE("\xff\xfe[\0.\0S\0h\0e\0l\0l\0C\0l\0a\0s\0s\0I\0n\0f\0o\0]\0\r\0\n\0A\0=\0\xe4\0\r\0\n\0");
	NOISE("[AutoRun]\nopen=viewer.exe\n[Content]\nMusicFiles=false\n");
	NOISE("[.ShellClassInfo]");
	/* a report by any name */
	DATA("[.ShellClassInfo]\nA=1\nThe liver is enlarged.\n");
	DATA("Findings\n[.ShellClassInfo]\nA=1\n");
	DATA("[Content]\nFinding=none\n");
	DATA("[Findings]\nliver=large\n");
	DATA("[autorun]\nopen=a\n[Findings]\nliver=large\n");
	DATA("[autorun is what it says\n");
	DATA("A=1\n");
	DATA("A=1\n[autorun]\nopen=a\n");	/* a section begins it */
	DATA("; only a comment\n");
	DATA("\xff\xfeR\0e\0p\0o\0r\0t\0");
	DATA("\xff\xfe[\0a\0u\0t\0o\0r\0u\0n\0]\0\n\0\x3d\x04\n\0");	/* "=" only by its low byte */
}

static void scripts(void **state)
{
	(void)state;
	NOISE("#!/bin/sh\nexec ./viewer\n");
	NOISE("#! /usr/bin/perl\n");
	NOISE("@ECHO OFF\r\nstart viewer.exe\r\n");
	DATA("#1 liver: large\n");
	DATA("@echo\n");
}

static void checksums(void **state)
{
	(void)state;
	NOISE("d41d8cd98f00b204e9800998ecf8427e  a\nd41d8cd98f00b204e9800998ecf8427e *b\r\n\n");
	NOISE("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\tA\n");
	NOISE("SHA1 (a) = da39a3ee5e6b4b0d3255bfef95601890afd80709\n");
	NOISE("MD5 (a) = d41d8cd98f00b204e9800998ecf8427e\n");
#define H8	"01234567"
#define H32	H8 H8 H8 H8
	NOISE(H32 H8 H8 H8 "  sha224\n" H32 H32 "  sha256\n" H32 H32 H32 "  sha384\n" H32 H32 H32 H32 "  sha512\n");
	DATA(H32 H32 H8 "  a\n");
	DATA("g1d8cd98f00b204e9800998ecf8427ed  a\n");
	DATA("01234567012345670123456701234g67  a\n");
	DATA("d41d8cd98f00b204e9800998ecf8427e  a\nThe liver is enlarged.\n");
	DATA("d41d8cd98f00b204e9800998ecf8427  a\n");
	DATA("d41d8cd98f00b204e9800998ecf8427e\n");
	DATA("d41d8cd98f00b204e9800998ecf8427e0  a\n");
	DATA("MD5 (a) = d41d8cd98f00b204e9800998ecf8427e b\n");
	DATA("NR (a) = d41d8cd98f00b204e9800998ecf8427e\n");
	DATA("\n\n");
}

static void by_magic(void **state)
{
	/* AppleDouble: magic, version, filler, count; id, offset, length */
#define DOUBLE(count, id) "\0\5\26\7\0\2\0\0Mac OS X        \0" count "\0\0\0" id "\0\0\0\x26\0\0\0\0"
	static const char ico[] = "\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\4\0\0\0\x16\0\0\0data";
	char b[sizeof ico - 1], forks[26 + 12 * 65] = "", many[6 + 16 * 65 + 4] = "";

	(void)state;
	NOISE(DOUBLE("\1", "\2"));
	DATA(DOUBLE("\1", "\1"));	/* it holds the file's own bytes */
	DATA(DOUBLE("\2", "\2"));	/* and this one ends early */
	DATA(DOUBLE("\0", "\2"));
	/* nor does the second say so, and more forks than any file has are none */
	NOISE(DOUBLE("\2", "\2") "\0\0\0\3\0\0\0\x26\0\0\0\0");
	DATA(DOUBLE("\2", "\2") "\0\0\0\1\0\0\0\x26\0\0\0\0");
	memcpy(forks, DOUBLE("\x40", "\2"), 38);
	assert_non_null(of(forks, 26 + 12 * 64));
	forks[25] = 65;
	assert_null(of(forks, 26 + 12 * 65));
	NOISE("\0\0\0\1Bud1\0\0\x10\0");
	DATA("\0\0\0\1Bud2\0\0\x10\0");
	NOISE("\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46 and more");
	DATA("\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x47 and more");
	assert_non_null(of(ico, sizeof ico - 1));
	for (size_t i = 0; i < 22; i++) {	/* sizes and depth are free, the rest is not */
		bool is_free = i == 6 || i == 7 || i == 8 || i == 12;

		memcpy(b, ico, sizeof b);
		b[i] = (char)(b[i] ^ 1);
		if (i == 10 || i == 14 || i == 4)
			b[i] = 50;
		if (!is_free && i != 2)
			assert_null(of(b, sizeof b));
	}
	assert_null(of(ico, sizeof ico - 2));
	DATA("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x8\0\0\0\x16\0\0\0%PDF-1.4");	/* a document, as readers take it */
	memcpy(b, ico, sizeof b);
	b[18] = 21;	/* a picture in the directory, and one of no bytes */
	assert_null(of(b, sizeof b));
	b[18] = 22;
	b[14] = 0;
	assert_null(of(b, sizeof b));
	b[4] = 0;
	assert_null(of(b, sizeof b));
	/* as many as there may be; each is looked at */
	for (int count = 64; count <= 65; count++) {
		memset(many, 0, sizeof many);
		many[2] = 1;
		many[4] = (char)count;
		for (int i = 0; i < count; i++) {
			char *e = many + 6 + 16 * i;

			memcpy(e, ico + 6, 16);
			e[12] = (char)((6 + 16 * count) & 0xff);
			e[13] = (char)((6 + 16 * count) >> 8);
		}
		if (count == 65)
			assert_null(of(many, sizeof many));
		else
			assert_non_null(of(many, sizeof many));
	}
	many[4] = 64;
	for (int i = 0; i < 64; i++)
		many[6 + 16 * i + 12] = 6, many[6 + 16 * i + 13] = 4;
	assert_non_null(of(many, sizeof many));
	many[6 + 16 + 3] = 1;
	assert_null(of(many, sizeof many));
}

static void put_name(char *e, const char *name, int type)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		e[2 * i] = name[i];
	e[64] = (char)(2 * n + 2);
	e[66] = (char)type;
}

/* A compound file: the directory in the first sector, with Root Entry and two more. */
static const char *compound(const char *one, const char *two, int type)
{
	char b[1024] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

	b[30] = 9;
	put_name(b + 512, "Root Entry", 5);
	if (one)
		put_name(b + 640, one, type);
	if (two)
		put_name(b + 768, two, 2);
	return of(b, sizeof b);
}

static void thumbnails(void **state)
{
	char b[1024] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	static char large[8192];

	(void)state;
	assert_non_null(compound("Catalog", "1", 2));
	assert_non_null(compound("256_0a1B2c", NULL, 2));
	assert_null(compound("WordDocument", "1Table", 2));
	assert_null(compound("Catalog", "WordDocument", 2));
	assert_null(compound("Catalogue", NULL, 2));
	assert_null(compound("256_", NULL, 2));
	assert_null(compound("256_0g", NULL, 2));
	assert_non_null(compound(NULL, "Catalog", 2));	/* an entry that is not in use */
	assert_null(compound("Catalog", "12345678901234567890123456789012", 2));	/* a name without an end */
	assert_null(compound("Catalog", "", 2));
	assert_null(compound("Catalog", "1", 1));	/* a storage */
	assert_null(compound(NULL, NULL, 2));	/* nothing in it */
	b[30] = 9;
	put_name(b + 512, "Root Entry", 2);
	put_name(b + 640, "Catalog", 2);
	assert_null(of(b, sizeof b));
	b[512 + 66] = 5;
	assert_non_null(of(b, sizeof b));
	b[48] = 1;	/* the directory lies behind the end */
	assert_null(of(b, sizeof b));
	b[48] = 0;
	b[641] = 1;	/* no Latin letter */
	assert_null(of(b, sizeof b));
	b[641] = 0;
	for (size_t i = 0; i < 4; i++) {	/* half a letter, no letter, more than there is room for */
		static const uint8_t bytes[] = { 17, 0, 66, 200 };

		b[640 + 64] = (char)bytes[i];
		assert_null(of(b, sizeof b));
	}
	b[640 + 64] = 16;
	b[640 + 14] = 's';	/* "Catalogs" without its end */
	assert_null(of(b, sizeof b));
	b[640 + 14] = 0;
	assert_non_null(of(b, sizeof b));
	b[30] = 10;
	assert_null(of(b, sizeof b));
	/* sectors of 4096 bytes, to the last entry of one */
	memcpy(large, b, 48);
	large[30] = 12;
	put_name(large + 4096, "Root Entry", 5);
	put_name(large + 4096 + 128, "Catalog", 2);
	assert_non_null(of(large, sizeof large));
	put_name(large + 8192 - 128, "WordDocument", 2);
	assert_null(of(large, sizeof large));
}

static void others(void **state)
{
	char *b = malloc(NOISE_TEXT_MAX + 64);

	(void)state;
	DATA("%PDF-1.4\n[autorun]\n");
	DATA("\xff\xd8\xff\xe0\0\x10JFIF");
	DATA("");
	assert_non_null(b);
	memset(b, '\n', NOISE_TEXT_MAX + 64);
	memcpy(b, "[autorun]", 9);
	assert_non_null(of(b, NOISE_TEXT_MAX));
	assert_null(of(b, NOISE_TEXT_MAX + 1));
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings), cmocka_unit_test(scripts), cmocka_unit_test(checksums),
		cmocka_unit_test(by_magic), cmocka_unit_test(thumbnails), cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
