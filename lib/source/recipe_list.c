/*
 * Listing: <run> is done as far as what is offered is known by it. In <run>
 * itself that is up to the first post, submit, poll or download; in an entry of
 * a for-each up to its first request; and where a for-each with downloads is
 * nested in either, all that stands before it. The rest of an entry is done
 * when it is fetched: nothing is prepared that nobody wants.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/jar.h"
#include "source/recipe_session.h"

#define PAGES_MAX	1000	/* of a paginate, whatever the recipe allows */

static int list_body(struct recipe_session *, struct recipe_item *, bool whole_run, struct err *);

static int
new_item(struct recipe_session *rs, struct recipe_item *outer, const struct recipe_node *body, struct recipe_at at,
    struct recipe_item **out, struct err *err)
{
	struct recipe_item **v = realloc(rs->items, (rs->nitems + 1) * sizeof(*v));
	struct recipe_item *it = calloc(1, sizeof(*it));

	if (v != NULL)
		rs->items = v;
	if (v == NULL || it == NULL || rs->nitems == SOURCE_OFFERS_MAX) {
		free(it);
		return rs->nitems == SOURCE_OFFERS_MAX ? err_set(err, ERR_PROTOCOL, "the portal lists more than %d entries",
		    SOURCE_OFFERS_MAX) : err_sys(err, ENOMEM, "cannot hold the portal's list");
	}
	rs->items[rs->nitems++] = it;
	it->outer = outer;
	it->body = body;
	it->vars.outer = outer != NULL ? &outer->vars : &rs->login.vars;
	recipe_at_set(&it->at, at);
	*out = it;
	return RC_OK;
}

static void
empty_item(struct recipe_item *it)
{
	page_drop(it->at.page);
	page_drop(it->listed.page);
	it->at = it->listed = (struct recipe_at){ NULL, NULL, NULL };
	vars_free(&it->vars);
}

void
recipe_items_free(struct recipe_session *rs)
{
	size_t i = 0;

	for (i = 0; i < rs->nitems; i++) {
		empty_item(rs->items[i]);
		free(rs->items[i]);
	}
	free(rs->items);
	free(rs->offers);
}

/* A <link rel=next> of the headers (RFC 8288): the target of the first one; *out NULL: none. */
static int
link_next(const char *header, char **out, struct err *err)
{
	const char *p = header, *end = NULL, *params = NULL;
	size_t n = 0;

	for (; p != NULL && (p = strchr(p, '<')) != NULL && (end = strchr(p, '>')) != NULL; p = end) {
		params = end + 1;
		n = strcspn(params, ",");
		end += n;
		if (memmem(params, n, "rel=\"next\"", 10) != NULL || memmem(params, n, "rel=next", 8) != NULL)
			return (*out = strndup(p + 1, (size_t)(params - 1 - (p + 1)))) == NULL ?
			    err_sys(err, ENOMEM, "cannot hold an address") : RC_OK;
	}
	return RC_OK;
}

/* The address of the next page; *out NULL: this one is the last. */
static int
next_page(struct recipe_session *rs, const struct recipe_item *it, const struct recipe_node *paginate, char **out,
    struct err *err)
{
	const struct recipe_at whole = { it->at.page, NULL, NULL };
	const char *how = NULL;
	char *rel = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (paginate == NULL || it->at.page == NULL)
		return RC_OK;
	if ((how = recipe_attr(paginate, "next")) != NULL)
		rc = page_xpath(&whole, how, &rel, err);
	else if ((how = recipe_attr(paginate, "json")) != NULL)
		rc = page_scalar(page_pointer(&whole, how), &rel, err);
	else
		rc = link_next(http_header(rs->s->http, "Link"), &rel, err);
	if (rc == RC_OK && rel != NULL)
		rc = url_resolve(it->at.page->url, rel, out, err);
	hash_wipe_text(&rel);
	return rc;
}

