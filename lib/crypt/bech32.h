/*
 * Bech32 (BIP 173) without its limit of 90 characters, as age uses it for
 * identities ("AGE-SECRET-KEY-1…") and recipients ("age1…").
 */
#ifndef MRI_CRYPT_BECH32_H
#define MRI_CRYPT_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 bytes under the lower-case prefix hrp; out has room for strlen(hrp) + 60 bytes. */
void bech32_encode(const char *hrp, const uint8_t data[32], char *out);
/* Exactly 32 bytes under exactly that prefix, in one case throughout, checksum right, padding zero.
 * hrp is lower case; text may be all upper or all lower case. */
bool bech32_decode(const char *hrp, const char *text, uint8_t data[32]);

#endif
