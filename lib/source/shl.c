/*
 * SMART Health Links, the requests. The link says how: with flag U its address gives the one file, else a POST gives a
 * list of files, each in it or at an address of its own that may be used once. Files are encrypted with the link's key;
 * they are opened in memory, so that their patient can be compared with the order before anything is written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "source/dicomweb.h"
#include "source/session.h"
#include "source/shl.h"

#define EMBEDDED_MAX	(1 << 20)	/* what the server may put into its list: characters of one file */
#define WITHIN_MAX	((size_t)16 << 20)	/* of the list with these */

struct shl {
	struct shl_link link;
	struct shl_manifest manifest;
	char *base;			/* of locations that are relative: where the list came from */
	struct shl_docs docs;		/* by number as the offers; their texts are there */
};

static const char *
recipient(const struct source *s)
{
	return s->o.recipient != NULL && s->o.recipient[0] != '\0' ? s->o.recipient : "mri-tools";
}

/* The specification has one status for all that is over. */
static int
inactive(struct source *s, const struct shl *o, struct err *err)
{
	bool over = o->link.exp >= 0 && o->link.exp < (long long)time_now();

	/* with a passcode it says nothing about that: "expired" would be remembered as a right one */
	s->state = over && !o->link.passcode ? "expired" : "used-up";
	err_set(err, ERR_REFUSED, "the link is not active any longer: %s", over ? "it has expired" :
	    o->link.passcode ? "it was used up or withdrawn, or wrong passcodes have locked it" :
	    "it was used up, withdrawn or has expired");
	err_advise(err, "ask the sender for a new link");
	return err_rc(ERR_REFUSED);
}

static int
wrong_passcode(struct source *s, const struct http_response *r, struct err *err)
{
	long left = shl_attempts(r->body.data, r->body.len);

	s->state = "credentials-wrong";
	if (left < 0)
		err_set(err, ERR_DENIED, "the server refuses the passcode (status %ld)", r->status);
	else
		err_set(err, ERR_DENIED, "the server refuses the passcode; attempts left: %ld", left);
	err_advise(err, left == 0 ? "ask the sender for a new link" :
	    "ask the sender for the passcode; this one is not sent again, and some servers lock the link for good");
	return err_rc(ERR_DENIED);
}

static int
status_of(struct source *s, const struct shl *o, const struct http_response *r, const char *what, struct err *err)
{
	int rc = RC_OK;

	if (r->status == 404 || r->status == 410)
		return inactive(s, o, err);
	if ((r->status == 401 || r->status == 403) && o->link.passcode)
		return wrong_passcode(s, r, err);
	rc = source_status(s, r, what, err);
	if (r->status == 429 && r->retry_after > 0)
		err_advise(err, "run the same again after %ld seconds", r->retry_after);
	return rc;
}

static int
post(struct source *s, struct shl *o, const char *passcode, struct err *err)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	struct http_response resp = { 0 };
	struct buf body = BUF_INIT((size_t)16 << 10);
	struct http_request req = { .method = "POST", .headers = headers, .url = o->link.url,
	    .body_type = "application/json", .once = passcode != NULL, .max = WITHIN_MAX };
	json_t *j = json_make(err, "{s:s, s:s*, s:i}", "recipient", recipient(s), "passcode", passcode,
	    "embeddedLengthMax", EMBEDDED_MAX);
	int rc = j == NULL ? err_rc(err->kind) : json_write(j, &body, err);

	json_decref(j);
	if (rc != RC_OK)
		goto out;
	req.body = body.data;
	req.body_len = body.len;
	rc = http_perform(s->http, &req, &resp, err);
	source_busy(s, rc, &resp);
	if (rc != RC_OK)
		goto out;
	if (resp.status < 200 || resp.status >= 300) {
		rc = status_of(s, o, &resp, "the link", err);
		goto out;
	}
	rc = shl_manifest_parse(resp.body.data != NULL ? resp.body.data : "", resp.body.len, &o->manifest, err);
	if (rc == RC_OK && (o->base = text_dup(resp.url, err)) == NULL)
		rc = err_rc(err->kind);
out:
	http_response_free(&resp);
	buf_wipe(&body);
	return rc;
}

static int
shl_login(struct source *s, const char *const *answers, struct err *err)
{
	struct shl *o = s->own;

	return o->link.passcode ? post(s, o, answers[0], err) : RC_OK;
}

