#include "fixture.h"

#include <glob.h>
#include <sys/file.h>

#include "spool/purge.h"

#define H 3600

struct ids { char v[16][SPOOL_ID_LEN + 1]; int n; };

static int collect(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct ids *ids = arg;

	(void)where;
	(void)err;
	assert_true(ids->n < 16);
	snprintf(ids->v[ids->n++], SPOOL_ID_LEN + 1, "%s", id);
	return RC_OK;
}

static void slurp(const struct fixture *f, struct buf *b, const char *fmt, const char *id)
{
	char path[900];
	struct err err;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), fmt, f->dir, id);
#pragma GCC diagnostic pop
	buf_clear(b);
	assert_int_equal(io_slurp(AT_FDCWD, path, b, &err), RC_OK);
}

/* Nothing of the import is anywhere under the spool but what may outlive it. */
static void only_tombstone(const struct fixture *f, const char *id)
{
	assert_false(there(f, "import/%s", id));
	assert_false(there(f, "incoming/%s", id));
	assert_false(there(f, "purge/%s", id));
	assert_false(there(f, "keys/%s", id));
	assert_true(there(f, "gone/%s", id));
}

static void what_is_due(void **state)
{
	struct fixture *f = fixture_new(false);
	struct ids ids = { .n = 0 };
	char id[SPOOL_ID_LEN + 1], at[TIME_TEXT_MAX], when[TIME_TEXT_MAX], text[200];
	time_t now = time_now();

	(void)state;
	old_import(f, "import", 167 * H, "aaaaaa");
	old_import(f, "import", 169 * H, "bbbbbb");
	old_import(f, "incoming", 170 * H, "cccccc");
	old_import(f, "incoming", 1 * H, "dddddd");
	/* received under a shorter setting: its deadline counts */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 2 * H, "eeeeee"));
	snprintf(text, sizeof(text), "received=%s\npurge_at=%s\nref=\n", time_iso(now - 2 * H, when), time_iso(now - H, at));
	put(f, text, "import/%s/deadline", id);
	/* a deadline that was put off: the id counts */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 200 * H, "ffffff"));
	snprintf(text, sizeof(text), "received=%s\npurge_at=%s\nref=\n", time_iso(now, when), time_iso(now + 99 * H, at));
	put(f, text, "import/%s/deadline", id);
	put(f, "not ours", "import/README");
	OK(purge_due(f->sp, now, collect, &ids, &f->err));
	assert_int_equal(ids.n, 4);
	assert_string_equal(ids.v[0] + 17, "ffffff");
	assert_string_equal(ids.v[1] + 17, "cccccc");
	assert_string_equal(ids.v[2] + 17, "bbbbbb");
	assert_string_equal(ids.v[3] + 17, "eeeeee");
	/* a deadline that cannot be read: the id counts, in both directions */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 171 * H, "zzzzzz"));
	put(f, "garbage", "import/%s/deadline", id);
	put(f, "garbage", "import/%s/deadline", old_import(f, "import", 3 * H, "yyyyyy"));
	ids.n = 0;
	OK(purge_due(f->sp, now, collect, &ids, &f->err));
	assert_int_equal(ids.n, 5);
	assert_string_equal(ids.v[1] + 17, "zzzzzz");
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	for (int i = 0; i < ids.n; i++)
		assert_string_not_equal(ids.v[i] + 17, "yyyyyy");
	ids.n = 0;
	OK(purge_due(f->sp, now + 2 * H, collect, &ids, &f->err));
	assert_int_equal(ids.n, 5);
	/* to the second: not a moment before */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 168 * H - 100, "gggggg"));
	ids.n = 0;
	OK(purge_due(f->sp, now + 99, collect, &ids, &f->err));
	assert_int_equal(ids.n, 4);
	ids.n = 0;
	OK(purge_due(f->sp, now + 101, collect, &ids, &f->err));
	assert_int_equal(ids.n, 5);
	/* a shorter setting made later counts for what is there */
	f->set.retention = 30 * 60;
	fixture_open(f, SPOOL_PUBLIC);
	ids.n = 0;
	OK(purge_due(f->sp, now, collect, &ids, &f->err));
	assert_int_equal(ids.n, 8);
	fixture_free(f);
}

static int hold(const struct fixture *f, const char *fmt, const char *id)
{
	char path[900];
	int fd;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), fmt, f->dir, id);
