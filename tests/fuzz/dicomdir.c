/* Fuzz target: DICOMDIR, and what travels of it from the worker to the parent. main() replays files. */
#include <string.h>
#include "dicom/charset.h"
#include "media/dicomdir.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text = BUF_INIT(LISTING_BYTES_MAX), again = BUF_INIT(LISTING_BYTES_MAX);
	struct listing_found v[] = {
		{ .path = "DIR/IM1", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.1", .study_uid = "1.2.1" },
		{ .path = "IM3", .kind = FOUND_OBJECT, .sop_uid = "1.2.3.33", .study_uid = "1.2.9" },
		{ .path = "DIR/IM2", .kind = FOUND_ASIDE },
	};
	struct listing l, m;
	struct err err = { 0 };
	struct stream *s = NULL;
	json_t *record = NULL;

	charset_load(&err);
	if (stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	listing_init(&l, LISTING_DICOMDIR);
	if (dicomdir_read(&l, s, &err) != RC_OK)	/* memory is no matter of the bytes, and there is enough */
		__builtin_trap();
	for (size_t i = 0; i < l.nfiles; i++)
		if (l.files[i].study >= (int)l.nstudies || l.files[i].patient >= (int)l.npatients)
			__builtin_trap();
	if (listing_write(&l, &text, &err) != RC_OK || listing_parse(&m, text.data, text.len, &err) != RC_OK ||
	    listing_write(&m, &again, &err) != RC_OK || text.len != again.len ||
	    memcmp(text.data, again.data, text.len) != 0)
		__builtin_trap();
	if (listing_compare(&m, "", v, sizeof v / sizeof *v, &err) != RC_OK && err.kind != ERR_DATA)
		__builtin_trap();
	record = listing_record(&m, 1, 1, &err);
	if (!record)
		__builtin_trap();
	json_decref(record);
	/* the wire itself: a worker may be a hostile file's */
	listing_free(&m);
	if (listing_parse(&m, (const char *)data, n, &err) == RC_OK)
		listing_free(&m);
	listing_free(&l);
	buf_free(&text);
	buf_free(&again);
	stream_close(s);
	return 0;
}
