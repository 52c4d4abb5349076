/*
 * Is this the right patient's study, whole, readable, permitted? (50-reconcile)
 *
 * A jailed worker reads each original (check_object_read) and hands its facts
 * back as JSON (check_object_write, check_object_parse). The caller collects
 * them, puts what else is known into struct check_study and asks check_judge.
 *
 * Reasons are sentences for a person; they quote no value of a patient. What
 * was compared stands in `detail`, which only those see who may see patients.
 */
#ifndef MRI_CHECK_CHECK_H
#define MRI_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "base/io.h"
#include "base/json.h"
#include "check/paper.h"
#include "check/severity.h"
#include "check/target.h"
#include "check/worklist.h"
#include "order/claim.h"
#include "order/order.h"

enum check_rule {
	CHECK_PATIENT, CHECK_ONE_PATIENT, CHECK_ONE_ORDER, CHECK_COMPLETE, CHECK_READABLE,
	CHECK_CONSISTENT, CHECK_TARGET, CHECK_PERMITTED, CHECK_RULES
};
enum check_verdict { CHECK_PASS = 0, CHECK_UNKNOWN, CHECK_FINDING };
enum check_severity { CHECK_WARNING = 0, CHECK_ERROR };

/* What can be found, each with its severity and its name (table in points.c). Those up to
 * POINT_OBJECT_LAST are of single objects. */
enum check_point {
	POINT_BROKEN, POINT_SHORT_PIXELS, POINT_LONG_PIXELS, POINT_NO_PIXELS, POINT_FRAGMENTS,
	POINT_OFFSETS, POINT_BAD_UID, POINT_META_DIFFERS, POINT_CHARSET, POINT_CHARSET_UNKNOWN,
	POINT_TYPE1, POINT_TYPE2, POINT_NO_MODALITY, POINT_NO_STUDY_ID, POINT_OTHER_STUDY, POINT_FRAME, POINT_UNDECODED,
	POINT_OBJECT_LAST = POINT_UNDECODED,
	POINT_NO_PATIENT_ASKED, POINT_PATIENT_MISMATCH, POINT_PATIENT_DOUBTFUL, POINT_PATIENT_UNKNOWN,
	POINT_PATIENT_LIKELY, POINT_PATIENT_UNCLAIMED, POINT_PATIENT_DOCUMENT, POINT_PATIENT_RECORD,
	POINT_PATIENTS, POINT_SPELLINGS,
	POINT_ORDER_AMBIGUOUS, POINT_ORDER_UNMATCHED,
	POINT_WORKLIST_NONE, POINT_WORKLIST_MANY, POINT_WORKLIST_DIFFERS, POINT_WORKLIST_UNTIED,
	POINT_FEWER, POINT_MORE, POINT_STUDY_ABSENT, POINT_STUDY_UNCLAIMED, POINT_UNCLAIMED,
	POINT_PARTIAL, POINT_IMPLAUSIBLE, POINT_EMPTY,
	POINT_CONFLICT, POINT_DUPLICATE,
	POINT_TARGET_PATIENT, POINT_TARGET_ACCESSION, POINT_TARGET_PARTLY, POINT_TARGET_UNASKED,
	POINT_LISTED_ABSENT, POINT_LISTED_STUDY, POINT_LISTED_OTHER, POINT_LISTED_MOVED, POINT_LISTED_SIZE, POINT_LISTED_HASH,
	POINT_UNLISTED,
	POINT_INDEX_BROKEN, POINT_MEDIUM_PATIENTS, POINT_PORTAL_ERROR,
	POINT_BASIS, POINT_DESTINATION, POINT_DEADLINE,
	CHECK_POINTS
};

#define CHECK_REASON_MAX	512
#define CHECK_TEXT_MAX		512	/* a name of three groups of 64 characters; ids are shorter */
#define CHECK_ID_SEP	'\037'
#define CHECK_IDENTITIES_MAX	64	/* more people in one study are "many" */

struct check_result {
	enum check_verdict verdict;
	enum check_severity severity;	/* of a finding or unknown */
	char reason[CHECK_REASON_MAX];
	json_t *detail;			/* array, or NULL */
};

