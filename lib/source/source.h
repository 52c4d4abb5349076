/*
 * One session with whatever stands behind a link (40-portals).
 *
 *	source_new(&s, &options, err)
 *	source_look(s, link, look, &out, err)	one GET that feeds all recognisers
 *	source_questions(s, &n)			what the portal wants to know; 0: nothing
 *	source_login(s, answers, err)		the one request that carries a credential
 *	source_list(s, err)  source_offers(s, &n)
 *	source_fetch(s, i, &out, &package, err)
 *	source_close(s)
 *
 * It writes into streams that it is handed and knows no spool. All texts from
 * the portal are hostile. After an error source_state() names it (40-portals).
 */
#ifndef MRI_SOURCE_SOURCE_H
#define MRI_SOURCE_SOURCE_H

#include "http/client.h"
#include "media/sniff.h"

struct source;

/* How a portal hands out. SOURCE_DIRECT: the link itself is the file, which comes with the look. */
enum source_kind { SOURCE_NONE, SOURCE_DLX, SOURCE_DIRECT, SOURCE_DICOMWEB, SOURCE_SHL, SOURCE_RECIPE, SOURCE_WEASIS,
	SOURCE_KINDS };
const char *source_kind_name(enum source_kind);	/* "dlx" */

/* What is known of a portal beside its link. NULL where not said. */
struct source_portal {
	char *name;
	char *dicomweb;			/* its root, a URL */
	char *user;
	char *token, *password;		/* secrets: to the hosts of the link and of dicomweb, to no other */
	char *cert, *key;		/* PEM, both or none: shown to the same hosts; the key is a secret */
	char **allow; size_t nallow;	/* ranges beside those of http_options */
	int connections;		/* at a time, where objects come one by one; 0: one */
	char **prefix; size_t nprefix;	/* whose addresses, as url_fits() takes them */
};

struct source_question {
	char *id;
	char *type;	/* PAT_BIRTH_DATE, STUDY_DATE, PASSWORD, CUSTOM, or another word of the portal's */
	char *text;	/* what to ask a person, UTF-8, "" none */
	bool date;	/* answered as YYYYMMDD */
};

struct source_options {
	struct http_options http;
	const struct source_portal *portal;	/* outlives the session; its allow stands in http too. NULL: none */
	const char *language;		/* of the person who answers questions: "de", "de_AT"; NULL: English */
	int (*renew)(void *arg, char **bearer, struct err *);	/* a new token for the portal, malloc; NULL: none */
	void *renew_arg;
	/* One more answer while a login is under way: malloc, a secret; NULL: nobody can be asked. */
	int (*ask)(void *arg, const struct source_question *, char **answer, struct err *);
	void *ask_arg;
	const char *recipient;		/* who asks, told where a portal wants to know; NULL: "mri-tools" */
	void (*progress)(void *arg, uint64_t bytes, long long total);
	void *progress_arg;
	bool record;			/* each exchange: as HAR to har_fd, unless it is -1, and as a sentence to step */
	int har_fd;
	void (*step)(void *arg, const char *redacted);	/* NULL: none */
	void *step_arg;
};

struct source_offer {
	char *id;			/* the portal's */
	char *media;			/* media type that is promised, "" none */
	char *study_uid;		/* NULL where not said; so the others */
	char date[9];			/* YYYYMMDD, "" not said */
	char *modalities;		/* "CT\SR" */
	char *description;
	char *patient_name, *patient_id, *patient_sex, *accession;
	char patient_birth[9];
	long long files;		/* a weak claim: images, not files, at some; -1 not said */
	bool document;			/* promised as PDF or other paper */
};

/* begin: a new and empty stream for each attempt; what an earlier one held is void. The stream is closed here. */
struct source_output {
	int (*begin)(void *arg, const struct source_offer *, enum media, struct stream **, struct err *);
	void *arg;
};

struct source_package {
	enum media media;		/* by content */
	char type[128];			/* as served */
	uint64_t bytes;
	char sha256[65];
	bool plausible;			/* its end was seen */
	bool all;			/* it holds every entry of the list */
	char reason[128];		/* why not, "" */
};

int source_new(struct source **, const struct source_options *, struct err *);
void source_close(struct source *);	/* wipes link, token, bearer */

/* look: stop before the body where the link is itself the file. Else its bytes go to out at once: a link that
 * works once is not burnt by looking; source_fetch(s, 0) then only tells about it. */
int source_look(struct source *, const char *link, bool look, const struct source_output *, struct err *);
/* In place of a look, where a recipe takes the link; name and text as of the file, which is loaded once more here. */
int source_recipe(struct source *, const char *link, const char *name, const char *text, size_t len, struct err *);
/* In place of a look, where the portal of the options has a DICOMweb root. asks: "StudyInstanceUID=1.2.3", matching
 * keys of QIDO-RS, one study each. Nothing is asked of it yet; its studies come with source_list(). */
int source_dicomweb(struct source *, const char *const *asks, size_t n, struct err *);
enum source_kind source_kind(const struct source *);
const struct source_question *source_questions(const struct source *, size_t *n);
/* One answer a question, in its order, as the person gave it. Asked once; ERR_DENIED: refused (401). */
int source_login(struct source *, const char *const *answers, struct err *);
int source_list(struct source *, struct err *);
const struct source_offer *source_offers(const struct source *, size_t *n);
/* Every entry of the list is wanted: where the portal does not give this one alone, the next source_fetch() may bring
 * all of them as one package. */
void source_want_all(struct source *);
int source_fetch(struct source *, size_t i, const struct source_output *, struct source_package *, struct err *);

/* Whom the order is about, before the look: shown neither in a recording nor in a step. NULL: not known. */
int source_hide(struct source *, const char *name, const char *id, const char *birth, struct err *);
const char *source_state(const struct source *);	/* "credentials-wrong", … or "" */
void source_redact(const struct source *, struct err *);	/* secrets of the session out of a message */
unsigned source_requests(const struct source *);

void source_offer_free(struct source_offer *);	/* what is in it */
void source_question_free(struct source_question *);
void source_portal_free(struct source_portal *);	/* wipes */

#endif
