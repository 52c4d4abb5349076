#include "http/tags.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"

#define HIDE_MIN	4	/* as in redact.h: a shorter text stands in too many places */

/* The length of the tag that stands at p, 0: none. */
static size_t
tag_at(const char *p, size_t left)
{
	size_t n = 1, from = 0;

	if (left < 4 || p[0] != '[')
		return 0;
	for (from = n; n < left && p[n] >= 'a' && p[n] <= 'z'; n++)
		;
	if (n == from || n - from >= REDACT_KIND_MAX || n == left || p[n] != '#')
		return 0;
	for (from = ++n; n < left && p[n] >= '0' && p[n] <= '9'; n++)
		;
	return n > from && n - from <= 4 && n < left && p[n] == ']' ? n + 1 : 0;
}

/* The next tag from `from` on; its length, 0: none. */
static size_t
next_tag(const char *p, size_t len, size_t from, size_t *at)
{
	size_t n = 0;

	for (*at = from; *at < len; ++*at)
		if ((n = tag_at(p + *at, len - *at)) > 0)
			return n;
	return 0;
}

static const struct tag *
find(const struct tags *t, const char *name, size_t n)
{
	size_t i = 0;

	for (i = 0; i < t->n; i++)
		if (strlen(t->v[i].name) == n && memcmp(t->v[i].name, name, n) == 0)
			return &t->v[i];
	return NULL;
}

