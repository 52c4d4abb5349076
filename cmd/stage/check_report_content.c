/* What came: series with a picture each, documents, claims beside counts, what was set aside. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "stage/check_report.h"

#define SERIES_SHOWN	400	/* cards of one item; four times as many as pictures */
#define ROWS_SHOWN	500	/* of a table */

static void bytes(struct html *h, long long n)
{
	char text[32];

	if (n < 10000)
		snprintf(text, sizeof(text), "%lld bytes", n);
	else if (n < 10000000)
		snprintf(text, sizeof(text), "%lld KB", (n + 500) / 1000);
	else
		snprintf(text, sizeof(text), "%lld MB", (n + 500000) / 1000000);
	html_put(h, text);
}

static void more(struct html *h, size_t n, const char *where)
{
	if (n == 0)
		return;
	html_put(h, "<p class=\"note\">");
	html_number(h, (long long)n);
	html_put(h, " more are not listed here; all stand in ");
	html_put(h, where);
	html_put(h, ".</p>\n");
}

/* ---- series ---- */

static void picture(struct html *h, const struct report_series *s, size_t number)
{
	const struct report_picture *p = &s->picture;

	if (p->width == 0) {
		html_put(h, "<div class=\"pic empty\"><span>No picture: ");
		html_text(h, p->why);
		html_put(h, "</span></div>");
		return;
	}
	html_put(h, "<div class=\"pic\"><img width=\"");
	html_number(h, p->width);
	html_put(h, "\" height=\"");
	html_number(h, p->height);
	html_put(h, "\" alt=\"Series ");
	html_number(h, (long long)number);
	html_put(h, ", ");
	html_text(h, s->modality);
	html_put(h, ", one image from its middle, not for diagnosis\" src=\"data:image/png;base64,");
	if (!h->rc)
		h->rc = base64_encode(h->out, p->png.data, p->png.len, h->err);
	html_put(h, "\"></div>");
}

static void card(struct html *h, const struct report_series *s, size_t number)
{
	const struct report_picture *p = &s->picture;

	html_put(h, "<li><figure>");
	picture(h, s, number);
	html_put(h, "<figcaption><b>");
	if (p->number >= 0) {
		html_number(h, p->number);
		html_put(h, " &middot; ");
	}
	html_text(h, text_given(s->uid) ? text_given(s->modality) ? s->modality : "no modality" : "not readable");
	html_put(h, " &middot; ");
	html_count(h, (long long)s->objects, "object", "objects");
	html_put(h, "</b><bdi>");
	html_text(h, p->description);
	html_put(h, "</bdi>");
	if (text_given(p->description) && text_given(p->body_part))
		html_put(h, ", ");
	html_text(h, p->body_part);
	if (text_given(p->description) || text_given(p->body_part))
		html_put(h, "<br>");
	if (s->frames > (long long)s->objects) {
		html_count(h, s->frames, "frame", "frames");
		html_put(h, "<br>");
	}
	if (p->columns > 0) {
		html_number(h, p->columns);
		html_put(h, " &times; ");
		html_number(h, p->rows);
		html_put(h, "<br>");
	}
	if (p->width > 0)
		html_put(h, "<span class=\"nfd\">Not for diagnosis</span>");
	html_put(h, "</figcaption></figure></li>\n");
}

static void series(struct html *h, const struct report_page *p)
{
	size_t shown = p->nseries < SERIES_SHOWN ? p->nseries : SERIES_SHOWN;

	if (p->nseries == 0)
		return;
	html_put(h, "<section><h3>");
	html_count(h, (long long)p->nseries, "series", "series");
	html_put(h, ", ");
	html_count(h, (long long)p->src->facts->nobjects, "object", "objects");
	html_put(h, "</h3>\n<ul class=\"series\">\n");
	for (size_t i = 0; i < shown; i++)
		card(h, &p->series[i], i + 1);
	html_put(h, "</ul>\n");
	more(h, p->nseries - shown, "<code>mri-show --manifest</code>");
	html_put(h, "</section>\n");
}

/* ---- documents ---- */

static void documents(struct html *h, const struct manifest *m)
{
	if (m == NULL || m->ndocuments == 0)
		return;
	html_put(h, "<section><h3>");
	html_count(h, (long long)m->ndocuments, "document", "documents");
	html_put(h, "</h3>\n<table class=\"list\"><thead><tr><th scope=\"col\" class=\"num\">No.</th>"
	    "<th scope=\"col\">Title</th><th scope=\"col\">Kind</th><th scope=\"col\">Size</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < m->ndocuments && i < ROWS_SHOWN; i++) {
		const struct manifest_document *d = &m->documents[i];

		html_put(h, "<tr><td>");
		html_number(h, d->n);
		html_put(h, "</td><td><bdi>");
		html_text(h, text_given(d->title) ? d->title : "without a title");
		html_put(h, "</bdi></td><td>");
		html_text(h, d->media);
		html_put(h, "</td><td>");
		bytes(h, (long long)d->bytes);
		html_put(h, "</td></tr>\n");
	}
	html_put(h, "</tbody></table>\n");
	more(h, m->ndocuments > ROWS_SHOWN ? m->ndocuments - ROWS_SHOWN : 0, "<code>mri-show --manifest</code>");
	html_put(h, "</section>\n");
}

/* ---- claims ---- */

static long long came(const struct check_facts *f, int package, bool here)
{
	long long n = 0;

	for (size_t i = 0; here && i < f->nobjects; i++)
		n += f->objects[i].package == package;
	for (size_t i = 0; !here && i < f->npackages; i++)
		n += f->packages[i].number == package ? f->packages[i].objects : 0;
	return n;
}

