/* A plan on one object. */
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "reconcile/apply_impl.h"
#include "reconcile/resolve.h"
#include "reconcile/value.h"

#define TAG_ACCESSION	TAG(0x0008, 0x0050)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)
#define PREAMBLE_TIFF	4

static bool is_pad(char c)
{
	return c == ' ' || c == '\0';
}

static size_t trimmed(const char *s, size_t n)
{
	while (n > 0 && is_pad(s[n - 1]))
		n--;
	return n;
}

/* The value of el as it will stand without a rule: converted where all is. Into a->old, padding trimmed. */
int apply_old(struct apply *a, const struct element *el, const char *vr, struct err *err)
{
	struct buf raw = BUF_INIT(OLD_MAX);
	bool changed = false;
	size_t n = 0;
	int rc = buf_grow(&raw, el->length, err);

	buf_clear(&a->old);
	if (rc == RC_OK)
		rc = walk_value(a->o, el, raw.data, el->length, &n, err);
	if (rc == RC_OK && value_in_charset(vr)) {
		if (a->convert)
			rc = recode_value(a->declared, vr, raw.data, n, &a->old, &changed, err);
		else
			rc = buf_add(&a->old, raw.data, n, err);
		if (rc == RC_OK)
			a->old.len = trimmed(a->old.data, a->old.len);
	} else if (rc == RC_OK) {
		rc = buf_add(&a->old, raw.data, n, err);
	}
	buf_free(&raw);
	return rc;
}

/* Does a->fresh stand there already? */
static int same_value(struct apply *a, const struct plan_rule *r, const struct element *el, bool *same,
    struct err *err)
{
	size_t n = 0;
	int rc = RC_OK;

	*same = false;
	if (el->length > OLD_MAX || el->length == WALK_UNDEFINED)
		return RC_OK;
	rc = apply_old(a, el, r->vr, err);
	if (rc != RC_OK)
		return rc;
	n = a->old.len;
	if (n != a->fresh.len && n > 0 && is_pad(a->old.data[n - 1]))
		n = trimmed(a->old.data, n);
	*same = n == a->fresh.len && (n == 0 || memcmp(a->old.data, a->fresh.data, n) == 0);
	return RC_OK;
}

static int apply_text(struct apply *a, size_t i, const struct element *el, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	bool same = false;
	int rc = value_encode(r->vr, r->text, a->charset, a->o->form, &a->fresh, err);

	if (rc == RC_OK && el != NULL)
		rc = same_value(a, r, el, &same, err);
	if (rc != RC_OK)
		return rc;
	/* An id and an accession are always on record, with what stood there (PS3.3 C.12.1.1.9, RAD-61). */
	if (el != NULL && (!same || r->tag == TAG_PATIENT_ID || r->tag == TAG_ACCESSION))
		a->changed[i] = r->source;
	if (same)
		return RC_OK;
	return edit_set(a->e, r->tag, r->vr, a->fresh.data, a->fresh.len, err);
}

static int apply_items(struct apply *a, size_t i, const struct element *el, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	struct item *v[ITEMS_MAX] = { NULL };
	size_t n = 0;
	int rc = apply_build(a, r, r->items, a->o->form, 0, v, &n, err);

	if (rc == RC_OK && el != NULL)
		a->changed[i] = r->source;
	if (rc == RC_OK && (el != NULL || n > 0))
		rc = edit_sequence_set(a->e, r->tag, v, n, err);
	apply_free(v, n);
	return rc;
}

/* Has the object an id of its own, other than the new one with its issuer? */
static int foreign_id(struct apply *a, bool *foreign, struct err *err)
{
	static const uint32_t tags[] = { TAG_PATIENT_ID, TAG_ISSUER };
	size_t i = 0;

	*foreign = false;
	for (i = 0; i < 2; i++) {
		const struct element *el = walk_find(a->o, tags[i]);
		const struct plan_rule *r = plan_rule_for(a->plan, tags[i]);
		const char *text = r != NULL && r->text != NULL ? r->text : "";
		bool same = false;
		int rc = RC_OK;

		if (el == NULL || el->length == 0) {
			if (tags[i] == TAG_PATIENT_ID) {
				*foreign = false;
				return RC_OK;
			}
			*foreign |= text[0] != '\0';
			continue;
		}
		rc = value_encode("LO", text, a->charset, a->o->form, &a->fresh, err);
		if (rc == RC_OK)
			rc = same_value(a, &(struct plan_rule){ .tag = tags[i], .vr = "LO" }, el, &same, err);
		if (rc != RC_OK)
			return rc;
		*foreign |= !same;
	}
	return RC_OK;
}

static int apply_append(struct apply *a, const struct plan_rule *r, struct err *err)
{
	struct item *v[ITEMS_MAX] = { NULL };
	enum walk_form form = WALK_EXPLICIT_LE;
	bool wanted = true;
	size_t n = 0, i = 0;
	int rc = r->foreign ? foreign_id(a, &wanted, err) : RC_OK;

	if (rc != RC_OK || !wanted)
		return rc;
	rc = edit_item_form(a->e, r->tag, &form, err);
	if (rc == RC_OK)
		rc = apply_build(a, r, r->items, form, 0, v, &n, err);
	for (i = 0; rc == RC_OK && i < n; i++)
		rc = edit_sequence_append(a->e, r->tag, v[i], err);
	apply_free(v, n);
	return rc;
}

