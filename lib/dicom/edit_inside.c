/* One element in an item: a patch, and corrections of the lengths around it. */
#include <stdlib.h>
#include <string.h>

#include "dicom/dict.h"
#include "dicom/edit_impl.h"
#include "dicom/walk_impl.h"

/* One level on the way: a sequence, the item of it, and what stands there. */
struct level {
	struct element seq;
	bool item;
	uint64_t header;	/* of the item */
	uint32_t length;	/* as written */
	uint64_t begin, end;	/* of its elements */
	bool found;
	struct element el;	/* the next sequence, or the leaf */
	uint64_t place;		/* where it belongs */
	struct element group;	/* group length in the item of the group it is in; tag 0: none */
	struct element signatures;	/* tag 0: none */
};

struct way {
	const struct object *o;
	struct level v[WALK_DEPTH_MAX];
	size_t n;
	enum walk_form form;	/* of the elements of the last item */
	char declared[CHARSET_DECLARED_MAX];
};

/* What the walk shows of one sequence. */
struct scene {
	struct level *l;
	unsigned want;
	uint32_t tag;
	char *declared;
	size_t cap;
	bool before;		/* an item before the one that is wanted has elements: */
	unsigned item;
	uint64_t first, last;	/* its first element, end of its last */
};

static int look(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	struct scene *s = arg;
	struct level *l = s->l;
	size_t n = 0;
	int rc = RC_OK;

	if (item < s->want) {
		if (!s->before || s->item != item)
			s->first = el->off;
		s->before = true;
		s->item = item;
		s->last = el->end;
	}
	if (item != s->want)
		return RC_OK;
	if (!l->item) {
		l->item = true;
		l->header = el->off - 8;	/* the item's first element follows its header */
		l->begin = el->off;
		l->place = 0;
	}
	l->end = el->end;
	if (l->place == 0 && el->tag > s->tag)
		l->place = el->off;
	if (el->tag == s->tag) {
		if (l->found)
			return err_set(err, ERR_DATA, "(%04x,%04x) stands twice in one item", TAG_GROUP(el->tag),
			    el->tag & 0xffff);
		l->found = true;
		l->el = *el;
	}
	if (el->tag == (s->tag & 0xffff0000))
		l->group = *el;
	if (el->tag == TAG_SIGNATURES)
		l->signatures = *el;
	if (el->tag == TAG_CHARSET)
		rc = walk_trimmed(o, el, s->declared, s->cap, &n, err);
	return rc;
}

static int header_at(const struct way *w, uint64_t at, uint32_t *tag, uint32_t *length, struct err *err)
{
	bool big = w->form == WALK_EXPLICIT_BE;
	uint8_t h[8];
	int rc = stream_read_full(w->o->data, at, h, sizeof h, err);

	if (rc == RC_OK) {
		*tag = TAG(get16(h, big), get16(h + 2, big));
		*length = get32(h + 4, big);
	}
	return rc;
}

/* The walk shows elements: an item without any has to be looked for. */
static int empty_item(struct way *w, struct scene *s, struct err *err)
{
	struct level *l = s->l;
	uint64_t at = l->seq.value, end = l->seq.length == WALK_UNDEFINED ? l->seq.end - 8 : l->seq.end;
	unsigned item = 0;
	uint32_t tag = 0, length = 0;
	int rc = RC_OK;

	if (s->before) {
		item = s->item + 1;
		at = s->last;
		rc = header_at(w, s->first - 8, &tag, &length, err);
		if (rc == RC_OK && length == WALK_UNDEFINED)
			at += 8;
	}
	for (; rc == RC_OK && at + 8 <= end; item++) {
		rc = header_at(w, at, &tag, &length, err);
		if (rc != RC_OK || tag != TAG_ITEM || (length != 0 && length != WALK_UNDEFINED))
			break;
		if (item == s->want) {
			l->item = true;
			l->header = at;
			l->begin = l->end = at + 8;
			break;
		}
		at += length == 0 ? 8 : 16;
	}
	return rc;
}

