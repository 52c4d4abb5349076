/* Items: made, published, opened, their files and state; killed and failed at every call. */
#include <dirent.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include "faultkit.h"
#include "spoolkit.h"
#include "spool/journal.h"

static void read_back(const struct item_dir *it, const char *text)
{
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	struct stream *s = NULL;
	struct age_key key;
	int fd = -1;
	if (strcmp(item_name(it), "papers") != 0) {
		good(item_object_open(it, 1, &s, &err), &err);
		good(stream_slurp(s, &b, &err), &err);
		assert_string_equal(b.data, text);
		stream_close(s);
		buf_clear(&b);
	}
	good(item_document_fd(it, 1, &fd, &key, &err), &err);
	good(spool_stream_fd(&s, fd, &key, &err), &err);
	good(stream_slurp(s, &b, &err), &err);
	assert_string_equal(b.data, text);
	stream_close(s);
	buf_clear(&b);
	good(item_file_read(it, ITEM_MANIFEST, &b, &err), &err);
	assert_string_equal(b.data, "{\"v\":1}\n");
	buf_free(&b);
}

static void the_way(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = kit_import(k, "x");
	struct item_dir *it = kit_item(imp, 1, "CANARY bytes"), *again = NULL;
	struct err err = { 0 };
	struct stat st;
	char path[600];
	int studies[4] = { 0 };
	size_t n = 0;
	bool papers = true;

	read_back(it, "CANARY bytes");
	assert_int_not_equal(item_publish(it, &err), RC_OK);
	assert_int_not_equal(item_manifest_write(it, "x", 1, &err), RC_OK);
	item_close(it);
	good(item_each(imp, studies, 4, &n, &papers, &err), &err);
	assert_int_equal(n, 1);
	assert_false(papers);
	item_close(kit_item(imp, ITEM_PAPERS, "CANARY bytes"));
	item_close(kit_item(imp, 12, "CANARY bytes"));
	good(item_each(imp, studies, 4, &n, &papers, &err), &err);
	assert_int_equal(n, 2);
	assert_int_equal(studies[1], 12);
	assert_true(papers);
	good(item_open(&it, imp, ITEM_PAPERS, false, &err), &err);
	assert_string_equal(item_name(it), "papers");
	read_back(it, "CANARY bytes");
	item_close(it);
	good(item_open(&it, imp, 12, true, &err), &err);
	assert_string_equal(item_name(it), "study/12");
	assert_ptr_equal(item_import(it), imp);
	item_close(it);
	/* read-only originals; nothing in clear; nothing left over */
	snprintf(path, sizeof(path), "%s/import/%s/study/1/original/00001", k->spool, import_id(imp));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_false(tree_of(k->spool, "CANARY").found);
	assert_false(tree_of(k->spool, ".staging").found);
	/* what is published stays */
	assert_int_not_equal(item_create(&again, imp, 1, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	assert_int_equal(err.sys, EEXIST);
	assert_int_not_equal(item_open(&again, imp, 2, false, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	import_close(imp);
	kit_free(k);
}

static void small_files(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = kit_import(k, "x");
	struct item_dir *it = kit_item(imp, 1, "x"), *reader = NULL;
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	struct stream *s = NULL;
	char hash[65], dir[500];
	bool same = true, is = true;

	good(item_file_there(it, ITEM_CHECK, &is, &err), &err);
	assert_false(is);
	assert_int_not_equal(item_file_read(it, ITEM_CHECK, &b, &err), RC_OK);
	assert_int_equal(err.kind, ERR_PERSON);
	good(item_file_write(it, ITEM_CHECK, "abc", 3, &same, &err), &err);
	assert_false(same);
	good(item_file_write(it, ITEM_CHECK, "abc", 3, &same, &err), &err);
	assert_true(same);
	good(item_file_hash(it, ITEM_CHECK, hash, &err), &err);
	assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	good(item_file_write(it, ITEM_CHECK, "abd", 3, &same, &err), &err);
	assert_false(same);
	good(item_file_read(it, ITEM_CHECK, &b, &err), &err);
	assert_string_equal(b.data, "abd");
	/* a damaged one is replaced */
	snprintf(dir, sizeof(dir), "%s/import/%s/study/1", k->spool, import_id(imp));
	put(dir, "check", "damaged");
	good(item_file_write(it, ITEM_CHECK, "abd", 3, &same, &err), &err);
	assert_false(same);
	/* as a stream */
	good(item_file_create(it, ITEM_OVERLAY, &s, &err), &err);
	good(stream_write(s, "pieces", 6, &err), &err);
	item_file_abort(it, ITEM_OVERLAY, s);
	good(item_file_there(it, ITEM_OVERLAY, &is, &err), &err);
	assert_false(is);
	assert_false(there(dir, ".overlay"));
	put(dir, ".overlay", "left by a killed run");
	good(item_file_create(it, ITEM_OVERLAY, &s, &err), &err);
	good(stream_write(s, "pieces", 6, &err), &err);
	good(item_file_commit(it, ITEM_OVERLAY, s, &err), &err);
	buf_clear(&b);
	good(item_file_read(it, ITEM_OVERLAY, &b, &err), &err);
	assert_string_equal(b.data, "pieces");
	/* one writer */
	assert_int_equal(item_open(&reader, imp, 1, true, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	good(item_open(&reader, imp, 1, false, &err), &err);
	assert_int_not_equal(item_file_write(reader, ITEM_CHECK, "x", 1, NULL, &err), RC_OK);
	assert_int_equal(err.kind, ERR_INTERNAL);
	item_close(reader);
	good(item_file_remove(it, ITEM_OVERLAY, &err), &err);
	good(item_file_remove(it, ITEM_OVERLAY, &err), &err);
	assert_false(there(dir, "overlay"));
	/* purged meanwhile */
	char from[400], to[400];
	snprintf(from, sizeof(from), "%s/import/%s", k->spool, import_id(imp));
	snprintf(to, sizeof(to), "%s/purge/%s", k->spool, import_id(imp));
	good(item_file_create(it, ITEM_OVERLAY, &s, &err), &err);
	assert_int_equal(rename(from, to), 0);
	assert_int_not_equal(item_file_commit(it, ITEM_OVERLAY, s, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_not_equal(item_file_write(it, ITEM_CHECK, "x", 1, NULL, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	snprintf(dir, sizeof(dir), "%s/study/1", to);
	assert_false(there(dir, ".overlay"));
	item_close(it);
	import_close(imp);
	buf_free(&b);
	kit_free(k);
}

static void expect(const struct item_dir *it, const char *destination, const char *want)
{
	struct err err = { 0 };
	char state[32];
	good(item_state(it, destination, state, &err), &err);
	assert_string_equal(state, want);
}

static void say(struct import *imp, const char *stage, const char *outcome, const char *destination)
{
	struct err err = { 0 };
	json_t *numbers = destination != NULL ? json_make(&err, "{s:s}", "destination", destination) : NULL;
	good(import_history_add(imp, stage, "study/1", outcome, NULL, numbers, &err), &err);
	json_decref(numbers);
}

static void states(void **state)
{
	(void)state;
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct kit *k = kit_new(true);
	struct import *imp = kit_import(k, "x");
	struct item_dir *it = kit_item(imp, 1, "x");
	struct journal *j = NULL;
	struct err err = { 0 };

	expect(it, NULL, "interrupted");
	say(imp, "unpack", "ok", NULL);
	expect(it, NULL, "unpacked");
	say(imp, "check", "temp", NULL);
	expect(it, NULL, "unpacked");
	good(item_file_write(it, ITEM_CHECK, "1", 1, NULL, &err), &err);
	expect(it, NULL, "interrupted");
	say(imp, "check", "held", NULL);
	expect(it, NULL, "held");
	say(imp, "retag", "refused", NULL);
	expect(it, NULL, "held");
	say(imp, "check", "ok", NULL);
	expect(it, NULL, "checked");
	good(item_file_write(it, ITEM_OVERLAY, "1", 1, NULL, &err), &err);
	expect(it, NULL, "interrupted");
	say(imp, "retag", "ok", NULL);
	expect(it, NULL, "retagged");
	expect(it, "pacs", "retagged");
	say(imp, "check", "ok", NULL);		/* another check: the overlay is stale */
	expect(it, NULL, "checked");
	say(imp, "retag", "ok", NULL);
	good(journal_open(&j, it, "pacs", &err), &err);
	expect(it, "pacs", "retagged");		/* nothing tried yet */
	good(journal_add(j, 1, JOURNAL_FAILED, zeros, 0xa700, &err), &err);
	good(journal_sync(j, &err), &err);
	expect(it, "pacs", "sending");
	say(imp, "send", "temp", "pacs");
	expect(it, "pacs", "sending");
	good(journal_add(j, 1, JOURNAL_STORED, zeros, 0, &err), &err);
	good(journal_sync(j, &err), &err);
	say(imp, "send", "ok", "pacs");
	expect(it, "pacs", "sent");
	expect(it, NULL, "sent");
	good(journal_confirm(j, &err), &err);
	good(journal_sync(j, &err), &err);
	expect(it, "pacs", "confirmed");
	journal_close(j);
	/* two destinations: the least counts */
	expect(it, "folder:/x", "retagged");
	good(journal_open(&j, it, "folder:/x", &err), &err);
	good(journal_add(j, 1, JOURNAL_STORED, zeros, 0, &err), &err);
	good(journal_sync(j, &err), &err);
	journal_close(j);
	expect(it, "folder:/x", "sending");
	expect(it, NULL, "sending");
	say(imp, "send", "ok", "folder:/x");
	expect(it, "folder:/x", "sent");
	expect(it, "pacs", "confirmed");
	/* reconciled anew after that */
	say(imp, "retag", "ok", NULL);
	expect(it, "pacs", "retagged");
	item_close(it);
	/* the import's line of unpack counts for all */
	it = kit_item(imp, 2, "x");
	expect(it, NULL, "interrupted");
	good(import_history_add(imp, "unpack", NULL, "partial", NULL, NULL, &err), &err);
	expect(it, NULL, "unpacked");
	item_close(it);
	import_close(imp);
	kit_free(k);
}

static int child_unpacks(struct import *imp, int ready, int go)
{
	struct staging *st = NULL;
	struct item_dir *it = NULL;
	struct err err;
	int fd = -1, slot = 0;
	char c = 0;
	if (staging_new(&st, imp, &err) != RC_OK || staging_output(st, &fd, &slot, &err) != RC_OK ||
	    item_create(&it, imp, 1, &err) != RC_OK)
		return 1;
	if (write(ready, "x", 1) != 1 || read(go, &c, 1) != 1)
		return 2;
	return 0;
}

static void leftovers(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = kit_import(k, "x");
	struct staging *st = NULL;
	struct item_dir *it = NULL;
	struct err err = { 0 };
	int ready[2], go[2], status = 0;
	char c = 0;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_unpacks(imp, ready[1], go[0]));
	assert_int_equal(read(ready[0], &c, 1), 1);
	/* while it lives: later */
	assert_int_equal(staging_new(&st, imp, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_int_equal(item_create(&it, imp, 1, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(tree_of(k->spool, ".staging-").found);
	/* then what it left goes */
	good(staging_new(&st, imp, &err), &err);
	staging_free(st);
	assert_false(tree_of(k->spool, ".staging-").found);
	it = kit_item(imp, 1, "after");
	read_back(it, "after");
	item_close(it);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	/* aborted: nothing stays */
	good(staging_new(&st, imp, &err), &err);
	good(item_create(&it, imp, 2, &err), &err);
	item_abort(it);
	staging_free(st);
	char path[500];
	snprintf(path, sizeof(path), "import/%s/study/.2", import_id(imp));
	assert_false(there(k->spool, path));
	import_close(imp);
	kit_free(k);
}

static void without_a_spool(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct staging *st = NULL;
	struct item_dir *it = NULL;
	struct err err = { 0 };
	char dir[400], path[600];
	int fd = -1, slot = 0, n = 0;
	snprintf(dir, sizeof(dir), "%s/out", k->dir);
	good(staging_new_dir(&st, dir, &err), &err);
	good(item_create_dir(&it, dir, 1, &err), &err);
	for (int i = 0; i < 2; i++) {
		good(staging_output(st, &fd, &slot, &err), &err);
		assert_int_equal(write(fd, "bytes", 5), 5);
		close(fd);
		good(item_place(it, st, slot, i == 0 ? ITEM_ORIGINAL : ITEM_DOCUMENT, &n, &err), &err);
	}
	good(staging_output(st, &fd, &slot, &err), &err);
	close(fd);
	good(staging_drop(st, slot, &err), &err);
	good(item_manifest_write(it, "{\"v\":1}\n", 8, &err), &err);
	good(item_publish(it, &err), &err);
	item_close(it);
	staging_free(st);
	assert_int_equal(tree_of(dir, "none").entries, 7);	/* 1, lock, manifest, two folders, two files */
	assert_int_not_equal(item_create_dir(&it, dir, 1, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	snprintf(path, sizeof(path), "%s/1/", dir);
	good(item_open_dir(&it, path, &err), &err);
	assert_string_equal(item_name(it), "1");
	assert_null(item_import(it));
	assert_null(item_recipient(it));
	read_back(it, "bytes");
	expect(it, NULL, "unpacked");
	good(item_file_write(it, ITEM_CHECK, "x", 1, NULL, &err), &err);
	expect(it, NULL, "checked");
	item_close(it);
	assert_int_not_equal(item_open_dir(&it, dir, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	snprintf(path, sizeof(path), "%s/absent", dir);
	assert_int_not_equal(item_open_dir(&it, path, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	kit_free(k);
}

/* What staging's own thread does beside the work. */
static atomic_int flushed;

int fdatasync(int fd)
{
	flushed++;
	return (int)syscall(SYS_fdatasync, fd);
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void one_barrier(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = kit_import(k, "x");
	struct err err = { 0 };
	for (int many = 0; many < 2; many++) {
		struct staging *st = NULL;
		struct item_dir *it = NULL;
		int fd = -1, slot = 0, n = 0, files = many ? 40 : 2;
		int before = open_descriptors();
		char path[600];
		struct stat dir;
		flushed = 0;
		good(staging_new(&st, imp, &err), &err);
		snprintf(path, sizeof(path), "%s/import/%s/.staging-%ld", k->spool, import_id(imp), (long)getpid());
		assert_int_equal(stat(path, &dir), 0);
		good(item_create(&it, imp, 1 + many, &err), &err);
		for (int i = 1; i <= files; i++) {
			good(staging_output(st, &fd, &slot, &err), &err);
			assert_int_equal(write(fd, "bytes", 5), 5);
			if (many)	/* its size is what counts: a hole will do */
				assert_int_equal(ftruncate(fd, 1 << 20), 0);
			staging_done(st, fd);
			good(item_place(it, st, slot, ITEM_ORIGINAL, &n, &err), &err);
			assert_int_equal(n, i);
		}
		good(item_manifest_write(it, "{}\n", 3, &err), &err);
		fault_set(0, 0);
		good(item_publish(it, &err), &err);
		assert_int_equal(fault.syncfs, many);
		/* on what was opened before the first output was written, or a write-back error goes unseen */
		if (many)
			assert_int_equal(fault.synced, dir.st_ino);
		item_close(it);
		staging_free(st);
		/* 40 outputs of 1 MB: the thread comes with the 17th and has every 16th flushed */
		assert_int_equal(flushed, many);
		assert_int_equal(open_descriptors(), before);
	}
	import_close(imp);
	kit_free(k);
}

/* --- the whole way, killed or failed at every call -------------------------------- */

enum step { STEP_IMPORT = 1, STEP_ITEM, STEP_UNPACK, STEP_CHECK, STEP_OVERLAY };

/* What would be lost with the power at a receipt: nothing that it names. */
static int undurable;

static int look_unsynced(int dirfd, const char *name, void *arg, struct err *err)
{
	struct stat st;
	int rc = RC_OK;
	if (text_starts(name, ".staging-") || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return RC_OK;
	if (unsynced_has(&st)) {
		undurable++;
		text_copy(unsynced.name, sizeof(unsynced.name), name);
	}
	if (S_ISDIR(st.st_mode)) {
		int fd = (int)syscall(SYS_openat, dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = dir_each(fd, look_unsynced, arg, err);
		close(fd);
	}
	return rc;
}

static void receipt_is_durable(const struct import *imp)
{
	struct err err;
	int seen = fault.seen;	/* looking is no call of the pipeline's */
	fault.seen = INT32_MIN;
	static const enum spool_dir dirs[] = { DIR_IMPORT, DIR_INCOMING, DIR_KEYS };
	for (int i = 0; i < 3; i++) {
		struct stat st;
		if (fstat(imp->sp->dir[dirs[i]], &st) == 0 && unsynced_has(&st))
			undurable++;
		dir_each(imp->sp->dir[dirs[i]], look_unsynced, NULL, &err);
	}
	fault.seen = seen;
}

/* Says each receipt and the id through `out`; the last step that is durable is returned. */
static int pipeline(struct spool *sp, struct import **imp, int out, struct err *err)
{
	struct package *p = NULL;
	struct stream *s = NULL;
	struct staging *st = NULL;
	struct item_dir *it = NULL;
	int fd = -1, n = 0, slot = 0, done = 0;
	char told[SPOOL_ID_LEN + 2] = "";

	if (import_create(imp, sp, "REF", "{}", 2, err) != RC_OK || import_package_begin(*imp, &p, &fd, &n, err) != RC_OK)
		return 0;
	if (spool_writer_fd(&s, fd, import_recipient(*imp), err) != RC_OK || stream_write(s, "zip", 3, err) != RC_OK ||
	    stream_commit(s, err) != RC_OK) {
		stream_close(s);
		import_package_abort(p);
		return 0;
	}
	stream_close(s);
	if (import_package_end(p, "offer", "{}", 2, err) != RC_OK || import_commit(*imp, err) != RC_OK ||
	    import_history_add(*imp, "fetch", NULL, "ok", NULL, NULL, err) != RC_OK)
		return 0;
#define RECEIPT(step) do { \
		done = (step); \
		told[0] = (char)('0' + done); \
		memcpy(told + 1, import_id(*imp), SPOOL_ID_LEN); \
		receipt_is_durable(*imp); \
		if (out >= 0 && syscall(SYS_write, out, told, SPOOL_ID_LEN + 1) != SPOOL_ID_LEN + 1) \
			_exit(9); \
	} while (0)
	RECEIPT(STEP_IMPORT);
	if (staging_new(&st, *imp, err) != RC_OK || item_create(&it, *imp, 1, err) != RC_OK)
		goto out;
	for (int i = 0; i < 10; i++) {
		if (staging_output(st, &fd, &slot, err) != RC_OK)
			goto out;
		if (spool_writer_fd(&s, fd, import_recipient(*imp), err) != RC_OK || stream_write(s, "object", 6, err) != RC_OK ||
		    stream_commit(s, err) != RC_OK) {
			stream_close(s);
			goto out;
		}
		stream_close(s);
		if (item_place(it, st, slot, ITEM_ORIGINAL, &n, err) != RC_OK)
			goto out;
	}
	if (item_manifest_write(it, "{}\n", 3, err) != RC_OK || item_publish(it, err) != RC_OK ||
	    import_history_add(*imp, "unpack", "study/1", "ok", NULL, NULL, err) != RC_OK)
		goto out;
	RECEIPT(STEP_ITEM);
	if (import_unpack_write(*imp, "{}", 2, err) != RC_OK)
		goto out;
	RECEIPT(STEP_UNPACK);
	if (item_file_write(it, ITEM_CHECK, "check", 5, NULL, err) != RC_OK ||
	    import_history_add(*imp, "check", "study/1", "ok", NULL, NULL, err) != RC_OK)
		goto out;
	RECEIPT(STEP_CHECK);
	if (item_file_create(it, ITEM_OVERLAY, &s, err) != RC_OK)
		goto out;
	if (stream_write(s, "overlay", 7, err) != RC_OK) {
		item_file_abort(it, ITEM_OVERLAY, s);
		goto out;
	}
	if (item_file_commit(it, ITEM_OVERLAY, s, err) != RC_OK ||
	    import_history_add(*imp, "retag", "study/1", "ok", NULL, NULL, err) != RC_OK)
		goto out;
	RECEIPT(STEP_OVERLAY);
out:
	staging_free(st);
	item_abort(it);
	return done;
}

static void small_is(const struct item_dir *it, enum item_file f, const char *text)
{
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	good(item_file_read(it, f, &b, &err), &err);
	assert_string_equal(b.data, text);
	buf_free(&b);
}

/* What is visible is whole, and all that was receipted is there; then the work can be taken up again. */
static void whole_up_to(struct kit *k, const char *id, int done)
{
	struct err err = { 0 };
	struct import *imp = NULL;
	struct item_dir *it = NULL;
	struct staging *st = NULL;
	struct buf b = BUF_INIT(0);
	struct stream *s = NULL;
	bool unpacked = false, overlay = false;
	char state[32];
	good(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), &err);
	good(import_package_open(imp, 1, &s, &err), &err);
	assert_int_equal(s->size, 3);
	stream_close(s);
	good(staging_new(&st, imp, &err), &err);
	int rc = item_create(&it, imp, 1, &err);
	if (rc == RC_OK) {
		assert_true(done < STEP_ITEM);
		item_abort(it);
	} else {
		assert_int_equal(err.kind, ERR_CANTCREAT);
		good(item_open(&it, imp, 1, true, &err), &err);
		small_is(it, ITEM_MANIFEST, "{}\n");
		for (int i = 1; i <= 10; i++) {
			good(item_object_open(it, i, &s, &err), &err);
			assert_int_equal(s->size, 6);
			stream_close(s);
		}
		if (done >= STEP_CHECK)
			small_is(it, ITEM_CHECK, "check");
		good(item_file_there(it, ITEM_OVERLAY, &overlay, &err), &err);
		if (overlay)
			small_is(it, ITEM_OVERLAY, "overlay");
		assert_true(overlay || done < STEP_OVERLAY);
		good(item_state(it, NULL, state, &err), &err);
		if (done == STEP_OVERLAY)
			assert_string_equal(state, "retagged");
		good(item_file_write(it, ITEM_CHECK, "check", 5, NULL, &err), &err);
		item_close(it);
	}
	good(import_unpack_read(imp, &unpacked, &b, &err), &err);
	assert_true(unpacked || done < STEP_UNPACK);
	buf_free(&b);
	staging_free(st);
	import_close(imp);
}

static int take_up(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct kit *k = arg;
	struct import *imp = NULL;
	int numbers[2];
	size_t n = 0;
	if (where == IMPORT_COMMITTED) {
		whole_up_to(k, id, 0);
		return RC_OK;
	}
	good(import_open(&imp, k->sp, id, where, err), err);
	good(import_packages(imp, numbers, 2, &n, err), err);
	if (n == 0) {
		good(import_discard(imp, err), err);
	} else {
		good(import_commit(imp, err), err);
		whole_up_to(k, id, STEP_IMPORT);
	}
	import_close(imp);
	return RC_OK;
}

/* Some hundred runs: in memory, where a sync costs nothing. */
static struct kit *kit_in_memory(char dir[32])
{
	text_copy(dir, 32, "/tmp/mri-mem-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(geteuid(), 0);
	assert_int_equal(mount("none", dir, "tmpfs", 0, "size=64m"), 0);
	return kit_at(dir, true);
}

static void kit_out_of_memory(struct kit *k, const char *dir)
{
	kit_free(k);
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Empties import/ and incoming/, and keys/ of what only fsck removes. */
static void clean_slate(struct kit *k)
{
	struct err err = { 0 };
	char path[400], mac[400], aside[400];
	static const char *const subs[] = { "import", "incoming", "keys", "purge" };
	snprintf(mac, sizeof(mac), "%s/keys/mac", k->spool);
	snprintf(aside, sizeof(aside), "%s/mac", k->dir);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", k->spool, subs[i]);
		if (i == 2)
			assert_int_equal(rename(mac, aside), 0);
		erase_path(path);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_int_equal(rename(aside, mac), 0);
	spool_close(k->sp);
	good(spool_open(&k->sp, k->spool, SPOOL_SECRET, &k->set, &err), &err);
}

static void a_line_or_none(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = kit_import(k, "x");
	struct err err = { 0 };
	struct stat before, after;
	int hits = 0;
	assert_int_equal(fstatat(imp->fd, "history", &before, 0), 0);
	for (int at = 1;; at++) {
		fault_set(at, EIO);
		int rc = import_history_add(imp, "unpack", NULL, "ok", NULL, NULL, &err);
		const char *hit = fault.hit;
		fault_set(0, 0);
		if (hit == NULL)
			break;
		assert_int_equal(fstatat(imp->fd, "history", &after, 0), 0);
		if (rc == RC_OK) {	/* the clock is looked at, and does not stop it */
			assert_string_equal(hit, "openat");
			before = after;
			continue;
		}
		assert_int_equal(before.st_size, after.st_size);
		hits++;
	}
	assert_true(hits >= 3);	/* open, write, fsync */
	import_close(imp);
	kit_free(k);
}

static void synced_in_order(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = NULL;
	struct err err = { 0 };
	fault_set(0, 0);
	memset(&unsynced, 0, sizeof(unsynced));
	undurable = 0;
	assert_int_equal(pipeline(k->sp, &imp, -1, &err), STEP_OVERLAY);
	if (unsynced.early > 0 || undurable > 0)
		print_error("not synced: %s\n", unsynced.name);
	assert_int_equal(unsynced.early, 0);
	assert_int_equal(undurable, 0);
	import_close(imp);
	kit_free(k);
}

static void killed_at_every_call(void **state)
{
	(void)state;
	static struct kit *k;	/* still known where the last child ends: leak checks look there too */
	char memory[32];
	struct err err = { 0 };
	time_t now = 0;
	int kills = 0;
	k = kit_in_memory(memory);
	good(spool_clock(k->sp, &now, &err), &err);
	for (int at = 1;; at++) {
		int out[2], status = 0;
		char told[(SPOOL_ID_LEN + 1) * 8 + 1] = "", id[SPOOL_ID_LEN + 1] = "";
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct import *imp = NULL;
			fault_set(at, 0);
			int step = pipeline(k->sp, &imp, out[1], &err);
			fault_set(0, 0);
			import_close(imp);
			_exit(step == STEP_OVERLAY ? 0 : 1);
		}
		close(out[1]);
		size_t got = 0;
		good(io_read_full(out[0], told, sizeof(told) - 1, &got, &err), &err);
		close(out[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(got % (SPOOL_ID_LEN + 1), 0);
		if (got > 0) {
			char *last = told + got - (SPOOL_ID_LEN + 1);
			text_copyn(id, sizeof(id), last + 1, SPOOL_ID_LEN);
			whole_up_to(k, id, last[0] - '0');
		}
		good(import_each(k->sp, take_up, k, &err), &err);
		clean_slate(k);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			break;
		}
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		kills++;
	}
	print_message("killed at %d calls\n", kills);
	assert_true(kills > 100);
	kit_out_of_memory(k, memory);
}

static void failed_at_every_call(void **state)
{
	(void)state;
	static const int errors[] = { EIO, ENOSPC, EMFILE };
	char memory[32];
	struct kit *k = kit_in_memory(memory);
	struct err err = { 0 };
	time_t now = 0;
	int failed = 0;
	good(spool_clock(k->sp, &now, &err), &err);
	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		for (int at = 1;; at++) {
			struct import *imp = NULL;
			char id[SPOOL_ID_LEN + 1] = "";
			memset(&err, 0, sizeof(err));
			fault_set(at, errors[e]);
			int done = pipeline(k->sp, &imp, -1, &err);
			const char *hit = fault.hit;
			fault_set(0, 0);
			if (imp != NULL)
				text_copy(id, sizeof(id), import_id(imp));
			import_close(imp);
			if (hit != NULL && done != STEP_OVERLAY) {
				failed++;
				if (err.kind == ERR_NONE || err.kind == ERR_INTERNAL || (errors[e] != EIO && err.kind != ERR_TEMP))
					print_error("%s, call %d: %d %s\n", hit, at, err.kind, err.text);
				assert_true(err.kind != ERR_NONE && err.kind != ERR_INTERNAL);
				if (errors[e] != EIO)
					assert_int_equal(err.kind, ERR_TEMP);
			} else if (hit != NULL) {
				/* only tidying up may fail unseen */
				if (strcmp(hit, "unlinkat") != 0 && strcmp(hit, "openat") != 0)
					print_error("silent success: %s, call %d\n", hit, at);
				assert_true(strcmp(hit, "unlinkat") == 0 || strcmp(hit, "openat") == 0);
			}
			if (imp != NULL) {
				good(import_each(k->sp, take_up, k, &err), &err);
				if (done >= STEP_IMPORT)
					whole_up_to(k, id, done);
			}
			/* where removing itself fails, fsck removes it */
			if (imp == NULL && hit != NULL && strcmp(hit, "unlinkat") != 0) {
				static const struct { const char *dir; int entries; } left[] = { { "import", 0 }, { "incoming", 0 },
					{ "keys", 1 }, { "purge", 0 } };
				for (int i = 0; i < 4; i++) {
					char path[400];
					snprintf(path, sizeof(path), "%s/%s", k->spool, left[i].dir);
					assert_int_equal(tree_of(path, "none").entries, left[i].entries);
				}
			}
			clean_slate(k);
			if (hit == NULL)
				break;
		}
	}
	print_message("failed %d times\n", failed);
	assert_true(failed > 300);
	kit_out_of_memory(k, memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way), cmocka_unit_test(small_files), cmocka_unit_test(states),
		cmocka_unit_test(leftovers), cmocka_unit_test(without_a_spool), cmocka_unit_test(one_barrier),
		cmocka_unit_test(a_line_or_none), cmocka_unit_test(synced_in_order), cmocka_unit_test(killed_at_every_call),
		cmocka_unit_test(failed_at_every_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
