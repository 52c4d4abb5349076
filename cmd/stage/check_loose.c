/* Any folder of DICOM files: grouped into studies by what they say, each judged for itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "stage/check_others.h"
#include "stage/check_report.h"
#include "stage/check_unspooled.h"
#include "stage/folder.h"

#define FILES_MAX 100000 /* 1 KB of facts is kept of each */

struct reading {
	struct folder *folder;
	struct check_facts all; /* of all studies */
	struct check_identity *who; /* of each object of all */
	bool *twin; /* of each object of all: another has its UID and bytes */
	struct check_others others;
};

static int
open_file(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	const struct reading *r = arg;
	int rc = RC_OK;

	memset(key, 0, sizeof *key);
	rc = folder_file(r->folder, i, fd, err);
	return rc != RC_OK && err->kind == ERR_IO ? err_set(err, ERR_DATA, "cannot be opened") : rc; /* a scratch */
}

static int
take_file(
    void *arg, size_t i, const struct check_object *o, const struct check_identity *id, struct err *err)
{
	struct reading *r = arg;
	struct check_identity *grown = NULL;
	int rc = RC_OK;

	if (*o->study_uid == '\0') /* PDF, viewer, DICOMDIR, or broken from its first byte */
		return check_others_add(&r->others, i, err);
	grown = realloc(r->who, (r->all.nobjects + 1) * sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	r->who = grown;
	r->who[r->all.nobjects] = *id;
	if ((rc = check_facts_add(&r->all, o, id, err)) == RC_OK)
		r->all.objects[r->all.nobjects - 1].n = (int)i + 1;
	return rc;
}

static bool
has_modality(const char *list, const char *m)
{
	size_t n = strlen(m);

	for (const char *p = list; p != NULL && *p != '\0';
	     p = strchr(p, '\\') != NULL ? strchr(p, '\\') + 1 : NULL)
		if (strncmp(p, m, n) == 0 && (p[n] == '\0' || p[n] == '\\'))
			return true;
	return false;
}

static int
by_sop_uid(const void *a, const void *b)
{
	const struct check_object *const *x = a, *const *y = b;
	int d = strcmp((*x)->sop_uid, (*y)->sop_uid);

	return d != 0 ? d : (*x)->n - (*y)->n;
}

static int
hash_file(struct reading *r, struct check_object *o, struct err *err)
{
	struct stream *s = NULL;
	struct age_key none;
	int fd = -1, rc = RC_OK;

	if (*o->sha256 != '\0')
		return RC_OK;
	if ((rc = open_file(r, (size_t)o->n - 1, &fd, &none, err)) != RC_OK)
		return rc;
	if ((rc = stream_file(&s, fd, err)) == RC_OK)
		rc = hash_stream(s, o->sha256, err);
	stream_close(s);
	return rc;
}

/* There is no manifest with hashes: where a SOP Instance UID occurs twice the bytes decide. */
static int
hash_twins(struct reading *r, struct err *err)
{
	struct check_object **v = calloc(r->all.nobjects + 1, sizeof *v);
	int rc = RC_OK;

	r->twin = calloc(r->all.nobjects + 1, sizeof *r->twin);
	if (v == NULL || r->twin == NULL)
		rc = err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < r->all.nobjects && rc == RC_OK; i++)
		v[i] = &r->all.objects[i];
	if (rc == RC_OK)
		qsort(v, r->all.nobjects, sizeof *v, by_sop_uid);
	for (size_t i = 1; i < r->all.nobjects && rc == RC_OK; i++) {
		if (strcmp(v[i]->sop_uid, v[i - 1]->sop_uid) != 0 ||
		    (rc = hash_file(r, v[i - 1], err)) != RC_OK || (rc = hash_file(r, v[i], err)) != RC_OK)
			continue;
		r->twin[v[i] - r->all.objects] = strcmp(v[i]->sha256, v[i - 1]->sha256) == 0;
	}
	free(v);
	return rc;
}

