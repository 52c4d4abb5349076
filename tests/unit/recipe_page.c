/* How a recipe looks at an answer, and the forms that it sends: HTML, XML, JSON, all of them hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe_submit.h"

static struct recipe_at
page(const char *type, const char *body)
{
	struct http_response r = { .status = 200, .body = BUF_INIT(PAGE_BYTES_MAX) };
	struct recipe_at at = { 0 };
	struct err err = { 0 };

	text_copyn(r.type, sizeof(r.type), type, strcspn(type, ";"));
	text_copy(r.full_type, sizeof(r.full_type), type);
	r.url = text_dup("https://p.example/a/b?c=d", &err);
	assert_int_equal(buf_puts(&r.body, body, &err), RC_OK);
	assert_int_equal(page_new(&at.page, &r, &err), RC_OK);
	return at;
}

/* want NULL: nothing is found */
static void
finds(const struct recipe_at *at, const char *xpath, const char *want)
{
	struct err err = { 0 };
	char *out = NULL;

	if (page_xpath(at, xpath, &out, &err) != RC_OK)
		fail_msg("%s: %s", xpath, err.text);
	if ((want == NULL) != (out == NULL) || (want != NULL && strcmp(want, out) != 0))
		fail_msg("%s finds '%s'", xpath, out != NULL ? out : "nothing");
	free(out);
}

static void
test_html(void **state)
{
	struct recipe_at at = page("text/html; charset=\"iso-8859-1\"", "<!doctype html><title>M\xfcller</title><main><table>"
	    "<tr id=1><td class=n>\xa0 4\xa0<td><a href=x.pdf>P</a><tr id=2><td> <td></table><template><p>no</p></template>");
	struct err err = { 0 };
	xmlNode **rows = NULL;
	size_t n = 0;

	(void)state;
	finds(&at, "//title", "M\xc3\xbcller");
	finds(&at, "//td[@class='n']", "4");		/* no-break spaces are blanks */
	finds(&at, "count(//tr)", "2");
	finds(&at, "//tr[2]/td", NULL);			/* only blanks */
	finds(&at, "//nothing", NULL);
	assert_int_equal(page_xpath_nodes(&at, "//tr", &rows, &n, &err), RC_OK);
	assert_int_equal(n, 2);
	at.node = rows[1];
	finds(&at, "@id", "2");
	finds(&at, ".//a/@href", NULL);			/* of the entry, not of the page */
	free(rows);
	page_drop(at.page);
}

static void
test_no_tree(void **state)
{
	struct recipe_at at = page("text/html", ""), none = { 0 };

	(void)state;
	finds(&at, "//a", NULL);
	finds(&none, "//a", NULL);
	page_drop(at.page);
	page_drop(NULL);
}

/* No file is read for an entity, and none grows. */
static void
test_xml(void **state)
{
	struct recipe_at at = page("application/xml", "<?xml version='1.0'?><m><Title>a</Title><b c='d'/></m>");
	struct buf b = BUF_INIT(10000);
	struct err err = { 0 };
	char *out = NULL, c = '\0';

	(void)state;
	finds(&at, "//Title", "a");
	finds(&at, "/m/b/@c", "d");
	page_drop(at.page);

	at = page("text/xml", "<!DOCTYPE m [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><m><a>&x;</a></m>");
	assert_int_equal(page_xpath(&at, "string(//a)", &out, &err), RC_OK);
	if (out != NULL && strstr(out, "root:") != NULL)
		fail_msg("a file was read");
	free(out);
	page_drop(at.page);

	assert_int_equal(buf_puts(&b, "<!DOCTYPE m [<!ENTITY a \"haha\">", &err), RC_OK);
	for (c = 'b'; c <= 'k'; c++)
		assert_int_equal(buf_printf(&b, &err, "<!ENTITY %c \"&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;\">", c, c - 1, c - 1,
		    c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1), RC_OK);
	assert_int_equal(buf_puts(&b, "]><m><a b=\"&k;\">&k;</a></m>", &err), RC_OK);
	at = page("text/xml", b.data);
	out = NULL;
	if (page_xpath(&at, "string(//a)", &out, &err) == RC_OK && out != NULL && strlen(out) > RECIPE_VALUE_MAX)
		fail_msg("an entity grew");
	free(out);
	page_drop(at.page);
	buf_free(&b);
}

