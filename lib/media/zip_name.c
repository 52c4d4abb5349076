/* What a member is called: by its flag, by Info-ZIP's field, by what its bytes can only be, or by what was chosen. */
#include <string.h>
#include <libdeflate.h>
#include "base/text.h"
#include "media/zip_impl.h"

#define EXTRA_UNICODE	0x7075	/* Info-ZIP Unicode Path, APPNOTE 4.6.9 */
#define FIELD_HEAD	5	/* its version, and the CRC of the name that it stands for */

/* A field with another CRC is that of another name: the member was renamed by a program that did not know it. */
void zip_extra_name(const uint8_t *p, size_t n, struct zip_member *m)
{
	while (n >= 4 && get_le16(p + 2) <= n - 4) {
		size_t len = get_le16(p + 2);
		const char *name = (const char *)p + 4 + FIELD_HEAD;

		if (get_le16(p) == EXTRA_UNICODE) {
			if (len > FIELD_HEAD && p[4] == 1 && get_le32(p + 5) == libdeflate_crc32(0, m->name, m->name_len) &&
			    text_utf8_valid(name, len - FIELD_HEAD)) {
				m->unicode = name;
				m->unicode_len = (uint16_t)(len - FIELD_HEAD);
			}
			return;
		}
		p += 4 + len;
		n -= 4 + len;
	}
}

bool zip_same_unicode(const uint8_t *p, size_t n, const struct zip_member *m)
{
	struct zip_member local = { .name = m->name, .name_len = m->name_len };

	if (!m->unicode)
		return true;
	zip_extra_name(p, n, &local);
	return !local.unicode || (local.unicode_len == m->unicode_len &&
	    !memcmp(local.unicode, m->unicode, m->unicode_len));
}

size_t zip_name(const struct zip_member *m, enum names names, char *to, size_t cap)
{
	bool utf8 = text_utf8_valid(m->name, m->name_len);

	if (m->unicode && !(m->flags & ZIP_UTF8 && utf8))
		return names_utf8(NAMES_UTF8, m->unicode, m->unicode_len, to, cap);
	if (m->flags & ZIP_UTF8)	/* what is none all the same is seen where it is escaped */
		names = NAMES_UTF8;
	else if (names == NAMES_AUTO)	/* many forget the flag; other text is hardly ever UTF-8 by chance */
		names = utf8 ? NAMES_UTF8 : NAMES_CP437;
	return names_utf8(names, m->name, m->name_len, to, cap);
}
