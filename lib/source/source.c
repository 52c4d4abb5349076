#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/replay.h"
#include "source/link.h"
#include "source/ohif.h"
#include "source/session.h"
#include "source/shl.h"
#include "source/wadouri.h"
#include "source/weasis.h"

#define LOGIN_MAX	4096	/* bytes of user:password */

void
source_offer_free(struct source_offer *o)
{
	free(o->id);
	free(o->media);
	free(o->study_uid);
	free(o->modalities);
	free(o->description);
	free(o->patient_name);
	free(o->patient_id);
	free(o->patient_sex);
	free(o->accession);
	memset(o, 0, sizeof(*o));
}

void
source_question_free(struct source_question *q)
{
	free(q->id);
	free(q->type);
	free(q->text);
	memset(q, 0, sizeof(*q));
}

void
source_portal_free(struct source_portal *p)
{
	size_t i = 0;

	hash_wipe_text(&p->token);
	hash_wipe_text(&p->password);
	hash_wipe_text(&p->key);
	free(p->name);
	free(p->dicomweb);
	free(p->user);
	free(p->cert);
	for (i = 0; i < p->nallow; i++)
		free(p->allow[i]);
	free(p->allow);
	for (i = 0; i < p->nprefix; i++)
		free(p->prefix[i]);
	free(p->prefix);
	memset(p, 0, sizeof(*p));
}

