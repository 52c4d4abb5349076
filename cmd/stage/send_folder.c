/* folder: destinations. The parent copies bytes; what has to be understood (an older DICOMDIR) is read in
 * a jail. */
#include "stage/send_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "dicom/walk.h"
#include "media/sniff.h"

/* ---- the DICOMDIR that is there ---- */

struct entry_head { enum err_kind kind; char text[ERR_TEXT_MAX]; bool last; char path[FILESET_PATH_MAX];
	uint32_t bytes[FILESET_LEVELS]; };

static int tell(const struct buf level[FILESET_LEVELS], const char *path, void *arg, struct err *err)
{
	struct buf out = BUF_INIT(CHAN_MSG_MAX);
	struct entry_head h = { 0 };
	int rc;

	text_copy(h.path, sizeof h.path, path);
	for (size_t l = 0; l < FILESET_LEVELS; l++)
		h.bytes[l] = (uint32_t)level[l].len;
	rc = buf_add(&out, &h, sizeof h, err);
	for (size_t l = 0; rc == RC_OK && l < FILESET_LEVELS; l++)
		if (level[l].len)
			rc = buf_add(&out, level[l].data, level[l].len, err);
	if (rc == RC_OK)
		rc = chan_send(arg, out.data, out.len, NULL, 0, err);
	buf_free(&out);
	return rc;
}

static int index_run(struct chan *ch, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct entry_head end = { .last = true };
	struct stream *s = NULL;
	struct object *o = NULL;
	struct err err = { 0 };
	size_t nfds = 0;
	int fd = -1;
	int rc = chan_recv(ch, &msg, &fd, 1, &nfds, &err);

	(void)arg;
	if (rc == RC_OK)
		rc = stream_file(&s, fd, &err);
	if (rc == RC_OK)
		rc = walk_open(&o, s, &err);
	if (rc == RC_OK)
		rc = fileset_index_each(o, tell, ch, &err);
	if (rc != RC_OK) {
		end.kind = err.kind;
		text_copy(end.text, sizeof end.text, err.text);
	}
	walk_close(o);
	stream_close(s);
	buf_free(&msg);
	return chan_send(ch, &end, sizeof end, NULL, 0, &err) != RC_OK;
}

static int entry_take(struct fileset *f, const struct buf *msg, bool *last, struct err *err)
{
	struct buf level[FILESET_LEVELS];
	struct entry_head h;
	size_t at = sizeof h;

	if (msg->len < sizeof h)
		return err_set(err, ERR_INTERNAL, "the reader sent half an answer");
	memcpy(&h, msg->data, sizeof h);
	h.text[sizeof h.text - 1] = h.path[sizeof h.path - 1] = '\0';
	*last = h.last;
	if (h.last)
		return h.kind ? err_set(err, h.kind, "cannot add to the DICOMDIR of the folder: %s", h.text) : RC_OK;
	for (size_t l = 0; l < FILESET_LEVELS; l++) {
		if (h.bytes[l] > msg->len - at)
			return err_set(err, ERR_INTERNAL, "the reader sent half an answer");
		level[l] = (struct buf){ msg->data + at, h.bytes[l], 0, 0 };
		at += h.bytes[l];
	}
	return fileset_index_add(f, level, h.path, err);
}

static int index_read(struct send *s, struct fileset *f, struct err *err)
{
	struct jail jail = { .mode = (enum jail_mode)s->cli->config->sandbox };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct worker *w = NULL;
	struct err lost = { 0 };
	bool last = false;
	int fd = -1, rc = fileset_index_fd(f, &fd, err);

	if (rc != RC_OK || fd < 0)
		return rc;
	rc = worker_start(&w, &jail, NULL, index_run, NULL, err);
	if (rc == RC_OK)
		rc = chan_send(worker_chan(w), "r", 1, &fd, 1, err);
	close(fd);
	while (rc == RC_OK && !last) {
		if (chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &lost) != RC_OK) {
			worker_died(w, &lost);
			w = NULL;
			rc = err_set(err, lost.kind, "cannot read the DICOMDIR of the folder: %s", lost.text);
			break;
		}
		rc = entry_take(f, &msg, &last, err);
	}
	worker_stop(w, NULL, NULL);
	buf_free(&msg);
	fileset_index_kept(f);
	return rc;
}

/* ---- files ---- */

static const char *suffix_of(const char *type)
{
	for (int m = MEDIA_UNKNOWN; m <= MEDIA_EMPTY; m++)
		if (*type && strcmp(media_type((enum media)m), type) == 0)
			return media_suffix((enum media)m);
	return "";
}

