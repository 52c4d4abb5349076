/*
 * What an archive holds of a study, before anything is sent: C-FIND at STUDY
 * level by Study Instance UID and by accession number, at IMAGE level for the
 * objects in hand. Answers are hostile: walked by dicom/walk, counted.
 */
#ifndef MRI_DELIVER_HOLDING_H
#define MRI_DELIVER_HOLDING_H

#include "deliver/readback.h"

#define HOLDING_PATIENTS_MAX	4	/* one study under more patients than that is no different */
#define HOLDING_TEXT_MAX	512	/* a name of three groups of 64 characters */

struct holding_patient {
	char name[HOLDING_TEXT_MAX], id[HOLDING_TEXT_MAX], issuer[HOLDING_TEXT_MAX], birth_date[16];	/* UTF-8, "" */
};

struct holding {
	struct holding_patient patients[HOLDING_PATIENTS_MAX];
	size_t npatients;	/* whom the study stands under; 0: it is not there */
	size_t held;		/* objects in hand that are there */
	long long instances;	/* of the study there; -1: it does not say */
	size_t elsewhere;	/* other studies with the accession number */
};

/* accession "": not asked for. ERR_REFUSED: it offers no query; ERR_PROTOCOL: an answer that cannot be read. Needs
 * charset_load(). */
int holding_ask(const struct assoc_peer *, const char *study_uid, const char *accession,
    struct readback_object *objects, size_t n, struct holding *, struct err *);
/* One more patient of the study; the same one counts once, those beyond the last place are passed over. */
void holding_add(struct holding *, const struct holding_patient *);

#endif
