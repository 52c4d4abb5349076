/* What media say of themselves: taken from the workers, held against what is there, recorded. It judges nothing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "stage/listing_wire.h"
#include "stage/unpack_impl.h"

int unpack_medium_take(struct unpack_run *run, struct unpack_file *f, struct chan *chan, const json_t *j,
    struct err *err)
{
	struct listing *l = NULL;
	const char *sha1 = NULL, *uids = NULL;
	long long bytes = 0;
	int rc = json_get_int(j, "answer", "listing", 0, &bytes, err);

	if (rc == RC_OK)
		rc = json_get_str(j, "answer", "sha1", &sha1, err);
	if (rc == RC_OK)
		rc = json_get_str(j, "answer", "uids", &uids, err);
	if (rc == RC_OK && uids && uids[0] && !f->uids && !(f->uids = text_dup(uids, err)))
		rc = err_rc(err->kind);
	if (rc == RC_OK && sha1)
		text_copy(f->sha1, sizeof f->sha1, sha1);

	if (rc != RC_OK || !bytes)
		return rc;
	if (bytes < 0 || (size_t)bytes > LISTING_BYTES_MAX || f->listing)
		return err_set(err, ERR_INTERNAL, "a worker's answer is out of bounds");
	if (!(l = calloc(1, sizeof *l)))
		return err_set(err, ERR_TEMP, "no memory for a medium's index");
	f->listing = l;
	rc = listing_receive(chan, (size_t)bytes, l, err);
	if (rc == RC_OK && l->nfiles > LISTING_RUN_MAX - run->listed) {
		enum listing_kind kind = l->kind;

		listing_free(l);
		listing_init(l, kind);
		rc = listing_broken(l, err, "the media of this import list more than %d files", LISTING_RUN_MAX);
	}
	if (rc == RC_OK)
		run->listed += l->nfiles;
	return rc;
}

void unpack_medium_free(struct unpack_file *f)
{
	free(f->uids);
	f->uids = NULL;
	if (f->listing)
		listing_free(f->listing);
	free(f->listing);
	f->listing = NULL;
}

static struct listing_found found_of(const struct unpack_file *f, bool mine)
{
	struct listing_found x = { .path = mine ? f->label : NULL, .bytes = (long long)f->bytes, .kind = FOUND_ASIDE,
	    .sha1 = f->sha1 };

	x.beside = !mine || f->fate == FATE_DUPLICATE || (f->fate == FATE_ASIDE && !f->data);
	if (f->facts) {
		x.sop_uid = f->facts->sop_uid;
		x.study_uid = f->facts->study_uid;
	}
	if (f->fate == FATE_OBJECT || f->fate == FATE_DUPLICATE)
		x.kind = f->facts ? FOUND_OBJECT : FOUND_DOCUMENT;
	else if (f->fate == FATE_DOCUMENT)
		x.kind = FOUND_DOCUMENT;
	return x;
}

/* Objects of other packages too: a portal hands out a medium in parts. */
static int compare(struct unpack_run *run, struct unpack_file *f, struct err *err)
{
	struct listing_found *v = calloc(run->nfiles + 1, sizeof *v);
	size_t *which = calloc(run->nfiles + 1, sizeof *which);
	char dir[LISTING_TEXT];
	size_t n = 0;
	int rc = v && which ? RC_OK : err_set(err, ERR_TEMP, "no memory to compare a medium with its index");

	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		const struct unpack_file *x = &run->files[i];

		if (x->package != f->package && !x->facts)
			continue;
		which[n] = i;
		v[n++] = found_of(x, x->package == f->package);
	}
	listing_folder(f->label ? f->label : "", dir);
	if (rc == RC_OK)
		rc = listing_compare(f->listing, dir, v, n, err);
	for (size_t i = 0; rc == RC_OK && f->listing->kind == LISTING_XDM && i < f->listing->nfiles; i++) {
		const struct listing_file *x = &f->listing->files[i];

		if (x->at && x->study >= 0 && !(run->files[which[x->at - 1]].named =
		    unpack_string(run, f->listing->studies[x->study].uid, err)))
			rc = err_rc(err->kind);
	}
	free(v);
	free(which);
	return rc;
}

static const char *last(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

/* Metadata that lie under another name (a copy of an editor, of a versioning program) speak for no medium. */
static bool is_index(const struct unpack_file *f)
{
	const char *base = last(f->label);

	return f->listing->kind == LISTING_DICOMDIR || !base[0] || !strcasecmp(base, "METADATA.XML");
}

bool unpack_medium_lists(const struct unpack_run *run, const struct unpack_file *f)
{
	const struct unpack_package *p = &run->packages[f->package];

	for (size_t i = p->first; i < p->first + p->count; i++) {
		const struct listing *l = run->files[i].listing;

		for (size_t k = 0; l && l->kind == LISTING_XDM && k < l->nfiles; k++)
			if (!strcasecmp(last(l->files[k].path), last(f->label)))
				return true;
	}
	return false;
}

int unpack_medium_compare(struct unpack_run *run, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];

		if (f->listing && is_index(f))
			rc = compare(run, f, err);
		else if (f->listing)
			unpack_medium_free(f);
	}
	return rc;
}

int unpack_medium_record(struct unpack_run *run, json_t *array, struct err *err)
{
	for (size_t i = 0; i < run->npackages; i++) {
		json_t *j = NULL;

		if (!run->packages[i].error_note)
			continue;
		j = json_make(err, "{s:i,s:s,s:b}", "package", run->import ? run->packages[i].n : 0, "index", "ERROR.txt",
		    "incomplete", 1);
		if (!j)
			return err_rc(err->kind);
		if (json_array_append_new(array, j) != 0)
			return err_set(err, ERR_TEMP, "no memory to unpack");
	}
	for (size_t i = 0; i < run->nfiles; i++) {
		const struct unpack_file *f = &run->files[i];
		json_t *j = NULL;

		if (!f->listing)
			continue;
		/* objects of work without a spool know no package */
		j = listing_record(f->listing, run->import ? run->packages[f->package].n : 0, (long long)f->member + 1, err);
		if (!j)
			return err_rc(err->kind);
		if (json_array_append_new(array, j) != 0)
			return err_set(err, ERR_TEMP, "no memory for a medium's index");
	}
	return RC_OK;
}

void unpack_medium_say(struct unpack_run *run)
{
	for (size_t i = 0; i < run->nfiles; i++) {
		const struct unpack_file *f = &run->files[i];
		const struct listing *l = f->listing;
		size_t absent = 0;

		if (!l)
			continue;
		for (size_t k = 0; k < l->nfiles; k++)
			absent += l->files[k].state == LISTED_ABSENT;
		if (l->broken)
			cli_warn(run->cli, run->subject, "package %d: its %s cannot be believed: %s",
			    run->packages[f->package].n, listing_name(l->kind), l->broken);
		if (absent)
			cli_warn(run->cli, run->subject, "package %d: its %s lists %zu files, %zu of them are not there",
			    run->packages[f->package].n, listing_name(l->kind), l->nfiles, absent);
		if (l->unlisted)
			cli_note(run->cli, 1, run->subject, "package %d: %lld files that its %s does not list",
			    run->packages[f->package].n, l->unlisted, listing_name(l->kind));
	}
}
