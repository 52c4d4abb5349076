/* From a compiled map to rules of a plan: the order is filled in, what holds for this study is taken. */
#include <string.h>

#include "base/text.h"
#include "dicom/dict.h"
#include "reconcile/map_impl.h"
#include "reconcile/template.h"
#include "reconcile/value.h"

#define VALUE_MAX	((size_t)64 << 10)

static const char *const fields[] = { "order.ref", "patient.id", "patient.issuer", "patient.name",
    "patient.birth_date", "patient.sex", "study.accession", "study.accession_issuer", "study.requested_procedure_id",
    "study.scheduled_step_id", "study.description", "study.admission_id" };
#define NFIELDS	(sizeof fields / sizeof fields[0])

bool map_field_known(const char *name)
{
	size_t i = 0;

	for (i = 0; i < NFIELDS && strcmp(fields[i], name) != 0; i++)
		;
	return i < NFIELDS;
}

const char *map_field_nearest(const char *name)
{
	return text_nearest(name, fields, NFIELDS);
}

static const char *field(const struct plan_input *in, const char *name)
{
	const struct order_patient *p = &in->order->patient;
	const struct order_study *s = in->entry >= 0 && (size_t)in->entry < in->order->nstudies
	    ? &in->order->studies[in->entry] : NULL;
	const char *values[NFIELDS] = { in->order->ref, p->id, p->issuer, p->name, p->birth_date, p->sex,
		s != NULL ? s->accession : NULL, s != NULL ? s->accession_issuer : NULL,
		s != NULL ? s->requested_procedure_id : NULL, s != NULL ? s->scheduled_step_id : NULL,
		s != NULL ? s->description : NULL, s != NULL ? s->admission_id : NULL };
	size_t i = 0;

	for (i = 0; i < NFIELDS && strcmp(fields[i], name) != 0; i++)
		;
	return i < NFIELDS && values[i] != NULL ? values[i] : "";
}

/* ---- templates ---- */

struct fill {
	const struct plan_input *in;
	bool edit;
	bool missing;	/* a field that the order does not give */
	bool old;	/* names of the object are left in it */
};

static int fill_literal(void *arg, const char *s, size_t n, struct buf *b, struct err *err)
{
	return template_escape(s, n, ((struct fill *)arg)->edit, b, err);
}

static int fill_hole(void *arg, const char *name, struct buf *b, struct err *err)
{
	struct fill *f = arg;
	const char *value = map_field_known(name) ? field(f->in, name) : NULL;

	if (value == NULL) {
		f->old = true;
		return buf_printf(b, err, "{%s}", name);
	}
	f->missing |= value[0] == '\0';
	return template_escape(value, strlen(value), f->edit, b, err);
}

static int fill_group(void *arg, unsigned n, struct buf *b, struct err *err)
{
	(void)arg;
	return buf_printf(b, err, "\\%u", n);
}

static int no_hole(void *arg, const char *name, struct buf *b, struct err *err)
{
	(void)arg, (void)name, (void)b;
	return err_set(err, ERR_INTERNAL, "a template that was filled in already");
}

/* Text with braces, without templates, as it will stand. */
static int unescape(const char *s, struct buf *b, struct err *err)
{
	struct template_use use = { .hole = no_hole };

	buf_clear(b);
	return template_expand(s, &use, b, err);
}

static const char *vr_of(const json_t *rule)
{
	const char *path = json_string_value(json_object_get(rule, "path"));
	const char *vr = json_string_value(json_object_get(rule, "vr"));
	struct edit_step steps[PLAN_PATH_MAX];
	const struct dict_entry *d = NULL;
	uint32_t leaf = 0;
	size_t depth = 0;

	if (vr != NULL)
		return vr;
	if (path == NULL ? !plan_tag_parse(json_text(rule, "tag"), &leaf) : !plan_path_parse(path, steps, &depth, &leaf))
		return "";
	d = dict_by_tag(leaf);
	return d != NULL ? d->vr : "";
}

