/* The second pass, over a recipe of right form: does what it says make sense? */
#include <ctype.h>
#include <errno.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/text.h"
#include "base/xml.h"
#include "source/recipe_private.h"
#include "source/recipe_regex.h"
#include "source/recipe_text.h"

#define NAMES_MAX	(RECIPE_VARS_MAX + 16)

/* What is known at a place of the file, in its order. A branch that is not taken may leave a name without a value;
 * that is told when it runs. */
struct meaning {
	const struct recipe *r;
	struct recipe_findings *fs;
	const char *names[NAMES_MAX]; size_t n;		/* inputs, extracts: borrowed */
	const char *asked[NAMES_MAX]; size_t nasked;	/* inputs that are not required, once needed */
	const char *ids[NAMES_MAX]; size_t nids;
	bool login, choice;	/* what we are in */
	bool ready;			/* a poll stands before, in this body */
	bool answered;			/* a request stands before */
};

#define FOUND(m, node, advice, ...)	recipe_finding((m)->fs, (node)->line, true, advice, __VA_ARGS__)

static bool
among(const char *const *v, size_t n, const char *name)
{
	size_t i = 0;

	for (i = 0; i < n && strcmp(v[i], name) != 0; i++)
		;
	return i < n;
}

static void
add_name(struct meaning *m, const struct recipe_node *n, const char *name)
{
	if (among(m->names, m->n, name))
		return;
	if (m->n == NAMES_MAX)
		FOUND(m, n, NULL, "more than %d names", NAMES_MAX);
	else
		m->names[m->n++] = name;
}

static void
check_xpath(struct meaning *m, const struct recipe_node *n, const char *attr)
{
	const char *v = recipe_attr(n, attr);
	xmlXPathContext *ctxt = v != NULL ? xmlXPathNewContext(NULL) : NULL;
	xmlXPathCompExpr *e = NULL;

	if (ctxt == NULL)
		return;
	xml_quiet();
	e = xmlXPathCtxtCompile(ctxt, (const xmlChar *)v);
	if (e == NULL)
		FOUND(m, n, "XPath 1.0, as //a[@rel='next']/@href", "<%s>: attribute %s is no XPath: \"%.100s\"",
		    recipe_tag_name(n->tag), attr, v);
	xmlXPathFreeCompExpr(e);
	xmlXPathFreeContext(ctxt);
}

static void
check_regex(struct meaning *m, const struct recipe_node *n, const char *attr)
{
	const char *v = recipe_attr(n, attr);
	struct recipe_regex *re = NULL;
	struct err e = { 0 };

	if (v == NULL)
		return;
	if (recipe_regex_open(v, &re, &e) != RC_OK)
		FOUND(m, n, "POSIX extended: regex(7)", "<%s>: attribute %s: %s", recipe_tag_name(n->tag), attr, e.text);
	recipe_regex_free(re);
}

/* RFC 6901: "" is the whole, else each part begins with a slash, and ~ is ~0 or ~1. */
static void
check_pointer(struct meaning *m, const struct recipe_node *n, const char *attr)
{
	const char *v = recipe_attr(n, attr), *p = NULL;
	bool good = v == NULL || v[0] == '\0' || v[0] == '/';

	for (p = good ? v : NULL; p != NULL && (p = strchr(p, '~')) != NULL; p++)
		good = good && (p[1] == '0' || p[1] == '1');
	if (!good)
		FOUND(m, n, "as /study/0/uid (RFC 6901)", "<%s>: attribute %s is no JSON Pointer: \"%.100s\"",
		    recipe_tag_name(n->tag), attr, v);
}

static void
check_placeholder(struct meaning *m, const struct recipe_node *n, const char *where, const char *name,
    const char *filter)
{
	const struct recipe_node *input = recipe_input(m->r, name);
	const char *near = text_nearest(name, m->names, m->n);
	char advice[256];

	if (!among(m->names, m->n, name)) {
		snprintf(advice, sizeof(advice), near != NULL ? "did you mean {%.60s}?" :
		    "an <input> or an <extract> before it gives a name its value%.0s", near != NULL ? near : "");
		FOUND(m, n, advice, "<%s>: %s uses {%s}, which has no value here", recipe_tag_name(n->tag), where, name);
	} else if (input != NULL && !recipe_yes(input, "required", true) && n->tag != RT_ANSWER &&
	    n->tag != RT_PATIENT && !among(m->asked, m->nasked, name)) {
		snprintf(advice, sizeof(advice), "put <need input=\"%s\"/> before it, or make it required", name);
		FOUND(m, n, advice, "<%s>: %s uses {%s}, which nobody was asked for", recipe_tag_name(n->tag), where, name);
	}
	if (!recipe_filter_known(filter))
		FOUND(m, n, "filters: date:%d.%m.%Y, host, lower, upper, digits", "<%s>: %s has {%s|%s}, and there is no such "
		    "filter", recipe_tag_name(n->tag), where, name, filter);
}

