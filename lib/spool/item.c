/* An item as a directory: made under a new name, published by one rename, opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define FSYNC_EACH_MAX	8	/* files that are synced one by one; for more, one syncfs costs less */
#define OPEN_DIR	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int item_new(struct item_dir **out, struct import *imp, int study, struct err *err)
{
	if (study < 0 || study > NUMBER_MAX)
		return err_set(err, ERR_INTERNAL, "no such item number");
	struct item_dir *it = calloc(1, sizeof(*it));
	if (it == NULL)
		return err_sys(err, ENOMEM, "cannot open an item");
	it->import = imp;
	it->study = study;
	it->parent = it->fd = it->barrier = it->lock = -1;
	if (study == ITEM_PAPERS) {
		text_copy(it->disk, sizeof(it->disk), NAME_PAPERS);
		text_copy(it->name, sizeof(it->name), NAME_PAPERS);
	} else {
		snprintf(it->disk, sizeof(it->disk), "%d", study);
		snprintf(it->name, sizeof(it->name), NAME_STUDY "/%d", study);
	}
	*out = it;
	return RC_OK;
}

static void item_free(struct item_dir *it)
{
	int fds[] = { it->barrier, it->fd, it->parent, it->lock };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(it);
}

/* "20261124T…/study/1", or the name alone without a spool */
static const char *title(const struct item_dir *it, char out[NAME_LEN + SPOOL_ID_LEN + 2])
{
	snprintf(out, NAME_LEN + SPOOL_ID_LEN + 2, "%s%s%s", it->import != NULL ? it->import->id : "",
	    it->import != NULL ? "/" : "", it->name);
	return out;
}

