/* Opening: preamble, meta group, transfer syntax, deflate, and the index of the top level. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/text.h"
#include "dicom/walk_impl.h"

#define PREAMBLE	128	/* PS3.10 7.1 */
#define TAG_TRANSFER_SYNTAX TAG(0x0002, 0x0010)
#define INFLATE_STEP	((size_t)1 << 20)
#define META_MAX	256	/* elements of group 0002: PS3.10 knows 17 */

struct list {
	struct element *v;
	size_t n, cap, max;
	bool sorted;
};

static int collect(unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct list *l = arg;

	(void)item;
	if (l->n == l->max)
		return err_set(err, ERR_DATA, "DICOM object with more than %zu elements at its top level", l->max);
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 128;
		struct element *v = realloc(l->v, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory for the index of a DICOM object");
		l->v = v;
		l->cap = cap;
	}
	if (l->n && l->v[l->n - 1].tag >= e->tag)
		l->sorted = false;
	l->v[l->n++] = *e;
	return RC_OK;
}

/* Does a group-0002 element stand here? Explicit little endian by the book; some writers forget the VR. */
static bool meta_here(const uint8_t *p, size_t n, enum walk_form *form)
{
	if (n < 8 || get16(p, false) != 0x0002)
		return false;
	*form = vr_is_known(p + 4) ? WALK_EXPLICIT_LE : WALK_IMPLICIT_LE;
	return true;
}

/* The form of a data set nobody described, from its first element; false where it is none. `left`: bytes from there. */
static bool guess(const uint8_t *p, size_t n, uint64_t left, enum walk_form *form)
{
	uint16_t le = n >= 8 ? get16(p, false) : 0, be = n >= 8 ? get16(p, true) : 0;

	/* Data sets begin with group 0008; a few with 0002-0028 where group 0008 was cut off */
	if (n >= 8 && le >= 0x0002 && le <= 0x0028) {
		if (vr_is_known(p + 4)) {
			*form = WALK_EXPLICIT_LE;
			return true;
		}
		*form = WALK_IMPLICIT_LE;
		return get32(p + 4, false) <= left - 8 || get32(p + 4, false) == WALK_UNDEFINED;
	}
	if (n >= 8 && be >= 0x0002 && be <= 0x0028 && vr_is_known(p + 4)) {
		*form = WALK_EXPLICIT_BE;
		return true;
	}
	return false;
}

static void judge_syntax(struct object *o)
{
	const char *ts = o->transfer_syntax;

	/* PS3.5 annex A, PS3.6 A: deflated 1.2.1.99, and JPIP with deflate */
	o->deflated = !strcmp(ts, "1.2.840.10008.1.2.1.99") || !strcmp(ts, "1.2.840.10008.1.2.4.95") ||
	    !strcmp(ts, "1.2.840.10008.1.2.4.205");
	o->encapsulated = !o->deflated && (text_starts(ts, "1.2.840.10008.1.2.4.") ||
	    text_starts(ts, "1.2.840.10008.1.2.5") || text_starts(ts, "1.2.840.10008.1.2.8.") ||
	    !strcmp(ts, "1.2.840.10008.1.2.1.98"));
	if (!strcmp(ts, "1.2.840.10008.1.2"))
		o->form = WALK_IMPLICIT_LE;
	else if (!strcmp(ts, "1.2.840.10008.1.2.2"))
		o->form = WALK_EXPLICIT_BE;
	else
		o->form = WALK_EXPLICIT_LE;
}

