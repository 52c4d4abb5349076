/* Values of an object as text a map can work with: UTF-8, without padding. */
#ifndef MRI_RECONCILE_OLDTEXT_H
#define MRI_RECONCILE_OLDTEXT_H

#include "dicom/walk.h"

/* Appends. vr: where the element says none, or UN. declared: its character set; form: of the element. ERR_DATA, a
 * sentence that begins with a verb: no text, too long, or bytes that contradict the set. */
int oldtext(const struct object *, const struct element *, const char *vr, const char *declared, enum walk_form,
    struct buf *, struct err *);

#endif
