/*
 * The spool (mri-spool(5)): the only code that names a path inside it. One
 * spool serves one organisation. Names on disk never come from outside.
 *
 *	spool_open(&sp, dir, SPOOL_SECRET, &settings, err) … spool_close(sp)
 *
 * The write sequence of every stage is lock → write under a new name → sync →
 * close → rename → sync the directory → history → unlock → receipt; all of it
 * is here and in import.h and item.h.
 */
#ifndef MRI_SPOOL_SPOOL_H
#define MRI_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "base/err.h"
#include "base/io.h"
#include "crypt/age.h"

#define SPOOL_RETENTION_MAX	(168 * 3600)	/* seconds; M4 */
#define SPOOL_ID_LEN	23			/* YYYYMMDDTHHMMSSZ-xxxxxx */
#define SPOOL_PATH_MAX	4096

struct spool_settings {		/* from the config; libraries read no config */
	int64_t retention;	/* seconds, 0: SPOOL_RETENTION_MAX; lowered to it when above */
	bool encrypt;		/* at init only; afterwards VERSION says */
	bool keep_package;
	const char *identity;	/* file, or NULL */
	int64_t gone_period, link_period, record_period;	/* seconds; 0: 400, 30, 90 days; -1: none kept */
};

struct spool;

enum spool_need {
	SPOOL_PUBLIC = 0,	/* fetch, purge: works without the identity */
	SPOOL_SECRET = 1	/* unpack, check, retag, send, show: loads the identity; 77 without one */
};

/* Makes dir (0700) and all of 20-spool's layout, keys/mac, audit/ (not its log: audit_create), the identity
 * file where there is none (at settings->identity). An existing spool: ERR_CANTCREAT. */
int spool_init(const char *dir, const char *organisation, const struct spool_settings *, struct err *);
/* Refuses network filesystems, a foreign owner, modes for others (77), a VERSION it does not know (78). */
int spool_open(struct spool **, const char *dir, enum spool_need, const struct spool_settings *, struct err *);
void spool_close(struct spool *);

const char *spool_path(const struct spool *);		/* absolute */
const char *spool_organisation(const struct spool *);
bool spool_encrypts(const struct spool *);
int spool_audit_dir(const struct spool *);		/* descriptor, borrowed */
const struct spool_settings *spool_settings(const struct spool *);

/* Walks up from path to a directory with VERSION of ours; RC_OK and "" where there is none. */
int spool_find(const char *path, char out[SPOOL_PATH_MAX], struct err *);

/* HMAC under keys/mac, as hex: what plain files hold in place of a UID or link. */
int spool_keyed_hash(const struct spool *, const char *domain, const char *text, size_t n, char out[65], struct err *);

/* The high-water clock: now, never before what the spool has seen. ERR_CONFIG (78) when the clock is behind
 * it or more than 24 h ahead: the caller warns and goes on with *now. */
int spool_clock(struct spool *, time_t *now, struct err *);

bool spool_is_id(const char *);

/* What a path on a command line means. */
enum spool_kind { SPOOL_NOT = 0 /* outside */, SPOOL_IMPORT, SPOOL_ITEM, SPOOL_OBJECT, SPOOL_PACKAGE, SPOOL_DOCUMENT };
struct spool_ref {
	enum spool_kind kind;
	char id[SPOOL_ID_LEN + 1];
	int study;		/* n of study/<n>; 0: papers */
	int number;		/* object, document or package */
};
/* path is an id form ("<id>", "<id>/study/1", "<id>/papers", "<id>/study/1/original/00001") or a filesystem path
 * inside sp. Anything else: SPOOL_NOT, RC_OK. */
int spool_resolve(const struct spool *, const char *path, struct spool_ref *, struct err *);
/* "<id>/study/1": for messages and audit */
void spool_ref_text(const struct spool_ref *, char out[128]);
/* absolute path: for receipts */
void spool_ref_path(const struct spool *, const struct spool_ref *, char out[SPOOL_PATH_MAX]);

#endif
