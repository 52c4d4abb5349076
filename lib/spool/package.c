/* What an import holds as it came: order, packages, claims, and the list of what is held. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define HELD_MAX	((size_t)4 << 20)	/* 25,000 packages of one import */

struct package {
	struct import *import;
	int n;
	char name[16];
};

static void package_name(int n, char out[16])
{
	snprintf(out, 16, "%03d", n);
}

/* One line of `held`: "001 KEYEDHASH BYTES SHA256". */
struct held {
	int n;
	char key[HASH_HEX];
	uint64_t bytes;
	char sha256[HASH_HEX];
};

static bool held_parse(const char *line, struct held *h)
{
	int end = 0;
	char n[8], bytes[24];
	uint64_t u = 0;
	if (sscanf(line, "%7[0-9] %64[0-9a-f] %23[0-9] %64[0-9a-f]%n", n, h->key, bytes, h->sha256, &end) != 4 ||
	    line[end] != '\0' || strlen(h->key) != 64 || strlen(h->sha256) != 64)
		return false;
	if (!text_u64(n, NUMBER_MAX, &u) || u == 0 || !text_u64(bytes, UINT64_MAX, &h->bytes))
		return false;
	h->n = (int)u;
	return true;
}

struct search {
	const char *key;	/* or */
	int n;
	bool found;
	int last;		/* highest number */
};

static int search_line(char *line, size_t len, void *arg, struct err *err)
{
	struct search *s = arg;
	struct held h;
	(void)len;
	(void)err;
	if (!held_parse(line, &h))
		return RC_OK;
	if (h.n > s->last)
		s->last = h.n;
	if (s->key != NULL ? strcmp(s->key, h.key) == 0 : s->n == h.n)
		s->found = true;
	return RC_OK;
}

int import_holds(struct import *imp, const char *key, bool *there, struct err *err)
{
	char hash[HASH_HEX];
	struct search s = { hash, 0, false, 0 };
	int rc = spool_keyed_hash(imp->sp, "offer", key, strlen(key), hash, err);
	if (rc == RC_OK)
		rc = each_line(imp->fd, NAME_HELD, HELD_MAX, search_line, &s, err);
	*there = s.found;
	return rc;
}

static int fetching(const struct import *imp, struct err *err)
{
	if (imp->where != IMPORT_INCOMING || imp->lock < 0)
		return err_set(err, ERR_INTERNAL, "import %s is not being fetched by this process", imp->id);
	return import_present(imp, err);
}

int import_package_begin(struct import *imp, struct package **out, int *fd, int *n, struct err *err)
{
	struct search s = { NULL, 0, false, 0 };
	struct package *p = NULL;
	int dir = -1;
	int rc = fetching(imp, err);
	if (rc == RC_OK)
		rc = each_line(imp->fd, NAME_HELD, HELD_MAX, search_line, &s, err);
	if (rc != RC_OK)
		return rc;
	if (s.last >= NUMBER_MAX)
		return err_set(err, ERR_DATA, "too many packages in one import");
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_sys(err, ENOMEM, "cannot begin a package");
	p->import = imp;
	p->n = s.last + 1;
	package_name(p->n, p->name);
	rc = dir_open(imp->fd, NAME_PACKAGE, &dir, err);
	if (rc == RC_OK) {
		rc = file_begin(dir, p->name, 0400, fd, err);
		close(dir);
	}
	if (rc != RC_OK) {
		free(p);
		return rc;
	}
	*n = p->n;
	*out = p;
	return RC_OK;
}

/* Sync of what came through the descriptor that was handed out, and its size and hash as it lies on disk. */
static int measure(int dir, const char *name, struct held *h, struct err *err)
{
	char hidden[20];
	struct stream *s = NULL;
	int fd = -1;
	snprintf(hidden, sizeof(hidden), ".%s", name);
	int rc = file_open(dir, hidden, "the package", &fd, err);
	if (rc == RC_OK && (rc = io_fsync(fd, err)) != RC_OK)
		close(fd);
	else if (rc == RC_OK && (rc = stream_file(&s, fd, err)) == RC_OK) {
		h->bytes = s->size;
		rc = hash_stream(s, h->sha256, err);
	}
	stream_close(s);
	return rc == RC_OK ? RC_OK : err_wrap(err, "cannot write package %s", name);
}

int import_package_end(struct package *p, const char *key, const void *claim, size_t len, struct err *err)
{
	struct import *imp = p->import;
	struct held h = { .n = p->n };
	char line[256];
	int packages = -1, claims = -1;
	int rc = fetching(imp, err);
	if (rc == RC_OK)
		rc = spool_keyed_hash(imp->sp, "offer", key, strlen(key), h.key, err);
	if (rc != RC_OK || (rc = dir_open(imp->fd, NAME_PACKAGE, &packages, err)) != RC_OK ||
	    (rc = dir_open(imp->fd, NAME_CLAIM, &claims, err)) != RC_OK)
		goto out;
	/* what `held` does not name is thrown away when the fetch is resumed: it is written last */
	if ((rc = measure(packages, p->name, &h, err)) != RC_OK ||
	    (rc = sealed_write(claims, p->name, import_recipient(imp), claim, len, 0400, err)) != RC_OK ||
	    (rc = file_place(packages, p->name, err)) != RC_OK)
		goto out;
	int n = snprintf(line, sizeof(line), "%s %s %llu %s", p->name, h.key, (unsigned long long)h.bytes,
	    h.sha256);
	rc = append_line(imp->fd, NAME_HELD, line, (size_t)n, err);
out:
	if (rc != RC_OK) {
		import_package_abort(p);	/* p is gone; its name is still in err */
		p = NULL;
	}
	if (packages >= 0)
		close(packages);
	if (claims >= 0)
		close(claims);
	free(p);
	return rc;
}

