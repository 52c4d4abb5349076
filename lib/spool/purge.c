#include "spool/purge.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "crypt/keys.h"
#include "spool/private.h"

#define LINES_MAX	((size_t)1 << 20)	/* link memory: 10,000 lines */
#define DUE_THREADS	16	/* they wait for the disk, not for a processor */
#define DUE_ALONE	128	/* so few deadlines take no longer than the threads */
#define REASON_MAX	200	/* of a tombstone, which is one line */

/* The first failure is told; the worst decides the rc. */
static void keep_worst(struct err *worst, const struct err *err)
{
	if (worst->kind == ERR_NONE || (err_worse(worst->kind, err->kind) != worst->kind))
		*worst = *err;
}

static int finish(struct err *worst, struct err *err)
{
	if (worst->kind == ERR_NONE)
		return RC_OK;
	*err = *worst;
	return err_rc(err->kind);
}

/* ---- what is due ---- */

struct due_entry {
	char id[SPOOL_ID_LEN + 1];
	enum import_where where;
	bool due;
};

struct due {
	struct spool *sp;
	time_t now;
	enum import_where where;	/* of the directory in hand */
	struct due_entry *v;
	size_t n, cap;
	atomic_size_t next;		/* entry that no thread has taken yet */
};

static int due_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct due *d = arg;
	struct due_entry *v = NULL;

	(void)dirfd;
	if (!spool_is_id(name))
		return RC_OK;
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		if (!(v = realloc(d->v, d->cap * sizeof(*v))))
			return err_set(err, ERR_TEMP, "no memory for a list of imports");
		d->v = v;
	}
	v = &d->v[d->n++];
	text_copy(v->id, sizeof(v->id), name);
	v->where = d->where;
	/* Where the id alone says so nothing is opened: a damaged import falls due like any other. */
	v->due = deadline_counts(d->sp, name, NULL, d->now) <= d->now;
	return RC_OK;
}

/* id and deadline disagree: the earlier counts. */
static bool deadline_is_over(const struct due *d, const struct due_entry *e)
{
	int dirfd = d->sp->dir[e->where == IMPORT_INCOMING ? DIR_INCOMING : DIR_IMPORT];
	int fd = openat(dirfd, e->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct deadline dl = { 0 };
	struct err ignored = { 0 };
	bool over = false;

	if (fd < 0)
		return false;
	if (deadline_read(fd, &dl, &ignored) == RC_OK)
		over = deadline_counts(d->sp, e->id, &dl, d->now) <= d->now;
	close(fd);
	return over;
}

static void *read_deadlines(void *arg)
{
	struct due *d = arg;
	size_t i = 0;

	while ((i = atomic_fetch_add(&d->next, 1)) < d->n)
		if (!d->v[i].due)
			d->v[i].due = deadline_is_over(d, &d->v[i]);
	return NULL;
}

/* A cold deadline is four reads of a disk that answers many at once. */
static void all_deadlines(struct due *d)
{
	pthread_t thread[DUE_THREADS];
	size_t i = 0, n = 0;

	for (n = 0; n < DUE_THREADS && d->n > DUE_ALONE; n++)
		if (pthread_create(&thread[n], NULL, read_deadlines, d))
			break;
	read_deadlines(d);
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct due_entry *)a)->id, ((const struct due_entry *)b)->id);
}

int purge_due(struct spool *sp, time_t now, import_each_fn *cb, void *arg, struct err *err)
{
	struct due d = { .sp = sp, .now = now };
	struct err worst = { 0 };
	size_t i = 0;
	int rc = RC_OK;

	d.where = IMPORT_COMMITTED;
	if (dir_each(sp->dir[DIR_IMPORT], due_name, &d, err))
		keep_worst(&worst, err);
	d.where = IMPORT_INCOMING;
	if (dir_each(sp->dir[DIR_INCOMING], due_name, &d, err))
		keep_worst(&worst, err);
	if (d.n) {
		all_deadlines(&d);
		qsort(d.v, d.n, sizeof(*d.v), by_id);
	}
	for (i = 0; !rc && i < d.n; i++)
		if (d.v[i].due)
			rc = cb(d.v[i].id, d.v[i].where, arg, err);
	free(d.v);
	return rc ? rc : finish(&worst, err);
}

/* ---- locks of an early purge ---- */

struct locks {
	int *v;
	size_t n;
};

