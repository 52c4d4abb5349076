/*
 * The jail of a process that parses hostile bytes: no_new_privs, seccomp
 * (SCMP_ACT_ERRNO by default, so that fault injection works), Landlock where
 * the kernel has one, and rlimits. What the C library loads late (iconv
 * modules, DCMTK's dictionary) must be loaded before jail_enter().
 */
#ifndef MRI_SYS_JAIL_H
#define MRI_SYS_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

enum jail_mode { JAIL_AUTO, JAIL_REQUIRED, JAIL_OFF };	/* [policy] sandbox */

struct jail {
	enum jail_mode mode;
	uint64_t memory;	/* RLIMIT_AS, bytes; 0: JAIL_MEMORY. Not set in SAN=1 builds. */
	unsigned cpu_seconds;	/* RLIMIT_CPU; 0: JAIL_CPU */
	unsigned answer_seconds;	/* held by worker.h: an answer later than this ends it; 0: JAIL_ANSWER */
	bool threads;		/* allow clone() of threads */
	bool network;		/* worker.h enters netjail.h instead */
	const char *cafile;	/* with network: one more file that may be read, or NULL */
};

#define JAIL_MEMORY	((uint64_t)256 << 20)
#define JAIL_CPU	3600
#define JAIL_ANSWER	1800	/* 4 GB are read, hashed and parsed in a tenth of that from a slow disk */
#define JAIL_ANSWER_MAX	(7 * 86400)	/* no import is held for longer */

/* Locks this process: read, write, pread, pwrite, lseek, fstat, memory, sendmsg/recvmsg on
 * descriptors it holds, clocks, exit; no open, socket, exec, fork. ERR_DENIED where mode is
 * JAIL_REQUIRED and some part cannot be had. */
int jail_enter(const struct jail *, struct err *);

/* The same with filesystem paths kept: for a program's own process (restrict step of main).
 * Drops core dumps and sets no_new_privs; PR_SET_DUMPABLE 0. Never fails a program. */
void jail_self(void);

/* For tests: an older kernel (Debian 12's own has Landlock ABI 2), or one layer alone. */
struct jail_pretend { int landlock_abi; bool no_seccomp; };
extern struct jail_pretend jail_pretend;

/* "seccomp, landlock abi 7": what jail_enter would have here; for -V -v. */
void jail_describe(char *, unsigned cap);

#endif
