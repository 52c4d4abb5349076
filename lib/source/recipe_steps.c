/* The steps of a recipe, one after the other. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "http/har_secrets.h"
#include "http/jar.h"
#include "source/recipe_regex.h"
#include "source/recipe_session.h"

#define HOSTS_LIST_MAX	2048

void
recipe_tell(struct recipe_session *rs, const struct recipe_node *n, const char *fmt, ...)
{
	char text[512], line[600];
	va_list ap;

	if (rs->s->o.step == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "line %u <%s>: %s", n->line, recipe_tag_name(n->tag), text);
	redact_text(&rs->s->secrets, line, sizeof(line));
	rs->s->o.step(rs->s->o.step_arg, line);
}

int
recipe_set(struct recipe_session *rs, struct recipe_item *it, const char *name, const char *value, bool secret,
    bool json, struct err *err)
{
	char kind[REDACT_KIND_MAX];
	size_t i = 0, n = 0;

	for (i = 0; name[i] != '\0' && n + 1 < sizeof(kind); i++)
		if (name[i] >= 'a' && name[i] <= 'z')
			kind[n++] = name[i];
	kind[n] = '\0';
	/* a list of many hundred entries has more secrets than are kept: a recording then leaves bodies out (har.c) */
	if (secret && !redact_full(&rs->s->secrets) && redact_add_as(&rs->s->secrets, kind, value, err) != RC_OK)
		return err_rc(err->kind);
	return vars_set(&it->vars, name, value, json, err);
}

/* What was extracted is hidden by its kind, which says what may stand in its place when a recording is run again. Of an
 * address the tokens are: the page may have it in another spelling. */
static int
hide(struct recipe_session *rs, const char *type, const char *value, struct err *err)
{
	if (redact_full(&rs->s->secrets))
		return RC_OK;
	if (type != NULL && strcmp(type, "url") == 0) {
		har_hide_address(&rs->s->secrets, value);
		return RC_OK;
	}
	if (type != NULL && (strcmp(type, "uid") == 0 || strcmp(type, "date") == 0))
		return redact_add_as(&rs->s->secrets, strcmp(type, "uid") == 0 ? "study" : "date", value, err);
	return RC_OK;
}

/* Two are known to the rest of mri-fetch, from the order; of the others the name is the type: --factor code=@FILE. */
static const char *
question_type(const struct recipe_node *input)
{
	const char *name = recipe_attr(input, "name");
	bool date = strcmp(recipe_attr(input, "type"), "date") == 0;

	return date && strcmp(name, "birthdate") == 0 ? "PAT_BIRTH_DATE" : date && strcmp(name, "studydate") == 0 ?
	    "STUDY_DATE" : name;
}

int
recipe_question(const struct recipe_node *input, struct source_question *q, struct err *err)
{
	memset(q, 0, sizeof(*q));
	q->date = strcmp(recipe_attr(input, "type"), "date") == 0;
	if ((q->id = text_dup(recipe_attr(input, "name"), err)) == NULL ||
	    (q->type = text_dup(question_type(input), err)) == NULL ||
	    (q->text = text_dup(recipe_attr(input, "ask"), err)) == NULL) {
		source_question_free(q);
		return err_rc(err->kind);
	}
	return RC_OK;
}

int
recipe_set_input(struct recipe_session *rs, const struct recipe_node *input, const char *value, struct err *err)
{
	const char *pattern = recipe_attr(input, "pattern"), *name = recipe_attr(input, "name");
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *re = NULL;
	bool fits = true;
	int rc = RC_OK;

	if (rs->s->o.http.replay != NULL)	/* a recording has no answers: they are made up */
		pattern = NULL;
	if (pattern != NULL && (rc = recipe_regex_open(pattern, &re, err)) != RC_OK)
		return rc;
	if (re != NULL)
		fits = recipe_regex_match(re, value, at) && at[0].rm_so == 0 && value[at[0].rm_eo] == '\0';
	recipe_regex_free(re);
	if (!fits) {
		rs->s->state = "factor-needed";
		err_set(err, ERR_DENIED, "what was entered for \"%s\" has not the form that this portal wants; nothing was sent",
		    name);
		err_advise(err, "compare it with the letter");
		return err_rc(ERR_DENIED);
	}
	return recipe_set(rs, &rs->login, name, value, recipe_yes(input, "secret", true), false, err);
}

