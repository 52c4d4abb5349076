/* Shared by map*.c. */
#ifndef MRI_RECONCILE_MAP_IMPL_H
#define MRI_RECONCILE_MAP_IMPL_H

#include "reconcile/map.h"

struct map { json_t *rules; size_t patterns; };

struct compile {
	struct map *map;
	const char *name;	/* of the file, printable */
	const char *base;	/* without folders, for the plan */
	unsigned line;
	map_fault_fn *fn; void *arg;
	size_t faults;
	json_t *only;		/* conditions on the object of this section, or NULL */
	json_t *of;		/* on order and source, or NULL */
	json_t *seen;		/* what was said where */
	struct err err;		/* no memory: RC_RETRY ends it */
};

struct target {
	uint32_t tag;		/* top level; private: (gggg,00ee) */
	struct edit_step path[PLAN_PATH_MAX]; size_t depth;
	uint32_t leaf;		/* depth 0: the tag */
	char vr[3];
	char creator[65];	/* "": not private */
	char text[PLAN_PATH_MAX * 80 + 80];	/* as keywords */
	char path_text[PLAN_PATH_MAX * 20 + 12];	/* as the plan has it; "" without a path */
};

/* "FILE:LINE: what: why"; advice NULL: none. */
void map_fault(struct compile *, const char *advice, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
char *map_blanks(char *);	/* past blanks */
/* What is unknown, with the nearest known one. */
void map_unknown(struct compile *, const char *what, const char *word, const char *nearest);
/* Reads a target at *at. false: it was told what is wrong. */
bool map_target(struct compile *, char **at, struct target *);
/* "[when …]", the brackets cut off. */
void map_section(struct compile *, char *);
void map_line(struct compile *, char *);
/* Cuts "text/" at *at in place; *at goes past the delimiter. One that is meant itself follows a backslash. NULL: it has
 * no end. */
char *map_delimited(char **at, char delimiter);

/* Fields of the order that a template can name. */
bool map_field_known(const char *name);
const char *map_field_nearest(const char *name);

#endif
