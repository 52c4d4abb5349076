/* Who was asked for and who came, side by side; what differs is marked. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/time.h"
#include "stage/check_report.h"

#define PARTS	5	/* of a person name, PS3.5 6.2.1: family, given, middle, prefix, suffix */
#define GROUPS	3	/* alphabetic, ideographic, phonetic */

/* One side: its values are copies, so that a name can be taken apart. */
struct side {
	const char *head;
	char note[64];
	char parts[PARTS][CHECK_TEXT_MAX], groups[GROUPS][CHECK_TEXT_MAX];
	char birth[CHECK_TEXT_MAX], sex[CHECK_TEXT_MAX], id[CHECK_TEXT_MAX], issuer[CHECK_TEXT_MAX];
	char others[CHECK_TEXT_MAX];
};

static void copy(char to[CHECK_TEXT_MAX], const char *from)
{
	text_copy(to, CHECK_TEXT_MAX, from != NULL ? from : "");
	text_trim(to);
}

/* Takes the pieces between c, the last one with what is left. */
static void split(char out[][CHECK_TEXT_MAX], size_t n, char c, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		const char *end = strchr(text, c);
		size_t len = end != NULL && i + 1 < n ? (size_t)(end - text) : strlen(text);

		text_copyn(out[i], CHECK_TEXT_MAX, text, len);
		text_trim(out[i]);
		text += len;
		text += *text != '\0';
	}
}

static void take_name(struct side *s, const char *name)
{
	if (!text_given(name))
		return;
	split(s->groups, GROUPS, '=', name);
	/* "Family, Given" is how portals write a name */
	split(s->parts, PARTS, strchr(s->groups[0], '^') == NULL && strchr(s->groups[0], ',') != NULL ? ',' : '^',
	    s->groups[0]);
}

static void take_birth(struct side *s, const char *birth)
{
	char day[9];

	copy(s->birth, birth);
	if (time_parse_date(s->birth, day))
		snprintf(s->birth, sizeof(s->birth), "%.4s-%.2s-%.2s", day, day + 4, day + 6);
}

/* Where two texts differ: [*from, *to) of each, at ends of characters. ASCII case does not count. */
static void differing(const char *a, const char *b, size_t *from, size_t *enda, size_t *endb)
{
	size_t na = strlen(a), nb = strlen(b), head = 0, tail = 0;

	while (head < na && head < nb && strncasecmp(a + head, b + head, 1) == 0)
		head++;
	while (head > 0 && (((unsigned char)a[head] & 0xc0) == 0x80 || ((unsigned char)b[head] & 0xc0) == 0x80))
		head--;
	while (tail < na - head && tail < nb - head && strncasecmp(a + na - 1 - tail, b + nb - 1 - tail, 1) == 0)
		tail++;
	while (tail > 0 && (((unsigned char)a[na - tail] & 0xc0) == 0x80 || ((unsigned char)b[nb - tail] & 0xc0) == 0x80))
		tail--;
	*from = head;
	*enda = na - tail;
	*endb = nb - tail;
}

static void marked(struct html *h, const char *text, size_t from, size_t to)
{
	char piece[CHECK_TEXT_MAX];

	text_copyn(piece, sizeof(piece), text, from);
	html_text(h, piece);
	if (to > from) {
		text_copyn(piece, sizeof(piece), text + from, to - from);
		html_put(h, "<mark>");
		html_text(h, piece);
		html_put(h, "</mark>");
	}
	html_text(h, text + to);
}

/* A value beside the one it is held against. other NULL: nothing to compare. */
static void cell(struct html *h, const char *text, const char *other)
{
	size_t from = 0, to = 0, end = 0;

	html_put(h, "<td>");
	if (!text_given(text)) {
		html_put(h, "<span class=\"none\">not given</span></td>");
		return;
	}
	html_put(h, "<bdi>");
	if (text_given(other) && strcasecmp(text, other) != 0)
		differing(text, other, &from, &to, &end);
	marked(h, text, from, to);
	html_put(h, "</bdi></td>");
}

static bool differ(const char *a, const char *b)
{
	return text_given(a) && text_given(b) && strcasecmp(a, b) != 0;
}

/* A row: the first value is the order's, the others are held against it. */
static void row(struct html *h, const char *what, const char *const *values, size_t n, bool compare)
{
	bool differs = false;

	for (size_t i = 1; i < n; i++)
		differs = differs || (compare && differ(values[0], values[i]));
	html_put(h, differs ? "<tr class=\"differs\"><th scope=\"row\">" : "<tr><th scope=\"row\">");
	html_put(h, what);
	if (differs)
		html_put(h, " <span class=\"ne\">differs</span>");
	html_put(h, "</th>");
	for (size_t i = 0; i < n; i++)
		cell(h, values[i], !compare ? NULL : i > 0 ? values[0] : n > 1 ? values[1] : NULL);
	html_put(h, "</tr>\n");
}

