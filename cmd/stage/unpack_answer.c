/*
 * What the workers of mri-unpack say (unpack_reply.c) into the files of the run.
 * A worker may be a hostile file's by now: nothing of it is believed but text
 * and numbers in their bounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "media/zip.h"
#include "stage/unpack_pool.h"

void pool_fail_package(struct unpack_package *p, const struct err *why)
{
	p->failed = true;
	p->kind = why->kind;
	free(p->reason);
	p->reason = strdup(why->text);
}

void pool_fail(struct pool *pool, const struct err *why)
{
	if (pool->src.depth)
		pool->src.shut = *why;
	else
		pool_fail_package(pool->p, why);
}

bool pool_failed(const struct pool *pool)
{
	return pool->p->failed || pool->src.shut.kind != ERR_NONE;
}

static int text_of(struct pool *pool, const json_t *j, const char *key, const char **out, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, "answer", key, &s, err);

	if (rc == RC_OK && !(*out = unpack_string(pool->run, s ? s : "", err)))
		rc = err_rc(err->kind);
	return rc;
}

static int facts(struct pool *pool, struct unpack_file *f, const json_t *j, struct err *err)
{
	struct unpack_facts *x = calloc(1, sizeof *x);
	struct { const char *key; const char **to; } v[] = {
		{ "class", x ? &x->sop_class : NULL }, { "sop", x ? &x->sop_uid : NULL },
		{ "study", x ? &x->study_uid : NULL }, { "series", x ? &x->series_uid : NULL },
		{ "syntax", x ? &x->transfer_syntax : NULL }, { "modality", x ? &x->modality : NULL },
		{ "date", x ? &x->study_date : NULL }, { "description", x ? &x->description : NULL },
		{ "name", x ? &x->name : NULL }, { "id", x ? &x->id : NULL }, { "issuer", x ? &x->issuer : NULL },
		{ "birth", x ? &x->birth : NULL }, { "sex", x ? &x->sex : NULL },
	};
	int rc = RC_OK;

	if (!x)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	f->facts = x;
	for (size_t i = 0; rc == RC_OK && i < sizeof v / sizeof *v; i++)
		rc = text_of(pool, j, v[i].key, v[i].to, err);
	if (rc == RC_OK)
		rc = json_get_int(j, "answer", "number", -1, &x->number, err);
	if (rc == RC_OK && (!x->sop_uid[0] || !x->study_uid[0] || strlen(x->sop_uid) > 64 || strlen(x->study_uid) > 64))
		rc = err_set(err, ERR_INTERNAL, "a worker's answer has no UIDs");
	return rc;
}

/* "inner.zip!/a/b": the archive inside, and the member in it. */
static char *label_of(const struct pool *pool, const char *member, struct err *err)
{
	char text[(UNPACK_NEST_MAX + 1) * (UNPACK_LABEL + 2)];

	if (!pool->src.label || !member[0])	/* gzip need not say what its one file is called */
		return text_dup(pool->src.label ? pool->src.label : member, err);
	snprintf(text, sizeof text, "%s!/%s", pool->src.label, member);
	return text_dup(text, err);
}

/* A member's answer into its file. */
static int member(struct pool *pool, const struct wait *w, const json_t *j, struct err *err)
{
	struct unpack_file *f = pool_file(pool, w->member);
	const char *label = NULL, *reason = NULL, *sha256 = NULL;
	long long bytes = 0, fate = 0, media = 0, i = -1;
	uint8_t digest[HASH_LEN];
	int rc = RC_OK;

	if ((rc = json_get_int(j, "answer", "i", -1, &i, err)) || (rc = json_get_int(j, "answer", "bytes", 0, &bytes, err)) ||
	    (rc = json_get_int(j, "answer", "fate", -1, &fate, err)) ||
	    (rc = json_get_int(j, "answer", "media", -1, &media, err)) ||
	    (rc = json_get_bool(j, "answer", "data", true, &f->data, err)) ||
	    (rc = json_get_str(j, "answer", "label", &label, err)) ||
	    (rc = json_get_str(j, "answer", "reason", &reason, err)) ||
	    (rc = json_get_str(j, "answer", "sha256", &sha256, err)))
		return rc;
	if (i != w->member || bytes < 0 || media < 0 || media > MEDIA_EMPTY ||
	    (fate != FATE_OBJECT && fate != FATE_DOCUMENT && fate != FATE_ASIDE) ||
	    (fate != FATE_ASIDE && (!sha256 || !text_unhex(sha256, digest, sizeof digest))))
		return err_set(err, ERR_INTERNAL, "a worker's answer is out of bounds");
	f->bytes = (uint64_t)bytes;
	f->media = (enum media)media;
	f->fate = (enum unpack_fate)fate;
	f->answered = true;
	pool->answered++;
	if (!f->label && label && !(f->label = label_of(pool, label, err)))
		return err_rc(err->kind);
	if (f->fate == FATE_ASIDE)
		rc = unpack_aside(f, f->data, reason ? reason : "", err);
	else
		text_copy(f->sha256, sizeof f->sha256, sha256);
	if (rc == RC_OK && f->fate == FATE_OBJECT)
		rc = facts(pool, f, json_object_get(j, "dicom"), err);
	if (f->fate == FATE_ASIDE && w->slot >= 0) {
		if (rc == RC_OK)
			rc = staging_drop(pool->run->staging, w->slot, err);
	} else {
		f->slot = w->slot;
	}
	return rc;
}

