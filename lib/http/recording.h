/*
 * A HAR that mri-fetch --har wrote, read back: its exchanges in their order,
 * the sessions (one a link) and the steps that they belong to, and how each
 * step ended. The file comes from elsewhere: every member is checked. Nothing
 * in it is a secret as long as it is what har.h writes; the values are tags.
 *
 *	recording_parse(&r, text, len, err)
 *	recording_steps(r, session, &n)		in their order
 *	recording_free(r)
 */
#ifndef MRI_HTTP_RECORDING_H
#define MRI_HTTP_RECORDING_H

#include <stdint.h>
#include "base/json.h"

#define RECORDING_BYTES_MAX	((size_t)24 << 20)	/* parsed in a worker of 256 MB */
#define RECORDING_ENTRIES_MAX	20000
#define RECORDING_STEPS_MAX	1000	/* of all sessions together */
#define RECORDING_STEP_MAX	16	/* bytes of "fetch" */

/* Texts are borrowed from the recording; "" where it has none. */
struct recorded {
	const char *method, *url;
	const char *post, *post_type;	/* of the request's body */
	const char *auth;		/* "Bearer", "Basic": what it carried, "" nothing */
	long status;			/* 0: no answer */
	const char *type;		/* media type */
	const char *text; size_t text_len;	/* NULL: the body is not recorded */
	const char *media;		/* "zip", "pdf", "dicom", "binary" of one that is not */
	const char *sha256;
	uint64_t bytes;
	const char *location;
	const json_t *headers;		/* of the answer */
	const char *error; int error_kind;	/* NULL: the exchange went well */
	size_t number;			/* from 1, in the file */
	size_t step;			/* of those of the session */
};

struct recorded_step {
	char what[RECORDING_STEP_MAX];	/* "look", "login", "list", "fetch" */
	size_t n;			/* of "fetch 2", else 0 */
	const char *kind;		/* of portal, "" not known */
	const char *state;		/* "", "expired", "failed" … */
	const char *said;		/* the sentence of its error, "" */
	bool whole;			/* it ended; a recording that was killed ends in the middle of one */
};

struct recorded_session {
	const char *name;
	struct recorded *v; size_t n;
	struct recorded_step *steps; size_t nsteps;
};

struct recording { json_t *root; struct recorded_session *v; size_t n; };

/* ERR_DATA: no HAR, or none of mri-fetch's. */
int recording_parse(struct recording **, const char *, size_t, struct err *);
void recording_free(struct recording *);
const char *recorded_header(const struct recorded *, const char *name);	/* of the answer, NULL none */

#endif
