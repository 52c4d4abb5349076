/* What one original says, read in the jail. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/kind.h"

#define RAW_MAX 1024 /* bytes of one text attribute of the patient */

static void
mark(struct check_object *o, enum check_point p)
{
	o->points |= (uint32_t)1 << p;
}

/* A text in UTF-8. What cannot be converted is "", with the point that says why. */
static void
take_text(const struct object *d, const char *charset, uint32_t tag, char *to, size_t cap,
    struct check_object *o)
{
	char raw[RAW_MAX];
	struct err err = { 0 };

	*to = '\0';
	if (walk_text(d, tag, raw, sizeof raw, NULL, &err) != RC_OK) {
		mark(o, POINT_TYPE1); /* longer than any VR allows */
		return;
	}
	/* bytes that contradict the set, and sets that there are not, are texts_object()'s to tell */
	charset_value(charset, dict_by_tag(tag)->vr, raw, strlen(raw), to, cap);
}

/* ASCII by VR (UI, CS, DA): other bytes are as bad as none. */
static void
take_code(const struct object *d, uint32_t tag, char *to, size_t cap)
{
	char raw[RAW_MAX];
	struct err err = { 0 };

	*to = '\0';
	if (walk_text(d, tag, raw, sizeof raw, NULL, &err) != RC_OK || !charset_ascii(raw, strlen(raw)))
		return;
	text_copy(to, cap, raw);
}

static void
append_name(char *to, size_t cap, const char *name)
{
	size_t n = strlen(to);

	if (*name == '\0' || n + strlen(name) + 2 > cap)
		return;
	if (n > 0)
		to[n++] = '\\';
	text_copy(to + n, cap - n, name);
}

static void
read_identity(const struct object *d, struct check_object *o, struct check_identity *id)
{
	char charset[CHARSET_DECLARED_MAX], name[CHECK_TEXT_MAX];
	struct err err = { 0 };

	if (walk_text(d, TAG(0x0008, 0x0005), charset, sizeof charset, NULL, &err) != RC_OK)
		text_copy(charset, sizeof charset, "too long");
	take_text(d, charset, TAG(0x0010, 0x0010), id->name, sizeof id->name, o);
	take_text(d, charset, TAG(0x0010, 0x0020), id->id, sizeof id->id, o);
	take_text(d, charset, TAG(0x0010, 0x0021), id->issuer, sizeof id->issuer, o);
	take_code(d, TAG(0x0010, 0x0030), id->birth_date, sizeof id->birth_date);
	take_code(d, TAG(0x0010, 0x0040), id->sex, sizeof id->sex);
	take_text(d, charset, TAG(0x0010, 0x1005), name, sizeof name, o); /* birth name */
	append_name(id->other_names, sizeof id->other_names, name);
	take_text(d, charset, TAG(0x0010, 0x1001), name, sizeof name, o); /* other names */
	append_name(id->other_names, sizeof id->other_names, name);
	object_other_ids(d, charset, id->other_ids, sizeof id->other_ids);
	/* further texts that retag may have to convert */
	take_text(d, charset, TAG(0x0008, 0x1030), name, sizeof name, o);
	take_text(d, charset, TAG(0x0008, 0x103e), name, sizeof name, o);
	take_text(d, charset, TAG(0x0008, 0x0080), name, sizeof name, o);
	take_text(d, charset, TAG(0x0008, 0x0090), name, sizeof name, o);
}

int
check_object_read(
    struct stream *s, bool deep, struct check_object *o, struct check_identity *id, struct err *err)
{
	struct object *d = NULL;
	struct err e = { 0 };
	bool found = false;
	int rc = RC_OK;

	memset(o, 0, sizeof *o);
	memset(id, 0, sizeof *id);
	o->number = -1;
	o->frames = 1;
	o->identity = -1;
	rc = walk_open(&d, s, &e);
	if (rc != RC_OK) {
		if (e.kind != ERR_DATA && e.kind != ERR_NOINPUT) {
			*err = e;
			return rc;
		}
		mark(o, POINT_BROKEN);
		text_copy(o->why, sizeof o->why, e.text);
		return RC_OK;
	}
	if (kind_is_worklist(d)) {
		mark(o, POINT_BROKEN);
		text_copy(o->why, sizeof o->why, "an entry of a worklist, which is no object");
		walk_close(d);
		return RC_OK;
	}
	take_code(d, TAG(0x0008, 0x0016), o->sop_class, sizeof o->sop_class);
	take_code(d, TAG(0x0008, 0x0018), o->sop_uid, sizeof o->sop_uid);
	take_code(d, TAG(0x0008, 0x0020), o->study_date, sizeof o->study_date);
	take_code(d, TAG(0x0008, 0x0060), o->modality, sizeof o->modality);
	take_code(d, TAG(0x0020, 0x000d), o->study_uid, sizeof o->study_uid);
	take_code(d, TAG(0x0020, 0x000e), o->series_uid, sizeof o->series_uid);
	if (walk_number(d, TAG(0x0020, 0x0013), &o->number, &found, &e) != RC_OK || !found)
		o->number = -1;
	if (walk_number(d, TAG(0x0028, 0x0008), &o->frames, &found, &e) != RC_OK || !found ||
	    o->frames < 1)
		o->frames = 1;
	read_identity(d, o, id);
	readable_object(d, o);
	consistent_object(d, o);
	texts_object(d, o);
	if (deep)
		frames_object(d, o);
	walk_close(d);
	return RC_OK;
}

