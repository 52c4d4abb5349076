/* A package that a recording holds by size, sum and kind: bodies of images are in no recording. */
#include <string.h>
#include "base/text.h"
#include "http/replay.h"
#include "source/session.h"

static enum media
media_of(const struct recorded *e)
{
	static const struct { const char *word; enum media media; } words[] = {
		{ "zip", MEDIA_ZIP }, { "pdf", MEDIA_PDF }, { "dicom", MEDIA_DICOM },
		{ "image/jpeg", MEDIA_JPEG }, { "image/png", MEDIA_PNG }, { "multipart/related", MEDIA_DICOM },
	};
	size_t i = 0;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(e->media, words[i].word) == 0 || strcmp(e->type, words[i].word) == 0)
			return words[i].media;
	return MEDIA_UNKNOWN;
}

bool
source_absent(const struct source *s, struct source_package *p)
{
	const struct recorded *e = s->o.http.replay != NULL ? replay_absent(s->o.http.replay) : NULL;
	enum media m = e != NULL ? media_of(e) : MEDIA_UNKNOWN;

	if (m == MEDIA_UNKNOWN)
		return false;
	memset(p, 0, sizeof(*p));
	p->media = m;
	p->bytes = e->bytes;
	text_copy(p->type, sizeof(p->type), e->type);
	text_copy(p->sha256, sizeof(p->sha256), e->sha256);
	text_copy(p->reason, sizeof(p->reason), "its bytes are not recorded");
	return true;
}
