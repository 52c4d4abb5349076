/*
 * Memory of links: link/<keyed hash>, plain. It keeps which import a link
 * made, which answers were tried (keyed hashes), and the last outcome, across runs:
 * a wrong factor is asked once, an imported link is not fetched twice.
 */
#ifndef MRI_SPOOL_LINK_H
#define MRI_SPOOL_LINK_H

#include "spool/spool.h"

struct link_memory;

/* Opens or makes the entry and locks it; another run holds it: ERR_TEMP. */
int link_open(struct link_memory **, struct spool *, const char *link, struct err *);
void link_close(struct link_memory *);
const char *link_import(const struct link_memory *);	/* id of the import it made or is making, or "" */
const char *link_outcome(const struct link_memory *);	/* "", "fetching", "done", "wrong-factor", "expired", … */
int link_set(struct link_memory *, const char *import_id, const char *outcome, struct err *);	/* durable */
/* answers: all factors as one text (type=value, sorted, one a line). */
int link_tried(const struct link_memory *, const char *answers, bool *, struct err *);
int link_try(struct link_memory *, const char *answers, struct err *);	/* durable before the request is sent */

#endif
