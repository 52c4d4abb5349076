#include "cli/cli.h"
#include "stage/send.h"

static struct send_options opt;

static const struct cli_option options[] = {
	{ 'd', "dest", "NAME|URL",
	    "a destination: of the config, dicom://CALLED@host:port, folder:DIR; may repeat", CLI_LIST,
	    &opt.dest },
	{ 0, "echo", NULL, "ask the destinations whether they answer (C-ECHO); sends nothing", CLI_FLAG, &opt.echo },
	{ 0, "no-verify", NULL, "do not read back what was stored", CLI_FLAG, &opt.no_verify },
	{ 0, "as-is", NULL, "send the originals, neither checked nor retagged; audited", CLI_FLAG, &opt.as_is },
	{ 0, "reason", "TEXT", "why as it is; no patient data", CLI_STRING, &opt.reason },
	{ 0, "calling", "AE", "our AE title", CLI_STRING, &opt.calling },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-send",
	.synopsis = "[options] [-d NAME|URL ...] [--] [item ...]\n[options] --echo -d NAME|URL ...",
	.summary = "Delivers items to the destinations of their order.",
	.options = options,
	.reads = CLI_ARGS_OR_STDIN,
};

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct work w = { 0 };
	struct send s = { 0 };
	struct err err = { 0 };

	cli_begin(&cli, argc, argv);
	if (opt.as_is != (opt.reason && *opt.reason))
		cli_usage_error(&cli, "--as-is and --reason go together");
	if (opt.echo && (cli.argc || !opt.dest.n))
		cli_usage_error(&cli, "--echo takes destinations (-d) and no item");
	if (send_begin(&s, &cli, &w, &opt, &err))
		cli_die(&cli, &err);
	if (opt.echo) {
		send_echo(&s);
	} else if (work_open(&cli, &w, SPOOL_SECRET, false, &err)) {
		cli_die(&cli, &err);
	} else {
		while (cli_next(&cli, &in))
			send_input(&s, &in);
	}
	send_end(&s);
	work_close(&w);
	return cli_end(&cli);
}
