#include "spool/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "spool/private.h"

#define JOURNAL_MAGIC	"mri-journal 1"
#define JOURNAL_LINE	256	/* the longest line is 110 characters */

struct attempt {
	uint8_t status;		/* enum journal_status */
	bool hashed;
	uint8_t hash[HASH_LEN];
};

struct attempts {
	struct attempt *v;
	size_t n;		/* v[0] … v[n - 1] are numbers 0 … n - 1 */
};

struct journal {
	int fd;
	off_t size;		/* up to the end of the last whole line */
	bool confirmed;
	struct attempts objects, documents;
};

static const char *const status_names[] = {
	[JOURNAL_STORED] = "stored", [JOURNAL_REFUSED] = "refused", [JOURNAL_FAILED] = "failed",
	[JOURNAL_SENDING] = "sending"
};

/* The attempt of object or document n; made where it is not yet (grow). */
static struct attempt *attempt_of(struct journal *j, int n, bool grow)
{
	struct attempts *a = n < JOURNAL_DOCUMENT ? &j->objects : &j->documents;
	size_t i = (size_t)(n < JOURNAL_DOCUMENT ? n : n - JOURNAL_DOCUMENT), cap = 0;
	struct attempt *v = NULL;

	if (i < a->n)
		return &a->v[i];
	if (!grow)
		return NULL;
	cap = i < 256 ? 512 : i * 2;
	if (!(v = realloc(a->v, cap * sizeof(*v))))
		return NULL;
	memset(v + a->n, 0, (cap - a->n) * sizeof(*v));
	a->v = v;
	a->n = cap;
	return &a->v[i];
}

static int remember(struct journal *j, int n, enum journal_status status, const char *hash, struct err *err)
{
	struct attempt *a = attempt_of(j, n, true);

	if (!a)
		return err_set(err, ERR_TEMP, "no memory for a journal");
	a->status = (uint8_t)status;
	a->hashed = text_unhex(hash, a->hash, sizeof(a->hash));
	j->confirmed = false;	/* what was read back before says nothing about this one */
	return RC_OK;
}

/* "TIME N STATUS HASH DIMSE" or "TIME confirmed" */
static int read_entry(struct journal *j, char *line, long number, struct err *err)
{
	char *field[6] = { NULL }, *at = line;
	uint8_t raw[HASH_LEN];
	uint64_t n = 0;
	size_t fields = 0;
	time_t when = 0;
	int s = 0;

	for (fields = 0; fields < 6 && at; fields++)
		field[fields] = strsep(&at, " ");
	if (fields == 2 && time_parse_iso(field[0], &when) && !strcmp(field[1], "confirmed")) {
		j->confirmed = true;
		return RC_OK;
	}
	if (fields != 5 || !time_parse_iso(field[0], &when) || !text_u64(field[1], 2 * JOURNAL_DOCUMENT - 1, &n) ||
	    (strcmp(field[3], "-") && !text_unhex(field[3], raw, sizeof(raw))))
		return err_set(err, ERR_DATA, "journal line %ld is not one of ours", number);
	for (s = JOURNAL_STORED; s <= JOURNAL_SENDING; s++)
		if (!strcmp(field[2], status_names[s]))
			return remember(j, (int)n, (enum journal_status)s, field[3], err);
	return err_set(err, ERR_DATA, "journal line %ld has an unknown status", number);
}

/* Reads the lines that are whole; j->size is where they end. */
static int read_lines(struct journal *j, off_t size, struct err *err)
{
	struct linereader r = { .fd = dup(j->fd), .sep = '\n', .max = JOURNAL_LINE };
	char *line = NULL;
	size_t len = 0;
	long number = 0;
	int rc = RC_OK;

	if (r.fd < 0)
		return err_sys(err, errno, "cannot read a journal");
	while (!(rc = linereader_next(&r, &line, &len, err)) && line) {
		if (j->size + (off_t)len + 1 > size)
			break;		/* torn: killed while it was written */
		number++;
		j->size += (off_t)len + 1;
		if (strlen(line) != len)
			rc = err_set(err, ERR_DATA, "journal line %ld is not one of ours", number);
		else if (number == 1 && strcmp(line, JOURNAL_MAGIC))
			rc = err_set(err, ERR_DATA, "journal is of another version");
		else if (number > 1)
			rc = read_entry(j, line, number, err);
		if (rc)
			break;
	}
	close(r.fd);
	linereader_free(&r);
	return rc;
}

