/*
 * The scan: one loop over a stack of open sequences and items. It knows
 * nothing about what elements mean but whether they hold others.
 */
#include <stdio.h>
#include <string.h>
#include "dicom/dict.h"
#include "dicom/walk_impl.h"

#define TAG_ITEM	TAG(0xfffe, 0xe000)
#define TAG_ITEM_END	TAG(0xfffe, 0xe00d)
#define TAG_SEQ_END	TAG(0xfffe, 0xe0dd)
#define TEXT_OF_(n)	#n
#define TEXT_OF(n)	TEXT_OF_(n)

enum frame_kind { FRAME_ELEMENTS, FRAME_ITEMS, FRAME_FRAGMENTS };

struct frame {
	enum frame_kind kind;
	bool open_end;		/* ends at its delimiter */
	enum walk_form form;
	uint64_t limit;		/* where it ends; with open_end: where what is around it ends */
	struct element self;	/* the element it is the value of (ITEMS, FRAGMENTS) */
	unsigned items;		/* begun so far */
};

struct state {
	struct scan *scan;
	uint64_t pos;
	uint32_t elements;
	unsigned depth;		/* of the innermost frame */
	struct frame stack[2 * WALK_DEPTH_MAX + 2];
};

uint16_t get16(const uint8_t *p, bool big)
{
	return big ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

uint32_t get32(const uint8_t *p, bool big)
{
	return big ? (uint32_t)get16(p, big) << 16 | get16(p + 2, big)
	    : (uint32_t)get16(p + 2, big) << 16 | get16(p, big);
}

static bool in_list(const uint8_t *vr, const char *list)
{
	for (; *list; list += 2)
		if (vr[0] == (uint8_t)list[0] && vr[1] == (uint8_t)list[1])
			return true;
	return false;
}

bool vr_is_known(const uint8_t *vr)
{
	return in_list(vr, "AEASATCSDADSDTFLFDISLOLTPNSHSLSSSTTMUIULUSOBODOFOLOVOWSQSVUCUNURUTUV");
}

bool vr_is_long(const uint8_t *vr)
{
	if (in_list(vr, "OBODOFOLOVOWSQSVUCUNURUTUV"))
		return true;
	/* Two letters that are no VR today: a later one would be long (PS3.5 6.2). Anything else
	 * ("??", blanks) was written by something that knows the short form only. */
	return !vr_is_known(vr) && vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
}

void window_init(struct window *w, struct stream *s)
{
	w->s = s;
	w->off = 0;
	w->len = 0;
	w->next = WINDOW_MIN;
}

int window_peek(struct window *w, uint64_t off, size_t n, const uint8_t **p, size_t *got, struct err *err)
{
	int rc = RC_OK;

	if (off < w->off || off + n > w->off + w->len) {
		bool onward = off >= w->off && off <= w->off + w->len;

		w->next = onward && w->len ? w->next * 2 : WINDOW_MIN;
		if (w->next > WINDOW_MAX)
			w->next = WINDOW_MAX;
		w->off = off;
		w->len = 0;
		if (off < w->s->size) {
			rc = stream_read(w->s, off, w->bytes, w->next, &w->len, err);
			if (rc != RC_OK) {
				w->len = 0;
				return rc;
			}
		}
	}
	*p = w->bytes + (off - w->off);
	*got = w->off + w->len - off < n ? (size_t)(w->off + w->len - off) : n;
	return RC_OK;
}

/* Where it is: offset, level (1: the data set itself), tag, and the sequence around it. Never a value. */
static int broken(const struct state *st, uint64_t at, const struct element *e, const char *what, struct err *err)
{
	unsigned in = st->stack[st->depth].kind == FRAME_ELEMENTS ? st->depth - 1 : st->depth;
	char level[32] = "", tag[32] = "", around[32] = "";

	if (!st->scan->items)	/* walk_items() does not know how deep its sequence stands */
		snprintf(level, sizeof level, ", level %u", st->depth / 2 + 1);
	if (e)
		snprintf(tag, sizeof tag, ", (%04x,%04x)", e->tag >> 16, e->tag & 0xffff);
	if (st->depth > 0)
		snprintf(around, sizeof around, "%s in (%04x,%04x)", e ? "" : ",",
		    st->stack[in].self.tag >> 16, st->stack[in].self.tag & 0xffff);
	return err_set(err, ERR_DATA, "broken DICOM at offset %llu%s%s%s%s: %s", (unsigned long long)at,
	    st->scan->inflated ? " of the inflated data set" : "", level, tag, around, what);
}

static int too_long(const struct state *st, const struct element *e, uint64_t left, struct err *err)
{
	char what[80];

	snprintf(what, sizeof what, "it has %lu bytes, %llu are left", (unsigned long)e->length,
	    (unsigned long long)left);
	return broken(st, e->off, e, what, err);
}

/* A scan that may be torn keeps the first reason and goes on; another fails. */
static int torn(const struct scan *sc, struct err *err)
{
	if (!sc->torn || err->kind != ERR_DATA)
		return err_rc(err->kind);
	if (sc->torn->kind == ERR_NONE)
		*sc->torn = *err;
	err_clear(err);
	return RC_OK;
}

/* A sequence or item that goes beyond what it stands in: it ends there, where that is borne. */
static int clip(const struct state *st, struct element *e, uint64_t left, struct err *err)
{
	int rc = RC_OK;

	too_long(st, e, left, err);
	rc = torn(st->scan, err);
	if (rc == RC_OK)
		e->length = (uint32_t)left;
	return rc;
}

/* Reads tag, VR and length at pos. *more = false: nothing but padding is left. */
static int header(struct state *st, struct element *e, bool *more, struct err *err)
{
	struct frame *f = &st->stack[st->depth];
	bool big = f->form == WALK_EXPLICIT_BE;
	const uint8_t *p = NULL;
	size_t got = 0, n = 8;
	uint64_t left = f->limit - st->pos;
	int rc = window_peek(st->scan->win, st->pos, 12, &p, &got, err);

	if (rc != RC_OK)
		return rc;
	*more = true;
	if (got > left)
		got = (size_t)left;
	if (got < 8) {
		if (st->depth == 0 && f->kind == FRAME_ELEMENTS) {	/* a few stray bytes at the end */
			*more = false;
			return RC_OK;
		}
		return broken(st, st->pos, NULL, "ends inside a tag", err);
	}
	memset(e, 0, sizeof *e);
	e->off = st->pos;
	e->tag = TAG(get16(p, big), get16(p + 2, big));
	if (f->form == WALK_IMPLICIT_LE || TAG_GROUP(e->tag) == 0xfffe) {
		e->length = get32(p + 4, big);
	} else {
		memcpy(e->vr, p + 4, 2);
		if (vr_is_long(p + 4)) {
			n = 12;
			if (got < 12)
				return broken(st, st->pos, e, "ends inside a length", err);
			e->length = get32(p + 8, big);
		} else {
			e->length = get16(p + 6, big);
		}
		if (!vr_is_known(p + 4))
			memcpy(e->vr, "UN", 2);	/* no known VR: nothing is known of its content */
	}
	e->value = st->pos + n;
	return RC_OK;
}

/* Bytes between pos and the end that are all zero are padding, as some writers leave behind. */
static int only_zeros(struct state *st, bool *zeros, struct err *err)
{
	uint64_t pos = st->pos, end = st->stack[0].limit;

	*zeros = true;
	while (pos < end && *zeros) {
		const uint8_t *p = NULL;
		size_t got = 0;
		int rc = window_peek(st->scan->win, pos, WINDOW_MIN, &p, &got, err);

		if (rc != RC_OK)
			return rc;
		if (got == 0)
			break;
		for (size_t i = 0; i < got && pos + i < end; i++)
			if (p[i]) {
				*zeros = false;
				break;
			}
		pos += got;
	}
	return RC_OK;
}

static int push(struct state *st, enum frame_kind kind, enum walk_form form, const struct element *e,
    struct err *err)
{
	struct frame *outer = &st->stack[st->depth];
	struct frame *f = outer + 1;

	if (st->depth + 1 >= sizeof st->stack / sizeof *st->stack)
		return broken(st, e->off, e, "sequences are nested more than " TEXT_OF(WALK_DEPTH_MAX) " deep", err);
	memset(f, 0, sizeof *f);
	f->kind = kind;
	f->form = form;
	f->open_end = e->length == WALK_UNDEFINED;
	f->limit = f->open_end ? outer->limit : e->value + e->length;
	f->self = *e;
	st->depth++;
	st->pos = e->value;
	return RC_OK;
}

/* e is complete and stood directly in the innermost frame. */
static int report(struct state *st, struct element *e, struct err *err)
{
	unsigned level = st->scan->items ? 1 : 0;

	if (st->depth != level || st->stack[level].kind != FRAME_ELEMENTS)
		return RC_OK;
	return st->scan->element(level ? st->stack[0].items - 1 : 0, e, st->scan->arg, err);
}

static int pop(struct state *st, struct err *err)
{
	struct frame *f = &st->stack[st->depth];
	struct element e = f->self;

	st->depth--;
	if (f->kind == FRAME_ELEMENTS)	/* an item */
		return RC_OK;
	e.end = st->pos;
	return report(st, &e, err);
}

/* An element that stands among elements. */
static int element(struct state *st, struct element *e, struct err *err)
{
	struct frame *f = &st->stack[st->depth];
	uint64_t left = f->limit - e->value;
	enum frame_kind kind = FRAME_ITEMS;
	enum walk_form form = f->form;
	bool holds = false;

	if (TAG_GROUP(e->tag) == 0xfffe) {
		if (e->tag == TAG_ITEM_END && f->open_end && st->depth > 0) {
			st->pos = e->value;
			return pop(st, err);
		}
		return broken(st, e->off, e, "an item or a delimiter where an element belongs", err);
	}
	if (e->length == WALK_UNDEFINED) {
		holds = true;
		if (f->form != WALK_IMPLICIT_LE && strcmp(e->vr, "SQ") != 0) {
			if (strcmp(e->vr, "UN") == 0)	/* PS3.5 6.2.2 */
				form = WALK_IMPLICIT_LE;
			else
				kind = FRAME_FRAGMENTS;	/* PS3.5 A.4 */
		} else if (f->form == WALK_IMPLICIT_LE && e->tag == TAG_PIXEL_DATA) {
			kind = FRAME_FRAGMENTS;
		}
		if (kind == FRAME_FRAGMENTS && e->vr[0] && e->vr[0] != 'O')
			return broken(st, e->off, e, "undefined length of an element that is no sequence", err);
	} else {
		if (f->form == WALK_IMPLICIT_LE) {
			const struct dict_entry *d = e->length ? dict_by_tag(e->tag) : NULL;

			holds = d && strcmp(d->vr, "SQ") == 0;
		} else {
			holds = e->length && strcmp(e->vr, "SQ") == 0;
		}
		if (e->length > left) {
			int rc = holds ? clip(st, e, left, err) : too_long(st, e, left, err);

			if (rc != RC_OK)
				return rc;
		}
	}
	if (holds)
		return push(st, kind, form, e, err);
	e->end = e->value + e->length;
	st->pos = e->end;
	return report(st, e, err);
}

/* An item, or the delimiter of the sequence or of the fragments. */
static int item(struct state *st, struct element *e, struct err *err)
{
	struct frame *f = &st->stack[st->depth];

	if (e->tag == TAG_SEQ_END && f->open_end) {
		st->pos = e->value;
		if (st->depth == 0)	/* the sequence that walk_items steps through */
			return RC_OK;
		return pop(st, err);
	}
	if (e->tag != TAG_ITEM)
		return broken(st, e->off, e, f->kind == FRAME_ITEMS ? "no item where one belongs in a sequence"
		    : "no item where a fragment of pixel data belongs", err);
	f->items++;
	if (e->length != WALK_UNDEFINED && e->length > f->limit - e->value) {
		int rc = f->kind == FRAME_ITEMS ? clip(st, e, f->limit - e->value, err)
		    : too_long(st, e, f->limit - e->value, err);

		if (rc != RC_OK)
			return rc;
	}
	if (f->kind == FRAME_ITEMS)
		return push(st, FRAME_ELEMENTS, f->form, e, err);
	if (e->length == WALK_UNDEFINED)
		return broken(st, e->off, e, "a fragment of undefined length", err);
	st->pos = e->value + e->length;
	return RC_OK;
}

static int run(struct state *st, struct err *err)
{
	struct scan *sc = st->scan;
	int rc = RC_OK;

	for (;;) {
		struct frame *f = &st->stack[st->depth];
		struct element e;
		bool more = true, ended = false;

		if (st->pos >= f->limit) {
			if (f->open_end)
				return broken(st, st->pos, NULL, "ends inside a sequence or item", err);
			if (st->depth == 0)
				break;
			rc = pop(st, err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		rc = header(st, &e, &more, err);
		if (rc != RC_OK)
			return rc;
		if (!more)
			break;
		if (st->depth == 0 && sc->meta && TAG_GROUP(e.tag) != 2)
			break;
		if (st->depth == 0 && e.tag == 0 && e.length == 0 && !sc->items) {
			rc = only_zeros(st, &ended, err);
			if (rc != RC_OK)
				return rc;
			if (ended)
				break;
			return broken(st, st->pos, NULL, "zeros where an element belongs", err);
		}
		if (++st->elements > WALK_ELEMENTS_MAX)
			return err_set(err, ERR_DATA, "DICOM object with more than %d elements", WALK_ELEMENTS_MAX);
		if (f->kind == FRAME_ELEMENTS) {
			rc = element(st, &e, err);
		} else {
			ended = st->depth == 0 && e.tag == TAG_SEQ_END && f->open_end;
			rc = item(st, &e, err);
		}
		if (rc != RC_OK)
			return rc;
		if (ended)
			break;
	}
	sc->stopped = st->pos;
	return RC_OK;
}

int scan_run(struct scan *sc, struct err *err)
{
	struct state st = { .scan = sc, .pos = sc->start };
	struct element e;
	int rc = RC_OK;

	st.stack[0].kind = sc->items ? FRAME_ITEMS : FRAME_ELEMENTS;
	st.stack[0].form = sc->form;
	st.stack[0].limit = sc->end;
	st.stack[0].open_end = sc->items && sc->open_end;
	rc = run(&st, err);
	if (rc == RC_OK)
		return rc;
	rc = torn(sc, err);
	if (rc != RC_OK || st.depth == 0 || sc->items)
		return rc;
	/* The sequence of the top level that it broke in is there as far as it goes */
	e = st.stack[1].self;
	e.end = st.stack[1].limit;
	st.depth = 0;
	return report(&st, &e, err);
}