#define SIDES_MAX	3

static void part_row(struct html *h, const char *what, const struct side *s, size_t n, size_t offset, bool always,
    bool compare)
{
	const char *values[SIDES_MAX] = { NULL };
	bool any = always;

	for (size_t i = 0; i < n; i++) {
		values[i] = (const char *)&s[i] + offset;
		any = any || *values[i] != '\0';
	}
	if (any)
		row(h, what, values, n, compare);
}

static void head(struct html *h, const struct side *s, size_t n)
{
	html_put(h, "<thead><tr><td></td>");
	for (size_t i = 0; i < n; i++) {
		html_put(h, "<th scope=\"col\">");
		html_put(h, s[i].head);
		if (*s[i].note != '\0') {
			html_put(h, " <small>");
			html_text(h, s[i].note);
			html_put(h, "</small>");
		}
		html_put(h, "</th>");
	}
	html_put(h, "</tr></thead>\n<tbody>\n");
}

static size_t objects_of(const struct check_facts *f, size_t identity)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nobjects; i++)
		n += f->objects[i].identity == (int)identity;
	return n;
}

static size_t most_frequent(const struct check_facts *f)
{
	size_t best = 0, most = 0;

	for (size_t i = 0; i < f->nidentities; i++)
		if (objects_of(f, i) > most) {
			most = objects_of(f, i);
			best = i;
		}
	return best;
}

static void take_order(struct side *s, const struct order_patient *p)
{
	s->head = "Order";
	take_name(s, p->name);
	take_birth(s, p->birth_date);
	copy(s->sex, p->sex);
	copy(s->id, p->id);
	copy(s->issuer, p->issuer);
	for (size_t i = 0; i < p->nother_names; i++) {
		size_t n = strlen(s->others);
		snprintf(s->others + n, sizeof(s->others) - n, "%s%s", n > 0 ? "; " : "", p->other_names[i]);
	}
}

static void take_objects(struct side *s, const struct check_facts *f, size_t identity)
{
	const struct check_identity *id = &f->identities[identity];

	s->head = "Objects";
	if (f->nidentities > 1)
		snprintf(s->note, sizeof(s->note), "%zu of %zu", objects_of(f, identity), f->nobjects);
	take_name(s, id->name);
	take_birth(s, id->birth_date);
	copy(s->sex, id->sex);
	copy(s->id, id->id);
	copy(s->issuer, id->issuer);
	copy(s->others, id->other_names);
}

static const struct claim *who_claims(const struct check_facts *f, size_t *n)
{
	const struct claim *first = NULL;

	*n = 0;
	for (size_t i = 0; i < f->nclaims; i++)
		if (text_given(f->claims[i].patient_name) || text_given(f->claims[i].patient_birth)) {
			first = first == NULL ? &f->claims[i] : first;
			(*n)++;
		}
	return first;
}

static void take_claim(struct side *s, const struct claim *c, size_t claims)
{
	s->head = "Portal";
	if (claims > 1)
		snprintf(s->note, sizeof(s->note), "package %d", c->package);
	take_name(s, c->patient_name);
	take_birth(s, c->patient_birth);
	copy(s->sex, c->patient_sex);
	copy(s->id, c->patient_id);
}

/* Others that the objects name: a row each. */
static void other_people(struct html *h, const struct check_facts *f, size_t shown)
{
	if (f->nidentities < 2)
		return;
	html_put(h, "<h4>Other names of a patient in the objects</h4>\n<table class=\"list\"><thead><tr>"
	    "<th scope=\"col\">Name</th><th scope=\"col\">Born</th><th scope=\"col\">Sex</th>"
	    "<th scope=\"col\">Id</th><th scope=\"col\">Objects</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < f->nidentities; i++) {
		const struct check_identity *id = &f->identities[i];

		if (i == shown)
			continue;
		html_put(h, "<tr><td><bdi>");
		html_text(h, id->name);
		html_put(h, "</bdi></td><td>");
		html_date(h, id->birth_date);
		html_put(h, "</td><td>");
		html_text(h, id->sex);
		html_put(h, "</td><td><bdi>");
		html_text(h, id->id);
		html_put(h, "</bdi></td><td>");
		html_number(h, (long long)objects_of(f, i));
		html_put(h, "</td></tr>\n");
	}
	html_put(h, "</tbody></table>\n");
	if (f->identities_more)
		html_put(h, "<p class=\"note\">There are more than these.</p>\n");
}

