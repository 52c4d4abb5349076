#include "deliver/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"

#define PARTIAL		".partial"
#define BLOCK		((size_t)256 << 10)	/* bytes compared at once */
#define NAME_INDEX	"DICOMDIR"

struct fileset {
	int fd;
	char name[9];			/* SABCDEFG: the directory of this item */
	char **written; size_t nwritten, cap;	/* paths, still .partial */
	struct fileset_entry *entries; size_t nentries, entries_cap;
	uint32_t *slots; size_t nslots;	/* path → number of the entry + 1; a power of two, at most half full */
	bool changed;			/* the DICOMDIR has to be written */
};

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

int fileset_open(struct fileset **out, const char *dir, const char *salt, struct err *err)
{
	struct fileset *f = calloc(1, sizeof *f);
	uint8_t raw[HASH_LEN];
	int rc = RC_OK;

	*out = NULL;
	if (!f)
		return err_set(err, ERR_TEMP, "no memory for a folder");
	f->fd = -1;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		rc = err_sys(err, errno, "cannot make the folder");
	if (rc == RC_OK) {
		f->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (f->fd < 0)
			rc = err_sys(err, errno, "cannot open the folder");
	}
	if (rc != RC_OK && err->kind == ERR_NOINPUT)
		err->kind = ERR_CANTCREAT;	/* its parent is not there */
	if (rc == RC_OK)
		rc = hash_bytes(salt, strlen(salt), raw, err);
	if (rc != RC_OK) {
		fileset_close(f);
		return rc;
	}
	f->name[0] = 'S';
	for (size_t i = 0; i < 7; i++)	/* 35 bits: two items of a folder meet once in 100,000 folders of 1,000 */
		f->name[i + 1] = base32[raw[i] & 31];
	*out = f;
	return RC_OK;
}

static void partial(const char *path, char out[FILESET_PATH_MAX + sizeof PARTIAL])
{
	snprintf(out, FILESET_PATH_MAX + sizeof PARTIAL, "%s%s", path, PARTIAL);
}

