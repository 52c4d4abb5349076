#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "media/sniff.h"
#include "order/claim.h"
#include "stage/fetch.h"

#define FOLDER_FILES_MAX	9999

int
target_open_dir(struct target *t, const char *path, struct err *err)
{
	char shown[256];

	memset(t, 0, sizeof(*t));
	t->fd = t->dir = -1;
	text_escape(shown, sizeof(shown), path, strlen(path));
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make the folder %s", shown);
	t->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0 || realpath(path, t->path) == NULL)	/* receipts are absolute */
		return err_sys(err, errno, "cannot open the folder %s", shown);
	return RC_OK;
}

/* A number that no file of the folder begins with. */
static bool
number_taken(const struct target *t, int n)
{
	static const enum media kinds[] = { MEDIA_ZIP, MEDIA_DICOM, MEDIA_PDF, MEDIA_JPEG, MEDIA_PNG,
	    MEDIA_XML, MEDIA_HTML, MEDIA_JSON, MEDIA_TEXT, MEDIA_UNKNOWN };
	char name[32];
	size_t i = 0;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(name, sizeof(name), "%03d%s", n, media_suffix(kinds[i]));
		if (faccessat(t->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

int
target_begin(struct target *t, const struct age_recipient **to, struct err *err)
{
	*to = NULL;
	if (t->import != NULL) {
		*to = import_recipient(t->import);
		return import_package_begin(t->import, &t->package, &t->fd, &t->n, err);
	}
	for (t->n++; number_taken(t, t->n) && t->n < FOLDER_FILES_MAX; t->n++)
		;
	snprintf(t->name, sizeof(t->name), ".%03d.part", t->n);
	t->fd = openat(t->dir, t->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (t->fd < 0)
		return err_sys(err, errno, "cannot write into the folder");
	return RC_OK;
}

int
target_end(struct target *t, const char *key, const struct claim *claim, struct err *err)
{
	struct buf b = BUF_INIT((size_t)16 << 20);
	struct package *p = t->package;
	char head[SNIFF_BYTES], name[32];
	size_t got = 0;
	int rc = RC_OK;

	if (t->import != NULL) {
		close(t->fd);
		t->fd = -1;
		t->package = NULL;
		if ((rc = claim_write(claim, &b, err)) != RC_OK)
			import_package_abort(p);
		else
			rc = import_package_end(p, key, b.data, b.len, err);
		buf_free(&b);
		return rc;
	}
	if ((rc = io_pread_full(t->fd, head, sizeof(head), 0, &got, err)) == RC_OK && (rc = io_fsync(t->fd, err)) == RC_OK) {
		snprintf(name, sizeof(name), "%03d%s", t->n, media_suffix(sniff(head, got)));
		if (renameat2(t->dir, t->name, t->dir, name, RENAME_NOREPLACE) != 0)
			rc = err_sys(err, errno, "cannot name a file in the folder");
	}
	if (rc != RC_OK) {
		target_abort(t);
		return rc;
	}
	close(t->fd);
	t->fd = -1;
	text_copy(t->name, sizeof(t->name), name);
	return io_fsync(t->dir, err);
}

void
target_abort(struct target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->package != NULL)
		import_package_abort(t->package);
	else if (t->import == NULL && t->fd >= 0 && t->name[0] == '.')
		unlinkat(t->dir, t->name, 0);
	t->package = NULL;
	t->fd = -1;
}

int
target_holds(struct target *t, const char *key, bool *there, struct err *err)
{
	*there = false;
	return t->import != NULL ? import_holds(t->import, key, there, err) : RC_OK;
}

void
target_close(struct target *t)
{
	target_abort(t);
	if (t->dir >= 0)
		close(t->dir);
	import_close(t->import);
	t->import = NULL;
	t->dir = -1;
}
