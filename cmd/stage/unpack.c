/* One run of mri-unpack: read the packages, group, publish, record, answer. */
#include "stage/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "base/time.h"
#include "stage/unpack_impl.h"

#define TOOL		"mri-unpack"
#define PACKAGES_MAX	4096	/* packages of one import; a portal hands out a few */

static unsigned jobs_of(const struct cli *cli)
{
	long n = cli->jobs > 0 ? cli->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > UNPACK_JOBS_MAX ? UNPACK_JOBS_MAX : (unsigned)n;
}

static int partial(struct unpack_package *p, const char *reason, struct err *err)
{
	p->partial = true;
	if (!p->reason && !(p->reason = text_dup(reason, err)))
		return err_rc(err->kind);
	return RC_OK;
}

/* What the portal said of a package against the package as it lies here. */
static int compare_claim(struct unpack_package *p, struct err *err)
{
	int rc = RC_OK;

	if (p->failed || !p->claimed)
		return RC_OK;
	if (p->claim.sha256[0] && strcmp(p->claim.sha256, p->sha256) != 0)
		rc = partial(p, "its content is not what was fetched: the SHA-256 differs", err);
	else if (p->claim.bytes && p->claim.bytes != p->bytes)
		rc = partial(p, "its size is not what was fetched", err);
	else if (p->claim.partial)
		rc = partial(p, "the portal itself said that something is missing", err);
	return rc;
}

static int read_packages(struct unpack_run *run, const struct cli_input *in, struct err *err)
{
	int *numbers = calloc(PACKAGES_MAX, sizeof *numbers);
	size_t n = 0;
	int rc = numbers ? RC_OK : err_set(err, ERR_TEMP, "no memory to unpack");

	if (rc == RC_OK)
		rc = import_packages(run->import, numbers, PACKAGES_MAX, &n, err);
	if (rc == RC_OK && n > PACKAGES_MAX)
		rc = err_set(err, ERR_DATA, "more than %d packages", PACKAGES_MAX);
	if (rc == RC_OK && !(run->packages = calloc(n + 1, sizeof *run->packages)))
		rc = err_set(err, ERR_TEMP, "no memory to unpack");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct unpack_package *p = &run->packages[i];
		struct buf b = BUF_INIT(0);

		run->npackages++;
		p->n = numbers[i];
		p->in = in;
		claim_init(&p->claim);
		rc = import_claim_read(run->import, p->n, &b, err);
		if (rc == RC_OK)
			rc = claim_parse(b.data, b.len, &p->claim, err);
		p->claimed = rc == RC_OK;
		if (rc != RC_OK && err->kind == ERR_NOINPUT)	/* nobody said anything of it */
			rc = RC_OK;
		buf_wipe(&b);
	}
	free(numbers);
	return rc;
}

static int read_all(struct unpack_run *run, struct err *err)
{
	struct pool *pool = NULL;
	int rc = pool_new(&pool, run, jobs_of(run->cli), err);

	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++) {
		if (cli_stopped())
			rc = err_set(err, ERR_TEMP, "interrupted");
		else
			rc = pool_package(pool, i, err);
		if (rc == RC_OK)
			rc = compare_claim(&run->packages[i], err);
	}
	pool_free(pool);
	if (rc == RC_OK)
		rc = unpack_group(run, err);
	return rc;
}

/* Published by a run that did not get to its end: the same packages give the same manifest. */
static int published(struct unpack_run *run, const struct unpack_item *it, const struct buf *manifest, bool *same,
    struct err *err)
{
	struct item_dir *dir = NULL;
	struct buf old = BUF_INIT(0);
	int rc = item_open(&dir, run->import, it->study, false, err);

	*same = false;
	if (rc == RC_FAILED && err->kind == ERR_NOINPUT)
		return RC_OK;
	if (rc == RC_OK)
		rc = item_file_read(dir, ITEM_MANIFEST, &old, err);
	if (rc == RC_OK) {
		*same = old.len == manifest->len && memcmp(old.data, manifest->data, old.len) == 0;
		if (!*same) {
			rc = err_set(err, ERR_INTERNAL, "it is there with other content");
			err_advise(err, "mri-spool fsck says what is wrong");
		}
	}
	buf_wipe(&old);
	item_close(dir);
	return rc;
}

