/*
 * What a destination holds of the study that is judged: the caller asked it
 * (mri-check --dest). Rule target says whether that speaks against sending.
 */
#ifndef MRI_CHECK_TARGET_H
#define MRI_CHECK_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct check_identity;

struct check_target {
	const char *name;		/* of the destination; borrowed */
	bool asked;
	const char *why;		/* not asked: why, a phrase; NULL: nothing to ask (papers) */
	struct check_identity *patients; size_t npatients;	/* whom the study stands under there; none: it is not there */
	size_t ours, held;		/* objects of the item, and how many of them are there */
	long long instances;		/* of the study there; -1: it does not say */
	bool sent;			/* this item was sent there before: what is there is its own */
	size_t elsewhere;		/* other studies there with the accession number of this one */
};

#endif
