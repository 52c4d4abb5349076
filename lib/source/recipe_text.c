#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "http/url.h"
#include "source/recipe_text.h"

int
vars_set(struct recipe_vars *vars, const char *name, const char *value, bool json, struct err *err)
{
	struct recipe_var *v = NULL;
	char *copy = NULL;
	size_t i = 0;

	if ((copy = text_dup(value, err)) == NULL)
		return err_rc(err->kind);
	for (i = 0; i < vars->n && strcmp(vars->v[i].name, name) != 0; i++)
		;
	if (i == vars->n) {
		v = vars->n < RECIPE_VARS_MAX ? realloc(vars->v, (vars->n + 1) * sizeof(*v)) : NULL;
		if (v != NULL) {
			vars->v = v;
			v[i] = (struct recipe_var){ .name = text_dup(name, err) };
		}
		if (v == NULL || v[i].name == NULL) {
			hash_wipe_text(&copy);
			return err_set(err, ERR_TEMP, "too many variables");
		}
		vars->n++;
	}
	hash_wipe_text(&vars->v[i].value);
	vars->v[i].value = copy;
	vars->v[i].json = json;
	return RC_OK;
}

const struct recipe_var *
vars_get(const struct recipe_vars *vars, const char *name)
{
	size_t i = 0;

	for (; vars != NULL; vars = vars->outer)
		for (i = 0; i < vars->n; i++)
			if (strcmp(vars->v[i].name, name) == 0)
				return &vars->v[i];
	return NULL;
}

void
vars_free(struct recipe_vars *vars)
{
	size_t i = 0;

	for (i = 0; i < vars->n; i++) {
		free(vars->v[i].name);
		hash_wipe_text(&vars->v[i].value);
	}
	free(vars->v);
	vars->v = NULL;
	vars->n = 0;
}

bool
recipe_date(const char *s, char out[9])
{
	char iso[9];

	if (time_parse_date(s, out))
		return true;
	if (strlen(s) != 10 || s[2] != '.' || s[5] != '.')
		return false;
	snprintf(iso, sizeof(iso), "%.4s%.2s%.2s", s + 6, s + 3, s);
	return time_parse_date(iso, out);
}

static int
filter_date(const char *value, const char *pattern, struct buf *out, struct err *err)
{
	char d[9];
	int rc = RC_OK;

	if (value[0] == '\0')
		return buf_puts(out, "", err);
	if (!recipe_date(value, d)) {
		err_set(err, ERR_DENIED, "an answer that should be a date is none");
		err_advise(err, "write it as YYYY-MM-DD; nothing was sent");
		return err_rc(ERR_DENIED);
	}
	for (; *pattern != '\0' && rc == RC_OK; pattern++) {
		if (*pattern != '%') {
			rc = buf_add(out, pattern, 1, err);
			continue;
		}
		switch (*++pattern) {
		case 'Y': rc = buf_add(out, d, 4, err); break;
		case 'y': rc = buf_add(out, d + 2, 2, err); break;
		case 'm': rc = buf_add(out, d + 4, 2, err); break;
		case 'd': rc = buf_add(out, d + 6, 2, err); break;
		case '%': rc = buf_add(out, "%", 1, err); break;
		default: return err_set(err, ERR_CONFIG, "a date filter knows %%Y, %%y, %%m and %%d only");
		}
	}
	return rc;
}

static int
filter(const char *value, const char *name, struct buf *out, struct err *err)
{
	struct url u;
	char c = '\0';
	int rc = buf_puts(out, "", err);

	if (rc != RC_OK || name[0] == '\0')
		return rc != RC_OK ? rc : buf_puts(out, value, err);
	if (strncmp(name, "date:", 5) == 0)
		return filter_date(value, name + 5, out, err);
	if (strcmp(name, "host") == 0) {
		if ((rc = url_parse(value, &u, err)) == RC_OK) {
			rc = buf_puts(out, u.host, err);
			url_free(&u);
		}
		return rc;
	}
	for (; *value != '\0' && rc == RC_OK; value++) {
		if (strcmp(name, "upper") == 0)
			c = *value >= 'a' && *value <= 'z' ? (char)(*value - 32) : *value;
		else if (strcmp(name, "lower") == 0)
			c = *value >= 'A' && *value <= 'Z' ? (char)(*value + 32) : *value;
		else if (strcmp(name, "digits") == 0)
			c = *value >= '0' && *value <= '9' ? *value : '\0';
		else
			return err_set(err, ERR_CONFIG, "a filter that there is not");
		if (c != '\0')
			rc = buf_add(out, &c, 1, err);
	}
	return rc;
}

static int
add_percent(const char *value, struct buf *out, struct err *err)
{
	int rc = RC_OK;

	for (; *value != '\0' && rc == RC_OK; value++)
		rc = isalnum((unsigned char)*value) || strchr("-._~", *value) != NULL ? buf_add(out, value, 1, err) :
		    buf_printf(out, err, "%%%02X", (unsigned char)*value);
	return rc;
}

