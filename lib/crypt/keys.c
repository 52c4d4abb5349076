#include "crypt/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"

/* An identity file is three lines; comments may be long, not endless. */
#define IDENTITY_FILE_MAX	((size_t)16 << 10)
/* A wrapped identity: one line in an age file of one chunk. */
#define WRAPPED_MAX		((size_t)4 << 10)
#define NAME_MAX_TMP		256

static int secret_line(char *text, struct age_identity *id, struct err *err)
{
	int found = 0, rc = RC_OK;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		text_trim(line);
		if (*line == '#' || *line == '\0')
			continue;
		if (found++)
			return err_set(err, ERR_CONFIG, "more than one line that is not a comment");
		if ((rc = age_identity_parse(line, id, err)))
			return rc;
	}
	if (!found)
		return err_set(err, ERR_CONFIG, "no AGE-SECRET-KEY-1 line");
	return RC_OK;
}

int keys_identity_load(const char *path, struct age_identity *id, struct err *err)
{
	struct buf text = BUF_INIT(IDENTITY_FILE_MAX);
	struct stat st;
	size_t got = 0;
	int rc = RC_OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	memset(id, 0, sizeof(*id));
	if (fd < 0)
		return err_sys(err, errno, "cannot open the identity file");
	if (fstat(fd, &st) != 0) {
		rc = err_sys(err, errno, "cannot stat the identity file");
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_DENIED, "the identity file is not an ordinary file");
		goto out;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		rc = err_set(err, ERR_DENIED, "the identity file belongs to another user (uid %lu)",
		    (unsigned long)st.st_uid);
		goto out;
	}
	if (st.st_mode & 077) {
		rc = err_set(err, ERR_DENIED, "the identity file is open to others (mode %04o)",
		    (unsigned)st.st_mode & 07777U);
		err_advise(err, "chmod 600 it, and make a new identity if others may have read it");
		goto out;
	}
	if ((rc = buf_grow(&text, IDENTITY_FILE_MAX, err)) ||
	    (rc = io_read_full(fd, text.data, IDENTITY_FILE_MAX, &got, err)))
		goto out;
	text.data[got] = '\0';
	text.len = got;
	if (got == IDENTITY_FILE_MAX)
		rc = err_set(err, ERR_CONFIG, "longer than %zu bytes", IDENTITY_FILE_MAX - 1);
	else
		rc = secret_line(text.data, id, err);
	if (rc) {
		if (err->kind == ERR_DATA)
			err->kind = ERR_CONFIG;
		rc = err_wrap(err, "the identity file is not one of age-keygen");
		age_identity_wipe(id);
	}
out:
	buf_wipe(&text);
	close(fd);
	return rc;
}

static int sync_dir(int at, struct err *err)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? err_sys(err, errno, "cannot open the directory of the identity") :
	    io_fsync(fd, err);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* Makes the directories of path that are missing, 0700, each synced in its parent; *dirfd: the last one.
 * On the way down O_PATH: a parent may let us pass and not read. */