static void claimed_study(struct html *h, const struct claim_study *s)
{
	html_put(h, "<br>");
	html_text(h, text_given(s->modality) ? s->modality : "study");
	html_put(h, " ");
	html_date(h, s->date);
	html_put(h, text_given(s->description) ? " <bdi>" : "");
	html_text(h, s->description);
	html_put(h, text_given(s->description) ? "</bdi>: " : ": ");
	if (s->series >= 0) {
		html_count(h, s->series, "series", "series");
		html_put(h, ", ");
	}
	if (s->instances >= 0)
		html_count(h, s->instances, "object", "objects");
	else
		html_put(h, "no count");
}

static void claim_row(struct html *h, const struct check_facts *f, const struct claim *c)
{
	enum { STUDIES_SHOWN = 20 };

	html_put(h, "<tr><th scope=\"row\">");
	html_number(h, c->package);
	html_put(h, "<br><small>");
	html_text(h, c->source);
	html_put(h, "</small></th><td>");
	if (c->total_instances >= 0)
		html_count(h, c->total_instances, "object", "objects");
	else
		html_put(h, c->nstudies > 0 ? "Studies:" : "<span class=\"none\">no count</span>");
	for (size_t i = 0; i < c->nstudies && i < STUDIES_SHOWN; i++)
		claimed_study(h, &c->studies[i]);
	if (c->nstudies > STUDIES_SHOWN)
		html_put(h, "<br>&hellip;");
	if (c->partial)
		html_put(h, "<br><b>says itself that something is missing</b>");
	if (!c->plausible)
		html_put(h, "<br><b>does not look like what it is said to be</b>");
	html_put(h, "</td><td>");
	html_count(h, came(f, c->package, true), "object", "objects");
	html_put(h, "</td><td>");
	html_count(h, came(f, c->package, false), "object", "objects");
	html_put(h, "</td></tr>\n");
}

static void claims(struct html *h, const struct check_facts *f)
{
	html_put(h, "<section><h3>Claimed and received</h3>\n");
	if (f->nclaims == 0) {
		html_put(h, "<p class=\"note\">No portal and no medium said what there should be.</p></section>\n");
		return;
	}
	html_put(h, "<table class=\"list\"><thead><tr><th scope=\"col\">Package</th><th scope=\"col\">Claimed</th>"
	    "<th scope=\"col\">Came, of this item</th><th scope=\"col\">Came, in the whole import</th></tr></thead>"
	    "\n<tbody>\n");
	for (size_t i = 0; i < f->nclaims && i < ROWS_SHOWN; i++)
		claim_row(h, f, &f->claims[i]);
	html_put(h, "</tbody></table>\n");
	more(h, f->nclaims > ROWS_SHOWN ? f->nclaims - ROWS_SHOWN : 0, "<code>mri-show --raw claim/NNN</code>");
	html_put(h, "</section>\n");
}

/* ---- set aside ---- */

static void aside_row(struct html *h, const struct report_aside *a)
{
	html_put(h, "<tr><td><bdi>");
	html_text(h, text_given(a->name) ? a->name : "without a name");
	html_put(h, "</bdi><br><small>package ");
	html_number(h, a->package);
	html_put(h, ", member ");
	html_number(h, a->member);
	html_put(h, "</small></td><td>");
	html_text(h, a->media);
	html_put(h, "<br>");
	bytes(h, a->bytes);
	html_put(h, "</td><td>");
	html_text(h, a->reason);
	if (!a->data)
		html_put(h, " <small>(no data of a patient)</small>");
	html_put(h, "</td></tr>\n");
}

static void aside(struct html *h, const struct report_unpack *u)
{
	if (!u->there && *u->trouble == '\0')
		return;
	html_put(h, "<section><h3>Set aside</h3>\n");
	if (*u->trouble != '\0') {
		html_put(h, "<p class=\"note\">The record of mri-unpack could not be read: ");
		html_text(h, u->trouble);
		html_put(h, "</p>\n");
	}
	html_put(h, "<p class=\"note\">Of ");
	html_count(h, u->files, "file", "files");
	html_put(h, " of the import: ");
	html_count(h, u->objects, "object", "objects");
	html_put(h, ", ");
	html_count(h, u->documents, "document", "documents");
	html_put(h, ", ");
	html_count(h, u->duplicates, "duplicate", "duplicates");
	html_put(h, ", ");
	html_number(h, u->set_aside);
	html_put(h, " set aside, which may be of any of its items");
	if (u->folders > 0) {
		html_put(h, ", with ");
		html_count(h, (long long)u->folders, "folder", "folders");
		html_put(h, " that are not listed");
	}
	html_put(h, ".</p>\n");
	if (u->nasides > 0) {
		html_put(h, "<table class=\"list\"><thead><tr><th scope=\"col\">File</th><th scope=\"col\">Kind, size</th>"
		    "<th scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
		for (size_t i = 0; i < u->nasides; i++)
			aside_row(h, &u->asides[i]);
		html_put(h, "</tbody></table>\n");
	}
	more(h, u->more, "<code>mri-show --raw unpack</code>");
	html_put(h, "</section>\n");
}

void report_html_content(struct html *h, const struct report_page *p)
{
	series(h, p);
	documents(h, p->src->facts->manifest);
	if (p->src->import != NULL)
		claims(h, p->src->facts);
	aside(h, &p->unpack);
}
