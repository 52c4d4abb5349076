/*
 * Inside of mri-check without a spool: check_folder.c finds items or files,
 * check_loose.c makes studies of files, check_unspooled.c judges and prints.
 */
#ifndef MRI_STAGE_CHECK_UNSPOOLED_H
#define MRI_STAGE_CHECK_UNSPOOLED_H

#include "stage/check.h"

struct report_source;

/* Facts of one item, or of one study of loose files: judged, printed, counted. src: where its objects come from, for
 * the report. */
int check_unspooled(struct check_stage *, struct check_facts *, bool papers, const char *path,
    struct report_source *src, struct err *);

/* ERR_DATA: no DICOM object is there. */
int check_loose(struct check_stage *, const struct cli_input *, struct err *);

#endif
