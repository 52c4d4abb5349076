/*
 * Fuzz target: DICOM text. The first line is (0008,0005), the second a number and a date, the rest a value in that
 * character set. main() replays files.
 */
#include <string.h>
#include "base/time.h"
#include "dicom/charset.h"
#include "dicom/walk.h"
#include "replay.h"

#define DECLARED_MAX	200
#define VALUE_MAX	4096

/* Bytes up to a newline, terminated; what is left begins behind it. */
static size_t line(const uint8_t **p, size_t *n, char *to, size_t cap)
{
	const uint8_t *end = memchr(*p, '\n', *n);
	size_t len = end ? (size_t)(end - *p) : *n, kept = len < cap ? len : cap - 1;

	memcpy(to, *p, kept);
	to[kept] = '\0';
	*p += end ? len + 1 : len;
	*n -= end ? len + 1 : len;
	return kept;
}

static size_t put(uint8_t *to, uint16_t group, uint16_t element, const char *vr, const void *v, size_t n)
{
	uint8_t head[8] = { (uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element, (uint8_t)(element >> 8),
	    (uint8_t)vr[0], (uint8_t)vr[1], (uint8_t)n, (uint8_t)(n >> 8) };

	memcpy(to, head, sizeof head);
	memcpy(to + sizeof head, v, n);
	return sizeof head + n;
}

/* The same as values of an object. */
static void object(const char *declared, size_t d, const char *number, size_t k, const uint8_t *p, size_t n)
{
	uint8_t bytes[DECLARED_MAX + 2 * VALUE_MAX];
	struct err err = { 0 };
	struct stream *s = NULL;
	struct object *o = NULL;
	char text[VALUE_MAX + 1];
	long long v = 0;
	bool found = false;
	size_t len = put(bytes, 0x0008, 0x0005, "CS", declared, d);

	len += put(bytes + len, 0x0010, 0x0010, "PN", p, n);
	len += put(bytes + len, 0x0020, 0x0013, "IS", number, k);
	if (stream_mem(&s, bytes, len, &err) != RC_OK)
		return;
	if (walk_open(&o, s, &err) != RC_OK)
		__builtin_trap();
	if (walk_text(o, TAG(0x10, 0x10), text, sizeof text, &found, &err) != RC_OK || !found)
		__builtin_trap();
	if (walk_number(o, TAG(0x20, 0x13), &v, &found, &err) != RC_OK && !err.text[0])
		__builtin_trap();
	walk_close(o);
	stream_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char declared[DECLARED_MAX], number[64], day[9], utf8[4 * VALUE_MAX], back[4 * VALUE_MAX];
	static const char *const vrs[] = { "PN", "LO", "LT" };
	struct err err = { 0 };
	size_t d = 0, k = 0, len = 0, again = 0;
	bool known = false;

	if (charset_load(&err) != RC_OK)
		return 0;
	d = line(&data, &n, declared, sizeof declared);
	k = line(&data, &n, number, sizeof number);
	if (n > VALUE_MAX)
		n = VALUE_MAX;
	time_parse_date(number, day);
	object(declared, d, number, k, data, n);
	known = charset_known(declared, &err) == RC_OK;
	if (charset_to_utf8(declared, (const char *)data, n, utf8, sizeof utf8, &len, &err) != RC_OK) {
		if (err.kind != ERR_DATA || !err.text[0])
			__builtin_trap();
	} else if (!known || len >= sizeof utf8 || utf8[len] != '\0') {
		__builtin_trap();
	} else if (charset_from_utf8(declared, utf8, len, back, sizeof back, &again, &err) == RC_OK && again >= sizeof back) {
		__builtin_trap();
	}
	/* the sets of more than one byte and code extensions too */
	for (size_t i = 0; i < sizeof vrs / sizeof vrs[0]; i++) {
		if (charset_read(declared, vrs[i], (const char *)data, n, utf8, sizeof utf8, &len, &err) != RC_OK) {
			if (!err.text[0])
				__builtin_trap();
		} else if (!known || len > 3 * n || len >= sizeof utf8 || utf8[len] != '\0') {
			__builtin_trap();
		}
		charset_read(declared, vrs[i], (const char *)data, n, back, 5, &again, &err);
	}
	/* little room: refused, never beyond it */
	charset_to_utf8(declared, (const char *)data, n, back, 5, &again, &err);
	charset_from_utf8(declared, (const char *)data, n, back, 5, &again, &err);
	return 0;
}