int
recipe_need(struct recipe_session *rs, const char *name, struct err *err)
{
	const struct recipe_node *input = recipe_input(rs->r, name);
	struct source_question q;
	char *answer = NULL;
	int rc = RC_OK;

	if (vars_get(&rs->login.vars, name) != NULL)
		return RC_OK;
	if ((rc = recipe_question(input, &q, err)) != RC_OK)
		return rc;
	if ((rc = recipe_ask_person(rs, &q, &answer, err)) == RC_OK)
		rc = recipe_set_input(rs, input, answer, err);
	source_question_free(&q);
	hash_wipe_text(&answer);
	return rc;
}

static int
changed(struct recipe_session *rs, const struct recipe_node *n, struct err *err, const char *what, const char *name)
{
	rs->s->state = "portal-changed";
	err_set(err, ERR_PROTOCOL, "<%s> in line %u of the recipe: %s%s%s", recipe_tag_name(n->tag), n->line, what,
	    name[0] != '\0' ? " " : "", name);
	err_advise(err, "the portal is no longer as the recipe describes it; --explain and --har show where");
	return err_rc(ERR_PROTOCOL);
}

/* The value as its type wants it; *out NULL: it is none of that type. */
static int
typed(const struct recipe_at *at, const char *type, const char *value, char **out, struct err *err)
{
	char date[9];
	uint64_t n = 0;
	int rc = RC_OK;

	*out = NULL;
	if (type != NULL && strcmp(type, "url") == 0) {
		rc = url_resolve(at->page->url, value, out, err);
		if (rc == RC_FAILED) {
			err_clear(err);
			rc = RC_OK;
		}
		return rc;
	}
	if (type != NULL && strcmp(type, "date") == 0) {
		if (!recipe_date(value, date))
			return RC_OK;
		value = date;
	} else if (type != NULL && ((strcmp(type, "int") == 0 && !text_u64(value, UINT64_MAX / 2, &n)) ||
	    (strcmp(type, "uid") == 0 && !text_is_uid(value)))) {
		return RC_OK;
	}
	return (*out = text_dup(value, err)) == NULL ? err_rc(err->kind) : RC_OK;
}

/* RFC 7519 4.1.4: "exp" of the middle part, in seconds of Unix time. */
static int64_t
jwt_expires(const char *jwt)
{
	const char *p = strchr(jwt, '.');
	size_t n = p != NULL ? strcspn(p + 1, ".") : 0, len = 0;
	char *plain = calloc(1, BASE64_SIZE(n) + 1);
	struct err e = { 0 };
	json_t *j = NULL;
	int64_t at = 0;

	if (plain != NULL && n > 0 && base64_decode(BASE64_URL, p + 1, n, plain, &len) &&
	    json_parse(plain, len, &j, &e) == RC_OK && json_is_integer(json_object_get(j, "exp")))
		at = json_integer_value(json_object_get(j, "exp"));
	json_decref(j);
	free(plain);
	return at;
}

/* What may be said of a value: UIDs, dates and links stand in no message. */
static const char *
sayable(const char *type, const char *value, bool secret, char *to, size_t cap)
{
	struct err err = { 0 };
	struct url u;

	if (value == NULL || secret)
		return value == NULL ? "nothing" : "(secret)";
	if (type != NULL && (strcmp(type, "uid") == 0 || strcmp(type, "date") == 0))
		return type[0] == 'u' ? "a UID" : "a date";
	if (type == NULL || strcmp(type, "url") != 0)
		return text_escape(to, cap, value, strlen(value));
	if (url_parse(value, &u, &err) != RC_OK)
		return "an address";
	snprintf(to, cap, "an address at %s", u.host);
	url_free(&u);
	return to;
}

static int
extract(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const char *name = recipe_attr(n, "name"), *type = recipe_attr(n, "type");
	bool required = recipe_yes(n, "required", true), told = recipe_yes(n, "secret", false),
	    secret = told || recipe_private(rs->r, name), is_url = type != NULL && strcmp(type, "url") == 0;
	/* a long list must not take the place of tokens that come later; records leave its pages out then */
	bool room = rs->s->secrets.n < REDACT_MAX / 2;
	char *raw = NULL, *value = NULL, shown[URL_HOST_MAX + 32];
	int rc = page_extract(&it->at, rs->s->http, n, &raw, err);

	if (rc == RC_OK && raw != NULL)
		rc = typed(&it->at, type, raw, &value, err);
	if (rc == RC_OK && value == NULL && required)
		rc = changed(rs, n, err, raw == NULL ? "nothing is found for" : "what is found is not of its type:", name);
	if (rc == RC_OK && value != NULL && (is_url ? room || told : secret && (room || told)))
		rc = hide(rs, type, value, err);
	if (rc == RC_OK)
		rc = recipe_set(rs, it, name, value != NULL ? value : "", secret && !is_url && (room || told), false, err);
	if (rc == RC_OK && value != NULL && recipe_attr(n, "expires") != NULL && rs->s->o.http.replay == NULL)
		rs->expires = jwt_expires(value);
	if (rc == RC_OK)
		recipe_tell(rs, n, "%s = %s", name, sayable(type, value, secret, shown, sizeof(shown)));
	hash_wipe_text(&raw);
	hash_wipe_text(&value);
	return rc;
}

