/* All packages of one run of mri-unpack: read, held against what the portal said of each, grouped into items. */
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

static unsigned jobs_of(const struct cli *cli)
{
	long n = cli->jobs > 0 ? cli->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > UNPACK_JOBS_MAX ? UNPACK_JOBS_MAX : (unsigned)n;
}

static int partial(struct unpack_package *p, const char *reason, struct err *err)
{
	p->partial = true;
	if (!p->reason && !(p->reason = text_dup(reason, err)))
		return err_rc(err->kind);
	return RC_OK;
}

/* What the portal said of a package against the package as it lies here. */
static int compare_claim(struct unpack_package *p, struct err *err)
{
	int rc = RC_OK;

	if (p->failed || !p->claimed)
		return RC_OK;
	if (p->claim.sha256[0] && strcmp(p->claim.sha256, p->sha256) != 0)
		rc = partial(p, "its content is not what was fetched: the SHA-256 differs", err);
	else if (p->claim.bytes && p->claim.bytes != p->bytes)
		rc = partial(p, "its size is not what was fetched", err);
	else if (p->claim.partial)
		rc = partial(p, "the portal itself said that something is missing", err);
	return rc;
}

int unpack_read_all(struct unpack_run *run, struct err *err)
{
	struct pool *pool = NULL;
	int rc = pool_new(&pool, run, jobs_of(run->cli), err);

	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++) {
		if (cli_stopped())
			rc = err_set(err, ERR_TEMP, "interrupted");
		else
			rc = pool_package(pool, i, err);
		if (rc == RC_OK)
			rc = compare_claim(&run->packages[i], err);
	}
	pool_free(pool);
	if (rc == RC_OK)
		rc = unpack_group(run, err);
	return rc;
}
