/*
 * Fetching: one order, one retrieval. What a link or path holds becomes an
 * import in the spool, or ordinary files in a folder (-o).
 *
 *	orders_load(&orders, file, …)		the orders of --order
 *	fetch_one(&f, in, order, what, err)	one link or path: messages, receipts, status
 */
#ifndef MRI_STAGE_FETCH_H
#define MRI_STAGE_FETCH_H

#include "cli/cli.h"
#include "cli/work.h"
#include "order/claim.h"
#include "order/order.h"
#include "source/totp.h"
#include "stage/fetch_net.h"

/* What answers a question. FACTOR_TOTP: value is the secret, the answer is made when it is sent. FACTOR_LATER: it is
 * known to come, and not here yet. */
enum factor_kind { FACTOR_VALUE, FACTOR_TOTP, FACTOR_LATER };
/* value: a secret; from: where it came from, for --explain, static text */
struct factor { char *type, *value; enum factor_kind kind; const char *from; };
struct factors { struct factor *v; size_t n; };

struct fetch {
	struct cli *cli;
	struct work *work;
	struct net *net;
	const struct factors *factors;	/* --factor, borrowed */
	const char *out_dir;		/* -o, NULL: into the spool */
	const char *study;		/* --study, NULL */
	long item;			/* --item, 0 none */
	bool list;			/* --list */
	const char *wait_factor;	/* --wait-factor, NULL */
	int wait_fd;			/* it, open; -1 not yet */
	const char *resume;		/* --resume, an import's id, NULL */
	const char *again;		/* --again, the reason; NULL: what is remembered counts */
	bool explain;			/* --explain */
	int har_fd;			/* --har, 0 none */
	const char *portal, *token_file;	/* --portal, --token-file, NULL */
	const char *recipe;		/* --recipe, NULL */
	bool basis_required;
};

/* Everything for one input, its messages and receipts too. what: the link or path; the caller wipes it. */
void fetch_one(struct fetch *, const struct cli_input *, struct order *, const char *what);

/* fetch_order.c */
struct orders { struct order **v; size_t n; };
/* One JSON document, or one a line. */
int orders_load(const char *path, struct orders *, struct err *);
void orders_free(struct orders *);
/* --basis, --reference: for orders that state none; another one than the order's is ERR_USAGE. */
int order_basis(struct order *, const char *kind, const char *reference, struct err *);

/* fetch_factor.c. Texts of --factor; policy: commands are refused. */
int factors_parse(const char *const *, size_t n, bool policy, struct factors *, struct err *);
/* All that is known for an order: --factor, its own factors, its patient's birth date, its only study's date. */
int factors_collect(const struct factors *given, const struct order *, struct factors *, struct err *);
int factors_add(struct factors *, const char *type, const char *value, const char *from, struct err *);
/* What answers a question, NULL: nothing. */
const struct factor *factors_find(const struct factors *, const struct source_question *);
/* "TYPE=value" lines, sorted, dates as YYYYMMDD: what the link memory hashes. */
int factors_text(const struct factors *, struct buf *, struct err *);
void factors_free(struct factors *);	/* wipes */
bool factor_date(const char *, char out[9]);	/* 1970-01-01, 19700101, 01.01.1970 → "19700101" */

/* fetch_answer.c: asks and waits until each question has its factor in f. state: "factor-needed", "waiting". */
int answers_find(struct fetch *, const struct source_question *, size_t n, struct factors *f, const char **state,
    struct err *);
#define ANSWER_SENT_MAX	4200
/* The answer as it is sent: a date as YYYYMMDD, a one-time password of this moment. The caller wipes it. */
int answer_make(const struct source_question *, const struct factor *, char out[ANSWER_SENT_MAX], struct err *);

/* fetch_target.c: where packages go */
struct target {
	struct import *import;		/* NULL: a folder */
	struct package *package;	/* under way */
	int dir, fd, n;
	char path[SPOOL_PATH_MAX];	/* -o, absolute */
	char name[32];			/* of the file in the folder */
};
/* A folder for -o; made where it is not there. */
int target_open_dir(struct target *, const char *path, struct err *);
int target_begin(struct target *, const struct age_recipient **to, struct err *);	/* t->fd, t->n */
/* Publishes what t->fd holds, with its claim. */
int target_end(struct target *, const char *key, const struct claim *, struct err *);
void target_abort(struct target *);
int target_holds(struct target *, const char *key, bool *, struct err *);
void target_close(struct target *);

