/* What the files of cmd/stage/send*.c share. */
#ifndef MRI_STAGE_SEND_PRIVATE_H
#define MRI_STAGE_SEND_PRIVATE_H

#include "deliver/folder.h"
#include "order/order.h"
#include "spool/journal.h"
#include "spool/manifest.h"
#include "spool/overlay.h"
#include "stage/send.h"
#include "sys/worker.h"

#define SEND_CALLING	"MRI"	/* our AE title where nothing says another */
#define SEND_SYNC_EVERY	64	/* receipts of a destination between two syncs of the journal */

enum send_fate {		/* of one object at one destination */
	FATE_OPEN = 0,		/* not tried, or to be tried again */
	FATE_STORED, FATE_ALREADY, FATE_REFUSED, FATE_FAILED
};

struct send_object {
	int n;			/* in the item; in work without a spool: index of its path + 1 */
	bool ready;		/* walked, and true to the plan: the fields below hold */
	enum err_kind bad;	/* not ready: why */
	char *why;
	char sop_class[65], sop_uid[65], series_uid[65], study_uid[65], transfer_syntax[65];
	uint64_t dataset, size;
	char hash[65];		/* of what is sent */
	struct fileset_records records;	/* for a DICOMDIR */
};

struct send_document { int n; char media[64]; char hash[65]; };

/* All that will go out of one item. */
struct send_set {
	struct item_dir *item;		/* NULL: a folder */
	struct import *import;
	struct manifest *manifest;
	struct overlay *overlay;	/* NULL: the originals as they are */
	const char *dir; int dirfd; char **paths;	/* of a folder */
	struct send_object *objects; size_t nobjects;
	size_t nobjects_all;		/* of a folder: with those that were left out */
	struct send_document *documents; size_t ndocuments;
	int skipped;			/* files of a folder that are not DICOM */
	bool records;			/* a destination is a folder: the reader makes DICOMDIR records */
};

/* What became of a set at a destination. */
struct send_tally {
	long long objects, stored, already, refused, failed;
	uint64_t bytes;
	enum err_kind kind;	/* the worst */
	char first[ERR_TEXT_MAX];	/* sentence of the first failure, and the advice with it */
	char advice[ERR_ADVICE_MAX];
	struct { int status; long n; } warnings[8];
	bool confirmed;
};

/* send_worker.c: the jailed reader. Fills objects; an object that cannot be read is not ready and says
 * why; a set that is not true to the plan is an error, and nothing of it may go out. */
int send_prepare(struct send *, struct send_set *, struct err *);
/* Descriptors and key of an object, for whoever reads it: fds[0] the original, fds[1] the pieces where
 * nfds is 2. */
int send_object_fds(const struct send_set *, const struct send_object *, int fds[2], size_t *nfds,
    struct age_key *, struct err *);
/* The other side: one stream of them. Takes the descriptors. */
int send_object_stream(struct stream **, const int *fds, size_t nfds, const struct age_key *, struct err *);

/* send_net.c: associations, in processes of their own. */
int send_dicom(struct send *, struct send_set *, const struct send_destination *, struct journal *,
    uint8_t *fate, struct send_tally *, struct err *);
int send_readback(struct send *, struct send_set *, const struct send_destination *, size_t *missing,
    struct err *);

/* send_folder.c */
int send_folder(struct send *, struct send_set *, const struct send_destination *, struct journal *,
    uint8_t *fate, uint8_t *document_fate, struct send_tally *, struct err *);

/* send_documents.c: who takes what. Archives take objects, folders take documents too. */
bool send_takes(const struct send_set *, const struct send_destination *);
/* *left: how many documents stay with these destinations, for the reason and with the advice in *why.
 * Papers that none of them takes: ERR_PERSON. */
int send_route(struct send_set *, const struct order *, const struct send_destination *list, size_t n,
    size_t *left, struct err *why, struct err *err);

/* send_set.c */
int send_set_open(struct send *, struct item_dir *, bool as_is, struct send_set *, struct err *);
int send_set_open_dir(struct send *, const char *dir, struct send_set *, struct err *);
void send_set_close(struct send_set *);
/* The delivery record: what this run stored, or found there. */
int send_record(struct send *, const struct send_set *, const struct send_destination *, const uint8_t *fate,
    struct err *);

/* send_gate.c */
int send_gate(const struct item_dir *, struct err *);
int send_gate_overlay(const struct item_dir *, const struct overlay *, struct err *);	/* papers have none */
int send_destination_get(struct send *, const char *name, struct send_destination *, struct err *);
void send_destination_free(struct send_destination *);
/* *list is to be freed with what is in it where *own. o NULL: no order (work without a spool). */
int send_destinations(struct send *, const struct order *o, struct send_destination **list, size_t *n,
    bool *own, struct err *);

void send_tally_bad(struct send_tally *, enum err_kind, const char *text, const char *advice);
/* What happened, in one sentence. */
int send_verdict(const struct send_destination *, const struct send_tally *, const uint8_t *document_fate,
    size_t ndocuments, struct err *);

#endif
