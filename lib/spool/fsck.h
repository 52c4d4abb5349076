/* Consistency of the spool: the table of legal combinations, file by file; removes leftovers of killed runs. */
#ifndef MRI_SPOOL_FSCK_H
#define MRI_SPOOL_FSCK_H

#include "spool/import.h"

struct fsck_finding { const char *id; const char *what; bool repaired; };
typedef void fsck_fn(const struct fsck_finding *, void *arg);
/* Everything sealed is opened when deep. repair: leftovers go (staging, .NNN, study/.<n>, purge/), history lines that
 * are missing are appended. incoming/ imports no process holds and that can not be resumed go too; resumable ones stay.
 * *left: findings that a person must see. */
int fsck_run(struct spool *, bool deep, bool repair, fsck_fn *, void *arg, int *left, struct err *);

#endif