/* What all archives inside say they hold, against what they came in. */
static bool grows(const struct pool *pool)
{
	return pool->content > ZIP_TOTAL_MAX ||
	    (pool->content > ZIP_RATIO_FREE && pool->content / ZIP_RATIO_MAX > pool->root);
}

static int opened(struct pool *pool, const json_t *j, struct err *err)
{
	struct source *src = &pool->src;
	long long members = 0, encrypted = 0, media = 0, bytes = 0, content = 0;
	bool archive = false;
	int rc = RC_OK;

	if ((rc = json_get_int(j, "answer", "members", -1, &members, err)) ||
	    (rc = json_get_int(j, "answer", "encrypted", -1, &encrypted, err)) ||
	    (rc = json_get_int(j, "answer", "media", -1, &media, err)) ||
	    (rc = json_get_int(j, "answer", "content", -1, &content, err)) ||
	    (rc = json_get_bool(j, "answer", "archive", false, &archive, err)) ||
	    (rc = json_get_int(j, "answer", "bytes", -1, &bytes, err)))
		return rc;
	if (members < 0 || members > UNPACK_FILES_MAX || encrypted < 0 || encrypted > members ||
	    media < 0 || media > MEDIA_EMPTY || bytes < 0 || content < 0)
		return err_set(err, ERR_INTERNAL, "a worker's answer is out of bounds");
	if (src->opened)	/* another worker has said it already */
		return RC_OK;
	src->opened = true;
	src->archive = archive;
	src->media = (enum media)media;
	src->encrypted = (size_t)encrypted;
	src->members = (uint32_t)members;
	if (!src->depth) {
		pool->p->media = src->media;
		pool->p->bytes = pool->root = (uint64_t)bytes;
		return unpack_add_files(pool->run, pool->index, (size_t)members, err);
	}
	if (!archive)
		return RC_OK;
	pool->content += (uint64_t)content;
	if (grows(pool)) {
		err_set(&src->shut, ERR_DATA, "it would grow more than any image does");
		return RC_OK;
	}
	return unpack_more_files(pool->run, pool->index, (size_t)members, err);
}

/* A worker that reports a failure of ours ends the run; one about the package fails that. */
int pool_answer(struct pool *pool, struct hand *h, struct err *err)
{
	struct wait w = h->queue[h->head];
	struct err said = { 0 };
	const char *text = NULL;
	long long kind = 0;
	json_t *j = NULL;
	int rc = RC_OK;

	h->head = (h->head + 1) % AHEAD;
	h->n--;
	if (w.fd >= 0)
		staging_done(pool->run->staging, w.fd);
	rc = json_parse(pool->msg.data, pool->msg.len, &j, err);
	if (rc == RC_OK)
		rc = json_get_int(j, "answer", "error", 0, &kind, err);
	if (rc == RC_OK && kind) {
		rc = json_get_str(j, "answer", "text", &text, err);
		err_set(&said, kind > ERR_NONE && kind <= ERR_INTERNAL ? (enum err_kind)kind : ERR_INTERNAL, "%s",
		    text ? text : "");
		if (w.slot >= 0 && rc == RC_OK)
			rc = staging_drop(pool->run->staging, w.slot, err);
		if (rc == RC_OK && w.what != WANT_MEMBER && (said.kind == ERR_DATA || w.what == WANT_PASSWORD)) {
			if (w.what == WANT_SPILL)
				pool->unspilt = said;
			else if (w.what == WANT_PASSWORD)
				pool_fail_package(pool->p, &said);
			else
				pool_fail(pool, &said);
			pool->p->locked = pool->p->failed && said.kind == ERR_DENIED;
		} else if (rc == RC_OK) {
			*err = said;
			rc = err_rc(err->kind);
		}
	} else if (rc == RC_OK && w.what == WANT_OPEN) {
		rc = opened(pool, j, err);
	} else if (rc == RC_OK && w.what == WANT_HASH) {
		rc = json_get_str(j, "answer", "sha256", &text, err);
		if (rc == RC_OK && text)
			text_copy(pool->p->sha256, sizeof pool->p->sha256, text);
	} else if (rc == RC_OK && w.what == WANT_MEMBER) {
		rc = member(pool, &w, j, err);
		if (rc == RC_OK)
			rc = unpack_medium_take(pool->run, pool_file(pool, w.member), worker_chan(h->worker), j, err);
	}
	json_decref(j);
	return rc;
}
