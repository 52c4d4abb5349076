/* Shared by verify*.c. */
#ifndef MRI_RECONCILE_VERIFY_IMPL_H
#define MRI_RECONCILE_VERIFY_IMPL_H

#include "dicom/charset.h"
#include "reconcile/plan.h"

#define VERIFY_STEP	((size_t)64 << 10)

struct side {
	struct object *o;
	char declared[CHARSET_DECLARED_MAX];
};

struct verify {
	const struct plan *plan;
	struct side old, now;
	const char *declared;	/* what the old bytes are: as written, or as an operator said */
	bool converted;
	uint8_t *a, *b;		/* VERIFY_STEP bytes each */
};

int verify_bytes(struct verify *, struct stream *x, uint64_t xoff, struct stream *y, uint64_t yoff,
    uint64_t n, bool *same,
    struct err *);
int verify_element(struct verify *, const struct element *x, const struct element *y, bool *same, struct err *);
/* Does y say what x said: the same bytes, or the same texts where the character set was converted? VRs
 * may differ only
 * where the form does (UN). limit: items of a sequence that are looked at; 0: all. */
int verify_says_same(struct verify *, const struct element *x, const struct element *y, unsigned limit,
    bool *same,
    struct err *);
/* "changed object is not as planned: (gggg,eeee) what" */
int verify_wrong(struct err *, uint32_t tag, const char *what);
/* Is el's value that text, padding apart? el of the changed object; NULL: as if it were there and empty. max: bytes of
 * either. */
int verify_value(struct verify *, const struct element *el, const char *vr, const char *text, enum walk_form,
    size_t max, bool *same, struct err *);
/* No rule names it: is it the same? */
int verify_unnamed(struct verify *, const struct element *x, const struct element *y, struct err *);
struct items_seen { unsigned n; bool any; uint64_t end; };	/* end: of the last element in them */
/* seq NULL: none */
int verify_count(const struct side *, const struct element *seq, struct items_seen *, struct err *);
int verify_append(struct verify *, const struct plan_rule *, struct err *);
/* Item n of a sequence of the changed object against the plan's. */
int verify_item(struct verify *, const struct plan_rule *, const struct element *seq, const json_t *template,
    unsigned n, struct err *);
/* The sequence with that tag, in whose items rules with a path change something. */
int verify_nested(struct verify *, uint32_t tag, struct err *);

#endif
