/* Between the files of fsck only. */
#ifndef MRI_SPOOL_FSCK_PRIVATE_H
#define MRI_SPOOL_FSCK_PRIVATE_H

#include "spool/fsck.h"
#include "spool/private.h"

struct fsck {
	struct spool *sp;
	bool deep, repair;
	fsck_fn *cb;
	void *arg;
	int left;
	time_t now;
	const char *id;		/* the import in hand, NULL: the spool itself */
};

/* A finding. repaired: nothing is left of it. */
void fsck_say(struct fsck *, bool repaired, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* where/name is none of ours. */
void fsck_foreign(struct fsck *, const char *where, const char *name);
/* dirfd/name is what a killed run left: it goes, where we may. `where` is the directory's name in the message. */
void fsck_leftover(struct fsck *, int dirfd, const char *where, const char *name);
/* Does nobody write dirfd/name just now? Waits a moment where it is young. */
bool fsck_settled(int dirfd, const char *name);
/* Every file of import/<id>. */
void fsck_import(struct fsck *, const char *id);
/* One item of it. */
void fsck_item(struct fsck *, struct import *, int study);
/* What is sealed in an import or an item, opened and compared (fsck_deep.c). */
void fsck_import_deep(struct fsck *, struct import *);
void fsck_item_deep(struct fsck *, struct item_dir *);
/* Lines of history that a killed run did not write (fsck_history.c). With the identity: the verdicts are sealed. */
void fsck_history(struct fsck *, struct import *, const int *studies, size_t n, bool papers);

#endif
