/*
 * The front end that every program shares (mri-cli(7)): option table, usage,
 * "arguments or stdin", receipts, messages, progress, exit codes, config.
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct cli cli = { .tool = &tool };	 (a static const struct cli_tool)
 *		cli_begin(&cli, argc, argv);		 parses, loads the config, handles -h and -V; exits 64 or 78 itself
 *		cli_settings → open spool, audit …
 *		while (cli_next(&cli, &in))	 one input
 *			… work; cli_receipt(&cli, &r); or cli_fail(&cli, &in, subject, &err)
 *		return cli_end(&cli);			 summary, worst status
 *	}
 */
#ifndef MRI_CLI_CLI_H
#define MRI_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/config.h"

enum cli_kind { CLI_FLAG, CLI_STRING, CLI_NUMBER, CLI_DURATION, CLI_LIST };

struct cli_list { const char **v; size_t n; };	/* a repeated option */

struct cli_option {
	int letter;		/* 0: long only */
	const char *name;
	const char *arg;	/* "FILE", NULL for a flag */
	const char *help;	/* one line, for -h */
	enum cli_kind kind;
	void *to;		/* bool *, const char **, long *, int64_t * seconds, struct cli_list * */
};

enum cli_reads {
	CLI_ARGS_OR_STDIN,	/* unpack, check, retag, send */
	CLI_ARGS,		/* others: stdin only where `-` is given */
	CLI_NO_ARGS,
	CLI_COMMANDS		/* first argument is a command (mri-spool init) */
};

struct cli_tool {
	const char *name;	/* "mri-send" */
	const char *synopsis;	/* "[options] [--] [item ...]", may have several lines */
	const char *summary;	/* one line */
	const struct cli_option *options;	/* own ones; ends with name == NULL */
	enum cli_reads reads;
	bool links;		/* inputs are links: argv is wiped, a warning said; never printed */
};

struct cli {
	const struct cli_tool *tool;
	/* filled by cli_begin */
	bool json, null, dry_run, quiet;
	int verbose;
	long jobs;		/* 0: not given */
	int64_t timeout, max_time;	/* seconds, 0: not given */
	const char *spool_dir;	/* -s, $MRI_SPOOL or config; NULL none */
	struct config *config;
	int argc; char **argv;	/* what is left after options (and after nothing else: a command stays in it) */
	struct cli_state *state;	/* private */
};

void cli_begin(struct cli *, int argc, char **argv);
void cli_usage_error(struct cli *, const char *fmt, ...)	/* exit 64 */
    __attribute__((format(printf, 2, 3), noreturn));
void cli_die(struct cli *, const struct err *)		/* message and its status */
    __attribute__((noreturn));

struct cli_input {
	long number;		/* from 1 */
	const char *path;	/* as given, or of a receipt that came in */
	const char *ref;	/* of that receipt, or NULL */
	bool is_link;
};
/* The next input; false at the end, or when stopped by a signal. Records of status temp and perm are passed over. */
bool cli_next(struct cli *, struct cli_input *);
/* Numbers and counts an input that came another way: in an order. */
void cli_take(struct cli *, struct cli_input *);
bool cli_stopped(void);	/* SIGINT, SIGTERM or EPIPE: finish at the next durable point */

struct cli_receipt {
	const struct cli_input *in;
	const char *path;	/* absolute, what is durable; NULL for one that failed */
	const char *ref;
	const char *status;	/* "ok", "partial", "temp", "perm" */
	bool again;
	const char *reason;	/* one sentence without patient data, or NULL */
	const json_t *more;	/* further keys (instances, bytes, ms, destination); borrowed */
};
/* Plain: prints path where status is ok or partial. JSON: the line. Flushed. status counts nothing by itself. */
void cli_receipt(struct cli *, const struct cli_receipt *);
/* The exit status so far gets at least this bad. */
void cli_worse(struct cli *, enum err_kind);
/* "tool: subject: sentence" (+ advice line) on stderr, cli_worse, and a receipt temp or perm for in (NULL: none). */
void cli_fail(struct cli *, const struct cli_input *in, const char *subject, const struct err *);
void cli_warn(struct cli *, const char *subject, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void cli_note(struct cli *, int level, const char *subject, const char *fmt, ...)	/* -v */
    __attribute__((format(printf, 4, 5)));

/* Documents in place of receipts (--list, -n, --plan …): a line each; JSON in --json, else text. Sets that no
 * receipts come. */
void cli_print_json(struct cli *, const json_t *);
void cli_print(struct cli *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Conservation: total in must equal the parts. Names are keys of the summary. */
void cli_count(struct cli *, const char *key, long long add);
/* cli_balance(cli, "files", "objects", "documents", "duplicates", "set_aside", NULL): checked at cli_end; 70 when it
 * does not add up. */
void cli_balance(struct cli *, const char *total, ...);

struct cli_progress { const char *what; uint64_t bytes, bytes_total; long long n, total; };
/* Redraws at most 10 times a second; nothing unless stderr is a foreground terminal. */
void cli_progress(struct cli *, const struct cli_progress *);
void cli_progress_end(struct cli *);

int cli_end(struct cli *);	/* summary in --json; returns the status */

/* What -V says; more: sandbox and libraries too. Appended. */
int cli_versions(const struct cli *, bool more, struct buf *, struct err *);
const char *cli_language(void);	/* of messages, by LC_ALL, LC_MESSAGES, LANG: "de_DE"; "" for C and POSIX */
/* Prompts on /dev/tty without echo; ERR_NOINPUT when there is no terminal. */
int cli_prompt(struct cli *, const char *question, bool echo, char *, size_t cap, struct err *);
/* Makes a file that an option named: O_EXCL, 0600. */
int cli_create_file(const char *path, int *fd, struct err *);
const char *cli_sudo_uid(void);	/* SUDO_UID of the environment, for ident_get */

#endif
