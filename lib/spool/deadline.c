/*
 * One clock. `received` is when incoming/<id> was made; purge_at is received
 * + retention. The spool's own time runs with the clock of the machine, but
 * never backwards, and it does not follow a leap of more than a day at once:
 *
 *	clock says			spool's time		alarm
 *	high water … + 24 h		the clock		no
 *	before the high water		goes on from it		yes
 *	more than 24 h ahead		goes on from it for an	yes
 *					hour, then the clock
 *
 * The file `clock` holds the pair (spool's time, clock) of the last look that
 * was worth writing, and since when the clock is far ahead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define CLOCK_STEP	60		/* seconds between two writes of `clock` */
#define CLOCK_SLACK	60		/* a step back that NTP may make; no alarm */
#define CLOCK_AHEAD	((time_t)24 * 3600)
#define CLOCK_HOUR	3600

/* --- `deadline` ------------------------------------------------------------ */

int deadline_write(int dirfd, const struct deadline *dl, struct err *err)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], key[AGE_TEXT_MAX];
	struct buf t = BUF_INIT(PLAIN_MAX);
	int rc = buf_printf(&t, err, "received=%s\npurge_at=%s\nref=%s\n", time_iso(dl->received, a),
	    time_iso(dl->purge_at, b), dl->ref);
	if (rc == RC_OK && dl->seen != dl->received)
		rc = buf_printf(&t, err, "seen=%s\n", time_iso(dl->seen, a));
	if (rc == RC_OK && dl->sealed) {
		age_recipient_text(&dl->to, key);
		rc = buf_printf(&t, err, "recipient=%s\n", key);
	}
	if (rc == RC_OK)
		rc = file_write(dirfd, NAME_DEADLINE, t.data, t.len, 0600, err);
	buf_free(&t);
	return rc;
}

int deadline_read(int dirfd, struct deadline *dl, struct err *err)
{
	struct buf t = BUF_INIT(PLAIN_MAX);
	bool received = false, purge_at = false, ok = true;
	char *save = NULL;
	memset(dl, 0, sizeof(*dl));
	int rc = file_read(dirfd, NAME_DEADLINE, &t, err);
	if (rc != RC_OK)
		goto out;
	if (t.len == 0 || memchr(t.data, '\0', t.len) != NULL || t.data[t.len - 1] != '\n')
		ok = false;
	char *l = ok ? strtok_r(t.data, "\n", &save) : NULL;
	for (; l != NULL && ok; l = strtok_r(NULL, "\n", &save)) {
		char *v = strchr(l, '=');
		if (v == NULL) {
			ok = false;
			break;
		}
		*v++ = '\0';
		if (strcmp(l, "received") == 0)
			ok = received = time_parse_iso(v, &dl->received);
		else if (strcmp(l, "purge_at") == 0)
			ok = purge_at = time_parse_iso(v, &dl->purge_at);
		else if (strcmp(l, "seen") == 0)
			ok = time_parse_iso(v, &dl->seen);
		else if (strcmp(l, "ref") == 0)
			ok = text_utf8_valid(v, strlen(v)) && text_copy(dl->ref, sizeof(dl->ref), v);
		else if (strcmp(l, "recipient") == 0)
			ok = dl->sealed = age_recipient_parse(v, &dl->to, err) == RC_OK;
		else
			ok = false;
	}
	if (!ok || !received || !purge_at)
		rc = err_set(err, ERR_DATA, "the deadline of an import is damaged");
	else if (dl->seen == 0)
		dl->seen = dl->received;
out:
	buf_free(&t);
	return rc;
}

time_t id_time(const char *id)
{
	time_t t = 0;
	return time_parse_compact(id, &t) ? t : 0;
}

time_t deadline_counts(const struct spool *sp, const char *id, const struct deadline *dl, time_t now)
{
	time_t keep = (time_t)sp->set.retention;
	time_t at = id_time(id) + keep;
	if (dl == NULL)
		return at;
	if (dl->purge_at < at)
		at = dl->purge_at;
	if (dl->received + keep < at)
		at = dl->received + keep;
	/* stamped by a clock that ran far ahead and that the spool has not come to believe */
	if (now < dl->received && dl->seen < dl->received && dl->seen + keep < at)
		at = dl->seen + keep;
	return at;
}

int id_make(time_t t, char out[SPOOL_ID_LEN + 1], struct err *err)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[TIME_TEXT_MAX], tail[7] = "";
	for (int i = 0; i < 6;) {
		uint8_t r = 0;
		int rc = hash_random(&r, 1, err);
		if (rc != RC_OK)
			return rc;
		if (r < 252)	/* 7 × 36: each letter equally likely */
			tail[i++] = letters[r % 36];
	}
	snprintf(out, SPOOL_ID_LEN + 1, "%.16s-%s", time_compact(t, text), tail);
	return RC_OK;
}

/* --- `clock` ----------------------------------------------------------------- */

struct clock {
	time_t high, wall;	/* the spool's time and the machine's, at one moment */
	time_t ahead;		/* since when (machine's) it is far ahead; 0: it is not */
};

