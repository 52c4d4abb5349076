/* Names of the SOP classes of stored objects (PS3.6 table A-1), as keywords: "CTImageStorage". */
#ifndef MRI_DICOM_CLASSES_H
#define MRI_DICOM_CLASSES_H

#include <stdbool.h>

bool class_uid(const char *name, char uid[65]);	/* exact case; false: none of that name */
const char *class_nearest(const char *name);	/* for messages; NULL */

#endif
