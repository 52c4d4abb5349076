/*
 * The spool's legal combinations, file by file, and who removes what is left over. "hidden" is ".NAME", the new
 * name under which file.c writes NAME.
 *
 *	in		name			legal when				else, or left over
 *	.		VERSION			always					78 at open
 *			mri.conf clock		either					-
 *			the eight directories	all					78 at open
 *			hidden VERSION, clock	a process writes it			fsck, at once
 *	incoming/	.<id>			import_create is at work (lock held)	fsck: erased with its key
 *			<id>			deadline, order, package/, claim/	not resumable: fsck, when no lock is held
 *						resumable: stays			the same mri-fetch; purge at its deadline
 *			<id>/package/.NNN	fetch is at work (lock held)		the same mri-fetch; fsck
 *			<id>/package/NNN	`held` names it, and claim/NNN is there	as above
 *	import/<id>/	deadline		always, readable			a person; due by the id all the same
 *			order claim/ package/	always					a person
 *			package/NNN		with claim/NNN; none: after unpack	a person
 *			held			import_commit is at work		fsck
 *			history			from the first stage on			a missing line: fsck
 *			unpack			after all items				-
 *			.staging-PID		mri-unpack is at work (package/ locked)	the next mri-unpack; fsck
 *			.papers study/.<n>	as above				as above
 *			hidden order … unpack	a process writes it			fsck
 *	…/study/<n>/	manifest original/	always					a person
 *			document/ lock		either					-
 *			order			alone: mri-check was killed		the next mri-check
 *			check			with order				a person: check again
 *			overlay			with check				a person: retag again
 *			report			with check				a person: check again
 *			sent/<destination>	with check				a person
 *			hidden order … report	item lock held				the next run of that stage; fsck
 *	…/papers/	manifest document/	always; no original/, no overlay	a person
 *	purge/		<id>			purge is at work			the next mri-purge; fsck
 *	gone/		<id>			import is nowhere			mri-purge, after its period
 *	link/		<64 hex digits>		either					mri-purge, after its period
 *	record/<id>/	TIME-NNN		either					mri-purge, after its period
 *	keys/		mac			always					78 where a keyed hash is needed
 *			<id>			with the import, if sealed		without it: fsck destroys it
 *	audit/		log			its chain holds				a person
 *
 * Leftovers have no waiting time of their own: a lock says whether somebody is at work, and where there is none, a
 * hidden file that nobody has open and that does not change for SETTLE_MS is nobody's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "crypt/keys.h"
#include "spool/fsck_private.h"
#include "spool/purge.h"

#define SETTLE_MS	1500	/* from the last write of a small file to its rename is one fsync */
#define SETTLE_STEP_MS	50
#define FOREIGN_SHOWN	64	/* of a name that is not ours */

void fsck_say(struct fsck *f, bool repaired, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!repaired)
		f->left++;
	if (f->cb)
		f->cb(&(struct fsck_finding){ f->id, what, repaired }, f->arg);
}

void fsck_leftover(struct fsck *f, int dirfd, const char *where, const char *name)
{
	char shown[FOREIGN_SHOWN];
	struct err err = { 0 };

	text_escape(shown, sizeof(shown), name, strlen(name));
	if (f->repair && dir_erase(dirfd, name, NULL, NULL, &err))
		fsck_say(f, false, "%s%s%s, left by a killed run, does not go: %s", where, *where ? "/" : "", shown,
		    err.text);
	else
		fsck_say(f, f->repair, "%s%s%s was left by a killed run", where, *where ? "/" : "", shown);
}

void fsck_foreign(struct fsck *f, const char *where, const char *name)
{
	char shown[FOREIGN_SHOWN];

	text_escape(shown, sizeof(shown), name, strlen(name));
	fsck_say(f, false, "%s%s%s is not of this spool: look at it and remove it", where, *where ? "/" : "", shown);
}

