/*
 * age v1 files (age-encryption.org/v1): X25519 recipients, ChaCha20-Poly1305
 * STREAM in chunks of 64 KiB. Made with OpenSSL; `age -d` opens what this
 * writes. Reading is by random access; the last chunk is checked when the
 * stream is opened, so a truncated file never opens.
 */
#ifndef MRI_CRYPT_AGE_H
#define MRI_CRYPT_AGE_H

#include <stddef.h>
#include <stdint.h>
#include "base/io.h"

#define AGE_FILE_KEY	16
#define AGE_TEXT_MAX	80	/* Bech32 of identity or recipient, with NUL */
#define AGE_HEADER_MAX	((size_t)16 << 10)	/* bytes of header we read: one stanza is 100 */

struct age_recipient { uint8_t pub[32]; };
struct age_identity { uint8_t secret[32]; struct age_recipient to; };

int age_identity_new(struct age_identity *, struct err *);
int age_identity_parse(const char *text, struct age_identity *, struct err *);	/* AGE-SECRET-KEY-1… */
void age_identity_text(const struct age_identity *, char out[AGE_TEXT_MAX]);
void age_identity_wipe(struct age_identity *);
int age_recipient_parse(const char *text, struct age_recipient *, struct err *);	/* age1… */
void age_recipient_text(const struct age_recipient *, char out[AGE_TEXT_MAX]);

/* What a jailed reader needs of one file, and no more: unwrapped by the parent. */
struct age_key { uint8_t file_key[AGE_FILE_KEY]; uint64_t header; /* bytes of header */ };

/* Reads and authenticates the header of raw (borrowed). ERR_DENIED: made for another identity. ERR_DATA: not age, or
 * altered. */
int age_unwrap(struct stream *raw, const struct age_identity *, struct age_key *, struct err *);

/* Readable plaintext over raw (taken, closed also on failure). */
int age_open(struct stream **, struct stream *raw, const struct age_key *, struct err *);
int age_open_identity(struct stream **, struct stream *raw, const struct age_identity *, struct err *);

/* A writer over raw (a writing stream; taken). commit writes the last chunk and commits raw. */
int age_create(struct stream **, struct stream *raw, const struct age_recipient *, struct err *);

/* Loads what OpenSSL loads late: once before workers are forked, so that each does not do it again. */
int age_prepare(struct err *);

/* Bytes of ciphertext a plaintext of that size makes with our header. */
uint64_t age_size(uint64_t plain);

#endif
