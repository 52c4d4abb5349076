/* The index of a medium, compared, as JSON: what mri-unpack keeps of it and mri-check judges. */
#include "media/listing.h"

static int append(json_t *array, json_t *j, struct err *err)
{
	if (!j)
		return err_rc(err->kind);
	return json_array_append_new(array, j) == 0 ? RC_OK : err_set(err, ERR_TEMP, "no memory for a medium's index");
}

static int patients(const struct listing *l, json_t *array, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < l->npatients; i++)
		rc = append(array, json_make(err, "{s:s,s:s,s:s}", "name", l->patients[i].name, "id",
		    l->patients[i].id, "birth_date", l->patients[i].birth), err);
	return rc;
}

static int studies(const struct listing *l, json_t *array, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < l->nstudies; i++) {
		const struct listing_study *s = &l->studies[i];

		rc = append(array, json_make(err, "{s:s,s:s*,s:s*,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "study_uid",
		    s->uid, "date", s->date[0] ? s->date : NULL, "accession", s->accession, "patient", s->patient,
		    "series", (json_int_t)s->series, "instances", (json_int_t)s->instances, "here",
		    (json_int_t)s->here, "moved", (json_int_t)s->moved, "absent", (json_int_t)s->absent,
		    "set_aside", (json_int_t)s->aside, "other", (json_int_t)s->other, "unlisted",
		    (json_int_t)s->unlisted), err);
	}
	return rc;
}

static int differing(const struct listing *l, json_t *array, long long counts[LISTED_HASH + 1], struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < l->nfiles; i++) {
		const struct listing_file *f = &l->files[i];

		counts[f->state] += f->study < 0 || l->kind == LISTING_XDM;
		if (f->state == LISTED_HERE || json_array_size(array) == LISTING_DIFFERS_MAX)
			continue;
		rc = append(array, json_make(err, "{s:s,s:s*,s:i,s:s}", "name", f->path, "sop_uid",
		    f->sop_uid[0] ? f->sop_uid : NULL, "study", f->study, "state", listing_state_name(f->state)), err);
	}
	return rc;
}

json_t *listing_record(const struct listing *l, int package, long long member, struct err *err)
{
	json_t *p = json_array(), *s = json_array(), *d = json_array(), *out = NULL;
	long long c[LISTED_HASH + 1] = { 0 };	/* files that it ties to no study */
	int rc = p && s && d ? RC_OK : err_set(err, ERR_TEMP, "no memory for a medium's index");

	if (rc == RC_OK)
		rc = patients(l, p, err);
	if (rc == RC_OK)
		rc = studies(l, s, err);
	if (rc == RC_OK)
		rc = differing(l, d, c, err);
	if (rc == RC_OK)
		out = json_make(err, "{s:i,s:I,s:s,s:s*,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I},s:O,s:O,s:O}", "package",
		    package, "member", (json_int_t)member, "index", listing_name(l->kind), "broken", l->broken, "listed",
		    (json_int_t)l->nfiles, "unlisted", (json_int_t)l->unlisted, "no_study", "here",
		    (json_int_t)c[LISTED_HERE], "moved", (json_int_t)c[LISTED_MOVED], "absent",
		    (json_int_t)c[LISTED_ABSENT], "set_aside", (json_int_t)c[LISTED_ASIDE], "other",
		    (json_int_t)c[LISTED_OTHER], "size", (json_int_t)c[LISTED_SIZE], "hash",
		    (json_int_t)c[LISTED_HASH], "patients", p, "studies", s, "differing", d);
	json_decref(p);
	json_decref(s);
	json_decref(d);
	return out;
}
