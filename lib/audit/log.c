#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain.h"
#include "base/text.h"
#include "base/time.h"
#include "crypt/secret.h"

/* Limits of texts in a record, in bytes after escaping */
enum { WORD_MAX = 128, OBJECT_MAX = 256, WHY_MAX = 1024, ORGANISATION_MAX = 256 };
#define NUMBERS_MAX	((size_t)4 << 10)

/* Two lines: the record, and the note of a tail that was cut. */
#define APPEND_MAX	(2 * AUDIT_LINE_MAX)

/* How far back the end of the last whole record is looked for. A torn record is shorter than a line;
 * what is longer was not written by us. */
#define TAIL_MAX	((size_t)1 << 20)

/* An append holds the lock for a millisecond. Who waits this long waits for a process that is stopped;
 * a purge has many imports to get through. */
#define LOCK_WAIT_MS	20000
#define LOCK_WAIT_PURGE_MS	1000

/* Given back to the filesystem when it is full, so that a purge can be recorded: 64 KiB are 100 records. */
#define RESERVE_BYTES	((off_t)64 << 10)

#define ADVICE_DAMAGED	"keep a copy of audit/ before anything else, then see mri-spool(5), AUDIT LOG"

struct audit {
	int dirfd;
	struct ident who;
	char organisation[ORGANISATION_MAX];
	uint8_t *key;		/* HASH_LEN bytes of secret_alloc(): workers do not inherit it */
};

struct act {
	struct audit *audit;
	unsigned flags;
	char id[17];
	char tool[WORD_MAX], what[WORD_MAX], object[OBJECT_MAX];
};

/* Opening and making */

