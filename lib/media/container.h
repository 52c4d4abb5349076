/*
 * Reading archives that are no ZIP: tar (ustar, pax, GNU), the same through
 * gzip, and ISO 9660 images (plain, Joliet, Rock Ridge). libarchive reads
 * them, with these formats enabled and no other; gzip is inflated here, so
 * that its CRC is checked and what it may grow to is bounded. A gzip file
 * without a tar archive is a container of one member.
 *
 *	container_load();			before the jail
 *	container_open(&c, s, media, err);	reads all headers: what is cut off is refused as a whole
 *	container_begin(c, i, err);  container_more(c, &p, &n, err) until n == 0
 *	container_close(c);
 *
 * Members are read in their order at the cost of one pass; going back begins
 * anew. Names are labels, never paths: escape them before they are shown.
 * Only regular files have content; links, devices and pipes are named in
 * `unreadable`. Neither tar nor ISO 9660 has sums over content.
 *
 * The stream is borrowed. RC_FAILED/ERR_DATA: broken or refused, the sentence says why. Caps are those of zip.h.
 */
#ifndef MRI_MEDIA_CONTAINER_H
#define MRI_MEDIA_CONTAINER_H

#include <stdbool.h>
#include "base/io.h"
#include "media/names.h"
#include "media/sniff.h"

#define CONTAINER_NAMES_MAX ((size_t)32 << 20)	/* of all members together */

struct container;

struct container_member {
	char *name;
	size_t name_len;
	uint64_t size;
	bool directory;
	bool twin;		/* unreadable, and its bytes are another member's */
	const char *unreadable;	/* NULL, or why: "a symbolic link" */
};

void container_load(void);	/* the locale that names are converted in; once, before the jail */
bool container_is(enum media);	/* one of these: MEDIA_TAR, MEDIA_ISO, MEDIA_GZIP */
int container_open(struct container **, struct stream *, enum media, struct err *);
size_t container_count(const struct container *);
const struct container_member *container_member(const struct container *, size_t i);
/* A member's name in UTF-8, at most cap bytes, not terminated; returns how many. One that is not UTF-8 by itself is
 * read in the code page that was chosen; with NAMES_AUTO its bytes stay, or are Latin-1 in gzip. */
size_t container_name(const struct container *, size_t i, enum names chosen, char *to, size_t cap);
int container_begin(struct container *, size_t i, struct err *);
/* The next bytes, valid until the next call; *n == 0 at the end, when the size has been found right. */
int container_more(struct container *, const void **, size_t *n, struct err *);
void container_close(struct container *);	/* NULL is fine */

#endif
