/*
 * C-FIND at IMAGE level (PS3.4 C.6.2.1, Study Root): the SOP Instance UIDs of
 * one series. One query a series: a study of 20,000 in one answer is more
 * than some archives give.
 */
#ifndef MRI_DIMSE_FIND_H
#define MRI_DIMSE_FIND_H

#include "dimse/assoc.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FIND_MATCHES_MAX	1000000	/* answers to one query; a bad peer could send for ever */

struct find_series {
	const char *study_uid, *series_uid;
};

typedef int find_image_fn(const char *sop_uid, void *arg, struct err *);

/* The presentation context to open the association with. */
void find_pair(struct assoc_pair *);
/* cb's rc other than RC_OK ends the query and is returned. */
int find_images(struct assoc *, const struct assoc_pair *, const struct find_series *, find_image_fn *,
    void *arg, struct err *);

#ifdef __cplusplus
}
#endif
#endif