/* *fate: FATE_ALREADY, or FATE_STORED once fileset_commit has been done. */
static int one(struct fileset *f, const char *path, struct stream *s, struct journal *j, int n,
    const char *hash, uint8_t *fate, struct err *err)
{
	enum fileset_state state = FILESET_ABSENT;
	char before[65] = "";
	bool ours = j && journal_get(j, n, before) == JOURNAL_STORED && strcmp(before, hash) == 0;
	int rc = fileset_look(f, path, s, !ours, &state, err);

	if (rc == RC_OK && state == FILESET_SAME) {
		*fate = FATE_ALREADY;
		return RC_OK;
	}
	if (rc == RC_OK && state == FILESET_OTHER && !ours) {
		(void)err_set(err, ERR_CANTCREAT, "another file stands at %s in the folder", path);
		err_advise(err, "name an empty folder");
		return err_rc(err->kind);
	}
	if (rc == RC_OK)
		rc = fileset_write(f, path, s, err);
	if (rc == RC_OK)
		*fate = FATE_STORED;
	return rc;
}

static int objects(struct send *s, struct send_set *set, struct fileset *f, struct journal *j, uint8_t *fate,
    struct send_tally *t, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < set->nobjects; i++) {
		struct send_object *o = &set->objects[i];
		struct cli_progress p = { .what = "writing", .bytes = t->bytes, .n = (long long)i, .total = t->objects };
		char path[FILESET_PATH_MAX];
		struct stream *st = NULL;
		struct age_key key;
		int fds[2];
		size_t nfds = 0;

		if (fate[i] != FATE_OPEN)
			continue;
		if (cli_stopped())
			return err_set(err, ERR_TEMP, "interrupted");
		if (set->import)
			rc = import_present(set->import, err);
		if (rc == RC_OK)
			rc = send_object_fds(set, o, fds, &nfds, &key, err);
		if (rc == RC_OK)
			rc = send_object_stream(&st, fds, nfds, &key, err);
		fileset_object_path(f, o->n, path);
		if (rc == RC_OK)
			rc = one(f, path, st, j, o->n, o->hash, &fate[i], err);
		if (rc == RC_OK && fate[i] == FATE_STORED)
			t->bytes += st->size;
		if (rc == RC_OK)
			rc = fileset_index_add(f, o->records.level, path, err);
		stream_close(st);
		hash_wipe(&key, sizeof key);
		cli_progress(s->cli, &p);
	}
	return rc;
}

static int documents(struct send_set *set, struct fileset *f, struct journal *j, uint8_t *fate,
    struct send_tally *t, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < set->ndocuments; i++) {
		const struct send_document *d = &set->documents[i];
		char path[FILESET_PATH_MAX];
		struct stream *st = NULL;

		rc = item_document_open(set->item, d->n, &st, err);
		fileset_document_path(f, d->n, suffix_of(d->media), path);
		if (rc == RC_OK)
			rc = one(f, path, st, j, JOURNAL_DOCUMENT + d->n, d->hash, &fate[i], err);
		if (rc == RC_OK && fate[i] == FATE_STORED)
			t->bytes += st->size;
		stream_close(st);
	}
	return rc;
}

int send_folder(struct send *s, struct send_set *set, const struct send_destination *d, struct journal *j,
    uint8_t *fate, uint8_t *document_fate, struct send_tally *t, struct err *err)
{
	struct fileset *f = NULL;
	char salt[512];
	int rc = RC_OK;

	snprintf(salt, sizeof salt, "%s\n%s", set->import ? import_id(set->import) : set->dir,
	    set->item ? item_name(set->item) : "");
	rc = fileset_open(&f, d->target.dir, salt, err);
	if (rc == RC_OK)
		rc = index_read(s, f, err);
	if (rc == RC_OK)
		rc = objects(s, set, f, j, fate, t, err);
	if (rc == RC_OK)
		rc = documents(set, f, j, document_fate, t, err);
	cli_progress_end(s->cli);
	if (rc == RC_OK)
		rc = fileset_commit(f, err);
	fileset_close(f);
	for (size_t i = 0; i < set->nobjects; i++) {
		if (fate[i] == FATE_STORED && rc != RC_OK)
			fate[i] = FATE_FAILED;	/* written, but not published */
		if (fate[i] == FATE_OPEN)
			fate[i] = FATE_FAILED;
	}
	for (size_t i = 0; i < set->ndocuments; i++)
		if (document_fate[i] == FATE_OPEN || (document_fate[i] == FATE_STORED && rc != RC_OK))
			document_fate[i] = FATE_FAILED;
	return rc;
}
