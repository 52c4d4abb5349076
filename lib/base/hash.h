/*
 * SHA-256, HMAC-SHA-256, random bytes, wiping: OpenSSL behind five functions.
 */
#ifndef MRI_BASE_HASH_H
#define MRI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/io.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HASH_LEN	32
#define HASH_HEX	65	/* with NUL */

struct hash;	/* a running SHA-256 */

int hash_new(struct hash **, struct err *);
int hash_add(struct hash *, const void *, size_t, struct err *);
int hash_end(struct hash *, uint8_t out[HASH_LEN], struct err *);	/* then only hash_free */
void hash_free(struct hash *);

int hash_bytes(const void *, size_t, uint8_t out[HASH_LEN], struct err *);
int hash_hex(const void *, size_t, char out[HASH_HEX], struct err *);
int hash_stream(struct stream *, char out[HASH_HEX], struct err *);
int hash_hmac(const void *key, size_t keylen, const void *, size_t, uint8_t out[HASH_LEN], struct err *);
int hash_random(void *, size_t, struct err *);	/* from the kernel */
void hash_wipe(void *, size_t);			/* not optimised away */
void hash_wipe_text(char **);			/* of malloc: wiped, freed, NULL; NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
