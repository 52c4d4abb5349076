/* The workers of one run: started when there is work, fed in small batches, replaced when one dies. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "media/zip.h"
#include "stage/unpack_impl.h"
#include "stage/unpack_pool.h"

int pool_new(struct pool **out, struct unpack_run *run, unsigned jobs, struct err *err)
{
	struct pool *pool = calloc(1, sizeof *pool);

	*out = NULL;
	if (!pool)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	pool->run = run;
	pool->jobs = jobs < 1 ? 1 : jobs > UNPACK_JOBS_MAX ? UNPACK_JOBS_MAX : jobs;
	pool->jail.mode = (enum jail_mode)run->cli->config->sandbox;
	pool->src.fd = -1;
	pool->msg.max = 2 * CHAN_MSG_MAX;
	unpack_worker_prepare(run->password && run->password->n > 0);	/* once: workers inherit it */
	*out = pool;
	return RC_OK;
}

/* The answer will not come, or is no file. */
static void output_close(struct wait *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < UNPACK_JOBS_MAX; i++) {
		struct hand *h = &pool->hands[i];

		for (; h->n; h->n--, h->head = (h->head + 1) % AHEAD)
			output_close(&h->queue[h->head]);
		worker_stop(h->worker, NULL, NULL);
	}
	buf_free(&pool->msg);
	hash_wipe(&pool->src.key, sizeof pool->src.key);
	if (pool->spill)
		age_identity_wipe(pool->spill);
	free(pool->spill);
	free(pool);
}

static int fail_package(struct unpack_package *p, const struct err *why)
{
	p->failed = true;
	p->kind = why->kind;
	free(p->reason);
	p->reason = strdup(why->text);
	return RC_OK;
}

/* An archive inside that cannot be opened is one file, and no reason to let go of the rest. */
static void fail_source(struct pool *pool, const struct err *why)
{
	if (pool->src.depth)
		pool->src.shut = *why;
	else
		fail_package(pool->p, why);
}

static bool failed(const struct pool *pool)
{
	return pool->p->failed || pool->src.shut.kind != ERR_NONE;
}

void pool_want(struct hand *h, enum wanted what, uint32_t member, int slot, int fd)
{
	struct wait *w = &h->queue[(h->head + h->n++) % AHEAD];

	w->what = what;
	w->member = member;
	w->slot = slot;
	w->fd = fd;
}

static void recipient_hex(const struct pool *pool, char out[80])
{
	const struct age_recipient *to = pool->run->import ? import_recipient(pool->run->import) : NULL;
	char hex[2 * sizeof to->pub + 1];

	out[0] = '\0';
	if (!to)
		return;
	text_hex(to->pub, sizeof to->pub, hex);
	snprintf(out, 80, ",\"to\":\"%s\"", hex);
}

static int ask_open(struct pool *pool, struct hand *h, bool check, struct err *err)
{
	char request[REQUEST_MAX], key[2 * AGE_FILE_KEY + 1], to[80];
	int n = 0, rc = RC_OK;

	text_hex(pool->src.key.file_key, AGE_FILE_KEY, key);
	recipient_hex(pool, to);
	n = snprintf(request, sizeof request, "{\"do\":\"open\",\"key\":\"%s\",\"header\":%llu,\"check\":%s,\"names\":%d%s}",
	    key, (unsigned long long)pool->src.key.header, check ? "true" : "false", (int)pool->run->names, to);
	rc = chan_send(worker_chan(h->worker), request, (size_t)n, &pool->src.fd, 1, err);
	hash_wipe(request, sizeof request);
	hash_wipe(key, sizeof key);
	if (rc == RC_OK) {
		h->source = pool->src.id;
		pool_want(h, WANT_OPEN, 0, -1, -1);
	}
	return rc;
}

/* Only a worker that has an encrypted archive before it gets to know the password. */
static int ask_password(struct pool *pool, struct hand *h, struct err *err)
{
	const struct unpack_password *pw = pool->run->password;
	char request[2 * UNPACK_PASSWORD_MAX + 64] = "{\"do\":\"password\",\"hex\":\"";
	size_t n = strlen(request);
	int rc = RC_OK;

	text_hex(pw->bytes, pw->n, request + n);
	n += 2 * pw->n;
	text_copy(request + n, sizeof request - n, "\"}");
	rc = chan_send(worker_chan(h->worker), request, n + 2, NULL, 0, err);
	hash_wipe(request, sizeof request);
	if (rc == RC_OK)
		pool_want(h, WANT_PASSWORD, 0, -1, -1);
	return rc;
}

static bool has_password(const struct pool *pool)
{
	return pool->run->password && pool->run->password->n > 0;
}

