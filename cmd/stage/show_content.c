/* What is sealed, on stdout: findings, manifests, bytes. Each look is audited. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "order/order.h"
#include "spool/manifest.h"
#include "spool/overlay.h"
#include "stage/show.h"

#define TOOL	"mri-show"
#define SHOWN	1024	/* of a sentence or a name */
#define COPY	((size_t)64 << 10)

static char *shown(char to[SHOWN], const char *text)
{
	return text_escape(to, SHOWN, text ? text : "", text ? strlen(text) : 0);
}

/* One audited look: intent, fn, outcome. fn gets the open import. */
typedef int look_fn(struct cli *, struct import *, const struct spool_ref *, void *arg, struct err *);

static void look(struct cli *cli, struct work *w, const struct cli_input *in, const char *why, look_fn *fn, void *arg)
{
	enum import_where where = IMPORT_COMMITTED;
	struct spool_ref ref = { 0 };
	struct import *import = NULL;
	struct act *act = NULL;
	struct err err = { 0 }, audit = { 0 };
	char name[128] = "";
	int rc = show_resolve(w, in, &ref, &err);

	if (!rc)
		rc = show_open(w, &ref, &import, &where, &err);
	spool_ref_text(&ref, name);
	if (!rc && !(rc = act_begin(&act, w->audit, TOOL, "show", name, why, AUDIT_NONE, &err))) {
		rc = fn(cli, import, &ref, arg, &err);
		if (act_end(act, rc ? "perm" : "ok", NULL, &audit)) {
			err = rc ? err : audit;
			rc = err_rc(err.kind);
		}
	}
	if (rc)
		cli_fail(cli, NULL, in->path, &err);
	import_close(import);
}

/* ---- findings ---- */

static void print_rule(struct cli *cli, const json_t *rule)
{
	const json_t *by = json_object_get(rule, "accepted");
	char a[SHOWN], b[SHOWN];

	cli_print(cli, "  %-14s  %-7s  %-7s  %s", shown(a, json_text(rule, "rule")), json_text(rule, "verdict"),
	    json_text(rule, "severity"), shown(b, json_text(rule, "reason")));
	if (json_is_object(by))
		cli_print(cli, "  %-14s  accepted by %s, %s", "", shown(a, json_text(by, "by")), shown(b, json_text(by, "reason")));
}

static void print_person(struct cli *cli, const char *whose, const char *name, const char *id, const char *issuer,
	const char *birth, const char *sex)
{
	char a[SHOWN], b[SHOWN], c[SHOWN], d[SHOWN], e[SHOWN];

	cli_print(cli, "  %-5s  %s  id %s%s%s  born %s  sex %s", whose, name && *name ? shown(a, name) : "?",
	    id && *id ? shown(b, id) : "?", issuer && *issuer ? " of " : "", shown(c, issuer),
	    birth && *birth ? shown(d, birth) : "?", sex && *sex ? shown(e, sex) : "?");
}

/* Who was asked for, and whom the study says it is of: what a person compares. */
static void print_persons(struct cli *cli, const struct item_dir *item)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct manifest *m = NULL;
	struct order *o = NULL;
	struct err ignored = { 0 };

	if (!item_file_read(item, ITEM_ORDER, &b, &ignored) && !order_parse(b.data, b.len, "order", &o, &ignored))
		print_person(cli, "order", o->patient.name, o->patient.id, o->patient.issuer, o->patient.birth_date,
		    o->patient.sex);
	buf_clear(&b);
	if (!item_file_read(item, ITEM_MANIFEST, &b, &ignored) && !manifest_parse(b.data, b.len, &m, &ignored) &&
	    *m->study_uid)
		print_person(cli, "study", m->patient_name, m->patient_id, m->patient_issuer, m->patient_birth,
		    m->patient_sex);
	order_free(o);
	manifest_free(m);
	buf_wipe(&b);
}

static int findings_of(struct cli *cli, struct item_dir *item, void *arg, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	const char *id = import_id(item_import(item));
	const json_t *rule = NULL;
	json_t *check = NULL, *j = NULL;
	bool is_there = false;
	size_t i = 0;
	int rc = item_file_there(item, ITEM_CHECK, &is_there, err);

	(void)arg;
	if (rc)
		return rc;
	if (!is_there) {
		if (!cli->json)
			cli_print(cli, "%s/%s: not checked", id, item_name(item));
		else if ((j = json_make(err, "{s:i, s:s, s:s, s:s, s:s, s:[]}", "v", 1, "type", "findings", "id", id, "item",
		    item_name(item), "verdict", "none", "rules")))
			cli_print_json(cli, j);
		goto out;
	}
	if ((rc = item_file_read(item, ITEM_CHECK, &b, err)) || (rc = json_parse(b.data, b.len, &check, err)))
		goto out;
	if (cli->json) {
		json_object_set_new(check, "type", json_string("findings"));
		json_object_set_new(check, "id", json_string(id));
		json_object_set_new(check, "item", json_string(item_name(item)));
		cli_print_json(cli, check);
		goto out;
	}
	cli_print(cli, "%s/%s: %s, %s", id, item_name(item), json_text(check, "verdict"), json_text(check, "time"));
	print_persons(cli, item);
	json_array_foreach(json_object_get(check, "rules"), i, rule)
		print_rule(cli, rule);
out:
	json_decref(check);
	json_decref(j);
	buf_wipe(&b);
	return rc;
}

