/* The spool as a whole: init, open, clock, paths. */
#include <signal.h>
#include <sys/mount.h>
#include "spoolkit.h"

static void init_and_open(void **state)
{
	(void)state;
	struct err err = { 0 };
	struct stat st;
	struct kit *k = kit_new(true);
	struct buf b = BUF_INIT(0);

	assert_string_equal(spool_path(k->sp), k->spool);
	assert_string_equal(spool_organisation(k->sp), "Klinikum Beispiel");
	assert_true(spool_encrypts(k->sp));
	assert_int_equal(spool_settings(k->sp)->retention, SPOOL_RETENTION_MAX);
	assert_int_equal(stat(k->spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(k->identity, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	good(file_read(k->sp->fd, "VERSION", &b, &err), &err);
	assert_true(text_starts(b.data, "mri-spool 1\norganisation=Klinikum Beispiel\nrecipient=age1"));
	assert_non_null(strstr(b.data, "\nencrypt=yes\n"));
	/* not twice */
	assert_int_not_equal(spool_init(k->spool, "Klinikum Beispiel", &k->set, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	/* nor over what is not a spool */
	char other[400];
	snprintf(other, sizeof(other), "%s/other", k->dir);
	assert_int_equal(mkdir(other, 0700), 0);
	put(other, "thesis", "x");
	assert_int_not_equal(spool_init(other, "Klinikum Beispiel", &k->set, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	assert_int_not_equal(spool_init(k->dir, "two\nlines", &k->set, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	buf_free(&b);
	kit_free(k);
}

static void refused(struct kit *k, enum err_kind kind)
{
	struct spool *sp = NULL;
	struct err err = { 0 };
	assert_int_not_equal(spool_open(&sp, k->spool, SPOOL_SECRET, &k->set, &err), RC_OK);
	assert_int_equal(err.kind, kind);
	assert_null(sp);
}

static void open_refuses(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct spool *sp = NULL;
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	char path[400];

	assert_int_equal(chmod(k->spool, 0750), 0);
	refused(k, ERR_DENIED);
	assert_int_equal(chmod(k->spool, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(k->spool, 12345, (gid_t)-1), 0);
		refused(k, ERR_DENIED);
		assert_int_equal(chown(k->spool, 0, (gid_t)-1), 0);
	}
	/* identity: absent, another one; without need of it, it opens */
	k->set.identity = NULL;
	refused(k, ERR_DENIED);
	good(spool_open(&sp, k->spool, SPOOL_PUBLIC, &k->set, &err), &err);
	spool_close(sp);
	snprintf(path, sizeof(path), "%s/second", k->dir);
	struct spool_settings set = k->set;
	set.encrypt = true;
	set.identity = path;
	char spool2[400];
	snprintf(spool2, sizeof(spool2), "%s/spool2", k->dir);
	good(spool_init(spool2, "Second", &set, &err), &err);
	k->set.identity = path;
	refused(k, ERR_DENIED);
	k->set.identity = k->identity;
	/* VERSION */
	good(file_read(k->sp->fd, "VERSION", &b, &err), &err);
	static const char *const bad[] = {
		"mri-spool 2\norganisation=x\nencrypt=no\n", "", "mri-spool 1\n", "mri-spool 1\norganisation=x\nencrypt=yes\n",
		"mri-spool 1\norganisation=x\nencrypt=no\nnew=1\n", "mri-spool 1\norganisation=x\norganisation=y\nencrypt=no\n",
		"mri-spool 1\norganisation=x\nencrypt=maybe\n", "mri-spool 1\norganisation=x\nrecipient=age1x\nencrypt=yes\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(k->spool, "VERSION", bad[i]);
		refused(k, ERR_CONFIG);
	}
	put(k->spool, "VERSION", b.data);
	/* a key of the keyed hashes that is damaged or lost: the spool opens, so that purge goes on */
	char hash[HASH_HEX];
	put(k->spool, "keys/mac", "short\n");
	good(spool_open(&sp, k->spool, SPOOL_PUBLIC, &k->set, &err), &err);
	assert_int_not_equal(spool_keyed_hash(sp, "link", "x", 1, hash, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	snprintf(path, sizeof(path), "%s/keys/mac", k->spool);
	assert_int_equal(unlink(path), 0);
	assert_int_not_equal(spool_keyed_hash(sp, "link", "x", 1, hash, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	spool_close(sp);
	sp = NULL;
	/* no spool at all */
	snprintf(path, sizeof(path), "%s/absent", k->dir);
	assert_int_not_equal(spool_open(&sp, path, SPOOL_PUBLIC, &k->set, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_int_not_equal(spool_open(&sp, k->dir, SPOOL_PUBLIC, &k->set, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	buf_free(&b);
	kit_free(k);
}

static void one_file_system(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	char sub[400];
	snprintf(sub, sizeof(sub), "%s/import", k->spool);
	assert_int_equal(geteuid(), 0);	/* tests run as root: this one mounts */
	assert_int_equal(mount("none", sub, "tmpfs", 0, "size=1m"), 0);
	refused(k, ERR_CONFIG);
	assert_int_equal(umount(sub), 0);
	kit_free(k);
}

static void plain_spool(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	assert_false(spool_encrypts(k->sp));
	assert_false(there(k->dir, "identity"));
	struct import *imp = kit_import(k, "SECRET-CANARY");
	assert_null(import_recipient(imp));
	assert_true(tree_of(k->spool, "SECRET-CANARY").found);
	char key[128];
	snprintf(key, sizeof(key), "keys/%s", import_id(imp));
	assert_false(there(k->spool, key));
	import_close(imp);
	kit_free(k);
}

static void keyed_hashes(void **state)
{
	(void)state;
	struct kit *k = kit_new(false), *other = kit_new(false);
	struct err err = { 0 };
	char a[65], b[65], c[65], d[65], e[65];
	good(spool_keyed_hash(k->sp, "link", "text", 4, a, &err), &err);
	good(spool_keyed_hash(k->sp, "link", "text", 4, b, &err), &err);
	good(spool_keyed_hash(k->sp, "offer", "text", 4, c, &err), &err);
	good(spool_keyed_hash(other->sp, "link", "text", 4, d, &err), &err);
	good(spool_keyed_hash(k->sp, "lin", "ktext", 5, e, &err), &err);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(a, d);
	assert_string_not_equal(a, e);
	kit_free(k);
	kit_free(other);
}

static void clock_file(struct kit *k, long high, long wall, long ahead)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], c[TIME_TEXT_MAX], text[200];
	time_t t = time_now();
	int n = snprintf(text, sizeof(text), "high=%s\nwall=%s\n", time_iso(t + high, a), time_iso(t + wall, b));
	if (ahead != 0)
		snprintf(text + n, sizeof(text) - (size_t)n, "ahead=%s\n", time_iso(t + ahead, c));
	put(k->spool, "clock", text);
}

/* What spool_clock says of a machine that is `expect` seconds off (± 2), and whether it alarms. */
static void clock_says(struct kit *k, long expect, bool alarm)
{
	struct err err = { 0 };
	time_t now = 0;
	int rc = spool_clock(k->sp, &now, &err);
	assert_int_equal(rc != RC_OK, alarm);
	if (alarm)
		assert_int_equal(err.kind, ERR_CONFIG);
	long off = (long)(now - time_now()) - expect;
	assert_true(off >= -2 && off <= 2);
}

static void one_clock(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	const long day = 86400, hour = 3600;

	clock_says(k, 0, false);		/* never seen */
	assert_true(there(k->spool, "clock"));
	clock_file(k, -day + 60, -day + 60, 0);	/* idle for nearly a day */
	clock_says(k, 0, false);
	clock_file(k, 30, 30, 0);		/* a step back by NTP: no alarm, not backwards */
	clock_says(k, 30, false);
	clock_file(k, 10 * day, 10 * day, 0);	/* the clock fell back ten days */
	clock_says(k, 10 * day, true);
	clock_says(k, 10 * day, true);
	clock_file(k, 10 * day, -hour, 0);	/* an hour after that: it went on by an hour */
	clock_says(k, 10 * day + hour, true);
	clock_file(k, -3 * day, -3 * day, 0);	/* three days ahead: not believed at once */
	clock_says(k, -3 * day, true);
	clock_says(k, -3 * day, true);
	clock_file(k, -3 * day, -hour / 2, -hour / 2);
	clock_says(k, -3 * day + hour / 2, true);
	clock_file(k, -3 * day, -hour - 1, -hour - 1);	/* an hour later it is */
	clock_says(k, 0, false);
	clock_says(k, 0, false);
	clock_file(k, -3 * day, -3 * day + 60, -3 * day + 60);	/* a machine that is used every third day */
	clock_says(k, 0, false);
	clock_file(k, -3 * day, 400 * day, 400 * day);	/* was set a year ahead, and right again */
	clock_says(k, -3 * day, true);
	put(k->spool, "clock", "high=yesterday\n");
	struct err err = { 0 };
	time_t now = 0;
	assert_int_not_equal(spool_clock(k->sp, &now, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_true(now >= time_now() - 2);
	kit_free(k);
}

static void resolve(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = kit_import(k, "x");
	struct err err = { 0 };
	struct spool_ref ref;
	char path[SPOOL_PATH_MAX], text[128], link[400];
	const char *id = import_id(imp);
	static const struct { const char *tail; enum spool_kind kind; int study, number; } cases[] = {
		{ "", SPOOL_IMPORT, 0, 0 }, { "/", SPOOL_IMPORT, 0, 0 }, { "/study/3", SPOOL_ITEM, 3, 0 },
		{ "/papers", SPOOL_ITEM, 0, 0 }, { "/study/3/original/00017", SPOOL_OBJECT, 3, 17 },
		{ "/papers/document/002", SPOOL_DOCUMENT, 0, 2 }, { "/study/1/document/002", SPOOL_DOCUMENT, 1, 2 },
		{ "/package/001", SPOOL_PACKAGE, 0, 1 }, { "/study/0", SPOOL_NOT, 0, 0 }, { "/study", SPOOL_NOT, 0, 0 },
		{ "/study/x", SPOOL_NOT, 0, 0 }, { "/study/1/check", SPOOL_NOT, 0, 0 }, { "/papers/original/00001", SPOOL_NOT, 0, 0 },
		{ "/study/1/original/00001/more", SPOOL_NOT, 0, 0 }, { "x", SPOOL_NOT, 0, 0 }, { "/study/9999999", SPOOL_NOT, 0, 0 },
		{ "/study/1/original/-1", SPOOL_NOT, 0, 0 },
	};
	snprintf(link, sizeof(link), "%s/link", k->dir);
	assert_int_equal(symlink(k->spool, link), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const fronts[] = { "", "import/", "incoming/" };
		for (int f = 0; f < 5; f++) {
			if (f == 0)
				snprintf(path, sizeof(path), "%s%s", id, cases[i].tail);
			else
				snprintf(path, sizeof(path), "%s/%s%s%s", f >= 3 ? link : k->spool, fronts[1 + f % 2], id, cases[i].tail);
			good(spool_resolve(k->sp, path, &ref, &err), &err);
			if (ref.kind != cases[i].kind)
				print_error("%s: %d, not %d\n", path, ref.kind, cases[i].kind);
			assert_int_equal(ref.kind, cases[i].kind);
			assert_int_equal(ref.study, cases[i].study);
			assert_int_equal(ref.number, cases[i].number);
			assert_string_equal(ref.id, ref.kind == SPOOL_NOT ? "" : id);
		}
		if (cases[i].kind == SPOOL_NOT || strcmp(cases[i].tail, "/") == 0)
			continue;
		spool_ref_text(&ref, text);
		assert_string_equal(text + SPOOL_ID_LEN, cases[i].tail);
		spool_ref_path(k->sp, &ref, path);
		assert_true(text_starts(path, k->spool));
		assert_string_equal(path + strlen(k->spool) + 8 + SPOOL_ID_LEN, cases[i].tail);
	}
	static const char *const outside[] = { "/etc/passwd", ".", "", "20261124T062741Z-abcde", "20261124T062741Z-ABCDEF",
		"20269924T062741Z-abcdef", "../x" };
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		good(spool_resolve(k->sp, outside[i], &ref, &err), &err);
		assert_int_equal(ref.kind, SPOOL_NOT);
	}
	/* finding it by walking up, also from what is gone */
	snprintf(path, sizeof(path), "%s/import/%s/study/1", k->spool, id);
	char found[SPOOL_PATH_MAX];
	good(spool_find(path, found, &err), &err);
	assert_string_equal(found, k->spool);
	good(spool_find(k->dir, found, &err), &err);
	assert_string_equal(found, "");
	import_close(imp);
	kit_free(k);
}

static int child_lock(struct kit *k, int ready, int go)
{
	struct err err;
	int fd = -1;
	char c = 0;
	if (lock_file(k->sp->fd, "test-lock", 0, "it", &fd, &err) != RC_OK)
		return 1;
	if (write(ready, "x", 1) != 1 || read(go, &c, 1) != 1)
		return 2;
	return 0;
}

static void locks(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct err err = { 0 };
	int ready[2], go[2], fd = -1, status = 0;
	char c = 0;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_lock(k, ready[1], go[0]));
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(lock_held(k->sp->fd, "test-lock"));
	assert_int_equal(lock_file(k->sp->fd, "test-lock", 20, "it", &fd, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	good(lock_file(k->sp->fd, "test-lock", 0, "it", &fd, &err), &err);
	close(fd);
	assert_false(lock_held(k->sp->fd, "test-lock"));
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	kit_free(k);
}

static void erase_stays_inside(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct err err = { 0 };
	char path[400];
	uint64_t files = 0, bytes = 0;
	snprintf(path, sizeof(path), "%s/victim", k->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(path, "file", "stays");
	snprintf(path, sizeof(path), "%s/purge/a", k->spool);
	assert_int_equal(mkdir(path, 0700), 0);
	put(path, "one", "12345");
	snprintf(path, sizeof(path), "%s/purge/a/b", k->spool);
	assert_int_equal(mkdir(path, 0700), 0);
	put(path, "two", "123");
	snprintf(path, sizeof(path), "%s/purge/a/out", k->spool);
	assert_int_equal(symlink("../../../victim", path), 0);
	good(dir_erase(k->sp->dir[DIR_PURGE], "a", &files, &bytes, &err), &err);
	assert_false(there(k->spool, "purge/a"));
	assert_true(there(k->dir, "victim/file"));
	assert_int_equal(files, 3);
	assert_int_equal(bytes, 8);
	good(dir_erase(k->sp->dir[DIR_PURGE], "a", NULL, NULL, &err), &err);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_and_open), cmocka_unit_test(open_refuses), cmocka_unit_test(one_file_system),
		cmocka_unit_test(plain_spool), cmocka_unit_test(keyed_hashes), cmocka_unit_test(one_clock),
		cmocka_unit_test(resolve), cmocka_unit_test(locks), cmocka_unit_test(erase_stays_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
