/* Fuzz target: METADATA.XML of XDM. main() replays files. */
#include <string.h>
#include "media/xdm.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct listing_found v[] = {
		{ .path = "IHE_XDM/S/DOC.TXT", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = "" },
		{ .path = "X", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d" },
	};
	struct listing l;
	struct err err = { 0 };
	struct stream *s = NULL;
	json_t *record = NULL;

	(void)xdm_is(data, n);
	if (stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	listing_init(&l, LISTING_XDM);
	if (xdm_read(&l, s, &err) != RC_OK)
		__builtin_trap();
	for (size_t i = 0; i < l.nfiles; i++)
		if (l.files[i].study >= (int)l.nstudies || l.files[i].patient >= (int)l.npatients ||
		    (l.files[i].sha1[0] && strlen(l.files[i].sha1) != 40))
			__builtin_trap();
	if (listing_compare(&l, "IHE_XDM/S", v, 2, &err) != RC_OK && err.kind != ERR_DATA)
		__builtin_trap();
	record = listing_record(&l, 1, 1, &err);
	if (!record)
		__builtin_trap();
	json_decref(record);
	listing_free(&l);
	stream_close(s);
	return 0;
}
