/*
 * Read-back: what the archive acknowledged is looked for by C-FIND at IMAGE
 * level, series by series, again and again until all is there or the settle
 * time is over (archives index after they answer).
 */
#ifndef MRI_DELIVER_READBACK_H
#define MRI_DELIVER_READBACK_H

#include <stdbool.h>
#include "dimse/assoc.h"

#define READBACK_SETTLE	10	/* seconds; Orthanc needs none, archives with a queue a few */

struct readback_object {
	const char *study_uid, *series_uid, *sop_uid;
	bool found;	/* set here */
};

struct readback {
	struct assoc_peer peer;
	int settle;	/* seconds, 0: READBACK_SETTLE */
};

/* *missing: how many were not found. RC_OK with *missing > 0 is an answer, not an error. */
int readback_images(const struct readback *, struct readback_object *, size_t n, size_t *missing,
    struct err *);
/* One look over an association that is open, without waiting. */
int readback_round(struct assoc *, const struct assoc_pair *, struct readback_object *, size_t n, size_t *missing,
    struct err *);

#endif
