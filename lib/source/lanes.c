#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "source/lanes.h"

#define HELD_MAX	((size_t)4 << 20)	/* of one answer in memory; larger objects keep one connection busy */
#define TROUBLES_MAX	60	/* of one study: a token that lives a minute, and a study that takes an hour */

struct run {
	struct lanes *l;
	size_t at;			/* the next one to ask for */
	size_t of[HTTP_LANES_MAX];
	char *url[HTTP_LANES_MAX];	/* made for a lane */
	const char *private[SOURCE_TAGS_MAX + 2];
	bool over;
	int rc;
	struct err err;
};

bool
lanes_may(const struct lanes *l)
{
	const struct source_portal *p = l->s->o.portal;
	const struct instances *t = l->r->list;

	/* a recording answers one request at a time */
	return p != NULL && p->connections > 1 && l->s->o.http.replay == NULL && !l->off &&
	    l->troubles < TROUBLES_MAX && t->listed > t->listed_got + 1;
}

static bool
next(void *arg, unsigned lane, struct http_request *req)
{
	static const char *const accept[] = { LANES_ACCEPT, NULL }, *const accept_url[] = { LANES_ACCEPT_URL, NULL };
	struct run *u = arg;
	const struct retrieve *r = u->l->r;
	struct source *s = u->l->s;
	const struct instance *i = NULL;
	struct err e = { 0 };

	while (u->at < r->list->n && (!r->list->v[u->at].listed || r->list->v[u->at].got))
		u->at++;
	if (u->over || u->at >= r->list->n)
		return false;
	i = &r->list->v[u->at];
	hash_wipe_text(&u->url[lane]);
	if (i->url == NULL && r->url(r->arg, i, &u->url[lane], &e) != RC_OK)
		return false;	/* the ordinary way says why */
	u->of[lane] = u->at++;
	req->method = "GET";
	req->url = i->url != NULL ? i->url : u->url[lane];
	req->headers = i->url != NULL ? accept_url : accept;
	req->soon = true;
	req->bearer = s->bearer;
	req->private = source_private(s, u->private);
	req->bearer_hosts = (const char *const *)s->hosts;
	req->nbearer_hosts = s->nhosts;
	return true;
}

static bool
came(void *arg, unsigned lane, int rc, const struct http_response *resp, const struct err *err)
{
	struct run *u = arg;
	struct lanes *l = u->l;
	size_t i = u->of[lane];

	(void)err;
	if (u->rc != RC_OK)
		return false;
	if (rc == RC_OK && resp->status == 200)
		u->rc = l->take(l->arg, i, resp, &u->err);
	if (u->rc == RC_OK && l->r->list->v[i].got)
		return !u->over;
	/* what says that it is too much is heeded; what is too large would come here in part only */
	if (http_status_later(resp->status) || resp->bytes > HELD_MAX || resp->length > (long long)HELD_MAX)
		l->off = true;
	l->troubles += !u->over;
	u->over = true;
	return false;
}

int
lanes_fetch(struct lanes *l, size_t i, struct err *err)
{
	struct run u = { .l = l, .at = i };
	struct http_series series = { next, came, &u, 0, HELD_MAX };
	unsigned k = 0;
	int rc = RC_OK;

	series.lanes = (unsigned)l->s->o.portal->connections;
	if (series.lanes > HTTP_LANES_MAX)
		series.lanes = HTTP_LANES_MAX;
	rc = http_perform_series(l->s->http, &series, err);
	for (k = 0; k < HTTP_LANES_MAX; k++)
		hash_wipe_text(&u.url[k]);
	if (u.rc != RC_OK) {
		*err = u.err;
		rc = u.rc;
	}
	return rc;
}
