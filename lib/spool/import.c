/* An import as a directory: made, opened, published, dropped. Packages are in package.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "spool/private.h"

#define ID_TRIES	20	/* six random letters within one second: a second try is rare */

static int parent_of(const struct import *imp)
{
	return imp->sp->dir[imp->where == IMPORT_INCOMING ? DIR_INCOMING : DIR_IMPORT];
}

static int import_new(struct import **out, struct spool *sp, const char *id, enum import_where where,
    struct err *err)
{
	struct import *imp = calloc(1, sizeof(*imp));
	if (imp == NULL)
		return err_sys(err, ENOMEM, "cannot open an import");
	imp->sp = sp;
	imp->where = where;
	imp->fd = imp->lock = -1;
	text_copy(imp->id, sizeof(imp->id), id);
	*out = imp;
	return RC_OK;
}

static int remember(struct import *imp, struct err *err)
{
	struct stat st;
	if (fstat(imp->fd, &st) < 0)
		return err_sys(err, errno, "cannot open import %s", imp->id);
	imp->dev = st.st_dev;
	imp->ino = st.st_ino;
	return RC_OK;
}

static int check_ref(const char *ref, struct err *err)
{
	size_t n = strlen(ref);
	if (n > REF_MAX || !text_utf8_valid(ref, n))
		return err_set(err, ERR_DATA, "ref must be UTF-8 of at most %d bytes", REF_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)ref[i] < 0x20 || ref[i] == 0x7f)
			return err_set(err, ERR_DATA, "ref has a control character in it");
	return RC_OK;
}

static int new_secret(struct import *imp, struct err *err)
{
	void *p = NULL;
	int rc = secret_alloc(&p, sizeof(*imp->identity), err);
	imp->identity = p;
	return rc;
}

/* All of incoming/.<id>; what fails is removed by import_create. */
static int fill(struct import *imp, const char *hidden, const void *order, size_t len, struct err *err)
{
	struct spool *sp = imp->sp;
	int rc = dir_open(sp->dir[DIR_INCOMING], hidden, &imp->fd, err);
	int sub = -1;
	if (rc != RC_OK || (rc = remember(imp, err)) != RC_OK)
		return rc;
	if ((rc = import_lock(imp, 0, &imp->lock, err)) != RC_OK)
		return rc;
	if (sp->encrypt) {
		if ((rc = new_secret(imp, err)) != RC_OK || (rc = age_identity_new(imp->identity, err)) != RC_OK ||
		    (rc = keys_wrap(sp->dir[DIR_KEYS], imp->id, imp->identity, &sp->to, err)) != RC_OK)
			return rc;
		imp->secret = true;
		imp->dl.sealed = true;
		imp->dl.to = imp->identity->to;
	}
	if ((rc = deadline_write(imp->fd, &imp->dl, err)) != RC_OK ||
	    (rc = sealed_write(imp->fd, NAME_ORDER, import_recipient(imp), order, len, 0400, err)) != RC_OK)
		return rc;
	for (int i = 0; i < 2 && rc == RC_OK; i++) {
		rc = dir_make(imp->fd, i == 0 ? NAME_PACKAGE : NAME_CLAIM, &sub, NULL, err);
		if (rc == RC_OK)
			close(sub);
	}
	if (rc == RC_OK)
		rc = dir_sync(imp->fd, "an import", err);
	/* a fetch has public keys only, its own import's included */
	if (sp->need != SPOOL_SECRET) {
		secret_free(imp->identity, sizeof(*imp->identity));
		imp->identity = NULL;
		imp->secret = false;
	}
	return rc;
}

int import_create(struct import **out, struct spool *sp, const char *ref, const void *order, size_t len,
    struct err *err)
{
	struct import *imp = NULL;
	char hidden[SPOOL_ID_LEN + 2], id[SPOOL_ID_LEN + 1];
	struct err dropped;
	time_t now = 0, wall = 0;
	int in = sp->dir[DIR_INCOMING], rc = RC_OK;

