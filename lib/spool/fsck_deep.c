/* Everything that is sealed, opened: no chunk altered, every hash the one that was written down. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "spool/fsck_private.h"
#include "spool/manifest.h"
#include "spool/overlay.h"

/* All bytes of s through the hash; s is closed. */
static int hash_of(struct stream *s, char hash[HASH_HEX], uint64_t *bytes, struct err *err)
{
	int rc = hash_stream(s, hash, err);

	*bytes = s->size;
	stream_close(s);
	return rc;
}

static void compare(struct fsck *f, const struct item_dir *it, bool object, int n, uint64_t bytes, const char *sha256)
{
	char hash[HASH_HEX] = "";
	struct stream *s = NULL;
	struct err one = { 0 };
	uint64_t found = 0;
	int rc = object ? item_object_open(it, n, &s, &one) : item_document_open(it, n, &s, &one);

	if (!rc)
		rc = hash_of(s, hash, &found, &one);
	if (rc)
		fsck_say(f, false, "%s: %s", it->name, one.text);
	else if (found != bytes || strcmp(hash, sha256))
		fsck_say(f, false, "%s: %s %d is not the one that the manifest lists", it->name,
		    object ? "object" : "document", n);
}

static void overlay_against(struct fsck *f, const struct item_dir *it, const struct manifest *m)
{
	char original[HASH_HEX] = "";
	struct overlay *o = NULL;
	struct pieces p = { 0 };
	struct err one = { 0 };
	size_t i = 0, j = 0;
	int rc = overlay_open(&o, it, &one);

	if (rc) {
		fsck_say(f, false, "%s: %s", it->name, one.text);
		return;
	}
	for (i = 0; i < m->nobjects; i++) {
		if (overlay_pieces_of(o, m->objects[i].n, &p, original, &one)) {
			fsck_say(f, false, "%s: %s", it->name, one.text);
			continue;
		}
		for (j = 0; j < p.n; j++)
			if (p.v[j].from == PIECE_ORIGINAL && (p.v[j].off > m->objects[i].bytes ||
			    p.v[j].len > m->objects[i].bytes - p.v[j].off))
				break;
		if (j < p.n || strcmp(original, m->objects[i].sha256))
			fsck_say(f, false, "%s: the overlay of object %d was made from another object", it->name,
			    m->objects[i].n);
		pieces_free(&p);
	}
	if (overlay_objects(o) != m->nobjects)
		fsck_say(f, false, "%s: the overlay has %zu objects, the manifest %zu", it->name, overlay_objects(o),
		    m->nobjects);
	overlay_close(o);
}

/* As many files as lines: no object is there that nobody lists. */
static void count_files(struct fsck *f, const struct item_dir *it, const struct manifest *m)
{
	if ((size_t)it->originals != m->nobjects || (size_t)it->documents != m->ndocuments)
		fsck_say(f, false, "%s: %d objects and %d documents are there, the manifest lists %zu and %zu", it->name,
		    it->originals, it->documents, m->nobjects, m->ndocuments);
}

static void small_file(struct fsck *f, const struct item_dir *it, enum item_file which)
{
	char hash[HASH_HEX] = "";
	struct err one = { 0 };
	bool there = false;

	if (!item_file_there(it, which, &there, &one) && there && item_file_hash(it, which, hash, &one))
		fsck_say(f, false, "%s", one.text);
}

void fsck_item_deep(struct fsck *f, struct item_dir *it)
{
	struct buf b = BUF_INIT(SMALL_MAX);
	struct manifest *m = NULL;
	struct err one = { 0 };
	bool overlay = false;
	size_t i = 0;

	small_file(f, it, ITEM_ORDER);
	small_file(f, it, ITEM_CHECK);
	small_file(f, it, ITEM_REPORT);
	if (!file_there(it->fd, NAME_MANIFEST))
		goto out;	/* said by the look at its files */
	if (item_file_read(it, ITEM_MANIFEST, &b, &one) || manifest_parse(b.data, b.len, &m, &one)) {
		fsck_say(f, false, "%s: %s", it->name, one.text);
		goto out;
	}
	count_files(f, it, m);
	for (i = 0; i < m->nobjects; i++)
		compare(f, it, true, m->objects[i].n, m->objects[i].bytes, m->objects[i].sha256);
	for (i = 0; i < m->ndocuments; i++)
		compare(f, it, false, m->documents[i].n, m->documents[i].bytes, m->documents[i].sha256);
	if (!item_file_there(it, ITEM_OVERLAY, &overlay, &one) && overlay)
		overlay_against(f, it, m);
out:
	manifest_free(m);
	buf_wipe(&b);
}

void fsck_import_deep(struct fsck *f, struct import *import)
{
	struct buf b = BUF_INIT(SMALL_MAX);
	char hash[HASH_HEX] = "";
	struct stream *s = NULL;
	struct err one = { 0 };
	uint64_t bytes = 0;
	int *v = NULL;
	bool there = false;
	size_t i = 0, n = 0;

	if (file_there(import->fd, NAME_ORDER) && import_order_read(import, &b, &one))
		fsck_say(f, false, "%s", one.text);
	buf_wipe(&b);
	b = (struct buf)BUF_INIT(SMALL_MAX);
	if (import_unpack_read(import, &there, &b, &one))
		fsck_say(f, false, "%s", one.text);
	buf_wipe(&b);
	if (!dir_numbers(import->fd, NAME_PACKAGE, &v, &n, &one))
		for (i = 0; i < n; i++)
			if (import_package_open(import, v[i], &s, &one) || hash_of(s, hash, &bytes, &one))
				fsck_say(f, false, "%s", one.text);
	free(v);
	if (!dir_numbers(import->fd, NAME_CLAIM, &v, &n, &one))
		for (i = 0; i < n; i++) {
			b = (struct buf)BUF_INIT(SMALL_MAX);
			if (import_claim_read(import, v[i], &b, &one))
				fsck_say(f, false, "%s", one.text);
			buf_wipe(&b);
		}
	free(v);
}
