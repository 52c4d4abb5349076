/* A file of rules: lines, sections, mistakes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/map_impl.h"

#define SHOWN	160	/* of a foreign word in a message, escaped */

void map_fault(struct compile *c, const char *advice, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	struct err e = { 0 };
	va_list ap;

	c->faults++;
	if (c->faults > MAP_FAULTS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, ERR_CONFIG, "%s:%u: %s", c->name, c->line, text);
	if (advice != NULL)
		err_advise(&e, "%s", advice);
	c->fn(c->arg, &e);
}

void map_unknown(struct compile *c, const char *what, const char *word, const char *nearest)
{
	char shown[SHOWN], advice[ERR_ADVICE_MAX] = "mri-map(5) says what there is";

	text_escape(shown, sizeof shown, word, strlen(word));
	if (nearest != NULL)
		(void)snprintf(advice, sizeof advice, "the nearest one is %s", nearest);
	map_fault(c, advice, "%s: %s", shown, what);
}

char *map_blanks(char *s)
{
	return s + strspn(s, " \t");
}

char *map_delimited(char **at, char delimiter)
{
	char *start = *at, *to = start, *s = start;

	for (; *s != '\0' && *s != delimiter; s++) {
		if (*s == '\\' && s[1] == delimiter) {
			s++;
		} else if (*s == '\\' && s[1] != '\0') {
			*to++ = *s++;
		}
		*to++ = *s;
	}
	if (*s == '\0')
		return NULL;
	*at = s + 1;
	*to = '\0';
	return start;
}

static void one_line(struct compile *c, char *s)
{
	size_t n = 0;

	s = map_blanks(s);
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
	if (n == 0 || *s == '#')
		return;
	if (!text_utf8_valid(s, n)) {
		map_fault(c, "maps are written in UTF-8", "a line that is not UTF-8");
	} else if (*s != '[') {
		map_line(c, s);
	} else if (s[n - 1] != ']') {
		map_fault(c, "write it in one line, as in [when Modality = CT MR]", "a section without its ]");
	} else {
		s[n - 1] = '\0';
		map_section(c, s + 1);
	}
}

static void lines(struct compile *c, const char *text, size_t n)
{
	char line[MAP_LINE_MAX];
	size_t at = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < n) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end != NULL ? (size_t)(end - text) - at : n - at;

		c->line++;
		if (memchr(text + at, '\0', len) != NULL)
			map_fault(c, "a map is a text in UTF-8", "a line with a NUL in it");
		else if (!text_copyn(line, sizeof line, text + at, len))
			map_fault(c, "lines can not be continued", "a line of more than %d bytes", MAP_LINE_MAX - 1);
		else
			one_line(c, line);
		at += len + 1;
	}
}

int map_new(struct map **out, struct err *err)
{
	struct map *m = calloc(1, sizeof *m);

	*out = m;
	if (m == NULL || (m->rules = json_array()) == NULL) {
		free(m);
		*out = NULL;
		return err_set(err, ERR_TEMP, "no memory for a map");
	}
	return RC_OK;
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	json_decref(m->rules);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m != NULL ? json_array_size(m->rules) : 0;
}

int map_add(struct map *m, const char *name, const char *text, size_t n, map_fault_fn *fn, void *arg,
    struct err *err)
{
	char shown[SHOWN], base[SHOWN];
	const char *slash = strrchr(name, '/');
	struct compile c = { .map = m, .name = shown, .base = base, .fn = fn, .arg = arg, .seen = json_object() };

	text_escape(shown, sizeof shown, name, strlen(name));
	slash = slash != NULL ? slash + 1 : name;
	text_escape(base, sizeof base, slash, strlen(slash));
	if (c.seen == NULL)
		err_set(&c.err, ERR_TEMP, "no memory for a map");
	else if (n > MAP_BYTES_MAX)
		map_fault(&c, "split it", "more than %zu bytes", MAP_BYTES_MAX);
	else
		lines(&c, text, n);
	json_decref(c.only);
	json_decref(c.of);
	json_decref(c.seen);
	if (c.err.kind != ERR_NONE) {
		*err = c.err;
		return err_rc(err->kind);
	}
	if (c.faults == 0 && json_array_size(m->rules) > PLAN_RULES_MAX / 2)
		return err_set(err, ERR_CONFIG, "%s: with it there are more than %d rules", shown, PLAN_RULES_MAX / 2);
	if (c.faults == 0 && m->patterns > PLAN_PATTERNS_MAX)
		return err_set(err, ERR_CONFIG, "%s: with it there are more than %d patterns", shown, PLAN_PATTERNS_MAX);
	if (c.faults > MAP_FAULTS_MAX)
		err_set(err, ERR_CONFIG, "%s: %zu mistakes, of which %d are told", shown, c.faults, MAP_FAULTS_MAX);
	else if (c.faults > 0)
		err_set(err, ERR_CONFIG, "%s: %zu mistake%s", shown, c.faults, c.faults == 1 ? "" : "s");
	if (c.faults > 0) {
		err_advise(err, "no object was read");
		return err_rc(err->kind);
	}
	return RC_OK;
}
