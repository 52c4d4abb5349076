/* cmd/stage/check_document, check_facts: what was accepted holds for that finding of those bytes; who is told apart. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "stage/check.h"

#define ORDER "a1"
#define MANIFEST "b1"

/* What a check is made of. */
struct trial {
	struct work work;
	struct check_options opt;
	struct check_stage st;
	struct check_report rep;
	struct check_numbers n;
};

static void begin(struct trial *t)
{
	memset(t, 0, sizeof *t);
	text_copy(t->work.ident.name, sizeof t->work.ident.name, "anna");
	t->opt.reason = "passport seen";
	t->st.work = &t->work;
	t->st.opt = &t->opt;
	t->rep.entry = ORDER_UNSCHEDULED;
}

static void find(struct trial *t, enum check_rule rule, const char *reason, const char *found)
{
	struct check_result *r = &t->rep.rules[rule];
	struct err err = { 0 };

	json_decref(r->detail);
	*r = (struct check_result){ .verdict = CHECK_FINDING, .severity = CHECK_ERROR };
	text_copy(r->reason, sizeof r->reason, reason);
	if (found != NULL)
		assert_non_null(r->detail = json_make(&err, "[{s:s}]", "found", found));
}

static json_t *check(struct trial *t, const json_t *old, const char *order, const char *manifest)
{
	struct err err = { 0 };
	json_t *doc = NULL;

	if (check_document(&t->st, &t->rep, old, order, manifest, &doc, &t->n, &err) != RC_OK)
		fail_msg("%s", err.text);
	return doc;
}

static void end(struct trial *t)
{
	check_report_free(&t->rep);
}

/* The verdict of the check after `old`. */
static void next(struct trial *t, const json_t *old, const char *order, const char *manifest, const char *verdict)
{
	json_t *doc = check(t, old, order, manifest);

	if (strcmp(json_text(doc, "verdict"), verdict) != 0)
		fail_msg("%s, expected %s", json_text(doc, "verdict"), verdict);
	json_decref(doc);
}

static void acceptance(void **state)
{
	/* those that look at the order, and those that look at the bytes only */
	static const enum check_rule of_order[] = { CHECK_PATIENT, CHECK_ONE_ORDER, CHECK_TARGET, CHECK_PERMITTED };
	static const enum check_rule of_bytes[] = { CHECK_ONE_PATIENT, CHECK_COMPLETE, CHECK_READABLE, CHECK_CONSISTENT };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		enum check_rule r = i < 4 ? of_order[i] : of_bytes[i - 4];
		enum check_rule other = r == CHECK_COMPLETE ? CHECK_READABLE : CHECK_COMPLETE;
		struct trial t;
		json_t *old = NULL, *again = NULL, *a = NULL;

		begin(&t);
		find(&t, r, "differs", "1970");
		next(&t, NULL, ORDER, MANIFEST, "held");
		assert_int_equal(t.n.errors, 1);
		t.st.accept[r] = true;
		old = check(&t, NULL, ORDER, MANIFEST);
		assert_string_equal(json_text(old, "verdict"), "accepted");
		assert_int_equal(t.n.errors, 0);
		assert_int_equal(t.n.accepted, 1);
		a = json_object_get(json_array_get(json_object_get(old, "rules"), r), "accepted");
		assert_string_equal(json_text(a, "by"), "anna");
		assert_string_equal(json_text(a, "reason"), "passport seen");
		t.st.accept[r] = false;
		again = check(&t, old, ORDER, MANIFEST);
		assert_true(check_same(old, again));
		json_decref(again);
		t.st.accept[r] = true; /* who accepted first stays */
		t.opt.reason = "again";
		again = check(&t, old, ORDER, MANIFEST);
		assert_true(check_same(old, again));
		json_decref(again);
		t.st.accept[r] = false;
		next(&t, old, ORDER, "b2", "held");
		next(&t, old, "a2", MANIFEST, i < 4 ? "held" : "accepted");
		find(&t, r, "differs more", "1970");
		next(&t, old, ORDER, MANIFEST, "held");
		find(&t, r, "differs", "1971");
		next(&t, old, ORDER, MANIFEST, "held");
		find(&t, r, "differs", NULL);
		next(&t, old, ORDER, MANIFEST, "held");
		find(&t, r, "differs", "1970");
		next(&t, old, ORDER, MANIFEST, "accepted");
		t.rep.rules[r].verdict = CHECK_PASS; /* the same words of another rule */
		find(&t, other, "differs", "1970");
		next(&t, old, ORDER, MANIFEST, "held");
		json_decref(old);
		end(&t);
	}
}

