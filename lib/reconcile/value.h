/*
 * Values as a person or an order gives them (UTF-8 text) against the rules of their VR (PS3.5 6.2),
 * and as bytes of an object.
 */
#ifndef MRI_RECONCILE_VALUE_H
#define MRI_RECONCILE_VALUE_H

#include "dicom/walk.h"

/* Can a value of this VR be given as text? Not UIDs, bulk, tags or sequences. */
bool value_settable(const char *vr);
/* Does it fit: length in characters, repertoire, form? The sentence (ERR_DATA) names the VR and its
 * rule, never the value. */
int value_check(const char *vr, const char *utf8, struct err *);
/* Bytes in the character set `declared` and byte order of `form`, not padded; replaces what is in the
 * buffer. */
int value_encode(const char *vr, const char *utf8, const char *declared, enum walk_form form, struct buf *,
    struct err *);
/* Is it one whose bytes depend on (0008,0005)? */
bool value_in_charset(const char *vr);
bool value_multiple(const char *vr);	/* does a backslash separate values? */
size_t value_longest(const char *vr);	/* characters of one value; 0: no VR of a text */

#endif
