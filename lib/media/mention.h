/* UIDs that a text plainly names: a report in CDA, FHIR or HL7 says so of which study it is. */
#ifndef MRI_MEDIA_MENTION_H
#define MRI_MEDIA_MENTION_H

#include <stddef.h>

#define MENTION_BYTES	((size_t)1 << 20)	/* of a text that is looked at */
#define MENTION_MAX	2048	/* bytes of the UIDs that are kept, a blank between them */

/* Different UIDs (of at least five components, or made of a UUID) in the first n bytes, in their order, as many as fit.
 * A text of UTF-16 or one that is compressed names none. */
void mention_uids(const void *text, size_t n, char out[MENTION_MAX]);

#endif
