#include "stage/check_others.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define INDEXES_MAX 64 /* each is compared with all files of the folder */

struct check_other {
	size_t file;
	enum other what;
	struct listing *listing; /* of an index */
};

int
check_others_add(struct check_others *o, size_t file, struct err *err)
{
	if (o->n == o->cap) {
		size_t cap = o->cap * 2 + 64;
		struct check_other *grown = realloc(o->v, cap * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ERR_TEMP, "no memory");
		o->v = grown;
		o->cap = cap;
	}
	o->v[o->n++] = (struct check_other){ .file = file, .what = OTHER_UNREAD };
	return RC_OK;
}

static int
look_at(struct check_other *x, struct check_pool *pool, int fd, struct err *err)
{
	struct listing l = { 0 };
	int rc = check_pool_index(pool, fd, &x->what, &l, err);

	if (rc == RC_OK && x->what == OTHER_INDEX) {
		if ((x->listing = malloc(sizeof l)) != NULL) {
			*x->listing = l;
			return RC_OK;
		}
		rc = err_set(err, ERR_TEMP, "no memory for a medium's index");
	}
	listing_free(&l);
	return rc;
}

int
check_others_look(struct check_others *o, struct check_pool *pool, check_open_fn *open_fn, void *arg, struct err *err)
{
	size_t listed = 0;
	int rc = RC_OK;

	for (size_t i = 0; i < o->n && rc == RC_OK; i++) {
		struct check_other *x = &o->v[i];
		struct age_key key;
		struct err unread = { 0 };
		int fd = -1;
		if (cli_stopped())
			return err_set(err, ERR_TEMP, "stopped");
		if (open_fn(arg, x->file, &fd, &key, &unread) == RC_OK)
			rc = look_at(x, pool, fd, err);
		o->foreign += x->what == OTHER_FOREIGN;
		o->unread += x->what == OTHER_UNREAD;
		o->indexes += x->what == OTHER_INDEX;
		listed += x->listing != NULL ? x->listing->nfiles : 0;
		if (rc == RC_OK && (o->indexes > INDEXES_MAX || listed > LISTING_RUN_MAX))
			rc = err_set(err, ERR_DATA, "more than %d DICOMDIRs, or they list more than %d files: check each "
			    "medium for itself", INDEXES_MAX, LISTING_RUN_MAX);
	}
	return rc;
}

/* What lies in the folder, named as an index would name it. Both lists are the caller's to free. */
static int
found_all(const struct check_others *o, const struct folder *folder, const struct check_facts *f, const bool *twin,
    struct listing_found **out, char (**names)[LISTING_TEXT], struct err *err)
{
	size_t n = f->nobjects + o->n;
	struct listing_found *v = calloc(n + 1, sizeof *v);
	char(*text)[LISTING_TEXT] = calloc(n + 1, sizeof *text);

	*out = v;
	*names = text;
	if (v == NULL || text == NULL)
		return err_set(err, ERR_TEMP, "no memory to compare a medium with its index");
	for (size_t i = 0; i < n; i++) {
		size_t file = 0;
		const char *name = NULL;
		if (i < f->nobjects) {
			v[i].kind = FOUND_OBJECT;
			v[i].beside = twin[i];
			v[i].sop_uid = f->objects[i].sop_uid;
			v[i].study_uid = f->objects[i].study_uid;
			file = (size_t)f->objects[i].n - 1;
		} else {
			v[i].kind = FOUND_ASIDE;
			v[i].beside = o->v[i - f->nobjects].what != OTHER_UNREAD;
			file = o->v[i - f->nobjects].file;
		}
		v[i].bytes = -1; /* a DICOMDIR gives none */
		name = folder_name(folder, file);
		v[i].path = text_escape(text[i], LISTING_TEXT, name, strlen(name));
	}
	return RC_OK;
}

static int
compare(struct check_others *o, const struct check_other *x, const char *path, const struct listing_found *found,
    size_t n, struct err *err)
{
	char folder[LISTING_TEXT];
	json_t *record = NULL;
	int rc = RC_OK;

	listing_folder(path, folder);
	rc = listing_compare(x->listing, folder, found, n, err);
	if (rc != RC_OK)
		return rc;
	if ((record = listing_record(x->listing, 0, (long long)x->file + 1, err)) == NULL)
		return err_rc(err->kind);
	return json_array_append_new(o->media, record) == 0 ? RC_OK
							    : err_set(err, ERR_TEMP, "no memory for a medium's index");
}

int
check_others_compare(struct check_others *o, const struct folder *folder, const struct check_facts *objects,
    const bool *twin, struct err *err)
{
	struct listing_found *found = NULL;
	char(*names)[LISTING_TEXT] = NULL;
	int rc = RC_OK;

	if ((o->media = json_array()) == NULL)
		return err_set(err, ERR_TEMP, "no memory for a medium's index");
	if (o->indexes == 0)
		return RC_OK;
	rc = found_all(o, folder, objects, twin, &found, &names, err);
	for (size_t i = 0; i < o->n && rc == RC_OK; i++)
		if (o->v[i].listing != NULL)
			rc = compare(
			    o, &o->v[i], found[objects->nobjects + i].path, found, objects->nobjects + o->n, err);
	free(found);
	free(names);
	return rc;
}

void
check_others_free(struct check_others *o)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->v[i].listing != NULL)
			listing_free(o->v[i].listing);
		free(o->v[i].listing);
	}
	free(o->v);
	json_decref(o->media);
}