static void
points(const struct recipe_at *at, const char *pointer, const char *want)
{
	struct err err = { 0 };
	char *out = NULL;

	assert_int_equal(page_scalar(page_pointer(at, pointer), &out, &err), RC_OK);
	if ((want == NULL) != (out == NULL) || (want != NULL && strcmp(want, out) != 0))
		fail_msg("%s finds '%s'", pointer, out != NULL ? out : "nothing");
	free(out);
}

static void
test_json(void **state)
{
	struct recipe_at at = page("application/json", "\xef\xbb\xbf{\"a\":[{\"b\":\" v \"},17],\"x/y\":1,\"m~n\":true,"
	    "\"\":\"e\",\"n\":null,\"r\":1.5,\"f\":false}");

	(void)state;
	points(&at, "/a/0/b", "v");
	points(&at, "/a/1", "17");
	points(&at, "/a/2", NULL);
	points(&at, "/a/-", NULL);
	points(&at, "/a/b", NULL);
	points(&at, "/x~1y", "1");
	points(&at, "/m~0n", "true");
	points(&at, "/", "e");
	points(&at, "/n", NULL);
	points(&at, "/r", "1.5");
	points(&at, "/f", "false");
	points(&at, "", NULL);		/* the whole is no scalar */
	at.value = page_pointer(&at, "/a/0");
	points(&at, "/b", "v");		/* of the entry */
	page_drop(at.page);
	at = page("application/json", "{\"a\":");
	points(&at, "/a", NULL);
	page_drop(at.page);
}

static void
test_too_much(void **state)
{
	char *body = calloc(1, 12 * 10001 + RECIPE_VALUE_MAX + 100), *p = body;
	struct recipe_at at = { 0 };
	struct err err = { 0 };
	xmlNode **rows = NULL;
	char *out = NULL;
	size_t n = 0, i = 0;

	(void)state;
	assert_non_null(body);
	for (i = 0; i < 10001; i++)
		p += snprintf(p, 12, "<p></p>");
	at = page("text/html", body);
	assert_int_not_equal(page_xpath_nodes(&at, "//p", &rows, &n, &err), RC_OK);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	free(rows);
	page_drop(at.page);
	memset(body, 'x', RECIPE_VALUE_MAX + 1);
	body[RECIPE_VALUE_MAX + 1] = '\0';
	at = page("text/html", body);
	assert_int_not_equal(page_xpath(&at, "string(/)", &out, &err), RC_OK);
	assert_null(out);
	page_drop(at.page);
	free(body);
}

static struct recipe *
recipe_of(const char *submit)
{
	char text[1024];
	struct recipe *r = NULL;
	struct err err = { 0 };

	snprintf(text, sizeof(text), "<recipe xmlns='urn:mri:recipe:1' id='f' version='1'><about vendor='v' tested='t'/>"
	    "<match url='^https://p[.]example/'/><input name='link' type='url' ask='?'/><scope hosts='p.example'/>"
	    "<limits/><run><get url='{link}'/>%s<download url='{link}' as='auto' type='auto'/></run></recipe>", submit);
	if (recipe_parse("r", text, strlen(text), &r, NULL, &err) != RC_OK)
		fail_msg("%s", err.text);
	return r;
}

/* url NULL: refused, and says body */
static void
sends(const char *html, const char *submit, bool post, const char *url, const char *body)
{
	struct recipe *r = recipe_of(submit);
	struct recipe_at at = page("text/html", html);
	struct recipe_vars vars = { 0 };
	struct form f = { 0 };
	struct err err = { 0 };
	int rc = vars_set(&vars, "link", "a b&c=\xc3\xbc", false, &err);

	assert_int_equal(rc, RC_OK);
	rc = form_fill(&at, recipe_child(r->run, RT_SUBMIT), &vars, &f, &err);
	if (url == NULL) {
		assert_int_not_equal(rc, RC_OK);
		if (strstr(err.text, body) == NULL)
			fail_msg("'%s' does not say '%s'", err.text, body);
	} else {
		if (rc != RC_OK)
			fail_msg("%s", err.text);
		assert_int_equal(f.post, post);
		assert_string_equal(f.url, url);
		assert_string_equal(f.body.data != NULL ? f.body.data : "", body);
	}
	form_free(&f);
	vars_free(&vars);
	page_drop(at.page);
	recipe_free(r);
}

