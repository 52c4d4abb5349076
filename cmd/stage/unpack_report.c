/* What was found, written down: manifests, the `unpack` file, the summary, and what a person is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

#define SAY_MAX	8	/* different reasons that are named on stderr; the rest stands in the record */

static const char *const fates[] = {
	[FATE_OBJECT] = "object", [FATE_DOCUMENT] = "document", [FATE_DUPLICATE] = "duplicate", [FATE_ASIDE] = "set_aside",
};

static void add_modality(char *to, size_t cap, const char *m)
{
	size_t n = strlen(m), len = strlen(to);

	for (const char *p = to; *p;) {
		size_t k = strcspn(p, "\\");

		if (k == n && strncmp(p, m, n) == 0)
			return;
		p += k + (p[k] == '\\');
	}
	if (n && len + n + 2 <= cap)
		snprintf(to + len, cap - len, "%s%s", len ? "\\" : "", m);
}

static int study_header(struct manifest *m, const struct unpack_facts *x, struct err *err)
{
	text_copy(m->study_uid, sizeof m->study_uid, x->study_uid);
	text_copy(m->study_date, sizeof m->study_date, x->study_date);
	text_copy(m->patient_birth, sizeof m->patient_birth, x->birth);
	text_copy(m->patient_sex, sizeof m->patient_sex, x->sex);
	if (!(m->patient_name = text_dup(x->name, err)) || !(m->patient_id = text_dup(x->id, err)) ||
	    !(m->patient_issuer = text_dup(x->issuer, err)) || !(m->description = text_dup(x->description, err)))
		return err_rc(err->kind);
	return RC_OK;
}

static int object_line(struct unpack_run *run, struct manifest *m, const struct unpack_file *f, struct err *err)
{
	const struct unpack_facts *x = f->facts;
	struct manifest_object o = { .n = f->number, .bytes = f->bytes, .number = x->number,
	    .package = run->import ? run->packages[f->package].n : 0 };

	text_copy(o.sop_class, sizeof o.sop_class, x->sop_class);
	text_copy(o.sop_uid, sizeof o.sop_uid, x->sop_uid);
	text_copy(o.series_uid, sizeof o.series_uid, x->series_uid);
	text_copy(o.transfer_syntax, sizeof o.transfer_syntax, x->transfer_syntax);
	text_copy(o.modality, sizeof o.modality, x->modality);
	text_copy(o.sha256, sizeof o.sha256, f->sha256);
	add_modality(m->modalities, sizeof m->modalities, x->modality);
	return manifest_add_object(m, &o, err);
}

static int document_line(struct unpack_run *run, struct manifest *m, const struct unpack_file *f, struct err *err)
{
	struct unpack_package *p = &run->packages[f->package];
	struct manifest_document d = { .n = f->number, .bytes = f->bytes, .package = run->import ? p->n : 0 };

	text_copy(d.media, sizeof d.media, media_type(f->media));
	text_copy(d.sha256, sizeof d.sha256, f->sha256);
	d.title = f->label && f->label[0] ? f->label : p->claim.title;	/* copied */
	return manifest_add_document(m, &d, err);
}

int unpack_manifest(struct unpack_run *run, size_t item, struct buf *out, struct err *err)
{
	struct manifest *m = NULL;
	bool header = false;
	int rc = manifest_new(&m, err);

	if (rc != RC_OK)
		return rc;
	m->partial = run->items[item].partial;
	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		const struct unpack_file *f = &run->files[i];

		if (f->item != (int)item)
			continue;
		if (f->fate == FATE_OBJECT && !header) {
			rc = study_header(m, f->facts, err);
			header = true;
		}
		if (rc == RC_OK && f->fate == FATE_OBJECT)
			rc = object_line(run, m, f, err);
		else if (rc == RC_OK && f->fate == FATE_DOCUMENT)
			rc = document_line(run, m, f, err);
		else if (f->fate == FATE_DUPLICATE)
			m->duplicates++;
	}
	/* Set aside may be of any study: each item of its package says how much is missing from that */
	for (size_t i = 0; i < run->nfiles; i++)
		m->set_aside += run->files[i].fate == FATE_ASIDE && run->files[i].data;
	if (rc == RC_OK)
		rc = manifest_write(m, out, err);
	manifest_free(m);
	return rc;
}

