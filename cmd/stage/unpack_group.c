/* From files to items: what is no data, what is there twice, which study it belongs to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

#define NONE	SIZE_MAX

int unpack_more_files(struct unpack_run *run, size_t p, size_t n, struct err *err)
{
	struct unpack_package *pk = &run->packages[p];

	if (n > UNPACK_FILES_MAX || run->nfiles > UNPACK_FILES_MAX - n)
		return err_set(err, ERR_DATA, "more than %d files in one import", UNPACK_FILES_MAX);
	if (run->nfiles + n > run->files_cap) {
		size_t cap = run->nfiles + n + run->files_cap / 2;
		struct unpack_file *v = realloc(run->files, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory for %zu files", cap);
		run->files = v;
		run->files_cap = cap;
	}
	for (size_t i = 0; i < n; i++) {
		struct unpack_file *f = &run->files[run->nfiles++];

		memset(f, 0, sizeof *f);
		f->package = (int)p;
		f->member = (uint32_t)pk->count++;
		f->fate = FATE_ASIDE;
		f->data = true;
		f->slot = f->item = -1;
	}
	return RC_OK;
}

int unpack_add_files(struct unpack_run *run, size_t p, size_t n, struct err *err)
{
	run->packages[p].first = run->nfiles;
	run->packages[p].count = 0;
	return unpack_more_files(run, p, n, err);
}

int unpack_aside(struct unpack_file *f, bool data, const char *reason, struct err *err)
{
	char *copy = text_dup(reason, err);

	if (!copy)
		return err_rc(err->kind);
	free(f->reason);
	f->reason = copy;
	f->fate = FATE_ASIDE;
	f->data = data;
	return RC_OK;
}

static const char *base_name(const char *label)
{
	const char *base = label;

	for (const char *p = label; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			base = p + 1;
	return base;
}

static bool named(const char *base, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (names[i][len - 1] == '*' ? strncasecmp(base, names[i], len - 1) == 0 : strcasecmp(base, names[i]) == 0)
			return true;
	}
	return false;
}

/* Set aside by its name or its place and not by its content: its package stays where it is, since one may err. */
static int guess_aside(struct unpack_run *run, struct unpack_file *f, const char *reason, struct err *err)
{
	run->packages[f->package].kept = true;
	return unpack_aside(f, false, reason, err);
}

/* Is it a medium (an index, a viewer)? Then some names are the medium's own. */
static bool is_medium(const struct unpack_run *run, const struct unpack_package *p)
{
	for (size_t i = p->first; i < p->first + p->count; i++)
		if (run->files[i].listing || run->files[i].media == MEDIA_EXE)
			return true;
	return false;
}

/* Notes that the standards put onto every medium. Only text and pages; what names a UID is more than a note. */
static bool note(const struct unpack_file *f)
{
	static const char *const notes[] = { "README*", "LIESMICH*", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*",
	    "INDEX.HTM*" };
	static const char *const marks[] = { "LOCKFILE", "VERSION" };
	const char *base = base_name(f->label ? f->label : "");

	if (f->media == MEDIA_EMPTY || f->media == MEDIA_TEXT)
		if (named(base, marks, sizeof marks / sizeof *marks))
			return true;
	return (f->media == MEDIA_TEXT || f->media == MEDIA_HTML) && !(f->uids && f->uids[0]) &&
	    named(base, notes, sizeof notes / sizeof *notes);
}

/* "3:dir/sub": package and folder of a label; false at the root of the package */
static bool folder_key(const struct unpack_file *f, size_t len, char key[UNPACK_LABEL + 32])
{
	if (len == 0)
		return false;
	snprintf(key, UNPACK_LABEL + 32, "%d:%.*s", f->package, (int)len, f->label);
	return true;
}

static size_t parent_len(const char *label, size_t len)
{
	while (len && label[len - 1] != '/' && label[len - 1] != '\\')
		len--;
	return len ? len - 1 : 0;
}

/*
 * A folder that holds a program is the viewer's; so is what lies below it. The root of a medium is nobody's. Only what
 * is a document by its content: what is empty, unknown, an archive or broken may be an image that was damaged, and a
 * program beside it does not make it less of one.
 */
