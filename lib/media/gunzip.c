#include "media/gunzip.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/text.h"
#include "media/zip.h"

#define STEP	((size_t)256 << 10)

struct gunzip {
	struct stream *s;
	uint64_t pos, made;
	z_stream z;
	bool between;		/* a part has ended, none has begun */
	gz_header head;		/* of the first part */
	char name[GUNZIP_NAME_MAX + 1];
	uint8_t in[STEP], out[STEP];
};

static int refused(struct err *err, const char *what)
{
	return err_set(err, ERR_DATA, "gzip file refused: %s", what);
}

int gunzip_new(struct gunzip **out, struct stream *s, struct err *err)
{
	struct gunzip *g = malloc(sizeof *g);

	*out = NULL;
	if (!g)
		return err_set(err, ERR_TEMP, "no memory to inflate");
	memset(&g->z, 0, sizeof g->z);
	g->s = s;
	g->pos = g->made = 0;
	g->between = false;
	memset(&g->head, 0, sizeof g->head);
	memset(g->name, 0, sizeof g->name);
	g->head.name = (Bytef *)g->name;
	g->head.name_max = GUNZIP_NAME_MAX;
	if (inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) {
		free(g);
		return err_set(err, ERR_TEMP, "no memory to inflate");
	}
	inflateGetHeader(&g->z, &g->head);	/* refused for nothing but another format than this */
	*out = g;
	return RC_OK;
}

static int refill(struct gunzip *g, struct err *err)
{
	size_t n = 0;
	int rc = stream_read(g->s, g->pos, g->in, sizeof g->in, &n, err);

	g->pos += n;
	g->z.next_in = g->in;
	g->z.avail_in = (unsigned)n;
	return rc;
}

/* Behind a part comes another one, padding of zeros, or nothing (RFC 1952 2.2). */
static int next_part(struct gunzip *g, bool *more, struct err *err)
{
	*more = false;
	for (;;) {
		if (!g->z.avail_in) {
			int rc = refill(g, err);

			if (rc != RC_OK || !g->z.avail_in)
				return rc;
		}
		if (*g->z.next_in)
			break;
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (*g->z.next_in != 0x1f || inflateReset(&g->z) != Z_OK)
		return refused(err, "other bytes follow its end");
	g->between = false;
	*more = true;
	return RC_OK;
}

int gunzip_more(struct gunzip *g, const uint8_t **p, size_t *n, struct err *err)
{
	bool more = true;

	*p = g->out;
	*n = 0;
	g->z.next_out = g->out;
	g->z.avail_out = sizeof g->out;
	while (g->z.avail_out == sizeof g->out) {
		int rc = RC_OK, zrc = Z_OK;

		if (g->between) {
			rc = next_part(g, &more, err);
			if (rc != RC_OK || !more)
				return rc;
		}
		if (!g->z.avail_in && (rc = refill(g, err)) != RC_OK)
			return rc;
		if (!g->z.avail_in)
			return refused(err, "it is cut off");
		zrc = inflate(&g->z, Z_NO_FLUSH);
		if (zrc == Z_MEM_ERROR)
			return err_set(err, ERR_TEMP, "no memory to inflate");
		if (zrc != Z_OK && zrc != Z_STREAM_END)
			return refused(err, "it is damaged");
		g->between = zrc == Z_STREAM_END;
	}
	*n = sizeof g->out - g->z.avail_out;
	g->made += *n;
	if (g->made > ZIP_RATIO_FREE && g->made / ZIP_RATIO_MAX > g->s->size)
		return refused(err, "it would grow more than any image does");
	return RC_OK;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

int gunzip_head(struct stream *s, uint8_t *to, size_t len, struct err *err)
{
	struct gunzip *g = NULL;
	const uint8_t *p = NULL;
	size_t n = 1, have = 0;
	int rc = gunzip_new(&g, s, err);

	while (rc == RC_OK && n && have < len) {
		rc = gunzip_more(g, &p, &n, err);
		if (n > len - have)
			n = len - have;
		if (rc == RC_OK)
			memcpy(to + have, p, n);
		have += n;
	}
	gunzip_free(g);
	return rc == RC_OK && have < len ? refused(err, "it is too short") : rc;
}

int gunzip_measure(struct stream *s, uint64_t *size, char name[GUNZIP_NAME_MAX + 1], struct err *err)
{
	struct gunzip *g = NULL;
	const uint8_t *p = NULL;
	size_t n = 1;
	int rc = gunzip_new(&g, s, err);

	while (rc == RC_OK && n) {
		rc = gunzip_more(g, &p, &n, err);
		if (rc == RC_OK && g->made > ZIP_MEMBER_MAX)
			rc = refused(err, "it holds more than any object");
	}
	if (rc == RC_OK) {
		*size = g->made;
		text_copy(name, GUNZIP_NAME_MAX + 1, g->name);
	}
	gunzip_free(g);
	return rc;
}
