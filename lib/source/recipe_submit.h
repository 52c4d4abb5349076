/*
 * An HTML form as a browser sends it (HTML 4.01 17.13): what its controls hold,
 * hidden ones too, with the values that a recipe puts into some. Private to
 * lib/source.
 */
#ifndef MRI_SOURCE_RECIPE_SUBMIT_H
#define MRI_SOURCE_RECIPE_SUBMIT_H

#include "source/recipe_page.h"

struct form {
	bool post;
	char *url;		/* absolute; of a GET with its query */
	struct buf body;	/* application/x-www-form-urlencoded, of a POST */
	struct buf hidden;	/* values of hidden fields as long as tokens are, each with its NUL: for no record */
};

/* The form that <submit form="…"> names; its <field>s stand in place of the page's values or beside them.
 * ERR_PROTOCOL: there is none, or it wants an upload. */
int form_fill(const struct recipe_at *, const struct recipe_node *submit, const struct recipe_vars *, struct form *,
    struct err *);
void form_free(struct form *);	/* what is in it; wipes */

#endif
