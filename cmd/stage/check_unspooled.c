/* The verdict on an item that lies in no spool: judged by the order of --order, and printed; nothing is written. */
#include "stage/check_unspooled.h"

#include "base/hash.h"
#include "stage/check_report.h"

/* The order of --order, or an empty one: the worklist may fill it up. */
static int
copy_order(const struct check_stage *st, struct order **out, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = RC_OK;

	if (st->more == NULL)
		return order_new(out, err);
	if ((rc = order_write(st->more, &b, err)) == RC_OK)
		rc = order_parse(b.data, b.len, st->opt->order, out, err);
	buf_free(&b);
	return rc;
}

int
check_unspooled(struct check_stage *st, struct check_facts *f, bool papers, const char *path, struct report_source *src,
    struct err *err)
{
	struct check_report rep = { 0 };
	struct check_numbers n = { 0 };
	struct check_study s;
	struct order *o = NULL;
	struct buf b = BUF_INIT(ORDER_MAX);
	char sha[HASH_HEX] = "";
	json_t *doc = NULL;
	int rc = copy_order(st, &o, err);

	if (rc == RC_OK && st->opt->worklist)
		rc = check_worklist_run(
		    st, path, o, f->keys, f->nkeys, f->self, papers, &f->listed, err);
	if (rc == RC_OK)
		rc = check_targets_ask(st, path, o, f, NULL, err);
	if (rc == RC_OK) {
		check_study_of(st, f, o, papers, &s);
		rc = order_write(o, &b, err);
	}
	if (rc == RC_OK)
		rc = hash_hex(b.data, b.len, sha, err);
	if (rc == RC_OK)
		rc = check_judge(&s, &rep, err);
	if (rc == RC_OK) {
		rc = check_document(st, &rep, NULL, sha, "", &doc, &n, err);
		check_report_free(&rep);
	}
	if (rc == RC_OK) {
		check_worklist_print(st->cli, path, &f->listed);
		check_print(st->cli, path, doc);
		cli_count(st->cli, "items", 1);
		cli_count(st->cli, n.errors > 0 ? "held" : "cleared", 1);
		if (n.errors > 0)
			cli_worse(st->cli, ERR_PERSON);
	}
	if (rc == RC_OK && st->report != NULL) {
		src->path = path;
		src->order = s.order;
		src->facts = f;
		src->doc = doc;
		report_item(st->report, src, path);
	}
	json_decref(doc);
	buf_free(&b);
	order_free(o);
	return rc;
}
