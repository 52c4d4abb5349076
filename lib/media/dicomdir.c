#include "media/dicomdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "dicom/charset.h"
#include "dicom/walk.h"

#define VALUE_MAX	1024
#define ITEM_HEADER	8	/* offsets point to the item's tag, its first element lies behind it (PS3.5 7.5) */
#define NONE		UINT32_MAX

/* One directory record, its texts where they are short-lived no longer than the reading. */
struct record {
	uint64_t off;		/* of its item */
	uint64_t next, lower;	/* offsets as written, 0 none */
	bool inactive, reached;
	char *file;		/* Referenced File ID, components joined by backslash */
	char *study, *series, *sop, *accession, *name, *id;
	char date[9], birth[9];
};

struct dir {
	struct listing *l;
	struct record *v; size_t n, cap;
	unsigned item;
	char charset[200];
	size_t bad, cut;	/* offsets that lead nowhere; loops */
};

/* What lies above a record. */
struct above { int patient, study; };

static int more(struct dir *d, uint64_t off, struct err *err)
{
	if (d->n == DICOMDIR_RECORDS_MAX)
		return err_set(err, ERR_DATA, "it has more than %d records", DICOMDIR_RECORDS_MAX);
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 64;
		struct record *v = realloc(d->v, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory for a DICOMDIR");
		d->v = v;
		d->cap = cap;
	}
	memset(&d->v[d->n], 0, sizeof *d->v);
	d->v[d->n++].off = off - ITEM_HEADER;
	d->charset[0] = '\0';
	return RC_OK;
}

/* A value as it is, padding trimmed; "" where it is too long to be one. */
static int raw(const struct object *o, const struct element *e, char to[VALUE_MAX], struct err *err)
{
	size_t n = 0;

	to[0] = '\0';
	if (e->length == WALK_UNDEFINED || e->length >= VALUE_MAX)
		return RC_OK;
	return walk_trimmed(o, e, to, VALUE_MAX, &n, err);
}

/* Kept escaped, in UTF-8; a text that contradicts its character set is escaped byte by byte. vr NULL: no text. */
static int keep(const struct dir *d, const char *value, const char *vr, char **to, struct err *err)
{
	char utf8[3 * VALUE_MAX], shown[LISTING_TEXT];
	struct err ignore = { 0 };
	size_t n = 0;

	if (vr != NULL && charset_read(d->charset, vr, value, strlen(value), utf8, sizeof utf8, &n, &ignore) == RC_OK)
		value = utf8;
	text_escape(shown, sizeof shown, value, strlen(value));
	free(*to);
	*to = text_dup(shown, err);
	return *to ? RC_OK : err_rc(err->kind);
}

static int keep_uid(const char *value, char **to, struct err *err)
{
	if (strlen(value) > 64 || value[strspn(value, "0123456789.")] || !value[0])
		return RC_OK;	/* none that could be compared */
	free(*to);
	*to = text_dup(value, err);
	return *to ? RC_OK : err_rc(err->kind);
}

static int number(const struct object *o, const struct element *e, uint64_t *to, struct err *err)
{
	uint8_t b[4] = { 0 };
	size_t n = 0;
	int rc = RC_OK;

	if (e->length != 2 && e->length != 4)
		return RC_OK;
	rc = walk_value(o, e, b, sizeof b, &n, err);
	*to = 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		*to |= (uint64_t)b[o->form == WALK_EXPLICIT_BE ? n - 1 - i : i] << 8 * i;
	return rc;
}