static int viewer(struct unpack_run *run, struct err *err)
{
	struct intern *folders = intern_new(err);
	char key[UNPACK_LABEL + 32];
	bool any = false;
	int rc = folders ? RC_OK : RC_RETRY;

	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];

		if (f->media != MEDIA_EXE || !f->label || !f->answered)
			continue;
		if (folder_key(f, parent_len(f->label, strlen(f->label)), key) && !intern_get(folders, key, 1, NULL, err))
			rc = RC_RETRY;
		any = true;
	}
	for (size_t i = 0; rc == RC_OK && any && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];
		size_t len = f->label ? parent_len(f->label, strlen(f->label)) : 0;

		if (f->fate != FATE_DOCUMENT || f->media == MEDIA_PDF || f->media == MEDIA_WORKLIST || !f->answered)
			continue;
		for (; len; len = parent_len(f->label, len)) {
			size_t there = 0;

			folder_key(f, len, key);
			if (!intern_get(folders, key, 0, &there, err)) {
				rc = RC_RETRY;
				break;
			}
			if (there) {
				rc = guess_aside(run, f, "a part of viewer software", err);
				break;
			}
		}
	}
	intern_free(folders);
	return rc;
}

static int drop_slot(struct unpack_run *run, struct unpack_file *f, struct err *err)
{
	int rc = f->slot >= 0 && run->staging ? staging_drop(run->staging, f->slot, err) : RC_OK;

	f->slot = -1;
	return rc;
}

/* The same object again, or another with its UID: the first one counts. Documents are the same by content. */
static int same(struct unpack_run *run, struct err *err)
{
	struct intern *seen = intern_new(err);
	int rc = seen ? RC_OK : RC_RETRY;

	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];
		size_t first = NONE;

		if (f->fate != FATE_OBJECT && f->fate != FATE_DOCUMENT)
			continue;
		if (!intern_get(seen, f->fate == FATE_OBJECT ? f->facts->sop_uid : f->sha256, i, &first, err)) {
			rc = RC_RETRY;
		} else if (first != i && !strcmp(run->files[first].sha256, f->sha256)) {
			f->fate = FATE_DUPLICATE;
			f->number = (int)first;	/* of the file, until it is known which object that is */
		} else if (first != i) {
			rc = unpack_aside(f, true, "another object of this import has its SOP Instance UID", err);
			f->rival = (int)first + 1;
		}
	}
	intern_free(seen);
	return rc;
}

static int add_item(struct unpack_run *run, int study, const char *uid, const struct unpack_file *f, struct err *err)
{
	struct unpack_item *v = realloc(run->items, (run->nitems + 1) * sizeof *v);

	if (!v)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	run->items = v;
	memset(&v[run->nitems], 0, sizeof *v);
	v[run->nitems].study = study;
	v[run->nitems].study_uid = uid;
	v[run->nitems].in = run->packages[f->package].in;
	run->nitems++;
	return RC_OK;
}

static void put(struct unpack_run *run, struct unpack_file *f, size_t item)
{
	struct unpack_item *it = &run->items[item];

	f->item = (int)item;
	f->number = f->fate == FATE_OBJECT ? ++it->objects : ++it->documents;
	it->bytes += f->bytes;
	if (run->packages[f->package].partial)
		it->partial = true;
}

static int assign(struct unpack_run *run, struct err *err)
{
	struct intern *studies = intern_new(err);
	size_t papers = NONE;
	int rc = studies ? RC_OK : RC_RETRY;

	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];
		size_t item = 0;

		if (f->fate != FATE_OBJECT)
			continue;
		if (!intern_get(studies, f->facts->study_uid, run->nitems, &item, err))
			rc = RC_RETRY;
		else if (item == run->nitems)
			rc = add_item(run, (int)item + 1, f->facts->study_uid, f, err);
		if (rc == RC_OK)
			put(run, f, item);
	}
	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];
		int study = -1;

		if (f->fate != FATE_DOCUMENT)
			continue;
		study = unpack_tie(run, f);
		if (study < 0 && papers == NONE) {
			papers = run->nitems;
			rc = add_item(run, ITEM_PAPERS, NULL, f, err);
		}
		if (rc == RC_OK)
			put(run, f, study < 0 ? papers : (size_t)study);
	}
	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];

		if (f->fate == FATE_DUPLICATE) {
			const struct unpack_file *first = &run->files[f->number];

			f->item = first->item;
			f->number = first->number;
			/* what its package lost may be of the study of what it repeats */
			if (run->packages[f->package].partial && f->item >= 0)
				run->items[f->item].partial = true;
		} else if (f->rival && run->files[f->rival - 1].item >= 0) {
			/* which of the two is the right one, nobody knows */
			run->items[run->files[f->rival - 1].item].partial = true;
		}
	}
	intern_free(studies);
	return rc;
}

/* Portals that could not pack everything say so by a text in the archive, and answer 200 all the same. It stays a
 * document: a person wants to read it. */
