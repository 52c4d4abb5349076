#include <errno.h>
#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/xml.h"
#include "http/jar.h"
#include "media/sniff.h"
#include "source/recipe_page.h"
#include "source/recipe_regex.h"

#define XPATH_WORK	5000000	/* steps of libxml2: some seconds */
#define NODES_MAX	10000

/* The parameter of a media type (RFC 9110 8.3.2): a token, or in quotes. */
static char *
charset_of(const char *type, struct err *err)
{
	const char *p = strcasestr(type, "charset=");
	size_t n = 0;
	char name[64];

	if (p == NULL)
		return NULL;
	p += 8;
	p += *p == '"';
	n = strcspn(p, "\"; \t");
	return n > 0 && text_copyn(name, sizeof(name), p, n) ? text_dup(name, err) : NULL;
}

int
page_new(struct recipe_page **out, struct http_response *r, struct err *err)
{
	struct recipe_page *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's answer");
	p->refs = 1;
	p->status = r->status;
	text_copy(p->type, sizeof(p->type), r->type);
	p->charset = charset_of(r->full_type, err);
	p->url = r->url;
	r->url = NULL;
	p->body = r->body;
	memset(&r->body, 0, sizeof(r->body));
	*out = p;
	return RC_OK;
}

void
page_drop(struct recipe_page *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	xmlFreeDoc(p->doc);
	json_decref(p->json);
	free(p->charset);
	hash_wipe_text(&p->url);
	buf_wipe(&p->body);
	free(p);
}

static bool
looks_like_xml(const struct recipe_page *p)
{
	return strstr(p->type, "xml") != NULL && strstr(p->type, "html") == NULL;
}

