/*
 * Where a worker's outputs lie until it is known to which item they belong:
 * .staging-PID/ in the import (or DIR). One at a time: it holds package/'s
 * lock, so that two mri-unpack of one import do not work side by side; what
 * a killed one left is removed by the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define FLUSH_FROM	16	/* outputs: fewer are not worth a thread */

struct staging {
	int parent, fd, lock;
	int barrier;	/* opened before the first output: syncfs(2) reports on it what failed since */
	int next;
	char name[32];
	struct import *import;
	struct flush *flush;	/* NULL until there is something for it */
};

static int leftover(int dirfd, const char *name, void *arg, struct err *err)
{
	(void)arg;
	return text_starts(name, NAME_STAGING) ? dir_erase(dirfd, name, NULL, NULL, err) : RC_OK;
}

static int start(struct staging *st, struct err *err)
{
	snprintf(st->name, sizeof(st->name), NAME_STAGING "%ld", (long)getpid());
	int rc = dir_each(st->parent, leftover, NULL, err);
	if (rc == RC_OK)
		rc = dir_make(st->parent, st->name, &st->fd, NULL, err);
	if (rc == RC_OK)
		rc = dir_open(st->parent, st->name, &st->barrier, err);
	return rc;
}

int staging_sweep(struct import *imp, struct err *err)
{
	int parent = -1, lock = -1, rc = dir_open(imp->fd, ".", &parent, err);
	struct err held;

	if (rc == RC_OK && lock_dir(imp->fd, NAME_PACKAGE, 0, imp->id, &lock, &held) == RC_OK)
		rc = dir_each(parent, leftover, NULL, err);
	if (lock >= 0)
		close(lock);
	if (parent >= 0)
		close(parent);
	return rc;
}

static int new_staging(struct staging **out, struct err *err)
{
	struct staging *st = calloc(1, sizeof(*st));
	if (st == NULL)
		return err_sys(err, ENOMEM, "cannot begin to unpack");
	st->parent = st->fd = st->lock = st->barrier = -1;
	*out = st;
	return RC_OK;
}

int staging_new(struct staging **out, struct import *imp, struct err *err)
{
	struct staging *st = NULL;
	int rc = import_present(imp, err);
	if (rc != RC_OK || (rc = new_staging(&st, err)) != RC_OK)
		return rc;
	st->import = imp;
	if ((rc = dir_open(imp->fd, ".", &st->parent, err)) == RC_OK &&
	    (rc = lock_dir(imp->fd, NAME_PACKAGE, 0, imp->id, &st->lock, err)) == RC_OK)
		rc = start(st, err);
	if (rc != RC_OK) {
		staging_free(st);
		return rc;
	}
	*out = st;
	return RC_OK;
}

int staging_new_dir(struct staging **out, const char *dir, struct err *err)
{
	struct staging *st = NULL;
	int rc = new_staging(&st, err);
	if (rc != RC_OK)
		return rc;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		rc = err_sys(err, errno, "cannot make the folder %s", dir);
	else if ((st->parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		rc = err_sys(err, errno, "cannot open the folder %s", dir);
	else if ((rc = lock_dir(st->parent, ".", 0, dir, &st->lock, err)) == RC_OK)
		rc = start(st, err);
	if (rc != RC_OK) {
		staging_free(st);
		return rc;
	}
	*out = st;
	return RC_OK;
}

static void slot_name(int slot, char out[16])
{
	snprintf(out, 16, "%d", slot);
}

int staging_output(struct staging *st, int *fd, int *slot, struct err *err)
{
	char name[16];
	slot_name(st->next, name);
	/* read-only from the start: the descriptor writes, nobody else will */
	int f = openat(st->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (f < 0)
		return err_sys(err, errno, "cannot create a staging file");
	*fd = f;
	*slot = st->next++;
	return RC_OK;
}

void staging_done(struct staging *st, int fd)
{
	if (st->flush == NULL && st->next > FLUSH_FROM)
		st->flush = flush_new();
	flush_file(st->flush, fd);
}

int staging_spill(struct staging *st, int *fd, struct err *err)
{
	*fd = openat(st->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {	/* a filesystem that has none */
		*fd = openat(st->fd, ".spill", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*fd >= 0 && unlinkat(st->fd, ".spill", 0) != 0) {
			close(*fd);
			*fd = -1;
		}
	}
	return *fd < 0 ? err_sys(err, errno, "cannot create a file for an archive inside") : RC_OK;
}

int staging_drop(struct staging *st, int slot, struct err *err)
{
	char name[16];
	slot_name(slot, name);
	if (unlinkat(st->fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove a staging file");
	return RC_OK;
}

void staging_free(struct staging *st)
{
	struct err ignore;
	if (st == NULL)
		return;
	flush_free(st->flush);
	if (st->fd >= 0) {
		close(st->fd);
		dir_erase(st->parent, st->name, NULL, NULL, &ignore);
	}
	if (st->barrier >= 0)
		close(st->barrier);
	if (st->parent >= 0)
		close(st->parent);
	if (st->lock >= 0)
		close(st->lock);
	free(st);
}

/* The item's files were written before the item was made: it is synced through the older descriptor. A copy shares
 * the open file and what was reported on it; the first publication that fails ends the run. */
static int take_barrier(struct item_dir *it, const struct staging *st, struct err *err)
{
	if (it->staged)
		return RC_OK;
	int fd = fcntl(st->barrier, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, errno, "cannot place a file of %s", it->name);
	close(it->barrier);
	it->barrier = fd;
	it->staged = true;
	return RC_OK;
}

int item_place(struct item_dir *it, struct staging *st, int slot, enum item_kind kind, int *n, struct err *err)
{
	char from[16], to[64];
	int *count = kind == ITEM_ORIGINAL ? &it->originals : &it->documents;
	if (it->published || (kind == ITEM_ORIGINAL && it->study == ITEM_PAPERS))
		return err_set(err, ERR_INTERNAL, "%s takes no such file", it->name);
	if (*count >= NUMBER_MAX)
		return err_set(err, ERR_DATA, "too many files in %s", it->name);
	int rc = take_barrier(it, st, err);
	if (rc != RC_OK)
		return rc;
	slot_name(slot, from);
	if (kind == ITEM_ORIGINAL)
		snprintf(to, sizeof(to), NAME_ORIGINAL "/%05d", *count + 1);
	else
		snprintf(to, sizeof(to), NAME_DOCUMENT "/%03d", *count + 1);
	if (renameat(st->fd, from, it->fd, to) < 0)
		return err_sys(err, errno, "cannot place a file of %s", it->name);
	*n = ++*count;
	return RC_OK;
}
