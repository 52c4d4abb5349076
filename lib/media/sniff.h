/* What a file is, from its first bytes; never from its name. */
#ifndef MRI_MEDIA_SNIFF_H
#define MRI_MEDIA_SNIFF_H

#include "base/io.h"

enum media {
	MEDIA_UNKNOWN = 0, MEDIA_DICOM, MEDIA_DICOMDIR, MEDIA_ZIP, MEDIA_PDF, MEDIA_JPEG, MEDIA_PNG, MEDIA_XML,
	MEDIA_HTML, MEDIA_JSON, MEDIA_FHIR, MEDIA_TEXT, MEDIA_GZIP, MEDIA_TAR, MEDIA_7Z, MEDIA_RAR, MEDIA_ISO, MEDIA_EXE,
	MEDIA_CDA, MEDIA_FHIR_XML, MEDIA_HL7,
	MEDIA_WORKLIST,	/* DICOM to sniff(); its data set tells (dicom/kind.h) */
	MEDIA_EMPTY
};

#define SNIFF_BYTES	32774	/* an ISO 9660 descriptor begins at 32769 */

/* head: the first n bytes (as many as there are, up to SNIFF_BYTES). DICOM without preamble (a data set that
 * begins with group 0008, either VR form) counts as DICOM. */
enum media sniff(const void *head, size_t n);
int sniff_stream(struct stream *, enum media *, struct err *);
const char *media_name(enum media);		/* "DICOM", "ZIP archive", for messages */
const char *media_type(enum media);		/* "application/dicom" */
const char *media_suffix(enum media);		/* ".pdf", "" */

#endif
