/*
 * DICOM Link Exchange, API v1 (DIN/TS 19455:2025-03), as a consumer:
 *
 *	GET  link, with X-DICOM-LINK-EXCHANGE	→ apiInfo, tfaQuestion[]
 *	POST {base}/tokentfa/{token}		→ a bearer (the body is the JWT)
 *	GET  {base}/list			→ dataItem[]
 *	GET  {base}/download/{id}		→ ZIP, DICOM or PDF
 *
 * Reading the portal's JSON, apart from the requests: for tests and fuzzing.
 * Tolerated: ids and dates as numbers, apiInfo and tfaQuestion as object or
 * array, a list in a list, unknown fields.
 */
#ifndef MRI_SOURCE_DLX_H
#define MRI_SOURCE_DLX_H

#include "base/json.h"
#include "source/source.h"

#define DLX_TEXT_MAX	4096	/* bytes of one text of the portal's */

/* language: that of the questions' texts, else English, else the first.
 * base: NULL where the portal names none. ERR_PROTOCOL: neither apiInfo nor tfaQuestion is there. */
int dlx_parse_info(const json_t *, const char *language, char **base,
    struct source_question **, size_t *n, struct err *);
int dlx_parse_list(const json_t *, struct source_offer **, size_t *n, struct err *);
/* The body of the login. An answer that is no date where one is asked for: ERR_DENIED, before anything is sent. */
int dlx_answers(const struct source_question *, size_t n, const char *const *answers, struct buf *, struct err *);
/* {"remainingAttempts":n}, which some portals add to a 401: n, else -1. */
long dlx_attempts(const char *, size_t);
/* {"timeOutInSeconds":n}: n, else -1. */
long dlx_timeout(const char *, size_t);

#endif
