/* Fuzz target: the DICOM walk, with every way of reading values. main() replays files. */
#include <string.h>
#include "dicom/walk.h"
#include "replay.h"

static int inner(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	unsigned *left = arg;
	char buf[64];
	size_t n = 0;

	(void)item;
	if (e->end > o->data->size || e->value > e->end || e->off > e->value)
		__builtin_trap();
	if (*left == 0)
		return RC_OK;
	--*left;
	if (e->length == WALK_UNDEFINED || strcmp(e->vr, "SQ") == 0)
		return walk_items(o, e, inner, arg, err) == RC_FATAL ? RC_FATAL : RC_OK;
	walk_value(o, e, buf, sizeof buf, &n, err);
	return RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	struct object *o = NULL;
	struct walk_pixels px;
	unsigned left = 1000;
	size_t ntop = 0;
	char text[128];
	long long number = 0;
	bool found = false;

	if (stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	if (walk_open(&o, s, &err) == RC_OK) {
		for (size_t i = 0; i < o->ntop; i++) {
			if (i && o->top[i].off < o->top[i - 1].end)
				__builtin_trap();
			inner(o, 0, &o->top[i], &left, &err);
		}
		walk_text(o, TAG(0x10, 0x10), text, sizeof text, &found, &err);
		walk_number(o, TAG(0x20, 0x13), &number, &found, &err);
		walk_number(o, TAG(0x28, 0x10), &number, &found, &err);
		walk_pixels(o, &px, &err);
		ntop = o->ntop;
		walk_close(o);
	} else if (err.kind == ERR_NONE || !err.text[0]) {
		__builtin_trap();	/* refused without a reason */
	}
	/* the same, and more of what is not whole */
	left = 1000;
	if (walk_open_torn(&o, s, &err) == RC_OK) {
		if (ntop ? o->ntop != ntop || walk_torn(o) : !walk_torn(o))
			__builtin_trap();
		for (size_t i = 0; i < o->ntop; i++)
			inner(o, 0, &o->top[i], &left, &err);
		walk_close(o);
	} else if (ntop) {
		__builtin_trap();
	}
	stream_close(s);
	return 0;
}
