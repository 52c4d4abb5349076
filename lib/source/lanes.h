/*
 * The objects of a study one by one, on several connections. It takes what
 * comes at the first attempt and ends at the first trouble: a token that ran
 * out, a busy portal, an object that is large. Whoever calls asks for that one
 * object in the ordinary way, and may then go on here. Private to lib/source.
 */
#ifndef MRI_SOURCE_LANES_H
#define MRI_SOURCE_LANES_H

#include "source/retrieve.h"

#define LANES_ACCEPT	"Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*, application/dicom;q=0.9"
#define LANES_ACCEPT_URL "Accept: application/dicom, */*;q=0.1"	/* of an object that has its own address */

struct lanes {
	struct source *s;
	const struct retrieve *r;
	/* A whole answer, of status 200, for this object. An error ends all: the disk. Whether it is the object that was
	 * asked for shows in the list. */
	int (*take)(void *arg, size_t i, const struct http_response *, struct err *);
	void *arg;
	bool off;			/* not worth it, or not wanted by the portal: no further time */
	unsigned troubles;
};

/* May it help: is more than one connection allowed, and more than one object missing? */
bool lanes_may(const struct lanes *);
/* Objects from the i-th on that are listed and have not come. */
int lanes_fetch(struct lanes *, size_t i, struct err *);

#endif
