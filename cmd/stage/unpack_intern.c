/* Strings kept once, each with a number: UIDs, names, hashes of one run. A hash table with open addressing. */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

struct entry { char *s; size_t value; };

struct intern {
	struct entry *v;
	size_t n, cap;		/* cap: a power of two */
};

static uint64_t fnv(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	return h;
}

static struct entry *place(struct entry *v, size_t cap, const char *s)
{
	size_t i = (size_t)fnv(s) & (cap - 1);

	while (v[i].s && strcmp(v[i].s, s) != 0)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static int grow(struct intern *t, struct err *err)
{
	size_t cap = t->cap ? 2 * t->cap : 256;
	struct entry *v = calloc(cap, sizeof *v);

	if (!v)
		return err_set(err, ERR_TEMP, "no memory to unpack");
	for (size_t i = 0; i < t->cap; i++)
		if (t->v[i].s)
			*place(v, cap, t->v[i].s) = t->v[i];
	free(t->v);
	t->v = v;
	t->cap = cap;
	return RC_OK;
}

struct intern *intern_new(struct err *err)
{
	struct intern *t = calloc(1, sizeof *t);

	if (!t)
		err_set(err, ERR_TEMP, "no memory to unpack");
	return t;
}

const char *intern_get(struct intern *t, const char *s, size_t fresh, size_t *value, struct err *err)
{
	struct entry *e = NULL;

	if (2 * t->n >= t->cap && grow(t, err) != RC_OK)
		return NULL;
	e = place(t->v, t->cap, s);
	if (!e->s) {
		if (!(e->s = text_dup(s, err)))
			return NULL;
		e->value = fresh;
		t->n++;
	}
	if (value)
		*value = e->value;
	return e->s;
}

void intern_free(struct intern *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cap; i++)
		free(t->v[i].s);
	free(t->v);
	free(t);
}

const char *unpack_string(struct unpack_run *run, const char *s, struct err *err)
{
	if (!run->strings && !(run->strings = intern_new(err)))
		return NULL;
	return intern_get(run->strings, s, 0, NULL, err);
}
