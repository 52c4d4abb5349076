#include "media/tarball.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include "base/buf.h"

struct tarball {
	struct archive *a;
	struct buf bytes;
	struct err err;		/* of on_write */
};

static la_ssize_t
on_write(struct archive *a, void *arg, const void *data, size_t n)
{
	struct tarball *t = arg;

	if (buf_add(&t->bytes, data, n, &t->err) != RC_OK) {
		archive_set_error(a, ENOSPC, "too large");
		return -1;
	}
	return (la_ssize_t)n;
}

static int
failed(struct tarball *t, struct err *err)
{
	if (t->err.kind != ERR_NONE)
		*err = t->err;
	else
		err_set(err, ERR_TEMP, "the archive cannot be written: %s", archive_error_string(t->a));
	return err_rc(err->kind);
}

int
tarball_new(struct tarball **out, size_t max, struct err *err)
{
	struct tarball *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL || (t->a = archive_write_new()) == NULL) {
		free(t);
		return err_sys(err, ENOMEM, "cannot make an archive");
	}
	t->bytes.max = max;
	if (archive_write_set_format_pax_restricted(t->a) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(t->a, 1) != ARCHIVE_OK ||
	    archive_write_open(t->a, t, NULL, on_write, NULL) != ARCHIVE_OK) {
		(void)failed(t, err);
		tarball_free(t);
		return err_rc(err->kind);
	}
	*out = t;
	return RC_OK;
}

int
tarball_add(struct tarball *t, const char *name, const void *data, size_t n, time_t when, struct err *err)
{
	struct archive_entry *e = archive_entry_new();
	int rc = RC_OK;

	if (e == NULL)
		return err_sys(err, ENOMEM, "cannot make an archive");
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)n);
	archive_entry_set_mtime(e, when, 0);
	if (archive_write_header(t->a, e) != ARCHIVE_OK || (n > 0 && archive_write_data(t->a, data, n) != (la_ssize_t)n))
		rc = failed(t, err);
	archive_entry_free(e);
	return rc;
}

int
tarball_end(struct tarball *t, const void **bytes, size_t *n, struct err *err)
{
	if (archive_write_close(t->a) != ARCHIVE_OK)
		return failed(t, err);
	*bytes = t->bytes.data;
	*n = t->bytes.len;
	return RC_OK;
}

void
tarball_free(struct tarball *t)
{
	if (t == NULL)
		return;
	archive_write_free(t->a);
	buf_wipe(&t->bytes);
	free(t);
}
