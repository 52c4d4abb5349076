/*
 * JSON Web Encryption as SMART Health Links use it: compact serialization,
 * "alg":"dir", "enc":"A256GCM", "zip":"DEF" or none (RFC 7516 7.1, RFC 7518
 * 4.5 and 5.3, RFC 1951). Private to lib/source.
 */
#ifndef MRI_SOURCE_JWE_H
#define MRI_SOURCE_JWE_H

#include <stdint.h>
#include "base/buf.h"

#define JWE_KEY_LEN	32

/* plain: what was encrypted; its ceiling (plain->max) holds for what is inflated too. cty: the header's, "" none.
 * ERR_PROTOCOL: it is something else (plain JSON, a signed JWS, another algorithm), and says what.
 * ERR_DATA: the key does not open it, or it was changed on the way. */
int jwe_decrypt(const char *, size_t, const uint8_t key[JWE_KEY_LEN], struct buf *plain, char cty[128], struct err *);

/* What a compact JWS with "zip":"DEF" says (a SMART Health Card). Its signature is NOT checked: a claim, no proof.
 * ERR_DATA: it is none. */
int jws_content(const char *, size_t, struct buf *content, struct err *);

#endif
