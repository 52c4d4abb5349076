/*
 * The order: what is asked, for whom, on what basis (mri-order(5)). JSON,
 * unknown keys refused by name. Strings are UTF-8, owned by the order; NULL or
 * "" where the field is absent.
 */
#ifndef MRI_ORDER_ORDER_H
#define MRI_ORDER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"

struct order_patient {
	char *id, *issuer;
	char *name;		/* PN as in DICOM: Family^Given^Middle^Prefix^Suffix */
	char birth_date[9];	/* YYYYMMDD or "" */
	char *sex;		/* M F O */
	char **other_names; size_t nother_names;
};

struct order_study {
	char *study_uid;
	char date[9];		/* YYYYMMDD or "" */
	char *modality, *accession, *accession_issuer;
	char *requested_procedure_id, *scheduled_step_id, *description, *admission_id;
};

struct order_factor { char *type; char *value; char *file; };	/* value, or a file that holds it */

struct order {
	char *ref;
	char *link;		/* a secret: only before it is stored */
	char *link_host, *link_hash;	/* what the stored copy has instead */
	struct order_factor *factors; size_t nfactors;	/* never stored */
	char *basis_kind, *basis_reference, *acting_for;	/* basis_kind NULL: no basis */
	struct order_patient patient;
	struct order_study *studies; size_t nstudies;
	bool want_all;		/* want.studies == "all"; default: !nstudies */
	bool want_documents;	/* default true */
	char **destinations; size_t ndestinations;
};

#define ORDER_MAX	((size_t)1 << 20)	/* bytes of one order */
#define ORDER_STUDIES_MAX	1024

int order_new(struct order **, struct err *);
/* `where` names the source in messages ("order.json line 1"). */
int order_parse(const char *, size_t, const char *where, struct order **, struct err *);
void order_free(struct order *);	/* wipes link and factors */
/* The form that is stored: no link, no factors. Key order is fixed, so equal orders give equal bytes. */
int order_write(const struct order *, struct buf *, struct err *);
/* Takes over what `more` has and `o` has not; a field both have and differ in is taken from `more`,
 * except ref, basis and link, which stay. */
int order_complete(struct order *o, const struct order *more, struct err *);

/* Takes over what `more` has and `o` has not: the patient, and into entry (unless < 0) the first of more's studies,
 * without its UID, date and modality, which say what the study is. Nothing of o is changed. */
int order_fill(struct order *o, int entry, const struct order *more, struct err *);
/* One more entry, for this study; its index in *entry. */
int order_add_entry(struct order *o, const char *study_uid, int *entry, struct err *);

enum order_match { ORDER_UNSCHEDULED = -1 };
struct study_key { const char *study_uid, *date, *modalities; };	/* date YYYYMMDD; modalities: "CT\\SR" */
/* Does entry fit the study? Every given field of UID, date and modality must agree; an entry that gives
 * none of them fits only when `sole` (the import has one study). */
bool order_entry_fits(const struct order_study *, const struct study_key *, bool sole);
/* The one entry of the order for key among all `studies` of the import (n of them; `self` is this one's index),
 * *entry = index or ORDER_UNSCHEDULED. An entry that fits two studies, or two entries that fit this one: ERR_PERSON. */
int order_match(const struct order *, const struct study_key *studies, size_t n, size_t self, int *entry, struct err *);
/* Is this study asked for at all (want: listed or all)? */
bool order_wants(const struct order *, const struct study_key *, bool sole);

#endif