static int remember(struct item_dir *it, struct err *err)
{
	struct stat st;
	if (fstat(it->fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", it->name);
	it->dev = st.st_dev;
	it->ino = st.st_ino;
	return RC_OK;
}

/* parent/.NAME made anew: a leftover of a killed run goes, one that is in work is left alone. */
static int make_hidden(struct item_dir *it, struct err *err)
{
	char hidden[NAME_LEN + 2], what[NAME_LEN + SPOOL_ID_LEN + 2];
	int sub = -1, old = -1, rc = RC_OK;
	snprintf(hidden, sizeof(hidden), ".%s", it->disk);
	if (file_there(it->parent, it->disk)) {
		err_set(err, ERR_CANTCREAT, "%s is there already", title(it, what));
		err->sys = EEXIST;
		return err_rc(ERR_CANTCREAT);
	}
	if (mkdirat(it->parent, hidden, 0700) < 0) {
		if (errno != EEXIST)
			return err_sys(err, errno, "cannot make %s", title(it, what));
		if ((rc = dir_open(it->parent, hidden, &old, err)) != RC_OK)
			return rc;
		rc = lock_file(old, NAME_LOCK, 0, title(it, what), &sub, err);
		if (rc == RC_OK) {
			rc = dir_erase(it->parent, hidden, NULL, NULL, err);
			close(sub);
		}
		close(old);
		if (rc == RC_OK && mkdirat(it->parent, hidden, 0700) < 0)
			rc = err_sys(err, errno, "cannot make %s", title(it, what));
		if (rc != RC_OK)
			return rc;
	}
	if ((rc = dir_open(it->parent, hidden, &it->fd, err)) != RC_OK || (rc = remember(it, err)) != RC_OK ||
	    (rc = lock_file(it->fd, NAME_LOCK, 0, title(it, what), &it->lock, err)) != RC_OK)
		return rc;
	/* for an item without staged files; others take the staging's, which is older (item_place) */
	if ((rc = dir_open(it->parent, hidden, &it->barrier, err)) != RC_OK)
		return rc;
	if (it->study != ITEM_PAPERS) {
		if ((rc = dir_make(it->fd, NAME_ORIGINAL, &sub, NULL, err)) != RC_OK)
			return rc;
		close(sub);
	}
	if ((rc = dir_make(it->fd, NAME_DOCUMENT, &sub, NULL, err)) != RC_OK)
		return rc;
	close(sub);
	return RC_OK;
}

int item_create(struct item_dir **out, struct import *imp, int study, struct err *err)
{
	struct item_dir *it = NULL;
	int rc = import_present(imp, err);
	if (rc != RC_OK || (rc = item_new(&it, imp, study, err)) != RC_OK)
		return rc;
	if (study == ITEM_PAPERS)
		rc = dir_open(imp->fd, ".", &it->parent, err);
	else
		rc = dir_make(imp->fd, NAME_STUDY, &it->parent, &it->fresh_parent, err);
	if (rc == RC_OK)
		rc = make_hidden(it, err);
	if (rc != RC_OK) {
		item_free(it);
		return rc;
	}
	*out = it;
	return RC_OK;
}

/* DIR of work without a spool: made when its parent is there. */
static int open_output_dir(const char *dir, int *fd, struct err *err)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make the folder %s", dir);
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? err_sys(err, errno, "cannot open the folder %s", dir) : RC_OK;
}

int item_create_dir(struct item_dir **out, const char *dir, int study, struct err *err)
{
	struct item_dir *it = NULL;
	int rc = item_new(&it, NULL, study, err);
	if (rc != RC_OK)
		return rc;
	text_copy(it->name, sizeof(it->name), it->disk);
	if ((rc = open_output_dir(dir, &it->parent, err)) != RC_OK || (rc = make_hidden(it, err)) != RC_OK) {
		item_free(it);
		return rc;
	}
	*out = it;
	return RC_OK;
}

int item_manifest_write(struct item_dir *it, const void *data, size_t len, struct err *err)
{
	char what[NAME_LEN + SPOOL_ID_LEN + 2];
	if (it->published)
		return err_set(err, ERR_INTERNAL, "%s is published: its manifest stays", title(it, what));
	return sealed_stage(it->fd, NAME_MANIFEST, item_recipient(it), data, len, 0400, err);
}

static int sync_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct stat st;
	(void)arg;
	int rc = RC_OK;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = err_sys(err, errno, "cannot sync a file of an item");
	else if (S_ISDIR(st.st_mode) && (rc = dir_each(fd, sync_one, NULL, err)) == RC_OK)
		rc = io_fsync(fd, err);
	else if (S_ISREG(st.st_mode))
		rc = io_fsync(fd, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int barrier(struct item_dir *it, struct err *err)
{
	if (it->originals + it->documents > FSYNC_EACH_MAX) {
		while (syncfs(it->barrier) < 0)
			if (errno != EINTR)
				return err_sys(err, errno, "cannot sync");
		return RC_OK;
	}
	int rc = dir_each(it->fd, sync_one, NULL, err);
	return rc != RC_OK ? rc : io_fsync(it->fd, err);
}

int item_publish(struct item_dir *it, struct err *err)
{
	char hidden[NAME_LEN + 2], what[NAME_LEN + SPOOL_ID_LEN + 2];
	int lock = -1, rc = RC_OK;
	snprintf(hidden, sizeof(hidden), ".%s", it->disk);
	if (it->published || !file_there(it->fd, NAME_MANIFEST))
		return err_set(err, ERR_INTERNAL, "%s has no manifest, or is published", title(it, what));
	if ((rc = barrier(it, err)) != RC_OK)
		return err_wrap(err, "cannot publish %s", title(it, what));
	if (it->import != NULL && ((rc = import_lock(it->import, LOCK_WAIT_MS, &lock, err)) != RC_OK ||
	    (rc = import_present(it->import, err)) != RC_OK))
		goto out;
	if (renameat2(it->parent, hidden, it->parent, it->disk, RENAME_NOREPLACE) < 0) {
		/* some file systems know no flags; a plain rename replaces no directory that has files in it */
		if (errno != EINVAL || file_there(it->parent, it->disk) ||
		    renameat(it->parent, hidden, it->parent, it->disk) < 0) {
			rc = err_sys(err, errno, "cannot publish %s", title(it, what));
			goto out;
		}
	}
	it->published = true;
	if ((rc = dir_sync(it->parent, it->name, err)) != RC_OK)
		goto out;
	if (it->import != NULL && it->study != ITEM_PAPERS)	/* study/ may be new */
		rc = dir_sync(it->import->fd, it->name, err);
	if (rc == RC_OK && it->import != NULL)
		rc = import_present(it->import, err);
out:
	if (lock >= 0)
		close(lock);
	return rc;
}

void item_abort(struct item_dir *it)
{
	char hidden[NAME_LEN + 2];
	struct err ignore;
	if (it == NULL)
		return;
	if (!it->published) {
		snprintf(hidden, sizeof(hidden), ".%s", it->disk);
		dir_erase(it->parent, hidden, NULL, NULL, &ignore);
	}
	item_free(it);
}

static int count_files(struct item_dir *it, struct err *err)
{
	int *v = NULL;
	size_t n = 0;
	int rc = dir_numbers(it->fd, NAME_ORIGINAL, &v, &n, err);
	it->originals = (int)n;
	free(v);
	if (rc == RC_OK) {
		rc = dir_numbers(it->fd, NAME_DOCUMENT, &v, &n, err);
		it->documents = (int)n;
		free(v);
	}
	return rc;
}

int item_open(struct item_dir **out, struct import *imp, int study, bool lock, struct err *err)
{
	char what[NAME_LEN + SPOOL_ID_LEN + 2];
	struct item_dir *it = NULL;
	int rc = import_present(imp, err);
	if (rc != RC_OK || (rc = item_new(&it, imp, study, err)) != RC_OK)
		return rc;
	it->published = true;
	it->parent = openat(imp->fd, study == ITEM_PAPERS ? "." : NAME_STUDY, OPEN_DIR);
	if (it->parent >= 0)
		it->fd = openat(it->parent, it->disk, OPEN_DIR);
	if (it->fd < 0) {
		rc = errno == ENOENT ? err_set(err, ERR_NOINPUT, "there is no item %s", title(it, what)) :
		    err_sys(err, errno, "cannot open %s", title(it, what));
		goto out;
	}
	if ((rc = remember(it, err)) != RC_OK)
		goto out;
	if (lock)
		rc = lock_file(it->fd, NAME_LOCK, 0, title(it, what), &it->lock, err);
	if (rc == RC_OK)
		rc = count_files(it, err);
out:
	if (rc != RC_OK) {
		item_free(it);
		return rc;
	}
	*out = it;
	return RC_OK;
}

int item_open_dir(struct item_dir **out, const char *dir, struct err *err)
{
	struct item_dir *it = NULL;
	char base[SPOOL_PATH_MAX];
	uint64_t u = 0;
	if (!text_copy(base, sizeof(base), dir))
		return err_set(err, ERR_NOINPUT, "the path is too long");
	for (size_t n = strlen(base); n > 1 && base[n - 1] == '/'; n--)
		base[n - 1] = '\0';
	const char *last = strrchr(base, '/') != NULL ? strrchr(base, '/') + 1 : base;
	int study = text_u64(last, NUMBER_MAX, &u) ? (int)u : ITEM_PAPERS;
	int rc = item_new(&it, NULL, study, err);
	if (rc != RC_OK)
		return rc;
	text_escape(it->name, sizeof(it->name), last, strlen(last));
	it->published = true;
	it->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (it->fd < 0) {
		rc = err_sys(err, errno == ENOTDIR ? ENOENT : errno, "cannot open the folder %s", it->name);
		goto out;
	}
	if (!file_there(it->fd, NAME_MANIFEST)) {
		rc = err_set(err, ERR_NOINPUT, "%s is not laid out as an item: it has no manifest", it->name);
		goto out;
	}
	if ((rc = remember(it, err)) == RC_OK)
		rc = count_files(it, err);
out:
	if (rc != RC_OK) {
		item_free(it);
		return rc;
	}
	*out = it;
	return RC_OK;
}

void item_close(struct item_dir *it)
{
	if (it != NULL)
		item_free(it);
}

int item_each(const struct import *imp, int *studies, size_t cap, size_t *n, bool *papers, struct err *err)
{
	int *v = NULL;
	int rc = dir_numbers(imp->fd, NAME_STUDY, &v, n, err);
	for (size_t i = 0; rc == RC_OK && i < *n && i < cap; i++)
		studies[i] = v[i];
	free(v);
	*papers = file_there(imp->fd, NAME_PAPERS);
	return rc;
}

const char *item_name(const struct item_dir *it) { return it->name; }
struct import *item_import(const struct item_dir *it) { return it->import; }

const struct age_recipient *item_recipient(const struct item_dir *it)
{
	return it->import != NULL ? import_recipient(it->import) : NULL;
}

const struct age_identity *item_who(const struct item_dir *it)
{
	return it->import != NULL ? import_who(it->import) : NULL;
}

int item_writable(const struct item_dir *it, struct err *err)
{
	char what[NAME_LEN + SPOOL_ID_LEN + 2];
	struct stat st;
	if (it->import == NULL)
		return RC_OK;
	if (it->lock < 0)
		return err_set(err, ERR_INTERNAL, "%s is not locked by this process", title(it, what));
	int rc = import_present(it->import, err);
	if (rc != RC_OK)
		return rc;
	if (it->published && (fstatat(it->parent, it->disk, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_dev != it->dev || st.st_ino != it->ino))
		return err_set(err, ERR_REFUSED, "%s was purged meanwhile", title(it, what));
	return RC_OK;
}