static int hire(struct pool *pool, struct hand *h, struct err *err)
{
	return h->worker ? RC_OK : worker_start(&h->worker, &pool->jail, NULL, unpack_worker, NULL, err);
}

int pool_ready(struct pool *pool, struct hand *h, bool check, struct err *err)
{
	int rc = hire(pool, h, err);

	if (rc == RC_OK && !pool->src.folder && h->source != pool->src.id) {
		rc = ask_open(pool, h, check, err);
		if (rc == RC_OK && pool->src.encrypted && has_password(pool))
			rc = ask_password(pool, h, err);
	}
	return rc;
}

struct unpack_file *pool_file(struct pool *pool, uint32_t member)
{
	return &pool->run->files[pool->p->first + pool->src.base + member];
}

/* The worker is gone: what it had in hand is set aside, the rest goes to others. */
static int bury(struct pool *pool, struct hand *h, struct err *err)
{
	struct err why = { 0 };
	bool first = true;
	int rc = RC_OK;

	worker_died(h->worker, &why);
	h->worker = NULL;
	h->source = 0;
	if (why.kind == ERR_TEMP) {	/* says nothing about what it had in hand */
		*err = why;
		rc = err_rc(why.kind);
	}
	for (; h->n && rc == RC_OK; h->n--, h->head = (h->head + 1) % AHEAD, first = false) {
		struct wait *w = &h->queue[h->head];

		output_close(w);
		if (w->slot >= 0)
			rc = staging_drop(pool->run->staging, w->slot, err);
		if (w->what == WANT_MEMBER && !first) {
			pool->src.again[pool->src.nagain++] = w->member;
		} else if (w->what == WANT_MEMBER) {
			struct unpack_file *f = pool_file(pool, w->member);

			f->answered = true;
			pool->answered++;
			if (rc == RC_OK)
				rc = unpack_aside(f, true, why.text, err);
		} else if (first && w->what == WANT_SPILL) {
			pool->unspilt = why;
		} else if (first) {
			fail_source(pool, &why);
		}
	}
	h->n = 0;
	return rc;
}

/* Takes members off the list into a batch; a folder's files go one by one. */
static int give(struct pool *pool, struct hand *h, struct err *err)
{
	char request[REQUEST_MAX], to[80];
	int fds[CHAN_FDS_MAX], rc = RC_OK;
	size_t nfds = 0, ninputs = 0, len = 0;
	int inputs[CHAN_FDS_MAX];
	uint32_t left = pool->src.members - pool->src.next + (uint32_t)pool->src.nagain;
	uint32_t n = left / (2 * pool->jobs) + 1;	/* towards the end small, so that all end together */
	uint32_t one = 0;

	if (n > UNPACK_BATCH)
		n = UNPACK_BATCH;
	if (n > left || pool->src.folder)
		n = left ? 1 : 0;
	len = (size_t)snprintf(request, sizeof request, "{\"do\":\"take\",\"members\":[");
	for (uint32_t i = 0; i < n && rc == RC_OK; i++) {
		int slot = -1, out = -1;

		one = pool->src.nagain ? pool->src.again[--pool->src.nagain] : pool->src.next++;
		if (pool->src.folder)
			rc = folder_file(pool->src.folder, one, &fds[nfds], err);
		if (rc != RC_OK) {	/* unreadable: as if set aside, its reason is the system's */
			pool_file(pool, one)->answered = true;
			pool->answered++;
			if (err->kind == ERR_TEMP)
				return rc;
			return unpack_aside(pool_file(pool, one), true, err->text, err);
		}
		if (pool->src.folder)
			inputs[ninputs++] = fds[nfds++];
		if (pool->run->staging) {
			rc = staging_output(pool->run->staging, &out, &slot, err);
			if (rc == RC_OK)
				fds[nfds++] = out;
		}
		pool_want(h, WANT_MEMBER, one, slot, out);
		len += (size_t)snprintf(request + len, sizeof request - len, "%s%lu", i ? "," : "", (unsigned long)one);
	}
	snprintf(request + len, sizeof request - len, "]}");
	if (pool->src.folder) {
		recipient_hex(pool, to);
		snprintf(request, sizeof request, "{\"do\":\"file\",\"i\":%lu%s}", (unsigned long)one, to);
	}
	if (rc == RC_OK && n)
		rc = chan_send(worker_chan(h->worker), request, strlen(request), fds, nfds, err);
	for (size_t i = 0; i < ninputs; i++)
		close(inputs[i]);
	if (rc != RC_OK && err->kind == ERR_NOINPUT)	/* it died: its answers will not come */
		rc = RC_OK;
	return rc;
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

	if (!pool->src.label)
		return text_dup(member, err);
	snprintf(text, sizeof text, "%s!/%s", pool->src.label, member);
	return text_dup(text, err);
}

