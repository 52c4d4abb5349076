#include "deliver/store.h"

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "dimse/store.h"

size_t deliver_pairs(const struct deliver_object *o, size_t n, const bool *done, bool *taken,
    struct assoc_pair *pairs)
{
	size_t np = 0;

	memset(pairs, 0, ASSOC_PAIRS_MAX * sizeof *pairs);
	for (size_t i = 0; i < n; i++) {
		size_t p = 0;

		taken[i] = false;
		if (done[i])
			continue;
		while (p < np && (strcmp(pairs[p].sop_class, o[i].sop_class) != 0 ||
		    strcmp(pairs[p].transfer_syntax, o[i].transfer_syntax) != 0))
			p++;
		if (p == ASSOC_PAIRS_MAX)
			continue;	/* the next association */
		if (p == np) {
			text_copy(pairs[p].sop_class, sizeof pairs[p].sop_class, o[i].sop_class);
			text_copy(pairs[p].transfer_syntax, sizeof pairs[p].transfer_syntax, o[i].transfer_syntax);
			np++;
		}
		taken[i] = true;
	}
	return np;
}

static const struct assoc_pair *pair_of(const struct deliver_object *o, const struct assoc_pair *pairs,
    size_t np)
{
	for (size_t p = 0; p < np; p++)
		if (strcmp(pairs[p].sop_class, o->sop_class) == 0 &&
		    strcmp(pairs[p].transfer_syntax, o->transfer_syntax) == 0)
			return &pairs[p];
	return NULL;
}

struct run {
	const struct deliver_store *s;
	struct assoc *as;
	struct assoc_pair pairs[ASSOC_PAIRS_MAX];
	size_t np;
	bool *done, *taken;
	struct store_ahead ahead;
};

static int report(struct run *r, size_t i, enum deliver_outcome outcome, int status, uint64_t bytes,
    const struct err *why, struct err *err)
{
	struct deliver_result res = { .n = r->s->objects[i].n, .outcome = outcome, .status = status, .bytes = bytes,
		.why = why };

	r->done[i] = true;
	return r->s->done(&res, r->s->arg, err);
}

/* Refused pairs are known before the first object is out. */
static int report_refused(struct run *r, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < r->s->n; i++) {
		const struct assoc_pair *p = NULL;
		struct err why = { 0 };

		if (!r->taken[i] || r->done[i])
			continue;
		p = pair_of(&r->s->objects[i], r->pairs, r->np);
		if (!p || p->accepted)
			continue;
		(void)err_set(&why, ERR_REFUSED, "not sent: SOP class %s in transfer syntax %s is refused (%s)",
		    p->sop_class, p->transfer_syntax, assoc_reason(p));
		rc = report(r, i, DELIVER_REFUSED, -1, 0, &why, err);
	}
	return rc;
}

static int judge(struct run *r, size_t i, uint16_t status, uint64_t bytes, struct err *err)
{
	struct err why = { 0 };
	enum store_verdict v = store_judge(status);

	if (v == STORE_STORED)
		return report(r, i, DELIVER_STORED, status, bytes, NULL, err);
	if (v == STORE_WARNING)
		(void)err_set(&why, ERR_NONE, "status 0x%04x: %s", status, store_meaning(status));
	else if (v == STORE_LATER)
		(void)err_set(&why, ERR_TEMP, "status 0x%04x: %s", status, store_meaning(status));
	else
		(void)err_set(&why, ERR_REFUSED, "status 0x%04x: %s", status, store_meaning(status));
	return report(r, i, v == STORE_WARNING ? DELIVER_STORED : v == STORE_LATER ? DELIVER_LATER : DELIVER_REFUSED,
	    status, bytes, &why, err);
}

static size_t next(const struct run *r, size_t i)
{
	while (i < r->s->n && (!r->taken[i] || r->done[i]))
		i++;
	return i;
}

