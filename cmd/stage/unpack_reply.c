/* What a worker of mri-unpack answers: one message of JSON, of which the parent believes little (unpack_answer.c). */
#include "base/json.h"
#include "stage/listing_wire.h"
#include "stage/unpack_side.h"

int side_reply(struct unpack_side *sd, json_t *j, struct err *err)
{
	struct buf b = BUF_INIT(CHAN_MSG_MAX);
	int rc = RC_OK;

	if (!j)
		return err_rc(err->kind);
	rc = json_write(j, &b, err);
	if (rc == RC_OK)
		rc = chan_send(sd->chan, b.data, b.len, NULL, 0, err);
	buf_free(&b);
	json_decref(j);
	return rc;
}

int side_reply_error(struct unpack_side *sd, const struct err *what)
{
	struct err err = { 0 };

	return side_reply(sd, json_make(&err, "{s:i,s:s}", "error", (int)what->kind, "text", what->text), &err);
}

int side_reply_member(struct unpack_side *sd, uint32_t i, const struct judgement *j)
{
	struct err err = { 0 };
	json_t *o = json_make(&err, "{s:I,s:I,s:i,s:i,s:b,s:s,s:s,s:s}", "i", (json_int_t)i, "bytes",
	    (json_int_t)j->bytes, "media", (int)j->media, "fate", (int)j->fate, "data", j->data, "label", j->label,
	    "reason", j->reason, "sha256", j->sha256);

	if (o && j->fate == FATE_OBJECT) {
		json_t *d = json_make(&err, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}",
		    "class", j->sop_class, "sop", j->sop_uid, "study", j->study_uid, "series", j->series_uid,
		    "syntax", j->transfer_syntax, "modality", j->modality, "date", j->study_date, "description",
		    j->description, "name", j->name, "id", j->id, "issuer", j->issuer, "birth", j->birth, "sex",
		    j->sex, "number", (json_int_t)j->number);

		if (!d || json_object_set_new(o, "dicom", d) != 0) {
			json_decref(o);
			return err_set(&err, ERR_TEMP, "no memory");
		}
	}
	if (o && (j->sha1[0] || j->uids[0]) && (json_object_set_new(o, "sha1", json_string(j->sha1)) != 0 ||
	    json_object_set_new(o, "uids", json_string(j->uids)) != 0)) {
		json_decref(o);
		return err_set(&err, ERR_TEMP, "no memory");
	}
	if (o && j->listing.len && json_object_set_new(o, "listing", json_integer((json_int_t)j->listing.len)) != 0) {
		json_decref(o);
		return err_set(&err, ERR_TEMP, "no memory");
	}
	int rc = side_reply(sd, o, &err);

	return rc == RC_OK ? listing_send(sd->chan, &j->listing, &err) : rc;
}
