/*
 * SMART Health Links (HL7 smart-health-cards-and-links), reading, apart from
 * the requests: for tests and fuzzing.
 *
 *	shl_link_parse()	shlink:/ + base64url of {url, key, exp, flag, label, v}, behind a viewer's address or not
 *	shl_manifest_parse()	{files: [{contentType, embedded | location}]}
 *	shl_contents()		what a decrypted file holds: documents, images that lie elsewhere (HL7 FHIR R4)
 *
 * All texts are hostile; url, key and locations are secrets.
 */
#ifndef MRI_SOURCE_SHL_H
#define MRI_SOURCE_SHL_H

#include "base/json.h"
#include "source/jwe.h"
#include "source/source.h"

#define SHL_URL_MAX	128	/* characters, as the specification has it */
#define SHL_FILES_MAX	100	/* of one manifest */
#define SHL_JWE_MAX	((size_t)24 << 20)	/* characters of one encrypted file: 18 MB, a long report as scans */
#define SHL_PLAIN_MAX	((size_t)24 << 20)	/* bytes of one file, unpacked */
#define SHL_KEPT_MAX	((uint64_t)40 << 20)	/* bytes of all documents: they are held until the patient was compared */
#define SHL_DOCS_MAX	1000

struct shl_link {
	char *url;
	uint8_t key[JWE_KEY_LEN];
	long long exp;		/* seconds since 1970, a hint; -1 not said */
	bool passcode;		/* flag P */
	bool direct;		/* flag U: the url gives the file itself */
};

/* Where the payload of a SMART Health Link begins in a link, NULL: it is none. */
const char *shl_payload(const char *link);
/* ERR_PROTOCOL: not whole, flags that exclude each other, a newer version; the message says which. */
int shl_link_parse(const char *link, struct shl_link *, struct err *);
void shl_link_free(struct shl_link *);	/* wipes */

struct shl_file { char *type, *embedded, *location; };	/* one of the two, embedded where both are there */
struct shl_manifest { struct shl_file *v; size_t n; };

int shl_manifest_parse(const char *, size_t, struct shl_manifest *, struct err *);
void shl_manifest_free(struct shl_manifest *);	/* wipes */
/* "remainingAttempts" of a refusal, -1 not said. */
long shl_attempts(const char *, size_t);

/* One thing that a link offers. */
struct shl_doc {
	struct source_offer offer;	/* id: hash of the bytes, the same in each run */
	char *data; size_t len;		/* NULL: it lies elsewhere */
	char *endpoint;			/* of a study: the DICOMweb root (dicom-wado-rs), NULL not said */
	const char *elsewhere;		/* static: what it is, and is not fetched; NULL with data */
};
struct shl_docs { struct shl_doc *v; size_t n; uint64_t bytes; };

/* Takes plain (also on failure). type: as the manifest or the JWE says, "" unknown. */
int shl_contents(const char *type, struct buf *plain, struct shl_docs *, struct err *);
void shl_docs_free(struct shl_docs *);
/* Appends one; takes what is in it, also on failure. */
int shl_docs_add(struct shl_docs *, struct shl_doc *, struct err *);

#endif
