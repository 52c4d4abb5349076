/*
 * The objects of one study that come one by one become one package: a ZIP of
 * stored members, written while they come.
 *
 *	bundle_new(&b, out, offer, instances, err)
 *	bundle_object(b, err)  bundle_data(b, …)  bundle_done(b, uid, err)	or bundle_drop(b)
 *	bundle_end(b, &package, err)  bundle_free(b)
 *
 * An object up to BUNDLE_HELD bytes is held until it is whole: one that was
 * cut, that came before, or that is not DICOM leaves no trace. A larger one is
 * written at once; where that one is cut, what was written is void. Private to lib/source.
 */
#ifndef MRI_SOURCE_BUNDLE_H
#define MRI_SOURCE_BUNDLE_H

#include "source/instances.h"
#include "source/pack.h"
#include "source/source.h"

#define BUNDLE_HELD	((size_t)16 << 20)	/* bytes; most objects are half a megabyte */

struct bundle;

/* Borrows all of them. The output is opened with the first object. */
int bundle_new(struct bundle **, const struct source_output *, const struct source_offer *, struct instances *,
    struct err *);
int bundle_object(struct bundle *, struct err *);
int bundle_data(struct bundle *, const void *, size_t, struct err *);
/* The object is whole. uid: the one that was asked for, NULL any; another one than that: ERR_PROTOCOL. */
int bundle_done(struct bundle *, const char *uid, struct err *);
/* It was cut. False: bytes of it are in the package already, which is void now: bundle_again(). */
bool bundle_drop(struct bundle *);
void bundle_again(struct bundle *);	/* a new package: nothing came yet */
uint64_t bundle_bytes(const struct bundle *);
/* Closes the package; sets media, bytes, sum of *p. */
int bundle_end(struct bundle *, struct source_package *, struct err *);
void bundle_free(struct bundle *);

#endif
