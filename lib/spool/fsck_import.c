/* An import and its items against the table in fsck.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "spool/fsck_private.h"
#include "spool/journal.h"

#define STUDIES_MAX	4096	/* studies of one import */
#define SHOWN		64

static bool in(const char *name, const char *const *list, size_t n)
{
	size_t i = 0;

	for (i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool is_number(const char *name, bool hidden)
{
	uint64_t n = 0;

	if (hidden != (name[0] == '.'))
		return false;
	return text_u64(name + (hidden ? 1 : 0), NUMBER_MAX, &n) && n > 0;
}

/* ---- an item ---- */

static const char *const item_plain[] = { NAME_MANIFEST, NAME_ORIGINAL, NAME_DOCUMENT, NAME_ORDER, NAME_CHECK,
	NAME_OVERLAY, NAME_REPORT, NAME_SENT, NAME_LOCK };
static const char *const item_hidden[] = { "." NAME_MANIFEST, "." NAME_ORDER, "." NAME_CHECK, "." NAME_OVERLAY,
	"." NAME_REPORT };

struct item_look {
	struct fsck *f;
	const char *name;	/* study/1 */
	bool idle;		/* no stage has it locked */
};

static int item_name_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct item_look *l = arg;

	(void)err;
	if (in(name, item_plain, COUNT(item_plain)))
		return RC_OK;
	if (!in(name, item_hidden, COUNT(item_hidden)))
		fsck_foreign(l->f, l->name, name);
	else if (l->idle)
		fsck_leftover(l->f, dirfd, l->name, name);
	return RC_OK;
}

static int journal_one(const char *disk, void *arg, struct err *err)
{
	struct journal_summary sum = { 0 };
	struct err one = { 0 };
	void **both = arg;
	struct fsck *f = both[0];
	char shown[SHOWN];

	(void)err;
	text_escape(shown, sizeof(shown), disk, strlen(disk));
	if (journal_look(both[1], disk, &sum, &one))
		fsck_say(f, false, "%s/sent/%s: %s", item_name(both[1]), shown, one.text);
	return RC_OK;
}

static void item_files(struct fsck *f, struct item_dir *it)
{
	const char *name = it->name;
	bool manifest = file_there(it->fd, NAME_MANIFEST), check = file_there(it->fd, NAME_CHECK);
	bool overlay = file_there(it->fd, NAME_OVERLAY), papers = it->study == ITEM_PAPERS;
	void *both[2] = { f, it };
	struct err one = { 0 };

	if (!manifest)
		fsck_say(f, false, "%s has no manifest: unpack the import again, or purge it", name);
	if (papers ? file_there(it->fd, NAME_ORIGINAL) : !file_there(it->fd, NAME_ORIGINAL))
		fsck_say(f, false, papers ? "%s has objects, which papers have not" : "%s has no objects", name);
	if (check && !file_there(it->fd, NAME_ORDER))
		fsck_say(f, false, "%s has a check without an order: run mri-check again", name);
	if (overlay && papers)
		fsck_say(f, false, "%s has an overlay, which papers have not", name);
	else if (overlay && !check)
		fsck_say(f, false, "%s has an overlay without a check: run mri-check and mri-retag again", name);
	if (file_there(it->fd, NAME_REPORT) && !check)
		fsck_say(f, false, "%s has a report without a check: run mri-check again", name);
	if (journal_each(it, journal_one, both, &one))
		fsck_say(f, false, "%s/sent: %s", name, one.text);
}

void fsck_item(struct fsck *f, struct import *import, int study)
{
	struct item_look look = { .f = f };
	struct item_dir *it = NULL;
	struct err one = { 0 };
	int lock = -1;

	if (item_open(&it, import, study, false, &one)) {
		if (one.kind != ERR_REFUSED && one.kind != ERR_NOINPUT)
			fsck_say(f, false, "%s", one.text);
		return;
	}
	look.name = it->name;
	if (f->repair)
		look.idle = !lock_file(it->fd, NAME_LOCK, 0, it->name, &lock, &one);
	else
		look.idle = !lock_held(it->fd, NAME_LOCK);
	if (dir_each(it->fd, item_name_one, &look, &one))
		fsck_say(f, false, "%s: %s", it->name, one.text);
	item_files(f, it);
	if (f->deep)
		fsck_item_deep(f, it);
	if (lock >= 0)
		close(lock);
	item_close(it);
}

/* ---- an import ---- */

static const char *const import_plain[] = { NAME_DEADLINE, NAME_HISTORY, NAME_LOCK, NAME_ORDER, NAME_UNPACK,
	NAME_PACKAGE, NAME_CLAIM, NAME_STUDY, NAME_PAPERS };

struct import_look {
	struct fsck *f;
	bool unpacking;		/* mri-unpack holds package/ */
};

static int import_name_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct import_look *l = arg;

	(void)err;
	if (in(name, import_plain, COUNT(import_plain)))
		return RC_OK;
	if (!strcmp(name, NAME_HELD))	/* import_commit was killed after its rename */
		fsck_leftover(l->f, dirfd, "", name);
	else if (text_starts(name, NAME_STAGING) || !strcmp(name, "." NAME_PAPERS)) {
		if (!l->unpacking)
			fsck_leftover(l->f, dirfd, "", name);
	} else if (name[0] == '.' && in(name + 1, import_plain, COUNT(import_plain))) {
		if (!l->unpacking && fsck_settled(dirfd, name))
			fsck_leftover(l->f, dirfd, "", name);
	} else
		fsck_foreign(l->f, "", name);
	return RC_OK;
}

