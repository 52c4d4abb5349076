/*
 * A member too large for memory, as a stream for the walk: reading drives the
 * inflating, and everything that comes by goes into the sink. What is behind
 * can be read again from the head or the last megabyte. Runs in the worker.
 */
#ifndef MRI_STAGE_UNPACK_FLOW_H
#define MRI_STAGE_UNPACK_FLOW_H

#include "stage/unpack_judge.h"

struct flow {
	/* The next bytes, at most 512 KB, valid until the next call; *n == 0 at the end, when all was found right. */
	int (*more)(void *source, const void **p, size_t *n, struct err *);
	void *source;
	int (*take)(void *sink, const void *, size_t, struct err *);
	void *sink;
	uint64_t size;		/* of the member */
	/* its own */
	uint64_t pos;		/* bytes made */
	uint8_t *head, *tail;
	size_t head_len, tail_len;	/* tail ends at pos */
	struct err failed;	/* of the sink or the source: kept, for the judge sees only "cannot be read" */
	bool ended;
};

/* Judges the member and brings all of it into the sink. */
int flow_judge(struct flow *, struct judgement *, struct err *);

#endif
