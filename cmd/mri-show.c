#include <unistd.h>

#include "cli/cli.h"
#include "stage/show.h"

static struct show_filter filter;
static const char *raw;
static bool retryable, findings, manifest, cat;

static const struct cli_option options[] = {
	{ 0, "state", "STATE", "list only imports in that state, or with an item in it", CLI_STRING, &filter.state },
	{ 0, "ref", "REF", "list only imports of that ref", CLI_STRING, &filter.ref },
	{ 0, "retryable", NULL, "list what failed in a way that passes, ready for a pipe", CLI_FLAG, &retryable },
	{ 0, "findings", NULL, "print the rules, verdicts and names of each item's check", CLI_FLAG, &findings },
	{ 0, "manifest", NULL, "print the manifest of each item", CLI_FLAG, &manifest },
	{ 0, "cat", NULL, "write an object as it will be sent, a document or a package to stdout", CLI_FLAG, &cat },
	{ 0, "raw", "FILE", "write a file of the import or item to stdout as it was sealed", CLI_STRING, &raw },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-show",
	.synopsis = "[options] [--state STATE] [--ref REF]\n[options] [--manifest] [--] path ...\n"
	    "[options] --findings [--] [path ...]\n"
	    "[options] --cat|--raw FILE [--] path\n[options] --retryable",
	.summary = "Lists imports, shows what they hold, hands out their bytes.",
	.options = options,
	.reads = CLI_ARGS,
};

static void check_usage(struct cli *cli)
{
	int modes = retryable + findings + manifest + cat + (raw != NULL);

	if (modes > 1)
		cli_usage_error(cli, "--retryable, --findings, --manifest, --cat and --raw exclude each other");
	if ((filter.state || filter.ref) && (modes || cli->argc))
		cli_usage_error(cli, "--state and --ref select from the list: they take no path and no other mode");
	if (retryable && cli->argc)
		cli_usage_error(cli, "--retryable takes no path");
	if (manifest && !cli->argc)
		cli_usage_error(cli, "--manifest needs a path");
	if ((cat || raw) && cli->argc != 1)
		cli_usage_error(cli, "%s takes one path", cat ? "--cat" : "--raw FILE");
	if ((cat || raw) && cli->json)
		cli_usage_error(cli, "--cat and --raw write bytes: they have no --json");
	if ((cat || raw) && isatty(STDOUT_FILENO))
		cli_usage_error(cli, "these bytes are not for a terminal: send them to a file or a pipe");
}

static void show_one(struct cli *cli, struct work *w, const struct cli_input *in)
{
	if (findings)
		show_findings(cli, w, in);
	else if (manifest)
		show_manifest(cli, w, in);
	else if (cat)
		show_cat(cli, w, in);
	else if (raw)
		show_raw(cli, w, in, raw);
	else
		show_details(cli, w, in);
}

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct work w = { 0 };
	struct err err = { 0 };
	bool list = false, sealed = false;
	int rc = RC_OK;

	cli_begin(&cli, argc, argv);
	check_usage(&cli);
	list = !cli.argc && !findings;
	sealed = findings || manifest || cat || raw;
	/* The list works for whoever may read the spool; details say "sealed" where the identity is missing. */
	rc = work_open(&cli, &w, list ? SPOOL_PUBLIC : SPOOL_SECRET, true, &err);
	if (rc && !list && !sealed && (err.kind == ERR_DENIED || err.kind == ERR_NOINPUT || err.kind == ERR_CONFIG))
		rc = work_open(&cli, &w, SPOOL_PUBLIC, true, &err);
	if (rc)
		cli_die(&cli, &err);
	if (retryable)
		show_retryable(&cli, &w);
	else if (list)
		show_list(&cli, &w, &filter);
	else if (!cli.argc)
		show_findings(&cli, &w, NULL);
	while (!list && cli.argc && cli_next(&cli, &in))
		show_one(&cli, &w, &in);
	work_close(&w);
	return cli_end(&cli);
}
