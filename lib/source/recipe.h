/*
 * A portal as data: one XML file that says how to log in, list and fetch
 * (mri-recipe(5), share/recipe.rng). What is loaded has passed both checks, of form
 * and of meaning: whoever runs it need not ask again whether a name is known, a
 * pattern compiles or a number is one.
 *
 *	recipe_load(path, &r, NULL, err)
 *	for (n = r->run->child; n; n = n->next)
 *		switch (n->tag) { case RT_GET: recipe_attr(n, "url") … }
 *	recipe_free(r)
 *
 * The whole is one tree of nodes; struct recipe points into it. All texts belong
 * to the recipe. ERR_CONFIG: the file is wrong, file:line and cause in the text.
 */
#ifndef MRI_SOURCE_RECIPE_H
#define MRI_SOURCE_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define RECIPE_BYTES_MAX	((size_t)48 << 10)	/* the largest example is 6 KB; one message of a worker holds it */
#define RECIPE_DEPTH_MAX	32
#define RECIPE_FINDINGS_MAX	20
#define RECIPE_NAME_MAX		32	/* bytes of a name of an input or extract, with its NUL */

/* One for each element. Attributes are asked for by their names in the file. */
enum recipe_tag {
	RT_NONE, RT_RECIPE, RT_ABOUT, RT_MATCH, RT_INPUT, RT_SCOPE, RT_LIMITS,
	RT_ERRORS, RT_ERROR, RT_WHEN, RT_ATTEMPTS_LEFT, RT_RETRY_AFTER,
	RT_LOGIN, RT_EXPIRED_WHEN, RT_KEEPALIVE, RT_RUN,
	/* steps */
	RT_GET, RT_POST, RT_SUBMIT, RT_EXTRACT, RT_EXPECT, RT_IF, RT_NEED, RT_CHALLENGE, RT_AUTH, RT_FOR_EACH,
	RT_POLL, RT_DOWNLOAD,
	/* parts of steps */
	RT_HEADER, RT_QUERY, RT_FORM, RT_FIELD, RT_JSON, RT_THEN, RT_ELSE, RT_ANSWER, RT_PAGINATE,
	RT_DONE, RT_FAILED, RT_PROGRESS, RT_COMPLETE, RT_PATIENT,
	RT_COUNT
};

#define RT_SET(tag)	((uint64_t)1 << (tag))
#define RT_REQUESTS	(RT_SET(RT_GET) | RT_SET(RT_POST) | RT_SET(RT_SUBMIT) | RT_SET(RT_POLL) | RT_SET(RT_DOWNLOAD))

struct recipe_attr { char *name, *value; };

struct recipe_node {
	enum recipe_tag tag;
	unsigned line;			/* where its start tag ends */
	struct recipe_attr *attrs; size_t nattrs;
	char *text;			/* of <about> and <json>; else NULL */
	struct recipe_node *child, *next, *parent;
};

struct recipe_limits {
	unsigned parallel, requests;	/* 0: not said, and so the others */
	uint64_t gap_ms, wait_ms, bytes;
};

struct recipe {
	struct recipe_node *root;	/* RT_RECIPE */
	const char *id;
	struct recipe_limits limits;
	/* into the tree; errors and login may be NULL; match and input: the first of several */
	const struct recipe_node *match, *input, *scope, *errors, *login, *run;
};

struct recipe_finding {
	unsigned line;
	bool meaning;		/* found by the second pass: the form is right */
	char text[384];		/* one sentence, printable */
	char advice[256];	/* what is allowed; "" */
};
struct recipe_findings { struct recipe_finding at[RECIPE_FINDINGS_MAX]; size_t n, more; };

/* The file is read, nothing else: no network, no DTD, no entities. findings, in the order of lines, may be NULL;
 * err tells the first of them. */
int recipe_load(const char *path, struct recipe **, struct recipe_findings *, struct err *);
int recipe_read(const char *path, struct buf *, struct err *);	/* the bytes only */
/* From memory; name stands for the path in messages. */
int recipe_parse(const char *name, const void *, size_t, struct recipe **, struct recipe_findings *, struct err *);
void recipe_free(struct recipe *);

const char *recipe_attr(const struct recipe_node *, const char *name);	/* NULL: not given */
bool recipe_yes(const struct recipe_node *, const char *name, bool dflt);
const char *recipe_tag_name(enum recipe_tag);				/* "for-each" */
const struct recipe_node *recipe_child(const struct recipe_node *, enum recipe_tag);	/* the first, or NULL */
const struct recipe_node *recipe_next(const struct recipe_node *);	/* the next sibling of the same tag, or NULL */
/* Does it hold a node of the set (RT_SET(tag) | …), at any depth? */
bool recipe_holds(const struct recipe_node *, uint64_t set);
const struct recipe_node *recipe_input(const struct recipe *, const char *name);	/* NULL: not declared */

/* Does a value tell who the patient is: does a <patient> or study= name it? Such a one is shown nowhere. */
bool recipe_private(const struct recipe *, const char *name);
/* Does one of its <match>es take the link, without being named? One with probe= does not: its recipe is named. */
int recipe_takes(const struct recipe *, const char *link, bool *, struct err *);

/* "500ms", "2s", "30m", "1h" in milliseconds; "40GiB" in bytes; "1.5" in thousandths. false: not one. */
bool recipe_duration(const char *, uint64_t *ms);
bool recipe_bytes(const char *, uint64_t *);
bool recipe_factor(const char *, unsigned *thousandths);

#endif
