#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "source/local.h"
#include "source/pack.h"

#define CHUNK	((size_t)1 << 18)

struct walk {
	struct pack zip;
	struct local_result *r;
	bool (*stopped)(void);
	char *chunk;
	char path[PACK_NAME_MAX + 256];	/* relative, as the member is called */
};

int
local_kind(const char *path, bool *folder, struct err *err)
{
	struct stat st;
	char shown[256];

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (stat(path, &st) != 0)
		return err_sys(err, errno, "cannot open %s", shown);
	*folder = S_ISDIR(st.st_mode);
	if (!*folder && !S_ISREG(st.st_mode))
		return err_set(err, ERR_NOINPUT, "%s is neither a file nor a folder", shown);
	return RC_OK;
}

int
local_copy_file(const char *path, struct stream *to, struct local_result *r, struct err *err)
{
	struct hash *h = NULL;
	uint8_t sum[HASH_LEN];
	char shown[256], *chunk = NULL;
	size_t got = 0;
	int fd = -1, rc = RC_OK;

	memset(r, 0, sizeof(*r));
	text_escape(shown, sizeof(shown), path, strlen(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", shown);
	if ((chunk = malloc(CHUNK)) == NULL) {
		rc = err_sys(err, ENOMEM, "cannot read %s", shown);
		goto out;
	}
	if ((rc = hash_new(&h, err)) != RC_OK)
		goto out;
	for (;;) {
		if ((rc = io_read_full(fd, chunk, CHUNK, &got, err)) != RC_OK) {
			err_wrap(err, "%s", shown);
			goto out;
		}
		if (got == 0)
			break;
		if (r->bytes == 0)
			r->media = sniff(chunk, got < SNIFF_BYTES ? got : SNIFF_BYTES);
		r->bytes += got;
		if ((rc = hash_add(h, chunk, got, err)) != RC_OK || (rc = stream_write(to, chunk, got, err)) != RC_OK)
			goto out;
	}
	if (r->bytes == 0) {
		rc = err_set(err, ERR_DATA, "%s is empty", shown);
		goto out;
	}
	r->files = 1;
	if ((rc = hash_end(h, sum, err)) == RC_OK)
		text_hex(sum, sizeof(sum), r->sha256);
out:
	hash_free(h);
	free(chunk);
	close(fd);
	return rc;
}

/* The first of two readings: sum and size, so that a file which cannot be read leaves no half member behind. */
static bool
measure(struct walk *w, int fd, uint64_t *size, uint32_t *crc)
{
	struct err e = { 0 };
	size_t got = 0;

	*size = 0;
	*crc = 0;
	do {
		if (io_pread_full(fd, w->chunk, CHUNK, *size, &got, &e) != RC_OK)
			return false;
		*crc = pack_crc(*crc, w->chunk, got);
		*size += got;
	} while (got == CHUNK);
	return true;
}

static int
add_file(struct walk *w, int fd, struct err *err)
{
	uint64_t size = 0, done = 0;
	uint32_t crc = 0, again = 0;
	size_t got = 0, want = 0;
	int rc = RC_OK;

	if (!measure(w, fd, &size, &crc)) {
		w->r->unreadable++;
		return RC_OK;
	}
	if (w->r->files == LOCAL_FILES_MAX)
		return err_set(err, ERR_DATA, "more than %d files in the folder", LOCAL_FILES_MAX);
	if ((rc = pack_member(&w->zip, w->path, size, crc, err)) != RC_OK)
		return rc;
	for (; done < size; done += got) {
		want = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		if ((rc = io_pread_full(fd, w->chunk, want, done, &got, err)) != RC_OK)
			return rc;
		if (got < want)
			return err_set(err, ERR_TEMP, "a file of the folder got shorter while it was read");
		again = pack_crc(again, w->chunk, got);
		if ((rc = pack_data(&w->zip, w->chunk, got, err)) != RC_OK)
			return rc;
	}
	if (again != crc)
		return err_set(err, ERR_TEMP, "a file of the folder changed while it was read");
	w->r->files++;
	return RC_OK;
}

static int add_folder(struct walk *w, int fd, size_t len, int depth, struct err *err);

/* Member names are labels in UTF-8: bytes that are none, controls and backslashes are written as %HH. */
static size_t
label(char *to, size_t room, const char *name)
{
	bool utf8 = text_utf8_valid(name, strlen(name));
	size_t n = 0;

	for (; *name != '\0' && n + 4 < room; name++) {
		if (*name == '\\' || (unsigned char)*name < 0x20 || *name == 0x7f || (!utf8 && (unsigned char)*name >= 0x80))
			n += (size_t)snprintf(to + n, 4, "%%%02X", (unsigned char)*name);
		else
			to[n++] = *name;
	}
	to[n] = '\0';
	return *name == '\0' ? n : room;
}

static int
add_entry(struct walk *w, int dir, const char *name, size_t len, int depth, struct err *err)
{
	struct stat st;
	size_t n = label(w->path + len, sizeof(w->path) - len, name);
	int fd = -1, rc = RC_OK;

	if (w->stopped != NULL && w->stopped())
		return err_set(err, ERR_TEMP, "interrupted");
	if (len + n + 1 > PACK_NAME_MAX)
		return err_set(err, ERR_DATA, "a path of more than %d bytes in the folder", PACK_NAME_MAX);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		w->r->unreadable++;
		return RC_OK;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		w->r->passed++;
		return RC_OK;
	}
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0) {
		w->r->unreadable++;
		return RC_OK;
	}
	if (S_ISREG(st.st_mode)) {
		rc = add_file(w, fd, err);
		close(fd);
		return rc;
	}
	memcpy(w->path + len + n, "/", 2);
	return add_folder(w, fd, len + n + 1, depth + 1, err);
}

