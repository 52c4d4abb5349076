#include "cli/cli.h"
#include "stage/purge.h"

static int64_t due = -1;
static bool now, confirmed;

static const struct cli_option options[] = {
	{ 0, "due", "DUR", "print what is due within DUR (24h, 7d); status 1 when something is", CLI_DURATION, &due },
	{ 0, "confirmed", NULL, "purge also what every destination of its order has confirmed", CLI_FLAG, &confirmed },
	{ 0, "now", NULL, "purge the imports that are named, whatever their time", CLI_FLAG, &now },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-purge",
	.synopsis = "[options]\n[options] --due DUR\n[options] --now|--confirmed [--] import ...",
	.summary = "Erases imports when their time is over, or before.",
	.options = options,
	.reads = CLI_ARGS,
};

/* The order is sealed: who has confirmed is known only with the identity. */
static void run_confirmed(struct cli *cli)
{
	struct work w = { 0 };
	struct cli_input in = { 0 };
	struct err err = { 0 };

	if (work_open(cli, &w, SPOOL_SECRET, true, &err)) {
		cli_fail(cli, NULL, "--confirmed", &err);
		return;
	}
	if (!cli->argc)
		stage_purge_confirmed(cli, &w, NULL);
	while (cli->argc && cli_next(cli, &in))
		stage_purge_confirmed(cli, &w, &in);
	work_close(&w);
}

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct work w = { 0 };
	struct err err = { 0 };

	cli_begin(&cli, argc, argv);
	if ((now && confirmed) || (due >= 0 && (now || confirmed)))
		cli_usage_error(&cli, "--due, --now and --confirmed exclude each other");
	if (now && !cli.argc)
		cli_usage_error(&cli, "--now needs the ids of imports, or - to read them from stdin");
	if (cli.argc && !now && !confirmed)
		cli_usage_error(&cli, "imports are named only with --now or --confirmed");
	if (stage_purge_open(&cli, &w, &err))
		cli_die(&cli, &err);
	if (now)
		while (cli_next(&cli, &in))
			stage_purge_now(&cli, &w, &in);
	else if (due >= 0 || (cli.dry_run && !cli.argc))
		stage_purge_list(&cli, &w, due >= 0 ? due : 0, due >= 0);
	else if (!cli.argc)
		stage_purge_due(&cli, &w);
	work_close(&w);
	if (confirmed || (cli.config->purge_confirmed && !now && due < 0))
		run_confirmed(&cli);
	return cli_end(&cli);
}
