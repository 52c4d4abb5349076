/*
 * A folder as a destination: a file-set (PS3.10 8, PDI names: at most eight
 * of A-Z 0-9 _) with a DICOMDIR (PS3.3 F), documents beside it.
 *
 *	OUT/DICOMDIR  OUT/DICOM/SABCDEFG/IM000001 …  OUT/DOCS/SABCDEFG/DOC00001.PDF
 *
 *	folder_open → folder_look / folder_write … folder_index_add → folder_commit → folder_close
 *
 * Files are written beside their name (.partial), synced with one barrier, then
 * renamed; the DICOMDIR comes last. Files 0600, directories 0700. The same set
 * again finds its files there.
 */
#ifndef MRI_DELIVER_FOLDER_H
#define MRI_DELIVER_FOLDER_H

#include "base/io.h"
#include "dicom/walk.h"

enum folder_level { FOLDER_PATIENT, FOLDER_STUDY, FOLDER_SERIES, FOLDER_OBJECT, FOLDER_LEVELS };

#define FOLDER_PATH_MAX		64
#define FOLDER_OBJECTS_MAX	999999	/* IM000001 … */

/* Directory records of one object, one a level, encoded in Explicit VR Little Endian, without offsets and file id. */
struct folder_records { struct buf level[FOLDER_LEVELS]; };

/* dicomdir.c. Made from the object in the jailed reader; level buffers are cleared first. */
int folder_records_make(const struct object *, struct buf level[FOLDER_LEVELS], struct err *);
/* Every entry of a DICOMDIR that folder_commit wrote; another program's: ERR_CANTCREAT. For the jailed reader. */
typedef int folder_entry_fn(const struct buf level[FOLDER_LEVELS], const char *path, void *arg, struct err *);
int folder_index_each(const struct object *dicomdir, folder_entry_fn *, void *arg, struct err *);

struct folder;

/* Makes dir where it is not there. salt: what tells this item from others in the folder (import and study). */
int folder_open(struct folder **, const char *dir, const char *salt, struct err *);
void folder_close(struct folder *);	/* what was written and not committed goes */
void folder_object_path(const struct folder *, int n, char out[FOLDER_PATH_MAX]);
/* suffix: ".pdf" or "" */
void folder_document_path(const struct folder *, int n, const char *suffix, char out[FOLDER_PATH_MAX]);

enum folder_state { FOLDER_ABSENT, FOLDER_SAME, FOLDER_OTHER };
/* Is it there? deep: compared byte by byte, else by size. */
int folder_look(struct folder *, const char *path, struct stream *, bool deep, enum folder_state *, struct err *);
int folder_write(struct folder *, const char *path, struct stream *, struct err *);
/* A descriptor of the DICOMDIR that is there, -1 where there is none. */
int folder_index_fd(struct folder *, int *fd, struct err *);
/* Adds an entry; one with the same path is replaced. Copies. */
int folder_index_add(struct folder *, const struct buf level[FOLDER_LEVELS], const char *path, struct err *);
int folder_commit(struct folder *, struct err *);

/* dicomdir.c: the file, from entries. */
struct folder_entry { struct folder_records records; char path[FOLDER_PATH_MAX]; };
int folder_index_build(struct folder_entry *, size_t n, struct buf *, struct err *);

#endif
