/*
 * Weasis manifests: an XML list of a patient's studies, series and objects,
 * and where they are (manifest/arcQuery, or wado_query of version 1). The
 * objects come by WADO-URI (PS3.18 9), from a folder of files, or by DICOMweb.
 * A complete list of objects is the exact measure of what must come.
 *
 * The document is hostile: no DOCTYPE, no entities but the five of XML, no
 * network, bounded depth, bytes and objects. It is read as it is streamed
 * through, so that its size costs no memory. Private to lib/source.
 */
#ifndef MRI_SOURCE_WEASIS_H
#define MRI_SOURCE_WEASIS_H

#include "source/instances.h"
#include "source/session.h"

#define WEASIS_ARCHIVES_MAX	8
#define WEASIS_STUDIES_MAX	1000	/* of one manifest: a person's record has some hundred */

enum weasis_mode { WEASIS_WADO_URI, WEASIS_DICOMWEB, WEASIS_DIMSE };

struct weasis_archive {
	char *base;			/* address that requests begin with */
	char *extra;			/* "&key=value" for each request, NULL none */
	char *headers[SOURCE_TAGS_MAX];	/* "Name: value": for the host of base, secrets */
	size_t nheaders;
	enum weasis_mode mode;
};

struct weasis_study {
	struct source_offer offer;
	struct instances list;
	size_t archive;
};

struct weasis {
	struct weasis_archive archives[WEASIS_ARCHIVES_MAX]; size_t narchives;
	struct weasis_study *studies; size_t nstudies;
	size_t objects;			/* of all studies */
	bool failed;			/* the portal says in it that it could not make it */
};

/* Is it one, as XML or gzip? By its first bytes. */
bool weasis_is(const void *, size_t n);
/* ERR_PROTOCOL: it is none, or more than we take. */
int weasis_parse(const void *, size_t n, struct weasis *, struct err *);
void weasis_free(struct weasis *);	/* what is in it; wipes */

/* Becomes the one address that a weasis:// link names; false: it is none, or names more, or something else. In
 * place. */
bool weasis_link(char *);

/* An answer to the look that is a manifest. */
int weasis_recognise(struct source *, const void *, size_t n, struct err *);

#endif