static int
add_json(const char *value, bool quoted, struct buf *out, struct err *err)
{
	struct buf b = BUF_INIT(8 * RECIPE_VALUE_MAX);
	json_t *j = NULL;
	size_t digits = strspn(value, "0123456789");
	int rc = RC_OK;

	if (!quoted && digits > 0 && digits < 16 && value[digits] == '\0' && (digits == 1 || value[0] != '0'))
		return buf_puts(out, value, err);
	if ((j = json_make(err, "[s]", value)) == NULL)
		return err_rc(err->kind);
	rc = json_write(j, &b, err);	/* ["value"] */
	if (rc == RC_OK)
		rc = quoted ? buf_add(out, b.data + 2, b.len - 4, err) : buf_add(out, b.data + 1, b.len - 2, err);
	json_decref(j);
	buf_wipe(&b);
	return rc;
}

static int
place_value(const char *value, const struct recipe_var *v, enum recipe_place place, bool first, bool quoted, char next,
    struct buf *out, struct err *err)
{
	const char *p = NULL;
	size_t n = strlen(value);

	switch (place) {
	case PLACE_URL:
		if (!first)
			return add_percent(value, out, err);
		while (next == '/' && n > 0 && value[n - 1] == '/')
			n--;
		return buf_add(out, value, n, err);
	case PLACE_JSON:
		return v->json && !quoted ? buf_puts(out, value, err) : add_json(value, quoted, out, err);
	case PLACE_HEADER:
		for (p = value; *p != '\0'; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return err_set(err, ERR_PROTOCOL, "a value with line breaks in it cannot stand in a header");
		break;
	case PLACE_PLAIN:
		break;
	}
	return buf_puts(out, value, err);
}

bool
recipe_filter_known(const char *f)
{
	static const char *const known[] = { "", "host", "upper", "lower", "digits" };
	size_t i = 0;

	if (text_starts(f, "date:")) {
		for (f += 5; *f != '\0'; f++)
			if (*f == '%' && (*++f == '\0' || strchr("Yymd%", *f) == NULL))
				return false;
		return true;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]) && strcmp(f, known[i]) != 0; i++)
		;
	return i < sizeof(known) / sizeof(known[0]);
}

size_t
recipe_placeholder(const char *s, char name[RECIPE_NAME_MAX], char what[RECIPE_FILTER_MAX])
{
	size_t n = 1, m = 0;

	if (s[0] != '{' || s[1] < 'a' || s[1] > 'z')
		return 0;
	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_')
		n++;
	if ((s[n] != '}' && s[n] != '|') || !text_copyn(name, RECIPE_NAME_MAX, s + 1, n - 1))
		return 0;
	what[0] = '\0';
	if (s[n] == '|') {
		m = strcspn(s + n + 1, "}");
		if (s[n + 1 + m] != '}' || !text_copyn(what, RECIPE_FILTER_MAX, s + n + 1, m))
			return 0;
		n += m + 1;
	}
	return n + 1;
}

int
recipe_expand(const char *text, const struct recipe_vars *vars, enum recipe_place place, struct buf *out,
    struct err *err)
{
	struct buf value = BUF_INIT(RECIPE_VALUE_MAX);
	char name[RECIPE_NAME_MAX], what[RECIPE_FILTER_MAX];
	const struct recipe_var *v = NULL;
	const char *p = text;
	bool quoted = false;
	size_t n = 0;
	int rc = buf_puts(out, "", err);

	while (*p != '\0' && rc == RC_OK) {
		if ((n = recipe_placeholder(p, name, what)) == 0) {
			if (place == PLACE_JSON && *p == '"' && (p == text || p[-1] != '\\'))
				quoted = !quoted;
			rc = buf_add(out, p++, 1, err);
			continue;
		}
		if ((v = vars_get(vars, name)) == NULL) {
			rc = err_set(err, ERR_CONFIG, "the recipe uses {%s} before it has a value", name);
			break;
		}
		buf_clear(&value);
		if ((rc = filter(v->value, what, &value, err)) == RC_OK)
			rc = place_value(value.data, v, place, p == text, quoted, p[n], out, err);
		p += n;
	}
	buf_wipe(&value);
	return rc;
}

bool
recipe_known(const char *text, const struct recipe_vars *vars)
{
	char name[RECIPE_NAME_MAX], what[RECIPE_FILTER_MAX];
	size_t n = 0;

	for (; *text != '\0'; text += n > 0 ? n : 1)
		if ((n = recipe_placeholder(text, name, what)) > 0 && vars_get(vars, name) == NULL)
			return false;
	return true;
}

static int
add_plus(const char *s, struct buf *out, struct err *err)
{
	int rc = RC_OK;

	for (; *s != '\0' && rc == RC_OK; s++)
		rc = *s == ' ' ? buf_puts(out, "+", err) :
		    isalnum((unsigned char)*s) || strchr("-._*", *s) != NULL ? buf_add(out, s, 1, err) :
		    buf_printf(out, err, "%%%02X", (unsigned char)*s);
	return rc;
}

int
recipe_urlencode(const char *name, const char *value, struct buf *out, struct err *err)
{
	int rc = buf_puts(out, out->len > 0 ? "&" : "", err);

	if (rc == RC_OK && (rc = add_plus(name, out, err)) == RC_OK && (rc = buf_puts(out, "=", err)) == RC_OK)
		rc = add_plus(value, out, err);
	return rc;
}
