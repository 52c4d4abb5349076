#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "source/link.h"
#include "stage/fetch.h"

json_t *
fetched_numbers(const struct fetched *r, bool receipt)
{
	json_t *j = json_pack("{s:I, s:I}", "packages", (json_int_t)r->packages, "bytes", (json_int_t)r->bytes);

	if (j == NULL)
		return NULL;
	if (r->failed > 0)
		json_object_set_new(j, "failed", json_integer(r->failed));
	if (r->state != NULL && r->state[0] != '\0')
		json_object_set_new(j, "state", json_string(r->state));
	if (receipt)
		json_object_set_new(j, "ms", json_integer((json_int_t)(time_mono_ms() - r->began_ms)));
	return j;
}

const char *
fetched_outcome(const struct fetched *r, bool durable)
{
	if (r->err.kind == ERR_NONE)
		return "ok";
	if (r->err.kind == ERR_TEMP)
		return "temp";
	return durable ? "partial" : "perm";
}

void
fetched_report(struct fetch *f, const struct cli_input *in, const struct order *o, const char *subject,
    const struct target *t, bool durable, const struct fetched *r)
{
	const char *outcome = fetched_outcome(r, durable);
	json_t *more = fetched_numbers(r, true);
	struct cli_receipt line = { .in = in, .ref = o != NULL ? o->ref : NULL, .status = outcome, .again = r->again,
	    .more = more };
	struct spool_ref ref = { .kind = SPOOL_IMPORT };
	char path[SPOOL_PATH_MAX];

	if (r->err.kind != ERR_NONE) {
		/* many sentences name the host themselves */
		cli_fail(f->cli, NULL, subject != NULL && text_starts(r->err.text, subject) ? NULL : subject, &r->err);
		line.reason = r->err.text;
	}
	if (durable && t->import != NULL) {
		text_copy(ref.id, sizeof(ref.id), import_id(t->import));
		spool_ref_path(f->work->spool, &ref, path);
		line.path = path;
		if (line.ref == NULL)
			line.ref = import_ref(t->import);
	}
	if (!durable && t->import != NULL && strcmp(outcome, "temp") == 0 && more != NULL)
		json_object_set_new(more, "import", json_string(import_id(t->import)));
	/* Files in a folder got their receipts one by one. */
	if (t->import != NULL || !durable || r->err.kind != ERR_NONE)
		cli_receipt(f->cli, &line);
	json_decref(more);
}

static int
replace(char **to, const char *value, struct err *err)
{
	free(*to);
	*to = text_dup(value, err);
	return *to == NULL ? err_rc(err->kind) : RC_OK;
}

int
fetched_order(struct fetch *f, struct order *o, const char *link, struct buf *out, struct err *err)
{
	char host[256], hash[65];
	int rc = RC_OK;

	if (link != NULL) {
		link_host(link, host, sizeof(host));
		if ((rc = spool_keyed_hash(f->work->spool, "link", link, strlen(link), hash, err)) != RC_OK ||
		    (rc = replace(&o->link_host, host, err)) != RC_OK || (rc = replace(&o->link_hash, hash, err)) != RC_OK)
			return rc;
	}
	return order_write(o, out, err);
}
