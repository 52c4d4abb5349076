/* "Arguments or stdin", and the signals that end it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/private.h"
#include "sys/worker.h"

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

void cli_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: a waiting read ends */

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	worker_hurry(cli_stopped);
}

void cli_stop(void)
{
	stopped = 1;
}

bool cli_stopped(void)
{
	return stopped != 0;
}

/* A record of a program before us. Gives false where it names nothing to work on. */
static bool from_receipt(struct cli *cli, const char *line, size_t len)
{
	struct cli_state *st = cli->state;
	struct err err;
	json_t *j = NULL;
	const char *type = NULL, *status = NULL, *path = NULL, *ref = NULL;
	bool use = false;

	if (json_parse(line, len, &j, &err) || json_get_str(j, "input", "type", &type, &err) ||
	    json_get_str(j, "input", "status", &status, &err) || json_get_str(j, "input", "path", &path, &err) ||
	    json_get_str(j, "input", "ref", &ref, &err)) {
		err_wrap(&err, "stdin, record %ld", st->inputs + 1);
		cli_message(cli, NULL, NULL, err.text, "each record is a path or a receipt in JSON");
		cli_worse(cli, ERR_DATA);
	} else if (type && strcmp(type, "receipt") == 0) {
		use = path && status && (strcmp(status, "ok") == 0 || strcmp(status, "partial") == 0);
		if (!use)
			st->passed++;
	} else if (!type || strcmp(type, "summary") != 0) {
		cli_message(cli, "warning", NULL, "a JSON record that is no receipt is passed over", "");
		st->passed++;
	}
	if (use) {
		st->path = text_dup(path, &err);
		st->ref = ref ? text_dup(ref, &err) : NULL;
		use = st->path != NULL;
		if (!use)
			cli_worse(cli, ERR_TEMP);
	}
	json_decref(j);
	return use;
}

bool cli_next(struct cli *cli, struct cli_input *in)
{
	struct cli_state *st = cli->state;
	struct err err = { 0 };

	memset(in, 0, sizeof(*in));
	free(st->path);
	free(st->ref);
	st->path = st->ref = NULL;
	while (!st->path) {
		if (!st->from_stdin) {
			if (st->next_arg >= cli->argc)
				return false;
			if (cli_stopped()) {
				st->unread = true;
				return false;
			}
			const char *arg = cli->argv[st->next_arg++];
			if (strcmp(arg, "-") == 0 && cli->tool->reads != CLI_ARGS_OR_STDIN) {
				st->from_stdin = true;
				continue;
			}
			if (!(st->path = text_dup(arg, &err)))
				cli_die(cli, &err);
		} else {
			char *line = NULL;
			size_t len = 0;
			int rc = cli_stopped() ? RC_RETRY : linereader_next(&st->lines, &line, &len, &err);
			if (rc && cli_stopped()) {
				st->unread = true;
				return false;
			}
			if (rc && err.sys == EINTR)
				continue;
			if (rc) {
				err_wrap(&err, "stdin");
				cli_message(cli, NULL, NULL, err.text, err.advice);
				cli_worse(cli, err.kind);
				return false;
			}
			if (!line) {
				if (st->next_arg >= cli->argc)
					return false;
				st->from_stdin = false;	/* `-` stood between arguments */
				continue;
			}
			if (len && !cli->null && line[len - 1] == '\r')
				line[--len] = '\0';
			if (len == 0)
				continue;
			if (strlen(line) != len) {
				cli_message(cli, NULL, NULL, "stdin: a record holds a NUL character",
				    "records that end with NUL need -0");
				cli_worse(cli, ERR_DATA);
				continue;
			}
			if (line[0] == '{' && !cli->tool->links) {
				if (!from_receipt(cli, line, len))
					continue;
			} else if (!(st->path = text_dup(line, &err))) {
				cli_die(cli, &err);
			}
		}
	}
	in->number = ++st->inputs;
	in->path = st->path;
	in->ref = st->ref;
	in->is_link = cli->tool->links && text_is_link(in->path);
	return true;
}

void cli_take(struct cli *cli, struct cli_input *in)
{
	in->number = ++cli->state->inputs;
}