static int
expect(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	bool yes = false;
	int rc = page_when(&it->at, rs->s->http, n, &it->vars, &yes, err);

	recipe_tell(rs, n, "%s", yes ? "as expected" : "not as expected");
	if (rc == RC_OK && !yes && it->at.page != NULL && http_status_later(it->at.page->status))
		return source_status(rs->s, &(struct http_response){ .status = it->at.page->status }, "the portal", err);
	return rc != RC_OK || yes ? rc : changed(rs, n, err, "the answer is not what is expected", "");
}

static int
branch(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const struct recipe_node *to = NULL;
	bool yes = false;
	int rc = page_when(&it->at, rs->s->http, n, &it->vars, &yes, err);

	recipe_tell(rs, n, "%s", yes ? "yes" : "no");
	to = recipe_child(n, yes ? RT_THEN : RT_ELSE);
	return rc != RC_OK || to == NULL ? rc : recipe_run(rs, it, to->child, NULL, err);
}

/* Blank-separated hosts of a template join those that may see the header. */
static int
allow_hosts(struct recipe_session *rs, struct recipe_item *it, const char *hosts, struct err *err)
{
	struct buf b = BUF_INIT(HOSTS_LIST_MAX);
	char url[URL_HOST_MAX + 16], *save = NULL, *h = NULL;
	int rc = recipe_expand(hosts, &it->vars, PLACE_PLAIN, &b, err);

	for (h = rc == RC_OK ? strtok_r(b.data, " ", &save) : NULL; h != NULL && rc == RC_OK; h = strtok_r(NULL, " ", &save)) {
		snprintf(url, sizeof(url), "https://%s/", h);
		rc = source_add_host(rs->s, url, err);
	}
	buf_free(&b);
	return rc;
}

static int
auth(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const char *bearer = recipe_attr(n, "bearer"), *user = recipe_attr(n, "user");
	struct buf a = BUF_INIT(RECIPE_VALUE_MAX), b = BUF_INIT(RECIPE_VALUE_MAX);
	int rc = recipe_expand(bearer != NULL ? bearer : user, &it->vars, PLACE_HEADER, &a, err);

	if (rc == RC_OK && bearer != NULL) {
		hash_wipe_text(&rs->s->bearer);
		if ((rs->s->bearer = text_dup(a.data, err)) == NULL)
			rc = err_rc(err->kind);
	} else if (rc == RC_OK &&
	    (rc = recipe_expand(recipe_attr(n, "password"), &it->vars, PLACE_HEADER, &b, err)) == RC_OK) {
		rc = source_basic(rs->s, a.data, b.data, err);
	}
	if (rc == RC_OK)
		rc = allow_hosts(rs, it, recipe_attr(n, "hosts"), err);
	buf_wipe(&a);
	buf_wipe(&b);
	return rc;
}

static uint64_t
duration_of(const struct recipe_node *n, const char *name, uint64_t dflt)
{
	const char *v = recipe_attr(n, name);

	if (v != NULL)
		(void)recipe_duration(v, &dflt);
	return dflt;
}

