/* --plan: tag, old → new, rule; what a person reads before it is done. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "stage/retag.h"

#define DISTINCT_MAX	3	/* old values of one tag that are shown; more are counted */
#define CELL		4096

struct retag_old {
	json_t *values;		/* tag → [distinct values] */
	json_t *more;		/* tags that have more than DISTINCT_MAX */
	long long objects;
};

int retag_old_new(struct retag_old **out, struct err *err)
{
	struct retag_old *o = calloc(1, sizeof *o);

	*out = o;
	if (o == NULL || (o->values = json_object()) == NULL || (o->more = json_object()) == NULL)
		return err_set(err, ERR_TEMP, "no memory for old values");
	return RC_OK;
}

void retag_old_free(struct retag_old *o)
{
	if (o == NULL)
		return;
	json_decref(o->values);
	json_decref(o->more);
	free(o);
}

int retag_old_add(struct retag_old *o, const json_t *values, struct err *err)
{
	const char *tag = NULL;
	json_t *v = NULL, *seen = NULL, *list = NULL;
	size_t i = 0;

	o->objects++;
	json_object_foreach((json_t *)(uintptr_t)values, tag, v) {
		bool known = false;

		list = json_object_get(o->values, tag);
		if (list == NULL) {
			list = json_array();
			if (list == NULL || json_object_set_new(o->values, tag, list) != 0)
				return err_set(err, ERR_TEMP, "no memory for old values");
		}
		json_array_foreach(list, i, seen)
			known |= json_equal(seen, v);
		if (!known && json_array_size(list) < DISTINCT_MAX)
			json_array_append(list, v);
		else if (!known)
			json_object_set_new(o->more, tag, json_true());
	}
	return RC_OK;
}

/* A value in one line, quoted. */
static void add_quoted(struct buf *b, const char *s)
{
	char shown[CELL];
	struct err ignored;

	text_escape(shown, sizeof shown, s, strlen(s));
	if (s[0] == '[')	/* a sequence, told by its items */
		(void)buf_puts(b, shown, &ignored);
	else
		(void)buf_printf(b, &ignored, "\"%s\"", shown);
}

static void old_cell(const struct retag_old *o, const char *tag, struct buf *b)
{
	json_t *list = json_object_get(o->values, tag), *v = NULL;
	struct err ignored;
	size_t i = 0;

	if (list == NULL)
		(void)buf_puts(b, "absent", &ignored);
	json_array_foreach(list, i, v) {
		if (i > 0)
			(void)buf_puts(b, " | ", &ignored);
		add_quoted(b, json_string_value(v));
	}
	if (json_object_get(o->more, tag) != NULL)
		(void)buf_puts(b, " | …", &ignored);
}

/* The conditions of a rule of a map. */
static void add_conditions(const json_t *rule, struct buf *b)
{
	json_t *c = NULL, *v = NULL;
	struct err ignored;
	size_t i = 0, k = 0;

	if (strcmp(json_text(rule, "when"), "empty") == 0)
		(void)buf_puts(b, " where empty", &ignored);
	json_array_foreach(json_object_get(rule, "if"), i, c) {
		const json_t *not = json_object_get(c, "not"), *list = not != NULL ? not : json_object_get(c, "is");

		(void)buf_printf(b, &ignored, "%s %s %s", i > 0 ? " and" : ", where", json_text(c, "tag"),
		    list == NULL ? "is like " : not != NULL ? "is not " : "is ");
		if (list == NULL)
			add_quoted(b, json_text(c, "match"));
		json_array_foreach(list, k, v) {
			(void)buf_puts(b, k > 0 ? " or " : "", &ignored);
			add_quoted(b, json_string_value(v));
		}
	}
}

static void new_cell(const json_t *rule, struct buf *b)
{
	const char *op = json_string_value(json_object_get(rule, "op"));
	const json_t *value = json_object_get(rule, "new");
	struct err ignored;

	if (strcmp(op, "remove") == 0)
		(void)buf_puts(b, "removed", &ignored);
	else if (strcmp(op, "empty") == 0)
		(void)buf_puts(b, "empty where present", &ignored);
	else if (strcmp(op, "convert") == 0)
		(void)buf_puts(b, "ISO_IR 192 where the new values need it", &ignored);
	else if (strcmp(op, "edit") == 0) {
		add_quoted(b, json_text(rule, "re"));
		(void)buf_puts(b, " becomes ", &ignored);
		add_quoted(b, json_text(rule, "new"));
	} else if (json_object_get(rule, "template") != NULL)
		add_quoted(b, json_text(rule, "template"));
	else if (strcmp(op, "append") == 0)
		(void)buf_printf(b, &ignored, "%zu item appended", json_array_size(value));
	else if (json_is_string(value))
		add_quoted(b, json_string_value(value));
	else
		(void)buf_printf(b, &ignored, "[%zu item%s]", json_array_size(value),
		    json_array_size(value) == 1 ? "" : "s");
}

void retag_old_print(struct retag_old *o, struct cli *cli, const char *subject, const char *path,
    const json_t *plan)
{
	json_t *rules = json_object_get(plan, "rules"), *rule = NULL, *doc = NULL;
	struct buf from = BUF_INIT(0), to = BUF_INIT(0);
	struct err err = { 0 };
	size_t i = 0;

	if (cli->json) {
		doc = json_make(&err, "{s:i, s:s, s:s, s:s, s:I, s:O, s:O}", "v", 1, "type", "plan",
		    "item", subject,
		    "path", path, "objects", (json_int_t)o->objects, "plan", plan, "old", o->values);
		if (doc != NULL)
			cli_print_json(cli, doc);
		json_decref(doc);
		return;
	}
	cli_print(cli, "%s: %s, %lld object%s", subject,
	    json_is_true(json_object_get(plan, "scheduled")) ? "scheduled" : "unscheduled", o->objects,
	    o->objects == 1 ? "" : "s");
	json_array_foreach(rules, i, rule) {
		const char *tag = json_string_value(json_object_get(rule, "tag"));

		buf_clear(&from);
		buf_clear(&to);
		old_cell(o, tag, &from);
		new_cell(rule, &to);
		add_conditions(rule, &to);
		cli_print(cli, "  %s %-32s %s -> %s  %s%s%s", tag, json_text(rule, "keyword"), from.data, to.data,
		    json_text(rule, "rule"), json_object_get(rule, "from") != NULL ? " " : "", json_text(rule, "from"));
	}
	buf_free(&from);
	buf_free(&to);
}
