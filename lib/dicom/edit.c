/* Operations on top-level elements; edit_finish.c makes pieces of them. */
#include <stdlib.h>
#include <string.h>

#include "dicom/edit_impl.h"

#define OPS_MAX		4096	/* named elements of one object: a plan has some twenty */
#define PATCHES_MAX	((size_t)WALK_ELEMENTS_MAX)

int edit_begin(struct edit **out, const struct object *o, struct err *err)
{
	struct edit *e = calloc(1, sizeof *e);

	*out = e;
	if (!e)
		return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
	e->o = o;
	e->bytes.max = EDIT_BYTES_MAX;
	return RC_OK;
}

void edit_free(struct edit *e)
{
	size_t i = 0;

	if (!e)
		return;
	for (i = 0; i < e->nops; i++)
		buf_free(&e->ops[i].bytes);
	free(e->ops);
	free(e->patches.v);
	free(e->fixes.v);
	buf_free(&e->bytes);
	free(e);
}

/* What stands under tag; which of two is meant nobody can say. */
static int only_one(const struct object *o, uint32_t tag, const struct element **el, struct err *err)
{
	size_t i = 0;

	*el = NULL;
	if (TAG_GROUP(tag) <= 2 || TAG_GROUP(tag) == 0xfffe)
		return err_set(err, ERR_INTERNAL, "(%04x,%04x) is not for changing", TAG_GROUP(tag),
		    tag & 0xffff);
	for (i = 0; i < o->ntop; i++) {
		if (o->top[i].tag != tag)
			continue;
		if (*el != NULL)
			return err_set(err, ERR_DATA, "(%04x,%04x) stands twice in the data set",
			    TAG_GROUP(tag), tag & 0xffff);
		*el = &o->top[i];
	}
	return RC_OK;
}

/* The operation on tag, made where there is none. */
static int op_for(struct edit *e, uint32_t tag, struct op **out, bool *made, struct err *err)
{
	const struct element *el = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*made = false;
	for (i = 0; i < e->nops; i++) {
		if (e->ops[i].tag == tag) {
			*out = &e->ops[i];
			return RC_OK;
		}
	}
	rc = only_one(e->o, tag, &el, err);
	if (rc != RC_OK)
		return rc;
	if (e->nops == e->capops) {
		size_t cap = e->capops ? e->capops * 2 : 32;
		struct op *v = NULL;

		if (e->nops == OPS_MAX)
			return err_set(err, ERR_DATA, "more than %d changes of one object", OPS_MAX);
		v = realloc(e->ops, cap * sizeof *v);
		if (!v)
			return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
		e->ops = v;
		e->capops = cap;
	}
	*out = &e->ops[e->nops++];
	**out = (struct op){ .kind = OP_SET, .tag = tag, .el = el, .bytes = BUF_INIT(EDIT_BYTES_MAX) };
	*made = true;
	return RC_OK;
}

int edit_set(struct edit *e, uint32_t tag, const char *vr, const void *value, size_t n, struct err *err)
{
	struct op *op = NULL;
	bool made = false;
	int rc = op_for(e, tag, &op, &made, err);

	if (rc != RC_OK)
		return rc;
	buf_clear(&op->bytes);
	op->kind = OP_SET;
	return put_element(&op->bytes, e->o->form, tag, vr, value, n, err);
}

int edit_remove(struct edit *e, uint32_t tag, struct err *err)
{
	struct op *op = NULL;
	bool made = false;
	int rc = op_for(e, tag, &op, &made, err);

	if (rc != RC_OK)
		return rc;
	buf_clear(&op->bytes);
	op->kind = OP_REMOVE;
	return RC_OK;
}

int edit_sequence_set(struct edit *e, uint32_t tag, struct item *const *items, size_t n, struct err *err)
{
	struct buf b = BUF_INIT(EDIT_BYTES_MAX);
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < n; i++)
		rc = item_encode(items[i], &b, err);
	if (rc == RC_OK)
		rc = edit_set(e, tag, "SQ", b.data, b.len, err);
	buf_free(&b);
	return rc;
}

static bool empty_item(const struct element *el)
{
	return el == NULL || el->length == 0;
}

