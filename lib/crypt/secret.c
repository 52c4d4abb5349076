#include "crypt/secret.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/hash.h"

int secret_alloc(void **out, size_t n, struct err *err)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*out = NULL;
	if (p == MAP_FAILED)
		return err_sys(err, errno, "no memory for a key");
	/* Linux 4.14; promised, so not best effort */
	if (madvise(p, n, MADV_WIPEONFORK) != 0) {
		int rc = err_sys(err, errno, "cannot keep a key from workers");
		munmap(p, n);
		return rc;
	}
	(void)madvise(p, n, MADV_DONTDUMP);
	(void)mlock(p, n);	/* RLIMIT_MEMLOCK may be 0 */
	*out = p;
	return RC_OK;
}

void secret_free(void *p, size_t n)
{
	if (!p)
		return;
	hash_wipe(p, n);
	(void)munmap(p, n);
}