/* A member's answer into its file. The worker may be a hostile file's by now: nothing of it is believed but text
 * and numbers in their bounds. */
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
	if (pool_grows(pool)) {
		err_set(&src->shut, ERR_DATA, "it would grow more than any image does");
		return RC_OK;
	}
	return unpack_more_files(pool->run, pool->index, (size_t)members, err);
}

/* The next answer of h. A worker that reports a failure of ours ends the run; one about the package fails that. */
static int answer(struct pool *pool, struct hand *h, struct err *err)
{
	struct wait w = h->queue[h->head];
	struct err said = { 0 };
	const char *text = NULL;
	long long kind = 0;
	json_t *j = NULL;
	int rc = chan_recv(worker_chan(h->worker), &pool->msg, NULL, 0, NULL, err);

	if (rc != RC_OK)	/* closed, or more than it may say: it is not to be trusted any further */
		return bury(pool, h, err);
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
				fail_package(pool->p, &said);
			else
				fail_source(pool, &said);
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

int pool_wait(struct pool *pool, struct err *err)
{
	struct pollfd fds[UNPACK_JOBS_MAX];
	struct hand *who[UNPACK_JOBS_MAX];
	nfds_t n = 0;
	int rc = RC_OK;

	for (unsigned i = 0; i < pool->jobs; i++) {
		struct hand *h = &pool->hands[i];

		if (!h->worker || !h->n)
			continue;
		fds[n].fd = worker_fd(h->worker);
		fds[n].events = POLLIN;
		fds[n].revents = 0;
		who[n++] = h;
	}
	if (!n)
		return RC_OK;
	if (poll(fds, n, WORKER_TICK_MS) < 0)
		return errno == EINTR ? RC_OK : err_sys(err, errno, "cannot wait for the workers");
	for (nfds_t i = 0; i < n && rc == RC_OK; i++)
		if (fds[i].revents || worker_late(who[i]->worker))
			rc = answer(pool, who[i], err);
	return rc;
}

static bool busy(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->jobs; i++)
		if (pool->hands[i].n)
			return true;
	return false;
}

static void progress(struct pool *pool)
{
	struct cli_progress pr = { .what = "unpack", .n = (long long)pool->answered, .total = pool->src.members };

	cli_progress(pool->run->cli, &pr);
}

static int give_out(struct pool *pool, struct err *err)
{
	uint32_t width = pool->src.media == MEDIA_GZIP ? 1 : pool->jobs;	/* each worker would inflate all of it */
	int rc = RC_OK;

	if (width > pool->src.members)
		width = pool->src.members;
	while (rc == RC_OK && !failed(pool)) {
		for (uint32_t i = 0; i < width && rc == RC_OK; i++) {
			struct hand *h = &pool->hands[i];

			if (pool->src.next == pool->src.members && !pool->src.nagain)
				break;
			if (h->n > UNPACK_BATCH)
				continue;
			rc = pool_ready(pool, h, false, err);
			if (rc == RC_OK)
				rc = give(pool, h, err);
		}
		if (rc != RC_OK || (!busy(pool) && pool->src.next == pool->src.members && !pool->src.nagain))
			break;
		rc = pool_wait(pool, err);
		progress(pool);
	}
	while (rc == RC_OK && busy(pool))
		rc = pool_wait(pool, err);
	return rc;
}

/* The package as a stream for workers: a descriptor with its key, or the files of a folder. */
static int source(struct pool *pool, struct err *err)
{
	struct unpack_package *p = pool->p;
	struct stat st;
	int rc = RC_OK;

	if (pool->run->import)
		return import_package_fd(pool->run->import, p->n, &pool->src.fd, &pool->src.key, err);
	pool->src.fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (pool->src.fd < 0)
		return err_sys(err, errno, "cannot open");
	if (fstat(pool->src.fd, &st) != 0)
		return err_sys(err, errno, "cannot open");
	if (S_ISDIR(st.st_mode)) {
		rc = folder_open(&pool->src.folder, pool->src.fd, err);
		pool->src.fd = -1;
		return rc;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOINPUT, "neither a file nor a folder");
	return RC_OK;
}

/* Members that are encrypted: nothing is taken of a package whose password is wrong or was not given, so that the same
 * import can be unpacked again with it. An empty password file says that there is none. */
