/* Fuzz target: multipart/related; in one piece and byte by byte must give the same. main() replays files. */
#include <string.h>
#include "base/hash.h"
#include "source/disposition.h"
#include "source/multipart.h"
#include "replay.h"

struct seen { uint64_t sum, parts, whole; };

static int on_part(void *arg, const char *type, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	s->parts++;
	for (; *type; type++)
		s->sum = s->sum * 31 + (unsigned char)*type;
	return RC_OK;
}

static int on_data(void *arg, const void *p, size_t n, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	for (size_t i = 0; i < n; i++)
		s->sum = s->sum * 31 + ((const unsigned char *)p)[i];
	return RC_OK;
}

static int on_end(void *arg, struct err *err)
{
	(void)err;
	((struct seen *)arg)->whole++;
	return RC_OK;
}

static void run(const uint8_t *data, size_t n, size_t step, struct seen *s, bool *closed)
{
	struct multipart_ops ops = { on_part, on_data, on_end, s };
	struct multipart *m = NULL;
	struct err err = { 0 };
	int rc = multipart_open(&m, "edge-7", &ops, &err);

	memset(s, 0, sizeof *s);
	for (size_t i = 0; rc == RC_OK && i < n; i += step)
		rc = multipart_feed(m, data + i, step < n - i ? step : n - i, &err);
	*closed = m && multipart_closed(m);
	multipart_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen a, b;
	bool x = false, y = false;
	char label[LABEL_MAX], text[1024], boundary[MULTIPART_BOUNDARY_MAX + 1];
	struct err err = { 0 };
	size_t len = n < sizeof text - 1 ? n : sizeof text - 1;

	run(data, n, n ? n : 1, &a, &x);
	run(data, n, 1, &b, &y);
	if (memcmp(&a, &b, sizeof a) != 0 || x != y || a.whole > a.parts || (x && a.whole != a.parts))
		__builtin_trap();
	if (n)
		memcpy(text, data, len);
	text[len] = '\0';
	(void)disposition_label(text, label);
	(void)multipart_boundary(text, boundary, &err);
	return 0;
}