/* One entry: listed where it holds downloads, else its steps are done at once. */
static int
do_entry(struct recipe_session *rs, struct recipe_item *outer, const struct recipe_node *n, struct recipe_at at,
    bool offers, struct err *err)
{
	struct recipe_item aside = { .vars = { .outer = &outer->vars } }, *it = &aside;
	int rc = RC_OK;

	if (offers && (rc = new_item(rs, outer, n, at, &it, err)) != RC_OK)
		return rc;
	if (offers)
		return list_body(rs, it, false, err);
	recipe_at_set(&it->at, at);
	rc = recipe_run(rs, it, n->child, NULL, err);
	empty_item(&aside);
	return rc;
}

static int
do_page(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, bool offers, size_t *count,
    struct err *err)
{
	const char *xpath = recipe_attr(n, "xpath"), *pointer = recipe_attr(n, "json");
	struct recipe_at from = { 0 }, at = { 0 };
	xmlNode **nodes = NULL;
	json_t *list = NULL;
	size_t i = 0, many = 0;
	int rc = RC_OK;

	recipe_at_set(&from, it->at);	/* a step of an entry may ask for another page */
	if (xpath != NULL) {
		rc = page_xpath_nodes(&from, xpath, &nodes, &many, err);
	} else {
		list = page_pointer(&from, pointer);
		many = json_is_object(list) ? 1 : json_array_size(list);
	}
	for (i = 0; i < many && rc == RC_OK; i++) {
		at = (struct recipe_at){ from.page, nodes != NULL ? nodes[i] : NULL, NULL };
		if (xpath == NULL)
			at.value = json_is_object(list) ? list : json_array_get(list, i);
		rc = do_entry(rs, it, n, at, offers, err);
	}
	*count += many;
	free(nodes);
	page_drop(from.page);
	return rc;
}

int
recipe_for_each(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const struct recipe_node *paginate = recipe_child(n, RT_PAGINATE);
	bool offers = recipe_holds(n, RT_SET(RT_DOWNLOAD));
	const char *min = recipe_attr(n, "min");
	char *next = NULL, *seen = NULL;
	size_t count = 0;
	unsigned pages = 0, most = paginate != NULL ? (unsigned)strtoul(recipe_attr(paginate, "max"), NULL, 10) : 1;
	int rc = RC_OK;

	if (most > PAGES_MAX)
		most = PAGES_MAX;
	for (pages = 1; rc == RC_OK; pages++) {
		if ((rc = next_page(rs, it, paginate, &next, err)) != RC_OK ||
		    (rc = do_page(rs, it, n, offers, &count, err)) != RC_OK)
			break;
		if (next == NULL || (seen != NULL && strcmp(seen, next) == 0))
			break;
		if (pages >= most) {
			rs->s->state = "portal-changed";
			rc = err_set(err, ERR_PROTOCOL, "the list has more than %u pages, the limit of the recipe", most);
			break;
		}
		hash_wipe_text(&seen);
		seen = next;
		next = NULL;
		rc = recipe_ask_url(rs, it, seen, n, err);
	}
	recipe_tell(rs, n, "%zu entr%s on %u page%s", count, count == 1 ? "y" : "ies", pages, pages == 1 ? "" : "s");
	hash_wipe_text(&seen);
	hash_wipe_text(&next);
	if (rc == RC_OK && min != NULL && count < strtoul(min, NULL, 10)) {
		rs->s->state = "portal-changed";
		rc = err_set(err, ERR_PROTOCOL, "<for-each> in line %u of the recipe: the portal lists %zu, and %s are expected",
		    n->line, count, min);
	}
	return rc;
}

/* Where the listing of a body ends, and what is fetched begins. */
static const struct recipe_node *
list_end(const struct recipe_node *body, bool whole_run)
{
	const uint64_t stops = whole_run ? RT_SET(RT_POST) | RT_SET(RT_SUBMIT) | RT_SET(RT_POLL) | RT_SET(RT_DOWNLOAD) :
	    RT_REQUESTS | RT_SET(RT_CHALLENGE) | RT_SET(RT_NEED);
	const struct recipe_node *n = NULL, *nested = NULL;

	for (n = body->child; n != NULL; n = n->next)
		if (n->tag == RT_FOR_EACH && recipe_holds(n, RT_SET(RT_DOWNLOAD)))
			nested = n;
	if (nested != NULL)
		return nested->next;
	for (n = body->child; n != NULL; n = n->next)
		if ((stops & RT_SET(n->tag)) != 0 || recipe_holds(n, stops))
			break;
	return n;
}