static int study_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct import_look *l = arg;

	(void)err;
	if (is_number(name, true)) {
		if (!l->unpacking)
			fsck_leftover(l->f, dirfd, NAME_STUDY, name);
	} else if (!is_number(name, false))
		fsck_foreign(l->f, NAME_STUDY, name);
	return RC_OK;
}

struct numbers_look { struct fsck *f; const char *where; };

static int number_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct numbers_look *l = arg;

	(void)err;
	if (name[0] == '.')
		fsck_leftover(l->f, dirfd, l->where, name);
	else if (!is_number(name, false))
		fsck_foreign(l->f, l->where, name);
	return RC_OK;
}

static void packages(struct fsck *f, int dirfd)
{
	static const char *const subs[] = { NAME_PACKAGE, NAME_CLAIM };
	struct numbers_look look = { .f = f };
	struct err one = { 0 };
	int *v = NULL, sub = -1;
	char name[32] = "";
	size_t i = 0, n = 0;

	for (i = 0; i < COUNT(subs); i++) {
		look.where = subs[i];
		if (dir_open(dirfd, subs[i], &sub, &one)) {
			fsck_say(f, false, "it has no %s/: purge it and fetch again", subs[i]);
			continue;
		}
		if (dir_each(sub, number_one, &look, &one))
			fsck_say(f, false, "%s: %s", subs[i], one.text);
		close(sub);
	}
	if (dir_numbers(dirfd, NAME_PACKAGE, &v, &n, &one))
		return;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), NAME_CLAIM "/%03d", v[i]);
		if (!file_there(dirfd, name))
			fsck_say(f, false, "package/%03d has no claim", v[i]);
	}
	if (!n && !file_there(dirfd, NAME_UNPACK))
		fsck_say(f, false, "it has neither packages nor what was unpacked from them: purge it and fetch again");
	free(v);
}

/* One that a stage cannot open is due all the same: its id says when. */
static void explain(struct fsck *f, int dirfd, const struct err *why)
{
	struct deadline dl = { 0 };
	struct err one = { 0 };

	if (deadline_read(dirfd, &dl, &one))
		fsck_say(f, false, "its deadline cannot be read (its id says when it is due): purge it and fetch again");
	else if (dl.sealed && !file_there(f->sp->dir[DIR_KEYS], f->id))
		fsck_say(f, false, "its key is gone, nothing of it can be opened: purge it and fetch again");
	else
		fsck_say(f, false, "%s", why->text);
}

static void items(struct fsck *f, struct import *import)
{
	int *studies = calloc(STUDIES_MAX, sizeof(*studies));
	struct err one = { 0 };
	bool papers = false;
	size_t i = 0, n = 0;

	if (!studies || item_each(import, studies, STUDIES_MAX, &n, &papers, &one)) {
		fsck_say(f, false, "its items: %s", studies ? one.text : "no memory");
		free(studies);
		return;
	}
	if (n > STUDIES_MAX)
		n = STUDIES_MAX;
	for (i = 0; i < n; i++)
		fsck_item(f, import, studies[i]);
	if (papers)
		fsck_item(f, import, ITEM_PAPERS);
	fsck_history(f, import, studies, n, papers);
	free(studies);
}

void fsck_import(struct fsck *f, const char *id)
{
	struct import_look look = { .f = f };
	struct import *import = NULL;
	struct err one = { 0 };
	int sub = -1, lock = -1, rc = RC_OK;
	int fd = openat(f->sp->dir[DIR_IMPORT], id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			fsck_say(f, false, "it is no directory that can be read: mri-purge --now removes it");
		return;
	}
	look.unpacking = lock_dir(fd, NAME_PACKAGE, 0, id, &lock, &one) && one.kind == ERR_TEMP && !one.sys;
	if (dir_each(fd, import_name_one, &look, &one))
		fsck_say(f, false, "%s", one.text);
	if (!dir_open(fd, NAME_STUDY, &sub, &one)) {
		if (dir_each(sub, study_one, &look, &one))
			fsck_say(f, false, "study/: %s", one.text);
		close(sub);
	}
	packages(f, fd);
	if (!file_there(fd, NAME_ORDER))
		fsck_say(f, false, "it has no order: purge it and fetch again");
	if ((rc = import_open_at(&import, f->sp, id, IMPORT_COMMITTED, false, f->sp->secret, &one)) &&
	    one.kind != ERR_REFUSED)
		explain(f, fd, &one);
	else if (rc && file_there(f->sp->dir[DIR_IMPORT], id))
		explain(f, fd, &one);	/* not purged: its key is gone */
	if (!rc && f->deep)
		fsck_import_deep(f, import);
	if (!rc)
		items(f, import);
	import_close(import);
	if (lock >= 0)
		close(lock);
	close(fd);
}
