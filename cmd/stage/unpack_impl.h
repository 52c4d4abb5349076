/* Inside of mri-unpack: what its files share. */
#ifndef MRI_STAGE_UNPACK_IMPL_H
#define MRI_STAGE_UNPACK_IMPL_H

#include "media/listing.h"
#include "media/sniff.h"
#include "order/claim.h"
#include "spool/item.h"
#include "spool/manifest.h"
#include "stage/unpack.h"
#include "sys/worker.h"

#define UNPACK_BATCH	CHAN_FDS_MAX	/* members of one message: each has an output descriptor */
#define UNPACK_LABEL	400		/* bytes of a member's escaped name that are kept */
/* Archives inside archives that are opened: a study in a ZIP on an image of a disc, and that downloaded as a ZIP, is
 * two. More is not seen on media, and each level multiplies what a small file may grow to. */
#define UNPACK_NEST_MAX	2
#define UNPACK_JOBS_MAX	64
#define UNPACK_FILES_MAX 1000000	/* of all packages of one run; the parent keeps 200 bytes of each */

#define UNPACK_ERROR_NOTE "its ERROR.txt says that the portal could not give everything"
#define UNPACK_LOCKED_ADVICE \
	"--password-file F opens it with the first line of F; with an empty F only what is not encrypted is taken"

enum unpack_fate { FATE_OBJECT, FATE_DOCUMENT, FATE_DUPLICATE, FATE_ASIDE };

/* Facts of an object, as a worker read them. Interned: the strings of one run live until unpack_free. */
struct unpack_facts {
	const char *sop_class, *sop_uid, *study_uid, *series_uid, *transfer_syntax, *modality;
	const char *study_date, *description;
	const char *name, *id, *issuer, *birth, *sex;
	long long number;
};

struct unpack_file {
	int package;		/* index of run->packages */
	uint32_t member;	/* from 0 */
	enum unpack_fate fate;
	enum media media;
	bool data;		/* set aside, and it may be data: makes its package partial */
	bool answered;
	int slot;		/* of the staging, -1 none */
	uint64_t bytes;
	char *label;		/* escaped name, may hold patient data: for sealed files only */
	char *reason;		/* of what was set aside; holds no patient data */
	char sha256[65], sha1[41];	/* sha1: documents, "" unknown */
	struct unpack_facts *facts;	/* objects */
	int item;		/* index of run->items, -1 none */
	int number;
	const char *named;	/* documents: the study that the metadata of XDM name; borrowed, NULL none */
	char *uids;		/* documents: what they name, a blank between; NULL none */
	const char *tied;	/* documents: why they are where they are; static */
	struct listing *listing;	/* of a DICOMDIR; NULL */
	int rival;		/* set aside: 1 + the file whose SOP Instance UID it has with other bytes; 0 none */
};

struct unpack_package {
	int n;			/* number in the import; without a spool: of the argument */
	const struct cli_input *in;
	bool folder;
	int dirfd;		/* folder: its root */
	const char *path;	/* without a spool */
	enum media media;
	bool failed;		/* nothing could be taken from it */
	bool locked;		/* failed, for want of a password */
	bool partial;
	bool kept;		/* something was set aside that its content does not give away: it stays in the import */
	bool error_note;	/* partial: the portal itself says so in it */
	char *reason;		/* why failed or partial */
	enum err_kind kind;	/* of what failed */
	char sha256[65];
	uint64_t bytes;
	struct claim claim;
	bool claimed;
	size_t first, count;	/* range of run->files */
};

struct unpack_item {
	int study;		/* number, ITEM_PAPERS */
	const char *study_uid;	/* NULL: papers */
	int objects, documents;
	bool partial;
	uint64_t bytes;
	const struct cli_input *in;
};

struct intern;		/* strings, each with a number */

struct unpack_run {
	struct cli *cli;
	struct import *import;	/* NULL without a spool */
	const char *dir;	/* without a spool */
	struct staging *staging;	/* NULL in a dry run */
	const char *subject;	/* for messages */
	const struct unpack_password *password;
	enum names names;	/* the code page that was chosen for names */
	struct unpack_package *packages; size_t npackages;
	struct unpack_file *files; size_t nfiles, files_cap;
	struct unpack_item *items; size_t nitems;
	struct intern *strings;	/* of the workers' answers */
	long long counts[4];	/* by fate */
	long long data_aside;
	size_t listed;		/* files that indexes name, of all packages */
};

