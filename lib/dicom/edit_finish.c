/* From operations, patches and length fields to pieces. */
#include <stdlib.h>
#include <string.h>

#include "dicom/edit_impl.h"

#define PREAMBLE	128	/* PS3.10 7.1 */
#define GAP_MIN		64	/* a piece costs about this much in the overlay: less is copied */

static int by_offset(const void *a, const void *b)
{
	const struct patch *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->top != y->top)	/* what is appended to one element stands before the next */
		return x->top < y->top ? -1 : 1;
	if ((x->len == 0) != (y->len == 0))	/* what is put before an element that goes */
		return x->len == 0 ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int fix_by_offset(const void *a, const void *b)
{
	const struct fix *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static bool replaced(const struct edit *e, uint32_t top)
{
	size_t i = 0;

	for (i = 0; i < e->nops; i++) {
		if (e->ops[i].tag == top)
			return e->ops[i].kind != OP_APPEND;
	}
	return false;
}

static int add(struct edit *e, struct patches *p, uint32_t top, uint64_t off, uint64_t len, const void *bytes,
    size_t n, struct err *err)
{
	struct patch patch = { .off = off, .len = len, .at = e->bytes.len, .n = n, .top = top };
	int rc = buf_add(&e->bytes, bytes, n, err);

	return rc == RC_OK ? patches_add(p, &patch, err) : rc;
}

/* Fixes of one field are one: a sequence grows by an item and by the texts in the others. */
static int add_fixes(struct edit *e, struct fix *v, size_t n, struct patches *p, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	if (n > 1)
		qsort(v, n, sizeof *v, fix_by_offset);
	for (i = 0; rc == RC_OK && i < n; i++) {
		int64_t length = (int64_t)v[i].old + v[i].delta;
		uint8_t bytes[4];

		while (i + 1 < n && v[i + 1].off == v[i].off)
			length += v[++i].delta;
		if (length < 0 || length >= (v[i].width == 2 ? UINT16_MAX : WALK_UNDEFINED))
			return err_set(err, ERR_DATA,
			    "after the change (%04x,%04x) is longer than its length field can say",
			    TAG_GROUP(v[i].top), v[i].top & 0xffff);
		if (v[i].width == 2)
			put16(bytes, (uint16_t)length, v[i].big);
		else
			put32(bytes, (uint32_t)length, v[i].big);
		rc = add(e, p, v[i].top, v[i].off, v[i].width, bytes, v[i].width, err);
	}
	return rc;
}

/* Is it wanted: where the element is not replaced, or, for a copy of one element, where it lies inside? */
static bool wanted(const struct edit *e, const struct element *only, uint32_t top, uint64_t off, enum patch_for what)
{
	if (what == (only != NULL ? PATCH_RESULT : PATCH_COPY))
		return false;
	return only != NULL ? off >= only->off && off < only->end : !replaced(e, top);
}

static int inner_patches(struct edit *e, const struct element *only, struct patches *p, struct err *err)
{
	struct fix *v = NULL;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < e->patches.n; i++) {
		if (wanted(e, only, e->patches.v[i].top, e->patches.v[i].off,
		    e->patches.v[i].only))
			rc = patches_add(p, &e->patches.v[i], err);
	}
	v = malloc((e->fixes.n + 1 + e->nops) * sizeof *v);
	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
	for (i = 0; i < e->fixes.n; i++) {
		if (wanted(e, only, e->fixes.v[i].top, e->fixes.v[i].off, e->fixes.v[i].only))
			v[n++] = e->fixes.v[i];
	}
	for (i = 0; only == NULL && i < e->nops; i++) {
		const struct op *op = &e->ops[i];

		if (op->kind != OP_APPEND || op->el->length == WALK_UNDEFINED)
			continue;
		v[n] = edit_length_field(e->o, op->el, op->tag);
		v[n++].delta = (int64_t)op->bytes.len;
	}
	if (rc == RC_OK)
		rc = add_fixes(e, v, n, p, err);
	free(v);
	return rc;
}

/* Where an element that is not there belongs: before the first that is greater. */
static uint64_t place(const struct object *o, uint32_t tag)
{
	size_t i = 0;

	for (i = 0; i < o->ntop; i++) {
		if (o->top[i].tag > tag)
			return o->top[i].off;
	}
	return o->ntop > 0 ? o->top[o->ntop - 1].end : o->dataset;
}

