/*
 * Purge (20-spool): rename into purge/, destroy the key, remove the files,
 * tombstone. When the deadline is there no lock is taken; early purge takes the
 * locks (ERR_TEMP when a stage holds one).
 */
#ifndef MRI_SPOOL_PURGE_H
#define MRI_SPOOL_PURGE_H

#include "spool/import.h"

struct purge_result { uint64_t files, bytes; };

/* Imports due at `now`; opens nothing but the deadlines of those that the id alone does not settle. */
int purge_due(struct spool *, time_t now, import_each_fn *, void *arg, struct err *);
/* rule: "deadline", "now", "confirmed", "withdrawn". reason: for the tombstone, no patient data; may be NULL. */
int purge_import(struct spool *, const char *id, const char *rule, const char *reason, bool due,
    struct purge_result *, struct err *);
/* Finishes what a killed purge left in purge/. */
int purge_resume(struct spool *, int *n, struct err *);
/* Tombstones, link memory and records whose own period is over. */
int purge_periods(struct spool *, time_t now, int *n, struct err *);

#endif
