/*
 * DICOMweb as a consumer: QIDO-RS (PS3.18 10.6) says what there is, WADO-RS
 * (10.4) gives it. Reading the portal's DICOM JSON (PS3.18 F) stands apart
 * from the requests, for tests.
 *
 * Tolerated: numbers as texts and texts as numbers, absent counts, a server
 * that pages by less than it is asked to, one that ignores matching keys:
 * what was not asked for is passed over.
 */
#ifndef MRI_SOURCE_DICOMWEB_H
#define MRI_SOURCE_DICOMWEB_H

#include "base/json.h"
#include "source/instances.h"
#include "source/session.h"

/* A value of the DICOM JSON model (PS3.18 F.2) as text: a number in decimal, a person's name in its alphabetic form;
 * "" of another kind, or too long. Borrowed. */
const char *dicomweb_text(const json_t *, char number[32]);
/* One entry of /studies. ERR_PROTOCOL: it has no Study Instance UID. */
int dicomweb_offer(const json_t *, struct source_offer *, struct err *);
/* One entry of …/instances into the list; *is_new may be NULL. */
int dicomweb_instance(const json_t *, struct instances *, bool *is_new, struct err *);
/* Does the entry have the value of a matching key ("StudyInstanceUID=1.2.3")? */
bool dicomweb_matches(const json_t *, const char *ask);

/* A session with these roots, that has no secrets yet; asks as those of source_dicomweb(). */
int dicomweb_open(struct source *, const char *qido, const char *wado, const char *const *asks, size_t n, struct err *);
/* A study below these roots (qido NULL: nothing says what there is), with the session's secrets. */
int dicomweb_study(struct source *, const char *wado, const char *qido, const struct source_offer *,
    const struct source_output *, struct source_package *, struct err *);

#endif
