/* Encapsulated pixel data (PS3.5 A.4): where the fragments lie, and which frame each belongs to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/codec_impl.h"

#define ITEM_HEAD	8	/* tag and length */
#define TAG_EXT_OFFSETS	TAG(0x7fe0, 0x0001)	/* Extended Offset Table, PS3.3 C.7.6.3.1.8 */

static uint64_t
little(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* The walk has proved the items; they are little endian whatever encapsulates (PS3.5 A.4). */
static int
list_fragments(struct codec *c, uint64_t off, uint64_t bytes, uint32_t count, struct err *err)
{
	uint64_t end = off + bytes;
	uint8_t head[ITEM_HEAD];

	c->fragments = calloc((size_t)count + 1, sizeof *c->fragments);
	if (c->fragments == NULL)
		return err_set(err, ERR_TEMP, "no memory for %lu fragments", (unsigned long)count);
	while (c->nfragments < count && off + ITEM_HEAD <= end) {
		struct fragment *f = &c->fragments[c->nfragments++];
		int rc = stream_read_full(c->o->data, off, head, sizeof head, err);

		if (rc != RC_OK)
			return rc;
		f->item = off;
		f->off = off + ITEM_HEAD;
		f->bytes = (uint32_t)little(head + 4, 4);
		if (f->bytes > end - f->off)
			return err_set(err, ERR_DATA, "fragment %lu of the pixel data ends past its end",
			    (unsigned long)c->nfragments);
		off = f->off + f->bytes;
	}
	return RC_OK;
}

/* The fragment whose item begins `offset` bytes after the first one; nfragments: none does. */
static uint32_t
at_offset(const struct codec *c, uint64_t offset)
{
	uint32_t lo = 0, hi = c->nfragments;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		uint64_t here = c->fragments[mid].item - c->fragments[0].item;

		if (here == offset)
			return mid;
		if (here < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return c->nfragments;
}

/* Frames begin where a table of offsets, each of `width` bytes, at `off` says: the fragments of them into first.
 * *good = false: it points elsewhere. */
static int
by_table(const struct codec *c, uint64_t off, size_t width, uint32_t *first, bool *good, struct err *err)
{
	uint32_t n = c->image.frames;
	uint8_t *raw = malloc((size_t)n * width);
	int rc = raw == NULL ? err_set(err, ERR_TEMP, "no memory for an offset table")
			     : stream_read_full(c->o->data, off, raw, (size_t)n * width, err);

	*good = rc == RC_OK;
	for (uint32_t i = 0; *good && i < n; i++) {
		first[i] = at_offset(c, little(raw + (size_t)i * width, width));
		*good = first[i] < c->nfragments && (i == 0 ? first[i] == 0 : first[i] > first[i - 1]);
	}
	first[n] = c->nfragments;
	free(raw);
	return rc;
}

/* Without a table: a frame of a JPEG family begins with SOI (or SOC), which is nowhere inside coded data. */
static int
by_markers(struct codec *c, bool *good, struct err *err)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < c->nfragments; i++) {
		uint8_t b[2] = { 0, 0 };

		if (c->fragments[i].bytes < sizeof b)
			continue;
		int rc = stream_read_full(c->o->data, c->fragments[i].off, b, sizeof b, err);
		if (rc != RC_OK)
			return rc;
		if (b[0] != 0xff || (b[1] != 0xd8 && b[1] != 0x4f))
			continue;
		if (found < c->image.frames)
			c->first[found] = i;
		found++;
	}
	c->first[c->image.frames] = c->nfragments;
	*good = found == c->image.frames && c->first[0] == 0;
	return RC_OK;
}

/* The offset table that fits the frames: where, and how wide its entries are; 0 none. */
static size_t
find_table(const struct codec *c, uint64_t *off)
{
	const struct element *extended = walk_find(c->o, TAG_EXT_OFFSETS);
	uint64_t basic = c->nfragments > 0 ? c->fragments[0].item - c->element->value - ITEM_HEAD : 0;

	if (extended != NULL && extended->length / 8 == c->image.frames && extended->length % 8 == 0) {
		*off = extended->value;
		return 8;
	}
	*off = c->element->value + ITEM_HEAD;
	return basic == (uint64_t)c->image.frames * 4 ? 4 : 0;
}

int
codec_fragments(struct codec *c, uint64_t first, uint64_t bytes, uint32_t count, struct err *err)
{
	uint32_t frames = c->image.frames;
	uint64_t table = 0;
	size_t width = 0;
	bool told = false;
	int rc = list_fragments(c, first, bytes, count, err);

	if (rc != RC_OK)
		return rc;
	if (frames > c->nfragments)
		return err_set(err, ERR_DATA, "%lu frames in %lu compressed fragments", (unsigned long)frames,
		    (unsigned long)c->nfragments);
	c->first = calloc((size_t)frames + 1, sizeof *c->first);
	if (c->first == NULL)
		return err_set(err, ERR_TEMP, "no memory for %lu frames", (unsigned long)frames);
	if (frames == 1 || frames == c->nfragments) { /* no table is asked that could be wrong */
		for (uint32_t i = 0; i < frames; i++)
			c->first[i] = i;
		c->first[frames] = c->nfragments;
		return RC_OK;
	}
	if ((width = find_table(c, &table)) > 0 && (rc = by_table(c, table, width, c->first, &told, err)) != RC_OK)
		return rc;
	if (!told && (rc = by_markers(c, &told, err)) != RC_OK)
		return rc;
	if (!told) {
		snprintf(c->untold, sizeof c->untold,
		    "which of %lu fragments belong to which of %lu frames is not said by an offset table",
		    (unsigned long)c->nfragments, (unsigned long)frames);
		free(c->first);
		c->first = NULL;
	}
	return RC_OK;
}

int
codec_offsets(const struct codec *c, bool *fit, struct err *err)
{
	uint64_t table = 0;
	size_t width = c->encapsulated ? find_table(c, &table) : 0;
	uint32_t *first = NULL;
	int rc = RC_OK;

	*fit = true;
	if (width == 0)
		return RC_OK;
	first = calloc((size_t)c->image.frames + 1, sizeof *first);
	if (first == NULL)
		return err_set(err, ERR_TEMP, "no memory for an offset table");
	rc = by_table(c, table, width, first, fit, err);
	free(first);
	return rc;
}

int
codec_compressed(const struct codec *c, uint32_t frame, size_t *bytes, struct err *err)
{
	uint64_t sum = 0;

	*bytes = 0;
	if (c->first == NULL)
		return err_set(err, ERR_REFUSED, "%s", c->untold);
	for (uint32_t i = c->first[frame]; i < c->first[frame + 1]; i++)
		sum += c->fragments[i].bytes;
	if (sum > CODEC_FRAME_MAX)
		return err_set(err, ERR_REFUSED, "a compressed frame of %llu MB is not decoded here",
		    (unsigned long long)(sum >> 20));
	if (sum == 0)
		return err_set(err, ERR_DATA, "the compressed frame is empty");
	*bytes = (size_t)sum;
	return RC_OK;
}

int
codec_gather(const struct codec *c, uint32_t frame, uint8_t *to, struct err *err)
{
	int rc = RC_OK;

	for (uint32_t i = c->first[frame]; rc == RC_OK && i < c->first[frame + 1]; i++) {
		rc = stream_read_full(c->o->data, c->fragments[i].off, to, c->fragments[i].bytes, err);
		to += c->fragments[i].bytes;
	}
	return rc;
}