static int apply_rule(struct apply *a, size_t i, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	const struct element *el = walk_find(a->o, r->tag);

	if (r->depth > 0)
		return apply_nested(a, i, err);
	switch (r->op) {
	case PLAN_SET:
		return r->items != NULL ? apply_items(a, i, el, err) : apply_text(a, i, el, err);
	case PLAN_EMPTY:
		if (el == NULL || el->length == 0)
			return RC_OK;
		a->changed[i] = r->source;
		return edit_set(a->e, r->tag, r->vr, "", 0, err);
	case PLAN_REMOVE:
		if (el == NULL)
			return RC_OK;
		a->changed[i] = r->source;
		return edit_remove(a->e, r->tag, err);
	default:
		return RC_OK;
	}
}

static bool fits_text(const char *declared, const char *s)
{
	char out[1024];
	size_t n = 0;
	struct err ignored;

	return charset_plain(declared, s, strlen(s)) || (strlen(s) < sizeof out &&
	    charset_from_utf8(declared, s, strlen(s), out, sizeof out, &n, &ignored) == RC_OK);
}

/* Can the object's own set hold every new text? */
static bool fits(const char *declared, const json_t *j)
{
	const char *key = NULL;
	json_t *v = NULL;
	size_t i = 0;

	if (json_is_string(j))
		return fits_text(declared, json_string_value(j));
	json_array_foreach(j, i, v) {
		if (!fits(declared, v))
			return false;
	}
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		if (!fits(declared, v))
			return false;
	}
	return true;
}

static int choose_charset(struct apply *a, struct err *err)
{
	const struct plan_rule *r = plan_rule_for(a->plan, TAG_CHARSET);
	int rc = walk_text(a->o, TAG_CHARSET, a->declared, sizeof a->declared, NULL, err);
	size_t i = 0;

	if (rc != RC_OK)
		return rc;
	a->charset = a->declared;
	/* an operator says what the bytes are: the conversion proves it */
	if (r != NULL && r->text != NULL) {
		if (strlen(r->text) >= sizeof a->declared)
			return err_set(err, ERR_DATA, "plan: a character set with a long name");
		memcpy(a->declared, r->text, strlen(r->text) + 1);
		a->convert = true;
	}
	for (i = 0; a->plan->may_convert && !a->convert && i < a->plan->nrules; i++) {
		const struct plan_rule *q = &a->plan->rules[i];
		struct edit_inside in;
		const char *set = a->declared;

		if (q->op == PLAN_CONVERT)
			continue;
		if (q->depth > 0) {	/* an item may have a set of its own */
			rc = edit_look_inside(a->o, q->path, q->depth, q->leaf, a->declared, &in, err);
			if (rc != RC_OK)
				return rc;
			set = in.declared;
		}
		a->convert = !(q->items != NULL ? fits(set, q->items)
		    : q->text == NULL || !value_in_charset(q->vr) || fits_text(set, q->text));
	}
	if (!a->convert || strcmp(a->declared, "ISO_IR 192") == 0) {
		a->convert = a->convert && r != NULL && r->text != NULL;
		if (!a->convert)
			return RC_OK;
	}
	rc = edit_recode(a->e, a->declared, err);
	if (rc != RC_OK)
		err_advise(err, "the new values need ISO_IR 192, and texts must be converted; "
		    "--set SpecificCharacterSet=… says in which set they really are");
	a->charset = "ISO_IR 192";
	return rc;
}

/* A dual-personality TIFF keeps its preamble (PS3.10 7.1); anything else there is nobody's. */
static int preamble(struct apply *a, struct err *err)
{
	uint8_t p[PREAMBLE_TIFF];
	int rc = RC_OK;

	if (!a->o->has_preamble)
		return RC_OK;
	rc = stream_read_full(a->o->file, 0, p, sizeof p, err);
	if (rc != RC_OK || memcmp(p, "II*\0", 4) == 0 || memcmp(p, "MM\0*", 4) == 0 ||
	    memcmp(p, "II+\0", 4) == 0 || memcmp(p, "MM\0+", 4) == 0)
		return rc;
	return edit_zero_preamble(a->e, err);
}

int plan_apply(const struct plan *p, const struct object *o, struct pieces *pieces, struct plan_report *report,
    struct err *err)
{
	struct apply a = { .plan = p, .o = o, .old = BUF_INIT(OLD_MAX * 3 + 4),
	    .fresh = BUF_INIT(OLD_MAX * 4) };
	struct plan *own = NULL;
	size_t i = 0;
	int rc = plan_resolve(p, o, &own, err);

	memset(report, 0, sizeof *report);
	if (own != NULL)
		a.plan = p = own;
	if (rc == RC_OK)
		rc = edit_begin(&a.e, o, err);
	if (rc == RC_OK && (a.changed = calloc(p->nrules + 1, sizeof *a.changed)) == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to apply a plan");
	if (rc == RC_OK)
		rc = choose_charset(&a, err);
	for (i = 0; rc == RC_OK && i < p->nrules; i++) {
		rc = apply_rule(&a, i, err);
		if (rc != RC_OK && p->rules[i].from != NULL)
			rc = resolve_blame(&p->rules[i], err);
	}
	for (i = 0; rc == RC_OK && i < p->nrules; i++) {	/* old values: when all that change are known */
		if (p->rules[i].op == PLAN_APPEND)
			rc = apply_append(&a, &p->rules[i], err);
		report->changed += a.changed[i] != NULL || p->rules[i].op == PLAN_APPEND;
	}
	if (rc == RC_OK && walk_find(o, TAG_SIGNATURES) != NULL) {
		report->signatures = true;
		rc = edit_remove(a.e, TAG_SIGNATURES, err);
	}
	if (rc == RC_OK)
		rc = preamble(&a, err);
	if (rc == RC_OK)
		rc = edit_finish(a.e, pieces, err);
	report->converted = a.convert;
	free(a.changed);
	buf_free(&a.old);
	buf_free(&a.fresh);
	edit_free(a.e);
	plan_free(own);
	return rc;
}