static int findings(struct cli *cli, struct import *import, const struct spool_ref *ref, void *arg, struct err *err)
{
	return show_items(cli, import, ref, findings_of, arg, err);
}

struct all { struct cli *cli; struct work *w; };

static int findings_each(const char *id, enum import_where where, void *arg, struct err *err)
{
	struct cli_input in = { .path = id };
	struct all *all = arg;

	(void)err;
	if (where == IMPORT_COMMITTED && !cli_stopped())
		look(all->cli, all->w, &in, "findings", findings, NULL);
	return RC_OK;
}

void show_findings(struct cli *cli, struct work *w, const struct cli_input *in)
{
	struct all all = { cli, w };
	struct err err = { 0 };

	if (in)
		look(cli, w, in, "findings", findings, NULL);
	else if (import_each(w->spool, findings_each, &all, &err))
		cli_fail(cli, NULL, NULL, &err);
}

/* ---- manifest ---- */

/* NDJSON in either form: that is what a manifest is. */
static int manifest_of(struct cli *cli, struct item_dir *item, void *arg, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	char *line = NULL, *end = NULL;
	int rc = item_file_read(item, ITEM_MANIFEST, &b, err);

	(void)arg;
	for (line = b.data; !rc && line && *line; line = end + 1) {
		if (!(end = strchr(line, '\n')))
			break;
		*end = '\0';
		cli_print(cli, "%s", line);
	}
	buf_wipe(&b);
	return rc;
}

static int manifests(struct cli *cli, struct import *import, const struct spool_ref *ref, void *arg, struct err *err)
{
	return show_items(cli, import, ref, manifest_of, arg, err);
}

void show_manifest(struct cli *cli, struct work *w, const struct cli_input *in)
{
	look(cli, w, in, "manifest", manifests, NULL);
}

/* ---- bytes ---- */

static int pour(struct stream *s, struct err *err)
{
	char data[COPY];
	uint64_t off = 0;
	size_t got = 0;
	int rc = RC_OK;

	while (!cli_stopped() && !(rc = stream_read(s, off, data, sizeof(data), &got, err)) && got) {
		if ((rc = io_write_full(STDOUT_FILENO, data, got, err)))
			break;
		off += got;
	}
	if (rc && err->sys == EPIPE)
		rc = RC_OK;	/* the reader has what it wanted */
	return rc;
}

/* Made from another check than the one that is there: it will not be sent as it is. */
static void warn_stale(struct cli *cli, const struct item_dir *item, const struct overlay *o)
{
	struct err ignored = { 0 };
	char hash[65] = "";

	if (item_file_hash(item, ITEM_CHECK, hash, &ignored) || strcmp(hash, overlay_check(o)))
		cli_warn(cli, item_name(item), "the overlay is older than the check; run mri-retag");
}

static int cat_object(struct cli *cli, struct item_dir *item, int n, struct err *err)
{
	struct overlay *o = NULL;
	struct pieces p = { 0 };
	struct stream *s = NULL;
	bool overlay = false;
	int rc = item_file_there(item, ITEM_OVERLAY, &overlay, err);

	if (rc)
		return rc;
	if (!overlay)
		rc = item_object_open(item, n, &s, err);
	else if (!(rc = overlay_open(&o, item, err))) {
		warn_stale(cli, item, o);
		rc = overlay_object_open(o, n, &p, &s, err);
	}
	if (!rc)
		rc = pour(s, err);
	stream_close(s);
	pieces_free(&p);
	overlay_close(o);
	return rc;
}

struct raw { const char *file; };

static int cat_item(struct cli *cli, struct import *import, const struct spool_ref *ref, const char *raw,
	struct err *err)
{
	struct item_dir *item = NULL;
	struct stream *s = NULL;
	int rc = item_open(&item, import, ref->study, false, err);

	if (rc)
		return rc;
	if (ref->kind == SPOOL_OBJECT && !raw)
		rc = cat_object(cli, item, ref->number, err);
	else if (!(rc = ref->kind == SPOOL_OBJECT ? item_object_open(item, ref->number, &s, err) :
	    item_document_open(item, ref->number, &s, err)))
		rc = pour(s, err);
	stream_close(s);
	item_close(item);
	return rc;
}

