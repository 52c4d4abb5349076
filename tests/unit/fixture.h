/* A spool in a folder of its own, for tests of what works on one. */
#ifndef MRI_TEST_FIXTURE_H
#define MRI_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "spool/item.h"
#include "spool/manifest.h"

struct fixture {
	char root[256];			/* everything is under it */
	char dir[300], identity[300];
	struct spool_settings set;
	struct spool *sp;
	struct err err;
};

#define OK(call) \
	do { \
		if ((call) != RC_OK) \
			fail_msg("%s: %s", #call, f->err.text); \
	} while (0)

static inline void fixture_open(struct fixture *f, enum spool_need need)
{
	spool_close(f->sp);
	f->sp = NULL;
	OK(spool_open(&f->sp, f->dir, need, &f->set, &f->err));
}

static inline struct fixture *fixture_new(bool encrypt)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->root, sizeof(f->root), "%s/mri-unit-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->root));
	snprintf(f->dir, sizeof(f->dir), "%s/spool", f->root);
	snprintf(f->identity, sizeof(f->identity), "%s/identity", f->root);
	f->set = (struct spool_settings){ .encrypt = encrypt, .identity = f->identity };
	OK(spool_init(f->dir, "Test", &f->set, &f->err));
	fixture_open(f, SPOOL_SECRET);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	char command[400];

	spool_close(f->sp);
	snprintf(command, sizeof(command), "%s", f->root);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", "--", command, (char *)NULL);
		_exit(127);
	}
	wait(NULL);
	free(f);
}

static inline bool there(const struct fixture *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool there(const struct fixture *f, const char *fmt, ...)
{
	char name[600], path[1000];
	struct stat st;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return lstat(path, &st) == 0;
}

/* A plain file in the spool, with its directories. */
static inline void put(const struct fixture *, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static inline void put(const struct fixture *f, const char *text, const char *fmt, ...)
{
	char name[600], path[1000], *slash = NULL;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	for (slash = path + strlen(f->dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* An import that was received `age` seconds ago, by hand: plain, one study of one object. */
static inline const char *old_import(struct fixture *f, const char *where, int64_t age, const char *tail)
{
	static char id[SPOOL_ID_LEN + 1];
	char when[TIME_TEXT_MAX], at[TIME_TEXT_MAX], text[200], compact[TIME_TEXT_MAX];
	time_t received = time_now() - (time_t)age;

	snprintf(id, sizeof(id), "%s-%s", time_compact(received, compact), tail);
	snprintf(text, sizeof(text), "received=%s\npurge_at=%s\nref=T-1\n", time_iso(received, when),
	    time_iso(received + SPOOL_RETENTION_MAX, at));
	put(f, text, "%s/%s/deadline", where, id);
	put(f, "{\"v\":1}", "%s/%s/order", where, id);
	put(f, "zip", "%s/%s/package/001", where, id);
	put(f, "{}", "%s/%s/claim/001", where, id);
	put(f, "patient data", "%s/%s/study/1/original/00001", where, id);
	put(f, "", "%s/%s/study/1/lock", where, id);
	put(f, "wrapped key", "keys/%s", id);
	return id;
}

/* A whole import through the library: one study with n objects of `bytes` bytes. */
static inline struct import *new_import(struct fixture *f, int n, size_t bytes)
{
	struct manifest *m = NULL;
	struct buf b = BUF_INIT(0);
	struct import *imp = NULL;
	struct item_dir *item = NULL;
	struct staging *st = NULL;
	struct package *pk = NULL;
	struct stream *s = NULL;
	char *data = malloc(bytes + 1), id[SPOOL_ID_LEN + 1];
	int fd = -1, number = 0, slot = 0;

	assert_non_null(data);
	OK(import_create(&imp, f->sp, "T-2", "{\"v\":1,\"destinations\":[\"pacs\"]}", 31, &f->err));
	OK(import_package_begin(imp, &pk, &fd, &number, &f->err));
	OK(spool_writer_fd(&s, fd, import_recipient(imp), &f->err));
	OK(stream_write(s, "a package", 9, &f->err));
	OK(stream_commit(s, &f->err));
	stream_close(s);
	OK(import_package_end(pk, "offer", "{\"v\":1}", 7, &f->err));
	OK(import_commit(imp, &f->err));
	OK(import_history_add(imp, "fetch", NULL, "ok", NULL, NULL, &f->err));
	OK(staging_new(&st, imp, &f->err));
	OK(item_create(&item, imp, 1, &f->err));
	OK(manifest_new(&m, &f->err));
	snprintf(m->study_uid, sizeof(m->study_uid), "1.2.3");
	for (int i = 1; i <= n; i++) {
		struct manifest_object o = { .sop_class = "1.2", .series_uid = "1.2.3", .transfer_syntax = "1.2.840.10008.1.2.1",
		    .modality = "CT", .bytes = bytes, .number = i, .package = 1 };
		memset(data, 'a' + i % 26, bytes);
		snprintf(o.sop_uid, sizeof(o.sop_uid), "1.2.3.%d", i);
		OK(hash_hex(data, bytes, o.sha256, &f->err));
		OK(staging_output(st, &fd, &slot, &f->err));
		OK(spool_writer_fd(&s, fd, import_recipient(imp), &f->err));
		OK(stream_write(s, data, bytes, &f->err));
		OK(stream_commit(s, &f->err));
		stream_close(s);
		OK(item_place(item, st, slot, ITEM_ORIGINAL, &o.n, &f->err));
		OK(manifest_add_object(m, &o, &f->err));
	}
	OK(manifest_write(m, &b, &f->err));
	OK(item_manifest_write(item, b.data, b.len, &f->err));
	OK(item_publish(item, &f->err));
	item_close(item);
	OK(import_history_add(imp, "unpack", "study/1", "ok", NULL, NULL, &f->err));
	staging_free(st);
	OK(import_unpack_write(imp, "{\"v\":1,\"partial\":false}", 23, &f->err));
	OK(import_history_add(imp, "unpack", NULL, "ok", NULL, NULL, &f->err));
	snprintf(id, sizeof(id), "%s", import_id(imp));
	import_close(imp);
	OK(import_open(&imp, f->sp, id, IMPORT_COMMITTED, &f->err));
	manifest_free(m);
	buf_free(&b);
	free(data);
	return imp;
}

#endif
