/*
 * consistent: UIDs, meta header against data set, character set against
 * bytes, what an object must have (required.c), and the same SOP Instance UID
 * twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"

static void
mark(struct check_object *o, enum check_point p)
{
	o->points |= (uint32_t)1 << p;
}

static bool
meta_agrees(const struct object *d, uint32_t tag, const char *uid)
{
	char raw[129];
	struct err err = { 0 };
	bool found = false;

	return walk_text(d, tag, raw, sizeof raw, &found, &err) != RC_OK || !found ||
	    strcmp(raw, uid) == 0;
}

/* The walk believes the bytes where the meta header says another form; not every reader does. */
static bool
form_agrees(const struct object *d)
{
	const char *ts = d->transfer_syntax;
	const struct element *pixels = walk_find(d, TAG_PIXEL_DATA);
	enum walk_form says = strcmp(ts, "1.2.840.10008.1.2") == 0 ? WALK_IMPLICIT_LE
	    : strcmp(ts, "1.2.840.10008.1.2.2") == 0		   ? WALK_EXPLICIT_BE
								   : WALK_EXPLICIT_LE;

	return d->form == says &&
	    (pixels == NULL || pixels->length == 0 || (pixels->length == WALK_UNDEFINED) == d->encapsulated);
}

void
consistent_object(const struct object *d, struct check_object *o)
{
	const char *uids[] = { o->sop_class, o->sop_uid, o->study_uid, o->series_uid };
	static const uint32_t tags[] = { TAG(0x0008, 0x0016), TAG(0x0008, 0x0018), TAG(0x0020, 0x000d),
		TAG(0x0020, 0x000e) };
	const struct element *study_id = walk_find(d, TAG(0x0020, 0x0010));

	for (size_t i = 0; i < 4; i++) {
		const struct element *e = walk_find(d, tags[i]);
		if (e != NULL && e->length > 0 && !text_is_uid(uids[i])) /* none at all is required_object()'s to tell */
			mark(o, POINT_BAD_UID);
	}
	required_object(d, o);
	if (!meta_agrees(d, TAG(0x0002, 0x0002), o->sop_class) ||
	    !meta_agrees(d, TAG(0x0002, 0x0003), o->sop_uid) || !form_agrees(d))
		mark(o, POINT_META_DIFFERS);
	if (*o->modality == '\0')
		mark(o, POINT_NO_MODALITY);
	if (study_id == NULL || study_id->length == 0)
		mark(o, POINT_NO_STUDY_ID);
}

static int
by_uid(const void *a, const void *b)
{
	const struct check_object *const *x = a, *const *y = b;
	int d = strcmp((*x)->sop_uid, (*y)->sop_uid);

	return d != 0 ? d : ((*x)->n > (*y)->n) - ((*x)->n < (*y)->n);
}

static int
judge_twins(const struct check_study *s, struct check_report *rep, struct err *err)
{
	const struct check_object **v = NULL;
	size_t same = 0, other = 0;

	if (s->nobjects < 2)
		return RC_OK;
	v = calloc(s->nobjects, sizeof *v);
	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory to sort %zu objects", s->nobjects);
	for (size_t i = 0; i < s->nobjects; i++)
		v[i] = &s->objects[i];
	qsort(v, s->nobjects, sizeof *v, by_uid);
	for (size_t i = 1; i < s->nobjects; i++) {
		if (*v[i]->sop_uid == '\0' || strcmp(v[i]->sop_uid, v[i - 1]->sop_uid) != 0)
			continue;
		if (*v[i]->sha256 != '\0' && strcmp(v[i]->sha256, v[i - 1]->sha256) == 0)
			same++;
		else
			other++;
	}
	free(v);
	if (other > 0)
		check_say(rep, POINT_CONFLICT,
		    "%zu objects have the SOP Instance UID of another one and other bytes", other);
	if (same > 0)
		check_say(rep, POINT_DUPLICATE, "%zu objects are there twice", same);
	return RC_OK;
}

static void
tell_charset(const struct check_study *s, struct check_report *rep)
{
	check_say_objects(rep, s, POINT_CHARSET, "bytes that contradict the character set");
	for (size_t i = 0; i < s->nobjects; i++) {
		const struct check_object *o = &s->objects[i];
		if ((o->points & (uint32_t)1 << POINT_CHARSET) == 0 || o->charset_tag == 0)
			continue;
		check_say(rep, POINT_CHARSET, "original/%05d: (%04x,%04x)%s", o->n, o->charset_tag >> 16,
		    o->charset_tag & 0xffff, o->charset_nested ? " in a sequence" : "");
		return;
	}
}

int
rule_consistent(const struct check_study *s, struct check_report *rep, struct err *err)
{
	int rc = RC_OK;

	if (s->papers) {
		check_pass(rep, CHECK_CONSISTENT, "papers have no objects");
		return RC_OK;
	}
	if ((rc = judge_twins(s, rep, err)) != RC_OK)
		return rc;
	check_say_objects(rep, s, POINT_BAD_UID, "UID that is none (PS3.5 9.1)");
	required_tell(s, rep);
	tell_charset(s, rep);
	check_say_objects(
	    rep, s, POINT_CHARSET_UNKNOWN, "character set that this version does not convert");
	check_say_objects(rep, s, POINT_OTHER_STUDY, "Study Instance UID of another study");
	check_say_objects(rep, s, POINT_META_DIFFERS, "meta header and data set name different UIDs or another encoding");
	check_say_objects(rep, s, POINT_NO_MODALITY, "no Modality");
	check_say_objects(rep, s, POINT_NO_STUDY_ID, "no Study ID");
	check_pass(rep, CHECK_CONSISTENT, "UIDs, headers and character sets agree");
	return RC_OK;
}
