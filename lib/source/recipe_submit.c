#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"
#include "source/recipe_submit.h"

#define CONTROLS_MAX	500
#define FORM_MAX	((size_t)256 << 10)	/* bytes; the view state of some portals is large */
#define DEPTH_MAX	200
#define HIDDEN_MIN	16	/* a token against forgery has 22 letters or more, a step's number one */
#define HIDDEN_MAX	((size_t)16 << 10)	/* an assertion of SAML has some thousand */

void
form_free(struct form *f)
{
	hash_wipe_text(&f->url);
	buf_wipe(&f->body);
	buf_wipe(&f->hidden);
}

/* An attribute, "" where it is not there; *has tells. malloc; NULL: no memory. */
static char *
attr(xmlNode *n, const char *name, bool *has, struct err *err)
{
	xmlChar *v = xmlGetProp(n, (const xmlChar *)name);
	char *s = NULL;

	if (has != NULL)
		*has = v != NULL;
	s = text_dup(v != NULL ? (const char *)v : "", err);
	xmlFree(v);
	return s;
}

static bool
has_attr(xmlNode *n, const char *name)
{
	return xmlHasProp(n, (const xmlChar *)name) != NULL;
}

static bool
is_element(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcasecmp((const char *)n->name, name) == 0;
}

/* The <field> of the recipe for a control. */
static const struct recipe_node *
field_of(const struct recipe_node *submit, const char *name)
{
	const struct recipe_node *f = recipe_child(submit, RT_FIELD);

	while (f != NULL && strcmp(recipe_attr(f, "name"), name) != 0)
		f = recipe_next(f);
	return f;
}

struct filling {
	const struct recipe_node *submit;
	struct buf *out, *hidden;
	bool pressed;		/* a button was sent: one is enough */
	unsigned controls;
};

/* A pair, unless the recipe has its own value for that name. */
static int
put(struct filling *f, const char *name, const char *value, struct err *err)
{
	if (name[0] == '\0' || field_of(f->submit, name) != NULL)
		return RC_OK;
	if (++f->controls > CONTROLS_MAX)
		return err_set(err, ERR_PROTOCOL, "the portal's form has more than %d fields", CONTROLS_MAX);
	return recipe_urlencode(name, value, f->out, err);
}

static int
put_input(struct filling *f, xmlNode *n, const char *name, struct err *err)
{
	static const char *const idle[] = { "button", "reset", "image", "file" };
	bool has_value = false, send = true;
	char *type = attr(n, "type", NULL, err), *value = attr(n, "value", &has_value, err);
	size_t i = 0;
	int rc = type == NULL || value == NULL ? err_rc(err->kind) : RC_OK;

	for (i = 0; rc == RC_OK && i < sizeof(idle) / sizeof(idle[0]); i++)
		send = send && strcasecmp(type, idle[i]) != 0;
	if (rc == RC_OK && (strcasecmp(type, "checkbox") == 0 || strcasecmp(type, "radio") == 0))
		send = has_attr(n, "checked");
	if (rc == RC_OK && strcasecmp(type, "submit") == 0) {
		send = !f->pressed && name[0] != '\0';
		f->pressed = f->pressed || send;
	}
	if (rc == RC_OK && strcasecmp(type, "hidden") == 0 && strlen(value) >= HIDDEN_MIN && strlen(value) <= HIDDEN_MAX)
		rc = buf_add(f->hidden, value, strlen(value) + 1, err);
	if (rc == RC_OK && send)
		rc = put(f, name, has_value || strcasecmp(type, "checkbox") != 0 ? value : "on", err);
	free(type);
	hash_wipe_text(&value);
	return rc;
}

static int
put_option(struct filling *f, const char *name, xmlNode *n, struct err *err)
{
	xmlChar *text = xmlNodeGetContent(n);
	bool has = false;
	char *value = attr(n, "value", &has, err);
	int rc = value == NULL ? err_rc(err->kind) : put(f, name, has || text == NULL ? value : (const char *)text, err);

	xmlFree(text);
	free(value);
	return rc;
}

/* The chosen options; of a list that shows one, the first where none is chosen. */
static int
put_select(struct filling *f, xmlNode *select, xmlNode *n, const char *name, unsigned depth, xmlNode **first,
    bool *chosen, struct err *err)
{
	int rc = RC_OK;

	for (; n != NULL && rc == RC_OK; n = n->next) {
		if (is_element(n, "option") && !has_attr(n, "disabled")) {
			if (*first == NULL)
				*first = n;
			if (has_attr(n, "selected") && (!*chosen || has_attr(select, "multiple"))) {
				*chosen = true;
				rc = put_option(f, name, n, err);
			}
		} else if (n->type == XML_ELEMENT_NODE && depth < DEPTH_MAX) {
			rc = put_select(f, select, n->children, name, depth + 1, first, chosen, err);
		}
	}
	return rc;
}

static int put_controls(struct filling *, xmlNode *, unsigned depth, struct err *);

