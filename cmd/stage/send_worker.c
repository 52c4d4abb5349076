/*
 * The reader of mri-send: a jailed process that walks every object as it will
 * be sent, holds it against the plan of mri-retag, and says what the network
 * side must know: class, instance, transfer syntax, where the data set begins.
 */
#include "stage/send_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "dicom/kind.h"
#include "dicom/walk.h"
#include "media/sniff.h"
#include "reconcile/plan.h"
#include "reconcile/verify.h"

#define WINDOW	8	/* objects on their way to the reader: hides the change of process */

struct ask {
	uint32_t index;
	bool folder;		/* a file of a folder: it may be something other than DICOM */
	struct age_key key;
	char sha256[HASH_HEX];	/* of the original, "": sealed, so reading it is proof */
};

enum verdict { READ_READY = 1, READ_SKIP, READ_BROKEN, READ_UNTRUE };

struct answer {
	uint32_t index;
	enum verdict verdict;
	enum err_kind kind;
	char text[ERR_TEXT_MAX];
	char sop_class[65], sop_uid[65], series_uid[65], study_uid[65], transfer_syntax[65];
	uint64_t dataset, size;
	uint32_t records[FILESET_LEVELS];	/* bytes of the records that follow */
};

/* ---- pieces in a descriptor ---- */

struct opened {
	struct stream *inner;
	struct pieces pieces;
};

static int opened_read(struct stream *s, uint64_t off, void *to, size_t n, size_t *got, struct err *err)
{
	return stream_read(((struct opened *)s->ctx)->inner, off, to, n, got, err);
}

static void opened_close(struct stream *s)
{
	struct opened *o = s->ctx;

	stream_close(o->inner);
	pieces_free(&o->pieces);
	free(o);
}

static const struct stream_ops opened_ops = { .read = opened_read, .close = opened_close };

