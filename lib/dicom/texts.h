/*
 * Every text of an object, at every level, with the character set that holds
 * for it (PS3.3 C.12.1.1.2: an item may have its own). Read only; what
 * changes texts is edit_recode().
 */
#ifndef MRI_DICOM_TEXTS_H
#define MRI_DICOM_TEXTS_H

#include "dicom/walk.h"

#define TEXTS_MAX	((size_t)1 << 20)	/* a longer text is passed over: reports are a hundredth of it */

struct text {
	uint32_t tag;
	bool nested;		/* in a sequence */
	const char *vr;
	const char *declared;	/* (0008,0005), values by backslash */
	const char *bytes;	/* as they are, padding included */
	size_t n;
};

/* A return other than RC_OK ends it and is returned. Private elements without a VR are no text that anybody knows. */
typedef int texts_fn(const struct text *, void *arg, struct err *);
int texts_each(const struct object *, texts_fn *, void *arg, struct err *);

/* What an element is to the character set. *vr: its own, or that of the dictionary where it has none or UN. A public
 * sequence as UN of known length is one where it can be walked as items (PS3.5 6.2.2). Private elements of unknown VR
 * are neither: nobody says that they are text. */
enum texts_kind { TEXTS_NONE, TEXTS_VALUE, TEXTS_ITEMS };
enum texts_kind texts_kind(const struct object *, const struct element *, const char **vr);

#endif
