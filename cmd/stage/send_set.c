/* What goes out of one item: objects, documents, and the hash of each as it will be sent. */
#include "stage/send_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"

#define FOLDER_FILES_MAX	200000	/* files of a folder that is sent as it is */
#define FOLDER_DEPTH_MAX	16	/* PDI media nest four deep */

/* The hash of what is sent, without reading it: of the original's hash and the pieces over it. The same
 * plan gives the same pieces, so it changes exactly when the bytes may have changed. */
static int hash_of(const struct overlay *ov, const struct manifest_object *m, char hex[65], struct err *err)
{
	struct pieces p = { 0 };
	struct hash *h = NULL;
	uint8_t raw[HASH_LEN];
	int rc;

	if (!ov) {
		text_copy(hex, 65, m->sha256);
		return RC_OK;
	}
	rc = overlay_pieces(ov, m->n, &p, err);
	if (rc == RC_OK)
		rc = hash_new(&h, err);
	if (rc == RC_OK)
		rc = hash_add(h, m->sha256, strlen(m->sha256), err);
	for (size_t i = 0; rc == RC_OK && i < p.n; i++) {
		uint64_t v[3] = { p.v[i].from, p.v[i].off, p.v[i].len };
		rc = hash_add(h, v, sizeof v, err);
	}
	if (rc == RC_OK && p.bytes.len)
		rc = hash_add(h, p.bytes.data, p.bytes.len, err);
	if (rc == RC_OK)
		rc = hash_end(h, raw, err);
	if (rc == RC_OK)
		text_hex(raw, sizeof raw, hex);
	hash_free(h);
	pieces_free(&p);
	return rc;
}

int send_set_open(struct send *s, struct item_dir *item, bool as_is, struct send_set *set, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	int rc = item_file_read(item, ITEM_MANIFEST, &b, err);

	(void)s;
	set->item = item;
	set->import = item_import(item);
	if (rc == RC_OK)
		rc = manifest_parse(b.data, b.len, &set->manifest, err);
	buf_free(&b);
	if (rc == RC_OK && set->manifest->nobjects && !as_is)
		rc = overlay_open(&set->overlay, item, err);
	if (rc != RC_OK)
		return rc;
	set->objects = calloc(set->manifest->nobjects + 1, sizeof *set->objects);
	set->documents = calloc(set->manifest->ndocuments + 1, sizeof *set->documents);
	if (!set->objects || !set->documents)
		return err_set(err, ERR_TEMP, "no memory for %zu objects", set->manifest->nobjects);
	for (size_t i = 0; rc == RC_OK && i < set->manifest->nobjects; i++) {
		set->objects[i].n = set->manifest->objects[i].n;
		rc = hash_of(set->overlay, &set->manifest->objects[i], set->objects[i].hash, err);
		set->nobjects++;
	}
	for (size_t i = 0; i < set->manifest->ndocuments; i++) {
		struct send_document *d = &set->documents[set->ndocuments++];
		d->n = set->manifest->documents[i].n;
		text_copy(d->media, sizeof d->media, set->manifest->documents[i].media);
		text_copy(d->hash, sizeof d->hash, set->manifest->documents[i].sha256);
	}
	return rc;
}

struct scan { char **v; size_t n, cap; };

static int scan_add(struct scan *sc, const char *path, struct err *err)
{
	if (sc->n == FOLDER_FILES_MAX)
		return err_set(err, ERR_DATA, "holds more than %d files", FOLDER_FILES_MAX);
	if (sc->n == sc->cap) {
		size_t cap = sc->cap ? sc->cap * 2 : 64;
		char **v = realloc(sc->v, cap * sizeof *v);
		if (!v)
			return err_set(err, ERR_TEMP, "no memory for the names of files");
		sc->v = v;
		sc->cap = cap;
	}
	sc->v[sc->n] = text_dup(path, err);
	return sc->v[sc->n++] ? RC_OK : err_rc(err->kind);
}

