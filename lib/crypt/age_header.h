/*
 * The header of an age file (age-encryption.org/v1 "Header"): recipient
 * stanzas and a MAC over them. Strict: canonical base64, lines of 64, no
 * empty argument.
 */
#ifndef MRI_CRYPT_AGE_HEADER_H
#define MRI_CRYPT_AGE_HEADER_H

#include "crypt/age.h"

#define AGE_NONCE	16	/* of the payload key, after the header */
/* what age_header_make writes: version 22, stanza 54 + 44, MAC 48, a NUL */
#define AGE_HEADER_OURS	((size_t)170)

/* Makes the header of a new file for one recipient; *len <= AGE_HEADER_OURS. */
int age_header_make(const struct age_recipient *, uint8_t file_key[AGE_FILE_KEY],
    char out[AGE_HEADER_OURS], size_t *len, struct err *);
/* p[n] is the beginning of a file, whole where n < AGE_HEADER_MAX. */
int age_header_open(const char *p, size_t n, const struct age_identity *, struct age_key *, struct err *);
/* Length of what age_header_make writes. */
size_t age_header_size(void);

#endif
