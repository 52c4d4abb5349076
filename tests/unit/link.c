/* The memory of links. */
#include "spoolkit.h"

#define LINK	"https://portal.example/share/abc123"

static void remembers(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct link_memory *m = NULL;
	struct err err = { 0 };
	bool tried = true;
	const char *id = "20261124T062741Z-abc123";

	good(link_open(&m, k->sp, LINK, &err), &err);
	assert_string_equal(link_import(m), "");
	assert_string_equal(link_outcome(m), "");
	good(link_tried(m, "PASSWORD=x\n", &tried, &err), &err);
	assert_false(tried);
	good(link_try(m, "PASSWORD=x\n", &err), &err);
	good(link_set(m, "", "wrong-factor", &err), &err);
	assert_string_equal(link_outcome(m), "wrong-factor");
	link_close(m);
	/* across runs, and only for that link */
	good(link_open(&m, k->sp, LINK "4", &err), &err);
	assert_string_equal(link_outcome(m), "");
	good(link_tried(m, "PASSWORD=x\n", &tried, &err), &err);
	assert_false(tried);
	link_close(m);
	good(link_open(&m, k->sp, LINK, &err), &err);
	assert_string_equal(link_import(m), "");
	assert_string_equal(link_outcome(m), "wrong-factor");
	good(link_tried(m, "PASSWORD=x\n", &tried, &err), &err);
	assert_true(tried);
	good(link_tried(m, "PASSWORD=y\n", &tried, &err), &err);
	assert_false(tried);
	good(link_set(m, id, "fetching", &err), &err);
	good(link_set(m, id, "done", &err), &err);
	assert_int_not_equal(link_set(m, "no id", "done", &err), RC_OK);
	assert_int_not_equal(link_set(m, id, "two words", &err), RC_OK);
	link_close(m);
	good(link_open(&m, k->sp, LINK, &err), &err);
	assert_string_equal(link_import(m), id);
	assert_string_equal(link_outcome(m), "done");
	link_close(m);
	/* nothing of link or answer on disk */
	assert_false(tree_of(k->spool, "portal.example").found);
	assert_false(tree_of(k->spool, "abc123/").found);
	assert_false(tree_of(k->spool, "PASSWORD").found);
	kit_free(k);
}

static int hash_of(char *line, size_t len, void *arg, struct err *err)
{
	const char *hash = strstr(line, " tried ");
	(void)len;
	(void)err;
	if (hash != NULL)
		text_copy(arg, HASH_HEX, hash + 7);
	return RC_OK;
}

static int hash_in(int dirfd, const char *name, void *arg, struct err *err)
{
	char (*hashes)[HASH_HEX] = arg;
	return each_line(dirfd, name, PLAIN_MAX, hash_of, hashes[0][0] == '\0' ? hashes[0] : hashes[1], err);
}

/* The same answer to two links: nothing on disk says so. */
static void answers_do_not_tell(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct link_memory *m = NULL;
	struct err err = { 0 };
	char hashes[2][HASH_HEX] = { "", "" };
	for (int i = 0; i < 2; i++) {
		good(link_open(&m, k->sp, i == 0 ? LINK : LINK "2", &err), &err);
		good(link_try(m, "PASSWORD=x\n", &err), &err);
		link_close(m);
	}
	good(dir_each(k->sp->dir[DIR_LINK], hash_in, hashes, &err), &err);
	assert_int_equal(strlen(hashes[0]), 64);
	assert_int_equal(strlen(hashes[1]), 64);
	assert_string_not_equal(hashes[0], hashes[1]);
	kit_free(k);
}

static void one_run_at_a_time(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct link_memory *m = NULL, *n = NULL;
	struct err err = { 0 };
	good(link_open(&m, k->sp, LINK, &err), &err);
	assert_int_equal(link_open(&n, k->sp, LINK, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_null(strstr(err.text, "portal"));
	good(link_open(&n, k->sp, LINK "2", &err), &err);
	link_close(n);
	link_close(m);
	good(link_open(&n, k->sp, LINK, &err), &err);
	link_close(n);
	kit_free(k);
}

static int only(int dirfd, const char *name, void *arg, struct err *err)
{
	(void)dirfd;
	(void)err;
	text_copy(arg, 128, name);
	return RC_OK;
}

static void damaged(void **state)
{
	(void)state;
	struct kit *k = kit_new(false);
	struct link_memory *m = NULL;
	struct err err = { 0 };
	char name[128] = "", dir[500];
	bool tried = false;
	good(link_open(&m, k->sp, LINK, &err), &err);
	good(link_set(m, "20261124T062741Z-abc123", "done", &err), &err);
	link_close(m);
	good(dir_each(k->sp->dir[DIR_LINK], only, name, &err), &err);
	snprintf(dir, sizeof(dir), "%s/link", k->spool);
	put(dir, name, "mri-link 1\n2026-11-24T06:27:41Z import ../../etc done\n2026-11-24T06:27:41Z import\n"
	    "x import 20261124T062741Z-abc123 done\n2026-11-24T06:27:41Z import - CAPITAL\n2026-11-24T06:27:41Z tried\n"
	    "2026-11-24T06:27:41Z import 20261124T062741Z-zzz999 expired\n2026-11-24T06:27:41Z import 20261124T0627");
	good(link_open(&m, k->sp, LINK, &err), &err);
	assert_string_equal(link_import(m), "20261124T062741Z-zzz999");
	assert_string_equal(link_outcome(m), "expired");
	good(link_try(m, "a", &err), &err);	/* after the torn line */
	good(link_tried(m, "a", &tried, &err), &err);
	assert_true(tried);
	link_close(m);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers), cmocka_unit_test(answers_do_not_tell), cmocka_unit_test(one_run_at_a_time),
		cmocka_unit_test(damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
