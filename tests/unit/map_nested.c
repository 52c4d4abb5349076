/* Maps inside sequences and in private blocks: what is named changes, every other byte stays, the verifier sees it. */
#include "dicom/charset.h"
#include "plan.h"
#include "reconcile/map.h"

#define REQUEST	0x00400275
#define PROTOCOL 0x00400008

static struct buf file, out;
static struct plan_report report;
static json_t *plan;
static char why[1024];

static void fault(void *arg, const struct err *err)
{
	(void)arg;
	print_error("# %s\n", err->text);
}

static bool run_on(const char *text, int e, const char *name)
{
	struct map *m = NULL;
	struct err err = { 0 };
	int rc = RC_OK;

	json_decref(plan);
	plan = NULL;
	plain_order();
	order.patient.name = (char *)(uintptr_t)name;
	must(map_new(&m, &err), &err);
	must(map_add(m, "a.map", text, strlen(text), fault, NULL, &err), &err);
	with_map = m;
	must(make(&plan, e, NULL, 0, &err), &err);
	with_map = NULL;
	map_free(m);
	rc = apply(plan, &file, &out, &report, &err);
	snprintf(why, sizeof why, "%s", rc != RC_OK ? err.text : "");
	if (rc != RC_OK) {
		assert_int_equal(err.kind, ERR_DATA);
		return false;
	}
	must(verify(plan, &file, &out, &err), &err);
	return true;
}

static void put_item(struct buf *b, enum walk_form f, bool open, const struct buf *item)
{
	ob_head(b, f, 0xfffee000, "", open ? UINT32_MAX : (uint32_t)item->len);
	ob_bytes(b, item->data, item->len);
	if (open)
		ob_head(b, f, 0xfffee00d, "", 0);
}

/* how: 0 all lengths known, 1 undefined, 2 sequence undefined, 3 items undefined; un: the sequence stands as UN. */
static void nested(struct buf *b, enum walk_form outer, int how, bool un)
{
	enum walk_form f = un ? WALK_IMPLICIT_LE : outer;
	struct buf one = BUF_INIT(0), two = BUF_INIT(0), inner = BUF_INIT(0), group = BUF_INIT(0), items = BUF_INIT(0);
	struct buf empty = BUF_INIT(0), sign = BUF_INIT(0);
	bool open = how == 1 || how == 3;

	buf_clear(b);
	ob_meta(b, ob_syntax(outer));
	ob_text(b, outer, 0x00080005, "CS", "ISO_IR 100");
	ob_raw(b, outer, 0x00080018, "UI", "1.2.3\0", 6);
	ob_text(b, outer, 0x00080060, "CS", "CT");
	ob_text(b, outer, 0x00100010, "PN", "M\xfcller");
	ob_text(b, outer, 0x00100020, "LO", "F99 ");
	ob_text(&inner, f, 0x00080100, "SH", "P1");
	ob_text(&inner, f, 0x00080104, "LO", "Sch\xe4" "del ");
	ob_text(&group, f, 0x00400007, "LO", "Th\xf6rax");
	ob_sequence(&group, f, PROTOCOL, how, &inner);
	ob_text(&group, f, 0x00401001, "SH", "FRP ");
	ob_number(&one, f, 0x00400000, (uint32_t)group.len);
	ob_bytes(&one, group.data, group.len);
	ob_text(&sign, f, 0x04000110, "UI", "1.2 ");
	ob_sequence(&one, f, 0xfffafffa, how, &sign);
	ob_text(&two, f, 0x00080005, "CS", "ISO_IR 192");
	ob_text(&two, f, 0x00400007, "LO", "Łódź ");
	ob_sequence(&two, f, 0xfffafffa, how, &sign);
	put_item(&items, f, open, &one);
	put_item(&items, f, open, &empty);
	put_item(&items, f, open, &two);
	ob_head(b, outer, REQUEST, un ? "UN" : "SQ", how == 1 || how == 2 || un ? UINT32_MAX : (uint32_t)items.len);
	ob_bytes(b, items.data, items.len);
	if (how == 1 || how == 2 || un)
		ob_head(b, un ? WALK_EXPLICIT_LE : outer, 0xfffee0dd, "", 0);
	ob_text(b, outer, 0x00400280, "ST", "behind");
	buf_free(&one);
	buf_free(&two);
	buf_free(&inner);
	buf_free(&group);
	buf_free(&items);
	buf_free(&empty);
	buf_free(&sign);
}

static void done(void)
{
	json_decref(plan);
	plan = NULL;
	buf_free(&file);
	buf_free(&out);
}

