/*
 * The audit log: audit/log in the spool, one JSON record a line, each with
 * its number and the SHA-256 of the line before (70-security). Intent first
 * (act_begin), act, outcome (act_end). Where intent cannot be written the act
 * does not happen; purge alone goes on (AUDIT_RESERVE) and writes from a
 * reserve file.
 *
 * Records hold import ids, keyed hashes, counts and reasons: no name, UID,
 * link.
 *
 * Without a spool (log is NULL) act_ functions do nothing and return RC_OK.
 */
#ifndef MRI_AUDIT_LOG_H
#define MRI_AUDIT_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include "base/json.h"
#include "sys/ident.h"

struct audit;
struct act;

/* dirfd: audit/ of the spool (dup'ed). */
int audit_open(struct audit **, int dirfd, const struct ident *, const char *organisation, struct err *);
void audit_close(struct audit *);

/* Makes an empty log, the audit key (audit/key, 0600) and the reserve. */
int audit_create(int dirfd, struct err *);

enum audit_flags { AUDIT_NONE = 0, AUDIT_RESERVE = 1 };
/* what: "fetch", "unpack", "check", "retag", "send", "purge", "show", "key", "init"…; object: import id or
 * item ("<id>/study/1") or NULL; why: basis, reason, rule, or NULL. Texts are escaped and cut to a limit.
 * ERR_TEMP: the lock is held, or no space. On failure *act is NULL and the act must not happen (a due purge
 * warns and goes on; what it removes makes room, so it calls act_begin() again afterwards). */
int act_begin(struct act **, struct audit *, const char *tool, const char *what, const char *object,
    const char *why, unsigned flags, struct err *);
/* outcome: "ok", "partial", "temp", "perm", "refused"; numbers: borrowed object or NULL; frees the act. */
int act_end(struct act *, const char *outcome, const json_t *numbers, struct err *);

/* HMAC of text under the audit key: the hash that stands for a patient or study in records. */
int audit_pseudonym(struct audit *, const char *domain, const char *text, char out[65], struct err *);

/* Reads the whole chain; *records, and where it broke (line number) with ERR_DATA. A torn last line is reported as
 * such. */
int audit_verify(int dirfd, uint64_t *records, struct err *);

#endif
