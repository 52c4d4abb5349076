#include "stage/portal_tags.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "dicom/dict.h"
#include "dicom/walk.h"
#include "sys/worker.h"

/* What one object says of an element; sent as it is, both ends are this program. */
struct said { uint32_t tag; char vr[3]; bool empty; };
#define SAID_MAX	(CHAN_MSG_MAX / sizeof(struct said))

struct count { struct said s; size_t objects, empty; };
struct counts { struct count *v; size_t n; };

/* The child. */

static size_t
say_all(const struct element *e, size_t n, struct said *out, size_t have)
{
	size_t i = 0;

	for (i = 0; i < n && have < SAID_MAX; i++, have++) {
		memset(&out[have], 0, sizeof(out[have]));
		out[have].tag = e[i].tag;
		memcpy(out[have].vr, e[i].vr, sizeof(e[i].vr));
		out[have].empty = e[i].length == 0;
	}
	return have;
}

static int
answer(struct chan *c, int fd, const struct age_key *key, struct said *out)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (spool_stream_fd(&s, fd, key, &err) == RC_OK && walk_open(&o, s, &err) == RC_OK) {
		n = say_all(o->meta, o->nmeta, out, 0);
		n = say_all(o->top, o->ntop, out, n);
	}
	walk_close(o);
	stream_close(s);
	/* one byte: it cannot be read */
	return chan_send(c, n > 0 ? (const void *)out : "", n > 0 ? n * sizeof(*out) : 1, NULL, 0, &err);
}

static int
run(struct chan *c, void *arg)
{
	struct said *out = malloc(SAID_MAX * sizeof(*out));
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	struct age_key key;
	size_t nfds = 0;
	int fd = -1, code = 0;

	(void)arg;
	if (out == NULL)
		return WORKER_EXIT_MEMORY;
	while (code == 0 && chan_recv(c, &msg, &fd, 1, &nfds, &err) == RC_OK) {
		if (msg.len != sizeof(key) || nfds != 1)
			code = 1;
		else {
			memcpy(&key, msg.data, sizeof(key));
			code = answer(c, fd, &key, out) != RC_OK;
		}
	}
	buf_wipe(&msg);
	free(out);
	return code;
}

/* The parent. */

static int
by_tag(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	return x->s.tag < y->s.tag ? -1 : x->s.tag > y->s.tag;
}

static int
take(struct counts *c, const struct said *s, struct err *err)
{
	struct count one = { .s = *s }, *v = c->n > 0 ? bsearch(&one, c->v, c->n, sizeof(*v), by_tag) : NULL;

	if (v == NULL) {
		if ((v = realloc(c->v, (c->n + 1) * sizeof(*v))) == NULL)
			return err_set(err, ERR_TEMP, "no memory");
		c->v = v;
		v[c->n++] = one;
		qsort(c->v, c->n, sizeof(*v), by_tag);
		v = bsearch(&one, c->v, c->n, sizeof(*v), by_tag);
	}
	v->objects++;
	v->empty += s->empty;
	return RC_OK;
}

/* *bad: the object says nothing. A worker that dies costs the object it had. */
static int
ask(struct worker **w, enum jail_mode mode, const struct item_dir *item, int number, struct counts *c, bool *bad,
    struct err *err)
{
	struct jail jail = { .mode = mode };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct age_key key = { { 0 }, 0 };
	struct said s;
	size_t i = 0;
	int fd = -1, rc = RC_OK;

	*bad = false;
	if (*w == NULL && (rc = worker_start(w, &jail, NULL, run, NULL, err)) != RC_OK)
		return rc;
	if ((rc = item_object_fd(item, number, &fd, &key, err)) != RC_OK) {
		*bad = err->kind == ERR_DATA || err->kind == ERR_NOINPUT;
		return *bad ? RC_OK : rc;
	}
	if (chan_send(worker_chan(*w), &key, sizeof(key), &fd, 1, err) != RC_OK ||
	    chan_recv(worker_chan(*w), &msg, NULL, 0, NULL, err) != RC_OK) {
		worker_died(*w, err);
		*w = NULL;
		*bad = true;
		rc = err->kind == ERR_TEMP ? RC_RETRY : RC_OK;
	} else if (msg.len % sizeof(s) != 0) {
		*bad = true;
	} else {
		for (i = 0; i < msg.len && rc == RC_OK; i += sizeof(s)) {
			memcpy(&s, msg.data + i, sizeof(s));
			s.vr[2] = '\0';
			rc = take(c, &s, err);
		}
	}
	close(fd);
	buf_free(&msg);
	return rc;
}

static json_t *
told(const struct counts *c)
{
	const struct dict_entry *d = NULL;
	json_t *list = json_array(), *j = NULL;
	char tag[16], vr[16];
	size_t i = 0;

	for (i = 0; i < c->n; i++) {
		d = dict_by_tag(c->v[i].s.tag);
		snprintf(tag, sizeof(tag), "%08lx", (unsigned long)c->v[i].s.tag);
		text_escape(vr, sizeof(vr), c->v[i].s.vr, strlen(c->v[i].s.vr));
		j = json_pack("{s:s, s:s, s:s, s:I, s:I}", "tag", tag, "vr", vr[0] != '\0' ? vr : d != NULL ? d->vr : "", "keyword",
		    d != NULL ? d->keyword : "", "objects", (json_int_t)c->v[i].objects, "empty", (json_int_t)c->v[i].empty);
		json_array_append_new(list, j);
	}
	return list;
}

int
portal_tags(struct item_dir *item, const int *numbers, size_t n, enum jail_mode mode, json_t **out, struct err *err)
{
	struct worker *w = NULL;
	struct counts c = { 0 };
	size_t i = 0, look = n < TAGS_OBJECTS_MAX ? n : TAGS_OBJECTS_MAX, unreadable = 0;
	bool bad = false;
	int rc = RC_OK;

	*out = NULL;
	for (i = 0; i < look && rc == RC_OK; i++) {
		rc = ask(&w, mode, item, numbers[i], &c, &bad, err);
		unreadable += bad;
	}
	worker_stop(w, NULL, NULL);
	if (rc == RC_OK && (*out = json_make(err, "{s:s, s:I, s:I, s:I, s:o}", "item", item_name(item), "objects",
	    (json_int_t)n, "looked_at", (json_int_t)look, "unreadable", (json_int_t)unreadable, "tags", told(&c))) == NULL)
		rc = err_rc(err->kind);
	free(c.v);
	return rc;
}
