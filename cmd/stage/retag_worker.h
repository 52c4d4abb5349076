/*
 * The jailed side of mri-retag, and how to talk to it. One worker takes many
 * objects, one after the other; a request may be sent while the answer to the one before is
 * still out, which keeps both processes at work.
 */
#ifndef MRI_STAGE_RETAG_WORKER_H
#define MRI_STAGE_RETAG_WORKER_H

#include "crypt/age.h"
#include "reconcile/plan.h"
#include "sys/jail.h"

struct retag_worker;

int retag_worker_start(struct retag_worker **, enum jail_mode, struct err *);
void retag_worker_stop(struct retag_worker *);
/* The plan for the objects that follow. */
int retag_worker_plan(struct retag_worker *, const json_t *plan, struct err *);

enum retag_ask {
	RETAG_APPLY,	/* pieces */
	RETAG_OLD,	/* old values of what the plan names */
	RETAG_KEY	/* which study, whose patient */
};
/* fd stays the caller's; key all zero: a plain file. */
int retag_worker_send(struct retag_worker *, enum retag_ask, int fd, const struct age_key *, struct err *);
/* The answer to the oldest open request. A failure of the object is the rc; when the worker died *died
 * is true, and
 * it is gone. pieces for RETAG_APPLY, json for the others. */
int retag_worker_recv(struct retag_worker *, struct pieces *, struct plan_report *, json_t **, bool *died,
    struct err *);

#endif