/* A line is there as a whole or not at all. */
static int append(struct journal *j, const char *line, size_t len, struct err *err)
{
	int rc = io_write_full(j->fd, line, len, err);

	if (!rc)
		j->size += (off_t)len;
	else if (ftruncate(j->fd, j->size))
		err_wrap(err, "journal keeps a torn line");
	return rc;
}

int journal_open(struct journal **out, struct item_dir *item, const char *name, struct err *err)
{
	char disk[NAME_LEN] = "";
	struct journal *j = NULL;
	struct stat st = { 0 };
	bool made = false;
	int dir = -1, rc = RC_OK;

	*out = NULL;
	if (!(j = calloc(1, sizeof(*j))))
		return err_set(err, ERR_TEMP, "no memory for a journal");
	j->fd = -1;
	if ((rc = sent_name(item, name, disk, err)) || (rc = dir_make(item->fd, NAME_SENT, &dir, &made, err)))
		goto out;
	j->fd = openat(dir, disk, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0 || fstat(j->fd, &st)) {
		rc = err_sys(err, errno, "cannot open the journal of a destination");
		goto out;
	}
	if ((rc = read_lines(j, st.st_size, err)))
		goto out;
	if (j->size < st.st_size && ftruncate(j->fd, j->size)) {
		rc = err_sys(err, errno, "cannot drop the torn end of a journal");
		goto out;
	}
	if (j->size == 0 && !(rc = append(j, JOURNAL_MAGIC "\n", strlen(JOURNAL_MAGIC) + 1, err)) &&
	    !(rc = io_fsync(j->fd, err)) && !(rc = dir_sync(dir, NAME_SENT, err)) && made)
		rc = dir_sync(item->fd, item->name, err);
out:
	if (dir >= 0)
		close(dir);
	if (rc)
		journal_close(j);
	else
		*out = j;
	return rc;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j->objects.v);
	free(j->documents.v);
	free(j);
}

enum journal_status journal_get(const struct journal *j, int n, char hash[65])
{
	const struct attempt *a = attempt_of((struct journal *)j, n, false);

	hash[0] = '\0';
	if (!a)
		return JOURNAL_NONE;
	if (a->hashed)
		text_hex(a->hash, sizeof(a->hash), hash);
	return (enum journal_status)a->status;
}

static int make_line(char line[JOURNAL_LINE], int n, enum journal_status status, const char *hash, int dimse_status,
	size_t *len, struct err *err)
{
	char when[TIME_TEXT_MAX];

	if (n < 1 || n >= 2 * JOURNAL_DOCUMENT || status < JOURNAL_STORED || status > JOURNAL_SENDING)
		return err_set(err, ERR_INTERNAL, "journal: object %d, status %d", n, (int)status);
	*len = (size_t)snprintf(line, JOURNAL_LINE, "%s %d %s %.64s %04x\n", time_iso(time_now(), when), n,
	    status_names[status], hash && *hash ? hash : "-", (unsigned)dimse_status & 0xffff);
	return RC_OK;
}

int journal_add(struct journal *j, int n, enum journal_status status, const char *hash, int dimse_status,
	struct err *err)
{
	char line[JOURNAL_LINE];
	size_t len = 0;
	int rc = make_line(line, n, status, hash, dimse_status, &len, err);

	if (!rc)
		rc = append(j, line, len, err);
	return rc ? rc : remember(j, n, status, hash ? hash : "", err);
}

int journal_add_many(struct journal *j, const struct journal_entry *v, size_t n, enum journal_status status,
	struct err *err)
{
	struct buf b = BUF_INIT(n * JOURNAL_LINE + 1);
	char line[JOURNAL_LINE];
	size_t i = 0, len = 0;
	int rc = RC_OK;

	for (i = 0; !rc && i < n; i++)
		if (!(rc = make_line(line, v[i].n, status, v[i].hash, 0xffff, &len, err)))
			rc = buf_add(&b, line, len, err);
	if (!rc && n && !(rc = append(j, b.data, b.len, err)))
		rc = io_fsync(j->fd, err);
	for (i = 0; !rc && i < n; i++)
		rc = remember(j, v[i].n, status, v[i].hash ? v[i].hash : "", err);
	buf_free(&b);
	return rc;
}

