/* Gathers what the page of a check says, and puts the page where it belongs. */
#include "stage/check_report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define PICTURES_MAX	100	/* of one page: at most 10 MB of it */
#define PAGE_MAX	((size_t)48 << 20)

struct report {
	struct cli *cli;
	struct work *work;
	const char *file;	/* NULL: kept in the item */
	int fd;
	bool broken;		/* FILE could not be written to its end: it is not gone on with */
	size_t items, pictures;
	struct report_pictures *painter;
};

static int pour(struct report *r, const struct buf *b, struct err *err)
{
	int rc = io_write_full(r->fd, b->data, b->len, err);

	if (rc) {
		err_wrap(err, "cannot write the report");
		r->broken = true;
	}
	return rc;
}

int report_open(struct report **out, struct cli *cli, struct work *w, const char *file, struct err *err)
{
	struct report *r = calloc(1, sizeof(*r));
	int rc = RC_OK;

	if (!r)
		return err_set(err, ERR_TEMP, "no memory");
	r->cli = cli;
	r->work = w;
	r->fd = -1;
	if (strcmp(file, REPORT_KEPT)) {
		r->file = file;
		rc = work_create_outside(file, &r->fd, err);
	}
	if (rc) {
		free(r);
		return rc;
	}
	*out = r;
	return RC_OK;
}

static int write_tail(struct report *r, struct err *err)
{
	struct buf b = BUF_INIT(PAGE_MAX);
	struct html h = { &b, err, RC_OK };
	int rc = RC_OK;

	report_html_tail(&h, true);
	if (!(rc = h.rc) && !(rc = pour(r, &b, err)))
		rc = io_fsync(r->fd, err);
	buf_free(&b);
	return rc;
}

void report_close(struct report *r)
{
	struct err err = { 0 };

	if (!r)
		return;
	if (r->file && r->items == 0)
		unlink(r->file);	/* it is ours, made new, and empty */
	else if (r->file && !r->broken && write_tail(r, &err))
		cli_fail(r->cli, NULL, "--report", &err);
	if (r->fd >= 0)
		close(r->fd);
	report_pictures_free(r->painter);
	free(r);
}

/* ---- series ---- */

struct order_of {
	const struct check_object *o;
	size_t i;
};

