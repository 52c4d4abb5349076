/* A package, or a folder, through the workers: what is read of it, from its descriptor to its last member. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/folder.h"
#include "stage/unpack_pool.h"

int pool_new(struct pool **out, struct unpack_run *run, unsigned jobs, struct err *err)
{
	struct pool *pool = calloc(1, sizeof *pool);

	*out = NULL;
	if (!pool)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	pool->run = run;
	pool->jobs = jobs < 1 ? 1 : jobs > UNPACK_JOBS_MAX ? UNPACK_JOBS_MAX : jobs;
	pool->jail.mode = (enum jail_mode)run->cli->config->sandbox;
	pool->src.fd = -1;
	pool->msg.max = 2 * CHAN_MSG_MAX;
	unpack_worker_prepare(run->password && run->password->n > 0);	/* once: workers inherit it */
	*out = pool;
	return RC_OK;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < UNPACK_JOBS_MAX; i++)
		pool_dismiss(&pool->hands[i]);
	buf_free(&pool->msg);
	hash_wipe(&pool->src.key, sizeof pool->src.key);
	if (pool->spill)
		age_identity_wipe(pool->spill);
	free(pool->spill);
	free(pool);
}

/* The package as a stream for workers: a descriptor with its key, or the files of a folder. */
static int source(struct pool *pool, struct err *err)
{
	struct unpack_package *p = pool->p;
	struct stat st;
	int rc = RC_OK;

	if (pool->run->import)
		return import_package_fd(pool->run->import, p->n, &pool->src.fd, &pool->src.key, err);
	pool->src.fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (pool->src.fd < 0)
		return err_sys(err, errno, "cannot open");
	if (fstat(pool->src.fd, &st) != 0)
		return err_sys(err, errno, "cannot open");
	if (S_ISDIR(st.st_mode)) {
		rc = folder_open(&pool->src.folder, pool->src.fd, err);
		pool->src.fd = -1;
		return rc;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOINPUT, "neither a file nor a folder");
	return RC_OK;
}

static int begin(struct pool *pool, struct err *err)
{
	struct hand *last = NULL;
	int rc = RC_OK;

	if (pool->src.folder) {
		pool->p->folder = true;
		pool->src.members = (uint32_t)folder_count(pool->src.folder);
		rc = unpack_add_files(pool->run, pool->index, pool->src.members, err);
		for (uint32_t i = 0; rc == RC_OK && i < pool->src.members; i++) {
			char label[UNPACK_LABEL];
			const char *name = folder_name(pool->src.folder, i);

			text_escape(label, sizeof label, name, strlen(name));
			if (!(pool_file(pool, i)->label = text_dup(label, err)))
				rc = err_rc(err->kind);
		}
		return rc;
	}
	rc = pool_open(pool, err);
	if (rc != RC_OK || pool->p->failed || !pool->run->import)
		return rc;
	/* A sealed package proves with every chunk that it is what was fetched; else its hash does, taken beside the work
	 * on its members. */
	if (import_recipient(pool->run->import) && pool->p->claim.sha256[0]) {
		text_copy(pool->p->sha256, sizeof pool->p->sha256, pool->p->claim.sha256);
		return RC_OK;
	}
	last = &pool->hands[pool->src.members > 1 && pool->src.media != MEDIA_GZIP ? pool->jobs - 1 : 0];
	rc = pool_ready(pool, last, false, err);
	return rc == RC_OK ? pool_ask_hash(last, err) : rc;
}

int pool_package(struct pool *pool, size_t index, struct err *err)
{
	int rc = RC_OK;

	pool->p = &pool->run->packages[index];
	pool->index = index;
	pool->answered = pool->content = pool->root = 0;
	memset(&pool->src, 0, sizeof pool->src);
	pool->src.fd = -1;
	pool->src.id = ++pool->sources;
	rc = source(pool, err);
	if (rc != RC_OK && !pool->run->import) {	/* without a spool the others go on */
		pool_fail_package(pool->p, err);
		rc = RC_OK;
		goto out;
	}
	if (rc == RC_OK)
		rc = begin(pool, err);
	if (rc != RC_OK || pool->p->failed)
		goto out;
	rc = pool_source(pool, err);
	cli_progress_end(pool->run->cli);
out:
	if (pool->src.fd >= 0)
		close(pool->src.fd);
	pool->src.fd = -1;
	folder_free(pool->src.folder);
	pool->src.folder = NULL;
	return rc;
}
