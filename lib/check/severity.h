/*
 * How much weight a finding has: each has a severity of its own (the table in
 * points.c), which a configuration may make stricter, never weaker ([check] of
 * mri.conf(5)). A finding is named by its rule and a word: "complete.unclaimed".
 */
#ifndef MRI_CHECK_SEVERITY_H
#define MRI_CHECK_SEVERITY_H

#include <stdbool.h>
#include <stddef.h>

#define CHECK_POINTS_MAX	128	/* kinds of findings; there are fewer (check.h) */

struct check_severities {
	bool error[CHECK_POINTS_MAX];	/* by enum check_point: an error, whatever the table says */
};

/* The i-th name into out, false past the last. *error: it is one by itself. */
bool check_point_name(size_t i, char *out, size_t cap, bool *error);

#endif
