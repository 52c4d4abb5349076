/*
 * What mri-check asks of others: the worklist of a RIS (--worklist), and what
 * destinations hold already (--dest); each question in a process of its own,
 * with the network and without the spool.
 */
#ifndef MRI_STAGE_CHECK_ASK_H
#define MRI_STAGE_CHECK_ASK_H

#include "cli/cli.h"
#include "check/check.h"
#include "deliver/holding.h"
#include "deliver/url.h"
#include "dimse/assoc.h"
#include "sys/jail.h"

struct check_stage;

#define CHECK_CALLING	"MRI"	/* our AE title where the configuration has no other */

/* peer points into t and d. what: of the messages ("the worklist"). ERR_CONFIG. */
int check_peer(const struct cli *, const char *what, const struct destination *d, struct target *t,
    struct assoc_peer *peer, struct err *);
struct jail check_net_jail(const struct cli *, const struct assoc_peer *);
/* What the process says of its failure, a struct err of hostile bytes by then: into err. RC_OK: it has none. */
int check_net_failed(struct err *said, struct err *err);

/* The answer for one item. */
struct check_listed {
	struct check_worklist w;
	struct order **v; size_t n;	/* owned */
};

/* Is there a RIS? ERR_CONFIG. */
int check_worklist_begin(const struct check_stage *, struct err *);
/* Asks for the order of this item, and completes it where one entry fits. keys: the studies of the import. */
int check_worklist_run(const struct check_stage *, const char *subject, struct order *, const struct study_key *keys,
    size_t nkeys, size_t self, bool papers, struct check_listed *, struct err *);
/* The candidates, in place of receipts (-n). */
void check_worklist_print(struct cli *, const char *path, const struct check_listed *);
/* {"candidates":2,"fitting":1}, or NULL. */
json_t *check_worklist_numbers(const struct check_listed *, struct err *);
void check_listed_free(struct check_listed *);

/* Destinations of --dest that were asked. */
struct check_targets { struct check_target *v; size_t n; };
struct check_facts;
struct item_dir;
/* Asks those that the order allows; folders and HL7 are not asked. ERR_TEMP: one cannot be reached. item: NULL
 * without a spool. */
int check_targets_ask(const struct check_stage *, const char *subject, const struct order *, struct check_facts *,
    const struct item_dir *item, struct err *);
void check_targets_free(struct check_targets *);

/* check_target_web.c: the same as holding_ask, of a DICOMweb root (QIDO-RS). */
struct check_web {
	const char *root;
	const char *cafile;
	char *const *allow_http; size_t nallow_http;
	int64_t step_ms;
};
int check_web_ask(const struct check_web *, const char *study_uid, const char *accession,
    struct readback_object *, size_t n, struct holding *, struct err *);

#endif
