/* `history` and the other plain files that only grow, and their lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

int append_held(int fd, const char *name, const char *line, size_t len, struct err *err)
{
	struct buf b = BUF_INIT(LINE_MAX_PLAIN + 2);
	struct stat st;
	size_t got = 0;
	char last = '\n';
	int rc = RC_OK;
	if (len > LINE_MAX_PLAIN || memchr(line, '\n', len) != NULL)
		return err_set(err, ERR_INTERNAL, "a line of %s is too long or has a newline in it", name);
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_END) < 0)
		return err_sys(err, errno, "cannot append to %s", name);
	if (st.st_size > 0 && (rc = io_pread_full(fd, &last, 1, (uint64_t)st.st_size - 1, &got, err)) != RC_OK)
		return err_wrap(err, "cannot append to %s", name);
	if (last != '\n')	/* a torn line of a killed run: ended, and passed over by readers */
		rc = buf_add(&b, "\n", 1, err);
	if (rc == RC_OK)
		rc = buf_add(&b, line, len, err);
	if (rc == RC_OK)
		rc = buf_add(&b, "\n", 1, err);
	if (rc == RC_OK)
		rc = io_write_full(fd, b.data, b.len, err);
	if (rc == RC_OK)
		rc = io_fsync(fd, err);
	if (rc != RC_OK) {
		err_wrap(err, "cannot append to %s", name);
		if (ftruncate(fd, st.st_size) < 0)
			err_advise(err, "the end of the file may be torn; the next run mends it");
	}
	buf_free(&b);
	return rc;
}

int append_line(int dirfd, const char *name, const char *line, size_t len, struct err *err)
{
	bool fresh = !file_there(dirfd, name);
	int fd = -1;
	int rc = lock_file(dirfd, name, LOCK_WAIT_MS, name, &fd, err);
	if (rc != RC_OK)
		return rc;
	rc = append_held(fd, name, line, len, err);
	if (close(fd) < 0 && rc == RC_OK && errno != EINTR)
		rc = err_sys(err, errno, "cannot append to %s", name);
	if (rc == RC_OK && fresh)
		rc = dir_sync(dirfd, name, err);
	return rc;
}

int each_line(int dirfd, const char *name, size_t max, line_fn *cb, void *arg, struct err *err)
{
	struct buf b = BUF_INIT(max);
	int rc = file_read(dirfd, name, &b, err);
	if (rc != RC_OK) {
		buf_free(&b);
		if (err->kind != ERR_NOINPUT)
			return rc;
		err_clear(err);	/* absent is empty: callers that look at err see no error */
		return RC_OK;
	}
	char *at = b.data, *end = b.data + b.len;
	while (rc == RC_OK && at < end) {
		char *nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL)
			break;	/* torn */
		*nl = '\0';
		if (nl > at && memchr(at, '\0', (size_t)(nl - at)) == NULL)
			rc = cb(at, (size_t)(nl - at), arg, err);
		at = nl + 1;
	}
	buf_free(&b);
	return rc;
}

int import_history_add(struct import *imp, const char *stage, const char *item, const char *outcome,
    const char *reason, const json_t *numbers, struct err *err)
{
	char when[TIME_TEXT_MAX];
	time_t now = 0, wall = 0;
	struct buf b = BUF_INIT(LINE_MAX_PLAIN);
	int rc = import_present(imp, err);
	if (rc != RC_OK)
		return rc;
	clock_now(imp->sp, &now, &wall);
	json_t *line = json_make(err, "{s:s, s:s, s:s*, s:s, s:s*}", "time", time_iso(wall, when), "stage", stage,
	    "item", item, "outcome", outcome, "reason", reason);
	if (line == NULL)
		return err_rc(err->kind);
	if (numbers != NULL && json_object_update_missing(line, (json_t *)(uintptr_t)numbers) < 0)
		rc = err_set(err, ERR_TEMP, "cannot write history: out of memory");
	if (rc == RC_OK)
		rc = json_write(line, &b, err);
	if (rc == RC_OK)
		rc = append_line(imp->fd, NAME_HISTORY, b.data, b.len, err);
	json_decref(line);
	buf_free(&b);
	return rc;
}

struct each {
	import_history_fn *cb;
	void *arg;
};

static int history_line(char *line, size_t len, void *arg, struct err *err)
{
	struct each *e = arg;
	json_t *j = NULL;
	struct err bad;
	/* a line that is no JSON object was torn or tampered with; the others still count */
	if (len > LINE_MAX_PLAIN || json_parse(line, len, &j, &bad) != RC_OK)
		return RC_OK;
	int rc = json_is_object(j) ? e->cb(j, e->arg, err) : RC_OK;
	json_decref(j);
	return rc;
}

int import_history_each(const struct import *imp, import_history_fn *cb, void *arg, struct err *err)
{
	struct each e = { cb, arg };
	return each_line(imp->fd, NAME_HISTORY, HISTORY_MAX, history_line, &e, err);
}
