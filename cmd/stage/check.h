/*
 * What mri-check does with an item: completes its order, has its originals
 * read in the jail, judges (lib/check), and writes `order` and `check`.
 *
 *	check_begin(&st, cli, work, &options, err)	reads --order, --accept
 *	check_input(&st, &in) for each input; check_end(&st)
 */
#ifndef MRI_STAGE_CHECK_H
#define MRI_STAGE_CHECK_H

#include "check/check.h"
#include "cli/work.h"
#include "spool/manifest.h"
#include "stage/check_ask.h"
#include "stage/check_worker.h"

struct check_options {
	const char *order;		/* FILE */
	bool worklist;
	struct cli_list dest, accept;
	const char *reason;
	const char *report;		/* FILE, or REPORT_KEPT */
	bool deep;
};

struct check_stage {
	struct cli *cli;
	struct work *work;
	const struct check_options *opt;
	struct order *more;		/* of --order, NULL none */
	bool accept[CHECK_RULES], accepting;
	const char **known; size_t nknown;	/* destinations of the config; borrowed names */
	struct check_pool *pool;
	struct report *report;	/* NULL: none is asked for */
	bool deep;	/* the item in hand */
};

int check_begin(struct check_stage *, struct cli *, struct work *, const struct check_options *,
    struct err *);
void check_input(struct check_stage *, const struct cli_input *);
void check_end(struct check_stage *);

/* Inside of the stage: */

/* All that is known of one item when it is judged. */
struct check_facts {
	struct manifest *manifest;
	struct check_object *objects; size_t nobjects, capobjects;
	struct check_identity *identities; size_t nidentities;
	bool identities_more;
	struct study_key *keys; size_t nkeys, self;	/* strings owned */
	struct order **orders; size_t norders;	/* of those studies; NULL: not checked yet, or this one */
	struct claim *claims; size_t nclaims;
	struct check_package *packages; size_t npackages;
	struct check_listed listed;	/* --worklist */
	struct check_targets targets;	/* --dest */
	json_t *media;			/* `media` of the record of mri-unpack */
	size_t unread;			/* files beside that should have been objects; a folder outside of a spool */
	struct check_paper *papers; size_t npapers;	/* what its documents say */
};
void check_facts_free(struct check_facts *);
/* Takes one object's facts and interns its patient. */
int check_facts_add(struct check_facts *, const struct check_object *, const struct check_identity *,
    struct err *);
int check_facts_key(struct check_facts *, const char *uid, const char *date, const char *modalities,
    struct err *);
/* Objects of the item, by its manifest, which is in f already. */
int check_facts_read(struct check_stage *, struct check_facts *, struct item_dir *, struct err *);
/* Studies, claims and package counts of the whole import, and the orders of its other items. rest_follows: those behind
 * this one get another order in this run, so what they have now says nothing. */
int check_facts_import(struct check_facts *, struct import *, int study, bool rest_follows, struct err *);
/* check_medium.c: what media say of themselves, from the record of mri-unpack (a part of it is enough), or from the one
 * that lies beside an item of work without a spool. */
int check_facts_media(struct check_facts *, const char *record, size_t, struct err *);
int check_facts_media_beside(struct check_facts *, const char *item, struct err *);
/* The same for DIR/1, DIR/2 … of work without a spool. */
int check_facts_siblings(struct check_facts *, const char *dir, struct err *);

struct check_numbers { size_t errors, accepted, warnings; };
/* The check as JSON. old: the check before, or NULL: acceptances that still hold are taken from it. */
int check_document(const struct check_stage *, const struct check_report *, const json_t *old,
    const char *order_sha, const char *manifest_sha, json_t **, struct check_numbers *, struct err *);
bool check_same(const json_t *a, const json_t *b);	/* but for the time */
/* "held: patient: …; complete: …"; rules only: "held: patient, complete" */
void check_reason(const json_t *doc, bool sentences, char *out, size_t cap);
/* Findings without detail, for receipts. */
json_t *check_findings(const json_t *doc, struct err *);
/* Document of -n and of work without a spool. */
void check_print(struct cli *, const char *path, const json_t *doc);
void check_study_of(const struct check_stage *, const struct check_facts *, const struct order *, bool papers,
    struct check_study *);

/* Without a spool: an item folder, a folder of those, or any folder of DICOM files. */
void check_folder(struct check_stage *, const struct cli_input *);

#endif
