#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/har_secrets.h"
#include "source/dicomweb.h"
#include "source/ohif.h"
#include "source/retrieve.h"

#define HIDDEN_MAX	300	/* secrets: of a text with more of them a recording keeps nothing */

static int
ohif_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	struct ohif *o = s->own;
	struct retrieve r = { .list = &o->v[i].list };

	instances_forget(r.list);
	return retrieve_study(s, &r, &s->offers[i], out, p, err);
}

static void
ohif_close(struct source *s)
{
	if (s->own != NULL)
		ohif_free(s->own);
	free(s->own);
	s->own = NULL;
}

static const struct source_ops ohif_ops = { SOURCE_DICOMWEB, NULL, NULL, ohif_fetch, ohif_close };

static int
get_manifest(struct source *s, const char *address, json_t **out, char **base, struct err *err)
{
	struct http_response resp = { 0 };
	int rc = retrieve_get(s, address, "Accept: application/json", NULL, 0, false, &resp, err);

	*out = NULL;
	*base = NULL;
	if (rc == RC_OK && (resp.status < 200 || resp.status >= 300 || resp.status == 202))
		rc = source_status(s, &resp, "the viewer's manifest", err);
	else if (rc == RC_OK && (rc = json_parse(resp.body.data != NULL ? resp.body.data : "", resp.body.len, out,
	    err)) != RC_OK) {
		err_wrap(err, "the viewer's manifest");
		err->kind = ERR_PROTOCOL;
		s->state = "portal-changed";
	}
	if (rc == RC_OK && (*base = text_dup(resp.url, err)) == NULL)
		rc = err_rc(err->kind);
	http_response_free(&resp);
	return rc;
}

/* Each offer has its study's texts; they move there. */
static int
add_offers(struct source *s, struct ohif *o, struct err *err)
{
	struct source_offer offer;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < o->n && rc == RC_OK; i++) {
		offer = o->v[i].offer;
		memset(&o->v[i].offer, 0, sizeof(o->v[i].offer));
		rc = source_add_offer(s, &offer, err);
	}
	return rc;
}

/* An address may be signed, and opens an object then: a recording shows of it what it shows of a request. */
static void
hide_addresses(struct source *s, const json_t *j)
{
	json_t *study = NULL, *series = NULL, *one = NULL;
	size_t i = 0, k = 0, n = 0;

	json_array_foreach(json_object_get(j, "studies"), i, study)
		json_array_foreach(json_object_get(study, "series"), k, series)
			json_array_foreach(json_object_get(series, "instances"), n, one)
				if (s->secrets.n < HIDDEN_MAX)
					har_hide_address(&s->secrets, json_text(one, "url"));
}

static int
take_manifest(struct source *s, const json_t *j, const char *base, struct err *err)
{
	struct ohif *o = calloc(1, sizeof(*o));
	int rc = RC_OK;

	if (o == NULL)
		return err_sys(err, ENOMEM, "cannot read the link");
	s->own = o;
	s->ops = &ohif_ops;
	if (s->har != NULL)
		hide_addresses(s, j);
	rc = ohif_parse(j, base, o, err);
	return rc == RC_OK ? add_offers(s, o, err) : rc;
}

static int
take_roots(struct source *s, const json_t *j, const char *base, struct err *err)
{
	char *asks[OHIF_ASKS_MAX] = { NULL }, *qido = NULL, *wado = NULL;
	size_t n = 0, i = 0;
	int rc = ohif_asks(s->link, asks, OHIF_ASKS_MAX, &n, err);

	if (rc == RC_OK && (rc = ohif_parse_roots(j, base, &qido, &wado, err)) == RC_OK)
		rc = dicomweb_open(s, qido, wado, (const char *const *)asks, n, err);
	for (i = 0; i < n; i++)
		hash_wipe_text(&asks[i]);
	hash_wipe_text(&qido);
	hash_wipe_text(&wado);
	return rc;
}

int
ohif_take(struct source *s, const char *text, size_t len, const char *base, bool *is, struct err *err)
{
	json_t *j = NULL;
	int rc = RC_OK;

	*is = json_parse(text, len, &j, err) == RC_OK && json_is_array(json_object_get(j, "studies"));
	err_clear(err);
	if (*is && (rc = take_manifest(s, j, base, err)) != RC_OK && err->kind == ERR_PROTOCOL)
		s->state = "unsupported";
	json_decref(j);
	return rc;
}

int
ohif_recognise(struct source *s, const char *address, struct err *err)
{
	json_t *j = NULL;
	char *base = NULL;
	int rc = redact_add_as(&s->secrets, "link", address, err);

	if (rc == RC_OK && (rc = get_manifest(s, address, &j, &base, err)) == RC_OK) {
		rc = json_object_get(j, "servers") != NULL ? take_roots(s, j, base, err) : take_manifest(s, j, base, err);
		if (rc != RC_OK && err->kind == ERR_PROTOCOL) {
			s->state = "unsupported";
			err_advise(err, "ask the sender for a DICOM Link Exchange (DLX) link or a ZIP");
		}
	}
	json_decref(j);
	hash_wipe_text(&base);
	return rc;
}
