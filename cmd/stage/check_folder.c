/*
 * mri-check without a spool: prints, writes nothing. An item folder made by
 * mri-unpack -o, a folder of those, or any folder of DICOM files, which are
 * grouped into studies by what they say.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "stage/check_paper.h"
#include "stage/check_report.h"

#define FILES_MAX 100000 /* of one folder; the parent keeps a path and 1 KB of facts of each */
#define DEPTH_MAX 32 /* media nest 4 deep */

struct files {
	char **v;
	size_t n, cap;
};

static void
fail(struct check_stage *st, const struct cli_input *in, const struct err *err)
{
	cli_fail(st->cli, NULL, in->path, err);
	cli_count(st->cli, "items", 1);
	cli_count(st->cli, "failed", 1);
}

/* The order of --order, or an empty one: the worklist may fill it up. */
static int
copy_order(const struct check_stage *st, struct order **out, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = RC_OK;

	if (st->more == NULL)
		return order_new(out, err);
	if ((rc = order_write(st->more, &b, err)) == RC_OK)
		rc = order_parse(b.data, b.len, st->opt->order, out, err);
	buf_free(&b);
	return rc;
}

/* src: where objects come from, for the report. */
static int
judge(struct check_stage *st, struct check_facts *f, bool papers, const char *path, struct report_source *src,
    struct err *err)
{
	struct check_report rep = { 0 };
	struct check_numbers n = { 0 };
	struct check_study s;
	struct order *o = NULL;
	struct buf b = BUF_INIT(ORDER_MAX);
	char sha[HASH_HEX] = "";
	json_t *doc = NULL;
	int rc = copy_order(st, &o, err);

	if (rc == RC_OK && st->opt->worklist)
		rc = check_worklist_run(
		    st, path, o, f->keys, f->nkeys, f->self, papers, &f->listed, err);
	if (rc == RC_OK)
		rc = check_targets_ask(st, path, o, f, NULL, err);
	if (rc == RC_OK) {
		check_study_of(st, f, o, papers, &s);
		rc = order_write(o, &b, err);
	}
	if (rc == RC_OK)
		rc = hash_hex(b.data, b.len, sha, err);
	if (rc == RC_OK)
		rc = check_judge(&s, &rep, err);
	if (rc == RC_OK) {
		rc = check_document(st, &rep, NULL, sha, "", &doc, &n, err);
		check_report_free(&rep);
	}
	if (rc == RC_OK) {
		check_worklist_print(st->cli, path, &f->listed);
		check_print(st->cli, path, doc);
		cli_count(st->cli, "items", 1);
		cli_count(st->cli, n.errors > 0 ? "held" : "cleared", 1);
		if (n.errors > 0)
			cli_worse(st->cli, ERR_PERSON);
	}
	if (rc == RC_OK && st->report != NULL) {
		src->path = path;
		src->order = s.order;
		src->facts = f;
		src->doc = doc;
		report_item(st->report, src, path);
	}
	json_decref(doc);
	buf_free(&b);
	order_free(o);
	return rc;
}

struct item_source {
	struct item_dir *item;
	const struct check_facts *f;
};

static int
open_original(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	const struct item_source *s = arg;

	return item_object_fd(s->item, s->f->objects[i].n, fd, key, err);
}

/* A folder laid out as study/<n>. */
static int
check_item_folder(struct check_stage *st, struct item_dir *item, const char *path, struct err *err)
{
	struct check_facts f = { 0 };
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct item_source from = { item, &f };
	struct report_source src = { .open = open_original, .arg = &from };
	bool papers = false;
	int rc = item_file_read(item, ITEM_MANIFEST, &b, err);

	if (rc == RC_OK)
		rc = manifest_parse(b.data, b.len, &f.manifest, err);
	if (rc == RC_OK) {
		papers = *f.manifest->study_uid == '\0';
		if (!papers && (rc = check_facts_siblings(&f, path, err)) == RC_OK)
			rc = check_facts_read(st, &f, item, err);
		if (rc == RC_OK)
			rc = check_facts_media_beside(&f, path, err);
	}
	if (rc == RC_OK && st->more != NULL)
		rc = check_papers_read(st, &f, item, st->more, err);
	if (rc == RC_OK)
		rc = judge(st, &f, papers, path, &src, err);
	check_facts_free(&f);
	buf_free(&b);
	return rc;
}

