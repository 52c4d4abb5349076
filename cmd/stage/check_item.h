/* Inside of mri-check: one item of a spool on its way, from its files (check_item.c) to what is written of it
 * (check_commit.c) and answered (check_receipt.c). */
#ifndef MRI_STAGE_CHECK_ITEM_H
#define MRI_STAGE_CHECK_ITEM_H

#include "base/hash.h"
#include "stage/check.h"

#define CHECK_SUBJECT_MAX 128

/* Made and let go of by check_item; in a spool only. */
struct check_job {
	struct check_stage *st;
	const struct cli_input *in;
	struct import *import;
	int study;
	struct item_dir *item;
	struct order *order;
	struct check_facts facts;
	struct buf order_bytes;
	json_t *old, *doc;
	struct check_numbers numbers;
	char order_sha[HASH_HEX], manifest_sha[HASH_HEX];
	char subject[CHECK_SUBJECT_MAX], path[SPOOL_PATH_MAX];
	bool again;
	bool rest_follows;	/* the items behind it get the order of --order in this run, too */
	uint64_t began;
};

/* What an input asks for: the argument of check_item. */
struct check_for {
	struct check_stage *st;
	const struct cli_input *in;
	bool whole;	/* it names an import */
};

/* A work_item_fn: one item; what is wrong with it is answered here, and does not stop the next one. */
int check_item(struct import *, int study, void *check_for, struct err *);
/* Sets again: all of it stood there already. */
int check_commit(struct check_job *, struct err *);
int check_answer(struct check_job *, struct err *);

#endif
