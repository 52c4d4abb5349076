/* Shared by resolve*.c. */
#ifndef MRI_RECONCILE_RESOLVE_IMPL_H
#define MRI_RECONCILE_RESOLVE_IMPL_H

#include "reconcile/resolve.h"

struct resolve {
	const struct plan *plan;
	const struct object *o;
	char declared[CHARSET_DECLARED_MAX];	/* what the old bytes are: as written, or as an operator said */
	struct plan *out;	/* its doc is an array: JSON that rules point to */
	size_t cap;		/* of out->rules */
	char *known;		/* for each struct plan_if: 0 not asked yet, 'y', 'n' */
	struct buf now, next;	/* current value, new value */
};

/* The rule on that target that is there already, or NULL. depth 0: path and leaf do not count. */
struct plan_rule *resolve_find(struct resolve *, uint32_t tag, const struct edit_step *path, size_t depth,
    uint32_t leaf);
/* A rule on the target of r (path of depth steps, leaf), in place of one that is there. text is copied, items are
 * taken; either may be NULL. */
int resolve_put(struct resolve *, const struct plan_rule *r, size_t depth, uint32_t leaf, enum plan_op,
    const char *text, json_t *items, struct err *);
/* r on the value in re->now. *done: re->next is the new value; false: r changes nothing. Not for PLAN_REMOVE. */
int resolve_value(struct resolve *, const struct plan_rule *r, bool *done, struct err *);
/* Of a template (reconcile/template.h), arg the struct resolve: the old value of that keyword. */
int resolve_hole(void *arg, const char *name, struct buf *, struct err *);
/* An edit of re->now, appended to re->next: each value of an element by itself. */
int resolve_edit(struct resolve *, const struct plan_rule *r, struct err *);
/* A rule with a path. */
int resolve_nested(struct resolve *, const struct plan_rule *, struct err *);
/* *r: with the tag that it has in this object. *none: there is nothing to change. */
int resolve_private(struct resolve *, struct plan_rule *r, bool *none, struct err *);

#endif