/* Open for writing somewhere? A write lease (fcntl(2)) is given only on a file that nobody else has open. */
static bool in_use(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	bool used = false;

	if (fd < 0)
		return errno != ENOENT && errno != EACCES;	/* a directory gets no lease: not in use */
	used = fcntl(fd, F_SETLEASE, F_WRLCK) < 0 && (errno == EAGAIN || errno == EBUSY);
	close(fd);
	return used;
}

bool fsck_settled(int dirfd, const char *name)
{
	struct timespec now = { 0 };
	struct stat a = { 0 }, b = { 0 };
	int waited = 0;

	if (fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW))
		return false;
	for (;; waited += SETTLE_STEP_MS) {
		clock_gettime(CLOCK_REALTIME, &now);
		if (now.tv_sec - a.st_mtim.tv_sec > SETTLE_MS / 1000 + 1 || waited >= SETTLE_MS)
			return !in_use(dirfd, name);
		poll(NULL, 0, SETTLE_STEP_MS);
		if (fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) || a.st_ino != b.st_ino || a.st_size != b.st_size ||
		    a.st_mtim.tv_sec != b.st_mtim.tv_sec || a.st_mtim.tv_nsec != b.st_mtim.tv_nsec)
			return false;
	}
}

/* ---- the directories of the spool ---- */

static int root_name(int dirfd, const char *name, void *arg, struct err *err)
{
	static const char *const ours[] = { NAME_VERSION, NAME_CLOCK, "mri.conf", "incoming", "import", "purge", "gone",
	    "link", "record", "keys", "audit" };
	struct fsck *f = arg;
	size_t i = 0;

	(void)err;
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strcmp(name, ours[i]))
			return RC_OK;
	if (strcmp(name, "." NAME_VERSION) && strcmp(name, "." NAME_CLOCK))
		fsck_foreign(f, "", name);
	else if (fsck_settled(dirfd, name))
		fsck_leftover(f, dirfd, "", name);
	return RC_OK;
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static bool present(const struct fsck *f, const char *id)
{
	char hidden[SPOOL_ID_LEN + 2];

	snprintf(hidden, sizeof(hidden), ".%s", id);
	return file_there(f->sp->dir[DIR_INCOMING], id) || file_there(f->sp->dir[DIR_IMPORT], id) ||
	    file_there(f->sp->dir[DIR_INCOMING], hidden);
}

/* Plain files that stand for something: gone/, link/, and keys/. */
static int gone_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct fsck *f = arg;

	(void)err;
	if (name[0] == '.') {
		if (fsck_settled(dirfd, name))
			fsck_leftover(f, dirfd, "gone", name);
	} else if (!spool_is_id(name))
		fsck_foreign(f, "gone", name);
	else if (present(f, name)) {
		f->id = name;
		fsck_say(f, false, "is there although its tombstone says that it was purged (restored from a backup?): "
		    "mri-purge --now purges it again");
		f->id = NULL;
	}
	return RC_OK;
}

static int link_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct fsck *f = arg;

	(void)err;
	if (name[0] == '.') {
		if (fsck_settled(dirfd, name))
			fsck_leftover(f, dirfd, "link", name);
	} else if (!is_hex(name, 64))
		fsck_foreign(f, "link", name);
	return RC_OK;
}

/* A wrapped identity whose import is nowhere could open what somebody copied: it goes. */
static int key_name(int dirfd, const char *name, void *arg, struct err *err)
{
	const char *id = name[0] == '.' ? name + 1 : name;
	struct fsck *f = arg;
	struct err one = { 0 };

	(void)err;
	if (!strcmp(name, NAME_MAC))
		return RC_OK;
	if (!strcmp(id, NAME_MAC) || (name[0] == '.' && spool_is_id(id) && present(f, id))) {
		if (fsck_settled(dirfd, name))
			fsck_leftover(f, dirfd, "keys", name);
	} else if (!spool_is_id(id))
		fsck_foreign(f, "keys", name);
	else if (!present(f, id) && !file_there(f->sp->dir[DIR_PURGE], id) && !present(f, id)) {
		f->id = id;
		if (f->repair && keys_destroy(dirfd, name, &one))
			fsck_say(f, false, "its key outlived it and cannot be destroyed: %s", one.text);
		else
			fsck_say(f, f->repair, "its key outlived it");
		f->id = NULL;
	}
	return RC_OK;
}

