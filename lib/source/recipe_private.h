/* The table that share/recipe.rng says in RELAX NG, and the passes over a tree. Private to lib/source/recipe*. */
#ifndef MRI_SOURCE_RECIPE_PRIVATE_H
#define MRI_SOURCE_RECIPE_PRIVATE_H

#include "source/recipe.h"

#define RECIPE_NS	"urn:mri:recipe:1"

/* What an attribute may hold. */
enum recipe_value { RV_ANY, RV_SOME, RV_YESNO, RV_WORDS, RV_ID, RV_NAME, RV_COUNT, RV_COUNT0, RV_DURATION, RV_BYTES,
	RV_FACTOR, RV_STATUS };

struct shape_attr {
	const char *name;
	enum recipe_value value;
	const char *words;	/* RV_WORDS: the list, by blanks */
	bool required;
	bool one_of;		/* exactly one of those so marked has to be there */
	const char *with;	/* only beside one of these, by blanks; NULL: always */
	const char *not_with;	/* never beside this one */
};

/* One place in the order of children: any of the set, so many times. */
struct shape_child { uint64_t set; bool at_least_one, many; };

#define SHAPE_ATTRS	12
#define SHAPE_CHILDREN	9
struct shape {
	const char *name;
	bool text;
	struct shape_attr attrs[SHAPE_ATTRS];
	struct shape_child children[SHAPE_CHILDREN];
};

const struct shape *recipe_shape(enum recipe_tag);
enum recipe_tag recipe_tag_of(const char *name);	/* RT_NONE: no such element */
bool recipe_is_step(enum recipe_tag);
bool recipe_value_fits(const struct shape_attr *, const char *value);
/* What would fit, for a message. */
void recipe_value_allowed(const struct shape_attr *, char *, size_t cap);
/* The word of a list (by blanks) that is nearest, or "". */
void recipe_nearest(const char *word, const char *words, char *, size_t cap);
bool recipe_word_in(const char *word, const char *words);

void recipe_finding(struct recipe_findings *, unsigned line, bool meaning, const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Form: one node while it is built, then its children once they are there. text: it had some that is not blank.
 * unknown: the name of an element that there is not. */
void recipe_form_node(const struct recipe_node *, bool text, struct recipe_findings *);
void recipe_form_unknown(const struct recipe_node *parent, const char *unknown, unsigned line,
    struct recipe_findings *);
void recipe_form_children(const struct recipe_node *, struct recipe_findings *);
/* Meaning, of a tree of right form. */
int recipe_meaning(const struct recipe *, struct recipe_findings *, struct err *);

#endif