/* A value of a template that is known while listing; *out NULL where it is not, or is empty. */
static int
known(const struct recipe_item *it, const char *text, char **out, struct err *err)
{
	struct buf b = BUF_INIT(RECIPE_VALUE_MAX);
	int rc = RC_OK;

	*out = NULL;
	if (text == NULL || !recipe_known(text, &it->vars))
		return RC_OK;
	if ((rc = recipe_expand(text, &it->vars, PLACE_PLAIN, &b, err)) == RC_OK && b.len > 0 &&
	    (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

enum media
recipe_media(const char *type)
{
	static const struct { const char *word; enum media media; } words[] = {
		{ "zip", MEDIA_ZIP }, { "dicom", MEDIA_DICOM }, { "pdf", MEDIA_PDF }, { "jpeg", MEDIA_JPEG }, { "png", MEDIA_PNG },
	};
	size_t i = 0;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(type, words[i].word) == 0)
			return words[i].media;
	return MEDIA_UNKNOWN;
}

/* The kind of file that a recipe promises, as a media type. */
static const char *
media_of(const char *type)
{
	enum media m = recipe_media(type);

	return m != MEDIA_UNKNOWN ? media_type(m) : strcmp(type, "auto") == 0 ? "" : type;
}

static int
take_patient(const struct recipe_item *it, const struct recipe_node *d, struct source_offer *o, struct err *err)
{
	const struct recipe_node *p = recipe_child(d, RT_PATIENT);
	char *birth = NULL;
	int rc = RC_OK;

	if (p == NULL)
		return RC_OK;
	if ((rc = known(it, recipe_attr(p, "name"), &o->patient_name, err)) == RC_OK &&
	    (rc = known(it, recipe_attr(p, "id"), &o->patient_id, err)) == RC_OK &&
	    (rc = known(it, recipe_attr(p, "birthdate"), &birth, err)) == RC_OK && birth != NULL)
		(void)recipe_date(birth, o->patient_birth);
	hash_wipe_text(&birth);
	return rc;
}

/* What an offer is known by in a later run: what was extracted of its entry, not its place, which a new study on top of
 * the list moves. Where an address is another one each time, it is fetched again; it is never passed over. */
static int
offer_id(const struct recipe_session *rs, const struct recipe_item *it, const struct recipe_node *d, char id[HASH_HEX],
    struct err *err)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	unsigned same = 0;
	size_t i = 0;
	bool again = true;
	int rc = buf_printf(&b, err, "line %u\n", d->line);

	for (; it != NULL && rc == RC_OK; it = it->outer)
		for (i = 0; i < it->vars.n && rc == RC_OK; i++)
			rc = buf_printf(&b, err, "%s=%s\n", it->vars.v[i].name, it->vars.v[i].value);
	for (; again && rc == RC_OK; same++) {	/* two entries that look alike are two */
		if ((rc = buf_printf(&b, err, "%u\n", same)) != RC_OK || (rc = hash_hex(b.data, b.len, id, err)) != RC_OK)
			break;
		for (i = 0; i < rs->s->noffers && strcmp(rs->s->offers[i].id, id) != 0; i++)
			;
		again = i < rs->s->noffers;
	}
	buf_wipe(&b);
	return rc;
}

static int
add_offer(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *d, struct err *err)
{
	struct recipe_offer *v = realloc(rs->offers, (rs->noffers + 1) * sizeof(*v));
	const struct recipe_node *c = recipe_child(d, RT_COMPLETE);
	const char *as = recipe_attr(d, "as");
	struct source_offer o = { .files = -1 };
	char *type = NULL, *files = NULL;
	char id[HASH_HEX];
	uint64_t n = 0;
	int rc = v == NULL ? err_sys(err, ENOMEM, "cannot hold the portal's list") : RC_OK;

	if (v != NULL)
		rs->offers = v;
	if (rc != RC_OK || (rc = offer_id(rs, it, d, id, err)) != RC_OK ||
	    (rc = known(it, recipe_attr(d, "study"), &o.study_uid, err)) != RC_OK ||
	    (rc = known(it, recipe_attr(d, "type"), &type, err)) != RC_OK || (rc = take_patient(it, d, &o, err)) != RC_OK)
		goto out;
	if (c != NULL && (rc = known(it, recipe_attr(c, recipe_attr(c, "instances") != NULL ? "instances" : "files"), &files,
	    err)) != RC_OK)
		goto out;
	if (files != NULL && text_u64(files, 10000000, &n))
		o.files = (long long)n;
	if (o.study_uid != NULL && !text_is_uid(o.study_uid)) {
		free(o.study_uid);
		o.study_uid = NULL;
	}
	if ((o.id = text_dup(id, err)) == NULL ||
	    (o.media = text_dup(media_of(type != NULL ? type : "auto"), err)) == NULL) {
		rc = err_rc(err->kind);
		goto out;
	}
	o.document = strcmp(as, "study") != 0 && (strcmp(as, "auto") != 0 ||
	    (o.files <= 1 && (strcmp(o.media, "application/pdf") == 0 || text_starts(o.media, "image/"))));
	rs->offers[rs->noffers++] = (struct recipe_offer){ it, d };
	rc = source_add_offer(rs->s, &o, err);
	memset(&o, 0, sizeof(o));
	if (rc != RC_OK)
		rs->noffers--;
out:
	source_offer_free(&o);
	free(type);
	free(files);
	return rc;
}

/* Its address is known to be empty: there is nothing of that kind in this entry. */
static int
is_empty(const struct recipe_item *it, const struct recipe_node *d, bool *empty, struct err *err)
{
	const char *url = recipe_attr(d, "url");
	char *value = NULL;
	int rc = RC_OK;

	*empty = false;
	if (!recipe_yes(d, "skip-if-empty", false) || !recipe_known(url, &it->vars))
		return RC_OK;
	rc = known(it, url, &value, err);
	*empty = rc == RC_OK && value == NULL;
	hash_wipe_text(&value);
	return rc;
}

/* Does a step look at what was listed before another answer takes its place? */
static bool
looks_back(const struct recipe_node *n)
{
	const uint64_t looks = RT_SET(RT_EXTRACT) | RT_SET(RT_EXPECT) | RT_SET(RT_IF) | RT_SET(RT_SUBMIT) |
	    RT_SET(RT_CHALLENGE) | RT_SET(RT_FOR_EACH), asks = RT_SET(RT_GET) | RT_SET(RT_POST) | RT_SET(RT_POLL);

	while (n != NULL && ((looks | asks) & RT_SET(n->tag)) == 0)
		n = n->next;
	return n != NULL && (looks & RT_SET(n->tag)) != 0;
}

static int
list_body(struct recipe_session *rs, struct recipe_item *it, bool whole_run, struct err *err)
{
	const struct recipe_node *n = NULL;
	bool empty = false;
	int rc = RC_OK;

	it->rest = list_end(it->body, whole_run);
	if ((rc = recipe_run(rs, it, it->body->child, it->rest, err)) != RC_OK)
		return rc;
	it->next = it->rest;
	for (n = it->rest; n != NULL && rc == RC_OK; n = n->next)
		if (n->tag == RT_DOWNLOAD && (rc = is_empty(it, n, &empty, err)) == RC_OK && !empty)
			rc = add_offer(rs, it, n, err);
	/* pages are large: only where it is needed the entry keeps its own */
	if (!whole_run && !looks_back(it->rest))
		recipe_at_set(&it->at, (struct recipe_at){ NULL, NULL, NULL });
	recipe_at_set(&it->listed, it->at);
	return rc;
}

int
recipe_list(struct recipe_session *rs, struct err *err)
{
	struct recipe_item *run = NULL;
	int rc = RC_OK;

	if ((rc = recipe_login(rs, err)) != RC_OK ||
	    (rc = new_item(rs, NULL, rs->r->run, rs->login.at, &run, err)) != RC_OK)
		return rc;
	return list_body(rs, run, true, err);
}
