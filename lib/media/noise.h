/*
 * What lies on media beside their data and is told by its content: files that
 * operating systems leave (AppleDouble, .DS_Store, thumbnails, icons, links,
 * desktop.ini, autorun.inf), scripts, lists of checksums. A name tells
 * nothing: a report that is called desktop.ini is a report.
 */
#ifndef MRI_MEDIA_NOISE_H
#define MRI_MEDIA_NOISE_H

#include "media/sniff.h"

#define NOISE_TEXT_MAX	((size_t)1 << 20)	/* longer texts are read by people: checksums of 10,000 files */

/* m: what sniff says of it. *what: a phrase for people, static; NULL: it may be data. Errors are of reading. */
int noise_find(struct stream *, enum media m, const char **what, struct err *);

#endif
