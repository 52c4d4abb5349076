/* The first pass: is each element where it may be, with the attributes it may have? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe_private.h"

#define LIST_MAX	1024	/* names of an element's attributes or children */

void
recipe_finding(struct recipe_findings *fs, unsigned line, bool meaning, const char *advice, const char *fmt, ...)
{
	char raw[sizeof(fs->at[0].text)];
	struct recipe_finding *f = NULL;
	size_t i = 0;
	va_list ap;

	if (fs->n == RECIPE_FINDINGS_MAX) {
		fs->more++;
		return;
	}
	for (i = fs->n++; i > 0 && fs->at[i - 1].line > line; i--)
		fs->at[i] = fs->at[i - 1];
	f = &fs->at[i];
	f->line = line;
	f->meaning = meaning;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_escape(f->text, sizeof(f->text), raw, strlen(raw));
	text_escape(f->advice, sizeof(f->advice), advice != NULL ? advice : "", advice != NULL ? strlen(advice) : 0);
}

/* "allowed: a b c", with the nearest spelling before it. */
static void
suggest(const char *word, const char *words, char *to, size_t cap)
{
	char near[64];

	recipe_nearest(word, words, near, sizeof(near));
	if (near[0] != '\0')
		snprintf(to, cap, "did you mean \"%s\"? allowed: %s", near, words);
	else if (words[0] != '\0')
		snprintf(to, cap, "allowed: %s", words);
	else
		text_copy(to, cap, "nothing is allowed there");
}

static void
add_word(char *list, const char *word)
{
	size_t n = strlen(list);

	snprintf(list + n, LIST_MAX - n, "%s%s", n > 0 ? " " : "", word);
}

static void
add_tags(char *list, uint64_t set)
{
	int t = 0;

	for (t = RT_NONE + 1; t < RT_COUNT; t++)
		if ((set & RT_SET(t)) != 0)
			add_word(list, recipe_tag_name((enum recipe_tag)t));
}

static const struct shape_attr *
find_attr(const struct shape *s, const char *name)
{
	size_t i = 0;

	for (i = 0; i < SHAPE_ATTRS && s->attrs[i].name != NULL; i++)
		if (strcmp(s->attrs[i].name, name) == 0)
			return &s->attrs[i];
	return NULL;
}

static bool
has_one(const struct recipe_node *n, const char *names)
{
	size_t i = 0;

	for (i = 0; i < n->nattrs; i++)
		if (recipe_word_in(n->attrs[i].name, names))
			return true;
	return false;
}

static void
check_value(const struct recipe_node *n, const struct recipe_attr *a, const struct shape_attr *sa,
    struct recipe_findings *fs)
{
	char advice[LIST_MAX];

	if (!recipe_value_fits(sa, a->value)) {
		if (sa->value == RV_WORDS)
			suggest(a->value, sa->words, advice, sizeof(advice));
		else
			recipe_value_allowed(sa, advice, sizeof(advice));
		recipe_finding(fs, n->line, false, advice, "<%s>: attribute %s has the value \"%.100s\"",
		    recipe_tag_name(n->tag), a->name, a->value);
	}
	if (sa->with != NULL && !has_one(n, sa->with))
		recipe_finding(fs, n->line, false, NULL, "<%s>: attribute %s stands only beside one of: %s",
		    recipe_tag_name(n->tag), a->name, sa->with);
	if (sa->not_with != NULL && recipe_attr(n, sa->not_with) != NULL)
		recipe_finding(fs, n->line, false, NULL, "<%s>: attributes %s and %s exclude each other",
		    recipe_tag_name(n->tag), a->name, sa->not_with);
}