void fileset_close(struct fileset *f)
{
	char name[FILESET_PATH_MAX + sizeof PARTIAL];

	if (!f)
		return;
	for (size_t i = 0; i < f->nwritten; i++) {
		if (f->written[i]) {
			partial(f->written[i], name);
			(void)unlinkat(f->fd, name, 0);
		}
		free(f->written[i]);
	}
	for (size_t i = 0; i < f->nentries; i++)
		for (size_t l = 0; l < FILESET_LEVELS; l++)
			buf_free(&f->entries[i].records.level[l]);
	free(f->written);
	free(f->entries);
	free(f->slots);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

void fileset_object_path(const struct fileset *f, int n, char out[FILESET_PATH_MAX])
{
	snprintf(out, FILESET_PATH_MAX, "DICOM/%s/IM%06d", f->name, n);
}

void fileset_document_path(const struct fileset *f, int n, const char *suffix, char out[FILESET_PATH_MAX])
{
	snprintf(out, FILESET_PATH_MAX, "DOCS/%s/DOC%05d%.8s", f->name, n, suffix);
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
}

/* Both to the end, block by block. */
static int same_bytes(struct stream *a, struct stream *b, bool *same, struct err *err)
{
	char *x = malloc(BLOCK), *y = malloc(BLOCK);
	uint64_t off = 0;
	int rc = x && y ? RC_OK : err_set(err, ERR_TEMP, "no memory to compare files");

	*same = a->size == b->size;
	while (rc == RC_OK && *same && off < a->size) {
		size_t n = a->size - off < BLOCK ? (size_t)(a->size - off) : BLOCK;
		rc = stream_read_full(a, off, x, n, err);
		if (rc == RC_OK)
			rc = stream_read_full(b, off, y, n, err);
		if (rc == RC_OK)
			*same = memcmp(x, y, n) == 0;
		off += n;
	}
	free(x);
	free(y);
	return rc;
}

int fileset_look(struct fileset *f, const char *path, struct stream *s, bool deep, enum fileset_state *state,
    struct err *err)
{
	struct stream *there = NULL;
	bool same = false;
	int fd = openat(f->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc;

	*state = FILESET_ABSENT;
	if (fd < 0)
		return errno == ENOENT ? RC_OK : err_sys(err, errno, "cannot look at %s in the folder", path);
	rc = stream_file(&there, fd, err);
	if (rc == RC_OK && deep)
		rc = same_bytes(there, s, &same, err);
	else if (rc == RC_OK)
		same = there->size == s->size;
	*state = same ? FILESET_SAME : FILESET_OTHER;
	stream_close(there);
	return rc;
}

/* The directories of a path, each 0700. */
static int make_dirs(struct fileset *f, const char *path, struct err *err)
{
	char at[FILESET_PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		text_copyn(at, sizeof at, path, (size_t)(slash - path));
		if (mkdirat(f->fd, at, 0700) != 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot make %s in the folder", at);
	}
	return RC_OK;
}

int fileset_write(struct fileset *f, const char *path, struct stream *s, struct err *err)
{
	char name[FILESET_PATH_MAX + sizeof PARTIAL];
	struct stream *out = NULL;
	char *copy = NULL;
	int fd = -1, rc = make_dirs(f, path, err);

	if (rc != RC_OK)
		return rc;
	if (f->nwritten == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		char **v = realloc(f->written, cap * sizeof *v);
		if (!v)
			return err_set(err, ERR_TEMP, "no memory for the names of files");
		f->written = v;
		f->cap = cap;
	}
	copy = text_dup(path, err);
	if (!copy)
		return err_rc(err->kind);
	f->written[f->nwritten++] = copy;
	partial(path, name);
	(void)unlinkat(f->fd, name, 0);	/* of a run that was killed */
	fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot write %s in the folder", path);
	rc = stream_file_writer(&out, fd, err);
	if (rc == RC_OK)
		rc = stream_copy(s, out, err);
	if (rc == RC_OK)
		rc = stream_commit(out, err);
	stream_close(out);
	return rc == RC_OK ? rc : err_wrap(err, "cannot write %s in the folder", path);
}

int fileset_index_fd(struct fileset *f, int *fd, struct err *err)
{
	*fd = openat(f->fd, NAME_INDEX, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot open the DICOMDIR of the folder");
	return RC_OK;
}

static size_t slot_of(const struct fileset *f, const char *path)
{
	uint32_t h = 2166136261u;	/* FNV-1a */
	size_t at;

	for (const char *p = path; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	for (at = h & (f->nslots - 1); f->slots[at]; at = (at + 1) & (f->nslots - 1))
		if (strcmp(f->entries[f->slots[at] - 1].path, path) == 0)
			break;
	return at;
}

static int more_entries(struct fileset *f, struct err *err)
{
	size_t cap = f->entries_cap ? f->entries_cap * 2 : 64;
	struct fileset_entry *v = realloc(f->entries, cap * sizeof *v);
	uint32_t *slots = calloc(cap * 2, sizeof *slots);

	if (v)
		f->entries = v;
	if (!v || !slots) {
		free(slots);
		return err_set(err, ERR_TEMP, "no memory for a DICOMDIR");
	}
	f->entries_cap = cap;
	free(f->slots);
	f->slots = slots;
	f->nslots = cap * 2;
	for (size_t i = 0; i < f->nentries; i++)
		f->slots[slot_of(f, f->entries[i].path)] = (uint32_t)i + 1;
	return RC_OK;
}

int fileset_index_add(struct fileset *f, const struct buf level[FILESET_LEVELS], const char *path,
    struct err *err)
{
	struct fileset_entry *e = NULL;
	size_t slot;
	int rc = f->nentries == f->entries_cap ? more_entries(f, err) : RC_OK;

	if (rc != RC_OK)
		return rc;
	slot = slot_of(f, path);
	if (!f->slots[slot]) {
		e = &f->entries[f->nentries++];
		memset(e, 0, sizeof *e);
		text_copy(e->path, sizeof e->path, path);
		f->slots[slot] = (uint32_t)f->nentries;
		f->changed = true;
	}
	e = &f->entries[f->slots[slot] - 1];
	for (size_t l = 0; rc == RC_OK && l < FILESET_LEVELS; l++) {
		struct buf *b = &e->records.level[l];
		if (b->len == level[l].len && (!b->len || memcmp(b->data, level[l].data, b->len) == 0))
			continue;
		f->changed = true;
		buf_clear(b);
		rc = buf_add(b, level[l].data, level[l].len, err);
	}
	return rc;
}

void fileset_index_kept(struct fileset *f)
{
	f->changed = false;
}

static int write_index(struct fileset *f, struct err *err)
{
	struct buf b = BUF_INIT(0);
	char name[FILESET_PATH_MAX + sizeof PARTIAL];
	int fd = -1, rc = fileset_index_build(f->entries, f->nentries, &b, err);

	partial(NAME_INDEX, name);
	if (rc == RC_OK) {
		(void)unlinkat(f->fd, name, 0);
		fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			rc = err_sys(err, errno, "cannot write the DICOMDIR of the folder");
	}
	if (rc == RC_OK)
		rc = io_write_full(fd, b.data, b.len, err);
	if (rc == RC_OK)
		rc = io_fsync(fd, err);
	if (fd >= 0 && close(fd) != 0 && rc == RC_OK)
		rc = err_sys(err, errno, "cannot write the DICOMDIR of the folder");
	if (rc == RC_OK && renameat(f->fd, name, f->fd, NAME_INDEX) != 0)
		rc = err_sys(err, errno, "cannot publish the DICOMDIR of the folder");
	if (rc != RC_OK && fd >= 0)
		(void)unlinkat(f->fd, name, 0);
	buf_free(&b);
	return rc;
}

int fileset_commit(struct fileset *f, struct err *err)
{
	char name[FILESET_PATH_MAX + sizeof PARTIAL];
	int rc = RC_OK;

	if (f->nwritten && syncfs(f->fd) != 0)	/* one barrier for many files */
		return err_sys(err, errno, "cannot sync the folder");
	for (size_t i = 0; rc == RC_OK && i < f->nwritten; i++) {
		partial(f->written[i], name);
		if (renameat(f->fd, name, f->fd, f->written[i]) != 0)
			rc = err_sys(err, errno, "cannot publish %s in the folder", f->written[i]);
		free(f->written[i]);
		f->written[i] = NULL;
	}
	if (rc == RC_OK && f->changed)
		rc = write_index(f, err);
	/* The names, too; and always: what is there may be of a run that was killed before it came to this. */
	if (rc == RC_OK && syncfs(f->fd) != 0)
		rc = err_sys(err, errno, "cannot sync the folder");
	f->changed = false;
	f->nwritten = 0;
	return rc;
}
