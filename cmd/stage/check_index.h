/*
 * What is no object in a folder of DICOM files that lies in no spool: the
 * medium's index, which says what else should be there, or a file that should
 * have been an object and cannot be read. Of XDM metadata nothing is read:
 * they list documents, which such a folder is not asked for.
 */
#ifndef MRI_STAGE_CHECK_INDEX_H
#define MRI_STAGE_CHECK_INDEX_H

#include "media/listing.h"
#include "stage/check_worker.h"

enum other {
	OTHER_FOREIGN,	/* a document, a viewer, an entry of a worklist */
	OTHER_UNREAD,	/* begins as DICOM, or cannot be read at all: an object that is missing */
	OTHER_INDEX,	/* a DICOMDIR */
	OTHER_COUNT
};

/* The child's side: one answer goes back. */
int check_index_answer(struct chan *, struct stream *, struct err *);
/* The parent's: l is made where it is OTHER_INDEX. ERR_NOINPUT: the worker died. */
int check_index_take(struct chan *, enum other *, struct listing *l, struct err *);
/* check_worker.c: asks a worker of the pool, which has nothing else in hand, about fd (taken). One that dies over it
 * leaves OTHER_UNREAD. */
int check_pool_index(struct check_pool *, int fd, enum other *, struct listing *l, struct err *);

#endif
