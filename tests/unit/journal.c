#include "fixture.h"

#include <glob.h>

#include "crypt/keys.h"
#include "spool/journal.h"

#define H1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H2 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

struct one {
	struct fixture *f;
	struct import *imp;
	struct item_dir *item;
	char path[900];
};

static void begin(struct one *t, bool encrypt)
{
	struct fixture *f = t->f = fixture_new(encrypt);

	t->imp = new_import(f, 3, 100);
	OK(item_open(&t->item, t->imp, 1, true, &f->err));
	snprintf(t->path, sizeof(t->path), "%s/import/%s/study/1/sent/pacs", f->dir, import_id(t->imp));
}

static void end(struct one *t)
{
	item_close(t->item);
	import_close(t->imp);
	fixture_free(t->f);
}

static void remembers(void **state)
{
	struct one t = { 0 };
	struct journal *j = NULL;
	struct journal_summary sum = { 0 };
	char hash[65];

	(void)state;
	begin(&t, true);
	struct fixture *f = t.f;
	OK(journal_open(&j, t.item, "pacs", &f->err));
	assert_int_equal(journal_get(j, 1, hash), JOURNAL_NONE);
	OK(journal_add(j, 1, JOURNAL_FAILED, H1, 0xa700, &f->err));
	OK(journal_add(j, 1, JOURNAL_STORED, H2, 0, &f->err));
	OK(journal_add(j, 2, JOURNAL_REFUSED, "", 0xa900, &f->err));
	OK(journal_add(j, 70000, JOURNAL_STORED, H1, 0, &f->err));
	OK(journal_add(j, JOURNAL_DOCUMENT + 1, JOURNAL_STORED, H1, 0, &f->err));
	OK(journal_sync(j, &f->err));
	assert_false(journal_confirmed(j));
	OK(journal_confirm(j, &f->err));
	journal_close(j);
	OK(journal_open(&j, t.item, "pacs", &f->err));
	assert_true(journal_confirmed(j));
	assert_int_equal(journal_get(j, 1, hash), JOURNAL_STORED);
	assert_string_equal(hash, H2);
	assert_int_equal(journal_get(j, 2, hash), JOURNAL_REFUSED);
	assert_string_equal(hash, "");
	assert_int_equal(journal_get(j, 70000, hash), JOURNAL_STORED);
	assert_int_equal(journal_get(j, JOURNAL_DOCUMENT + 1, hash), JOURNAL_STORED);
	assert_int_equal(journal_get(j, JOURNAL_DOCUMENT + 2, hash), JOURNAL_NONE);
	OK(journal_look(t.item, "pacs", &sum, &f->err));
	assert_int_equal(sum.stored, 2);
	assert_int_equal(sum.documents, 1);
	assert_int_equal(sum.refused, 1);
	assert_int_equal(sum.failed, 0);
	assert_true(sum.confirmed);
	/* what is sent after the read-back has not been read back */
	OK(journal_add(j, 3, JOURNAL_STORED, H1, 0, &f->err));
	assert_false(journal_confirmed(j));
	journal_close(j);
	assert_int_not_equal(journal_look(t.item, "other", &sum, &f->err), RC_OK);
	assert_int_equal(f->err.kind, ERR_NOINPUT);
	end(&t);
}

/* Killed in the middle of a line, wherever: what was whole is there, and the next line stands alone. */
static void torn_anywhere(void **state)
{
	struct one t = { 0 };
	struct journal *j = NULL;
	struct buf b = BUF_INIT(0);
	struct stat st = { 0 };
	char hash[65];
	size_t second = 0;

	(void)state;
	begin(&t, false);
	struct fixture *f = t.f;
	OK(journal_open(&j, t.item, "pacs", &f->err));
	OK(journal_add(j, 1, JOURNAL_STORED, H1, 0, &f->err));
	assert_int_equal(stat(t.path, &st), 0);
	second = (size_t)st.st_size;
	OK(journal_add(j, 2, JOURNAL_STORED, H2, 0, &f->err));
	journal_close(j);
	OK(io_slurp(AT_FDCWD, t.path, &b, &f->err));
	for (size_t cut = 0; cut < b.len; cut++) {
		int fd = open(t.path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, b.data, cut), (ssize_t)cut);
		close(fd);
		OK(journal_open(&j, t.item, "pacs", &f->err));
		assert_int_equal(journal_get(j, 1, hash), cut >= second ? JOURNAL_STORED : JOURNAL_NONE);
		assert_int_equal(journal_get(j, 2, hash), JOURNAL_NONE);
		OK(journal_add(j, 3, JOURNAL_STORED, H1, 0, &f->err));
		journal_close(j);
		OK(journal_open(&j, t.item, "pacs", &f->err));
		assert_int_equal(journal_get(j, 3, hash), JOURNAL_STORED);
		journal_close(j);
	}
	buf_free(&b);
	end(&t);
}

