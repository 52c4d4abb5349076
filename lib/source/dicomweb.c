#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/dicomweb.h"
#include "source/retrieve.h"

#define PAGE		500	/* entries of one answer: half a megabyte of DICOM JSON */
#define PAGES_MAX	400	/* INSTANCES_MAX at less than that */
#define JSON_TYPE	"Accept: application/dicom+json, application/json;q=0.9"

struct dicomweb { char **asks; size_t nasks; char *wado; };	/* the root of QIDO-RS is s->base */

/* One page: *list is NULL where the portal has nothing (more). */
static int
page(struct source *s, const char *base, const char *query, size_t offset, const char *what, json_t **list,
    struct err *err)
{
	struct http_response resp = { 0 };
	struct buf url = BUF_INIT(URL_MAX);
	int rc = buf_printf(&url, err, "%s?%s%slimit=%d&offset=%zu", base, query, query[0] != '\0' ? "&" : "", PAGE, offset);

	*list = NULL;
	if (rc == RC_OK)
		rc = retrieve_get(s, url.data, JSON_TYPE, NULL, 0, offset > 0, &resp, err);
	if (rc != RC_OK)
		goto out;
	if (resp.status == 204 || (resp.status == 200 && resp.body.len == 0))
		goto out;
	if (resp.status == 401 || resp.status == 403) {
		s->state = resp.status == 401 ? "credentials-wrong" : "not-permitted";
		err_set(err, ERR_DENIED, "%s: the portal does not %s (status %ld)", what,
		    resp.status == 401 ? "take the token or password" : "permit it", resp.status);
		err_advise(err, "compare token, login and portal; ask the sender for a new one");
		rc = err_rc(ERR_DENIED);
	} else if (resp.status != 200 && resp.status != 206) {
		rc = source_status(s, &resp, what, err);
	} else if ((rc = json_parse(resp.body.data, resp.body.len, list, err)) != RC_OK || !json_is_array(*list)) {
		json_decref(*list);
		*list = NULL;
		s->state = "portal-changed";
		rc = err_set(err, ERR_PROTOCOL, "%s: not a list in DICOM JSON", what);
	}
out:
	http_response_free(&resp);
	buf_wipe(&url);
	return rc;
}

/* Pages until nothing new comes: servers page by less than they are asked to. */
static int
list_instances(struct source *s, const char *qido, const char *study, long long claimed, struct instances *t,
    struct err *err)
{
	struct buf base = BUF_INIT(URL_MAX);
	json_t *list = NULL, *one = NULL;
	size_t i = 0, fresh = 1, pages = 0, offset = 0;
	bool is_new = false;
	int rc = buf_printf(&base, err, "%s/studies/%s/instances", qido, study);

	while (rc == RC_OK && fresh > 0 && pages++ < PAGES_MAX &&
	    (claimed < 0 || offset == 0 || t->listed < (size_t)claimed)) {
		rc = page(s, base.data, "", offset, "the list of objects", &list, err);
		fresh = 0;
		json_array_foreach(list, i, one) {
			if ((rc = dicomweb_instance(one, t, &is_new, err)) != RC_OK)
				break;
			fresh += is_new;
		}
		offset += json_array_size(list);
		json_decref(list);
		list = NULL;
	}
	buf_wipe(&base);
	return rc;
}

struct place { const char *wado, *study; };

