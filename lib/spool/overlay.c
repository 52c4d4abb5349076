#include "spool/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define OVERLAY_VERSION		1
#define OVERLAY_OBJECTS_MAX	1000000		/* the manifest's limit */
#define OVERLAY_LINE_MAX	((size_t)4 << 20)	/* PIECES_MAX pieces of 45 characters, or a plan */
#define OVERLAY_NEW_MAX		((size_t)512 << 20)	/* a deflated object is new bytes as a whole */
#define OVERLAY_WINDOW		((size_t)64 << 10)	/* read at once: a chunk of an age file */

/* ---- writing ---- */

struct overlay_writer {
	struct item_dir *item;
	struct stream *out;
	int *seen;		/* numbers of the objects so far */
	int objects, n;
	struct buf line;
};

static int put_json(struct overlay_writer *w, json_t *j, struct err *err)
{
	int rc = RC_OK;

	if (!j)
		return err_rc(err->kind);
	buf_clear(&w->line);
	if (!(rc = json_write(j, &w->line, err)) && !(rc = buf_add(&w->line, "\n", 1, err)))
		rc = stream_write(w->out, w->line.data, w->line.len, err);
	json_decref(j);
	return rc;
}

int overlay_create(struct overlay_writer **out, struct item_dir *item, const char *check_sha256,
	const json_t *plan, int objects, struct err *err)
{
	struct overlay_writer *w = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (objects < 0 || objects > OVERLAY_OBJECTS_MAX)
		return err_set(err, ERR_INTERNAL, "overlay of %d objects", objects);
	if (!(w = calloc(1, sizeof(*w))) || !(w->seen = calloc((size_t)objects + 1, sizeof(*w->seen)))) {
		rc = err_set(err, ERR_TEMP, "no memory for an overlay");
		goto out;
	}
	w->item = item;
	w->objects = objects;
	w->line.max = OVERLAY_LINE_MAX;
	if ((rc = item_file_create(item, ITEM_OVERLAY, &w->out, err)))
		goto out;
	rc = put_json(w, json_make(err, "{s:i, s:s, s:s, s:O, s:i}", "v", OVERLAY_VERSION, "type", "overlay",
	    "check", check_sha256, "plan", plan, "objects", objects), err);
out:
	if (rc)
		overlay_abort(w);
	else
		*out = w;
	return rc;
}

int overlay_add(struct overlay_writer *w, int n, const char *original_sha256, const struct pieces *p,
	struct err *err)
{
	char result[HASH_HEX] = "";
	size_t i = 0;
	int rc = RC_OK;

	if (n < 1 || w->n >= w->objects)
		return err_set(err, ERR_INTERNAL, "overlay: object %d of %d", n, w->objects);
	if ((rc = hash_hex(p->bytes.len ? p->bytes.data : "", p->bytes.len, result, err)))
		return rc;
	buf_clear(&w->line);
	rc = buf_printf(&w->line, err, "{\"type\":\"object\",\"n\":%d,\"sha256\":\"%s\",\"new\":%zu,\"pieces\":[",
	    n, original_sha256, p->bytes.len);
	for (i = 0; !rc && i < p->n; i++)
		rc = buf_printf(&w->line, err, "%s[%d,%llu,%llu]", i ? "," : "", (int)p->v[i].from,
		    (unsigned long long)p->v[i].off, (unsigned long long)p->v[i].len);
	if (!rc && !(rc = buf_printf(&w->line, err, "],\"result\":\"%s\"}\n", result)) &&
	    !(rc = stream_write(w->out, w->line.data, w->line.len, err)) &&
	    !(rc = stream_write(w->out, p->bytes.len ? p->bytes.data : "", p->bytes.len, err)) &&
	    !(rc = stream_write(w->out, "\n", 1, err)))
		w->seen[w->n++] = n;
	return rc;
}

