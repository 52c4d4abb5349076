/* The inside of a session. Private to lib/source. */
#ifndef MRI_SOURCE_SESSION_H
#define MRI_SOURCE_SESSION_H

#include "base/json.h"
#include "http/client.h"
#include "http/har.h"
#include "http/redact.h"
#include "source/receive.h"
#include "source/source.h"

#define SOURCE_OFFERS_MAX	10000	/* entries of one list; a person's record has some hundred */
#define SOURCE_QUESTIONS_MAX	16
#define SOURCE_HOSTS_MAX	8
#define SOURCE_TAGS_MAX	8	/* headers that a manifest asks for */

/* One kind of portal. A recogniser sets s->ops, and s->own where it keeps more than is here. */
struct source_ops {
	enum source_kind kind;
	int (*login)(struct source *, const char *const *answers, struct err *);	/* NULL: nothing is asked */
	int (*list)(struct source *, struct err *);		/* NULL: the look brought the offers */
	int (*fetch)(struct source *, size_t i, const struct source_output *, struct source_package *, struct err *);
	void (*close)(struct source *);				/* frees and wipes s->own; NULL: none */
};

struct source {
	struct source_options o;
	struct http *http;
	const struct source_ops *ops;	/* NULL: not recognised yet */
	void *own;
	const char *state;		/* static text */
	struct redact secrets;
	struct har *har;		/* NULL: nothing is recorded */
	char *link;
	struct source_question *questions; size_t nquestions;
	struct source_offer *offers; size_t noffers;
	struct source_package got;	/* direct: what the look brought */
	/* dlx */
	char *base, *token, *bearer;
	struct buf answers;		/* the body of the login, for the second one when the session is lost */
	bool again;			/* that one was spent */
	bool all;			/* one package may bring everything */
	char *hosts[SOURCE_HOSTS_MAX]; size_t nhosts;	/* may see the bearer, and private */
	char *private;			/* "Authorization: Basic …": a header that they may see; NULL none */
	const char *tags[SOURCE_TAGS_MAX]; size_t ntags;	/* further ones, borrowed from s->own */
	int (*renew)(struct source *, struct err *);	/* a new bearer after a 401; NULL: there is none */
	unsigned renewals;
	bool taken;			/* a DICOMweb server took the bearer */
};

int source_add_host(struct source *, const char *url, struct err *);
int source_basic(struct source *, const char *user, const char *password, struct err *);	/* RFC 7617: s->private */
/* private and tags as a request takes them, NULL-terminated; NULL: none. */
const char *const *source_private(const struct source *, const char *out[SOURCE_TAGS_MAX + 2]);
int source_add_offer(struct source *, const struct source_offer *, struct err *);	/* takes its texts, also on failure */
/* What a status other than 2xx of step `what` ("the link") means; sets state. */
int source_status(struct source *, const struct http_response *, const char *what, struct err *);
/* Names the state when the wait that a busy portal asked for was longer than we may wait. */
void source_busy(struct source *, int rc, const struct http_response *);
/* Names the state of an error that has none: "network", "not-permitted", "portal-changed". */
int source_failed(struct source *, int rc, struct err *);
/* In a replay: the last answer was a package that the recording knows by size and sum only; they go to p. */
bool source_absent(const struct source *, struct source_package *p);

/* An answer to the look that is JSON: questions and base of a DLX portal. ERR_PROTOCOL: not DLX. */
int dlx_recognise(struct source *, const char *, size_t, const char *final_url, struct err *);
long dlx_wait_of(const struct http_response *);

/* The one offer of a link that is itself the file. */
int direct_recognise(struct source *, const struct receiver *, struct err *);
/* A status other than 2xx of the look: object stores say in XML that a signed link is over. */
int direct_status(struct source *, const struct http_response *, struct err *);
/* A page that is nothing we can take: says what it looks like and what to ask for. */
int direct_refuse(struct source *, enum media, const char *page, size_t, struct err *);

/* A SMART Health Link: read, nothing asked yet. source_list asks for its list, with a passcode source_login. */
int shl_recognise(struct source *, const char *link, struct err *);

#endif