static xmlDoc *
doc_of(struct recipe_page *p)
{
	if (p->tried_doc || p->body.len == 0 || p->body.len > TREE_BYTES_MAX)
		return p->doc;
	p->tried_doc = true;
	xml_quiet();
	if (looks_like_xml(p))
		p->doc = xmlReadMemory(p->body.data, (int)p->body.len, NULL, p->charset,
		    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	else
		p->doc = htmlReadMemory(p->body.data, (int)p->body.len, NULL, p->charset,
		    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
	return p->doc;
}

static json_t *
json_of(struct recipe_page *p)
{
	const char *s = p->body.data;
	size_t n = p->body.len;

	if (p->tried_json || n == 0)
		return p->json;
	p->tried_json = true;
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
		s += 3;
		n -= 3;
	}
	(void)json_parse(s, n, &p->json, &(struct err){ 0 });
	return p->json;
}

/* NULL without err: there is no tree to look at. */
static int
evaluate(const struct recipe_at *at, const char *expr, xmlXPathObject **out, struct err *err)
{
	xmlDoc *doc = at->page != NULL ? doc_of(at->page) : NULL;
	xmlXPathContext *ctxt = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (doc == NULL || at->value != NULL)
		return RC_OK;
	if ((ctxt = xmlXPathNewContext(doc)) == NULL)
		return err_sys(err, ENOMEM, "cannot look into the portal's page");
	ctxt->opLimit = XPATH_WORK;
	ctxt->node = at->node != NULL ? at->node : xmlDocGetRootElement(doc);
	*out = xmlXPathEvalExpression((const xmlChar *)expr, ctxt);
	if (*out == NULL)
		rc = err_set(err, ERR_PROTOCOL, "the portal's page is too large for the recipe's XPath");
	xmlXPathFreeContext(ctxt);
	return rc;
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n\f")] == '\0';
}

/* Blanks at both ends go, no-break spaces too: pages pad with them. */
static int
take_text(const char *s, char **out, struct err *err)
{
	size_t n = 0;

	while (*s != '\0' && (strchr(" \t\r\n\f", *s) != NULL || strncmp(s, "\xc2\xa0", 2) == 0))
		s += *s == '\xc2' ? 2 : 1;
	for (n = strlen(s); n > 0; )
		if (strchr(" \t\r\n\f", s[n - 1]) != NULL)
			n--;
		else if (n > 1 && memcmp(s + n - 2, "\xc2\xa0", 2) == 0)
			n -= 2;
		else
			break;
	if (n > RECIPE_VALUE_MAX)
		return err_set(err, ERR_PROTOCOL, "a value of more than %zu bytes", RECIPE_VALUE_MAX);
	*out = n > 0 ? strndup(s, n) : NULL;
	return n > 0 && *out == NULL ? err_sys(err, ENOMEM, "cannot keep a value") : RC_OK;
}

int
page_xpath(const struct recipe_at *at, const char *expr, char **out, struct err *err)
{
	xmlXPathObject *o = NULL;
	xmlChar *s = NULL;
	int rc = evaluate(at, expr, &o, err);

	*out = NULL;
	if (rc != RC_OK || o == NULL)
		return rc;
	if (o->type == XPATH_NODESET && !xmlXPathNodeSetIsEmpty(o->nodesetval))
		s = xmlXPathCastNodeToString(o->nodesetval->nodeTab[0]);
	else if (o->type == XPATH_STRING || o->type == XPATH_NUMBER)
		s = xmlXPathCastToString(o);
	if (s != NULL)
		rc = take_text((const char *)s, out, err);
	xmlFree(s);
	xmlXPathFreeObject(o);
	return rc;
}

int
page_xpath_true(const struct recipe_at *at, const char *expr, bool *yes, struct err *err)
{
	xmlXPathObject *o = NULL;
	int rc = evaluate(at, expr, &o, err);

	*yes = rc == RC_OK && o != NULL && xmlXPathCastToBoolean(o) == 1;
	xmlXPathFreeObject(o);
	return rc;
}

int
page_xpath_nodes(const struct recipe_at *at, const char *expr, xmlNode ***out, size_t *n, struct err *err)
{
	xmlXPathObject *o = NULL;
	int rc = evaluate(at, expr, &o, err), i = 0, count = 0;

	*out = NULL;
	*n = 0;
	if (rc == RC_OK && o != NULL && o->type == XPATH_NODESET && o->nodesetval != NULL) {
		count = o->nodesetval->nodeNr;
		if (count > NODES_MAX)
			rc = err_set(err, ERR_PROTOCOL, "the portal lists more than %d entries", NODES_MAX);
		else if ((*out = calloc((size_t)count + 1, sizeof(**out))) == NULL)
			rc = err_sys(err, ENOMEM, "cannot hold the portal's list");
		for (i = 0; rc == RC_OK && i < count; i++)
			if (o->nodesetval->nodeTab[i]->type == XML_ELEMENT_NODE)
				(*out)[(*n)++] = o->nodesetval->nodeTab[i];
	}
	xmlXPathFreeObject(o);
	return rc;
}

/* One part of a pointer, with ~1 for a slash and ~0 for a tilde. */
static size_t
part_of(const char *p, char *to, size_t cap)
{
	size_t n = 0, at = 0;

	for (; p[n] != '\0' && p[n] != '/'; n++) {
		if (at + 1 >= cap)
			return 0;
		to[at++] = p[n] == '~' ? (p[++n] == '1' ? '/' : '~') : p[n];
	}
	to[at] = '\0';
	return n;
}

json_t *
page_pointer(const struct recipe_at *at, const char *p)
{
	json_t *j = at->value != NULL ? at->value : at->page != NULL ? json_of(at->page) : NULL;
	char part[256];
	uint64_t i = 0;
	size_t n = 0;

	while (j != NULL && *p == '/') {
		n = part_of(++p, part, sizeof(part));
		if (json_is_array(j))
			j = text_u64(part, NODES_MAX * 100, &i) ? json_array_get(j, (size_t)i) : NULL;
		else
			j = json_is_object(j) ? json_object_get(j, part) : NULL;
		p += n;
	}
	return j;
}

int
page_scalar(const json_t *j, char **out, struct err *err)
{
	char number[64] = "";

	*out = NULL;
	if (json_is_string(j))
		return take_text(json_string_value(j), out, err);
	if (json_is_integer(j))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(j));
	else if (json_is_real(j))
		snprintf(number, sizeof(number), "%.15g", json_real_value(j));
	else if (json_is_boolean(j))
		snprintf(number, sizeof(number), "%s", json_is_true(j) ? "true" : "false");
	return number[0] == '\0' ? RC_OK : take_text(number, out, err);
}

static const char *
body_of(const struct recipe_page *p)
{
	return p != NULL && p->body.data != NULL ? p->body.data : "";
}

int
page_extract(const struct recipe_at *at, struct http *h, const struct recipe_node *n, char **out, struct err *err)
{
	const char *how = NULL, *v = NULL;
	char *raw = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (at->page == NULL)
		return RC_OK;
	if ((how = recipe_attr(n, "xpath")) != NULL)
		return page_xpath(at, how, out, err);
	if ((how = recipe_attr(n, "json")) != NULL)
		return page_scalar(page_pointer(at, how), out, err);
	if ((how = recipe_attr(n, "header")) != NULL)
		return (v = http_header(h, how)) != NULL ? take_text(v, out, err) : RC_OK;
	if ((how = recipe_attr(n, "cookie")) != NULL)
		rc = http_cookie(h, how, &raw, err);
	else if ((how = recipe_attr(n, "regex")) != NULL)
		rc = recipe_regex_take(how, body_of(at->page), &raw, err);
	else if ((how = recipe_attr(n, "url")) != NULL)
		rc = recipe_regex_take(how, at->page->url != NULL ? at->page->url : "", &raw, err);
	else
		return take_text(body_of(at->page), out, err);
	if (rc == RC_OK && raw != NULL)
		rc = take_text(raw, out, err);
	hash_wipe_text(&raw);
	return rc;
}

