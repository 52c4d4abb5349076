/* A recipe as a kind of portal: inputs are its questions, downloads its offers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/jar.h"
#include "source/link.h"
#include "source/recipe_regex.h"
#include "source/recipe_session.h"

static int
recipe_source_login(struct source *s, const char *const *answers, struct err *err)
{
	struct recipe_session *rs = s->own;
	const struct recipe_node *input = NULL;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < s->nquestions && rc == RC_OK; i++)
		if ((input = recipe_input(rs->r, s->questions[i].id)) != NULL)
			rc = recipe_set_input(rs, input, answers[i], err);
	return rc == RC_OK ? recipe_login(rs, err) : rc;
}

static int
recipe_source_list(struct source *s, struct err *err)
{
	return recipe_list(s->own, err);
}

static const struct recipe_node *
last_poll(const struct recipe_item *it, const struct recipe_node *download)
{
	const struct recipe_node *n = it->body->child, *poll = NULL;

	for (; n != NULL && n != download; n = n->next)
		if (n->tag == RT_POLL)
			poll = n;
	return poll;
}

static bool
stands_before(const struct recipe_node *a, const struct recipe_node *b)
{
	for (; a != NULL && a != b; a = a->next)
		;
	return a != NULL;
}

/* The entry's steps up to its download, from where the last one left off, or from the start where it lies behind. */
static int
come_to(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *d, struct err *err)
{
	int rc = RC_OK;

	if (!stands_before(it->next, d)) {
		it->next = it->rest;
		recipe_at_set(&it->at, it->listed);
	}
	rc = recipe_run(rs, it, it->next, d, err);
	it->next = rc == RC_OK ? d : NULL;
	return rc;
}

/* A link that has gone stale: made anew by the step that the recipe names. */
static int
refresh(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *d, bool over, struct err *err)
{
	const char *how = recipe_attr(d, "refresh");
	const struct recipe_node *from = it->rest;
	int rc = RC_OK;

	if (over || (how != NULL && strcmp(how, "login") == 0))
		rc = recipe_relogin(rs, err);
	else if (how != NULL && strcmp(how, "poll") == 0)
		from = last_poll(it, d);
	if (rc != RC_OK)
		return rc;
	recipe_tell(rs, d, "the file's address is made anew, from line %u", from != NULL ? from->line : d->line);
	it->next = from;
	if (from == it->rest)
		recipe_at_set(&it->at, it->listed);
	return come_to(rs, it, d, err);
}

static bool
is_stale(long status)
{
	return status == 401 || status == 403 || status == 404 || status == 410;
}

/* What came in place of the file. *anew: the address was made anew, and the file is asked for once more. */
static int
not_a_file(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *d, struct recipe_page *page,
    bool refreshed, bool *anew, struct err *err)
{
	const struct recipe_at at = { page, NULL, NULL };
	const struct http_response r = { .status = page->status };
	const char *how = recipe_attr(d, "refresh");
	bool over = false, can = how != NULL && strcmp(how, "none") != 0;
	int rc = recipe_judge_page(rs, d, &at, &over, err);

	*anew = false;
	if (rc != RC_OK)
		return rc;
	if (!refreshed && (over || (can && is_stale(page->status)))) {
		*anew = true;
		return refresh(rs, it, d, over, err);
	}
	if (page->status >= 200 && page->status < 300) {
		rs->s->state = over ? "session-lost" : "portal-changed";
		err_set(err, over ? ERR_TEMP : ERR_PROTOCOL, over ? "the portal ended the session again, in place of the file "
		    "(<download> in line %u of the recipe)" : "the portal sent a page in place of the file "
		    "(<download> in line %u of the recipe)", d->line);
		err_advise(err, "%s", over ? "run the same later" : "--explain and --har show it; correct the recipe");
		return err_rc(err->kind);
	}
	return source_status(rs->s, &r, "the file", err);
}