static int place(struct unpack_run *run, size_t i, struct item_dir *dir, struct err *err)
{
	int rc = RC_OK;

	for (size_t k = 0; rc == RC_OK && k < run->nfiles; k++) {
		struct unpack_file *f = &run->files[k];
		int n = 0;

		if (f->item != (int)i || (f->fate != FATE_OBJECT && f->fate != FATE_DOCUMENT))
			continue;
		rc = item_place(dir, run->staging, f->slot, f->fate == FATE_OBJECT ? ITEM_ORIGINAL : ITEM_DOCUMENT, &n,
		    err);
		f->slot = -1;
		if (rc == RC_OK && n != f->number)
			rc = err_set(err, ERR_INTERNAL, "file %d was placed as %d", f->number, n);
	}
	return rc;
}

static int publish(struct unpack_run *run, size_t i, struct err *err)
{
	struct unpack_item *it = &run->items[i];
	struct item_dir *dir = NULL;
	struct buf manifest = BUF_INIT(0);
	char name[32];
	bool done = false;
	int rc = unpack_manifest(run, i, &manifest, err);

	if (rc == RC_OK && run->import)
		rc = published(run, it, &manifest, &done, err);
	if (rc != RC_OK || done)
		goto out;
	rc = run->import ? item_create(&dir, run->import, it->study, err)
	    : item_create_dir(&dir, run->dir, it->study, err);
	if (rc == RC_OK)
		rc = place(run, i, dir, err);
	if (rc == RC_OK)
		rc = item_manifest_write(dir, manifest.data, manifest.len, err);
	if (rc == RC_OK)
		rc = item_publish(dir, err);
	if (rc == RC_OK)
		item_close(dir);
	else
		item_abort(dir);
out:
	if (rc != RC_OK) {
		unpack_item_name(it, name);
		err_wrap(err, "%s", name);
	}
	buf_wipe(&manifest);
	return rc;
}

/* --- in a spool ------------------------------------------------------------------ */

/* The outcome of a whole import, in the words of history. */
struct outcome { const char *word; const char *reason; };

static struct outcome outcome_of(const struct unpack_run *run)
{
	struct outcome o = { "ok", NULL };

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

static int history(struct unpack_run *run, struct err *err)
{
	struct outcome o = outcome_of(run);
	json_t *n = NULL;
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		char name[32];

		unpack_item_name(it, name);
		n = json_make(err, "{s:i,s:i,s:I}", "objects", it->objects, "documents", it->documents, "bytes",
		    (json_int_t)it->bytes);
		rc = n ? import_history_add(run->import, "unpack", name, it->partial ? "partial" : "ok", NULL, n, err)
		    : err_rc(err->kind);
		json_decref(n);
	}
	if (rc != RC_OK)
		return rc;
	n = json_make(err, "{s:I,s:I,s:I,s:I,s:I}", "files", (json_int_t)run->nfiles, "objects",
	    (json_int_t)run->counts[FATE_OBJECT], "documents", (json_int_t)run->counts[FATE_DOCUMENT], "duplicates",
	    (json_int_t)run->counts[FATE_DUPLICATE], "set_aside", (json_int_t)run->counts[FATE_ASIDE]);
	rc = n ? import_history_add(run->import, "unpack", NULL, o.word, o.reason, n, err) : err_rc(err->kind);
	json_decref(n);
	return rc;
}

static void receipt(struct cli *cli, struct work *w, const struct cli_input *in, struct import *import, int study,
    bool is_partial, bool again, const json_t *more)
{
	struct spool_ref ref = { .kind = SPOOL_ITEM, .study = study };
	char path[SPOOL_PATH_MAX];

	text_copy(ref.id, sizeof ref.id, import_id(import));
	spool_ref_path(w->spool, &ref, path);
	cli_receipt(cli, &(struct cli_receipt){ .in = in, .path = path, .ref = import_ref(import), .again = again,
	    .status = is_partial ? "partial" : "ok", .more = more });
}

static void fail_import(struct cli *cli, const struct cli_input *in, const char *id, const char *reason)
{
	struct err err = { 0 };

	err_set(&err, ERR_DATA, "nothing could be unpacked: %s", reason ? reason : "it has no package");
	err_advise(&err, "the package stays as it was fetched; fetch again, or see mri-show %s", id);
	cli_fail(cli, in, id, &err);
}