int journal_confirm(struct journal *j, struct err *err)
{
	char line[JOURNAL_LINE], when[TIME_TEXT_MAX];
	int len = snprintf(line, sizeof(line), "%s confirmed\n", time_iso(time_now(), when));
	int rc = RC_OK;

	if (j->confirmed)
		return RC_OK;
	if (!(rc = append(j, line, (size_t)len, err)) && !(rc = io_fsync(j->fd, err)))
		j->confirmed = true;
	return rc;
}

bool journal_confirmed(const struct journal *j)
{
	return j->confirmed;
}

int journal_sync(struct journal *j, struct err *err)
{
	return io_fsync(j->fd, err);
}

/* ---- reading without writing ---- */

static void count(const struct attempts *a, int of[JOURNAL_SENDING + 1])
{
	size_t i = 0;

	for (i = 0; i < a->n; i++)
		of[a->v[i].status]++;
}

int journal_look(const struct item_dir *item, const char *name, struct journal_summary *sum, struct err *err)
{
	char disk[NAME_LEN] = "";
	struct journal j = { .fd = -1 };
	struct stat st = { 0 };
	int dir = -1, objects[JOURNAL_SENDING + 1] = { 0 }, documents[JOURNAL_SENDING + 1] = { 0 };
	int rc = RC_OK;

	memset(sum, 0, sizeof(*sum));
	if ((rc = sent_name(item, name, disk, err)) || (rc = dir_open(item->fd, NAME_SENT, &dir, err)) ||
	    (rc = file_open(dir, disk, "journal", &j.fd, err)))
		goto out;
	if (fstat(j.fd, &st)) {
		rc = err_sys(err, errno, "cannot read a journal");
		goto out;
	}
	if ((rc = read_lines(&j, st.st_size, err)))
		goto out;
	count(&j.objects, objects);
	count(&j.documents, documents);
	*sum = (struct journal_summary){ objects[JOURNAL_STORED], objects[JOURNAL_REFUSED] +
	    documents[JOURNAL_REFUSED], objects[JOURNAL_FAILED] + documents[JOURNAL_FAILED],
	    documents[JOURNAL_STORED], j.confirmed };
out:
	if (dir >= 0)
		close(dir);
	if (j.fd >= 0)
		close(j.fd);
	free(j.objects.v);
	free(j.documents.v);
	return rc;
}

struct names { journal_name_fn *cb; void *arg; };

static int each_name(int dirfd, const char *name, void *arg, struct err *err)
{
	struct names *n = arg;

	(void)dirfd;
	return *name == '.' ? RC_OK : n->cb(name, n->arg, err);
}

int journal_each(const struct item_dir *item, journal_name_fn *cb, void *arg, struct err *err)
{
	struct names n = { cb, arg };
	int dir = -1, rc = RC_OK;

	if (!file_there(item->fd, NAME_SENT))
		return RC_OK;
	if (!(rc = dir_open(item->fd, NAME_SENT, &dir, err)))
		rc = dir_each(dir, each_name, &n, err);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* ---- what was delivered ---- */

/* The time stands in the name: a record's own period needs no identity and no mtime. */
int record_write(struct spool *sp, const char *id, const void *data, size_t len, struct err *err)
{
	char name[NAME_LEN] = "", when[TIME_TEXT_MAX] = "";
	int dir = -1, lock = -1, n = 1, rc = RC_OK;
	bool made = false;

	if (sp->set.record_period < 0)
		return RC_OK;
	if (!spool_is_id(id))
		return err_set(err, ERR_INTERNAL, "record of no import");
	if ((rc = dir_make(sp->dir[DIR_RECORD], id, &dir, &made, err)) ||
	    (made && (rc = dir_sync(sp->dir[DIR_RECORD], "record", err))) ||
	    (rc = lock_dir(sp->dir[DIR_RECORD], id, LOCK_WAIT_MS, "the record of this import", &lock, err)))
		goto out;
	time_compact(time_now(), when);
	do
		snprintf(name, sizeof(name), "%s-%03d", when, n++);
	while (file_there(dir, name));
	rc = sealed_write(dir, name, sp->encrypt ? &sp->to : NULL, data, len, 0600, err);
out:
	if (lock >= 0)
		close(lock);
	if (dir >= 0)
		close(dir);
	return rc;
}