int edit_item_form(const struct edit *e, uint32_t tag, enum walk_form *form, struct err *err)
{
	const struct element *el = NULL;
	int rc = only_one(e->o, tag, &el, err);

	*form = e->o->form;
	if (rc != RC_OK || empty_item(el) || el->vr[0] == '\0' || strcmp(el->vr, "SQ") == 0)
		return rc;
	if (strcmp(el->vr, "UN") != 0)
		return err_set(err, ERR_DATA, "(%04x,%04x) has VR %s where a sequence belongs",
		    TAG_GROUP(tag), tag & 0xffff, el->vr);
	*form = WALK_IMPLICIT_LE;
	return RC_OK;
}

static int count_item(const struct object *o, unsigned item, const struct element *el, void *arg,
    struct err *err)
{
	(void)o, (void)item, (void)el, (void)arg, (void)err;
	return RC_OK;
}

int edit_sequence_append(struct edit *e, uint32_t tag, const struct item *item, struct err *err)
{
	struct op *op = NULL;
	bool made = false;
	size_t header = e->o->form == WALK_IMPLICIT_LE ? 8 : 12;
	int rc = op_for(e, tag, &op, &made, err);

	if (rc != RC_OK)
		return rc;
	if (made && !empty_item(op->el)) {
		op->kind = OP_APPEND;
		/* What is no list of items gets none appended (UN of known length is opaque to the walk). */
		rc = walk_items(e->o, op->el, count_item, NULL, err);
		if (rc != RC_OK)
			return rc;
	}
	if (op->kind == OP_APPEND)
		return item_encode(item, &op->bytes, err);
	if (op->kind == OP_REMOVE || op->bytes.len == 0) {
		op->kind = OP_SET;
		rc = put_header(&op->bytes, e->o->form, tag, "SQ", 0, err);
	}
	if (rc == RC_OK)
		rc = item_encode(item, &op->bytes, err);
	if (rc == RC_OK)
		put32((uint8_t *)op->bytes.data + header - 4, (uint32_t)(op->bytes.len - header),
		    e->o->form == WALK_EXPLICIT_BE);
	return rc;
}

int edit_zero_preamble(struct edit *e, struct err *err)
{
	(void)err;
	e->zero_preamble = e->o->has_preamble;
	return RC_OK;
}

int patches_add(struct patches *p, const struct patch *patch, struct err *err)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct patch *v = NULL;

		if (p->n >= PATCHES_MAX)
			return err_set(err, ERR_DATA, "more than %zu changes of one object", PATCHES_MAX);
		v = realloc(p->v, cap * sizeof *v);
		if (!v)
			return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n] = *patch;
	p->v[p->n].order = p->n;
	p->n++;
	return RC_OK;
}

int edit_patch(struct edit *e, uint32_t top, uint64_t off, uint64_t len, const void *bytes, size_t n,
    struct err *err)
{
	struct patch p = { .off = off, .len = len, .at = e->bytes.len, .n = n, .top = top };
	int rc = buf_add(&e->bytes, bytes, n, err);

	return rc == RC_OK ? patches_add(&e->patches, &p, err) : rc;
}

int edit_fix(struct edit *e, const struct fix *fix, struct err *err)
{
	struct fixes *f = &e->fixes;

	if (fix->delta == 0)
		return RC_OK;
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct fix *v = NULL;

		if (f->n >= PATCHES_MAX)
			return err_set(err, ERR_DATA, "more than %zu changes of one object", PATCHES_MAX);
		v = realloc(f->v, cap * sizeof *v);
		if (!v)
			return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = *fix;
	return RC_OK;
}

struct fix edit_length_field(const struct object *o, const struct element *el, uint32_t top)
{
	struct fix f = { .old = el->length, .top = top };

	/* How it is written, not what its VR should have: unknown VRs come in both forms. */
	f.big = o->form == WALK_EXPLICIT_BE && (el->vr[0] != '\0' || TAG_GROUP(el->tag) == 0xfffe);
	f.width = el->vr[0] != '\0' && el->value - el->off == 8 ? 2 : 4;
	f.off = el->value - f.width;
	return f;
}
