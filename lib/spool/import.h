/*
 * An import: what one order brought. It begins in incoming/<id>, where
 * mri-fetch writes packages and claims, and moves to import/<id> by one
 * rename. Fetch works with public keys only.
 *
 * Fetching:	import_create → import_package_begin … _end → import_commit
 * Reading:	import_open → import_package_open, import_order_read …
 *
 * Every function that publishes checks that the directory is still, by name,
 * the one that was opened: ERR_REFUSED "purged meanwhile" (69) when not.
 */
#ifndef MRI_SPOOL_IMPORT_H
#define MRI_SPOOL_IMPORT_H

#include "base/json.h"
#include "spool/spool.h"

struct import;

enum import_where { IMPORT_INCOMING, IMPORT_COMMITTED };

/* incoming/<id> with deadline, wrapped identity in keys/<id>, order (stored form, sealed). received = now.
 * Holds the import's lock. ref may be NULL. */
int import_create(struct import **, struct spool *, const char *ref, const void *order, size_t, struct err *);
/* Opens an existing one. Held by another process (incoming only): ERR_TEMP. Was purged: ERR_REFUSED. With
 * SPOOL_SECRET its identity is unwrapped. */
int import_open(struct import **, struct spool *, const char *id, enum import_where, struct err *);
/* The same for a look at state, deadline, history: takes no lock, unwraps nothing, works beside a running fetch. */
int import_peek(struct import **, struct spool *, const char *id, enum import_where, struct err *);
void import_close(struct import *);

const char *import_id(const struct import *);
const char *import_ref(const struct import *);		/* "" none */
time_t import_received(const struct import *);
time_t import_purge_at(const struct import *);		/* the earlier of deadline, id + 168 h, shorter settings */
bool import_expired(const struct import *, time_t now);
int import_present(const struct import *, struct err *);	/* still there by name, same inode */

/* Packages. *n is the next number; *fd is package/.NNN, empty, yours to close: fill it in any process through
 * spool_writer_fd(fd, import_recipient()), commit, then _end publishes it durably together with its claim
 * and the `held` line (key: offer or UID, hashed here; hash of the ciphertext). */
struct package;
int import_package_begin(struct import *, struct package **, int *fd, int *n, struct err *);
/* claim: JSON bytes, sealed here. Consumes the package, also on failure. */
int import_package_end(struct package *, const char *key, const void *claim, size_t, struct err *);
void import_package_abort(struct package *);
/* Was an offer of this key taken already (held)? */
int import_holds(struct import *, const char *key, bool *, struct err *);
/* incoming → import: the moment of success of mri-fetch. Lets go of the lock; history is added before or after. */
int import_commit(struct import *, struct err *);
/* Drops an incoming import that brought nothing (a refused login): erased with its key. */
int import_discard(struct import *, struct err *);

int import_packages(const struct import *, int *numbers, size_t cap, size_t *n, struct err *);
/* The same of the claims, which stay when their package is dropped. */
int import_claims(const struct import *, int *numbers, size_t cap, size_t *n, struct err *);
/* For a reader in this process (SPOOL_SECRET). */
int import_package_open(const struct import *, int n, struct stream **, struct err *);
int import_claim_read(const struct import *, int n, struct buf *, struct err *);
int import_order_read(const struct import *, struct buf *, struct err *);
/* For a jailed reader: descriptor and the key of just that file. key->header == 0 and all zero: not encrypted. */
int import_package_fd(const struct import *, int n, int *fd, struct age_key *, struct err *);
/* Readable stream of a descriptor that was sent to a worker. Takes fd. */
int spool_stream_fd(struct stream **, int fd, const struct age_key *, struct err *);
/* Writing stream for a descriptor the parent created, sealed to `to` (NULL: plain). Takes fd. */
int spool_writer_fd(struct stream **, int fd, const struct age_recipient *to, struct err *);
/* NULL where the spool does not encrypt. */
const struct age_recipient *import_recipient(const struct import *);

/* The `unpack` file: written last by mri-unpack. Never replaced: ERR_CANTCREAT. */
int import_unpack_write(struct import *, const void *, size_t, struct err *);
int import_unpack_read(const struct import *, bool *there, struct buf *, struct err *);
int import_package_drop(struct import *, int n, struct err *);	/* its claim stays */

/* One line of history: {"time","stage","item","outcome","reason",numbers…}. item: "study/1", "papers" or NULL.
 * No patient data, UID or link in reason. numbers: borrowed, may be NULL. */
int import_history_add(struct import *, const char *stage, const char *item, const char *outcome,
    const char *reason, const json_t *numbers, struct err *);
/* The lines, oldest first; cb's rc other than RC_OK ends it. */
typedef int import_history_fn(const json_t *line, void *arg, struct err *);
int import_history_each(const struct import *, import_history_fn *, void *arg, struct err *);

/* Every import of the spool, sorted by id. */
typedef int import_each_fn(const char *id, enum import_where, void *arg, struct err *);
int import_each(struct spool *, import_each_fn *, void *arg, struct err *);
/* "fetching", "waiting", "fetched", "unpacked", "partial", "failed", "expired" … (derived). */
int import_state(const struct import *, char out[32], struct err *);
/* The identity as text, for mri-spool key (SPOOL_SECRET). */
int import_identity_text(const struct import *, char out[AGE_TEXT_MAX], struct err *);

#endif
