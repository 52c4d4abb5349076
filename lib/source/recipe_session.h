/*
 * A recipe at work: what the parts of the engine share. recipe.c is the kind of
 * portal behind struct source_ops; recipe_steps.c does the steps, recipe_ask.c
 * the requests, recipe_error.c judges answers. Private to lib/source/recipe*.
 */
#ifndef MRI_SOURCE_RECIPE_SESSION_H
#define MRI_SOURCE_RECIPE_SESSION_H

#include "source/recipe_page.h"
#include "source/session.h"

/* Where steps are done: one entry of a for-each, the whole of <run>, or <login>. */
struct recipe_item {
	struct recipe_item *outer;	/* the entry that this one was listed in; NULL */
	const struct recipe_node *body;	/* its steps are the children */
	struct recipe_vars vars;
	struct recipe_at at;		/* what was answered last, or the entry itself; a reference to the page */
	struct recipe_at listed;	/* the same as the listing left it: a second start begins there */
	const struct recipe_node *next;	/* first step that is not done; NULL: all are */
	const struct recipe_node *rest;	/* first step that the listing left */
};

struct recipe_offer { struct recipe_item *item; const struct recipe_node *download; };

struct recipe_session {
	struct source *s;
	struct recipe *r;
	struct recipe_item login;	/* its vars are seen everywhere: inputs, and what the login extracts */
	struct recipe_item **items; size_t nitems;
	struct recipe_offer *offers; size_t noffers;	/* as those of the source */
	char **hosts; size_t nhosts;	/* of the scope */
	bool logged_in, in_login;
	unsigned logins;		/* after the first: one is allowed */
	int64_t expires;		/* of the bearer, Unix seconds as it says itself; 0: not known */
	uint64_t alive_ms;		/* of the last request */
};

/* recipe_error.c */
/* The first error rule that fits the answer; *fired: it ended as err says. id: of the request, NULL none. */
int recipe_judge(struct recipe_session *, const struct recipe_at *, const char *id, bool *fired, struct err *);
/* Seconds that a rule with retry="later", or the portal's header, asks to wait; -1: no word. */
long recipe_retry_after(struct recipe_session *, const struct recipe_at *, const char *id);

/* recipe_ask.c */
/* A get, post or submit: the answer stands in at (its page dropped before). */
int recipe_ask(struct recipe_session *, struct recipe_item *, const struct recipe_node *, struct err *);
int recipe_ask_url(struct recipe_session *, struct recipe_item *, const char *url, const struct recipe_node *of,
    struct err *);	/* a GET of a next page */
/* What the rules say to the page that came in place of a file. *over: the session's end. */
int recipe_judge_page(struct recipe_session *, const struct recipe_node *, const struct recipe_at *, bool *over,
    struct err *);
/* A download: the body to sink, or, where it is no package, a page in *page. */
int recipe_download_url(struct recipe_session *, const struct recipe_node *, const char *url, struct receiver *,
    struct recipe_page **, struct err *);
int recipe_pause(struct recipe_session *, uint64_t ms, struct err *);	/* with keepalive */
void recipe_at_set(struct recipe_at *, struct recipe_at);	/* takes a reference to the new page */

/* recipe_steps.c */
int recipe_run(struct recipe_session *, struct recipe_item *, const struct recipe_node *from,
    const struct recipe_node *until, struct err *);
int recipe_login(struct recipe_session *, struct err *);
int recipe_relogin(struct recipe_session *, struct err *);
/* A value that a recipe got or was given: a variable, and, where it is secret, not to be shown. */
int recipe_set(struct recipe_session *, struct recipe_item *, const char *name, const char *value, bool secret,
    bool json, struct err *);
/* What is asked for an input, and an answer to it: of the form that it wants, or nothing is sent. */
int recipe_question(const struct recipe_node *input, struct source_question *, struct err *);
int recipe_set_input(struct recipe_session *, const struct recipe_node *input, const char *value, struct err *);
/* An input that is missing, from the person. */
int recipe_need(struct recipe_session *, const char *name, struct err *);

/* recipe_challenge.c */
/* The questions that a portal asks itself, with their answers, as a JSON array. */
int recipe_challenge(struct recipe_session *, struct recipe_item *, const struct recipe_node *, struct err *);
/* An answer from the person, who is asked now. malloc; wipe it. */
int recipe_ask_person(struct recipe_session *, const struct source_question *, char **, struct err *);

/* recipe_list.c */
int recipe_for_each(struct recipe_session *, struct recipe_item *, const struct recipe_node *, struct err *);
int recipe_list(struct recipe_session *, struct err *);	/* <run> as far as offers are known by it */
enum media recipe_media(const char *type);	/* of "zip", "pdf" …; MEDIA_UNKNOWN: no such word */
void recipe_items_free(struct recipe_session *);

/* --explain: what a step came to, redacted. */
void recipe_tell(struct recipe_session *, const struct recipe_node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