/* Absent or damaged: nothing seen yet. */
static int clock_read(const struct spool *sp, struct clock *c, bool *there, struct err *err)
{
	struct buf t = BUF_INIT(PLAIN_MAX);
	char *save = NULL;
	bool ok = true;
	memset(c, 0, sizeof(*c));
	*there = false;
	int rc = file_read(sp->fd, NAME_CLOCK, &t, err);
	if (rc != RC_OK) {
		buf_free(&t);
		return err->kind == ERR_NOINPUT ? RC_OK : rc;
	}
	for (char *l = strtok_r(t.data, "\n", &save); l != NULL && ok; l = strtok_r(NULL, "\n", &save)) {
		if (text_starts(l, "high="))
			ok = time_parse_iso(l + 5, &c->high);
		else if (text_starts(l, "wall="))
			ok = time_parse_iso(l + 5, &c->wall);
		else if (text_starts(l, "ahead="))
			ok = time_parse_iso(l + 6, &c->ahead);
		else
			ok = false;
	}
	buf_free(&t);
	if (!ok || c->high == 0 || c->wall == 0) {
		err_set(err, ERR_CONFIG, "%s/clock is damaged", sp->path);
		err_advise(err, "look at the machine's clock, then remove the file");
		return err_rc(ERR_CONFIG);
	}
	*there = true;
	return RC_OK;
}

static int clock_write(const struct spool *sp, const struct clock *c, struct err *err)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], d[TIME_TEXT_MAX], text[160];
	int n = snprintf(text, sizeof(text), "high=%s\nwall=%s\n", time_iso(c->high, a), time_iso(c->wall, b));
	if (c->ahead != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "ahead=%s\n", time_iso(c->ahead, d));
	return file_write(sp->fd, NAME_CLOCK, text, (size_t)n, 0600, err);
}

enum suspicion { CLOCK_GOOD, CLOCK_BEHIND, CLOCK_FAR_AHEAD };

/* The table above. c becomes what should be remembered. */
static enum suspicion clock_judge(struct clock *c, time_t wall)
{
	struct clock was = *c;
	time_t d = wall - was.wall;
	c->wall = wall;
	if (wall >= was.high - CLOCK_SLACK && wall <= was.high + CLOCK_AHEAD) {
		c->high = wall > was.high ? wall : was.high;
		c->ahead = 0;
		return CLOCK_GOOD;
	}
	/* from the last look on, but by no more than a day a look: never frozen, never leaping */
	c->high = was.high;
	if (was.high != was.wall && d > 0)
		c->high += d < CLOCK_AHEAD ? d : CLOCK_AHEAD;
	if (wall < was.high) {
		c->ahead = 0;
		return CLOCK_BEHIND;
	}
	if (was.ahead == 0 || d < 0) {	/* leapt just now */
		c->ahead = wall;
		return CLOCK_FAR_AHEAD;
	}
	if (wall - was.ahead >= CLOCK_HOUR) {
		c->high = wall;
		c->ahead = 0;
		return CLOCK_GOOD;
	}
	return CLOCK_FAR_AHEAD;
}

static int clock_look(struct spool *sp, time_t *now, time_t *wall, enum suspicion *how, struct err *err)
{
	struct clock c, was;
	bool there = false;
	int rc = RC_OK, fd = -1;
	*wall = *now = time_now();
	*how = CLOCK_GOOD;
	if ((rc = clock_read(sp, &was, &there, err)) != RC_OK)
		return rc;
	c = was;
	if (there) {
		*how = clock_judge(&c, *wall);
		*now = c.high;
		if (*how == CLOCK_GOOD && was.ahead == 0 && was.high == was.wall &&
		    c.high - was.high < CLOCK_STEP)
			return RC_OK;
		if (*how != CLOCK_GOOD && was.ahead == c.ahead && was.high != was.wall &&
		    c.wall - was.wall >= 0 && c.wall - was.wall < CLOCK_STEP)
			return RC_OK;
	}
	/* under the lock of the root, with a fresh look: never overwrite a later one */
	if ((rc = lock_dir(sp->fd, ".", LOCK_WAIT_MS, "the spool's clock", &fd, err)) != RC_OK)
		return rc;
	rc = clock_read(sp, &was, &there, err);
	if (rc == RC_OK) {
		*wall = time_now();
		if (there) {
			c = was;
			*how = clock_judge(&c, *wall);
		} else {
			c.high = c.wall = *wall;
			c.ahead = 0;
		}
		*now = c.high;
		rc = clock_write(sp, &c, err);
	}
	close(fd);
	return rc;
}

void clock_now(struct spool *sp, time_t *now, time_t *wall)
{
	enum suspicion how = CLOCK_GOOD;
	struct err ignore;
	/* a file that cannot be read or written (damage, a full disk) does not stop the clock; spool_clock tells */
	(void)clock_look(sp, now, wall, &how, &ignore);
	/* received: not before what the spool has seen; far ahead: as the clock says, and `seen` says the rest */
	if (how != CLOCK_FAR_AHEAD || *wall < *now)
		*wall = *now;
}

int spool_clock(struct spool *sp, time_t *now, struct err *err)
{
	enum suspicion how = CLOCK_GOOD;
	time_t wall = 0;
	char text[TIME_TEXT_MAX];
	int rc = clock_look(sp, now, &wall, &how, err);
	if (rc != RC_OK && err->kind == ERR_CONFIG)
		return rc;
	if (how == CLOCK_BEHIND) {
		err_set(err, ERR_CONFIG, "the clock is behind what the spool has seen (%s)", time_iso(*now, text));
		err_advise(err, "set the clock right; if it is right, remove the file clock in the spool");
		return err_rc(ERR_CONFIG);
	}
	if (how == CLOCK_FAR_AHEAD) {
		err_set(err, ERR_CONFIG, "the clock is more than 24 h ahead of what the spool has seen (%s)",
		    time_iso(*now, text));
		err_advise(err, "if the clock is right, wait: it is believed after an hour");
		return err_rc(ERR_CONFIG);
	}
	return RC_OK;
}