static void
check_template(struct meaning *m, const struct recipe_node *n, const char *where, const char *text)
{
	char name[RECIPE_NAME_MAX], filter[RECIPE_FILTER_MAX];
	size_t len = 0;

	for (; text != NULL && *text != '\0'; text += len > 0 ? len : 1)
		if ((len = recipe_placeholder(text, name, filter)) > 0)
			check_placeholder(m, n, where, name, filter);
		else if (n->tag != RT_JSON && *text == '{' && (isalpha((unsigned char)text[1]) || text[1] == '_'))
			FOUND(m, n, "{name} or {name|filter}; names have small letters, digits and _",
			    "<%s>: %s has a brace that begins no name: \"%.40s\"", recipe_tag_name(n->tag), where, text);
}

static void
check_attr_template(struct meaning *m, const struct recipe_node *n, const char *attr)
{
	check_template(m, n, attr, recipe_attr(n, attr));
}

/* Does a text use an input that is a credential? */
static bool
uses_credential(const struct meaning *m, const char *text)
{
	char name[RECIPE_NAME_MAX], filter[RECIPE_FILTER_MAX];
	const struct recipe_node *input = NULL;
	size_t len = 0;

	for (; text != NULL && *text != '\0'; text += len > 0 ? len : 1) {
		if ((len = recipe_placeholder(text, name, filter)) == 0)
			continue;
		input = recipe_input(m->r, name);
		if (input != NULL && strcmp(name, "link") != 0 && strcmp(recipe_attr(input, "type"), "url") != 0)
			return true;
	}
	return false;
}

/* The literal host of a URL's beginning has to be one of the scope. */
static void
check_url(struct meaning *m, const struct recipe_node *n)
{
	const char *v = recipe_attr(n, "url"), *hosts = recipe_attr(m->r->scope, "hosts");
	char host[256];
	size_t len = 0;

	check_attr_template(m, n, "url");
	if (v[0] == '{')
		return;
	if (!text_starts(v, "https://")) {
		FOUND(m, n, "https://… or a {name} that begins so", "<%s>: attribute url: \"%.100s\" is no https address",
		    recipe_tag_name(n->tag), v);
		return;
	}
	len = strcspn(v + 8, "/?#:");
	if (memchr(v + 8, '{', len) != NULL || strchr(hosts, '{') != NULL || !text_copyn(host, sizeof(host), v + 8, len))
		return;
	if (!recipe_word_in(host, hosts))
		FOUND(m, n, hosts, "<%s>: the host %s is not in scope", recipe_tag_name(n->tag), host);
}

/* Hosts with blanks between. inside: of the scope, since no request leaves it. */
static void
check_hosts(struct meaning *m, const struct recipe_node *n, bool inside)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	const char *p = recipe_attr(n, "hosts"), *scope = recipe_attr(m->r->scope, "hosts");
	char host[256];
	size_t len = 0;

	check_attr_template(m, n, "hosts");
	for (; *p != '\0'; p += len, p += strspn(p, " ")) {
		len = strcspn(p, " ");
		if (len == 0 || memchr(p, '{', len) != NULL)
			continue;
		if (!text_copyn(host, sizeof(host), p, len) || strspn(host, letters) != len)
			FOUND(m, n, "names of hosts with blanks between, without https:// and port",
			    "<%s>: attribute hosts: \"%.100s\" is no host", recipe_tag_name(n->tag), host);
		else if (inside && strchr(scope, '{') == NULL && !recipe_word_in(host, scope))
			FOUND(m, n, scope, "<%s>: the host %s is not in scope", recipe_tag_name(n->tag), host);
	}
}

