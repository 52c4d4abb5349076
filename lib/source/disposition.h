/*
 * The name of a file in Content-Disposition (RFC 6266), as a label for people:
 * filename* (RFC 8187) first, then filename. Never a path: what stands before
 * the last slash goes, control characters too.
 */
#ifndef MRI_SOURCE_DISPOSITION_H
#define MRI_SOURCE_DISPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#define LABEL_MAX	256	/* bytes with NUL; longer names are cut between characters */

/* UTF-8 in out, "" and false where the header names none. */
bool disposition_label(const char *header, char out[LABEL_MAX]);

#endif
