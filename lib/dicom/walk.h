/*
 * Reading DICOM files: our own walk, in C, bounded and iterative, no DCMTK
 * (PS3.5 7, PS3.10 7). It indexes the top level of one object; sequences are
 * stepped through (depth ≤ WALK_DEPTH_MAX), every length is held against the
 * bytes that are left, and values are read only when asked for.
 *
 *	walk_open(&o, stream, err); walk_text(o, TAG(0x0010,0x0010), buf, sizeof buf, &found, err); walk_close(o);
 *
 * Offsets count from the start of o->data. That is the file itself, except
 * for deflated transfer syntaxes: there the meta group is read from the file
 * and o->data is the inflated data set (o->deflated, base offset 0).
 */
#ifndef MRI_DICOM_WALK_H
#define MRI_DICOM_WALK_H

#include <stdbool.h>
#include "base/io.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAG(g, e)	((uint32_t)(g) << 16 | (uint32_t)(e))
#define TAG_GROUP(t)	((uint16_t)((t) >> 16))
#define TAG_PIXEL_DATA	TAG(0x7fe0, 0x0010)
#define WALK_UNDEFINED	UINT32_MAX		/* length field of undefined length, PS3.5 7.1.1 */
#define WALK_DEPTH_MAX	64		/* real files nest 6 deep; DCMTK dies at 6,000 */
#define WALK_ELEMENTS_MAX 1000000	/* all levels: a multi-frame of 10,000 frames has 300,000 */
#define WALK_TOP_MAX	65536		/* elements of the top level */
/* Of a deflated data set: 1 MB can make 1 GB. In a jailed worker RLIMIT_AS is met first. */
#define WALK_INFLATED_MAX ((uint64_t)512 << 20)
#define WALK_RATIO_MAX	250		/* deflate can do 1032, real objects do 10; as in media/zip.h */
#define WALK_RATIO_FREE	((uint64_t)32 << 20)	/* the ratio counts above this size: it does no harm below */

enum walk_form { WALK_IMPLICIT_LE, WALK_EXPLICIT_LE, WALK_EXPLICIT_BE };

struct element {
	uint32_t tag;
	char vr[3];		/* "" in implicit form */
	uint64_t off;		/* of the tag */
	uint64_t value;		/* of the value field */
	uint32_t length;	/* as written, may be WALK_UNDEFINED */
	uint64_t end;		/* one past the element, delimiters included */
};

struct object {
	struct stream *file;	/* borrowed */
	struct stream *data;	/* == file, or the inflated data set (owned) */
	bool has_preamble;	/* false: a bare data set, transfer syntax guessed */
	bool deflated, encapsulated;	/* encapsulated: by transfer syntax */
	char transfer_syntax[65];
	enum walk_form form;
	uint64_t dataset;	/* offset of the data set in `data` */
	uint64_t file_dataset;	/* offset in the file (== dataset unless deflated) */
	struct element *meta; size_t nmeta;	/* group 0002, offsets in the file */
	struct element *top; size_t ntop;	/* data set, top level, in file order */
};

/* RC_FAILED/ERR_DATA: not DICOM, or broken: the sentence says where (offset, level of nesting, tag, the sequence
 * around it) and why, never a value. s is borrowed. */
int walk_open(struct object **, struct stream *s, struct err *);
/* The same for an index, of which a part is better than nothing: what breaks off is kept as far as it goes, and a
 * sequence or item that goes beyond what it stands in (PS3.5 7.5) ends there. Not for what is passed on. */
int walk_open_torn(struct object **, struct stream *s, struct err *);
const char *walk_torn(const struct object *);	/* why it is not whole, walk_items() included; NULL: it is */
void walk_close(struct object *);

const struct element *walk_find(const struct object *, uint32_t tag);	/* top level or meta (group 0002); NULL */
/* Raw value bytes of an element (not of undefined length), at most cap: ERR_DATA "longer than". */
int walk_value(const struct object *, const struct element *, void *, size_t cap, size_t *len, struct err *);
/* The same, its padding trimmed at the end, NUL-terminated; "" after an error. Longer than cap - 1: ERR_DATA. */
int walk_trimmed(const struct object *, const struct element *, char *, size_t cap, size_t *len, struct err *);
/* Text value of tag, padding trimmed, bytes as they are (character set not applied), NUL-terminated.
 * Absent: "" and *found = false. Longer than cap - 1: ERR_DATA. found may be NULL. */
int walk_text(const struct object *, uint32_t tag, char *, size_t cap, bool *found, struct err *);
/* US, SS, UL, SL, or IS text; absent: *found = false. */
int walk_number(const struct object *, uint32_t tag, long long *, bool *found, struct err *);

/* Steps through the items of a sequence element and, in each, its elements. cb gets item number (from 0) and
 * element; a return other than RC_OK ends the walk and is returned. Sequences inside can be walked again by
 * walk_items on that element. In explicit form UN with undefined length is implicit inside (PS3.5 6.2.2). */
typedef int walk_item_fn(const struct object *, unsigned item, const struct element *, void *arg, struct err *);
int walk_items(const struct object *, const struct element *seq, walk_item_fn *, void *arg, struct err *);

struct walk_pixels {
	bool present;
	bool encapsulated;
	uint64_t off, bytes;	/* of the value, or from first to last fragment item inclusive */
	uint32_t fragments;	/* without the Basic Offset Table */
	uint32_t table;		/* entries of the Basic Offset Table */
};
int walk_pixels(const struct object *, struct walk_pixels *, struct err *);

#ifdef __cplusplus
}
#endif
#endif