#pragma GCC diagnostic pop
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static void due_takes_no_lock(void **state)
{
	static const char *const locks[] = { "%s/import/%s/lock", "%s/import/%s/study/1/lock", "%s/import/%s/package" };
	struct fixture *f = fixture_new(false);
	struct purge_result r = { 0 };
	struct buf b = BUF_INIT(0);
	char id[SPOOL_ID_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		snprintf(id, sizeof(id), "%s", old_import(f, "import", (169 + (int)i) * H, "aaaaaa"));
		int fd = hold(f, locks[i], id);
		/* before its time the lock counts, and nothing has changed */
		assert_int_equal(purge_import(f->sp, id, "now", NULL, false, &r, &f->err), RC_RETRY);
		assert_int_equal(f->err.kind, ERR_TEMP);
		assert_true(there(f, "import/%s/study/1/original/00001", id));
		assert_true(there(f, "keys/%s", id));
		assert_false(there(f, "gone/%s", id));
		OK(purge_import(f->sp, id, "deadline", NULL, true, &r, &f->err));
		close(fd);
		only_tombstone(f, id);
		assert_true(r.files >= 6);
		assert_true(r.bytes >= 12);
		slurp(f, &b, "%s/gone/%s", id);
		assert_non_null(strstr(b.data, "Z deadline\n"));
	}
	snprintf(id, sizeof(id), "%s", old_import(f, "import", H, "bbbbbb"));
	OK(purge_import(f->sp, id, "now", "by\norder", false, &r, &f->err));
	only_tombstone(f, id);
	slurp(f, &b, "%s/gone/%s", id);
	assert_non_null(strstr(b.data, "Z now by\\x0aorder\n"));
	assert_int_equal(purge_import(f->sp, id, "now", NULL, false, &r, &f->err), RC_FAILED);
	assert_int_equal(f->err.kind, ERR_NOINPUT);
	buf_free(&b);
	fixture_free(f);
}

/* What a stage has open moves away under it: its publishing says so. */
static void under_a_stage(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 50);
	struct item_dir *item = NULL;
	char id[SPOOL_ID_LEN + 1];

	(void)state;
	snprintf(id, sizeof(id), "%s", import_id(imp));
	OK(item_open(&item, imp, 1, true, &f->err));
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	assert_int_not_equal(import_present(imp, &f->err), RC_OK);
	assert_int_equal(f->err.kind, ERR_REFUSED);
	assert_int_not_equal(item_file_write(item, ITEM_CHECK, "x", 1, NULL, &f->err), RC_OK);
	assert_int_equal(f->err.kind, ERR_REFUSED);
	only_tombstone(f, id);
	item_close(item);
	import_close(imp);
	fixture_free(f);
}

static void damaged(void **state)
{
	struct fixture *f = fixture_new(false);
	char id[SPOOL_ID_LEN + 1], path[900], target[400];

	(void)state;
	/* a file where the import should be */
	snprintf(id, sizeof(id), "%s", "20200101T000000Z-aaaaaa");
	put(f, "x", "import/%s", id);
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	only_tombstone(f, id);
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 170 * H, "bbbbbb"));
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	/* directories that may not be read, written or entered; a link that points out; a directory for a lock */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 169 * H, "cccccc"));
	put(f, "x", "import/%s/study/2/lock/x", id);
	snprintf(target, sizeof(target), "%s/outside", f->root);
	assert_int_equal(mkdir(target, 0700), 0);
	snprintf(path, sizeof(path), "%s/import/%s/study/3", f->dir, id);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/import/%s/study/1/original", f->dir, id);
	assert_int_equal(chmod(path, 0), 0);
	snprintf(path, sizeof(path), "%s/import/%s/study", f->dir, id);
	assert_int_equal(chmod(path, 0500), 0);
	snprintf(path, sizeof(path), "%s/import/%s", f->dir, id);
	assert_int_equal(chmod(path, 0), 0);
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	only_tombstone(f, id);
	assert_int_equal(access(target, F_OK), 0);
	/* the same early: damage holds no lock */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 1 * H, "dddddd"));
	put(f, "x", "import/%s/study/2/lock/x", id);
	OK(purge_import(f->sp, id, "now", NULL, false, NULL, &f->err));
	only_tombstone(f, id);
	/* a leftover has the name already */
	snprintf(id, sizeof(id), "%s", old_import(f, "import", 169 * H, "eeeeee"));
	put(f, "old", "purge/%s/x", id);
	OK(purge_import(f->sp, id, "deadline", NULL, true, NULL, &f->err));
	only_tombstone(f, id);
	assert_int_not_equal(purge_import(f->sp, "../../etc", "now", NULL, true, NULL, &f->err), RC_OK);
	fixture_free(f);
}

struct done { int good, bad; char last[SPOOL_ID_LEN + 8]; };

static void on_done(const char *id, const struct purge_result *r, const struct err *err, void *arg)
{
	struct done *d = arg;

	(void)r;
	if (err)
		d->bad++;
	else
		d->good++;
	snprintf(d->last, sizeof(d->last), "%s", id);
}

