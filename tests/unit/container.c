#include "test.h"
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include "media/container.h"

#define LONG	600000	/* bytes of the large member: more than one step */

static uint8_t b[4 << 20];
static size_t n;
static char big[LONG];
static struct stream *s;
static struct container *c;
static struct err err;

static void entry(struct archive *a, const char *name, mode_t type, const char *link, const char *data, size_t len)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)len);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, link);
	else if (link)
		archive_entry_set_hardlink(e, link);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (len)
		assert_int_equal(archive_write_data(a, data, len), len);
	archive_entry_free(e);
}

static const struct { int (*format)(struct archive *); bool gzip; enum media media; } kinds[] = {
	{ archive_write_set_format_ustar, false, MEDIA_TAR }, { archive_write_set_format_pax, false, MEDIA_TAR },
	{ archive_write_set_format_gnutar, false, MEDIA_TAR }, { archive_write_set_format_ustar, true, MEDIA_GZIP },
	{ archive_write_set_format_iso9660, false, MEDIA_ISO },
};

static void make(size_t kind)
{
	struct archive *a = archive_write_new();

	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 + i / 251);
	assert_int_equal(kinds[kind].format(a), ARCHIVE_OK);
	if (kinds[kind].gzip)
		assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, b, sizeof b, &n), ARCHIVE_OK);
	entry(a, "DICOM", AE_IFDIR, NULL, NULL, 0);
	entry(a, "DICOM/IM1", AE_IFREG, NULL, big, sizeof big);
	entry(a, "DICOM/empty", AE_IFREG, NULL, NULL, 0);
	entry(a, "DICOM/IM2", AE_IFREG, NULL, "short", 5);
	if (kinds[kind].media != MEDIA_ISO)
		entry(a, "DICOM/twin", AE_IFREG, "DICOM/IM1", NULL, 0);
	entry(a, "link", AE_IFLNK, "/etc/passwd", NULL, 0);
	if (kinds[kind].media != MEDIA_ISO)
		entry(a, "pipe", AE_IFIFO, NULL, NULL, 0);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

/* Appends a part of a gzip file (RFC 1952 2.2); name NULL: none. */
static void part(const char *name, const void *data, size_t len)
{
	gz_header head = { .name = (Bytef *)(uintptr_t)name, .os = 3 };
	z_stream z;

	memset(&z, 0, sizeof z);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	assert_int_equal(deflateSetHeader(&z, &head), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = b + n;
	z.avail_out = (uInt)(sizeof b - n);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n += z.total_out;
	deflateEnd(&z);
}

static int open_it(void)
{
	enum media m = MEDIA_UNKNOWN;

	memset(&err, 0, sizeof err);
	c = NULL;
	assert_int_equal(stream_mem(&s, b, n, &err), RC_OK);
	assert_int_equal(sniff_stream(s, &m, &err), RC_OK);
	if (!container_is(m))
		return RC_FATAL;
	return container_open(&c, s, m, &err);
}

static void close_it(void)
{
	container_close(c);
	stream_close(s);
}

static size_t named(const char *name)
{
	size_t found = SIZE_MAX, len = strlen(name);

	for (size_t i = 0; i < container_count(c); i++) {
		const struct container_member *m = container_member(c, i);

		if (m->name_len >= len && !memcmp(m->name + m->name_len - len, name, len))
			found = i;
	}
	if (found == SIZE_MAX)
		fail_msg("no member %s", name);
	return found;
}

static int content(const char *name, const char *data, size_t len)
{
	const void *p = NULL;
	size_t k = 1, at = 0;
	int rc = container_begin(c, named(name), &err);

	while (rc == RC_OK && k) {
		rc = container_more(c, &p, &k, &err);
		assert_true(at + k <= len);
		if (rc == RC_OK && data)
			assert_memory_equal(p, data + at, k);
		at += k;
	}
	if (rc == RC_OK)
		assert_int_equal(at, len);
	return rc;
}

static void good(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		make(kind);
		assert_int_equal(open_it(), RC_OK);
		assert_true(container_member(c, named("DICOM/IM1"))->size == LONG);
		assert_true(container_member(c, named("DICOM/IM1"))->unreadable == NULL);
		assert_string_equal(container_member(c, named("link"))->unreadable, "a symbolic link");
		if (kinds[kind].media != MEDIA_ISO) {
			assert_true(container_member(c, 0)->directory);
			assert_int_equal(container_count(c), 7);
			assert_string_equal(container_member(c, named("twin"))->unreadable, "a hard link");
			assert_string_equal(container_member(c, named("pipe"))->unreadable, "a device, pipe or socket");
		}
		/* in order, back again, the same one twice, one left in the middle */
		assert_int_equal(content("DICOM/IM1", big, LONG), RC_OK);
		assert_int_equal(content("DICOM/IM2", "short", 5), RC_OK);
		assert_int_equal(content("DICOM/IM1", big, LONG), RC_OK);
		assert_int_equal(content("DICOM/IM1", big, LONG), RC_OK);
		assert_int_equal(content("DICOM/empty", "", 0), RC_OK);
		assert_int_equal(container_begin(c, named("DICOM/IM1"), &err), RC_OK);
		assert_int_equal(content("DICOM/IM2", "short", 5), RC_OK);
		assert_int_equal(container_begin(c, named("link"), &err), RC_FATAL);
		close_it();
	}
}