void report_html_who(struct html *h, const struct report_page *p)
{
	static const char *const names[PARTS] = { "Family name", "Given name", "Middle name", "Prefix", "Suffix" };
	const struct check_facts *f = p->src->facts;
	struct side s[SIDES_MAX] = { 0 };
	size_t n = 0, shown = most_frequent(f), claims = 0;
	const struct claim *claim = who_claims(f, &claims);

	take_order(&s[n++], &p->src->order->patient);
	if (f->nidentities > 0)
		take_objects(&s[n++], f, shown);
	if (claim != NULL)
		take_claim(&s[n++], claim, claims);
	html_put(h, "<section><h3>Who</h3>\n<table class=\"sides\">");
	head(h, s, n);
	for (size_t i = 0; i < PARTS; i++)
		part_row(h, names[i], s, n, offsetof(struct side, parts) + i * CHECK_TEXT_MAX, i < 2, true);
	part_row(h, "Ideographic", s, n, offsetof(struct side, groups) + 1 * CHECK_TEXT_MAX, false, true);
	part_row(h, "Phonetic", s, n, offsetof(struct side, groups) + 2 * CHECK_TEXT_MAX, false, true);
	part_row(h, "Born", s, n, offsetof(struct side, birth), true, true);
	part_row(h, "Sex", s, n, offsetof(struct side, sex), true, true);
	/* ids of different issuers are expected to differ */
	part_row(h, "Patient id", s, n, offsetof(struct side, id), true,
	    n > 1 && text_given(s[0].issuer) && strcmp(s[0].issuer, s[1].issuer) == 0);
	part_row(h, "Issuer of the id", s, n, offsetof(struct side, issuer), false, false);
	part_row(h, "Other names", s, n, offsetof(struct side, others), false, false);
	html_put(h, "</tbody></table>\n");
	if (n == 1)
		html_put(h, "<p class=\"note\">Neither an object nor the portal&#39;s list says whose this is.</p>\n");
	else
		html_put(h, "<p class=\"note\">Parts that differ from the order are marked; capital letters and ids of "
		    "different issuers do not count.</p>\n");
	other_people(h, f, shown);
	html_put(h, "</section>\n");
}

static void study_row(struct html *h, const char *what, const char *asked, const char *came, bool both, bool compare)
{
	const char *values[2] = { both ? asked : came, came };

	if (text_given(asked) || text_given(came))
		row(h, what, values, both ? 2 : 1, both && compare);
}

static void iso(char out[CHECK_TEXT_MAX], const char *day)
{
	copy(out, day);
	if (strlen(out) == 8)
		snprintf(out, CHECK_TEXT_MAX, "%.4s-%.2s-%.2s", day, day + 4, day + 6);
}

void report_html_study(struct html *h, const struct report_page *p)
{
	const struct check_facts *f = p->src->facts;
	const struct order *o = p->src->order;
	const struct study_key *key = f->self < f->nkeys ? &f->keys[f->self] : NULL;
	json_int_t entry = json_integer_value(json_object_get(p->src->doc, "entry"));
	const struct order_study none = { 0 };
	bool both = entry >= 0 && (size_t)entry < o->nstudies;
	const struct order_study *e = both ? &o->studies[entry] : &none;
	struct side s[2] = { { .head = "Order" }, { .head = "Objects" } };
	char asked[CHECK_TEXT_MAX], came[CHECK_TEXT_MAX];

	if (key == NULL)
		return;
	html_put(h, "<section><h3>Study</h3>\n");
	if (!both)
		html_put(h, "<p class=\"note\">No entry of the order is this study: it is taken as unscheduled, without an "
		    "accession number.</p>\n");
	html_put(h, "<table class=\"sides\">");
	head(h, both ? s : s + 1, both ? 2 : 1);
	iso(asked, e->date);
	iso(came, key->date);
	study_row(h, "Date", asked, came, both, true);
	study_row(h, "Modality", e->modality, key->modalities, both, true);
	study_row(h, "Description", e->description, f->manifest != NULL ? f->manifest->description : NULL, both, false);
	if (both)
		study_row(h, "Accession number", e->accession, NULL, both, false);
	study_row(h, "Study UID", e->study_uid, key->study_uid, both, true);
	html_put(h, "</tbody></table></section>\n");
}
