#include "media/container.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/text.h"
#include "media/gunzip.h"
#include "media/zip.h"

#define STEP		((size_t)256 << 10)
#define TAR_BLOCK	512
#define TAR_MAGIC	257	/* of the first block */

struct container {
	struct stream *s;
	enum media media;
	struct archive *a;
	struct gunzip *gz;	/* NULL: the stream as it is */
	bool lone;		/* what gzip has is no tar archive: one member, and no libarchive */
	uint64_t pos;		/* of the stream */
	uint8_t tail[TAR_BLOCK];	/* what gzip gave last */
	struct container_member *v;
	size_t n, cap, names, at;	/* at: headers read since the beginning */
	uint64_t total, left;	/* of the member in work */
	struct err failed;	/* of the stream: libarchive only knows that reading failed */
	uint8_t in[STEP], out[STEP];
};

static locale_t utf8;

void container_load(void)
{
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static int refused(struct container *c, struct err *err, const char *what)
{
	return err_set(err, ERR_DATA, "%s refused: %s", media_name(c->media), what);
}

/* What libarchive could not read: our stream's reason, or the archive's. */
static int broken(struct container *c, struct err *err, const char *what)
{
	if (c->failed.kind == ERR_NONE)
		return refused(c, err, what);
	*err = c->failed;
	return err_rc(err->kind);
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **p)
{
	struct container *c = arg;
	const uint8_t *bytes = c->in;
	size_t n = 0;
	int rc = c->gz ? gunzip_more(c->gz, &bytes, &n, &c->failed)
	    : stream_read(c->s, c->pos, c->in, sizeof c->in, &n, &c->failed);

	if (rc != RC_OK) {
		archive_set_error(a, EIO, "cannot be read");
		return ARCHIVE_FATAL;
	}
	if (c->gz && n >= TAR_BLOCK) {
		memcpy(c->tail, bytes + n - TAR_BLOCK, TAR_BLOCK);
	} else if (c->gz && n) {
		memmove(c->tail, c->tail + n, TAR_BLOCK - n);
		memcpy(c->tail + TAR_BLOCK - n, bytes, n);
	}
	c->pos += n;
	*p = bytes;
	return (la_ssize_t)n;
}

static la_int64_t on_skip(struct archive *a, void *arg, la_int64_t n)
{
	struct container *c = arg;
	uint64_t left = c->s->size - c->pos, want = n < 0 ? 0 : (uint64_t)n;

	(void)a;
	if (c->gz)
		return 0;	/* read it, then */
	if (want > left)
		want = left;
	c->pos += want;
	return (la_int64_t)want;
}

static la_int64_t on_seek(struct archive *a, void *arg, la_int64_t off, int whence)
{
	struct container *c = arg;
	uint64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? c->pos : c->s->size;

	(void)a;
	if (c->gz || (off < 0 && (uint64_t)-off > from) || (off > 0 && (uint64_t)off > c->s->size - from))
		return ARCHIVE_FATAL;
	c->pos = from + (uint64_t)off;
	return (la_int64_t)c->pos;
}

static void stop(struct container *c)
{
	if (c->a)
		archive_read_free(c->a);
	gunzip_free(c->gz);
	c->a = NULL;
	c->gz = NULL;
}

/* From the beginning. */
static int start(struct container *c, struct err *err)
{
	int rc = RC_OK;

	stop(c);
	c->pos = 0;
	c->at = 0;
	err_clear(&c->failed);
	if (c->media == MEDIA_GZIP && (rc = gunzip_new(&c->gz, c->s, err)) != RC_OK)
		return rc;
	if (c->lone)
		return RC_OK;
	c->a = archive_read_new();
	if (!c->a)
		return err_set(err, ERR_TEMP, "no memory to read an archive");
	if ((c->media == MEDIA_ISO ? archive_read_support_format_iso9660(c->a) : archive_read_support_format_tar(c->a)) !=
	    ARCHIVE_OK)
		return err_set(err, ERR_TEMP, "no memory to read an archive");
	if (c->media != MEDIA_ISO)	/* what follows a first end is of the archive too: nothing is passed over */
		archive_read_set_format_option(c->a, "tar", "read_concatenated_archives", "1");
	archive_read_set_read_callback(c->a, on_read);
	archive_read_set_skip_callback(c->a, on_skip);
	archive_read_set_seek_callback(c->a, on_seek);
	archive_read_set_callback_data(c->a, c);
	return archive_read_open1(c->a) == ARCHIVE_OK ? RC_OK : broken(c, err, "it cannot be opened");
}

static const char *kind_of(struct container *c, struct archive_entry *e, struct container_member *m)
{
	if (archive_entry_hardlink(e)) {
		m->twin = c->media == MEDIA_ISO;	/* one extent with two names */
		return m->twin ? "another name of a file of the same image" : "a hard link";
	}
	switch (archive_entry_filetype(e)) {
	case AE_IFREG: return NULL;
	case AE_IFDIR: m->directory = true; return NULL;
	case AE_IFLNK: return "a symbolic link";
	default: return "a device, pipe or socket";
	}
}

/* One more member, the last of c->v. */
static int add(struct container *c, const char *name, struct err *err)
{
	struct container_member *m = NULL;

	if (c->n == ZIP_MEMBERS_MAX)
		return refused(c, err, "it has more members than any study");
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 256;
		struct container_member *v = realloc(c->v, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory to read an archive");
		c->v = v;
		c->cap = cap;
	}
	m = &c->v[c->n];
	memset(m, 0, sizeof *m);
	m->name_len = strlen(name);
	c->names += m->name_len;
	if (c->names > CONTAINER_NAMES_MAX)
		return refused(c, err, "its names are longer than any medium's");
	m->name = text_dup(name, err);
	if (!m->name)
		return err_rc(err->kind);
	c->n++;
	return RC_OK;
}

static int add_entry(struct container *c, struct archive_entry *e, struct err *err)
{
	const char *name = archive_entry_pathname(e);
	struct container_member *m = NULL;
	la_int64_t size = 0;
	int rc = add(c, name ? name : "", err);

	if (rc != RC_OK)
		return rc;
	m = &c->v[c->n - 1];
	m->unreadable = kind_of(c, e, m);
	size = m->directory || m->unreadable || !archive_entry_size_is_set(e) ? 0 : archive_entry_size(e);
	if (size < 0 || (uint64_t)size > ZIP_MEMBER_MAX)
		return refused(c, err, "a member is larger than any object");
	m->size = (uint64_t)size;
	c->total += m->size;
	if (c->total > ZIP_TOTAL_MAX)
		return refused(c, err, "its members together are larger than any study");
	if (c->total > ZIP_RATIO_FREE && c->total / ZIP_RATIO_MAX > c->s->size)
		return refused(c, err, "it would grow more than any image does");
	return RC_OK;
}

/* A tar archive ends with blocks of zeros (POSIX pax, ustar). One that does not was cut off between two members. */
static int check_end(struct container *c, struct err *err)
{
	static const uint8_t zeros[TAR_BLOCK];
	const uint8_t *p = NULL;
	size_t n = 1;
	int rc = RC_OK;

	if (c->media == MEDIA_ISO)
		return RC_OK;
	if (!c->gz && c->s->size >= TAR_BLOCK)
		rc = stream_read_full(c->s, c->s->size - TAR_BLOCK, c->tail, TAR_BLOCK, err);
	while (rc == RC_OK && c->gz && n) {	/* to the last CRC */
		rc = gunzip_more(c->gz, &p, &n, err);
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			if (p[i])
				rc = refused(c, err, "other bytes follow its end");
	}
	if (rc == RC_OK && memcmp(c->tail, zeros, TAR_BLOCK) != 0)
		rc = refused(c, err, "it has no end: it is cut off");
	return rc;
}

static int list(struct container *c, struct err *err)
{
	struct archive_entry *e = NULL;
	int rc = start(c, err);

	while (rc == RC_OK) {
		int arc = archive_read_next_header(c->a, &e);

		if (arc == ARCHIVE_EOF)
			break;
		if (arc != ARCHIVE_OK && arc != ARCHIVE_WARN)
			return broken(c, err, "it is damaged or cut off");
		c->at++;
		rc = add_entry(c, e, err);
	}
	return rc == RC_OK ? check_end(c, err) : rc;
}

/* Its one member is as large as it turns out to be; how much that may be, gunzip knows. */
static int list_lone(struct container *c, struct err *err)
{
	char name[GUNZIP_NAME_MAX + 1];
	uint64_t size = 0;
	int rc = gunzip_measure(c->s, &size, name, err);

	if (rc == RC_OK)
		rc = add(c, name, err);
	if (rc == RC_OK)
		c->v[0].size = size;
	return rc;
}

bool container_is(enum media media)
{
	return media == MEDIA_TAR || media == MEDIA_ISO || media == MEDIA_GZIP;
}

/* What cannot be inflated has no tar archive, and is refused when it is measured. */
static bool is_lone(struct container *c)
{
	uint8_t head[TAR_BLOCK];
	struct err ignored = { 0 };

	return c->media == MEDIA_GZIP && (gunzip_head(c->s, head, sizeof head, &ignored) != RC_OK ||
	    memcmp(head + TAR_MAGIC, "ustar", 5) != 0);
}

int container_open(struct container **out, struct stream *s, enum media media, struct err *err)
{
	struct container *c = calloc(1, sizeof *c);
	locale_t before = (locale_t)0;
	int rc = RC_OK;

	*out = NULL;
	if (!c)
		return err_set(err, ERR_TEMP, "no memory to read an archive");
	c->s = s;
	c->media = media;
	if (utf8)
		before = uselocale(utf8);
	c->lone = is_lone(c);
	rc = c->lone ? list_lone(c, err) : list(c, err);
	if (utf8)
		uselocale(before);
	if (rc != RC_OK) {
		container_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

size_t container_count(const struct container *c)
{
	return c->n;
}

const struct container_member *container_member(const struct container *c, size_t i)
{
	return &c->v[i];
}

size_t container_name(const struct container *c, size_t i, enum names names, char *to, size_t cap)
{
	const struct container_member *m = &c->v[i];

	if (c->lone && names == NAMES_AUTO)
		names = NAMES_LATIN1;	/* RFC 1952 2.3.1 */
	return names_utf8(text_utf8_valid(m->name, m->name_len) ? NAMES_UTF8 : names, m->name, m->name_len, to, cap);
}

int container_begin(struct container *c, size_t i, struct err *err)
{
	struct archive_entry *e = NULL;
	locale_t before = (locale_t)0;
	int rc = RC_OK;

	if (c->v[i].unreadable || c->v[i].directory)
		return err_set(err, ERR_INTERNAL, "member %zu has no content", i + 1);
	if (utf8)
		before = uselocale(utf8);
	if (!c->a || c->at > i)
		rc = start(c, err);
	while (rc == RC_OK && !c->lone && c->at <= i) {
		int arc = archive_read_next_header(c->a, &e);

		if (arc == ARCHIVE_OK || arc == ARCHIVE_WARN)
			c->at++;
		else
			rc = broken(c, err, "it is not what it was a moment ago");
	}
	if (utf8)
		uselocale(before);
	c->left = c->v[i].size;
	if (rc != RC_OK)
		stop(c);
	return rc;
}

static int more_of_lone(struct container *c, const void **p, size_t *n, struct err *err)
{
	const uint8_t *bytes = NULL;
	int rc = gunzip_more(c->gz, &bytes, n, err);

	*p = bytes;
	if (rc == RC_OK && (*n > c->left || (!*n && c->left)))
		rc = refused(c, err, "it is not what it was a moment ago");
	if (rc == RC_OK)
		c->left -= *n;
	return rc;
}

int container_more(struct container *c, const void **p, size_t *n, struct err *err)
{
	la_ssize_t got = 0;

	if (c->lone)
		return more_of_lone(c, p, n, err);
	got = archive_read_data(c->a, c->out, sizeof c->out);
	*p = c->out;
	*n = 0;
	if (got < 0 || (uint64_t)got > c->left || (got == 0 && c->left)) {
		size_t i = c->at;

		if (got < 0)	/* libarchive goes no further from here: the next member begins anew */
			stop(c);
		if (c->failed.kind != ERR_NONE)
			return broken(c, err, "");
		return err_set(err, ERR_DATA, "member %zu is damaged: it cannot be read to its size", i);
	}
	*n = (size_t)got;
	c->left -= *n;
	return RC_OK;
}

void container_close(struct container *c)
{
	if (!c)
		return;
	stop(c);
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].name);
	free(c->v);
	free(c);
}