static int
add(struct tags *t, const char *name, size_t n, const char *text, size_t len, struct err *err)
{
	struct tag *v = NULL;

	if (t->n == TAGS_MAX)
		return err_set(err, ERR_DATA, "more than %d tags in one session", TAGS_MAX);
	if ((v = realloc(t->v, (t->n + 1) * sizeof(*v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold a tag");
	t->v = v;
	v[t->n].made = false;
	text_copyn(v[t->n].name, sizeof(v[t->n].name), name, n);
	if ((v[t->n].text = malloc(len + 1)) == NULL)
		return err_sys(err, ENOMEM, "cannot hold a tag");
	memcpy(v[t->n].text, text, len);
	v[t->n++].text[len] = '\0';
	return RC_OK;
}

void
tags_cut(struct tags *t, size_t from)
{
	while (t->n > from)
		hash_wipe_text(&t->v[--t->n].text);
}

/* The same in another spelling: percent-encoded, a date, base64. */
static bool
same(const char *known, const char *text, size_t len)
{
	struct redact r = { 0 };
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct err e = { 0 };
	bool is = strlen(known) == len && memcmp(known, text, len) == 0;

	if (!is && redact_add_as(&r, "x", known, &e) == RC_OK && redact_buf(&r, text, len, &b, &e) == RC_OK)
		is = b.len == 5 && memcmp(b.data, "[x#1]", 5) == 0;
	redact_free(&r);
	buf_wipe(&b);
	return is;
}

bool
tags_match(struct tags *t, const char *pattern, size_t plen, const char *text, size_t len)
{
	size_t at = 0, tag = next_tag(pattern, plen, 0, &at), next = 0, after = 0, i = at, end = 0, began = t->n;
	const struct tag *known = NULL;
	const char *hit = NULL;
	struct err e = { 0 };

	if (tag == 0)
		return plen == len && (len == 0 || memcmp(pattern, text, len) == 0);
	if (len < at || memcmp(pattern, text, at) != 0)
		return false;
	for (; tag > 0; at = after, tag = next) {
		/* the tag stands for what lies before the literal behind it, which ends at the next tag */
		next = next_tag(pattern, plen, at + tag, &after);
		known = find(t, pattern + at, tag);
		if (known != NULL && strlen(known->text) <= len - i && memcmp(known->text, text + i, strlen(known->text)) == 0)
			end = i + strlen(known->text);
		else if (next == 0 && len - i < plen - at - tag)
			break;
		else if (next == 0)
			end = len - (plen - at - tag);
		else if (after == at + tag)
			end = i;	/* two tags side by side: where the first one ends is not known */
		else if ((hit = memmem(text + i, len - i, pattern + at + tag, after - at - tag)) != NULL)
			end = (size_t)(hit - text);
		else
			break;
		if (len - end < after - at - tag || memcmp(text + end, pattern + at + tag, after - at - tag) != 0)
			break;
		if (known != NULL ? !same(known->text, text + i, end - i) :
		    end > i && add(t, pattern + at, tag, text + i, end - i, &e) != RC_OK)
			break;
		i = end + (after - at - tag);
	}
	if (tag == 0 && i == len)
		return true;
	tags_cut(t, began);
	return false;
}

/* Something of the form that the code behind it takes: a date, a UID, a bearer. */
static int
invent(struct tags *t, const char *tag, size_t n, struct err *err)
{
	static const char *const uids[] = { "study", "path", "query", "dicom" };	/* where UIDs stand, beside others */
	char kind[REDACT_KIND_MAX], text[64];
	size_t i = 0, len = strcspn(tag + 1, "#");
	unsigned long number = strtoul(tag + 1 + len + 1, NULL, 10);

	text_copyn(kind, sizeof(kind), tag + 1, len);
	while (i < sizeof(uids) / sizeof(uids[0]) && strcmp(kind, uids[i]) != 0)
		i++;
	if (strcmp(kind, "birth") == 0 || strcmp(kind, "date") == 0)
		snprintf(text, sizeof(text), "18%02lu%02lu%02lu", number / 336 % 100, number / 28 % 12 + 1, number % 28 + 1);
	else if (i < sizeof(uids) / sizeof(uids[0]))
		snprintf(text, sizeof(text), "2.25.77%zu000%lu", i, number);
	else
		snprintf(text, sizeof(text), "recorded.%s.%lu", kind, number);
	if (add(t, tag, n, text, strlen(text), err) != RC_OK)
		return err_rc(err->kind);
	t->v[t->n - 1].made = true;
	return RC_OK;
}

bool
tags_made(const struct tags *t, const char *text, size_t n)
{
	size_t i = 0;

	for (i = 0; i < t->n; i++)
		if (t->v[i].made && strlen(t->v[i].text) == n && memcmp(t->v[i].text, text, n) == 0)
			return true;
	return false;
}

int
tags_fill(struct tags *t, const char *text, size_t len, struct buf *out, struct err *err)
{
	size_t from = 0, at = 0, tag = 0;
	const struct tag *known = NULL;
	int rc = RC_OK;

	for (from = 0; rc == RC_OK && (tag = next_tag(text, len, from, &at)) > 0; from = at + tag) {
		if ((known = find(t, text + at, tag)) == NULL) {
			if ((rc = invent(t, text + at, tag, err)) != RC_OK)
				break;
			known = find(t, text + at, tag);
		}
		if ((rc = buf_add(out, text + from, at - from, err)) == RC_OK)
			rc = buf_puts(out, known->text, err);
	}
	return rc == RC_OK ? buf_add(out, text + from, len - from, err) : rc;
}

int
tags_hide(const struct tags *t, const char *text, size_t len, struct buf *out, struct err *err)
{
	const struct tag *best = NULL;
	size_t i = 0, k = 0, from = 0, n = 0;
	int rc = RC_OK;

	while (i < len && rc == RC_OK) {
		for (k = 0, best = NULL; k < t->n; k++) {
			n = strlen(t->v[k].text);
			if (n >= HIDE_MIN && n <= len - i && memcmp(t->v[k].text, text + i, n) == 0 &&
			    (best == NULL || n > strlen(best->text)))
				best = &t->v[k];
		}
		if (best == NULL) {
			i++;
			continue;
		}
		if ((rc = buf_add(out, text + from, i - from, err)) == RC_OK)
			rc = buf_puts(out, best->name, err);
		from = i += strlen(best->text);
	}
	return rc == RC_OK ? buf_add(out, text + from, len - from, err) : rc;
}

void
tags_free(struct tags *t)
{
	tags_cut(t, 0);
	free(t->v);
	*t = (struct tags){ 0 };
}
