/* Options, usage, version, begin and end. */
#include "cli/cli.h"

#include <getopt.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/private.h"
#include "sys/jail.h"

#define JOBS_MAX 256	/* more than any machine this runs on; a typing error beyond */

static struct {
	bool help, version;
	const char *config;
} common;

/* The options that every tool has, in the order of mri-cli(7). */
static int common_options(struct cli *cli, struct cli_option to[16])
{
	const struct cli_option all[] = {
		{ 'h', "help", NULL, "print this and exit", CLI_FLAG, &common.help },
		{ 'V', "version", NULL, "print the version and exit; with -v sandbox and libraries too", CLI_FLAG,
		    &common.version },
		{ 's', "spool", "DIR", "the spool (else $MRI_SPOOL, else the config)", CLI_STRING, &cli->spool_dir },
		{ 'c', "config", "FILE", "the configuration (else $MRI_CONFIG)", CLI_STRING, &common.config },
		{ 'n', "dry-run", NULL, "print what would be done, do nothing", CLI_FLAG, &cli->dry_run },
		{ '0', "null", NULL, "records end with NUL, in input and output", CLI_FLAG, &cli->null },
		{ 0, "json", NULL, "NDJSON on stdout", CLI_FLAG, &cli->json },
		{ 'v', "verbose", NULL, "say more on stderr (twice: still more)", CLI_FLAG, NULL },
		{ 'q', "quiet", NULL, "say only errors on stderr", CLI_FLAG, &cli->quiet },
		{ 'j', "jobs", "N", "so many in parallel", CLI_NUMBER, &cli->jobs },
		{ 0, "timeout", "SEC", "budget of one network step", CLI_DURATION, &cli->timeout },
		{ 0, "max-time", "SEC", "budget of a whole item", CLI_DURATION, &cli->max_time },
	};
	memcpy(to, all, sizeof(all));
	return (int)(sizeof(all) / sizeof(all[0]));
}

static void usage_lines(struct cli *cli, FILE *to)
{
	const char *s = cli->tool->synopsis;

	for (const char *lead = "usage: "; s && *s; lead = "       ") {
		const char *end = strchr(s, '\n');
		size_t n = end ? (size_t)(end - s) : strlen(s);
		fprintf(to, "%s%s %.*s\n", lead, cli->tool->name, (int)n, s);
		s = end ? end + 1 : NULL;
	}
}

static void help_option(const struct cli_option *o)
{
	char left[64];
	int n = o->letter ? snprintf(left, sizeof(left), "-%c, --%s", o->letter, o->name) :
	    snprintf(left, sizeof(left), "    --%s", o->name);

	if (o->arg && n > 0 && (size_t)n < sizeof(left))
		snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->arg);
	printf("  %-26s %s\n", left, o->help);
}

static void help(struct cli *cli)
{
	struct cli_option all[16];
	int n = common_options(cli, all);

	usage_lines(cli, stdout);
	printf("\n%s\n\n", cli->tool->summary);
	for (const struct cli_option *o = cli->tool->options; o && o->name; o++)
		help_option(o);
	if (cli->tool->options && cli->tool->options->name)
		putchar('\n');
	for (int i = 0; i < n; i++)
		help_option(&all[i]);
	printf("\nThe manual is %s(1); what all programs share is mri-cli(7).\n", cli->tool->name);
}

static int library(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = strrchr(info->dlpi_name, '/');
	struct err err = { 0 };

	(void)size;
	return name && strstr(name, ".so") ? buf_printf(arg, &err, "  %s\n", name + 1) : 0;
}

int cli_versions(const struct cli *cli, bool more, struct buf *out, struct err *err)
{
	char jail[128];
	int rc = buf_printf(out, err, "%s (mri-tools) %s\n", cli->tool->name, MRI_VERSION);

	if (rc || !more)
		return rc;
	jail_describe(jail, sizeof(jail));
	rc = buf_printf(out, err, "sandbox: %s\nlibraries:\n", jail);
	if (!rc && dl_iterate_phdr(library, out))
		rc = err_set(err, ERR_TEMP, "no memory");
	return rc;
}

static void version(struct cli *cli)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 };

	if (cli_versions(cli, cli->verbose > 0, &b, &err))
		cli_die(cli, &err);
	fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
}

void cli_usage_error(struct cli *cli, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s\n", cli->tool->name, text);
	usage_lines(cli, stderr);
	fprintf(stderr, "%s -h lists the options.\n", cli->tool->name);
	exit(64);
}

void cli_die(struct cli *cli, const struct err *err)
{
	cli_message(cli, NULL, NULL, err->text, err->advice);
	exit(err_status(err->kind));
}

