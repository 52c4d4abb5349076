/* Rules with a path: an element in an item that the object has. */
#include <string.h>

#include "reconcile/apply_impl.h"
#include "reconcile/value.h"

static int set_items(struct apply *a, const struct plan_rule *r, const struct edit_inside *in, struct err *err)
{
	struct item *v[ITEMS_MAX] = { NULL };
	const char *around = a->charset;
	size_t n = 0;
	int rc = RC_OK;

	if (!a->convert)
		a->charset = in->declared;
	rc = apply_build(a, r, r->items, in->form, 0, v, &n, err);
	a->charset = around;
	if (rc == RC_OK)
		rc = edit_sequence_inside(a->e, r->path, r->depth, r->leaf, v, n, err);
	apply_free(v, n);
	return rc;
}

/* Does a->fresh stand there already? What a conversion makes of it is another text. */
static int same(struct apply *a, const struct plan_rule *r, const struct edit_inside *in, bool *yes, struct err *err)
{
	size_t n = 0;
	int rc = RC_OK;

	*yes = false;
	if (!in->found || in->el.length > OLD_MAX || (in->el.vr[0] != '\0' && strcmp(in->el.vr, r->vr) != 0))
		return RC_OK;
	buf_clear(&a->old);
	rc = buf_grow(&a->old, in->el.length + 1, err);
	if (rc == RC_OK)
		rc = walk_value(a->o, &in->el, a->old.data, in->el.length, &n, err);
	while (rc == RC_OK && n > a->fresh.len && (a->old.data[n - 1] == ' ' || a->old.data[n - 1] == '\0'))
		n--;
	*yes = rc == RC_OK && n == a->fresh.len && (n == 0 || memcmp(a->old.data, a->fresh.data, n) == 0);
	return rc;
}

int apply_nested(struct apply *a, size_t i, struct err *err)
{
	const struct plan_rule *r = &a->plan->rules[i];
	struct edit_inside in;
	bool is = false;
	int rc = edit_look_inside(a->o, r->path, r->depth, r->leaf, a->declared, &in, err);

	if (rc != RC_OK || (r->op == PLAN_REMOVE && !in.found))
		return rc;
	if (r->op == PLAN_SET && r->items == NULL) {
		rc = value_encode(r->vr, r->text, a->convert ? a->charset : in.declared, in.form, &a->fresh, err);
		if (rc == RC_OK)
			rc = same(a, r, &in, &is, err);
		if (rc != RC_OK || is)
			return rc;
	}
	a->changed[i] = r->source;
	if (r->op == PLAN_REMOVE)
		return edit_remove_inside(a->e, r->path, r->depth, r->leaf, err);
	if (r->items != NULL)
		return set_items(a, r, &in, err);
	return edit_set_inside(a->e, r->path, r->depth, r->leaf, r->vr, a->fresh.data, a->fresh.len, err);
}
