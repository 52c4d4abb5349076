/*
 * Landlock (Documentation/userspace-api/landlock.rst): from here on this
 * process opens what lies below the named paths, to read, and nothing else.
 * Descriptors that it holds stay usable. All rights that the kernel's ABI
 * knows are refused; with ABI 6 also signals and abstract sockets outwards.
 */
#ifndef MRI_SYS_LANDLOCK_H
#define MRI_SYS_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct landlock_path { const char *path; bool execute; };	/* a file or a folder; what is not there is passed over */

/* network: TCP stays. False where this kernel has none, or a rule cannot be had. Wants no_new_privs. */
bool landlock_only(const struct landlock_path *, size_t n, bool network);
int landlock_abi(void);	/* 0: none */

#endif