/* Takes fd. In the order of names, so that the same folder gives the same package. */
static int
add_folder(struct walk *w, int fd, size_t len, int depth, struct err *err)
{
	struct dirent **names = NULL;
	int n = 0, i = 0, rc = RC_OK;

	if (depth > LOCAL_DEPTH_MAX) {
		close(fd);
		return err_set(err, ERR_DATA, "folders nested more than %d deep", LOCAL_DEPTH_MAX);
	}
	n = scandirat(fd, ".", &names, NULL, alphasort);
	if (n < 0) {
		w->r->unreadable++;
		close(fd);
		return RC_OK;
	}
	for (i = 0; i < n; i++) {
		if (rc == RC_OK && strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
			rc = add_entry(w, fd, names[i]->d_name, len, depth, err);
		free(names[i]);
	}
	free(names);
	close(fd);
	return rc;
}

int
local_pack_folder(const char *path, struct stream *to, struct local_result *r, bool (*stopped)(void), struct err *err)
{
	struct walk *w = calloc(1, sizeof(*w));
	char shown[256];
	int fd = -1, rc = RC_OK;

	memset(r, 0, sizeof(*r));
	text_escape(shown, sizeof(shown), path, strlen(path));
	if (w == NULL || (w->chunk = malloc(CHUNK)) == NULL) {
		rc = err_sys(err, ENOMEM, "cannot read %s", shown);
		goto out;
	}
	w->r = r;
	w->stopped = stopped;
	if ((rc = pack_begin(&w->zip, to, err)) != RC_OK)
		goto out;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		rc = err_sys(err, errno, "cannot open %s", shown);
		goto out;
	}
	if ((rc = add_folder(w, fd, 0, 1, err)) != RC_OK) {
		err_wrap(err, "%s", shown);
		goto out;
	}
	if (r->files == 0) {
		rc = err_set(err, ERR_NOINPUT, "%s: no file in it can be read", shown);
		goto out;
	}
	rc = pack_end(&w->zip, r->sha256, err);
	r->bytes = w->zip.at;
	r->media = MEDIA_ZIP;
out:
	if (w != NULL) {
		pack_free(&w->zip);
		free(w->chunk);
	}
	free(w);
	return rc;
}
