/*
 * Storing objects in an archive (PS3.4 B): presentation contexts from what is
 * to be sent, the transfer syntax as it is, one association after the other
 * where there are more than 128 pairs. Every response is judged by itself.
 */
#ifndef MRI_DELIVER_STORE_H
#define MRI_DELIVER_STORE_H

#include <stdint.h>
#include "base/io.h"
#include "dimse/assoc.h"

struct deliver_object {
	int n;			/* yours */
	const char *sop_class, *sop_uid, *transfer_syntax;	/* of the data set that is sent */
	uint64_t dataset;	/* its offset in the stream */
};

enum deliver_outcome {
	DELIVER_STORED = 1,	/* 0000 or Bxxx */
	DELIVER_LATER,		/* A7xx, or no answer: may be sent again */
	DELIVER_REFUSED,	/* by status, or its presentation context was not accepted */
	DELIVER_UNREADABLE	/* our own store could not give its bytes */
};

struct deliver_result {
	int n;
	enum deliver_outcome outcome;
	int status;		/* DIMSE status, -1: none came */
	uint64_t bytes;		/* of the data set */
	const struct err *why;	/* where it is not stored, and for Bxxx what the warning is; else NULL */
};

struct deliver_store {
	struct assoc_peer peer;
	const struct deliver_object *objects;
	size_t n;
	/* The bytes of objects[i], closed here. */
	int (*open)(const struct deliver_object *, void *arg, struct stream **, struct err *);
	/* One call for each object that was tried or whose context was refused. Not RC_OK: ends the run. */
	int (*done)(const struct deliver_result *, void *arg, struct err *);
	void *arg;
};

/* Sends all. What was not reported through done was not tried; then the return code and err say why:
 * the association could not be had, or it was lost. */
int deliver_store(const struct deliver_store *, struct err *);

/* The distinct pairs of objects from *at on, as many as fit one association; *at moves past them, taken[i]
 * says which objects have their pair in it. */
size_t deliver_pairs(const struct deliver_object *, size_t n, const bool *done, bool *taken,
    struct assoc_pair *);

#endif
