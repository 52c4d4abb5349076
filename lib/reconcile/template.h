/*
 * Texts of a map (mri-map(5)) in which something is filled in: {patient.id} of the order, {StationName} of the
 * object; {{ and }} are braces. In the new text of an edit also & and \0 (all that was found), \1 to \9 (a group),
 * \& and \\ for the characters themselves. One reader for all who look at them: the compiler, who checks; the plan,
 * in which the order is filled in; the worker, who has the object.
 */
#ifndef MRI_RECONCILE_TEMPLATE_H
#define MRI_RECONCILE_TEMPLATE_H

#include <stdbool.h>
#include "base/buf.h"

#define TEMPLATE_NAME_MAX	80	/* keywords have up to 64 characters */

struct template_use {
	int (*literal)(void *arg, const char *, size_t, struct buf *, struct err *);	/* NULL: appended as it is */
	int (*hole)(void *arg, const char *name, struct buf *, struct err *);
	int (*group)(void *arg, unsigned, struct buf *, struct err *);	/* NULL: not an edit */
	void *arg;
};

/* Appends. ERR_CONFIG: a brace or a backslash that is none of these. */
int template_expand(const char *, const struct template_use *, struct buf *, struct err *);
/* Appends literal text so that it is read as itself. */
int template_escape(const char *, size_t, bool edit, struct buf *, struct err *);

#endif
