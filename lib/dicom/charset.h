/*
 * Specific Character Set (PS3.3 C.12.1.1.2) through iconv. Descriptors are
 * opened before the jail is locked (charset_load) and held; inside only what
 * was loaded converts. Both ways: the single-byte sets, the default
 * repertoire, and UTF-8; others are refused by name (ERR_DATA). Reading only
 * (charset_read): also code extensions (ISO 2022), GB 18030 and GBK.
 */
#ifndef MRI_DICOM_CHARSET_H
#define MRI_DICOM_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

int charset_load(struct err *);		/* once, before the jail; idempotent */
void charset_prepare(void *unused);	/* the same for worker_start(): what cannot be loaded is refused by name later */
/* May text declared as `declared` ((0008,0005) as written, "" = default repertoire) be converted here?
 * ERR_DATA with the name if not. */
int charset_known(const char *declared, struct err *);
/* Bytes → UTF-8 (NUL-terminated in out). Bytes that contradict the set: ERR_DATA. */
int charset_to_utf8(const char *declared, const char *bytes, size_t n, char *out, size_t cap, size_t *len,
    struct err *);
/* UTF-8 → declared; ERR_DATA when a character is not in the set. */
int charset_from_utf8(const char *declared, const char *utf8, size_t n, char *out, size_t cap, size_t *len,
    struct err *);
/* To compare and to judge, not to write back: every set of PS3.3 C.12.1.1.2. name: a PN, whose components and groups
 * begin anew. Bytes that contradict what is declared: ERR_DATA. */
int charset_read(const char *declared, bool name, const char *bytes, size_t n, char *out, size_t cap, size_t *len,
    struct err *);
bool charset_readable(const char *declared);
bool charset_ascii(const char *, size_t);

#ifdef __cplusplus
}
#endif
#endif
