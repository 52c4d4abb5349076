/* Between the files of cmd/cli only. */
#ifndef MRI_CLI_PRIVATE_H
#define MRI_CLI_PRIVATE_H

#include "cli/cli.h"

#define CLI_COUNTS_MAX	32
#define CLI_BALANCES_MAX 4
#define CLI_PARTS_MAX	12
#define CLI_LINE_MAX	((size_t)64 << 10)	/* one record on stdin: a receipt, a path, a link */

struct cli_state {
	/* input */
	bool from_stdin;
	int next_arg;
	struct linereader lines;
	long inputs;
	char *path, *ref;	/* of the input in hand */
	/* outcome */
	enum err_kind worst;
	bool document;		/* no receipts: something was printed in their place */
	bool unread;		/* stopped before the input ended */
	long ok, partial, temp, perm, again, passed;
	struct { char key[32]; long long n; } counts[CLI_COUNTS_MAX];
	size_t ncounts;
	struct { char total[32], parts[CLI_PARTS_MAX][32]; size_t n; } balances[CLI_BALANCES_MAX];
	size_t nbalances;
	/* progress */
	uint64_t drawn_ms, began_ms;
	bool on_screen;
};

void cli_signals(void);
void cli_stop(void);			/* as a signal would: EPIPE */
void cli_progress_clear(struct cli *);	/* before any other line on stderr */
void cli_message(struct cli *, const char *level, const char *subject, const char *text, const char *advice);

#endif