/* Inflates what follows the meta group (RFC 1951, PS3.5 A.5) into memory, under a cap. */
static int inflate_rest(struct walk *w, struct err *err)
{
	struct object *o = &w->o;
	uint8_t *in = w->win.bytes;	/* the window is not in use meanwhile, and begins anew afterwards */
	uint64_t off = o->file_dataset;
	uint8_t *out = NULL;
	size_t cap = 0, len = 0, got = 0;
	z_stream z;
	int zrc = Z_OK, rc = RC_OK;

	memset(&z, 0, sizeof z);
	if (inflateInit2(&z, -15) != Z_OK)
		return err_set(err, ERR_TEMP, "no memory to inflate a DICOM object");
	while (zrc != Z_STREAM_END) {
		if (z.avail_in == 0) {
			rc = stream_read(o->file, off, in, WINDOW_MAX, &got, err);
			if (rc != RC_OK)
				goto out;
			off += got;
			z.next_in = in;
			z.avail_in = (unsigned)got;
		}
		if (len == cap) {
			size_t more = cap < 16 * INFLATE_STEP ? INFLATE_STEP : cap / 2;
			uint8_t *p = NULL;

			if (more > WALK_INFLATED_MAX - cap)
				more = (size_t)(WALK_INFLATED_MAX - cap);
			if (!more) {
				rc = err_set(err, ERR_DATA, "deflated DICOM object inflates to more than %llu MB",
				    (unsigned long long)(WALK_INFLATED_MAX >> 20));
				goto out;
			}
			p = realloc(out, cap + more);
			if (!p) {	/* the jail's limit: the object's fault, not the machine's */
				rc = err_set(err, ERR_DATA,
				    "deflated DICOM object inflates to more than fits in memory (%zu MB)", cap >> 20);
				goto out;
			}
			out = p;
			cap += more;
		}
		z.next_out = out + len;
		z.avail_out = (unsigned)(cap - len);
		zrc = inflate(&z, Z_NO_FLUSH);
		len = cap - z.avail_out;
		if (zrc != Z_OK && zrc != Z_STREAM_END && !(zrc == Z_BUF_ERROR && z.avail_in == 0 && got)) {
			rc = err_set(err, ERR_DATA, "broken DICOM at offset %llu: the deflated data set %s",
			    (unsigned long long)(off - z.avail_in), got ? "is damaged" : "ends early");
			goto out;
		}
		if (len > WALK_RATIO_FREE && len / WALK_RATIO_MAX > off - o->file_dataset) {
			rc = err_set(err, ERR_DATA,
			    "deflated DICOM object inflates to more than %d times its size", WALK_RATIO_MAX);
			goto out;
		}
	}
	rc = stream_mem_take(&o->data, out, len, err);
	out = NULL;
out:
	inflateEnd(&z);
	free(out);
	return rc;
}

static int scan_list(struct walk *w, struct scan *sc, struct list *l, struct err *err)
{
	sc->win = &w->win;
	sc->element = collect;
	sc->arg = l;
	l->sorted = true;
	return scan_run(sc, err);
}

/* Preamble and meta group. *at: where the data set begins in the file. */
static int open_meta(struct walk *w, uint64_t *at, struct err *err)
{
	struct object *o = &w->o;
	struct list meta = { .max = META_MAX };
	struct scan sc = { .end = o->file->size, .meta = true };
	const uint8_t *p = NULL;
	size_t got = 0;
	int rc = window_peek(&w->win, 0, PREAMBLE + 12, &p, &got, err);

	if (rc != RC_OK)
		return rc;
	*at = 0;
	sc.start = 0;
	if (got >= PREAMBLE + 4 && !memcmp(p + PREAMBLE, "DICM", 4)) {
		enum walk_form form;
		/* "DICM" may stand in a value of a bare data set that happens to reach there */
		bool bare = !meta_here(p + PREAMBLE + 4, got - PREAMBLE - 4, &sc.form) &&
		    get16(p, false) == 0x0008 && guess(p, got, o->file->size, &form);

		if (!bare) {
			o->has_preamble = true;
			*at = sc.start = PREAMBLE + 4;
		}
	}
	if (!meta_here(p + *at, got - (size_t)*at, &sc.form))
		return RC_OK;
	rc = scan_list(w, &sc, &meta, err);
	o->meta = meta.v;
	o->nmeta = meta.n;
	if (rc != RC_OK)
		return rc;
	*at = sc.stopped;
	return RC_OK;
}

