/*
 * The jailed side of mri-unpack. It gets descriptors and answers in JSON, a
 * message a member:
 *
 *	{"do":"open","key":…,"header":…,"to":…,"check":…,"names":…} + package
 *	                              → {"members":…,"archive":…,"content":…,"encrypted":…,"media":…,"bytes":…}
 *	{"do":"password","hex":…}                                      → {}, or an error where it opens nothing
 *	{"do":"hash"}                                                  → {"sha256":…}
 *	{"do":"take","members":[…]} + outputs                          → {"i":…,…} for each
 *	{"do":"spill","i":…,"to":…} + output                           → {}
 *	{"do":"file","i":…,"to":…} + input + output                    → {"i":…,…}
 *
 * An answer that says "listing":N is followed by messages of N bytes together:
 * what the medium says of itself (media/listing.h).
 *
 * A failure of what was asked: {"error":kind,"text":…}. What is wrong with the
 * bytes is no failure: the member is set aside, with a reason.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "dicom/charset.h"
#include "media/container.h"
#include "media/xdm.h"
#include "media/zip.h"
#include "stage/unpack_flow.h"
#include "stage/unpack_impl.h"
#include "stage/unpack_judge.h"

#define COPY_STEP	((size_t)256 << 10)

struct side {
	struct chan *chan;
	struct stream *package;
	struct zip *zip;		/* one of these, or the package is a file by itself */
	struct container *container;
	enum media media;
	enum names names;		/* chosen by a person: the code page of names that do not say theirs */
	struct age_recipient to;
	bool seal;
	bool of_folder;		/* the package is one file of a folder */
	uint8_t *bytes;		/* of members that fit in memory */
	size_t cap;
};

static int reply(struct side *sd, json_t *j, struct err *err)
{
	struct buf b = BUF_INIT(CHAN_MSG_MAX);
	int rc = RC_OK;

	if (!j)
		return err_rc(err->kind);
	rc = json_write(j, &b, err);
	if (rc == RC_OK)
		rc = chan_send(sd->chan, b.data, b.len, NULL, 0, err);
	buf_free(&b);
	json_decref(j);
	return rc;
}

static int reply_error(struct side *sd, const struct err *what)
{
	struct err err = { 0 };

	return reply(sd, json_make(&err, "{s:i,s:s}", "error", (int)what->kind, "text", what->text), &err);
}

static int reply_member(struct side *sd, uint32_t i, const struct judgement *j)
{
	struct err err = { 0 };
	json_t *o = json_make(&err, "{s:I,s:I,s:i,s:i,s:b,s:s,s:s,s:s}", "i", (json_int_t)i, "bytes",
	    (json_int_t)j->bytes, "media", (int)j->media, "fate", (int)j->fate, "data", j->data, "label", j->label,
	    "reason", j->reason, "sha256", j->sha256);

	if (o && j->fate == FATE_OBJECT) {
		json_t *d = json_make(&err, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}",
		    "class", j->sop_class, "sop", j->sop_uid, "study", j->study_uid, "series", j->series_uid,
		    "syntax", j->transfer_syntax, "modality", j->modality, "date", j->study_date, "description",
		    j->description, "name", j->name, "id", j->id, "issuer", j->issuer, "birth", j->birth, "sex",
		    j->sex, "number", (json_int_t)j->number);

		if (!d || json_object_set_new(o, "dicom", d) != 0) {
			json_decref(o);
			return err_set(&err, ERR_TEMP, "no memory");
		}
	}
	if (o && j->sha1[0] && (json_object_set_new(o, "sha1", json_string(j->sha1)) != 0 ||
	    json_object_set_new(o, "uids", json_string(j->uids)) != 0)) {
		json_decref(o);
		return err_set(&err, ERR_TEMP, "no memory");
	}
	if (o && j->listing.len && json_object_set_new(o, "listing", json_integer((json_int_t)j->listing.len)) != 0) {
		json_decref(o);
		return err_set(&err, ERR_TEMP, "no memory");
	}
	int rc = reply(sd, o, &err);

	for (size_t at = 0; rc == RC_OK && at < j->listing.len;) {
		size_t n = j->listing.len - at < CHAN_MSG_MAX ? j->listing.len - at : CHAN_MSG_MAX;

		rc = chan_send(sd->chan, j->listing.data + at, n, NULL, 0, &err);
		at += n;
	}
	return rc;
}

