/* The page of a check: its frame, its verdict, its rules. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "stage/check_report.h"

void html_put(struct html *h, const char *markup)
{
	if (!h->rc)
		h->rc = buf_puts(h->out, markup, h->err);
}

void html_text(struct html *h, const char *text)
{
	if (!h->rc && text)
		h->rc = text_html(h->out, text, strlen(text), h->err);
}

void html_number(struct html *h, long long n)
{
	if (!h->rc)
		h->rc = buf_printf(h->out, h->err, "%lld", n);
}

void html_count(struct html *h, long long n, const char *one, const char *many)
{
	html_number(h, n);
	html_put(h, " ");
	html_put(h, n == 1 ? one : many);
}

void html_date(struct html *h, const char *day)
{
	char iso[16];

	if (day == NULL || strlen(day) != 8 || strspn(day, "0123456789") != 8) {
		html_text(h, day);
		return;
	}
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2s", day, day + 4, day + 6);
	html_put(h, iso);
}

/* Colours are pairs that keep 4.5:1 (WCAG 2.1, 1.4.3) on their ground, in the light and in the dark. */
static const char style[] =
    ":root{--ink:#1c2430;--soft:#55606e;--line:#d5dbe3;--paper:#fff;--ground:#f3f5f8;--bad:#a3161f;--badbg:#fdecec;"
    "--warn:#7a4a00;--warnbg:#fdf3dc;--good:#17603a;--goodbg:#e6f4ec;--mark:#ffe08a;--markink:#1c2430}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#a5b0be;--line:#39424e;--paper:#1b2129;"
    "--ground:#12161c;--bad:#ff9a9a;--badbg:#3b1d20;--warn:#f2c572;--warnbg:#352b17;--good:#86d7a8;--goodbg:#173325;"
    "--mark:#6b5200;--markink:#fff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\","
    "\"Noto Sans\",\"DejaVu Sans\",sans-serif}\n"
    ".top,main,footer{max-width:1040px;margin:0 auto;padding:0 20px}\n"
    ".top{padding-top:20px}h1{font-size:1rem;font-weight:600;color:var(--soft);margin:0}\n"
    "article{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:14px 0 28px;"
    "overflow:hidden}\n"
    ".verdict{padding:22px 26px;border-left:8px solid}\n"
    ".held{background:var(--badbg);border-color:var(--bad)}.held h2{color:var(--bad)}\n"
    ".accepted{background:var(--warnbg);border-color:var(--warn)}.accepted h2{color:var(--warn)}\n"
    ".pass{background:var(--goodbg);border-color:var(--good)}.pass h2{color:var(--good)}\n"
    "h2{font-size:1.7rem;line-height:1.2;margin:0 0 6px}.verdict p{margin:4px 0}.verdict ul{margin:8px 0;"
    "padding:0;list-style:none;font-size:1.0625rem}.verdict li{margin:5px 0}\n"
    ".where{color:var(--soft);font-size:.875rem}\n"
    "section{padding:18px 26px;border-top:1px solid var(--line)}\n"
    "h3{font-size:1.1rem;margin:0 0 10px}h4{font-size:.95rem;margin:16px 0 6px}\n"
    "table{width:100%;border-collapse:collapse;table-layout:fixed}\n"
    "th,td{text-align:left;vertical-align:top;padding:7px 10px 7px 0;border-top:1px solid var(--line);"
    "overflow-wrap:anywhere;overflow:hidden}\n"
    "thead th,thead td{border-top:0;color:var(--soft);font-size:.8125rem;font-weight:600;padding-top:0}\n"
    "tbody th{font-weight:400;color:var(--soft)}.sides{max-width:820px}\n"
    ".sides th:first-child,.sides td:first-child{width:26%}.sides .differs td{font-weight:600}\n"
    "mark{background:var(--mark);color:var(--markink);border-radius:3px;padding:0 2px;"
    "border-bottom:2px solid currentColor}\n"
    ".ne{display:inline-block;font-size:.75rem;font-weight:600;color:var(--bad);border:1px solid;border-radius:4px;"
    "padding:0 5px}\n"
    ".none,.note,small{color:var(--soft)}.note{font-size:.875rem;margin:8px 0 0}small{font-weight:400}\n"
    ".rules>tbody>tr>th{color:var(--ink);font-weight:600}.rules>thead th:first-child,.rules>tbody>tr>th{width:30%}\n"
    ".badge{display:inline-block;font-size:.75rem;font-weight:600;line-height:1.6;border-radius:4px;padding:0 7px;"
    "border:1px solid;white-space:nowrap}\n"
    ".b-good{color:var(--good);background:var(--goodbg)}.b-warn{color:var(--warn);background:var(--warnbg)}"
    ".b-bad{color:var(--bad);background:var(--badbg)}.b-none{color:var(--soft)}\n"
    ".rules p{margin:0 0 4px}.say::first-letter{text-transform:uppercase}.by{"
    "border-left:3px solid var(--warn);padding-left:10px;font-size:.9375rem}\n"
    ".list{font-size:.875rem}.list th,.list td{padding:5px 8px 5px 0}.num{width:4.5em}\n"
    ".series{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:16px;margin:0;padding:0;"
    "list-style:none}\n"
    "figure{margin:0}.pic{height:160px;background:#000;color:#d5dbe3;border-radius:6px;display:flex;"
    "align-items:center;"
    "justify-content:center;overflow:hidden;text-align:center;font-size:.8125rem;line-height:1.35}\n"
    ".pic img{width:160px;height:160px;object-fit:contain;display:block}.pic span{padding:10px;"
    "overflow-wrap:anywhere}\n"
    ".pic.empty{background:var(--ground);color:var(--soft);border:1px dashed var(--line)}\n"
    "figcaption{font-size:.8125rem;line-height:1.4;margin-top:6px;overflow-wrap:anywhere}"
    "figcaption b{display:block;font-size:.875rem}.nfd{color:var(--soft);font-style:italic}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:.875rem}"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
    "code{font:.875em/1.5 ui-monospace,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere}\n"
    "footer{color:var(--soft);font-size:.8125rem;padding-bottom:30px}\n"
    "@media (max-width:600px){html{font-size:15px}.top,main,footer{padding-left:10px;padding-right:10px}"
    ".verdict{padding:16px 14px}section{padding:16px 14px}h2{font-size:1.4rem}"
    ".series{grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:12px}.pic{height:140px}"
    ".pic img{width:100%;height:140px}.sides th:first-child,.sides td:first-child{width:30%}"
    ".rules,.rules>tbody,.rules>tbody>tr,.rules>tbody>tr>th,.rules>tbody>tr>td{display:block}.rules>thead{display:none}"
    ".rules>tbody>tr>th,.rules>tbody>tr>td{width:auto;padding-right:0}.rules>tbody>tr>td{border:0;padding-top:0}"
    ".rules>tbody>tr>th br{display:none}.rules>tbody>tr>th small{margin-left:.5em}"
    "dl{grid-template-columns:1fr}dd{margin-bottom:6px}}\n"
    "@page{size:A4;margin:14mm 12mm}\n"
    "@media print{html{font-size:10pt}body{background:#fff}.top,main,footer{max-width:none;padding:0}"
    "article{border:0;border-radius:0;margin:0;overflow:visible}article+article{break-before:page}"
    "section{padding:10pt 0}.verdict{padding:10pt 14pt}"
    "tr,figure,.verdict,.series li{break-inside:avoid}h3,h4,thead{break-after:avoid}thead{display:table-header-group}"
    "mark,.badge,.verdict,.pic{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";

