/* s/pattern/text/ on a value. */
#include <string.h>

#include "reconcile/resolve_impl.h"
#include "reconcile/template.h"
#include "reconcile/value.h"

struct edit_text { struct resolve *re; const char *text; const regmatch_t *at; };

static int edit_hole(void *arg, const char *name, struct buf *b, struct err *err)
{
	return resolve_hole(((struct edit_text *)arg)->re, name, b, err);
}

static int edit_group(void *arg, unsigned n, struct buf *b, struct err *err)
{
	const struct edit_text *t = arg;
	const regmatch_t *m = &t->at[n];

	return m->rm_so < 0 ? RC_OK : buf_add(b, t->text + m->rm_so, (size_t)(m->rm_eo - m->rm_so), err);
}

static size_t character(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* One value, as sed does it. */
static int edit_one(struct resolve *re, const struct plan_rule *r, const char *s, struct err *err)
{
	regmatch_t at[PATTERN_GROUPS_MAX + 1];
	struct edit_text t = { re, NULL, at };
	struct template_use use = { .hole = edit_hole, .group = edit_group, .arg = &t };
	const char *start = s, *last = NULL;	/* last: end of the match before */
	bool found = false;
	int rc = RC_OK;

	for (;;) {
		rc = pattern_match(r->pattern, s, s != start, at, &found, err);
		if (rc != RC_OK || !found)
			break;
		t.text = s;
		rc = buf_add(&re->next, s, (size_t)at[0].rm_so, err);
		if (rc == RC_OK && (at[0].rm_eo > at[0].rm_so || s + at[0].rm_so != last))
			rc = template_expand(r->text, &use, &re->next, err);
		s += at[0].rm_eo;
		last = s;
		if (rc != RC_OK || !r->all)
			break;
		if (at[0].rm_eo == at[0].rm_so) {	/* nothing was found here: on with the next character */
			size_t n = *s != '\0' ? character(s) : 0;

			rc = buf_add(&re->next, s, n, err);
			s += n;
			if (rc != RC_OK || n == 0)
				break;
		}
	}
	return rc == RC_OK ? buf_puts(&re->next, s, err) : rc;
}

/* Each value of an element by itself. */
int resolve_edit(struct resolve *re, const struct plan_rule *r, struct err *err)
{
	char *s = re->now.data;
	int rc = RC_OK;

	while (rc == RC_OK) {
		char *end = value_multiple(r->vr) ? strchr(s, '\\') : NULL;

		if (end != NULL)
			*end = '\0';
		rc = edit_one(re, r, s, err);
		if (end == NULL)
			break;
		*end = '\\';
		s = end + 1;
		if (rc == RC_OK)
			rc = buf_puts(&re->next, "\\", err);
	}
	return rc;
}
