/* File-sets: names, what is there, commit or nothing, the DICOMDIR read back by its own reader. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/folder.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mri-folder.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static size_t element(char *to, unsigned group, unsigned el, const char *vr, const char *value)
{
	size_t n = strlen(value), even = n + (n & 1);
	char head[8] = { (char)group, (char)(group >> 8), (char)el, (char)(el >> 8), vr[0], vr[1], (char)even, 0 };

	memcpy(to, head, 8);
	memcpy(to + 8, value, n);
	if (even > n)
		to[8 + n] = strcmp(vr, "UI") ? ' ' : '\0';
	return 8 + even;
}

/* A bare data set in Explicit VR Little Endian. */
static size_t object(char *to, const char *patient, const char *study, int n)
{
	char uid[32];
	size_t at = element(to, 0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.2");

	snprintf(uid, sizeof uid, "%s.9.%d", study, n);
	at += element(to + at, 0x0008, 0x0018, "UI", uid);
	at += element(to + at, 0x0008, 0x0020, "DA", "20260901");
	at += element(to + at, 0x0008, 0x0060, "CS", "CT");
	at += element(to + at, 0x0010, 0x0010, "PN", "Name^A");
	at += element(to + at, 0x0010, 0x0020, "LO", patient);
	at += element(to + at, 0x0020, 0x000d, "UI", study);
	snprintf(uid, sizeof uid, "%s.1", study);
	at += element(to + at, 0x0020, 0x000e, "UI", uid);
	at += element(to + at, 0x0020, 0x0013, "IS", "1");
	return at;
}

static void add(struct fileset *f, const char *patient, const char *study, int n)
{
	struct buf level[FILESET_LEVELS] = { BUF_INIT(4096), BUF_INIT(4096), BUF_INIT(4096), BUF_INIT(4096) };
	char bytes[1024], path[FILESET_PATH_MAX];
	struct stream *s = NULL;
	struct object *o = NULL;
	struct err err = { 0 };

	assert_int_equal(stream_mem(&s, bytes, object(bytes, patient, study, n), &err), RC_OK);
	assert_int_equal(walk_open(&o, s, &err), RC_OK);
	assert_int_equal(fileset_records_make(o, level, &err), RC_OK);
	fileset_object_path(f, n, path);
	assert_int_equal(fileset_write(f, path, s, &err), RC_OK);
	assert_int_equal(fileset_index_add(f, level, path, &err), RC_OK);
	walk_close(o);
	stream_close(s);
	for (size_t i = 0; i < FILESET_LEVELS; i++)
		buf_free(&level[i]);
}

static int entry(const struct buf level[FILESET_LEVELS], const char *path, void *arg, struct err *err)
{
	(void)err;
	assert_non_null(strstr(path, "DICOM/S"));
	for (size_t i = 0; i < FILESET_LEVELS; i++)
		assert_true(level[i].len > 8);
	++*(int *)arg;
	return RC_OK;
}

static int entries(const char *of, struct err *err)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	struct fileset *f = NULL;
	int fd = -1, n = 0;

	assert_int_equal(fileset_open(&f, of, "x", err), RC_OK);
	assert_int_equal(fileset_index_fd(f, &fd, err), RC_OK);
	assert_true(fd >= 0);
	assert_int_equal(stream_file(&s, fd, err), RC_OK);
	assert_int_equal(walk_open(&o, s, err), RC_OK);
	assert_int_equal(fileset_index_each(o, entry, &n, err), RC_OK);
	walk_close(o);
	stream_close(s);
	fileset_close(f);
	return n;
}

static void commit(void **state)
{
	struct fileset *f = NULL;
	struct err err = { 0 };
	char path[FILESET_PATH_MAX], full[160], bytes[1024];
	struct stream *s = NULL;
	enum fileset_state is;
	struct stat st;

	(void)state;
	assert_int_equal(fileset_open(&f, dir, "import and study", &err), RC_OK);
	add(f, "P1", "1.2.3", 1);
	add(f, "P1", "1.2.3", 2);
	add(f, "P0", "1.2.4", 3);
	fileset_object_path(f, 1, path);
	assert_int_equal(strlen(path), strlen("DICOM/SABCDEFG/IM000001"));
	snprintf(full, sizeof full, "%s/%s", dir, path);
	assert_int_not_equal(stat(full, &st), 0);	/* not before the commit */
	assert_int_equal(fileset_commit(f, &err), RC_OK);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stream_mem(&s, bytes, object(bytes, "P1", "1.2.3", 1), &err), RC_OK);
	assert_int_equal(fileset_look(f, path, s, true, &is, &err), RC_OK);
	assert_int_equal(is, FILESET_SAME);
	bytes[20] ^= 1;
	assert_int_equal(fileset_look(f, path, s, true, &is, &err), RC_OK);
	assert_int_equal(is, FILESET_OTHER);
	assert_int_equal(fileset_look(f, path, s, false, &is, &err), RC_OK);
	assert_int_equal(is, FILESET_SAME);
	stream_close(s);
	fileset_close(f);
	assert_int_equal(entries(dir, &err), 3);
}

static void not_committed(void **state)
{
	struct fileset *f = NULL;
	struct err err = { 0 };
	char path[FILESET_PATH_MAX], full[160];
	struct stat st;

	(void)state;
	assert_int_equal(fileset_open(&f, dir, "another", &err), RC_OK);
	add(f, "P1", "1.2.5", 1);
	fileset_object_path(f, 1, path);
	fileset_close(f);
	snprintf(full, sizeof full, "%s/%s", dir, path);
	assert_int_not_equal(stat(full, &st), 0);
	snprintf(full, sizeof full, "%s/%s.partial", dir, path);
	assert_int_not_equal(stat(full, &st), 0);
	assert_int_equal(entries(dir, &err), 3);
}

/* The tree: patients, studies and series once each, offsets that meet records. */
static void tree(void **state)
{
	char full[160], bytes[8192], *p;
	FILE *file;
	size_t n;
	int records = 0;

	(void)state;
	snprintf(full, sizeof full, "%s/DICOMDIR", dir);
	file = fopen(full, "re");
	assert_non_null(file);
	n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	for (p = bytes; (p = memmem(p, n - (size_t)(p - bytes), "\xfe\xff\x00\xe0", 4)); p += 4)
		records++;
	assert_int_equal(records, 2 + 2 + 2 + 3);
	p = memmem(bytes, n, "\x04\x00\x00\x12UL", 6);	/* the first record of the root */
	assert_non_null(p);
	assert_memory_equal(bytes + ((unsigned char)p[8] | (unsigned char)p[9] << 8), "\xfe\xff\x00\xe0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(commit), cmocka_unit_test(not_committed),
		cmocka_unit_test(tree) };

	return cmocka_run_group_tests(tests, setup, NULL);
}
