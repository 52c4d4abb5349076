/* Fuzz target: what a file is by its bytes; the whole and what is cut off of it. main() replays files. */
#include <string.h>
#include "media/sniff.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	enum media m = MEDIA_UNKNOWN;

	/* a copy of just so many bytes: a sanitizer sees one that is read beyond them */
	for (size_t k = n; ; k /= 2) {
		uint8_t *head = malloc(k + 1);

		if (!head)
			return 0;
		memcpy(head, data, k);
		head = realloc(head, k ? k : 1);
		m = sniff(head, k);
		if ((k == 0) != (m == MEDIA_EMPTY) || !media_name(m)[0] || !media_type(m)[0] || !media_suffix(m))
			__builtin_trap();
		free(head);
		if (k == 0)
			break;
	}
	if (stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	if (sniff_stream(s, &m, &err) != RC_OK || m != sniff(data, n < SNIFF_BYTES ? n : SNIFF_BYTES))
		__builtin_trap();
	stream_close(s);
	return 0;
}
