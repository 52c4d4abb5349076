#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "reconcile/oldtext.h"
#include "reconcile/value.h"

#define BYTES_MAX	((size_t)16 << 10)
#define UTF8_GROWTH	4	/* bytes that one byte makes at most */

/* US, SS, UL, SL, FL, FD as value_encode() reads them. */
static int numbers(const char *vr, const uint8_t *p, size_t n, bool big, struct buf *b, struct err *err)
{
	size_t width = strcmp(vr, "FD") == 0 ? 8 : vr[1] == 'S' ? 2 : 4, i = 0, k = 0;
	int rc = RC_OK;

	if (n % width != 0)
		return err_set(err, ERR_DATA, "has a length that is none of its VR %s", vr);
	for (i = 0; rc == RC_OK && i < n; i += width) {
		uint64_t bits = 0;

		for (k = 0; k < width; k++)
			bits |= (uint64_t)p[i + (big ? width - 1 - k : k)] << (8 * k);
		if (i > 0)
			rc = buf_puts(b, "\\", err);
		if (rc != RC_OK)
			break;
		if (vr[0] == 'F') {
			uint32_t half = (uint32_t)bits;
			double d = 0;
			float f = 0;

			memcpy(&d, &bits, sizeof d);
			memcpy(&f, &half, sizeof f);
			rc = buf_printf(b, err, "%.*g", width == 8 ? 17 : 9, width == 8 ? d : (double)f);
		} else if (vr[0] == 'S') {
			rc = buf_printf(b, err, "%lld", width == 2 ? (long long)(int16_t)bits : (long long)(int32_t)bits);
		} else {
			rc = buf_printf(b, err, "%llu", (unsigned long long)bits);
		}
	}
	return rc;
}

static int text(const char *vr, const char *declared, const char *s, size_t n, struct buf *b, struct err *err)
{
	struct err why = { 0 };
	size_t len = 0;
	bool set = value_in_charset(vr);
	int rc = RC_OK;

	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	/* Leading blanks count in long texts only (PS3.5 6.2). */
	while (n > 0 && *s == ' ' && strcmp(vr, "LT") != 0 && strcmp(vr, "ST") != 0 && strcmp(vr, "UT") != 0) {
		s++;
		n--;
	}
	if (memchr(s, '\0', n) != NULL)
		return err_set(err, ERR_DATA, "has a NUL within its text");
	rc = buf_grow(b, n * UTF8_GROWTH + 1, err);
	if (rc == RC_OK && charset_read(set ? declared : "", vr, s, n, b->data + b->len,
	    n * UTF8_GROWTH + 1, &len, &why) != RC_OK) {
		rc = err_set(err, ERR_DATA, "can not be read: %s", why.text);
		if (set)
			err_advise(err, "--set SpecificCharacterSet=… says in which set the texts really are");
	}
	b->len += len;
	return rc;
}

int oldtext(const struct object *o, const struct element *el, const char *vr, const char *declared,
    enum walk_form form, struct buf *b, struct err *err)
{
	char *raw = NULL;
	size_t n = 0;
	int rc = RC_OK;

	if (el->vr[0] != '\0' && strcmp(el->vr, "UN") != 0)
		vr = el->vr;
	if (!value_settable(vr) && strcmp(vr, "UI") != 0)
		return err_set(err, ERR_DATA, "has VR %s, which is no text", vr);
	if (el->length > BYTES_MAX)	/* undefined too */
		return err_set(err, ERR_DATA, "is longer than the %zu bytes that a map works with", BYTES_MAX);
	raw = malloc(BYTES_MAX + 1);
	if (raw == NULL)
		return err_set(err, ERR_TEMP, "no memory for an old value");
	rc = walk_value(o, el, raw, BYTES_MAX, &n, err);
	if (rc == RC_OK)
		rc = strlen(vr) == 2 && (strstr("US SS UL SL FL FD", vr) != NULL)
		    ? numbers(vr, (uint8_t *)raw, n, form == WALK_EXPLICIT_BE, b, err)
		    : text(vr, declared, raw, n, b, err);
	free(raw);
	return rc;
}