	if ((rc = check_ref(ref != NULL ? ref : "", err)) != RC_OK)
		return rc;
	clock_now(sp, &now, &wall);
	for (int i = 0;; i++) {
		if ((rc = id_make(wall, id, err)) != RC_OK)
			return rc;
		snprintf(hidden, sizeof(hidden), ".%s", id);
		if (file_there(in, id) || file_there(sp->dir[DIR_IMPORT], id) ||
		    file_there(sp->dir[DIR_GONE], id) || file_there(sp->dir[DIR_KEYS], id))
			continue;
		if (mkdirat(in, hidden, 0700) == 0)
			break;
		if (errno != EEXIST || i == ID_TRIES)
			return err_sys(err, errno, "cannot make an import");
	}
	if ((rc = import_new(&imp, sp, id, IMPORT_INCOMING, err)) != RC_OK)
		goto out;
	imp->dl.received = wall;
	imp->dl.seen = now;
	imp->dl.purge_at = wall + (time_t)sp->set.retention;
	text_copy(imp->dl.ref, sizeof(imp->dl.ref), ref != NULL ? ref : "");
	imp->purge_at = deadline_counts(sp, id, &imp->dl, now);
	/* under its new name first: what is visible as incoming/<id> is whole */
	rc = fill(imp, hidden, order, len, err);
	if (rc == RC_OK && renameat(in, hidden, in, id) < 0)
		rc = err_sys(err, errno, "cannot make an import");
	if (rc == RC_OK)
		rc = dir_sync(in, "incoming", err);
out:
	if (rc != RC_OK) {
		dir_erase(in, hidden, NULL, NULL, &dropped);
		dir_erase(in, id, NULL, NULL, &dropped);
		keys_destroy(sp->dir[DIR_KEYS], id, &dropped);
		import_close(imp);
		return rc;
	}
	*out = imp;
	return RC_OK;
}

/* 69 for what was purged, 75 for what is on its way, 66 for what never was. */
static int explain_absent(struct spool *sp, const char *id, enum import_where where, struct err *err)
{
	if (file_there(sp->dir[DIR_GONE], id) || file_there(sp->dir[DIR_PURGE], id))
		return err_set(err, ERR_REFUSED, "import %s was purged", id);
	if (where == IMPORT_COMMITTED && file_there(sp->dir[DIR_INCOMING], id)) {
		err_set(err, ERR_TEMP, "import %s is not fetched yet", id);
		err_advise(err, "run the same mri-fetch again: it goes on with it");
		return err_rc(ERR_TEMP);
	}
	return err_set(err, ERR_NOINPUT, "there is no import %s", id);
}

static int unwrap(struct import *imp, struct err *err)
{
	int rc = new_secret(imp, err);
	if (rc != RC_OK)
		return rc;
	rc = keys_unwrap(imp->sp->dir[DIR_KEYS], imp->id, imp->sp->identity, imp->identity, err);
	if (rc == RC_OK && memcmp(imp->identity->to.pub, imp->dl.to.pub, sizeof(imp->dl.to.pub)) != 0) {
		age_identity_wipe(imp->identity);
		return err_set(err, ERR_DATA, "the key of import %s is not the one that its deadline names",
		    imp->id);
	}
	if (rc != RC_OK && err->kind == ERR_NOINPUT)
		return err_set(err, ERR_REFUSED, "the key of import %s is destroyed", imp->id);
	if (rc != RC_OK)
		return err_wrap(err, "cannot open import %s", imp->id);
	imp->secret = true;
	return RC_OK;
}

