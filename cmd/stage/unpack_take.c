/*
 * One member of a package: judged, and brought into its output unless it is
 * set aside. Small ones through memory, large ones as they are inflated, a file
 * of its own as it is read. Runs in the worker.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "stage/unpack_flow.h"
#include "stage/unpack_side.h"

#define COPY_STEP	((size_t)256 << 10)

static int take_large(struct unpack_side *sd, uint32_t i, struct sink *k, struct judgement *j, struct err *err)
{
	struct flow f = { .take = sink_add, .sink = k, .size = j->bytes };
	struct side_reader r;
	int rc = side_begin(sd, i, &r, err);

	f.more = r.more;
	f.source = r.source;
	if (rc == RC_OK)
		rc = flow_judge(&f, j, err);
	side_end(&r);
	return rc;
}

static int take_small(struct unpack_side *sd, uint32_t i, struct sink *k, struct judgement *j, struct err *err)
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
	rc = side_read(sd, i, sd->bytes, err);
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
static int unread(const struct unpack_side *sd, int rc, struct err *err)
{
	if (rc == RC_OK || err->kind != ERR_IO || !sd->of_folder)
		return rc;
	err->kind = ERR_DATA;
	return RC_FAILED;
}

static int take_stream(struct unpack_side *sd, struct sink *k, struct judgement *j, struct err *err)
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

/* One member into its output. An error about the data sets it aside; any other is for the parent. */
int side_take(struct unpack_side *sd, uint32_t i, int fd)
{
	struct judgement j = { .fate = FATE_ASIDE, .data = true };
	struct err err = { 0 };
	struct sink k = { 0 };
	struct side_about a;
	int rc = RC_OK;

	side_about(sd, i, &a);
	j.bytes = a.size;
	side_label(sd, i, j.label);
	if (a.directory) {
		j.data = false;
		text_copy(j.reason, sizeof j.reason, "a directory");
	} else if (a.unreadable) {
		j.data = a.data;
		text_copy(j.reason, sizeof j.reason, a.unreadable);
	} else {
		rc = sink_open(&k, sd, fd, &err);
		fd = -1;
		if (rc == RC_OK && !sd->zip && !sd->container)
			rc = take_stream(sd, &k, &j, &err);
		else if (rc == RC_OK && side_fits(sd, i, a.size))
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
		return side_reply_error(sd, &err);
	}
	if (rc != RC_OK) {
		j.fate = FATE_ASIDE;
		j.data = true;
		text_copy(j.reason, sizeof j.reason, err.text);
	}
	rc = side_reply_member(sd, i, &j);
	buf_wipe(&j.listing);
	return rc;
}
