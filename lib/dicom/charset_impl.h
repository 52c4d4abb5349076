/* Inside of dicom/charset: sets of one byte a character (charset.c), of more and with code extensions
 * (charset_wide.c), and the characters of the latter, both ways (charset_char.c). */
#ifndef MRI_DICOM_CHARSET_IMPL_H
#define MRI_DICOM_CHARSET_IMPL_H

#include <stdint.h>

#include "dicom/charset.h"

#define CHARSET_ESC	0x1b
#define CHARSET_CHAR_MAX 8	/* bytes of UTF-8 that one character makes at most */

/* Encodings without state, so that nothing depends on what iconv makes of escape sequences. */
enum charset_code { CODE_EUC_JP, CODE_EUC_KR, CODE_EUC_CN, CODE_GB18030, CODE_GBK, NCODES };

int charset_char_load(struct err *);	/* of charset_load() */
/* One character → UTF-8, and back to the same bytes. false: there is none, or it does not come back. */
bool charset_char(enum charset_code, const uint8_t *, size_t n, char utf8[CHARSET_CHAR_MAX], size_t *len);
/* The same in a set of one byte a character, named as without code extensions ("ISO_IR 100"). */
bool charset_char_single(const char *set, uint8_t, char utf8[CHARSET_CHAR_MAX], size_t *len);

/* charset_to_utf8(), with the name that a message shows. */
int charset_single(const char *set, const char *shown, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *);
/* Sets that charset_single() does not read. */
bool charset_wide_known(const char *declared);
int charset_wide(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *);
/* G0 begins as the Roman letters of JIS X 0201. */
bool charset_wide_jis(const char *declared);
/* "byte N of a text contradicts the declared character set 'X'", with a reason or NULL. */
int charset_contradicts(const char *declared, size_t at, const char *why, struct err *);

#endif