struct check_report {
	struct check_result rules[CHECK_RULES];
	int entry;			/* of the order, or ORDER_UNSCHEDULED */
	const struct check_severities *severities;	/* of the study that is judged */
};

/* What one object says about its patient, UTF-8. */
struct check_identity {
	char name[CHECK_TEXT_MAX], id[CHECK_TEXT_MAX], issuer[CHECK_TEXT_MAX], birth_date[32], sex[17];
	char other_names[CHECK_TEXT_MAX];	/* birth name and other names, by backslash */
	char other_ids[CHECK_TEXT_MAX];	/* (0010,1002), (0010,1000): id, CHECK_ID_SEP, issuer; by backslash */
};

struct check_object {
	int n;				/* original/NNNNN; the caller's */
	int package;			/* the caller's; 0 unknown */
	char sha256[65];		/* the caller's; "" unknown */
	char sop_class[65], sop_uid[65], series_uid[65], study_uid[65], study_date[9], modality[17];
	long long number, frames;	/* Instance Number, -1 none */
	bool image;			/* has pixel data */
	uint32_t points;		/* 1 << enum check_point, of single objects */
	long long decoded;		/* frames, by a deep check */
	uint32_t charset_tag;		/* of POINT_CHARSET: the first text */
	bool charset_nested;		/* in a sequence */
	uint32_t type1_tag, type2_tag;	/* of POINT_TYPE1, POINT_TYPE2: the first attribute; 0 none */
	char why[CHECK_REASON_MAX];	/* of POINT_BROKEN, POINT_FRAME, POINT_UNDECODED: the first of these */
	int identity;			/* index, set by the caller; -1 none */
};

struct check_package { int number; long long objects; };	/* of the whole import, all its items */

/* document/NNN; see check/paper.h. record: CDA, FHIR or HL7, which have a field for the birth date */
struct check_paper { int n; bool record; enum paper_says says; };

struct check_study {
	const struct order *order;	/* as it will be applied */
	bool papers;
	const struct study_key *studies; size_t nstudies, self;	/* all of the import; not in papers */
	const struct order *const *orders; size_t norders;	/* of those studies, where they have one of their own */
	const struct check_object *objects; size_t nobjects;
	const struct check_identity *identities; size_t nidentities;
	bool identities_more;		/* there were more than CHECK_IDENTITIES_MAX */
	const struct claim *claims; size_t nclaims;
	const struct check_package *packages; size_t npackages;
	const json_t *media;	/* what media say of themselves: `media` of the record of mri-unpack; borrowed, NULL none */
	size_t documents;
	const struct check_paper *papers_say; size_t npapers_say;	/* none where their text was not read */
	bool deep;			/* every frame was decoded */
	bool partial;			/* verdict of unpack */
	int set_aside, duplicates;
	bool basis_required;
	/* --dest; none: the order's */
	const char *const *destinations; size_t ndestinations;
	const struct check_target *targets; size_t ntargets;	/* those of them that were asked */
	const char *const *known; size_t nknown;		/* destinations of the config */
	bool named_only;		/* no destination by URL */
	time_t now, purge_at;		/* purge_at 0: no spool */
	const struct check_worklist *worklist;	/* NULL: not asked; see check/worklist.h */
	const struct check_severities *severities;	/* NULL: as the table has them */
};

/* Judges; fills report, which check_report_free empties. Errors are only of memory. */
int check_judge(const struct check_study *, struct check_report *, struct err *);
void check_report_free(struct check_report *);

const char *check_rule_name(enum check_rule);		/* "one_patient" */
bool check_rule_find(const char *name, enum check_rule *);	/* also "one-patient" */
const char *check_verdict_name(enum check_verdict);
const char *check_severity_name(enum check_severity);

/* For the worker: facts of one object. What is wrong with it is a point; an
 * error is only of memory or of the disk. Needs charset_load(), and for deep
 * (every frame is decoded) codec_load(). */
int check_object_read(struct stream *, bool deep, struct check_object *, struct check_identity *,
    struct err *);
/* The same as a line of JSON and back; the caller's fields do not travel. */
int check_object_write(const struct check_object *, const struct check_identity *, struct buf *,
    struct err *);
int check_object_parse(const char *, size_t, struct check_object *, struct check_identity *,
    struct err *);

#endif
