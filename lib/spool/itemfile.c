/* The files of an item: objects, documents, and the sealed small ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

static const struct { const char *name; enum err_kind absent; const char *say; } files[] = {
	[ITEM_MANIFEST] = { NAME_MANIFEST, ERR_DATA, "has no manifest" },
	[ITEM_ORDER] = { NAME_ORDER, ERR_PERSON, "has no order: it is not checked" },
	[ITEM_CHECK] = { NAME_CHECK, ERR_PERSON, "is not checked" },
	[ITEM_OVERLAY] = { NAME_OVERLAY, ERR_PERSON, "is not retagged" },
	[ITEM_REPORT] = { NAME_REPORT, ERR_NOINPUT, "has no report" },
};

static int need_secret(const struct item_dir *it, struct err *err)
{
	return it->import != NULL ? import_need_secret(it->import, err) : RC_OK;
}

/* --- objects and documents ------------------------------------------------- */

static int member(const struct item_dir *it, const char *sub, int digits, int n, char name[16],
    char what[NAME_LEN + 48], int *dir, struct err *err)
{
	int rc = need_secret(it, err);
	if (rc != RC_OK)
		return rc;
	snprintf(name, 16, "%0*d", digits, n);
	snprintf(what, NAME_LEN + 48, "%s/%s/%s", it->name, sub, name);
	return dir_open(it->fd, sub, dir, err);
}

