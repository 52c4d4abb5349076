/*
 * The check as a page for the person who must decide (mri-check --report):
 * one HTML file that stands for itself, without script and without a request.
 *
 *	report_open(&r, cli, work, "FILE" or "-", err)	makes FILE; "-": into each item, sealed
 *	report_item(r, &src, subject)			for each item that was judged
 *	report_close(r)					writes the end of FILE
 *
 * It changes no verdict. What of it cannot be made is said, and counts in the
 * exit status; the receipt stays that of the check.
 */
#ifndef MRI_STAGE_CHECK_REPORT_H
#define MRI_STAGE_CHECK_REPORT_H

#include "cli/work.h"
#include "stage/check.h"

struct report;

#define REPORT_KEPT	"-"	/* in place of FILE */

int report_open(struct report **, struct cli *, struct work *, const char *file, struct err *);
void report_close(struct report *);	/* NULL is fine */

/* An item that was judged. All borrowed. */
struct report_source {
	const char *path;
	struct item_dir *item;		/* NULL: loose files */
	struct import *import;		/* NULL: without a spool */
	const struct order *order;
	const struct check_facts *facts;
	const json_t *doc;		/* check_document() */
	check_open_fn *open; void *arg;	/* of facts->objects[i], for its picture */
};
void report_item(struct report *, const struct report_source *, const char *subject);

/* ---- between its files ---- */

/* What a jailed process made of one object of a series. */
struct report_picture {
	char description[CHECK_TEXT_MAX], body_part[17];
	long long number;		/* of the series, -1 none */
	long long columns, rows;	/* of the image, 0 unknown */
	unsigned width, height;		/* of the picture, 0: none */
	struct buf png;
	char why[CHECK_REASON_MAX];	/* there is none */
};

struct report_pictures;	/* the process */
/* Never fails: what goes wrong is `why`. fd stays open here. */
void report_picture_make(struct report_pictures **, enum jail_mode, int fd, const struct age_key *,
    struct report_picture *);
void report_pictures_free(struct report_pictures *);	/* NULL is fine */

struct report_series {
	const char *uid, *modality;	/* borrowed from facts; uid "" for what could not be read */
	size_t objects, first;		/* first: index into facts->objects */
	long long frames;
	size_t middle;			/* index of the object that is shown */
	struct report_picture picture;
};

struct report_aside {
	long long package, member, bytes;
	char *name, *media, *reason;
	bool data;			/* it may have been of a patient; else a viewer, an index … */
};

/* The import's `unpack`: what became of every file. */
struct report_unpack {
	bool there;
	char trouble[CHECK_REASON_MAX];	/* it could not be read, or not to its end */
	long long files, objects, documents, duplicates, set_aside;
	struct report_aside *asides; size_t nasides;	/* those with data first */
	size_t folders, more;		/* not listed: folders, and those beyond the limit */
};
void report_unpack_read(struct import *, struct report_unpack *);
void report_unpack_free(struct report_unpack *);

struct report_page {
	const struct report_source *src;
	const char *organisation;	/* "" none */
	struct report_series *series; size_t nseries;
	struct report_unpack unpack;
};

/* HTML that is being written. The first error stays, and makes the rest do nothing. */
struct html { struct buf *out; struct err *err; int rc; };
void html_put(struct html *, const char *markup);		/* ours */
void html_text(struct html *, const char *);			/* theirs; NULL is "" */
void html_number(struct html *, long long);
/* "3 objects"; one in the singular. */
void html_count(struct html *, long long, const char *one, const char *many);
/* YYYYMMDD as YYYY-MM-DD; anything else as it is. */
void html_date(struct html *, const char *);

/* The pieces of a page, in their order. */
void report_html_head(struct html *);
void report_html_item(struct html *, const struct report_page *);
void report_html_tail(struct html *, bool exported);
/* Of an item's: the person on both sides, the study on both sides. */
void report_html_who(struct html *, const struct report_page *);
void report_html_study(struct html *, const struct report_page *);
/* Of an item's: series, documents, claims, what was set aside. */
void report_html_content(struct html *, const struct report_page *);

#endif
