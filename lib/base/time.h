/*
 * Time. Wall time is time_t seconds UTC; budgets are monotonic milliseconds.
 */
#ifndef MRI_BASE_TIME_H
#define MRI_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIME_TEXT_MAX	32

time_t time_now(void);
uint64_t time_mono_ms(void);
char *time_iso(time_t, char out[TIME_TEXT_MAX]);	/* 2026-11-24T06:27:41Z */
bool time_parse_iso(const char *, time_t *);		/* exactly that form */
char *time_compact(time_t, char out[TIME_TEXT_MAX]);	/* 20261124T062741Z */
bool time_parse_compact(const char *, time_t *);	/* reads the first 16 characters */
char *time_dicom_dt(time_t, char out[TIME_TEXT_MAX]);	/* DT, PS3.5 6.2: 20261124062741+0000 */
/* "168h", "90m", "30s", "7d", a bare number is seconds; false if malformed or > 10 years */
bool time_parse_duration(const char *, int64_t *seconds);
/* YYYY-MM-DD or YYYYMMDD, a real calendar day → "YYYYMMDD"; false if not. */
bool time_parse_date(const char *, char out[9]);

#ifdef __cplusplus
}
#endif
#endif