/* Every byte of the result that is altered is seen, but for those of values that no plan fixes. */
static size_t unseen_changes(void)
{
	struct stream *x = NULL, *y = NULL;
	struct plan *loaded = NULL;
	struct err err = { 0 };
	size_t i = 0, unseen = 0;

	must(plan_load(&loaded, plan, &err), &err);
	must(stream_mem(&x, file.data, file.len, &err), &err);
	must(stream_mem(&y, out.data, out.len, &err), &err);
	for (i = 132; i < out.len; i++) {
		out.data[i] ^= 1;
		unseen += plan_verify_loaded(loaded, x, y, &err) == RC_OK;
		out.data[i] ^= 1;
	}
	stream_close(x);
	stream_close(y);
	plan_free(loaded);
	assert_int_not_equal(verify(plan, &file, &file, &err), RC_OK);
	return unseen;
}

static const char lines[] = "RequestAttributesSequence[0].RequestedProcedureID = R{patient.id}x\n"
    "RequestAttributesSequence[0].ScheduledProtocolCodeSequence[0].CodeValue s/P/LONGER/\n"
    "RequestAttributesSequence[0].ScheduledProtocolCodeSequence[0].CodingSchemeDesignator = 99LOCAL\n"
    "RequestAttributesSequence[0].ScheduledProcedureStepID ?= S1\n"
    "RequestAttributesSequence[0].RequestedProcedureDescription ?= fräsch\n"
    "RequestAttributesSequence[0].ScheduledProtocolCodeSequence[0].CodeMeaning s/ä/ae/\n"
    "RequestAttributesSequence[0].RequestedProcedurePriority = HIGH\n"
    "RequestAttributesSequence[1].RequestedProcedureID = AFTER\n"
    "RequestAttributesSequence[1].ScheduledProcedureStepID = INTO\n"
    "RequestAttributesSequence[2].ScheduledProcedureStepDescription s/ź/ź {Modality}/\n"
    "RequestAttributesSequence[2].RequestedProcedureCodeSequence[0].CodeValue = NEW\n"
    "RequestAttributesSequence[2].RequestedProcedureCodeSequence[0].CodeMeaning = für\n"
    "RequestAttributesSequence[2].PlacerOrderNumberImagingServiceRequest -\n";

/* An unscheduled study keeps its requests: changes are in the items of the object. */
static void in_items(void **state)
{
	static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };
	static const char *const names[] = { "Boehm", "Böhm", "Łódź" };	/* the last one converts all */
	int i = 0, how = 0, n = 0, un = 0;

	(void)state;
	for (i = 0; i < 3; i++)
	for (how = 0; how < 4; how++)
	for (un = 0; un < (i == 1 && how == 1 ? 2 : 1); un++)
	for (n = 0; n < 3; n++) {
		nested(&file, forms[i], how, un);
		if (!run_on(lines, ORDER_UNSCHEDULED, names[n])) {
			print_error("# %d %d %d %d: %s\n", i, how, un, n, why);
			fail();
		}
		assert_int_equal(report.converted, n == 2);
		assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401001), "RL1x");
		assert_string_equal(value(&out, REQUEST, 0, 0, 0x00400007), n == 2 ? "Thörax" : "Th\xf6rax");
		assert_string_equal(value(&out, REQUEST, 0, 0, 0x00400009), "S1");
		assert_string_equal(value(&out, REQUEST, 0, 0, 0x00321060), n == 2 ? "fräsch" : "fr\xe4sch");
		assert_string_equal(value(&out, REQUEST, 0, PROTOCOL, 0x00080100), "LONGER1");
		assert_string_equal(value(&out, REQUEST, 0, PROTOCOL, 0x00080102), "99LOCAL");
		assert_string_equal(value(&out, REQUEST, 0, PROTOCOL, 0x00080104), "Schaedel");
		assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401003), "HIGH");
		assert_null(value(&out, REQUEST, 0, 0xfffafffa, 0x04000110));
		assert_string_equal(value(&out, REQUEST, 1, 0, 0x00401001), "AFTER");
		assert_string_equal(value(&out, REQUEST, 1, 0, 0x00400009), "INTO");
		assert_string_equal(value(&out, REQUEST, 2, 0, 0x00400007), "Łódź CT");
		assert_string_equal(value(&out, REQUEST, 2, 0x00321064, 0x00080100), "NEW");
		assert_string_equal(value(&out, REQUEST, 2, 0x00321064, 0x00080104), "für");
		assert_null(value(&out, REQUEST, 2, 0xfffafffa, 0x04000110));	/* held no longer */
		assert_string_equal(top(&out, 0x00400280), "behind");
		/* the sequence as it was, once, is on record */
		assert_string_equal(value(&out, ORIGINAL, 1, 0, 0x04000565), "COERCE");
		/* reserved bytes, VR letters in items of ours, lengths of delimiters, sets that were converted */
		if (i == 1 && !un && n != 1 && how == (n == 0 ? 1 : 0))
			assert_true(unseen_changes() <= 150);
		if (how == i)
			assert_int_equal(unseen_rules(plan, &file, &out), 1);	/* the one that removes what is not there */
	}
	done();
}

