/*
 * Fuzz target: archives that are no ZIP, read whole, then one member again. An input that begins with a volume
 * descriptor of ISO 9660 gets the 32 KB before it. main() replays files.
 */
#include <string.h>
#include "media/container.h"
#include "replay.h"

#define READ_MAX	((uint64_t)4 << 20)	/* of one input: gzip makes a thousand bytes of one */
#define MEMBERS		32
#define SYSTEM_AREA	32768		/* of an image, ECMA-119 6.2.1 */

static void member(struct container *c, size_t i, uint64_t *left)
{
	const struct container_member *m = container_member(c, i);
	struct err err = { 0 };
	const void *p = NULL;
	uint64_t got = 0;
	size_t n = 1;
	int rc = RC_OK;

	if (strlen(m->name) != m->name_len || (m->directory && m->size))
		__builtin_trap();
	if (m->directory || m->unreadable || m->size > *left)
		return;
	rc = container_begin(c, i, &err);
	while (rc == RC_OK && n && got <= m->size) {
		rc = container_more(c, &p, &n, &err);
		got += rc == RC_OK ? n : 0;
	}
	if (rc == RC_OK ? got != m->size : !err.text[0])
		__builtin_trap();
	*left -= m->size;
}

static void archive(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	struct container *c = NULL;
	enum media m = sniff(data, n < SNIFF_BYTES ? n : SNIFF_BYTES);
	uint64_t left = READ_MAX;

	container_load();
	if (stream_mem(&s, data, n, &err) != RC_OK)
		return;
	if (container_is(m)) {
		if (container_open(&c, s, m, &err) == RC_OK) {
			size_t members = container_count(c);

			for (size_t i = 0; i < members && i < MEMBERS; i++)
				member(c, i, &left);
			if (members > 1)	/* back to the first */
				member(c, 0, &left);
		} else if (!err.text[0]) {
			__builtin_trap();
		}
		container_close(c);
	}
	stream_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n >= 6 && memcmp(data + 1, "CD001", 5) == 0) {
		uint8_t *image = calloc(1, SYSTEM_AREA + n);

		if (image) {
			memcpy(image + SYSTEM_AREA, data, n);
			archive(image, SYSTEM_AREA + n);
		}
		free(image);
	} else {
		archive(data, n);
	}
	return 0;
}