static void answer(struct unpack_run *run, struct work *w, const struct cli_input *in, uint64_t began)
{
	struct outcome o = outcome_of(run);

	unpack_say(run);
	for (size_t i = 0; i < run->nitems; i++) {
		struct unpack_item *it = &run->items[i];
		struct err err = { 0 };
		json_t *more = json_make(&err, "{s:i,s:i,s:I,s:I}", "instances", it->objects, "documents", it->documents,
		    "bytes", (json_int_t)it->bytes, "ms", (json_int_t)(time_mono_ms() - began));

		receipt(run->cli, w, in, run->import, it->study, it->partial, false, more);
		json_decref(more);
	}
	if (run->nitems == 0)
		fail_import(run->cli, in, run->subject, o.reason);
	else if (strcmp(o.word, "ok") != 0)
		cli_worse(run->cli, ERR_DATA);
}

/* The package goes when all of it is durable elsewhere; its claim stays. */
static int drop_packages(struct unpack_run *run, struct work *w, struct err *err)
{
	int rc = RC_OK;

	if (spool_settings(w->spool)->keep_package)
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < run->npackages; i++)
		if (!run->packages[i].failed && !run->packages[i].partial && !run->packages[i].kept)
			rc = import_package_drop(run->import, run->packages[i].n, err);
	return rc;
}

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
	receipt(cli, w, in, import, (int)study, is_partial, true, more);
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
			if (!spool_settings(w->spool)->keep_package && !json_is_true(json_object_get(p, "kept")) && n > 0 && n <= INT32_MAX)
				rc = import_package_drop(import, (int)n, err);
		} else {
			*worse = true;
			if (!*reason)
				*reason = why;
		}
	}
	return rc;
}

/* Unpacked before: says the same again, and finishes what a killed run may have left. */
static int again(struct cli *cli, struct work *w, const struct cli_input *in, struct import *import,
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
		fail_import(cli, in, import_id(import), reason);
	else if (rc == RC_OK && worse)
		cli_worse(cli, ERR_DATA);
	json_decref(j);
	return rc;
}

static int fresh(struct unpack_run *run, struct work *w, const struct cli_input *in, struct err *err)
{
	struct buf record = BUF_INIT(0);
	struct act *act = NULL;
	uint64_t began = time_mono_ms();
	bool there = false;
	int rc = RC_OK, rc2 = RC_OK;
	struct err err2 = { 0 };

	if (!run->cli->dry_run) {
		rc = act_begin(&act, w->audit, TOOL, "unpack", run->subject, NULL, AUDIT_NONE, err);
		if (rc == RC_OK)
			rc = staging_new(&run->staging, run->import, err);
		/* another one may have come to its end while this one waited for the lock */
		if (rc == RC_OK)
			rc = import_unpack_read(run->import, &there, &record, err);
		if (rc == RC_OK && there) {
			rc = again(run->cli, w, in, run->import, &record, err);
			rc2 = act_end(act, rc == RC_OK ? "ok" : rc == RC_RETRY ? "temp" : "perm", NULL, &err2);
			if (rc == RC_OK && rc2 != RC_OK) {
				rc = rc2;
				*err = err2;
			}
			goto out;
		}
	}
	if (rc == RC_OK)
		rc = read_packages(run, in, err);
	if (rc == RC_OK)
		rc = read_all(run, err);
	if (rc == RC_OK && run->cli->dry_run) {
		unpack_say(run);
		unpack_plan(run);
		unpack_count(run);
		goto out;
	}
	for (size_t i = 0; rc == RC_OK && i < run->nitems; i++)
		rc = publish(run, i, err);
	if (rc == RC_OK)
		rc = unpack_record(run, &record, err);
	if (rc == RC_OK)
		rc = import_unpack_write(run->import, record.data, record.len, err);
	if (rc == RC_OK)
		rc = history(run, err);
	if (rc == RC_OK)
		rc = drop_packages(run, w, err);
	if (act) {
		rc2 = act_end(act, rc == RC_OK ? outcome_of(run).word : rc == RC_RETRY ? "temp" : "perm", NULL, &err2);
		if (rc == RC_OK && rc2 != RC_OK) {
			rc = rc2;
			*err = err2;
		}
	}
	if (rc == RC_OK) {
		unpack_count(run);
		answer(run, w, in, began);
	}
out:
	staging_free(run->staging);
	run->staging = NULL;
	buf_wipe(&record);
	return rc;
}