/* Every Study Instance UID once, with its date and modalities. */
static int
group(struct reading *r, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; i < r->all.nobjects && rc == RC_OK; i++) {
		const char *uid = r->all.objects[i].study_uid;
		char modalities[65] = "";
		bool seen = false;
		for (size_t k = 0; k < r->all.nkeys && !seen; k++)
			seen = strcmp(r->all.keys[k].study_uid, uid) == 0;
		for (size_t k = i; k < r->all.nobjects && !seen; k++) {
			const struct check_object *o = &r->all.objects[k];
			size_t n = strlen(modalities);
			if (strcmp(o->study_uid, uid) == 0 && *o->modality != '\0' &&
			    !has_modality(modalities, o->modality) &&
			    n + strlen(o->modality) + 2 < sizeof modalities)
				snprintf(modalities + n, sizeof modalities - n, "%s%s", n > 0 ? "\\" : "",
				    o->modality);
		}
		if (!seen)
			rc = check_facts_key(&r->all, uid, r->all.objects[i].study_date, modalities, err);
	}
	return rc;
}

static void
reading_free(struct reading *r)
{
	check_others_free(&r->others);
	free(r->who);
	free(r->twin);
	check_facts_free(&r->all);
	folder_free(r->folder);
}

struct loose_source {
	struct reading *r;
	const struct check_facts *f;
};

static int
open_loose(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	const struct loose_source *s = arg;

	return open_file(s->r, (size_t)s->f->objects[i].n - 1, fd, key, err);
}

static int
judge_study(struct check_stage *st, struct reading *r, size_t key, const char *path, struct err *err)
{
	struct check_facts f = { 0 };
	struct loose_source from = { r, &f };
	struct report_source src = { .open = open_loose, .arg = &from };
	char name[SPOOL_PATH_MAX + 32];
	int rc = RC_OK;

	for (size_t k = 0; k < r->all.nkeys && rc == RC_OK; k++)
		rc = check_facts_key(
		    &f, r->all.keys[k].study_uid, r->all.keys[k].date, r->all.keys[k].modalities, err);
	f.self = key;
	f.unread = r->others.unread;
	f.media = json_incref(r->others.media);
	for (size_t i = 0; i < r->all.nobjects && rc == RC_OK; i++)
		if (strcmp(r->all.objects[i].study_uid, r->all.keys[key].study_uid) == 0)
			rc = check_facts_add(&f, &r->all.objects[i], &r->who[i], err);
	snprintf(name, sizeof name, "%s (study %zu of %zu)", path, key + 1, r->all.nkeys);
	if (rc == RC_OK)
		rc = check_unspooled(st, &f, false, r->all.nkeys == 1 ? path : name, &src, err);
	check_facts_free(&f);
	return rc;
}

int
check_loose(struct check_stage *st, const struct cli_input *in, struct err *err)
{
	struct reading r = { .folder = NULL };
	int fd = open(in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = RC_OK;
	size_t n = 0;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the folder");
	if ((rc = folder_open(&r.folder, fd, err)) != RC_OK)
		return rc;
	if ((n = folder_count(r.folder)) > FILES_MAX) {
		rc = err_set(err, ERR_DATA, "more than %d files", FILES_MAX);
		goto out;
	}
	if ((rc = check_pool_ready(&st->pool, (enum jail_mode)st->cli->config->sandbox, st->cli->jobs, st->deep, err)) !=
		RC_OK ||
	    (rc = check_pool_run(st->pool, n, open_file, take_file, &r, err)) != RC_OK ||
	    (rc = hash_twins(&r, err)) != RC_OK || (rc = group(&r, err)) != RC_OK)
		goto out;
	if (r.all.nkeys == 0) {
		rc = err_set(err, ERR_DATA, "no DICOM object in %zu files", n);
		goto out;
	}
	if ((rc = check_others_look(&r.others, st->pool, open_file, &r, err)) != RC_OK ||
	    (rc = check_others_compare(&r.others, r.folder, &r.all, r.twin, err)) != RC_OK)
		goto out;
	if (r.others.foreign > 0)
		cli_note(st->cli, 1, in->path, "%zu files are no DICOM objects", r.others.foreign);
	if (r.others.unread > 0)
		cli_warn(st->cli, in->path, "%zu files cannot be read, or are DICOM of no study: mri-unpack -o names each",
		    r.others.unread);
	for (size_t k = 0; k < r.all.nkeys && rc == RC_OK; k++)
		rc = judge_study(st, &r, k, in->path, err);
out:
	reading_free(&r);
	return rc;
}
