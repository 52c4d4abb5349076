/*
 * The worklist of a RIS (Modality Worklist, PS3.4 K): what is scheduled for
 * one accession number, one patient id, or one name and birth date. The
 * answers are hostile: walked by dicom/walk, converted by their own character
 * set, counted.
 */
#ifndef MRI_DIMSE_WORKLIST_H
#define MRI_DIMSE_WORKLIST_H

#include "dimse/assoc.h"

#define WORKLIST_TEXT_MAX	512	/* a name of three groups of 64 characters; all else is shorter */
#define WORKLIST_ENTRIES_MAX	64	/* more is not an answer to the question */

enum worklist_field {
	WORKLIST_NAME, WORKLIST_ID, WORKLIST_ISSUER, WORKLIST_BIRTH_DATE, WORKLIST_SEX, WORKLIST_ACCESSION,
	WORKLIST_ACCESSION_ISSUER, WORKLIST_PROCEDURE, WORKLIST_STEP, WORKLIST_DESCRIPTION, WORKLIST_ADMISSION,
	WORKLIST_MODALITY, WORKLIST_DATE, WORKLIST_FIELDS
};

struct worklist_entry {
	char v[WORKLIST_FIELDS][WORKLIST_TEXT_MAX];	/* UTF-8, "" where it says nothing */
};

/* What it is asked by: all that are not "" or NULL. */
struct worklist_question {
	const char *accession, *id;
	const char *name, *birth_date;	/* name may hold wildcards */
};

/* One answer, as it came: a data set in Implicit VR Little Endian. ERR_PROTOCOL: it cannot be read. Needs
 * charset_load(). */
int worklist_read(const uint8_t *, size_t, struct worklist_entry *, struct err *);

typedef int worklist_fn(const struct worklist_entry *, void *arg, struct err *);

/* An association of its own. *more: there were more than WORKLIST_ENTRIES_MAX, and the rest was not heard.
 * ERR_REFUSED: it has no worklist; ERR_PROTOCOL: an answer that cannot be read. Needs charset_load(). */
int worklist_ask(const struct assoc_peer *, const struct worklist_question *, worklist_fn *, void *arg, bool *more,
    struct err *);

#endif