static int member_open(const struct item_dir *it, const char *sub, int digits, int n, struct stream **s,
    struct err *err)
{
	char name[16], what[NAME_LEN + 48];
	int dir = -1;
	int rc = member(it, sub, digits, n, name, what, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = sealed_open(dir, name, what, item_who(it), s, err);
	close(dir);
	return rc;
}

static int member_fd(const struct item_dir *it, const char *sub, int digits, int n, int *fd, struct age_key *key,
    struct err *err)
{
	char name[16], what[NAME_LEN + 48];
	int dir = -1;
	int rc = member(it, sub, digits, n, name, what, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = sealed_fd(dir, name, what, item_who(it), fd, key, err);
	close(dir);
	return rc;
}

int item_object_open(const struct item_dir *it, int n, struct stream **s, struct err *err)
{
	return member_open(it, NAME_ORIGINAL, 5, n, s, err);
}

int item_document_open(const struct item_dir *it, int n, struct stream **s, struct err *err)
{
	return member_open(it, NAME_DOCUMENT, 3, n, s, err);
}

int item_object_fd(const struct item_dir *it, int n, int *fd, struct age_key *key, struct err *err)
{
	return member_fd(it, NAME_ORIGINAL, 5, n, fd, key, err);
}

int item_document_fd(const struct item_dir *it, int n, int *fd, struct age_key *key, struct err *err)
{
	return member_fd(it, NAME_DOCUMENT, 3, n, fd, key, err);
}

/* --- the small ones ------------------------------------------------------------ */

int item_file_there(const struct item_dir *it, enum item_file f, bool *there, struct err *err)
{
	struct stat st;
	*there = fstatat(it->fd, files[f].name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*there && errno != ENOENT)
		return err_sys(err, errno, "cannot look at %s of %s", files[f].name, it->name);
	return RC_OK;
}

int item_file_open(const struct item_dir *it, enum item_file f, struct stream **s, struct err *err)
{
	char what[NAME_LEN + 48];
	bool there = false;
	int rc = item_file_there(it, f, &there, err);
	if (rc == RC_OK && !there)
		return err_set(err, files[f].absent, "%s %s", it->name, files[f].say);
	if (rc != RC_OK || (rc = need_secret(it, err)) != RC_OK)
		return rc;
	snprintf(what, sizeof(what), "%s of %s", files[f].name, it->name);
	return sealed_open(it->fd, files[f].name, what, item_who(it), s, err);
}

int item_file_read(const struct item_dir *it, enum item_file f, struct buf *b, struct err *err)
{
	struct stream *s = NULL;
	int rc = item_file_open(it, f, &s, err);
	if (rc == RC_OK && (rc = stream_slurp(s, b, err)) != RC_OK)
		err_wrap(err, "cannot read %s of %s", files[f].name, it->name);
	stream_close(s);
	return rc;
}

int item_order_read(const struct item_dir *it, struct buf *b, struct err *err)
{
	bool there = false;
	int rc = item_file_there(it, ITEM_ORDER, &there, err);
	if (rc != RC_OK)
		return rc;
	return there || it->import == NULL ? item_file_read(it, ITEM_ORDER, b, err) : import_order_read(it->import, b, err);
}

int item_file_hash(const struct item_dir *it, enum item_file f, char out[65], struct err *err)
{
	struct stream *s = NULL;
	int rc = item_file_open(it, f, &s, err);
	if (rc == RC_OK && (rc = hash_stream(s, out, err)) != RC_OK)
		err_wrap(err, "cannot read %s of %s", files[f].name, it->name);
	stream_close(s);
	return rc;
}

/* What is there and cannot be read is not the same: it is replaced. */
static bool same_bytes(const struct item_dir *it, enum item_file f, const void *data, size_t len)
{
	struct buf b = BUF_INIT(len + 1);
	struct stream *s = NULL;
	struct err ignore;
	bool same = item_file_open(it, f, &s, &ignore) == RC_OK && s->size == len &&
	    stream_slurp(s, &b, &ignore) == RC_OK && b.len == len &&
	    (len == 0 || memcmp(b.data, data, len) == 0);
	stream_close(s);
	buf_free(&b);
	return same;
}

int item_file_write(struct item_dir *it, enum item_file f, const void *data, size_t len, bool *same,
    struct err *err)
{
	int rc = item_writable(it, err);
	if (same != NULL)
		*same = false;
	if (rc != RC_OK)
		return rc;
	if (same_bytes(it, f, data, len)) {
		if (same != NULL)
			*same = true;
		return RC_OK;
	}
	rc = sealed_write(it->fd, files[f].name, item_recipient(it), data, len, 0600, err);
	return rc == RC_OK ? item_writable(it, err) : rc;
}

int item_file_remove(struct item_dir *it, enum item_file f, struct err *err)
{
	int rc = item_writable(it, err);
	if (rc != RC_OK)
		return rc;
	if (unlinkat(it->fd, files[f].name, 0) < 0)
		return errno == ENOENT ? RC_OK :
		    err_sys(err, errno, "cannot remove %s of %s", files[f].name, it->name);
	return dir_sync(it->fd, it->name, err);
}

int item_file_create(struct item_dir *it, enum item_file f, struct stream **s, struct err *err)
{
	int fd = -1;
	int rc = item_writable(it, err);
	if (rc != RC_OK || (rc = file_begin(it->fd, files[f].name, 0600, &fd, err)) != RC_OK)
		return rc;
	rc = sealed_writer(s, fd, item_recipient(it), err);
	if (rc != RC_OK)
		file_drop(it->fd, files[f].name);
	return rc;
}

int item_file_commit(struct item_dir *it, enum item_file f, struct stream *s, struct err *err)
{
	char hidden[NAME_LEN + 2];
	int fd = -1;
	int rc = stream_commit(s, err);
	stream_close(s);
	snprintf(hidden, sizeof(hidden), ".%s", files[f].name);
	if (rc == RC_OK && (rc = file_open(it->fd, hidden, files[f].name, &fd, err)) == RC_OK)
		rc = file_settle(fd, files[f].name, err);
	if (rc == RC_OK)
		rc = item_writable(it, err);
	if (rc != RC_OK) {
		file_drop(it->fd, files[f].name);
		return rc;
	}
	rc = file_place(it->fd, files[f].name, err);
	return rc == RC_OK ? item_writable(it, err) : rc;
}

void item_file_abort(struct item_dir *it, enum item_file f, struct stream *s)
{
	stream_close(s);
	file_drop(it->fd, files[f].name);
}