/* Where the bytes of a member go: hashed, and sealed into the output where there is one. */
struct sink {
	struct hash *hash;
	struct stream *out;
};

static int sink_open(struct side *sd, struct sink *k, int fd, struct err *err)
{
	int rc = hash_new(&k->hash, err);

	k->out = NULL;
	if (rc != RC_OK || fd < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	rc = spool_writer_fd(&k->out, fd, sd->seal ? &sd->to : NULL, err);
	if (rc != RC_OK)
		hash_free(k->hash);
	return rc;
}

static int sink_add(struct sink *k, const void *p, size_t n, struct err *err)
{
	int rc = hash_add(k->hash, p, n, err);

	if (rc == RC_OK && k->out)
		rc = stream_write(k->out, p, n, err);
	return rc;
}

static int sink_end(struct sink *k, char sha256[65], struct err *err)
{
	uint8_t digest[HASH_LEN];
	int rc = hash_end(k->hash, digest, err);

	if (rc == RC_OK && k->out)
		rc = stream_commit(k->out, err);
	if (rc == RC_OK)
		text_hex(digest, sizeof digest, sha256);
	return rc;
}

static void sink_close(struct sink *k)
{
	hash_free(k->hash);
	stream_close(k->out);
}

static int sink_take(void *sink, const void *p, size_t n, struct err *err)
{
	return sink_add(sink, p, n, err);
}

/* --- members of both kinds of archive ------------------------------------------------ */

/* What the parent and a person get to know of a member before it is read. */
struct about {
	uint64_t size;
	bool directory, data;	/* data: what is not read may be data */
	const char *unreadable;
};

static size_t members(const struct side *sd)
{
	return sd->zip ? zip_count(sd->zip) : sd->container ? container_count(sd->container) : 1;
}

static void about(const struct side *sd, size_t i, struct about *a)
{
	memset(a, 0, sizeof *a);
	a->data = true;
	if (sd->zip) {
		const struct zip_member *m = zip_member(sd->zip, i);

		a->size = m->size;
		a->directory = m->directory;
		a->unreadable = m->symlink ? "a symbolic link" : m->unreadable;
	} else if (sd->container) {
		const struct container_member *m = container_member(sd->container, i);

		a->size = m->size;
		a->directory = m->directory;
		a->unreadable = m->unreadable;
		a->data = !m->twin;
	} else {
		a->size = sd->package->size;
	}
}

/* What it is called, escaped. */
static void label(const struct side *sd, size_t i, char out[UNPACK_LABEL])
{
	char name[4 * UNPACK_LABEL];	/* of longer ones the label has not even this */
	size_t n = sd->zip ? zip_name(zip_member(sd->zip, i), sd->names, name, sizeof name)
	    : sd->container ? container_name(sd->container, i, sd->names, name, sizeof name) : 0;

	text_escape(out, UNPACK_LABEL, name, n);
}

static uint64_t content(const struct side *sd)
{
	uint64_t total = 0;
	struct about a;

	for (size_t i = 0; i < members(sd); i++) {
		about(sd, i, &a);
		total += a.size;	/* the readers cap each, and all together */
	}
	return total;
}

static int more_of_zip(void *r, const void **p, size_t *n, struct err *err)
{
	return zip_more(r, p, n, err);
}

static int more_of_container(void *c, const void **p, size_t *n, struct err *err)
{
	return container_more(c, p, n, err);
}

static int take_large(struct side *sd, uint32_t i, struct sink *k, struct judgement *j, struct err *err)
{
	struct flow f = { .take = sink_take, .sink = k, .size = j->bytes };
	struct zip_reader *r = NULL;
	int rc = sd->zip ? zip_begin(&r, sd->zip, i, err) : container_begin(sd->container, i, err);

	f.more = sd->zip ? more_of_zip : more_of_container;
	f.source = sd->zip ? (void *)r : (void *)sd->container;
	if (rc == RC_OK)
		rc = flow_judge(&f, j, err);
	zip_end(r);
	return rc;
}

/* All of a container's member into memory that is large enough. */
static int read_container(struct container *c, uint32_t i, uint8_t *to, struct err *err)
{
	const void *p = NULL;
	size_t n = 1;
	int rc = container_begin(c, i, err);

	while (rc == RC_OK && n) {
		rc = container_more(c, &p, &n, err);
		if (rc == RC_OK && n)
			memcpy(to, p, n);
		to += n;
	}
	return rc;
}

static int take_small(struct side *sd, uint32_t i, struct sink *k, struct judgement *j, struct err *err)
{
	size_t size = (size_t)j->bytes;
	struct stream *s = NULL;
	int rc = RC_OK;

	if (size > sd->cap) {
		uint8_t *p = realloc(sd->bytes, size);

		if (!p)
			return err_set(err, ERR_TEMP, "no memory to unpack");
		sd->bytes = p;
		sd->cap = size;
	}
	rc = sd->zip ? zip_read(sd->zip, i, sd->bytes, err) : read_container(sd->container, i, sd->bytes, err);
	if (rc == RC_OK)
		rc = stream_mem(&s, sd->bytes, size, err);
	if (rc == RC_OK)
		rc = judge(s, j, err);
	if (rc == RC_OK && j->fate != FATE_ASIDE)
		rc = sink_add(k, sd->bytes, size, err);
	stream_close(s);
	return rc;
}

/* A disc that is scratched: that file is set aside, the rest goes on. A package of ours that cannot be read is no fate,
 * the next run may read it. */
static int unread(const struct side *sd, int rc, struct err *err)
{
	if (rc == RC_OK || err->kind != ERR_IO || !sd->of_folder)
		return rc;
	err->kind = ERR_DATA;
	return RC_FAILED;
}

static int take_stream(struct side *sd, struct sink *k, struct judgement *j, struct err *err)
{
	struct stream *s = sd->package;
	uint8_t *step = NULL;
	int rc = unread(sd, judge(s, j, err), err);

	if (rc != RC_OK || j->fate == FATE_ASIDE)
		return rc;
	step = malloc(COPY_STEP);
	if (!step)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	for (uint64_t off = 0; rc == RC_OK && off < s->size;) {
		size_t n = s->size - off < COPY_STEP ? (size_t)(s->size - off) : COPY_STEP;

		rc = unread(sd, stream_read_full(s, off, step, n, err), err);
		if (rc == RC_OK)
			rc = sink_add(k, step, n, err);
		off += n;
	}
	free(step);
	return rc;
}

static bool fits_memory(const struct side *sd, uint32_t i, uint64_t size)
{
	return size <= ZIP_READ_MAX && (!sd->zip || zip_member(sd->zip, i)->packed <= ZIP_READ_MAX);
}

/* One member into its output. An error about the data sets it aside; any other is for the parent. */
static int take(struct side *sd, uint32_t i, int fd)
{
	struct judgement j = { .fate = FATE_ASIDE, .data = true };
	struct err err = { 0 };
	struct sink k = { 0 };
	struct about a;
	int rc = RC_OK;

	about(sd, i, &a);
	j.bytes = a.size;
	label(sd, i, j.label);
	if (a.directory) {
		j.data = false;
		text_copy(j.reason, sizeof j.reason, "a directory");
	} else if (a.unreadable) {
		j.data = a.data;
		text_copy(j.reason, sizeof j.reason, a.unreadable);
	} else {
		rc = sink_open(sd, &k, fd, &err);
		fd = -1;
		if (rc == RC_OK && !sd->zip && !sd->container)
			rc = take_stream(sd, &k, &j, &err);
		else if (rc == RC_OK && fits_memory(sd, i, a.size))
			rc = take_small(sd, i, &k, &j, &err);
		else if (rc == RC_OK)
			rc = take_large(sd, i, &k, &j, &err);
		if (rc == RC_OK && j.fate != FATE_ASIDE)
			rc = sink_end(&k, j.sha256, &err);
		sink_close(&k);
	}
	if (fd >= 0)
		close(fd);
	if (rc != RC_OK && err.kind != ERR_DATA) {
		buf_wipe(&j.listing);
		return reply_error(sd, &err);
	}
	if (rc != RC_OK) {
		j.fate = FATE_ASIDE;
		j.data = true;
		text_copy(j.reason, sizeof j.reason, err.text);
	}
	rc = reply_member(sd, i, &j);
	buf_wipe(&j.listing);
	return rc;
}

static void forget(struct side *sd)
{
	zip_close(sd->zip);
	container_close(sd->container);
	stream_close(sd->package);
	sd->of_folder = false;
	sd->zip = NULL;
	sd->container = NULL;
	sd->package = NULL;
}

static int recipient(struct side *sd, const json_t *j, struct err *err)
{
	const char *to = NULL;
	int rc = json_get_str(j, "request", "to", &to, err);

	sd->seal = to != NULL;
	if (rc == RC_OK && to && !text_unhex(to, sd->to.pub, sizeof sd->to.pub))
		rc = err_set(err, ERR_INTERNAL, "request without a recipient");
	return rc;
}

static int open_package(struct side *sd, const json_t *j, int fd)
{
	struct err err = { 0 };
	struct age_key key = { .header = 0 };
	const char *hex = NULL;
	long long header = 0, names = NAMES_AUTO;
	bool check = false;
	int rc = recipient(sd, j, &err);

	forget(sd);
	if (rc == RC_OK)
		rc = json_get_str(j, "request", "key", &hex, &err);
	if (rc == RC_OK)
		rc = json_get_int(j, "request", "header", 0, &header, &err);
	if (rc == RC_OK)
		rc = json_get_bool(j, "request", "check", false, &check, &err);
	if (rc == RC_OK)
		rc = json_get_int(j, "request", "names", NAMES_AUTO, &names, &err);
	if (rc == RC_OK && (!hex || !text_unhex(hex, key.file_key, sizeof key.file_key)))
		rc = err_set(&err, ERR_INTERNAL, "request without a key");
	if (rc != RC_OK) {
		close(fd);
		return reply_error(sd, &err);
	}
	key.header = (uint64_t)header;
	sd->names = (enum names)names;
	rc = spool_stream_fd(&sd->package, fd, &key, &err);
	hash_wipe(&key, sizeof key);
	if (rc == RC_OK)
		rc = sniff_stream(sd->package, &sd->media, &err);
	if (rc == RC_OK && sd->media == MEDIA_ZIP) {
		rc = zip_open(&sd->zip, sd->package, &err);
		if (rc == RC_OK && check)
			rc = zip_check_headers(sd->zip, &err);
	} else if (rc == RC_OK && container_fits(sd->package, sd->media)) {
		rc = container_open(&sd->container, sd->package, sd->media, &err);
	}
	if (rc != RC_OK)
		return reply_error(sd, &err);
	return reply(sd, json_make(&err, "{s:I,s:b,s:I,s:I,s:i,s:I}", "members",
	    (json_int_t)members(sd), "archive", sd->zip || sd->container, "content", (json_int_t)content(sd), "encrypted",
	    (json_int_t)(sd->zip ? zip_encrypted(sd->zip) : 0), "media", (int)sd->media, "bytes",
	    (json_int_t)sd->package->size), &err);
}

static int take_password(struct side *sd, const json_t *j)
{
	uint8_t bytes[ZIP_PASSWORD_MAX];
	struct err err = { 0 };
	const char *hex = NULL;
	size_t n = 0;
	int rc = json_get_str(j, "request", "hex", &hex, &err);

	n = rc == RC_OK && hex ? strlen(hex) / 2 : 0;
	if (rc == RC_OK && (!hex || n > sizeof bytes || !text_unhex(hex, bytes, n)))
		rc = err_set(&err, ERR_INTERNAL, "request without a password");
	if (rc == RC_OK)
		rc = zip_password(sd->zip, bytes, n, &err);
	hash_wipe(bytes, sizeof bytes);
	if (rc != RC_OK)
		return reply_error(sd, &err);
	return reply(sd, json_make(&err, "{}"), &err);
}

static int hash_package(struct side *sd)
{
	struct err err = { 0 };
	char sha256[HASH_HEX];

	if (hash_stream(sd->package, sha256, &err) != RC_OK)
		return reply_error(sd, &err);
	return reply(sd, json_make(&err, "{s:s}", "sha256", sha256), &err);
}

/* An archive inside, as it is, into a file of the parent's: to be opened as if it were a package. */
static int spill(struct side *sd, const json_t *j, int fd)
{
	int (*more)(void *, const void **, size_t *, struct err *) = sd->zip ? more_of_zip : more_of_container;
	struct age_recipient to;
	struct zip_reader *r = NULL;
	struct stream *out = NULL;
	struct err err = { 0 };
	const void *p = NULL;
	const char *hex = NULL;
	long long i = -1;
	size_t n = 1;
	int rc = json_get_str(j, "request", "to", &hex, &err);

	if (rc == RC_OK)
		rc = json_get_int(j, "request", "i", -1, &i, &err);
	if (rc == RC_OK && (!hex || !text_unhex(hex, to.pub, sizeof to.pub) || i < 0 || (uint64_t)i >= members(sd)))
		rc = err_set(&err, ERR_INTERNAL, "request out of bounds");
	if (rc == RC_OK)
		rc = spool_writer_fd(&out, fd, &to, &err);
	else
		close(fd);
	if (rc == RC_OK)
		rc = sd->zip ? zip_begin(&r, sd->zip, (size_t)i, &err) : container_begin(sd->container, (size_t)i, &err);
	while (rc == RC_OK && n) {
		rc = more(sd->zip ? (void *)r : (void *)sd->container, &p, &n, &err);
		if (rc == RC_OK && n)
			rc = stream_write(out, p, n, &err);
	}
	if (rc == RC_OK)
		rc = stream_commit(out, &err);
	stream_close(out);
	zip_end(r);
	return rc == RC_OK ? reply(sd, json_make(&err, "{}"), &err) : reply_error(sd, &err);
}

static int take_members(struct side *sd, const json_t *j, const int *fds, size_t nfds)
{
	const json_t *list = json_object_get(j, "members");
	int rc = RC_OK;

	for (size_t k = 0; k < json_array_size(list) && rc == RC_OK; k++) {
		json_int_t i = json_integer_value(json_array_get(list, k));

		if (i < 0 || (uint64_t)i >= members(sd))
			rc = RC_FATAL;
		else
			rc = take(sd, (uint32_t)i, k < nfds ? fds[k] : -1);
	}
	return rc;
}

static int take_file(struct side *sd, const json_t *j, const int *fds, size_t nfds)
{
	struct err err = { 0 };
	int rc = recipient(sd, j, &err);

	forget(sd);
	sd->of_folder = true;
	if (rc == RC_OK)
		rc = stream_file(&sd->package, fds[0], &err);
	if (rc != RC_OK)
		return reply_error(sd, &err);
	return take(sd, (uint32_t)json_integer_value(json_object_get(j, "i")), nfds > 1 ? fds[1] : -1);
}

void unpack_worker_prepare(bool password)
{
	struct err err = { 0 };

	xdm_load();
	container_load();
	charset_load(&err);	/* what cannot be loaded stays unconverted */
	names_load(&err);
	if (password)
		zip_crypt_load(&err);
}

int unpack_worker(struct chan *chan, void *arg)
{
	struct side sd = { .chan = chan };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	int rc = RC_OK;

	(void)arg;
	while (rc == RC_OK) {
		int fds[CHAN_FDS_MAX];
		size_t nfds = 0;
		json_t *j = NULL;
		const char *what = NULL;

		if (chan_recv(chan, &msg, fds, CHAN_FDS_MAX, &nfds, &err) != RC_OK)
			break;
		rc = json_parse(msg.data, msg.len, &j, &err);
		if (rc == RC_OK)
			rc = json_get_str(j, "request", "do", &what, &err);
		if (rc != RC_OK || !what)
			return 2;
		if (!strcmp(what, "open") && nfds == 1)
			rc = open_package(&sd, j, fds[0]);
		else if (!strcmp(what, "password") && sd.zip)
			rc = take_password(&sd, j);
		else if (!strcmp(what, "spill") && (sd.zip || sd.container) && nfds == 1)
			rc = spill(&sd, j, fds[0]);
		else if (!strcmp(what, "hash") && sd.package)
			rc = hash_package(&sd);
		else if (!strcmp(what, "take") && sd.package)
			rc = take_members(&sd, j, fds, nfds);
		else if (!strcmp(what, "file") && nfds >= 1)
			rc = take_file(&sd, j, fds, nfds);
		else
			rc = RC_FATAL;
		json_decref(j);
	}
	forget(&sd);
	free(sd.bytes);
	buf_free(&msg);
	return rc == RC_OK ? 0 : 2;
}
