/*
 * The objects of a study by DICOMweb (PS3.18 10.4) or WADO-URI (PS3.18 9):
 * all at once where the portal can, then those that are missing one by one,
 * into one package. What came is known by SOP Instance UID, so a second
 * attempt asks for the rest only. Private to lib/source.
 */
#ifndef MRI_SOURCE_RETRIEVE_H
#define MRI_SOURCE_RETRIEVE_H

#include "source/instances.h"
#include "source/session.h"

struct retrieve {
	const char *bulk;		/* URL of the whole study, NULL: none */
	/* URL of one object where it has none itself (malloc); NULL: objects that are not in the bulk are lost */
	int (*url)(void *arg, const struct instance *, char **, struct err *);
	void *arg;
	struct instances *list;		/* what the portal says it has; empty: it says nothing. What came is noted here. */
};

/* A GET with the session's secrets; 401 renews the token once. tries: see http_request. */
int retrieve_get(struct source *, const char *url, const char *accept, const struct http_sink *, unsigned tries,
    bool soon, struct http_response *, struct err *);
/* RC_OK also where objects are missing for good: p->reason tells how many. ERR_TEMP: more may come later. */
int retrieve_study(struct source *, const struct retrieve *, const struct source_offer *, const struct source_output *,
    struct source_package *, struct err *);

#endif