static void take_value(struct cli *cli, const struct cli_option *o, const char *value)
{
	uint64_t n = 0;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)o->to = true;
		break;
	case CLI_STRING:
		*(const char **)o->to = value;
		break;
	case CLI_NUMBER:
		if (!text_u64(value, o->letter == 'j' ? JOBS_MAX : 1000000, &n) || (o->letter == 'j' && n == 0))
			cli_usage_error(cli, "--%s takes a number", o->name);
		*(long *)o->to = (long)n;
		break;
	case CLI_DURATION:
		if (!time_parse_duration(value, (int64_t *)o->to))
			cli_usage_error(cli, "--%s takes a time such as 30s, 90m, 168h or 7d", o->name);
		break;
	case CLI_LIST: {
		struct cli_list *list = o->to;
		const char **v = realloc(list->v, (list->n + 1) * sizeof(*v));
		if (!v) {
			struct err err;
			err_set(&err, ERR_TEMP, "no memory");
			cli_die(cli, &err);
		}
		list->v = v;
		list->v[list->n++] = value;
		break;
	}
	}
}

static void bad_option(struct cli *cli, const struct cli_option *const *table, int n, const char *word, int letter)
{
	if (word && word[0] == '-' && word[1] == '-') {
		const char *names[80];
		char name[64];
		int k = 0;
		for (; k < n && k < 80; k++)
			names[k] = table[k]->name;
		text_copyn(name, sizeof(name), word + 2, strcspn(word + 2, "="));
		for (int i = 0; i < n; i++)
			if (strcmp(table[i]->name, name) == 0)
				cli_usage_error(cli, table[i]->arg ? "--%s needs a value" :
				    "--%s takes no value", name);
		const char *near = text_nearest(name, names, (size_t)k);
		char shown[80];
		text_escape(shown, sizeof(shown), name, strlen(name));
		if (near)
			cli_usage_error(cli, "there is no option --%s; did you mean --%s?", shown, near);
		cli_usage_error(cli, "there is no option --%s", shown);
	}
	for (int i = 0; i < n; i++)
		if (letter && table[i]->letter == letter)
			cli_usage_error(cli, "-%c needs a value", letter);
	cli_usage_error(cli, "there is no option -%c", letter > 32 && letter < 127 ? letter : '?');
}

static void parse(struct cli *cli, int argc, char **argv)
{
	enum { MAX = 80, LONG = 1000 };
	struct cli_option own[16];
	const struct cli_option *table[MAX];
	struct option longs[MAX + 1];
	char shorts[3 * MAX + 2] = ":";
	size_t ns = 1;
	int n = 0;

	for (const struct cli_option *o = cli->tool->options; o && o->name && n < MAX - 16; o++)
		table[n++] = o;
	int ncommon = common_options(cli, own);
	for (int i = 0; i < ncommon; i++)
		table[n++] = &own[i];
	for (int i = 0; i < n; i++) {
		longs[i] = (struct option){ table[i]->name, table[i]->arg ? required_argument : no_argument, NULL,
			LONG + i };
		if (table[i]->letter) {
			shorts[ns++] = (char)table[i]->letter;
			if (table[i]->arg)
				shorts[ns++] = ':';
		}
	}
	shorts[ns] = '\0';
	longs[n] = (struct option){ 0 };
	opterr = 0;
	for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
		const struct cli_option *o = NULL;
		if (got == '?' || got == ':')
			bad_option(cli, table, n, optind > 0 ? argv[optind - 1] : NULL, optopt >= LONG ? 0 : optopt);
		for (int i = 0; i < n && !o; i++)
			if (got == LONG + i || (table[i]->letter && got == table[i]->letter))
				o = table[i];
		if (!o)
			cli_usage_error(cli, "unknown option");
		if (o->letter == 'v' && !o->to)
			cli->verbose++;
		else
			take_value(cli, o, optarg);
	}
	cli->argc = argc - optind;
	cli->argv = argv + optind;
}

/* Links on argv stand in /proc/PID/cmdline for everybody: copied, and overwritten where they stood. */
static void hide_links(struct cli *cli)
{
	bool seen = false;

	for (int i = 0; i < cli->argc; i++) {
		struct err err;
		if (!text_is_link(cli->argv[i]))
			continue;
		char *copy = text_dup(cli->argv[i], &err);
		if (!copy)
			cli_die(cli, &err);
		memset(cli->argv[i], 'x', strlen(cli->argv[i]));
		cli->argv[i] = copy;
		seen = true;
	}
	if (seen && cli->config->policy)
		cli_usage_error(cli, "under the system policy links come on stdin, not as arguments");
	if (seen)
		cli_warn(cli, NULL, "a link on the command line can be seen by others and is kept by shells; "
		    "give it on stdin: %s -", cli->tool->name);
}

