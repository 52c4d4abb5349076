/*
 * What the two processes of mri-fetch say to each other: JSON messages over a
 * chan. The parent believes nothing: what comes from the other side is bounded
 * and escaped like anything from outside.
 *
 * The first request of a session also says what is recorded and, by hide, what is not to be shown.
 *
 *	parent: look {link, only, portal}  dicomweb {portal, asks}  recipe {link, name, text, portal}
 *	        token {bearer}  answer {text}  login {answers}  list  fetch {n, to} + fd  output {to} + fd  stop
 *	        replay {session} + fd  unused {step}
 *	child:  recorded*  question*  offer*  body  token  ask {question}  progress*  done {…}
 *	        failed {kind, text, advice, state}
 */
#ifndef MRI_STAGE_FETCH_WIRE_H
#define MRI_STAGE_FETCH_WIRE_H

#include "base/json.h"
#include "source/source.h"
#include "sys/worker.h"

int wire_send(struct chan *, const json_t *, int fd /* -1 none */, struct err *);	/* wipes its copy */
/* Takes j. NULL: ERR_TEMP. */
int wire_send_take(struct chan *, json_t *j, int fd, struct err *);

json_t *wire_offer(const struct source_offer *);
int wire_offer_read(const json_t *, struct source_offer *, struct err *);
json_t *wire_question(const struct source_question *);
int wire_question_read(const json_t *, struct source_question *, struct err *);
json_t *wire_portal(const struct source_portal *);
int wire_portal_read(const json_t *, struct source_portal *, struct err *);
json_t *wire_package(const struct source_package *);
int wire_package_read(const json_t *, struct source_package *, struct err *);
json_t *wire_error(const struct err *, const char *state);
/* The error as told, escaped; state: one of the known words or "". Returns its rc. */
int wire_error_read(const json_t *, const char **state, struct err *);

#endif