/* Scheduled: the request is the order's, and the map works on that. */
static void in_what_irwf_makes(void **state)
{
	(void)state;
	nested(&file, WALK_EXPLICIT_LE, 0, false);
	assert_true(run_on("RequestAttributesSequence[0].RequestedProcedureID s/RP/LOCAL/\n"
	    "RequestAttributesSequence[0].ScheduledProcedureStepDescription s/ö/oe/\n"
	    "RequestAttributesSequence[0].ScheduledProcedureStepID ?= NOT\n"
	    "RequestAttributesSequence[0].RequestedProcedureDescription -\n"
	    "RequestAttributesSequence[1].ScheduledProcedureStepID = SECOND\n"
	    "[when Modality = CT]\nProcedureCodeSequence[0].CodeValue = CT1\n"
	    "ProcedureCodeSequence[0].CodeMeaning = {Modality}\n"
	    "[when Modality = MR]\nProcedureCodeSequence[0].CodeValue = MR1\n", 0, "Böhm"));
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401001), "LOCAL1");
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00400007), "Thoerax");
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00400009), "SPS1");
	assert_null(value(&out, REQUEST, 0, 0, 0x00321060));
	assert_string_equal(value(&out, REQUEST, 1, 0, 0x00400009), "SECOND");
	assert_string_equal(value(&out, 0x00081032, 0, 0, 0x00080100), "CT1");
	assert_string_equal(value(&out, 0x00081032, 0, 0, 0x00080104), "CT");
	assert_true(unseen_changes() <= 60);
	done();
}

static void not_there(void **state)
{
	(void)state;
	nested(&file, WALK_EXPLICIT_LE, 0, false);
	assert_false(run_on("RequestAttributesSequence[3].RequestedProcedureID = X", ORDER_UNSCHEDULED, "A"));
	assert_non_null(strstr(why, "RequestedProcedureID (a.map:1): its sequence has no item [3]"));
	assert_false(run_on("ProcedureCodeSequence[1].CodeValue = X", ORDER_UNSCHEDULED, "A"));
	assert_true(run_on("RequestAttributesSequence[3].RequestedProcedureID -\nProcedureCodeSequence[0].CodeValue -\n"
	    "RequestAttributesSequence[3].ScheduledProcedureStepID s/a/b/\n"
	    "RequestAttributesSequence[2].ScheduledProtocolCodeSequence[0].CodeValue s/a/b/\n", ORDER_UNSCHEDULED, "A"));
	assert_null(value(&out, ORIGINAL, 1, 0, 0x04000565));
	assert_false(run_on("RequestAttributesSequence[0].RequestedProcedureID = {PatientName}{PatientName}{PatientName}",
	    ORDER_UNSCHEDULED, "A"));
	assert_non_null(strstr(why, "longer than the 16"));
	/* what was removed is made anew, without what was in it */
	assert_true(run_on("RequestAttributesSequence -\n[when Modality = CT]\n"
	    "RequestAttributesSequence[0].RequestedProcedureID = X\n",
	    ORDER_UNSCHEDULED, "A"));
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401001), "X");
	assert_null(value(&out, REQUEST, 0, 0, 0x00400007));
	/* what changes in a sequence is nothing when all of it goes */
	assert_true(run_on("RequestAttributesSequence[0].RequestedProcedureID = X\n[when Modality = CT]\n"
	    "RequestAttributesSequence -\n", ORDER_UNSCHEDULED, "A"));
	assert_null(value(&out, REQUEST, 0, 0, 0x00401001));
	nested(&file, WALK_EXPLICIT_LE, 0, false);
	assert_true(run_on("RequestAttributesSequence[0].ScheduledProtocolCodeSequence[0].CodeValue = X\n"
	    "RequestAttributesSequence[0].ScheduledProtocolCodeSequence -\n", ORDER_UNSCHEDULED, "A"));
	assert_null(value(&out, REQUEST, 0, PROTOCOL, 0x00080100));
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401001), "FRP");
	/* a sequence that is closed at once has no items */
	buf_clear(&file);
	ob_meta(&file, ob_syntax(WALK_EXPLICIT_LE));
	ob_text(&file, WALK_EXPLICIT_LE, 0x00100020, "LO", "F99 ");
	ob_head(&file, WALK_EXPLICIT_LE, REQUEST, "SQ", UINT32_MAX);
	ob_head(&file, WALK_EXPLICIT_LE, 0xfffee0dd, "", 0);
	assert_true(run_on("RequestAttributesSequence[0].RequestedProcedureID = X", ORDER_UNSCHEDULED, "A"));
	assert_string_equal(value(&out, REQUEST, 0, 0, 0x00401001), "X");
	/* another VR than a sequence's, and a UN of known length, hold nothing that could be found */
	buf_clear(&file);
	ob_meta(&file, ob_syntax(WALK_EXPLICIT_LE));
	ob_text(&file, WALK_EXPLICIT_LE, 0x00100020, "LO", "F99 ");
	ob_text(&file, WALK_EXPLICIT_LE, REQUEST, "UN", "opaque");
	assert_false(run_on("RequestAttributesSequence[0].RequestedProcedureID = X", ORDER_UNSCHEDULED, "A"));
	assert_non_null(strstr(why, "has VR UN in this object, not that of a sequence"));
	done();
}