/* What was found without detail is the same without detail; a warning needs no acceptance, and a pass takes none. */
static void weights(void **state)
{
	char text[ERR_TEXT_MAX];
	struct err err = { 0 };
	struct trial t;
	json_t *old = NULL, *list = NULL;

	(void)state;
	begin(&t);
	t.st.accept[CHECK_TARGET] = t.st.accept[CHECK_READABLE] = true;
	find(&t, CHECK_READABLE, "short", NULL);
	old = check(&t, NULL, ORDER, MANIFEST);
	assert_null(json_object_get(json_array_get(json_object_get(old, "rules"), CHECK_TARGET), "accepted"));
	t.st.accept[CHECK_READABLE] = false;
	next(&t, old, ORDER, MANIFEST, "accepted");
	json_decref(old);
	find(&t, CHECK_PATIENT, "differs", "1970");
	t.rep.rules[CHECK_PATIENT].severity = CHECK_WARNING;
	t.rep.rules[CHECK_READABLE].verdict = CHECK_PASS;
	next(&t, NULL, ORDER, MANIFEST, "pass");
	assert_int_equal(t.n.warnings, 1);
	find(&t, CHECK_READABLE, "short", NULL);
	find(&t, CHECK_COMPLETE, "fewer", NULL);
	old = check(&t, NULL, ORDER, MANIFEST);
	assert_int_equal(t.n.errors, 2);
	check_reason(old, false, text, sizeof text);
	assert_string_equal(text, "held: complete, readable");
	check_reason(old, true, text, sizeof text);
	assert_string_equal(text, "held: complete: fewer; readable: short");
	json_decref(old);
	t.st.accept[CHECK_COMPLETE] = true; /* what is accepted holds no more */
	old = check(&t, NULL, ORDER, MANIFEST);
	check_reason(old, false, text, sizeof text);
	assert_string_equal(text, "held: readable");
	list = check_findings(old, &err);
	assert_int_equal(json_array_size(list), 3);
	for (size_t i = 0; i < 3; i++)
		assert_null(json_object_get(json_array_get(list, i), "detail"));
	assert_non_null(json_object_get(json_array_get(json_object_get(old, "rules"), CHECK_PATIENT), "detail"));
	json_decref(list);
	json_decref(old);
	end(&t);
}

/* People are told apart by every attribute; an object that cannot be read is nobody's, but for what it says itself. */
static void people(void **state)
{
	struct check_facts f;
	struct check_object o = { .sop_uid = "1.2" }, broken = { .points = (uint32_t)1 << POINT_BROKEN };
	const struct check_identity first = { .name = "A^B", .id = "1", .issuer = "H", .birth_date = "19700201", .sex = "M",
		.other_names = "C^D", .other_ids = "2" };
	struct err err = { 0 };

	(void)state;
	memset(&f, 0, sizeof f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check_facts_add(&f, &o, &first, &err), RC_OK);
		assert_int_equal(f.objects[i].identity, 0);
	}
	for (int i = 1; i <= 7; i++) {
		struct check_identity id = first;
		char *field[] = { id.name, id.id, id.issuer, id.birth_date, id.sex, id.other_names, id.other_ids };
		field[i - 1][0] = 'X';
		assert_int_equal(check_facts_add(&f, &o, &id, &err), RC_OK);
		assert_int_equal(f.objects[f.nobjects - 1].identity, i);
	}
	assert_int_equal(check_facts_add(&f, &broken, &(struct check_identity){ .id = "" }, &err), RC_OK);
	assert_int_equal(f.objects[f.nobjects - 1].identity, -1);
	assert_int_equal(f.nidentities, 8);
	text_copy(broken.sop_uid, sizeof broken.sop_uid, "1.2");
	assert_int_equal(check_facts_add(&f, &broken, &first, &err), RC_OK);
	assert_int_equal(f.objects[f.nobjects - 1].identity, 0);
	for (int i = 8; i <= CHECK_IDENTITIES_MAX; i++) {
		struct check_identity id = first;
		id.id[0] = 'z';
		id.id[1] = (char)('0' + i);
		assert_false(f.identities_more);
		assert_int_equal(check_facts_add(&f, &o, &id, &err), RC_OK);
	}
	assert_int_equal(f.objects[f.nobjects - 1].identity, -1);
	assert_int_equal(f.nidentities, CHECK_IDENTITIES_MAX);
	assert_true(f.identities_more);
	check_facts_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(acceptance), cmocka_unit_test(weights),
		cmocka_unit_test(people) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
