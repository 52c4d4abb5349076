/*
 * C-STORE (PS3.4 B, PS3.7 9.1.1) of a data set as it is: bytes go from the
 * stream into PDVs without being parsed. A data set of odd length (deflated,
 * PS3.5 A.5) gets one 0x00.
 */
#ifndef MRI_DIMSE_STORE_H
#define MRI_DIMSE_STORE_H

#include "base/io.h"
#include "dimse/assoc.h"

#ifdef __cplusplus
extern "C" {
#endif

struct store_object {
	uint8_t context;	/* of an accepted pair: class and transfer syntax of this object */
	const char *sop_class, *sop_uid;	/* of the data set, not of the meta group */
	struct stream *file;
	uint64_t dataset;	/* offset of the data set in the file */
};

/* Reads ahead while a response is awaited; one for each association. */
struct store_ahead { unsigned char *data; size_t len, cap; struct stream *of; uint64_t off; };
void store_ahead_free(struct store_ahead *);

enum store_verdict { STORE_STORED, STORE_WARNING, STORE_LATER, STORE_REFUSED };

/* Sends; the response is awaited by store_answer. Reading errors of the stream are returned as they are,
 * after which the association must be aborted (half a message is out). */
int store_send(struct assoc *, const struct store_object *, struct store_ahead *, uint16_t *message,
    struct err *);
/* Fills `ahead` with the beginning of the next object's data set: to be called between the two. */
int store_read_ahead(struct store_ahead *, const struct store_object *, struct err *);
int store_answer(struct assoc *, uint16_t message, uint16_t *status, struct err *);

/* What a status means (PS3.4 B.2.3): 0000 stored, Bxxx stored with a warning, A7xx later, all others
 * refused. */
enum store_verdict store_judge(uint16_t status);
const char *store_meaning(uint16_t status);

#ifdef __cplusplus
}
#endif
#endif
