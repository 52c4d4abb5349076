/* readable, deep: every frame of an object decoded. What cannot be decoded here is told apart from what is damaged. */
#include <stdio.h>

#include "base/text.h"
#include "check/rules.h"
#include "dicom/codec.h"

/* What is said of the first such frame, and how many there are. */
struct tally {
	uint64_t n;
	uint32_t first;
	struct err why;
};

static void
count(struct tally *t, uint32_t frame, const struct err *why)
{
	if (t->n++ == 0) {
		t->first = frame;
		t->why = *why;
	}
}

static void
decode_all(struct codec *c, struct check_object *o, struct tally *damaged, struct tally *undecoded)
{
	uint32_t n = codec_frames(c);

	for (uint32_t i = 0; i < n; i++) {
		struct err e = { 0 };

		if (codec_verify(c, i, &e) == RC_OK)
			o->decoded++;
		else
			count(e.kind == ERR_REFUSED || e.kind == ERR_TEMP ? undecoded : damaged, i, &e);
	}
}

static void
tell(struct check_object *o, enum check_point p, const struct tally *t, uint32_t frames)
{
	o->points |= (uint32_t)1 << p;
	if (frames == 0)
		text_copy(o->why, sizeof o->why, t->why.text);
	else
		snprintf(o->why, sizeof o->why, "frame %lu of %lu%s: %.400s", (unsigned long)t->first + 1,
		    (unsigned long)frames, t->n > 1 ? ", the first of several" : "", t->why.text);
}

/* Of these the rule has spoken already. */
#define SAID ((uint32_t)1 << POINT_BROKEN | (uint32_t)1 << POINT_SHORT_PIXELS | (uint32_t)1 << POINT_NO_PIXELS | \
	(uint32_t)1 << POINT_FRAGMENTS)

void
frames_object(const struct object *d, struct check_object *o)
{
	struct tally damaged = { 0 }, undecoded = { 0 };
	struct codec *c = NULL;
	struct err e = { 0 };
	uint32_t frames = 0;

	if (codec_open(&c, d, &e) == RC_OK) {
		frames = codec_frames(c);
		decode_all(c, o, &damaged, &undecoded);
		codec_close(c);
	} else if (e.kind == ERR_DATA && (o->points & SAID) == 0) {
		count(&damaged, 0, &e);
	} else if (e.kind == ERR_REFUSED || e.kind == ERR_TEMP) {
		count(&undecoded, 0, &e);
	}
	if (damaged.n > 0)
		tell(o, POINT_FRAME, &damaged, frames);
	else if (undecoded.n > 0)
		tell(o, POINT_UNDECODED, &undecoded, frames);
}
