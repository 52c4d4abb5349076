/*
 * DICOM Link Exchange, API v1 (DIN/TS 19455:2025-03) and v2 (2026), as a consumer:
 *
 *	GET  link, with X-DICOM-LINK-EXCHANGE	→ apiInfo, tfaQuestion[]
 *	POST {base}/tokentfa/{token}		→ a bearer (the body is the JWT)
 *	GET  {base}/list			→ dataItem[]
 *	GET  {base}/download/{id}		→ ZIP, DICOM or PDF
 *	GET  {base}/downloadall			→ all of it as one ZIP, where a portal gives nothing alone
 *	GET  {base}/api_info			→ v2: where DICOMweb takes the same bearer
 *
 * Reading the portal's JSON, apart from the requests: for tests and fuzzing.
 * Tolerated: ids and dates as numbers, apiInfo and tfaQuestion as object or
 * array, a list in a list, unknown fields.
 */
#ifndef MRI_SOURCE_DLX_H
#define MRI_SOURCE_DLX_H

#include "base/json.h"
#include "source/source.h"

#define DLX_VERSION_MAX	2	/* of the API; a newer one may ask for what we do not know */
#define DLX_TEXT_MAX	4096	/* bytes of one text of the portal's */

/* language: that of the questions' texts, else English, else the first.
 * base: NULL where the portal names none. ERR_PROTOCOL: neither apiInfo nor tfaQuestion is there. */
int dlx_parse_info(const json_t *, const char *language, char **base,
    struct source_question **, size_t *n, struct err *);
/* An answer to the link: is there an api_info that tells more? */
bool dlx_tells_more(const json_t *);
/* An api_info: the roots of WADO-RS and QIDO-RS as they stand there, NULL where the portal has none. malloc. */
int dlx_parse_roots(const json_t *, char **wado, char **qido, struct err *);
int dlx_parse_list(const json_t *, struct source_offer **, size_t *n, struct err *);
/* The body of the login. An answer that is no date where one is asked for: ERR_DENIED, before anything is sent. */
int dlx_answers(const struct source_question *, size_t n, const char *const *answers, struct buf *, struct err *);
/* {"remainingAttempts":n}, which some portals add to a 401: n, else -1. */
long dlx_attempts(const char *, size_t);
/* {"timeOutInSeconds":n}: n, else -1. */
long dlx_timeout(const char *, size_t);

#endif
