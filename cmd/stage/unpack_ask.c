/* What the parent asks of a worker of mri-unpack (unpack_worker.c has the requests), and what it waits for then. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/folder.h"
#include "stage/unpack_pool.h"

static void want(struct hand *h, enum wanted what, uint32_t member, int slot, int fd)
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

int pool_ask_open(struct pool *pool, struct hand *h, bool check, struct err *err)
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
		want(h, WANT_OPEN, 0, -1, -1);
	}
	return rc;
}

int pool_ask_password(struct pool *pool, struct hand *h, struct err *err)
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
		want(h, WANT_PASSWORD, 0, -1, -1);
	return rc;
}

bool pool_has_password(const struct pool *pool)
{
	return pool->run->password && pool->run->password->n > 0;
}

int pool_ask_hash(struct hand *h, struct err *err)
{
	int rc = chan_send(worker_chan(h->worker), "{\"do\":\"hash\"}", 13, NULL, 0, err);

	if (rc == RC_OK)
		want(h, WANT_HASH, 0, -1, -1);
	return rc;
}

int pool_ask_spill(struct hand *h, uint32_t i, int fd, const struct age_recipient *key, struct err *err)
{
	char request[REQUEST_MAX], to[2 * sizeof key->pub + 1];
	int n = 0, rc = RC_OK;

	text_hex(key->pub, sizeof key->pub, to);
	n = snprintf(request, sizeof request, "{\"do\":\"spill\",\"i\":%lu,\"to\":\"%s\"}", (unsigned long)i, to);
	want(h, WANT_SPILL, i, -1, -1);
	rc = chan_send(worker_chan(h->worker), request, (size_t)n, &fd, 1, err);
	if (rc != RC_OK && err->kind == ERR_NOINPUT)	/* it died: the next answer says so */
		rc = RC_OK;
	return rc;
}

int pool_give(struct pool *pool, struct hand *h, struct err *err)
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
		want(h, WANT_MEMBER, one, slot, out);
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
