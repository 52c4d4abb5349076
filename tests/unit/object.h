/* DICOM objects for tests, put together byte by byte, by code of their own. */
#ifndef MRI_TEST_OBJECT_H
#define MRI_TEST_OBJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "dicom/edit.h"

static inline void must(int rc, struct err *err)
{
	if (rc != RC_OK)
		print_error("# %s\n", err->text);
	assert_int_equal(rc, RC_OK);
}

static inline void ob_bytes(struct buf *b, const void *p, size_t n)
{
	struct err err = { 0 };

	must(buf_add(b, p, n, &err), &err);
}

static inline void ob_16(struct buf *b, enum walk_form form, unsigned v)
{
	uint8_t le[2] = { (uint8_t)v, (uint8_t)(v >> 8) }, be[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	ob_bytes(b, form == WALK_EXPLICIT_BE ? be : le, 2);
}

static inline void ob_32(struct buf *b, enum walk_form form, uint32_t v)
{
	ob_16(b, form, form == WALK_EXPLICIT_BE ? v >> 16 : v & 0xffff);
	ob_16(b, form, form == WALK_EXPLICIT_BE ? v & 0xffff : v >> 16);
}

static inline void ob_tag(struct buf *b, enum walk_form form, uint32_t tag)
{
	ob_16(b, form, tag >> 16);
	ob_16(b, form, tag & 0xffff);
}

/* Header only; length as written. */
static inline void ob_head(struct buf *b, enum walk_form form, uint32_t tag, const char *vr, uint32_t length)
{
	ob_tag(b, form, tag);
	if (form == WALK_IMPLICIT_LE || tag >> 16 == 0xfffe) {
		ob_32(b, form, length);
		return;
	}
	ob_bytes(b, vr, 2);
	if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr) != NULL) {
		ob_16(b, form, 0);
		ob_32(b, form, length);
	} else {
		ob_16(b, form, length);
	}
}

static inline void ob_raw(struct buf *b, enum walk_form form, uint32_t tag, const char *vr, const void *v,
    size_t n)
{
	ob_head(b, form, tag, vr, (uint32_t)n);
	ob_bytes(b, v, n);
}

static inline void ob_text(struct buf *b, enum walk_form form, uint32_t tag, const char *vr, const char *v)
{
	ob_raw(b, form, tag, vr, v, strlen(v));
}

static inline void ob_number(struct buf *b, enum walk_form form, uint32_t tag, uint32_t v)
{
	ob_head(b, form, tag, "UL", 4);
	ob_32(b, form, v);
}

/* A sequence of one item; how: 0 both lengths known, 1 both undefined, 2 sequence undefined, 3 item
 * undefined. */
static inline void ob_sequence(struct buf *b, enum walk_form form, uint32_t tag, int how,
    const struct buf *item)
{
	struct buf inner = BUF_INIT(0);

	ob_head(&inner, form, 0xfffee000, "", how == 1 || how == 3 ? UINT32_MAX : (uint32_t)item->len);
	ob_bytes(&inner, item->data, item->len);
	if (how == 1 || how == 3)
		ob_head(&inner, form, 0xfffee00d, "", 0);
	ob_head(b, form, tag, "SQ", how == 1 || how == 2 ? UINT32_MAX : (uint32_t)inner.len);
	ob_bytes(b, inner.data, inner.len);
	if (how == 1 || how == 2)
		ob_head(b, form, 0xfffee0dd, "", 0);
	buf_free(&inner);
}

static inline const char *ob_syntax(enum walk_form form)
{
	return form == WALK_IMPLICIT_LE ? "1.2.840.10008.1.2" : form == WALK_EXPLICIT_LE ? "1.2.840.10008.1.2.1"
	    : "1.2.840.10008.1.2.2";
}

/* Preamble and meta group; odd UIDs get their NUL. */
static inline void ob_meta(struct buf *b, const char *syntax)
{
	uint8_t preamble[132] = { 0 };
	char uid[66] = "";
	size_t n = strlen(syntax);

	memcpy(preamble + 128, "DICM", 4);
	memcpy(uid, syntax, n);
	n += n & 1;
	ob_bytes(b, preamble, sizeof preamble);
	ob_number(b, WALK_EXPLICIT_LE, 0x00020000, (uint32_t)(8 + n));
	ob_raw(b, WALK_EXPLICIT_LE, 0x00020010, "UI", uid, n);
}

/* The changed object in memory. */
static inline void ob_apply(const struct buf *original, const struct pieces *p, struct buf *out)
{
	struct err err = { 0 };
	struct stream *s = NULL, *o = NULL;

	must(stream_mem(&o, original->data, original->len, &err), &err);
	must(piece_stream(&s, o, p, &err), &err);
	must(stream_slurp(s, out, &err), &err);
	stream_close(s);
}

#endif
