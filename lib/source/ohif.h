/*
 * Links of the OHIF viewer that name a manifest: …/viewer/dicomjson?url=M, or
 * …/viewer?url=M where M ends in json. It is JSON with DICOM keywords as keys,
 * {studies:[{…, series:[{…, instances:[{metadata, url}]}]}]}: the exact list
 * of the objects, and where each of them lies. The viewer itself is not asked.
 *
 * …/viewer/dicomwebproxy?url=M&StudyInstanceUIDs=… names a configuration in
 * place of it: the roots of a DICOMweb server that wants no token.
 *
 * Reading the manifest stands apart from the requests, for tests and fuzzing.
 * All texts are hostile; the addresses are secrets where they are signed.
 * Private to lib/source.
 */
#ifndef MRI_SOURCE_OHIF_H
#define MRI_SOURCE_OHIF_H

#include "base/json.h"
#include "source/instances.h"
#include "source/session.h"

#define OHIF_ASKS_MAX		16	/* studies that a link names */
#define OHIF_STUDIES_MAX	100	/* of one manifest; a viewer shows one to three */

struct ohif_study { struct source_offer offer; struct instances list; };	/* every instance has its address */
struct ohif { struct ohif_study *v; size_t n; };

/* The manifest that a link names, absolute; *out NULL: it is no such link. malloc. */
int ohif_address(const char *link, char **out, struct err *);
/* base: where the manifest came from; addresses may be relative to it. ERR_PROTOCOL: it is none. */
int ohif_parse(const json_t *, const char *base, struct ohif *, struct err *);
void ohif_free(struct ohif *);	/* wipes */
/* The configuration: roots of QIDO-RS and WADO-RS, absolute. malloc. ERR_PROTOCOL: it is none. */
int ohif_parse_roots(const json_t *, const char *base, char **qido, char **wado, struct err *);
/* "StudyInstanceUID=…" for each study that a link names; ERR_PROTOCOL: none, or what is no UID. */
int ohif_asks(const char *link, char **asks, size_t max, size_t *n, struct err *);

/* In place of a look: gets what the link names. A manifest's studies are the offers. */
int ohif_recognise(struct source *, const char *address, struct err *);
/* An answer to the look that is JSON; *is false: no manifest. base: where it came from. */
int ohif_take(struct source *, const char *text, size_t len, const char *base, bool *is, struct err *);

#endif
