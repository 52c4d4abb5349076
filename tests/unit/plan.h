/* Tests of plans: an order, a study as a portal has it, a plan applied and verified, values found by walking. */
#ifndef MRI_TEST_PLAN_H
#define MRI_TEST_PLAN_H

#include <stdio.h>

#include "object.h"
#include "reconcile/plan.h"
#include "reconcile/verify.h"

#define T0	1795500000
#define ORIGINAL 0x04000561

static struct order order;
static struct order_study entry;

static inline void plain_order(void)
{
	memset(&order, 0, sizeof order);
	memset(&entry, 0, sizeof entry);
	order.patient.id = "L1";
	order.patient.issuer = "HOSP";
	order.patient.name = "Muster^Eva";
	memcpy(order.patient.birth_date, "19700101", 9);
	order.patient.sex = "F";
	order.studies = &entry;
	order.nstudies = 1;
	entry.accession = "ACC1";
	entry.accession_issuer = "US";
	entry.requested_procedure_id = "RP1";
	entry.scheduled_step_id = "SPS1";
	entry.description = "CT";
	entry.admission_id = "ADM1";
}

/* The map and the source of the next plan. */
static const struct map *with_map;
static const char *with_source;

static inline int make(json_t **plan, int e, const struct plan_set *sets, size_t nsets, struct err *err)
{
	struct plan_input in = { .order = &order, .entry = e, .order_sha256 = "o", .manifest_sha256 = "m",
	    .time = T0,
		.version = "mri-tools test", .organisation = "Klinik", .station = "host", .sets = sets,
		    .nsets = nsets, .map = with_map, .source = with_source };

	return plan_make(plan, &in, err);
}

/* A study as a portal has it: foreign request, foreign issuer, a group length, an old record, a signature. */
static inline void study(struct buf *b, enum walk_form f, const char *charset, const char *name)
{
	struct buf item = BUF_INIT(0), seq = BUF_INIT(0);
	char padded[70] = "";

	snprintf(padded, sizeof padded, "%s%s", name, strlen(name) & 1 ? " " : "");
	buf_clear(b);
	ob_meta(b, ob_syntax(f));
	if (charset != NULL)
		ob_text(b, f, 0x00080005, "CS", charset);
	ob_raw(b, f, 0x00080018, "UI", "1.2.3\0", 6);
	ob_text(b, f, 0x00080050, "SH", "FOREIGN1");
	ob_text(b, f, 0x00080060, "CS", "CT");
	ob_text(b, f, 0x00080080, "LO", "Elsewhere ");
	ob_text(&item, f, 0x00080100, "SH", "X1");
	ob_sequence(b, f, 0x00081032, 1, &item);
	ob_number(b, f, 0x00100000, 12);
	ob_text(b, f, 0x00100010, "PN", padded);
	ob_text(b, f, 0x00100020, "LO", "F99 ");
	ob_text(b, f, 0x00100021, "LO", "ELSE");
	ob_text(b, f, 0x00100030, "DA", "19700101");
	ob_raw(b, f, 0x0020000d, "UI", "1.2.4\0", 6);
	buf_clear(&item);
	ob_text(&item, f, 0x00400007, "LO", "Thorax");
	ob_text(&item, f, 0x00401001, "SH", "FRP ");
	ob_sequence(b, f, 0x00400275, 0, &item);
	buf_clear(&item);
	ob_text(&item, f, 0x04000565, "CS", "CORRECT ");
	ob_sequence(b, f, ORIGINAL, 3, &item);
	ob_text(b, f, 0x7fe00010, "OW", "pixels");
	buf_clear(&item);
	ob_text(&item, f, 0x04000110, "UI", "1.2 ");
	ob_sequence(b, f, 0xfffafffa, 0, &item);
	buf_free(&item);
	buf_free(&seq);
}

static inline int apply(const json_t *doc, const struct buf *file, struct buf *out, struct plan_report *report,
    struct err *err)
{
	struct plan *plan = NULL;
	struct stream *s = NULL;
	struct object *o = NULL;
	struct pieces p = { 0 };
	int rc = plan_load(&plan, doc, err);