static int
put_control(struct filling *f, xmlNode *n, unsigned depth, struct err *err)
{
	char *name = attr(n, "name", NULL, err);
	xmlNode *first = NULL;
	xmlChar *text = NULL;
	bool chosen = false;
	int rc = name == NULL ? err_rc(err->kind) : RC_OK;

	if (rc == RC_OK && is_element(n, "input"))
		rc = put_input(f, n, name, err);
	else if (rc == RC_OK && is_element(n, "button")) {
		rc = !f->pressed && name[0] != '\0' ? put_input(f, n, name, err) : RC_OK;
		f->pressed = true;
	} else if (rc == RC_OK && is_element(n, "textarea")) {
		text = xmlNodeGetContent(n);
		rc = put(f, name, text != NULL ? (const char *)text : "", err);
		xmlFree(text);
	} else if (rc == RC_OK) {
		rc = put_select(f, n, n->children, name, depth, &first, &chosen, err);
		if (rc == RC_OK && !chosen && first != NULL && !has_attr(n, "multiple"))
			rc = put_option(f, name, first, err);
	}
	free(name);
	return rc;
}

static int
put_controls(struct filling *f, xmlNode *n, unsigned depth, struct err *err)
{
	int rc = RC_OK;

	for (; n != NULL && rc == RC_OK; n = n->next) {
		if (n->type != XML_ELEMENT_NODE || is_element(n, "template"))
			continue;
		if (is_element(n, "input") || is_element(n, "textarea") || is_element(n, "select") || is_element(n, "button"))
			rc = has_attr(n, "disabled") ? RC_OK : put_control(f, n, depth, err);
		else if (depth < DEPTH_MAX)
			rc = put_controls(f, n->children, depth + 1, err);
	}
	return rc;
}

/* <base href>, else the page's own address (HTML 4.01 12.4). */
static int
base_of(const struct recipe_at *at, char **out, struct err *err)
{
	const struct recipe_at whole = { at->page, NULL, NULL };
	char *base = NULL;
	int rc = page_xpath(&whole, "//base/@href", &base, err);

	if (rc == RC_OK && base != NULL)
		rc = url_resolve(at->page->url, base, out, err);
	else if (rc == RC_OK && (*out = text_dup(at->page->url, err)) == NULL)
		rc = err_rc(err->kind);
	free(base);
	return rc;
}

static int
put_fields(const struct recipe_node *submit, const struct recipe_vars *vars, struct buf *out, struct err *err)
{
	const struct recipe_node *n = NULL;
	struct buf value = BUF_INIT(FORM_MAX);
	int rc = RC_OK;

	for (n = recipe_child(submit, RT_FIELD); n != NULL && rc == RC_OK; n = recipe_next(n)) {
		buf_clear(&value);
		if ((rc = recipe_expand(recipe_attr(n, "value"), vars, PLACE_PLAIN, &value, err)) == RC_OK)
			rc = recipe_urlencode(recipe_attr(n, "name"), value.data, out, err);
	}
	buf_wipe(&value);
	return rc;
}

/* The query of a form's address goes where it is sent by GET. */
static int
add_query(struct form *f, struct err *err)
{
	struct buf url = BUF_INIT(URL_MAX);
	int rc = RC_OK;

	f->url[strcspn(f->url, "?")] = '\0';
	rc = buf_printf(&url, err, "%s?%s", f->url, f->body.data != NULL ? f->body.data : "");
	buf_wipe(&f->body);
	hash_wipe_text(&f->url);
	if (rc == RC_OK)
		f->url = url.data;
	else
		buf_wipe(&url);
	return rc;
}

int
form_fill(const struct recipe_at *at, const struct recipe_node *submit, const struct recipe_vars *vars, struct form *f,
    struct err *err)
{
	struct filling fill = { submit, &f->body, &f->hidden, false, 0 };
	xmlNode **found = NULL;
	char *action = NULL, *method = NULL, *enctype = NULL, *base = NULL;
	size_t n = 0;
	int rc = RC_OK;

	memset(f, 0, sizeof(*f));
	f->body.max = f->hidden.max = FORM_MAX;
	if ((rc = page_xpath_nodes(at, recipe_attr(submit, "form"), &found, &n, err)) != RC_OK)
		return rc;
	if (n == 0 || !is_element(found[0], "form")) {
		rc = err_set(err, ERR_PROTOCOL, "the page has no such form");
		goto out;
	}
	if ((action = attr(found[0], "action", NULL, err)) == NULL || (method = attr(found[0], "method", NULL, err)) == NULL ||
	    (enctype = attr(found[0], "enctype", NULL, err)) == NULL) {
		rc = err_rc(err->kind);
		goto out;
	}
	f->post = strcasecmp(method, "post") == 0;
	if (f->post && enctype[0] != '\0' && strcasecmp(enctype, "application/x-www-form-urlencoded") != 0) {
		rc = err_set(err, ERR_PROTOCOL, "the form is one for uploads, which is not supported");
		goto out;
	}
	text_trim(action);
	if (action[0] == '\0' && (f->url = text_dup(at->page->url, err)) == NULL)
		rc = err_rc(err->kind);
	else if (action[0] != '\0' && (rc = base_of(at, &base, err)) == RC_OK)
		rc = url_resolve(base, action, &f->url, err);
	if (rc == RC_OK && (rc = put_controls(&fill, found[0]->children, 0, err)) == RC_OK &&
	    (rc = put_fields(submit, vars, &f->body, err)) == RC_OK && !f->post)
		rc = add_query(f, err);
out:
	free(found);
	free(action);
	free(method);
	free(enctype);
	hash_wipe_text(&base);
	if (rc != RC_OK)
		form_free(f);
	return rc;
}
