#include <string.h>

#include "cli/cli.h"
#include "stage/spoolcmd.h"

static const char *organisation;
static bool deep;

static const struct cli_option options[] = {
	{ 0, "organisation", "NAME", "init: whose spool it is (else [spool] organisation)", CLI_STRING, &organisation },
	{ 0, "deep", NULL, "fsck: open everything that is sealed and compare the hashes", CLI_FLAG, &deep },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-spool",
	.synopsis = "[options] init [--organisation NAME] [dir]\n[options] fsck [--deep]\n[options] key [--] import ...",
	.summary = "Makes a spool, checks and mends it, gives out the key of an import.",
	.options = options,
	.reads = CLI_COMMANDS,
};

static void init(struct cli *cli)
{
	const char *dir = cli->argc > 1 ? cli->argv[1] : cli->spool_dir;

	if (cli->argc > 2)
		cli_usage_error(cli, "init takes one directory");
	if (!dir || !*dir)
		cli_usage_error(cli, "init needs a directory: as its argument, by -s, MRI_SPOOL or [spool] dir");
	if (cli->config->policy && cli->argc > 1)
		cli_usage_error(cli, "under the system policy the spool is that of [spool] dir");
	spoolcmd_init(cli, dir, organisation ? organisation : cli->config->organisation);
}

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	const char *command = NULL;

	cli_begin(&cli, argc, argv);
	command = cli.argv[0];
	if (organisation && strcmp(command, "init"))
		cli_usage_error(&cli, "--organisation is for init");
	if (deep && strcmp(command, "fsck"))
		cli_usage_error(&cli, "--deep is for fsck");
	if (strcmp(command, "init") == 0)
		init(&cli);
	else if (strcmp(command, "key") == 0)
		spoolcmd_key(&cli);
	else if (strcmp(command, "fsck") != 0)
		cli_usage_error(&cli, "the commands are init, fsck and key");
	else if (cli.argc > 1)
		cli_usage_error(&cli, "fsck takes no arguments");
	else
		spoolcmd_fsck(&cli, deep);
	return cli_end(&cli);
}
