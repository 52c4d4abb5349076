/*
 * The primitives of age on OpenSSL 3: X25519, HKDF-SHA-256 and
 * ChaCha20-Poly1305, each fetched once a process; and memory for keys.
 */
#ifndef MRI_CRYPT_PRIM_H
#define MRI_CRYPT_PRIM_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define PRIM_KEY	32
#define PRIM_TAG	16
#define PRIM_NONCE	12

/* Fetches all algorithms; the functions below do it themselves when it was not called. */
int prim_prepare(struct err *);

int prim_public(const uint8_t secret[PRIM_KEY], uint8_t pub[PRIM_KEY], struct err *);
/* RC_OK with *zero set where the shared secret is all zero (a point of low order, RFC 7748 6.1). */
int prim_agree(const uint8_t secret[PRIM_KEY], const uint8_t peer[PRIM_KEY], uint8_t shared[PRIM_KEY],
    int *zero, struct err *);
int prim_hkdf(const void *secret, size_t secretlen, const void *salt, size_t saltlen, const char *info,
    uint8_t out[PRIM_KEY], struct err *);

/* One key in one direction; seal and open take a nonce of their own each time and may work in place. */
struct prim_aead;
int prim_aead_new(struct prim_aead **, const uint8_t key[PRIM_KEY], int seal, struct err *);
/* from[len] → to[len + PRIM_TAG] */
int prim_seal(struct prim_aead *, const uint8_t nonce[PRIM_NONCE], const void *from, size_t len, void *to,
    struct err *);
/* from[len] with its tag → to[len - PRIM_TAG]. *bad is set, to is wiped, RC_OK where the tag is wrong. */
int prim_open(struct prim_aead *, const uint8_t nonce[PRIM_NONCE], const void *from, size_t len, void *to,
    int *bad, struct err *);
void prim_aead_free(struct prim_aead *);

/* Keeps the pages of a key out of swap and of core dumps, where the limits allow it. They stay so. */
void prim_lock(void *, size_t);

#endif
