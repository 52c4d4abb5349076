/* What a file is, and what is to be known of it: runs in the worker. */
#ifndef MRI_STAGE_UNPACK_JUDGE_H
#define MRI_STAGE_UNPACK_JUDGE_H

#include "base/buf.h"
#include "media/mention.h"
#include "stage/unpack_impl.h"

#define JUDGE_TEXT	400	/* bytes of a name, id or description: PN has 5 × 64 characters a group (PS3.5 6.2) */

struct judgement {
	enum unpack_fate fate;
	enum media media;
	bool data;		/* set aside, and it may be data */
	uint64_t bytes;
	char label[UNPACK_LABEL];
	char reason[ERR_TEXT_MAX];
	char sha256[65];
	/* objects; valid UTF-8 without control characters */
	char sop_class[65], sop_uid[65], study_uid[65], series_uid[65], transfer_syntax[65], modality[17];
	char study_date[9], birth[9], sex[17];
	char description[JUDGE_TEXT], name[JUDGE_TEXT], id[JUDGE_TEXT], issuer[JUDGE_TEXT];
	long long number;
	char sha1[41];		/* of documents that fit in memory: what the metadata of XDM give; "" none */
	char uids[MENTION_MAX];	/* that a text names */
	struct buf listing;	/* what the medium says of itself, as listing_write gives it; buf_wipe */
};

/* Fills all but label, bytes and sha256. An error is one of reading; what is wrong with the content is a fate. */
int judge(struct stream *, struct judgement *, struct err *);

#endif