/* Opens object i for sending; one that cannot be read is reported, and the next one tried. */
static int ready(struct run *r, size_t *i, struct stream **file, struct store_object *so, struct err *err)
{
	int rc = RC_OK;

	for (*i = next(r, *i); *i < r->s->n; *i = next(r, *i)) {
		const struct deliver_object *o = &r->s->objects[*i];
		struct err why = { 0 };

		rc = r->s->open(o, r->s->arg, file, &why);
		if (rc == RC_OK) {
			memset(so, 0, sizeof *so);
			so->context = pair_of(o, r->pairs, r->np)->context;
			so->sop_class = o->sop_class;
			so->sop_uid = o->sop_uid;
			so->file = *file;
			so->dataset = o->dataset;
			rc = store_read_ahead(&r->ahead, so, &why);
			if (rc == RC_OK)
				return RC_OK;
			stream_close(*file);
			*file = NULL;
		}
		rc = report(r, *i, DELIVER_UNREADABLE, -1, 0, &why, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* All objects of one association. RC_RETRY with *again: our own object could not be read to its end, half a
 * message is out, the association has to go, but the others may be sent by a new one. */
static int send_all(struct run *r, bool *again, struct err *err)
{
	struct stream *file = NULL, *ahead = NULL;
	struct store_object so = { 0 }, then = { 0 };
	size_t i = 0, j = 0;
	int rc = ready(r, &i, &file, &so, err);

	while (rc == RC_OK && i < r->s->n) {
		uint16_t message = 0, status = 0;
		uint64_t bytes = file->size - so.dataset;
		struct err failure = { 0 }, halt = { 0 };

		rc = store_send(r->as, &so, &r->ahead, &message, &failure);
		if (rc != RC_OK && failure.kind != ERR_TEMP && failure.kind != ERR_PROTOCOL) {
			*again = true;
			(void)report(r, i, DELIVER_UNREADABLE, -1, 0, &failure, err);
			break;
		}
		if (rc == RC_OK) {	/* the receiver works on it: read the next one meanwhile */
			r->taken[i] = false;
			j = i;
			(void)ready(r, &j, &ahead, &then, &halt);
			r->taken[i] = true;
			rc = store_answer(r->as, message, &status, &failure);
		}
		if (rc != RC_OK) {
			struct err ignored = { 0 };
			(void)report(r, i, DELIVER_LATER, -1, bytes, &failure, &ignored);
			*err = failure;
			break;
		}
		rc = judge(r, i, status, bytes, err);
		if (rc == RC_OK && halt.kind != ERR_NONE) {
			*err = halt;
			rc = err_rc(halt.kind);
		}
		stream_close(file);
		file = ahead;
		so = then;
		ahead = NULL;
		i = j;
	}
	stream_close(file);
	stream_close(ahead);
	return rc;
}

int deliver_store(const struct deliver_store *s, struct err *err)
{
	struct run *r = calloc(1, sizeof *r);
	int rc = RC_OK;

	if (!r || !(r->done = calloc(s->n + 1, 1)) || !(r->taken = calloc(s->n + 1, 1))) {
		rc = err_set(err, ERR_TEMP, "no memory for %zu objects", s->n);
		goto out;
	}
	r->s = s;
	while (rc == RC_OK && (r->np = deliver_pairs(s->objects, s->n, r->done, r->taken, r->pairs)) > 0) {
		bool again = false;

		rc = assoc_open(&r->as, &s->peer, r->pairs, r->np, err);
		if (rc != RC_OK)
			break;
		rc = report_refused(r, err);
		if (rc == RC_OK)
			rc = send_all(r, &again, err);
		if (rc == RC_OK)
			assoc_close(r->as);
		else
			assoc_abort(r->as);
		r->as = NULL;
		if (again)
			rc = RC_OK;
	}
out:
	if (r) {
		store_ahead_free(&r->ahead);
		free(r->done);
		free(r->taken);
	}
	free(r);
	return rc;
}