/* Asked again and again, each time a little later, until it is done. A Retry-After makes the wait longer. */
static int
poll_step(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const struct recipe_node *done = recipe_child(n, RT_DONE), *failed = recipe_child(n, RT_FAILED),
	    *progress = recipe_child(n, RT_PROGRESS);
	uint64_t every = duration_of(n, "every", 1000), most = duration_of(n, "max-every", 60000),
	    until = time_mono_ms() + duration_of(n, "timeout", 0), wait = every;
	const char *header = NULL, *backoff = recipe_attr(n, "backoff");
	unsigned factor = 1000;
	bool yes = false;
	uint64_t told = 0;
	char *percent = NULL, shown[32];
	int rc = RC_OK;

	if (backoff != NULL)
		(void)recipe_factor(backoff, &factor);
	for (;;) {
		if ((rc = recipe_ask(rs, it, n->child, err)) != RC_OK ||
		    (rc = page_when(&it->at, rs->s->http, done, &it->vars, &yes, err)) != RC_OK || yes)
			break;
		if (failed != NULL && ((rc = page_when(&it->at, rs->s->http, failed, &it->vars, &yes, err)) != RC_OK || yes)) {
			if (rc == RC_OK) {
				rs->s->state = "maintenance";
				rc = err_set(err, ERR_TEMP, "the portal could not make the file (<failed> in line %u of the recipe)",
				    failed->line);
				err_advise(err, "run the same later, or ask the sender");
			}
			break;
		}
		if (progress != NULL && page_scalar(page_pointer(&it->at, recipe_attr(progress, "json")), &percent, err) == RC_OK &&
		    percent != NULL)
			recipe_tell(rs, n, "not ready, progress %s", text_escape(shown, sizeof(shown), percent, strlen(percent)));
		free(percent);
		percent = NULL;
		header = http_header(rs->s->http, "Retry-After");
		told = header != NULL && text_u64(header, 86400, &told) ? told * 1000 : 0;
		if (time_mono_ms() + (told > wait ? told : wait) > until) {
			rs->s->state = "not-yet-available";
			rc = err_set(err, ERR_TEMP, "the portal has not made the file within the time of the recipe's <poll>");
			err_advise(err, "run the same later");
			break;
		}
		if ((rc = recipe_pause(rs, told > wait ? told : wait, err)) != RC_OK) {
			rs->s->state = "not-yet-available";
			break;
		}
		wait = wait * factor / 1000 < most ? wait * factor / 1000 : most;
	}
	if (rc == RC_OK)
		recipe_tell(rs, n, "done");
	return rc;
}

static int
step(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	int rc = RC_OK;

	switch (n->tag) {
	case RT_GET: case RT_POST: case RT_SUBMIT:
		rc = recipe_ask(rs, it, n, err);
		recipe_tell(rs, n, "status %ld", it->at.page != NULL && rc == RC_OK ? it->at.page->status : 0);
		return rc;
	case RT_EXTRACT: return extract(rs, it, n, err);
	case RT_EXPECT: return expect(rs, it, n, err);
	case RT_IF: return branch(rs, it, n, err);
	case RT_NEED: return recipe_need(rs, recipe_attr(n, "input"), err);
	case RT_CHALLENGE: return recipe_challenge(rs, it, n, err);
	case RT_AUTH: return auth(rs, it, n, err);
	case RT_FOR_EACH: return recipe_for_each(rs, it, n, err);
	case RT_POLL: return poll_step(rs, it, n, err);
	default: return RC_OK;	/* a download is done when it is fetched; the others are parts of their parents */
	}
}

int
recipe_run(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *from,
    const struct recipe_node *until, struct err *err)
{
	const struct recipe_node *n = NULL;
	int rc = RC_OK;

	for (n = from; n != NULL && n != until && rc == RC_OK; n = n->next)
		rc = step(rs, it, n, err);
	if (rc == RC_FAILED && rs->s->state[0] == '\0')
		rs->s->state = "portal-changed";
	return rc;
}

int
recipe_login(struct recipe_session *rs, struct err *err)
{
	int rc = RC_OK;

	if (rs->r->login == NULL || rs->logged_in)
		return RC_OK;
	rs->in_login = true;
	rc = recipe_run(rs, &rs->login, rs->r->login->child, NULL, err);
	rs->in_login = false;
	rs->logged_in = rc == RC_OK;
	return rc;
}

/* With the answers that were right, and once: a portal that ends each session at once is not asked for ever. */
int
recipe_relogin(struct recipe_session *rs, struct err *err)
{
	if (rs->r->login == NULL || rs->logins > 0) {
		rs->s->state = "session-lost";
		err_set(err, ERR_TEMP, "the portal ended the session%s", rs->logins > 0 ? " again" : "");
		err_advise(err, "run the same later");
		return err_rc(ERR_TEMP);
	}
	recipe_tell(rs, rs->r->login, "the session has ended: logging in again");
	rs->logins++;
	rs->logged_in = false;
	rs->expires = 0;
	rs->s->state = "";
	return recipe_login(rs, err);
}