/* unpack_intern.c: strings kept once. NULL without memory. */
const char *unpack_string(struct unpack_run *, const char *, struct err *);
struct intern *intern_new(struct err *);
/* The string in s as it is kept; *value: its number, which is `fresh` where it was not there before. */
const char *intern_get(struct intern *s, const char *, size_t fresh, size_t *value, struct err *);
void intern_free(struct intern *);

/* unpack_group.c */
/* Makes room for n files of package p, all unanswered. */
int unpack_add_files(struct unpack_run *, size_t p, size_t n, struct err *);
/* n more of the last package: of an archive inside it. */
int unpack_more_files(struct unpack_run *, size_t p, size_t n, struct err *);
/* Duplicates, conflicts, viewer software; then studies and papers, numbered in the order of the packages. */
int unpack_group(struct unpack_run *, struct err *);
int unpack_manifest(struct unpack_run *, size_t item, struct buf *, struct err *);
/* A file is set aside (or what it was before no longer counts). reason is copied. */
int unpack_aside(struct unpack_file *, bool data, const char *reason, struct err *);
void unpack_item_name(const struct unpack_item *, char out[32]);
void unpack_free(struct unpack_run *);

/* unpack_report.c */
int unpack_record(struct unpack_run *, struct buf *, struct err *);	/* the `unpack` file */
void unpack_say(struct unpack_run *);	/* what was set aside, and why, on stderr */
void unpack_plan(struct unpack_run *);	/* a dry run's document */
void unpack_count(struct unpack_run *);	/* sums of the summary */

/* unpack_medium.c: what media say of themselves, against what is there. */
/* The listing that follows a worker's answer j, into f. Nothing follows: RC_OK. */
int unpack_medium_take(struct unpack_run *, struct unpack_file *f, struct chan *, const json_t *j, struct err *);
/* Does metadata of XDM in f's package name f as a document? By the last component: before anything is compared. */
bool unpack_medium_lists(const struct unpack_run *, const struct unpack_file *f);
int unpack_medium_compare(struct unpack_run *, struct err *);	/* when fates are known; names studies of documents */
int unpack_medium_record(struct unpack_run *, json_t *array, struct err *);
void unpack_medium_say(struct unpack_run *);
void unpack_medium_free(struct unpack_file *);

/* unpack_tie.c: the study that document f belongs to, as an index of run->items; -1: papers. Sets f->tied. */
int unpack_tie(const struct unpack_run *, struct unpack_file *f);

/* unpack.c: run->packages through the workers, and grouped. */
int unpack_read_all(struct unpack_run *, struct err *);

/* unpack_publish.c: item i comes to be. One that is there already is left as it is. */
int unpack_publish(struct unpack_run *, size_t i, struct err *);

/* unpack_receipt.c */
/* The outcome of a whole import, in the words of history; reason may be NULL. */
struct unpack_outcome { const char *word; const char *reason; };
struct unpack_outcome unpack_outcome_of(const struct unpack_run *);
void unpack_receipt(struct cli *, struct work *, const struct cli_input *, struct import *, int study, bool is_partial,
    bool again, const json_t *more);
void unpack_fail_import(struct cli *, const struct cli_input *, const char *id, const char *reason);
void unpack_answer_import(struct unpack_run *, struct work *, const struct cli_input *, uint64_t began);
void unpack_answer_loose(struct unpack_run *);

/* unpack_again.c: an import that has the record of a run before. */
int unpack_again(struct cli *, struct work *, const struct cli_input *, struct import *, const struct buf *record,
    struct err *);

/* unpack_pool.c */
struct pool;
int pool_new(struct pool **, struct unpack_run *, unsigned jobs, struct err *);
/* All members of package p through the workers. A package that cannot be read is marked failed: RC_OK. */
int pool_package(struct pool *, size_t p, struct err *);
void pool_free(struct pool *);

/* unpack_worker.c: runs in the jail */
void unpack_worker_prepare(bool password);	/* in the parent, before the first: what libraries load late */
int unpack_worker(struct chan *, void *);

#endif
