/*
 * One answer of a portal as a recipe looks at it: HTML or XML by XPath, JSON
 * by JSON Pointer (RFC 6901). It is parsed when first asked. Everything in it
 * is hostile: sizes, depth and the work of an XPath are bounded. Private to
 * lib/source.
 */
#ifndef MRI_SOURCE_RECIPE_PAGE_H
#define MRI_SOURCE_RECIPE_PAGE_H

#include <libxml/tree.h>
#include "base/json.h"
#include "http/client.h"
#include "source/recipe.h"
#include "source/recipe_text.h"

#define PAGE_BYTES_MAX	((size_t)4 << 20)	/* JSON of ten thousand entries */
#define TREE_BYTES_MAX	((size_t)1 << 20)	/* HTML: a hostile page's tree is seventy times as large */

struct recipe_page {
	unsigned refs;
	long status;
	char type[128];
	char *charset;			/* as Content-Type says it, NULL not */
	char *url;
	struct buf body;
	bool tried_doc, tried_json;
	xmlDoc *doc;
	json_t *json;
};

/* Takes url and body of the answer. */
int page_new(struct recipe_page **, struct http_response *, struct err *);
void page_drop(struct recipe_page *);	/* one reference; wipes */

/* Where a recipe looks: an answer, or one entry of it. No references: who holds it holds the page. */
struct recipe_at {
	struct recipe_page *page;	/* NULL: nothing was asked yet */
	xmlNode *node;			/* of an entry by XPath */
	json_t *value;			/* of an entry by JSON Pointer */
};

/* Text of the first thing that is found; *out NULL: nothing, or only blanks. malloc. */
int page_xpath(const struct recipe_at *, const char *expr, char **out, struct err *);
int page_xpath_true(const struct recipe_at *, const char *expr, bool *, struct err *);
/* The elements found, in their order; free() the list. */
int page_xpath_nodes(const struct recipe_at *, const char *expr, xmlNode ***, size_t *n, struct err *);

json_t *page_pointer(const struct recipe_at *, const char *pointer);	/* borrowed; NULL: there is none */
/* A string as it is, numbers in decimal, true and false by their names; *out NULL: another kind. malloc. */
int page_scalar(const json_t *, char **out, struct err *);

/* What one <extract> takes; *out NULL: nothing. Its type is not looked at. */
int page_extract(const struct recipe_at *, struct http *, const struct recipe_node *extract, char **out, struct err *);
/* Does one of the whens under a node hold? */
int page_when(const struct recipe_at *, struct http *, const struct recipe_node *parent, const struct recipe_vars *,
    bool *, struct err *);

#endif
