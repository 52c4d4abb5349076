/*
 * Associations (PS3.8), DCMTK behind a C header. One process, one thread: what
 * DCMTK keeps globally (timeouts, logging) is set here.
 *
 *	assoc_open(&a, &peer, pairs, n, err)	what is accepted stands in pairs
 *	assoc_echo(a, err) / store_send (store.h) / find_images (find.h)
 *	assoc_close(a)				release; assoc_abort(a) after an error
 *
 * Errors: refused or unreachable, timeouts, transient rejection, an abort are
 * ERR_TEMP; a permanent rejection ERR_REFUSED; an unknown called AE ERR_CONFIG,
 * an unknown calling AE ERR_DENIED; nonsense ERR_PROTOCOL. After an error of
 * anything but assoc_open the association is dead: assoc_abort it.
 */
#ifndef MRI_DIMSE_ASSOC_H
#define MRI_DIMSE_ASSOC_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSOC_PAIRS_MAX		128	/* context ids are the odd numbers of one byte, PS3.8 9.3.2.2 */
#define ASSOC_TIMEOUT		30	/* seconds for connecting, for an answer, for the socket to take bytes */
#define AE_TITLE_MAX		16	/* PS3.5 6.2, AE */

struct assoc;

struct assoc_peer {
	const char *host;
	unsigned port;
	const char *called, *calling;
	int timeout;		/* seconds, 0: ASSOC_TIMEOUT */
};

struct assoc_pair {		/* a presentation context with one transfer syntax */
	char sop_class[65];
	char transfer_syntax[65];
	uint8_t context;	/* id, set by assoc_open */
	bool accepted;
	uint8_t reason;		/* of a refusal, PS3.8 9.3.3.2 */
};

int assoc_open(struct assoc **, const struct assoc_peer *, struct assoc_pair *, size_t n, struct err *);
void assoc_close(struct assoc *);	/* A-RELEASE; NULL is fine */
void assoc_abort(struct assoc *);	/* A-ABORT; NULL is fine */
const char *assoc_reason(const struct assoc_pair *);	/* "abstract syntax not supported" */

/* An association of its own with Verification, and one C-ECHO. ms: how long the answer took. */
int assoc_echo(const struct assoc_peer *, unsigned *ms, struct err *);

/* For store.h and find.h. */
uint16_t assoc_message(struct assoc *);		/* a new message id */
size_t assoc_fragment(const struct assoc *);	/* largest fragment the peer takes */
/* One fragment of a message; it may wait in a buffer until assoc_flush or assoc_receive. */
int assoc_write(struct assoc *, uint8_t context, bool command, const void *, size_t, bool last, struct err *);
int assoc_flush(struct assoc *, struct err *);
/* A whole command or data set into buf (cleared first; its ceiling holds). */
int assoc_receive(struct assoc *, bool command, struct buf *, struct err *);

#ifdef __cplusplus
}
#endif
#endif