/* Opens what came, and lists what is in it. Takes the bytes. */
static int
open_file(struct shl *o, const char *type, const char *text, size_t n, struct err *err)
{
	struct buf plain = BUF_INIT(SHL_PLAIN_MAX);
	char cty[128];
	int rc = jwe_decrypt(text, n, o->link.key, &plain, cty, err);

	if (rc == RC_OK)
		return shl_contents(type[0] != '\0' ? type : cty, &plain, &o->docs, err);
	buf_wipe(&plain);
	return rc;
}

static int
get(struct source *s, struct shl *o, const char *url, const char *type, bool once, struct err *err)
{
	static const char *const headers[] = { "Accept: application/jose, */*;q=0.1", NULL };
	struct http_response resp = { 0 };
	struct http_request req = { .method = "GET", .url = url, .headers = headers, .once = once, .max = SHL_JWE_MAX,
	    .progress = s->o.progress, .progress_arg = s->o.progress_arg };
	int rc = redact_add(&s->secrets, url, err);

	if (rc == RC_OK)
		rc = http_perform(s->http, &req, &resp, err);
	source_busy(s, rc, &resp);
	if (rc != RC_OK) {
		;
	} else if (once && (resp.status == 401 || resp.status == 403 || resp.status == 404 || resp.status == 410)) {
		s->state = "session-lost";
		rc = err_set(err, ERR_TEMP, "the address of a file was used before, or its time is over (status %ld)",
		    resp.status);
		err_advise(err, "run the same later: the link's list then gives a new one");
	} else if (resp.status < 200 || resp.status >= 300 || resp.status == 202) {
		rc = status_of(s, o, &resp, once ? "a file of the link" : "the link", err);
	} else {
		rc = open_file(o, type, resp.body.data != NULL ? resp.body.data : "", resp.body.len, err);
		if (rc != RC_OK && resp.end == HTTP_END_CUT) {
			s->state = "network";
			rc = err_set(err, ERR_TEMP, "a file of the link did not come whole: the connection was cut");
		}
	}
	http_response_free(&resp);
	return rc;
}

/* The address of a link with flag U, with who asks: url?recipient=… */
static int
get_direct(struct source *s, struct shl *o, struct err *err)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	const char *c = NULL;
	struct buf b = BUF_INIT((size_t)16 << 10);
	int rc = buf_printf(&b, err, "%s%crecipient=", o->link.url, strchr(o->link.url, '?') != NULL ? '&' : '?');

	for (c = recipient(s); rc == RC_OK && *c != '\0'; c++)
		rc = strchr(plain, *c) != NULL ? buf_add(&b, c, 1, err) : buf_printf(&b, err, "%%%02X", (unsigned char)*c);
	if (rc == RC_OK)
		rc = get(s, o, b.data, "", false, err);
	buf_wipe(&b);
	return rc;
}

static int
get_files(struct source *s, struct shl *o, struct err *err)
{
	struct shl_file *f = NULL;
	char *url = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; rc == RC_OK && i < o->manifest.n; i++) {
		f = &o->manifest.v[i];
		if (f->embedded != NULL) {
			rc = open_file(o, f->type, f->embedded, strlen(f->embedded), err);
			hash_wipe(f->embedded, strlen(f->embedded));
			free(f->embedded);
			f->embedded = NULL;
			continue;
		}
		if ((rc = url_resolve(o->base, f->location, &url, err)) != RC_OK)
			break;
		rc = get(s, o, url, f->type, true, err);
		hash_wipe(url, strlen(url));
		free(url);
	}
	return rc;
}

