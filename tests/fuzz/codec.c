/* Fuzz target: frames of pixel data; decoded, verified, their offset table. main() replays files. */
#include "dicom/codec.h"
#include "replay.h"

#define FRAMES	4	/* of one input */
#define PIXELS	(512 * 512)	/* larger frames are opened only: a run must be short */

static void frame(struct codec *c, uint32_t f)
{
	struct codec_frame to;
	struct err err = { 0 };
	int rc = codec_read(c, f, &to, &err);

	if (rc == RC_OK) {
		const uint8_t *p = to.pixels;

		if (!to.rows || !to.columns || !to.samples ||
		    to.bytes < (size_t)to.rows * to.columns * to.samples * (to.bits_allocated / 8))
			__builtin_trap();
		for (size_t i = 0; i < to.bytes; i += 64)	/* a sanitizer sees bytes that are not there */
			if (p[i] == 1)
				err.sys = 0;
		codec_frame_free(&to);
	} else if (!err.text[0]) {
		__builtin_trap();
	}
	codec_verify(c, f, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	struct object *o = NULL;
	struct codec *c = NULL;
	long long rows = 0, columns = 0;
	bool fit = false;

	if (codec_load(&err) != RC_OK || stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	if (walk_open(&o, s, &err) == RC_OK && codec_open(&c, o, &err) == RC_OK) {
		walk_number(o, TAG(0x28, 0x10), &rows, &fit, &err);
		walk_number(o, TAG(0x28, 0x11), &columns, &fit, &err);
		codec_offsets(c, &fit, &err);
		for (uint32_t f = 0; rows * columns <= PIXELS && f < codec_frames(c) && f < FRAMES; f++)
			frame(c, f);
	}
	codec_close(c);
	walk_close(o);
	stream_close(s);
	return 0;
}
