/*
 * What a plan means for one object. Rules of a map ask (conditions, "where it is empty"), compute (templates, edits)
 * and depend on where things stand (private blocks, items); here they become plain rules: one a target, with its
 * value. They are taken in the order of the plan; each works on what the ones before it left, conditions and
 * templates on the object as it is. Nothing is changed: apply and verify both begin with this.
 */
#ifndef MRI_RECONCILE_RESOLVE_H
#define MRI_RECONCILE_RESOLVE_H

#include "reconcile/plan.h"

/* *out NULL: the plan itself says all. Else it borrows from the plan: plan_free() before that one's. ERR_DATA: a value
 * that does not fit its VR, or cannot be computed; names the attribute and the line of the map, no value. */
int plan_resolve(const struct plan *, const struct object *, struct plan **out, struct err *);
/* Puts before the sentence which attribute, and which line of a map, it is about. */
int resolve_blame(const struct plan_rule *, struct err *);

#endif