static int by_number(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

int overlay_commit(struct overlay_writer *w, struct err *err)
{
	struct stream *out = NULL;
	int i = 0, rc = RC_OK;

	qsort(w->seen, (size_t)w->n, sizeof(*w->seen), by_number);
	for (i = 1; i < w->n; i++)
		if (w->seen[i] == w->seen[i - 1])
			rc = err_set(err, ERR_INTERNAL, "overlay has object %d twice", w->seen[i]);
	if (!rc && w->n != w->objects)
		rc = err_set(err, ERR_INTERNAL, "overlay has %d objects, not %d", w->n, w->objects);
	if (!rc)
		rc = put_json(w, json_make(err, "{s:s, s:i}", "type", "end", "objects", w->n), err);
	if (!rc) {
		out = w->out;
		w->out = NULL;		/* the commit closes it, also on failure */
		rc = item_file_commit(w->item, ITEM_OVERLAY, out, err);
	}
	overlay_abort(w);
	return rc;
}

void overlay_abort(struct overlay_writer *w)
{
	if (!w)
		return;
	if (w->out)
		item_file_abort(w->item, ITEM_OVERLAY, w->out);
	free(w->seen);
	buf_free(&w->line);
	free(w);
}

/* ---- reading ---- */

struct entry {
	int n;
	uint64_t line, data;	/* offsets of the line and of the new bytes */
	size_t line_len, new_len;
};

struct overlay {
	const struct item_dir *item;	/* NULL: opened from a stream */
	struct stream *in;
	char check[HASH_HEX];
	json_t *plan;
	struct entry *v;
	size_t n;
};

/* The line at off, without its newline, into b. */
static int read_line(struct stream *in, uint64_t off, struct buf *b, struct err *err)
{
	char *end = NULL;
	size_t got = 0, want = 512;	/* most lines are shorter: read little, then more */
	int rc = RC_OK;

	buf_clear(b);
	for (;; want = OVERLAY_WINDOW) {
		if ((rc = buf_grow(b, want, err)) ||
		    (rc = stream_read(in, off + b->len, b->data + b->len, want, &got, err)))
			return rc;
		if (!got)
			return err_set(err, ERR_DATA, "overlay ends early");
		if ((end = memchr(b->data + b->len, '\n', got)))
			break;
		b->len += got;
	}
	b->len = (size_t)(end - b->data);
	*end = '\0';
	return RC_OK;
}

static int get_hash(const json_t *j, const char *where, const char *key, char to[HASH_HEX], struct err *err)
{
	unsigned char raw[HASH_LEN];
	const char *s = NULL;
	int rc = json_get_str(j, where, key, &s, err);

	if (!rc && (!s || !text_unhex(s, raw, sizeof(raw)) || !text_copy(to, HASH_HEX, s)))
		rc = err_set(err, ERR_DATA, "%s: '%s' is not a SHA-256", where, key);
	return rc;
}

static int parse_header(struct overlay *o, const struct buf *b, long long *objects, struct err *err)
{
	const char *type = NULL;
	json_t *j = NULL, *plan = NULL;
	long long v = 0;
	int rc = RC_OK;

	if ((rc = json_parse(b->data, b->len, &j, err)) || (rc = json_get_str(j, "overlay", "type", &type, err)) ||
	    (rc = json_get_int(j, "overlay", "v", 0, &v, err)) ||
	    (rc = json_get_int(j, "overlay", "objects", -1, objects, err)) ||
	    (rc = json_get_obj(j, "overlay", "plan", &plan, err)))
		goto out;
	if (!type || strcmp(type, "overlay") || !plan || *objects < 0 || *objects > OVERLAY_OBJECTS_MAX) {
		rc = err_set(err, ERR_DATA, "overlay: its first line is not that of an overlay");
		goto out;
	}
	if (v != OVERLAY_VERSION) {
		rc = err_set(err, ERR_DATA, "overlay: version %lld is not known", v);
		err_advise(err, "it was written by another version of mri-tools; run mri-retag --undo, then mri-retag");
		goto out;
	}
	if (!(rc = get_hash(j, "overlay", "check", o->check, err)))
		o->plan = json_incref(plan);
out:
	json_decref(j);
	return rc;
}

static int parse_entry(struct overlay *o, const struct buf *b, uint64_t off, bool *end, struct err *err)
{
	struct entry *e = &o->v[o->n];
	const char *type = NULL;
	long long n = 0, bytes = 0;
	json_t *j = NULL;
	int rc = RC_OK;

	if ((rc = json_parse(b->data, b->len, &j, err)) || (rc = json_get_str(j, "overlay", "type", &type, err)) ||
	    (rc = json_get_int(j, "overlay", "n", 0, &n, err)) ||
	    (rc = json_get_int(j, "overlay", "new", -1, &bytes, err)))
		goto out;
	*end = type && strcmp(type, "end") == 0;
	if (*end)
		goto out;
	if (!type || strcmp(type, "object") || n < 1 || n > OVERLAY_OBJECTS_MAX || bytes < 0 ||
	    (unsigned long long)bytes > OVERLAY_NEW_MAX) {
		rc = err_set(err, ERR_DATA, "overlay: a line is not that of an object");
		goto out;
	}
	*e = (struct entry){ (int)n, off, off + b->len + 1, b->len, (size_t)bytes };
	o->n++;
out:
	json_decref(j);
	return rc;
}

static int by_entry(const void *a, const void *b)
{
	return by_number(&((const struct entry *)a)->n, &((const struct entry *)b)->n);
}

/* Lines are read, new bytes are stepped over: what an object needs is read when it is asked for. */
static int index_objects(struct overlay *o, struct err *err)
{
	struct buf b = BUF_INIT(OVERLAY_LINE_MAX);
	long long objects = 0;
	uint64_t off = 0;
	bool end = false;
	char sep = 0;
	size_t i = 0;
	int rc = RC_OK;

	if ((rc = read_line(o->in, 0, &b, err)) || (rc = parse_header(o, &b, &objects, err)))
		goto out;
	off = b.len + 1;
	if (!(o->v = calloc((size_t)objects + 1, sizeof(*o->v)))) {
		rc = err_set(err, ERR_TEMP, "no memory for an overlay");
		goto out;
	}
	for (;;) {
		if ((rc = read_line(o->in, off, &b, err)))
			goto out;
		if ((rc = parse_entry(o, &b, off, &end, err)))
			goto out;
		off += b.len + 1;
		if (end || o->n > (size_t)objects)
			break;
		off += o->v[o->n - 1].new_len;
		if ((rc = stream_read_full(o->in, off++, &sep, 1, err)))
			goto out;
		if (sep != '\n') {
			rc = err_set(err, ERR_DATA, "overlay: object %d has other bytes than its line says",
			    o->v[o->n - 1].n);
			goto out;
		}
	}
	if (o->n != (size_t)objects || off != o->in->size) {
		rc = err_set(err, ERR_DATA, "overlay: it does not have the objects that its first line says");
		goto out;
	}
	qsort(o->v, o->n, sizeof(*o->v), by_entry);
	for (i = 1; i < o->n; i++)
		if (o->v[i].n == o->v[i - 1].n)
			rc = err_set(err, ERR_DATA, "overlay: object %d stands twice", o->v[i].n);
out:
	buf_free(&b);
	return rc;
}

int overlay_open_stream(struct overlay **out, struct stream *in, struct err *err)
{
	struct overlay *o = calloc(1, sizeof(*o));
	int rc = RC_OK;

	*out = NULL;
	if (!o) {
		stream_close(in);
		return err_set(err, ERR_TEMP, "no memory for an overlay");
	}
	o->in = in;
	if ((rc = index_objects(o, err)))
		overlay_close(o);
	else
		*out = o;
	return rc;
}

int overlay_open(struct overlay **out, const struct item_dir *item, struct err *err)
{
	struct stream *in = NULL;
	bool there = false;
	int rc = item_file_there(item, ITEM_OVERLAY, &there, err);

	*out = NULL;
	if (rc)
		return rc;
	if (!there) {
		rc = err_set(err, ERR_PERSON, "not retagged");
		err_advise(err, "run mri-retag first");
		return rc;
	}
	if (!(rc = item_file_open(item, ITEM_OVERLAY, &in, err)) && !(rc = overlay_open_stream(out, in, err)))
		(*out)->item = item;
	return rc;
}

void overlay_close(struct overlay *o)
{
	if (!o)
		return;
	stream_close(o->in);
	json_decref(o->plan);
	free(o->v);
	free(o);
}

const char *overlay_check(const struct overlay *o)
{
	return o->check;
}

const json_t *overlay_plan(const struct overlay *o)
{
	return o->plan;
}

size_t overlay_objects(const struct overlay *o)
{
	return o->n;
}

static int find(const struct overlay *o, int n, const struct entry **out, struct err *err)
{
	struct entry key = { .n = n };

	*out = o->n ? bsearch(&key, o->v, o->n, sizeof(*o->v), by_entry) : NULL;
	return *out ? RC_OK : err_set(err, ERR_DATA, "overlay has no object %d", n);
}

static int parse_pieces(const json_t *list, struct pieces *p, struct err *err)
{
	unsigned long long from = 0, off = 0, len = 0;
	const json_t *j = NULL, *a = NULL, *b = NULL, *c = NULL;
	size_t i = 0, n = json_array_size(list);

	if (n > PIECES_MAX)
		return err_set(err, ERR_DATA, "overlay: an object has more than %d pieces", PIECES_MAX);
	if (!(p->v = calloc(n + 1, sizeof(*p->v))))
		return err_set(err, ERR_TEMP, "no memory for an overlay");
	p->cap = n + 1;
	for (i = 0; i < n; i++) {
		j = json_array_get(list, i);
		a = json_array_get(j, 0);
		b = json_array_get(j, 1);
		c = json_array_get(j, 2);
		if (json_array_size(j) != 3 || !json_is_integer(a) || !json_is_integer(b) || !json_is_integer(c) ||
		    json_integer_value(b) < 0 || json_integer_value(c) < 0)
			return err_set(err, ERR_DATA, "overlay: piece %zu is not [from,offset,length]", i);
		from = (unsigned long long)json_integer_value(a);
		off = (unsigned long long)json_integer_value(b);
		len = (unsigned long long)json_integer_value(c);
		if (from > PIECE_NEW || (from == PIECE_NEW && (off > p->bytes.len || len > p->bytes.len - off)))
			return err_set(err, ERR_DATA, "overlay: piece %zu lies outside of the new bytes", i);
		p->v[p->n++] = (struct piece){ (enum piece_from)from, off, len };
	}
	return RC_OK;
}

int overlay_pieces(const struct overlay *o, int n, struct pieces *p, struct err *err)
{
	return overlay_pieces_of(o, n, p, NULL, err);
}

int overlay_pieces_of(const struct overlay *o, int n, struct pieces *p, char original[HASH_HEX], struct err *err)
{
	char result[HASH_HEX] = "", found[HASH_HEX] = "", hash[HASH_HEX] = "";
	struct buf b = BUF_INIT(OVERLAY_LINE_MAX);
	const struct entry *e = NULL;
	json_t *j = NULL, *list = NULL;
	int rc = RC_OK;

	*p = (struct pieces){ 0 };
	if ((rc = find(o, n, &e, err)) || (rc = read_line(o->in, e->line, &b, err)) ||
	    (rc = json_parse(b.data, b.len, &j, err)) || (rc = get_hash(j, "overlay", "sha256", found, err)) ||
	    (rc = get_hash(j, "overlay", "result", result, err)) ||
	    (rc = json_get_arr(j, "overlay", "pieces", &list, err)))
		goto out;
	p->bytes.max = e->new_len + 1;
	if ((rc = buf_grow(&p->bytes, e->new_len, err)) ||
	    (e->new_len && (rc = stream_read_full(o->in, e->data, p->bytes.data, e->new_len, err))))
		goto out;
	p->bytes.len = e->new_len;
	p->bytes.data[p->bytes.len] = '\0';
	if ((rc = hash_hex(p->bytes.data, p->bytes.len, hash, err)))
		goto out;
	if (strcmp(hash, result)) {
		rc = err_set(err, ERR_DATA, "overlay: the new bytes of object %d were altered", n);
		goto out;
	}
	rc = parse_pieces(list, p, err);
	if (!rc && original)
		text_copy(original, HASH_HEX, found);
out:
	json_decref(j);
	buf_free(&b);
	if (rc)
		pieces_free(p);
	return rc;
}

int overlay_object_open(const struct overlay *o, int n, struct pieces *p, struct stream **out, struct err *err)
{
	struct stream *original = NULL;
	int rc = overlay_pieces(o, n, p, err);

	*out = NULL;
	if (rc)
		return rc;
	if (!(rc = item_object_open(o->item, n, &original, err)))
		rc = piece_stream(out, original, p, err);
	if (rc)
		pieces_free(p);
	return rc;
}
