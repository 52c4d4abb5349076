/*
 * What version 2 of DLX adds for who fetches: the studies of the list by
 * WADO-RS, with the bearer of the login. Every object counts for itself there,
 * so what is missing is seen and asked for alone. It is a second way to what
 * /download gives: where it does not work, that is taken. Private to lib/source.
 */
#ifndef MRI_SOURCE_DLX_WEB_H
#define MRI_SOURCE_DLX_WEB_H

#include "source/session.h"

int dlx_web_new(struct source *, struct err *);	/* the portal has an api_info: s->own */
void dlx_web_free(struct source *);
/* Entry i of the list. *done false: it did not come, and nothing is lost: download it. */
int dlx_web_fetch(struct source *, size_t i, const struct source_output *, struct source_package *, bool *done,
    struct err *);

/* dlx.c: a GET of the API with the bearer; where the session was lost, one login more with the answers that were right.
 * what: for messages ("the list"). */
int dlx_get(struct source *, const char *name, const char *segment, const struct http_sink *, const char *what,
    struct http_response *, struct err *);
int dlx_login_again(struct source *, struct err *);	/* sets s->again */

#endif