static const char *package_verdict(const struct unpack_package *p)
{
	return p->failed ? "failed" : p->partial ? "partial" : "verified";
}

static int list_packages(struct unpack_run *run, json_t *list, struct err *err)
{
	for (size_t i = 0; i < run->npackages; i++) {
		struct unpack_package *p = &run->packages[i];
		json_t *j = json_make(err, "{s:i,s:s,s:I,s:s*,s:s,s:I,s:s*}", "n", p->n, "media", media_type(p->media),
		    "bytes", (json_int_t)p->bytes, "sha256", p->sha256[0] ? p->sha256 : NULL, "verdict",
		    package_verdict(p), "files", (json_int_t)p->count, "reason", p->reason);

		if (!j)
			return err_rc(err->kind);
		if (p->kept && run->import)
			json_object_set_new(j, "kept", json_true());
		if (json_array_append_new(list, j) != 0)
			return err_set(err, ERR_TEMP, "no memory to unpack");
	}
	return RC_OK;
}

static int list_items(struct unpack_run *run, json_t *list, struct err *err)
{
	for (size_t i = 0; i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		char name[32];
		json_t *j = NULL;

		unpack_item_name(it, name);
		j = json_make(err, "{s:s,s:s,s:i,s:i,s:I}", "item", name, "verdict",
		    it->partial ? "partial" : "verified", "objects", it->objects, "documents", it->documents, "bytes",
		    (json_int_t)it->bytes);
		if (!j)
			return err_rc(err->kind);
		if (json_array_append_new(list, j) != 0)
			return err_set(err, ERR_TEMP, "no memory to unpack");
	}
	return RC_OK;
}

static int file_entry(struct unpack_run *run, const struct unpack_file *f, struct buf *out, struct err *err)
{
	char name[32] = "";
	bool placed = f->item >= 0 && f->fate != FATE_ASIDE;
	json_t *j = NULL;
	int rc = RC_OK;

	if (placed)
		unpack_item_name(&run->items[f->item], name);
	j = json_make(err, "{s:i,s:I,s:s*,s:I,s:s,s:s,s:s*}", "package", run->packages[f->package].n, "member",
	    (json_int_t)f->member + 1, "name", f->label && f->label[0] ? f->label : NULL, "bytes",
	    (json_int_t)f->bytes, "media", media_type(f->media), "fate", fates[f->fate], "item",
	    placed ? name : NULL);
	if (!j)
		return err_rc(err->kind);
	if (placed)
		json_object_set_new(j, "number", json_integer(f->number));
	if (f->tied && placed)
		json_object_set_new(j, "tied", json_string(f->tied));
	if (f->fate == FATE_ASIDE) {
		json_object_set_new(j, "reason", json_string(f->reason ? f->reason : ""));
		json_object_set_new(j, "data", json_boolean(f->data));
	}
	rc = json_write(j, out, err);
	json_decref(j);
	return rc;
}

int unpack_record(struct unpack_run *run, struct buf *out, struct err *err)
{
	json_t *packages = json_array(), *items = json_array(), *media = json_array(), *head = NULL;
	bool partial = false;
	int rc = packages && items && media ? RC_OK : err_set(err, ERR_TEMP, "no memory to unpack");

	if (rc == RC_OK)
		rc = list_packages(run, packages, err);
	if (rc == RC_OK)
		rc = list_items(run, items, err);
	if (rc == RC_OK)
		rc = unpack_medium_record(run, media, err);
	if (rc == RC_OK) {
		for (size_t i = 0; i < run->npackages; i++)
			partial |= run->packages[i].failed || run->packages[i].partial;
		head = json_make(err, "{s:i,s:s,s:b,s:{s:I,s:I,s:I,s:I,s:I,s:I},s:O,s:O,s:O}", "v", 1, "type", "unpack",
		    "partial", partial, "counts",
		    "files", (json_int_t)run->nfiles, "objects", (json_int_t)run->counts[FATE_OBJECT], "documents",
		    (json_int_t)run->counts[FATE_DOCUMENT], "duplicates", (json_int_t)run->counts[FATE_DUPLICATE],
		    "set_aside", (json_int_t)run->counts[FATE_ASIDE], "set_aside_data", (json_int_t)run->data_aside,
		    "packages", packages, "items", items, "media", media);
		rc = head ? json_write(head, out, err) : err_rc(err->kind);
	}
	/* the list of files by hand, one after the other: as one JSON value it would take a kilobyte of memory each */
	if (rc == RC_OK) {
		out->len--;	/* the closing brace */
		rc = buf_puts(out, ",\"files\":[", err);
	}
	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		if (i)
			rc = buf_puts(out, ",\n", err);
		if (rc == RC_OK)
			rc = file_entry(run, &run->files[i], out, err);
	}
	if (rc == RC_OK)
		rc = buf_puts(out, "]}\n", err);
	json_decref(head);
	json_decref(packages);
	json_decref(items);
	json_decref(media);
	return rc;
}

