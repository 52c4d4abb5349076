#include "dicom/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dicom/dict.h"
#include "dicom/edit_impl.h"

#define DECLARED_MAX	256	/* (0008,0005), all values */

struct visit {
	texts_fn *fn;
	void *arg;
	struct buf raw;
};

/* The data set, or a sequence of which one item after the other is seen. */
struct level {
	struct visit *v;
	const struct level *outer;	/* NULL: the data set */
	unsigned depth, item;
	bool began;
	char declared[DECLARED_MAX];
};

static int element(const struct object *, const struct element *, struct level *, struct err *);

static int
read_declared(const struct object *o, const struct element *e, struct level *l, struct err *err)
{
	size_t n = 0;

	if (e->length >= sizeof l->declared) { /* of no set that there is */
		memcpy(l->declared, "?", 2);
		return RC_OK;
	}
	int rc = walk_value(o, e, l->declared, sizeof l->declared - 1, &n, err);
	while (rc == RC_OK && n > 0 && (l->declared[n - 1] == ' ' || l->declared[n - 1] == '\0'))
		n--;
	l->declared[n] = '\0';
	return rc;
}

static int
in_item(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct level *l = arg;

	if (!l->began || item != l->item) {
		memcpy(l->declared, l->outer->declared, sizeof l->declared);
		l->began = true;
		l->item = item;
	}
	return element(o, e, l, err);
}

static int
sequence(const struct object *o, const struct element *e, struct level *outer, struct err *err)
{
	struct level l = { .v = outer->v, .outer = outer, .depth = outer->depth + 1 };

	if (l.depth > EDIT_DEPTH_MAX)
		return err_set(err, ERR_DATA, "sequences are nested more than %d deep", WALK_DEPTH_MAX);
	return walk_items(o, e, in_item, &l, err);
}

static int
value(const struct object *o, const struct element *e, const char *vr, struct level *l, struct err *err)
{
	struct buf *raw = &l->v->raw;
	struct text t = { e->tag, l->depth > 0, strcmp(vr, "PN") == 0, l->declared, NULL, 0 };
	int rc = RC_OK;

	if (e->length > TEXTS_MAX)
		return RC_OK;
	buf_clear(raw);
	if ((rc = buf_grow(raw, e->length, err)) != RC_OK ||
	    (rc = walk_value(o, e, raw->data, e->length, &t.n, err)) != RC_OK)
		return rc;
	t.bytes = raw->data;
	return l->v->fn(&t, l->v->arg, err);
}

static int
element(const struct object *o, const struct element *e, struct level *l, struct err *err)
{
	const char *vr = e->vr;
	bool unknown = vr[0] == '\0' || strcmp(vr, "UN") == 0;

	if (e->length == 0)
		return RC_OK;
	if (e->tag == TAG_CHARSET)
		return e->length == WALK_UNDEFINED ? RC_OK : read_declared(o, e, l, err);
	if (e->length == WALK_UNDEFINED) {	/* items, or fragments of pixel data */
		if (vr[0] == '\0' ? e->tag == TAG_PIXEL_DATA : !unknown && strcmp(vr, "SQ") != 0)
			return RC_OK;
		return sequence(o, e, l, err);
	}
	if (unknown) {
		const struct dict_entry *d = dict_by_tag(e->tag);

		if (d == NULL || (strcmp(d->vr, "SQ") == 0 && vr[0] != '\0'))
			return RC_OK;	/* nobody says that it is text; UN of known length is opaque */
		vr = d->vr;
	}
	if (strcmp(vr, "SQ") == 0)
		return sequence(o, e, l, err);
	return vr_text(vr) ? value(o, e, vr, l, err) : RC_OK;
}

int
texts_each(const struct object *o, texts_fn *fn, void *arg, struct err *err)
{
	struct visit v = { .fn = fn, .arg = arg, .raw = BUF_INIT(TEXTS_MAX) };
	struct level l = { .v = &v };
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < o->ntop; i++)
		rc = element(o, &o->top[i], &l, err);
	buf_free(&v.raw);
	return rc;
}