static int element(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct dir *d = arg;
	struct record *r = NULL;
	char value[VALUE_MAX];
	uint64_t use = 1;
	int rc = RC_OK;

	if (d->n == 0 || item != d->item) {
		d->item = item;
		if ((rc = more(d, e->off, err)) != RC_OK)
			return rc;
	}
	r = &d->v[d->n - 1];
	switch (e->tag) {
	case TAG(0x0004, 0x1400):
		return number(o, e, &r->next, err);
	case TAG(0x0004, 0x1420):
		return number(o, e, &r->lower, err);
	case TAG(0x0004, 0x1410):	/* PS3.3 F.5: 0 is a record that was left out */
		rc = number(o, e, &use, err);
		r->inactive = rc == RC_OK && e->length == 2 && use == 0;
		return rc;
	}
	if ((rc = raw(o, e, value, err)) != RC_OK || !value[0])
		return rc;
	switch (e->tag) {
	case TAG(0x0008, 0x0005):
		text_copy(d->charset, sizeof d->charset, value);
		break;
	case TAG(0x0004, 0x1500):
		return keep(d, value, NULL, &r->file, err);
	case TAG(0x0004, 0x1511):
		return keep_uid(value, &r->sop, err);
	case TAG(0x0020, 0x000d):
		return keep_uid(value, &r->study, err);
	case TAG(0x0020, 0x000e):
		return keep_uid(value, &r->series, err);
	case TAG(0x0008, 0x0050):
		return keep(d, value, "SH", &r->accession, err);
	case TAG(0x0010, 0x0010):
		return keep(d, value, "PN", &r->name, err);
	case TAG(0x0010, 0x0020):
		return keep(d, value, "LO", &r->id, err);
	case TAG(0x0008, 0x0020):
		if (!time_parse_date(value, r->date))
			r->date[0] = '\0';
		break;
	case TAG(0x0010, 0x0030):
		if (!time_parse_date(value, r->birth))
			r->birth[0] = '\0';
		break;
	}
	return RC_OK;
}

/* --- from records to a listing ------------------------------------------------------------ */

