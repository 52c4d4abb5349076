/* What a data set is that is no composite object: told by its content, for those who take in, check and send. */
#ifndef MRI_DICOM_KIND_H
#define MRI_DICOM_KIND_H

#include "dicom/walk.h"

/*
 * An entry of a modality worklist (PS3.4 K.6), as RIS and worklist servers keep it in a file: it has a Scheduled
 * Procedure Step Sequence at its top level and no pixels, and is no instance of another class. It is a document of
 * the order and has nothing that could be stored as an object.
 */
bool kind_is_worklist(const struct object *);

#endif
