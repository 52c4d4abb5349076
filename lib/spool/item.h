/*
 * An item of an import: study/<n> or papers/. mri-unpack makes it under
 * study/.<n> and publishes it by one rename; later stages add one file each.
 *
 * Making:	item_create → item_output … → item_manifest_write → item_publish
 * Reading:	item_open → item_manifest_read, item_object_open …
 */
#ifndef MRI_SPOOL_ITEM_H
#define MRI_SPOOL_ITEM_H

#include "spool/import.h"

struct item_dir;	/* an item on disk; the short name `item` belongs to dicom/edit.h */

#define ITEM_PAPERS	0

/* study: number from 1, or ITEM_PAPERS. In work without a spool the same calls serve DIR/1, DIR/2 (item_create_dir). */
int item_create(struct item_dir **, struct import *, int study, struct err *);
int item_create_dir(struct item_dir **, const char *dir, int study, struct err *);	/* plain */

/* A staging file for a worker to write to: descriptor, unlinked on abort; kept under a number by item_place.
 * staging lives in the import (or DIR), not in an item, since the study is known only after parsing. */
struct staging;
int staging_new(struct staging **, struct import *, struct err *);
/* What a killed one left, where nobody is at work. */
int staging_sweep(struct import *, struct err *);
int staging_new_dir(struct staging **, const char *dir, struct err *);
int staging_output(struct staging *, int *fd /* yours to close */, int *slot, struct err *);
/* The output is whole: takes fd, and sends it to the disk, so that the barrier of item_publish waits for the last ones
 * only. An output may also just be closed. */
void staging_done(struct staging *, int fd);
int staging_drop(struct staging *, int slot, struct err *);
void staging_free(struct staging *);	/* removes what was not placed */
enum item_kind { ITEM_ORIGINAL, ITEM_DOCUMENT };
/* Moves a staged file to original/NNNNN or document/NNN; *n is its number (from 1). Durable only after item_publish. */
int item_place(struct item_dir *, struct staging *, int slot, enum item_kind, int *n, struct err *);

/* Seals and writes the manifest (NDJSON). */
int item_manifest_write(struct item_dir *, const void *, size_t, struct err *);
/* One barrier for all files (syncfs or fsync of each), rename .<n> → <n>, fsync of the parent. */
int item_publish(struct item_dir *, struct err *);
void item_abort(struct item_dir *);	/* removes what was not published */

/* Opens a published item. lock: takes the item's lock (flock); held by another: ERR_TEMP. */
int item_open(struct item_dir **, struct import *, int study, bool lock, struct err *);
/* A folder laid out as study/<n> (made by mri-unpack -o): plain. ERR_NOINPUT where it is no such folder. */
int item_open_dir(struct item_dir **, const char *dir, struct err *);
void item_close(struct item_dir *);
int item_each(const struct import *, int *studies, size_t cap, size_t *n, bool *papers, struct err *);
const char *item_name(const struct item_dir *);	/* "study/1", "papers" */
struct import *item_import(const struct item_dir *);	/* NULL without a spool */

int item_object_open(const struct item_dir *, int n, struct stream **, struct err *);	/* the original */
int item_document_open(const struct item_dir *, int n, struct stream **, struct err *);
int item_object_fd(const struct item_dir *, int n, int *fd, struct age_key *, struct err *);	/* for a worker */
int item_document_fd(const struct item_dir *, int n, int *fd, struct age_key *, struct err *);
const struct age_recipient *item_recipient(const struct item_dir *);	/* NULL: plain */

/* The sealed small files of an item. */
enum item_file { ITEM_MANIFEST, ITEM_ORDER, ITEM_CHECK, ITEM_OVERLAY, ITEM_REPORT };
int item_file_there(const struct item_dir *, enum item_file, bool *, struct err *);
int item_file_read(const struct item_dir *, enum item_file, struct buf *, struct err *);
/* The order that holds for the item: as mri-check completed it, else the import's as fetched. */
int item_order_read(const struct item_dir *, struct buf *, struct err *);
int item_file_hash(const struct item_dir *, enum item_file, char out[65], struct err *);	/* sha256 of the plaintext */
/* Atomic, durable replacement. The same bytes again: *same = true and nothing is written. */
int item_file_write(struct item_dir *, enum item_file, const void *, size_t, bool *same, struct err *);
int item_file_remove(struct item_dir *, enum item_file, struct err *);
/* For the overlay, which is written as a stream: create under a new name, then item_file_commit. */
int item_file_create(struct item_dir *, enum item_file, struct stream **, struct err *);
/* Commits and closes the stream. */
int item_file_commit(struct item_dir *, enum item_file, struct stream *, struct err *);
void item_file_abort(struct item_dir *, enum item_file, struct stream *);
int item_file_open(const struct item_dir *, enum item_file, struct stream **, struct err *);

/* The state of an item and, where given, a destination (NULL: the least of all): unpacked, checked, held, retagged,
 * sending, sent, confirmed, interrupted. The table is in state.c and mri-spool(5). */
int item_state(const struct item_dir *, const char *destination, char out[32], struct err *);

#endif
