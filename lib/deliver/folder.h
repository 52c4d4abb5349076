/*
 * A folder as a destination: a file-set (PS3.10 8, PDI names: at most eight
 * of A-Z 0-9 _) with a DICOMDIR (PS3.3 F), documents beside it.
 *
 *	OUT/DICOMDIR  OUT/DICOM/SABCDEFG/IM000001 …  OUT/DOCS/SABCDEFG/DOC00001.PDF
 *
 *	fileset_open → fileset_look / fileset_write … fileset_index_add → fileset_commit → fileset_close
 *
 * Files are written beside their name (.partial), synced with one barrier, then
 * renamed; the DICOMDIR comes last. Files 0600, directories 0700. The same set
 * again finds its files there.
 */
#ifndef MRI_DELIVER_FOLDER_H
#define MRI_DELIVER_FOLDER_H

#include "base/io.h"
#include "dicom/walk.h"

enum fileset_level { FILESET_PATIENT, FILESET_STUDY, FILESET_SERIES, FILESET_OBJECT, FILESET_LEVELS };

#define FILESET_PATH_MAX		64
#define FILESET_OBJECTS_MAX	999999	/* IM000001 … */

/* Directory records of one object, one a level, encoded in Explicit VR Little Endian, without offsets and
 * file id. */
struct fileset_records { struct buf level[FILESET_LEVELS]; };

/* dicomdir.c. Made from the object in the jailed reader; level buffers are cleared first. */
int fileset_records_make(const struct object *, struct buf level[FILESET_LEVELS], struct err *);
/* Every entry of a DICOMDIR that fileset_commit wrote; another program's: ERR_CANTCREAT. For the jailed
 * reader. */
typedef int fileset_entry_fn(const struct buf level[FILESET_LEVELS], const char *path, void *arg,
    struct err *);
int fileset_index_each(const struct object *dicomdir, fileset_entry_fn *, void *arg, struct err *);

struct fileset;

/* Makes dir where it is not there. salt: what tells this item from others in the folder (import and
 * study). */
int fileset_open(struct fileset **, const char *dir, const char *salt, struct err *);
void fileset_close(struct fileset *);	/* what was written and not committed goes */
void fileset_object_path(const struct fileset *, int n, char out[FILESET_PATH_MAX]);
/* suffix: ".pdf" or "" */
void fileset_document_path(const struct fileset *, int n, const char *suffix, char out[FILESET_PATH_MAX]);

enum fileset_state { FILESET_ABSENT, FILESET_SAME, FILESET_OTHER };
/* Is it there? deep: compared byte by byte, else by size. */
int fileset_look(struct fileset *, const char *path, struct stream *, bool deep, enum fileset_state *,
    struct err *);
int fileset_write(struct fileset *, const char *path, struct stream *, struct err *);
/* A descriptor of the DICOMDIR that is there, -1 where there is none. */
int fileset_index_fd(struct fileset *, int *fd, struct err *);
/* Adds an entry; one with the same path is replaced. Copies. */
int fileset_index_add(struct fileset *, const struct buf level[FILESET_LEVELS], const char *path,
    struct err *);
/* What was added so far is what the DICOMDIR says already. */
void fileset_index_kept(struct fileset *);
int fileset_commit(struct fileset *, struct err *);

/* dicomdir.c: the file, from entries. */
struct fileset_entry { struct fileset_records records; char path[FILESET_PATH_MAX]; };
int fileset_index_build(struct fileset_entry *, size_t n, struct buf *, struct err *);

#endif