static void
test_forms(void **state)
{
	const char *all = "<submit form='//form'/>",
	    *code = "<submit form='//form'><field name='code' value='{link}'/></submit>";

	(void)state;
	sends("<form action='go?x=1' method=POST><input type=hidden name=_csrf value=8f&amp;3>"
	    "<input name=code value=old><input name=empty><input name=off disabled value=1><input type=file name=up>"
	    "<input type=reset name=re value=1></form>",
	    code, true, "https://p.example/a/go?x=1", "_csrf=8f%263&empty=&code=a+b%26c%3D%C3%BC");
	sends("<form method=post><input type=checkbox name=a checked><input type=checkbox name=b>"
	    "<input type=radio name=r value=1><input type=radio name=r value=2 checked></form>", all, true,
	    "https://p.example/a/b?c=d", "a=on&r=2");
	sends("<form method=post action=/s><select name=s><option>x<option selected value=y>Y</select><select name=first>"
	    "<option value=1>One<option>2</select><select name=m multiple><optgroup><option selected>1<option selected>2"
	    "</optgroup></select><select name=none multiple><option>1</select></form>", all, true, "https://p.example/s",
	    "s=y&first=1&m=1&m=2");
	sends("<form method=post action=/s><textarea name=t>a &amp; b</textarea><button name=go value=1>Go</button>"
	    "<button name=no value=2>No</button><input type=submit name=third value=3></form>", all, true,
	    "https://p.example/s", "t=a+%26+b&go=1");
	sends("<base href='https://p.example/base/'><form action=find><input name=q value='1 2'></form>", all, false,
	    "https://p.example/base/find?q=1+2", "");
	sends("<form id=one action=1></form><form id=two action=2 method=post><input name=z value=9></form>",
	    "<submit form=\"//form[@id='two']\"/>", true, "https://p.example/a/2", "z=9");
}

/* What may be a token is named, so that no record shows it; what a recipe puts in its place too. */
static void
test_hidden(void **state)
{
	struct recipe *r = recipe_of("<submit form='//form'><field name='b' value='{link}'/></submit>");
	struct recipe_at at = page("text/html", "<form method=post action=x><input type=hidden name=a value=0123456789abcdef>"
	    "<input type=HIDDEN name=b value=fedcba9876543210><input type=hidden name=step value=2>"
	    "<input name=c value=0123456789abcdefg></form>");
	struct recipe_vars vars = { 0 };
	struct form f = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(vars_set(&vars, "link", "x", false, &err), RC_OK);
	assert_int_equal(form_fill(&at, recipe_child(r->run, RT_SUBMIT), &vars, &f, &err), RC_OK);
	assert_int_equal(f.hidden.len, 34);
	assert_string_equal(f.hidden.data, "0123456789abcdef");
	assert_string_equal(f.hidden.data + 17, "fedcba9876543210");
	form_free(&f);
	vars_free(&vars);
	page_drop(at.page);
	recipe_free(r);
}

static void
test_forms_refused(void **state)
{
	char *many = calloc(1, 40 * 501 + 100), *p = many;
	size_t i = 0;

	(void)state;
	assert_non_null(many);
	sends("<p>", "<submit form='//form'/>", false, NULL, "no such form");
	sends("<p>", "<submit form='//p'/>", false, NULL, "no such form");
	sends("<form method=post enctype=multipart/form-data action=x><input type=file name=f></form>",
	    "<submit form='//form'/>", false, NULL, "uploads");
	p += snprintf(p, 40, "<form method=post action=x>");
	for (i = 0; i < 501; i++)
		p += snprintf(p, 40, "<input name=n%zu value=1>", i);
	sends(many, "<submit form='//form'/>", false, NULL, "fields");
	free(many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_no_tree),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_forms_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
