/*
 * WADO-URI (PS3.18 9): one object for each request. Who lists the objects is
 * somebody else: a Weasis manifest; or the link is itself such a request.
 * Private to lib/source.
 */
#ifndef MRI_SOURCE_WADOURI_H
#define MRI_SOURCE_WADOURI_H

#include "source/instances.h"

/* The request for an object of a study. extra: "key=value&…" that the archive wants beside, NULL none. malloc,
 * a secret. */
int wadouri_object(const char *base, const char *study, const struct instance *, const char *extra, char **,
    struct err *);
/* A link that asks for an object without saying as what, said; *out NULL: it is none, or says it. malloc, a secret. */
int wadouri_address(const char *link, char **out, struct err *);

#endif
