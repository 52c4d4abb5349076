#include "dicom/kind.h"

#include <string.h>

#define UID_WORKLIST	"1.2.840.10008.5.1.4.31"	/* Modality Worklist Information Model - FIND */

/* A value that is there but no UID is one all the same: then it is a broken object, and no worklist. */
static bool is_named(const struct object *o, uint32_t tag, char uid[65])
{
	struct err err = { 0 };

	return walk_text(o, tag, uid, 65, NULL, &err) != RC_OK || uid[0] != '\0';
}

bool kind_is_worklist(const struct object *o)
{
	char sop_class[65] = "", sop_uid[65] = "";

	if (!walk_find(o, TAG(0x0040, 0x0100)))
		return false;
	for (size_t i = 0; i < o->ntop; i++)
		if (TAG_GROUP(o->top[i].tag) == TAG_GROUP(TAG_PIXEL_DATA))
			return false;
	if (is_named(o, TAG(0x0008, 0x0016), sop_class))
		return !strcmp(sop_class, UID_WORKLIST);
	return !is_named(o, TAG(0x0008, 0x0018), sop_uid);
}