static int cat_package(struct import *import, int n, struct err *err)
{
	struct stream *s = NULL;
	int rc = import_package_open(import, n, &s, err);

	if (!rc)
		rc = pour(s, err);
	stream_close(s);
	return rc;
}

static int cat(struct cli *cli, struct import *import, const struct spool_ref *ref, void *arg, struct err *err)
{
	int rc = RC_OK;

	(void)arg;
	if (ref->kind == SPOOL_OBJECT || ref->kind == SPOOL_DOCUMENT)
		return cat_item(cli, import, ref, NULL, err);
	if (ref->kind == SPOOL_PACKAGE)
		return cat_package(import, ref->number, err);
	rc = err_set(err, ERR_USAGE, "names no single file");
	err_advise(err, "name an object, a document or a package: ID/study/1/original/00001; or give --raw FILE");
	return rc;
}

void show_cat(struct cli *cli, struct work *w, const struct cli_input *in)
{
	look(cli, w, in, "cat", cat, NULL);
}

static int pour_buf(const struct buf *b, struct err *err)
{
	int rc = io_write_full(STDOUT_FILENO, b->data ? b->data : "", b->len, err);

	return rc && err->sys == EPIPE ? RC_OK : rc;
}

/* "claim/001" → 1 */
static bool numbered(const char *file, const char *sub, int *n)
{
	size_t len = strlen(sub);
	uint64_t v = 0;

	if (strncmp(file, sub, len) || file[len] != '/' || !text_u64(file + len + 1, 999999, &v) || !v)
		return false;
	*n = (int)v;
	return true;
}

static int raw_import(struct import *import, const char *file, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	bool is_there = true;
	int n = 0, rc = RC_OK;

	if (numbered(file, "package", &n))
		return cat_package(import, n, err);
	if (!strcmp(file, "order"))
		rc = import_order_read(import, &b, err);
	else if (!strcmp(file, "unpack"))
		rc = import_unpack_read(import, &is_there, &b, err);
	else if (numbered(file, "claim", &n))
		rc = import_claim_read(import, n, &b, err);
	else {
		rc = err_set(err, ERR_USAGE, "an import has no such file");
		err_advise(err, "of an import: order, unpack, claim/NNN, package/NNN");
	}
	if (!rc && !is_there)
		rc = err_set(err, ERR_NOINPUT, "is not unpacked");
	if (!rc)
		rc = pour_buf(&b, err);
	buf_wipe(&b);
	return rc;
}

static int raw_item(struct cli *cli, struct import *import, const struct spool_ref *ref, const char *file,
	struct err *err)
{
	enum { FILES = 5 };
	static const struct { const char *name; enum item_file file; } files[FILES] = { { "manifest", ITEM_MANIFEST },
	    { "order", ITEM_ORDER }, { "check", ITEM_CHECK }, { "overlay", ITEM_OVERLAY },
	    { "report", ITEM_REPORT } };
	struct spool_ref part = *ref;
	struct item_dir *item = NULL;
	struct stream *s = NULL;
	size_t i = 0;
	int rc = RC_OK;

	if (numbered(file, "original", &part.number) || numbered(file, "document", &part.number)) {
		part.kind = file[0] == 'o' ? SPOOL_OBJECT : SPOOL_DOCUMENT;
		return cat_item(cli, import, &part, file, err);
	}
	for (i = 0; i < FILES && strcmp(file, files[i].name); i++)
		;
	if (i == FILES) {
		rc = err_set(err, ERR_USAGE, "an item has no such file");
		err_advise(err, "of an item: manifest, order, check, overlay, report, original/NNNNN, document/NNN");
		return rc;
	}
	if (!(rc = item_open(&item, import, ref->study, false, err)) &&
	    !(rc = item_file_open(item, files[i].file, &s, err)))
		rc = pour(s, err);
	stream_close(s);
	item_close(item);
	return rc;
}

static int raw(struct cli *cli, struct import *import, const struct spool_ref *ref, void *arg, struct err *err)
{
	const char *file = ((struct raw *)arg)->file;

	switch (ref->kind) {
	case SPOOL_IMPORT:
		return raw_import(import, file, err);
	case SPOOL_ITEM:
		return raw_item(cli, import, ref, file, err);
	case SPOOL_OBJECT:
		if (!strcmp(file, "original"))
			return cat_item(cli, import, ref, file, err);
		break;
	case SPOOL_DOCUMENT:
		if (!strcmp(file, "document"))
			return cat_item(cli, import, ref, file, err);
		break;
	default:
		break;
	}
	return err_set(err, ERR_USAGE, "has no such file");
}

void show_raw(struct cli *cli, struct work *w, const struct cli_input *in, const char *file)
{
	struct raw r = { file };

	look(cli, w, in, "raw", raw, &r);
}
