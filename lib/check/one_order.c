/* one_order: which entry of the order the study is. */
#include <string.h>

#include "check/rules.h"

static bool
same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Another item of the import may have been given the same accession by an order of its own. */
static bool
taken(const struct check_study *s, const struct order_study *mine)
{
	for (size_t i = 0; i < s->norders && i < s->nstudies; i++) {
		const struct order_study *theirs = NULL;
		struct err ignored = { 0 };
		int entry = ORDER_UNSCHEDULED;

		if (i == s->self || s->orders[i] == NULL ||
		    order_match(s->orders[i], s->studies, s->nstudies, i, &entry, &ignored) != RC_OK || entry < 0)
			continue;
		theirs = &s->orders[i]->studies[entry];
		if (theirs->accession != NULL && same(theirs->accession, mine->accession) &&
		    same(theirs->accession_issuer, mine->accession_issuer))
			return true;
	}
	return false;
}

static int
match(const struct check_study *s, struct check_report *rep, struct err *err)
{
	struct err why = { 0 };
	int rc = RC_OK;
	bool any = false;

	if (s->papers) {
		check_pass(rep, CHECK_ONE_ORDER, "papers belong to no entry of the order");
		return RC_OK;
	}
	rc = order_match(s->order, s->studies, s->nstudies, s->self, &rep->entry, &why);
	if (rc != RC_OK && why.kind != ERR_PERSON) {
		*err = why;
		return rc;
	}
	if (rc != RC_OK) {
		rep->entry = ORDER_UNSCHEDULED;
		check_say(rep, POINT_ORDER_AMBIGUOUS, "%s", why.text);
		return RC_OK;
	}
	if (rep->entry != ORDER_UNSCHEDULED) {
		if (taken(s, &s->order->studies[rep->entry]))
			check_say(rep, POINT_ORDER_AMBIGUOUS,
			    "another study of this import has this accession number by its own order");
		check_pass(rep, CHECK_ONE_ORDER, "scheduled: entry %d of the order", rep->entry + 1);
		return RC_OK;
	}
	for (size_t i = 0; i < s->nstudies && !any; i++)
		for (size_t k = 0; k < s->order->nstudies && !any; k++)
			any = order_entry_fits(&s->order->studies[k], &s->studies[i], s->nstudies == 1);
	if (s->order->nstudies > 0 && !any)
		check_say(
		    rep, POINT_ORDER_UNMATCHED, "no study of this import fits an entry of the order");
	check_pass(rep, CHECK_ONE_ORDER, "unscheduled: no entry of the order fits");
	return RC_OK;
}

int
rule_one_order(const struct check_study *s, struct check_report *rep, struct err *err)
{
	int rc = match(s, rep, err);

	return rc == RC_OK ? worklist_say(s, rep, err) : rc;
}