static int op_patch(struct edit *e, const struct op *op, struct patches *p, struct err *err)
{
	uint64_t off = 0, len = 0;

	if (op->el == NULL) {
		if (op->kind == OP_REMOVE)
			return RC_OK;
		off = place(e->o, op->tag);
	} else if (op->kind == OP_APPEND) {
		off = op->el->length == WALK_UNDEFINED ? op->el->end - 8 : op->el->end;
	} else {
		off = op->el->off;
		len = op->el->end - off;
	}
	return add(e, p, op->tag, off, len, op->bytes.data, op->bytes.len, err);
}

/* Group lengths (gggg,0000), retired (PS3.5 7.2): right again where the group changed. */
static int group_lengths(struct edit *e, struct patches *p, struct err *err)
{
	const struct object *o = e->o;
	size_t i = 0, j = 0, changes = p->n;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < o->ntop; i++) {
		const struct element *gl = &o->top[i];
		int64_t length = 0;
		bool touched = false;
		uint8_t bytes[4];

		if ((gl->tag & 0xffff) != 0 || replaced(e, gl->tag))
			continue;
		for (j = 0; j < changes; j++) {
			if (TAG_GROUP(p->v[j].top) != TAG_GROUP(gl->tag))
				continue;
			touched = true;
			length += (int64_t)p->v[j].n - (int64_t)p->v[j].len;
		}
		if (!touched)
			continue;
		for (j = 0; j < o->ntop; j++) {
			if (TAG_GROUP(o->top[j].tag) == TAG_GROUP(gl->tag) && o->top[j].tag != gl->tag)
				length += (int64_t)(o->top[j].end - o->top[j].off);
		}
		if (gl->length != 4 || length > UINT32_MAX) {
			rc = add(e, p, gl->tag, gl->off, gl->end - gl->off, NULL, 0, err);
			continue;
		}
		put32(bytes, (uint32_t)length, o->form == WALK_EXPLICIT_BE);
		rc = add(e, p, gl->tag, gl->value, 4, bytes, 4, err);
	}
	return rc;
}

static int sort_and_check(struct patches *p, struct err *err)
{
	size_t i = 0;

	if (p->n > 1)
		qsort(p->v, p->n, sizeof *p->v, by_offset);
	for (i = 1; i < p->n; i++) {
		if (p->v[i - 1].off + p->v[i - 1].len > p->v[i].off)
			return err_set(err, ERR_INTERNAL, "two changes of the same bytes at offset %llu",
			    (unsigned long long)p->v[i].off);
	}
	return RC_OK;
}

/* Short stretches between patches are copied, longer the more patches there are. */
static uint64_t gap_for(const struct patches *p)
{
	uint64_t gap = GAP_MIN;
	size_t i = 0, wide = 0;

	do {
		for (i = 1, wide = 0; i < p->n; i++)
			wide += p->v[i].off - (p->v[i - 1].off + p->v[i - 1].len) > gap;
		gap *= 2;
	} while (wide > PIECES_MAX / 4);
	return gap / 2;
}

static int copy_gap(const struct edit *e, uint64_t off, uint64_t n, struct pieces *out, struct err *err)
{
	char *bytes = malloc((size_t)n + 1);
	int rc = RC_OK;

	if (bytes == NULL)
		return err_set(err, ERR_TEMP, "no memory to change a DICOM object");
	rc = stream_read_full(e->o->data, off, bytes, (size_t)n, err);
	if (rc == RC_OK)
		rc = pieces_new(out, bytes, (size_t)n, err);
	free(bytes);
	return rc;
}

int edit_emit(const struct edit *e, const struct patches *p, uint64_t from, uint64_t to, struct pieces *out,
    struct err *err)
{
	uint64_t at = from, gap = gap_for(p);
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < p->n; i++) {
		const struct patch *q = &p->v[i];
		uint64_t n = q->off - at;

		if (n > 0)
			rc = i > 0 && n <= gap ? copy_gap(e, at, n, out, err) : pieces_original(out, at, n,
			    err);
		if (rc == RC_OK && q->n > 0)
			rc = pieces_new(out, e->bytes.data + q->at, q->n, err);
		at = q->off + q->len;
	}
	if (rc == RC_OK && to > at)
		rc = pieces_original(out, at, to - at, err);
	return rc;
}

