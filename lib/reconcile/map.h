/*
 * Maps (mri-map(5)): rules of a site, one a line, beside those of IRWF. A file is compiled before any object is read,
 * and all its mistakes are told at once; what comes out are rules of a plan (reconcile/plan.h), in which only the order
 * is still to be filled in.
 */
#ifndef MRI_RECONCILE_MAP_H
#define MRI_RECONCILE_MAP_H

#include "reconcile/plan.h"

#define MAP_BYTES_MAX	((size_t)1 << 20)	/* of one file */
#define MAP_LINE_MAX	4096
#define MAP_FAULTS_MAX	100	/* that are told of one file */

struct map;

/* One mistake: "FILE:LINE: what: why", with advice. ERR_CONFIG. */
typedef void map_fault_fn(void *arg, const struct err *);

int map_new(struct map **, struct err *);
void map_free(struct map *);
/* Adds a file's rules; its own win over those that are there. name: for messages, as the operator gave it. With
 * mistakes: each through fn, and ERR_CONFIG with their number. */
int map_add(struct map *, const char *name, const char *text, size_t n, map_fault_fn *, void *arg, struct err *);
size_t map_count(const struct map *);
/* Appends what holds for this order and source to the rules of a plan, of which it takes those away that it replaces.
 * A line with a field that the order does not give is left out. ERR_DATA: the order's value does not fit; names line
 * and attribute. */
int map_rules(const struct map *, const struct plan_input *, json_t *rules, struct err *);

#endif
