/* What mri-unpack answers: a receipt for each item, and what it says of an import as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "stage/unpack_impl.h"

struct unpack_outcome unpack_outcome_of(const struct unpack_run *run)
{
	struct unpack_outcome o = { "ok", NULL };

	for (size_t i = 0; i < run->npackages; i++) {
		const struct unpack_package *p = &run->packages[i];

		if ((p->failed || p->partial) && !o.reason) {
			o.word = "partial";
			o.reason = p->reason;
		}
	}
	if (run->nitems == 0)
		o.word = "perm";
	return o;
}

void unpack_receipt(struct cli *cli, struct work *w, const struct cli_input *in, struct import *import, int study,
    bool is_partial, bool again, const json_t *more)
{
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	char path[SPOOL_PATH_MAX];

	text_copy(ref.id, sizeof ref.id, import_id(import));
	spool_ref_path(w->spool, &ref, path);
	cli_receipt(cli, &(struct cli_receipt){ .in = in, .path = path, .ref = import_ref(import), .again = again,
	    .status = is_partial ? "partial" : "ok", .more = more });
}

void unpack_fail_import(struct cli *cli, const struct cli_input *in, const char *id, const char *reason)
{
	struct err err = { 0 };

	err_set(&err, ERR_DATA, "nothing could be unpacked: %s", reason ? reason : "it has no package");
	err_advise(&err, "the package stays as it was fetched; fetch again, or see mri-show %s", id);
	cli_fail(cli, in, id, &err);
}

void unpack_answer_import(struct unpack_run *run, struct work *w, const struct cli_input *in, uint64_t began)
{
	struct unpack_outcome o = unpack_outcome_of(run);

	unpack_say(run);
	for (size_t i = 0; i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		struct err err = { 0 };
		json_t *more = json_make(&err, "{s:i,s:i,s:I,s:I}", "instances", it->objects, "documents", it->documents,
		    "bytes", (json_int_t)it->bytes, "ms", (json_int_t)(time_mono_ms() - began));

		unpack_receipt(run->cli, w, in, run->import, it->study, it->partial, false, more);
		json_decref(more);
	}
	if (run->nitems == 0)
		unpack_fail_import(run->cli, in, run->subject, o.reason);
	else if (strcmp(o.word, "ok") != 0)
		cli_worse(run->cli, ERR_DATA);
}

static void loose_receipt(struct unpack_run *run, const char *base, const struct unpack_item *it,
    const struct cli_input *in, bool again)
{
	char path[SPOOL_PATH_MAX + 32];
	struct err err = { 0 };
	json_t *more = json_make(&err, "{s:i,s:i,s:I}", "instances", it->objects, "documents", it->documents, "bytes",
	    (json_int_t)it->bytes);

	if (it->study == ITEM_PAPERS)
		snprintf(path, sizeof path, "%s/papers", base);
	else
		snprintf(path, sizeof path, "%s/%d", base, it->study);
	cli_receipt(run->cli, &(struct cli_receipt){ .in = in, .path = path, .more = more, .again = again,
	    .status = it->partial ? "partial" : "ok" });
	json_decref(more);
}

/* Each item once; in JSON also for an input that brought nothing new to the item it belongs to: every input is
 * answered. */
void unpack_answer_loose(struct unpack_run *run)
{
	char base[SPOOL_PATH_MAX];

	if (!realpath(run->dir, base))
		text_copy(base, sizeof base, run->dir);
	for (size_t i = 0; i < run->nitems; i++)
		loose_receipt(run, base, &run->items[i], run->items[i].in, false);
	for (size_t i = 0; run->cli->json && i < run->npackages; i++) {
		struct unpack_package *p = &run->packages[i];
		bool answered = false;
		int item = -1;

		for (size_t k = 0; k < run->nitems; k++)
			answered |= run->items[k].in == p->in;
		if (p->failed || answered)
			continue;
		for (size_t k = p->first; k < p->first + p->count && item < 0; k++)
			item = run->files[k].item;
		if (item >= 0)
			loose_receipt(run, base, &run->items[item], p->in, true);
	}
}