/* The order in the templates of a rule. *missing: the line says nothing for this order. */
static int fill(const struct plan_input *in, json_t *rule, bool *missing, struct err *err)
{
	const char *key = json_object_get(rule, "template") != NULL ? "template" : "new";
	const char *text = json_string_value(json_object_get(rule, key));
	bool edit = strcmp(json_text(rule, "op"), "edit") == 0;
	struct fill f = { .in = in, .edit = edit };
	struct template_use use = { fill_literal, fill_hole, edit ? fill_group : NULL, &f };
	struct buf b = BUF_INIT(VALUE_MAX), plain = BUF_INIT(VALUE_MAX);
	int rc = RC_OK;

	*missing = false;
	if (text == NULL || (!edit && strcmp(key, "new") == 0))
		return RC_OK;
	rc = buf_add(&b, "", 0, err);
	if (rc == RC_OK)
		rc = template_expand(text, &use, &b, err);
	*missing = f.missing;
	if (rc != RC_OK || f.missing)
		goto out;
	if (!edit && !f.old) {
		rc = buf_add(&plain, "", 0, err);
		if (rc == RC_OK)
			rc = unescape(b.data, &plain, err);
		if (rc == RC_OK && value_check(vr_of(rule), plain.data, err) != RC_OK) {
			err_wrap(err, "%s (%s)", json_text(rule, "keyword"), json_text(rule, "from"));
			err_advise(err, "with what the order has there: correct the order, or the map");
			rc = err_rc(err->kind);
		}
		if (rc == RC_OK && (json_object_del(rule, key) != 0 || json_object_set_new(rule, "new",
		    json_string(plain.data)) != 0))
			rc = err_set(err, ERR_TEMP, "no memory for a plan");
	} else if (json_object_set_new(rule, key, json_string(b.data)) != 0) {
		rc = err_set(err, ERR_TEMP, "no memory for a plan");
	}
out:
	buf_free(&b);
	buf_free(&plain);
	return rc;
}

/* ---- conditions on order and source ---- */

static bool holds(const struct plan_input *in, const json_t *rule)
{
	json_t *c = NULL;
	size_t i = 0, k = 0;

	json_array_foreach(json_object_get(rule, "of"), i, c) {
		const char *is = strcmp(json_text(c, "key"), "order") == 0 ? in->entry != ORDER_UNSCHEDULED ? "scheduled"
		    : "unscheduled" : in->source != NULL ? in->source : "";
		const json_t *values = json_object_get(c, "is");
		bool not = values == NULL, found = false;

		if (not)
			values = json_object_get(c, "not");
		for (k = 0; k < json_array_size(values); k++)
			found |= strcmp(json_string_value(json_array_get(values, k)), is) == 0;
		if (found == not)
			return false;
	}
	return true;
}

/* What a rule without conditions says about a whole attribute takes the place of all that was said before. */
static void replace(const json_t *rule, json_t *rules)
{
	const char *op = json_text(rule, "op");
	size_t i = 0;

	if (json_object_get(rule, "if") != NULL || json_object_get(rule, "path") != NULL ||
	    json_object_get(rule, "creator") != NULL || json_object_get(rule, "when") != NULL ||
	    (strcmp(op, "set") != 0 && strcmp(op, "remove") != 0))
		return;
	for (i = json_array_size(rules); i > 0; i--) {
		const json_t *r = json_array_get(rules, i - 1);

		if (strcmp(json_text(r, "tag"), json_text(rule, "tag")) == 0 && json_object_get(r, "creator") == NULL)
			json_array_remove(rules, i - 1);
	}
}

int map_rules(const struct map *m, const struct plan_input *in, json_t *rules, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < map_count(m); i++) {
		json_t *from = json_array_get(m->rules, i), *rule = NULL;
		bool missing = false;

		if (!holds(in, from))
			continue;
		rule = json_copy(from);
		if (rule == NULL)
			return err_set(err, ERR_TEMP, "no memory for a plan");
		json_object_del(rule, "of");
		rc = fill(in, rule, &missing, err);
		if (rc == RC_OK && !missing) {
			replace(rule, rules);
			if (json_array_append(rules, rule) != 0)
				rc = err_set(err, ERR_TEMP, "no memory for a plan");
		}
		json_decref(rule);
	}
	if (rc == RC_OK && json_array_size(rules) > PLAN_RULES_MAX - 8)
		rc = err_set(err, ERR_CONFIG, "the maps make more than %d rules", PLAN_RULES_MAX - 8);
	return rc;
}
