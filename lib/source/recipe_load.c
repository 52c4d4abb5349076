/* From XML to the tree of a recipe, and what may be asked of the tree. */
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/text.h"
#include "base/xml.h"
#include "source/recipe_private.h"
#include "source/recipe_text.h"

#define NODES_MAX	5000

struct loader {
	struct recipe_findings *fs;
	const char *name;
	size_t nodes;
};

static void
free_node(struct recipe_node *n)
{
	struct recipe_node *next = NULL;
	size_t i = 0;

	for (; n != NULL; n = next) {
		next = n->next;
		free_node(n->child);	/* as deep as RECIPE_DEPTH_MAX */
		for (i = 0; i < n->nattrs; i++) {
			free(n->attrs[i].name);
			free(n->attrs[i].value);
		}
		free(n->attrs);
		free(n->text);
		free(n);
	}
}

void
recipe_free(struct recipe *r)
{
	if (r == NULL)
		return;
	free_node(r->root);
	free(r);
}

const char *
recipe_attr(const struct recipe_node *n, const char *name)
{
	size_t i = 0;

	for (i = 0; i < n->nattrs; i++)
		if (strcmp(n->attrs[i].name, name) == 0)
			return n->attrs[i].value;
	return NULL;
}

bool
recipe_yes(const struct recipe_node *n, const char *name, bool dflt)
{
	const char *v = recipe_attr(n, name);

	return v != NULL ? strcmp(v, "yes") == 0 : dflt;
}

const struct recipe_node *
recipe_child(const struct recipe_node *n, enum recipe_tag tag)
{
	const struct recipe_node *c = n->child;

	while (c != NULL && c->tag != tag)
		c = c->next;
	return c;
}

const struct recipe_node *
recipe_next(const struct recipe_node *n)
{
	enum recipe_tag tag = n->tag;

	for (n = n->next; n != NULL && n->tag != tag; n = n->next)
		;
	return n;
}

bool
recipe_holds(const struct recipe_node *n, uint64_t set)
{
	const struct recipe_node *c = n->child;

	for (; c != NULL; c = c->next)
		if ((set & RT_SET(c->tag)) != 0 || recipe_holds(c, set))
			return true;
	return false;
}

const struct recipe_node *
recipe_input(const struct recipe *r, const char *name)
{
	const struct recipe_node *n = r->input;

	while (n != NULL && strcmp(recipe_attr(n, "name"), name) != 0)
		n = recipe_next(n);
	return n;
}

/* {name}, with or without a filter. */
static bool
names(const char *text, const char *name)
{
	char one[RECIPE_NAME_MAX], filter[RECIPE_FILTER_MAX];
	size_t n = 0;

	for (; text != NULL && *text != '\0'; text += n > 0 ? n : 1)
		if ((n = recipe_placeholder(text, one, filter)) > 0 && strcmp(one, name) == 0)
			return true;
	return false;
}

static bool
tells_patient(const struct recipe_node *parent, const char *name)
{
	const struct recipe_node *n = NULL;
	size_t i = 0;

	for (n = parent->child; n != NULL; n = n->next) {
		for (i = 0; n->tag == RT_PATIENT && i < n->nattrs; i++)
			if (names(n->attrs[i].value, name))
				return true;
		if ((n->tag == RT_DOWNLOAD && names(recipe_attr(n, "study"), name)) || tells_patient(n, name))
			return true;
	}
	return false;
}

bool
recipe_private(const struct recipe *r, const char *name)
{
	return tells_patient(r->run, name);
}

static bool
number_with(const char *s, const char *const *units, const uint64_t *each, size_t n, uint64_t *out)
{
	char digits[12];
	size_t len = strspn(s, "0123456789"), i = 0;
	uint64_t v = 0;

	if (!text_copyn(digits, sizeof(digits), s, len) || !text_u64(digits, 999999999, &v))
		return false;
	for (i = 0; i < n && strcmp(s + len, units[i]) != 0; i++)
		;
	if (i == n)
		return false;
	*out = v * each[i];
	return true;
}