/* Letters beyond ASCII: Joliet's UTF-16 and pax' UTF-8 become UTF-8, ustar's bytes stay as they are. */
static void names(void **state)
{
	static const char name[] = "M\xc3\xbcller.dcm";

	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		struct archive *a = archive_write_new();

		setlocale(LC_CTYPE, "C.UTF-8");	/* for the writer */
		kinds[kind].format(a);
		if (kinds[kind].media == MEDIA_ISO)
			archive_write_set_format_option(a, "iso9660", "rockridge", NULL);
		assert_int_equal(archive_write_open_memory(a, b, sizeof b, &n), ARCHIVE_OK);
		entry(a, name, AE_IFREG, NULL, "x", 1);
		assert_int_equal(archive_write_close(a), ARCHIVE_OK);
		archive_write_free(a);
		setlocale(LC_CTYPE, "C");
		assert_int_equal(open_it(), RC_OK);
		named(name);
		close_it();
	}
}

static void cut(size_t from, size_t step)
{
	size_t whole = n;

	for (n = from; n < whole; n += step) {
		int rc = open_it();

		if (rc == RC_OK)
			fail_msg("cut to %zu of %zu bytes: opened", n, whole);
		assert_true(rc == RC_FATAL || err.kind == ERR_DATA);
		close_it();
	}
	n = whole;
}

static void cut_off(void **state)
{
	(void)state;
	make(0);
	n -= 10240 - (size_t)(7 + 2) * 512 - 1;	/* to the padding of its last record and less */
	cut(512, 4096 + 512);
	make(3);
	cut(600, 997);
	b[n - 6]++;	/* gzip's CRC */
	assert_int_equal(open_it(), RC_FAILED);
	assert_non_null(strstr(err.text, "damaged"));
	close_it();
	b[n - 6]--;
	/* zeros behind it are padding, other bytes are not, another part is */
	memset(b + n, 0, 100);
	n += 100;
	assert_int_equal(open_it(), RC_OK);
	close_it();
	b[n++] = 'x';
	assert_int_equal(open_it(), RC_FAILED);
	assert_non_null(strstr(err.text, "other bytes follow"));
	close_it();
	/* nor may what is inflated go on */
	make(3);
	part(NULL, "x", 1);
	assert_int_equal(open_it(), RC_FAILED);
	close_it();
}

/* What comes behind the first end is of the archive too; what is no header there is refused. */
static void behind(void **state)
{
	size_t whole = 0;

	(void)state;
	make(0);
	whole = n;
	memcpy(b + n, b, n);
	n *= 2;
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(container_count(c), 14);
	close_it();
	n = whole;
	memset(b + n, 'x', 512);
	n += 512;
	assert_int_not_equal(open_it(), RC_OK);
	close_it();
}

/* Sizes that nothing is behind: refused before a byte is made of them. */
static void grows(void **state)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	(void)state;
	archive_write_set_format_pax(a);
	archive_write_add_filter_gzip(a);
	archive_write_open_memory(a, b, sizeof b, &n);
	archive_entry_set_pathname(e, "zeros");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)200 << 20);
	archive_entry_sparse_add_entry(e, 0, 1);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_write_data(a, "x", 1);
	archive_write_close(a);
	archive_write_free(a);
	archive_entry_free(e);
	assert_int_equal(open_it(), RC_FAILED);
	assert_non_null(strstr(err.text, "would grow more than any image"));
	close_it();
}

