#include <string.h>

#include "base/text.h"
#include "reconcile/template.h"

static int literal(const struct template_use *u, const char *s, size_t n, struct buf *b, struct err *err)
{
	if (n == 0)
		return RC_OK;
	return u->literal != NULL ? u->literal(u->arg, s, n, b, err) : buf_add(b, s, n, err);
}

/* "{name}" at *at; *at: behind it. */
static int hole(const char **at, const struct template_use *u, struct buf *b, struct err *err)
{
	char name[TEMPLATE_NAME_MAX];
	const char *end = strchr(*at, '}');
	size_t n = end != NULL ? (size_t)(end - *at) - 1 : 0;

	if (end == NULL || memchr(*at + 1, '{', n) != NULL)
		return err_set(err, ERR_CONFIG, "a \"{\" without its \"}\"; a brace itself is written {{");
	if (n == 0 || !text_copyn(name, sizeof name, *at + 1, n))
		return err_set(err, ERR_CONFIG, "a template without a name, or with one that is too long");
	*at = end + 1;
	return u->hole(u->arg, name, b, err);
}

/* "\x" at *at in an edit. */
static int backslash(const char **at, const struct template_use *u, struct buf *b, struct err *err)
{
	char c = (*at)[1];

	if (c >= '0' && c <= '9') {
		*at += 2;
		return u->group(u->arg, (unsigned)(c - '0'), b, err);
	}
	if (c != '&' && c != '\\')
		return err_set(err, ERR_CONFIG, "a backslash before something else than 0 to 9, & or a backslash");
	*at += 2;
	return literal(u, &c, 1, b, err);
}

int template_expand(const char *s, const struct template_use *u, struct buf *b, struct err *err)
{
	const char *stop = u->group != NULL ? "{}\\&" : "{}";
	int rc = RC_OK;

	while (rc == RC_OK && *s != '\0') {
		size_t n = strcspn(s, stop);

		rc = literal(u, s, n, b, err);
		s += n;
		if (rc != RC_OK || *s == '\0')
			break;
		if (*s == '\\') {
			rc = backslash(&s, u, b, err);
		} else if (*s == '&') {
			s++;
			rc = u->group(u->arg, 0, b, err);
		} else if (s[0] == s[1]) {
			rc = literal(u, s, 1, b, err);
			s += 2;
		} else if (*s == '{') {
			rc = hole(&s, u, b, err);
		} else {
			rc = err_set(err, ERR_CONFIG, "a \"}\" without its \"{\"; a brace itself is written }}");
		}
	}
	return rc;
}

int template_escape(const char *s, size_t n, bool edit, struct buf *b, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < n; i++) {
		if (s[i] == '{' || s[i] == '}')
			rc = buf_add(b, &s[i], 1, err);
		else if (edit && (s[i] == '\\' || s[i] == '&'))
			rc = buf_add(b, "\\", 1, err);
		if (rc == RC_OK)
			rc = buf_add(b, &s[i], 1, err);
	}
	return rc;
}
