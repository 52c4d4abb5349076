/*
 * The jailed side of mri-check: reads originals and hands back what they say
 * (check_object_write). The parent opens files and unwraps the key of each.
 */
#ifndef MRI_STAGE_CHECK_WORKER_H
#define MRI_STAGE_CHECK_WORKER_H

#include "check/check.h"
#include "spool/item.h"
#include "sys/worker.h"

struct check_pool;

/* Made where *p is NULL. deep: from now on every frame is decoded. */
int check_pool_ready(struct check_pool **p, enum jail_mode, long jobs, bool deep, struct err *);
void check_pool_free(struct check_pool *);	/* NULL is fine */

/* Where object i comes from: fd (taken) and its key. RC_OK, or the object is broken: why in err. */
typedef int check_open_fn(void *arg, size_t i, int *fd, struct age_key *, struct err *);
/* What object i says, in order; cb's rc other than RC_OK ends it. */
typedef int check_take_fn(void *arg, size_t i, const struct check_object *,
    const struct check_identity *, struct err *);

/* A worker that dies costs the object it had: that one is POINT_BROKEN with the reason. */
int check_pool_run(struct check_pool *, size_t n, check_open_fn *, check_take_fn *, void *arg, struct err *);

#endif