void import_package_abort(struct package *p)
{
	int dir = -1;
	struct err ignore;
	if (p == NULL)
		return;
	if (dir_open(p->import->fd, NAME_PACKAGE, &dir, &ignore) == RC_OK) {
		file_drop(dir, p->name);
		unlinkat(dir, p->name, 0);
		close(dir);
	}
	if (dir_open(p->import->fd, NAME_CLAIM, &dir, &ignore) == RC_OK) {
		unlinkat(dir, p->name, 0);
		close(dir);
	}
	free(p);
}

/* Names that begin with a dot, and numbers that `held` does not name. */
static int tidy_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct import *imp = arg;
	struct search s = { NULL, 0, false, 0 };
	uint64_t n = 0;
	if (name[0] != '.') {
		if (!text_u64(name, NUMBER_MAX, &n))
			return RC_OK;
		s.n = (int)n;
		int rc = each_line(imp->fd, NAME_HELD, HELD_MAX, search_line, &s, err);
		if (rc != RC_OK || s.found)
			return rc;
	}
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot tidy import %s", imp->id);
	return RC_OK;
}

int package_tidy(struct import *imp, struct err *err)
{
	static const char *const subs[] = { NAME_PACKAGE, NAME_CLAIM };
	int rc = RC_OK;
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		int dir = -1;
		if ((rc = dir_open(imp->fd, subs[i], &dir, err)) == RC_OK) {
			rc = dir_each(dir, tidy_one, imp, err);
			close(dir);
		}
	}
	return rc;
}

static int list(const struct import *imp, const char *sub, int *numbers, size_t cap, size_t *n, struct err *err)
{
	int *v = NULL;
	int rc = dir_numbers(imp->fd, sub, &v, n, err);
	for (size_t i = 0; rc == RC_OK && i < *n && i < cap; i++)
		numbers[i] = v[i];
	free(v);
	return rc;
}

int import_packages(const struct import *imp, int *numbers, size_t cap, size_t *n, struct err *err)
{
	return list(imp, NAME_PACKAGE, numbers, cap, n, err);
}

int import_claims(const struct import *imp, int *numbers, size_t cap, size_t *n, struct err *err)
{
	return list(imp, NAME_CLAIM, numbers, cap, n, err);
}

/* Directory sub of the import, and the name of number n in it. */
static int member(const struct import *imp, const char *sub, int n, char name[16], char what[64], int *dir,
    struct err *err)
{
	int rc = import_need_secret(imp, err);
	if (rc != RC_OK)
		return rc;
	package_name(n, name);
	snprintf(what, 64, "%s/%s of %s", sub, name, imp->id);
	return dir_open(imp->fd, sub, dir, err);
}

int import_package_open(const struct import *imp, int n, struct stream **s, struct err *err)
{
	char name[16], what[64];
	int dir = -1;
	int rc = member(imp, NAME_PACKAGE, n, name, what, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = sealed_open(dir, name, what, import_who(imp), s, err);
	close(dir);
	return rc;
}

int import_package_fd(const struct import *imp, int n, int *fd, struct age_key *key, struct err *err)
{
	char name[16], what[64];
	int dir = -1;
	int rc = member(imp, NAME_PACKAGE, n, name, what, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = sealed_fd(dir, name, what, import_who(imp), fd, key, err);
	close(dir);
	return rc;
}

int import_claim_read(const struct import *imp, int n, struct buf *b, struct err *err)
{
	char name[16], what[64];
	int dir = -1;
	int rc = member(imp, NAME_CLAIM, n, name, what, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = sealed_read(dir, name, what, import_who(imp), b, err);
	close(dir);
	return rc;
}

int import_order_read(const struct import *imp, struct buf *b, struct err *err)
{
	int rc = import_need_secret(imp, err);
	return rc != RC_OK ? rc : sealed_read(imp->fd, NAME_ORDER, "the order", import_who(imp), b, err);
}

int import_unpack_write(struct import *imp, const void *data, size_t len, struct err *err)
{
	int fd = -1;
	int rc = import_lock(imp, LOCK_WAIT_MS, &fd, err);
	if (rc != RC_OK)
		return rc;
	if (file_there(imp->fd, NAME_UNPACK)) {
		rc = err_set(err, ERR_CANTCREAT, "import %s is unpacked already: its file unpack stays", imp->id);
		err->sys = EEXIST;
	} else if ((rc = import_present(imp, err)) == RC_OK &&
	    (rc = sealed_write(imp->fd, NAME_UNPACK, import_recipient(imp), data, len, 0600, err)) == RC_OK)
		rc = import_present(imp, err);
	close(fd);
	return rc;
}

int import_unpack_read(const struct import *imp, bool *there, struct buf *b, struct err *err)
{
	*there = file_there(imp->fd, NAME_UNPACK);
	if (!*there)
		return RC_OK;
	int rc = import_need_secret(imp, err);
	return rc != RC_OK ? rc : sealed_read(imp->fd, NAME_UNPACK, "unpack", import_who(imp), b, err);
}

int import_package_drop(struct import *imp, int n, struct err *err)
{
	char name[16];
	int dir = -1;
	int rc = import_present(imp, err);
	if (rc != RC_OK || (rc = dir_open(imp->fd, NAME_PACKAGE, &dir, err)) != RC_OK)
		return rc;
	package_name(n, name);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		rc = err_sys(err, errno, "cannot remove package %s of %s", name, imp->id);
	else
		rc = dir_sync(dir, NAME_PACKAGE, err);
	close(dir);
	return rc;
}
