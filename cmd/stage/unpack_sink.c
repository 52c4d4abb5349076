/* Where the bytes of a member go: hashed, and sealed into the output where there is one. Runs in the worker. */
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "stage/unpack_side.h"

int sink_open(struct sink *k, const struct unpack_side *sd, int fd, struct err *err)
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

int sink_add(void *sink, const void *p, size_t n, struct err *err)
{
	struct sink *k = sink;
	int rc = hash_add(k->hash, p, n, err);

	if (rc == RC_OK && k->out)
		rc = stream_write(k->out, p, n, err);
	return rc;
}

int sink_end(struct sink *k, char sha256[65], struct err *err)
{
	uint8_t digest[HASH_LEN];
	int rc = hash_end(k->hash, digest, err);

	if (rc == RC_OK && k->out)
		rc = stream_commit(k->out, err);
	if (rc == RC_OK)
		text_hex(digest, sizeof digest, sha256);
	return rc;
}

void sink_close(struct sink *k)
{
	hash_free(k->hash);
	stream_close(k->out);
}
