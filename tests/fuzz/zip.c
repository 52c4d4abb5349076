/*
 * Fuzz target: the ZIP reader; both ways of reading a member must agree. zip_crypt.c is the same with a password.
 * main() replays files.
 */
#include <stdlib.h>
#include <string.h>
#include "media/sniff.h"
#include "media/zip.h"
#include "replay.h"

#define SMALL	((uint64_t)1 << 20)	/* larger members are opened only: a run must be short */

static void member(struct zip *z, size_t i)
{
	const struct zip_member *m = zip_member(z, i);
	struct zip_reader *r = NULL;
	struct err err = { 0 };
	const void *p = NULL;
	size_t n = 1, at = 0;
	char *to = NULL;
	char name[64];
	int rc = RC_OK, rc2 = RC_OK;

	for (int page = NAMES_AUTO; page <= NAMES_CP932; page++)
		if (zip_name(m, (enum names)page, name, sizeof name) > sizeof name)
			__builtin_trap();
	if (m->size > SMALL || m->packed > SMALL)
		return;
	to = malloc((size_t)m->size + 1);
	if (!to)
		return;
	rc = zip_read(z, i, to, &err);
	rc2 = zip_begin(&r, z, i, &err);
	while (rc2 == RC_OK && n) {
		rc2 = zip_more(r, &p, &n, &err);
		if (rc == RC_OK && rc2 == RC_OK && (at + n > m->size || memcmp(to + at, p, n) != 0))
			__builtin_trap();
		at += n;
	}
	zip_end(r);
	if (rc != rc2)
		__builtin_trap();
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	struct zip *z = NULL;
	enum media m = MEDIA_UNKNOWN;

	names_load(&err);
	if (stream_mem(&s, data, n, &err) != RC_OK)
		return 0;
	sniff_stream(s, &m, &err);
	if (zip_open(&z, s, &err) == RC_OK) {
		int rc = zip_check_headers(z, &err);

#ifdef PASSWORD
		if (rc == RC_OK && zip_encrypted(z) > 0)
			zip_password(z, PASSWORD, strlen(PASSWORD), &err);
#endif
		for (size_t i = 0; i < zip_count(z) && i < 64; i++)
			member(z, i);
		if (rc != RC_OK && !err.text[0])
			__builtin_trap();
	}
	zip_close(z);
	stream_close(s);
	return 0;
}
