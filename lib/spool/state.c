/*
 * State is derived, never stored: from the files that are there, and from
 * history, whose lines carry the verdicts. The same table stands in
 * mri-spool(5).
 *
 * An import:
 *	where it is	lock	unpack	last line of fetch or unpack	state
 *	anywhere		purge_at has passed			expired
 *	incoming/	held					fetching
 *	incoming/	free		fetch: perm, refused		failed
 *	incoming/	free		anything else			waiting
 *	import/			no	unpack: perm, refused, partial	failed
 *	import/			no	anything else			fetched
 *	import/			yes	unpack: ok			unpacked
 *	import/			yes	unpack: partial			partial
 *	import/			yes	unpack: perm, refused		failed
 *	import/			yes	no line of unpack		interrupted
 *
 * An item (and a destination); a row is taken when none above it fits:
 *	files			history of the item			state
 *	sent/DEST confirmed	send: ok, partial, after check and retag	confirmed
 *	sent/DEST		send: ok, partial, after check and retag	sent
 *	sent/DEST		no send, or one that did not end well,	sending
 *				after check and retag
 *	overlay			retag: ok, after check			retagged
 *	overlay			no line of retag			interrupted
 *	check			check: ok, partial			checked
 *	check			check: held				held
 *	check			no verdict of check			interrupted
 *	manifest		unpack (of the item or the import)	unpacked
 *	manifest		none					interrupted
 * An overlay older than the last check is stale, and the item is as if it had none;
 * so is a journal that is older than the last retag or check. Without a destination
 * the least of all destinations counts. Without a spool there is no history: files alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define JOURNAL_MAX	((size_t)64 << 20)	/* two lines of 110 bytes an attempt: 300,000 of them */

int sent_name(const struct item_dir *it, const char *destination, char out[NAME_LEN], struct err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	char hash[HASH_HEX];
	size_t n = strlen(destination);
	int rc = RC_OK;
	if (n > 0 && n <= 64 && destination[0] != '.' && strspn(destination, plain) == n) {
		text_copy(out, NAME_LEN, destination);
		return RC_OK;
	}
	if (it->import != NULL)
		rc = spool_keyed_hash(it->import->sp, "destination", destination, n, hash, err);
	else
		rc = hash_hex(destination, n, hash, err);
	if (rc == RC_OK)
		snprintf(out, NAME_LEN, "url-%.32s", hash);
	return rc;
}

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }
static bool is_bad(const char *outcome) { return is(outcome, "perm") || is(outcome, "refused"); }

/* --- an import ------------------------------------------------------------------ */

struct import_lines { char fetch[16], unpack[16]; };

static int import_line(const json_t *line, void *arg, struct err *err)
{
	struct import_lines *l = arg;
	(void)err;
	if (json_text(line, "item")[0] != '\0')
		return RC_OK;
	if (is(json_text(line, "stage"), "fetch"))
		text_copy(l->fetch, sizeof(l->fetch), json_text(line, "outcome"));
	else if (is(json_text(line, "stage"), "unpack"))
		text_copy(l->unpack, sizeof(l->unpack), json_text(line, "outcome"));
	return RC_OK;
}

int import_state(const struct import *imp, char out[32], struct err *err)
{
	struct import_lines l = { "", "" };
	time_t now = 0, wall = 0;
	const char *state = "fetched";
	int rc = import_history_each(imp, import_line, &l, err);
	if (rc != RC_OK)
		return rc;
	clock_now(imp->sp, &now, &wall);
	if (import_expired(imp, now))
		state = "expired";
	else if (imp->where == IMPORT_INCOMING && (imp->lock >= 0 || lock_held(imp->fd, NAME_LOCK)))
		state = "fetching";
	else if (imp->where == IMPORT_INCOMING)
		state = is_bad(l.fetch) ? "failed" : "waiting";
	else if (!file_there(imp->fd, NAME_UNPACK))
		state = is_bad(l.unpack) || is(l.unpack, "partial") ? "failed" : "fetched";
	else if (is(l.unpack, ""))
		state = "interrupted";
	else if (is_bad(l.unpack))
		state = "failed";
	else
		state = is(l.unpack, "partial") ? "partial" : "unpacked";
	text_copy(out, 32, state);
	return RC_OK;
}

/* --- an item -------------------------------------------------------------------- */

/* Where in history the last line of each kind stands; 0: nowhere. */
struct item_lines {
	const char *name;		/* of the item */
	const char *destination;	/* whose send lines count */
	const char *disk;		/* the same as it is called under sent/ */
	int at, unpack, check, retag, send;
	bool held;			/* what the last check said */
	bool stored;			/* what the last send said */
};