static int emit_head(const struct edit *e, struct pieces *out, struct err *err)
{
	static const uint8_t zeros[PREAMBLE];
	uint8_t now[PREAMBLE];
	int rc = RC_OK;

	if (!e->zero_preamble)
		return pieces_original(out, 0, e->o->file_dataset, err);
	rc = stream_read_full(e->o->file, 0, now, sizeof now, err);
	if (rc != RC_OK)
		return rc;
	if (memcmp(now, zeros, sizeof now) == 0)
		return pieces_original(out, 0, e->o->file_dataset, err);
	rc = pieces_new(out, zeros, sizeof zeros, err);
	return rc == RC_OK ? pieces_original(out, PREAMBLE, e->o->file_dataset - PREAMBLE, err) : rc;
}

int edit_finish(struct edit *e, struct pieces *out, struct err *err)
{
	struct patches p = { 0 };
	struct pieces dataset = { .bytes = BUF_INIT(EDIT_BYTES_MAX) };
	size_t i = 0;
	int rc = inner_patches(e, NULL, &p, err);

	for (i = 0; rc == RC_OK && i < e->nops; i++)
		rc = op_patch(e, &e->ops[i], &p, err);
	if (rc == RC_OK)
		rc = group_lengths(e, &p, err);
	if (rc == RC_OK)
		rc = sort_and_check(&p, err);
	if (rc != RC_OK)
		goto out;
	rc = emit_head(e, out, err);
	if (rc != RC_OK)
		goto out;
	if (!e->o->deflated) {
		rc = edit_emit(e, &p, e->o->dataset, e->o->data->size, out, err);
	} else if (p.n == 0) {
		rc = pieces_original(out, e->o->file_dataset, e->o->file->size - e->o->file_dataset, err);
	} else {
		rc = edit_emit(e, &p, 0, e->o->data->size, &dataset, err);
		if (rc == RC_OK)
			rc = edit_deflate(e, &dataset, out, err);
	}
out:
	free(p.v);
	pieces_free(&dataset);
	return rc;
}

int edit_copy(struct edit *e, struct item *item, const struct element *el, struct err *err)
{
	struct patches p = { 0 };
	struct pieces now = { .bytes = BUF_INIT(EDIT_BYTES_MAX) };
	struct stream *mem = NULL;
	struct object view = *e->o;
	struct element moved = *el;
	struct buf bytes = BUF_INIT(EDIT_BYTES_MAX);
	size_t i = 0;
	int rc = inner_patches(e, el, &p, err);

	if (rc == RC_OK && p.n == 0) {
		rc = item_copy(item, e->o, el, err);
		goto out;
	}
	if (rc == RC_OK)
		rc = sort_and_check(&p, err);
	if (rc == RC_OK)
		rc = edit_emit(e, &p, el->off, el->end, &now, err);
	if (rc == RC_OK)
		rc = buf_grow(&bytes, (size_t)pieces_size(&now), err);
	for (i = 0; rc == RC_OK && i < now.n; i++) {
		const struct piece *q = &now.v[i];

		if (q->from == PIECE_NEW) {
			memcpy(bytes.data + bytes.len, now.bytes.data + q->off, (size_t)q->len);
		} else {
			rc = stream_read_full(e->o->data, q->off, bytes.data + bytes.len, (size_t)q->len, err);
		}
		bytes.len += (size_t)q->len;
	}
	if (rc == RC_OK)
		rc = stream_mem(&mem, bytes.data, bytes.len, err);
	if (rc != RC_OK)
		goto out;
	view.data = mem;
	moved.off = 0;
	moved.value = el->value - el->off;
	moved.end = bytes.len;
	if (el->length != WALK_UNDEFINED)
		moved.length = (uint32_t)(moved.end - moved.value);
	rc = item_copy(item, &view, &moved, err);
out:
	stream_close(mem);
	buf_free(&bytes);
	pieces_free(&now);
	free(p.v);
	return rc;
}