static int
expand(const struct recipe_item *it, const char *text, enum recipe_place place, char **out, struct err *err)
{
	struct buf b = BUF_INIT(URL_MAX);
	int rc = RC_OK;

	*out = NULL;
	if (text != NULL && (rc = recipe_expand(text, &it->vars, place, &b, err)) == RC_OK &&
	    (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

static int
address_of(struct recipe_session *rs, const struct recipe_item *it, const struct recipe_node *d, char **url,
    struct err *err)
{
	int rc = expand(it, recipe_attr(d, "url"), PLACE_URL, url, err);

	if (rc != RC_OK || (*url)[0] != '\0')
		return rc;
	hash_wipe_text(url);
	rs->s->state = "not-found";
	err_set(err, ERR_REFUSED, "the portal has no such file for this entry (<download> in line %u of the recipe)", d->line);
	return err_rc(ERR_REFUSED);
}

/* A literal type is a promise that is held against the bytes; one that the portal told is not: they err. */
static int
check_type(struct recipe_session *rs, const struct recipe_node *d, enum media m, struct err *err)
{
	const char *type = recipe_attr(d, "type");
	enum media promised = recipe_media(type);

	if (promised == MEDIA_UNKNOWN || promised == m)
		return RC_OK;
	rs->s->state = "portal-changed";
	return err_set(err, ERR_PROTOCOL, "the portal sent a %s where the recipe says %s (<download> in line %u)",
	    media_name(m), type, d->line);
}

/* What the portal claims of the file, against what came. Claims that are weak decide nothing. */
static int
check_claims(const struct recipe_item *it, const struct recipe_node *d, struct source_package *p, struct err *err)
{
	const struct recipe_node *c = recipe_child(d, RT_COMPLETE);
	const char *claim = c != NULL ? recipe_attr(c, "claim") : NULL;
	char *bytes = NULL, *sum = NULL;
	uint64_t n = 0;
	int rc = RC_OK;

	if (c == NULL || (claim != NULL && strcmp(claim, "weak") == 0))
		return RC_OK;
	if ((rc = expand(it, recipe_attr(c, "bytes"), PLACE_PLAIN, &bytes, err)) == RC_OK &&
	    (rc = expand(it, recipe_attr(c, "sha256"), PLACE_PLAIN, &sum, err)) == RC_OK) {
		if (bytes != NULL && text_u64(bytes, UINT64_MAX / 2, &n) && n != p->bytes) {
			p->plausible = false;
			snprintf(p->reason, sizeof(p->reason), "the portal announced %llu bytes, and %llu came",
			    (unsigned long long)n, (unsigned long long)p->bytes);
		} else if (sum != NULL && sum[0] != '\0' && strcasecmp(sum, p->sha256) != 0) {
			p->plausible = false;
			text_copy(p->reason, sizeof(p->reason), "the portal announced another SHA-256");
		}
	}
	free(bytes);
	free(sum);
	return rc;
}

static int
fetch_into(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *d, struct receiver *r,
    struct err *err)
{
	struct recipe_page *page = NULL;
	char *url = NULL;
	bool refreshed = false, anew = true;
	int rc = come_to(rs, it, d, err);

	while (rc == RC_OK && anew) {
		anew = false;
		hash_wipe_text(&url);
		if ((rc = address_of(rs, it, d, &url, err)) != RC_OK ||
		    (rc = recipe_download_url(rs, d, url, r, &page, err)) != RC_OK || page == NULL)
			break;
		rc = not_a_file(rs, it, d, page, refreshed, &anew, err);
		refreshed = true;
		page_drop(page);
		page = NULL;
	}
	page_drop(page);
	hash_wipe_text(&url);
	return rc;
}

static int
recipe_source_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p,
    struct err *err)
{
	struct recipe_session *rs = s->own;
	struct recipe_item *it = rs->offers[i].item;
	const struct recipe_node *d = rs->offers[i].download;
	struct receiver *r = calloc(1, sizeof(*r));
	int rc = r == NULL ? err_sys(err, ENOMEM, "cannot fetch") : receiver_init(r, err);

	if (rc != RC_OK)
		goto out;
	r->out = out;
	r->offer = &s->offers[i];
	r->pages = true;
	if ((rc = fetch_into(rs, it, d, r, err)) != RC_OK && source_absent(s, &r->p)) {
		err_clear(err);
		rc = RC_OK;
	}
	if (rc == RC_OK && (rc = check_type(rs, d, r->p.media, err)) == RC_OK &&
	    (rc = check_claims(it, d, &r->p, err)) == RC_OK) {
		*p = r->p;
		it->next = d->next;
		recipe_tell(rs, d, "%llu bytes", (unsigned long long)p->bytes);
	} else {
		it->next = NULL;	/* the next attempt begins the entry again */
		if (err->kind == ERR_TEMP && s->state[0] == '\0' && r->packaged)
			s->state = "partial";
	}
out:
	if (r != NULL)
		receiver_free(r);
	free(r);
	return rc;
}

static void
recipe_source_close(struct source *s)
{
	struct recipe_session *rs = s->own;
	size_t i = 0;

	if (rs == NULL)
		return;
	recipe_items_free(rs);
	page_drop(rs->login.at.page);
	vars_free(&rs->login.vars);
	for (i = 0; i < rs->nhosts; i++)
		free(rs->hosts[i]);
	free(rs->hosts);
	recipe_free(rs->r);
	free(rs);
	s->own = NULL;
}

static const struct source_ops recipe_ops = { SOURCE_RECIPE, recipe_source_login, recipe_source_list,
    recipe_source_fetch, recipe_source_close };

/* What the link itself tells: the named groups of the <match> that takes it, and the link. */
static int
take_link(struct recipe_session *rs, const char *link, struct err *err)
{
	const struct recipe_node *m = NULL, *input = recipe_input(rs->r, "link");
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *re = NULL;
	char value[RECIPE_VALUE_MAX];
	size_t g = 0;
	bool took = false;
	int rc = input != NULL ? recipe_set_input(rs, input, link, err) : RC_OK;

	for (m = rs->r->match; m != NULL && rc == RC_OK && !took; m = recipe_next(m)) {
		if ((rc = recipe_regex_open(recipe_attr(m, "url"), &re, err)) != RC_OK)
			break;
		took = recipe_regex_match(re, link, at);
		for (g = 1; took && g <= re->ngroups && rc == RC_OK; g++)
			if (re->names[g][0] != '\0' && at[g].rm_so >= 0 && at[g].rm_eo > at[g].rm_so &&
			    (input = recipe_input(rs->r, re->names[g])) != NULL &&
			    text_copyn(value, sizeof(value), link + at[g].rm_so, (size_t)(at[g].rm_eo - at[g].rm_so)))
				rc = recipe_set_input(rs, input, value, err);
		recipe_regex_free(re);
	}
	hash_wipe(value, sizeof(value));
	if (rc == RC_OK && !took) {
		rs->s->state = "unsupported";
		rc = err_set(err, ERR_CONFIG, "the recipe does not take this link: no <match> of it fits");
	}
	return rc;
}

int
recipe_takes(const struct recipe *r, const char *link, bool *takes, struct err *err)
{
	const struct recipe_node *m = NULL;
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *re = NULL;
	int rc = RC_OK;

	*takes = false;
	for (m = r->match; m != NULL && rc == RC_OK && !*takes; m = recipe_next(m)) {
		if (recipe_attr(m, "probe") != NULL || (rc = recipe_regex_open(recipe_attr(m, "url"), &re, err)) != RC_OK)
			continue;
		*takes = recipe_regex_match(re, link, at);
		recipe_regex_free(re);
	}
	return rc;
}

static int
take_scope(struct recipe_session *rs, struct err *err)
{
	struct buf b = BUF_INIT(4096);
	char *save = NULL, *h = NULL, **v = NULL;
	int rc = recipe_expand(recipe_attr(rs->r->scope, "hosts"), &rs->login.vars, PLACE_PLAIN, &b, err);

	for (h = rc == RC_OK ? strtok_r(b.data, " ", &save) : NULL; h != NULL && rc == RC_OK; h = strtok_r(NULL, " ", &save)) {
		if ((v = realloc(rs->hosts, (rs->nhosts + 1) * sizeof(*v))) == NULL) {
			rc = err_sys(err, ENOMEM, "cannot hold the recipe's scope");
			break;
		}
		rs->hosts = v;
		if ((v[rs->nhosts] = text_dup(h, err)) == NULL)
			rc = err_rc(err->kind);
		else
			rs->nhosts++;
	}
	buf_free(&b);
	return rc;
}

/* Required inputs that the link did not bring are asked for at once; the others when a step needs them. */
static int
take_questions(struct recipe_session *rs, struct err *err)
{
	struct source *s = rs->s;
	const struct recipe_node *n = NULL;
	size_t count = 0;
	int rc = RC_OK;

	for (n = rs->r->input; n != NULL; n = recipe_next(n))
		count++;
	if (count > SOURCE_QUESTIONS_MAX)
		return err_set(err, ERR_CONFIG, "a recipe with more than %d inputs", SOURCE_QUESTIONS_MAX);
	if ((s->questions = calloc(count + 1, sizeof(*s->questions))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the recipe's inputs");
	for (n = rs->r->input; n != NULL && rc == RC_OK; n = recipe_next(n))
		if (recipe_yes(n, "required", true) && vars_get(&rs->login.vars, recipe_attr(n, "name")) == NULL &&
		    (rc = recipe_question(n, &s->questions[s->nquestions], err)) == RC_OK)
			s->nquestions++;
	return rc;
}

int
source_recipe(struct source *s, const char *link, const char *name, const char *text, size_t len, struct err *err)
{
	struct recipe_session *rs = calloc(1, sizeof(*rs));
	const struct recipe_limits *l = NULL;
	bool recorded = s->o.http.replay != NULL && link[0] == '\0';	/* what the link told is asked for then */
	int rc = rs == NULL ? err_sys(err, ENOMEM, "cannot start a session") : RC_OK;

	if (rc != RC_OK)
		return rc;
	s->own = rs;
	s->ops = &recipe_ops;
	rs->s = s;
	if ((s->link = text_dup(link, err)) == NULL || (!recorded && (rc = link_check(link, err)) != RC_OK) ||
	    (rc = redact_add_as(&s->secrets, "link", link, err)) != RC_OK ||
	    (rc = recipe_parse(name, text, len, &rs->r, NULL, err)) != RC_OK || (rc = http_cookies(s->http, err)) != RC_OK ||
	    (!recorded && (rc = take_link(rs, link, err)) != RC_OK) || (rc = take_scope(rs, err)) != RC_OK)
		return s->link == NULL ? err_rc(err->kind) : rc;
	l = &rs->r->limits;
	rs->login.body = rs->r->login;
	http_narrow(s->http, &(struct http_options){ .gap_ms = (int64_t)l->gap_ms, .wait_ms = (int64_t)l->wait_ms,
	    .max_requests = l->requests, .max_bytes = l->bytes });
	return take_questions(rs, err);
}
