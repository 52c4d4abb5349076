/* What an answer means: the error rules of a recipe, and what each of their codes tells a person (40-portals). */
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/jar.h"
#include "source/recipe_regex.h"
#include "source/recipe_session.h"

static const struct code { const char *code; enum err_kind kind; const char *says, *advice; } codes[] = {
	{ "credentials-wrong", ERR_DENIED, "the portal refuses what was entered",
	    "compare it with the letter; the same is not sent again" },
	{ "locked", ERR_DENIED, "the portal has locked it, as after too many attempts", "ask the sender to unlock it" },
	{ "expired", ERR_REFUSED, "it has expired", "ask the sender to activate it again" },
	{ "used-up", ERR_REFUSED, "it was used as often as it may be", "ask the sender for a new one" },
	{ "not-found", ERR_REFUSED, "the portal does not know it",
	    "check that link and code are whole, or ask the sender for new ones" },
	{ "not-yet-available", ERR_TEMP, "it is not ready yet", "run the same later" },
	{ "factor-needed", ERR_DENIED, "the portal wants one more answer, which the recipe does not have",
	    "give it with --factor" },
	{ "terms-needed", ERR_DENIED, "the portal wants its terms accepted, which a program may not do",
	    "open the link in a browser, read and accept them, then run the same again" },
	{ "payment-needed", ERR_DENIED, "the portal wants to be paid", "open the link in a browser, or ask the sender" },
	{ "captcha", ERR_DENIED, "the portal wants a captcha solved",
	    "open the link in a browser and save the study as a ZIP: mri-fetch takes the file" },
	{ "not-permitted", ERR_DENIED, "the portal does not permit it", "ask the sender to release it" },
	{ "rate-limited", ERR_TEMP, "too many requests", "run the same later" },
	{ "busy", ERR_TEMP, "the portal is busy", "run the same later" },
	{ "maintenance", ERR_TEMP, "the portal is being maintained", "run the same later" },
	{ "portal-changed", ERR_PROTOCOL, "the portal is no longer as the recipe describes it",
	    "--explain and --har show where; correct the recipe" },
	{ "unsupported", ERR_PROTOCOL, "the portal hands it out in a way that is not supported",
	    "ask the sender for a ZIP or a DICOM Link Exchange (DLX) link" },
};

static const struct code *
code_of(const char *code)
{
	size_t i = 0, n = sizeof(codes) / sizeof(codes[0]);

	for (i = 0; i < n - 1 && strcmp(codes[i].code, code) != 0; i++)
		;
	return &codes[i];
}

/* Attempts that are left, where the portal tells; -1. */
static long
attempts_left(const struct recipe_at *at, const struct recipe_node *rule, struct err *err)
{
	const struct recipe_node *n = recipe_child(rule, RT_ATTEMPTS_LEFT);
	const char *how = NULL;
	char *value = NULL;
	uint64_t left = 0;
	bool told = false;

	if (n == NULL)
		return -1;
	if ((how = recipe_attr(n, "regex")) != NULL)
		(void)recipe_regex_take(how, at->page->body.data != NULL ? at->page->body.data : "", &value, err);
	else
		(void)page_scalar(page_pointer(at, recipe_attr(n, "json")), &value, err);
	told = value != NULL && text_u64(value, 1000, &left);
	free(value);
	return told ? (long)left : -1;
}

static int
find_rule(struct recipe_session *rs, const struct recipe_at *at, const char *id, const struct recipe_node **out,
    struct err *err)
{
	const struct recipe_at whole = { at->page, NULL, NULL };
	const struct recipe_node *e = rs->r->errors != NULL ? rs->r->errors->child : NULL;
	const char *step = NULL;
	bool yes = false;
	int rc = RC_OK;

	*out = NULL;
	for (; e != NULL && rc == RC_OK && *out == NULL; e = e->next) {
		step = recipe_attr(e, "step");
		if (step != NULL && (id == NULL || strcmp(step, id) != 0))
			continue;
		if ((rc = page_when(&whole, rs->s->http, e, &rs->login.vars, &yes, err)) == RC_OK && yes)
			*out = e;
	}
	return rc;
}

int
recipe_judge(struct recipe_session *rs, const struct recipe_at *at, const char *id, bool *fired, struct err *err)
{
	const struct recipe_node *e = NULL;
	const struct code *c = NULL;
	const char *retry = NULL;
	enum err_kind kind = ERR_NONE;
	long left = -1;
	int rc = find_rule(rs, at, id, &e, err);

	*fired = rc == RC_OK && e != NULL;
	if (!*fired)
		return rc;
	c = code_of(recipe_attr(e, "code"));
	retry = recipe_attr(e, "retry");
	kind = retry != NULL && strcmp(retry, "later") == 0 ? ERR_TEMP : retry != NULL && c->kind == ERR_TEMP ?
	    ERR_REFUSED : c->kind;
	left = attempts_left(at, e, err);
	rs->s->state = c->code;
	if (left >= 0)
		err_set(err, kind, "%s; attempts left: %ld (status %ld, rule in line %u)", c->says, left, at->page->status,
		    e->line);
	else
		err_set(err, kind, "%s (status %ld, rule in line %u)", c->says, at->page->status, e->line);
	err_advise(err, "%s", c->advice);
	recipe_tell(rs, e, "error rule: %s", c->code);
	return err_rc(kind);
}

long
recipe_retry_after(struct recipe_session *rs, const struct recipe_at *at, const char *id)
{
	const struct recipe_at whole = { at->page, NULL, NULL };
	const struct recipe_node *e = NULL, *n = NULL;
	struct err err = { 0 };
	char *value = NULL;
	uint64_t seconds = 0;
	bool told = false;

	if (find_rule(rs, at, id, &e, &err) != RC_OK || e == NULL || (n = recipe_child(e, RT_RETRY_AFTER)) == NULL)
		return -1;
	(void)page_scalar(page_pointer(&whole, recipe_attr(n, "json")), &value, &err);
	told = value != NULL && text_u64(value, 86400, &seconds);
	free(value);
	return told ? (long)seconds : -1;
}
