/*
 * What a portal or medium says about a package (20-spool, claim/001): JSON,
 * a line an entry. One claim a package; where a portal lists studies, one
 * entry in `studies` for each that should be inside.
 */
#ifndef MRI_ORDER_CLAIM_H
#define MRI_ORDER_CLAIM_H

#include <stdint.h>
#include "base/json.h"

struct claim_study {
	char *study_uid, *date, *modality, *description;	/* date YYYYMMDD or NULL */
	long long instances, series;	/* -1: nobody said */
};

struct claim {
	int package;
	char *source;		/* dlx, direct, local */
	char *kind;		/* study, document, unknown */
	char *media;		/* media type as served, "" unknown */
	uint64_t bytes;
	char sha256[65];
	char *title;		/* document title, label: hostile text */
	struct claim_study *studies; size_t nstudies;
	char *patient_name, *patient_id, *patient_birth, *patient_sex;	/* what the portal's list says; NULL unknown */
	long long total_instances;	/* for the package, -1 unknown */
	bool plausible;		/* the packet looks like what it is said to be */
	bool partial;		/* the portal itself said that something is missing */
};

void claim_init(struct claim *);	/* zero, counts -1, plausible true */
void claim_free(struct claim *);	/* what is in it, not it */
int claim_parse(const char *, size_t, struct claim *, struct err *);
int claim_write(const struct claim *, struct buf *, struct err *);

#endif
