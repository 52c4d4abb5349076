#include "fixture.h"

#include <sys/file.h>

#include "spool/fsck.h"
#include "spool/journal.h"
#include "spool/overlay.h"

struct seen { int n, repaired; char all[8192]; };

static void on_finding(const struct fsck_finding *found, void *arg)
{
	struct seen *s = arg;
	size_t len = strlen(s->all);

	s->n++;
	s->repaired += found->repaired;
	snprintf(s->all + len, sizeof(s->all) - len, "%s: %s%s\n", found->id ? found->id : "spool", found->what,
	    found->repaired ? " (repaired)" : "");
}

static int run(struct fixture *f, bool deep, bool repair, struct seen *s)
{
	int left = 0;

	*s = (struct seen){ 0 };
	OK(fsck_run(f->sp, deep, repair, on_finding, s, &left, &f->err));
	assert_int_equal(left, s->n - s->repaired);
	return left;
}

static void expect(const struct seen *s, const char *what)
{
	if (!strstr(s->all, what))
		fail_msg("no '%s' in:\n%s", what, s->all);
}

static void clean(struct fixture *f, bool deep)
{
	struct seen s;

	run(f, deep, true, &s);
	if (s.n)
		fail_msg("not clean:\n%s", s.all);
}

#define CHECK_TEXT "{\"v\":1,\"type\":\"check\",\"verdict\":\"held\",\"rules\":[]}"

static void all_stages(struct fixture *f, struct import *imp, struct item_dir **item)
{
	struct overlay_writer *w = NULL;
	struct journal *j = NULL;
	struct pieces p = { 0 };
	struct manifest *m = NULL;
	struct buf b = BUF_INIT(0);
	json_t *plan = json_object();
	char hash[65];

	OK(item_open(item, imp, 1, true, &f->err));
	OK(item_file_write(*item, ITEM_ORDER, "{\"v\":1}", 7, NULL, &f->err));
	OK(item_file_write(*item, ITEM_CHECK, CHECK_TEXT, strlen(CHECK_TEXT), NULL, &f->err));
	OK(item_file_hash(*item, ITEM_CHECK, hash, &f->err));
	OK(item_file_read(*item, ITEM_MANIFEST, &b, &f->err));
	OK(manifest_parse(b.data, b.len, &m, &f->err));
	OK(overlay_create(&w, *item, hash, plan, (int)m->nobjects, &f->err));
	for (size_t i = 0; i < m->nobjects; i++) {
		p = (struct pieces){ 0 };
		OK(pieces_new(&p, "new", 3, &f->err));
		OK(pieces_original(&p, 3, m->objects[i].bytes - 3, &f->err));
		OK(overlay_add(w, m->objects[i].n, m->objects[i].sha256, &p, &f->err));
		pieces_free(&p);
	}
	OK(overlay_commit(w, &f->err));
	OK(journal_open(&j, *item, "pacs", &f->err));
	journal_close(j);
	manifest_free(m);
	buf_free(&b);
	json_decref(plan);
}

static void whole_is_clean(void **state)
{
	for (int encrypt = 0; encrypt < 2; encrypt++) {
		struct fixture *f = fixture_new(encrypt);
		struct import *imp = new_import(f, 3, 200), *other = NULL;
		struct item_dir *item = NULL;

		(void)state;
		clean(f, true);
		all_stages(f, imp, &item);
		OK(import_history_add(imp, "check", "study/1", "held", NULL, NULL, &f->err));
		OK(import_history_add(imp, "retag", "study/1", "ok", NULL, NULL, &f->err));
		item_close(item);
		/* one that is being fetched, with all that a fetch has open */
		OK(import_create(&other, f->sp, NULL, "{}", 2, &f->err));
		clean(f, true);
		import_close(other);
		clean(f, true);		/* and one that can be resumed stays */
		assert_true(there(f, "import/%s/study/1/overlay", import_id(imp)));
		import_close(imp);
		fixture_free(f);
	}
}

