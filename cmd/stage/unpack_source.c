/* What is in work, a package or an archive inside it: opened by its first worker, its members given to all of them. */
#include <stdlib.h>
#include <sys/stat.h>
#include "stage/unpack_pool.h"

/* Members that are encrypted: nothing is taken of a package whose password is wrong or was not given, so that the same
 * import can be unpacked again with it. An empty password file says that there is none. */
static int unlock(struct pool *pool, struct hand *h, struct err *err)
{
	struct err why = { 0 };
	int rc = RC_OK;

	if (!pool->src.encrypted)
		return RC_OK;
	if (pool_has_password(pool)) {
		rc = pool_ask_password(pool, h, err);
		while (rc == RC_OK && h->n)
			rc = pool_wait(pool, err);
	} else if (!pool->run->password || !pool->run->password->given) {
		err_set(&why, ERR_DENIED, "%zu of %lu members encrypted, and no password was given",
		    pool->src.encrypted, (unsigned long)pool->src.members);
		pool_fail_package(pool->p, &why);
		pool->p->locked = true;
	}
	if (rc == RC_OK && pool->p->locked && pool->run->import) {
		rc = err_set(err, ERR_DENIED, "package %d: %s", pool->p->n, pool->p->reason ? pool->p->reason : "");
		err_advise(err, UNPACK_LOCKED_ADVICE);
	}
	return rc;
}

static off_t package_size(const struct pool *pool)
{
	struct stat st;

	return fstat(pool->src.fd, &st) == 0 ? st.st_size : 0;
}

int pool_open(struct pool *pool, struct err *err)
{
	struct hand *first = &pool->hands[0];
	int rc = pool_ready(pool, first, true, err);

	/* the others come to work while the first reads the directory */
	for (unsigned i = 1; rc == RC_OK && i < pool->jobs && package_size(pool) > HIRE_ALL; i++)
		rc = pool_hire(pool, &pool->hands[i], err);
	while (rc == RC_OK && first->n)
		rc = pool_wait(pool, err);
	if (rc == RC_OK && !pool_failed(pool))
		rc = unlock(pool, first, err);
	return rc;
}

static void progress(struct pool *pool)
{
	struct cli_progress pr = { .what = "unpack", .n = (long long)pool->answered, .total = pool->src.members };

	cli_progress(pool->run->cli, &pr);
}

static int give_out(struct pool *pool, struct err *err)
{
	uint32_t width = pool->src.media == MEDIA_GZIP ? 1 : pool->jobs;	/* each worker would inflate all of it */
	int rc = RC_OK;

	if (width > pool->src.members)
		width = pool->src.members;
	while (rc == RC_OK && !pool_failed(pool)) {
		for (uint32_t i = 0; i < width && rc == RC_OK; i++) {
			struct hand *h = &pool->hands[i];

			if (pool->src.next == pool->src.members && !pool->src.nagain)
				break;
			if (h->n > UNPACK_BATCH)
				continue;
			rc = pool_ready(pool, h, false, err);
			if (rc == RC_OK)
				rc = pool_give(pool, h, err);
		}
		if (rc != RC_OK || (!pool_busy(pool) && pool->src.next == pool->src.members && !pool->src.nagain))
			break;
		rc = pool_wait(pool, err);
		progress(pool);
	}
	while (rc == RC_OK && pool_busy(pool))
		rc = pool_wait(pool, err);
	return rc;
}

int pool_members(struct pool *pool, struct err *err)
{
	int rc = RC_OK;

	pool->src.again = calloc((size_t)pool->src.members + 1, sizeof *pool->src.again);
	if (!pool->src.again)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	rc = give_out(pool, err);
	free(pool->src.again);
	pool->src.again = NULL;
	return rc;
}
