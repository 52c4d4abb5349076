/*
 * What must not leave the house, as far as this machine knows it: who the
 * patient is by order, claims and manifests, and the secrets of the
 * configuration. mri-portal bundle looks for all of it in what it made.
 */
#ifndef MRI_STAGE_PORTAL_KNOWN_H
#define MRI_STAGE_PORTAL_KNOWN_H

#include "cli/config.h"
#include "http/redact.h"
#include "order/claim.h"
#include "order/order.h"
#include "spool/manifest.h"

enum known_kind { KNOWN_NAME, KNOWN_ID, KNOWN_BIRTH, KNOWN_NUMBER, KNOWN_UID, KNOWN_TOKEN, KNOWN_PASSWORD, KNOWN_KEY,
	KNOWN_LINK, KNOWN_KINDS };

struct known { struct redact of[KNOWN_KINDS]; };

/* Copies; NULL, "" and texts of less than four bytes are passed over. Of a name each part too, in each case. */
int known_add(struct known *, enum known_kind, const char *, struct err *);
int known_order(struct known *, const struct order *, struct err *);
int known_claim(struct known *, const struct claim *, struct err *);
int known_manifest(struct known *, const struct manifest *, struct err *);
/* Tokens and passwords in the files that [portal NAME] names; those that cannot be read are passed over. */
int known_portals(struct known *, const struct config *, struct err *);
/* "the patient's name" of what stands in it, NULL: nothing of all this. Static text. */
const char *known_found(const struct known *, const char *, size_t);
void known_free(struct known *);	/* wipes */

#endif