static void make_old(const struct fixture *f, const char *fmt, const char *id)
{
	const struct timespec then[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char name[600], path[1000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(name, sizeof(name), fmt, id);
#pragma GCC diagnostic pop
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

/* A killed run's leftovers, one by one: told with repair off, gone with it, and then nothing more to say. */
static void leftovers(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 200), *in = NULL;
	char id[SPOOL_ID_LEN + 1], inc[SPOOL_ID_LEN + 1], h[65];
	const char *dead = "20261124T000000Z-dddddd";
	struct seen s;

	(void)state;
	snprintf(id, sizeof(id), "%s", import_id(imp));
	import_close(imp);
	OK(import_create(&in, f->sp, NULL, "{}", 2, &f->err));
	snprintf(inc, sizeof(inc), "%s", import_id(in));
	import_close(in);
	memset(h, 'a', 64);
	h[64] = '\0';
	struct { const char *path, *what; } left[] = {
		{ "import/%s/.staging-4711/0", ".staging-4711" },
		{ "import/%s/study/.2/original/00001", "study/.2" },
		{ "import/%s/.papers/document/001", ".papers" },
		{ "import/%s/.unpack", ".unpack" },
		{ "import/%s/held", "held" },
		{ "import/%s/package/.002", "package/.002" },
		{ "import/%s/study/1/.overlay", "study/1/.overlay" },
		{ "import/%s/study/1/.check", "study/1/.check" },
		{ "purge/20261101T000000Z-%.0saaaaaa/study/1/x", "purge was interrupted" },
		{ "incoming/.20261101T000000Z-%.0sbbbbbb/deadline", "was never whole" },
		{ "gone/.20261101T000000Z-%.0scccccc", "gone/.20261101T000000Z-cccccc" },
		{ "keys/20261124T000000Z-%.0sdddddd", "key outlived" },
		{ "record/20261101T000000Z-%.0seeeeee/.20261101T000000Z-001", "record/.2026" },
		{ ".VERSION%.0s", ".VERSION" },
		{ "link/.%.0saa", "link/.aa" },
	};
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		put(f, "left over", left[i].path, id);
		if (i + 1 < sizeof(left) / sizeof(left[0]))	/* the last one is young: it is waited for */
			make_old(f, left[i].path, id);
		run(f, false, false, &s);
		expect(&s, left[i].what);
		assert_true(there(f, left[i].path, id));	/* repair off: nothing is touched */
		run(f, false, true, &s);
		expect(&s, left[i].what);
		expect(&s, "(repaired)");
		assert_false(there(f, left[i].path, id));
#pragma GCC diagnostic pop
		clean(f, false);
	}
	assert_false(there(f, "keys/%s", dead));
	/* incoming: a package that `held` does not name goes, the rest stays */
	put(f, "half", "incoming/%s/package/.001", inc);
	run(f, false, true, &s);
	expect(&s, "package/.001");
	assert_true(there(f, "incoming/%s/deadline", inc));
	/* what can not be resumed goes, with its key */
	assert_true(there(f, "keys/%s", inc));
	put(f, "nonsense", "incoming/%s/deadline", inc);
	run(f, false, true, &s);
	expect(&s, "cannot be resumed");
	assert_false(there(f, "incoming/%s", inc));
	assert_false(there(f, "keys/%s", inc));
	clean(f, true);
	fixture_free(f);
}

/* What somebody is writing just now is nobody's leftover. */
static void held_by_others(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 200), *in = NULL;
	struct staging *st = NULL;
	struct item_dir *item = NULL, *next = NULL;
	struct stream *out = NULL;
	char path[900];
	int fd = -1, slot = 0;

	(void)state;
	OK(import_create(&in, f->sp, NULL, "{}", 2, &f->err));
	OK(staging_new(&st, imp, &f->err));
	OK(staging_output(st, &fd, &slot, &f->err));
	OK(item_create(&next, imp, 2, &f->err));
	OK(item_open(&item, imp, 1, true, &f->err));
	OK(item_file_create(item, ITEM_OVERLAY, &out, &f->err));
	put(f, "x", "gone/.20261101T000000Z-cccccc");
	snprintf(path, sizeof(path), "%s/gone/.20261101T000000Z-cccccc", f->dir);
	int writing = open(path, O_WRONLY | O_CLOEXEC);
	put(f, "x", "incoming/%s/package/.001", import_id(in));
	clean(f, true);
	assert_true(there(f, "import/%s/study/1/.overlay", import_id(imp)));
	assert_true(there(f, "import/%s/study/.2", import_id(imp)));
	assert_true(there(f, "gone/.20261101T000000Z-cccccc"));
	assert_true(there(f, "incoming/%s/package/.001", import_id(in)));
	close(writing);
	item_file_abort(item, ITEM_OVERLAY, out);
	close(fd);
	item_abort(next);
	item_close(item);
	staging_free(st);
	import_close(in);
	import_close(imp);
	fixture_free(f);
}

