#include "media/mention.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"

#define COMPONENTS_MIN	5	/* a version has fewer; so has a UID made of a UUID (PS3.5 B.2), told by its root */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

static bool known(const char *list, const char *uid)
{
	size_t n = strlen(uid);

	for (const char *p = strstr(list, uid); p; p = strstr(p + 1, uid))
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

void mention_uids(const void *text, size_t n, char out[MENTION_MAX])
{
	const char *p = text, *end = p + (n < MENTION_BYTES ? n : MENTION_BYTES);
	size_t used = 0;

	out[0] = '\0';
	while (p < end) {
		char uid[66];
		size_t len = 0, dots = 0;

		while (p + len < end && is_word(p[len]))
			dots += p[len++] == '.';
		/* a full stop behind it is the sentence's */
		while (len && p[len - 1] == '.' && dots)
			len--, dots--;
		if ((dots + 1 >= COMPONENTS_MIN || (len > 5 && !memcmp(p, "2.25.", 5))) && len < sizeof uid &&
		    text_copyn(uid, sizeof uid, p, len) && text_is_uid(uid) && !known(out, uid) && used + len + 2 <= MENTION_MAX) {
			if (used)
				out[used++] = ' ';
			memcpy(out + used, uid, len + 1);
			used += len;
		}
		p += len ? len : 1;
	}
}
