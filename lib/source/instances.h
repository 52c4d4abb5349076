/*
 * The objects of one study: those that a portal lists, and those that came.
 * Known by SOP Instance UID; each counts once. Private to lib/source.
 */
#ifndef MRI_SOURCE_INSTANCES_H
#define MRI_SOURCE_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#define INSTANCES_MAX	100000	/* of one study; the largest have some ten thousand */
#define INSTANCE_UID	65	/* PS3.5 9.1, with NUL */

struct instance {
	char uid[INSTANCE_UID];
	char series[INSTANCE_UID];	/* "" not said */
	char *url;			/* where it is, NULL: by its UIDs */
	bool listed;			/* the portal says that it has it */
	bool got;
	bool gone;			/* asked for, and refused for good */
};

struct instances {
	struct instance *v; size_t n, cap;
	size_t *slots, nslots;		/* open addressing; 0 empty, else index + 1 */
	size_t listed, got;		/* got: listed or not */
	size_t listed_got;
};

/* The one with this UID, made where it is new; *is_new may be NULL. ERR_PROTOCOL beyond INSTANCES_MAX. */
int instances_add(struct instances *, const char *uid, struct instance **, bool *is_new, struct err *);
struct instance *instances_find(const struct instances *, const char *uid);
void instances_list(struct instances *, struct instance *);	/* marks it as listed */
void instances_got(struct instances *, struct instance *);
void instances_forget(struct instances *);	/* nothing came: a new beginning with the same list */
void instances_free(struct instances *);

/* SOP Instance UID of a DICOM file, from its meta header (PS3.10 7.1, (0002,0003)), within the first n bytes.
 * False where there is none. */
bool instance_uid(const void *head, size_t n, char uid[INSTANCE_UID]);

#endif
