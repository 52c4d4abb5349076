/* stdout: receipts, documents, and the sums behind the summary. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/private.h"

/* One record, whole and flushed. Where nobody reads any more the program ends at its next durable point. */
static void put(struct cli *cli, const char *data, size_t len)
{
	char end = cli->null ? '\0' : '\n';

	if (cli_stopped() && ferror(stdout))
		return;
	if (fwrite(data, 1, len, stdout) != len || fwrite(&end, 1, 1, stdout) != 1 || fflush(stdout) != 0) {
		if (errno == EPIPE) {
			cli_stop();
			return;
		}
		cli_message(cli, NULL, NULL, "cannot write to stdout", "");
		cli_worse(cli, ERR_IO);
		cli_stop();
	}
}

void cli_worse(struct cli *cli, enum err_kind kind)
{
	cli->state->worst = err_worse(cli->state->worst, kind);
}

void cli_receipt(struct cli *cli, const struct cli_receipt *r)
{
	struct cli_state *st = cli->state;
	struct err err;
	bool good = strcmp(r->status, "ok") == 0 || strcmp(r->status, "partial") == 0;
	const char *ref = r->ref ? r->ref : r->in ? r->in->ref : NULL;

	if (r->again)
		st->again++;
	*(strcmp(r->status, "ok") == 0 ? &st->ok : strcmp(r->status, "partial") == 0 ? &st->partial :
	    strcmp(r->status, "temp") == 0 ? &st->temp : &st->perm) += 1;
	cli_progress_clear(cli);
	if (!cli->json) {
		if (good && r->path)
			put(cli, r->path, strlen(r->path));
		return;
	}
	char number[24];
	snprintf(number, sizeof(number), "%ld", r->in ? r->in->number : 0);
	json_t *j = json_make(&err, "{s:i, s:s, s:s, s:s, s:s*, s:s*, s:s, s:b, s:s*}", "v", 1, "type", "receipt", "tool",
	    cli->tool->name, "in", number, "path", r->path, "ref", ref && *ref ? ref : NULL, "status", r->status, "again",
	    r->again, "reason", r->reason && *r->reason ? r->reason : NULL);
	struct buf line = BUF_INIT(0);
	int rc = !j;
	if (!rc && r->more)
		rc = json_object_update_missing(j, (json_t *)(uintptr_t)r->more);
	if (rc || json_write(j, &line, &err)) {
		cli_message(cli, NULL, NULL, "cannot write a receipt", "");
		cli_worse(cli, ERR_INTERNAL);
	} else {
		put(cli, line.data, line.len);
	}
	buf_free(&line);
	json_decref(j);
}

void cli_print_json(struct cli *cli, const json_t *j)
{
	struct buf line = BUF_INIT(0);
	struct err err;

	cli->state->document = true;
	cli_progress_clear(cli);
	if (json_write(j, &line, &err)) {
		cli_message(cli, NULL, NULL, err.text, "");
		cli_worse(cli, ERR_INTERNAL);
	} else {
		put(cli, line.data, line.len);
	}
	buf_free(&line);
}

void cli_print(struct cli *cli, const char *fmt, ...)
{
	struct buf line = BUF_INIT(0);
	struct err err;
	va_list ap;

	cli->state->document = true;
	cli_progress_clear(cli);
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && !buf_grow(&line, (size_t)n, &err)) {
		va_start(ap, fmt);
		vsnprintf(line.data, (size_t)n + 1, fmt, ap);
		va_end(ap);
		put(cli, line.data, (size_t)n);
	}
	buf_free(&line);
}

void cli_count(struct cli *cli, const char *key, long long add)
{
	struct cli_state *st = cli->state;

	for (size_t i = 0; i < st->ncounts; i++)
		if (strcmp(st->counts[i].key, key) == 0) {
			st->counts[i].n += add;
			return;
		}
	if (st->ncounts == CLI_COUNTS_MAX) {
		cli_worse(cli, ERR_INTERNAL);
		return;
	}
	text_copy(st->counts[st->ncounts].key, sizeof(st->counts[0].key), key);
	st->counts[st->ncounts++].n = add;
}

void cli_balance(struct cli *cli, const char *total, ...)
{
	struct cli_state *st = cli->state;
	va_list ap;

	for (size_t i = 0; i < st->nbalances; i++)
		if (strcmp(st->balances[i].total, total) == 0)
			return;
	if (st->nbalances == CLI_BALANCES_MAX) {
		cli_worse(cli, ERR_INTERNAL);
		return;
	}
	size_t b = st->nbalances++;
	text_copy(st->balances[b].total, sizeof(st->balances[b].total), total);
	va_start(ap, total);
	for (const char *part; (part = va_arg(ap, const char *)) && st->balances[b].n < CLI_PARTS_MAX;)
		text_copy(st->balances[b].parts[st->balances[b].n++], sizeof(st->balances[b].parts[0]), part);
	va_end(ap);
}
