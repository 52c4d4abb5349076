#include "fixture.h"

#include "spool/overlay.h"

#define CHECK "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What object n of new_import(…, bytes) becomes: a head, some new bytes, the rest. */
static void edit(int n, size_t bytes, struct pieces *p, char *expected, size_t *len, struct fixture *f)
{
	char text[64];
	int new = snprintf(text, sizeof(text), "\n\"new\" [%d] {\n", n);

	*p = (struct pieces){ 0 };
	OK(pieces_original(p, 0, 10, &f->err));
	OK(pieces_new(p, text, (size_t)new, &f->err));
	OK(pieces_original(p, 20, bytes - 20, &f->err));
	memset(expected, 'a' + n % 26, bytes);
	memcpy(expected + 10, text, (size_t)new);
	*len = 10 + (size_t)new + bytes - 20;
	memset(expected + 10 + new, 'a' + n % 26, bytes - 20);
}

static void round_trip(struct fixture *f, int objects, size_t bytes)
{
	struct import *imp = new_import(f, objects, bytes);
	struct overlay_writer *w = NULL;
	struct item_dir *item = NULL;
	struct overlay *o = NULL;
	struct pieces p = { 0 };
	struct stream *s = NULL;
	struct buf b = BUF_INIT(0);
	json_t *plan = json_pack("{s:s}", "Name", "M\xc3\xbcller");
	char *expected = malloc(bytes + 64), original[65];
	size_t len = 0;

	OK(item_open(&item, imp, 1, true, &f->err));
	assert_int_not_equal(overlay_open(&o, item, &f->err), RC_OK);
	assert_int_equal(f->err.kind, ERR_PERSON);
	OK(overlay_create(&w, item, CHECK, plan, objects, &f->err));
	for (int i = objects; i >= 1; i--) {		/* in any order */
		edit(i, bytes, &p, expected, &len, f);
		OK(overlay_add(w, i, CHECK, &p, &f->err));
		pieces_free(&p);
	}
	assert_false(there(f, "import/%s/study/1/overlay", import_id(imp)));
	OK(overlay_commit(w, &f->err));
	OK(overlay_open(&o, item, &f->err));
	assert_string_equal(overlay_check(o), CHECK);
	assert_true(json_equal((json_t *)(uintptr_t)overlay_plan(o), plan));
	assert_int_equal(overlay_objects(o), objects);
	OK(item_file_open(item, ITEM_OVERLAY, &s, &f->err));
	assert_true(s->size < 400 * (uint64_t)objects + 400);	/* edits, not another copy of the study */
	stream_close(s);
	for (int i = 1; i <= objects; i++) {
		struct pieces q = { 0 };

		edit(i, bytes, &p, expected, &len, f);
		OK(overlay_object_open(o, i, &q, &s, &f->err));
		assert_int_equal(s->size, len);
		buf_clear(&b);
		OK(stream_slurp(s, &b, &f->err));
		assert_memory_equal(b.data, expected, len);
		stream_close(s);
		pieces_free(&p);
		pieces_free(&q);
	}
	OK(overlay_pieces_of(o, 1, &p, original, &f->err));
	assert_string_equal(original, CHECK);
	pieces_free(&p);
	assert_int_not_equal(overlay_pieces(o, objects + 1, &p, &f->err), RC_OK);
	assert_non_null(strstr(f->err.text, "has no object"));
	overlay_close(o);
	item_close(item);
	import_close(imp);
	json_decref(plan);
	buf_free(&b);
	free(expected);
}

static void five_hundred(void **state)
{
	struct fixture *f = fixture_new(true);

	(void)state;
	round_trip(f, 500, 4096);
	fixture_free(f);
}

static void plain(void **state)
{
	struct fixture *f = fixture_new(false);

	(void)state;
	round_trip(f, 3, 100);
	fixture_free(f);
}

