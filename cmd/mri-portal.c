/* mri-portal: what a link is, and what one download did. */
#include <string.h>
#include "cli/cli.h"
#include "stage/portal.h"

static const char *cafile, *har, *out, *recipe;

static const struct cli_option options[] = {
	{ 0, "cacert", "FILE", "probe: CA certificates in place of the system's", CLI_STRING, &cafile },
	{ 0, "recipe", "FILE", "replay, probe: the recipe, a file or the name of one that is installed", CLI_STRING, &recipe },
	{ 0, "har", "FILE", "bundle: the recording of mri-fetch --har that goes into it", CLI_STRING, &har },
	{ 'o', "output", "FILE", "bundle: a new file, in place of stdout", CLI_STRING, &out },
	{ 0, NULL, NULL, NULL, CLI_FLAG, NULL },
};

static const struct cli_tool tool = {
	.name = "mri-portal",
	.synopsis = "[options] probe [--recipe FILE] [--] [link | - ...]\n[options] check [--] recipe ...\n"
	    "[options] replay [--recipe FILE] [--] recording ...\n"
	    "[options] bundle [--har FILE] [-o FILE] [--] [import]",
	.summary = "Says what a link is, without using a credential; checks recipes; runs a recorded\n"
	    "download again, offline; packs what a download did, without its secrets.",
	.options = options, .reads = CLI_COMMANDS, .links = true,
};

static void
probe(struct cli *cli)
{
	portal_probe(cli, cafile, recipe);
}

static void
replay(struct cli *cli)
{
	portal_replay(cli, recipe);
}

static void
bundle(struct cli *cli)
{
	portal_bundle(cli, har, out);
}

static const struct portal_command commands[] = {
	{ "bundle", bundle },
	{ "check", portal_check },
	{ "probe", probe },
	{ "replay", replay },
};

int
main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	size_t i = 0, n = sizeof(commands) / sizeof(commands[0]);

	cli_begin(&cli, argc, argv);
	for (i = 0; i < n && strcmp(cli.argv[0], commands[i].name) != 0; i++)
		;
	if (i == n)
		cli_usage_error(&cli, "there is no such command; see mri-portal --help");
	if ((har != NULL || out != NULL) && strcmp(commands[i].name, "bundle") != 0)
		cli_usage_error(&cli, "--har and -o are for bundle");
	if (recipe != NULL && strcmp(commands[i].name, "replay") != 0 && strcmp(commands[i].name, "probe") != 0)
		cli_usage_error(&cli, "--recipe is for probe and replay");
	commands[i].run(&cli);
	return cli_end(&cli);
}