static int pieces_put(const struct pieces *p, int *fd, struct err *err)
{
	uint64_t n = p->n;
	int rc = RC_OK;

	*fd = memfd_create("pieces", MFD_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, errno, "cannot pass an object on");
	rc = io_write_full(*fd, &n, sizeof n, err);
	if (rc == RC_OK && n)
		rc = io_write_full(*fd, p->v, p->n * sizeof *p->v, err);
	if (rc == RC_OK && p->bytes.len)
		rc = io_write_full(*fd, p->bytes.data, p->bytes.len, err);
	if (rc != RC_OK) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

static int pieces_get(int fd, struct pieces *p, struct err *err)
{
	struct stream *s = NULL;
	struct piece *v = NULL;
	uint64_t n = 0, off = sizeof n;
	int rc = stream_file(&s, fd, err);

	if (rc == RC_OK)
		rc = stream_read_full(s, 0, &n, sizeof n, err);
	if (rc == RC_OK && n > PIECES_MAX)
		rc = err_set(err, ERR_INTERNAL, "an object of too many pieces");
	if (rc == RC_OK && !(v = calloc(n + 1, sizeof *v)))
		rc = err_set(err, ERR_TEMP, "no memory for the pieces of an object");
	if (rc == RC_OK)
		rc = stream_read_full(s, off, v, n * sizeof *v, err);
	off += n * sizeof *v;
	if (rc == RC_OK && s->size > off) {
		size_t more = (size_t)(s->size - off);
		p->bytes.max = more + 1;
		rc = buf_grow(&p->bytes, more, err);
		if (rc == RC_OK)
			rc = stream_read_full(s, off, p->bytes.data, more, err);
		if (rc == RC_OK)
			p->bytes.len = more;
	}
	if (rc == RC_OK) {
		p->v = v;
		p->n = p->cap = n;
		v = NULL;
	}
	free(v);
	stream_close(s);
	return rc;
}

int send_object_fds(const struct send_set *set, const struct send_object *o, int fds[2], size_t *nfds,
    struct age_key *key, struct err *err)
{
	struct pieces p = { 0 };
	int rc;

	fds[0] = fds[1] = -1;
	*nfds = 1;
	if (!set->item) {
		memset(key, 0, sizeof *key);
		fds[0] = openat(set->dirfd, set->paths[o->n - 1], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		return fds[0] < 0 ? err_sys(err, errno, "cannot open file %d of the folder", o->n) : RC_OK;
	}
	rc = item_object_fd(set->item, o->n, &fds[0], key, err);
	if (rc == RC_OK && set->overlay) {
		rc = overlay_pieces(set->overlay, o->n, &p, err);
		if (rc == RC_OK)
			rc = pieces_put(&p, &fds[1], err);
		*nfds = 2;
	}
	pieces_free(&p);
	if (rc != RC_OK && fds[0] >= 0) {
		close(fds[0]);
		fds[0] = -1;
	}
	return rc;
}

int send_object_stream(struct stream **out, const int *fds, size_t nfds, const struct age_key *key,
    struct err *err)
{
	struct opened *o = NULL;
	struct stream *original = NULL;
	int rc = spool_stream_fd(&original, fds[0], key, err);

	*out = NULL;
	if (nfds < 2) {
		*out = original;
		return rc;
	}
	if (rc != RC_OK) {
		close(fds[1]);
		return rc;
	}
	o = calloc(1, sizeof *o);
	if (!o) {
		close(fds[1]);
		stream_close(original);
		return err_set(err, ERR_TEMP, "no memory for an object");
	}
	rc = pieces_get(fds[1], &o->pieces, err);
	if (rc != RC_OK)
		stream_close(original);
	else
		rc = piece_stream(&o->inner, original, &o->pieces, err);
	if (rc == RC_OK)
		rc = stream_new(out, &opened_ops, o, o->inner->size, err);
	if (rc != RC_OK) {
		stream_close(o->inner);
		pieces_free(&o->pieces);
		free(o);
	}
	return rc;
}

/* ---- the jailed side ---- */

struct reader { const json_t *plan; bool records; struct plan *loaded; };	/* loaded: in the worker, at need */

static int facts(const struct object *ob, struct answer *a, struct err *err)
{
	int rc = walk_text(ob, TAG(0x0008, 0x0016), a->sop_class, sizeof a->sop_class, NULL, err);

	if (rc == RC_OK)
		rc = walk_text(ob, TAG(0x0008, 0x0018), a->sop_uid, sizeof a->sop_uid, NULL, err);
	if (rc == RC_OK)
		rc = walk_text(ob, TAG(0x0020, 0x000d), a->study_uid, sizeof a->study_uid, NULL, err);
	if (rc == RC_OK)
		rc = walk_text(ob, TAG(0x0020, 0x000e), a->series_uid, sizeof a->series_uid, NULL, err);
	if (rc == RC_OK && (!a->sop_class[0] || !a->sop_uid[0]))
		rc = err_set(err, ERR_DATA, "has no SOP Class or no SOP Instance UID");
	text_copy(a->transfer_syntax, sizeof a->transfer_syntax, ob->transfer_syntax);
	a->dataset = ob->file_dataset;
	a->size = ob->file->size;
	return rc;
}

static void read_one(struct reader *r, const struct ask *q, const int *fds, size_t nfds,
    struct answer *a, struct buf records[FILESET_LEVELS])
{
	struct stream *changed = NULL, *original = NULL;
	struct object *ob = NULL;
	struct err err = { 0 };
	enum media kind = MEDIA_UNKNOWN;
	int again = nfds == 2 ? dup(fds[0]) : -1;
	int rc = send_object_stream(&changed, fds, nfds, &q->key, &err);

	a->verdict = READ_BROKEN;
	if (again >= 0) {	/* the original by itself, for the comparison */
		struct err second = { 0 };
		if (spool_stream_fd(&original, again, &q->key, &second) != RC_OK && rc == RC_OK) {
			err = second;
			rc = err_rc(err.kind);
		}
	}
	if (rc == RC_OK && q->sha256[0]) {
		char hex[HASH_HEX];
		rc = hash_stream(original ? original : changed, hex, &err);
		if (rc == RC_OK && strcmp(hex, q->sha256) != 0)
			rc = err_set(&err, ERR_DATA, "is not what was unpacked: changed on disk since");
	}
	if (rc == RC_OK && q->folder) {
		rc = sniff_stream(changed, &kind, &err);
		if (rc == RC_OK && kind != MEDIA_DICOM) {
			a->verdict = READ_SKIP;
			goto out;
		}
	}
	if (rc == RC_OK)
		rc = walk_open(&ob, changed, &err);
	if (rc == RC_OK && q->folder && kind_is_worklist(ob)) {
		a->verdict = READ_SKIP;
		goto out;
	}
	if (rc == RC_OK)
		rc = facts(ob, a, &err);
	if (rc == RC_OK && original) {
		rc = r->loaded != NULL ? RC_OK : plan_load(&r->loaded, r->plan, &err);
		if (rc == RC_OK)
			rc = plan_verify_loaded(r->loaded, original, changed, &err);
		if (rc != RC_OK)
			a->verdict = READ_UNTRUE;
	}
	if (rc == RC_OK && r->records)
		rc = fileset_records_make(ob, records, &err);
	if (rc == RC_OK)
		a->verdict = READ_READY;
out:
	if (rc != RC_OK) {
		a->kind = err.kind ? err.kind : ERR_DATA;
		text_copy(a->text, sizeof a->text, err.text);
	}
	walk_close(ob);
	stream_close(changed);
	stream_close(original);
}

static int run(struct chan *ch, void *arg)
{
	struct reader *r = arg;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1), out = BUF_INIT(CHAN_MSG_MAX);
	struct buf records[FILESET_LEVELS];
	struct err err = { 0 };
	int fds[2];
	size_t nfds = 0;

	for (size_t i = 0; i < FILESET_LEVELS; i++)
		records[i] = (struct buf)BUF_INIT(CHAN_MSG_MAX / 8);
	while (chan_recv(ch, &msg, fds, 2, &nfds, &err) == RC_OK) {
		struct ask q;
		struct answer a = { 0 };

		if (msg.len != sizeof q || nfds < 1)
			return 1;
		memcpy(&q, msg.data, sizeof q);
		a.index = q.index;
		for (size_t i = 0; i < FILESET_LEVELS; i++)
			buf_clear(&records[i]);
		read_one(r, &q, fds, nfds, &a, records);
		for (size_t i = 0; i < FILESET_LEVELS; i++)
			a.records[i] = (uint32_t)records[i].len;
		buf_clear(&out);
		if (buf_add(&out, &a, sizeof a, &err) != RC_OK)
			return 1;
		for (size_t i = 0; i < FILESET_LEVELS; i++)
			if (buf_add(&out, records[i].data, records[i].len, &err) != RC_OK)
				return 1;
		if (chan_send(ch, out.data, out.len, NULL, 0, &err) != RC_OK)
			return 1;
	}
	plan_free(r->loaded);
	return 0;
}

/* ---- the parent ---- */

static int spoil(struct send_object *o, enum err_kind kind, const char *text, struct err *err)
{
	o->ready = false;
	o->bad = kind ? kind : ERR_DATA;
	free(o->why);
	o->why = text_dup(text, err);
	return o->why ? RC_OK : err_rc(err->kind);
}

/* What comes out of the jail is held against what it may be. */
static bool plausible(const struct answer *a)
{
	return text_is_uid(a->sop_class) && text_is_uid(a->sop_uid) && text_is_uid(a->transfer_syntax) &&
	    (!a->series_uid[0] || text_is_uid(a->series_uid)) && (!a->study_uid[0] || text_is_uid(a->study_uid)) &&
	    a->dataset < a->size;
}

static int take(struct send_set *set, size_t index, const struct buf *msg, struct err *err)
{
	struct send_object *o = &set->objects[index];
	size_t at = sizeof(struct answer);
	struct answer a;
	int rc = RC_OK;

	if (msg->len < sizeof a)
		return err_set(err, ERR_INTERNAL, "the reader sent half an answer");
	memcpy(&a, msg->data, sizeof a);
	a.text[sizeof a.text - 1] = '\0';
	a.sop_class[64] = a.sop_uid[64] = a.series_uid[64] = a.study_uid[64] = a.transfer_syntax[64] = '\0';
	if (a.index != index)
		return err_set(err, ERR_INTERNAL, "the reader answered for another object");
	switch (a.verdict) {
	case READ_READY:
		break;
	case READ_SKIP:
		o->n = 0;
		return RC_OK;
	case READ_UNTRUE:
		(void)err_set(err, a.kind == ERR_TEMP ? ERR_TEMP : ERR_PERSON,
		    "object %d is not what the plan of mri-retag makes of it: %s", o->n, a.text);
		err_advise(err, "nothing was sent; run mri-retag again");
		return err_rc(err->kind);
	default:
		return spoil(o, a.kind, a.text, err);
	}
	if (!plausible(&a))
		return spoil(o, ERR_DATA, "has a UID that is not well-formed", err);
	o->ready = true;
	text_copy(o->sop_class, sizeof o->sop_class, a.sop_class);
	text_copy(o->sop_uid, sizeof o->sop_uid, a.sop_uid);
	text_copy(o->series_uid, sizeof o->series_uid, a.series_uid);
	text_copy(o->transfer_syntax, sizeof o->transfer_syntax, a.transfer_syntax);
	o->dataset = a.dataset;
	o->size = a.size;
	text_copy(o->study_uid, sizeof o->study_uid, a.study_uid);
	for (size_t i = 0; rc == RC_OK && i < FILESET_LEVELS; i++) {
		if (a.records[i] > msg->len - at)
			return err_set(err, ERR_INTERNAL, "the reader sent half an answer");
		if (a.records[i])
			rc = buf_add(&o->records.level[i], msg->data + at, a.records[i], err);
		at += a.records[i];
	}
	return rc;
}

int send_prepare(struct send *s, struct send_set *set, struct err *err)
{
	struct jail jail = { .mode = (enum jail_mode)s->cli->config->sandbox };
	struct reader reader = { set->overlay ? overlay_plan(set->overlay) : NULL, set->records, NULL };
	struct worker *w = NULL;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	size_t asked = 0, answered = 0;
	int rc = RC_OK;

	while (rc == RC_OK && answered < set->nobjects && !cli_stopped()) {
		struct err lost = { 0 };

		if (!w) {
			rc = worker_start(&w, &jail, plan_prepare, run, &reader, err);
			if (rc != RC_OK)
				break;
			asked = answered;
		}
		while (rc == RC_OK && asked < set->nobjects && asked - answered < WINDOW) {
			struct ask q = { .index = (uint32_t)asked, .folder = !set->item };
			int fds[2];
			size_t nfds = 0;

			rc = send_object_fds(set, &set->objects[asked], fds, &nfds, &q.key, err);
			if (rc != RC_OK)
				break;
			if (set->manifest && q.key.header == 0)
				text_copy(q.sha256, sizeof q.sha256, set->manifest->objects[asked].sha256);
			rc = chan_send(worker_chan(w), &q, sizeof q, fds, nfds, &lost);
			for (size_t i = 0; i < nfds; i++)
				close(fds[i]);
			hash_wipe(&q.key, sizeof q.key);
			if (rc == RC_OK)
				asked++;
		}
		if (rc == RC_OK && lost.kind == ERR_NONE && asked > answered) {
			rc = chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &lost);
			if (rc == RC_OK) {
				rc = take(set, answered++, &msg, err);
				continue;
			}
		}
		if (lost.kind == ERR_NONE)
			break;
		/* it died: the object in hand is set aside, the others go on */
		worker_died(w, &lost);
		w = NULL;
		if (lost.kind == ERR_TEMP)
			break;
		rc = spoil(&set->objects[answered++], ERR_DATA, lost.text, err);
	}
	if (rc == RC_OK && answered < set->nobjects)
		rc = err_set(err, ERR_TEMP, "interrupted");
	worker_stop(w, NULL, NULL);
	buf_free(&msg);
	return rc;
}
