/*
 * Archives inside a package: each is written into a file without a name, sealed
 * to a key of this run that is never written down, and opened as if it were a
 * package; its members become files of the package. To a depth of
 * UNPACK_NEST_MAX; what lies deeper is set aside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/folder.h"
#include "stage/unpack_pool.h"

#define SPILL_DIR	"/var/tmp"	/* of a dry run, which has no staging */

static bool is_archive(const struct unpack_file *f)
{
	return f->fate == FATE_ASIDE && f->answered && (f->media == MEDIA_ZIP || f->media == MEDIA_TAR ||
	    f->media == MEDIA_GZIP || f->media == MEDIA_ISO);
}

static int spill_file(struct pool *pool, int *fd, struct err *err)
{
	if (pool->run->staging)
		return staging_spill(pool->run->staging, fd, err);
	*fd = open(SPILL_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return *fd < 0 ? err_sys(err, errno, "cannot create a file for an archive inside") : RC_OK;
}

static int spill_key(struct pool *pool, struct err *err)
{
	if (pool->spill)
		return RC_OK;
	pool->spill = calloc(1, sizeof *pool->spill);
	return pool->spill ? age_identity_new(pool->spill, err) : err_set(err, ERR_TEMP, "no memory to unpack");
}

/* Member i of the source in work into fd. What is wrong with it stands in pool->unspilt. */
static int spill(struct pool *pool, uint32_t i, int fd, struct age_key *key, struct err *err)
{
	struct hand *h = &pool->hands[0];
	struct stream *raw = NULL;
	int own = -1, rc = pool_ready(pool, h, false, err);

	err_clear(&pool->unspilt);
	if (rc != RC_OK)
		return rc;
	rc = pool_ask_spill(h, i, fd, &pool->spill->to, err);
	while (rc == RC_OK && h->n)
		rc = pool_wait(pool, err);
	if (rc != RC_OK || pool->unspilt.kind != ERR_NONE)
		return rc;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return err_sys(err, errno, "cannot read an archive inside");
	rc = stream_file(&raw, own, err);
	if (rc == RC_OK)
		rc = age_unwrap(raw, pool->spill, key, err);
	stream_close(raw);
	return rc;
}

/* A folder's file is there already; a member is spilled. */
static int inner(struct pool *pool, uint32_t i, struct source *in, struct err *err)
{
	int rc = RC_OK;

	if (pool->src.folder) {
		pool->root = pool_file(pool, i)->bytes;
		pool->content = 0;
		return folder_file(pool->src.folder, i, &in->fd, err);
	}
	rc = spill_key(pool, err);
	if (rc == RC_OK)
		rc = spill_file(pool, &in->fd, err);
	return rc == RC_OK ? spill(pool, i, in->fd, &in->key, err) : rc;
}

static int aside(struct unpack_file *f, const char *what, const struct err *why, struct err *err)
{
	char text[ERR_TEXT_MAX];

	snprintf(text, sizeof text, "an archive inside (%s)%s%.400s", media_name(f->media), what, why ? why->text : "");
	return unpack_aside(f, why != NULL, text, err);
}

/* It cannot be opened, or not again: the worker that had it died. */
static int shut(struct pool *pool, size_t k, struct err *err)
{
	const struct unpack_package *p = pool->p;
	int rc = aside(&pool->run->files[k], ": ", &pool->src.shut, err);

	for (size_t i = p->first + pool->src.base; rc == RC_OK && i < p->first + p->count; i++)
		if (!pool->run->files[i].answered) {
			pool->run->files[i].answered = true;
			rc = unpack_aside(&pool->run->files[i], true, "its archive cannot be read any further", err);
		}
	return rc;
}

static int descend(struct pool *pool, uint32_t i, struct err *err)
{
	size_t k = pool->p->first + pool->src.base + i;
	struct source outer = pool->src, in = { .fd = -1, .depth = outer.depth + 1, .id = ++pool->sources,
	    .base = (uint32_t)pool->p->count };
	int rc = RC_OK;

	err_clear(&pool->unspilt);
	in.label = text_dup(pool->run->files[k].label ? pool->run->files[k].label : "", err);
	rc = in.label ? inner(pool, i, &in, err) : err_rc(err->kind);
	if (rc == RC_OK && pool->unspilt.kind != ERR_NONE) {
		rc = aside(&pool->run->files[k], ": ", &pool->unspilt, err);
	} else if (rc == RC_OK) {
		pool->src = in;
		rc = pool_open(pool, err);
		if (rc == RC_OK && !pool->p->failed && pool->src.shut.kind == ERR_NONE && pool->src.archive) {
			rc = aside(&pool->run->files[k], ", opened: its files are listed", NULL, err);
			if (rc == RC_OK)
				rc = pool_source(pool, err);
		}
		if (rc == RC_OK && pool->src.shut.kind != ERR_NONE)
			rc = shut(pool, k, err);
		pool->src = outer;
	}
	if (in.fd >= 0)
		close(in.fd);
	hash_wipe(&in.key, sizeof in.key);
	free(in.label);
	return rc;
}

static int nest(struct pool *pool, struct err *err)
{
	int rc = RC_OK;

	if (!pool->src.archive && !pool->src.folder)	/* one file, which is the package */
		return RC_OK;
	for (uint32_t i = 0; rc == RC_OK && i < pool->src.members && !pool->p->failed; i++) {
		struct unpack_file *f = pool_file(pool, i);
		char deep[96];

		if (!is_archive(f))
			continue;
		if (pool->src.depth < UNPACK_NEST_MAX) {
			rc = descend(pool, i, err);
			continue;
		}
		snprintf(deep, sizeof deep, "an archive (%s) inside %d others: it is not opened", media_name(f->media),
		    UNPACK_NEST_MAX);
		rc = unpack_aside(f, true, deep, err);
	}
	return rc;
}

int pool_source(struct pool *pool, struct err *err)
{
	int rc = pool_members(pool, err);

	return rc == RC_OK && !pool_failed(pool) ? nest(pool, err) : rc;
}
