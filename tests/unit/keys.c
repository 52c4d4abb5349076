/* Identities on disk: who may read them, what a file may hold, wrapping, destroying, a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/keys.h"
#include "test.h"
#include "tinyfs.h"

static char dir[] = "keysXXXXXX";
static int at;
static struct age_identity spool;

static int setup(void **state)
{
	struct err err;
	const char *tmp = getenv("TMPDIR");

	(void)state;
	umask(0);	/* the modes are ours, not the caller's */
	if (chdir(tmp ? tmp : "/tmp") || !mkdtemp(dir) || chdir(dir))
		return -1;
	at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return at < 0 || age_identity_new(&spool, &err) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(at);
	return chdir("..") || rmdir(dir);
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void creates_and_loads(void **state)
{
	struct age_identity made, loaded;
	struct stat st;
	struct err err;

	(void)state;
	assert_int_equal(keys_identity_create("a//b/./c/identity", &made, &err), RC_OK);
	assert_int_equal(stat("a/b/c/identity", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(stat("a/b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(keys_identity_load("a/b/c/identity", &loaded, &err), RC_OK);
	assert_memory_equal(&made, &loaded, sizeof(made));
	/* never in place of one that is there */
	struct age_identity second;
	assert_int_equal(keys_identity_create("a/b/c/identity", &second, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	assert_int_equal(keys_identity_load("a/b/c/identity", &loaded, &err), RC_OK);
	assert_memory_equal(&made, &loaded, sizeof(made));
	/* and nothing is left beside it */
	assert_int_equal(unlink("a/b/c/identity"), 0);
	assert_int_equal(rmdir("a/b/c"), 0);
	assert_int_equal(rmdir("a/b"), 0);
	assert_int_equal(rmdir("a"), 0);
	assert_int_equal(keys_identity_create("x/", &made, &err), RC_FATAL);
	assert_int_equal(rmdir("x"), 0);
}

static void loads_only_what_is_ours(void **state)
{
	struct age_identity id;
	struct err err;
	char text[AGE_TEXT_MAX], line[200];

	(void)state;
	age_identity_text(&spool, text);
	snprintf(line, sizeof(line), "# by hand\r\n\n  # public key: …\n%s\r\n\n", text);
	put("id", line, 0600);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_OK);
	assert_memory_equal(&id, &spool, sizeof(id));
	put("id", line, 0400);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_OK);
	static const mode_t open_to[] = { 0640, 0604, 0620, 0601, 0660, 0666 };
	for (size_t i = 0; i < sizeof(open_to) / sizeof(open_to[0]); i++) {
		put("id", line, open_to[i]);
		assert_int_equal(keys_identity_load("id", &id, &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DENIED);
	}
	put("id", line, 0600);
	if (chown("id", 1234, 1234) == 0) {	/* root's test: nobody else can give a file away */
		assert_int_equal(keys_identity_load("id", &id, &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DENIED);
	}
	assert_int_equal(unlink("id"), 0);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	/* a pipe does not make it wait */
	assert_int_equal(mkfifo("id", 0600), 0);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_FAILED);
	assert_int_equal(unlink("id"), 0);
	assert_int_equal(keys_identity_load(".", &id, &err), RC_FAILED);
}

static void refuses_other_content(void **state)
{
	struct age_identity id;
	struct err err;
	char text[AGE_TEXT_MAX], line[2 * AGE_TEXT_MAX + 10];

	(void)state;
	age_identity_text(&spool, text);
	snprintf(line, sizeof(line), "%s\n%s\n", text, text);
	const char *bad[] = { "", "# nothing\n", "AGE-SECRET-KEY-1\n", "age1qqqq\n", line };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("id", bad[i], 0600);
		assert_int_equal(keys_identity_load("id", &id, &err), RC_FATAL);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(strstr(err.text, text));
		for (size_t b = 0; b < sizeof(id); b++)
			assert_int_equal(((uint8_t *)&id)[b], 0);
	}
	/* a NUL hides what stands after it */
	int fd = open("id", O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_FATAL);
	/* too long */
	fd = open("id", O_WRONLY | O_TRUNC | O_CLOEXEC);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(write(fd, "# comment\n", 10), 10);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(keys_identity_load("id", &id, &err), RC_FATAL);
	assert_int_equal(unlink("id"), 0);
}

static void wraps_and_destroys(void **state)
{
	struct age_identity import, back, stranger;
	struct err err;
	struct stat st;
	char before[600], after[600];

	(void)state;
	assert_int_equal(age_identity_new(&import, &err), RC_OK);
	assert_int_equal(age_identity_new(&stranger, &err), RC_OK);
	assert_int_equal(keys_wrap(at, "k", &import, &spool.to, &err), RC_OK);
	assert_int_equal(fstatat(at, "k", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(keys_unwrap(at, "k", &spool, &back, &err), RC_OK);
	assert_memory_equal(&back, &import, sizeof(back));
	assert_int_equal(keys_unwrap(at, "k", &stranger, &back, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	/* a key is not replaced: what it opens would be lost */
	assert_int_equal(keys_wrap(at, "k", &stranger, &spool.to, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	assert_int_equal(keys_unwrap(at, "k", &spool, &back, &err), RC_OK);
	assert_memory_equal(&back, &import, sizeof(back));

	/* destroyed: the bytes that lay on disk are others now */
	int fd = openat(at, "k", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && st.st_size < (off_t)sizeof(before));
	assert_int_equal(pread(fd, before, sizeof(before), 0), st.st_size);
	assert_int_equal(keys_destroy(at, "k", &err), RC_OK);
	assert_int_equal(pread(fd, after, sizeof(after), 0), st.st_size);
	size_t same = 0;
	for (off_t i = 0; i < st.st_size; i++)
		same += before[i] == after[i];
	assert_true(same < 20);
	close(fd);
	assert_int_equal(faccessat(at, "k", F_OK, 0), -1);
	assert_int_equal(keys_unwrap(at, "k", &spool, &back, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_int_equal(keys_destroy(at, "k", &err), RC_OK);	/* again */
}

static void unwraps_only_identities(void **state)
{
	static const struct { const char *text; size_t n; } inside[] = {
		{ "", 0 }, { "hello\n", 6 }, { "AGE-SECRET-KEY-1\0\n", 18 }
	};
	struct age_identity back;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		struct stream *raw = NULL, *s = NULL;
		int fd = openat(at, "k", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(stream_file_writer(&raw, fd, &err), RC_OK);
		assert_int_equal(age_create(&s, raw, &spool.to, &err), RC_OK);
		assert_int_equal(stream_write(s, inside[i].text, inside[i].n, &err), RC_OK);
		assert_int_equal(stream_commit(s, &err), RC_OK);
		stream_close(s);
		assert_int_equal(keys_unwrap(at, "k", &spool, &back, &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DATA);
	}
	/* a link is not followed, and is removed itself */
	assert_int_equal(unlinkat(at, "k", 0), 0);
	assert_int_equal(keys_wrap(at, "other", &spool, &spool.to, &err), RC_OK);
	assert_int_equal(symlinkat("other", at, "k"), 0);
	assert_int_equal(keys_unwrap(at, "k", &spool, &back, &err), RC_FAILED);
	assert_int_equal(keys_destroy(at, "k", &err), RC_OK);
	assert_int_equal(faccessat(at, "k", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(keys_unwrap(at, "other", &spool, &back, &err), RC_OK);
	assert_int_equal(unlinkat(at, "other", 0), 0);
}

static void a_full_disk_leaves_nothing_half(void **state)
{
	struct age_identity import, back;
	struct err err;
	struct stat st;

	(void)state;
	assert_int_equal(age_identity_new(&import, &err), RC_OK);
	int fs = tinyfs_open("full");
	assert_int_equal(keys_wrap(fs, "old", &import, &spool.to, &err), RC_OK);
	tinyfs_fill(fs);
	assert_int_equal(keys_wrap(fs, "k", &import, &spool.to, &err), RC_RETRY);
	assert_int_equal(err.sys, ENOSPC);
	assert_int_equal(fstatat(fs, "k", &st, 0), -1);
	assert_int_equal(fstatat(fs, ".k.new", &st, 0), -1);
	assert_int_equal(keys_identity_create("full/identity", &import, &err), RC_RETRY);
	assert_int_equal(fstatat(fs, "identity", &st, 0), -1);
	/* what is there can still be read, and destroyed */
	assert_int_equal(keys_unwrap(fs, "old", &spool, &back, &err), RC_OK);
	assert_int_equal(keys_destroy(fs, "old", &err), RC_OK);
	tinyfs_close(fs, "full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_and_loads),
		cmocka_unit_test(loads_only_what_is_ours),
		cmocka_unit_test(refuses_other_content),
		cmocka_unit_test(wraps_and_destroys),
		cmocka_unit_test(unwraps_only_identities),
		cmocka_unit_test(a_full_disk_leaves_nothing_half),
	};

	tinyfs_namespace();
	return cmocka_run_group_tests(tests, setup, teardown);
}