void stage_unpack_import(struct cli *cli, struct work *w, const struct cli_input *in, const char *id,
    const struct unpack_password *password)
{
	struct unpack_run run = { .cli = cli, .subject = id, .password = password };
	struct import *import = NULL;
	struct buf record = BUF_INIT(0);
	struct err err = { 0 };
	bool there = false;
	time_t now = 0;
	int rc = import_open(&import, w->spool, id, IMPORT_COMMITTED, &err);

	run.import = import;
	if (rc == RC_OK) {
		struct err clock = { 0 };

		if (spool_clock(w->spool, &now, &clock) != RC_OK)
			cli_warn(cli, NULL, "%s", clock.text);
		if (import_expired(import, now))
			rc = err_set(&err, ERR_REFUSED, "its time is over: it is due to be purged");
	}
	if (rc == RC_OK)
		rc = import_unpack_read(import, &there, &record, &err);
	if (rc == RC_OK && there)
		rc = again(cli, w, in, import, &record, &err);
	else if (rc == RC_OK)
		rc = fresh(&run, w, in, &err);
	if (rc != RC_OK)
		cli_fail(cli, in, id, &err);
	buf_wipe(&record);
	unpack_free(&run);
	import_close(import);
}

/* --- without a spool ------------------------------------------------------------- */

/* An output folder is new, or empty: what lies there is never mixed with what comes. */
static int output_free(const char *dir, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e = NULL;
	int rc = RC_OK;

	if (!d)
		return errno == ENOENT ? RC_OK : err_sys(err, errno, "cannot open the output folder");
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !text_starts(e->d_name, ".staging-")) {
			rc = err_set(err, ERR_CANTCREAT, "the output folder is not empty");
			break;
		}
	closedir(d);
	return rc;
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
static void answer_loose(struct unpack_run *run)
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

/* The record beside the items, as in a spool: mri-check finds there what the media say of themselves. */
static int loose_record(struct unpack_run *run, struct err *err)
{
	struct buf record = BUF_INIT(0);
	int fd = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? err_sys(err, errno, "cannot open the output folder") : unpack_record(run, &record, err);

	if (rc == RC_OK)
		rc = io_replace(fd, "unpack", record.data, record.len, 0600, err);
	if (fd >= 0)
		close(fd);
	buf_wipe(&record);
	return rc;
}

void stage_unpack_loose(struct cli *cli, const struct unpack_loose *v, size_t n, const char *dir,
    const struct unpack_password *password)
{
	struct unpack_run run = { .cli = cli, .dir = dir, .password = password };
	struct err err = { 0 };
	int rc = RC_OK;

	if (!(run.packages = calloc(n + 1, sizeof *run.packages)))
		rc = err_set(&err, ERR_TEMP, "no memory to unpack");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct unpack_package *p = &run.packages[run.npackages++];

		claim_init(&p->claim);
		p->n = (int)i + 1;
		p->in = &v[i].in;
		p->path = v[i].path;
	}
	if (rc == RC_OK && !cli->dry_run) {
		rc = output_free(dir, &err);
		if (rc == RC_OK)
			rc = staging_new_dir(&run.staging, dir, &err);
	}
	if (rc == RC_OK)
		rc = read_all(&run, &err);
	if (rc == RC_OK && !cli->dry_run)
		for (size_t i = 0; rc == RC_OK && i < run.nitems; i++)
			rc = publish(&run, i, &err);
	if (rc == RC_OK && !cli->dry_run && run.nitems)
		rc = loose_record(&run, &err);
	if (rc == RC_OK) {
		unpack_count(&run);
		unpack_say(&run);
		if (cli->dry_run)
			unpack_plan(&run);
		else
			answer_loose(&run);
		for (size_t i = 0; i < run.npackages; i++) {
			struct unpack_package *p = &run.packages[i];
			char shown[SPOOL_PATH_MAX];

			if (p->failed) {
				err_set(&err, p->kind, "%s", p->reason ? p->reason : "");
				if (p->locked)
					err_advise(&err, UNPACK_LOCKED_ADVICE);
				cli_fail(cli, p->in, text_escape(shown, sizeof shown, p->path, strlen(p->path)), &err);
			} else if (p->partial) {
				cli_worse(cli, ERR_DATA);
			}
		}
	} else {
		cli_fail(cli, n ? &v[0].in : NULL, dir, &err);
	}
	staging_free(run.staging);
	unpack_free(&run);
}