static int item_line(const json_t *line, void *arg, struct err *err)
{
	struct item_lines *l = arg;
	const char *stage = json_text(line, "stage"), *outcome = json_text(line, "outcome");
	const char *item = json_text(line, "item");
	(void)err;
	l->at++;
	if (is(stage, "unpack") && (item[0] == '\0' || is(item, l->name)) &&
	    (is(outcome, "ok") || is(outcome, "partial")))
		l->unpack = l->at;
	if (!is(item, l->name))
		return RC_OK;
	if (is(stage, "check") && (is(outcome, "ok") || is(outcome, "partial") || is(outcome, "held"))) {
		l->check = l->at;
		l->held = is(outcome, "held");
	} else if (is(stage, "retag") && is(outcome, "ok")) {
		l->retag = l->at;
	} else if (is(stage, "send") && l->destination != NULL) {
		const char *to = json_text(line, "destination");
		if (to[0] == '\0' || is(to, l->destination) || is(to, l->disk)) {
			l->send = l->at;
			l->stored = is(outcome, "ok") || is(outcome, "partial");
		}
	}
	return RC_OK;
}

static int history_of(const struct item_dir *it, struct item_lines *l, struct err *err)
{
	l->name = it->name;
	return it->import != NULL ? import_history_each(it->import, item_line, l, err) : RC_OK;
}

struct journal_look { bool any, confirmed; };

static int journal_line(char *line, size_t len, void *arg, struct err *err)
{
	struct journal_look *j = arg;
	const char *space = strchr(line, ' ');
	(void)len;
	(void)err;
	if (text_starts(line, "mri-journal "))
		return RC_OK;
	j->any = true;
	j->confirmed = space != NULL && is(space + 1, "confirmed");	/* an attempt after it takes it back */
	return RC_OK;
}

enum sent { SENT_NOT, SENT_SENDING, SENT_SENT, SENT_CONFIRMED };

/* disk: the name under sent/; destination: as history has it, when known. */
static int sent_state(const struct item_dir *it, const char *disk, const char *destination, enum sent *out,
    struct err *err)
{
	struct item_lines l = { .destination = destination, .disk = disk };
	struct journal_look j = { false, false };
	int dir = openat(it->fd, NAME_SENT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = RC_OK;
	*out = SENT_NOT;
	if (dir < 0)
		return RC_OK;
	if (!file_there(dir, disk))
		goto out;
	if ((rc = each_line(dir, disk, JOURNAL_MAX, journal_line, &j, err)) != RC_OK ||
	    (rc = history_of(it, &l, err)) != RC_OK)
		goto out;
	if (!j.any && l.send == 0)
		goto out;	/* made, and nothing tried */
	if (it->import == NULL)
		*out = j.confirmed ? SENT_CONFIRMED : SENT_SENDING;
	else if (l.send == 0)
		*out = SENT_SENDING;
	else if (l.send < l.retag || l.send < l.check)
		*out = SENT_NOT;
	else if (!l.stored)
		*out = SENT_SENDING;
	else
		*out = j.confirmed ? SENT_CONFIRMED : SENT_SENT;
out:
	close(dir);
	return rc;
}

struct all_sent {
	const struct item_dir *it;
	enum sent least;
	int n;
};

static int sent_one(int dirfd, const char *name, void *arg, struct err *err)
{
	struct all_sent *a = arg;
	enum sent s = SENT_NOT;
	(void)dirfd;
	if (name[0] == '.')
		return RC_OK;
	int rc = sent_state(a->it, name, name, &s, err);
	if (rc == RC_OK && (a->n++ == 0 || s < a->least))
		a->least = s;
	return rc;
}

static int all_sent(const struct item_dir *it, enum sent *out, struct err *err)
{
	struct all_sent a = { it, SENT_NOT, 0 };
	int dir = openat(it->fd, NAME_SENT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = RC_OK;
	if (dir >= 0) {
		rc = dir_each(dir, sent_one, &a, err);
		close(dir);
	}
	*out = a.least;
	return rc;
}

static const char *prepared(const struct item_dir *it, const struct item_lines *l)
{
	bool overlay = file_there(it->fd, NAME_OVERLAY), check = file_there(it->fd, NAME_CHECK);
	if (it->import == NULL)
		return overlay ? "retagged" : check ? "checked" : "unpacked";
	if (overlay && l->retag > l->check)
		return "retagged";
	if (overlay && l->retag == 0)
		return "interrupted";
	if (check && l->check == 0)
		return "interrupted";
	if (check)
		return l->held ? "held" : "checked";
	return l->unpack > 0 ? "unpacked" : "interrupted";
}

int item_state(const struct item_dir *it, const char *destination, char out[32], struct err *err)
{
	static const char *const sent_words[] = { "", "sending", "sent", "confirmed" };
	struct item_lines l = { 0 };
	char disk[NAME_LEN];
	enum sent s = SENT_NOT;
	int rc = RC_OK;
	if (destination == NULL)
		rc = all_sent(it, &s, err);
	else if ((rc = sent_name(it, destination, disk, err)) == RC_OK)
		rc = sent_state(it, disk, destination, &s, err);
	if (rc == RC_OK)
		rc = history_of(it, &l, err);
	if (rc == RC_OK)
		text_copy(out, 32, s != SENT_NOT ? sent_words[s] : prepared(it, &l));
	return rc;
}
