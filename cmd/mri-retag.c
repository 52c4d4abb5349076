#include "cli/cli.h"
#include "stage/retag.h"

static struct retag retag;

static const struct cli_option options[] = {
	{ 'm', "map", "FILE", "rules of the site, mri-map(5) (may repeat); later wins, over the order too", CLI_LIST,
	    &retag.map },
	{ 0, "set", "KEYWORD=VALUE", "set one more attribute (may repeat); later wins, over order and maps",
	    CLI_LIST,
	    &retag.set },
	{ 0, "plan", NULL, "print what would change: tag, old -> new, rule", CLI_FLAG, &retag.plan },
	{ 0, "undo", NULL, "remove the overlay: the item is as it was before", CLI_FLAG, &retag.undo },
	{ 0, "order", "FILE", "the order, in work without a spool", CLI_STRING, &retag.order },
	{ 'o', "output", "DIR", "without a spool: write whole files under DIR", CLI_STRING, &retag.out },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-retag",
	.synopsis = "[options] [--] [item ...]\n[options] --order FILE -o DIR [--] [folder ...]",
	.summary = "Reconciles the metadata of checked items with the local patient and order.",
	.options = options,
	.reads = CLI_ARGS_OR_STDIN,
};

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct work w = { 0 };
	struct err err = { 0 };
	bool folders = false;

	cli_begin(&cli, argc, argv);
	retag.cli = &cli;
	retag.work = &w;
	folders = retag.order != NULL || retag.out != NULL;
	if (folders && retag.order == NULL)
		cli_usage_error(&cli, "-o is for work without a spool, which needs --order FILE");
	if (folders && retag.out == NULL && !retag.plan && !cli.dry_run)
		cli_usage_error(&cli,
		    "--order is for work without a spool, which needs -o DIR; in a spool mri-check takes it");
	if (retag.undo && (folders || retag.set.n > 0 || retag.map.n > 0))
		cli_usage_error(&cli, "--undo goes with no other change");
	if (retag_begin(&retag, &err) || (!folders && work_open(&cli, &w, SPOOL_SECRET, false, &err)))
		cli_die(&cli, &err);
	cli_balance(&cli, "items", "done", "failed", NULL);
	if (folders)
		retag_folders(&retag);
	else
		while (cli_next(&cli, &in))
			retag_input(&retag, &in);
	retag_end(&retag);
	work_close(&w);
	return cli_end(&cli);
}
