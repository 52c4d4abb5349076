#include "deliver/readback.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "base/time.h"
#include "dimse/find.h"

#define FIRST_WAIT	100	/* milliseconds between two rounds, doubled up to LAST_WAIT */
#define LAST_WAIT	2000

static int by_uid(const void *a, const void *b)
{
	const struct readback_object *const *x = a, *const *y = b;

	return strcmp((*x)->sop_uid, (*y)->sop_uid);
}

static int by_series(const void *a, const void *b)
{
	const struct readback_object *const *x = a, *const *y = b;
	int c = strcmp((*x)->series_uid, (*y)->series_uid);

	return c ? c : by_uid(a, b);
}

struct series { struct readback_object **v; size_t n; };

static int seen(const char *sop_uid, void *arg, struct err *err)
{
	struct series *s = arg;
	struct readback_object key = { .sop_uid = sop_uid }, *k = &key;
	struct readback_object **hit = bsearch(&k, s->v, s->n, sizeof *s->v, by_uid);

	(void)err;
	if (hit)
		(*hit)->found = true;
	return RC_OK;
}

/* One query for each series that still lacks something. */
static int ask_round(struct assoc *as, const struct assoc_pair *pair, struct readback_object **v, size_t n,
    size_t *missing, struct err *err)
{
	int rc = RC_OK;

	*missing = 0;
	for (size_t i = 0, end; rc == RC_OK && i < n; i = end) {
		struct find_series q = { .study_uid = v[i]->study_uid, .series_uid = v[i]->series_uid };
		struct series s = { v + i, 0 };
		size_t lack = 0;

		for (end = i; end < n && strcmp(v[end]->series_uid, v[i]->series_uid) == 0; end++)
			lack += !v[end]->found;
		s.n = end - i;
		if (lack)
			rc = find_images(as, pair, &q, seen, &s, err);
		for (size_t k = i; k < end; k++)
			*missing += !v[k]->found;
	}
	return rc;
}

/* Pointers to the objects, series by series. NULL without memory. */
static struct readback_object **sorted(struct readback_object *objects, size_t n, struct err *err)
{
	struct readback_object **v = calloc(n + 1, sizeof *v);

	if (!v) {
		(void)err_set(err, ERR_TEMP, "no memory for the read-back");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = &objects[i];
	qsort(v, n, sizeof *v, by_series);
	return v;
}

int readback_round(struct assoc *as, const struct assoc_pair *pair, struct readback_object *objects, size_t n,
    size_t *missing, struct err *err)
{
	struct readback_object **v = sorted(objects, n, err);
	int rc = v ? ask_round(as, pair, v, n, missing, err) : err_rc(err->kind);

	free(v);
	return rc;
}

int readback_images(const struct readback *r, struct readback_object *objects, size_t n, size_t *missing,
    struct err *err)
{
	uint64_t until = time_mono_ms() + 1000u * (unsigned)(r->settle > 0 ? r->settle : READBACK_SETTLE);
	struct readback_object **v = sorted(objects, n, err);
	struct assoc_pair pair;
	struct assoc *as = NULL;
	int rc = RC_OK, wait = FIRST_WAIT;

	*missing = n;
	if (!v)
		return err_rc(err->kind);
	find_pair(&pair, FIND_STUDY_ROOT);
	rc = assoc_open(&as, &r->peer, &pair, 1, err);
	if (rc == RC_OK && !pair.accepted) {
		rc = err_set(err, ERR_REFUSED, "the destination offers no query (Study Root C-FIND): %s",
		    assoc_reason(&pair));
		err_advise(err, "set verify = no for this destination, or use --no-verify");
	}
	while (rc == RC_OK) {
		rc = ask_round(as, &pair, v, n, missing, err);
		if (rc != RC_OK || *missing == 0 || time_mono_ms() >= until)
			break;
		(void)poll(NULL, 0, wait);
		wait = wait * 2 < LAST_WAIT ? wait * 2 : LAST_WAIT;
	}
	if (rc == RC_OK)
		assoc_close(as);
	else
		assoc_abort(as);
	free(v);
	return rc;
}
