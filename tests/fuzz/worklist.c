/* Fuzz target: one answer of a worklist. main() replays files. */
#include <string.h>
#include "dicom/charset.h"
#include "dimse/worklist.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct worklist_entry entry;
	struct err err = { 0 };

	charset_load(&err);
	if (worklist_read(data, n, &entry, &err) == RC_OK) {
		for (size_t i = 0; i < WORKLIST_FIELDS; i++)
			if (memchr(entry.v[i], '\0', WORKLIST_TEXT_MAX) == NULL)
				__builtin_trap();
	} else if (err.kind != ERR_PROTOCOL || !err.text[0]) {
		__builtin_trap();
	}
	return 0;
}