/* DIR with DIR/1, DIR/2 … and papers. *found: it is one. */
static int
check_items_below(struct check_stage *st, const struct cli_input *in, bool *found, struct err *err)
{
	char path[SPOOL_PATH_MAX];
	int rc = RC_OK;

	for (int k = 1; rc == RC_OK && !cli_stopped(); k++) {
		struct item_dir *item = NULL;
		struct err e = { 0 };
		if (snprintf(path, sizeof path, "%s/%d", in->path, k) >= (int)sizeof path ||
		    item_open_dir(&item, path, &e) != RC_OK)
			break;
		*found = true;
		rc = check_item_folder(st, item, path, err);
		item_close(item);
	}
	struct item_dir *papers = NULL;
	struct err e = { 0 };
	if (rc == RC_OK && snprintf(path, sizeof path, "%s/papers", in->path) < (int)sizeof path &&
	    item_open_dir(&papers, path, &e) == RC_OK) {
		*found = true;
		rc = check_item_folder(st, papers, path, err);
		item_close(papers);
	}
	return rc;
}

static int
add_file(struct files *l, const char *path, struct err *err)
{
	if (l->n == FILES_MAX)
		return err_set(err, ERR_DATA, "more than %d files", FILES_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 64;
		char **grown = realloc(l->v, cap * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ERR_TEMP, "no memory");
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n] = text_dup(path, err);
	if (l->v[l->n] == NULL)
		return err_rc(err->kind);
	l->n++;
	return RC_OK;
}

/* Regular files below fd (taken), relative to the folder; links are not followed. */
static int
list_files(int fd, const char *prefix, int depth, struct files *l, struct err *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e = NULL;
	char path[SPOOL_PATH_MAX];
	int rc = RC_OK;

	if (d == NULL) {
		rc = err_sys(err, errno, "cannot read the folder");
		close(fd);
		return rc;
	}
	while (rc == RC_OK && (e = readdir(d)) != NULL) {
		struct stat sb;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof path, "%s%s%s", prefix, *prefix != '\0' ? "/" : "",
			e->d_name) >= (int)sizeof path ||
		    fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(sb.st_mode)) {
			rc = add_file(l, path, err);
		} else if (S_ISDIR(sb.st_mode) && depth < DEPTH_MAX) {
			int sub =
			    openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				rc = list_files(sub, path, depth + 1, l, err);
		}
	}
	closedir(d);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct reading {
	const struct files *files;
	int dir;
	struct check_facts all; /* of all studies */
	struct check_identity *who; /* of each object of all */
	size_t other; /* files that are no DICOM objects */
};

