/* Imports: made, fetched into, resumed, published, dropped; their deadline, history and state. */
#include <sys/mount.h>
#include "crypt/keys.h"
#include "spoolkit.h"

static void put_package(struct import *imp, const char *key, const char *text, size_t len)
{
	struct package *p = NULL;
	struct stream *s = NULL;
	struct err err = { 0 };
	int fd = -1, n = 0;
	good(import_package_begin(imp, &p, &fd, &n, &err), &err);
	good(spool_writer_fd(&s, fd, import_recipient(imp), &err), &err);
	good(stream_write(s, text, len, &err), &err);
	good(stream_commit(s, &err), &err);
	stream_close(s);
	good(import_package_end(p, key, "{\"v\":1}", 7, &err), &err);
}

static void the_way(void **state)
{
	(void)state;
	static const char order[] = "{\"v\":1,\"patient\":{\"name\":\"CANARY\"}}";
	struct kit *k = kit_new(true);
	struct spool *fetch = NULL;
	struct import *imp = NULL;
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	struct stat st;
	char id[SPOOL_ID_LEN + 1], path[600], text[AGE_TEXT_MAX], state_text[32];
	int numbers[4] = { 0 };
	size_t n = 0;
	bool held = true, unpacked = true;

	/* fetch has no identity at all */
	struct spool_settings set = k->set;
	set.identity = NULL;
	good(spool_open(&fetch, k->spool, SPOOL_PUBLIC, &set, &err), &err);
	good(import_create(&imp, fetch, "TICKET-1", order, strlen(order), &err), &err);
	text_copy(id, sizeof(id), import_id(imp));
	assert_true(spool_is_id(id));
	assert_string_equal(import_ref(imp), "TICKET-1");
	assert_int_equal(import_purge_at(imp) - import_received(imp), SPOOL_RETENTION_MAX);
	good(import_holds(imp, "offer-1", &held, &err), &err);
	assert_false(held);
	put_package(imp, "offer-1", "package one CANARY", 18);
	put_package(imp, "offer-2", "package two CANARY", 18);
	good(import_holds(imp, "offer-1", &held, &err), &err);
	assert_true(held);
	good(import_holds(imp, "offer-3", &held, &err), &err);
	assert_false(held);
	good(import_state(imp, state_text, &err), &err);
	assert_string_equal(state_text, "fetching");
	assert_int_not_equal(import_package_open(imp, 1, NULL, &err), RC_OK);
	assert_int_equal(err.kind, ERR_DENIED);
	good(import_history_add(imp, "fetch", NULL, "ok", NULL, NULL, &err), &err);
	good(import_commit(imp, &err), &err);
	good(import_present(imp, &err), &err);
	import_close(imp);
	spool_close(fetch);
	assert_false(tree_of(k->spool, "CANARY").found);
	snprintf(path, sizeof(path), "incoming/%s", id);
	assert_false(there(k->spool, path));
	snprintf(path, sizeof(path), "import/%s/held", id);
	assert_false(there(k->spool, path));
	snprintf(path, sizeof(path), "%s/import/%s/package/001", k->spool, id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);

	good(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), &err);
	good(import_packages(imp, numbers, 4, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_int_equal(numbers[1], 2);
	good(import_order_read(imp, &b, &err), &err);
	assert_string_equal(b.data, order);
	buf_clear(&b);
	good(import_claim_read(imp, 2, &b, &err), &err);
	assert_string_equal(b.data, "{\"v\":1}");
	buf_clear(&b);
	/* by stream, and by descriptor and key as a worker gets it */
	struct stream *s = NULL;
	struct age_key key;
	int fd = -1;
	good(import_package_open(imp, 1, &s, &err), &err);
	good(stream_slurp(s, &b, &err), &err);
	assert_string_equal(b.data, "package one CANARY");
	stream_close(s);
	buf_clear(&b);
	good(import_package_fd(imp, 2, &fd, &key, &err), &err);
	assert_true(key.header > 0);
	good(spool_stream_fd(&s, fd, &key, &err), &err);
	good(stream_slurp(s, &b, &err), &err);
	assert_string_equal(b.data, "package two CANARY");
	stream_close(s);
	buf_clear(&b);
	good(import_unpack_read(imp, &unpacked, &b, &err), &err);
	assert_false(unpacked);
	good(import_state(imp, state_text, &err), &err);
	assert_string_equal(state_text, "fetched");
	good(import_unpack_write(imp, "{\"u\":1}", 7, &err), &err);
	good(import_state(imp, state_text, &err), &err);
	assert_string_equal(state_text, "interrupted");
	good(import_history_add(imp, "unpack", NULL, "partial", "one set aside", NULL, &err), &err);
	good(import_state(imp, state_text, &err), &err);
	assert_string_equal(state_text, "partial");
	good(import_history_add(imp, "unpack", NULL, "ok", NULL, NULL, &err), &err);
	good(import_state(imp, state_text, &err), &err);
	assert_string_equal(state_text, "unpacked");
	good(import_unpack_read(imp, &unpacked, &b, &err), &err);
	assert_true(unpacked);
	assert_string_equal(b.data, "{\"u\":1}");
	buf_clear(&b);
	assert_int_not_equal(import_unpack_write(imp, "{\"u\":2}", 7, &err), RC_OK);
	assert_int_equal(err.kind, ERR_CANTCREAT);
	good(import_unpack_read(imp, &unpacked, &b, &err), &err);
	assert_string_equal(b.data, "{\"u\":1}");
	good(import_package_drop(imp, 1, &err), &err);
	good(import_package_drop(imp, 1, &err), &err);
	good(import_packages(imp, numbers, 4, &n, &err), &err);
	assert_int_equal(n, 1);
	buf_clear(&b);
	good(import_claim_read(imp, 1, &b, &err), &err);
	/* the key that is given out is the one that opens it */
	struct age_identity who;
	good(import_identity_text(imp, text, &err), &err);
	good(age_identity_parse(text, &who, &err), &err);
	assert_memory_equal(who.to.pub, import_recipient(imp)->pub, 32);
	/* its key destroyed: nobody opens it */
	import_close(imp);
	good(keys_destroy(k->sp->dir[DIR_KEYS], id, &err), &err);
	assert_int_not_equal(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	buf_free(&b);
	kit_free(k);
}

static void resume(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = NULL, *other = NULL;
	struct package *p = NULL;
	struct err err = { 0 };
	char id[SPOOL_ID_LEN + 1], dir[500], text[32];
	int fd = -1, n = 0, numbers[4];
	size_t count = 0;
	bool held = false;

	good(import_create(&imp, k->sp, NULL, "{}", 2, &err), &err);
	text_copy(id, sizeof(id), import_id(imp));
	put_package(imp, "a", "first", 5);
	/* beside a running fetch: a second one waits its turn, a look does not */
	assert_int_equal(import_open(&other, k->sp, id, IMPORT_INCOMING, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	good(import_peek(&other, k->sp, id, IMPORT_INCOMING, &err), &err);
	good(import_state(other, text, &err), &err);
	assert_string_equal(text, "fetching");
	import_close(other);
	assert_int_equal(import_open(&other, k->sp, id, IMPORT_COMMITTED, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	/* one begun, one aborted, one that came without its line in held */
	good(import_package_begin(imp, &p, &fd, &n, &err), &err);
	assert_int_equal(n, 2);
	close(fd);
	import_package_abort(p);
	good(import_package_begin(imp, &p, &fd, &n, &err), &err);
	assert_int_equal(n, 2);
	close(fd);
	free(p);	/* as a kill leaves it */
	snprintf(dir, sizeof(dir), "%s/incoming/%s", k->spool, id);
	put(dir, "package/002", "whole, but not told");
	put(dir, "claim/002", "as well");
	import_close(imp);
	char path[600];
	snprintf(path, sizeof(path), "%s/held", dir);
	FILE *f = fopen(path, "ae");
	assert_non_null(f);
	assert_true(fputs("002 0123", f) > 0);	/* torn */
	assert_int_equal(fclose(f), 0);

	good(import_peek(&other, k->sp, id, IMPORT_INCOMING, &err), &err);
	good(import_state(other, text, &err), &err);
	assert_string_equal(text, "waiting");
	good(import_history_add(other, "fetch", NULL, "perm", "expired", NULL, &err), &err);
	good(import_state(other, text, &err), &err);
	assert_string_equal(text, "failed");
	import_close(other);
	good(import_open(&imp, k->sp, id, IMPORT_INCOMING, &err), &err);
	assert_false(there(dir, "package/.002"));
	assert_false(there(dir, "package/002"));
	assert_false(there(dir, "claim/002"));
	good(import_holds(imp, "a", &held, &err), &err);
	assert_true(held);
	put_package(imp, "b", "second", 6);
	good(import_holds(imp, "b", &held, &err), &err);
	assert_true(held);
	good(import_packages(imp, numbers, 4, &count, &err), &err);
	assert_int_equal(count, 2);
	good(import_commit(imp, &err), &err);
	import_close(imp);
	kit_free(k);
}

static void discard(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = NULL;
	struct err err = { 0 };
	int before = tree_of(k->spool, "none").entries;
	char id[SPOOL_ID_LEN + 1];
	good(import_create(&imp, k->sp, NULL, "{}", 2, &err), &err);
	text_copy(id, sizeof(id), import_id(imp));
	put_package(imp, "a", "first", 5);
	good(import_discard(imp, &err), &err);
	import_close(imp);
	assert_int_equal(tree_of(k->spool, id).entries, before + 1);	/* the clock */
	assert_false(tree_of(k->spool, id).found);
	assert_int_not_equal(import_open(&imp, k->sp, id, IMPORT_INCOMING, &err), RC_OK);
	assert_int_equal(err.kind, ERR_NOINPUT);
	kit_free(k);
}

static void purged_meanwhile(void **state)
{
	(void)state;
	struct kit *k = kit_new(true);
	struct import *imp = kit_import(k, "x"), *again = NULL;
	struct package *p = NULL;
	struct err err = { 0 };
	char from[500], to[500], name[64];
	int fd = -1, n = 0;
	snprintf(from, sizeof(from), "%s/import/%s", k->spool, import_id(imp));
	snprintf(to, sizeof(to), "%s/purge/%s", k->spool, import_id(imp));
	assert_int_equal(rename(from, to), 0);
	assert_int_not_equal(import_unpack_write(imp, "{}", 2, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_not_equal(import_history_add(imp, "unpack", NULL, "ok", NULL, NULL, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_not_equal(import_open(&again, k->sp, import_id(imp), IMPORT_COMMITTED, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	/* another directory under its name is not it */
	assert_int_equal(mkdir(from, 0700), 0);
	assert_int_not_equal(import_present(imp, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(rmdir(from), 0);
	erase_path(to);
	snprintf(name, sizeof(name), "gone/%s", import_id(imp));
	put(k->spool, name, "purged\n");
	assert_int_not_equal(import_open(&again, k->sp, import_id(imp), IMPORT_COMMITTED, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	import_close(imp);

	good(import_create(&imp, k->sp, NULL, "{}", 2, &err), &err);
	good(import_package_begin(imp, &p, &fd, &n, &err), &err);
	close(fd);
	snprintf(from, sizeof(from), "%s/incoming/%s", k->spool, import_id(imp));
	erase_path(from);
	assert_int_not_equal(import_package_end(p, "a", "{}", 2, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_not_equal(import_commit(imp, &err), RC_OK);
	assert_int_equal(err.kind, ERR_REFUSED);
	import_close(imp);
	kit_free(k);
}

static void write_deadline(struct kit *k, const char *id, long received, long purge_at, long seen)
{
	char path[500], a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], c[TIME_TEXT_MAX], text[300];
	time_t t = time_now();
	snprintf(text, sizeof(text), "received=%s\npurge_at=%s\nref=\nseen=%s\n", time_iso(t + received, a),
	    time_iso(t + purge_at, b), time_iso(t + seen, c));
	snprintf(path, sizeof(path), "%s/import/%s", k->spool, id);
	put(path, "deadline", text);
}

/* When it is due, in seconds from now (± 3); what import_open says. */
static void due(struct kit *k, const char *id, long expect)
{
	struct import *imp = NULL;
	struct err err = { 0 };
	char state[32];
	good(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), &err);
	long in = (long)(import_purge_at(imp) - time_now()) - expect;
	assert_true(in >= -3 && in <= 3);
	assert_int_equal(import_expired(imp, time_now()), expect <= 0);
	good(import_state(imp, state, &err), &err);
	assert_int_equal(strcmp(state, "expired") == 0, expect <= 0);
	import_close(imp);
}

static void deadlines(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = kit_import(k, "x");
	struct err err = { 0 };
	const long hour = 3600, max = SPOOL_RETENTION_MAX;
	char id[SPOOL_ID_LEN + 1];
	text_copy(id, sizeof(id), import_id(imp));
	import_close(imp);
	due(k, id, max);
	write_deadline(k, id, 0, 2 * hour, 0);		/* the deadline is earlier */
	due(k, id, 2 * hour);
	write_deadline(k, id, 0, 400 * hour, 0);	/* a later one does not prolong */
	due(k, id, max);
	write_deadline(k, id, -100 * hour, max, -100 * hour);	/* received earlier than the id says */
	due(k, id, max - 100 * hour);
	write_deadline(k, id, 0, -1, 0);
	due(k, id, -1);
	write_deadline(k, id, 0, max, 0);
	spool_close(k->sp);
	k->set.retention = hour;			/* a shorter setting made later counts */
	good(spool_open(&k->sp, k->spool, SPOOL_SECRET, &k->set, &err), &err);
	due(k, id, hour);
	spool_close(k->sp);
	k->set.retention = 1000 * hour;			/* a longer one never does */
	good(spool_open(&k->sp, k->spool, SPOOL_SECRET, &k->set, &err), &err);
	due(k, id, max);
	/* made while the clock was a month ahead, which the spool did not believe */
	write_deadline(k, id, 720 * hour, 720 * hour + max, -hour);
	due(k, id, max - hour);
	/* damaged */
	static const char *const bad[] = { "", "received=\n", "received=2026-11-24T06:27:41Z\n", "nonsense",
		"received=2026-11-24T06:27:41Z\npurge_at=2026-11-24T06:27:41Z\nrecipient=age1x\n",
		"received=2026-11-24T06:27:41Z\npurge_at=2026-11-24T06:27:41Z\nmore=1\n",
		"received=2026-11-24T06:27:41Z\npurge_at=2026-11-24T06:27:41Z" };
	char path[500];
	snprintf(path, sizeof(path), "%s/import/%s", k->spool, id);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(path, "deadline", bad[i]);
		assert_int_not_equal(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), RC_OK);
		assert_int_equal(err.kind, ERR_DATA);
	}
	assert_int_equal(deadline_counts(k->sp, id, NULL, 0), id_time(id) + max);
	kit_free(k);
}

static void stamped_by_the_spools_clock(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = NULL;
	struct err err = { 0 };
	char a[TIME_TEXT_MAX], text[100];
	time_t t = time_now() + 5 * 86400;
	/* the machine's clock fell back five days: received is not before what was seen */
	snprintf(text, sizeof(text), "high=%s\nwall=%s\n", time_iso(t, a), a);
	put(k->spool, "clock", text);
	imp = kit_import(k, "x");
	assert_true(import_received(imp) >= t && import_received(imp) <= t + 2);
	assert_int_equal(id_time(import_id(imp)), import_received(imp));
	import_close(imp);
	/* three days ahead of what was seen: as the clock says, but remembered */
	t = time_now() - 3 * 86400;
	snprintf(text, sizeof(text), "high=%s\nwall=%s\n", time_iso(t, a), a);
	put(k->spool, "clock", text);
	imp = kit_import(k, "x");
	assert_true(import_received(imp) >= time_now() - 2);
	assert_true(imp->dl.seen >= t && imp->dl.seen <= t + 2);
	char id[SPOOL_ID_LEN + 1];
	text_copy(id, sizeof(id), import_id(imp));
	import_close(imp);
	good(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), &err);
	assert_true(imp->dl.seen >= t && imp->dl.seen <= t + 2);
	import_close(imp);
	kit_free(k);
}

static int count_line(const json_t *line, void *arg, struct err *err)
{
	(void)err;
	assert_true(json_is_object(line));
	++*(int *)arg;
	return RC_OK;
}

static void history(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = kit_import(k, "x");
	struct err err = { 0 };
	char path[500];
	int n = 0;
	json_t *numbers = json_make(&err, "{s:i, s:s}", "objects", 3, "time", "not this one");
	snprintf(path, sizeof(path), "%s/import/%s/history", k->spool, import_id(imp));
	good(import_history_add(imp, "check", "study/1", "held", "birth date differs", numbers, &err), &err);
	json_decref(numbers);
	good(import_history_each(imp, count_line, &n, &err), &err);
	assert_int_equal(n, 2);
	/* a torn tail and hostile lines: passed over, and what is added after stands alone */
	FILE *f = fopen(path, "ae");
	assert_non_null(f);
	fputs("not json\n[1,2]\n\n{\"a\":", f);
	fwrite("\0{}\n{\"torn", 1, 10, f);
	assert_int_equal(fclose(f), 0);
	good(import_history_add(imp, "check", "study/1", "ok", NULL, NULL, &err), &err);
	n = 0;
	good(import_history_each(imp, count_line, &n, &err), &err);
	assert_int_equal(n, 3);
	f = fopen(path, "ae");
	assert_non_null(f);
	fputs("{\"well\":\"formed, and torn\"}", f);
	assert_int_equal(fclose(f), 0);
	n = 0;
	good(import_history_each(imp, count_line, &n, &err), &err);
	assert_int_equal(n, 3);
	/* text that is not UTF-8 does not get in */
	assert_int_not_equal(import_history_add(imp, "check", NULL, "ok", "\xff", NULL, &err), RC_OK);
	/* beyond its ceiling nothing is read */
	assert_int_equal(truncate(path, HISTORY_MAX + 1), 0);
	assert_int_not_equal(import_history_each(imp, count_line, &n, &err), RC_OK);
	/* not what it should be */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_not_equal(import_history_each(imp, count_line, &n, &err), RC_OK);
	assert_int_not_equal(import_history_add(imp, "check", NULL, "ok", NULL, NULL, &err), RC_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_not_equal(import_history_each(imp, count_line, &n, &err), RC_OK);
	import_close(imp);
	kit_free(k);
}

static void refs(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = NULL;
	struct err err = { 0 };
	assert_int_not_equal(import_create(&imp, k->sp, "a\npurge_at=2099-01-01T00:00:00Z", "{}", 2, &err), RC_OK);
	assert_int_equal(err.kind, ERR_DATA);
	assert_int_not_equal(import_create(&imp, k->sp, "\xff", "{}", 2, &err), RC_OK);
	good(import_create(&imp, k->sp, "Größe = 3", "{}", 2, &err), &err);
	char id[SPOOL_ID_LEN + 1];
	text_copy(id, sizeof(id), import_id(imp));
	import_close(imp);
	good(import_open(&imp, k->sp, id, IMPORT_INCOMING, &err), &err);
	assert_string_equal(import_ref(imp), "Größe = 3");
	import_close(imp);
	kit_free(k);
}

struct seen { char last[SPOOL_ID_LEN + 1]; int incoming, committed; };

static int see(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct seen *s = arg;
	(void)err;
	assert_true(strcmp(s->last, id) < 0);
	text_copy(s->last, sizeof(s->last), id);
	if (where == IMPORT_INCOMING)
		s->incoming++;
	else
		s->committed++;
	return RC_OK;
}

static void each(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct import *imp = NULL;
	struct err err = { 0 };
	struct seen s = { "", 0, 0 };
	for (int i = 0; i < 5; i++)
		import_close(kit_import(k, "x"));
	for (int i = 0; i < 3; i++) {
		good(import_create(&imp, k->sp, NULL, "{}", 2, &err), &err);
		import_close(imp);
	}
	put(k->spool, "import/stray", "");
	good(import_each(k->sp, see, &s, &err), &err);
	assert_int_equal(s.incoming, 3);
	assert_int_equal(s.committed, 5);
	kit_free(k);
}

/* Every page count of a full disk: 75, and nothing half. */
static void full_disk(void **state)
{
	(void)state;
	struct err err = { 0 };
	char dir[] = "/tmp/mri-full-XXXXXX", fill[64];
	static char junk[4096];
	int failed = 0, succeeded = 0;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(geteuid(), 0);
	assert_int_equal(mount("none", dir, "tmpfs", 0, "size=256k"), 0);
	struct kit *k = kit_at(dir, true);
	int before = tree_of(k->spool, "none").entries;
	time_t now = 0;
	good(spool_clock(k->sp, &now, &err), &err);
	snprintf(fill, sizeof(fill), "%s/fill", dir);
	for (int leave = 0; leave < 40; leave++) {
		struct import *imp = NULL;
		struct package *p = NULL;
		struct stream *s = NULL;
		int fd = open(fill, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), n = 0, rc = RC_OK;
		off_t size = 0;
		while (write(fd, junk, sizeof(junk)) == sizeof(junk))
			size += sizeof(junk);
		assert_int_equal(ftruncate(fd, size - (off_t)leave * 4096 > 0 ? size - (off_t)leave * 4096 : 0), 0);
		close(fd);
		memset(&err, 0, sizeof(err));
		if ((rc = import_create(&imp, k->sp, NULL, "{}", 2, &err)) == RC_OK) {
			if ((rc = import_package_begin(imp, &p, &fd, &n, &err)) == RC_OK) {
				rc = spool_writer_fd(&s, fd, import_recipient(imp), &err);
				for (int i = 0; i < 5 && rc == RC_OK; i++)
					rc = stream_write(s, junk, sizeof(junk), &err);
				if (rc == RC_OK)
					rc = stream_commit(s, &err);
				stream_close(s);
				if (rc == RC_OK)
					rc = import_package_end(p, "a", "{}", 2, &err);
				else
					import_package_abort(p);
			}
			if (rc == RC_OK) {
				rc = import_commit(imp, &err);
				assert_int_equal(rc, RC_OK);
			} else {
				struct err dropped;
				enum err_kind kind = err.kind;
				size_t half = 1;
				good(import_packages(imp, NULL, 0, &half, &dropped), &dropped);
				assert_int_equal(half, 0);
				good(import_discard(imp, &dropped), &dropped);
				assert_int_equal(kind, ERR_TEMP);
			}
		} else {
			assert_int_equal(err.kind, ERR_TEMP);
		}
		if (rc == RC_OK) {
			char id[SPOOL_ID_LEN + 1];
			text_copy(id, sizeof(id), import_id(imp));
			import_close(imp);
			succeeded++;
			good(import_open(&imp, k->sp, id, IMPORT_COMMITTED, &err), &err);
			good(import_package_open(imp, 1, &s, &err), &err);
			assert_int_equal(s->size, 5 * sizeof(junk));
			stream_close(s);
			char path[400], key[400];
			snprintf(path, sizeof(path), "%s/import/%s", k->spool, id);
			erase_path(path);
			snprintf(key, sizeof(key), "%s/keys/%s", k->spool, id);
			assert_int_equal(unlink(key), 0);
		} else {
			failed++;
		}
		import_close(imp);
		assert_int_equal(unlink(fill), 0);
		assert_int_equal(tree_of(k->spool, "none").entries, before + 1);
	}
	print_message("full disk: %d failed, %d went through\n", failed, succeeded);
	assert_true(failed > 5);
	assert_true(succeeded > 5);
	kit_free(k);
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way), cmocka_unit_test(resume), cmocka_unit_test(discard),
		cmocka_unit_test(purged_meanwhile), cmocka_unit_test(deadlines),
		cmocka_unit_test(stamped_by_the_spools_clock), cmocka_unit_test(history), cmocka_unit_test(refs),
		cmocka_unit_test(each), cmocka_unit_test(full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
