/*
 * What the index of a medium says is on it, and how that compares with what
 * is there. The index is a DICOMDIR (PS3.3 F, media/dicomdir.h) or the
 * METADATA.XML of IHE XDM (ITI-32, media/xdm.h). It is a claim: media lie,
 * and what is there decides. Both ways are compared: listed and not there,
 * there and not listed, there with another UID, size or hash.
 *
 *	listing_init(&l, LISTING_DICOMDIR); dicomdir_read(&l, stream, err);
 *	listing_compare(&l, "CD/", found, n, listed, err);
 *	listing_free(&l);
 *
 * Texts are escaped, valid UTF-8, and may name a patient: for sealed files only.
 */
#ifndef MRI_MEDIA_LISTING_H
#define MRI_MEDIA_LISTING_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define LISTING_FILES_MAX	100000	/* the largest media hold some 10,000 */
#define LISTING_RUN_MAX		(2 * LISTING_FILES_MAX)	/* of all indexes of one run; 200 bytes each */
#define LISTING_STUDIES_MAX	4096
#define LISTING_PATIENTS_MAX	1024
#define LISTING_TEXT		400	/* bytes of a path, a name, an id */
#define LISTING_BYTES_MAX	((size_t)48 << 20)	/* written, at 480 bytes a file */

enum listing_kind { LISTING_DICOMDIR, LISTING_XDM };
enum listing_state {
	LISTED_HERE, LISTED_MOVED /* under another name */, LISTED_ABSENT, LISTED_ASIDE /* there, and set aside */,
	LISTED_OTHER /* another SOP Instance UID */, LISTED_SIZE, LISTED_HASH
};

struct listing_patient { char *name, *id, *birth; };

struct listing_study {
	char uid[65], date[9];	/* "": not said; YYYYMMDD */
	char *accession;
	int patient;		/* index, -1 none */
	long long series, instances;
	/* of listing_compare. absent: what is listed is nowhere, also where another object has its name. */
	long long here, moved, absent, aside, other, unlisted;
};

struct listing_file {
	char *path;		/* relative to the index, components joined by "/"; "" not said */
	char sop_uid[65];
	char *media;		/* media type, NULL not said */
	int study, patient;	/* index, -1 none */
	long long bytes;	/* -1 not said */
	char sha1[41];
	enum listing_state state;
	size_t at;		/* of listing_compare: 1 + what lies under its name; 0 nothing */
};

struct listing {
	enum listing_kind kind;
	char *broken;		/* why it, or a part of it, cannot be believed; NULL */
	struct listing_patient *patients; size_t npatients;
	struct listing_study *studies; size_t nstudies;
	struct listing_file *files; size_t nfiles, cap;
	long long unlisted;	/* of listing_compare: objects (XDM: documents) that no index names */
};

void listing_init(struct listing *, enum listing_kind);
void listing_free(struct listing *);	/* what is in it */
const char *listing_name(enum listing_kind);	/* "DICOMDIR", "XDM metadata" */
const char *listing_state_name(enum listing_state);	/* "absent" */

/* For readers. Texts are copied. *index: of the one that is there already, or the new one. ERR_DATA: too many. */
int listing_patient(struct listing *, const char *name, const char *id, const char *birth, int *index, struct err *);
int listing_study(struct listing *, const char *uid, int *index, struct err *);
int listing_file(struct listing *, const char *path, struct listing_file **, struct err *);
int listing_broken(struct listing *, struct err *, const char *fmt, ...)	/* the first reason stays */
    __attribute__((format(printf, 3, 4)));
/* "A\B", "A/./B": components, joined by "/", without what leads nowhere; false where it leads out of the medium,
 * is empty or too long. dir: what it is relative to, "" or "X/Y/". */
bool listing_path(const char *dir, const char *path, char to[LISTING_TEXT]);
/* The folder that an index lies in, for listing_compare. path: as listed by its archive. */
void listing_folder(const char *path, char to[LISTING_TEXT]);

/* Lines of JSON, from a worker to its parent. What comes is believed in its bounds only. */
int listing_write(const struct listing *, struct buf *, struct err *);
int listing_parse(struct listing *, const char *, size_t, struct err *);

enum found_kind { FOUND_OBJECT, FOUND_DOCUMENT, FOUND_ASIDE };
struct listing_found {
	const char *path;	/* as listed by its archive or folder, escaped */
	enum found_kind kind;
	bool beside;		/* belongs to the medium itself: no matter if nobody lists it */
	const char *sop_uid, *study_uid;	/* objects, else NULL */
	long long bytes;
	const char *sha1;	/* NULL or "": not known */
};
/* Sets the states of all files, the counts of the studies (a study that only is there is added) and `unlisted`.
 * dir: where the index lies, "" or "X/Y". What lies outside of it is not its to list. Where there are
 * more studies than an index may name it is broken. */
int listing_compare(struct listing *, const char *dir, const struct listing_found *, size_t n, struct err *);

#define LISTING_DIFFERS_MAX	1000	/* files that are named in the record; the counts are of all */
/* What the record of mri-unpack says of it (mri-spool.5), after listing_compare. */
json_t *listing_record(const struct listing *, int package, long long member, struct err *);

#endif
