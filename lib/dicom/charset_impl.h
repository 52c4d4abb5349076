/* Inside of dicom/charset: the sets of more than one byte. */
#ifndef MRI_DICOM_CHARSET_IMPL_H
#define MRI_DICOM_CHARSET_IMPL_H

#include "dicom/charset.h"

int charset_wide_load(struct err *);	/* of charset_load() */

#endif
