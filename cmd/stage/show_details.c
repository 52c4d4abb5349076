/* mri-show ID: an import or an item, with all that can be said of it without naming a patient. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "order/claim.h"
#include "spool/journal.h"
#include "spool/manifest.h"
#include "spool/purge.h"
#include "stage/show.h"

#define PACKAGES_MAX	4096	/* of one import that are shown */
#define SHOWN		256

static long long num(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

static int series_of(const struct manifest *m, json_t *out, struct err *err)
{
	json_t *by = json_object(), *s = NULL;
	size_t i = 0;
	int rc = by ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	for (i = 0; !rc && i < m->nobjects; i++) {
		const struct manifest_object *o = &m->objects[i];

		if (!(s = json_object_get(by, o->series_uid))) {
			if (!(s = json_make(err, "{s:s, s:i, s:i}", "modality", o->modality, "objects", 0, "bytes", 0))) {
				rc = err_rc(err->kind);
				break;
			}
			json_object_set_new(by, o->series_uid, s);
			json_array_append(out, s);
		}
		json_integer_set(json_object_get(s, "objects"), json_integer_value(json_object_get(s, "objects")) + 1);
		json_integer_set(json_object_get(s, "bytes"),
		    json_integer_value(json_object_get(s, "bytes")) + (json_int_t)o->bytes);
	}
	json_decref(by);
	return rc;
}

/* Series by modality and count, documents by media type: nothing that names a patient. */
static int item_content(struct item_dir *item, json_t *j, struct err *err)
{
	json_t *series = json_array(), *documents = json_array();
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct manifest *m = NULL;
	size_t i = 0;
	int rc = item_file_read(item, ITEM_MANIFEST, &b, err);

	json_object_set_new(j, "series", series);
	json_object_set_new(j, "documents", documents);
	if (!rc && !(rc = manifest_parse(b.data, b.len, &m, err)) && !(rc = series_of(m, series, err))) {
		for (i = 0; i < m->ndocuments; i++)
			json_array_append_new(documents, json_make(err, "{s:i, s:s, s:I}", "n", m->documents[i].n, "media",
			    m->documents[i].media, "bytes", (json_int_t)m->documents[i].bytes));
		json_object_set_new(j, "objects", json_integer((json_int_t)m->nobjects));
		json_object_set_new(j, "study_date", json_string(m->study_date));
		json_object_set_new(j, "partial", json_boolean(m->partial));
		json_object_set_new(j, "duplicates", json_integer(m->duplicates));
		json_object_set_new(j, "set_aside", json_integer(m->set_aside));
	}
	manifest_free(m);
	buf_wipe(&b);
	return rc;
}

struct destinations { struct item_dir *item; json_t *list; };

static int destination(const char *disk, void *arg, struct err *err)
{
	struct destinations *d = arg;
	struct journal_summary s = { 0 };
	char state[32] = "";
	json_t *j = NULL;
	int rc = RC_OK;

	if ((rc = journal_look(d->item, disk, &s, err)) || (rc = item_state(d->item, disk, state, err)))
		return rc;
	j = json_make(err, "{s:s, s:s, s:i, s:i, s:i, s:i, s:b}", "destination", disk, "state", state, "stored", s.stored,
	    "documents", s.documents, "refused", s.refused, "failed", s.failed, "confirmed", (int)s.confirmed);
	if (!j)
		return err_rc(err->kind);
	json_array_append_new(d->list, j);
	return RC_OK;
}

static int item_details(struct cli *cli, struct item_dir *item, void *arg, struct err *err)
{
	struct destinations d = { item, json_array() };
	json_t *list = arg, *j = NULL;
	struct err sealed = { 0 };
	char state[32] = "";
	int rc = RC_OK;

	(void)cli;
	if (!d.list)
		return err_set(err, ERR_TEMP, "no memory");
	if ((rc = item_state(item, NULL, state, err)) || (rc = journal_each(item, destination, &d, err)))
		goto out;
	if (!(j = json_make(err, "{s:s, s:s, s:O}", "item", item_name(item), "state", state, "destinations", d.list))) {
		rc = err_rc(err->kind);
		goto out;
	}
	json_array_append_new(list, j);
	if (item_content(item, j, &sealed))
		json_object_set_new(j, sealed.kind == ERR_DENIED ? "sealed" : "damaged",
		    sealed.kind == ERR_DENIED ? json_true() : json_string(sealed.text));
out:
	json_decref(d.list);
	return rc;
}

static void print_item(struct cli *cli, const json_t *j)
{
	const json_t *v = NULL;
	size_t i = 0;

	if (json_object_get(j, "sealed"))
		cli_print(cli, "  %-10s  %-11s  sealed", json_text(j, "item"), json_text(j, "state"));
	else if (*json_text(j, "damaged"))
		cli_print(cli, "  %-10s  %-11s  damaged: %s", json_text(j, "item"), json_text(j, "state"), json_text(j, "damaged"));
	else
		cli_print(cli, "  %-10s  %-11s  %lld objects in %zu series, %zu documents%s", json_text(j, "item"),
		    json_text(j, "state"), num(j, "objects"), json_array_size(json_object_get(j, "series")),
		    json_array_size(json_object_get(j, "documents")), json_is_true(json_object_get(j, "partial")) ?
		    ", partial" : "");
	json_array_foreach(json_object_get(j, "series"), i, v) {
		char modality[SHOWN];
		text_escape(modality, sizeof(modality), json_text(v, "modality"), strlen(json_text(v, "modality")));
		cli_print(cli, "    series %zu  %s  %lld objects  %lld bytes", i + 1, modality,
		    num(v, "objects"),
		    num(v, "bytes"));
	}
	json_array_foreach(json_object_get(j, "documents"), i, v) {
		char media[SHOWN];
		text_escape(media, sizeof(media), json_text(v, "media"), strlen(json_text(v, "media")));
		cli_print(cli, "    document %lld  %s  %lld bytes", num(v, "n"), media,
		    num(v, "bytes"));
	}
	json_array_foreach(json_object_get(j, "destinations"), i, v)
		cli_print(cli, "    to %s  %s  %lld stored, %lld documents, %lld refused, %lld failed", json_text(v, "destination"),
		    json_text(v, "state"), num(v, "stored"),
		    num(v, "documents"),
		    num(v, "refused"),
		    num(v, "failed"));
}

/* What the portal said of a package, without the names that it said. *end: there is no such claim, or it is sealed. */
static int claim_facts(struct import *import, int n, json_t *list, bool *end, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct err why = { 0 };
	struct claim c;
	json_t *j = NULL;
	int rc = import_claim_read(import, n, &b, &why);

	claim_init(&c);
	if (rc && why.kind == ERR_NOINPUT) {
		*end = true;
		goto out;
	}
	if (rc && why.kind == ERR_DENIED) {
		*end = true;
		j = json_make(err, "{s:s}", "sealed", "sealed");
	} else if (rc || claim_parse(b.data, b.len, &c, &why))
		j = json_make(err, "{s:i, s:s}", "n", n, "damaged", why.text);
	else
		j = json_make(err, "{s:i, s:s, s:s, s:s, s:I, s:i, s:I, s:b, s:b}", "n", n, "source", c.source ? c.source : "",
		    "kind", c.kind ? c.kind : "", "media", c.media ? c.media : "", "bytes", (json_int_t)c.bytes, "studies",
		    (int)c.nstudies, "instances", (json_int_t)c.total_instances, "plausible", (int)c.plausible, "partial",
		    (int)c.partial);
	if (j)
		json_array_append_new(list, j);
out:
	claim_free(&c);
	buf_wipe(&b);
	return *end || j ? RC_OK : err_rc(err->kind);
}

static int history_line(const json_t *line, void *arg, struct err *err)
{
	(void)err;
	json_array_append(arg, (json_t *)(uintptr_t)line);
	return RC_OK;
}

static void print_package(struct cli *cli, const json_t *v)
{
	char text[SHOWN];

	if (*json_text(v, "sealed"))
		cli_print(cli, "  packages  sealed");
	else if (*json_text(v, "damaged"))
		cli_print(cli, "  package %03lld  damaged: %s", num(v, "n"), json_text(v, "damaged"));
	else {
		text_escape(text, sizeof(text), json_text(v, "media"), strlen(json_text(v, "media")));
		cli_print(cli, "  package %03lld  %s  %s  %s  %lld bytes%s%s", num(v, "n"), json_text(v, "source"),
		    json_text(v, "kind"), text, num(v, "bytes"), json_is_true(json_object_get(v, "partial")) ? ", partial" : "",
		    json_is_true(json_object_get(v, "plausible")) ? "" : ", not plausible");
	}
}

static void print_import(struct cli *cli, const json_t *j)
{
	const json_t *v = NULL;
	char left[32], text[SHOWN];
	size_t i = 0;

	show_left((int64_t)json_integer_value(json_object_get(j, "left")), left);
	cli_print(cli, "%s", json_text(j, "path"));
	cli_print(cli, "  state     %s", json_text(j, "state"));
	cli_print(cli, "  received  %s", json_text(j, "received"));
	cli_print(cli, "  purge at  %s (%s)", json_text(j, "purge_at"), left);
	text_escape(text, sizeof(text), json_text(j, "ref"), strlen(json_text(j, "ref")));
	cli_print(cli, "  ref       %s", *text ? text : "-");
	cli_print(cli, "  at rest   %s", json_is_true(json_object_get(j, "sealed")) ? "encrypted" : "NOT ENCRYPTED");
	json_array_foreach(json_object_get(j, "packages"), i, v)
		print_package(cli, v);
	json_array_foreach(json_object_get(j, "items"), i, v)
		print_item(cli, v);
}

static void print_history(struct cli *cli, const json_t *list)
{
	char item[SHOWN], reason[SHOWN];
	const json_t *v = NULL;
	size_t i = 0;

	json_array_foreach(list, i, v) {
		text_escape(item, sizeof(item), json_text(v, "item"), strlen(json_text(v, "item")));
		text_escape(reason, sizeof(reason), json_text(v, "reason"), strlen(json_text(v, "reason")));
		cli_print(cli, "  %s  %-6s  %s%s%s%s%s", json_text(v, "time"), json_text(v, "stage"), json_text(v, "outcome"),
		    *item ? "  " : "", item, *reason ? "  " : "", reason);
	}
}

int show_facts(struct cli *cli, struct work *w, const struct spool_ref *ref, struct import *import,
	enum import_where where, json_t **out, struct err *err)
{
	json_t *j = NULL, *items = json_array(), *packages = json_array(), *history = json_array();
	bool end = false;
	int n = 0;
	int rc = items && packages && history ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	*out = NULL;
	if (rc || (rc = show_brief(cli, w, import, where, &j, err)) ||
	    (rc = show_items(cli, import, ref, item_details, items, err)) ||
	    (rc = import_history_each(import, history_line, history, err)))
		goto out;
	for (n = 1; !rc && !end && n <= PACKAGES_MAX; n++)
		rc = claim_facts(import, n, packages, &end, err);
	json_object_set(j, "items", items);
	json_object_set(j, "packages", packages);
	json_object_set(j, "history", history);
	if (!rc)
		*out = json_incref(j);
out:
	json_decref(j);
	json_decref(items);
	json_decref(packages);
	json_decref(history);
	return rc;
}

static int import_details(struct cli *cli, struct work *w, const struct spool_ref *ref, struct import *import,
	enum import_where where, struct err *err)
{
	json_t *j = NULL;
	int rc = show_facts(cli, w, ref, import, where, &j, err);

	if (!rc && cli->json)
		cli_print_json(cli, j);
	else if (!rc) {
		print_import(cli, j);
		print_history(cli, json_object_get(j, "history"));
	}
	json_decref(j);
	return rc;
}

static int one_item(struct cli *cli, struct work *w, const struct spool_ref *ref, struct import *import,
	struct err *err)
{
	json_t *items = json_array(), *j = NULL;
	char path[SPOOL_PATH_MAX], id[128];
	struct spool_ref item = *ref;
	int rc = items ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	if (rc || (rc = show_items(cli, import, ref, item_details, items, err)))
		goto out;
	item.kind = SPOOL_ITEM;
	spool_ref_path(w->spool, &item, path);
	spool_ref_text(&item, id);
	j = json_array_get(items, 0);
	json_object_set_new(j, "v", json_integer(1));
	json_object_set_new(j, "type", json_string("item"));
	json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "path", json_string(path));
	if (cli->json)
		cli_print_json(cli, j);
	else {
		cli_print(cli, "%s", path);
		print_item(cli, j);
	}
out:
	json_decref(items);
	return rc;
}

