/* consistent: every text of an object against the character set that holds for it. */
#include <stdlib.h>

#include "check/rules.h"
#include "dicom/charset.h"
#include "dicom/texts.h"

#define GROWTH 4 /* bytes of UTF-8 that a byte makes at most */

static int
judge(const struct text *t, void *arg, struct err *err)
{
	struct check_object *o = arg;
	struct err why = { 0 };
	size_t len = 0, cap = t->n * GROWTH + 1;
	char *out = NULL;
	int rc = RC_OK;

	if (charset_ascii(t->bytes, t->n))
		return RC_OK;
	if (charset_known(t->declared, &why) != RC_OK) {
		o->points |= (uint32_t)1 << POINT_CHARSET_UNKNOWN;
		return RC_OK;
	}
	out = malloc(cap);
	if (out == NULL)
		return err_set(err, ERR_TEMP, "no memory for a text");
	rc = charset_read(t->declared, t->vr, t->bytes, t->n, out, cap, &len, &why);
	free(out);
	if (rc == RC_OK)
		return RC_OK;
	if ((o->points & (uint32_t)1 << POINT_CHARSET) == 0) {
		o->charset_tag = t->tag;
		o->charset_nested = t->nested;
	}
	o->points |= (uint32_t)1 << POINT_CHARSET;
	return RC_OK;
}

void
texts_object(const struct object *d, struct check_object *o)
{
	struct err err = { 0 };

	/* The walk has passed; what fails now (memory, the disk) says nothing of the character set. */
	(void)texts_each(d, judge, o, &err);
}
