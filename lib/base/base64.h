/* Base64 (RFC 4648): reading, both alphabets; writing, the one of section 4. */
#ifndef MRI_BASE_BASE64_H
#define MRI_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

enum base64_form {
	BASE64_URL,	/* section 5, without padding (RFC 7515 2); one or two '=' at the end are passed over */
	BASE64_MIME	/* section 4, blanks and line ends anywhere, as attachments have it */
};

#define BASE64_SIZE(n)	((n) / 4 * 3 + 3)	/* bytes that n characters give at most */

/* to: BASE64_SIZE(n) bytes; may be where the text is. False: a character that does not belong there, a length that
 * cannot be, or bits beyond the end that are not zero (one spelling a value). */
bool base64_decode(enum base64_form, const char *, size_t n, void *to, size_t *len);

/* Appends the form of section 4, padded, in one line. */
int base64_encode(struct buf *, const void *, size_t n, struct err *);

#endif
