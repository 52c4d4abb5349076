/* What mri-purge does with a spool (20-spool, "Purge cannot be blocked"). */
#ifndef MRI_STAGE_PURGE_H
#define MRI_STAGE_PURGE_H

#include "cli/work.h"

/* Opens the spool for a purge: with a spool whose audit log cannot be opened too, which is said and counts. */
int stage_purge_open(struct cli *, struct work *, struct err *);
/* Leftovers, all that is due, and the periods of what outlives an import. */
void stage_purge_due(struct cli *, struct work *);
/* Prints what is due within `within` seconds, removes nothing; found makes it status 1. */
void stage_purge_list(struct cli *, struct work *, int64_t within, bool found_is_one);
/* One import by order of a person. */
void stage_purge_now(struct cli *, struct work *, const struct cli_input *);
/* Imports that every destination of the order has confirmed: the one of `in`, or all (NULL).
 * Needs the identity, for the order is sealed. */
void stage_purge_confirmed(struct cli *, struct work *, const struct cli_input *);

#endif
