/*
 * Receiving a package: what it is by its first bytes, whether it is whole by
 * its last ones, its hash on the way. HTTP cannot tell that a body without
 * Content-Length was cut; a ZIP can (APPNOTE 4.3.16). Private to lib/source.
 */
#ifndef MRI_SOURCE_RECEIVE_H
#define MRI_SOURCE_RECEIVE_H

#include "base/hash.h"
#include "source/disposition.h"
#include "source/source.h"

/* The end of a file: the longest ZIP comment (65535), its record (22), and the zip64 record and locator before it. */
#define TAIL_BYTES	((size_t)65535 + 22 + 20 + 56 + 1024)

struct tail { unsigned char *ring; uint64_t total; };

int tail_init(struct tail *, struct err *);
void tail_add(struct tail *, const void *, size_t);
void tail_free(struct tail *);
bool tail_zip_whole(const struct tail *, struct err *);	/* an end of central directory that fits its place */
bool tail_pdf_whole(const struct tail *);

struct receiver {
	const struct source_output *out;
	const struct source_offer *offer;
	bool look;			/* stop before a package's body */
	bool pages;			/* what is no package goes to `page` instead of being refused */
	/* of the attempt */
	unsigned char head[SNIFF_BYTES];
	size_t nhead;
	bool decided, stopped;
	struct stream *stream;
	struct hash *hash;
	struct tail tail;
	struct buf page;
	struct source_package p;
	char label[LABEL_MAX];		/* the file's name as the portal says it, "" */
	bool packaged;
	char before[65];		/* hash of the last attempt that did not end well */
};

int receiver_init(struct receiver *, struct err *);
void receiver_free(struct receiver *);
/* The sink of an http_request; arg is the receiver. */
void receiver_sink(struct receiver *, struct http_sink *);
bool receiver_is_package(enum media);	/* ZIP, DICOM, PDF, JPEG, PNG */

#endif
