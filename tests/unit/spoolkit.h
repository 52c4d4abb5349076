/* A spool in a private folder, for the tests of lib/spool. */
#ifndef MRI_TESTS_UNIT_SPOOLKIT_H
#define MRI_TESTS_UNIT_SPOOLKIT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "spool/private.h"
#include "test.h"

struct kit {
	char dir[256], spool[300], identity[300];
	struct spool_settings set;
	struct spool *sp;
};

#define good(call, err) do { \
	if ((call) != RC_OK) { \
		print_error("%s:%d: %s\n", __FILE__, __LINE__, (err)->text); \
		fail(); \
	} \
} while (0)

static inline void erase_path(const char *path)
{
	struct err err;
	char parent[1200];
	assert_true(path[0] == '/' && text_copy(parent, sizeof(parent), path));
	*strrchr(parent, '/') = '\0';
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	good(dir_erase(fd, strrchr(path, '/') + 1, NULL, NULL, &err), &err);
	close(fd);
}

static inline struct kit *kit_at(const char *under, bool encrypt)
{
	struct err err;
	struct kit *k = calloc(1, sizeof(*k));
	assert_non_null(k);
	snprintf(k->dir, sizeof(k->dir), "%s/mri-unit-XXXXXX", under);
	assert_non_null(mkdtemp(k->dir));
	snprintf(k->spool, sizeof(k->spool), "%s/spool", k->dir);
	snprintf(k->identity, sizeof(k->identity), "%s/identity", k->dir);
	k->set.encrypt = encrypt;
	k->set.identity = k->identity;
	good(spool_init(k->spool, "Klinikum Beispiel", &k->set, &err), &err);
	good(spool_open(&k->sp, k->spool, SPOOL_SECRET, &k->set, &err), &err);
	return k;
}

static inline struct kit *kit_new(bool encrypt)
{
	const char *tmp = getenv("TMPDIR");
	return kit_at(tmp != NULL && tmp[0] == '/' ? tmp : "/tmp", encrypt);
}

static inline void kit_free(struct kit *k)
{
	spool_close(k->sp);
	erase_path(k->dir);
	free(k);
}

static inline void put(const char *dir, const char *name, const char *text)
{
	char path[1200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline bool there(const char *dir, const char *name)
{
	char path[1200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lstat(path, &st) == 0;
}

/* Every file and directory below path, and the bytes `needle` in any of them. */
struct tree { int entries; bool found; const char *needle; };

static inline int tree_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct tree *t = arg;
	struct stat st;
	int rc = RC_OK;
	t->entries++;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	if (strstr(name, t->needle) != NULL)
		t->found = true;
	if (S_ISDIR(st.st_mode)) {
		rc = dir_each(fd, tree_one, t, err);
	} else {
		struct buf b = BUF_INIT(0);
		good(file_read(dirfd, name, &b, err), err);
		if (b.len > 0 && memmem(b.data, b.len, t->needle, strlen(t->needle)) != NULL)
			t->found = true;
		buf_free(&b);
	}
	close(fd);
	return rc;
}

static inline struct tree tree_of(const char *path, const char *needle)
{
	struct tree t = { 0, false, needle };
	struct err err;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	good(dir_each(fd, tree_one, &t, &err), &err);
	close(fd);
	return t;
}

/* An import with one package that holds text; committed. */
static inline struct import *kit_import(struct kit *k, const char *text)
{
	struct import *imp = NULL;
	struct package *p = NULL;
	struct stream *s = NULL;
	struct err err;
	int fd = -1, n = 0;
	good(import_create(&imp, k->sp, "TICKET-1", "{\"v\":1}", 7, &err), &err);
	good(import_package_begin(imp, &p, &fd, &n, &err), &err);
	good(spool_writer_fd(&s, fd, import_recipient(imp), &err), &err);
	good(stream_write(s, text, strlen(text), &err), &err);
	good(stream_commit(s, &err), &err);
	stream_close(s);
	good(import_package_end(p, "offer-1", "{\"c\":1}", 7, &err), &err);
	good(import_history_add(imp, "fetch", NULL, "ok", NULL, NULL, &err), &err);
	good(import_commit(imp, &err), &err);
	return imp;
}

/* study/<n> with one object and one document, published; open and locked. */
static inline struct item_dir *kit_item(struct import *imp, int study, const char *text)
{
	struct staging *st = NULL;
	struct item_dir *it = NULL;
	struct stream *s = NULL;
	struct err err;
	int fd = -1, slot = 0, n = 0;
	good(staging_new(&st, imp, &err), &err);
	good(item_create(&it, imp, study, &err), &err);
	for (int i = 0; i < 2; i++) {
		if (study == ITEM_PAPERS && i == 0)
			continue;
		good(staging_output(st, &fd, &slot, &err), &err);
		good(spool_writer_fd(&s, fd, import_recipient(imp), &err), &err);
		good(stream_write(s, text, strlen(text), &err), &err);
		good(stream_commit(s, &err), &err);
		stream_close(s);
		good(item_place(it, st, slot, i == 0 ? ITEM_ORIGINAL : ITEM_DOCUMENT, &n, &err), &err);
		assert_int_equal(n, 1);
	}
	good(item_manifest_write(it, "{\"v\":1}\n", 8, &err), &err);
	good(item_publish(it, &err), &err);
	staging_free(st);
	return it;
}

#endif
