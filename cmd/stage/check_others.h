/*
 * The files of a folder outside of a spool that gave no object of a study: an
 * index of the medium, which is compared with all that lies there as mri-unpack
 * does it, or files that should have been objects, or neither.
 */
#ifndef MRI_STAGE_CHECK_OTHERS_H
#define MRI_STAGE_CHECK_OTHERS_H

#include "stage/check.h"
#include "stage/check_index.h"
#include "stage/folder.h"

struct check_others {
	struct check_other *v; size_t n, cap;
	size_t foreign, unread, indexes;	/* how many are what; an index that is broken is one too */
	json_t *media;				/* what the indexes say, compared; as in the record of mri-unpack */
};

int check_others_add(struct check_others *, size_t file, struct err *);
/* Asks the pool of each what it is. ERR_DATA: more indexes, or more that they list, than one folder may have. */
int check_others_look(struct check_others *, struct check_pool *, check_open_fn *, void *arg, struct err *);
/* objects: n is 1 + the file. twin: of each, whether another has its UID and its bytes. */
int check_others_compare(struct check_others *, const struct folder *, const struct check_facts *objects,
    const bool *twin, struct err *);
void check_others_free(struct check_others *);

#endif
