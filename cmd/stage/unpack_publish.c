/* An item of mri-unpack comes to be: its files placed, its manifest written, then published as a whole. */
#include <string.h>
#include "stage/unpack_impl.h"

/* Published by a run that did not get to its end: the same packages give the same manifest. */
static int published(struct unpack_run *run, const struct unpack_item *it, const struct buf *manifest, bool *same,
    struct err *err)
{
	struct item_dir *dir = NULL;
	struct buf old = BUF_INIT(0);
	int rc = item_open(&dir, run->import, it->study, false, err);

	*same = false;
	if (rc == RC_FAILED && err->kind == ERR_NOINPUT)
		return RC_OK;
	if (rc == RC_OK)
		rc = item_file_read(dir, ITEM_MANIFEST, &old, err);
	if (rc == RC_OK) {
		*same = old.len == manifest->len && memcmp(old.data, manifest->data, old.len) == 0;
		if (!*same) {
			rc = err_set(err, ERR_INTERNAL, "it is there with other content");
			err_advise(err, "mri-spool fsck says what is wrong");
		}
	}
	buf_wipe(&old);
	item_close(dir);
	return rc;
}

static int place(struct unpack_run *run, size_t i, struct item_dir *dir, struct err *err)
{
	int rc = RC_OK;

	for (size_t k = 0; rc == RC_OK && k < run->nfiles; k++) {
		struct unpack_file *f = &run->files[k];
		int n = 0;

		if (f->item != (int)i || (f->fate != FATE_OBJECT && f->fate != FATE_DOCUMENT))
			continue;
		rc = item_place(dir, run->staging, f->slot, f->fate == FATE_OBJECT ? ITEM_ORIGINAL : ITEM_DOCUMENT, &n,
		    err);
		f->slot = -1;
		if (rc == RC_OK && n != f->number)
			rc = err_set(err, ERR_INTERNAL, "file %d was placed as %d", f->number, n);
	}
	return rc;
}

int unpack_publish(struct unpack_run *run, size_t i, struct err *err)
{
	struct unpack_item *it = &run->items[i];
	struct item_dir *dir = NULL;
	struct buf manifest = BUF_INIT(0);
	char name[32];
	bool done = false;
	int rc = unpack_manifest(run, i, &manifest, err);

	if (rc == RC_OK && run->import)
		rc = published(run, it, &manifest, &done, err);
	if (rc != RC_OK || done)
		goto out;
	rc = run->import ? item_create(&dir, run->import, it->study, err)
	    : item_create_dir(&dir, run->dir, it->study, err);
	if (rc == RC_OK)
		rc = place(run, i, dir, err);
	if (rc == RC_OK)
		rc = item_manifest_write(dir, manifest.data, manifest.len, err);
	if (rc == RC_OK)
		rc = item_publish(dir, err);
	if (rc == RC_OK)
		item_close(dir);
	else
		item_abort(dir);
out:
	if (rc != RC_OK) {
		unpack_item_name(it, name);
		err_wrap(err, "%s", name);
	}
	buf_wipe(&manifest);
	return rc;
}
