/*
 * JSON by jansson, bounded. Everything here that returns json_t * gives a new
 * reference unless it says "borrowed".
 */
#ifndef MRI_BASE_JSON_H
#define MRI_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"

#define JSON_BYTES_MAX	((size_t)64 << 20)	/* one document; a manifest of 100,000 objects is 40 MB */
#define JSON_DEPTH_MAX	64

/* Refuses duplicate keys, embedded NUL, depth > JSON_DEPTH_MAX, trailing bytes.
 * The error (ERR_DATA) gives line and column, never the text. */
int json_parse(const char *, size_t, json_t **, struct err *);
/* Compact, keys in insertion order, one line without the newline, appended to buf. */
int json_write(const json_t *, struct buf *, struct err *);
/* json_pack that reports: NULL and ERR_TEMP without memory or on a bad string (not UTF-8). */
json_t *json_make(struct err *, const char *fmt, ...);

/* Members of an object. `where` names the document in messages ("order", "manifest line 3").
 * Absent or null: *out is NULL / dflt and RC_OK. Wrong type: ERR_DATA naming the key. Strings are borrowed. */
int json_get_str(const json_t *, const char *where, const char *key, const char **, struct err *);
int json_get_int(const json_t *, const char *where, const char *key, long long dflt, long long *, struct err *);
int json_get_bool(const json_t *, const char *where, const char *key, bool dflt, bool *, struct err *);
int json_get_obj(const json_t *, const char *where, const char *key, json_t **, struct err *);	/* borrowed */
int json_get_arr(const json_t *, const char *where, const char *key, json_t **, struct err *);	/* borrowed */
/* A text for display or comparison: "" where it is absent or none. Borrowed. */
const char *json_text(const json_t *, const char *key);
/* The texts of an array, with a character between them; *out NULL where there are none. malloc. max: bytes. */
int json_join(const json_t *array, char between, size_t max, char **, struct err *);
/* ERR_DATA naming the first key that is not in the list, with the nearest known one as advice. */
int json_known_keys(const json_t *, const char *where, const char *const *keys, size_t n, struct err *);

#endif