static int unlock(struct pool *pool, struct hand *h, struct err *err)
{
	struct err why = { 0 };
	int rc = RC_OK;

	if (!pool->src.encrypted)
		return RC_OK;
	if (has_password(pool)) {
		rc = ask_password(pool, h, err);
		while (rc == RC_OK && h->n)
			rc = pool_wait(pool, err);
	} else if (!pool->run->password || !pool->run->password->given) {
		err_set(&why, ERR_DENIED, "%zu of %lu members encrypted, and no password was given",
		    pool->src.encrypted, (unsigned long)pool->src.members);
		fail_package(pool->p, &why);
		pool->p->locked = true;
	}
	if (rc == RC_OK && pool->p->locked && pool->run->import) {
		rc = err_set(err, ERR_DENIED, "package %d: %s", pool->p->n, pool->p->reason ? pool->p->reason : "");
		err_advise(err, UNPACK_LOCKED_ADVICE);
	}
	return rc;
}

static off_t package_size(const struct pool *pool)
{
	struct stat st;

	return fstat(pool->src.fd, &st) == 0 ? st.st_size : 0;
}

int pool_open(struct pool *pool, struct err *err)
{
	struct hand *first = &pool->hands[0];
	int rc = pool_ready(pool, first, true, err);

	/* the others come to work while the first reads the directory */
	for (unsigned i = 1; rc == RC_OK && i < pool->jobs && package_size(pool) > HIRE_ALL; i++)
		rc = hire(pool, &pool->hands[i], err);
	while (rc == RC_OK && first->n)
		rc = pool_wait(pool, err);
	if (rc == RC_OK && !failed(pool))
		rc = unlock(pool, first, err);
	return rc;
}

static int begin(struct pool *pool, struct err *err)
{
	struct hand *last = NULL;
	int rc = RC_OK;

	if (pool->src.folder) {
		pool->p->folder = true;
		pool->src.members = (uint32_t)folder_count(pool->src.folder);
		rc = unpack_add_files(pool->run, pool->index, pool->src.members, err);
		for (uint32_t i = 0; rc == RC_OK && i < pool->src.members; i++) {
			char label[UNPACK_LABEL];
			const char *name = folder_name(pool->src.folder, i);

			text_escape(label, sizeof label, name, strlen(name));
			if (!(pool_file(pool, i)->label = text_dup(label, err)))
				rc = err_rc(err->kind);
		}
		return rc;
	}
	rc = pool_open(pool, err);
	if (rc != RC_OK || pool->p->failed || !pool->run->import)
		return rc;
	/* A sealed package proves with every chunk that it is what was fetched; else its hash does, taken beside the work
	 * on its members. */
	if (import_recipient(pool->run->import) && pool->p->claim.sha256[0]) {
		text_copy(pool->p->sha256, sizeof pool->p->sha256, pool->p->claim.sha256);
		return RC_OK;
	}
	last = &pool->hands[pool->src.members > 1 && pool->src.media != MEDIA_GZIP ? pool->jobs - 1 : 0];
	rc = pool_ready(pool, last, false, err);
	if (rc == RC_OK)
		rc = chan_send(worker_chan(last->worker), "{\"do\":\"hash\"}", 13, NULL, 0, err);
	if (rc == RC_OK)
		pool_want(last, WANT_HASH, 0, -1, -1);
	return rc;
}

int pool_source(struct pool *pool, struct err *err)
{
	int rc = RC_OK;

	pool->src.again = calloc((size_t)pool->src.members + 1, sizeof *pool->src.again);
	if (!pool->src.again)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	rc = give_out(pool, err);
	free(pool->src.again);
	pool->src.again = NULL;
	return rc == RC_OK && !failed(pool) ? pool_nest(pool, err) : rc;
}

int pool_package(struct pool *pool, size_t index, struct err *err)
{
	int rc = RC_OK;

	pool->p = &pool->run->packages[index];
	pool->index = index;
	pool->answered = pool->content = pool->root = 0;
	memset(&pool->src, 0, sizeof pool->src);
	pool->src.fd = -1;
	pool->src.id = ++pool->sources;
	rc = source(pool, err);
	if (rc != RC_OK && !pool->run->import) {	/* without a spool the others go on */
		fail_package(pool->p, err);
		rc = RC_OK;
		goto out;
	}
	if (rc == RC_OK)
		rc = begin(pool, err);
	if (rc != RC_OK || pool->p->failed)
		goto out;
	rc = pool_source(pool, err);
	cli_progress_end(pool->run->cli);
out:
	if (pool->src.fd >= 0)
		close(pool->src.fd);
	pool->src.fd = -1;
	folder_free(pool->src.folder);
	pool->src.folder = NULL;
	return rc;
}