void
recipe_form_node(const struct recipe_node *n, bool text, struct recipe_findings *fs)
{
	const struct shape *s = recipe_shape(n->tag);
	const struct shape_attr *sa = NULL;
	char list[LIST_MAX] = "", choice[LIST_MAX] = "", advice[LIST_MAX];
	size_t i = 0, ones = 0;

	for (i = 0; i < SHAPE_ATTRS && s->attrs[i].name != NULL; i++) {
		add_word(list, s->attrs[i].name);
		if (s->attrs[i].one_of)
			add_word(choice, s->attrs[i].name);
		if (s->attrs[i].required && recipe_attr(n, s->attrs[i].name) == NULL)
			recipe_finding(fs, n->line, false, NULL, "<%s>: attribute %s is missing", s->name, s->attrs[i].name);
	}
	for (i = 0; i < n->nattrs; i++) {
		if ((sa = find_attr(s, n->attrs[i].name)) == NULL) {
			suggest(n->attrs[i].name, list, advice, sizeof(advice));
			recipe_finding(fs, n->line, false, advice, "<%s>: there is no attribute %.60s", s->name,
			    n->attrs[i].name);
			continue;
		}
		ones += sa->one_of;
		check_value(n, &n->attrs[i], sa, fs);
	}
	if (choice[0] != '\0' && ones != 1)
		recipe_finding(fs, n->line, false, NULL, "<%s>: %s of these attributes: %s", s->name,
		    ones == 0 ? "wants one" : "has more than one", choice);
	if (text && !s->text)
		recipe_finding(fs, n->line, false, "text belongs into attributes, or is a comment", "<%s>: text within",
		    s->name);
}

static void
allowed_children(const struct shape *s, char list[LIST_MAX])
{
	size_t i = 0;

	list[0] = '\0';
	for (i = 0; i < SHAPE_CHILDREN; i++)
		add_tags(list, s->children[i].set);
}

void
recipe_form_unknown(const struct recipe_node *parent, const char *unknown, unsigned line, struct recipe_findings *fs)
{
	const struct shape *s = recipe_shape(parent->tag);
	char list[LIST_MAX], advice[LIST_MAX];

	allowed_children(s, list);
	suggest(unknown, list, advice, sizeof(advice));
	recipe_finding(fs, line, false, advice, "<%s>: there is no element <%.60s>", s->name, unknown);
}

/* The child's place among those not yet passed, or SHAPE_CHILDREN. */
static size_t
place_of(const struct shape *s, enum recipe_tag tag, size_t from)
{
	while (from < SHAPE_CHILDREN && (s->children[from].set & RT_SET(tag)) == 0)
		from++;
	return from;
}

void
recipe_form_children(const struct recipe_node *n, struct recipe_findings *fs)
{
	const struct shape *s = recipe_shape(n->tag);
	const struct recipe_node *c = NULL;
	char list[LIST_MAX], advice[LIST_MAX];
	size_t used[SHAPE_CHILDREN] = { 0 }, at = 0, i = 0;

	for (c = n->child; c != NULL; c = c->next) {
		i = place_of(s, c->tag, at);
		if (i == SHAPE_CHILDREN && place_of(s, c->tag, 0) == SHAPE_CHILDREN) {
			allowed_children(s, list);
			suggest(recipe_tag_name(c->tag), list, advice, sizeof(advice));
			recipe_finding(fs, c->line, false, advice, "<%s> does not stand in <%s>", recipe_tag_name(c->tag), s->name);
		} else if (i == SHAPE_CHILDREN) {
			allowed_children(s, list);
			snprintf(advice, sizeof(advice), "the order is: %.1000s", list);
			recipe_finding(fs, c->line, false, advice, "<%s> stands too late in <%s>", recipe_tag_name(c->tag), s->name);
			used[place_of(s, c->tag, 0)]++;
		} else if (used[i]++ > 0 && !s->children[i].many) {
			list[0] = '\0';
			add_tags(list, s->children[i].set);
			recipe_finding(fs, c->line, false, NULL, "<%s>: only one of: %s", s->name, list);
		} else {
			at = i;
		}
	}
	for (i = 0; i < SHAPE_CHILDREN; i++)
		if (s->children[i].at_least_one && used[i] == 0) {
			list[0] = '\0';
			add_tags(list, s->children[i].set);
			recipe_finding(fs, n->line, false, NULL, "<%s>: missing: %s", s->name, list);
		}
}
