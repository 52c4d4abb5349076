/* What mri-spool's commands do: init, fsck, key. */
#ifndef MRI_STAGE_SPOOLCMD_H
#define MRI_STAGE_SPOOLCMD_H

#include "cli/work.h"

/* Makes a spool in dir. An init that was killed before the audit log was there is finished. */
void spoolcmd_init(struct cli *, const char *dir, const char *organisation);
/* Prints what is wrong, repairs what a killed run left (unless -n). Status 1: something is left for a person. */
void spoolcmd_fsck(struct cli *, bool deep);
/* Prints the AGE-SECRET-KEY of each import that is named. */
void spoolcmd_key(struct cli *);

#endif
