#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/bundle.h"
#include "source/lanes.h"
#include "source/multipart.h"
#include "source/retrieve.h"

#define ACCEPT_STUDY	"Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*"
#define FAILURES_MAX	3	/* one after the other: the next ones will fail too */
#define BULK_MAX	3	/* where nobody says what there is, only a repetition can complete it */
#define ONE_TRIES	3
#define RENEWALS_MAX	50	/* of one session: a token that lives a minute, and a study that takes an hour */

struct job {
	struct source *s;
	const struct retrieve *r;
	struct bundle *bundle;
	struct multipart *parts;
	const char *asked;		/* UID, NULL: any */
	bool inside;			/* an object is under way */
	bool single;			/* the answer is one object */
	bool whole;			/* its end came */
	bool lost;			/* what was written is void */
	bool ours;			/* the sink failed: no other attempt helps */
	long status;
	size_t bad;			/* parts that are no object */
	struct err bad_err;
};

int
retrieve_get(struct source *s, const char *url, const char *accept, const struct http_sink *sink, unsigned tries,
    bool soon, struct http_response *resp, struct err *err)
{
	const char *headers[] = { accept, NULL };
	const char *private[SOURCE_TAGS_MAX + 2];
	struct http_request req = { .method = "GET", .url = url, .headers = headers, .sink = sink, .tries = tries,
	    .soon = soon, .private = source_private(s, private),
	    .bearer_hosts = (const char *const *)s->hosts, .nbearer_hosts = s->nhosts };
	char *before = NULL;
	bool renewed = false, same = false;
	int rc = RC_OK;

	for (;;) {
		req.bearer = s->bearer;
		rc = http_perform(s->http, &req, resp, err);
		source_busy(s, rc, resp);
		s->taken = s->taken || (rc == RC_OK && resp->status >= 200 && resp->status < 300);
		if (rc != RC_OK || resp->status != 401 || renewed || s->renew == NULL || s->renewals >= RENEWALS_MAX)
			return rc;
		renewed = true;
		s->renewals++;
		if (s->bearer != NULL && (before = text_dup(s->bearer, err)) == NULL)
			return err_rc(err->kind);
		rc = s->renew(s, err);
		same = rc == RC_OK && before != NULL && strcmp(before, s->bearer) == 0;
		hash_wipe_text(&before);
		if (rc != RC_OK || same)	/* the one that was refused is not sent again */
			return rc;
		http_response_free(resp);
	}
}

static void
drop(struct job *j)
{
	if (j->inside && !bundle_drop(j->bundle)) {
		j->lost = true;
		bundle_again(j->bundle);
	}
	j->inside = false;
	multipart_free(j->parts);
	j->parts = NULL;
}

static int
on_part(void *arg, const char *type, struct err *err)
{
	struct job *j = arg;

	(void)type;	/* the bytes say what it is */
	j->inside = true;
	return bundle_object(j->bundle, err);
}

static int
on_data(void *arg, const void *data, size_t n, struct err *err)
{
	struct job *j = arg;

	return bundle_data(j->bundle, data, n, err);
}

/* A part that is no object is counted; the others go on. */
static int
on_end(void *arg, struct err *err)
{
	struct job *j = arg;
	int rc = bundle_done(j->bundle, j->asked, err);

	j->inside = false;
	if (rc != RC_OK && err->kind == ERR_PROTOCOL) {
		j->bad++;
		j->bad_err = *err;
		err_clear(err);
		rc = RC_OK;
	}
	if (j->s->o.progress != NULL)
		j->s->o.progress(j->s->o.progress_arg, bundle_bytes(j->bundle), -1);
	return rc;
}

static int
on_begin(void *arg, const struct http_response *resp, struct err *err)
{
	struct job *j = arg;
	struct multipart_ops ops = { on_part, on_data, on_end, j };
	char boundary[MULTIPART_BOUNDARY_MAX + 1];
	int rc = RC_OK;

	drop(j);
	j->status = resp->status;
	j->whole = false;
	j->single = !text_starts(resp->type, "multipart/");
	if (resp->status == 204)
		return RC_OK;
	if (j->single)
		return on_part(j, "", err);
	if ((rc = multipart_boundary(resp->full_type, boundary, err)) != RC_OK)
		return rc;
	return multipart_open(&j->parts, boundary, &ops, err);
}

static int
on_write(void *arg, const void *data, size_t n, struct err *err)
{
	struct job *j = arg;
	int rc = j->single ? on_data(j, data, n, err) : multipart_feed(j->parts, data, n, err);

	j->ours = rc != RC_OK && err->kind != ERR_PROTOCOL;
	return rc;
}