static int
object_url(void *arg, const struct instance *i, char **out, struct err *err)
{
	const struct place *p = arg;
	struct buf b = BUF_INIT(URL_MAX);
	int rc = RC_OK;

	*out = NULL;
	if (i->series[0] == '\0')
		return err_set(err, ERR_PROTOCOL, "the portal does not say which series an object belongs to");
	rc = buf_printf(&b, err, "%s/studies/%s/series/%s/instances/%s", p->wado, p->study, i->series, i->uid);
	if (rc == RC_OK && (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

int
dicomweb_study(struct source *s, const char *wado, const char *qido, const struct source_offer *offer,
    const struct source_output *out, struct source_package *p, struct err *err)
{
	struct instances t = { 0 };
	struct place place = { wado, offer->study_uid };
	struct buf url = BUF_INIT(URL_MAX);
	struct retrieve r = { .url = object_url, .arg = &place, .list = &t };
	int rc = buf_printf(&url, err, "%s/studies/%s", wado, offer->study_uid);

	r.bulk = url.data;
	if (rc == RC_OK && qido != NULL && (rc = list_instances(s, qido, offer->study_uid, offer->files, &t, err)) != RC_OK &&
	    rc != RC_RETRY && err->kind != ERR_DENIED) {	/* without a list: the bulk, and the count that is claimed */
		instances_free(&t);
		s->state = "";
		err_clear(err);
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = retrieve_study(s, &r, offer, out, p, err);
	instances_free(&t);
	buf_wipe(&url);
	return rc;
}

static bool
known(const struct source *s, const char *uid)
{
	size_t i = 0;

	for (i = 0; i < s->noffers && strcmp(s->offers[i].study_uid, uid) != 0; i++)
		;
	return i < s->noffers;
}

static int
dicomweb_list(struct source *s, struct err *err)
{
	static const char fields[] = "includefield=00081030&includefield=00201206&includefield=00201208";
	const struct dicomweb *d = s->own;
	struct source_offer offer;
	struct buf base = BUF_INIT(URL_MAX), query = BUF_INIT(URL_MAX);
	json_t *list = NULL, *one = NULL;
	size_t i = 0, k = 0;
	int rc = buf_printf(&base, err, "%s/studies", s->base);

	for (i = 0; i < s->noffers; i++)
		source_offer_free(&s->offers[i]);
	s->noffers = 0;
	for (i = 0; i < d->nasks && rc == RC_OK; i++) {
		buf_clear(&query);
		if ((rc = buf_printf(&query, err, "%s&%s", d->asks[i], fields)) != RC_OK ||
		    (rc = page(s, base.data, query.data, 0, "the list of studies", &list, err)) != RC_OK)
			break;
		json_array_foreach(list, k, one) {
			if (!dicomweb_matches(one, d->asks[i]))
				continue;
			if ((rc = dicomweb_offer(one, &offer, err)) != RC_OK)
				break;
			if (known(s, offer.study_uid))
				source_offer_free(&offer);
			else if ((rc = source_add_offer(s, &offer, err)) != RC_OK)
				break;
		}
		json_decref(list);
		list = NULL;
	}
	buf_wipe(&query);
	buf_wipe(&base);
	return rc;
}

static int
dicomweb_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	const struct dicomweb *d = s->own;

	return dicomweb_study(s, d->wado, s->base, &s->offers[i], out, p, err);
}

static void
dicomweb_close(struct source *s)
{
	struct dicomweb *d = s->own;
	size_t i = 0;

	for (i = 0; d != NULL && i < d->nasks; i++)
		hash_wipe_text(&d->asks[i]);
	if (d != NULL) {
		hash_wipe_text(&d->wado);
		free(d->asks);
	}
	free(d);
	s->own = NULL;
}

static const struct source_ops dicomweb_ops = { SOURCE_DICOMWEB, NULL, dicomweb_list, dicomweb_fetch, dicomweb_close };

static int
renew(struct source *s, struct err *err)
{
	char *bearer = NULL;
	int rc = s->o.renew(s->o.renew_arg, &bearer, err);

	if (rc != RC_OK)
		return rc;
	hash_wipe_text(&s->bearer);
	s->bearer = bearer;
	return redact_add(&s->secrets, bearer, err);
}

static int
take_asks(struct dicomweb *d, const char *const *asks, size_t n, struct err *err)
{
	if ((d->asks = calloc(n + 1, sizeof(*d->asks))) == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	for (; d->nasks < n; d->nasks++)
		if ((d->asks[d->nasks] = text_dup(asks[d->nasks], err)) == NULL)
			return err_rc(err->kind);
	return RC_OK;
}

/* Without the slashes at its end. */
static int
take_root(const char *url, char **out, struct err *err)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	if ((*out = text_dup(url, err)) == NULL)
		return err_rc(err->kind);
	(*out)[n] = '\0';
	return RC_OK;
}

int
dicomweb_open(struct source *s, const char *qido, const char *wado, const char *const *asks, size_t n, struct err *err)
{
	struct dicomweb *d = calloc(1, sizeof(*d));
	int rc = RC_OK;

	if (d == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	s->own = d;
	s->ops = &dicomweb_ops;
	if ((rc = take_asks(d, asks, n, err)) == RC_OK && (rc = take_root(qido, &s->base, err)) == RC_OK)
		rc = take_root(wado, &d->wado, err);
	return rc;
}

int
source_dicomweb(struct source *s, const char *const *asks, size_t nasks, struct err *err)
{
	const struct source_portal *p = s->o.portal;
	int rc = RC_OK;

	if (p == NULL || p->dicomweb == NULL)
		return err_set(err, ERR_INTERNAL, "a portal without an address");
	if ((rc = dicomweb_open(s, p->dicomweb, p->dicomweb, asks, nasks, err)) != RC_OK ||
	    (rc = source_add_host(s, p->dicomweb, err)) != RC_OK)
		return rc;
	if (p->token == NULL)
		return p->user != NULL && p->password != NULL ? source_basic(s, p->user, p->password, err) : RC_OK;
	if ((s->bearer = text_dup(p->token, err)) == NULL)
		return err_rc(err->kind);
	if (s->o.renew != NULL)
		s->renew = renew;
	return RC_OK;
}
