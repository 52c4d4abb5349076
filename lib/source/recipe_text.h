/*
 * Templates of recipes: text with {name} or {name|filter} in it, each value
 * escaped for the place it stands in, and the variables they name.
 *
 * Filters: date:PATTERN (%Y %m %d %y), host (of a URL), upper, lower, digits.
 * A brace that begins no name is text. Private to lib/source.
 */
#ifndef MRI_SOURCE_RECIPE_TEXT_H
#define MRI_SOURCE_RECIPE_TEXT_H

#include <stdbool.h>
#include "base/buf.h"
#include "source/recipe.h"

#define RECIPE_VALUE_MAX	((size_t)16 << 10)	/* bytes of one value: a bearer is the longest */
#define RECIPE_VARS_MAX		200
#define RECIPE_FILTER_MAX	64

struct recipe_var { char *name, *value; bool json; };	/* json: a JSON text, which stands where a value does */
struct recipe_vars {
	const struct recipe_vars *outer;	/* where a name is looked for that is not here */
	struct recipe_var *v; size_t n;
};

int vars_set(struct recipe_vars *, const char *name, const char *value, bool json, struct err *);
const struct recipe_var *vars_get(const struct recipe_vars *, const char *name);	/* NULL: never set */
void vars_free(struct recipe_vars *);	/* wipes */

enum recipe_place {
	PLACE_PLAIN,	/* as it is: a form's field, which is encoded as a whole; no NUL */
	PLACE_URL,	/* percent-encoded; a value at the very beginning is the URL or its base, as it is */
	PLACE_JSON,	/* in quotes: escaped; outside: a number as it is, a text in quotes */
	PLACE_HEADER	/* as it is; CR, LF and other controls are refused */
};

/* Length of the {name} or {name|filter} at s, 0 where it is only a brace. */
size_t recipe_placeholder(const char *s, char name[RECIPE_NAME_MAX], char filter[RECIPE_FILTER_MAX]);
bool recipe_filter_known(const char *);	/* "" is one */
/* Appends. ERR_CONFIG: no such variable or filter. ERR_PROTOCOL: a value that cannot stand there. */
int recipe_expand(const char *text, const struct recipe_vars *, enum recipe_place, struct buf *, struct err *);
/* Is every variable that the text names set? */
bool recipe_known(const char *text, const struct recipe_vars *);
/* One pair of application/x-www-form-urlencoded (HTML 4.01 17.13.4.1), "&" before it where out is not empty. */
int recipe_urlencode(const char *name, const char *value, struct buf *out, struct err *);
/* YYYYMMDD, YYYY-MM-DD or DD.MM.YYYY, a real day → YYYYMMDD. */
bool recipe_date(const char *, char out[9]);

#endif