static int
on_complete(void *arg, const struct http_response *resp, struct err *err)
{
	struct job *j = arg;
	int rc = RC_OK;

	if (resp->status == 204)
		j->whole = true;
	else if (!j->single)
		j->whole = multipart_closed(j->parts);
	else if (resp->end != HTTP_END_CUT) {	/* one object has no mark at its end */
		j->whole = true;
		rc = on_end(j, err);
		j->ours = rc != RC_OK;
	}
	return rc;
}

/* One answer into the package. RC_OK: it came, of whatever status; j->whole says whether to its end. */
static int
take(struct job *j, const char *url, const char *accept, unsigned tries, struct http_response *resp, struct err *err)
{
	struct http_sink sink = { .begin = on_begin, .write = on_write, .complete = on_complete, .arg = j };
	int rc = RC_OK;

	j->whole = j->lost = false;
	j->status = 0;
	rc = retrieve_get(j->s, url, accept, &sink, tries, j->asked != NULL, resp, err);
	if (rc == RC_OK)
		j->status = resp->status;
	drop(j);
	return rc;
}

/* What ends everything: our own disk, a person who stops. What the portal refuses costs that object. */
static bool
fatal(const struct job *j, int rc, const struct err *err)
{
	return rc != RC_OK && (j->ours || http_cancelled(j->s->http) || (err->kind != ERR_TEMP &&
	    err->kind != ERR_PROTOCOL && err->kind != ERR_REFUSED && err->kind != ERR_DENIED));
}

static int
refused(struct job *j, const struct http_response *resp, const char *what, struct err *err)
{
	struct source *s = j->s;

	if (resp->status == 401 && (s->bearer != NULL || s->private != NULL || s->ntags > 0)) {
		s->state = bundle_bytes(j->bundle) > 0 ? "session-lost" : "credentials-wrong";
		err_set(err, bundle_bytes(j->bundle) > 0 ? ERR_TEMP : ERR_DENIED,
		    "%s: the portal does not take the token or password (status 401)", what);
		err_advise(err, "get a new one, and run the same again");
		return err_rc(err->kind);
	}
	if (resp->status == 403) {
		s->state = "not-permitted";
		err_set(err, ERR_DENIED, "%s: the portal does not permit it (status 403)", what);
		err_advise(err, "ask the sender to release it");
		return err_rc(ERR_DENIED);
	}
	return source_status(s, resp, what, err);
}

static size_t
missing(const struct instances *t)
{
	return t->listed - t->listed_got;
}

/* The whole study at once. Where nobody says what there is, again as long as it brings more. */
static int
bulk(struct job *j, struct err *err)
{
	struct http_response resp = { 0 };
	size_t before = 0;
	unsigned n = 0;
	int rc = RC_OK;

	for (n = 1;; n++) {
		before = j->r->list->got;
		err_clear(err);
		rc = take(j, j->r->bulk, ACCEPT_STUDY, 1, &resp, err);
		if (rc == RC_OK && (resp.status < 200 || resp.status >= 300 || resp.status == 202))
			rc = refused(j, &resp, "the study", err);
		else if (rc == RC_OK && !j->whole)
			rc = err_set(err, ERR_TEMP, "the answer ends before its closing boundary");
		http_response_free(&resp);
		if (rc == RC_OK || fatal(j, rc, err) || err->kind != ERR_TEMP || j->r->list->listed > 0)
			return rc;
		/* a lost package began anew: that is no standing still, but it is counted */
		if (n >= BULK_MAX || (!j->lost && n > 1 && j->r->list->got <= before))
			return rc;
	}
}

static int
one(struct job *j, struct instance *i, struct err *err)
{
	struct http_response resp = { 0 };
	char *url = NULL;
	int rc = RC_OK;

	j->asked = i->uid;
	if (i->url == NULL && (rc = j->r->url(j->r->arg, i, &url, err)) != RC_OK)
		return rc;
	rc = take(j, i->url != NULL ? i->url : url, i->url != NULL ? LANES_ACCEPT_URL : LANES_ACCEPT,
	    ONE_TRIES, &resp, err);
	if (rc == RC_OK && (resp.status < 200 || resp.status >= 300 || resp.status == 202))
		rc = refused(j, &resp, "an object", err);
	else if (rc == RC_OK && !i->got)
		rc = j->bad > 0 ? (*err = j->bad_err, err_rc(err->kind)) : !j->whole ?
		    err_set(err, ERR_TEMP, "an object was cut") :
		    err_set(err, ERR_PROTOCOL, "the portal sent nothing in place of an object");
	http_response_free(&resp);
	hash_wipe_text(&url);
	return rc;
}

/* An answer that came beside others, as if it came now. */
static int
take_held(void *arg, size_t i, const struct http_response *resp, struct err *err)
{
	struct job *j = arg;
	char uid[INSTANCE_UID];
	int rc = RC_OK;

	text_copy(uid, sizeof(uid), j->r->list->v[i].uid);
	j->asked = uid;
	if ((rc = on_begin(j, resp, err)) == RC_OK && (rc = on_write(j, resp->body.data, resp->body.len, err)) == RC_OK &&
	    (!j->single || resp->end == HTTP_END_PROVED))
		rc = on_complete(j, resp, err);
	drop(j);
	j->asked = NULL;
	j->bad = 0;	/* asked for once more, and counted then */
	return j->ours ? rc : RC_OK;
}