/* "404", "5xx", with blanks between. */
static bool
status_in(long status, const char *list)
{
	char word[4], own[16];
	size_t n = 0;

	snprintf(own, sizeof(own), "%ld", status % 1000);
	for (; *list != '\0'; list += n, list += strspn(list, " ")) {
		n = strcspn(list, " ");
		if (text_copyn(word, sizeof(word), list, n) && word[0] == own[0] &&
		    (strcmp(word, own) == 0 || strcmp(word + 1, "xx") == 0))
			return true;
	}
	return false;
}

static int
matches(const char *pattern, const char *text, bool *yes, struct err *err)
{
	char *took = NULL;
	int rc = recipe_regex_take(pattern, text, &took, err);

	*yes = took != NULL;
	hash_wipe_text(&took);
	return rc;
}

static int
when_json(const struct recipe_at *at, const struct recipe_node *w, const char *pointer, const struct recipe_vars *vars,
    bool *yes, struct err *err)
{
	const json_t *j = page_pointer(at, pointer);
	const char *equals = recipe_attr(w, "equals"), *pattern = recipe_attr(w, "matches");
	struct buf want = BUF_INIT(RECIPE_VALUE_MAX);
	char *have = NULL;
	int rc = RC_OK;

	*yes = j != NULL && !json_is_null(j) && !json_is_false(j);
	if (equals == NULL && pattern == NULL)
		return RC_OK;
	if ((rc = page_scalar(j, &have, err)) != RC_OK)
		return rc;
	if (equals != NULL && (rc = recipe_expand(equals, vars, PLACE_PLAIN, &want, err)) == RC_OK)
		*yes = strcmp(want.data, have != NULL ? have : "") == 0 && j != NULL;
	else if (pattern != NULL && (*yes = have != NULL))
		rc = matches(pattern, have, yes, err);
	hash_wipe_text(&have);
	buf_wipe(&want);
	return rc;
}

static bool
type_is(const char *type, const char *want)
{
	size_t n = strlen(want);

	return n > 1 && strcmp(want + n - 2, "/*") == 0 ? strncasecmp(type, want, n - 1) == 0 : strcasecmp(type, want) == 0;
}

static bool
magic_is(const struct recipe_page *p, const char *want)
{
	enum media m = sniff((const unsigned char *)body_of(p), p->body.len < SNIFF_BYTES ? p->body.len : SNIFF_BYTES);

	if (strcmp(want, "html") == 0)
		return m == MEDIA_HTML;
	if (strcmp(want, "json") == 0)
		return !is_blank(body_of(p)) && strchr("{[", body_of(p)[strspn(body_of(p), " \t\r\n")]) != NULL;
	return strcmp(want, "zip") == 0 ? m == MEDIA_ZIP : strcmp(want, "pdf") == 0 ? m == MEDIA_PDF : m == MEDIA_DICOM;
}

static int
when_one(const struct recipe_at *at, struct http *h, const struct recipe_node *w, const struct recipe_vars *vars,
    bool *yes, struct err *err)
{
	const struct recipe_page *p = at->page;
	const char *v = NULL, *header = NULL, *pattern = NULL;

	*yes = false;
	if (p == NULL)
		return RC_OK;
	if ((v = recipe_attr(w, "status")) != NULL)
		*yes = status_in(p->status, v);
	else if ((v = recipe_attr(w, "xpath")) != NULL)
		return page_xpath_true(at, v, yes, err);
	else if ((v = recipe_attr(w, "json")) != NULL)
		return when_json(at, w, v, vars, yes, err);
	else if ((v = recipe_attr(w, "type")) != NULL)
		*yes = type_is(p->type, v);
	else if ((v = recipe_attr(w, "magic")) != NULL)
		*yes = magic_is(p, v);
	else if ((v = recipe_attr(w, "body")) != NULL)
		return matches(v, body_of(p), yes, err);
	else if ((v = recipe_attr(w, "url")) != NULL)
		return matches(v, p->url != NULL ? p->url : "", yes, err);
	else if ((v = recipe_attr(w, "header")) != NULL && (header = http_header(h, v)) != NULL) {
		pattern = recipe_attr(w, "matches");
		*yes = true;
		return pattern != NULL ? matches(pattern, header, yes, err) : RC_OK;
	}
	return RC_OK;
}

int
page_when(const struct recipe_at *at, struct http *h, const struct recipe_node *parent, const struct recipe_vars *vars,
    bool *yes, struct err *err)
{
	const struct recipe_node *w = NULL;
	int rc = RC_OK;

	*yes = false;
	for (w = recipe_child(parent, RT_WHEN); w != NULL && !*yes && rc == RC_OK; w = recipe_next(w))
		rc = when_one(at, h, w, vars, yes, err);
	return rc;
}
