/* Values of an open object: find, bytes, text, numbers, items, pixel data. */
#include <stdlib.h>
#include <string.h>
#include "dicom/dict.h"
#include "dicom/walk_impl.h"

#define NUMBER_TEXT	32	/* IS is at most 12 bytes; some writers pad */

static const struct walk *walk_of(const struct object *o)
{
	return (const struct walk *)o;
}

const struct element *walk_find(const struct object *o, uint32_t tag)
{
	size_t lo = 0, hi = o->ntop;

	if (TAG_GROUP(tag) == 2) {
		for (size_t i = 0; i < o->nmeta; i++)
			if (o->meta[i].tag == tag)
				return &o->meta[i];
		return NULL;
	}
	if (!walk_of(o)->sorted) {
		for (size_t i = 0; i < o->ntop; i++)
			if (o->top[i].tag == tag)
				return &o->top[i];
		return NULL;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->top[mid].tag == tag)
			return &o->top[mid];
		if (o->top[mid].tag < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int walk_value(const struct object *o, const struct element *e, void *to, size_t cap, size_t *len, struct err *err)
{
	*len = 0;
	if (e->length == WALK_UNDEFINED)
		return err_set(err, ERR_DATA, "element (%04x,%04x) holds items, not a value",
		    e->tag >> 16, e->tag & 0xffff);
	if (e->length > cap)
		return err_set(err, ERR_DATA, "element (%04x,%04x) is longer than %zu bytes",
		    e->tag >> 16, e->tag & 0xffff, cap);
	*len = e->length;
	if (!e->length)
		return RC_OK;
	if (e->length <= WINDOW_MIN && TAG_GROUP(e->tag) != 2) {
		struct window *win = (struct window *)&walk_of(o)->win;	/* a cache: its content is no state */
		const uint8_t *p = NULL;
		size_t got = 0;
		int rc = window_peek(win, e->value, e->length, &p, &got, err);

		if (rc != RC_OK)
			return rc;
		if (got == e->length) {
			memcpy(to, p, got);
			return RC_OK;
		}
	}
	return stream_read_full(TAG_GROUP(e->tag) == 2 ? o->file : o->data, e->value, to, e->length, err);
}

int walk_trimmed(const struct object *o, const struct element *e, char *to, size_t cap, size_t *len, struct err *err)
{
	size_t n = 0;
	int rc = walk_value(o, e, to, cap - 1, &n, err);

	if (rc != RC_OK)
		n = 0;
	while (n && (to[n - 1] == ' ' || to[n - 1] == '\0'))
		n--;
	to[n] = '\0';
	*len = n;
	return rc;
}

int walk_text(const struct object *o, uint32_t tag, char *to, size_t cap, bool *found, struct err *err)
{
	const struct element *e = walk_find(o, tag);
	size_t n = 0, skip = 0;
	int rc = RC_OK;

	to[0] = '\0';
	if (found)
		*found = e != NULL;
	if (!e)
		return RC_OK;
	/* A value that is too long only by its padding still fits: none does in practice, so it is refused. */
	rc = walk_trimmed(o, e, to, cap, &n, err);
	if (rc != RC_OK)
		return rc;
	while (skip < n && to[skip] == ' ')
		skip++;
	memmove(to, to + skip, n - skip);
	to[n - skip] = '\0';
	return RC_OK;
}

static int number_text(const uint8_t *p, size_t n, long long *out)
{
	char text[NUMBER_TEXT];
	char *end = NULL;

	if (n >= sizeof text)
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	*out = strtoll(text, &end, 10);
	if (end == text)
		return 0;
	while (*end == ' ')
		end++;
	return *end == '\0' || *end == '\\';
}

int walk_number(const struct object *o, uint32_t tag, long long *out, bool *found, struct err *err)
{
	const struct element *e = walk_find(o, tag);
	const struct dict_entry *d = NULL;
	uint8_t bytes[NUMBER_TEXT];
	size_t n = 0;
	bool big = o->form == WALK_EXPLICIT_BE && TAG_GROUP(tag) != 2, ok = false;
	const char *vr = NULL;
	int rc = RC_OK;

	*out = 0;
	*found = false;
	if (!e || e->length == 0)
		return RC_OK;
	rc = walk_value(o, e, bytes, sizeof bytes, &n, err);
	if (rc != RC_OK)
		return rc;
	vr = e->vr;
	if (!vr[0] || !strcmp(vr, "UN")) {
		d = dict_by_tag(tag);
		vr = d ? d->vr : "";
	}
	if (!strcmp(vr, "US") && n >= 2) {
		*out = get16(bytes, big);
		ok = true;
	} else if (!strcmp(vr, "SS") && n >= 2) {
		*out = (int16_t)get16(bytes, big);
		ok = true;
	} else if (!strcmp(vr, "UL") && n >= 4) {
		*out = get32(bytes, big);
		ok = true;
	} else if (!strcmp(vr, "SL") && n >= 4) {
		*out = (int32_t)get32(bytes, big);
		ok = true;
	} else if (!strcmp(vr, "IS")) {
		while (n && (bytes[n - 1] == ' ' || bytes[n - 1] == '\0'))
			n--;
		if (!n)
			return RC_OK;
		ok = number_text(bytes, n, out);
	}
	if (!ok)
		return err_set(err, ERR_DATA, "element (%04x,%04x) is no number", tag >> 16, tag & 0xffff);
	*found = true;
	return RC_OK;
}

struct items_arg {
	const struct object *o;
	walk_item_fn *fn;
	void *arg;
};

static int items_element(unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct items_arg *a = arg;

	return a->fn(a->o, item, e, a->arg, err);
}

int walk_items(const struct object *o, const struct element *seq, walk_item_fn *fn, void *arg, struct err *err)
{
	struct window *win = NULL;
	struct items_arg a = { .o = o, .fn = fn, .arg = arg };
	struct scan sc = { .start = seq->value, .end = seq->end, .items = true, .element = items_element, .arg = &a };
	int rc = RC_OK;

	/* In an explicit object an element without VR stands in a UN of undefined length (PS3.5 6.2.2) */
	if (o->form == WALK_IMPLICIT_LE || !seq->vr[0] || !strcmp(seq->vr, "UN"))
		sc.form = WALK_IMPLICIT_LE;
	else
		sc.form = o->form;
	sc.open_end = seq->length == WALK_UNDEFINED;
	sc.inflated = o->deflated;
	sc.torn = walk_of(o)->bears ? (struct err *)&walk_of(o)->torn : NULL;
	/* A window of its own: fn may read values and walk sequences inside. */
	win = malloc(sizeof *win);
	if (!win)
		return err_set(err, ERR_TEMP, "no memory to read a sequence");
	window_init(win, o->data);
	sc.win = win;
	rc = scan_run(&sc, err);
	free(win);
	return rc;
}

int walk_pixels(const struct object *o, struct walk_pixels *px, struct err *err)
{
	/* PS3.3 C.7.6.3: also float and double float pixel data, in place of it */
	const struct element *e = walk_find(o, TAG_PIXEL_DATA);
	struct window *win = (struct window *)&walk_of(o)->win;
	bool big = o->form == WALK_EXPLICIT_BE;
	uint64_t pos = 0;

	memset(px, 0, sizeof *px);
	if (!e)
		e = walk_find(o, TAG(0x7fe0, 0x0008));
	if (!e)
		e = walk_find(o, TAG(0x7fe0, 0x0009));
	if (!e)
		return RC_OK;
	px->present = true;
	px->off = e->value;
	px->bytes = e->length;
	if (e->length != WALK_UNDEFINED)
		return RC_OK;
	px->encapsulated = true;
	for (pos = e->value; pos + 8 < e->end;) {	/* the delimiter is the last 8 bytes; the scan has proved it */
		const uint8_t *p = NULL;
		size_t got = 0;
		uint32_t n = 0;
		int rc = window_peek(win, pos, 8, &p, &got, err);

		if (rc != RC_OK)
			return rc;
		if (got < 8)
			return err_set(err, ERR_DATA, "broken DICOM: pixel data ends early");
		n = get32(p + 4, big);
		if (pos == e->value) {	/* PS3.5 A.4: the first item is the Basic Offset Table */
			px->table = n / 4;
			px->off = pos + 8 + n;
		} else {
			px->fragments++;
		}
		pos += 8 + (uint64_t)n;
	}
	px->bytes = pos - px->off;
	return RC_OK;
}
