/*
 * Changing DICOM objects by splicing: named top-level elements are encoded
 * anew in the object's own transfer syntax, every other byte is the
 * original's. The result is a piece table (base/piece.h) over the file.
 *
 *	edit_begin(&e, object, err);
 *	edit_set(e, tag, "PN", bytes, n, err); edit_remove(e, tag, err);
 *	edit_sequence_append(e, tag, item, n, err);
 *	edit_finish(e, &pieces, err); edit_free(e);
 *
 * Group lengths (gggg,0000) of changed groups are recomputed where they stood.
 * Deflated transfer syntax: the whole object is one new piece.
 * Values are bytes in the object's character set; PS3.5 6.2 padding is added here.
 */
#ifndef MRI_DICOM_EDIT_H
#define MRI_DICOM_EDIT_H

#include "base/piece.h"
#include "dicom/charset.h"
#include "dicom/walk.h"

#ifdef __cplusplus
extern "C" {
#endif

struct edit;

int edit_begin(struct edit **, const struct object *, struct err *);
int edit_set(struct edit *, uint32_t tag, const char *vr, const void *, size_t, struct err *);
int edit_remove(struct edit *, uint32_t tag, struct err *);	/* absent: RC_OK, no change */
/* Items are built with struct item_builder in the object's form. */
struct item;	/* an item under construction */
int item_new(struct item **, enum walk_form, struct err *);
int item_set(struct item *, uint32_t tag, const char *vr, const void *, size_t, struct err *);
/* an element of the object, bytes as they are */
int item_copy(struct item *, const struct object *, const struct element *, struct err *);
int item_sequence(struct item *, uint32_t tag, struct item *const *items, size_t n, struct err *);
bool item_is_empty(const struct item *);
bool item_has(const struct item *, uint32_t tag);
void item_free(struct item *);
/* Appends item to the sequence (made when absent), older items kept byte by byte. */
int edit_sequence_append(struct edit *, uint32_t tag, const struct item *, struct err *);
int edit_sequence_set(struct edit *, uint32_t tag, struct item *const *items, size_t n, struct err *);
/* One element inside a sequence of the object: steps go from the top level down, the leaf is in the last one's item.
 * Every other byte of the sequence stays, but for the lengths around the leaf and digital signatures in the items that
 * change. Elements of one item in ascending order; none of a sequence that is set or appended to. After edit_recode. */
struct edit_step { uint32_t tag; unsigned item; };
/* What is there. found: the leaf is. Without its item: *item = false. ERR_DATA: what a step names is no sequence that
 * can be read (UN of known length, another VR). */
struct edit_inside { bool item, found; struct element el; enum walk_form form; char declared[CHARSET_DECLARED_MAX]; };
int edit_look_inside(const struct object *, const struct edit_step *, size_t n, uint32_t leaf, const char *declared,
    struct edit_inside *, struct err *);
/* Bytes in the form and character set that edit_look_inside() says, after a conversion in ISO_IR 192. */
int edit_set_inside(struct edit *, const struct edit_step *, size_t n, uint32_t leaf, const char *vr, const void *,
    size_t, struct err *);
int edit_sequence_inside(struct edit *, const struct edit_step *, size_t n, uint32_t leaf, struct item *const *items,
    size_t nitems, struct err *);
int edit_remove_inside(struct edit *, const struct edit_step *, size_t n, uint32_t leaf, struct err *);
/* The form in which items of that sequence are: the object's, or implicit where the sequence stands as
 * UN (PS3.5 6.2.2). */
int edit_item_form(const struct edit *, uint32_t tag, enum walk_form *, struct err *);
/* As item_copy, with what edit_recode made of it; the element may be one of an item, too. */
int edit_copy(struct edit *, struct item *, const struct element *, struct err *);
int edit_zero_preamble(struct edit *, struct err *);
/* Every text of the object (SH LO ST PN LT UC UT, all levels) to ISO_IR 192, (0008,0005) of each level too.
 * `declared`: the set of the top level as it is; items that name one of their own are read by it. A
 * text that contradicts its set, or does not come back the same (charset_read()): ERR_DATA. In the items that
 * change, digital signatures go. Call it before edit_copy. */
int edit_recode(struct edit *, const char *declared, struct err *);
/* Value of a text as edit_recode makes it: UTF-8, padded to even length. *changed: not what stands there. */
int recode_value(const char *declared, const char *vr, const char *, size_t, struct buf *, bool *changed,
    struct err *);
int edit_finish(struct edit *, struct pieces *, struct err *);
void edit_free(struct edit *);

#ifdef __cplusplus
}
#endif
#endif