int
source_new(struct source **out, const struct source_options *o, struct err *err)
{
	struct source *s = calloc(1, sizeof(*s));
	int rc = RC_OK;

	*out = NULL;
	if (s == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	s->o = *o;
	s->state = "";
	s->answers.max = (size_t)64 << 10;
	if (o->portal != NULL && o->portal->token != NULL)
		rc = redact_add_as(&s->secrets, "token", o->portal->token, err);
	if (rc == RC_OK && o->portal != NULL && o->portal->password != NULL)
		rc = redact_add_as(&s->secrets, "password", o->portal->password, err);
	if (rc == RC_OK)
		rc = http_open(&s->http, &o->http, err);
	if (rc == RC_OK && o->record &&
	    (rc = har_open(&s->har, o->har_fd, &s->secrets, o->step, o->step_arg, err)) == RC_OK)
		http_trace(s->http, har_exchange, s->har);
	if (rc != RC_OK)
		source_close(s);
	else
		*out = s;
	return rc;
}

void
source_close(struct source *s)
{
	size_t i = 0;

	if (s == NULL)
		return;
	if (s->ops != NULL && s->ops->close != NULL)
		s->ops->close(s);
	http_close(s->http);
	har_close(s->har);
	redact_free(&s->secrets);
	hash_wipe_text(&s->link);
	hash_wipe_text(&s->base);
	hash_wipe_text(&s->token);
	hash_wipe_text(&s->bearer);
	hash_wipe_text(&s->private);
	buf_wipe(&s->answers);
	for (i = 0; i < s->nquestions; i++)
		source_question_free(&s->questions[i]);
	free(s->questions);
	for (i = 0; i < s->noffers; i++)
		source_offer_free(&s->offers[i]);
	free(s->offers);
	for (i = 0; i < s->nhosts; i++)
		free(s->hosts[i]);
	free(s);
}

/* RFC 7617 */
int
source_basic(struct source *s, const char *user, const char *password, struct err *err)
{
	struct buf b = BUF_INIT((size_t)16 << 10), login = BUF_INIT(LOGIN_MAX);
	char *coded = NULL;
	int rc = buf_printf(&login, err, "%s:%s", user, password);

	if (rc == RC_OK && (coded = calloc(1, login.len / 3 * 4 + 8)) == NULL)
		rc = err_sys(err, ENOMEM, "cannot start a session");
	if (rc == RC_OK)
		(void)EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)login.data, (int)login.len);
	if (rc == RC_OK && (rc = redact_add(&s->secrets, coded, err)) == RC_OK)
		rc = buf_printf(&b, err, "Authorization: Basic %s", coded);
	hash_wipe_text(&s->private);
	if (rc == RC_OK && (s->private = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	hash_wipe_text(&coded);
	buf_wipe(&login);
	buf_wipe(&b);
	return rc;
}

/* Whose records these are stands in the list; a recording, which is made to be shown, says it nowhere. */
static void
hide_patient(struct source *s, const struct source_offer *o)
{
	struct err e = { 0 };

	if (s->har == NULL || redact_full(&s->secrets))
		return;
	(void)redact_add_as(&s->secrets, "name", o->patient_name, &e);
	(void)redact_add_as(&s->secrets, "patient", o->patient_id, &e);
	(void)redact_add_as(&s->secrets, "birth", o->patient_birth, &e);
	(void)redact_add_as(&s->secrets, "accession", o->accession, &e);
	(void)redact_add_as(&s->secrets, "study", o->study_uid, &e);
}

static void
hide_patients(struct source *s)
{
	size_t i = 0;

	for (i = 0; i < s->noffers; i++)
		hide_patient(s, &s->offers[i]);
}

const char *const *
source_private(const struct source *s, const char *out[SOURCE_TAGS_MAX + 2])
{
	size_t i = 0, n = 0;

	if (s->private != NULL)
		out[n++] = s->private;
	for (i = 0; i < s->ntags; i++)
		out[n++] = s->tags[i];
	out[n] = NULL;
	return n > 0 ? out : NULL;
}

int
source_add_offer(struct source *s, const struct source_offer *offer, struct err *err)
{
	struct source_offer *v = realloc(s->offers, (s->noffers + 1) * sizeof(*v)), gone = *offer;

	if (v == NULL) {
		source_offer_free(&gone);
		return err_sys(err, ENOMEM, "cannot hold the portal's list");
	}
	s->offers = v;
	s->offers[s->noffers++] = *offer;
	hide_patient(s, offer);	/* before the next page, which writes down this one */
	return RC_OK;
}

void
source_busy(struct source *s, int rc, const struct http_response *r)
{
	if (rc == RC_RETRY && (r->status == 503 || r->status == 429))
		s->state = r->status == 503 ? "busy" : "rate-limited";
}

int
source_failed(struct source *s, int rc, struct err *err)
{
	if (rc == RC_OK || s->state[0] != '\0')
		return rc;
	s->state = rc == RC_RETRY ? "network" : err->kind == ERR_DENIED ? "not-permitted" : "portal-changed";
	if (rc == RC_RETRY && err->advice[0] == '\0')
		err_advise(err, "look at the network; run the same later");
	return rc;
}

static int
named(struct source *s, const char *state, struct err *err, enum err_kind kind, const char *what, long status,
    const char *sentence, const char *advice)
{
	s->state = state;
	err_set(err, kind, "%s: %s (status %ld)", what, sentence, status);
	if (advice != NULL)
		err_advise(err, "%s", advice);
	return err_rc(kind);
}

int
source_status(struct source *s, const struct http_response *r, const char *what, struct err *err)
{
	long st = r->status;

	switch (st) {
	case 401:
		return named(s, "not-permitted", err, ERR_DENIED, what, st, "the portal wants a login",
		    "ask the sender for a link that needs none");
	case 402:
		return named(s, "payment-needed", err, ERR_DENIED, what, st, "the portal wants to be paid", NULL);
	case 403:
		return named(s, "expired", err, ERR_REFUSED, what, st, "refused; it has expired or was withdrawn",
		    "ask the sender for a new link");
	case 400:
	case 404:
		return named(s, "not-found", err, ERR_REFUSED, what, st, "the portal does not know it",
		    "check that the link is whole, or ask the sender for a new one");
	case 407:	/* without TLS it is the proxy that answers */
		return named(s, "not-permitted", err, ERR_DENIED, what, st, "the proxy wants a login",
		    "ask whoever runs the proxy for a login, and write it into [net] proxy");
	case 410:
		return named(s, "expired", err, ERR_REFUSED, what, st, "the portal has it no longer",
		    "ask the sender for a new link");
	case 423:
		return named(s, "locked", err, ERR_DENIED, what, st, "locked", "ask the sender to unlock it");
	case 202:
		return named(s, "not-yet-available", err, ERR_TEMP, what, st, "not ready yet", "run the same later");
	case 429:
		return named(s, "rate-limited", err, ERR_TEMP, what, st, "too many requests", "run the same later");
	case 503:
		return named(s, "busy", err, ERR_TEMP, what, st, "the portal is busy", "run the same later");
	default:
		break;
	}
	if (http_status_later(st))
		return named(s, "maintenance", err, ERR_TEMP, what, st, "the portal has a failure", "run the same later");
	return named(s, "portal-changed", err, ERR_PROTOCOL, what, st, "an answer that nobody expects", NULL);
}

/* The first character that is not blank or a byte order mark. */
static bool
looks_like_json(const struct buf *b)
{
	size_t i = b->len >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (i < b->len && strchr(" \t\r\n", b->data[i]) != NULL)
		i++;
	return i < b->len && (b->data[i] == '{' || b->data[i] == '[');
}

/* The end of a step that was begun with har_begin(). */
static int
ended(struct source *s, int rc, struct err *err)
{
	int verdict = s->o.http.replay != NULL ? replay_verdict(s->o.http.replay, err) : RC_OK;

	rc = source_failed(s, verdict != RC_OK ? verdict : rc, err);
	hide_patients(s);
	har_end(s->har, source_kind_name(source_kind(s)), s->state, rc != RC_OK ? err : NULL);
	return rc;
}

int
source_look(struct source *s, const char *link, bool look, const struct source_output *out, struct err *err)
{
	static const char *const headers[] = {
		"X-DICOM-LINK-EXCHANGE: 1",
		"Accept: application/json, application/zip, application/dicom, application/pdf;q=0.9, */*;q=0.1",
		NULL
	};
	struct source_offer offer = { .files = -1 };
	struct http_response resp = { 0 };
	struct http_request req = { .method = "GET", .headers = headers };
	struct http_sink sink;
	struct receiver *r = calloc(1, sizeof(*r));
	char *manifest = NULL, *object = NULL;
	bool listed = false;
	int rc = RC_OK;

	if (r == NULL)
		return err_sys(err, ENOMEM, "cannot start a session");
	har_begin(s->har, "look", 0);
	if ((rc = receiver_init(r, err)) != RC_OK || (rc = link_check(link, err)) != RC_OK) {
		s->state = "unsupported";
		goto out;
	}
	if ((s->link = text_dup(link, err)) == NULL) {
		rc = err_rc(err->kind);
		goto out;
	}
	if ((rc = redact_add_as(&s->secrets, "link", link, err)) != RC_OK)
		goto out;
	if (shl_payload(link) != NULL) {
		rc = shl_recognise(s, link, err);
		goto out;
	}
	if ((rc = ohif_address(link, &manifest, err)) != RC_OK || manifest != NULL) {
		if (rc == RC_OK)
			rc = ohif_recognise(s, manifest, err);
		goto out;
	}
	if ((rc = wadouri_address(link, &object, err)) != RC_OK)
		goto out;
	r->out = out;
	r->offer = &offer;
	r->look = look;
	r->pages = true;
	receiver_sink(r, &sink);
	req.url = object != NULL ? object : link;
	req.sink = &sink;
	req.wait_of = dlx_wait_of;
	req.progress = s->o.progress;
	req.progress_arg = s->o.progress_arg;
	rc = http_perform(s->http, &req, &resp, err);
	if (rc != RC_OK && r->stopped) {	/* it is the file itself, and only a look was asked for */
		err_clear(err);
		rc = direct_recognise(s, r, err);
		goto out;
	}
	if (rc != RC_OK && source_absent(s, &r->p)) {
		err_clear(err);
		rc = direct_recognise(s, r, err);
		goto out;
	}
	source_busy(s, rc, &resp);
	if (rc != RC_OK)
		goto out;
	if (resp.status < 200 || resp.status >= 300 || resp.status == 202)
		rc = direct_status(s, &resp, err);
	else if (r->packaged)
		rc = direct_recognise(s, r, err);
	else if (weasis_is(r->page.data, r->page.len))
		rc = weasis_recognise(s, r->page.data, r->page.len, err);
	else if (looks_like_json(&r->page) &&
	    ((rc = ohif_take(s, r->page.data, r->page.len, resp.url, &listed, err)) != RC_OK || listed))
		goto out;
	else if (looks_like_json(&r->page))
		rc = dlx_recognise(s, r->page.data, r->page.len, resp.url, err);
	else
		rc = direct_refuse(s, r->p.media, r->page.data, r->page.len, err);
out:
	hash_wipe_text(&manifest);
	hash_wipe_text(&object);
	receiver_free(r);
	free(r);
	http_response_free(&resp);
	return ended(s, rc, err);
}

const char *
source_kind_name(enum source_kind k)
{
	static const char *const names[SOURCE_KINDS] = { "", "dlx", "direct", "dicomweb", "shl", "recipe", "weasis" };

	return k < SOURCE_KINDS ? names[k] : "";
}

enum source_kind
source_kind(const struct source *s)
{
	return s->ops != NULL ? s->ops->kind : SOURCE_NONE;
}

const struct source_question *
source_questions(const struct source *s, size_t *n)
{
	*n = s->nquestions;
	return s->questions;
}

/* The word in the tag of an answer. */
static const char *
kind_of_answer(const char *type)
{
	return strcmp(type, "PAT_BIRTH_DATE") == 0 ? "birth" : strcmp(type, "STUDY_DATE") == 0 ? "date" :
	    strcmp(type, "PASSWORD") == 0 ? "password" : "code";
}

int
source_login(struct source *s, const char *const *answers, struct err *err)
{
	size_t i = 0;
	int rc = RC_OK;

	if (s->ops == NULL || s->ops->login == NULL)
		return RC_OK;
	har_begin(s->har, "login", 0);
	for (i = 0; i < s->nquestions && rc == RC_OK; i++)
		rc = redact_add_as(&s->secrets, kind_of_answer(s->questions[i].type), answers[i], err);
	rc = rc == RC_OK ? s->ops->login(s, answers, err) : rc;
	return ended(s, rc, err);
}

int
source_list(struct source *s, struct err *err)
{
	if (s->ops == NULL || s->ops->list == NULL)
		return RC_OK;
	har_begin(s->har, "list", 0);
	return ended(s, s->ops->list(s, err), err);
}

const struct source_offer *
source_offers(const struct source *s, size_t *n)
{
	*n = s->noffers;
	return s->offers;
}

void
source_want_all(struct source *s)
{
	s->all = true;
}

int
source_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	int rc = RC_OK;

	memset(p, 0, sizeof(*p));
	if (i >= s->noffers)
		return err_set(err, ERR_INTERNAL, "no offer %zu in the list", i + 1);
	s->state = "";
	har_begin(s->har, "fetch", i + 1);
	if ((rc = s->ops->fetch(s, i, out, p, err)) != RC_OK && source_absent(s, p)) {
		err_clear(err);
		s->state = "";
		rc = RC_OK;
	}
	s->all = false;
	return ended(s, rc, err);
}

int
source_hide(struct source *s, const char *name, const char *id, const char *birth, struct err *err)
{
	int rc = name != NULL ? redact_add_name(&s->secrets, "name", name, err) : RC_OK;

	if (rc == RC_OK && (rc = redact_add_as(&s->secrets, "patient", id, err)) == RC_OK)
		rc = redact_add_as(&s->secrets, "birth", birth, err);
	return rc;
}

const char *
source_state(const struct source *s)
{
	return s->state;
}

void
source_redact(const struct source *s, struct err *err)
{
	redact_err(&s->secrets, err);
}

unsigned
source_requests(const struct source *s)
{
	return http_requests(s->http);
}