/* The header of a tar archive's member says another size (POSIX ustar: 12 octal digits at 124, a sum at 148). */
static void say_size(size_t at, unsigned size)
{
	unsigned sum = 0;

	snprintf((char *)b + at + 124, 12, "%011o", size);
	memset(b + at + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += b[at + i];
	snprintf((char *)b + at + 148, 7, "%06o", sum);
}

/* libarchive gives less or more than it listed, for the archive is not what it was: damaged, no shorter file. */
static void another_size(void **state)
{
	size_t at = 0;

	(void)state;
	make(0);
	while (memcmp(b + at, "DICOM/IM2", 10) != 0)
		at += 512;
	for (unsigned size = 4; size <= 6; size += 2) {
		say_size(at, 5);
		assert_int_equal(open_it(), RC_OK);
		say_size(at, size);
		assert_int_equal(content("DICOM/IM2", NULL, 5), RC_FAILED);	/* and no byte more than was listed */
		assert_string_equal(err.text, "member 4 is damaged: it cannot be read to its size");
		assert_int_equal(content("DICOM/IM1", big, LONG), RC_OK);
		close_it();
	}
}

/* A header alone says it: refused as what it is, not as cut off or as one that grows. */
static void too_large(void **state)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	(void)state;
	archive_write_set_format_gnutar(a);
	archive_write_set_bytes_per_block(a, 512);
	archive_write_open_memory(a, b, sizeof b, &n);
	archive_entry_set_pathname(e, "huge");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)17 << 30);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_write_free(a);	/* it fills b up and ends there */
	archive_entry_free(e);
	n = 512;
	assert_int_equal(open_it(), RC_FAILED);
	assert_string_equal(err.text, "tar archive refused: a member is larger than any object");
	close_it();
}

/* Whatever byte is changed: refused, found damaged, or members within their sizes. */
static void every_byte(void **state)
{
	static const size_t kind[] = { 0, 1, 3, 4 };

	(void)state;
	for (size_t k = 0; k < sizeof kind / sizeof *kind; k++) {
		make(kind[k]);
		for (size_t i = 0; i < 60; i++) {
			size_t at = kinds[kind[k]].media == MEDIA_ISO ? 32768 + i * 331 : i * 47;

			b[at] ^= (uint8_t)(1 << i % 8);
			if (open_it() == RC_OK)
				for (size_t m = 0; m < container_count(c); m++)
					if (!container_member(c, m)->unreadable && !container_member(c, m)->directory) {
						const void *p = NULL;
						size_t got = 1;
						int rc = container_begin(c, m, &err);

						while (rc == RC_OK && got)
							rc = container_more(c, &p, &got, &err);
					}
			close_it();
			b[at] ^= (uint8_t)(1 << i % 8);
		}
	}
}

static void others(void **state)
{
	(void)state;
	n = 100;
	memset(b, 0, n);
	memcpy(b, "PK\3\4", 4);
	assert_int_equal(open_it(), RC_FATAL);
	close_it();
	memcpy(b, "\x1f\x8b\x08", 4);	/* its first block has no type that there is */
	memset(b + 10, 0xff, n - 10);
	assert_int_equal(open_it(), RC_FAILED);
	assert_string_equal(err.text, "gzip file refused: it is damaged");
	close_it();
}

static void is_called(const char *name, enum names chosen, const char *want)
{
	char text[64];
	size_t len = 0;

	n = 0;
	part(name, "x", 1);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(container_count(c), 1);
	len = container_name(c, 0, chosen, text, sizeof text - 1);
	text[len] = '\0';
	assert_string_equal(text, want);
	close_it();
}