bool
recipe_duration(const char *s, uint64_t *ms)
{
	static const char *const units[] = { "ms", "s", "m", "h" };
	static const uint64_t each[] = { 1, 1000, 60000, 3600000 };

	return number_with(s, units, each, 4, ms);
}

bool
recipe_bytes(const char *s, uint64_t *bytes)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	static const uint64_t each[] = { 1, (uint64_t)1 << 10, (uint64_t)1 << 20, (uint64_t)1 << 30 };

	return number_with(s, units, each, 4, bytes);
}

bool
recipe_factor(const char *s, unsigned *thousandths)
{
	unsigned whole = 0, part = 0, digit = 100;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9' && whole < 1000; s++)
		whole = whole * 10 + (unsigned)(*s - '0');
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9' && digit > 0; s++, digit /= 10)
			part += digit * (unsigned)(*s - '0');
	*thousandths = whole * 1000 + part;
	return *s == '\0';
}

/* Texts of libxml2 are UTF-8 and end with NUL. */
static char *
dup_xml(const xmlChar *s, struct err *err)
{
	return text_dup((const char *)(s != NULL ? s : (const xmlChar *)""), err);
}

static int
take_attrs(struct recipe_node *n, xmlNode *x, struct err *err)
{
	xmlAttr *a = NULL;
	xmlChar *value = NULL;
	struct recipe_attr *to = NULL;
	char name[128];
	size_t count = 0;

	for (a = x->properties; a != NULL; a = a->next)
		count++;
	if (count > 0 && (n->attrs = calloc(count, sizeof(*n->attrs))) == NULL)
		return err_sys(err, ENOMEM, "cannot read a recipe");
	for (a = x->properties; a != NULL; a = a->next) {
		to = &n->attrs[n->nattrs++];
		snprintf(name, sizeof(name), "%s%s%s", a->ns != NULL && a->ns->prefix != NULL ?
		    (const char *)a->ns->prefix : "", a->ns != NULL ? ":" : "", (const char *)a->name);
		value = xmlNodeListGetString(x->doc, a->children, 1);
		to->name = text_dup(name, err);
		to->value = dup_xml(value, err);
		xmlFree(value);
		if (to->name == NULL || to->value == NULL)
			return err_rc(err->kind);
	}
	return RC_OK;
}

