/*
 * Does the text of a letter or report say that it is the order's patient's? Of
 * a PDF what a tool makes of it; CDA, FHIR and HL7 v2 as they are.
 * Only the whole name and the whole birth date together say so; a birth date
 * that is called one and is another contradicts. What is similar says nothing.
 * Runs in a jailed worker: the text is hostile.
 */
#ifndef MRI_CHECK_PAPER_H
#define MRI_CHECK_PAPER_H

#include <stddef.h>

enum paper_says {
	PAPER_SILENT = 0,	/* no text, or nothing about whose it is */
	PAPER_AGREES,
	PAPER_CONTRADICTS
};

/* UTF-8, terminated by a NUL at text[n]. name: PN of the order; birth: as birth.h reads it. */
enum paper_says paper_read(const char *text, size_t n, const char *name, const char *birth);

#endif
