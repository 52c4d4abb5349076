/* The session process of mri-fetch: serves the parent's requests on a channel, one at a time. */
#ifndef MRI_STAGE_FETCH_SERVE_H
#define MRI_STAGE_FETCH_SERVE_H

#include "stage/fetch_net.h"
#include "sys/worker.h"

/* Returns when the channel closes; the exit code. */
int fetch_serve(struct chan *, const struct net_options *);

#endif
