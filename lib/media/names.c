#include "media/names.h"
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const struct { const char *word, *iconv; } table[] = {
	[NAMES_UTF8] = { "utf-8", NULL },
	[NAMES_LATIN1] = { NULL, "ISO-8859-1" },
	[NAMES_CP437] = { "cp437", "CP437" },
	[NAMES_CP850] = { "cp850", "CP850" },
	[NAMES_CP866] = { "cp866", "CP866" },
	[NAMES_CP932] = { "cp932", "CP932" },
};
#define NTABLE		(sizeof table / sizeof table[0])

static iconv_t open_as[NTABLE];		/* for the life of the process; valid below nloaded */
static size_t nloaded;

bool names_known(const char *word, enum names *n)
{
	for (size_t i = 0; i < NTABLE; i++)
		if (table[i].word && !strcasecmp(word, table[i].word)) {
			*n = (enum names)i;
			return true;
		}
	return false;
}

int names_load(struct err *err)
{
	for (; nloaded < NTABLE; nloaded++) {
		if (!table[nloaded].iconv)
			continue;
		open_as[nloaded] = iconv_open("UTF-8", table[nloaded].iconv);
		if (open_as[nloaded] == (iconv_t)-1)
			return err_sys(err, errno, "cannot load the code page %s", table[nloaded].iconv);
	}
	return RC_OK;
}

static bool ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

size_t names_utf8(enum names names, const char *from, size_t len, char *to, size_t cap)
{
	char *in = (char *)(uintptr_t)from, *out = to;
	size_t room = cap;

	/* these code pages have ASCII where ASCII is; a byte of it may be half of a character in cp932 only */
	if ((size_t)names >= nloaded || !table[names].iconv || ascii(from, len)) {
		len = len < cap ? len : cap;
		memcpy(to, from, len);
		return len;
	}
	while (len) {
		iconv(open_as[names], NULL, NULL, NULL, NULL);
		if (iconv(open_as[names], &in, &len, &out, &room) != (size_t)-1 || errno == E2BIG || !room)
			break;
		*out++ = *in++;		/* no character, or half of one */
		room--;
		len--;
	}
	return (size_t)(out - to);
}
