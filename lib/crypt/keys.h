/*
 * Identities on disk. Identity files are those of age-keygen: comment lines
 * with '#', one AGE-SECRET-KEY-1 line. Must belong to us or root and have no
 * bits for group and others: ERR_DENIED (77) otherwise.
 */
#ifndef MRI_CRYPT_KEYS_H
#define MRI_CRYPT_KEYS_H

#include "crypt/age.h"

int keys_identity_load(const char *path, struct age_identity *, struct err *);
/* Makes a new identity file 0600, O_EXCL, with its directories; synced. */
int keys_identity_create(const char *path, struct age_identity *, struct err *);

/* An identity wrapped to a recipient: an age file in dirfd/name, 0600, synced with its directory. */
int keys_wrap(int dirfd, const char *name, const struct age_identity *, const struct age_recipient *to, struct err *);
int keys_unwrap(int dirfd, const char *name, const struct age_identity *with, struct age_identity *, struct err *);
/* Overwrites, syncs, unlinks. Absent: RC_OK. */
int keys_destroy(int dirfd, const char *name, struct err *);

#endif