static int scan_dir(struct scan *sc, int root, const char *at, int depth, struct err *err)
{
	int fd = openat(root, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de = NULL;
	int rc = RC_OK;

	if (!d) {
		rc = err_sys(err, errno, "cannot read the folder");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == RC_OK && (errno = 0, de = readdir(d))) {
		char path[SPOOL_PATH_MAX];
		struct stat st;

		if (de->d_name[0] == '.')
			continue;
		if (strcmp(at, ".") == 0 ? !text_copy(path, sizeof path, de->d_name)
		    : snprintf(path, sizeof path, "%s/%s", at, de->d_name) >= (int)sizeof path) {
			rc = err_set(err, ERR_DATA, "holds a path that is too long");
		} else if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			rc = err_sys(err, errno, "cannot read the folder");
		} else if (S_ISDIR(st.st_mode)) {
			rc = depth == FOLDER_DEPTH_MAX ? err_set(err, ERR_DATA, "nests deeper than %d folders",
			    FOLDER_DEPTH_MAX) : scan_dir(sc, root, path, depth + 1, err);
		} else if (S_ISREG(st.st_mode)) {
			rc = scan_add(sc, path, err);
		}
	}
	if (rc == RC_OK && errno != 0)
		rc = err_sys(err, errno, "cannot read the folder");
	closedir(d);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int send_set_open_dir(struct send *s, const char *dir, struct send_set *set, struct err *err)
{
	struct scan sc = { 0 };
	int rc;

	(void)s;
	set->dir = dir;
	set->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (set->dirfd < 0)
		return err_sys(err, errno, "cannot open the folder");
	rc = scan_dir(&sc, set->dirfd, ".", 0, err);
	set->paths = sc.v;
	if (sc.n)
		qsort(sc.v, sc.n, sizeof *sc.v, by_name);
	set->objects = calloc(sc.n + 1, sizeof *set->objects);
	if (rc == RC_OK && !set->objects)
		rc = err_set(err, ERR_TEMP, "no memory for %zu files", sc.n);
	if (set->objects)
		for (size_t i = 0; i < sc.n; i++)
			set->objects[i].n = (int)i + 1;
	set->nobjects = sc.n;
	return rc;
}

void send_set_close(struct send_set *set)
{
	size_t n = set->nobjects_all ? set->nobjects_all : set->nobjects;

	for (size_t i = 0; set->objects && i < n; i++) {
		free(set->objects[i].why);
		for (size_t l = 0; l < FILESET_LEVELS; l++)
			buf_free(&set->objects[i].records.level[l]);
	}
	if (!set->item) {
		for (size_t i = 0; set->paths && i < n; i++)
			free(set->paths[i]);
		free(set->paths);
		if (set->dirfd >= 0)
			close(set->dirfd);
	}
	free(set->objects);
	free(set->documents);
	overlay_close(set->overlay);
	manifest_free(set->manifest);
	memset(set, 0, sizeof *set);
	set->dirfd = -1;
}

void send_tally_bad(struct send_tally *t, enum err_kind kind, const char *text, const char *advice)
{
	t->kind = err_worse(t->kind, kind);
	if (!t->first[0]) {
		text_copy(t->first, sizeof t->first, text);
		text_copy(t->advice, sizeof t->advice, advice ? advice : "");
	}
}

int send_verdict(const struct send_destination *d, const struct send_tally *t, const uint8_t *documents,
    size_t ndocuments, struct err *err)
{
	long long bad = t->refused + t->failed;
	size_t lost = 0;

	for (size_t i = 0; i < ndocuments; i++)
		lost += documents[i] == FATE_FAILED;
	if (!bad && !lost)
		return RC_OK;
	(void)err_set(err, t->kind ? t->kind : ERR_TEMP, "%lld of %lld objects are not stored at '%s': %s",
	    bad + (long long)lost,
	    t->objects + (long long)ndocuments, d->name, t->first[0] ? t->first : "not sent");
	err_advise(err, "%s", t->advice);
	return err_rc(err->kind);
}

/* record/<id>: what was delivered, sealed. What was there already too: the run that stored it may have
 * been killed before it came to this. */
int send_record(struct send *s, const struct send_set *set, const struct send_destination *d,
    const uint8_t *fate, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	char when[TIME_TEXT_MAX];
	json_t *list = json_array(), *j = NULL;
	int rc = RC_OK;

	for (size_t i = 0; i < set->nobjects; i++) {
		const struct send_object *o = &set->objects[i];
		if (fate[i] == FATE_STORED || (fate[i] == FATE_ALREADY && o->ready))
			json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "study", o->study_uid, "series",
			    o->series_uid, "sop_class", o->sop_class, "sop_uid", o->sop_uid));
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return RC_OK;
	}
	j = json_make(err, "{s:i, s:s, s:s, s:s, s:s, s:o}", "v", 1, "type", "delivery", "item",
	    item_name(set->item), "destination", d->name, "time", time_iso(time_now(), when), "objects", list);
	rc = j ? json_write(j, &b, err) : err_rc(err->kind);
	if (rc == RC_OK)
		rc = record_write(s->work->spool, import_id(set->import), b.data, b.len, err);
	json_decref(j);
	buf_free(&b);
	return rc;
}
