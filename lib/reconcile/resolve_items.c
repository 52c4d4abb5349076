/* Rules with a path: in items that the plan itself makes, which are JSON, or in those of the object. */
#include <string.h>

#include "dicom/dict.h"
#include "reconcile/oldtext.h"
#include "reconcile/resolve_impl.h"

static int no_item(unsigned item, struct err *err)
{
	err_set(err, ERR_DATA, "its sequence has no item [%u] in this object", item);
	err_advise(err, "?= and = make an item only where a sequence is empty, and only [0]; a condition can leave "
	    "such objects out");
	return err_rc(err->kind);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_TEMP, "no memory to apply a plan");
}

/* A sequence without an item, also one that is closed by its delimiter at once. */
static bool empty(const struct element *el)
{
	return el->length == 0 || (el->length == WALK_UNDEFINED && el->end - el->value == 8);
}

/* The text of an element in an item of the object, appended to re->now; nothing where there is none. */
static int old_inside(struct resolve *re, const struct edit_step *path, size_t depth, uint32_t leaf, const char *vr,
    struct err *err)
{
	struct edit_inside in;
	int rc = edit_look_inside(re->o, path, depth, leaf, re->declared, &in, err);

	if (rc != RC_OK || !in.found || in.el.length == 0)
		return rc;
	return oldtext(re->o, &in.el, vr, in.declared, in.form, &re->now, err);
}

/* What an item of the plan says under that key, into re->now. */
static int said(struct resolve *re, const struct plan_rule *r, const json_t *v, struct err *err)
{
	const char *from = json_string_value(json_object_get(v, "old"));
	struct edit_step step = { .tag = r->tag };
	const struct element *el = NULL;
	uint32_t tag = 0;

	if (json_is_string(v))
		return buf_puts(&re->now, json_string_value(v), err);
	if (from == NULL || !plan_tag_parse(from, &tag))
		return RC_OK;
	if (json_is_true(json_object_get(v, "kept"))) {	/* of the first item that stood there */
		el = walk_find(re->o, r->tag);
		return el != NULL && el->length != 0 ? old_inside(re, &step, 1, tag, r->vr, err) : RC_OK;
	}
	el = walk_find(re->o, tag);
	return el != NULL && el->length != 0 ? oldtext(re->o, el, r->vr, re->declared, re->o->form, &re->now, err)
	    : RC_OK;
}

/* The item that r's path leads to, of items in which the path is from step `at` on; NULL: none, and none is made. */
static int item_of(const struct plan_rule *r, json_t *items, size_t at, json_t **out, struct err *err)
{
	bool make = r->op == PLAN_SET;
	char key[12];

	for (*out = NULL; ; at++) {
		size_t n = json_array_size(items), want = r->path[at].item;
		json_t *item = NULL, *inner = NULL;

		if (want > n || (want == n && !make))
			return make ? no_item(r->path[at].item, err) : RC_OK;
		if (want == n && json_array_append_new(items, json_object()) != 0)
			return no_memory(err);
		item = json_array_get(items, want);
		if (at + 1 == r->depth) {
			*out = item;
			return RC_OK;
		}
		inner = json_object_get(item, plan_tag_text(r->path[at + 1].tag, key));
		if (inner != NULL && !json_is_array(inner))
			return err_set(err, ERR_DATA, "is in a sequence that is kept from the image");
		if (inner == NULL && !make)
			return RC_OK;
		if (inner == NULL && ((inner = json_array()) == NULL || json_object_set_new(item, key, inner) != 0))
			return no_memory(err);
		items = inner;
	}
}

/* r on the items of a rule that makes a sequence, or would; items is a copy and taken. */
static int into_items(struct resolve *re, const struct plan_rule *r, json_t *items, size_t made, uint32_t leaf,
    struct err *err)
{
	json_t *item = NULL;
	char key[12];
	bool done = false;
	int rc = items != NULL ? item_of(r, items, made, &item, err) : no_memory(err);

	plan_tag_text(r->leaf, key);
	if (rc != RC_OK || item == NULL)
		goto out;
	if (r->op == PLAN_REMOVE) {
		done = json_object_del(item, key) == 0;
	} else {
		buf_clear(&re->now);
		if (r->op == PLAN_EDIT || r->if_empty)
			rc = said(re, r, json_object_get(item, key), err);
		if (rc == RC_OK)
			rc = resolve_value(re, r, &done, err);
		if (rc == RC_OK && done && json_object_set_new(item, key, json_string(re->next.data)) != 0)
			rc = no_memory(err);
	}
	if (rc == RC_OK && done)
		return resolve_put(re, r, made, leaf, PLAN_SET, NULL, items, err);
out:
	json_decref(items);
	return rc;
}

static json_t *copy_of(const struct plan_rule *is)
{
	return is != NULL && is->op == PLAN_SET && is->items != NULL
	    ? json_deep_copy((json_t *)(uintptr_t)is->items) : json_array();
}

/* A leaf in an item that the object has. */
static int into_object(struct resolve *re, const struct plan_rule *r, const struct edit_inside *in, struct err *err)
{
	const struct plan_rule *is = resolve_find(re, r->tag, r->path, r->depth, r->leaf);
	bool done = false;
	int rc = RC_OK;

	if (r->op == PLAN_REMOVE)
		return in->found || is != NULL ? resolve_put(re, r, r->depth, r->leaf, PLAN_REMOVE, NULL, NULL, err)
		    : RC_OK;
	buf_clear(&re->now);
	if (r->op == PLAN_EDIT || r->if_empty) {
		if (is != NULL)
			rc = is->text != NULL ? buf_puts(&re->now, is->text, err) : RC_OK;
		else if (in->found && in->el.length != 0)
			rc = oldtext(re->o, &in->el, r->vr, in->declared, in->form, &re->now, err);
	}
	if (rc == RC_OK)
		rc = resolve_value(re, r, &done, err);
	return rc == RC_OK && done ? resolve_put(re, r, r->depth, r->leaf, PLAN_SET, re->next.data, NULL, err) : rc;
}

int resolve_nested(struct resolve *re, const struct plan_rule *r, struct err *err)
{
	const struct plan_rule *is = resolve_find(re, r->tag, NULL, 0, 0);
	const struct element *el = walk_find(re->o, r->tag);
	struct edit_inside in;
	size_t k = 0;
	int rc = RC_OK;

	if (is != NULL || el == NULL || empty(el))
		return into_items(re, r, copy_of(is), 0, 0, err);
	for (k = 1; k < r->depth; k++) {
		is = resolve_find(re, r->tag, r->path, k, r->path[k].tag);
		if (is != NULL)
			return into_items(re, r, copy_of(is), k, r->path[k].tag, err);
	}
	for (k = 1; k <= r->depth; k++) {
		rc = edit_look_inside(re->o, r->path, k, k < r->depth ? r->path[k].tag : r->leaf, re->declared, &in,
		    err);
		if (rc != RC_OK)
			return rc;
		if (!in.item)
			return r->op == PLAN_SET ? no_item(r->path[k - 1].item, err) : RC_OK;
		if (k < r->depth && (!in.found || empty(&in.el)))
			return into_items(re, r, json_array(), k, r->path[k].tag, err);
	}
	return into_object(re, r, &in, err);
}