/* Records lie in ascending order of offset: they were read so. */
static uint32_t at(const struct dir *d, uint64_t off)
{
	size_t lo = 0, hi = d->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->v[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->n && d->v[lo].off == off ? (uint32_t)lo : NONE;
}

/* One record into the listing, below what stands above it; *here: what stands above those below it. */
static int list(struct dir *d, struct record *r, struct above up, struct above *here, struct err *err)
{
	struct listing_file *f = NULL;
	struct listing_study *s = NULL;
	int rc = RC_OK;

	*here = up;
	if (r->inactive)
		return RC_OK;
	if ((r->name || r->id) && !r->file && !r->study) {
		rc = listing_patient(d->l, r->name ? r->name : "", r->id ? r->id : "", r->birth, &here->patient, err);
		here->study = -1;
	}
	if (rc == RC_OK && r->study && !r->file) {
		rc = listing_study(d->l, r->study, &here->study, err);
		if (rc != RC_OK)
			return rc;
		s = &d->l->studies[here->study];
		if (s->patient < 0)
			s->patient = here->patient;
		if (r->date[0])
			text_copy(s->date, sizeof s->date, r->date);
		if (r->accession && !s->accession) {
			s->accession = r->accession;
			r->accession = NULL;
		}
	}
	if (rc == RC_OK && r->series && !r->file && here->study >= 0)
		d->l->studies[here->study].series++;
	if (rc != RC_OK || !r->file)
		return rc;
	rc = listing_file(d->l, r->file, &f, err);
	if (rc != RC_OK)
		return rc;
	f->study = here->study;
	f->patient = here->patient;
	if (r->sop)
		text_copy(f->sop_uid, sizeof f->sop_uid, r->sop);
	if (f->study >= 0)
		d->l->studies[f->study].instances++;
	return RC_OK;
}

struct step { uint32_t record; struct above up; };

/* Follows offsets from one record: what comes next, and what lies below. Each record once: a circle ends there. */
static int follow(struct dir *d, uint32_t first, struct step *stack, struct err *err)
{
	size_t n = 0;
	int rc = RC_OK;

	stack[n++] = (struct step){ first, { -1, -1 } };
	while (rc == RC_OK && n) {
		struct step s = stack[--n];
		struct record *r = &d->v[s.record];
		struct above here;
		uint32_t to[2];
		uint64_t off[2] = { r->next, r->inactive ? 0 : r->lower };

		rc = list(d, r, s.up, &here, err);
		/* Marked when it is put onto the stack, so that the stack holds each record once */
		for (int i = 0; rc == RC_OK && i < 2; i++) {
			if (!off[i])
				continue;
			to[i] = at(d, off[i]);
			if (to[i] == NONE) {
				d->bad++;
			} else if (d->v[to[i]].reached) {
				d->cut++;
			} else {
				d->v[to[i]].reached = true;
				stack[n++] = (struct step){ to[i], i ? here : s.up };
			}
		}
	}
	return rc;
}

/* Nothing leads to it: its place in the file says what it belongs to. */
static int leftovers(struct dir *d, size_t *lost, struct err *err)
{
	struct above here = { -1, -1 };
	int rc = RC_OK;

	*lost = 0;
	for (size_t i = 0; rc == RC_OK && i < d->n; i++) {
		if (d->v[i].reached || d->v[i].inactive)
			continue;
		++*lost;
		rc = list(d, &d->v[i], here, &here, err);
	}
	return rc;
}

static int link_records(struct dir *d, uint64_t root, struct err *err)
{
	struct step *stack = calloc(d->n + 1, sizeof *stack);
	uint32_t first = at(d, root);
	size_t lost = 0;
	int rc = stack ? RC_OK : err_set(err, ERR_TEMP, "no memory for a DICOMDIR");

	if (rc == RC_OK && d->n && first == NONE)
		rc = listing_broken(d->l, err, "its first record is not where it says");
	if (rc == RC_OK && first != NONE) {
		d->v[first].reached = true;
		rc = follow(d, first, stack, err);
	}
	if (rc == RC_OK)
		rc = leftovers(d, &lost, err);
	if (rc == RC_OK && d->bad)
		rc = listing_broken(d->l, err, "%zu of its offsets lead to no record", d->bad);
	if (rc == RC_OK && d->cut)
		rc = listing_broken(d->l, err, "%zu of its offsets lead in a circle", d->cut);
	if (rc == RC_OK && lost)
		rc = listing_broken(d->l, err, "%zu of its %zu records hang on nothing", lost, d->n);
	free(stack);
	return rc;
}

static void dir_free(struct dir *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct record *r = &d->v[i];
		char *const v[] = { r->file, r->study, r->series, r->sop, r->accession, r->name, r->id };

		for (size_t k = 0; k < sizeof v / sizeof *v; k++)
			free(v[k]);
	}
	free(d->v);
}

bool dicomdir_is(const struct object *o)
{
	char sop_class[65];
	struct err ignored = { 0 };

	return walk_find(o, TAG(0x0004, 0x1220)) != NULL ||
	    (walk_text(o, TAG(0x0008, 0x0016), sop_class, sizeof sop_class, NULL, &ignored) == RC_OK &&
	    strcmp(sop_class, UID_DICOMDIR) == 0);
}

int dicomdir_read(struct listing *l, struct stream *s, struct err *err)
{
	struct dir d = { .l = l };
	struct object *o = NULL;
	const struct element *seq = NULL, *first = NULL;
	uint64_t root = 0;
	int rc = walk_open_torn(&o, s, err);

	if (rc == RC_OK) {
		seq = walk_find(o, TAG(0x0004, 0x1220));
		first = walk_find(o, TAG(0x0004, 0x1200));
		if (seq)
			rc = walk_items(o, seq, element, &d, err);
		else
			rc = listing_broken(l, err, "it has no sequence of records");
	}
	if (rc == RC_OK && walk_torn(o))	/* it counts as far as it goes */
		rc = listing_broken(l, err, "%s", walk_torn(o));
	if (rc == RC_OK && first)
		rc = number(o, first, &root, err);
	if (rc == RC_OK && seq)
		rc = link_records(&d, root, err);
	if (rc != RC_OK && err->kind == ERR_DATA)	/* what was read so far stays a claim */
		rc = listing_broken(l, err, "%s", err->text);
	dir_free(&d);
	walk_close(o);
	return rc;
}
