/*
 * The manifest of an item (mri-manifest(5)): NDJSON, versioned. First line
 * {"v":1,"type":"study",…}, then a line an object and a document. Spool knows
 * UIDs as text only.
 */
#ifndef MRI_SPOOL_MANIFEST_H
#define MRI_SPOOL_MANIFEST_H

#include <stdint.h>
#include "base/json.h"

struct manifest_object {
	int n;				/* original/NNNNN */
	char sop_class[65], sop_uid[65], series_uid[65], transfer_syntax[65];
	char modality[17];
	char sha256[65];		/* of the whole file */
	uint64_t bytes;
	long long number;		/* Instance Number, -1 none */
	int package;			/* it came from, 0 a folder */
};

struct manifest_document {
	int n;				/* document/NNN */
	char media[64];			/* application/pdf */
	char sha256[65];
	uint64_t bytes;
	int package;
	char *title;			/* label, hostile text; NULL none */
};

struct manifest {
	char study_uid[65];		/* "" in papers */
	char study_date[9];		/* YYYYMMDD or "" */
	char modalities[65];		/* backslash-separated */
	/* Patient of the first object, UTF-8, or "" where the character set is not converted here. */
	char *patient_name, *patient_id, *patient_issuer, patient_birth[9], patient_sex[17];
	char *description;
	bool partial;			/* the unpack verdict for this item */
	struct manifest_object *objects; size_t nobjects;
	struct manifest_document *documents; size_t ndocuments;
	int duplicates, set_aside;	/* of the packages it came from */
};

int manifest_new(struct manifest **, struct err *);
void manifest_free(struct manifest *);
int manifest_add_object(struct manifest *, const struct manifest_object *, struct err *);
int manifest_add_document(struct manifest *, const struct manifest_document *, struct err *);	/* copies title */
int manifest_write(const struct manifest *, struct buf *, struct err *);
int manifest_parse(const char *, size_t, struct manifest **, struct err *);

#endif