/* What is on its way is not stored, takes a confirmation back, and is there again after a kill. */
static void on_its_way(void **state)
{
	struct one t = { 0 };
	struct journal *j = NULL;
	struct journal_summary sum = { 0 };
	const struct journal_entry v[] = { { 1, H1 }, { 2, H2 }, { 3, "" } };
	char hash[65], item_is[32];

	(void)state;
	begin(&t, true);
	struct fixture *f = t.f;
	OK(journal_open(&j, t.item, "pacs", &f->err));
	OK(journal_add(j, 1, JOURNAL_STORED, H2, 0, &f->err));
	OK(journal_confirm(j, &f->err));
	OK(journal_add_many(j, v, 3, JOURNAL_SENDING, &f->err));
	assert_false(journal_confirmed(j));
	OK(journal_add_many(j, NULL, 0, JOURNAL_SENDING, &f->err));
	OK(journal_add(j, 2, JOURNAL_STORED, H2, 0, &f->err));
	journal_close(j);
	OK(journal_open(&j, t.item, "pacs", &f->err));
	assert_false(journal_confirmed(j));
	assert_int_equal(journal_get(j, 1, hash), JOURNAL_SENDING);
	assert_string_equal(hash, H1);
	assert_int_equal(journal_get(j, 2, hash), JOURNAL_STORED);
	assert_int_equal(journal_get(j, 3, hash), JOURNAL_SENDING);
	assert_string_equal(hash, "");
	journal_close(j);
	OK(journal_look(t.item, "pacs", &sum, &f->err));
	assert_int_equal(sum.stored, 1);
	assert_int_equal(sum.failed + sum.refused, 0);
	assert_false(sum.confirmed);
	OK(item_state(t.item, "pacs", item_is, &f->err));
	assert_string_equal(item_is, "sending");
	end(&t);
}

static void refuses(struct one *t, const char *text)
{
	struct journal *j = NULL;
	struct err err = { 0 };
	int fd = open(t->path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(journal_open(&j, t->item, "pacs", &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	assert_null(j);
}

static void not_ours(void **state)
{
	struct one t = { 0 };
	struct journal *j = NULL;

	(void)state;
	begin(&t, false);
	struct fixture *f = t.f;
	OK(journal_open(&j, t.item, "pacs", &f->err));
	journal_close(j);
	refuses(&t, "mri-journal 2\n");
	refuses(&t, "mri-journal 1\nwhat\n");
	refuses(&t, "mri-journal 1\n2026-11-24T06:27:41Z 1 sold - 0000\n");
	refuses(&t, "mri-journal 1\n2026-11-24T06:27:41Z 99999999 stored - 0000\n");
	refuses(&t, "mri-journal 1\n2026-11-24T06:27:41Z 1 stored xyz 0000\n");
	refuses(&t, "mri-journal 1\n2026-11-24T06:27:41Z 1 stored - 0000 more\n");
	end(&t);
}

/* A URL is a secret of sorts and no file name: a keyed hash stands for it. */
static void by_url(void **state)
{
	struct one t = { 0 };
	struct journal *j = NULL;
	struct journal_summary sum = { 0 };
	char path[1000];

	(void)state;
	begin(&t, true);
	struct fixture *f = t.f;
	OK(journal_open(&j, t.item, "folder:/../../etc", &f->err));
	OK(journal_add(j, 1, JOURNAL_STORED, H1, 0, &f->err));
	journal_close(j);
	OK(journal_look(t.item, "folder:/../../etc", &sum, &f->err));
	assert_int_equal(sum.stored, 1);
	snprintf(path, sizeof(path), "import/%s/study/1/sent", import_id(t.imp));
	assert_true(there(f, "%s", path));
	assert_false(there(f, "%s/folder:", path));
	end(&t);
}

/* Each send run leaves a file, sealed to the spool: it outlives the import and its key. */
static void records(void **state)
{
	struct one t = { 0 };
	struct buf b = BUF_INIT(0);
	struct stream *raw = NULL, *s = NULL;
	struct age_identity id;
	char path[900];
	int n = 0;
	glob_t found;

	(void)state;
	begin(&t, true);
	struct fixture *f = t.f;
	OK(record_write(f->sp, import_id(t.imp), "{\"a\":1}\n", 8, &f->err));
	OK(record_write(f->sp, import_id(t.imp), "{\"a\":2}\n", 8, &f->err));
	OK(keys_identity_load(f->identity, &id, &f->err));
	snprintf(path, sizeof(path), "%s/record/%s/*", f->dir, import_id(t.imp));
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 2);
	for (n = 0; n < 2; n++) {
		OK(stream_file(&raw, open(found.gl_pathv[n], O_RDONLY | O_CLOEXEC), &f->err));
		OK(age_open_identity(&s, raw, &id, &f->err));
		buf_clear(&b);
		OK(stream_slurp(s, &b, &f->err));
		assert_string_equal(b.data, n ? "{\"a\":2}\n" : "{\"a\":1}\n");
		stream_close(s);
	}
	globfree(&found);
	buf_free(&b);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers), cmocka_unit_test(torn_anywhere), cmocka_unit_test(on_its_way),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(by_url), cmocka_unit_test(records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