static void details_of(struct cli *cli, struct work *w, const struct cli_input *in, const struct spool_ref *ref)
{
	enum import_where where = IMPORT_COMMITTED;
	struct import *import = NULL;
	struct act *act = NULL;
	struct err err = { 0 };
	char name[128];
	int rc = show_open(w, ref, &import, &where, &err);

	spool_ref_text(ref, name);
	if (!rc && !(rc = act_begin(&act, w->audit, "mri-show", "show", name, "details", AUDIT_NONE, &err))) {
		if (ref->kind == SPOOL_IMPORT || ref->kind == SPOOL_PACKAGE)
			rc = import_details(cli, w, ref, import, where, &err);
		else
			rc = one_item(cli, w, ref, import, &err);
		if (act_end(act, rc ? "perm" : "ok", NULL, rc ? &(struct err){ 0 } : &err) && !rc)
			rc = err_rc(err.kind);
	}
	if (rc)
		cli_fail(cli, NULL, in->path, &err);
	import_close(import);
}

void show_details(struct cli *cli, struct work *w, const struct cli_input *in)
{
	char tomb[PURGE_TOMB_MAX] = "";
	struct spool_ref ref = { 0 };
	struct err err = { 0 };
	json_t *j = NULL;

	if (show_resolve(w, in, &ref, &err) || purge_tombstone(w->spool, ref.id, tomb, &err)) {
		cli_fail(cli, NULL, in->path, &err);
		return;
	}
	if (!*tomb)
		details_of(cli, w, in, &ref);
	else if (!cli->json)
		cli_print(cli, "%s  purged  %s", ref.id, tomb);
	else if ((j = json_make(&err, "{s:i, s:s, s:s, s:s, s:s}", "v", 1, "type", "gone", "id", ref.id, "state", "purged",
	    "tombstone", tomb)))
		cli_print_json(cli, j);
	json_decref(j);
}