void report_html_head(struct html *h)
{
	html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
	    "style-src 'unsafe-inline'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<title>Report of mri-check</title>\n<style>\n");
	html_put(h, style);
	html_put(h, "</style>\n</head>\n<body>\n<header class=\"top\"><h1>Report of mri-check</h1></header>\n<main>\n");
}

void report_html_tail(struct html *h, bool exported)
{
	html_put(h, "</main>\n<footer><p>Pictures are for recognition only, not for diagnosis. ");
	html_put(h, exported ?
	    "This page holds data of a patient and lies outside of the spool, where no purge reaches it: whoever keeps it "
	    "deletes it.</p>" : "This page is kept sealed in its import and is purged with it.</p>");
	html_put(h, "<p>mri-tools " MRI_VERSION "</p></footer>\n</body>\n</html>\n");
}

/* What a rule asks, in the words of the person who has to answer. */
static const char *const questions[CHECK_RULES] = {
	[CHECK_PATIENT] = "Is it the right patient?",
	[CHECK_ONE_PATIENT] = "Is it one patient?",
	[CHECK_ONE_ORDER] = "Which study was asked for?",
	[CHECK_COMPLETE] = "Is it complete?",
	[CHECK_READABLE] = "Can it be read?",
	[CHECK_CONSISTENT] = "Is it consistent?",
	[CHECK_TARGET] = "Does the destination agree?",
	[CHECK_PERMITTED] = "Is it permitted?",
};