static void load_config(struct cli *cli, bool spool_given)
{
	struct err err = { 0 };
	const char *home = getenv("HOME"), *env = getenv("MRI_CONFIG"), *dir = cli->spool_dir;
	char at_home[4096] = "", in_spool[4096] = "";
	const char *files[4] = { NULL };
	int n = 0;

	if (!dir)
		dir = getenv("MRI_SPOOL");
	if (common.config)
		files[n++] = common.config;
	else if (env && *env)
		files[n++] = env;
	bool named = n > 0;
	if (!named && home && snprintf(at_home, sizeof(at_home), "%s/.config/mri/mri.conf", home) > 0)
		files[n++] = at_home;
	if (!named && dir && *dir && snprintf(in_spool, sizeof(in_spool), "%s/mri.conf", dir) > 0)
		files[n++] = in_spool;
	if (config_load(&cli->config, CONFIG_POLICY, files, named, &err))
		cli_die(cli, &err);
	if (cli->config->policy && (spool_given || common.config))
		cli_usage_error(cli, "under the system policy (%s) -s and -c are not taken", CONFIG_POLICY);
	if (cli->config->policy || !dir || !*dir)
		dir = cli->config->spool_dir;
	cli->spool_dir = dir;
}

/* -o writes outside the spool, which a policy keeps to itself. */
static void refuse_outputs(struct cli *cli)
{
	for (const struct cli_option *o = cli->tool->options; o && o->name; o++)
		if (o->letter == 'o' && o->kind == CLI_STRING && *(const char **)o->to)
			cli_usage_error(cli, "under the system policy (%s) -o is not taken", CONFIG_POLICY);
}

void cli_begin(struct cli *cli, int argc, char **argv)
{
	cli->state = calloc(1, sizeof(*cli->state));
	if (!cli->state) {
		fprintf(stderr, "%s: no memory\n", cli->tool->name);
		exit(75);
	}
	cli->state->began_ms = time_mono_ms();
	parse(cli, argc, argv);
	if (common.help) {
		help(cli);
		exit(fflush(stdout) == 0 ? 0 : 74);
	}
	if (common.version) {
		version(cli);
		exit(fflush(stdout) == 0 ? 0 : 74);
	}
	if (cli->quiet)
		cli->verbose = 0;
	cli_signals();
	load_config(cli, cli->spool_dir != NULL);
	if (cli->config->policy)
		refuse_outputs(cli);
	if (cli->tool->reads == CLI_NO_ARGS && cli->argc)
		cli_usage_error(cli, "takes no arguments");
	if (cli->tool->reads == CLI_COMMANDS && !cli->argc)
		cli_usage_error(cli, "a command is missing");
	if (cli->tool->links)
		hide_links(cli);
	if (cli->tool->reads == CLI_ARGS_OR_STDIN && cli->argc == 0) {
		if (isatty(STDIN_FILENO))
			cli_usage_error(cli, "nothing to do: name a path, or give paths on stdin");
		cli->state->from_stdin = true;
	}
	cli->state->lines = (struct linereader){ .fd = STDIN_FILENO, .sep = cli->null ? '\0' : '\n',
		.max = CLI_LINE_MAX };
	jail_self();
}

int cli_end(struct cli *cli)
{
	struct cli_state *st = cli->state;

	cli_progress_end(cli);
	for (size_t b = 0; b < st->nbalances; b++) {
		long long total = 0, sum = 0;
		for (size_t c = 0; c < st->ncounts; c++) {
			if (strcmp(st->counts[c].key, st->balances[b].total) == 0)
				total = st->counts[c].n;
			for (size_t p = 0; p < st->balances[b].n; p++)
				if (strcmp(st->counts[c].key, st->balances[b].parts[p]) == 0)
					sum += st->counts[c].n;
		}
		if (total != sum) {
			char text[160];
			snprintf(text, sizeof(text), "%lld %s came in, but %lld are accounted for", total,
			    st->balances[b].total, sum);
			cli_message(cli, NULL, NULL, text, "this is a bug; please report it with the output of --json");
			cli_worse(cli, ERR_INTERNAL);
		}
	}
	if (st->unread)
		cli_worse(cli, ERR_TEMP);
	int status = err_status(st->worst);
	if (cli->json && !st->document) {
		struct err err;
		json_t *counts = json_object();
		for (size_t c = 0; counts && c < st->ncounts; c++)
			json_object_set_new(counts, st->counts[c].key, json_integer(st->counts[c].n));
		json_t *j = json_make(&err, "{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:i}", "v", 1,
		    "type", "summary", "tool", cli->tool->name, "inputs", (json_int_t)st->inputs,
		    "ok", (json_int_t)st->ok, "partial", (json_int_t)st->partial, "temp", (json_int_t)st->temp,
		    "perm", (json_int_t)st->perm, "again", (json_int_t)st->again, "passed", (json_int_t)st->passed,
		    "counts", counts, "ms", (json_int_t)(time_mono_ms() - st->began_ms), "exit", status);
		struct buf line = BUF_INIT(0);
		if (j && !json_write(j, &line, &err))
			fwrite(line.data, 1, line.len, stdout), putchar(cli->null ? '\0' : '\n');
		buf_free(&line);
		json_decref(j);
	}
	if (fflush(stdout) != 0 && !cli_stopped()) {
		cli_message(cli, NULL, NULL, "cannot write to stdout", "");
		status = status ? status : 74;
	}
	linereader_free(&st->lines);
	free(st->path);
	free(st->ref);
	free(st);
	cli->state = NULL;
	config_free(cli->config);
	cli->config = NULL;
	return status;
}
