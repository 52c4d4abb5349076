/*
 * Reading the METADATA.XML of IHE XDM (ITI TF-2 3.32, ebRIM 3.0) as a claim
 * of its medium: documents with their URI, size and SHA-1, and whose they
 * are. One file describes one submission set; a medium may hold several, of
 * several patients. No network, no DTD, no entities: a DOCTYPE is refused.
 */
#ifndef MRI_MEDIA_XDM_H
#define MRI_MEDIA_XDM_H

#include <stdbool.h>
#include "base/io.h"
#include "media/listing.h"

#define XDM_BYTES_MAX	((size_t)4 << 20)	/* 2,000 documents; as a tree it takes ten times as much */
#define XDM_DEPTH_MAX	32			/* ebRIM nests 7 deep */
#define SHA1_HEX	41

/* By content: the first n bytes of an XML document whose element is SubmitObjectsRequest. */
bool xdm_is(const void *head, size_t n);
/* Fills l, which listing_init made as LISTING_XDM. RC_OK also for what cannot be read: then it is broken. Call
 * xml_quiet() before a jail is locked. */
int xdm_read(struct listing *, struct stream *, struct err *);
/* The hash that the metadata give. Nothing is trusted because of it: SHA-1 finds damage, not malice. */
int xdm_sha1(struct stream *, char out[SHA1_HEX], struct err *);

#endif
