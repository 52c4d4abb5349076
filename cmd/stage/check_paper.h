/*
 * The text of an item's documents, held against the order's patient:
 * of a PDF by pdftotext in its jail (sys/tool.h); the text in a worker (check/paper.h).
 */
#ifndef MRI_STAGE_CHECK_PAPER_H
#define MRI_STAGE_CHECK_PAPER_H

#include "stage/check.h"

/* Fills f->papers, one for each document of the manifest. What gives no text is silent. */
int check_papers_read(struct check_stage *, struct check_facts *, const struct item_dir *,
    const struct order *, struct err *);

#endif
