/* --map: the files of rules, all mistakes told before anything else is done. */
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "stage/retag.h"

static void tell(void *arg, const struct err *err)
{
	cli_fail(((struct retag *)arg)->cli, NULL, NULL, err);
}

static int one(struct retag *r, const char *path, struct err *err)
{
	struct buf b = BUF_INIT(MAP_BYTES_MAX + 1);
	char shown[256];
	int rc = io_slurp(AT_FDCWD, path, &b, err);

	if (rc != RC_OK) {
		text_escape(shown, sizeof shown, path, strlen(path));
		err->kind = ERR_CONFIG;
		err_wrap(err, "--map %s", shown);
	} else {
		rc = map_add(r->rules, path, b.data != NULL ? b.data : "", b.len, tell, r, err);
	}
	buf_free(&b);
	return rc == RC_OK ? rc : err_rc(err->kind);
}

int retag_maps(struct retag *r, struct err *err)
{
	struct err last = { 0 };
	size_t i = 0;
	int rc = r->map.n > 0 ? map_new(&r->rules, err) : RC_OK, bad = RC_OK;

	for (i = 0; rc == RC_OK && i < r->map.n; i++) {
		int one_rc = one(r, r->map.v[i], &last);

		if (one_rc == RC_OK)
			continue;
		if (last.kind != ERR_CONFIG)
			rc = one_rc;
		else if (bad != RC_OK)	/* the last one ends the program */
			cli_fail(r->cli, NULL, NULL, err);
		bad = one_rc;
		*err = last;
	}
	return rc != RC_OK ? rc : bad;
}
