/*
 * C-FIND (PS3.4 C.4.1, K.4.1): keys out, matches in, over one association.
 * What asks are find_images below (one series, SOP Instance UIDs: one query a
 * series, since a study of 20,000 in one answer is more than some archives
 * give), the look at a study (deliver/holding.h) and the worklist (worklist.h).
 */
#ifndef MRI_DIMSE_FIND_H
#define MRI_DIMSE_FIND_H

#include "dimse/assoc.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FIND_MATCHES_MAX	1000000	/* answers to one query; a bad peer could send for ever */

enum find_model { FIND_STUDY_ROOT, FIND_WORKLIST };	/* PS3.4 C.6.2, K.6.1 */

struct find_key {
	uint32_t tag;
	const char *value;	/* UTF-8, "": whatever it is, it comes back */
	uint32_t in;		/* the sequence whose one item holds it; 0: none */
};

/* One match: its identifier, Implicit VR Little Endian. An rc other than RC_OK ends the query and is returned. */
typedef int find_match_fn(const uint8_t *, size_t, void *arg, struct err *);

/* The presentation context to open the association with. */
void find_pair(struct assoc_pair *, enum find_model);
/* Keys ascend by tag (of the sequence, where one holds them; those of one sequence stand together). Values that are
 * not ASCII need (0008,0005) = ISO_IR 192 among the keys. A '*', '?' or '\' in a value means to the peer what PS3.4
 * C.2.2.2 says: what comes back is held against what was meant by the caller. */
int find_query(struct assoc *, const struct assoc_pair *, const struct find_key *, size_t n, find_match_fn *, void *arg,
    struct err *);

struct find_series {
	const char *study_uid, *series_uid;
};

typedef int find_image_fn(const char *sop_uid, void *arg, struct err *);

int find_images(struct assoc *, const struct assoc_pair *, const struct find_series *, find_image_fn *,
    void *arg, struct err *);

#ifdef __cplusplus
}
#endif
#endif
