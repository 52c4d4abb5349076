/*
 * Which hosts may see what a person answers, and the bearer that comes for it:
 * that of the link; one that is its sub-domain, or of which it is one; one
 * that the configuration names for this portal. Whoever answers the link can
 * send it elsewhere, and cannot make us tell a stranger. Private to lib/source.
 */
#ifndef MRI_SOURCE_HOSTS_H
#define MRI_SOURCE_HOSTS_H

#include "source/session.h"

/* The same name, or one is a sub-domain of the other, which has two labels at least and is no address. A parent that
 * both share counts for nothing: whose it is cannot be told. */
bool hosts_related(const char *, const char *);
/* May the address have answers and bearer of this session? */
bool hosts_trusted(const struct source *, const char *url);
/* The same, with the state not-permitted and ERR_DENIED where it may not. */
int hosts_check(struct source *, const char *url, struct err *);

#endif