/* fetch_choose.c: before anything is downloaded */
/* The portal's patients against the order's. ERR_PERSON: another patient. *doubt: a sentence, "" none. */
int choose_patient(const struct order *, const struct source_offer *, size_t n, char doubt[256], struct err *);
/* take[i] for each offer; none at all: ERR_PERSON or ERR_REFUSED. */
int choose_offers(const struct fetch *, const struct order *, const struct source_offer *, size_t n, bool *take,
    struct err *);
void choose_print(struct cli *, const struct source_offer *, size_t n, const struct order *);	/* --list */

/* fetch_explain.c: --explain, else nothing. Texts of others come escaped. */
void explain(const struct fetch *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* How a step ended that did not end well; returns rc. */
int explain_end(const struct fetch *, const char *state, int rc, const struct err *);
void explain_answer(const struct fetch *, const struct source_question *, const struct factor *);
void explain_offer(const struct fetch *, const struct source_offer *, size_t n, bool taken, const char *why);
void explain_package(const struct fetch *, const struct source_package *);

/* fetch_portal.c: what the configuration says of the portal of this link. name: --portal, token_file: --token-file;
 * NULL: found by the link, as configured. Nothing known: an empty one. source_portal_free() it. */
/* How much of the link is one of its url_prefix; 0: another portal's. */
size_t portal_fits(const struct config_portal *, const char *link);
/* name: --portal, NULL: by the link. NULL: none is configured. */
const struct config_portal *portal_of(const struct config *, const char *name, const char *link);
int portal_load(const struct config *, const char *name, const char *token_file, const char *link,
    struct source_portal *, struct err *);

/* fetch_login.c: questions, answers, and the memory of links */
struct link_memory;
int login_refused(struct link_memory *, const struct factors *, struct err *);	/* tried and wrong: without asking */
int login_do(struct fetch *, struct net_session *, struct link_memory *, struct factors *, const char **state,
    struct err *);

/* fetch_dicomweb.c: what a portal of the configuration that speaks DICOMweb is asked for */
struct asking {
	const struct config_portal *of;	/* NULL: the link is to be looked at */
	char **asks; size_t nasks;
	char *key;			/* what the link memory knows this by */
};
int asking_new(struct asking *, const struct fetch *, const struct order *, const char *link, struct err *);
void asking_free(struct asking *);	/* wipes */

/* fetch_recipe.c: the portal as a file, of --recipe, of [portal NAME], or the first of those installed whose <match>
 * takes the link. Wrong ones are passed over with a warning. text NULL: none. */
struct chosen { char *name, *text; };
int recipe_named(const struct cli *, const char *name, struct chosen *, struct err *);	/* of a folder, or a path */
int recipe_choose(struct fetch *, const struct config_portal *, const char *link, struct chosen *, struct err *);
void chosen_free(struct chosen *);

/* fetch_credential.c: the token or password of a portal, across runs */
int credential_refused(const struct fetch *, const struct source_portal *, struct err *);	/* without asking it */
int credential_note(const struct fetch *, const struct source_portal *, bool taken, struct err *);

/* fetch_local.c: a file or a folder becomes a package */
void fetch_local(struct fetch *, const struct cli_input *, struct order *, const char *path);

/* fetch_report.c: how one order ended, for stderr, stdout and the history */
struct fetched {
	long long packages, held, failed, offers;
	uint64_t bytes, began_ms;
	const char *state;		/* of 40-portals, "" none */
	bool again;
	struct err err;			/* the worst, kind ERR_NONE: all is well */
};
/* Numbers for history, audit and receipts; new reference or NULL. */
json_t *fetched_numbers(const struct fetched *, bool receipt);
const char *fetched_outcome(const struct fetched *, bool durable);	/* ok, partial, temp, perm */
/* The message where something failed, and the receipts. import: NULL where nothing is durable. */
void fetched_report(struct fetch *, const struct cli_input *, const struct order *, const char *subject,
    const struct target *, bool durable, const struct fetched *);
/* The stored form of the order; link: its host and keyed hash go in (NULL: a path). */
int fetched_order(struct fetch *, struct order *, const char *link, struct buf *, struct err *);

#endif