static void for_a_person(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 200);
	char id[SPOOL_ID_LEN + 1], path[1100];
	struct seen s;

	(void)state;
	snprintf(id, sizeof(id), "%s", import_id(imp));
	import_close(imp);
	struct { const char *path, *what; } wrong[] = {
		{ "import/%s/NOTES", "NOTES is not of this spool" },
		{ "import/%s/study/1/x", "study/1/x is not of this spool" },
		{ "import/%s/study/1/check", "a check without an order" },
		{ "import/%s/study/1/overlay", "an overlay without a check" },
		{ "import/%s/study/1/sent/pacs", "sent/pacs" },
		{ "import/%s/package/002", "package/002 has no claim" },
		{ "import/%s/papers/original/00001", "papers has no manifest" },
		{ "gone/%s", "its tombstone says" },
		{ "gone/%.0sx", "gone/x is not of this spool" },
		{ "%.0sREADME", "README is not of this spool" },
		{ "link/%.0sshort", "link/short is not" },
		{ "record/%s/x", "record/x is not" },
		{ "keys/%.0sx", "keys/x is not" },
		{ "incoming/%.0sx", "incoming/x is not" },
		{ "import/20261101T000000Z-%.0saaaaaa", "no directory that can be read" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char name[700];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(name, sizeof(name), wrong[i].path, id);
#pragma GCC diagnostic pop
		put(f, "x\n", "%s", name);
		if (run(f, false, true, &s) < 1)
			fail_msg("nothing said of %s", name);
		assert_true(run(f, false, true, &s) >= 1);
		expect(&s, wrong[i].what);
		assert_true(there(f, "%s", name));	/* a person decides, not we */
		snprintf(path, sizeof(path), "%s/%s", f->dir, name);
		unlink(path);
		for (char *slash = strrchr(path, '/'); strlen(path) > strlen(f->dir) + 1; slash = strrchr(path, '/')) {
			char lock[1110];
			*slash = '\0';
			if (!strchr(path + strlen(f->dir) + 1, '/'))
				break;
			snprintf(lock, sizeof(lock), "%s/lock", path);
			if (strstr(path, "papers"))
				unlink(lock);	/* fsck took it */
			if (rmdir(path))
				break;
		}
		clean(f, false);
	}
	/* missing parts */
	struct { const char *path, *what; } gone[] = {
		{ "keys/%s", "its key is gone" },
		{ "import/%s/order", "no order" },
		{ "import/%s/study/1/manifest", "no manifest" },
		{ "import/%s/deadline", "deadline cannot be read" },
	};
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		char from[2000];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, sizeof(path), gone[i].path, id);
#pragma GCC diagnostic pop
		snprintf(from, sizeof(from), "%s/%s", f->dir, path);
		snprintf(path, sizeof(path), "%s/aside", f->root);
		assert_int_equal(rename(from, path), 0);
		assert_true(run(f, false, true, &s) >= 1);
		expect(&s, gone[i].what);
		assert_int_equal(rename(path, from), 0);
		clean(f, true);
	}
	fixture_free(f);
}

