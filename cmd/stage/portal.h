/*
 * What mri-portal does: one function a command. argv[0] of cli is the command
 * itself; the functions find their arguments behind it.
 */
#ifndef MRI_STAGE_PORTAL_H
#define MRI_STAGE_PORTAL_H

#include "cli/cli.h"

struct portal_command {
	const char *name;
	void (*run)(struct cli *);	/* messages and status are its own */
};

/* What kind of link it is, without a credential. recipe: a name or a file, NULL: the one that takes the link. */
void portal_probe(struct cli *, const char *cafile, const char *recipe);
void portal_check(struct cli *);	/* are recipes right? each fault by file and line */
/* What one download did, as a tar without secrets; har, out: files or NULL (no recording, stdout). */
void portal_bundle(struct cli *, const char *har, const char *out);
/* A recording of mri-fetch --har once more, without a network. recipe: a file, NULL none. */
void portal_replay(struct cli *, const char *recipe);

#endif
