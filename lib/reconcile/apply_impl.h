/* Shared by apply*.c. */
#ifndef MRI_RECONCILE_APPLY_IMPL_H
#define MRI_RECONCILE_APPLY_IMPL_H

#include "dicom/charset.h"
#include "reconcile/plan.h"

#define OLD_MAX		((size_t)256 << 10)	/* an old value that is compared or repeated */
#define ITEMS_MAX	16	/* of one sequence of a plan */
#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_PATIENT_ID	TAG(0x0010, 0x0020)
#define TAG_ISSUER	TAG(0x0010, 0x0021)

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

/* The value of el as it will stand without a rule: converted where all is. Into a->old, padding trimmed. */
int apply_old(struct apply *, const struct element *, const char *vr, struct err *);
/* Items of a plan in the form of their sequence; those that would have nothing to say are left out. */
int apply_build(struct apply *, const struct plan_rule *, const json_t *items, enum walk_form, unsigned depth,
    struct item **v, size_t *n, struct err *);
void apply_free(struct item **, size_t n);
/* A rule with a path, in items that the object has. */
int apply_nested(struct apply *, size_t rule, struct err *);

#endif
