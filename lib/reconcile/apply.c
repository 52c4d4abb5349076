/* A plan on one object. */
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/edit.h"
#include "reconcile/plan.h"
#include "reconcile/value.h"

#define OLD_MAX		((size_t)256 << 10)	/* an old value that is compared or repeated */
#define ITEMS_MAX	16	/* of one sequence of a plan */
#define DEPTH_MAX	8
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_ACCESSION	TAG(0x0008, 0x0050)
#define TAG_PATIENT_ID	TAG(0x0010, 0x0020)
#define TAG_ISSUER	TAG(0x0010, 0x0021)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)
#define PREAMBLE_TIFF	4

struct apply {
	const struct plan *plan;
	const struct object *o;
	struct edit *e;
	char declared[CHARSET_DECLARED_MAX];	/* of the object, or what an operator says it is */
	const char *charset;	/* after the change */
	bool convert;
	const char **changed;	/* for each rule: its source where it changes something, else NULL */
	struct buf old, fresh;
};

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
static int old_value(struct apply *a, const struct element *el, const char *vr, struct err *err)
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
	rc = old_value(a, el, r->vr, err);
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

struct find_kept { uint32_t tag; bool found, has_set; struct element el, set; };

static int find_kept(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	struct find_kept *f = arg;

	(void)o, (void)err;
	if (item == 0 && el->tag == f->tag) {
		f->el = *el;
		f->found = true;
	} else if (item == 0 && el->tag == TAG_CHARSET) {
		f->set = *el;
		f->has_set = true;
	}
	return RC_OK;
}

/* The new item has the object's set: what is kept of one that had its own says the same only in ASCII, or converted. */
static int kept_set(struct apply *a, const struct plan_rule *r, const struct find_kept *f, struct err *err)
{
	struct buf b = BUF_INIT(OLD_MAX);
	char own[CHARSET_DECLARED_MAX] = "";
	size_t n = 0;
	int rc = RC_OK;

	if (a->convert || !f->has_set)
		return RC_OK;
	rc = walk_value(a->o, &f->set, own, sizeof own - 1, &n, err);
	own[trimmed(own, n)] = '\0';
	if (rc == RC_OK && strcmp(own, a->declared) != 0) {
		n = (size_t)(f->el.end - f->el.value);
		rc = buf_grow(&b, n, err);
		if (rc == RC_OK)
			rc = stream_read_full(a->o->data, f->el.value, b.data, n, err);
		if (rc == RC_OK && !charset_plain(own, b.data, n)) {
			rc = err_set(err, ERR_DATA, "(%04x,%04x) has an item with a character set of its own, of which a "
			    "text is kept", TAG_GROUP(r->tag), r->tag & 0xffff);
			err_advise(err, "--set SpecificCharacterSet=… with the object's own set converts all of it");
		}
	}
	buf_free(&b);
	return rc;
}

/* {"old":tag,"kept":true}: an element of the item that stood there. */
static int put_kept(struct apply *a, const struct plan_rule *r, struct item *it, uint32_t tag, struct err *err)
{
	const struct element *seq = walk_find(a->o, r->tag);
	struct find_kept f = { .tag = tag };
	int rc = RC_OK;

	if (seq == NULL || seq->length == 0)
		return RC_OK;
	rc = walk_items(a->o, seq, find_kept, &f, err);
	/* In a UN it has no VR: the old sequence is in Original Attributes as a whole. */
	if (rc != RC_OK || !f.found || (f.el.vr[0] == '\0' && a->o->form != WALK_IMPLICIT_LE))
		return rc;
	rc = kept_set(a, r, &f, err);
	return rc == RC_OK ? edit_copy(a->e, it, &f.el, err) : rc;
}

/* {"old":tag,"else":text}: the value of a top-level element. */
static int put_old(struct apply *a, struct item *it, uint32_t tag, const json_t *j, uint32_t from,
    struct err *err)
{
	const struct dict_entry *d = dict_by_tag(tag);
	const struct element *el = walk_find(a->o, from);
	const char *other = json_string_value(json_object_get(j, "else"));
	int rc = RC_OK;

	if (d == NULL)
		return err_set(err, ERR_DATA, "plan: an unknown tag in an item");
	if (el == NULL || el->length == 0 || el->length > OLD_MAX)
		return other != NULL ? item_set(it, tag, d->vr, other, strlen(other), err) : RC_OK;
	rc = old_value(a, el, d->vr, err);
	return rc == RC_OK ? item_set(it, tag, d->vr, a->old.data, a->old.len, err) : rc;
}

/* {"changed":source}: the old values. *any = false where there are none. */
static int put_changed(struct apply *a, struct item *it, enum walk_form form, uint32_t tag, const char *source,
    bool *any, struct err *err)
{
	const struct plan *p = a->plan;
	struct item *old = NULL;
	size_t i = 0;
	bool id = false, issuer = false;
	int rc = item_new(&old, form, err);

	*any = false;
	for (i = 0; rc == RC_OK && i < p->nrules; i++) {
		const struct element *el = walk_find(a->o, p->rules[i].tag);

		if (strcmp(p->rules[i].source, source) != 0)
			continue;
		id |= p->rules[i].tag == TAG_PATIENT_ID;
		if (a->changed[i] == NULL || el == NULL)
			continue;
		issuer |= p->rules[i].tag == TAG_ISSUER;
		*any = true;
		rc = edit_copy(a->e, old, el, err);
	}
	/* Patient ID never without its issuer, even where there is none (PS3.3 C.12.1.1.9). */
	if (rc == RC_OK && id) {
		const struct element *el = walk_find(a->o, TAG_ISSUER);

		*any = true;
		if (walk_find(a->o, TAG_PATIENT_ID) == NULL)
			rc = item_set(old, TAG_PATIENT_ID, "LO", "", 0, err);
		if (rc == RC_OK && !issuer)
			rc = el != NULL ? edit_copy(a->e, old, el, err) : item_set(old, TAG_ISSUER, "LO",
			    "", 0, err);
	}
	if (rc == RC_OK)
		rc = item_sequence(it, tag, &old, 1, err);
	item_free(old);
	return rc;
}