static int step(struct way *w, const struct element *seq, unsigned item, uint32_t tag, struct err *err)
{
	struct level *l = &w->v[w->n];
	struct scene s = { .l = l, .want = item, .tag = tag, .declared = w->declared, .cap = sizeof w->declared };
	const struct dict_entry *d = dict_by_tag(seq->tag);
	uint32_t ignored = 0;
	int rc = RC_OK;

	memset(l, 0, sizeof *l);
	l->seq = *seq;
	w->n++;
	if (strcmp(seq->vr, "SQ") != 0 && !(seq->vr[0] == '\0' && d != NULL && strcmp(d->vr, "SQ") == 0) &&
	    !(strcmp(seq->vr, "UN") == 0 && seq->length == WALK_UNDEFINED))
		return err_set(err, ERR_DATA, "(%04x,%04x) has VR %s in this object, not that of a sequence",
		    TAG_GROUP(seq->tag), seq->tag & 0xffff, seq->vr);
	if (seq->vr[0] == '\0' || strcmp(seq->vr, "UN") == 0)
		w->form = WALK_IMPLICIT_LE;
	if (seq->length == 0)
		return RC_OK;
	rc = walk_items(w->o, seq, look, &s, err);
	if (rc == RC_OK && !l->item)
		rc = empty_item(w, &s, err);
	if (rc == RC_OK && l->item)
		rc = header_at(w, l->header, &ignored, &l->length, err);
	if (l->place == 0)
		l->place = l->end;
	return rc;
}

/* Down the steps to the item of the last one; w->n is less than n where one is missing. */
static int go(struct way *w, const struct object *o, const struct edit_step *steps, size_t n, uint32_t leaf,
    const char *declared, struct err *err)
{
	const struct element *seq = NULL;
	size_t i = 0;
	int rc = RC_OK;

	w->o = o;
	w->n = 0;
	w->form = o->form;
	w->declared[0] = '\0';
	if (n == 0 || n > WALK_DEPTH_MAX)
		return err_set(err, ERR_INTERNAL, "a path of %zu steps", n);
	seq = walk_find(o, steps[0].tag);
	if (strlen(declared) < sizeof w->declared)
		memcpy(w->declared, declared, strlen(declared) + 1);
	for (i = 0; rc == RC_OK && seq != NULL && i < n; i++) {
		rc = step(w, seq, steps[i].item, i + 1 < n ? steps[i + 1].tag : leaf, err);
		seq = w->v[i].found ? &w->v[i].el : NULL;
	}
	return rc;
}

int edit_look_inside(const struct object *o, const struct edit_step *steps, size_t n, uint32_t leaf,
    const char *declared, struct edit_inside *out, struct err *err)
{
	struct way *w = malloc(sizeof *w);
	int rc = w != NULL ? go(w, o, steps, n, leaf, declared, err)
	    : err_set(err, ERR_TEMP, "no memory to look into a sequence");

	memset(out, 0, sizeof *out);
	if (rc == RC_OK && w->n == n) {
		out->item = w->v[n - 1].item;
		out->found = w->v[n - 1].found;
		out->el = w->v[n - 1].el;
		out->form = w->form;
		memcpy(out->declared, w->declared, sizeof out->declared);
	}
	free(w);
	return rc;
}

/* What a conversion made of the bytes in [off, end) is for copies only from now on; how much it had added. */
static int64_t take_over(struct edit *e, uint64_t off, uint64_t end)
{
	int64_t delta = 0;
	size_t i = 0;

	for (i = 0; i < e->patches.n; i++) {
		struct patch *p = &e->patches.v[i];

		if (p->only == PATCH_ALWAYS && p->off >= off && p->off < end) {
			p->only = PATCH_COPY;
			delta += (int64_t)p->n - (int64_t)p->len;
		}
	}
	for (i = 0; i < e->fixes.n; i++) {
		if (e->fixes.v[i].off >= off && e->fixes.v[i].off < end)
			e->fixes.v[i].only = PATCH_COPY;
	}
	return delta;
}

static int put_patch(struct edit *e, uint32_t top, uint64_t off, uint64_t len, const void *bytes, size_t n,
    int64_t *delta, struct err *err)
{
	int64_t before = take_over(e, off, off + len);
	int rc = edit_patch(e, top, off, len, bytes, n, err);

	if (rc == RC_OK)
		e->patches.v[e->patches.n - 1].only = PATCH_RESULT;
	*delta += (int64_t)n - (int64_t)len - before;
	return rc;
}

static int put_fix(struct edit *e, struct fix f, int64_t delta, struct err *err)
{
	int rc = RC_OK;

	f.delta = delta;
	f.only = PATCH_RESULT;
	if (f.old != WALK_UNDEFINED)
		rc = edit_fix(e, &f, err);
	return rc;
}

