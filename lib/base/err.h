/*
 * Errors as values. A function that can fail returns an enum rc and, where
 * it is not RC_OK, fills a struct err: what kind it is (which decides the
 * exit status, 30-cli), one sentence, errno where there was one, and, where
 * it helps, advice for the person who reads it.
 *
 * Sentences hold no patient data, no UID, no link and no secret, at any
 * verbosity; text that came from outside goes through text_escape() first.
 */
#ifndef MRI_BASE_ERR_H
#define MRI_BASE_ERR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How bad it is for the caller. Ordered: a larger one is worse. */
enum rc {
	RC_OK = 0,
	RC_RETRY,	/* the same call may succeed later */
	RC_FAILED,	/* this item failed, the next one may not */
	RC_FATAL	/* nothing further can succeed in this run */
};

/* What it is about; err_status() maps each to its exit status. */
enum err_kind {
	ERR_NONE = 0,	/*  0 */
	ERR_TEMP,	/* 75 later: timeout, no space, held by another process */
	ERR_REFUSED,	/* 69 refused for good, expired, purged meanwhile */
	ERR_PROTOCOL,	/* 76 the peer spoke nonsense */
	ERR_PERSON,	/*  1 a person must decide */
	ERR_DATA,	/* 65 the data are bad */
	ERR_NOINPUT,	/* 66 a named input is absent */
	ERR_CANTCREAT,	/* 73 an output cannot be created */
	ERR_IO,		/* 74 disk error */
	ERR_DENIED,	/* 77 not permitted */
	ERR_CONFIG,	/* 78 configuration wrong */
	ERR_USAGE,	/* 64 wrong options */
	ERR_INTERNAL	/* 70 a bug */
};

#define ERR_TEXT_MAX	512
#define ERR_ADVICE_MAX	256

struct err {
	enum err_kind kind;
	int sys;			/* errno, 0 if none */
	char text[ERR_TEXT_MAX];	/* "cannot open package: No space left" */
	char advice[ERR_ADVICE_MAX];	/* "" or one sentence */
};

/* Sets kind and sentence, clears advice; returns the rc that belongs to kind. */
int err_set(struct err *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: the kind is err_kind_of(errnum), and
 * ": strerror" is appended to the sentence. */
int err_sys(struct err *, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds advice to an error that was set. */
void err_advise(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the sentence; kind and advice stay. Returns the rc of its kind. */
int err_wrap(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void err_clear(struct err *);

/* ENOSPC, EDQUOT, EMFILE, EAGAIN, ENOMEM … are ERR_TEMP; ENOENT is
 * ERR_NOINPUT; EACCES, EPERM ERR_DENIED; ECONNREFUSED, ETIMEDOUT … ERR_TEMP;
 * EROFS, EEXIST, ENOTDIR ERR_CANTCREAT; anything else ERR_IO. */
enum err_kind err_kind_of(int errnum);

bool err_no_space(const struct err *);	/* of a system call on a full disk, or beyond a quota */
int err_rc(enum err_kind);			/* the rc that belongs to a kind */
int err_status(enum err_kind);			/* the exit status */
enum err_kind err_worse(enum err_kind, enum err_kind);	/* the one that counts */

#ifdef __cplusplus
}
#endif
#endif
