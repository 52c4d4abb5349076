/*
 * IHE Import Reconciliation Workflow (RAD TF, RAD-61) as rules of a plan;
 * Original Attributes by PS3.3 C.12.1.1.9.
 */
#ifndef MRI_RECONCILE_IRWF_H
#define MRI_RECONCILE_IRWF_H

#include "reconcile/plan.h"

/* Appends the rules to the array. */
int irwf_rules(const struct plan_input *, json_t *rules, struct err *);
/* Those that record what was changed, after all others are known. */
int irwf_record(const struct plan_input *, json_t *rules, struct err *);
/* One rule; value is stolen, may be NULL. */
int irwf_rule(json_t *rules, uint32_t tag, const char *op, json_t *value, const char *source, struct err *);

#endif
