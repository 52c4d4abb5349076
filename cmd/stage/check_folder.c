/*
 * mri-check without a spool: an item folder made by mri-unpack -o, a folder of
 * those, or else any folder of DICOM files (check_loose.c).
 */
#include <stdio.h>

#include "stage/check_paper.h"
#include "stage/check_report.h"
#include "stage/check_unspooled.h"

static void
fail(struct check_stage *st, const struct cli_input *in, const struct err *err)
{
	cli_fail(st->cli, NULL, in->path, err);
	cli_count(st->cli, "items", 1);
	cli_count(st->cli, "failed", 1);
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
		rc = check_unspooled(st, &f, papers, path, &src, err);
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
			rc = check_loose(st, in, &err);
	}
	if (rc != RC_OK)
		fail(st, in, &err);
}