static bool holds(const json_t *rule)
{
	return !strcmp(json_text(rule, "severity"), "error") && !json_object_get(rule, "accepted");
}

static void badge(struct html *h, const char *class, const char *word)
{
	html_put(h, "<span class=\"badge b-");
	html_put(h, class);
	html_put(h, "\">");
	html_put(h, word);
	html_put(h, "</span>");
}

static void rule_badge(struct html *h, const json_t *rule)
{
	bool unknown = !strcmp(json_text(rule, "verdict"), "unknown");

	if (!strcmp(json_text(rule, "verdict"), "pass"))
		badge(h, "good", "pass");
	else if (json_object_get(rule, "accepted"))
		badge(h, "warn", unknown ? "unknown, accepted" : "finding, accepted");
	else if (!strcmp(json_text(rule, "severity"), "error"))
		badge(h, "bad", unknown ? "unknown: error" : "finding: error");
	else
		badge(h, "warn", unknown ? "unknown: warning" : "finding: warning");
}

static void detail(struct html *h, enum check_rule r, const json_t *list)
{
	const json_t *d = NULL;
	size_t i = 0;

	if (!json_is_array(list) || !json_array_size(list))
		return;
	html_put(h, "<table class=\"list\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">");
	/* between the objects of one study there is no order's side: an id and its name */
	html_put(h, r == CHECK_ONE_PATIENT ? "Id" : "Order");
	html_put(h, "</th><th scope=\"col\">");
	html_put(h, r == CHECK_ONE_PATIENT ? "Name" : "Found");
	html_put(h, "</th><th scope=\"col\" class=\"num\">Objects</th></tr></thead><tbody>\n");
	json_array_foreach(list, i, d)
	{
		html_put(h, "<tr><td>");
		for (const char *p = json_text(d, "what"); *p; p++) {	/* "birth_date" */
			char c[2] = { *p == '_' ? ' ' : *p, '\0' };
			html_text(h, c);
		}
		html_put(h, "</td><td><bdi>");
		html_date(h, json_text(d, "order"));
		html_put(h, "</bdi></td><td><bdi>");
		html_date(h, json_text(d, "found"));
		html_put(h, "</bdi></td><td>");
		html_number(h, json_integer_value(json_object_get(d, "objects")));
		html_put(h, "</td></tr>\n");
	}
	html_put(h, "</tbody></table>\n");
}

static void rule_row(struct html *h, const struct report_page *p, const json_t *rule)
{
	const json_t *by = json_object_get(rule, "accepted");
	enum check_rule r = CHECK_RULES;

	html_put(h, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">");
	if (check_rule_find(json_text(rule, "rule"), &r) && questions[r])
		html_put(h, questions[r]);
	html_put(h, "<br><small><code>");
	html_text(h, json_text(rule, "rule"));
	html_put(h, "</code></small></th><td role=\"cell\"><p>");
	rule_badge(h, rule);
	html_put(h, "</p><p class=\"say\">");
	html_text(h, json_text(rule, "reason"));
	html_put(h, "</p>");
	if (json_is_object(by)) {
		html_put(h, "<p class=\"by\">Accepted by <b>");
		html_text(h, json_text(by, "by"));
		html_put(h, "</b>, ");
		html_text(h, json_text(by, "time"));
		html_put(h, ": ");
		html_text(h, json_text(by, "reason"));
		html_put(h, "</p>");
	}
	/* of one person both sides stand above */
	if (r != CHECK_PATIENT || p->src->facts->nidentities > 1)
		detail(h, r, json_object_get(rule, "detail"));
	html_put(h, "</td></tr>\n");
}

static void rules(struct html *h, const struct report_page *p)
{
	const json_t *rule = NULL;
	size_t i = 0;

	/* roles, since a narrow window sets its cells below each other */
	html_put(h, "<section><h3>Rules</h3>\n<table role=\"table\" class=\"rules\"><thead><tr>"
	    "<th scope=\"col\">Rule</th><th scope=\"col\">Verdict and reason</th></tr></thead>\n"
	    "<tbody role=\"rowgroup\">\n");
	json_array_foreach(json_object_get(p->src->doc, "rules"), i, rule)
	    rule_row(h, p, rule);
	html_put(h, "</tbody></table></section>\n");
}

static void verdict(struct html *h, const struct report_page *p)
{
	const char *word = json_text(p->src->doc, "verdict");
	const json_t *rule = NULL;
	size_t i = 0, warnings = 0;
	bool held = !strcmp(word, "held"), accepted = !strcmp(word, "accepted");

	html_put(h, held ? "<header class=\"verdict held\"><h2>Held: a person must decide</h2>\n<ul>\n" : accepted ?
	    "<header class=\"verdict accepted\"><h2>Passed, with what was accepted</h2>\n<ul>\n" :
	    "<header class=\"verdict pass\"><h2>Passed</h2>\n<ul>\n");
	json_array_foreach(json_object_get(p->src->doc, "rules"), i, rule)
	{
		if (!strcmp(json_text(rule, "severity"), "warning"))
			warnings++;
		if (held ? !holds(rule) : !json_object_get(rule, "accepted"))
			continue;
		html_put(h, "<li><b>");
		html_text(h, json_text(rule, "rule"));
		html_put(h, "</b>: ");
		html_text(h, json_text(rule, "reason"));
		html_put(h, "</li>\n");
	}
	html_put(h, "</ul>\n<p>");
	if (warnings)
		html_count(h, (long long)warnings, "warning", "warnings");
	else
		html_put(h, "No warnings");
	html_put(h, p->src->facts->manifest && p->src->facts->manifest->partial ?
	    ". What came is partial.</p>\n" : ".</p>\n");
	if (held && p->src->import) {
		char time[TIME_TEXT_MAX];

		html_put(h, "<p>To be decided before ");
		html_put(h, time_iso(import_purge_at(p->src->import), time));
		html_put(h, ", when it is purged: correct the order and check again, accept the finding with a reason, or "
		    "leave it.</p>\n");
	}
	html_put(h, "<p class=\"where\"><code>");
	html_text(h, p->src->path);
	html_put(h, "</code></p></header>\n");
}

static void field(struct html *h, const char *what, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	html_put(h, "<dt>");
	html_put(h, what);
	html_put(h, "</dt><dd>");
	html_text(h, value);
	html_put(h, "</dd>\n");
}

static void about(struct html *h, const struct report_page *p)
{
	const struct order *o = p->src->order;
	const struct import *import = p->src->import;
	char time[TIME_TEXT_MAX];

	html_put(h, "<section><h3>About this item</h3>\n<dl>\n");
	if (import) {
		field(h, "Import", import_id(import));
		field(h, "Item", item_name(p->src->item));
		field(h, "Reference", import_ref(import));
		field(h, "Received", time_iso(import_received(import), time));
		field(h, "Is purged", time_iso(import_purge_at(import), time));
	}
	field(h, "Organisation", p->organisation);
	field(h, "Legal basis", o->basis_kind);
	field(h, "Basis, reference", o->basis_reference);
	field(h, "Acting for", o->acting_for);
	for (size_t i = 0; i < o->ndestinations; i++)
		field(h, "Destination", o->destinations[i]);
	field(h, "Checked", json_text(p->src->doc, "time"));
	field(h, "Order, SHA-256", json_text(p->src->doc, "order"));
	field(h, "Manifest, SHA-256", json_text(p->src->doc, "manifest"));
	html_put(h, "</dl></section>\n");
}

void report_html_item(struct html *h, const struct report_page *p)
{
	html_put(h, "<article>\n");
	verdict(h, p);
	report_html_who(h, p);
	rules(h, p);
	report_html_study(h, p);
	report_html_content(h, p);
	about(h, p);
	html_put(h, "</article>\n");
}