static int read_key(struct audit *a, struct err *err)
{
	char text[2 * HASH_LEN + 2];
	struct stat st;
	size_t got = 0;
	int rc = RC_OK, fd = openat(a->dirfd, AUDIT_KEY, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return err_sys(err, errno, "cannot open the audit key");
	if (fstat(fd, &st) != 0)
		rc = err_sys(err, errno, "cannot stat the audit key");
	else if (!S_ISREG(st.st_mode) || st.st_mode & 077)
		rc = err_set(err, ERR_DENIED, "the audit key is open to others (mode %04o)",
		    (unsigned)st.st_mode & 07777U);
	else if ((rc = io_read_full(fd, text, sizeof(text), &got, err)))
		err_wrap(err, "the audit key");
	else if (got != 2 * HASH_LEN + 1 || text[got - 1] != '\n')
		rc = err_set(err, ERR_DATA, "the audit key is not 64 hexadecimal digits");
	if (!rc) {
		text[2 * HASH_LEN] = '\0';
		if (!text_unhex(text, a->key, HASH_LEN))
			rc = err_set(err, ERR_DATA, "the audit key is not 64 hexadecimal digits");
	}
	hash_wipe(text, sizeof(text));
	close(fd);
	return rc;
}

int audit_open(struct audit **out, int dirfd, const struct ident *who, const char *organisation,
    struct err *err)
{
	struct audit *a = calloc(1, sizeof(*a));
	void *key = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (!a)
		return err_set(err, ERR_TEMP, "no memory");
	a->who = *who;
	text_escape(a->organisation, sizeof(a->organisation), organisation, strlen(organisation));
	a->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	if (a->dirfd < 0)
		rc = err_sys(err, errno, "cannot open the audit log");
	else if (faccessat(a->dirfd, AUDIT_LOG, R_OK | W_OK, AT_EACCESS) != 0)
		rc = err_sys(err, errno, "cannot open the audit log");
	else if (!(rc = secret_alloc(&key, HASH_LEN, err))) {
		a->key = key;
		rc = read_key(a, err);
	}
	if (rc)
		audit_close(a);
	else
		*out = a;
	return rc;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	if (a->dirfd >= 0)
		close(a->dirfd);
	secret_free(a->key, HASH_LEN);
	hash_wipe(a, sizeof(*a));
	free(a);
}

/* Real blocks, not a hole. Where the filesystem cannot promise any, bytes that are written. */
static int fill_reserve(int fd, struct err *err)
{
	static const char zeros[4096];
	struct stat st;
	int rc = RC_OK;

	while (fallocate(fd, 0, 0, RESERVE_BYTES) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return err_sys(err, errno, "cannot make the audit reserve");
		for (off_t done = 0; !rc && done < RESERVE_BYTES; done += (off_t)sizeof(zeros))
			rc = io_write_full(fd, zeros, sizeof(zeros), err);
		break;
	}
	if (!rc && (fstat(fd, &st) != 0 || st.st_size != RESERVE_BYTES))
		rc = err_set(err, ERR_IO, "cannot make the audit reserve");
	return rc ? rc : io_fsync(fd, err);
}

static int make_reserve(int dirfd, struct err *err)
{
	struct stat st;
	int rc = RC_OK, fd = -1;

	if (fstatat(dirfd, AUDIT_RESERVED, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == RESERVE_BYTES)
		return RC_OK;
	fd = openat(dirfd, AUDIT_RESERVED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot make the audit reserve");
	rc = fill_reserve(fd, err);
	close(fd);
	if (rc)
		unlinkat(dirfd, AUDIT_RESERVED, 0);
	return rc;
}

int audit_create(int dirfd, struct err *err)
{
	uint8_t key[HASH_LEN];
	char text[2 * HASH_LEN + 2];
	int rc = RC_OK, fd = -1;

	/* What is there stays: a second call repairs an interrupted one. The log comes last, for
	 * audit_open() wants it. */
	if (faccessat(dirfd, AUDIT_KEY, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		if ((rc = hash_random(key, sizeof(key), err)))
			return rc;
		text_hex(key, sizeof(key), text);
		text[2 * HASH_LEN] = '\n';
		rc = io_replace(dirfd, AUDIT_KEY, text, 2 * HASH_LEN + 1, 0600, err);
		hash_wipe(key, sizeof(key));
		hash_wipe(text, sizeof(text));
		if (rc)
			return err_wrap(err, "the audit key");
	}
	if ((rc = make_reserve(dirfd, err)))
		return rc;
	fd = openat(dirfd, AUDIT_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot create the audit log");
	rc = io_fsync(fd, err);
	close(fd);
	return rc ? rc : io_fsync(dirfd, err);
}

/* One record */

/* What a record says beside its place in the chain. */
struct entry {
	const char *event;	/* begin, end, cut */
	const struct act *act;	/* NULL: cut */
	const char *why, *outcome;
	const json_t *numbers;
};

static json_t *optional(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static int add_record(struct buf *to, const struct audit *a, const struct entry *e, uint64_t n,
    const char prev[HASH_HEX], struct err *err)
{
	char when[TIME_TEXT_MAX];
	size_t begin = to->len;
	const struct act *act = e->act;
	int rc = RC_OK;
	json_t *r = json_make(err,
	    "{s:i, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:s, s:o}, s:s, s:s}",
	    "v", 1, "n", (json_int_t)n, "prev", prev, "time", time_iso(time_now(), when), "event", e->event,
	    "act", optional(act ? act->id : NULL), "tool", optional(act ? act->tool : NULL),
	    "what", optional(act ? act->what : NULL), "object", optional(act ? act->object : NULL),
	    "why", optional(e->why), "who", "uid", (json_int_t)a->who.uid, "name", a->who.name,
	    "loginuid", a->who.loginuid < 0 ? json_null() : json_integer(a->who.loginuid),
	    "organisation", a->organisation, "host", a->who.host);

	if (!r)
		return err_rc(err->kind);
	if (e->outcome && json_object_set_new(r, "outcome", json_string(e->outcome)) != 0)
		rc = err_set(err, ERR_TEMP, "no memory for an audit record");
	if (!rc && e->numbers && json_object_set_new(r, "numbers", json_deep_copy(e->numbers)) != 0)
		rc = err_set(err, ERR_TEMP, "no memory for an audit record");
	if (!rc && !(rc = json_write(r, to, err)) && !(rc = buf_add(to, "\n", 1, err)) &&
	    to->len - begin > AUDIT_LINE_MAX)
		rc = err_set(err, ERR_INTERNAL, "an audit record of %zu bytes", to->len - begin);
	json_decref(r);
	return rc;
}

/* The end of the log */

struct tail {
	off_t size;		/* as it is */
	off_t whole;		/* up to the end of the last whole line */
	uint64_t n;		/* number of the last record; 0: none */
	char sum[HASH_HEX];	/* of its line, or of nothing */
	char torn[HASH_HEX];	/* hash of what comes after `whole` */
};

static int read_tail(int fd, struct tail *t, struct err *err)
{
	struct buf b = BUF_INIT(TAIL_MAX);
	struct stat st;
	char prev[HASH_HEX];
	const char *end = NULL, *begin = NULL;
	size_t want = 4096, got = 0;
	int rc = RC_OK;

	if (fstat(fd, &st) != 0)
		return err_sys(err, errno, "cannot stat the audit log");
	t->size = st.st_size;
	/* from the end backwards, until a whole line lies in b */
	for (;; want = want * 8 < TAIL_MAX ? want * 8 : TAIL_MAX) {
		if ((off_t)want > t->size)
			want = (size_t)t->size;
		b.len = 0;
		if ((rc = buf_grow(&b, want, err)) ||
		    (rc = io_pread_full(fd, b.data, want, (uint64_t)t->size - want, &got, err)))
			goto out;
		if (got != want) {
			rc = err_set(err, ERR_IO, "the audit log became shorter while it was read");
			goto out;
		}
		end = want ? memrchr(b.data, '\n', want) : NULL;
		begin = end ? memrchr(b.data, '\n', (size_t)(end - b.data)) : NULL;
		if (begin || (off_t)want == t->size)
			break;
		if (want == TAIL_MAX) {
			rc = err_set(err, ERR_IO, "the end of the audit log is not a record");
			err_advise(err, ADVICE_DAMAGED);
			goto out;
		}
	}
	begin = begin ? begin + 1 : b.data;
	t->n = 0;
	t->whole = end ? t->size - (off_t)want + (end + 1 - b.data) : 0;
	if (t->size - t->whole > (off_t)APPEND_MAX) {
		rc = err_set(err, ERR_IO, "the end of the audit log is not a record");
		err_advise(err, ADVICE_DAMAGED);
		goto out;
	}
	if (end) {
		if (chain_parse(begin, (size_t)(end - begin), &t->n, prev, err)) {
			rc = err_set(err, ERR_IO, "the last line of the audit log is not a record");
			err_advise(err, ADVICE_DAMAGED);
			goto out;
		}
		rc = hash_hex(begin, (size_t)(end + 1 - begin), t->sum, err);
	} else {
		rc = hash_hex("", 0, t->sum, err);
	}
	if (!rc && t->whole < t->size)
		rc = hash_hex(b.data + want - (t->size - t->whole), (size_t)(t->size - t->whole), t->torn,
		    err);
out:
	buf_free(&b);
	return rc;
}

/* Lines for the log: a note of the torn tail where there is one, then the record. */
static int compose(struct buf *to, const struct audit *a, const struct entry *e, const struct tail *t,
    struct err *err)
{
	char sum[HASH_HEX];
	uint64_t n = t->n;
	int rc = RC_OK;

	memcpy(sum, t->sum, sizeof(sum));
	if (t->whole < t->size) {
		json_t *numbers = json_make(err, "{s:I, s:s}", "bytes",
		    (json_int_t)(t->size - t->whole), "sha256", t->torn);
		struct entry cut = { .event = "cut", .why = "torn record", .numbers = numbers };

		if (!numbers)
			return err_rc(err->kind);
		rc = add_record(to, a, &cut, ++n, sum, err);
		json_decref(numbers);
		if (rc || (rc = hash_hex(to->data, to->len, sum, err)))
			return rc;
	}
	return add_record(to, a, e, n + 1, sum, err);
}

static int take_lock(int fd, unsigned most_ms, struct err *err)
{
	uint64_t begin = time_mono_ms();

	for (int wait = 1;; wait = wait < 8 ? wait * 2 : 8) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return RC_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, errno, "cannot lock the audit log");
		if (time_mono_ms() - begin > most_ms)
			return err_set(err, ERR_TEMP, "another process holds the audit log");
		(void)poll(NULL, 0, wait);
	}
}

/* Writes all of it at the end and syncs, or leaves the log as it was. The log is opened O_APPEND. */
static int write_lines(int fd, const struct tail *t, const struct buf *lines, struct err *err)
{
	int rc = RC_OK;

	if (t->whole < t->size && ftruncate(fd, t->whole) != 0)
		return err_sys(err, errno, "cannot cut a torn record off the audit log");
	if (!(rc = io_write_full(fd, lines->data, lines->len, err))) {
		while (fdatasync(fd) != 0)
			if (errno != EINTR) {
				rc = err_sys(err, errno, "cannot sync");
				break;
			}
	}
	if (rc && ftruncate(fd, t->whole) != 0)
		err_advise(err, "part of a record stays in the audit log; the next one cuts it");
	return rc ? err_wrap(err, "the audit log") : RC_OK;
}

static int append(const struct audit *a, const struct entry *e, unsigned flags, struct err *err)
{
	struct buf lines = BUF_INIT(APPEND_MAX + 1);
	struct tail t = { 0 };
	struct err ignored;
	int rc = RC_OK, fd = -1;

	/* Opened anew each time: a lock belongs to the open file, and threads and children share one. */
	fd = openat(a->dirfd, AUDIT_LOG, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, errno, "cannot open the audit log");
	if ((rc = take_lock(fd, flags & AUDIT_RESERVE ? LOCK_WAIT_PURGE_MS : LOCK_WAIT_MS, err)) ||
	    (rc = read_tail(fd, &t, err)) || (rc = compose(&lines, a, e, &t, err)))
		goto out;
	rc = write_lines(fd, &t, &lines, err);
	if (rc && err_no_space(err) && flags & AUDIT_RESERVE && unlinkat(a->dirfd, AUDIT_RESERVED, 0) == 0) {
		/* the sync makes some filesystems free the blocks now */
		(void)io_fsync(a->dirfd, &ignored);
		if (!(rc = write_lines(fd, &t, &lines, err)))
			goto out;
	}
	if (!rc)	/* given back when there is room again; none now is no reason to fail */
		(void)make_reserve(a->dirfd, &ignored);
out:
	buf_free(&lines);
	close(fd);
	return rc;
}

/* Acts */

int act_begin(struct act **out, struct audit *a, const char *tool, const char *what, const char *object,
    const char *why, unsigned flags, struct err *err)
{
	uint8_t id[8];
	char reason[WHY_MAX] = "";
	struct act *act = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (!a)
		return RC_OK;
	if (!(act = calloc(1, sizeof(*act))))
		return err_set(err, ERR_TEMP, "no memory");
	act->audit = a;
	act->flags = flags;
	text_escape(act->tool, sizeof(act->tool), tool, strlen(tool));
	text_escape(act->what, sizeof(act->what), what, strlen(what));
	if (object)
		text_escape(act->object, sizeof(act->object), object, strlen(object));
	if (why)
		text_escape(reason, sizeof(reason), why, strlen(why));
	if (!(rc = hash_random(id, sizeof(id), err))) {
		text_hex(id, sizeof(id), act->id);
		struct entry e = { .event = "begin", .act = act, .why = reason };
		rc = append(a, &e, flags, err);
	}
	if (rc)
		free(act);
	else
		*out = act;
	return rc;
}

int act_end(struct act *act, const char *outcome, const json_t *numbers, struct err *err)
{
	struct entry e = { .event = "end", .act = act, .outcome = outcome, .numbers = numbers };
	struct buf size = BUF_INIT(NUMBERS_MAX);
	int rc = RC_OK;

	if (!act)
		return RC_OK;
	if (numbers && json_write(numbers, &size, err)) {
		/* the outcome counts; a table does not belong into a record */
		e.numbers = NULL;
	}
	buf_free(&size);
	rc = append(act->audit, &e, act->flags, err);
	free(act);
	return rc;
}

int audit_pseudonym(struct audit *a, const char *domain, const char *text, char out[65], struct err *err)
{
	uint8_t sum[HASH_LEN];
	struct buf both = BUF_INIT(0);
	int rc = RC_OK;

	/* the NUL between them: "ab" + "c" is not "a" + "bc" */
	if (!(rc = buf_add(&both, domain, strlen(domain) + 1, err)) && !(rc = buf_puts(&both, text, err)) &&
	    !(rc = hash_hmac(a->key, HASH_LEN, both.data, both.len, sum, err)))
		text_hex(sum, sizeof(sum), out);
	buf_wipe(&both);
	return rc;
}