static void aborted_and_wrong_counts(void **state)
{
	struct fixture *f = fixture_new(true);
	struct import *imp = new_import(f, 2, 50);
	struct overlay_writer *w = NULL;
	struct item_dir *item = NULL;
	struct pieces p = { 0 };
	json_t *plan = json_object();
	bool is_there = true;

	(void)state;
	OK(item_open(&item, imp, 1, true, &f->err));
	OK(pieces_original(&p, 0, 50, &f->err));
	OK(overlay_create(&w, item, CHECK, plan, 2, &f->err));
	OK(overlay_add(w, 1, CHECK, &p, &f->err));
	assert_int_not_equal(overlay_commit(w, &f->err), RC_OK);	/* one is missing */
	OK(overlay_create(&w, item, CHECK, plan, 2, &f->err));
	OK(overlay_add(w, 1, CHECK, &p, &f->err));
	OK(overlay_add(w, 1, CHECK, &p, &f->err));
	assert_int_not_equal(overlay_commit(w, &f->err), RC_OK);	/* one is twice */
	OK(overlay_create(&w, item, CHECK, plan, 1, &f->err));
	OK(overlay_add(w, 1, CHECK, &p, &f->err));
	assert_int_not_equal(overlay_add(w, 2, CHECK, &p, &f->err), RC_OK);
	overlay_abort(w);
	OK(item_file_there(item, ITEM_OVERLAY, &is_there, &f->err));
	assert_false(is_there);
	assert_false(there(f, "import/%s/study/1/.overlay", import_id(imp)));
	pieces_free(&p);
	json_decref(plan);
	item_close(item);
	import_close(imp);
	fixture_free(f);
}

static int open_text(const char *text, size_t len, struct overlay **o, struct err *err)
{
	struct stream *s = NULL;

	assert_int_equal(stream_mem(&s, text, len, err), RC_OK);
	return overlay_open_stream(o, s, err);
}

#define HEAD "{\"v\":1,\"type\":\"overlay\",\"check\":\"" CHECK "\",\"plan\":{},\"objects\":1}\n"
/* sha256 of "abc" */
#define ABC  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define LINE(pieces) "{\"type\":\"object\",\"n\":1,\"sha256\":\"" CHECK "\",\"new\":3,\"pieces\":" pieces \
	",\"result\":\"" ABC "\"}\n"
#define END  "{\"type\":\"end\",\"objects\":1}\n"

static void refuse(const char *text, const char *why)
{
	struct overlay *o = NULL;
	struct pieces p = { 0 };
	struct err err = { 0 };
	int rc = open_text(text, strlen(text), &o, &err);

	if (!rc)
		rc = overlay_pieces(o, 1, &p, &err);
	assert_int_equal(rc, RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	overlay_close(o);
}

static void bad_ones(void **state)
{
	const char *good = HEAD LINE("[[0,0,5],[1,1,2],[1,0,1]]") "abc\n" END;
	struct overlay *o = NULL;
	struct pieces p = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(open_text(good, strlen(good), &o, &err), RC_OK);
	assert_int_equal(overlay_pieces(o, 1, &p, &err), RC_OK);
	assert_int_equal(p.n, 3);
	assert_int_equal(pieces_size(&p), 8);
	pieces_free(&p);
	overlay_close(o);
	for (size_t i = 0; i < strlen(good); i++) {	/* torn anywhere */
		assert_int_not_equal(open_text(good, i, &o, &err), RC_OK);
		assert_null(o);
	}
	refuse(HEAD LINE("[[0,0,5]]") "abX\n" END, "altered");
	refuse(HEAD LINE("[[0,0,5]]") "abcd\n" END, "other bytes");
	refuse(HEAD LINE("[[1,1,3]]") "abc\n" END, "outside");
	refuse(HEAD LINE("[[1,4,0]]") "abc\n" END, "outside");
	refuse(HEAD LINE("[[2,0,1]]") "abc\n" END, "outside");
	refuse(HEAD LINE("[[0,-1,1]]") "abc\n" END, "is not [from");
	refuse(HEAD LINE("[[0,1]]") "abc\n" END, "is not [from");
	refuse(HEAD LINE("[]") "abc\n" END "x", "objects that its first line says");
	refuse(HEAD END, "objects that its first line says");
	refuse(HEAD LINE("[]") "abc\n" LINE("[]") "abc\n" END, "objects that its first line says");
	refuse("{\"v\":2,\"type\":\"overlay\",\"check\":\"" CHECK "\",\"plan\":{},\"objects\":0}\n" END, "version 2");
	refuse("{\"v\":1,\"type\":\"overlay\",\"check\":\"short\",\"plan\":{},\"objects\":0}\n" END, "not a SHA-256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_hundred), cmocka_unit_test(plain), cmocka_unit_test(aborted_and_wrong_counts),
		cmocka_unit_test(bad_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