/* A JSON body is JSON once its names have values: 0 in place of each that stands alone, x within a text. */
static void
check_json_body(struct meaning *m, const struct recipe_node *n)
{
	char name[RECIPE_NAME_MAX], filter[RECIPE_FILTER_MAX];
	struct buf b = BUF_INIT(RECIPE_BYTES_MAX);
	const char *p = n->text != NULL ? n->text : "";
	struct err e = { 0 };
	json_t *j = NULL;
	bool quoted = false;
	size_t len = 0;
	int rc = buf_puts(&b, "", &e);

	check_template(m, n, "body", n->text);
	while (*p != '\0' && rc == RC_OK) {
		if ((len = recipe_placeholder(p, name, filter)) > 0) {
			rc = buf_puts(&b, quoted ? "x" : "0", &e);
			p += len;
			continue;
		}
		if (*p == '"' && (p == n->text || p[-1] != '\\'))
			quoted = !quoted;
		rc = buf_add(&b, p++, 1, &e);
	}
	if (rc == RC_OK && json_parse(b.data, b.len, &j, &e) != RC_OK)
		FOUND(m, n, "{name} stands for a value, \"{name}\" for a text", "<json>: %s", e.text);
	json_decref(j);
	buf_free(&b);
}

static void
check_whens(struct meaning *m, const struct recipe_node *parent)
{
	const struct recipe_node *w = NULL;

	for (w = recipe_child(parent, RT_WHEN); w != NULL; w = recipe_next(w)) {
		check_xpath(m, w, "xpath");
		check_pointer(m, w, "json");
		check_regex(m, w, "body");
		check_regex(m, w, "url");
		check_regex(m, w, "matches");
		check_attr_template(m, w, "equals");
	}
}

static void
check_id(struct meaning *m, const struct recipe_node *n)
{
	const char *id = recipe_attr(n, "id");

	if (id == NULL)
		return;
	if (among(m->ids, m->nids, id))
		FOUND(m, n, NULL, "<%s>: the id \"%.60s\" is given twice", recipe_tag_name(n->tag), id);
	else if (m->nids < NAMES_MAX)
		m->ids[m->nids++] = id;
}

static void
check_request(struct meaning *m, const struct recipe_node *n)
{
	const struct recipe_node *c = NULL, *f = NULL;
	bool secret = false;

	if (n->tag == RT_SUBMIT)
		check_xpath(m, n, "form");
	else
		check_url(m, n);
	for (c = n->child; c != NULL; c = c->next) {
		if (c->tag == RT_JSON) {
			check_json_body(m, c);
			secret = secret || uses_credential(m, c->text);
		} else if (c->tag == RT_FORM) {
			for (f = c->child; f != NULL; f = f->next) {
				check_attr_template(m, f, "value");
				secret = secret || uses_credential(m, recipe_attr(f, "value"));
			}
		} else {
			check_attr_template(m, c, "value");
			secret = secret || uses_credential(m, recipe_attr(c, "value"));
		}
	}
	if (secret && n->tag != RT_GET && m->login && !recipe_yes(n, "once", false))
		FOUND(m, n, "add once=\"yes\": it is sent once and never repeated", "<%s>: it carries what a person gave, and may "
		    "be sent again", recipe_tag_name(n->tag));
}

static void
check_extract(struct meaning *m, const struct recipe_node *n)
{
	check_xpath(m, n, "xpath");
	check_pointer(m, n, "json");
	check_regex(m, n, "regex");
	check_regex(m, n, "url");
	if (recipe_input(m->r, recipe_attr(n, "name")) != NULL)
		FOUND(m, n, "take another name", "<extract>: \"%s\" is the name of an input", recipe_attr(n, "name"));
	add_name(m, n, recipe_attr(n, "name"));
}

static void
check_need(struct meaning *m, const struct recipe_node *n)
{
	const char *name = recipe_attr(n, "input");

	if (recipe_input(m->r, name) == NULL)
		FOUND(m, n, text_nearest(name, m->names, m->n), "<need>: there is no input \"%s\"", name);
	else if (m->nasked < NAMES_MAX)
		m->asked[m->nasked++] = name;
}

