/*
 * A stage writes its file, then its line of history. Killed in between, the item is "interrupted": the next run of
 * that stage appends the line, and so does fsck, from the verdict in the file.
 */
#include <string.h>
#include <unistd.h>

#include "spool/fsck_private.h"
#include "spool/manifest.h"
#include "spool/overlay.h"

struct seen {
	const char *item;	/* "study/1"; NULL: the import itself */
	bool unpack, check, retag;
};

static int see(const json_t *line, void *arg, struct err *err)
{
	const char *stage = json_text(line, "stage"), *item = json_text(line, "item");
	struct seen *s = arg;

	(void)err;
	/* A line of the whole import stands for its items too, where it says that all of them are there. */
	if (!strcmp(stage, "unpack") && (!*item || (s->item && !strcmp(item, s->item))))
		s->unpack = true;
	if (!s->item || strcmp(item, s->item))
		return RC_OK;
	if (!strcmp(stage, "check"))
		s->check = true;
	else if (!strcmp(stage, "retag"))
		s->retag = true;
	return RC_OK;
}

static void append(struct fsck *f, struct import *import, const char *stage, const char *item, const char *outcome)
{
	struct err one = { 0 };

	if (f->repair && import_history_add(import, stage, item, outcome, "appended by fsck", NULL, &one))
		fsck_say(f, false, "the line of %s for %s is missing: %s", stage, item ? item : "it", one.text);
	else
		fsck_say(f, f->repair, "the line of %s for %s is missing", stage, item ? item : "it");
}

/* What mri-unpack makes of its record, or "" where that cannot be read. */
static const char *unpack_outcome(struct import *import)
{
	struct buf b = BUF_INIT(SMALL_MAX);
	struct err ignored = { 0 };
	const char *out = "";
	bool there = false, partial = false;
	json_t *j = NULL, *items = NULL;
	size_t i = 0;

	if (import_unpack_read(import, &there, &b, &ignored) || !there || json_parse(b.data, b.len, &j, &ignored) ||
		json_get_bool(j, "unpack", "partial", false, &partial, &ignored) ||
		json_get_arr(j, "unpack", "items", &items, &ignored))
		goto out;
	for (i = 0; i < json_array_size(items); i++)
		partial |= strcmp(json_text(json_array_get(items, i), "verdict"), "verified") != 0;
	out = items && !json_array_size(items) ? "perm" : partial ? "partial" : "ok";
out:
	json_decref(j);
	buf_wipe(&b);
	return out;
}

static const char *manifest_outcome(const struct item_dir *it)
{
	struct buf b = BUF_INIT(SMALL_MAX);
	struct err ignored = { 0 };
	struct manifest *m = NULL;
	const char *out = "";

	if (!item_file_read(it, ITEM_MANIFEST, &b, &ignored) && !manifest_parse(b.data, b.len, &m, &ignored))
		out = m->partial ? "partial" : "ok";
	manifest_free(m);
	buf_wipe(&b);
	return out;
}

static const char *check_outcome(const struct item_dir *it)
{
	struct buf b = BUF_INIT(SMALL_MAX);
	struct err ignored = { 0 };
	const char *verdict = NULL, *out = "";
	json_t *j = NULL;

	if (!item_file_read(it, ITEM_CHECK, &b, &ignored) && !json_parse(b.data, b.len, &j, &ignored) &&
	    !json_get_str(j, "check", "verdict", &verdict, &ignored) && verdict)
		out = !strcmp(verdict, "held") ? "held" : manifest_outcome(it);
	json_decref(j);
	buf_wipe(&b);
	return out;
}

/* Only an overlay of this check is a retag that was done. */
static bool overlay_fits(const struct item_dir *it)
{
	char hash[HASH_HEX] = "";
	struct err ignored = { 0 };
	struct overlay *o = NULL;
	bool fits = !item_file_hash(it, ITEM_CHECK, hash, &ignored) && !overlay_open(&o, it, &ignored) &&
	    !strcmp(overlay_check(o), hash);

	overlay_close(o);
	return fits;
}

/* unpacked: a line of the whole import says so, or will. */
static void item_lines(struct fsck *f, struct import *import, int study, bool unpacked)
{
	struct err one = { 0 };
	struct item_dir *it = NULL;
	struct seen s = { .unpack = unpacked };
	const char *outcome = NULL;
	int lock = -1;

	if (item_open(&it, import, study, false, &one))
		return;
	s.item = it->name;
	/* A stage that is at work writes its own line. */
	if (f->repair ? lock_file(it->fd, NAME_LOCK, 0, it->name, &lock, &one) : lock_held(it->fd, NAME_LOCK))
		goto out;
	if (import_history_each(import, see, &s, &one))
		goto out;
	if (!s.unpack && *(outcome = manifest_outcome(it)))
		append(f, import, "unpack", s.item, outcome);
	if (!s.check && file_there(it->fd, NAME_CHECK) && *(outcome = check_outcome(it)))
		append(f, import, "check", s.item, outcome);
	if (!s.retag && file_there(it->fd, NAME_OVERLAY) && overlay_fits(it))
		append(f, import, "retag", s.item, "ok");
out:
	if (lock >= 0)
		close(lock);
	item_close(it);
}

void fsck_history(struct fsck *f, struct import *import, const int *studies, size_t n, bool papers)
{
	struct err one = { 0 };
	struct seen s = { 0 };
	const char *outcome = NULL;
	size_t i = 0;

	if (import_need_secret(import, &one))
		return;		/* the verdicts are sealed; the next run of the stage mends it */
	if (import_history_each(import, see, &s, &one)) {
		fsck_say(f, false, "its history: %s", one.text);
		return;
	}
	if (!s.unpack && file_there(import->fd, NAME_UNPACK) && *(outcome = unpack_outcome(import))) {
		append(f, import, "unpack", NULL, outcome);
		s.unpack = true;
	}
	for (i = 0; i < n; i++)
		item_lines(f, import, studies[i], s.unpack);
	if (papers)
		item_lines(f, import, ITEM_PAPERS, s.unpack);
}
