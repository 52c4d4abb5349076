/*
 * What every program does between its options and its first item: open the
 * spool that the inputs belong to, with its settings from the config, and the
 * audit log; and say what an input is.
 */
#ifndef MRI_CLI_WORK_H
#define MRI_CLI_WORK_H

#include "audit/log.h"
#include "cli/cli.h"
#include "spool/item.h"

struct work {
	struct spool *spool;	/* NULL: without a spool */
	struct audit *audit;	/* NULL without a spool */
	struct ident ident;
	char identity[SPOOL_PATH_MAX];
};

/* Opens cli->spool_dir (already set by -s, $MRI_SPOOL or config). None: w->spool is NULL, RC_OK, unless `must`. */
int work_open(struct cli *, struct work *, enum spool_need, bool must, struct err *);
/* Opens the spool found by walking up from path, where none is open yet and path lies in one. */
int work_open_for(struct cli *, struct work *, enum spool_need, const char *path, struct err *);
void work_close(struct work *);
/* Makes a file that an option named, 0600, and not among those that a purge answers for. */
int work_create_outside(const char *path, int *fd, struct err *);

/* Every item an input names: all items of an import, or the one. cb gets the import (borrowed, open) and the study
 * number (ITEM_PAPERS: papers). ref kinds other than import and item: ERR_USAGE. */
typedef int work_item_fn(struct import *, int study, void *arg, struct err *);
int work_items(struct work *, const struct spool_ref *, work_item_fn *, void *arg, struct err *);

#endif