struct record {
	struct fsck *f;
	const char *id;
};

static bool is_record(const char *name)
{
	time_t t = 0;

	return strlen(name) >= 20 && time_parse_compact(name, &t) && name[16] == '-' &&
	    strspn(name + 17, "0123456789") == strlen(name + 17);
}

static int record_file(int dirfd, const char *name, void *arg, struct err *err)
{
	struct record *r = arg;
	struct buf b = BUF_INIT(SMALL_MAX);
	struct err one = { 0 };

	(void)err;
	r->f->id = r->id;
	if (name[0] == '.') {
		if (fsck_settled(dirfd, name))
			fsck_leftover(r->f, dirfd, "record", name);
	} else if (!is_record(name))
		fsck_foreign(r->f, "record", name);
	else if (r->f->deep && sealed_read(dirfd, name, "a record", r->f->sp->encrypt ? r->f->sp->identity : NULL, &b,
	    &one))
		fsck_say(r->f, false, "record %s: %s", name, one.text);
	r->f->id = NULL;
	buf_wipe(&b);
	return RC_OK;
}

static int record_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct fsck *f = arg;
	struct record r = { f, name };
	int fd = -1;

	if (!spool_is_id(name) || dir_open(dirfd, name, &fd, err)) {
		fsck_foreign(f, "record", name);
		return RC_OK;
	}
	if (dir_each(fd, record_file, &r, err))
		fsck_say(f, false, "record/%s: %s", name, err->text);
	close(fd);
	return RC_OK;
}

/* ---- incoming ---- */

/* Erased with its key; a tombstone is not due, for nothing was received as a whole. */
static void erase_incoming(struct fsck *f, const char *name, const char *id, const char *why)
{
	struct err one = { 0 };

	if (f->repair && (keys_destroy(f->sp->dir[DIR_KEYS], id, &one) ||
	    dir_erase(f->sp->dir[DIR_INCOMING], name, NULL, NULL, &one)))
		fsck_say(f, false, "%s, and it does not go: %s", why, one.text);
	else
		fsck_say(f, f->repair, "%s", why);
}

static bool resumable(struct fsck *f, int fd)
{
	struct deadline dl = { 0 };
	struct err ignored = { 0 };

	return !deadline_read(fd, &dl, &ignored) && file_there(fd, NAME_ORDER) && file_there(fd, NAME_PACKAGE) &&
	    file_there(fd, NAME_CLAIM) && (!dl.sealed || file_there(f->sp->dir[DIR_KEYS], f->id));
}

static int hidden_package(int dirfd, const char *name, void *arg, struct err *err)
{
	(void)err;
	if (name[0] == '.')
		fsck_leftover(arg, dirfd, NAME_PACKAGE, name);
	return RC_OK;
}

static void tidy_incoming(struct fsck *f, int fd)
{
	struct import *import = NULL;
	struct err one = { 0 };
	int sub = -1;

	if (!dir_open(fd, NAME_PACKAGE, &sub, &one)) {
		if (dir_each(sub, hidden_package, f, &one))
			fsck_say(f, false, "its packages: %s", one.text);
		close(sub);
	}
	/* Opening it with the lock drops what `held` does not name, as a resumed fetch would. */
	if (f->repair && import_open_at(&import, f->sp, f->id, IMPORT_INCOMING, true, false, &one) &&
	    one.kind != ERR_TEMP)
		fsck_say(f, false, "%s", one.text);
	import_close(import);
}

/* Nobody fetches into it: the lock is ours (repair), or free just now. */
static bool idle(struct fsck *f, int fd, int *lock)
{
	struct err one = { 0 };

	if (!f->repair)
		return !lock_held(fd, NAME_LOCK);
	return !lock_file(fd, NAME_LOCK, 0, "it", lock, &one) || one.kind != ERR_TEMP || one.sys;
}