void unpack_say(struct unpack_run *run)
{
	const char *said[SAY_MAX];
	size_t nsaid = 0, more = 0;

	for (size_t i = 0; i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];
		struct unpack_package *p = &run->packages[f->package];
		size_t same = 0;
		bool known = false;

		/* where a package failed for one reason, that is said with it */
		if (f->fate != FATE_ASIDE || !f->reason ||
		    (p->failed && (p->count < 2 || (p->reason && !strcmp(p->reason, f->reason)))))
			continue;
		cli_note(run->cli, f->data ? 1 : 2, run->subject, "package %d, member %lu was set aside: %s", p->n,
		    (unsigned long)f->member + 1, f->reason);
		if (!f->data)
			continue;
		for (size_t k = 0; k < nsaid && !known; k++)
			known = !strcmp(said[k], f->reason);
		if (known)
			continue;
		if (nsaid == SAY_MAX) {
			more++;
			continue;
		}
		said[nsaid++] = f->reason;
		for (size_t k = i; k < run->nfiles; k++)
			same += run->files[k].fate == FATE_ASIDE && run->files[k].data && run->files[k].reason &&
			    !strcmp(run->files[k].reason, f->reason);
		cli_warn(run->cli, run->subject, "package %d: %zu file%s set aside, the first is member %lu: %s", p->n, same,
		    same == 1 ? "" : "s", (unsigned long)f->member + 1, f->reason);
	}
	if (more)
		cli_warn(run->cli, run->subject, "%zu more files were set aside for other reasons", more);
	for (size_t i = 0; i < run->npackages; i++) {
		struct unpack_package *p = &run->packages[i];

		if (!p->failed && p->partial && p->reason)
			cli_warn(run->cli, run->subject, "package %d: %s", p->n, p->reason);
	}
	unpack_medium_say(run);
}

void unpack_plan(struct unpack_run *run)
{
	for (size_t i = 0; i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		char name[32];
		struct err err = { 0 };
		json_t *j = NULL;

		unpack_item_name(it, name);
		if (!run->cli->json) {
			cli_print(run->cli, "%s%s%s: %d object%s, %d document%s, %llu bytes%s", run->import ? run->subject : "",
			    run->import ? "/" : "", name, it->objects, it->objects == 1 ? "" : "s", it->documents,
			    it->documents == 1 ? "" : "s", (unsigned long long)it->bytes, it->partial ? ", partial" : "");
			continue;
		}
		j = json_make(&err, "{s:i,s:s,s:s*,s:s,s:s,s:i,s:i,s:I}", "v", 1, "type", "plan", "import",
		    run->import ? run->subject : NULL, "item", name, "status", it->partial ? "partial" : "ok", "objects",
		    it->objects, "documents", it->documents, "bytes", (json_int_t)it->bytes);
		if (j)
			cli_print_json(run->cli, j);
		json_decref(j);
	}
}

void unpack_count(struct unpack_run *run)
{
	long long files = 0, objects = 0, documents = 0;

	/* The whole from the packages, the parts from what was made of them: a sum that can fail */
	for (size_t i = 0; i < run->npackages; i++)
		files += (long long)run->packages[i].count;
	for (size_t i = 0; i < run->nitems; i++) {
		objects += run->items[i].objects;
		documents += run->items[i].documents;
	}
	cli_count(run->cli, "files", files);
	cli_count(run->cli, "objects", objects);
	cli_count(run->cli, "documents", documents);
	cli_count(run->cli, "duplicates", run->counts[FATE_DUPLICATE]);
	cli_count(run->cli, "set_aside", run->counts[FATE_ASIDE]);
	cli_balance(run->cli, "files", "objects", "documents", "duplicates", "set_aside", (char *)NULL);
}
