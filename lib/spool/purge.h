/*
 * Purge (20-spool): rename into purge/, destroy the key, remove the files,
 * tombstone. When the deadline is there no lock is taken; early purge takes the
 * locks (ERR_TEMP when a stage holds one).
 */
#ifndef MRI_SPOOL_PURGE_H
#define MRI_SPOOL_PURGE_H

#include "spool/import.h"

struct purge_result { uint64_t files, bytes; };

/* Imports due at `now`, in import/ and incoming/, oldest first; opens nothing but the deadlines of those that the id
 * alone does not settle. Names that are no ids are passed over (fsck tells of them). */
int purge_due(struct spool *, time_t now, import_each_fn *, void *arg, struct err *);
/* rule: "deadline", "now", "confirmed", "withdrawn". reason: for the tombstone, no patient data; may be NULL. */
/* due: no lock is taken. ERR_NOINPUT: no such import. A failed step (one file that does not go) does not stop the
 * others: the key is destroyed and the rest removed, what is left stands in purge/ for purge_resume. */
int purge_import(struct spool *, const char *id, const char *rule, const char *reason, bool due,
	struct purge_result *, struct err *);
/* Finishes what a killed purge left in purge/: cb hears of each one, err NULL where it is gone now. What fails is
 * left for the next run; the others go on. The worst is returned. */
typedef void purge_done_fn(const char *id, const struct purge_result *, const struct err *, void *arg);
int purge_resume(struct spool *, purge_done_fn *, void *arg, struct err *);
/* The tombstone of an import: "TIME RULE [REASON]", "" where there is none. */
#define PURGE_TOMB_MAX	320
int purge_tombstone(struct spool *, const char *id, char out[PURGE_TOMB_MAX], struct err *);
/* Tombstones, link memory and records whose own period is over. */
int purge_periods(struct spool *, time_t now, int *n, struct err *);

#endif
