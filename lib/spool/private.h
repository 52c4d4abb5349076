/*
 * What the files of lib/spool share, and nobody else: the open directories,
 * the names on disk, and the few ways a file is written. Every file follows
 * the same order: write under the new name ".NAME" in its own directory,
 * sync, close, rename, sync the directory.
 */
#ifndef MRI_SPOOL_PRIVATE_H
#define MRI_SPOOL_PRIVATE_H

#include <dirent.h>
#include <sys/stat.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "spool/item.h"
#include "spool/link.h"

/* Names in the spool's root. */
#define NAME_VERSION	"VERSION"
#define NAME_CLOCK	"clock"
#define NAME_MAC	"mac"		/* in keys/ */
/* Names in an import. */
#define NAME_DEADLINE	"deadline"
#define NAME_HISTORY	"history"
#define NAME_HELD	"held"
#define NAME_LOCK	"lock"
#define NAME_ORDER	"order"
#define NAME_UNPACK	"unpack"
#define NAME_PACKAGE	"package"
#define NAME_CLAIM	"claim"
#define NAME_STUDY	"study"
#define NAME_PAPERS	"papers"
#define NAME_STAGING	".staging-"	/* and the process id */
/* Names in an item. */
#define NAME_MANIFEST	"manifest"
#define NAME_CHECK	"check"
#define NAME_OVERLAY	"overlay"
#define NAME_REPORT	"report"
#define NAME_ORIGINAL	"original"
#define NAME_DOCUMENT	"document"
#define NAME_SENT	"sent"

#define NAME_LEN	96		/* the longest name we make is a keyed hash, or a destination's */
#define PLAIN_MAX	((size_t)64 << 10)	/* VERSION, clock, deadline, a tombstone: a few lines */
#define HISTORY_MAX	((size_t)16 << 20)	/* 100,000 lines; beyond that nothing is read */
#define LINE_MAX_PLAIN	((size_t)64 << 10)	/* a line of a plain file */
#define SMALL_MAX	JSON_BYTES_MAX	/* a sealed file that is read whole */
#define NUMBER_MAX	999999		/* packages, objects, documents, studies */

/* The directories of a spool, open for as long as it is. */
enum spool_dir {
	DIR_INCOMING, DIR_IMPORT, DIR_PURGE, DIR_GONE, DIR_LINK, DIR_RECORD, DIR_KEYS, DIR_AUDIT,
	DIR_COUNT
};

struct spool {
	char path[SPOOL_PATH_MAX];		/* absolute, resolved */
	int fd;					/* the root */
	int dir[DIR_COUNT];
	dev_t dev;
	struct spool_settings set;		/* set.identity is our copy */
	char *organisation;
	bool encrypt;
	struct age_recipient to;		/* of the spool; only where encrypt */
	enum spool_need need;
	bool secret;				/* identity is loaded */
	struct age_identity *identity;		/* secret_alloc(): workers do not inherit it; NULL: none */
};

/* The file `deadline`. */
#define REF_MAX	256
struct deadline {
	time_t received, purge_at;
	time_t seen;			/* the spool's own time then; received, where the clock was good */
	char ref[REF_MAX + 1];
	bool sealed;
	struct age_recipient to;
};

struct import {
	struct spool *sp;
	char id[SPOOL_ID_LEN + 1];
	enum import_where where;
	int fd;				/* its directory; stays the same through rename */
	dev_t dev;
	ino_t ino;
	int lock;			/* descriptor that holds `lock`, -1 none */
	struct deadline dl;
	time_t purge_at;		/* what counts: see deadline_counts() */
	bool secret;
	struct age_identity *identity;		/* secret_alloc(): workers do not inherit it; NULL: none */
};

struct item_dir {
	struct import *import;		/* NULL without a spool; borrowed */
	int parent;			/* study/, the import, or DIR */
	int fd;
	int barrier;			/* opened before the first write: syncfs reports what failed since */
	int lock;			/* -1: not taken */
	int study;
	dev_t dev;
	ino_t ino;
	bool published;
	bool staged;			/* barrier is the staging's */
	bool fresh_parent;		/* study/ was made for it */
	char disk[NAME_LEN];		/* name in parent when published: "1", "papers" */
	char name[NAME_LEN];		/* "study/1" */
	int originals, documents;	/* placed so far */
};

/* --- flush.c: outputs on their way to the disk --------------------------- */

struct flush;
struct flush *flush_new(void);		/* NULL: none to be had, which costs time only */
/* A file that is whole: takes fd, and has it written, from time to time with all that the disk holds back. Promises
 * nothing: that is the barrier's. f may be NULL. */
void flush_file(struct flush *f, int fd);
void flush_free(struct flush *);	/* waits for what is under way; NULL is fine */

/* --- file.c: plain and sealed files ------------------------------------ */

/* O_RDONLY|O_NOFOLLOW|O_CLOEXEC, a regular file. `what` names it in messages. */
int file_open(int dirfd, const char *name, const char *what, int *fd, struct err *);
/* Makes dirfd/.NAME anew (a leftover goes), opened for writing. */
int file_begin(int dirfd, const char *name, mode_t mode, int *fd, struct err *);
/* fsync and checked close of fd (always closed). */
int file_settle(int fd, const char *name, struct err *);
/* .NAME → NAME, fsync of dirfd. Removes .NAME on failure. */
int file_place(int dirfd, const char *name, struct err *);
void file_drop(int dirfd, const char *name);	/* unlinks .NAME */
/* All of that for a small plain file. */
int file_write(int dirfd, const char *name, const void *, size_t, mode_t, struct err *);
/* Bounded read of a plain file into b (its ceiling stands in it). Absent: ERR_NOINPUT. */
int file_read(int dirfd, const char *name, struct buf *b, struct err *);
bool file_there(int dirfd, const char *name);

