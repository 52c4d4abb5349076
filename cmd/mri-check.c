#include "stage/check.h"

static struct check_options opt;

static const struct cli_option options[] = { { 0, "order", "FILE", "complete the order by this one",
						 CLI_STRING, &opt.order },
	{ 0, "worklist", NULL, "complete the order by the worklist of the RIS", CLI_FLAG, &opt.worklist },
	{ 0, "dest", "NAME", "judge for this destination (may repeat)", CLI_LIST, &opt.dest },
	{ 0, "deep", NULL, "decode every frame", CLI_FLAG, &opt.deep },
	{ 0, "accept", "RULE", "let this rule's finding pass (may repeat); needs --reason", CLI_LIST,
	    &opt.accept },
	{ 0, "reason", "TEXT", "why it is accepted; recorded", CLI_STRING, &opt.reason },
	{ 0, "report", "FILE", "write the check as a page for a person; -: into the item", CLI_STRING,
	    &opt.report }, { 0 } };

static const struct cli_tool tool = {
	.name = "mri-check",
	.synopsis = "[options] [--] [item ...]",
	.summary = "Judges whether an item is the right patient's, whole, readable and permitted.",
	.options = options,
	.reads = CLI_ARGS_OR_STDIN,
};

int
main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct check_stage st = { 0 };
	struct work w = { 0 };
	struct err err = { 0 };

	cli_begin(&cli, argc, argv);
	jail_self();
	if (work_open(&cli, &w, SPOOL_SECRET, false, &err) != RC_OK)
		cli_die(&cli, &err);
	if (check_begin(&st, &cli, &w, &opt, &err) != RC_OK)
		cli_die(&cli, &err);
	while (cli_next(&cli, &in))
		check_input(&st, &in);
	check_end(&st);
	cli_balance(&cli, "items", "cleared", "held", "failed", NULL);
	work_close(&w);
	return cli_end(&cli);
}
