/* Objects that come one by one become a ZIP: small ones held, large ones with a data descriptor, each once. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "media/zip.h"
#include "source/bundle.h"

static char path[64];

static int
begin(void *arg, const struct source_offer *o, enum media m, struct stream **out, struct err *err)
{
	int fd = dup(*(int *)arg);

	(void)o;
	assert_int_equal(m, MEDIA_ZIP);
	assert_true(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return stream_file_writer(out, fd, err);
}

/* A DICOM file of n bytes whose meta header has that UID. */
static unsigned char *
object(const char *uid, size_t n)
{
	unsigned char *p = calloc(1, n);
	size_t len = strlen(uid) + strlen(uid) % 2;

	assert_non_null(p);
	memcpy(p + 128, "DICM\2\0\0\0UL\4\0\0\0\0\0\2\0\3\0UI", 22);
	p[128 + 22] = (unsigned char)len;
	memcpy(p + 152, uid, strlen(uid));
	memcpy(p + 152 + len, "\10\0\5\0CS\12\0ISO_IR 100", 18);
	return p;
}

static void
put(struct bundle *b, const char *uid, size_t n)
{
	unsigned char *p = object(uid, n);
	struct err err = { 0 };
	size_t i = 0, part = 0;

	assert_int_equal(bundle_object(b, &err), RC_OK);
	for (i = 0; i < n; i += part) {
		part = n - i < 100000 ? n - i : 100000;
		if (bundle_data(b, p + i, part, &err) != RC_OK)
			fail_msg("%s", err.text);
	}
	free(p);
}

static void
test_bundle(void **state)
{
	struct source_output out = { .begin = begin };
	struct source_offer offer = { .files = -1 };
	struct source_package p = { 0 };
	struct instances t = { 0 };
	struct bundle *b = NULL;
	struct stream *s = NULL;
	struct zip *z = NULL;
	struct err err = { 0 };
	int fd = -1;

	(void)state;
	strncpy(path, "/tmp/mri-bundle-XXXXXX", sizeof(path) - 1);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	out.arg = &fd;
	assert_int_equal(bundle_new(&b, &out, &offer, &t, &err), RC_OK);
	put(b, "1.2.3", 1000);
	assert_int_equal(bundle_done(b, NULL, &err), RC_OK);
	put(b, "1.2.3", 1000);	/* again */
	assert_int_equal(bundle_done(b, NULL, &err), RC_OK);
	put(b, "1.2.4", BUNDLE_HELD + 70001);
	assert_int_equal(bundle_done(b, "1.2.4", &err), RC_OK);
	put(b, "1.2.4", BUNDLE_HELD + 70001);	/* again: nothing of it was written, a cut does no harm */
	assert_true(bundle_drop(b));
	put(b, "1.2.5", 5000);	/* cut while it is held */
	assert_true(bundle_drop(b));
	put(b, "1.2.6", 1000);	/* not the one that was asked for */
	assert_int_equal(bundle_done(b, "1.2.7", &err), err_rc(ERR_PROTOCOL));
	assert_int_equal(bundle_object(b, &err), RC_OK);
	assert_int_equal(bundle_data(b, "<html>", 6, &err), RC_OK);
	assert_int_equal(bundle_done(b, NULL, &err), err_rc(ERR_PROTOCOL));
	assert_int_equal(t.got, 2);
	assert_int_equal(bundle_end(b, &p, &err), RC_OK);
	bundle_free(b);
	assert_int_equal(stream_file(&s, dup(fd), &err), RC_OK);
	assert_int_equal(s->size, p.bytes);
	if (zip_open(&z, s, &err) != RC_OK || zip_check_headers(z, &err) != RC_OK)
		fail_msg("%s", err.text);
	assert_int_equal(zip_count(z), 2);
	assert_int_equal(zip_member(z, 0)->size, 1000);
	assert_int_equal(zip_member(z, 1)->size, BUNDLE_HELD + 70001);
	unsigned char *got = malloc(BUNDLE_HELD + 70001), *want = object("1.2.4", BUNDLE_HELD + 70001);
	assert_int_equal(zip_read(z, 1, (char *)got, &err), RC_OK);	/* its CRC too */
	assert_memory_equal(got, want, BUNDLE_HELD + 70001);
	free(got);
	free(want);
	zip_close(z);
	stream_close(s);
	instances_free(&t);
	close(fd);
}

/* A large object that is cut takes the package with it: what comes next begins anew. */
static void
test_cut(void **state)
{
	struct source_output out = { .begin = begin };
	struct source_offer offer = { .files = -1 };
	struct source_package p = { 0 };
	struct instances t = { 0 };
	struct bundle *b = NULL;
	struct err err = { 0 };
	int fd = -1;

	(void)state;
	strncpy(path, "/tmp/mri-bundle-XXXXXX", sizeof(path) - 1);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	out.arg = &fd;
	assert_int_equal(bundle_new(&b, &out, &offer, &t, &err), RC_OK);
	put(b, "1.2.3", 1000);
	assert_int_equal(bundle_done(b, NULL, &err), RC_OK);
	put(b, "1.2.4", BUNDLE_HELD + 1);
	assert_false(bundle_drop(b));
	bundle_again(b);
	assert_int_equal(t.got, 0);
	put(b, "1.2.3", 1000);
	assert_int_equal(bundle_done(b, NULL, &err), RC_OK);
	assert_int_equal(bundle_end(b, &p, &err), RC_OK);
	assert_true(p.bytes < 2000);
	bundle_free(b);
	instances_free(&t);
	close(fd);
}

static void
test_uid(void **state)
{
	unsigned char *p = object("1.2.3", 400);
	char uid[INSTANCE_UID];
	size_t n = 0;

	(void)state;
	assert_true(instance_uid(p, 400, uid));
	assert_string_equal(uid, "1.2.3");
	for (n = 0; n < 158; n++)
		assert_false(instance_uid(p, n, uid));
	p[150] = 0xff;	/* longer than what is there, and than a UID */
	p[151] = 0xff;
	assert_false(instance_uid(p, 400, uid));
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle), cmocka_unit_test(test_cut), cmocka_unit_test(test_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
