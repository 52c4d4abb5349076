/* Private elements (PS3.5 7.8): which block of the group is the creator's says each object for itself. */
#include <string.h>

#include "reconcile/oldtext.h"
#include "reconcile/resolve_impl.h"

#define BLOCK_FIRST	0x10
#define BLOCK_LAST	0xff

static int is_creator(struct resolve *re, const struct element *el, const char *name, bool *yes, struct err *err)
{
	struct err ignored;

	*yes = false;
	buf_clear(&re->now);
	if (el->length == 0 || el->length > 256)
		return RC_OK;
	/* One that cannot be read is somebody else's. */
	if (oldtext(re->o, el, "LO", re->declared, re->o->form, &re->now, &ignored) != RC_OK)
		return RC_OK;
	if (buf_add(&re->now, "", 0, err) != RC_OK)
		return err_rc(err->kind);
	*yes = strcmp(re->now.data, name) == 0;
	return RC_OK;
}

/* The creator's block in this object: the one with the element, or the first; 0: none. */
static int block_of(struct resolve *re, const struct plan_rule *r, unsigned *block, struct err *err)
{
	uint16_t group = TAG_GROUP(r->tag);
	size_t i = 0;
	int rc = RC_OK;

	*block = 0;
	for (i = 0; rc == RC_OK && i < re->o->ntop; i++) {
		const struct element *el = &re->o->top[i];
		unsigned number = el->tag & 0xffff;
		bool yes = false;

		if (TAG_GROUP(el->tag) != group || number < BLOCK_FIRST || number > BLOCK_LAST)
			continue;
		rc = is_creator(re, el, r->creator, &yes, err);
		if (rc != RC_OK || !yes)
			continue;
		if (*block == 0)
			*block = number;
		if (walk_find(re->o, TAG(group, number << 8 | (r->tag & 0xff))) != NULL) {
			*block = number;
			break;
		}
	}
	return rc;
}

static bool taken(struct resolve *re, uint16_t group, unsigned block)
{
	size_t i = 0;

	for (i = 0; i < re->o->ntop; i++) {
		uint32_t tag = re->o->top[i].tag;

		if (TAG_GROUP(tag) == group && ((tag & 0xffff) == block || (tag & 0xffff) >> 8 == block))
			return true;
	}
	return resolve_find(re, TAG(group, block), NULL, 0, 0) != NULL;
}

/* One that is made for it: by an earlier rule, or now. */
static int new_block(struct resolve *re, const struct plan_rule *r, bool make, unsigned *block, struct err *err)
{
	uint16_t group = TAG_GROUP(r->tag);
	struct plan_rule creator = { .vr = "LO", .source = r->source, .from = r->from };
	unsigned b = 0;

	for (b = BLOCK_FIRST; b <= BLOCK_LAST; b++) {
		const struct plan_rule *is = resolve_find(re, TAG(group, b), NULL, 0, 0);

		if (is != NULL && is->text != NULL && strcmp(is->text, r->creator) == 0) {
			*block = b;
			return RC_OK;
		}
	}
	for (b = BLOCK_FIRST; make && b <= BLOCK_LAST; b++) {
		if (taken(re, group, b))
			continue;
		*block = b;
		creator.tag = TAG(group, b);
		return resolve_put(re, &creator, 0, 0, PLAN_SET, r->creator, NULL, err);
	}
	return make ? err_set(err, ERR_DATA, "has no free block of private elements in this object") : RC_OK;
}

int resolve_private(struct resolve *re, struct plan_rule *r, bool *none, struct err *err)
{
	const struct element *el = NULL;
	unsigned block = 0;
	int rc = block_of(re, r, &block, err);

	if (rc == RC_OK && block == 0)
		rc = new_block(re, r, r->op == PLAN_SET, &block, err);
	if (rc != RC_OK)
		return rc;
	*none = block == 0;
	if (*none)
		return RC_OK;
	r->tag = TAG(TAG_GROUP(r->tag), block << 8 | (r->tag & 0xff));
	el = walk_find(re->o, r->tag);
	if (el != NULL && r->op != PLAN_REMOVE && el->vr[0] != '\0' && strcmp(el->vr, "UN") != 0 &&
	    strcmp(el->vr, r->vr) != 0)
		return err_set(err, ERR_DATA, "has VR %s in this object, and %s in the map", el->vr, r->vr);
	return RC_OK;
}