static void flip(const struct fixture *f, const char *id, const char *name, off_t at)
{
	char path[900], c = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/import/%s/%s", f->dir, id, name);
	chmod(path, 0600);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	if (at < 0)
		at += lseek(fd, 0, SEEK_END);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

/* One byte, anywhere that is sealed; in a plain spool, in what has a hash. */
static void deep_finds_a_byte(void **state)
{
	static const char *const files[] = { "order", "package/001", "claim/001", "unpack", "study/1/manifest",
	    "study/1/original/00002", "study/1/order", "study/1/check", "study/1/overlay" };

	(void)state;
	for (int encrypt = 0; encrypt < 2; encrypt++) {
		struct fixture *f = fixture_new(encrypt);
		struct import *imp = new_import(f, 3, 200);
		struct item_dir *item = NULL;
		char id[SPOOL_ID_LEN + 1];
		struct seen s;

		all_stages(f, imp, &item);
		snprintf(id, sizeof(id), "%s", import_id(imp));
		item_close(item);
		run(f, true, true, &s);		/* the missing lines of history */
		clean(f, true);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			if (!encrypt && i != 5)
				continue;
			flip(f, id, files[i], encrypt ? -3 : 100);
			assert_true(run(f, true, true, &s) >= 1);
			flip(f, id, files[i], encrypt ? -3 : 100);
			clean(f, true);
		}
		import_close(imp);
		fixture_free(f);
	}
}

struct lines { int n; char last[64]; };

static int count_line(const json_t *line, void *arg, struct err *err)
{
	struct lines *l = arg;

	(void)err;
	l->n++;
	snprintf(l->last, sizeof(l->last), "%s %s", json_string_value(json_object_get(line, "stage")),
	    json_string_value(json_object_get(line, "outcome")));
	return RC_OK;
}

/* Killed between a file and its line: the item is interrupted, and afterwards what its file says. */
static void missing_lines(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 200);
	struct item_dir *item = NULL;
	struct lines l = { 0 };
	char word[32], path[900];
	struct seen s;

	(void)state;
	OK(item_open(&item, imp, 1, true, &f->err));
	OK(item_file_write(item, ITEM_ORDER, "{\"v\":1}", 7, NULL, &f->err));
	OK(item_file_write(item, ITEM_CHECK, CHECK_TEXT, strlen(CHECK_TEXT), NULL, &f->err));
	OK(item_state(item, NULL, word, &f->err));
	assert_string_equal(word, "interrupted");
	run(f, false, true, &s);
	assert_int_equal(s.n, 0);		/* locked: the stage is at work and writes its own */
	item_close(item);
	assert_int_equal(run(f, false, true, &s), 0);
	expect(&s, "the line of check for study/1 is missing (repaired)");
	OK(item_open(&item, imp, 1, false, &f->err));
	OK(item_state(item, NULL, word, &f->err));
	assert_string_equal(word, "held");
	item_close(item);
	/* all of it lost */
	snprintf(path, sizeof(path), "%s/import/%s/history", f->dir, import_id(imp));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(run(f, false, false, &s), 2);
	assert_int_equal(run(f, false, true, &s), 0);
	OK(import_history_each(imp, count_line, &l, &f->err));
	assert_int_equal(l.n, 2);		/* unpack of the import, which stands for its items; check of the item */
	assert_string_equal(l.last, "check held");
	clean(f, true);
	import_close(imp);
	/* without the identity the verdict is sealed: nothing is invented */
	assert_int_equal(unlink(path), 0);
	fixture_open(f, SPOOL_PUBLIC);
	run(f, false, true, &s);
	assert_int_equal(s.n, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_is_clean), cmocka_unit_test(leftovers), cmocka_unit_test(held_by_others),
		cmocka_unit_test(for_a_person), cmocka_unit_test(deep_finds_a_byte), cmocka_unit_test(missing_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
