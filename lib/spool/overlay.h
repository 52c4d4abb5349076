/*
 * The overlay of an item: mri-retag's one file. First line
 * {"v":1,"type":"overlay","check":SHA256,"plan":{…},"objects":N}, then for each
 * object one line {"type":"object","n":1,"sha256":original,"new":BYTES,"pieces":[[from,off,len],…],
 * "result":SHA256 of the new bytes} followed by BYTES raw bytes and a newline; last line {"type":"end","objects":N}.
 */
#ifndef MRI_SPOOL_OVERLAY_H
#define MRI_SPOOL_OVERLAY_H

#include "base/json.h"
#include "base/piece.h"
#include "spool/item.h"

struct overlay;		/* for reading */
struct overlay_writer;

int overlay_create(struct overlay_writer **, struct item_dir *, const char *check_sha256, const json_t *plan,
	int objects, struct err *);
int overlay_add(struct overlay_writer *, int n, const char *original_sha256, const struct pieces *, struct err *);
int overlay_commit(struct overlay_writer *, struct err *);	/* frees, also on failure */
void overlay_abort(struct overlay_writer *);

int overlay_open(struct overlay **, const struct item_dir *, struct err *);	/* ERR_PERSON: not retagged */
void overlay_close(struct overlay *);
const char *overlay_check(const struct overlay *);	/* sha256 of the check it was made from */
const json_t *overlay_plan(const struct overlay *);	/* borrowed */
size_t overlay_objects(const struct overlay *);
/* The same from any stream (taken, closed also on failure); it has no originals: not for overlay_object_open. */
int overlay_open_stream(struct overlay **, struct stream *, struct err *);
/* The pieces of object n (pieces_free them). */
int overlay_pieces(const struct overlay *, int n, struct pieces *, struct err *);
/* The same, and the SHA-256 of the original that they were made from. */
int overlay_pieces_of(const struct overlay *, int n, struct pieces *, char original[65], struct err *);
/* The object as it will be sent: one stream over original and pieces. *p is filled and must outlive the stream. */
int overlay_object_open(const struct overlay *, int n, struct pieces *p, struct stream **, struct err *);

#endif
