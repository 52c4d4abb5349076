/* Fuzz target: what a portal answers, as a recipe looks at it. The first byte says HTML, XML or JSON. */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe_submit.h"
#include "replay.h"

static const char language[] =
    "<recipe xmlns='urn:mri:recipe:1' id='f' version='1'><about vendor='v' tested='t'/><match url='^https://p/'/>"
    "<input name='link' type='url' ask='?'/><scope hosts='p'/><limits/><run><get url='{link}'/>"
    "<expect><when xpath='//p[contains(., \"x\")]'/><when json='/a/0' matches='^[a-z]+'/><when magic='json'/>"
    "<when body='ab+c'/><when json='/b' equals='{link}'/></expect>"
    "<extract name='a' xpath='string(//title)'/><extract name='b' json='/a/0/b'/><extract name='c' regex='x=([0-9]+)'/>"
    "<extract name='d' body='yes'/><extract name='e' xpath='count(//a)'/><extract name='f' xpath='//a/@href'/>"
    "<submit form='//form'><field name='code' value='{link}'/></submit>"
    "<download url='{f}' as='auto' type='auto'/></run></recipe>";

static void
entries(const struct recipe_at *whole)
{
	struct recipe_at at = *whole;
	struct err err = { 0 };
	xmlNode **nodes = NULL;
	char *text = NULL;
	size_t n = 0, i = 0;

	if (page_xpath_nodes(whole, "//tr", &nodes, &n, &err) != RC_OK)
		return;
	for (i = 0; i < n && i < 20; i++) {
		at.node = nodes[i];
		if (page_xpath(&at, ".//a/@href", &text, &err) == RC_OK)
			free(text);
	}
	free(nodes);
}

static void
look(const struct recipe *r, const struct recipe_at *at)
{
	struct recipe_vars vars = { 0 };
	const struct recipe_node *n = NULL;
	struct err err = { 0 };
	struct form form;
	char *text = NULL;
	bool yes = false;

	if (vars_set(&vars, "link", "https://p/x", false, &err) != RC_OK)
		abort();
	for (n = r->run->child; n != NULL; n = n->next) {
		if (n->tag == RT_EXPECT)
			(void)page_when(at, NULL, n, &vars, &yes, &err);
		if (n->tag == RT_EXTRACT && page_extract(at, NULL, n, &text, &err) == RC_OK) {
			if (text != NULL && (text[0] == '\0' || strlen(text) > RECIPE_VALUE_MAX))
				__builtin_trap();
			free(text);
		}
		if (n->tag == RT_SUBMIT && form_fill(at, n, &vars, &form, &err) == RC_OK) {
			if (form.url == NULL)
				__builtin_trap();
			form_free(&form);
		}
	}
	entries(at);
	vars_free(&vars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const types[] = { "text/html", "application/xml", "application/json" };
	static struct recipe *r;
	struct http_response resp = { .status = 200, .body = BUF_INIT(PAGE_BYTES_MAX) };
	struct recipe_at at = { 0 };
	struct err err = { 0 };

	if (n == 0 || n > PAGE_BYTES_MAX)
		return 0;
	if (r == NULL && recipe_parse("language", language, sizeof(language) - 1, &r, NULL, &err) != RC_OK)
		abort();
	text_copy(resp.type, sizeof(resp.type), types[data[0] % 3]);
	text_copy(resp.full_type, sizeof(resp.full_type), types[data[0] % 3]);
	if ((resp.url = text_dup("https://p/a/b?c=d", &err)) == NULL || buf_add(&resp.body, data + 1, n - 1, &err) != RC_OK ||
	    page_new(&at.page, &resp, &err) != RC_OK)
		abort();
	look(r, &at);
	page_drop(at.page);
	return 0;
}