static int keep_lock(struct locks *l, int fd, struct err *err)
{
	int *v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (!v) {
		close(fd);
		return err_set(err, ERR_TEMP, "no memory for locks");
	}
	l->v = v;
	l->v[l->n++] = fd;
	return RC_OK;
}

static int take_lock(struct locks *l, int dirfd, const char *what, struct err *err)
{
	int fd = -1;
	int rc = lock_file(dirfd, NAME_LOCK, 0, what, &fd, err);

	/* On a full disk the file cannot be made, by nobody: then nobody holds it. A directory in its place is damage. */
	if (rc)
		return err_no_space(err) || err->sys == EISDIR ? RC_OK : rc;
	return keep_lock(l, fd, err);
}

/* While an import is unpacked package/ is locked (staging.c). */
static int lock_unpack(struct locks *l, int dirfd, const char *id, struct err *err)
{
	int fd = -1, rc = RC_OK;
	struct stat st = { 0 };

	if (fstatat(dirfd, NAME_PACKAGE, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
		return RC_OK;
	rc = lock_dir(dirfd, NAME_PACKAGE, 0, id, &fd, err);
	return rc ? rc : keep_lock(l, fd, err);
}

static int lock_item(struct locks *l, int dirfd, const char *name, struct err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = RC_OK;

	if (fd < 0)
		return RC_OK;	/* not there, or damaged: nothing that a stage could hold */
	rc = take_lock(l, fd, "an item of this import", err);
	close(fd);
	return rc;
}

static int lock_all(struct locks *l, int parent, const char *id, struct err *err)
{
	int dir = openat(parent, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), study = -1, *v = NULL;
	char name[NAME_LEN] = "";
	size_t i = 0, n = 0;
	int rc = RC_OK;

	if (dir < 0)
		return RC_OK;
	if ((rc = take_lock(l, dir, "this import", err)) || (rc = lock_item(l, dir, NAME_PAPERS, err)) ||
	    (rc = lock_unpack(l, dir, id, err)))
		goto out;
	study = openat(dir, NAME_STUDY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (study < 0 || (rc = dir_numbers(dir, NAME_STUDY, &v, &n, err)))
		goto out;
	for (i = 0; !rc && i < n; i++) {
		snprintf(name, sizeof(name), "%d", v[i]);
		rc = lock_item(l, study, name, err);
	}
out:
	free(v);
	if (study >= 0)
		close(study);
	close(dir);
	return rc;
}

static void unlock_all(struct locks *l)
{
	size_t i = 0;

	for (i = 0; i < l->n; i++)
		close(l->v[i]);
	free(l->v);
}

/* ---- one import ---- */

static int tombstone(struct spool *sp, const char *id, const char *rule, const char *reason, struct err *err)
{
	char line[REASON_MAX + 96], when[TIME_TEXT_MAX], text[REASON_MAX] = "";
	int n = 0;

	if (sp->set.gone_period < 0 || file_there(sp->dir[DIR_GONE], id))
		return RC_OK;	/* none is kept, or a killed purge had come this far */
	if (reason)
		text_escape(text, sizeof(text), reason, strlen(reason));
	n = snprintf(line, sizeof(line), "%s %s%s%s\n", time_iso(time_now(), when), rule, *text ? " " : "", text);
	return file_write(sp->dir[DIR_GONE], id, line, (size_t)n, 0600, err);
}

int purge_tombstone(struct spool *sp, const char *id, char out[PURGE_TOMB_MAX], struct err *err)
{
	struct buf b = BUF_INIT(PLAIN_MAX);
	int rc = RC_OK;

	out[0] = '\0';
	if (!spool_is_id(id) || !file_there(sp->dir[DIR_GONE], id))
		return RC_OK;
	if (!(rc = file_read(sp->dir[DIR_GONE], id, &b, err))) {
		text_copyn(out, PURGE_TOMB_MAX, b.data, strcspn(b.data, "\n"));
		text_trim(out);
	}
	buf_free(&b);
	return rc;
}

struct children {
	struct purge_result *r;
	struct err worst;
};

static int erase_child(int dirfd, const char *name, void *arg, struct err *err)
{
	struct children *c = arg;
	struct err one = { 0 };

	(void)err;
	if (dir_erase(dirfd, name, &c->r->files, &c->r->bytes, &one))
		keep_worst(&c->worst, &one);
	return RC_OK;
}

/*
 * purge/<id> to its end: key, files, tombstone, and last the directory itself: as long as that stands,
 * something is left to do. Every step is tried, whatever the ones before it did.
 */
static int erase(struct spool *sp, const char *id, const char *rule, const char *reason, struct purge_result *r,
	struct err *err)
{
	struct children c = { .r = r };
	struct err one = { 0 };
	int fd = -1;

	if (keys_destroy(sp->dir[DIR_KEYS], id, &one))
		keep_worst(&c.worst, &one);
	fd = openat(sp->dir[DIR_PURGE], id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(sp->dir[DIR_PURGE], id, 0700, 0) == 0)
		fd = openat(sp->dir[DIR_PURGE], id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		fchmod(fd, 0700);	/* one that may not be written to keeps nothing */
		if (dir_each(fd, erase_child, &c, &one))
			keep_worst(&c.worst, &one);
		close(fd);
	}
	if (tombstone(sp, id, rule, reason, &one))
		keep_worst(&c.worst, &one);
	if (c.worst.kind == ERR_NONE) {
		if (dir_erase(sp->dir[DIR_PURGE], id, &r->files, &r->bytes, &one))
			keep_worst(&c.worst, &one);
	}
	return finish(&c.worst, err);
}

/* The moment of withdrawal. A leftover of the same name goes first. */
static int withdraw(struct spool *sp, int parent, const char *id, struct err *err)
{
	int rc = renameat2(parent, id, sp->dir[DIR_PURGE], id, RENAME_NOREPLACE);

	if (rc && errno == EEXIST) {
		if ((rc = dir_erase(sp->dir[DIR_PURGE], id, NULL, NULL, err)))
			return rc;
		rc = renameat2(parent, id, sp->dir[DIR_PURGE], id, RENAME_NOREPLACE);
	}
	return rc ? err_sys(err, errno, "cannot withdraw the import") : RC_OK;
}

/* Where no name can be made in purge/ (a full disk, a damaged directory) it is erased where it stands. */
static int erase_in_place(struct spool *sp, int parent, const char *id, const char *rule, const char *reason,
	struct purge_result *r, struct err *err)
{
	struct err worst = { 0 }, one = { 0 };

	if (keys_destroy(sp->dir[DIR_KEYS], id, &one))
		keep_worst(&worst, &one);
	if (dir_erase(parent, id, &r->files, &r->bytes, &one))
		keep_worst(&worst, &one);
	if (worst.kind == ERR_NONE && tombstone(sp, id, rule, reason, &one))
		keep_worst(&worst, &one);
	return finish(&worst, err);
}

/* An import's parent directory, -1 where there is no such import. */
static int parent_of(struct spool *sp, const char *id)
{
	struct stat st = { 0 };

	if (!fstatat(sp->dir[DIR_IMPORT], id, &st, AT_SYMLINK_NOFOLLOW))
		return sp->dir[DIR_IMPORT];
	if (!fstatat(sp->dir[DIR_INCOMING], id, &st, AT_SYMLINK_NOFOLLOW))
		return sp->dir[DIR_INCOMING];
	return -1;
}

int purge_import(struct spool *sp, const char *id, const char *rule, const char *reason, bool due,
	struct purge_result *result, struct err *err)
{
	struct purge_result unused = { 0 }, *r = result ? result : &unused;
	struct locks locks = { 0 };
	struct stat st = { 0 };
	int parent = -1, rc = RC_OK;

	*r = (struct purge_result){ 0 };
	if (!spool_is_id(id))
		return err_set(err, ERR_USAGE, "not the id of an import");
	if ((parent = parent_of(sp, id)) < 0) {
		if (!fstatat(sp->dir[DIR_PURGE], id, &st, AT_SYMLINK_NOFOLLOW))
			return erase(sp, id, rule, reason, r, err);
		return err_set(err, ERR_NOINPUT, "no such import in this spool");
	}
	if (!due && (rc = lock_all(&locks, parent, id, err)))
		goto out;
	if (withdraw(sp, parent, id, err)) {
		rc = erase_in_place(sp, parent, id, rule, reason, r, err);
		goto out;
	}
	/* The rename is not synced: after a crash the import may be there again, without its key, and due again. */
	rc = erase(sp, id, rule, reason, r, err);
out:
	unlock_all(&locks);
	return rc;
}

/* ---- leftovers ---- */

struct resume {
	struct spool *sp;
	purge_done_fn *cb;
	void *arg;
	struct err worst;
};

static int resume_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct resume *s = arg;
	struct purge_result r = { 0 };
	struct err one = { 0 };
	time_t now = time_now();
	bool due = false;
	int rc = RC_OK;

	(void)err;
	if (spool_is_id(name)) {
		/* The rule died with the process; what the clock says of it is known. */
		due = deadline_counts(s->sp, name, NULL, now) <= now;
		rc = erase(s->sp, name, due ? "deadline" : "early", "resumed", &r, &one);
	} else
		rc = dir_erase(dirfd, name, &r.files, &r.bytes, &one);
	if (rc)
		keep_worst(&s->worst, &one);
	if (s->cb)
		s->cb(name, &r, rc ? &one : NULL, s->arg);
	return RC_OK;
}

int purge_resume(struct spool *sp, purge_done_fn *cb, void *arg, struct err *err)
{
	struct resume s = { .sp = sp, .cb = cb, .arg = arg };

	if (dir_each(sp->dir[DIR_PURGE], resume_one, &s, err))
		keep_worst(&s.worst, err);
	return finish(&s.worst, err);
}

/* ---- periods of what outlives an import ---- */

struct period {
	struct spool *sp;
	time_t now;
	int n;
	int64_t keep;
	struct err worst;
};

/* spool_open has put the defaults in; below zero none is kept. */
static int64_t period_of(int64_t set)
{
	return set < 0 ? 0 : set;
}

static void drop(struct period *p, int dirfd, const char *name)
{
	struct err one = { 0 };

	if (!unlinkat(dirfd, name, 0))
		p->n++;
	else if (errno != ENOENT) {
		err_sys(&one, errno, "cannot remove a file whose period is over");
		keep_worst(&p->worst, &one);
	}
}

/* The last time that stands at the beginning of a line; a file without one is as old as its mtime says. */
static bool over(const struct period *p, int dirfd, const char *name)
{
	struct buf b = BUF_INIT(LINES_MAX);
	struct err ignored = { 0 };
	struct stat st = { 0 };
	char text[21] = "";
	time_t when = 0, last = 0;
	const char *at = NULL;

	if (!file_read(dirfd, name, &b, &ignored))
		for (at = b.data; at && strlen(at) >= 20; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
			if (text_copyn(text, sizeof(text), at, 20) && time_parse_iso(text, &when) && when > last)
				last = when;
	buf_free(&b);
	if (!last)
		last = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ? p->now : st.st_mtime;
	return last + p->keep <= p->now;
}

static int period_plain(int dirfd, const char *name, void *arg, struct err *err)
{
	struct period *p = arg;

	(void)err;
	if (!lock_held(dirfd, name) && over(p, dirfd, name))
		drop(p, dirfd, name);
	return RC_OK;
}

/* record/<id>/<compact time>-NNN; see record_write. */
static int period_record_file(int dirfd, const char *name, void *arg, struct err *err)
{
	struct period *p = arg;
	time_t when = 0;

	(void)err;
	if (time_parse_compact(name, &when) && when + p->keep <= p->now)
		drop(p, dirfd, name);
	return RC_OK;
}

static int period_record(int dirfd, const char *name, void *arg, struct err *err)
{
	struct period *p = arg;
	struct err one = { 0 };
	int fd = -1, rc = RC_OK;

	(void)err;
	if (!spool_is_id(name))
		return RC_OK;
	if (!(rc = dir_open(dirfd, name, &fd, &one)))
		rc = dir_each(fd, period_record_file, p, &one);
	if (fd >= 0)
		close(fd);
	if (rc)
		keep_worst(&p->worst, &one);
	else
		unlinkat(dirfd, name, AT_REMOVEDIR);	/* only when empty */
	return RC_OK;
}

int purge_periods(struct spool *sp, time_t now, int *n, struct err *err)
{
	struct period p = { .sp = sp, .now = now };

	p.keep = period_of(sp->set.gone_period);
	if (dir_each(sp->dir[DIR_GONE], period_plain, &p, err))
		keep_worst(&p.worst, err);
	p.keep = period_of(sp->set.link_period);
	if (dir_each(sp->dir[DIR_LINK], period_plain, &p, err))
		keep_worst(&p.worst, err);
	p.keep = period_of(sp->set.record_period);
	if (dir_each(sp->dir[DIR_RECORD], period_record, &p, err))
		keep_worst(&p.worst, err);
	*n = p.n;
	return finish(&p.worst, err);
}
