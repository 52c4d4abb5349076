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
#include "base/xml.h"
#include "dicom/charset.h"
#include "media/xdm.h"
#include "stage/unpack_side.h"

static void forget(struct unpack_side *sd)
{
	zip_close(sd->zip);
	container_close(sd->container);
	stream_close(sd->package);
	sd->of_folder = false;
	sd->zip = NULL;
	sd->container = NULL;
	sd->package = NULL;
}

static int recipient(struct unpack_side *sd, const json_t *j, struct err *err)
{
	const char *to = NULL;
	int rc = json_get_str(j, "request", "to", &to, err);

	sd->seal = to != NULL;
	if (rc == RC_OK && to && !text_unhex(to, sd->to.pub, sizeof sd->to.pub))
		rc = err_set(err, ERR_INTERNAL, "request without a recipient");
	return rc;
}

static int open_package(struct unpack_side *sd, const json_t *j, int fd)
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
		return side_reply_error(sd, &err);
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
	} else if (rc == RC_OK && container_is(sd->media)) {
		rc = container_open(&sd->container, sd->package, sd->media, &err);
	}
	if (rc != RC_OK)
		return side_reply_error(sd, &err);
	return side_reply(sd, json_make(&err, "{s:I,s:b,s:I,s:I,s:i,s:I}", "members", (json_int_t)side_members(sd),
	    "archive", sd->zip || sd->container, "content", (json_int_t)side_content(sd), "encrypted",
	    (json_int_t)(sd->zip ? zip_encrypted(sd->zip) : 0), "media", (int)sd->media, "bytes",
	    (json_int_t)sd->package->size), &err);
}

static int take_password(struct unpack_side *sd, const json_t *j)
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
		return side_reply_error(sd, &err);
	return side_reply(sd, json_make(&err, "{}"), &err);
}

static int hash_package(struct unpack_side *sd)
{
	struct err err = { 0 };
	char sha256[HASH_HEX];

	if (hash_stream(sd->package, sha256, &err) != RC_OK)
		return side_reply_error(sd, &err);
	return side_reply(sd, json_make(&err, "{s:s}", "sha256", sha256), &err);
}

/* An archive inside, as it is, into a file of the parent's: to be opened as if it were a package. */
static int spill(struct unpack_side *sd, const json_t *j, int fd)
{
	struct side_reader r = { 0 };
	struct age_recipient to;
	struct stream *out = NULL;
	struct err err = { 0 };
	const void *p = NULL;
	const char *hex = NULL;
	long long i = -1;
	size_t n = 1;
	int rc = json_get_str(j, "request", "to", &hex, &err);

	if (rc == RC_OK)
		rc = json_get_int(j, "request", "i", -1, &i, &err);
	if (rc == RC_OK && (!hex || !text_unhex(hex, to.pub, sizeof to.pub) || i < 0 || (uint64_t)i >= side_members(sd)))
		rc = err_set(&err, ERR_INTERNAL, "request out of bounds");
	if (rc == RC_OK)
		rc = spool_writer_fd(&out, fd, &to, &err);
	else
		close(fd);
	if (rc == RC_OK)
		rc = side_begin(sd, (size_t)i, &r, &err);
	while (rc == RC_OK && n) {
		rc = r.more(r.source, &p, &n, &err);
		if (rc == RC_OK && n)
			rc = stream_write(out, p, n, &err);
	}
	if (rc == RC_OK)
		rc = stream_commit(out, &err);
	stream_close(out);
	side_end(&r);
	return rc == RC_OK ? side_reply(sd, json_make(&err, "{}"), &err) : side_reply_error(sd, &err);
}

static int take_members(struct unpack_side *sd, const json_t *j, const int *fds, size_t nfds)
{
	const json_t *list = json_object_get(j, "members");
	int rc = RC_OK;

	for (size_t k = 0; k < json_array_size(list) && rc == RC_OK; k++) {
		json_int_t i = json_integer_value(json_array_get(list, k));

		if (i < 0 || (uint64_t)i >= side_members(sd))
			rc = RC_FATAL;
		else
			rc = side_take(sd, (uint32_t)i, k < nfds ? fds[k] : -1);
	}
	return rc;
}

static int take_file(struct unpack_side *sd, const json_t *j, const int *fds, size_t nfds)
{
	struct err err = { 0 };
	int rc = recipient(sd, j, &err);

	forget(sd);
	sd->of_folder = true;
	if (rc == RC_OK)
		rc = stream_file(&sd->package, fds[0], &err);
	if (rc != RC_OK)
		return side_reply_error(sd, &err);
	return side_take(sd, (uint32_t)json_integer_value(json_object_get(j, "i")), nfds > 1 ? fds[1] : -1);
}

void unpack_worker_prepare(bool password)
{
	struct err err = { 0 };

	xml_quiet();
	container_load();
	charset_load(&err);	/* what cannot be loaded stays unconverted */
	names_load(&err);
	if (password)
		zip_crypt_load(&err);
}

int unpack_worker(struct chan *chan, void *arg)
{
	struct unpack_side sd = { .chan = chan };
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
