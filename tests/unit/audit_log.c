/* The audit log: the chain, torn tails, a full disk and the reserve, many writers, and what verify finds. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/hash.h"
#include "base/io.h"
#include "test.h"
#include "tinyfs.h"

static char dir[] = "auditXXXXXX";
static const struct ident who = { .uid = 1001, .name = "erika", .loginuid = -1, .host = "ws7" };

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	return chdir(tmp ? tmp : "/tmp") || !mkdtemp(dir) || chdir(dir) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("..") || rmdir(dir);
}

/* A new log in a new directory of that name. */
static int make(const char *name)
{
	struct err err;

	assert_int_equal(mkdir(name, 0700), 0);
	int at = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0);
	assert_int_equal(audit_create(at, &err), RC_OK);
	return at;
}

static void drop(int at, const char *name)
{
	static const char *const files[] = { "log", "key", "reserve", "ballast" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(at, files[i], 0);
	close(at);
	assert_int_equal(rmdir(name), 0);
}

static struct audit *open_at(int at)
{
	struct audit *a = NULL;
	struct err err;

	err_clear(&err);
	if (audit_open(&a, at, &who, "Klinikum Beispiel", &err))
		fail_msg("%s", err.text);
	return a;
}

static int one(struct audit *a, const char *object, unsigned flags, struct err *err)
{
	struct act *act = NULL;
	int rc = act_begin(&act, a, "mri-purge", "purge", object, "deadline", flags, err);

	if (rc)
		assert_null(act);
	return rc ? rc : act_end(act, "ok", NULL, err);
}

static void slurp(int at, struct buf *b)
{
	struct err err;

	buf_clear(b);
	assert_int_equal(io_slurp(at, "log", b, &err), RC_OK);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void verifies(int at, uint64_t want)
{
	struct err err;
	uint64_t n = 0;

	err_clear(&err);
	if (audit_verify(at, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, want);
}

static void broken(int at, uint64_t good, const char *says)
{
	struct err err;
	uint64_t n = 0;

	assert_int_equal(audit_verify(at, &n, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	assert_int_equal(n, good);
	if (!strstr(err.text, says))
		fail_msg("'%s' is not '%s'", err.text, says);
}

/* The n-th line (from 1) of text as JSON. */
static json_t *line(const char *text, int n)
{
	json_t *j = NULL;
	struct err err;

	while (--n)
		text = strchr(text, '\n') + 1;
	assert_int_equal(json_parse(text, strcspn(text, "\n"), &j, &err), RC_OK);
	return j;
}

static void is(const json_t *j, const char *key, const char *want)
{
	const char *got = NULL;
	struct err err;

	assert_int_equal(json_get_str(j, "record", key, &got, &err), RC_OK);
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void writes_what_was_done(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct act *act = NULL;
	struct buf b = BUF_INIT(0);
	struct err err;
	json_t *numbers = json_pack("{s:i, s:i}", "objects", 312, "bytes", 5);
	char sum[HASH_HEX];
	struct stat st;

	(void)state;
	assert_int_equal(fstatat(at, "log", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(at, "key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	verifies(at, 0);
	assert_int_equal(act_begin(&act, a, "mri-send", "send", "20261124T031500Z-abc123/study/1", "treat\nment \xff",
	    AUDIT_NONE, &err), RC_OK);
	slurp(at, &b);	/* intent is there before the act */
	assert_int_equal(count(b.data, "\n"), 1);
	assert_int_equal(act_end(act, "partial", numbers, &err), RC_OK);
	slurp(at, &b);
	verifies(at, 2);

	json_t *j = line(b.data, 1), *k = line(b.data, 2);
	is(j, "event", "begin");
	is(j, "tool", "mri-send");
	is(j, "what", "send");
	is(j, "object", "20261124T031500Z-abc123/study/1");
	is(j, "why", "treat\\x0ament \\xff");
	is(j, "organisation", "Klinikum Beispiel");
	is(j, "host", "ws7");
	is(j, "prev", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(json_integer_value(json_object_get(j, "v")), 1);
	assert_int_equal(json_integer_value(json_object_get(j, "n")), 1);
	json_t *person = json_object_get(j, "who");
	is(person, "name", "erika");
	assert_int_equal(json_integer_value(json_object_get(person, "uid")), 1001);
	assert_true(json_is_null(json_object_get(person, "loginuid")));
	is(k, "event", "end");
	is(k, "outcome", "partial");
	is(k, "act", json_string_value(json_object_get(j, "act")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(k, "numbers"), "objects")), 312);
	assert_int_equal(json_integer_value(json_object_get(k, "n")), 2);
	/* the rule that sha256sum can check: the line with its newline */
	assert_int_equal(hash_hex(b.data, strcspn(b.data, "\n") + 1, sum, &err), RC_OK);
	is(k, "prev", sum);
	json_decref(j);
	json_decref(k);
	json_decref(numbers);
	audit_close(a);
	buf_free(&b);

	/* without a spool there is nothing to do */
	act = (struct act *)&err;
	assert_int_equal(act_begin(&act, NULL, "t", "w", NULL, NULL, AUDIT_NONE, &err), RC_OK);
	assert_null(act);
	assert_int_equal(act_end(act, "ok", NULL, &err), RC_OK);
	audit_close(NULL);
	drop(at, "a");
}

static void opens_only_what_is_whole(void **state)
{
	int at = make("a");
	struct audit *a = NULL;
	struct err err;

	(void)state;
	assert_int_equal(fchmodat(at, "key", 0640, 0), 0);
	assert_int_equal(audit_open(&a, at, &who, "K", &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(fchmodat(at, "key", 0600, 0), 0);
	int fd = openat(at, "key", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 3), 1);
	close(fd);
	assert_int_equal(audit_open(&a, at, &who, "K", &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	/* made where it is missing, left where it is there */
	assert_int_equal(unlinkat(at, "key", 0), 0);
	assert_int_equal(audit_open(&a, at, &who, "K", &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_int_equal(audit_create(at, &err), RC_OK);
	a = open_at(at);
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	assert_int_equal(audit_create(at, &err), RC_OK);
	verifies(at, 2);
	/* a log that is gone is not quietly begun anew */
	assert_int_equal(unlinkat(at, "log", 0), 0);
	assert_int_equal(one(a, "x", 0, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	audit_close(a);
	assert_int_equal(audit_open(&a, at, &who, "K", &err), RC_FAILED);
	assert_null(a);
	drop(at, "a");
}

static void long_texts_are_cut(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct buf b = BUF_INIT(0);
	struct err err;
	struct act *act = NULL;
	char *text = malloc(100001);
	json_t *many = json_object();

	(void)state;
	assert_non_null(text);
	memset(text, 1, 100000);	/* each becomes four bytes, and in JSON five */
	text[100000] = '\0';
	for (int i = 0; i < 1000; i++) {
		char key[20];
		snprintf(key, sizeof(key), "number %d", i);
		json_object_set_new(many, key, json_integer(i));
	}
	assert_int_equal(act_begin(&act, a, text, text, text, text, AUDIT_NONE, &err), RC_OK);
	assert_int_equal(act_end(act, "ok", many, &err), RC_OK);
	verifies(at, 2);
	slurp(at, &b);
	assert_true(b.len < 8000);
	assert_int_equal(one(a, "next", 0, &err), RC_OK);
	verifies(at, 4);
	json_decref(many);
	free(text);
	buf_free(&b);
	audit_close(a);
	drop(at, "a");
}

/* At every length at which the writing of a record can have ended. */
static void a_torn_tail_is_cut_and_noted(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct buf b = BUF_INIT(0), whole = BUF_INIT(0);
	struct err err;
	char sum[HASH_HEX];

	(void)state;
	assert_int_equal(one(a, "first", 0, &err), RC_OK);
	slurp(at, &whole);
	size_t first = strcspn(whole.data, "\n") + 1, step = 1;
	for (size_t n = 0; n <= whole.len; n += step) {
		int fd = openat(at, "log", O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(write(fd, whole.data, n), (ssize_t)n);
		close(fd);
		bool torn = n != 0 && n != first && n != whole.len;
		uint64_t kept = n >= whole.len ? 2 : n >= first ? 1 : 0;
		if (torn)
			broken(at, kept, "torn");
		assert_int_equal(one(a, "next", 0, &err), RC_OK);
		verifies(at, kept + 2 + torn);
		slurp(at, &b);
		assert_int_equal(count(b.data, "\"event\":\"cut\""), torn);
		if (torn) {
			json_t *j = line(b.data, (int)kept + 1), *numbers = json_object_get(j, "numbers");
			size_t from = kept ? first : 0;
			is(j, "event", "cut");
			assert_int_equal(json_integer_value(json_object_get(numbers, "bytes")), n - from);
			assert_int_equal(hash_hex(whole.data + from, n - from, sum, &err), RC_OK);
			is(numbers, "sha256", sum);
			json_decref(j);
		}
		step = n > first - 3 && n < first + 3 ? 1 : n > whole.len - 4 ? 1 : 11;
	}
	/* what is no record of ours is not cut away */
	int fd = openat(at, "log", O_WRONLY | O_TRUNC | O_CLOEXEC);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(write(fd, "0123456789", 10), 10);
	close(fd);
	assert_int_equal(one(a, "next", 0, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_IO);
	slurp(at, &b);
	assert_int_equal(b.len, 50000);
	fd = openat(at, "log", O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "{}\n", 3), 3);
	close(fd);
	assert_int_equal(one(a, "next", 0, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_IO);
	buf_free(&b);
	buf_free(&whole);
	audit_close(a);
	drop(at, "a");
}

static void finds_every_change(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct buf b = BUF_INIT(0);
	struct err err;
	uint64_t n = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(one(a, "x", 0, &err), RC_OK);
	verifies(at, 8);
	slurp(at, &b);
	int fd = openat(at, "log", O_RDWR | O_CLOEXEC);
	size_t last = (size_t)((char *)memrchr(b.data, '\n', b.len - 1) + 1 - b.data);
	/* any byte of any line but the last (which a checkpoint covers) */
	for (size_t i = 0; i < last; i++) {
		char c = (char)(b.data[i] ^ 1);
		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		if (audit_verify(at, &n, &err) == RC_OK)
			fail_msg("byte %zu", i);
		assert_int_equal(err.kind, ERR_DATA);
		assert_int_equal(pwrite(fd, b.data + i, 1, (off_t)i), 1);
	}
	verifies(at, 8);
	/* another version of the format */
	assert_int_equal(pwrite(fd, "{\"v\":2", 6, (off_t)last), 6);
	broken(at, 7, "version");
	assert_int_equal(pwrite(fd, b.data, b.len, 0), (ssize_t)b.len);
	/* a line removed, put in twice, two in turn */
	size_t one_len = strcspn(b.data, "\n") + 1, two_len = strcspn(b.data + one_len, "\n") + 1;
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, b.data + one_len, b.len - one_len, 0), (ssize_t)(b.len - one_len));
	broken(at, 0, "line 1: the record says number 2");
	assert_int_equal(pwrite(fd, b.data, one_len, 0), (ssize_t)one_len);
	assert_int_equal(pwrite(fd, b.data, b.len, (off_t)one_len), (ssize_t)b.len);
	broken(at, 1, "line 2: the record says number 1");
	assert_int_equal(pwrite(fd, b.data, b.len, 0), (ssize_t)b.len);
	assert_int_equal(pwrite(fd, b.data + one_len, two_len, 0), (ssize_t)two_len);
	assert_int_equal(pwrite(fd, b.data, one_len, (off_t)two_len), (ssize_t)one_len);
	broken(at, 0, "line 1");
	/* a line without end */
	assert_int_equal(ftruncate(fd, 0), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(pwrite(fd, b.data, 1000, (off_t)i * 1000), 1000);
	for (off_t i = 0; i < 40000; i++)
		assert_int_equal(pwrite(fd, "x", 1, i), 1);
	broken(at, 0, "line 1: a line is longer");
	close(fd);
	buf_free(&b);
	audit_close(a);
	drop(at, "a");
}

static void many_write_side_by_side(void **state)
{
	enum { WRITERS = 5, ACTS = 25 };
	int at = make("a");
	struct audit *a = open_at(at);	/* one that all share, as after a fork */
	pid_t pid[WRITERS];
	struct buf b = BUF_INIT(0);

	(void)state;
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = fork();
		if (pid[w] == 0) {
			struct err err;
			for (int i = 0; i < ACTS; i++)
				if (one(a, "x", 0, &err))
					_exit(1);
			_exit(0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;
		assert_int_equal(waitpid(pid[w], &status, 0), pid[w]);
		assert_int_equal(status, 0);
	}
	verifies(at, 2 * WRITERS * ACTS);
	buf_free(&b);
	audit_close(a);
	drop(at, "a");
}

/* Killed at any moment: the chain holds, at most a torn tail. */
static void survives_kills(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct err err;
	uint64_t n = 0;

	(void)state;
	for (int i = 0; i < 25; i++) {
		int fd[2];
		char c;
		assert_int_equal(pipe(fd), 0);
		pid_t p = fork();
		if (p == 0) {
			for (;;)
				if (one(a, "x", 0, &err) || write(fd[1], ".", 1) != 1)
					_exit(1);
		}
		for (int j = 0; j <= i % 5; j++)
			assert_int_equal(read(fd[0], &c, 1), 1);
		kill(p, SIGKILL);
		assert_int_equal(waitpid(p, NULL, 0), p);
		close(fd[0]);
		close(fd[1]);
		assert_int_equal(one(a, "after", 0, &err), RC_OK);
		assert_int_equal(audit_verify(at, &n, &err), RC_OK);
	}
	assert_true(n >= 25 * 4);
	audit_close(a);
	drop(at, "a");
}

static void gives_up_on_a_held_lock(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct err err;

	(void)state;
	int fd = openat(at, "log", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(one(a, "x", AUDIT_RESERVE, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_non_null(strstr(err.text, "holds"));
	close(fd);
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	audit_close(a);
	drop(at, "a");
}

static void on_a_full_disk_purge_is_still_recorded(void **state)
{
	int at = tinyfs_open("full");
	struct audit *a = NULL;
	struct act *act = NULL, *second = NULL;
	struct stat st;
	struct err err;
	struct buf b = BUF_INIT(0);
	uint64_t n = 0;

	(void)state;
	assert_int_equal(audit_create(at, &err), RC_OK);
	a = open_at(at);
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	assert_int_equal(fstatat(at, "reserve", &st, 0), 0);
	assert_int_equal(st.st_size, 65536);
	assert_true(st.st_blocks * 512 >= 65536);	/* blocks, not a hole */
	tinyfs_fill(at);
	/* until the last page of the log is full */
	int rc = RC_OK;
	for (n = 2; !rc; n += rc ? 0 : 2) {
		slurp(at, &b);
		rc = one(a, "x", 0, &err);
		assert_true(n < 100);
	}
	assert_int_equal(rc, RC_RETRY);
	assert_int_equal(err.sys, ENOSPC);
	/* nothing half: as many whole records as were promised (the act whose outcome was refused may have its begin) */
	assert_int_equal(audit_verify(at, &n, &err), RC_OK);
	struct buf now = BUF_INIT(0);
	slurp(at, &now);
	assert_int_equal(now.data[now.len - 1], '\n');
	assert_int_equal(fstatat(at, "reserve", &st, 0), 0);	/* kept for purge */
	rc = act_begin(&act, a, "mri-send", "send", "x", "a longer reason so that this one needs the next page",
	    AUDIT_NONE, &err);
	assert_int_equal(rc, RC_RETRY);

	/* purge: many, begin and end, on a disk where everything else fails */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(act_begin(&act, a, "mri-purge", "purge", "x", "deadline", AUDIT_RESERVE, &err), RC_OK);
		assert_int_equal(act_begin(&second, a, "mri-purge", "purge", "y", "deadline", AUDIT_RESERVE, &err), RC_OK);
		assert_int_equal(act_end(act, "ok", NULL, &err), RC_OK);
		assert_int_equal(act_end(second, "ok", NULL, &err), RC_OK);
		n += 4;
	}
	verifies(at, n);
	assert_int_equal(fstatat(at, "reserve", &st, 0), -1);
	/* when there is room again the reserve is made again */
	assert_int_equal(unlinkat(at, "ballast", 0), 0);
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	assert_int_equal(fstatat(at, "reserve", &st, 0), 0);
	assert_int_equal(st.st_size, 65536);
	verifies(at, n + 2);
	buf_free(&b);
	buf_free(&now);
	audit_close(a);
	tinyfs_close(at, "full");
}

/* RLIMIT_FSIZE makes write(2) stop in the middle of a record, as a full disk does on others than tmpfs. */
static void a_short_write_leaves_nothing_half(void **state)
{
	int at = make("a");
	struct audit *a = open_at(at);
	struct rlimit old, small;
	struct err err;
	struct buf b = BUF_INIT(0), after = BUF_INIT(0);

	(void)state;
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	slurp(at, &b);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = b.len + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int rc = one(a, "x", 0, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, RC_FAILED);
	assert_int_equal(err.sys, EFBIG);
	slurp(at, &after);
	assert_int_equal(after.len, b.len);
	assert_int_equal(one(a, "x", 0, &err), RC_OK);
	verifies(at, 4);
	buf_free(&b);
	buf_free(&after);
	audit_close(a);
	drop(at, "a");
}

static void pseudonyms(void **state)
{
	int at = make("a"), other = make("b");
	struct audit *a = open_at(at), *again = open_at(at), *b = open_at(other);
	char one_[65], two[65];
	struct err err;

	(void)state;
	assert_int_equal(audit_pseudonym(a, "patient", "4711", one_, &err), RC_OK);
	assert_int_equal(strlen(one_), 64);
	assert_int_equal(audit_pseudonym(again, "patient", "4711", two, &err), RC_OK);
	assert_string_equal(one_, two);
	assert_int_equal(audit_pseudonym(a, "study", "4711", two, &err), RC_OK);
	assert_string_not_equal(one_, two);
	assert_int_equal(audit_pseudonym(a, "patient4", "711", two, &err), RC_OK);
	assert_string_not_equal(one_, two);
	assert_int_equal(audit_pseudonym(b, "patient", "4711", two, &err), RC_OK);
	assert_string_not_equal(one_, two);
	audit_close(a);
	audit_close(again);
	audit_close(b);
	drop(at, "a");
	drop(other, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_was_done),
		cmocka_unit_test(opens_only_what_is_whole),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(a_torn_tail_is_cut_and_noted),
		cmocka_unit_test(finds_every_change),
		cmocka_unit_test(many_write_side_by_side),
		cmocka_unit_test(survives_kills),
		cmocka_unit_test(gives_up_on_a_held_lock),
		cmocka_unit_test(on_a_full_disk_purge_is_still_recorded),
		cmocka_unit_test(a_short_write_leaves_nothing_half),
		cmocka_unit_test(pseudonyms),
	};

	tinyfs_namespace();
	return cmocka_run_group_tests(tests, setup, teardown);
}
