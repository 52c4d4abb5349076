#include "dicom/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/edit_impl.h"

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
	char declared[CHARSET_DECLARED_MAX];
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
	return walk_trimmed(o, e, l->declared, sizeof l->declared, &n, err);
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
	struct text t = { e->tag, l->depth > 0, vr, l->declared, NULL, 0 };
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
any_element(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	(void)o, (void)item, (void)e, (void)arg, (void)err;
	return RC_OK;
}

enum texts_kind
texts_kind(const struct object *o, const struct element *e, const char **vr)
{
	bool bare = e->vr[0] == '\0', unknown = bare || strcmp(e->vr, "UN") == 0;
	const struct dict_entry *d = unknown ? dict_by_tag(e->tag) : NULL;
	struct err ignored = { 0 };

	*vr = d != NULL ? d->vr : e->vr;
	if (e->length == 0)
		return TEXTS_NONE;
	if (e->length == WALK_UNDEFINED)	/* items, or fragments of pixel data */
		return (bare ? e->tag != TAG_PIXEL_DATA : unknown || strcmp(e->vr, "SQ") == 0) ? TEXTS_ITEMS : TEXTS_NONE;
	if (unknown && d == NULL)
		return TEXTS_NONE;
	if (strcmp(*vr, "SQ") != 0)
		return vr_text(*vr) ? TEXTS_VALUE : TEXTS_NONE;
	return bare || !unknown || walk_items(o, e, any_element, NULL, &ignored) == RC_OK ? TEXTS_ITEMS : TEXTS_NONE;
}

static int
element(const struct object *o, const struct element *e, struct level *l, struct err *err)
{
	const char *vr = NULL;

	if (e->tag == TAG_CHARSET)	/* empty: the default repertoire */
		return e->length == WALK_UNDEFINED ? RC_OK : read_declared(o, e, l, err);
	switch (texts_kind(o, e, &vr)) {
	case TEXTS_VALUE:
		return value(o, e, vr, l, err);
	case TEXTS_ITEMS:
		return sequence(o, e, l, err);
	default:
		return RC_OK;
	}
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