/* One by one what the portal lists and has not sent. Stops where one after the other fails. first: why the first one
 * is missing. *later: another run may bring more. */
static int
rest(struct job *j, struct err *first, bool *later)
{
	struct instances *t = j->r->list;
	struct lanes lanes = { .s = j->s, .r = j->r, .take = take_held, .arg = j };
	struct err err = { 0 };
	unsigned failures = 0;
	size_t i = 0;
	int rc = RC_OK;

	*later = false;
	for (i = 0; i < t->n && failures < FAILURES_MAX; i++) {
		if (t->v[i].listed && !t->v[i].got && failures == 0 && lanes_may(&lanes) &&
		    (rc = lanes_fetch(&lanes, i, first)) != RC_OK)
			return rc;
		if (!t->v[i].listed || t->v[i].got)
			continue;
		err_clear(&err);
		j->bad = 0;
		rc = one(j, &t->v[i], &err);
		if (j->lost && rc != RC_OK) {	/* all that came before went with it */
			*later = true;
			return err_set(first, ERR_TEMP, "a large object was cut, and with it what came before: %.200s", err.text);
		}
		failures = rc == RC_OK ? 0 : failures + 1;
		if (rc == RC_OK)
			continue;
		if (first->kind == ERR_NONE)
			*first = err;
		*later = *later || err.kind == ERR_TEMP;
		if (fatal(j, rc, &err)) {
			*first = err;
			return rc;
		}
	}
	return RC_OK;
}

static int
nothing(struct source *s, struct err *err)
{
	if (err->kind != ERR_NONE)
		return err_rc(err->kind);
	s->state = "not-found";
	err_set(err, ERR_REFUSED, "the portal has no object of this study");
	err_advise(err, "ask the sender whether it was released");
	return err_rc(ERR_REFUSED);
}

/* Whole, lacking for good (a reason), or not here yet (an error). */
static int
judge(struct job *j, const struct source_offer *offer, bool later, struct source_package *p, struct err *why)
{
	struct instances *t = j->r->list;
	size_t lack = missing(t), all = t->listed;
	struct err cause = *why;

	if (t->got == 0)
		return nothing(j->s, why);
	if (all == 0 && offer->files > 0 && t->got < (size_t)offer->files) {
		all = (size_t)offer->files;
		lack = all - t->got;
	}
	if (lack == 0 && (t->listed > 0 || (cause.kind == ERR_NONE && j->status != 206))) {
		p->plausible = true;
		err_clear(why);
		return RC_OK;
	}
	if (later && (lack > 0 || t->listed == 0)) {
		if (j->s->state[0] == '\0')
			j->s->state = "partial";
		if (lack > 0)
			err_set(why, ERR_TEMP, "%zu of %zu objects are missing: %.300s", lack, all, cause.text);
		else
			err_set(why, ERR_TEMP, "objects may be missing: %.300s", cause.text);
		err_advise(why, "%s", cause.advice[0] != '\0' ? cause.advice : "run the same later");
		return RC_RETRY;
	}
	if (lack > 0)
		snprintf(p->reason, sizeof(p->reason), "%zu of %zu objects are missing", lack, all);
	else
		snprintf(p->reason, sizeof(p->reason), "the portal says that objects are missing (status 206)");
	err_clear(why);
	return RC_OK;
}

int
retrieve_study(struct source *s, const struct retrieve *r, const struct source_offer *offer,
    const struct source_output *out, struct source_package *p, struct err *err)
{
	struct job j = { .s = s, .r = r };
	bool later = false;
	int rc = bundle_new(&j.bundle, out, offer, r->list, err);

	if (rc != RC_OK)
		return rc;
	if (r->bulk != NULL && (rc = bulk(&j, err)) != RC_OK) {
		later = err->kind == ERR_TEMP;
		if (fatal(&j, rc, err) && (j.ours || missing(r->list) == 0 || r->list->got == 0))
			goto out;
	}
	if (missing(r->list) > 0) {
		s->state = "";
		err_clear(err);	/* what the bulk lacked may come now */
		if ((rc = rest(&j, err, &later)) != RC_OK)
			goto out;
	}
	if (j.bad > 0 && err->kind == ERR_NONE)
		*err = j.bad_err;
	if ((rc = judge(&j, offer, later, p, err)) == RC_OK)
		rc = bundle_end(j.bundle, p, err);
	if (rc == RC_OK)
		s->state = "";
out:
	drop(&j);
	bundle_free(j.bundle);
	return rc;
}