static int incoming_name(int dirfd, const char *name, void *arg, struct err *err)
{
	char id[SPOOL_ID_LEN + 1] = "";
	struct fsck *f = arg;
	int fd = -1, lock = -1;

	(void)err;
	if (!text_copy(id, sizeof(id), name[0] == '.' ? name + 1 : name) || !spool_is_id(id)) {
		fsck_foreign(f, "incoming", name);
		return RC_OK;
	}
	f->id = id;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		goto out;	/* committed or purged meanwhile */
	/* Between mkdir and lock of import_create a hidden one has no lock file. */
	if (fd >= 0 && name[0] == '.' && !file_there(fd, NAME_LOCK) && !fsck_settled(dirfd, name))
		goto out;
	if (fd >= 0 && !idle(f, fd, &lock))
		goto out;
	if (fd < 0)
		erase_incoming(f, name, id, "in incoming/ it is no directory that can be read");
	else if (!file_there(dirfd, name))
		goto out;
	else if (name[0] == '.')
		erase_incoming(f, name, id, "was never whole: left by a killed mri-fetch");
	else if (!resumable(f, fd))
		erase_incoming(f, name, id, "cannot be resumed: its deadline, order or key is missing");
	else {
		if (lock >= 0)
			close(lock);
		lock = -1;
		tidy_incoming(f, fd);
	}
out:
	if (lock >= 0)
		close(lock);
	if (fd >= 0)
		close(fd);
	f->id = NULL;
	return RC_OK;
}

/* ---- the whole ---- */

static int import_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct fsck *f = arg;

	(void)dirfd;
	(void)err;
	if (!spool_is_id(name)) {
		fsck_foreign(f, "import", name);
		return RC_OK;
	}
	f->id = name;
	fsck_import(f, name);
	f->id = NULL;
	return RC_OK;
}

static int purge_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct fsck *f = arg;

	(void)dirfd;
	(void)err;
	f->id = spool_is_id(name) ? name : NULL;
	fsck_say(f, false, "its purge was interrupted");
	f->id = NULL;
	return RC_OK;
}

static void purge_done(const char *id, const struct purge_result *r, const struct err *err, void *arg)
{
	struct fsck *f = arg;

	(void)r;
	f->id = id;
	if (err)
		fsck_say(f, false, "its purge was interrupted, and still fails: %s", err->text);
	else
		fsck_say(f, true, "its purge was interrupted");
	f->id = NULL;
}

static void each(struct fsck *f, enum spool_dir dir, const char *name, dir_fn *cb)
{
	struct err err = { 0 };

	if (dir_each(f->sp->dir[dir], cb, f, &err))
		fsck_say(f, false, "%s/: %s", name, err.text);
}

int fsck_run(struct spool *sp, bool deep, bool repair, fsck_fn *cb, void *arg, int *left, struct err *err)
{
	struct fsck f = { .sp = sp, .deep = deep, .repair = repair, .cb = cb, .arg = arg };
	struct err one = { 0 };
	int rc = RC_OK;

	if (deep && sp->encrypt && !sp->secret)
		return err_set(err, ERR_DENIED, "a deep check needs the identity of the spool");
	if (spool_clock(sp, &f.now, &one))
		fsck_say(&f, false, "%s", one.text);
	if ((rc = dir_each(sp->fd, root_name, &f, err)))
		return rc;
	if (repair)
		purge_resume(sp, purge_done, &f, &one);
	else
		each(&f, DIR_PURGE, "purge", purge_name);
	each(&f, DIR_INCOMING, "incoming", incoming_name);
	each(&f, DIR_IMPORT, "import", import_name);
	each(&f, DIR_GONE, "gone", gone_name);
	each(&f, DIR_LINK, "link", link_name);
	each(&f, DIR_RECORD, "record", record_name);
	each(&f, DIR_KEYS, "keys", key_name);
	*left += f.left;
	return RC_OK;
}
