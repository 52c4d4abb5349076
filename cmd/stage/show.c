/* The list of imports, and what may be tried again. */
#include "stage/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#define STUDIES_MAX	4096	/* studies of one import */
#define SHOWN		256

/* ---- items of an import ---- */

int show_items(struct cli *cli, struct import *import, const struct spool_ref *ref, show_item_fn *fn, void *arg,
	struct err *err)
{
	int *studies = calloc(STUDIES_MAX + 1, sizeof(*studies));
	struct item_dir *item = NULL;
	bool papers = false;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	if (!studies)
		return err_set(err, ERR_TEMP, "no memory");
	if (ref->kind == SPOOL_IMPORT || ref->kind == SPOOL_PACKAGE) {
		if ((rc = item_each(import, studies, STUDIES_MAX, &n, &papers, err)))
			goto out;
		n = n > STUDIES_MAX ? STUDIES_MAX : n;
		if (papers)
			studies[n++] = ITEM_PAPERS;
	} else
		studies[n++] = ref->study;
	for (i = 0; !rc && i < n; i++) {
		if (!(rc = item_open(&item, import, studies[i], false, err)))
			rc = fn(cli, item, arg, err);
		item_close(item);
		item = NULL;
	}
out:
	free(studies);
	return rc;
}

/* ---- the list ---- */

void show_left(int64_t left, char out[32])
{
	if (left <= 0)
		snprintf(out, 32, "due");
	else if (left >= 48 * 3600)
		snprintf(out, 32, "%dd%02dh", (int)(left / 86400), (int)(left % 86400 / 3600));
	else
		snprintf(out, 32, "%dh%02dm", (int)(left / 3600), (int)(left % 3600 / 60));
}

/* "study/1" and its state, as JSON */
static int item_brief(struct cli *cli, struct item_dir *item, void *arg, struct err *err)
{
	char state[32] = "";
	json_t *list = arg, *j = NULL;
	int rc = item_state(item, NULL, state, err);

	(void)cli;
	if (rc)
		return rc;
	if (!(j = json_make(err, "{s:s, s:s}", "item", item_name(item), "state", state)))
		return err_rc(err->kind);
	json_array_append_new(list, j);
	return RC_OK;
}

int show_brief(struct cli *cli, struct work *w, struct import *import, enum import_where where, json_t **out,
	struct err *err)
{
	char state[32] = "", received[TIME_TEXT_MAX], at[TIME_TEXT_MAX], path[SPOOL_PATH_MAX];
	struct spool_ref ref = { .kind = SPOOL_IMPORT };
	json_t *items = json_array();
	time_t now = time_now();
	int rc = items ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	text_copy(ref.id, sizeof(ref.id), import_id(import));
	if (rc || (rc = import_state(import, state, err)) || (rc = show_items(cli, import, &ref, item_brief, items, err)))
		goto out;
	snprintf(path, sizeof(path), "%s/%s/%s", spool_path(w->spool), where == IMPORT_INCOMING ? "incoming" : "import",
	    import_id(import));
	*out = json_make(err, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:b, s:O}", "v", 1, "type", "import",
	    "id", import_id(import), "path", path, "state", state, "received", time_iso(import_received(import), received),
	    "purge_at", time_iso(import_purge_at(import), at), "left",
	    (json_int_t)(import_purge_at(import) > now ? import_purge_at(import) - now : 0), "ref", import_ref(import),
	    "sealed", import_recipient(import) != NULL, "items", items);
	rc = *out ? RC_OK : err_rc(err->kind);
out:
	json_decref(items);
	return rc;
}

static bool wanted(const json_t *j, const struct show_filter *f)
{
	const json_t *items = json_object_get(j, "items");
	size_t i = 0;

	if (f->ref && strcmp(json_text(j, "ref"), f->ref))
		return false;
	if (!f->state || !strcmp(json_text(j, "state"), f->state))
		return true;
	for (i = 0; i < json_array_size(items); i++)
		if (!strcmp(json_text(json_array_get(items, i), "state"), f->state))
			return true;
	return false;
}

/* "1 held, 2 checked": what the states of the items add up to. */
static void states_text(const json_t *items, char *to, size_t cap)
{
	const char *state = NULL;
	size_t i = 0, k = 0, n = 0, len = 0;

	to[0] = '\0';
	for (i = 0; i < json_array_size(items); i++) {
		state = json_text(json_array_get(items, i), "state");
		for (k = 0; k < i && strcmp(state, json_text(json_array_get(items, k), "state")); k++)
			;
		if (k < i)
			continue;	/* counted with the first one of that state */
		for (n = 0; k < json_array_size(items); k++)
			n += !strcmp(state, json_text(json_array_get(items, k), "state"));
		len = strlen(to);
		snprintf(to + len, cap - len, "%s%zu %s", len ? ", " : "", n, state);
	}
}