/* What can be had comes first, each once; what lies elsewhere last. */
static int
offer_all(struct source *s, struct shl *o, struct err *err)
{
	struct shl_docs sorted = { 0 };
	struct shl_doc *d = NULL;
	size_t i = 0, k = 0;
	int pass = 0, rc = RC_OK;

	if (o->docs.n == 0) {
		s->state = "not-yet-available";
		err_set(err, ERR_REFUSED, "there are no files behind the link");
		err_advise(err, "ask the sender whether they were released");
		return err_rc(ERR_REFUSED);
	}
	if ((sorted.v = calloc(o->docs.n, sizeof(*sorted.v))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold what the link offers");
	for (pass = 0; rc == RC_OK && pass < 2; pass++)
		for (i = 0; rc == RC_OK && i < o->docs.n; i++) {
			d = &o->docs.v[i];
			if (d->offer.id == NULL || (d->data == NULL) != (pass == 1))
				continue;
			for (k = 0; k < s->noffers && strcmp(s->offers[k].id, d->offer.id) != 0; k++)
				;
			if (k < s->noffers)
				continue;
			rc = source_add_offer(s, &d->offer, err);
			memset(&d->offer, 0, sizeof(d->offer));
			if (rc != RC_OK)
				break;
			sorted.bytes += d->len;
			sorted.v[sorted.n++] = *d;
			memset(d, 0, sizeof(*d));
		}
	shl_docs_free(&o->docs);
	o->docs = sorted;
	return rc;
}

static int
shl_list(struct source *s, struct err *err)
{
	struct shl *o = s->own;
	int rc = RC_OK;

	if (!o->link.direct && !o->link.passcode)
		rc = post(s, o, NULL, err);
	if (rc == RC_OK)
		rc = o->link.direct ? get_direct(s, o, err) : get_files(s, o, err);
	shl_manifest_free(&o->manifest);
	return rc != RC_OK ? rc : offer_all(s, o, err);
}

static int
elsewhere(struct source *s, const struct shl_doc *d, size_t i, struct err *err)
{
	bool study = s->offers[i].study_uid != NULL || d->endpoint != NULL;

	s->state = "unsupported";
	err_set(err, ERR_PROTOCOL, "entry %zu of the link is %s, and is not fetched", i + 1, d->elsewhere);
	err_advise(err, study ? "ask the sender for a DICOM Link Exchange (DLX) link or a ZIP of the study" :
	    "ask the sender for the document itself");
	return err_rc(ERR_PROTOCOL);
}

static int
shl_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	const struct shl *o = s->own;
	const struct shl_doc *d = &o->docs.v[i];
	struct stream *to = NULL;
	int rc = RC_OK;

	/* of the place only its address is known: no token goes there */
	if (d->data == NULL && d->endpoint != NULL && s->offers[i].study_uid != NULL)
		return dicomweb_study(s, d->endpoint, NULL, &s->offers[i], out, p, err);
	if (d->data == NULL)
		return elsewhere(s, d, i, err);
	p->media = sniff(d->data, d->len);
	p->media = p->media == MEDIA_UNKNOWN ? MEDIA_TEXT : p->media;
	p->bytes = d->len;
	p->plausible = true;	/* its tag, or that of the file it was in, was checked */
	text_copy(p->type, sizeof(p->type), s->offers[i].media);
	if ((rc = hash_hex(d->data, d->len, p->sha256, err)) != RC_OK ||
	    (rc = out->begin(out->arg, &s->offers[i], p->media, &to, err)) != RC_OK)
		return rc;
	if ((rc = stream_write(to, d->data, d->len, err)) == RC_OK)
		rc = stream_commit(to, err);
	stream_close(to);
	return rc;
}

static void
shl_close(struct source *s)
{
	struct shl *o = s->own;

	shl_link_free(&o->link);
	shl_manifest_free(&o->manifest);
	shl_docs_free(&o->docs);
	if (o->base != NULL)
		hash_wipe(o->base, strlen(o->base));
	free(o->base);
	free(o);
	s->own = NULL;
}

static const struct source_ops shl_ops = { SOURCE_SHL, shl_login, shl_list, shl_fetch, shl_close };

static int
add_question(struct source *s, struct err *err)
{
	struct source_question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_sys(err, ENOMEM, "cannot ask for the passcode");
	s->questions = q;
	s->nquestions = 1;
	if ((q->id = text_dup("passcode", err)) == NULL || (q->type = text_dup("PASSWORD", err)) == NULL ||
	    (q->text = text_dup("Passcode of the SMART Health Link", err)) == NULL)
		return err_rc(err->kind);
	return RC_OK;
}

int
shl_recognise(struct source *s, const char *link, struct err *err)
{
	struct shl *o = calloc(1, sizeof(*o));
	int rc = RC_OK;

	if (o == NULL)
		return err_sys(err, ENOMEM, "cannot read the link");
	s->own = o;
	s->ops = &shl_ops;
	if ((rc = shl_link_parse(link, &o->link, err)) != RC_OK) {
		s->state = "unsupported";
		return rc;
	}
	if ((rc = redact_add(&s->secrets, shl_payload(link), err)) != RC_OK ||
	    (rc = redact_add(&s->secrets, o->link.url, err)) != RC_OK)
		return rc;
	return o->link.passcode ? add_question(s, err) : RC_OK;
}