/* ---- private blocks ---- */

static void privates(struct buf *b, enum walk_form f)
{
	buf_clear(b);
	ob_meta(b, ob_syntax(f));
	ob_text(b, f, 0x00080005, "CS", "ISO_IR 100");
	ob_text(b, f, 0x00080060, "CS", "CT");
	ob_text(b, f, 0x00100010, "PN", "M\xfcller");
	ob_text(b, f, 0x00100020, "LO", "F99 ");
	ob_text(b, f, 0x00190010, "LO", "OTHER ");
	ob_text(b, f, 0x00190011, "LO", "ACME 1.1");
	ob_text(b, f, 0x00191010, "LO", "other's ");
	ob_text(b, f, 0x00191110, "LO", "ours");
	ob_text(b, f, 0x00191112, f == WALK_IMPLICIT_LE ? "" : "SH", "short ");
}

static void blocks(void **state)
{
	static const enum walk_form forms[] = { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };
	size_t i = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		privates(&file, forms[i]);
		assert_true(run_on("(\"ACME 1.1\",0019,10) LO s/ours/mine {Modality}/\n(\"ACME 1.1\",0019,11) LO = added\n"
		    "(\"ACME 1.1\",0019,12) -\n(\"NEW\",0019,01) US = 7\n(\"NEW\",0019,02) LO ?= zwölf\n"
		    "(\"ABSENT\",0019,10) LO s/a/b/\n(\"ABSENT\",0019,11) -\n(\"FIRST\",0021,01) SH = x\n", 0, "Böhm"));
		assert_string_equal(top(&out, 0x00191010), "other's");
		assert_string_equal(top(&out, 0x00191110), "mine CT");
		assert_string_equal(top(&out, 0x00191111), "added");
		assert_null(top(&out, 0x00191112));
		assert_string_equal(top(&out, 0x00190012), "NEW");
		assert_string_equal(top(&out, 0x00191202), "zw\xf6lf");
		assert_null(top(&out, 0x00190013));
		assert_string_equal(top(&out, 0x00210010), "FIRST");
		assert_string_equal(top(&out, 0x00211001), "x");
		/* the old values with their creator, without which they say nothing */
		assert_string_equal(OLD(&out, 1, 0x00190011), "ACME 1.1");
		assert_string_equal(OLD(&out, 1, 0x00191110), "ours");
		assert_string_equal(OLD(&out, 1, 0x00191112), "short");
		assert_null(OLD(&out, 1, 0x00191111));
		if (i == 1)
			assert_true(unseen_changes() <= 60);
		assert_int_equal(unseen_rules(plan, &file, &out), 2);	/* those of a block that is not there */
	}
	privates(&file, WALK_EXPLICIT_LE);
	assert_false(run_on("(\"ACME 1.1\",0019,12) LO = x", 0, "A"));
	assert_non_null(strstr(why, "has VR SH in this object, and LO in the map"));
	done();
}

static int load(void **state)
{
	struct err err = { 0 };

	(void)state;
	plan_prepare(NULL);
	return charset_load(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_items), cmocka_unit_test(in_what_irwf_makes), cmocka_unit_test(not_there),
		cmocka_unit_test(blocks),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
