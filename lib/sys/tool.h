/*
 * A program of the system's that parses what came from outside (pdftoppm), in
 * a jail of its own: it reads stdin and the system's files, writes stdout, has
 * no network, starts nothing else, and ends at its limits.
 */
#ifndef MRI_SYS_TOOL_H
#define MRI_SYS_TOOL_H

#include "sys/jail.h"

struct tool_limits {
	enum jail_mode mode;
	uint64_t memory;	/* RLIMIT_AS, bytes */
	unsigned cpu_seconds;	/* and four times as long in all */
	uint64_t file_bytes;	/* RLIMIT_FSIZE: of what it writes */
};

/* argv[0]: a name, looked for in /usr/bin only. in, out stay yours. *code: its exit status, 128 + n for a
 * signal. ERR_CONFIG: it is not installed. ERR_DENIED: JAIL_REQUIRED and no jail. */
int tool_run(const char *const argv[], int in, int out, const struct tool_limits *, int *code, struct err *);

#endif
