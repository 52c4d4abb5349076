/*
 * Shared by edit*.c, item.c and recode.c. An edit is a set of operations on top-level elements,
 * a list of patches inside elements (character set), and corrections of length fields. All of them become
 * patches (a range of the data set → bytes), sorted, then pieces.
 */
#ifndef MRI_DICOM_EDIT_IMPL_H
#define MRI_DICOM_EDIT_IMPL_H

#include "dicom/edit.h"

#define TAG_CHARSET	TAG(0x0008, 0x0005)
#define TAG_SIGNATURES	TAG(0xfffa, 0xfffa)
#define TAG_ITEM	TAG(0xfffe, 0xe000)
#define TAG_ITEM_END	TAG(0xfffe, 0xe00d)
#define TAG_SEQ_END	TAG(0xfffe, 0xe0dd)
#define EDIT_BYTES_MAX	((size_t)64 << 20)	/* new bytes of one object; a worker has 256 MB */
#define EDIT_DEPTH_MAX	(2 * WALK_DEPTH_MAX)

/* What it is for: a copy of an element as an old value (edit_copy) has what a conversion made of it, and not what a
 * rule put there; the result has the rule's in place of the conversion's. */
enum patch_for { PATCH_ALWAYS, PATCH_COPY, PATCH_RESULT };

struct patch {
	uint64_t off, len;	/* of the data set; len 0: an insertion */
	size_t at, n;		/* the bytes instead, in edit->bytes */
	uint32_t top;		/* the top-level element it belongs to */
	size_t order;		/* among equals: as they were added */
	enum patch_for only;
};

struct patches { struct patch *v; size_t n, cap; };

/* A length field (or group length) that grows or shrinks with what it covers. */
struct fix { uint64_t off; unsigned width; bool big; uint32_t old; int64_t delta; uint32_t top; enum patch_for only; };
struct fixes { struct fix *v; size_t n, cap; };

enum op_kind { OP_SET, OP_REMOVE, OP_APPEND };
struct op {
	enum op_kind kind;
	uint32_t tag;
	const struct element *el;	/* what stands in the object; NULL: nothing */
	struct buf bytes;	/* SET: the whole element; APPEND: items */
};

struct edit {
	const struct object *o;
	struct buf bytes;
	struct patches patches;
	struct fixes fixes;
	struct op *ops; size_t nops, capops;
	bool zero_preamble;
};

int edit_patch(struct edit *, uint32_t top, uint64_t off, uint64_t len, const void *, size_t, struct err *);
int edit_fix(struct edit *, const struct fix *, struct err *);
/* The length field of el, in a data set of that form (el->vr "": implicit). */
struct fix edit_length_field(const struct object *, const struct element *, uint32_t top);
int patches_add(struct patches *, const struct patch *, struct err *);
/* The patched data set, deflated, after the original's head. */
int edit_deflate(const struct edit *, const struct pieces *dataset, struct pieces *, struct err *);

void put16(uint8_t *, uint16_t, bool big);
void put32(uint8_t *, uint32_t, bool big);
int put_header(struct buf *, enum walk_form, uint32_t tag, const char *vr, size_t n, struct err *);
int put_element(struct buf *, enum walk_form, uint32_t tag, const char *vr, const void *, size_t, struct err *);
bool vr_text(const char *vr);		/* SH LO ST PN LT UC UT: what (0008,0005) is about */
/* Item tag, length, elements in ascending order. */
int item_encode(const struct item *, struct buf *, struct err *);
int item_add_bytes(struct item *, uint32_t tag, const void *, size_t, struct err *);
/* Explicit bytes of one element → implicit little endian (what UN holds, PS3.5 6.2.2). */
int item_implicit(const struct object *, const struct element *, struct buf *, struct err *);

#endif
