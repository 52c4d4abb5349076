/*
 * Patterns of recipes: POSIX extended (regex(7)), with named groups
 * "(?<name>…)", which POSIX has not. No \d and its like: POSIX reads them as
 * plain letters, which is never meant. Private to lib/source.
 */
#ifndef MRI_SOURCE_RECIPE_REGEX_H
#define MRI_SOURCE_RECIPE_REGEX_H

#include <regex.h>
#include "source/recipe.h"

#define REGEX_GROUPS_MAX	9

struct recipe_regex {
	regex_t re;
	size_t ngroups;
	char names[REGEX_GROUPS_MAX + 1][RECIPE_NAME_MAX];	/* by number; "" unnamed */
};

int recipe_regex_open(const char *pattern, struct recipe_regex **, struct err *);	/* ERR_CONFIG: why */
void recipe_regex_free(struct recipe_regex *);
/* at: [0] the whole; rm_so -1 where a group took no part. */
bool recipe_regex_match(const struct recipe_regex *, const char *text, regmatch_t at[REGEX_GROUPS_MAX + 1]);
/* The first group of the first match, or the whole where there is none; malloc, *out NULL: no match. */
int recipe_regex_take(const char *pattern, const char *text, char **out, struct err *);

#endif