static void
check_challenge(struct meaning *m, const struct recipe_node *n)
{
	static const char *const pointers[] = { "id", "type", "text", "format" };
	const struct recipe_node *a = NULL;
	size_t i = 0;

	check_pointer(m, n, "json");
	for (i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
		if (strchr(recipe_attr(n, pointers[i]), '/') != NULL)
			FOUND(m, n, NULL, "<challenge>: attribute %s is the key of a question, not a pointer", pointers[i]);
	for (a = recipe_child(n, RT_ANSWER); a != NULL; a = recipe_next(a))
		check_attr_template(m, a, "value");
	add_name(m, n, recipe_attr(n, "into"));
}

static void check_steps(struct meaning *, const struct recipe_node *parent);

static void
check_branch(struct meaning *m, const struct recipe_node *n)
{
	bool outer = m->choice;

	m->choice = true;
	check_steps(m, n);
	m->choice = outer;
}

static void
check_poll(struct meaning *m, const struct recipe_node *n)
{
	const struct recipe_node *c = NULL;

	for (c = n->child; c != NULL; c = c->next)
		if (c->tag == RT_GET || c->tag == RT_POST) {
			check_id(m, c);
			check_request(m, c);
		} else if (c->tag == RT_PROGRESS) {
			check_pointer(m, c, "json");
		} else {
			check_whens(m, c);
		}
	m->ready = true;
}

static void
check_for_each(struct meaning *m, const struct recipe_node *n)
{
	const struct recipe_node *p = recipe_child(n, RT_PAGINATE);
	bool outer = m->ready;
	size_t names = m->n;

	check_xpath(m, n, "xpath");
	check_pointer(m, n, "json");
	if (p != NULL) {
		check_xpath(m, p, "next");
		check_pointer(m, p, "json");
	}
	check_steps(m, n);
	m->ready = outer;
	m->n = names;	/* what an entry extracts is the entry's */
}

static void
check_download(struct meaning *m, const struct recipe_node *n)
{
	static const char *const types = "auto zip dicom pdf jpeg png application/zip application/dicom application/pdf";
	const struct recipe_node *c = NULL;
	const char *refresh = recipe_attr(n, "refresh"), *type = recipe_attr(n, "type");
	size_t i = 0;

	if (m->choice || m->login)
		FOUND(m, n, "set its url by <if> before it, and give the download skip-if-empty=\"yes\"",
		    "<download> stands in <run> or <for-each> only: what is offered has to be known before");
	check_url(m, n);
	check_attr_template(m, n, "study");
	check_attr_template(m, n, "type");
	if (strchr(type, '{') == NULL && !recipe_word_in(type, types))
		FOUND(m, n, types, "<download>: attribute type has the value \"%.60s\"", type);
	for (c = n->child; c != NULL; c = c->next)
		for (i = 0; i < c->nattrs; i++)
			if (strcmp(c->attrs[i].name, "claim") != 0)
				check_template(m, c, c->attrs[i].name, c->attrs[i].value);
	if (refresh != NULL && strcmp(refresh, "login") == 0 && m->r->login == NULL)
		FOUND(m, n, NULL, "<download>: refresh=\"login\", and there is no <login>");
	if (refresh != NULL && strcmp(refresh, "poll") == 0 && !m->ready)
		FOUND(m, n, NULL, "<download>: refresh=\"poll\", and there is no <poll> before it");
}

static void
check_auth(struct meaning *m, const struct recipe_node *n)
{
	check_attr_template(m, n, "bearer");
	check_attr_template(m, n, "user");
	check_attr_template(m, n, "password");
	check_hosts(m, n, true);
	if (recipe_attr(n, "user") != NULL && recipe_attr(n, "password") == NULL)
		FOUND(m, n, NULL, "<auth>: a user without a password");
}

/* What looks at an answer wants one. */
static void
check_answered(struct meaning *m, const struct recipe_node *n)
{
	const uint64_t looks = RT_SET(RT_SUBMIT) | RT_SET(RT_EXTRACT) | RT_SET(RT_EXPECT) | RT_SET(RT_IF) |
	    RT_SET(RT_CHALLENGE) | RT_SET(RT_FOR_EACH);

	if ((looks & RT_SET(n->tag)) != 0 && !m->answered) {
		FOUND(m, n, "a <get> or <post> before it asks the portal", "<%s>: there is no answer to look at yet",
		    recipe_tag_name(n->tag));
		m->answered = true;	/* said once */
	}
	m->answered = m->answered || ((RT_SET(RT_GET) | RT_SET(RT_POST) | RT_SET(RT_POLL)) & RT_SET(n->tag)) != 0;
}

static void
check_steps(struct meaning *m, const struct recipe_node *parent)
{
	const struct recipe_node *n = NULL;

	for (n = parent->child; n != NULL; n = n->next) {
		check_id(m, n);
		check_answered(m, n);
		switch (n->tag) {
		case RT_GET: case RT_POST: case RT_SUBMIT: check_request(m, n); break;
		case RT_EXTRACT: check_extract(m, n); break;
		case RT_EXPECT: check_whens(m, n); break;
		case RT_IF:
			check_whens(m, n);
			check_branch(m, recipe_child(n, RT_THEN));
			if (recipe_child(n, RT_ELSE) != NULL)
				check_branch(m, recipe_child(n, RT_ELSE));
			break;
		case RT_NEED: check_need(m, n); break;
		case RT_CHALLENGE: check_challenge(m, n); break;
		case RT_AUTH: check_auth(m, n); break;
		case RT_FOR_EACH: check_for_each(m, n); break;
		case RT_POLL: check_poll(m, n); break;
		case RT_DOWNLOAD: check_download(m, n); break;
		default: break;		/* paginate, expired-when, keepalive: with their parents */
		}
	}
}

static void
check_inputs(struct meaning *m)
{
	const struct recipe_node *n = NULL;

	for (n = m->r->input; n != NULL; n = recipe_next(n)) {
		if (among(m->names, m->n, recipe_attr(n, "name")))
			FOUND(m, n, NULL, "<input>: the name \"%s\" is given twice", recipe_attr(n, "name"));
		check_regex(m, n, "pattern");
		add_name(m, n, recipe_attr(n, "name"));
	}
}

/* A pattern that takes any link would take other portals' too, with their secrets. */
static void
check_match(struct meaning *m, const struct recipe_node *n)
{
	static const char elses[] = "https://portal.of-somebody-else.invalid/a/b?c=d";
	const char *url = recipe_attr(n, "url");
	regmatch_t at[REGEX_GROUPS_MAX + 1];
	struct recipe_regex *re = NULL;
	struct err e = { 0 };
	size_t i = 0;

	check_regex(m, n, "url");
	if (!text_starts(url, "^https://"))
		FOUND(m, n, "begin it with ^https://", "<match>: attribute url fits links of other portals too: \"%.100s\"", url);
	if (recipe_regex_open(url, &re, &e) != RC_OK)
		return;
	if (recipe_attr(n, "probe") == NULL && recipe_regex_match(re, elses, at))
		FOUND(m, n, "name the portal's host in it", "<match>: attribute url fits links of any portal: \"%.100s\"", url);
	for (i = 1; i <= re->ngroups && i <= REGEX_GROUPS_MAX; i++)
		if (re->names[i][0] != '\0' && recipe_input(m->r, re->names[i]) == NULL)
			FOUND(m, n, "declare it by <input>", "<match>: the group \"%s\" is no input", re->names[i]);
	recipe_regex_free(re);
}

/* After the steps: now all ids are known. */
static void
check_errors(struct meaning *m)
{
	const struct recipe_node *e = NULL, *c = NULL;
	const char *step = NULL;

	for (e = m->r->errors != NULL ? m->r->errors->child : NULL; e != NULL; e = e->next) {
		step = recipe_attr(e, "step");
		if (step != NULL && !among(m->ids, m->nids, step))
			FOUND(m, e, text_nearest(step, m->ids, m->nids), "<error>: no request has the id \"%.60s\"", step);
		check_whens(m, e);
		if ((c = recipe_child(e, RT_ATTEMPTS_LEFT)) != NULL) {
			check_regex(m, c, "regex");
			check_pointer(m, c, "json");
		}
		if ((c = recipe_child(e, RT_RETRY_AFTER)) != NULL)
			check_pointer(m, c, "json");
	}
}

int
recipe_meaning(const struct recipe *r, struct recipe_findings *fs, struct err *err)
{
	struct meaning *m = calloc(1, sizeof(*m));
	const struct recipe_node *n = NULL;

	if (m == NULL)
		return err_sys(err, ENOMEM, "cannot check a recipe");
	m->r = r;
	m->fs = fs;
	check_inputs(m);
	for (n = r->match; n != NULL; n = recipe_next(n))
		check_match(m, n);
	check_hosts(m, r->scope, false);
	if (r->login != NULL) {
		m->login = true;
		check_steps(m, r->login);
		m->login = false;
		if ((n = recipe_child(r->login, RT_EXPIRED_WHEN)) != NULL)
			check_whens(m, n);
		if ((n = recipe_child(r->login, RT_KEEPALIVE)) != NULL)
			check_request(m, n->child);
	}
	check_steps(m, r->run);
	if (!recipe_holds(r->run, RT_SET(RT_DOWNLOAD)))
		FOUND(m, r->run, NULL, "<run>: there is no <download> in it");
	check_errors(m);
	free(m);
	return RC_OK;
}
