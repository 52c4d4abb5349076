/* The data dictionary (PS3.6), a table made at build time from DCMTK's dicom.dic. */
#ifndef MRI_DICOM_DICT_H
#define MRI_DICOM_DICT_H

#include <stdint.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dict_entry { uint32_t tag; char vr[3]; const char *keyword; };

const struct dict_entry *dict_by_tag(uint32_t tag);		/* NULL: private or unknown; group lengths give UL */
const struct dict_entry *dict_by_keyword(const char *);		/* "PatientName"; exact case */
const char *dict_nearest(const char *keyword);			/* for messages; NULL */

#ifdef __cplusplus
}
#endif
#endif
