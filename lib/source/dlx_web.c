#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/dicomweb.h"
#include "source/dlx.h"
#include "source/dlx_web.h"
#include "source/hosts.h"

struct dlx_web {
	bool asked;			/* what the portal can do */
	bool off;			/* it does not work there */
	bool came;			/* a study did */
	bool over;			/* the second login was refused: no other way helps */
	char *wado, *qido;		/* NULL: none */
};

int
dlx_web_new(struct source *s, struct err *err)
{
	s->own = calloc(1, sizeof(struct dlx_web));
	return s->own == NULL ? err_sys(err, ENOMEM, "cannot start a session") : RC_OK;
}

void
dlx_web_free(struct source *s)
{
	struct dlx_web *w = s->own;

	if (w != NULL) {
		hash_wipe_text(&w->wado);
		hash_wipe_text(&w->qido);
	}
	free(w);
	s->own = NULL;
}

static void
say(struct source *s, const char *what)
{
	if (s->o.step != NULL)
		s->o.step(s->o.step_arg, what);
}

/* A root as the portal names it, made absolute; dropped where the bearer may not go there. */
static int
take_root(struct source *s, char **root, struct err *err)
{
	char *named = *root, *full = NULL;
	size_t n = 0;
	int rc = RC_OK;

	*root = NULL;
	if (named == NULL)
		return RC_OK;
	if ((rc = url_resolve(s->base, named, &full, err)) == RC_OK && strpbrk(full, "?#") == NULL) {
		if (hosts_trusted(s, full) && (rc = source_add_host(s, full, err)) == RC_OK) {
			for (n = strlen(full); n > 0 && full[n - 1] == '/';)
				full[--n] = '\0';
			*root = full;
			full = NULL;
		} else if (rc == RC_OK) {
			say(s, "its DICOMweb is at another host, which gets no bearer: not used");
		}
	}
	hash_wipe_text(&full);
	hash_wipe_text(&named);
	return rc;
}

/* Once. Whatever fails here leaves the download, which tells what is wrong. */
static void
ask(struct source *s, struct dlx_web *w)
{
	struct http_response resp = { 0 };
	struct err err = { 0 };
	json_t *j = NULL;

	w->asked = true;
	if (dlx_get(s, "api_info", NULL, NULL, "what the portal can do", &resp, &err) == RC_OK &&
	    json_parse(resp.body.data != NULL ? resp.body.data : "", resp.body.len, &j, &err) == RC_OK &&
	    dlx_parse_roots(j, &w->wado, &w->qido, &err) == RC_OK && take_root(s, &w->wado, &err) == RC_OK)
		(void)take_root(s, &w->qido, &err);
	json_decref(j);
	http_response_free(&resp);
	s->state = "";
}

/* A study of its own: one DICOM file, a paper, or a part of a study is what /download gives. */
static bool
is_study(const struct source *s, const struct source_offer *o)
{
	size_t i = 0, same = 0;

	if (o->document || o->study_uid == NULL || strcasecmp(o->media, "application/dicom") == 0)
		return false;
	for (i = 0; i < s->noffers; i++)
		same += !s->offers[i].document && s->offers[i].study_uid != NULL &&
		    strcmp(s->offers[i].study_uid, o->study_uid) == 0;
	return same == 1;
}

/* After a 401. A server that never took the bearer would not take the next one either. */
static int
renew(struct source *s, struct err *err)
{
	struct dlx_web *w = s->own;
	int rc = RC_OK;

	if (!s->taken)
		return err_set(err, ERR_DENIED, "its DICOMweb does not take the bearer");
	if (s->again) {
		s->state = "session-lost";
		err_set(err, ERR_TEMP, "the study: the portal ended the session");
		err_advise(err, "run the same later");
		return RC_RETRY;
	}
	rc = dlx_login_again(s, err);
	w->over = rc != RC_OK;
	return rc;
}

/* Is the download worth a try? Not where it would meet the same: a portal that is busy, a session that is over, a
 * person who stops, our own disk. */
static bool
other_way(const struct source *s, const struct dlx_web *w, const struct err *err)
{
	if (w->over || http_cancelled(s->http) || strcmp(s->state, "busy") == 0 || strcmp(s->state, "rate-limited") == 0 ||
	    strcmp(s->state, "session-lost") == 0)
		return false;
	return err->kind == ERR_REFUSED || err->kind == ERR_DENIED || err->kind == ERR_PROTOCOL || err->kind == ERR_TEMP;
}

int
dlx_web_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, bool *done,
    struct err *err)
{
	struct dlx_web *w = s->own;
	struct source_offer offer = s->offers[i];
	int rc = RC_OK;

	*done = false;
	if (w == NULL || w->off || !is_study(s, &offer))
		return RC_OK;
	if (!w->asked)
		ask(s, w);
	if ((w->off = w->wado == NULL))
		return RC_OK;
	offer.files = -1;	/* it counts the files of the ZIP, papers and all */
	s->renew = renew;
	rc = dicomweb_study(s, w->wado, w->qido, &offer, out, p, err);
	s->renew = NULL;
	w->came = w->came || rc == RC_OK;
	*done = rc == RC_OK || !other_way(s, w, err);
	if (!*done) {
		say(s, "its DICOMweb does not give the study: downloaded instead");
		w->off = !w->came;
		err_clear(err);
		memset(p, 0, sizeof(*p));
		s->state = "";
	}
	return *done ? rc : RC_OK;
}
