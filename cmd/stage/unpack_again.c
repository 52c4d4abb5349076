/* An import that was unpacked before: says the same again, and finishes what a killed run may have left. */
#include <limits.h>
#include <string.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

struct line { const char *item; bool there; };

static int see_line(const json_t *j, void *arg, struct err *err)
{
	struct line *l = arg;
	const char *stage = json_string_value(json_object_get(j, "stage"));
	const char *item = json_string_value(json_object_get(j, "item"));

	(void)err;
	if (stage && !strcmp(stage, "unpack") && (l->item ? item && !strcmp(item, l->item) : !item))
		l->there = true;
	return RC_OK;
}

/* A run was killed between its last file and its line of history. */
static int mend(struct import *import, const char *item, const char *outcome, struct err *err)
{
	struct line l = { .item = item };
	int rc = import_history_each(import, see_line, &l, err);

	if (rc == RC_OK && !l.there)
		rc = import_history_add(import, "unpack", item, outcome, NULL, NULL, err);
	return rc;
}

static int again_item(struct cli *cli, struct work *w, const struct cli_input *in, struct import *import,
    const json_t *item, bool *worse, struct err *err)
{
	const char *name = NULL, *verdict = NULL;
	uint64_t study = 0;
	long long objects = 0, documents = 0, bytes = 0;
	bool is_partial = false;
	json_t *more = NULL;
	int rc = RC_OK;

	if ((rc = json_get_str(item, "unpack", "item", &name, err)) ||
	    (rc = json_get_str(item, "unpack", "verdict", &verdict, err)) ||
	    (rc = json_get_int(item, "unpack", "objects", 0, &objects, err)) ||
	    (rc = json_get_int(item, "unpack", "documents", 0, &documents, err)) ||
	    (rc = json_get_int(item, "unpack", "bytes", 0, &bytes, err)))
		return rc;
	if (!name || !verdict || (strcmp(name, "papers") != 0 &&
	    (!text_starts(name, "study/") || !text_u64(name + 6, INT32_MAX, &study))))
		return err_set(err, ERR_DATA, "its file `unpack` names no item");
	is_partial = strcmp(verdict, "verified") != 0;
	*worse |= is_partial;
	rc = mend(import, name, is_partial ? "partial" : "ok", err);
	if (rc != RC_OK || cli->dry_run)
		return rc;
	more = json_make(err, "{s:I,s:I,s:I}", "instances", (json_int_t)objects, "documents", (json_int_t)documents, "bytes",
	    (json_int_t)bytes);
	unpack_receipt(cli, w, in, import, (int)study, is_partial, true, more);
	json_decref(more);
	return RC_OK;
}

static int again_packages(struct work *w, struct import *import, const json_t *packages, const char **reason,
    bool *worse, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < json_array_size(packages); i++) {
		const json_t *p = json_array_get(packages, i);
		const char *verdict = NULL, *why = NULL;
		long long n = 0;

		if ((rc = json_get_str(p, "unpack", "verdict", &verdict, err)) ||
		    (rc = json_get_str(p, "unpack", "reason", &why, err)) ||
		    (rc = json_get_int(p, "unpack", "n", 0, &n, err)))
			break;
		if (verdict && !strcmp(verdict, "verified")) {
			if (!spool_settings(w->spool)->keep_package && !json_is_true(json_object_get(p, "kept")) && n > 0 &&
			    n <= INT32_MAX)
				rc = import_package_drop(import, (int)n, err);
		} else {
			*worse = true;
			if (!*reason)
				*reason = why;
		}
	}
	return rc;
}

int unpack_again(struct cli *cli, struct work *w, const struct cli_input *in, struct import *import,
    const struct buf *record, struct err *err)
{
	json_t *j = NULL, *items = NULL, *packages = NULL;
	const char *reason = NULL;
	bool worse = false;
	int rc = json_parse(record->data, record->len, &j, err);

	if (rc == RC_OK)
		rc = json_get_arr(j, "unpack", "items", &items, err);
	if (rc == RC_OK)
		rc = json_get_arr(j, "unpack", "packages", &packages, err);
	if (rc == RC_OK)
		rc = again_packages(w, import, packages, &reason, &worse, err);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(items); i++)
		rc = again_item(cli, w, in, import, json_array_get(items, i), &worse, err);
	if (rc == RC_OK)
		rc = mend(import, NULL, !json_array_size(items) ? "perm" : worse ? "partial" : "ok", err);
	if (rc == RC_OK && !cli->dry_run)
		rc = staging_sweep(import, err);
	if (rc == RC_OK && cli->dry_run)
		cli_print(cli, "%s: unpacked already", import_id(import));
	else if (rc == RC_OK && !json_array_size(items))
		unpack_fail_import(cli, in, import_id(import), reason);
	else if (rc == RC_OK && worse)
		cli_worse(cli, ERR_DATA);
	json_decref(j);
	return rc;
}
