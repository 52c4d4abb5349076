/* What mri-check writes into an item: order, check, and a line of history; nothing where all of it stands already. */
#include "stage/check_item.h"

#include <string.h>

#include "base/text.h"

struct last {
	const char *item;
	char outcome[16];
};

static int
last_check(const json_t *line, void *arg, struct err *err)
{
	struct last *l = arg;
	const char *stage = json_string_value(json_object_get(line, "stage"));
	const char *item = json_string_value(json_object_get(line, "item"));
	const char *outcome = json_string_value(json_object_get(line, "outcome"));

	(void)err;
	if (stage != NULL && item != NULL && outcome != NULL && strcmp(stage, "check") == 0 &&
	    strcmp(item, l->item) == 0)
		text_copy(l->outcome, sizeof l->outcome, outcome);
	return RC_OK;
}

static const char *
outcome_of(const struct check_job *j)
{
	if (j->numbers.errors > 0)
		return "held";
	return j->facts.manifest->partial ? "partial" : "ok";
}

static int
write_history(struct check_job *j, struct err *err)
{
	char reason[ERR_TEXT_MAX] = "";
	json_t *n = json_make(err, "{s:I, s:I, s:I, s:I}", "objects", (json_int_t)j->facts.nobjects,
	    "errors", (json_int_t)j->numbers.errors, "accepted", (json_int_t)j->numbers.accepted,
	    "warnings", (json_int_t)j->numbers.warnings);
	int rc = RC_OK;

	if (n == NULL)
		return err_rc(err->kind);
	if (j->numbers.errors > 0)
		check_reason(j->doc, false, reason, sizeof reason);
	rc = import_history_add(j->import, "check", item_name(j->item), outcome_of(j),
	    *reason != '\0' ? reason : NULL, n, err);
	json_decref(n);
	return rc;
}

/* Order first: a check is bound to it, and one that is bound to another order is stale. */
int
check_commit(struct check_job *j, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct last last = { item_name(j->item), "" };
	bool same_order = false, same = false;
	int rc = item_file_write(
	    j->item, ITEM_ORDER, j->order_bytes.data, j->order_bytes.len, &same_order, err);

	if (rc != RC_OK)
		return rc;
	same = j->old != NULL && check_same(j->old, j->doc);
	if (!same) { /* a report of another check goes first */
		if ((rc = item_file_remove(j->item, ITEM_REPORT, err)) != RC_OK)
			return rc;
		if ((rc = json_write(j->doc, &b, err)) == RC_OK)
			rc = item_file_write(j->item, ITEM_CHECK, b.data, b.len, NULL, err);
	}
	if (rc == RC_OK && same)
		rc = import_history_each(j->import, last_check, &last, err);
	/* a check without its line in history: the run before was interrupted */
	if (rc == RC_OK && (!same || strcmp(last.outcome, outcome_of(j)) != 0))
		rc = write_history(j, err);
	j->again = same && same_order;
	buf_free(&b);
	return rc;
}
