/* Items that a plan describes, built for one object. */
#include <string.h>

#include "dicom/dict.h"
#include "reconcile/apply_impl.h"
#include "reconcile/value.h"

#define DEPTH_MAX	8

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
	rc = walk_trimmed(a->o, &f->set, own, sizeof own, &n, err);
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
	rc = apply_old(a, el, d->vr, err);
	return rc == RC_OK ? item_set(it, tag, d->vr, a->old.data, a->old.len, err) : rc;
}

/* Once, however many rules changed something in it; a private one with its creator, without which it says nothing. */
static int keep_old(struct apply *a, struct item *old, const struct element *el, struct err *err)
{
	uint32_t creator = TAG(TAG_GROUP(el->tag), (el->tag & 0xffff) >> 8);
	const struct element *is = (TAG_GROUP(el->tag) & 1) != 0 && (el->tag & 0xffff) > 0xff
	    ? walk_find(a->o, creator) : NULL;
	int rc = RC_OK;

	if (is != NULL && !item_has(old, creator))
		rc = edit_copy(a->e, old, is, err);
	return rc == RC_OK && !item_has(old, el->tag) ? edit_copy(a->e, old, el, err) : rc;
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
		rc = keep_old(a, old, el, err);
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

void apply_free(struct item **v, size_t n)
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
	int rc = apply_build(a, r, j, form, depth + 1, v, &n, err);

	if (rc == RC_OK)
		rc = item_sequence(it, tag, v, n, err);
	apply_free(v, n);
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

int apply_build(struct apply *a, const struct plan_rule *r, const json_t *items, enum walk_form form,
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
		apply_free(v, *n);
		*n = 0;
	}
	return rc;
}
