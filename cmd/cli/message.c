/* stderr: errors, warnings, notes, progress; and the terminal for prompts. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/private.h"

#define REDRAW_MS 100	/* ten times a second is as fast as one reads */

void cli_progress_clear(struct cli *cli)
{
	if (cli->state && cli->state->on_screen) {
		fputs("\r\033[K", stderr);
		cli->state->on_screen = false;
	}
}

void cli_message(struct cli *cli, const char *level, const char *subject, const char *text, const char *advice)
{
	char shown[2 * ERR_TEXT_MAX], who[256];

	cli_progress_clear(cli);
	text_escape(shown, sizeof(shown), text, strlen(text));
	text_escape(who, sizeof(who), subject ? subject : "", subject ? strlen(subject) : 0);
	fprintf(stderr, "%s: %s%s%s%s%s\n", cli->tool->name, level ? level : "", level ? ": " : "", who,
	    subject ? ": " : "", shown);
	if (advice && *advice) {
		text_escape(shown, sizeof(shown), advice, strlen(advice));
		fprintf(stderr, "%s: %s\n", cli->tool->name, shown);
	}
}

void cli_fail(struct cli *cli, const struct cli_input *in, const char *subject, const struct err *err)
{
	cli_message(cli, NULL, subject, err->text, err->advice);
	cli_worse(cli, err->kind);
	if (in)
		cli_receipt(cli, &(struct cli_receipt){ .in = in,
		    .path = in->is_link ? NULL : in->path,
		    .status = err->kind == ERR_TEMP ? "temp" : "perm", .reason = err->text });
}

void cli_warn(struct cli *cli, const char *subject, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_message(cli, "warning", subject, text, NULL);
}

void cli_note(struct cli *cli, int level, const char *subject, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (cli->verbose < level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_message(cli, NULL, subject, text, NULL);
}

void cli_progress(struct cli *cli, const struct cli_progress *p)
{
	struct cli_state *st = cli->state;
	uint64_t now = time_mono_ms();
	char line[160];
	int n;

	if (cli->quiet || (st->drawn_ms && now - st->drawn_ms < REDRAW_MS))
		return;
	st->drawn_ms = now;
	if (!isatty(STDERR_FILENO) || tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	double seconds = (double)(now - st->began_ms) / 1000, mb = (double)p->bytes / 1e6;
	n = snprintf(line, sizeof(line), "%s", p->what);
	if (p->total > 0 && n > 0 && (size_t)n < sizeof(line))
		n += snprintf(line + n, sizeof(line) - (size_t)n, "  %lld/%lld", p->n, p->total);
	if (n > 0 && (size_t)n < sizeof(line))
		n += snprintf(line + n, sizeof(line) - (size_t)n, "  %.1f MB  %.1f MB/s", mb,
		    seconds > 0 ? mb / seconds : 0);
	if (p->bytes_total > p->bytes && p->bytes && n > 0 && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, "  %.0f s left",
		    seconds * (double)(p->bytes_total - p->bytes) / (double)p->bytes);
	fprintf(stderr, "\r\033[K%s", line);
	st->on_screen = true;
}

void cli_progress_end(struct cli *cli)
{
	cli_progress_clear(cli);
}

const char *cli_language(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	static char word[16];
	const char *value = NULL;

	for (size_t i = 0; i < 3 && (!value || !*value); i++)
		value = getenv(names[i]);
	if (!value || strcmp(value, "C") == 0 || text_starts(value, "C.") || strcmp(value, "POSIX") == 0)
		value = "";
	text_copyn(word, sizeof(word), value, strcspn(value, ".@"));
	return word;
}

int cli_prompt(struct cli *cli, const char *question, bool echo, char *answer, size_t cap, struct err *err)
{
	struct termios old, quiet;
	int rc = RC_OK;
	bool changed = false;
	size_t n = 0;
	char shown[256], c;

	cli_progress_clear(cli);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(err, ERR_NOINPUT, "there is no terminal to ask on");
	if (!echo && tcgetattr(fd, &old) == 0) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		changed = tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
	}
	text_escape(shown, sizeof(shown), question, strlen(question));
	dprintf(fd, "%s: ", shown);
	for (;;) {
		ssize_t got = read(fd, &c, 1);
		if (got < 0 && errno == EINTR && !cli_stopped())
			continue;
		if (got <= 0) {
			rc = err_set(err, ERR_NOINPUT, "no answer was given");
			break;
		}
		if (c == '\n' || c == '\r')
			break;
		if (n + 1 < cap)
			answer[n++] = c;
	}
	answer[n] = '\0';
	if (changed) {
		tcsetattr(fd, TCSAFLUSH, &old);
		dprintf(fd, "\n");
	}
	close(fd);
	return rc;
}

int cli_create_file(const char *path, int *fd, struct err *err)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd >= 0)
		return RC_OK;
	int rc = err_sys(err, errno, "cannot create the output file");
	if (errno == EEXIST)
		err_advise(err, "an existing file is never overwritten: name another one");
	return rc;
}

const char *cli_sudo_uid(void)
{
	return getenv("SUDO_UID");
}