	if (rc == RC_OK)
		rc = stream_mem(&s, file->data, file->len, err);
	if (rc == RC_OK)
		rc = walk_open(&o, s, err);
	if (rc == RC_OK)
		rc = plan_apply(plan, o, &p, report, err);
	buf_clear(out);
	if (rc == RC_OK)
		ob_apply(file, &p, out);
	pieces_free(&p);
	walk_close(o);
	stream_close(s);
	plan_free(plan);
	return rc;
}

static inline int verify(const json_t *doc, const struct buf *a, const struct buf *b, struct err *err)
{
	struct stream *x = NULL, *y = NULL;
	int rc = RC_OK;

	must(stream_mem(&x, a->data, a->len, err), err);
	must(stream_mem(&y, b->data, b->len, err), err);
	rc = plan_verify(doc, x, y, err);
	stream_close(x);
	stream_close(y);
	return rc;
}

/* Rules of the map that could be taken from the plan, or set something else, and the verifier would not see it. */
static inline size_t unseen_rules(const json_t *doc, const struct buf *a, const struct buf *b)
{
	size_t i = 0, unseen = 0;

	for (i = 0; i < json_array_size(json_object_get(doc, "rules")); i++) {
		json_t *other = json_deep_copy((json_t *)(uintptr_t)doc), *rules = json_object_get(other, "rules");
		const json_t *rule = json_array_get(rules, i);
		struct err err = { 0 };

		if (strcmp(json_text(rule, "rule"), "map") == 0 && strcmp(json_text(rule, "op"), "append") != 0) {
			bool set = json_object_get(rule, "new") != NULL && strcmp(json_text(rule, "op"), "set") == 0;

			json_object_set_new(json_array_get(rules, i), "new", json_string("Q"));
			unseen += set && verify(other, a, b, &err) == RC_OK;
			json_array_remove(rules, i);
			unseen += verify(other, a, b, &err) == RC_OK;
		}
		json_decref(other);
	}
	return unseen;
}

/* Values of a changed object, found by walking: "tag" at the top, item n of seq, or in the item of an
 * inner sequence. */
struct look { uint32_t seq, inner, tag; int item; char text[256]; bool found; const struct object *o; };

static inline int look_inner(const struct object *o, unsigned item, const struct element *e, void *arg,
    struct err *err)
{
	struct look *l = arg;
	size_t n = 0;

	(void)item;
	if (e->tag != l->tag || e->length >= sizeof l->text)
		return RC_OK;
	must(walk_value(o, e, l->text, sizeof l->text - 1, &n, err), err);
	l->text[n] = '\0';
	while (n > 0 && l->text[n - 1] == ' ')
		l->text[--n] = '\0';
	l->found = true;
	return RC_OK;
}

static inline int look_item(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct look *l = arg;

	if ((int)item != l->item)
		return RC_OK;
	if (l->inner == 0)
		return look_inner(o, item, e, arg, err);
	return e->tag == l->inner ? walk_items(o, e, look_inner, arg, err) : RC_OK;
}

static inline const char *value(const struct buf *file, uint32_t seq, int item, uint32_t inner, uint32_t tag)
{
	static struct look l;
	struct stream *s = NULL;
	struct object *o = NULL;
	struct err err = { 0 };

	l = (struct look){ .seq = seq, .item = item, .inner = inner, .tag = tag };
	must(stream_mem(&s, file->data, file->len, &err), &err);
	must(walk_open(&o, s, &err), &err);
	if (seq == 0)
		must(walk_text(o, tag, l.text, sizeof l.text, &l.found, &err), &err);
	else if (walk_find(o, seq) != NULL)
		must(walk_items(o, walk_find(o, seq), look_item, &l, &err), &err);
	walk_close(o);
	stream_close(s);
	return l.found ? l.text : NULL;
}

#define top(f, tag) value(f, 0, 0, 0, tag)
#define OLD(f, n, tag) value(f, ORIGINAL, n, 0x04000550, tag)

#endif
