/*
 * readable: pixel data as long as the image says (PS3.5 8.1.1, A.4). Frames
 * are not decoded here.
 */
#include <string.h>

#include "base/text.h"
#include "check/rules.h"
#include "dicom/codec.h"

#define TAG_FLOAT_PIXELS TAG(0x7fe0, 0x0008)
#define TAG_EXTENDED_OFFSETS TAG(0x7fe0, 0x0001)
#define TAG_DOUBLE_PIXELS TAG(0x7fe0, 0x0009)
#define TAG_PIXEL_URL TAG(0x0028, 0x7fe0) /* Pixel Data Provider: the pixels are elsewhere */
#define TS_RLE "1.2.840.10008.1.2.5"
#define TS_VIDEO "1.2.840.10008.1.2.4.10" /* 100 to 108: MPEG, all frames in one stream */

static void
mark(struct check_object *o, enum check_point p)
{
	o->points |= (uint32_t)1 << p;
}

static long long
number(const struct object *d, uint32_t tag, long long otherwise)
{
	struct err err = { 0 };
	long long v = 0;
	bool found = false;

	if (walk_number(d, tag, &v, &found, &err) != RC_OK || !found || v < 0)
		return otherwise;
	return v;
}

/* Bytes of native pixel data; false when the image does not say. */
static bool
expected(const struct object *d, long long frames, long long bits, unsigned __int128 *out)
{
	long long rows = number(d, TAG(0x0028, 0x0010), 0), cols = number(d, TAG(0x0028, 0x0011), 0);
	long long samples = number(d, TAG(0x0028, 0x0002), 1);
	char photometric[32];
	struct err err = { 0 };

	if (rows == 0 || cols == 0 || bits == 0 || samples == 0)
		return false;
	if (walk_text(d, TAG(0x0028, 0x0004), photometric, sizeof photometric, NULL, &err) != RC_OK)
		*photometric = '\0';
	if (samples == 3 &&
	    (strcmp(photometric, "YBR_FULL_422") == 0 || strcmp(photometric, "YBR_PARTIAL_422") == 0))
		samples = 2; /* two pixels share their chroma: PS3.3 C.7.6.3.1.2 */
	*out = ((unsigned __int128)rows * (unsigned __int128)cols * (unsigned __int128)samples *
		       (unsigned __int128)frames * (unsigned __int128)bits +
		   7) /
	    8;
	return true;
}

static void
judge_native(const struct object *d, struct check_object *o, uint64_t have, long long bits)
{
	unsigned __int128 want = 0;

	if (!expected(d, o->frames, bits, &want)) {
		mark(o, POINT_NO_PIXELS);
		return;
	}
	if (have < want)
		mark(o, POINT_SHORT_PIXELS);
	else if (have > want + (want & 1))
		mark(o, POINT_LONG_PIXELS);
}

/* Basic and Extended Offset Table (PS3.5 A.4, PS3.3 C.7.6.3.1.8): an entry a frame, each at a fragment. */
static bool
offsets_fit(const struct object *d, const struct check_object *o, const struct walk_pixels *p)
{
	const struct element *extended = walk_find(d, TAG_EXTENDED_OFFSETS);
	struct codec *c = NULL;
	struct err err = { 0 };
	bool fit = true;

	if ((p->table > 0 && p->table != o->frames) || (extended != NULL && extended->length / 8 != o->frames))
		return false;
	if ((p->table > 0 || extended != NULL) && codec_open(&c, d, &err) == RC_OK)
		(void)codec_offsets(c, &fit, &err); /* an error of memory says nothing of the table */
	codec_close(c);
	return fit;
}

static void
judge_fragments(const struct object *d, struct check_object *o, const struct walk_pixels *p)
{
	bool video =
	    text_starts(d->transfer_syntax, TS_VIDEO) && strlen(d->transfer_syntax) > sizeof TS_VIDEO - 1;

	if (p->fragments == 0)
		mark(o, POINT_FRAGMENTS);
	else if (strcmp(d->transfer_syntax, TS_RLE) == 0 && p->fragments != o->frames) /* A.4.2 */
		mark(o, POINT_FRAGMENTS);
	else if (!video && p->fragments < o->frames)
		mark(o, POINT_FRAGMENTS);
	if (!video && (o->points & (uint32_t)1 << POINT_FRAGMENTS) == 0 && !offsets_fit(d, o, p))
		mark(o, POINT_OFFSETS);
}

void
readable_object(const struct object *d, struct check_object *o)
{
	struct walk_pixels p = { 0 };
	const struct element *floats = walk_find(d, TAG_FLOAT_PIXELS),
			     *doubles = walk_find(d, TAG_DOUBLE_PIXELS);
	struct err err = { 0 };

	if (walk_pixels(d, &p, &err) != RC_OK) {
		mark(o, POINT_BROKEN);
		text_copy(o->why, sizeof o->why, err.text);
		return;
	}
	o->image = p.present || floats != NULL || doubles != NULL;
	if (p.present && p.encapsulated)
		judge_fragments(d, o, &p);
	else if (p.present)
		judge_native(d, o, p.bytes, number(d, TAG(0x0028, 0x0100), 0));
	else if (floats != NULL)
		judge_native(d, o, floats->length, 32);
	else if (doubles != NULL)
		judge_native(d, o, doubles->length, 64);
	else if (number(d, TAG(0x0028, 0x0010), 0) > 0 && number(d, TAG(0x0028, 0x0011), 0) > 0 &&
	    walk_find(d, TAG_PIXEL_URL) == NULL)
		mark(o, POINT_NO_PIXELS);
}

/* The first object with a point that has a sentence of its own. */
static void
tell_first(const struct check_study *s, struct check_report *rep, enum check_point p, const char *text)
{
	check_say_objects(rep, s, p, text);
	for (size_t i = 0; i < s->nobjects; i++) {
		const struct check_object *o = &s->objects[i];
		if ((o->points & (uint32_t)1 << p) == 0 || *o->why == '\0')
			continue;
		check_say(rep, p, "original/%05d: %s", o->n, o->why);
		return;
	}
}

int
rule_readable(const struct check_study *s, struct check_report *rep, struct err *err)
{
	size_t images = 0;
	long long decoded = 0;

	(void)err;
	if (s->papers) {
		check_pass(rep, CHECK_READABLE, "documents are passed on as they are");
		return RC_OK;
	}
	for (size_t i = 0; i < s->nobjects; i++) {
		images += s->objects[i].image;
		decoded += s->objects[i].decoded;
	}
	tell_first(s, rep, POINT_BROKEN, "not readable");
	check_say_objects(
	    rep, s, POINT_SHORT_PIXELS, "less pixel data than rows, columns, frames and bits say");
	check_say_objects(
	    rep, s, POINT_LONG_PIXELS, "more pixel data than rows, columns, frames and bits say");
	check_say_objects(
	    rep, s, POINT_NO_PIXELS, "an image without its pixel data, rows, columns or bits");
	check_say_objects(rep, s, POINT_FRAGMENTS, "compressed fragments and frames do not agree");
	check_say_objects(rep, s, POINT_OFFSETS, "offset table and frames do not agree");
	tell_first(s, rep, POINT_FRAME, "frames that do not decode");
	tell_first(s, rep, POINT_UNDECODED, "frames that cannot be decoded here");
	check_pass(rep, CHECK_READABLE, "%zu images of the size they say, %zu other objects", images,
	    s->nobjects - images);
	if (s->deep)
		check_pass(rep, CHECK_READABLE, "%lld frames decoded", decoded);
	return RC_OK;
}