/* One that fails (deeper than what is ours) does not stop the others; its key is gone all the same. */
static void bad_among_good(void **state)
{
	struct fixture *f = fixture_new(false);
	struct done d = { 0 };
	char bad[SPOOL_ID_LEN + 1], good[SPOOL_ID_LEN + 1], deep[200] = "";

	(void)state;
	for (int i = 0; i < 30; i++)
		memcpy(deep + 2 * i, "d/", 3);
	snprintf(bad, sizeof(bad), "%s", old_import(f, "import", 200 * H, "aaaaaa"));
	put(f, "x", "import/%s/%sx", bad, deep);
	snprintf(good, sizeof(good), "%s", old_import(f, "import", 190 * H, "bbbbbb"));
	assert_int_not_equal(purge_import(f->sp, bad, "deadline", NULL, true, NULL, &f->err), RC_OK);
	assert_false(there(f, "import/%s", bad));
	assert_false(there(f, "keys/%s", bad));
	assert_false(there(f, "purge/%s/study", bad));
	assert_true(there(f, "gone/%s", bad));
	OK(purge_import(f->sp, good, "deadline", NULL, true, NULL, &f->err));
	only_tombstone(f, good);
	/* and leftovers: the bad one is left, the others go */
	put(f, "x", "purge/%s/study/1/original/00001", "20200101T000000Z-zzzzzz");
	put(f, "x", "purge/%s", ".stray");
	assert_int_not_equal(purge_resume(f->sp, on_done, &d, &f->err), RC_OK);
	assert_int_equal(d.good, 2);
	assert_int_equal(d.bad, 1);
	assert_true(there(f, "purge/%s", bad));
	only_tombstone(f, "20200101T000000Z-zzzzzz");
	fixture_free(f);
}

/* Killed between any two steps: what is left is finished by the next one, and the first tombstone stays. */
static void killed(void **state)
{
	struct fixture *f = fixture_new(false);
	struct done d = { 0 };
	struct buf b = BUF_INIT(0);
	const char *id = "20200101T000000Z-aaaaaa";

	(void)state;
	for (int step = 0; step < 4; step++) {
		put(f, "x", "purge/%s/study/1/original/00001", id);
		if (step < 1)
			put(f, "wrapped", "keys/%s", id);
		if (step == 2)
			put(f, "2020-01-08T00:00:00Z deadline\n", "gone/%s", id);
		d = (struct done){ 0 };
		OK(purge_resume(f->sp, on_done, &d, &f->err));
		assert_int_equal(d.good, 1);
		only_tombstone(f, id);
		if (step == 2) {
			slurp(f, &b, "%s/gone/%s", id);
			assert_string_equal(b.data, "2020-01-08T00:00:00Z deadline\n");
		}
		char path[900];
		snprintf(path, sizeof(path), "%s/gone/%s", f->dir, id);
		unlink(path);
	}
	buf_free(&b);
	fixture_free(f);
}

static void periods(void **state)
{
	struct fixture *f = fixture_new(false);
	char line[200], when[TIME_TEXT_MAX], early[TIME_TEXT_MAX], late[TIME_TEXT_MAX];
	char h1[65], h2[65];
	time_t now = time_now();
	int n = 0, fd = -1;

	(void)state;
	memset(h1, 'a', 64);
	memset(h2, 'b', 64);
	h1[64] = h2[64] = '\0';
	snprintf(line, sizeof(line), "%s deadline\n", time_iso(now - 401 * 24 * H, when));
	put(f, line, "gone/20200101T000000Z-aaaaaa");
	snprintf(line, sizeof(line), "%s deadline\n", time_iso(now - 399 * 24 * H, when));
	put(f, line, "gone/20200101T000000Z-bbbbbb");
	/* a link's last line counts, not its first */
	snprintf(line, sizeof(line), "mri-link 1\n%s import - done\n", time_iso(now - 31 * 24 * H, when));
	put(f, line, "link/%s", h1);
	snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s import - done\n", time_iso(now - 29 * 24 * H, when));
	put(f, line, "link/%s", h2);
	put(f, "x", "record/20200101T000000Z-aaaaaa/%s-001", time_compact(now - 91 * 24 * H, early));
	put(f, "x", "record/20200101T000000Z-bbbbbb/%s-001", early);
	put(f, "x", "record/20200101T000000Z-bbbbbb/%s-001", time_compact(now - 89 * 24 * H, late));
	OK(purge_periods(f->sp, now, &n, &f->err));
	assert_int_equal(n, 4);
	assert_false(there(f, "gone/20200101T000000Z-aaaaaa"));
	assert_true(there(f, "gone/20200101T000000Z-bbbbbb"));
	assert_false(there(f, "link/%s", h1));
	assert_true(there(f, "link/%s", h2));
	assert_false(there(f, "record/20200101T000000Z-aaaaaa"));
	assert_true(there(f, "record/20200101T000000Z-bbbbbb/%s-001", late));
	assert_false(there(f, "record/20200101T000000Z-bbbbbb/%s-001", early));
	/* a memory that is in use stays */
	fd = hold(f, "%s/link/%s", h2);
	OK(purge_periods(f->sp, now + 40 * 24 * H, &n, &f->err));
	assert_true(there(f, "link/%s", h2));
	close(fd);
	OK(purge_periods(f->sp, now + 40 * 24 * H, &n, &f->err));
	assert_false(there(f, "link/%s", h2));
	/* none kept */
	f->set.gone_period = -1;
	fixture_open(f, SPOOL_PUBLIC);
	OK(purge_periods(f->sp, now, &n, &f->err));
	assert_false(there(f, "gone/20200101T000000Z-bbbbbb"));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_due), cmocka_unit_test(due_takes_no_lock), cmocka_unit_test(under_a_stage),
		cmocka_unit_test(damaged), cmocka_unit_test(bad_among_good), cmocka_unit_test(killed),
		cmocka_unit_test(periods),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
