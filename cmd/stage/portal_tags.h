/* Which elements the objects of an item have, without a value of one: read by a jailed worker. */
#ifndef MRI_STAGE_PORTAL_TAGS_H
#define MRI_STAGE_PORTAL_TAGS_H

#include "base/json.h"
#include "spool/item.h"
#include "sys/jail.h"

#define TAGS_OBJECTS_MAX	500	/* of one item that are looked at: the rest is like them */

/* {"item":…,"objects":n,"looked_at":n,"unreadable":n,"tags":[{"tag":"00100010","vr":"PN","keyword":…,"objects":n,
 * "empty":n}…]}; new reference. Top level and meta group. */
int portal_tags(struct item_dir *, const int *numbers, size_t n, enum jail_mode, json_t **, struct err *);

#endif
