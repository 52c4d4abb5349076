/*
 * The network side of mri-fetch. A process is forked before the spool is
 * opened; for each link it forks a session, which has the network and the
 * parsers, one secret link, and the descriptors it is handed; no spool, no
 * file, no memory of other links' sessions. The calls below are made by the parent, which
 * has no socket.
 *
 *	net_start(&net, &options, err)		before work_open()
 *	net_session_new(&s, net, &events, err) → net_look → net_login → net_list → net_fetch …
 *	net_session_free(s)  net_stop(net)
 *
 * With options.offline no session has a socket: net_replay() comes first, and
 * a recording answers.
 */
#ifndef MRI_STAGE_FETCH_NET_H
#define MRI_STAGE_FETCH_NET_H

#include "crypt/age.h"
#include "source/source.h"
#include "sys/jail.h"

struct net;
struct net_session;

struct net_options {
	const char *cafile, *proxy;
	const char *language;		/* the user's, "de_AT"; "" not known */
	const char *recipient;		/* the organisation, for portals that want to know who asks; NULL */
	char *const *allow; size_t nallow;
	char *const *allow_http; size_t nallow_http;
	int64_t timeout, max_time;	/* seconds, 0: the defaults of lib/http, six hours a link */
	enum jail_mode jail;
	bool offline;			/* for net_replay(): sessions in a jail without a socket */
};

/* A session of a recording, and what its portal was asked for. All texts are malloc; net_recorded_free(). */
struct net_recorded_step { char what[16]; size_t n; char *state, *said; bool whole; };
struct net_recorded {
	size_t sessions;		/* of the recording */
	char *kind;			/* of portal, "" not known */
	char *link;			/* that was looked at, "" none */
	char *first;			/* address that was asked for */
	char *root; char **asks; size_t nasks;	/* in its place, of a dicomweb portal; "" none */
	char *auth;			/* what the requests carried: "Bearer", "Basic", "" */
	struct net_recorded_step *steps; size_t nsteps;
};

struct net_events {
	/* The link itself is the file: where its bytes go. fd stays yours; to NULL: not sealed. */
	int (*output)(void *arg, const struct source_offer *, enum media, int *fd,
	    const struct age_recipient **to, struct err *);
	void (*progress)(void *arg, uint64_t bytes, long long total);
	void (*step)(void *arg, const char *text);	/* each exchange in a sentence, escaped; NULL: not wanted */
	int har_fd;			/* each exchange goes there as HAR; stays yours; 0: none */
	const char *name, *id, *birth;	/* the patient's, shown in no recording and no step; NULL: not known */
	bool (*stopped)(void);		/* ends whatever is under way */
	void *arg;
	int (*token)(void *arg, char **bearer, struct err *);	/* a new one after a 401, malloc; NULL: there is none */
};

int net_start(struct net **, const struct net_options *, struct err *);
void net_stop(struct net *);

int net_session_new(struct net_session **, struct net *, const struct net_events *, struct err *);
void net_session_free(struct net_session *);
/* portal: what is known beside the link; NULL: nothing. */
int net_look(struct net_session *, const char *link, bool only, const struct source_portal *portal, struct err *);
/* In place of a look: the DICOMweb root of the portal, and what it is asked for. */
int net_dicomweb(struct net_session *, const struct source_portal *, const char *const *asks, size_t n, struct err *);
/* In place of a look: the recipe that takes the link, its file's text. */
int net_recipe(struct net_session *, const char *link, const char *name, const char *text,
    const struct source_portal *, struct err *);
/* Who is asked for one more answer while a login is under way (malloc, a secret); NULL: nobody. */
void net_on_ask(struct net_session *, int (*)(void *arg, const struct source_question *, char **answer, struct err *),
    void *arg);
/* Before the look: session k (from 0) of the recording in fd answers in place of a network. fd stays yours. */
int net_replay(struct net_session *, int fd, size_t k, struct net_recorded *, struct err *);
/* Exchanges of a step (from 0) that nobody has asked for. */
int net_replay_unused(struct net_session *, size_t step, size_t *n, struct err *);
void net_recorded_free(struct net_recorded *);
enum source_kind net_kind(const struct net_session *);
const struct source_question *net_questions(const struct net_session *, size_t *n);
int net_login(struct net_session *, const char *const *answers, struct err *);
int net_list(struct net_session *, struct err *);
const struct source_offer *net_offers(const struct net_session *, size_t *n);
void net_want_all(struct net_session *);	/* as source_want_all(), for the next one */
/* fd: empty, stays yours. A direct offer came with the look: fd -1. */
int net_fetch(struct net_session *, size_t i, int fd, const struct age_recipient *to, struct source_package *,
    struct err *);
const char *net_state(const struct net_session *);	/* of the last error, "" none */

#endif
