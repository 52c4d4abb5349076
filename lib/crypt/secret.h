/*
 * Memory for a key that stays: pages of its own, locked and not dumped where
 * the limits allow it, and zeros in a forked process. A worker parses what came
 * from outside: it must not have inherited what opens the spool.
 */
#ifndef MRI_CRYPT_SECRET_H
#define MRI_CRYPT_SECRET_H

#include <stddef.h>
#include "base/err.h"

/* n zero bytes; each takes whole pages. Fails where the kernel cannot wipe on fork. */
int secret_alloc(void **, size_t n, struct err *);
/* Wipes them first. n as it was asked for; NULL is fine. */
void secret_free(void *, size_t n);

#endif