int
check_object_write(
    const struct check_object *o, const struct check_identity *id, struct buf *out, struct err *err)
{
	json_t *doc = json_make(err,
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:I, s:s, s:s, s:s, s:s, s:s, s:s, "
	    "s:s, s:s}",
	    "class", o->sop_class, "instance", o->sop_uid, "series", o->series_uid, "study", o->study_uid,
	    "date", o->study_date, "modality", o->modality, "number", (json_int_t)o->number, "frames",
	    (json_int_t)o->frames, "decoded", (json_int_t)o->decoded, "charset_tag",
	    (json_int_t)o->charset_tag, "charset_nested", o->charset_nested, "type1_tag",
	    (json_int_t)o->type1_tag, "type2_tag", (json_int_t)o->type2_tag, "image", o->image, "points",
	    (json_int_t)o->points, "why", o->why,
	    "name", id->name, "id", id->id, "issuer", id->issuer, "birth_date", id->birth_date, "sex",
	    id->sex, "other_names", id->other_names, "other_ids", id->other_ids);
	int rc = RC_OK;

	if (doc == NULL)
		return err_rc(err->kind);
	rc = json_write(doc, out, err);
	json_decref(doc);
	return rc;
}

static int
get_text(const json_t *doc, const char *key, char *to, size_t cap, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(doc, "facts of an object", key, &s, err);

	if (rc == RC_OK && s != NULL && !text_copy(to, cap, s))
		rc = err_set(err, ERR_DATA, "facts of an object: %s is too long", key);
	return rc;
}

static int
get_tag(const json_t *doc, const char *key, uint32_t *to, struct err *err)
{
	long long tag = 0;
	int rc = json_get_int(doc, "facts of an object", key, 0, &tag, err);

	if (rc == RC_OK && (tag < 0 || tag > UINT32_MAX))
		rc = err_set(err, ERR_DATA, "facts of an object: a tag out of range");
	if (rc == RC_OK)
		*to = (uint32_t)tag;
	return rc;
}

int
check_object_parse(
    const char *line, size_t n, struct check_object *o, struct check_identity *id, struct err *err)
{
	static const char where[] = "facts of an object";
	json_t *doc = NULL;
	long long points = 0;
	int rc = RC_OK;

	memset(o, 0, sizeof *o);
	memset(id, 0, sizeof *id);
	o->identity = -1;
	if ((rc = json_parse(line, n, &doc, err)) != RC_OK)
		return rc;
	if ((rc = get_text(doc, "class", o->sop_class, sizeof o->sop_class, err)) != RC_OK ||
	    (rc = get_text(doc, "instance", o->sop_uid, sizeof o->sop_uid, err)) != RC_OK ||
	    (rc = get_text(doc, "series", o->series_uid, sizeof o->series_uid, err)) != RC_OK ||
	    (rc = get_text(doc, "study", o->study_uid, sizeof o->study_uid, err)) != RC_OK ||
	    (rc = get_text(doc, "date", o->study_date, sizeof o->study_date, err)) != RC_OK ||
	    (rc = get_text(doc, "modality", o->modality, sizeof o->modality, err)) != RC_OK ||
	    (rc = json_get_int(doc, where, "number", -1, &o->number, err)) != RC_OK ||
	    (rc = json_get_int(doc, where, "frames", 1, &o->frames, err)) != RC_OK ||
	    (rc = json_get_int(doc, where, "decoded", 0, &o->decoded, err)) != RC_OK ||
	    (rc = get_tag(doc, "charset_tag", &o->charset_tag, err)) != RC_OK ||
	    (rc = json_get_bool(doc, where, "charset_nested", false, &o->charset_nested, err)) != RC_OK ||
	    (rc = get_tag(doc, "type1_tag", &o->type1_tag, err)) != RC_OK ||
	    (rc = get_tag(doc, "type2_tag", &o->type2_tag, err)) != RC_OK ||
	    (rc = json_get_bool(doc, where, "image", false, &o->image, err)) != RC_OK ||
	    (rc = json_get_int(doc, where, "points", 0, &points, err)) != RC_OK ||
	    (rc = get_text(doc, "why", o->why, sizeof o->why, err)) != RC_OK ||
	    (rc = get_text(doc, "name", id->name, sizeof id->name, err)) != RC_OK ||
	    (rc = get_text(doc, "id", id->id, sizeof id->id, err)) != RC_OK ||
	    (rc = get_text(doc, "issuer", id->issuer, sizeof id->issuer, err)) != RC_OK ||
	    (rc = get_text(doc, "birth_date", id->birth_date, sizeof id->birth_date, err)) != RC_OK ||
	    (rc = get_text(doc, "sex", id->sex, sizeof id->sex, err)) != RC_OK ||
	    (rc = get_text(doc, "other_names", id->other_names, sizeof id->other_names, err)) != RC_OK ||
	    (rc = get_text(doc, "other_ids", id->other_ids, sizeof id->other_ids, err)) != RC_OK)
		goto out;
	if (points < 0 || points >= (1LL << (POINT_OBJECT_LAST + 1))) {
		rc = err_set(err, ERR_DATA, "%s: points out of range", where);
		goto out;
	}
	o->points = (uint32_t)points;
out:
	json_decref(doc);
	return rc;
}
