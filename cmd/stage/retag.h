/* What mri-retag does with one input: items of a spool, or a folder without one. */
#ifndef MRI_STAGE_RETAG_H
#define MRI_STAGE_RETAG_H

#include "cli/work.h"
#include "reconcile/map.h"
#include "stage/retag_worker.h"

#define RETAG_TOOL	"mri-retag"

struct retag {
	struct cli *cli;
	struct work *work;
	struct cli_list map, set;	/* --map, --set */
	bool plan, undo;
	const char *out, *order;	/* without a spool */
	/* private */
	struct plan_set *sets; size_t nsets;
	struct map *rules;	/* of all maps; NULL: none */
	struct retag_worker *worker;	/* NULL: not running */
	char station[64];
};

/* Reads --map and --set: 78 before any object is read. Says each mistake of a map itself. */
int retag_begin(struct retag *, struct err *);
void retag_end(struct retag *);
/* A path of a spool: all its items. Says what went wrong itself. */
void retag_input(struct retag *, const struct cli_input *);
/* Work without a spool: all inputs at once, since which study an order's entry is depends on all of them. */
void retag_folders(struct retag *);

/* Shared by retag*.c */
int retag_maps(struct retag *, struct err *);
int retag_worker_ready(struct retag *, const json_t *plan, struct err *);
/* One request, one answer; a dead worker is put away. Takes fd. */
int retag_ask(struct retag *, enum retag_ask, int fd, const struct age_key *, struct pieces *,
    struct plan_report *,
    json_t **, struct err *);
/* Old values of the objects of a study, for --plan. */
struct retag_old;
int retag_old_new(struct retag_old **, struct err *);
int retag_old_add(struct retag_old *, const json_t *values, struct err *);
void retag_old_print(struct retag_old *, struct cli *, const char *subject, const char *path,
    const json_t *plan);
void retag_old_free(struct retag_old *);

#endif
