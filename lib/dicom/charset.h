/*
 * Specific Character Set (PS3.3 C.12.1.1.2) through iconv. Descriptors are
 * opened before the jail is locked (charset_load) and held; inside only what
 * was loaded converts.
 *
 * Read, and proved to lose nothing: every set of C.12.1.1.2, code extensions
 * (ISO 2022, several values), GB18030 and GBK included. Written: sets of one
 * byte a character without code extensions, and UTF-8; into the others no
 * more than ASCII, since what needs more is converted to ISO_IR 192 as a whole.
 */
#ifndef MRI_DICOM_CHARSET_H
#define MRI_DICOM_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CHARSET_DECLARED_MAX 256	/* (0008,0005): all terms that there are make 240 bytes */

int charset_load(struct err *);		/* once, before the jail; idempotent */
void charset_prepare(void *unused);	/* the same for worker_start(): what cannot be loaded is refused by name later */
/* Can text declared as `declared` ((0008,0005) as written, values by backslash, "" = default repertoire) be read?
 * ERR_DATA with the name if not. */
int charset_known(const char *declared, struct err *);
/* Bytes → UTF-8 (NUL-terminated in out), sets of one byte a character and UTF-8 only. Bytes that contradict the set:
 * ERR_DATA. */
int charset_to_utf8(const char *declared, const char *bytes, size_t n, char *out, size_t cap, size_t *len,
    struct err *);
/* UTF-8 → declared; ERR_DATA when a character is not in the set, or the set is none that is written. */
int charset_from_utf8(const char *declared, const char *utf8, size_t n, char *out, size_t cap, size_t *len,
    struct err *);
/*
 * Bytes → UTF-8, every set. At most three bytes come of one.
 *
 * Proved: each character, encoded again in the set that holds where it stands, gives the bytes that were there.
 * Escape sequences are no characters: they say which set holds, and have no counterpart in UTF-8. Bytes that
 * contradict what is declared: ERR_DATA.
 *
 * vr: after ^ and = of a PN the sets are the first ones again; backslash divides values, but in ST, LT and UT it is a
 * character (PS3.5 6.1.2.5.3, 6.2). In JIS X 0201 (ISO_IR 13, ESC ( J) that character is the yen sign, and 7E the
 * overline: they become U+00A5 and U+203E, not backslash and tilde. The delimiter is backslash in every set.
 */
int charset_read(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *);
bool charset_ascii(const char *, size_t);
/* A value for those who show or compare it: ASCII as it is and in every set, one that there is not too (what does not
 * fit is cut off); else as charset_read() gives it, "" where that refuses. */
void charset_value(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap);
/* Is it ASCII, and does that say the same in the set and in UTF-8? */
bool charset_plain(const char *declared, const char *, size_t);

#ifdef __cplusplus
}
#endif
#endif
