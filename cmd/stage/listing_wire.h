/* The index of a medium (media/listing.h) from a jailed worker to its parent: more than one message holds. */
#ifndef MRI_STAGE_LISTING_WIRE_H
#define MRI_STAGE_LISTING_WIRE_H

#include "media/listing.h"
#include "sys/worker.h"

/* text: of listing_write(). How many bytes follow is said before, in the answer itself. */
int listing_send(struct chan *, const struct buf *text, struct err *);
/* bytes: as the answer said, at most LISTING_BYTES_MAX. A worker that dies over it leaves a broken index. */
int listing_receive(struct chan *, size_t bytes, struct listing *, struct err *);

#endif
