#include "test.h"
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static int open_it(void)
{
	enum media m = MEDIA_UNKNOWN;

	memset(&err, 0, sizeof err);
	c = NULL;
	assert_int_equal(stream_mem(&s, b, n, &err), RC_OK);
	assert_int_equal(sniff_stream(s, &m, &err), RC_OK);
	if (!container_fits(s, m))
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
	memcpy(b, "\x1f\x8b\x08", 3);	/* gzip, but of nothing that could be tar */
	assert_int_equal(open_it(), RC_FATAL);
	close_it();
}

static int load(void **state)
{
	(void)state;
	container_load();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(names), cmocka_unit_test(cut_off), cmocka_unit_test(behind),
		cmocka_unit_test(grows), cmocka_unit_test(every_byte), cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
