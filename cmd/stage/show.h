/*
 * What mri-show prints. The list and --retryable read plain files only; the rest opens what is sealed and is
 * audited. Names of patients appear with --findings alone.
 */
#ifndef MRI_STAGE_SHOW_H
#define MRI_STAGE_SHOW_H

#include "cli/work.h"

struct show_filter {
	const char *state;	/* of the import or one of its items; NULL: any */
	const char *ref;	/* NULL: any */
};

/* A line an import; for one import: in->path names it. */
void show_list(struct cli *, struct work *, const struct show_filter *);
/* Import or item with all that can be said of it. Without the identity: what is plain, and "sealed". */
void show_details(struct cli *, struct work *, const struct cli_input *);
/* What failed in a way that passes: import or item, one a line. */
void show_retryable(struct cli *, struct work *);
/* The check of each item that in names; NULL: of all imports. */
void show_findings(struct cli *, struct work *, const struct cli_input *);
void show_manifest(struct cli *, struct work *, const struct cli_input *);
/* Bytes on stdout: an object as it will be sent, a document, a package; or a file as it lies there, opened. */
void show_cat(struct cli *, struct work *, const struct cli_input *);
void show_raw(struct cli *, struct work *, const struct cli_input *, const char *file);

/* Between the files of mri-show. */
int show_resolve(struct work *, const struct cli_input *, struct spool_ref *, struct err *);
/* Opens the import of ref, wherever it is. */
int show_open(struct work *, const struct spool_ref *, struct import **, enum import_where *, struct err *);
typedef int show_item_fn(struct cli *, struct item_dir *, void *arg, struct err *);
/* fn for each item that ref names. */
int show_items(struct cli *, struct import *, const struct spool_ref *, show_item_fn *, void *arg, struct err *);
/* A line of the list, as JSON. */
int show_brief(struct cli *, struct work *, struct import *, enum import_where, json_t **, struct err *);
/* All that can be said of an import: its line of the list, items, packages, history. New reference. */
int show_facts(struct cli *, struct work *, const struct spool_ref *, struct import *, enum import_where, json_t **,
    struct err *);
void show_left(int64_t left, char out[32]);	/* "6d23h", "due" */

#endif