static bool error_note(const struct unpack_file *f)
{
	return f->media == MEDIA_TEXT && f->fate != FATE_ASIDE && f->label && !strcasecmp(base_name(f->label), "ERROR.txt");
}

/* A package's verdict from its files. */
static int verdict(struct unpack_package *p, struct unpack_file *v, size_t n, struct err *err)
{
	char text[ERR_TEXT_MAX];
	const char *first = NULL;
	size_t data = 0, good = 0;
	bool note = false;

	for (size_t i = 0; i < n; i++) {
		note |= n > 1 && error_note(&v[i]);
		if (v[i].fate != FATE_ASIDE) {
			good++;
		} else if (v[i].data) {
			if (!data++)
				first = v[i].reason;
		}
	}
	if (p->failed || (good && !data && !note))
		return RC_OK;
	p->partial = true;
	p->error_note = note;
	if (note)
		text_copy(text, sizeof text, UNPACK_ERROR_NOTE);
	else if (!data)
		text_copy(text, sizeof text, "it holds no object and no document");
	else if (n == 1)
		snprintf(text, sizeof text, "its only file was set aside: %s", first ? first : "");
	else
		snprintf(text, sizeof text, "%zu of its %zu files were set aside", data, n);
	if (!good) {
		p->failed = true;
		p->kind = ERR_DATA;
	}
	if (!p->reason && !(p->reason = text_dup(text, err)))
		return err_rc(err->kind);
	return RC_OK;
}

/* A package that gave nothing is one file that is set aside. */
static int settle(struct unpack_run *run, size_t i, struct err *err)
{
	struct unpack_package *p = &run->packages[i];
	bool medium = is_medium(run, p);
	int rc = RC_OK;

	if (!p->failed && p->count == 0) {
		p->failed = true;
		p->kind = ERR_DATA;
		if (!p->reason && !(p->reason = text_dup("it is empty", err)))
			return err_rc(err->kind);
	}
	if (p->failed && p->count == 0)
		rc = unpack_add_files(run, i, 1, err);
	for (size_t k = p->first; rc == RC_OK && k < p->first + p->count; k++) {
		struct unpack_file *f = &run->files[k];

		if (p->failed)
			rc = unpack_aside(f, true, p->reason ? p->reason : "its package cannot be read", err);
		else if (!f->answered)
			rc = err_set(err, ERR_INTERNAL, "a file of package %d has no answer", p->n);
		else if (medium && (f->fate == FATE_DOCUMENT || f->media == MEDIA_EMPTY) && note(f) &&
		    !unpack_medium_lists(run, f))
			rc = guess_aside(run, f, "a note of the medium itself, by its name (PS3.10 8.5, IHE PDI)", err);
	}
	return rc;
}

int unpack_group(struct unpack_run *run, struct err *err)
{
	bool failed = false;
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++)
		rc = settle(run, i, err);
	if (rc == RC_OK)
		rc = viewer(run, err);
	if (rc == RC_OK)
		rc = same(run, err);
	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++) {
		struct unpack_package *p = &run->packages[i];

		rc = verdict(p, run->files + p->first, p->count, err);
		failed |= p->failed;
	}
	if (rc == RC_OK)
		rc = unpack_medium_compare(run, err);
	if (rc == RC_OK)
		rc = assign(run, err);
	for (size_t i = 0; rc == RC_OK && i < run->nfiles; i++) {
		struct unpack_file *f = &run->files[i];

		run->counts[f->fate]++;
		run->data_aside += f->fate == FATE_ASIDE && f->data;
		if (f->fate == FATE_ASIDE || f->fate == FATE_DUPLICATE)
			rc = drop_slot(run, f, err);
	}
	for (size_t i = 0; failed && i < run->nitems; i++)
		run->items[i].partial = true;	/* what is missing may be of any study */
	return rc;
}

void unpack_item_name(const struct unpack_item *it, char out[32])
{
	if (it->study == ITEM_PAPERS)
		text_copy(out, 32, "papers");
	else
		snprintf(out, 32, "study/%d", it->study);
}

void unpack_free(struct unpack_run *run)
{
	for (size_t i = 0; i < run->nfiles; i++) {
		free(run->files[i].label);
		free(run->files[i].reason);
		free(run->files[i].facts);
		unpack_medium_free(&run->files[i]);
	}
	for (size_t i = 0; i < run->npackages; i++) {
		free(run->packages[i].reason);
		claim_free(&run->packages[i].claim);
	}
	free(run->files);
	free(run->packages);
	free(run->items);
	intern_free(run->strings);
	memset(run, 0, sizeof *run);
}