/* A file through gzip is a container of one member. */
static void lone(void **state)
{
	static char name[2000];
	size_t whole = 0;

	(void)state;
	make(0);	/* fills big */
	n = 0;
	part("report.pdf", big, sizeof big);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(container_count(c), 1);
	assert_true(container_member(c, 0)->size == LONG && !container_member(c, 0)->directory &&
	    !container_member(c, 0)->unreadable);
	assert_int_equal(content("report.pdf", big, LONG), RC_OK);
	assert_int_equal(content("report.pdf", big, LONG), RC_OK);
	assert_int_equal(container_begin(c, 0, &err), RC_OK);	/* and left in the middle */
	assert_int_equal(content("report.pdf", big, LONG), RC_OK);
	close_it();
	/* cut off anywhere; a wrong CRC, a wrong length; the name is that of the first part */
	whole = n;
	for (n = 11; n < whole; n += n + 14990 < whole - 20 ? 14990 : n < whole - 20 ? whole - 20 - n : 1) {
		assert_int_equal(open_it(), RC_FAILED);
		assert_string_equal(err.text, "gzip file refused: it is cut off");
		close_it();
	}
	for (size_t i = 1; i <= 8; i += 7) {
		b[n - i] ^= 1;
		assert_int_equal(open_it(), RC_FAILED);
		assert_string_equal(err.text, "gzip file refused: it is damaged");
		close_it();
		b[n - i] ^= 1;
	}
	part("second", "more", 4);
	memset(b + n, 0, 700);
	n += 700;	/* padding of a tape */
	part(NULL, "", 0);
	assert_int_equal(open_it(), RC_OK);
	assert_true(container_member(c, 0)->size == LONG + 4);
	assert_int_equal(content("report.pdf", NULL, LONG + 4), RC_OK);
	close_it();
	whole = n;
	for (size_t i = 0; i < 3; i++) {
		static const char *const behind[] = { "x", "\0\0x", "\x1fx" };
		size_t len = i == 1 ? 3 : strlen(behind[i]);

		memcpy(b + whole, behind[i], len);
		n = whole + len;
		assert_int_equal(open_it(), RC_FAILED);
		if (i < 2)
			assert_string_equal(err.text, "gzip file refused: other bytes follow its end");
		close_it();
	}
	n = 0;
	part(NULL, "", 0);
	assert_int_equal(open_it(), RC_OK);
	assert_true(container_member(c, 0)->size == 0);
	assert_int_equal(content("", "", 0), RC_OK);
	close_it();
	is_called(NULL, NAMES_AUTO, "");
	is_called("M\xfcller.dcm", NAMES_AUTO, "Müller.dcm");	/* RFC 1952: Latin-1; gzip itself: as the system has it */
	is_called("M\xc3\xbcller.dcm", NAMES_AUTO, "Müller.dcm");
	is_called("M\x81ller.dcm", NAMES_CP850, "Müller.dcm");
	memset(name, 'n', sizeof name - 1);
	is_called(name, NAMES_AUTO, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
}

/* In however small parts a tar archive comes: it is one. */
static void parts(void **state)
{
	static uint8_t tar[sizeof b];
	size_t len = 0;

	(void)state;
	make(0);
	len = n < sizeof tar ? n : 0;
	memcpy(tar, b, len);
	n = 0;
	for (size_t i = 0; i < len; i += i < 1000 ? 100 : len)
		part(NULL, tar + i, i < 1000 ? 100 : len - i);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(container_count(c), 7);
	assert_int_equal(content("DICOM/IM1", big, LONG), RC_OK);
	close_it();
}

/* 33 times one part: 34 KB that would be 33 MB. */
static void lone_grows(void **state)
{
	uint8_t *zeros = calloc(1, 1 << 20);
	size_t one = 0;

	(void)state;
	n = 0;
	part("zeros", zeros, 1 << 20);
	free(zeros);
	one = n;
	for (int i = 1; i < 33; i++) {
		memcpy(b + n, b, one);
		n += one;
	}
	assert_int_equal(open_it(), RC_FAILED);
	assert_string_equal(err.text, "gzip file refused: it would grow more than any image does");
	close_it();
	n -= one;	/* below what does no harm */
	assert_int_equal(open_it(), RC_OK);
	close_it();
}

static int load(void **state)
{
	(void)state;
	container_load();
	return names_load(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(names), cmocka_unit_test(cut_off), cmocka_unit_test(behind),
		cmocka_unit_test(grows), cmocka_unit_test(another_size), cmocka_unit_test(every_byte),
		cmocka_unit_test(others), cmocka_unit_test(too_large),
		cmocka_unit_test(lone), cmocka_unit_test(parts), cmocka_unit_test(lone_grows),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
