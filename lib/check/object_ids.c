/* Other ids of an object's patient: (0010,1002), and (0010,1000), which is retired and names no issuer. */
#include <string.h>

#include "base/text.h"
#include "check/rules.h"
#include "dicom/charset.h"

#define ID_MAX 256 /* bytes of an LO of 64 characters, in UTF-8 */

struct reading {
	const char *charset;
	char *to;
	size_t cap;
	unsigned item; /* in hand */
	char id[ID_MAX], issuer[ID_MAX];
};

/* A text in UTF-8, "" where it is too long, not convertible, or would break the list. */
static void
text_of(const struct object *d, const struct element *e, const char *charset, char to[ID_MAX])
{
	char raw[ID_MAX];
	struct err err = { 0 };
	size_t n = 0;

	*to = '\0';
	if (walk_trimmed(d, e, raw, sizeof raw, &n, &err) != RC_OK)
		return;
	charset_value(charset, "LO", raw, n, to, ID_MAX);
	if (strpbrk(to, "\\\037") != NULL)
		*to = '\0';
}

static void
add(char *to, size_t cap, const char *id, const char *issuer)
{
	size_t n = strlen(to);

	if (*id == '\0' || n + strlen(id) + strlen(issuer) + 3 > cap)
		return;
	if (n > 0)
		to[n++] = '\\';
	text_copy(to + n, cap - n, id);
	n += strlen(id);
	to[n++] = CHECK_ID_SEP;
	text_copy(to + n, cap - n, issuer);
}

static void
end_item(struct reading *r)
{
	add(r->to, r->cap, r->id, r->issuer);
	r->id[0] = r->issuer[0] = '\0';
}

static int
take(const struct object *d, unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct reading *r = arg;

	(void)err;
	if (item != r->item)
		end_item(r);
	r->item = item;
	if (e->tag == TAG(0x0010, 0x0020))
		text_of(d, e, r->charset, r->id);
	else if (e->tag == TAG(0x0010, 0x0021))
		text_of(d, e, r->charset, r->issuer);
	return RC_OK;
}

void
object_other_ids(const struct object *d, const char *charset, char *to, size_t cap)
{
	struct reading r = { .charset = charset, .to = to, .cap = cap };
	const struct element *e = walk_find(d, TAG(0x0010, 0x1002));
	char list[CHECK_TEXT_MAX] = "";
	struct err err = { 0 };

	*to = '\0';
	if (e != NULL && walk_items(d, e, take, &r, &err) == RC_OK)
		end_item(&r);
	if (walk_text(d, TAG(0x0010, 0x1000), list, sizeof list, NULL, &err) != RC_OK || !charset_ascii(list, strlen(list)))
		return;
	for (char *s = list, *end = NULL; s != NULL; s = end) {
		end = strchr(s, '\\');
		if (end != NULL)
			*end++ = '\0';
		if (strchr(s, CHECK_ID_SEP) == NULL)
			add(to, cap, s, "");
	}
}
