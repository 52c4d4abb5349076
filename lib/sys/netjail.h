/*
 * The jail of the one kind of process that has the network and parses what
 * comes from it: it may connect, resolve names and read the system's files for
 * that; it opens nothing for writing, sees no other file, starts no program,
 * listens nowhere. What it writes to are descriptors that it was handed.
 */
#ifndef MRI_SYS_NETJAIL_H
#define MRI_SYS_NETJAIL_H

#include "sys/jail.h"

/* cafile: one more file to read, or NULL. ERR_DENIED where mode is JAIL_REQUIRED and some part cannot be had. */
int netjail_enter(enum jail_mode, const char *cafile, struct err *);

#endif
