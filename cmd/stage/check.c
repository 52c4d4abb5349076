/* What mri-check was told, and each input to what checks it: an item of a spool, or a folder. */
#include "stage/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "stage/check_item.h"
#include "stage/check_report.h"

static int
read_order_file(struct check_stage *st, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	int rc = io_slurp(AT_FDCWD, st->opt->order, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, st->opt->order, &st->more, err);
	buf_wipe(&b);
	return rc;
}

int
check_begin(struct check_stage *st, struct cli *cli, struct work *w, const struct check_options *opt,
    struct err *err)
{
	int rc = RC_OK;

	memset(st, 0, sizeof *st);
	st->cli = cli;
	st->work = w;
	st->opt = opt;
	for (size_t i = 0; i < opt->accept.n; i++) {
		enum check_rule r = CHECK_PATIENT;
		if (!check_rule_find(opt->accept.v[i], &r))
			return err_set(err, ERR_USAGE,
			    "--accept: no such rule (patient, one_patient, one_order, complete, "
			    "readable, consistent, target, permitted)");
		st->accept[r] = st->accepting = true;
	}
	if (st->accepting && (opt->reason == NULL || *opt->reason == '\0'))
		return err_set(err, ERR_USAGE, "--accept needs --reason TEXT");
	if (!st->accepting && opt->reason != NULL)
		return err_set(err, ERR_USAGE, "--reason goes with --accept RULE");
	if (st->accepting && !text_utf8_valid(opt->reason, strlen(opt->reason)))
		return err_set(err, ERR_USAGE, "--reason is not UTF-8");
	st->known = calloc(cli->config->ndestinations + 1, sizeof *st->known);
	if (st->known == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < cli->config->ndestinations; i++)
		st->known[st->nknown++] = cli->config->destinations[i].name;
	if (opt->report != NULL && cli->dry_run)
		return err_set(err, ERR_USAGE, "-n writes nothing: it goes without --report");
	if (opt->worklist && (rc = check_worklist_begin(st, err)) != RC_OK)
		return rc;
	if (opt->order != NULL && (rc = read_order_file(st, err)) != RC_OK)
		return rc;
	return opt->report != NULL ? report_open(&st->report, cli, w, opt->report, err) : RC_OK;
}

void
check_end(struct check_stage *st)
{
	report_close(st->report);
	check_pool_free(st->pool);
	order_free(st->more);
	free(st->known);
}

void
check_input(struct check_stage *st, const struct cli_input *in)
{
	struct spool_ref ref = { .kind = SPOOL_NOT };
	struct check_for input = { st, in, false };
	struct stat sb;
	struct err err = { 0 };
	int rc = work_open_for(st->cli, st->work, SPOOL_SECRET, in->path, &err);

	if (rc == RC_OK && st->work->spool != NULL)
		rc = spool_resolve(st->work->spool, in->path, &ref, &err);
	if (rc != RC_OK) {
		cli_fail(st->cli, in, in->path, &err);
		return;
	}
	if (ref.kind == SPOOL_NOT) {
		if (stat(in->path, &sb) == 0) {
			check_folder(st, in);
			return;
		}
		err_set(&err, ERR_NOINPUT, "neither an import, an item nor a folder");
		if (st->work->spool == NULL)
			err_advise(&err, "ids need a spool: -s DIR or MRI_SPOOL");
		cli_fail(st->cli, in, in->path, &err);
		return;
	}
	input.whole = ref.kind == SPOOL_IMPORT;
	if (work_items(st->work, &ref, check_item, &input, &err) != RC_OK && err.kind != ERR_NONE)
		cli_fail(st->cli, in, in->path, &err);
}
