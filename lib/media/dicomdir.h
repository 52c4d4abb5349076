/*
 * Reading a DICOMDIR (PS3.3 F, PS3.10 8.6) as a claim of its medium: patients,
 * studies, and the files of the instances. Records are followed by their
 * offsets, whatever their order in the file and whatever their type is called:
 * what holds a Study Instance UID is a study. Offsets that lead nowhere or in
 * a circle, records that nothing leads to, records of no file: listed as far
 * as they can be, and `broken` says so. Nothing of it stops an import.
 */
#ifndef MRI_MEDIA_DICOMDIR_H
#define MRI_MEDIA_DICOMDIR_H

#include "base/io.h"
#include "dicom/walk.h"
#include "media/listing.h"

#define DICOMDIR_RECORDS_MAX	(2 * LISTING_FILES_MAX)

#define UID_DICOMDIR	"1.2.840.10008.1.3.10"	/* Media Storage Directory */

/* A data set that is an index, whatever its meta header says, or where it has none. */
bool dicomdir_is(const struct object *);
/* Fills l, which listing_init made. RC_OK also for a file that is no DICOMDIR at all: then it lists nothing and is
 * broken. An error is one of reading or of memory. Needs charset_load(). The stream is borrowed. */
int dicomdir_read(struct listing *, struct stream *, struct err *);

#endif
