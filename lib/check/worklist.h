/*
 * What a RIS says about an item, and which of its candidates is the order's
 * (30-cli: --worklist). One that fits completes the order, two are a finding
 * and no choice; what contradicts the order is a finding and changes nothing.
 *
 *	check_worklist_by(order, entry, &key)		what to ask the RIS by
 *	check_worklist_choose(order, entry, v, n, key, &w, err)	w.end says what came of it
 *	w.end == CHECK_WORKLIST_ONE: order_fill(order, entry, v[w.chosen], err)
 *
 * rule_one_order says what w found. Candidates are orders of one patient and
 * at most one study; they stay the caller's.
 */
#ifndef MRI_CHECK_WORKLIST_H
#define MRI_CHECK_WORKLIST_H

#include "order/order.h"

enum check_worklist_key {	/* the first of these that the order has */
	CHECK_BY_NOTHING, CHECK_BY_ACCESSION, CHECK_BY_ID, CHECK_BY_NAME
};

enum check_worklist_end {
	CHECK_WORKLIST_ONE, CHECK_WORKLIST_NONE, CHECK_WORKLIST_MANY, CHECK_WORKLIST_DIFFERS
};

#define CHECK_WORKLIST_WHY_MAX	320

struct check_worklist {
	enum check_worklist_key key;
	enum check_worklist_end end;
	const struct order *const *v; size_t n;	/* the candidates */
	size_t fitting, chosen;
	bool more;		/* of the caller: there were more candidates than n */
	bool study;		/* of the caller: an entry of the order takes the candidate's study, too */
	bool untied;		/* of the caller: no entry, and the import has studies that it could be for */
	char why[CHECK_WORKLIST_WHY_MAX];	/* DIFFERS: what, of the first one; no values */
};

/* entry: of this item, or ORDER_UNSCHEDULED. Papers and others without an entry take the accession of a sole one. */
enum check_worklist_key check_worklist_by(const struct order *, int entry, const struct order_study **of);
/* w: key, v, n, more, study and untied are the caller's, the rest is set here. */
void check_worklist_choose(const struct order *, int entry, struct check_worklist *w);
/* Does the candidate contradict the order? why: what, NULL is fine. */
bool check_worklist_fits(const struct order *, int entry, const struct order *candidate, enum check_worklist_key,
    char why[CHECK_WORKLIST_WHY_MAX]);

#endif
