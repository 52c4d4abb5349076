/*
 * The files of a folder, a mounted CD too: names first, each with a number, then one by one by descriptor. No link is
 * followed. What cannot be listed or opened is among them, so that nothing is missing without a word.
 */
#ifndef MRI_STAGE_FOLDER_H
#define MRI_STAGE_FOLDER_H

#include <stddef.h>
#include "base/err.h"

#define FOLDER_FILES_MAX	1000000	/* a path of each is kept */

struct folder;

int folder_open(struct folder **, int dirfd /* taken */, struct err *);	/* ERR_DATA: too many, nested too deeply */
size_t folder_count(const struct folder *);
const char *folder_name(const struct folder *, size_t i);	/* relative path */
/* ERR_DATA: a link, a device, a folder that cannot be listed. */
int folder_file(const struct folder *, size_t i, int *fd, struct err *);
void folder_free(struct folder *);	/* NULL is fine */

#endif