/* Its own text, without what stands in elements; NULL where it is blank. */
static int
take_text(xmlNode *x, char **out, struct err *err)
{
	struct buf b = BUF_INIT(RECIPE_BYTES_MAX);
	xmlNode *c = NULL;
	int rc = RC_OK;

	*out = NULL;
	for (c = x->children; c != NULL && rc == RC_OK; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content != NULL)
			rc = buf_puts(&b, (const char *)c->content, err);
	if (rc == RC_OK && b.len > 0 && strspn(b.data, " \t\r\n") < b.len &&
	    (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_free(&b);
	return rc;
}

static bool
is_ours(const xmlNode *x)
{
	return x->ns != NULL && strcmp((const char *)x->ns->href, RECIPE_NS) == 0;
}

static int take_children(struct loader *, struct recipe_node *, xmlNode *, unsigned depth, struct err *);

static int
take_node(struct loader *l, struct recipe_node *parent, xmlNode *x, enum recipe_tag tag, unsigned depth,
    struct recipe_node **out, struct err *err)
{
	struct recipe_node *n = NULL;
	char *text = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (depth > RECIPE_DEPTH_MAX || ++l->nodes > NODES_MAX)
		return err_set(err, ERR_CONFIG, "%s:%ld: more than %d elements, or deeper than %d", l->name, xmlGetLineNo(x),
		    NODES_MAX, RECIPE_DEPTH_MAX);
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_sys(err, ENOMEM, "cannot read a recipe");
	*out = n;
	n->tag = tag;
	n->parent = parent;
	n->line = (unsigned)xmlGetLineNo(x);
	if ((rc = take_attrs(n, x, err)) != RC_OK || (rc = take_text(x, &text, err)) != RC_OK)
		return rc;
	recipe_form_node(n, text != NULL, l->fs);
	if (recipe_shape(tag)->text)
		n->text = text;
	else
		free(text);
	if ((rc = take_children(l, n, x, depth + 1, err)) == RC_OK)
		recipe_form_children(n, l->fs);
	return rc;
}

static int
take_children(struct loader *l, struct recipe_node *n, xmlNode *x, unsigned depth, struct err *err)
{
	struct recipe_node **end = &n->child;
	enum recipe_tag tag = RT_NONE;
	xmlNode *c = NULL;
	int rc = RC_OK;

	for (c = x->children; c != NULL && rc == RC_OK; c = c->next) {
		if (c->type != XML_ELEMENT_NODE)
			continue;
		tag = is_ours(c) ? recipe_tag_of((const char *)c->name) : RT_NONE;
		if (tag == RT_NONE) {
			recipe_form_unknown(n, (const char *)c->name, (unsigned)xmlGetLineNo(c), l->fs);
			continue;
		}
		rc = take_node(l, n, c, tag, depth, end, err);
		if (*end != NULL)
			end = &(*end)->next;
	}
	return rc;
}

/* A document type brings entities and defaults: the form is ours, and there is none. */
static void
refuse_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *ctxt = arg;
	bool *doctype = ctxt->_private;

	(void)name; (void)external; (void)system;
	*doctype = true;
	xmlStopParser(ctxt);
}

/* libxml2's sentence is its own and in English; what it quotes of the file is escaped. */
static int
read_xml(struct loader *l, const void *data, size_t len, xmlDoc **doc, struct err *err)
{
	xmlParserCtxt *ctxt = NULL;
	bool doctype = false;
	const xmlError *e = NULL;
	char why[256];
	int rc = RC_OK;

	*doc = NULL;
	xml_quiet();
	if ((ctxt = xmlNewParserCtxt()) == NULL)
		return err_sys(err, ENOMEM, "cannot read a recipe");
	ctxt->_private = &doctype;
	ctxt->sax->internalSubset = refuse_doctype;
	*doc = xmlCtxtReadMemory(ctxt, data, (int)len, NULL, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES);
	if (doctype) {
		recipe_finding(l->fs, (unsigned)ctxt->input->line, false, "remove it; a recipe has no DTD and no entities",
		    "a DOCTYPE");
	} else if (*doc == NULL || !ctxt->wellFormed) {
		e = xmlCtxtGetLastError(ctxt);
		text_escape(why, sizeof(why), e != NULL && e->message != NULL ? e->message : "no XML",
		    e != NULL && e->message != NULL ? strcspn(e->message, "\n") : 6);
		recipe_finding(l->fs, e != NULL && e->line > 0 ? (unsigned)e->line : 1, false,
		    "the file has to be well-formed XML", "%s", why);
	}
	xmlFreeParserCtxt(ctxt);
	return rc;
}

static int
take_root(struct loader *l, struct recipe *r, xmlDoc *doc, struct err *err)
{
	xmlNode *root = xmlDocGetRootElement(doc);

	if (!is_ours(root)) {
		recipe_finding(l->fs, (unsigned)xmlGetLineNo(root), false,
		    "the first element is <recipe xmlns=\"" RECIPE_NS "\" …>", "no recipe of this version: the namespace is not \""
		    RECIPE_NS "\"");
		return RC_OK;
	}
	if (strcmp((const char *)root->name, "recipe") != 0) {
		recipe_finding(l->fs, (unsigned)xmlGetLineNo(root), false, "allowed: recipe",
		    "<%.60s> is not the first element of a recipe", (const char *)root->name);
		return RC_OK;
	}
	return take_node(l, NULL, root, RT_RECIPE, 1, &r->root, err);
}

/* The struct from a tree of right form. */
static void
fill(struct recipe *r)
{
	const struct recipe_node *root = r->root, *limits = recipe_child(root, RT_LIMITS);
	const char *v = NULL;

	r->id = recipe_attr(root, "id");
	r->match = recipe_child(root, RT_MATCH);
	r->input = recipe_child(root, RT_INPUT);
	r->scope = recipe_child(root, RT_SCOPE);
	r->errors = recipe_child(root, RT_ERRORS);
	r->login = recipe_child(root, RT_LOGIN);
	r->run = recipe_child(root, RT_RUN);
	if ((v = recipe_attr(limits, "min-delay")) != NULL)
		(void)recipe_duration(v, &r->limits.gap_ms);
	if ((v = recipe_attr(limits, "wait")) != NULL)
		(void)recipe_duration(v, &r->limits.wait_ms);
	if ((v = recipe_attr(limits, "bytes")) != NULL)
		(void)recipe_bytes(v, &r->limits.bytes);
	if ((v = recipe_attr(limits, "requests")) != NULL)
		r->limits.requests = (unsigned)strtoul(v, NULL, 10);	/* its form is right: nine digits */
	if ((v = recipe_attr(limits, "parallel")) != NULL)
		r->limits.parallel = (unsigned)strtoul(v, NULL, 10);
}

static int
tell(const char *name, const struct recipe_findings *fs, struct err *err)
{
	const struct recipe_finding *f = &fs->at[0];
	size_t more = fs->n - 1 + fs->more;

	if (more > 0)
		err_set(err, ERR_CONFIG, "%s:%u: %s (and %zu more)", name, f->line, f->text, more);
	else
		err_set(err, ERR_CONFIG, "%s:%u: %s", name, f->line, f->text);
	if (f->advice[0] != '\0')
		err_advise(err, "%s", f->advice);
	return err_rc(ERR_CONFIG);
}

int
recipe_parse(const char *name, const void *data, size_t len, struct recipe **out, struct recipe_findings *findings,
    struct err *err)
{
	struct recipe_findings *fs = findings != NULL ? findings : calloc(1, sizeof(*fs));
	struct loader l = { fs, name, 0 };
	struct recipe *r = calloc(1, sizeof(*r));
	xmlDoc *doc = NULL;
	int rc = r == NULL || fs == NULL ? err_sys(err, ENOMEM, "cannot read a recipe") : RC_OK;

	*out = NULL;
	if (rc == RC_OK && findings != NULL)
		fs->n = fs->more = 0;
	if (rc == RC_OK && len > RECIPE_BYTES_MAX)
		rc = err_set(err, ERR_CONFIG, "%s: more than %zu bytes", name, RECIPE_BYTES_MAX);
	if (rc == RC_OK && (rc = read_xml(&l, data, len, &doc, err)) == RC_OK && fs->n == 0)
		rc = take_root(&l, r, doc, err);
	if (rc == RC_OK && fs->n == 0) {
		fill(r);
		rc = recipe_meaning(r, fs, err);
	}
	if (rc == RC_OK && fs->n > 0)
		rc = tell(name, fs, err);
	xmlFreeDoc(doc);
	if (findings == NULL)
		free(fs);
	if (rc == RC_OK)
		*out = r;
	else
		recipe_free(r);
	return rc;
}

int
recipe_read(const char *path, struct buf *b, struct err *err)
{
	char shown[256];
	struct stream *s = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = RC_OK;

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (fd < 0)
		return err_sys(err, errno, "cannot read the recipe %s", shown);
	b->max = RECIPE_BYTES_MAX + 1;
	if ((rc = stream_file(&s, fd, err)) == RC_OK && (rc = stream_slurp(s, b, err)) != RC_OK) {
		err_wrap(err, "%s: no recipe, which has %zu bytes at most", shown, RECIPE_BYTES_MAX);
		err->kind = ERR_CONFIG;
	}
	stream_close(s);
	return rc;
}

int
recipe_load(const char *path, struct recipe **out, struct recipe_findings *findings, struct err *err)
{
	struct buf b = BUF_INIT(RECIPE_BYTES_MAX + 1);
	int rc = RC_OK;

	*out = NULL;
	if (findings != NULL)
		findings->n = findings->more = 0;
	if ((rc = recipe_read(path, &b, err)) == RC_OK)
		rc = recipe_parse(path, b.data != NULL ? b.data : "", b.len, out, findings, err);
	buf_free(&b);
	return rc;
}