int import_open_at(struct import **out, struct spool *sp, const char *id, enum import_where where, bool lock,
    bool secret, struct err *err)
{
	struct import *imp = NULL;
	time_t now = 0, wall = 0;
	int rc = RC_OK;
	if (!spool_is_id(id))
		return err_set(err, ERR_NOINPUT, "not the id of an import");
	if ((rc = import_new(&imp, sp, id, where, err)) != RC_OK)
		return rc;
	imp->fd = openat(parent_of(imp), id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (imp->fd < 0) {
		rc = errno == ENOENT ? explain_absent(sp, id, where, err) :
		    err_sys(err, errno, "cannot open import %s", id);
		goto out;
	}
	if ((rc = remember(imp, err)) != RC_OK)
		goto out;
	if (lock && where == IMPORT_INCOMING && (rc = import_lock(imp, 0, &imp->lock, err)) != RC_OK)
		goto out;
	if ((rc = deadline_read(imp->fd, &imp->dl, err)) != RC_OK) {
		err_wrap(err, "cannot open import %s", id);
		goto out;
	}
	clock_now(sp, &now, &wall);
	imp->purge_at = deadline_counts(sp, id, &imp->dl, now);
	if (secret && imp->dl.sealed && sp->secret && (rc = unwrap(imp, err)) != RC_OK)
		goto out;
	if (imp->lock >= 0)
		rc = package_tidy(imp, err);
out:
	if (rc != RC_OK) {
		import_close(imp);
		return rc;
	}
	*out = imp;
	return RC_OK;
}

int import_open(struct import **out, struct spool *sp, const char *id, enum import_where where,
    struct err *err)
{
	return import_open_at(out, sp, id, where, true, true, err);
}

int import_peek(struct import **out, struct spool *sp, const char *id, enum import_where where,
    struct err *err)
{
	return import_open_at(out, sp, id, where, false, false, err);
}

void import_close(struct import *imp)
{
	if (imp == NULL)
		return;
	if (imp->fd >= 0)
		close(imp->fd);
	if (imp->lock >= 0)
		close(imp->lock);
	secret_free(imp->identity, sizeof(*imp->identity));
	hash_wipe(imp, sizeof(*imp));
	free(imp);
}

const char *import_id(const struct import *imp) { return imp->id; }
const char *import_ref(const struct import *imp) { return imp->dl.ref; }
time_t import_received(const struct import *imp) { return imp->dl.received; }
time_t import_purge_at(const struct import *imp) { return imp->purge_at; }
bool import_expired(const struct import *imp, time_t now) { return now >= imp->purge_at; }

const struct age_recipient *import_recipient(const struct import *imp)
{
	return imp->dl.sealed ? &imp->dl.to : NULL;
}

const struct age_identity *import_who(const struct import *imp)
{
	/* never NULL, which is plain, for a sealed one that was not unwrapped: this one opens nothing */
	static const struct age_identity none;
	if (!imp->dl.sealed)
		return NULL;
	return imp->identity != NULL ? imp->identity : &none;
}

int import_need_secret(const struct import *imp, struct err *err)
{
	if (!imp->dl.sealed || imp->secret)
		return RC_OK;
	return err_set(err, ERR_DENIED, "import %s is sealed, and no identity is loaded", imp->id);
}

int import_present(const struct import *imp, struct err *err)
{
	struct stat st;
	if (fstatat(parent_of(imp), imp->id, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (st.st_dev == imp->dev && st.st_ino == imp->ino)
			return RC_OK;
	} else if (errno != ENOENT) {
		return err_sys(err, errno, "cannot look at import %s", imp->id);
	}
	return err_set(err, ERR_REFUSED, "import %s was purged meanwhile", imp->id);
}

int import_lock(struct import *imp, int wait_ms, int *fd, struct err *err)
{
	char what[SPOOL_ID_LEN + 16];
	snprintf(what, sizeof(what), "import %s", imp->id);
	return lock_file(imp->fd, NAME_LOCK, wait_ms, what, fd, err);
}

int import_commit(struct import *imp, struct err *err)
{
	struct spool *sp = imp->sp;
	static const char *const subs[] = { NAME_PACKAGE, NAME_CLAIM };
	int rc = import_present(imp, err);
	if (rc != RC_OK)
		return rc;
	if (imp->where != IMPORT_INCOMING || imp->lock < 0)
		return err_set(err, ERR_INTERNAL, "import %s is not being fetched by this process", imp->id);
	for (int i = 0; i < 2; i++) {
		int sub = -1;
		if ((rc = dir_open(imp->fd, subs[i], &sub, err)) != RC_OK)
			return rc;
		rc = dir_sync(sub, subs[i], err);
		close(sub);
		if (rc != RC_OK)
			return rc;
	}
	if ((rc = dir_sync(imp->fd, "an import", err)) != RC_OK)
		return rc;
	/* ids are unique, so that nothing of this name can be there: NOREPLACE is a belt */
	if (renameat2(sp->dir[DIR_INCOMING], imp->id, sp->dir[DIR_IMPORT], imp->id, RENAME_NOREPLACE) < 0) {
		if (errno == ENOENT)
			return err_set(err, ERR_REFUSED, "import %s was purged meanwhile", imp->id);
		return err_sys(err, errno, "cannot publish import %s", imp->id);
	}
	imp->where = IMPORT_COMMITTED;
	if ((rc = dir_sync(sp->dir[DIR_IMPORT], "an import", err)) != RC_OK ||
	    (rc = dir_sync(sp->dir[DIR_INCOMING], "an import", err)) != RC_OK)
		return rc;
	/* it served to resume; a leftover does no harm */
	if (unlinkat(imp->fd, NAME_HELD, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot tidy import %s", imp->id);
	close(imp->lock);
	imp->lock = -1;
	return RC_OK;
}

int import_discard(struct import *imp, struct err *err)
{
	struct spool *sp = imp->sp;
	struct err first;
	int rc = import_present(imp, err);
	if (rc != RC_OK)
		return rc;
	if (imp->where != IMPORT_INCOMING || imp->lock < 0)
		return err_set(err, ERR_INTERNAL, "import %s is not being fetched by this process", imp->id);
	if (renameat(sp->dir[DIR_INCOMING], imp->id, sp->dir[DIR_PURGE], imp->id) < 0)
		return err_sys(err, errno, "cannot drop import %s", imp->id);
	rc = keys_destroy(sp->dir[DIR_KEYS], imp->id, err);
	if (dir_erase(sp->dir[DIR_PURGE], imp->id, NULL, NULL, &first) != RC_OK && rc == RC_OK) {
		*err = first;
		rc = err_rc(err->kind);
	}
	if (rc == RC_OK && (rc = dir_sync(sp->dir[DIR_INCOMING], "incoming", err)) == RC_OK)
		rc = dir_sync(sp->dir[DIR_PURGE], "purge", err);
	return rc;
}

struct listing {
	char (*ids)[SPOOL_ID_LEN + 2];	/* the id, and where it is: 'i' or 'c' */
	size_t n, cap;
	char where;
};

static int list_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct listing *l = arg;
	(void)dirfd;
	if (!spool_is_id(name))
		return RC_OK;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;
		void *v = realloc(l->ids, cap * sizeof(*l->ids));
		if (v == NULL)
			return err_sys(err, ENOMEM, "cannot list the imports");
		l->ids = v;
		l->cap = cap;
	}
	text_copy(l->ids[l->n], sizeof(l->ids[l->n]), name);
	l->ids[l->n][SPOOL_ID_LEN] = l->where;
	l->ids[l->n++][SPOOL_ID_LEN + 1] = '\0';
	return RC_OK;
}

static int by_id(const void *a, const void *b) { return strcmp(a, b); }

int import_each(struct spool *sp, import_each_fn *cb, void *arg, struct err *err)
{
	struct listing l = { NULL, 0, 0, 'i' };
	char last[SPOOL_ID_LEN + 1] = "";
	int rc = dir_each(sp->dir[DIR_INCOMING], list_one, &l, err);
	l.where = 'j';	/* sorts after: one that is committed between the two readings is in import/ */
	if (rc == RC_OK)
		rc = dir_each(sp->dir[DIR_IMPORT], list_one, &l, err);
	if (rc == RC_OK && l.n > 1)
		qsort(l.ids, l.n, sizeof(*l.ids), by_id);
	for (size_t i = 0; i < l.n && rc == RC_OK; i++) {
		enum import_where where = l.ids[i][SPOOL_ID_LEN] == 'i' ? IMPORT_INCOMING : IMPORT_COMMITTED;
		if (i + 1 < l.n && memcmp(l.ids[i], l.ids[i + 1], SPOOL_ID_LEN) == 0)
			continue;
		text_copyn(last, sizeof(last), l.ids[i], SPOOL_ID_LEN);
		rc = cb(last, where, arg, err);
	}
	free(l.ids);
	return rc;
}

int import_identity_text(const struct import *imp, char out[AGE_TEXT_MAX], struct err *err)
{
	int rc = import_need_secret(imp, err);
	if (rc != RC_OK)
		return rc;
	if (!imp->dl.sealed)
		return err_set(err, ERR_NOINPUT, "import %s is not encrypted: it has no key", imp->id);
	age_identity_text(imp->identity, out);
	return RC_OK;
}