static int make_dirs(const char *path, int *dirfd, const char **name, struct err *err)
{
	int at = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int next = -1, rc = RC_OK;

	*dirfd = -1;
	while (at >= 0) {
		char part[NAME_MAX_TMP];
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");

		if (path[n] == '\0') {
			*name = path;
			if (n == 0)
				rc = err_set(err, ERR_CONFIG, "the identity's path names a directory");
			else
				*dirfd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			break;
		}
		if (!text_copyn(part, sizeof(part), path, n)) {
			rc = err_set(err, ERR_CONFIG, "a name in the identity's path is too long");
			break;
		}
		if (mkdirat(at, part, 0700) == 0)
			rc = sync_dir(at, err);
		else if (errno != EEXIST)
			rc = err_sys(err, errno, "cannot make the directory of the identity");
		if (rc)
			break;
		next = openat(at, part, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int failed = errno;
		close(at);
		at = next;
		errno = failed;
		path += n;
	}
	if (!rc && *dirfd < 0)
		rc = err_sys(err, errno, "cannot open the directory of the identity");
	if (at >= 0)
		close(at);
	return rc;
}

/* A new file that appears under its name whole, or not at all, and replaces nothing. */
static int publish(int dirfd, const char *name, const void *data, size_t len, struct err *err)
{
	char tmp[NAME_MAX_TMP];
	int rc = RC_OK, fd = -1;
	int n = snprintf(tmp, sizeof(tmp), ".%s.new", name);

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return err_set(err, ERR_CONFIG, "file name too long");
	if (unlinkat(dirfd, tmp, 0) != 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove an old temporary file");
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot create");
	if ((rc = io_write_full(fd, data, len, err)) || (rc = io_fsync(fd, err)))
		goto out;
	if (linkat(dirfd, tmp, dirfd, name, 0) != 0) {
		rc = err_sys(err, errno, "cannot create");
		goto out;
	}
out:
	if (close(fd) != 0 && !rc)
		rc = err_sys(err, errno, "cannot close");
	if (unlinkat(dirfd, tmp, 0) != 0 && !rc)
		rc = err_sys(err, errno, "cannot remove a temporary file");
	return rc ? rc : io_fsync(dirfd, err);
}

int keys_identity_create(const char *path, struct age_identity *id, struct err *err)
{
	char secret[AGE_TEXT_MAX] = "", public[AGE_TEXT_MAX] = "", when[TIME_TEXT_MAX];
	struct buf text = BUF_INIT(IDENTITY_FILE_MAX);
	const char *name = NULL;
	int dirfd = -1, rc = age_identity_new(id, err);

	if (rc)
		return rc;
	age_identity_text(id, secret);
	age_recipient_text(&id->to, public);
	if (!(rc = buf_printf(&text, err, "# created: %s\n# public key: %s\n%s\n", time_iso(time_now(), when),
	    public, secret)) &&
	    !(rc = make_dirs(path, &dirfd, &name, err)) &&
	    (rc = publish(dirfd, name, text.data, text.len, err)))
		err_wrap(err, "the identity file");
	if (rc)
		age_identity_wipe(id);
	if (dirfd >= 0)
		close(dirfd);
	buf_wipe(&text);
	hash_wipe(secret, sizeof(secret));
	return rc;
}

/* A writing stream into a buffer: the wrapped identity is small, and is published whole. */
static int to_buf(struct stream *s, const void *from, size_t len, struct err *err)
{
	return buf_add(s->ctx, from, len, err);
}
static const struct stream_ops to_buf_ops = { NULL, to_buf, NULL, NULL };

int keys_wrap(int dirfd, const char *name, const struct age_identity *id, const struct age_recipient *to,
    struct err *err)
{
	char secret[AGE_TEXT_MAX + 1] = "";
	struct buf sealed = BUF_INIT(WRAPPED_MAX);
	struct stream *raw = NULL, *age = NULL;
	int rc = RC_OK;

	age_identity_text(id, secret);
	size_t n = strlen(secret);
	secret[n++] = '\n';
	if (!(rc = stream_new(&raw, &to_buf_ops, &sealed, 0, err)) &&
	    !(rc = age_create(&age, raw, to, err)) && !(rc = stream_write(age, secret, n, err)) &&
	    !(rc = stream_commit(age, err)))
		rc = publish(dirfd, name, sealed.data, sealed.len, err);
	if (rc)
		err_wrap(err, "the import's key");
	stream_close(age);
	buf_free(&sealed);
	hash_wipe(secret, sizeof(secret));
	return rc;
}

int keys_unwrap(int dirfd, const char *name, const struct age_identity *with, struct age_identity *id,
    struct err *err)
{
	struct stream *raw = NULL, *age = NULL;
	struct buf text = BUF_INIT(WRAPPED_MAX);
	int rc = RC_OK;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	memset(id, 0, sizeof(*id));
	if (fd < 0)
		return err_sys(err, errno, "cannot open the import's key");
	if ((rc = stream_file(&raw, fd, err)) || (rc = age_open_identity(&age, raw, with, err)) ||
	    (rc = stream_slurp(age, &text, err)))
		goto out;
	if (memchr(text.data, '\0', text.len))
		rc = err_set(err, ERR_DATA, "not an age identity");
	else
		rc = secret_line(text.data, id, err);
	if (rc)
		age_identity_wipe(id);
out:
	if (rc) {
		if (err->kind == ERR_CONFIG)
			err->kind = ERR_DATA;
		rc = err_wrap(err, "the import's key");
	}
	stream_close(age);
	buf_wipe(&text);
	return rc;
}

int keys_destroy(int dirfd, const char *name, struct err *err)
{
	struct stat st;
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return RC_OK;
	/* Overwriting is done where it can be. Where it cannot (a full copy-on-write disk), the key goes all
	 * the same: a purge must not stop here, and the manual says what an overwrite proves. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		uint8_t noise[512];
		struct err ignored;
		err_clear(&ignored);
		off_t left = st.st_size < (off_t)WRAPPED_MAX ? st.st_size : (off_t)WRAPPED_MAX;
		while (left > 0 && !hash_random(noise, sizeof(noise), &ignored)) {
			size_t n = left < (off_t)sizeof(noise) ? (size_t)left : sizeof(noise);
			if (io_write_full(fd, noise, n, &ignored))
				break;
			left -= (off_t)n;
		}
		(void)io_fsync(fd, &ignored);
	}
	if (fd >= 0)
		close(fd);
	if (unlinkat(dirfd, name, 0) != 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove the import's key");
	return io_fsync(dirfd, err);
}