static int by_series(const void *a, const void *b)
{
	const struct order_of *x = a, *y = b;
	int c = strcmp(x->o->series_uid, y->o->series_uid);

	if (c)
		return c;
	if (x->o->image != y->o->image)
		return x->o->image ? -1 : 1;	/* the middle is sought among images */
	if (x->o->number != y->o->number)
		return x->o->number < y->o->number ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

static int by_first(const void *a, const void *b)
{
	const struct report_series *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int by_number(const void *a, const void *b)
{
	const struct report_series *x = a, *y = b;

	unsigned long long m = (unsigned long long)x->picture.number, n = (unsigned long long)y->picture.number;

	if (m != n)	/* one without a number, -1, comes last */
		return m < n ? -1 : 1;
	return by_first(a, b);
}

static void take_series(struct report_series *s, const struct order_of *v, size_t n)
{
	size_t images = 0;

	s->uid = v[0].o->series_uid;
	s->objects = n;
	s->first = v[0].i;
	s->picture.number = -1;
	for (size_t i = 0; i < n; i++) {
		s->frames += v[i].o->image ? v[i].o->frames : 0;
		images += v[i].o->image;
		s->first = v[i].i < s->first ? v[i].i : s->first;
	}
	s->middle = v[(images ? images : n) / 2].i;
	s->modality = v[(images ? images : n) / 2].o->modality;
}

static int group(struct report_page *p, struct err *err)
{
	const struct check_facts *f = p->src->facts;
	struct order_of *v = calloc(f->nobjects + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return err_set(err, ERR_TEMP, "no memory");
	for (size_t i = 0; i < f->nobjects; i++)
		v[i] = (struct order_of){ &f->objects[i], i };
	if (f->nobjects)
		qsort(v, f->nobjects, sizeof(*v), by_series);
	for (size_t i = 0; i < f->nobjects; i++)
		n += i == 0 || strcmp(v[i].o->series_uid, v[i - 1].o->series_uid);
	if (!(p->series = calloc(n + 1, sizeof(*p->series)))) {
		free(v);
		return err_set(err, ERR_TEMP, "no memory for %zu series", n);
	}
	for (size_t i = 0, end = 0; i < f->nobjects; i = end) {
		for (end = i + 1; end < f->nobjects && !strcmp(v[end].o->series_uid, v[i].o->series_uid); end++)
			;
		take_series(&p->series[p->nseries++], &v[i], end - i);
	}
	if (p->nseries)
		qsort(p->series, p->nseries, sizeof(*p->series), by_first);
	free(v);
	return RC_OK;
}

static void paint(struct report *r, const struct report_source *src, struct report_series *s)
{
	struct age_key key = { { 0 }, 0 };
	struct err err = { 0 };
	int fd = -1;

	s->picture.png = (struct buf)BUF_INIT(CHAN_MSG_MAX);
	if (cli_stopped()) {
		text_copy(s->picture.why, sizeof(s->picture.why), "interrupted");
		return;
	}
	if (*s->uid == '\0') {
		text_copy(s->picture.why, sizeof(s->picture.why), "no series is named in what could be read");
		return;
	}
	if (r->pictures == PICTURES_MAX) {
		text_copy(s->picture.why, sizeof(s->picture.why), "a page has pictures of 100 series");
		return;
	}
	if (src->open(src->arg, s->middle, &fd, &key, &err)) {
		text_copy(s->picture.why, sizeof(s->picture.why), err.text);
		return;
	}
	r->pictures++;
	report_picture_make(&r->painter, (enum jail_mode)r->cli->config->sandbox, fd, &key, &s->picture);
	close(fd);
}

static void page_free(struct report_page *p)
{
	for (size_t i = 0; i < p->nseries; i++)
		buf_free(&p->series[i].picture.png);
	free(p->series);
	report_unpack_free(&p->unpack);
}

/* ---- one item ---- */

static int put_page(struct report *r, const struct report_source *src, const struct buf *b, struct err *err)
{
	int rc = RC_OK;

	if (r->file && !(rc = pour(r, b, err)))
		r->items++;
	else if (!r->file)
		rc = item_file_write(src->item, ITEM_REPORT, b->data, b->len, NULL, err);
	return rc;
}

static int make(struct report *r, const struct report_source *src, struct err *err)
{
	struct report_page p = { .src = src };
	struct buf b = BUF_INIT(PAGE_MAX);
	struct html h = { &b, err, RC_OK };
	int rc = group(&p, err);

	if (rc)
		return rc;
	p.organisation = src->import ? spool_organisation(r->work->spool) : "";
	if (!r->file)
		r->pictures = 0;
	for (size_t i = 0; i < p.nseries; i++)
		paint(r, src, &p.series[i]);
	if (p.nseries)	/* now that their numbers are known */
		qsort(p.series, p.nseries, sizeof(*p.series), by_number);
	if (src->import)
		report_unpack_read(src->import, &p.unpack);
	if (!r->file || r->items == 0)
		report_html_head(&h);
	report_html_item(&h, &p);
	if (!r->file)
		report_html_tail(&h, false);
	if (!(rc = h.rc))
		rc = put_page(r, src, &b, err);
	page_free(&p);
	buf_wipe(&b);
	return rc;
}

void report_item(struct report *r, const struct report_source *src, const char *subject)
{
	struct act *act = NULL;
	struct err err = { 0 }, late = { 0 };
	int rc = RC_OK;

	if (r->broken)
		return;
	if (!r->file && !src->import)
		rc = err_set(&err, ERR_USAGE, "--report - keeps the report in an item of a spool: name a file");
	if (!rc)
		rc = act_begin(&act, src->import ? r->work->audit : NULL, "mri-check", "report", subject,
		    r->file ? "exported to a file" : "kept in the item", AUDIT_NONE, &err);
	if (!rc) {
		rc = make(r, src, &err);
		if (act_end(act, !rc ? "ok" : err.kind == ERR_TEMP ? "temp" : "perm", NULL, &late) && !rc) {
			err = late;
			rc = err_rc(late.kind);
		}
	}
	if (rc) {
		err_wrap(&err, "the report");
		cli_fail(r->cli, NULL, subject, &err);
	}
}