/* A writing stream into fd (taken), sealed to `to`, or plain when NULL. */
int sealed_writer(struct stream **, int fd, const struct age_recipient *to, struct err *);
/* file_write, sealed. */
int sealed_write(int dirfd, const char *name, const struct age_recipient *to, const void *, size_t,
    mode_t, struct err *);
/* The same in a folder that nobody sees yet: not synced, that is for whoever publishes the folder. */
int sealed_stage(int dirfd, const char *name, const struct age_recipient *to, const void *, size_t,
    mode_t, struct err *);
/* Readable plaintext; who NULL: plain. */
int sealed_open(int dirfd, const char *name, const char *what, const struct age_identity *who,
    struct stream **, struct err *);
int sealed_read(int dirfd, const char *name, const char *what, const struct age_identity *who,
    struct buf *, struct err *);
/* Descriptor and key, for a worker. */
int sealed_fd(int dirfd, const char *name, const char *what, const struct age_identity *who,
    int *fd, struct age_key *, struct err *);

/* --- dir.c: directories and locks -------------------------------------- */

int dir_open(int dirfd, const char *name, int *fd, struct err *);
/* mkdir 0700 and open; fine when there. *made may be NULL. */
int dir_make(int dirfd, const char *name, int *fd, bool *made, struct err *);
int dir_sync(int fd, const char *name, struct err *);
/* Every name but . and ..; unsorted. cb's rc other than RC_OK ends it. The directory may change meanwhile. */
typedef int dir_fn(int dirfd, const char *name, void *arg, struct err *);
int dir_each(int dirfd, dir_fn *, void *arg, struct err *);
/* The numbers (only digits, 1 to NUMBER_MAX) that are names in dirfd/sub, sorted; absent: none. free(*v). */
int dir_numbers(int dirfd, const char *sub, int **v, size_t *n, struct err *);
/* Removes dirfd/name with all below it; never follows a link, stays on the filesystem, iterative depth limit.
 * Goes on after a failure and reports the first. Counts files and bytes when not NULL. Absent: RC_OK. */
int dir_erase(int dirfd, const char *name, uint64_t *files, uint64_t *bytes, struct err *);

/* flock of dirfd/name (made when absent). wait_ms 0: at once or ERR_TEMP. Closing *fd unlocks. */
int lock_file(int dirfd, const char *name, int wait_ms, const char *what, int *fd, struct err *);
/* flock of a directory itself. */
int lock_dir(int dirfd, const char *name, int wait_ms, const char *what, int *fd, struct err *);
/* Is it held by somebody else just now? Absent: no. */
bool lock_held(int dirfd, const char *name);
#define LOCK_WAIT_MS	30000		/* the import's lock is held for a rename only */

/* --- deadline.c --------------------------------------------------------- */

int deadline_write(int dirfd, const struct deadline *, struct err *);
int deadline_read(int dirfd, struct deadline *, struct err *);
/* The moment that counts: the earliest of purge_at, received + retention, id + 168 h; while the spool's clock is
 * before `received`, seen + retention. dl NULL (unreadable): the id alone. */
time_t deadline_counts(const struct spool *, const char *id, const struct deadline *dl, time_t now);
time_t id_time(const char *id);		/* the moment that an id names */
int id_make(time_t, char out[SPOOL_ID_LEN + 1], struct err *);
/* spool_clock without the alarm; *wall: what a new import is stamped with. */
void clock_now(struct spool *, time_t *now, time_t *wall);

/* --- import.c, item.c ---------------------------------------------------- */

int import_lock(struct import *, int wait_ms, int *fd, struct err *);	/* of its own, close to release */
const struct age_identity *import_who(const struct import *);		/* NULL: plain; see import_need_secret */
int import_need_secret(const struct import *, struct err *);		/* 77 when it is sealed and no identity is loaded */
int import_open_at(struct import **, struct spool *, const char *id, enum import_where, bool lock,
    bool secret, struct err *);
/* Removes what a killed fetch left unfinished: needs the lock. */
int package_tidy(struct import *, struct err *);
/* RC_OK when the item may be written: locked, and import and item still there by name. */
int item_writable(const struct item_dir *, struct err *);
const struct age_identity *item_who(const struct item_dir *);

/* --- history.c ------------------------------------------------------------ */

/* One write at the end under flock, a torn tail is ended first; synced. ENOSPC: what was written is cut off again. */
int append_line(int dirfd, const char *name, const char *line, size_t, struct err *);
/* The same where fd is open for reading and writing and locked. */
int append_held(int fd, const char *name, const char *line, size_t, struct err *err);
/* Lines of a plain file, bounded; a torn last line is left out. cb's rc other than RC_OK ends it. */
typedef int line_fn(char *line, size_t len, void *arg, struct err *);
int each_line(int dirfd, const char *name, size_t max, line_fn *, void *arg, struct err *);	/* absent: RC_OK */

/* --- state.c --------------------------------------------------------------- */

/*
 * sent/<name>: the name on disk of a destination: itself where it is [A-Za-z0-9_-][A-Za-z0-9._-]{0,63}, else
 * "url-" and 32 digits of a keyed hash. The journal's first line is "mri-journal 1"; then "TIME N STATUS HASH DIMSE"
 * (STATUS stored, refused, failed; HASH or "-"; DIMSE in hex) and, at the end of a good run, "TIME confirmed".
 */
int sent_name(const struct item_dir *, const char *destination, char out[NAME_LEN], struct err *);

#endif
