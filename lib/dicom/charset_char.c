/* Single characters through iconv, both ways. */
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "dicom/charset_impl.h"

static const char *const names[NCODES] = { "EUC-JP", "EUC-KR", "GB2312", "GB18030", "GBK" };
static iconv_t to_utf8[NCODES], from_utf8[NCODES];	/* held open: see charset.h */
static bool loaded;

int
charset_char_load(struct err *err)
{
	for (int i = 0; i < NCODES && !loaded; i++) {
		to_utf8[i] = iconv_open("UTF-8", names[i]);
		from_utf8[i] = iconv_open(names[i], "UTF-8");
		if (to_utf8[i] == (iconv_t)-1 || from_utf8[i] == (iconv_t)-1)
			return err_sys(err, errno, "cannot load the character set %s", names[i]);
	}
	loaded = true;
	return RC_OK;
}

static bool
convert(iconv_t cd, const void *from, size_t n, char to[CHARSET_CHAR_MAX], size_t *len)
{
	char *in = (char *)(uintptr_t)from, *out = to;
	size_t left = n, room = CHARSET_CHAR_MAX;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &out, &room) != 0 || left != 0)
		return false;
	*len = (size_t)(out - to);
	return true;
}

/* Round trips, all codes of all sets tried with glibc: every character of JIS X 0201, 0208 and 0212, KS X 1001,
 * GB 2312 and GBK comes back as it was. GB 18030 has six characters with two codes each, of four bytes and of two
 * (U+20087 is 95329031 and FE51); the longer one comes back as the shorter. That is the one difference that passes:
 * it is the same character, and both codes say so. */
bool
charset_char(enum charset_code c, const uint8_t *p, size_t n, char utf8[CHARSET_CHAR_MAX], size_t *len)
{
	char back[CHARSET_CHAR_MAX], again[CHARSET_CHAR_MAX];
	size_t k = 0, m = 0;

	if (!loaded || !convert(to_utf8[c], p, n, utf8, len) || !convert(from_utf8[c], utf8, *len, back, &k))
		return false;
	if (k == n && memcmp(back, p, n) == 0)
		return true;
	return c == CODE_GB18030 && n == 4 && k == 2 && convert(to_utf8[c], back, k, again, &m) && m == *len &&
	    memcmp(again, utf8, m) == 0;
}

bool
charset_char_single(const char *set, uint8_t byte, char utf8[CHARSET_CHAR_MAX], size_t *len)
{
	char one = (char)byte, back[CHARSET_CHAR_MAX];
	struct err ignored = { 0 };
	size_t n = 0;

	return charset_to_utf8(set, &one, 1, utf8, CHARSET_CHAR_MAX, len, &ignored) == RC_OK &&
	    charset_from_utf8(set, utf8, *len, back, sizeof back, &n, &ignored) == RC_OK && n == 1 && back[0] == one;
}