/* Signatures of an item that changes no longer hold; a conversion may have taken them already. */
static int drop_signatures(struct edit *e, uint32_t top, const struct level *l, int64_t *delta, struct err *err)
{
	const struct element *s = &l->signatures;
	size_t i = 0;

	if (s->tag == 0)
		return RC_OK;
	for (i = 0; i < e->patches.n; i++) {
		if (e->patches.v[i].only != PATCH_COPY && e->patches.v[i].off == s->off && e->patches.v[i].len > 0)
			return RC_OK;
	}
	return put_patch(e, top, s->off, s->end - s->off, NULL, 0, delta, err);
}

/* The length that stands in an element, (gggg,0000). */
static int fix_group(struct edit *e, uint32_t top, const struct element *group, int64_t delta, struct err *err)
{
	struct fix f = edit_length_field(e->o, group, top);
	uint8_t now[4];
	size_t n = 0;
	int rc = RC_OK;

	if (group->length != sizeof now)
		return RC_OK;
	rc = walk_value(e->o, group, now, sizeof now, &n, err);
	f.off = group->value;
	f.width = 4;
	f.old = get32(now, f.big);
	return rc == RC_OK ? put_fix(e, f, delta, err) : rc;
}

/* The leaf of the way becomes bytes (the whole element), or goes: n == 0. */
static int change(struct edit *e, const struct way *w, const void *bytes, size_t n, struct err *err)
{
	uint32_t top = w->v[0].seq.tag;
	const struct level *l = &w->v[w->n - 1];
	int64_t delta = 0;
	size_t i = 0;
	int rc = put_patch(e, top, l->found ? l->el.off : l->place, l->found ? l->el.end - l->el.off : 0, bytes, n,
	    &delta, err);

	for (i = w->n; rc == RC_OK && i > 0; i--) {
		struct fix item = { .width = 4, .top = top };

		l = &w->v[i - 1];
		if (l->group.tag != 0)
			rc = fix_group(e, top, &l->group, delta, err);
		if (rc == RC_OK)
			rc = drop_signatures(e, top, l, &delta, err);
		item.off = l->header + 4;
		item.old = l->length;
		item.big = e->o->form == WALK_EXPLICIT_BE && l->seq.vr[0] != '\0' && strcmp(l->seq.vr, "UN") != 0;
		if (rc == RC_OK)
			rc = put_fix(e, item, delta, err);
		if (rc == RC_OK)
			rc = put_fix(e, edit_length_field(e->o, &l->seq, top), delta, err);
	}
	return rc;
}

/* The way to an item that is there. */
static int arrive(struct way **w, struct edit *e, const struct edit_step *steps, size_t n, uint32_t leaf,
    struct err *err)
{
	int rc = RC_OK;

	*w = malloc(sizeof **w);
	if (*w == NULL)
		return err_set(err, ERR_TEMP, "no memory to change a sequence");
	rc = go(*w, e->o, steps, n, leaf, "", err);
	if (rc == RC_OK && ((*w)->n < n || !(*w)->v[n - 1].item))
		rc = err_set(err, ERR_INTERNAL, "an item that is not there");
	return rc;
}

int edit_set_inside(struct edit *e, const struct edit_step *steps, size_t n, uint32_t leaf, const char *vr,
    const void *value, size_t len, struct err *err)
{
	struct buf b = BUF_INIT(EDIT_BYTES_MAX);
	struct way *w = NULL;
	int rc = arrive(&w, e, steps, n, leaf, err);

	if (rc == RC_OK)
		rc = put_element(&b, w->form, leaf, vr, value, len, err);
	if (rc == RC_OK)
		rc = change(e, w, b.data, b.len, err);
	buf_free(&b);
	free(w);
	return rc;
}

int edit_sequence_inside(struct edit *e, const struct edit_step *steps, size_t n, uint32_t leaf,
    struct item *const *items, size_t nitems, struct err *err)
{
	struct buf b = BUF_INIT(EDIT_BYTES_MAX);
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < nitems; i++)
		rc = item_encode(items[i], &b, err);
	if (rc == RC_OK)
		rc = edit_set_inside(e, steps, n, leaf, "SQ", b.data, b.len, err);
	buf_free(&b);
	return rc;
}

int edit_remove_inside(struct edit *e, const struct edit_step *steps, size_t n, uint32_t leaf, struct err *err)
{
	struct way *w = NULL;
	int rc = arrive(&w, e, steps, n, leaf, err);

	if (rc == RC_OK && w->v[n - 1].found)
		rc = change(e, w, NULL, 0, err);
	free(w);
	return rc;
}