static void print_row(struct cli *cli, const json_t *j)
{
	char left[32], ref[SHOWN], states[SHOWN];

	if (cli->json) {
		cli_print_json(cli, j);
		return;
	}
	show_left((int64_t)json_integer_value(json_object_get(j, "left")), left);
	text_escape(ref, sizeof(ref), json_text(j, "ref"), strlen(json_text(j, "ref")));
	states_text(json_object_get(j, "items"), states, sizeof(states));
	cli_print(cli, "%s  %-11s  %s  %6s  %-12s  %s", json_text(j, "id"), json_text(j, "state"),
	    json_text(j, "received"), left, *ref ? ref : "-", *states ? states : "-");
}

struct listing {
	struct cli *cli;
	struct work *w;
	const struct show_filter *f;
};

static int list_one(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct listing *l = arg;
	struct import *import = NULL;
	struct err one = { 0 };
	json_t *j = NULL;
	int rc = import_peek(&import, l->w->spool, id, where, &one);

	if (cli_stopped())
		return RC_OK;
	if (!rc)
		rc = show_brief(l->cli, l->w, import, where, &j, &one);
	if (rc && one.kind == ERR_REFUSED)
		rc = RC_OK;	/* purged while we looked */
	else if (rc) {
		cli_warn(l->cli, id, "%s", one.text);
		j = json_make(err, "{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:[]}", "v", 1, "type", "import", "id", id, "state",
		    "damaged", "received", "-", "ref", "", "left", 0, "items");
	}
	if (j && wanted(j, l->f))
		print_row(l->cli, j);
	json_decref(j);
	import_close(import);
	return RC_OK;
}

void show_list(struct cli *cli, struct work *w, const struct show_filter *f)
{
	struct listing l = { cli, w, f };
	struct err err = { 0 };

	if (import_each(w->spool, list_one, &l, &err))
		cli_fail(cli, NULL, NULL, &err);
}

/* ---- what may be tried again ---- */

/* The last line of the import itself and of each item: key is the item, "" for the import. */
static int last_line(const json_t *line, void *arg, struct err *err)
{
	json_t *last = arg;

	(void)err;
	json_object_set(last, json_text(line, "item"), (json_t *)(uintptr_t)line);
	return RC_OK;
}

static int retry_one(const char *id, enum import_where where, void *arg, struct err *err)
{
	json_t *last = json_object(), *line = NULL, *j = NULL;
	struct listing *l = arg;
	struct import *import = NULL;
	const char *item = NULL;
	struct err one = { 0 };

	if (!last)
		return err_set(err, ERR_TEMP, "no memory");
	if (import_peek(&import, l->w->spool, id, where, &one) || import_history_each(import, last_line, last, &one)) {
		if (one.kind != ERR_REFUSED)
			cli_warn(l->cli, id, "%s", one.text);
		goto out;
	}
	json_object_foreach(last, item, line) {
		if (strcmp(json_text(line, "outcome"), "temp"))
			continue;
		if (!l->cli->json) {
			cli_print(l->cli, "%s%s%s", id, *item ? "/" : "", item);
			continue;
		}
		j = json_make(&one, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "v", 1, "type", "retryable", "id", id, "item",
		    item, "stage", json_text(line, "stage"), "time", json_text(line, "time"), "reason", json_text(line, "reason"));
		if (j)
			cli_print_json(l->cli, j);
		json_decref(j);
	}
out:
	json_decref(last);
	import_close(import);
	return RC_OK;
}

void show_retryable(struct cli *cli, struct work *w)
{
	struct listing l = { cli, w, NULL };
	struct err err = { 0 };

	if (import_each(w->spool, retry_one, &l, &err))
		cli_fail(cli, NULL, NULL, &err);
}

/* ---- what an input names ---- */

int show_resolve(struct work *w, const struct cli_input *in, struct spool_ref *ref, struct err *err)
{
	int rc = spool_resolve(w->spool, in->path, ref, err);

	if (!rc && ref->kind == SPOOL_NOT)
		rc = err_set(err, ERR_NOINPUT, "names nothing in this spool");
	return rc;
}

int show_open(struct work *w, const struct spool_ref *ref, struct import **out, enum import_where *where,
	struct err *err)
{
	int rc = import_open(out, w->spool, ref->id, *where = IMPORT_COMMITTED, err);

	/* Beside a running fetch a look is all that can be had. */
	if (rc && err->kind == ERR_TEMP)
		rc = import_peek(out, w->spool, ref->id, *where = IMPORT_INCOMING, err);
	return rc;
}