static int
open_file(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	struct reading *r = arg;

	memset(key, 0, sizeof *key);
	*fd = openat(r->dir, r->files->v[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return *fd >= 0 ? RC_OK : err_sys(err, errno, "cannot open file %zu of the folder", i + 1);
}

static int
take_file(
    void *arg, size_t i, const struct check_object *o, const struct check_identity *id, struct err *err)
{
	struct reading *r = arg;
	struct check_identity *grown = NULL;
	int rc = RC_OK;

	if ((o->points & (uint32_t)1 << POINT_BROKEN) != 0 && *o->study_uid == '\0') {
		r->other++; /* PDF, viewer, DICOMDIR, or broken from its first byte */
		return RC_OK;
	}
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

	return strcmp((*x)->sop_uid, (*y)->sop_uid);
}

static int
hash_file(const struct reading *r, struct check_object *o, struct err *err)
{
	struct stream *s = NULL;
	int fd = -1, rc = RC_OK;

	if (*o->sha256 != '\0')
		return RC_OK;
	fd = openat(r->dir, r->files->v[o->n - 1], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open file %d of the folder", o->n);
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

	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < r->all.nobjects; i++)
		v[i] = &r->all.objects[i];
	qsort(v, r->all.nobjects, sizeof *v, by_sop_uid);
	for (size_t i = 1; i < r->all.nobjects && rc == RC_OK; i++)
		if (strcmp(v[i]->sop_uid, v[i - 1]->sop_uid) == 0 &&
		    (rc = hash_file(r, v[i - 1], err)) == RC_OK)
			rc = hash_file(r, v[i], err);
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
	for (size_t i = 0; i < r->all.nobjects && rc == RC_OK; i++)
		if (strcmp(r->all.objects[i].study_uid, r->all.keys[key].study_uid) == 0)
			rc = check_facts_add(&f, &r->all.objects[i], &r->who[i], err);
	snprintf(name, sizeof name, "%s (study %zu of %zu)", path, key + 1, r->all.nkeys);
	if (rc == RC_OK)
		rc = judge(st, &f, false, r->all.nkeys == 1 ? path : name, &src, err);
	check_facts_free(&f);
	return rc;
}

static int
check_loose_files(struct check_stage *st, const struct cli_input *in, struct err *err)
{
	struct files files = { NULL, 0, 0 };
	struct reading r = { .files = &files, .dir = -1 };
	int fd = open(in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = RC_OK;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the folder");
	r.dir = open(in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.dir < 0) {
		rc = err_sys(err, errno, "cannot open the folder");
		close(fd);
		return rc;
	}
	if ((rc = list_files(fd, "", 0, &files, err)) != RC_OK)
		goto out;
	if (files.n > 0)
		qsort(files.v, files.n, sizeof *files.v, by_path);
	if (st->pool == NULL &&
	    (rc = check_pool_new(
		 &st->pool, (enum jail_mode)st->cli->config->sandbox, st->cli->jobs, err)) != RC_OK)
		goto out;
	check_pool_deep(st->pool, st->deep);
	if ((rc = check_pool_run(st->pool, files.n, open_file, take_file, &r, err)) != RC_OK ||
	    (rc = hash_twins(&r, err)) != RC_OK || (rc = group(&r, err)) != RC_OK)
		goto out;
	if (r.all.nkeys == 0) {
		rc = err_set(err, ERR_DATA, "no DICOM object in %zu files", files.n);
		goto out;
	}
	if (r.other > 0)
		cli_note(st->cli, 1, in->path, "%zu files are no DICOM objects", r.other);
	for (size_t k = 0; k < r.all.nkeys && rc == RC_OK; k++)
		rc = judge_study(st, &r, k, in->path, err);
out:
	for (size_t i = 0; i < files.n; i++)
		free(files.v[i]);
	free(files.v);
	free(r.who);
	check_facts_free(&r.all);
	close(r.dir);
	return rc;
}

void
check_folder(struct check_stage *st, const struct cli_input *in)
{
	struct item_dir *item = NULL;
	struct err err = { 0 }, e = { 0 };
	bool found = false;
	int rc = RC_OK;

	st->deep = st->opt->deep;
	if (st->accepting) {
		err_set(&err, ERR_USAGE,
		    "--accept needs an item of a spool: what is accepted is recorded there");
		cli_fail(st->cli, NULL, in->path, &err);
		return;
	}
	if (item_open_dir(&item, in->path, &e) == RC_OK) {
		rc = check_item_folder(st, item, in->path, &err);
		item_close(item);
	} else {
		rc = check_items_below(st, in, &found, &err);
		if (rc == RC_OK && !found)
			rc = check_loose_files(st, in, &err);
	}
	if (rc != RC_OK)
		fail(st, in, &err);
}
