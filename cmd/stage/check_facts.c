/* Gathers what is known of an item: its objects, its import's other studies, claims. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "stage/check.h"

#define STUDIES_MAX 4096 /* of one import, as in work_items */

void
check_facts_free(struct check_facts *f)
{
	for (size_t i = 0; i < f->nkeys; i++) {
		free((char *)(uintptr_t)f->keys[i].study_uid);
		free((char *)(uintptr_t)f->keys[i].date);
		free((char *)(uintptr_t)f->keys[i].modalities);
	}
	for (size_t i = 0; i < f->nclaims; i++)
		claim_free(&f->claims[i]);
	manifest_free(f->manifest);
	json_decref(f->media);
	free(f->objects);
	free(f->identities);
	free(f->keys);
	free(f->claims);
	free(f->packages);
	for (size_t i = 0; i < f->norders; i++)
		order_free(f->orders[i]);
	free(f->orders);
	free(f->papers);
	check_listed_free(&f->listed);
	check_targets_free(&f->targets);
	memset(f, 0, sizeof *f);
}

static int
intern(struct check_facts *f, const struct check_identity *id, int *index, struct err *err)
{
	struct check_identity *grown = NULL;

	for (size_t i = 0; i < f->nidentities; i++) {
		const struct check_identity *h = &f->identities[i];
		if (strcmp(h->name, id->name) == 0 && strcmp(h->id, id->id) == 0 &&
		    strcmp(h->issuer, id->issuer) == 0 && strcmp(h->birth_date, id->birth_date) == 0 &&
		    strcmp(h->sex, id->sex) == 0 && strcmp(h->other_names, id->other_names) == 0 &&
		    strcmp(h->other_ids, id->other_ids) == 0) {
			*index = (int)i;
			return RC_OK;
		}
	}
	if (f->nidentities == CHECK_IDENTITIES_MAX) {
		f->identities_more = true;
		*index = -1;
		return RC_OK;
	}
	grown = realloc(f->identities, (f->nidentities + 1) * sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	f->identities = grown;
	f->identities[f->nidentities] = *id;
	*index = (int)f->nidentities++;
	return RC_OK;
}

int
check_facts_add(
    struct check_facts *f, const struct check_object *o, const struct check_identity *id, struct err *err)
{
	struct check_object *to = NULL;

	if (f->nobjects == f->capobjects) {
		size_t cap = f->capobjects * 2 + 64;
		struct check_object *grown = realloc(f->objects, cap * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ERR_TEMP, "no memory for %zu objects", cap);
		f->objects = grown;
		f->capobjects = cap;
	}
	to = &f->objects[f->nobjects++];
	*to = *o;
	to->identity = -1;
	if ((o->points & (uint32_t)1 << POINT_BROKEN) != 0 && *o->sop_uid == '\0')
		return RC_OK; /* it could not say whose it is */
	return intern(f, id, &to->identity, err);
}

int
check_facts_key(
    struct check_facts *f, const char *uid, const char *date, const char *modalities, struct err *err)
{
	struct study_key *grown = realloc(f->keys, (f->nkeys + 1) * sizeof *grown), *k = NULL;

	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	f->keys = grown;
	k = &f->keys[f->nkeys++];
	memset(k, 0, sizeof *k);
	if ((k->study_uid = text_dup(uid, err)) == NULL || (k->date = text_dup(date, err)) == NULL ||
	    (k->modalities = text_dup(modalities, err)) == NULL)
		return err_rc(err->kind);
	return RC_OK;
}

struct reading {
	struct check_facts *f;
	struct item_dir *item;
	struct check_stage *st;
};

static int
open_object(void *arg, size_t i, int *fd, struct age_key *key, struct err *err)
{
	struct reading *r = arg;

	return item_object_fd(r->item, r->f->manifest->objects[i].n, fd, key, err);
}

static int
take_object(
    void *arg, size_t i, const struct check_object *o, const struct check_identity *id, struct err *err)
{
	struct reading *r = arg;
	const struct manifest_object *m = &r->f->manifest->objects[i];
	struct check_object *mine = NULL;
	struct cli_progress p = {
		.what = "checking", .n = (long long)i + 1, .total = (long long)r->f->manifest->nobjects
	};
	int rc = check_facts_add(r->f, o, id, err);

	if (rc != RC_OK)
		return rc;
	mine = &r->f->objects[r->f->nobjects - 1];
	mine->n = m->n;
	mine->package = m->package;
	text_copy(mine->sha256, sizeof mine->sha256, m->sha256);
	if (*mine->study_uid != '\0' && strcmp(mine->study_uid, r->f->manifest->study_uid) != 0)
		mine->points |= (uint32_t)1 << POINT_OTHER_STUDY;
	cli_progress(r->st->cli, &p);
	return RC_OK;
}

int
check_facts_read(struct check_stage *st, struct check_facts *f, struct item_dir *item, struct err *err)
{
	struct reading r = { f, item, st };
	int rc = RC_OK;

	if (f->manifest->nobjects == 0)
		return RC_OK;
	if ((rc = check_pool_ready(&st->pool, (enum jail_mode)st->cli->config->sandbox, st->cli->jobs, st->deep, err)) !=
	    RC_OK)
		return rc;
	rc = check_pool_run(st->pool, f->manifest->nobjects, open_object, take_object, &r, err);
	cli_progress_end(st->cli);
	return rc;
}

static int
count_package(struct check_facts *f, int number, struct err *err)
{
	struct check_package *grown = NULL;

	for (size_t i = 0; i < f->npackages; i++)
		if (f->packages[i].number == number) {
			f->packages[i].objects++;
			return RC_OK;
		}
	grown = realloc(f->packages, (f->npackages + 1) * sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	f->packages = grown;
	f->packages[f->npackages++] = (struct check_package){ number, 1 };
	return RC_OK;
}

static int
read_manifest(const struct item_dir *item, struct manifest **out, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	int rc = item_file_read(item, ITEM_MANIFEST, &b, err);

	if (rc == RC_OK)
		rc = manifest_parse(b.data, b.len, out, err);
	buf_free(&b);
	return rc;
}

/* The order as a sibling was judged by; one that was not checked has none of its own. */
static int
take_order(struct check_facts *f, const struct item_dir *item, size_t index, struct err *err)
{
	struct order **grown = realloc(f->orders, (index + 1) * sizeof *grown);
	struct buf b = BUF_INIT(ORDER_MAX);
	bool there = false;
	int rc = RC_OK;

	if (grown == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	f->orders = grown;
	while (f->norders <= index)
		grown[f->norders++] = NULL;
	if ((rc = item_file_there(item, ITEM_ORDER, &there, err)) == RC_OK && there &&
	    (rc = item_file_read(item, ITEM_ORDER, &b, err)) == RC_OK)
		rc = order_parse(b.data, b.len, "the order of another item", &grown[index], err);
	buf_free(&b);
	return rc;
}

static int
take_sibling(struct check_facts *f, const struct item_dir *item, struct err *err)
{
	struct manifest *m = NULL;
	int rc = read_manifest(item, &m, err);

	if (rc == RC_OK)
		rc = check_facts_key(f, m->study_uid, m->study_date, m->modalities, err);
	for (size_t i = 0; rc == RC_OK && i < m->nobjects; i++)
		rc = count_package(f, m->objects[i].package, err);
	manifest_free(m);
	return rc;
}

static int
read_claim(struct check_facts *f, struct import *import, int number, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	struct claim *grown = NULL;
	struct err e = { 0 };
	int rc = import_claim_read(import, number, &b, &e);

	if (rc != RC_OK && e.kind == ERR_NOINPUT) { /* nobody claimed anything */
		rc = RC_OK;
		goto out;
	}
	if (rc != RC_OK) {
		*err = e;
		goto out;
	}
	grown = realloc(f->claims, (f->nclaims + 1) * sizeof *grown);
	if (grown == NULL) {
		rc = err_set(err, ERR_TEMP, "no memory");
		goto out;
	}
	f->claims = grown;
	if ((rc = claim_parse(b.data, b.len, &f->claims[f->nclaims], err)) != RC_OK)
		goto out;
	f->claims[f->nclaims++].package = number;
out:
	buf_free(&b);
	return rc;
}

/* A package goes when its objects are durable; its claim stays, also of one that gave no object. */
static int
read_claims(struct check_facts *f, struct import *import, struct err *err)
{
	size_t n = 0, cap = 0;
	int *numbers = NULL;
	int rc = import_claims(import, NULL, 0, &n, err);

	if (rc != RC_OK)
		return rc;
	cap = n;
	numbers = calloc(cap + 1, sizeof *numbers);
	if (numbers == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	rc = import_claims(import, numbers, cap, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n && i < cap; i++)
		rc = read_claim(f, import, numbers[i], err);
	free(numbers);
	return rc;
}

int
check_facts_import(struct check_facts *f, struct import *import, int study, bool rest_follows, struct err *err)
{
	struct item_dir *item = NULL;
	int *studies = calloc(STUDIES_MAX, sizeof *studies);
	size_t n = 0;
	bool papers = false;
	int rc = RC_OK;

	if (studies == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	if ((rc = item_each(import, studies, STUDIES_MAX, &n, &papers, err)) != RC_OK)
		goto out;
	for (size_t i = 0; i < n && i < STUDIES_MAX; i++) {
		if ((rc = item_open(&item, import, studies[i], false, err)) != RC_OK)
			goto out;
		if (studies[i] == study)
			f->self = f->nkeys;
		rc = take_sibling(f, item, err);
		if (rc == RC_OK && study != ITEM_PAPERS && studies[i] != study && !(rest_follows && studies[i] > study))
			rc = take_order(f, item, f->nkeys - 1, err);
		item_close(item);
		item = NULL;
		if (rc != RC_OK)
			goto out;
	}
	rc = read_claims(f, import, err);
out:
	free(studies);
	return rc;
}

int
check_facts_siblings(struct check_facts *f, const char *dir, struct err *err)
{
	char parent[SPOOL_PATH_MAX], path[SPOOL_PATH_MAX + 16];
	const char *base = NULL;
	uint64_t mine = 0;
	int rc = RC_OK;

	if (!text_copy(parent, sizeof parent, dir))
		return err_set(err, ERR_NOINPUT, "the path is too long");
	for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
		parent[n - 1] = '\0';
	char *slash = strrchr(parent, '/');
	base = slash != NULL ? slash + 1 : parent;
	if (!text_u64(base, STUDIES_MAX, &mine) || mine == 0)
		return check_facts_key(
		    f, f->manifest->study_uid, f->manifest->study_date, f->manifest->modalities, err);
	if (slash == NULL)
		text_copy(parent, sizeof parent, ".");
	else
		slash[slash == parent] = '\0';
	for (uint64_t k = 1; k <= STUDIES_MAX && rc == RC_OK; k++) {
		struct item_dir *item = NULL;
		struct err e = { 0 };
		snprintf(path, sizeof path, "%s/%llu", parent, (unsigned long long)k);
		if (item_open_dir(&item, path, &e) != RC_OK)
			break;
		if (k == mine)
			f->self = f->nkeys;
		rc = take_sibling(f, item, err);
		item_close(item);
	}
	return rc;
}

void
check_study_of(const struct check_stage *st, const struct check_facts *f, const struct order *o,
    bool papers, struct check_study *s)
{
	memset(s, 0, sizeof *s);
	s->order = o;
	s->papers = papers;
	s->studies = f->keys;
	s->nstudies = f->nkeys;
	s->self = f->self;
	s->orders = (const struct order *const *)f->orders;
	s->norders = f->norders;
	s->objects = f->objects;
	s->nobjects = f->nobjects;
	s->identities = f->identities;
	s->nidentities = f->nidentities;
	s->identities_more = f->identities_more;
	s->claims = f->claims;
	s->nclaims = f->nclaims;
	s->packages = f->packages;
	s->npackages = f->npackages;
	s->papers_say = f->papers;
	s->npapers_say = f->npapers;
	s->media = f->media;
	s->partial = f->unread > 0;
	if (f->manifest != NULL) {
		s->documents = f->manifest->ndocuments;
		s->partial = f->manifest->partial;
		s->set_aside = f->manifest->set_aside;
		s->duplicates = f->manifest->duplicates;
	}
	s->basis_required = st->cli->config->basis_required;
	s->destinations = st->opt->dest.v;
	s->ndestinations = st->opt->dest.n;
	s->known = st->known;
	s->nknown = st->nknown;
	s->named_only = st->cli->config->policy;
	s->targets = f->targets.v;
	s->ntargets = f->targets.n;
	s->worklist = st->opt->worklist ? &f->listed.w : NULL;
	s->deep = st->deep;
	s->severities = &st->cli->config->check;
}