static int build(struct apply *, const struct plan_rule *, const json_t *, enum walk_form, unsigned depth,
    struct item **, size_t *, struct err *);

static void free_items(struct item **v, size_t n)
{
	while (n > 0)
		item_free(v[--n]);
}

static int put_items(struct apply *a, const struct plan_rule *r, struct item *it, enum walk_form form,
    uint32_t tag,
    const json_t *j, unsigned depth, struct err *err)
{
	struct item *v[ITEMS_MAX] = { NULL };
	size_t n = 0;
	int rc = build(a, r, j, form, depth + 1, v, &n, err);

	if (rc == RC_OK)
		rc = item_sequence(it, tag, v, n, err);
	free_items(v, n);
	return rc;
}

static int put_text(struct apply *a, struct item *it, enum walk_form form, uint32_t tag, const char *text,
    struct err *err)
{
	const struct dict_entry *d = dict_by_tag(tag);
	int rc = d != NULL ? value_encode(d->vr, text, a->charset, form, &a->fresh, err)
	    : err_set(err, ERR_DATA, "plan: an unknown tag in an item");

	return rc == RC_OK ? item_set(it, tag, d->vr, a->fresh.data, a->fresh.len, err) : rc;
}

/* One item of the plan in the form of its sequence. *any = false: it would have nothing to say. */
static int build_item(struct apply *a, const struct plan_rule *r, const json_t *j, enum walk_form form,
    unsigned depth, struct item *it, bool *any, struct err *err)
{
	const char *key = NULL;
	json_t *v = NULL;
	int rc = RC_OK;

	*any = true;
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		const char *old = json_string_value(json_object_get(v, "old"));
		const char *changed = json_string_value(json_object_get(v, "changed"));
		uint32_t tag = 0, from = 0;

		if (!plan_tag_parse(key, &tag) || (old != NULL && !plan_tag_parse(old, &from)))
			return err_set(err, ERR_DATA, "plan: an item with a key that is no tag");
		if (json_is_string(v)) {
			rc = put_text(a, it, form, tag, json_string_value(v), err);
		} else if (json_is_array(v)) {
			rc = put_items(a, r, it, form, tag, v, depth, err);
		} else if (changed != NULL) {
			bool some = false;

			rc = put_changed(a, it, form, tag, changed, &some, err);
			if (rc == RC_OK && !some) {
				*any = false;
				return RC_OK;
			}
		} else if (old != NULL && json_is_true(json_object_get(v, "kept"))) {
			rc = put_kept(a, r, it, from, err);
		} else if (old != NULL) {
			rc = put_old(a, it, tag, v, from, err);
		} else {
			rc = err_set(err, ERR_DATA, "plan: a value of an item that is not understood");
		}
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static int build(struct apply *a, const struct plan_rule *r, const json_t *items, enum walk_form form,
    unsigned depth, struct item **v, size_t *n, struct err *err)
{
	json_t *j = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*n = 0;
	if (depth > DEPTH_MAX || json_array_size(items) > ITEMS_MAX)
		return err_set(err, ERR_DATA, "plan: too many or too deep items");
	json_array_foreach(items, i, j) {
		bool any = false;

		rc = item_new(&v[*n], form, err);
		if (rc != RC_OK)
			break;
		rc = build_item(a, r, j, form, depth, v[*n], &any, err);
		if (rc != RC_OK || !any || item_is_empty(v[*n]))
			item_free(v[*n]);
		else
			++*n;
		if (rc != RC_OK)
			break;
	}
	if (rc != RC_OK) {
		free_items(v, *n);
		*n = 0;
	}
	return rc;
}

static int apply_items(struct apply *a, size_t i, const struct element *el, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	struct item *v[ITEMS_MAX] = { NULL };
	size_t n = 0;
	int rc = build(a, r, r->items, a->o->form, 0, v, &n, err);

	if (rc == RC_OK && el != NULL)
		a->changed[i] = r->source;
	if (rc == RC_OK && (el != NULL || n > 0))
		rc = edit_sequence_set(a->e, r->tag, v, n, err);
	free_items(v, n);
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
		rc = build(a, r, r->items, form, 0, v, &n, err);
	for (i = 0; rc == RC_OK && i < n; i++)
		rc = edit_sequence_append(a->e, r->tag, v[i], err);
	free_items(v, n);
	return rc;
}

static int apply_rule(struct apply *a, size_t i, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	const struct element *el = walk_find(a->o, r->tag);

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

		if (q->op == PLAN_CONVERT)
			continue;
		a->convert = !(q->items != NULL ? fits(a->declared, q->items)
		    : q->text == NULL || !value_in_charset(q->vr) || fits_text(a->declared, q->text));
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
	size_t i = 0;
	int rc = edit_begin(&a.e, o, err);

	memset(report, 0, sizeof *report);
	if (rc == RC_OK && (a.changed = calloc(p->nrules + 1, sizeof *a.changed)) == NULL)
		rc = err_set(err, ERR_TEMP, "no memory to apply a plan");
	if (rc == RC_OK)
		rc = choose_charset(&a, err);
	for (i = 0; rc == RC_OK && i < p->nrules; i++)
		rc = apply_rule(&a, i, err);
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
	return rc;
}