static int open_dataset(struct walk *w, struct err *err)
{
	struct object *o = &w->o;
	struct list top = { .max = WALK_TOP_MAX };
	struct scan sc = { 0 };
	const uint8_t *p = NULL;
	enum walk_form found = WALK_IMPLICIT_LE;
	size_t got = 0;
	bool known = o->transfer_syntax[0] != '\0';
	uint64_t left = 0;
	int rc = RC_OK;

	if (known)
		judge_syntax(o);
	if (o->deflated) {
		rc = inflate_rest(w, err);
		if (rc != RC_OK)
			return rc;
		window_init(&w->win, o->data);
		o->dataset = 0;
	}
	left = o->data->size - o->dataset;
	rc = window_peek(&w->win, o->dataset, 12, &p, &got, err);
	if (rc != RC_OK)
		return rc;
	if (!known) {
		if (!guess(p, got, left, &o->form)) {
			if (o->nmeta && got >= 8)	/* the scan will tell */
				o->form = vr_is_known(p + 4) ? WALK_EXPLICIT_LE : WALK_IMPLICIT_LE;
			else if (o->nmeta || o->has_preamble)
				return err_set(err, ERR_DATA,
				    "broken DICOM: no transfer syntax, and no data set to be recognised");
			else
				return err_set(err, ERR_DATA,
				    "not DICOM: no preamble, and no data set to be recognised");
		}
		text_copy(o->transfer_syntax, sizeof o->transfer_syntax,
		    o->form == WALK_IMPLICIT_LE ? "1.2.840.10008.1.2"
		    : o->form == WALK_EXPLICIT_LE ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2.2");
	} else if (got >= 8 && guess(p, got, left, &found)) {
		o->form = found;	/* the data set is not what its meta group says: believe the bytes */
	}
	sc.start = o->dataset;
	sc.end = o->data->size;
	sc.form = o->form;
	sc.inflated = o->deflated;
	sc.torn = w->bears ? &w->torn : NULL;
	rc = scan_list(w, &sc, &top, err);
	o->top = top.v;
	o->ntop = top.n;
	w->sorted = top.sorted;
	if (rc != RC_OK)
		return rc;
	if (o->ntop == 0)
		return err_set(err, ERR_DATA, "broken DICOM: the data set is empty");
	return RC_OK;
}

static int open_as(struct object **out, struct stream *s, bool bears, struct err *err)
{
	struct walk *w = malloc(sizeof *w);
	uint64_t at = 0;
	int rc = RC_OK;

	*out = NULL;
	if (!w)
		return err_set(err, ERR_TEMP, "no memory to read a DICOM object");
	memset(&w->o, 0, sizeof w->o);
	w->bears = bears;
	err_clear(&w->torn);
	window_init(&w->win, s);
	w->o.file = w->o.data = s;
	rc = open_meta(w, &at, err);
	if (rc != RC_OK)
		goto out;
	w->o.dataset = w->o.file_dataset = at;
	rc = walk_text(&w->o, TAG_TRANSFER_SYNTAX, w->o.transfer_syntax, sizeof w->o.transfer_syntax, NULL, err);
	if (rc != RC_OK)
		goto out;
	rc = open_dataset(w, err);
out:
	if (rc != RC_OK) {
		walk_close(&w->o);
		return rc;
	}
	*out = &w->o;
	return RC_OK;
}

int walk_open(struct object **out, struct stream *s, struct err *err)
{
	return open_as(out, s, false, err);
}

int walk_open_torn(struct object **out, struct stream *s, struct err *err)
{
	return open_as(out, s, true, err);
}

const char *walk_torn(const struct object *o)
{
	const struct walk *w = (const struct walk *)o;

	return w->torn.kind == ERR_NONE ? NULL : w->torn.text;
}

void walk_close(struct object *o)
{
	struct walk *w = (struct walk *)o;

	if (!o)
		return;
	if (o->data != o->file)
		stream_close(o->data);
	free(o->meta);
	free(o->top);
	free(w);
}
