/*
 * A portal as data: one XML file that says how to log in, list and fetch
 * (mri-recipe(5), share/recipe.rng). What is loaded has passed both checks, of form
 * and of meaning: whoever runs it need not ask again whether a name is known, a
 * pattern compiles or a number is one.
 *
 *	recipe_load(path, &r, err)		or recipe_load_findings() to hear all that is wrong
 *	for (n = r->run->child; n; n = n->next)
 *		switch (n->tag) { case RT_GET: recipe_attr(n, "url") … }
 *	recipe_free(r)
 *
 * The whole is one tree of nodes; struct recipe points into it. All texts belong
 * to the recipe. ERR_CONFIG: the file is wrong, file:line and cause in the text.
 */
#ifndef MRI_SOURCE_RECIPE_H
#define MRI_SOURCE_RECIPE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define RECIPE_BYTES_MAX	((size_t)256 << 10)	/* the largest example is 6 KB */
#define RECIPE_DEPTH_MAX	32
#define RECIPE_FINDINGS_MAX	20
#define RECIPE_GROUPS_MAX	9	/* groups of a pattern */
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

struct recipe_attr { const char *name; char *value; };	/* name: static */

struct recipe_node {
	enum recipe_tag tag;
	unsigned line;
	struct recipe_attr *attrs; size_t nattrs;
	char *text;			/* of <about> and <json>; else NULL */
	struct recipe_node *child, *next, *parent;
};

/* Type of an input (the first seven) or of an extract. */
enum recipe_type { RY_TEXT, RY_CODE, RY_DATE, RY_URL, RY_OTP, RY_USER, RY_PASSWORD, RY_INT, RY_UID, RY_TYPES };

struct recipe_input {
	const char *name, *ask, *pattern;	/* pattern: of the whole value; NULL none */
	enum recipe_type type;
	bool required, secret;
	unsigned line;
};

struct recipe_limits {
	unsigned parallel, requests, login_attempts, redirects;
	uint64_t min_delay_ms, wait_ms, bytes;
};

struct recipe {
	char *path;
	struct recipe_node *root;	/* RT_RECIPE */
	const char *id;
	unsigned version;
	struct recipe_input *inputs; size_t ninputs;
	struct recipe_limits limits;
	/* into the tree; errors and login may be NULL */
	const struct recipe_node *about, *match, *scope, *errors, *login, *run;	/* match: the first of several */
};

struct recipe_finding {
	unsigned line;
	bool meaning;		/* found by the second pass: the form is right */
	char text[384];		/* one sentence, printable */
	char advice[192];	/* what is allowed; "" */
};
struct recipe_findings { struct recipe_finding at[RECIPE_FINDINGS_MAX]; size_t n, more; };

/* err tells the first finding and how many there are. The file is read, nothing else: no network, no DTD, no
 * entities. */
int recipe_load(const char *path, struct recipe **, struct err *);
/* The same, with every finding in the order of lines; findings may be NULL. */
int recipe_load_findings(const char *path, struct recipe **, struct recipe_findings *, struct err *);
/* From memory; name stands for the path in messages. */
int recipe_parse(const char *name, const void *, size_t, struct recipe **, struct recipe_findings *, struct err *);
void recipe_free(struct recipe *);

const char *recipe_attr(const struct recipe_node *, const char *name);	/* NULL: not given */
bool recipe_yes(const struct recipe_node *, const char *name, bool dflt);
const char *recipe_tag_name(enum recipe_tag);				/* "for-each" */
const struct recipe_node *recipe_child(const struct recipe_node *, enum recipe_tag);	/* the first, or NULL */
const struct recipe_input *recipe_input_find(const struct recipe *, const char *name);

/* "500ms", "2s", "30m", "1h" in milliseconds; "40GiB" in bytes; "1.5" in thousandths. false: not one. */
bool recipe_duration(const char *, uint64_t *ms);
bool recipe_bytes(const char *, uint64_t *);
bool recipe_factor(const char *, unsigned *thousandths);

/*
 * Templates: "{name}", "{name|filter}", "{name|date:%d.%m.%Y}"; "{{" and "}}" are braces. In a JSON body a brace
 * begins a template only where a small letter follows at once, and there is no "{{".
 */
enum recipe_filter { RF_NONE, RF_HOST, RF_DATE, RF_LOWER, RF_UPPER, RF_DIGITS };
struct recipe_part {
	char *literal;			/* NULL: a name */
	char name[RECIPE_NAME_MAX];
	enum recipe_filter filter;
	char *format;			/* of date: %Y %m %d %y and punctuation */
	bool quoted;			/* JSON body: stands within a string */
};
struct recipe_template { struct recipe_part *parts; size_t n; };
int recipe_template_parse(const char *, bool json, struct recipe_template *, struct err *);
void recipe_template_free(struct recipe_template *);

/* Patterns: POSIX extended, with named groups "(?<name>…)"; no back references, no \d and its like. */
struct recipe_regex {
	regex_t re;
	size_t ngroups;
	char names[RECIPE_GROUPS_MAX + 1][RECIPE_NAME_MAX];	/* by number; "" unnamed */
};
int recipe_regex_open(const char *pattern, struct recipe_regex **, struct err *);
void recipe_regex_free(struct recipe_regex *);
/* at: RECIPE_GROUPS_MAX + 1 places, [0] the whole; rm_so -1 where a group took no part. */
bool recipe_regex_match(const struct recipe_regex *, const char *text, regmatch_t *at);

/* Does a <match> take this link? value (where not NULL) is called with what each named group took. */
int recipe_takes(const struct recipe *, const char *link, bool *takes,
    int (*value)(void *arg, const char *name, const char *text, size_t len, struct err *), void *arg, struct err *);
/* The first recipe of the folders, in their order and by name within each, that takes the link; *out NULL: none.
 * probed: "dlx", "dicomweb" or "" as the look found. A folder that is not there is passed over; a broken recipe is
 * an error only where it stands before one that fits. */
int recipe_find(const char *const *dirs, size_t ndirs, const char *link, const char *probed, struct recipe **out,
    struct err *);

#endif
