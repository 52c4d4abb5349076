/* The form of a recipe as a table: share/recipe.rng in C. Both change together; tests hold them against each other. */
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe_private.h"

#define S(tag)	RT_SET(tag)
#define GET_POST	(S(RT_GET) | S(RT_POST))
#define STEPS	(GET_POST | S(RT_SUBMIT) | S(RT_EXTRACT) | S(RT_EXPECT) | S(RT_IF) | S(RT_NEED) | S(RT_CHALLENGE) | \
	S(RT_AUTH) | S(RT_FOR_EACH) | S(RT_POLL) | S(RT_DOWNLOAD))
#define ONE(set)	{ (set), true, false }
#define MAYBE(set)	{ (set), false, false }
#define SOME(set)	{ (set), true, true }
#define MANY(set)	{ (set), false, true }

#define NEED(n, v)	{ .name = n, .value = v, .required = true }
#define MAY(n, v)	{ .name = n, .value = v }
#define EITHER(n, v)	{ .name = n, .value = v, .one_of = true }
#define NEED_WORD(n, w)	{ .name = n, .value = RV_WORDS, .words = w, .required = true }
#define MAY_WORD(n, w)	{ .name = n, .value = RV_WORDS, .words = w }
#define EITHER_WORD(n, w)	{ .name = n, .value = RV_WORDS, .words = w, .one_of = true }

#define CODES	"credentials-wrong locked expired used-up not-found not-yet-available factor-needed terms-needed " \
	"payment-needed captcha not-permitted rate-limited busy maintenance portal-changed unsupported"

static const struct shape shapes[RT_COUNT] = {
	[RT_RECIPE] = { "recipe", false, { NEED("id", RV_ID), NEED("version", RV_COUNT) },
		{ ONE(S(RT_ABOUT)), SOME(S(RT_MATCH)), SOME(S(RT_INPUT)), ONE(S(RT_SCOPE)), ONE(S(RT_LIMITS)),
		  MAYBE(S(RT_ERRORS)), MAYBE(S(RT_LOGIN)), ONE(S(RT_RUN)) } },
	[RT_ABOUT] = { "about", true, { NEED("vendor", RV_SOME), NEED("tested", RV_SOME), MAY("contact", RV_SOME) },
		{ { 0 } } },
	[RT_MATCH] = { "match", false, { NEED("url", RV_SOME), MAY_WORD("probe", "dlx dicomweb") }, { { 0 } } },
	[RT_INPUT] = { "input", false, { NEED("name", RV_NAME), NEED_WORD("type", "text code date url otp user password"),
		MAY("pattern", RV_SOME), MAY("required", RV_YESNO), MAY("secret", RV_YESNO), NEED("ask", RV_SOME) }, { { 0 } } },
	[RT_SCOPE] = { "scope", false, { NEED("hosts", RV_SOME), MAY_WORD("tls", "required"), MAY("redirects", RV_COUNT0) },
		{ { 0 } } },
	[RT_LIMITS] = { "limits", false, { MAY("min-delay", RV_DURATION), MAY("parallel", RV_COUNT), MAY("requests", RV_COUNT),
		MAY("bytes", RV_BYTES), MAY_WORD("login-attempts", "1"), MAY("wait", RV_DURATION) }, { { 0 } } },
	[RT_ERRORS] = { "errors", false, { { 0 } }, { SOME(S(RT_ERROR)) } },
	[RT_ERROR] = { "error", false, { NEED_WORD("code", CODES), MAY_WORD("retry", "no later"), MAY("step", RV_ID) },
		{ SOME(S(RT_WHEN)), MAYBE(S(RT_ATTEMPTS_LEFT)), MAYBE(S(RT_RETRY_AFTER)) } },
	[RT_WHEN] = { "when", false, { EITHER("status", RV_STATUS), EITHER("xpath", RV_SOME), EITHER("json", RV_ANY),
		EITHER("header", RV_SOME), EITHER("type", RV_SOME), EITHER_WORD("magic", "zip dicom pdf html json"),
		EITHER("body", RV_SOME), EITHER("url", RV_SOME),
		{ .name = "equals", .value = RV_ANY, .with = "json", .not_with = "matches" },
		{ .name = "matches", .value = RV_SOME, .with = "json header", .not_with = "equals" } }, { { 0 } } },
	[RT_ATTEMPTS_LEFT] = { "attempts-left", false, { EITHER("regex", RV_SOME), EITHER("json", RV_ANY) }, { { 0 } } },
	[RT_RETRY_AFTER] = { "retry-after", false, { NEED("json", RV_ANY) }, { { 0 } } },
	[RT_LOGIN] = { "login", false, { { 0 } }, { SOME(STEPS), MAYBE(S(RT_EXPIRED_WHEN)), MAYBE(S(RT_KEEPALIVE)) } },
	[RT_EXPIRED_WHEN] = { "expired-when", false, { { 0 } }, { SOME(S(RT_WHEN)) } },
	[RT_KEEPALIVE] = { "keepalive", false, { NEED("every", RV_DURATION) }, { ONE(GET_POST) } },
	[RT_RUN] = { "run", false, { { 0 } }, { SOME(STEPS) } },
	[RT_GET] = { "get", false, { NEED("url", RV_SOME), MAY("id", RV_ID), MAY("once", RV_YESNO) },
		{ MANY(S(RT_HEADER)), MANY(S(RT_QUERY)) } },
	[RT_POST] = { "post", false, { NEED("url", RV_SOME), MAY("id", RV_ID), MAY("once", RV_YESNO) },
		{ MANY(S(RT_HEADER)), MANY(S(RT_QUERY)), MAYBE(S(RT_FORM) | S(RT_JSON)) } },
	[RT_SUBMIT] = { "submit", false, { NEED("form", RV_SOME), MAY("id", RV_ID), MAY("once", RV_YESNO) },
		{ MANY(S(RT_FIELD)) } },
	[RT_EXTRACT] = { "extract", false, { NEED("name", RV_NAME), EITHER("xpath", RV_SOME), EITHER("json", RV_ANY),
		EITHER("header", RV_SOME), EITHER("cookie", RV_SOME), EITHER("regex", RV_SOME), EITHER("url", RV_SOME),
		EITHER_WORD("body", "yes"), MAY_WORD("type", "text int uid date url"), MAY("required", RV_YESNO),
		MAY("secret", RV_YESNO), MAY_WORD("expires", "jwt:exp") }, { { 0 } } },
	[RT_EXPECT] = { "expect", false, { { 0 } }, { SOME(S(RT_WHEN)) } },
	[RT_IF] = { "if", false, { { 0 } }, { SOME(S(RT_WHEN)), ONE(S(RT_THEN)), MAYBE(S(RT_ELSE)) } },
	[RT_NEED] = { "need", false, { NEED("input", RV_NAME) }, { { 0 } } },
	[RT_CHALLENGE] = { "challenge", false, { NEED("json", RV_ANY), NEED("id", RV_SOME), NEED("type", RV_SOME),
		NEED("text", RV_SOME), NEED("format", RV_SOME), NEED("into", RV_NAME) }, { SOME(S(RT_ANSWER)) } },
	[RT_AUTH] = { "auth", false, { EITHER("bearer", RV_SOME), EITHER("user", RV_SOME),
		{ .name = "password", .value = RV_SOME, .with = "user" }, NEED("hosts", RV_SOME) }, { { 0 } } },
	[RT_FOR_EACH] = { "for-each", false, { EITHER("xpath", RV_SOME), EITHER("json", RV_ANY), NEED("as", RV_NAME),
		MAY("min", RV_COUNT0) }, { MAYBE(S(RT_PAGINATE)), SOME(STEPS) } },
	[RT_POLL] = { "poll", false, { NEED("every", RV_DURATION), MAY("backoff", RV_FACTOR), MAY("max-every", RV_DURATION),
		NEED("timeout", RV_DURATION) },
		{ ONE(GET_POST), ONE(S(RT_DONE)), MAYBE(S(RT_FAILED)), MAYBE(S(RT_PROGRESS)) } },
	[RT_DOWNLOAD] = { "download", false, { NEED("url", RV_SOME), NEED_WORD("as", "study report letter document auto"),
		MAY("study", RV_SOME), NEED("type", RV_SOME), MAY_WORD("resume", "if-validator never"),
		MAY("single-use", RV_YESNO), MAY_WORD("refresh", "none login poll"), MAY("skip-if-empty", RV_YESNO) },
		{ MAYBE(S(RT_COMPLETE)), MAYBE(S(RT_PATIENT)) } },
	[RT_HEADER] = { "header", false, { NEED("name", RV_SOME), NEED("value", RV_ANY) }, { { 0 } } },
	[RT_QUERY] = { "query", false, { NEED("name", RV_SOME), NEED("value", RV_ANY) }, { { 0 } } },
	[RT_FORM] = { "form", false, { { 0 } }, { SOME(S(RT_FIELD)) } },
	[RT_FIELD] = { "field", false, { NEED("name", RV_SOME), NEED("value", RV_ANY) }, { { 0 } } },
	[RT_JSON] = { "json", true, { { 0 } }, { { 0 } } },
	[RT_THEN] = { "then", false, { { 0 } }, { SOME(STEPS) } },
	[RT_ELSE] = { "else", false, { { 0 } }, { SOME(STEPS) } },
	[RT_ANSWER] = { "answer", false, { NEED("type", RV_SOME), EITHER("value", RV_SOME), EITHER_WORD("ask", "yes") },
		{ { 0 } } },
	[RT_PAGINATE] = { "paginate", false, { EITHER("next", RV_SOME), EITHER("json", RV_ANY), EITHER_WORD("link", "next"),
		NEED("max", RV_COUNT) }, { { 0 } } },
	[RT_DONE] = { "done", false, { { 0 } }, { SOME(S(RT_WHEN)) } },
	[RT_FAILED] = { "failed", false, { { 0 } }, { SOME(S(RT_WHEN)) } },
	[RT_PROGRESS] = { "progress", false, { NEED("json", RV_ANY) }, { { 0 } } },
	[RT_COMPLETE] = { "complete", false, { MAY("bytes", RV_SOME), MAY("sha256", RV_SOME), MAY("files", RV_SOME),
		MAY("instances", RV_SOME), MAY_WORD("claim", "strong weak") }, { { 0 } } },
	[RT_PATIENT] = { "patient", false, { MAY("name", RV_SOME), MAY("birthdate", RV_SOME), MAY("id", RV_SOME) },
		{ { 0 } } },
};

/* The same expressions stand in the schema. */
static const struct { const char *pattern, *says; } values[] = {
	[RV_ANY] = { NULL, "any text" },
	[RV_SOME] = { NULL, "a text that is not empty" },
	[RV_YESNO] = { NULL, "yes or no" },
	[RV_WORDS] = { NULL, "" },
	[RV_ID] = { "[A-Za-z_][A-Za-z0-9_.-]*", "letters, digits, _ . and -, a letter first" },
	[RV_NAME] = { "[a-z][a-z0-9_]{0,30}", "small letters, digits and _, a letter first, 31 at most" },
	[RV_COUNT] = { "[1-9][0-9]{0,8}", "a number from 1" },
	[RV_COUNT0] = { "0|[1-9][0-9]{0,8}", "a number from 0" },
	[RV_DURATION] = { "[0-9]{1,7}(ms|s|m|h)", "a number and ms, s, m or h, as 30s" },
	[RV_BYTES] = { "[0-9]{1,9}(KiB|MiB|GiB)?", "a number and KiB, MiB or GiB, as 40GiB" },
	[RV_FACTOR] = { "[0-9]{1,2}(\\.[0-9]{1,3})?", "a number, as 1.5" },
	[RV_STATUS] = { "[1-5]([0-9][0-9]|xx)( [1-5]([0-9][0-9]|xx))*",
		"statuses such as 404, or 5xx, with one blank between" },
};

const struct shape *recipe_shape(enum recipe_tag tag)
{
	return tag > RT_NONE && tag < RT_COUNT ? &shapes[tag] : NULL;
}

const char *recipe_tag_name(enum recipe_tag tag)
{
	const struct shape *s = recipe_shape(tag);

	return s != NULL ? s->name : "";
}

enum recipe_tag recipe_tag_of(const char *name)
{
	for (int t = RT_NONE + 1; t < RT_COUNT; t++)
		if (strcmp(shapes[t].name, name) == 0)
			return (enum recipe_tag)t;
	return RT_NONE;
}

bool recipe_is_step(enum recipe_tag tag)
{
	return (STEPS & S(tag)) != 0;
}

bool recipe_word_in(const char *word, const char *words)
{
	size_t n = strlen(word);

	if (n == 0 || strchr(word, ' ') != NULL)
		return false;
	for (const char *p = words; (p = strstr(p, word)) != NULL; p++)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

bool recipe_value_fits(const struct shape_attr *a, const char *value)
{
	char anchored[128];
	regex_t re;
	bool fits = false;

	switch (a->value) {
	case RV_ANY: return true;
	case RV_SOME: return value[0] != '\0';
	case RV_YESNO: return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
	case RV_WORDS: return recipe_word_in(value, a->words);
	default: break;
	}
	snprintf(anchored, sizeof(anchored), "^(%s)$", values[a->value].pattern);
	if (regcomp(&re, anchored, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	fits = regexec(&re, value, 0, NULL, 0) == 0 && strchr(value, '\n') == NULL;
	regfree(&re);
	return fits;
}

void recipe_value_allowed(const struct shape_attr *a, char *to, size_t cap)
{
	if (a->value == RV_WORDS)
		snprintf(to, cap, "allowed: %s", a->words);
	else
		snprintf(to, cap, "allowed: %s", values[a->value].says);
}

void recipe_nearest(const char *word, const char *words, char *to, size_t cap)
{
	char copy[1024], *save = NULL;
	const char *list[64], *near = NULL;
	size_t n = 0;

	to[0] = '\0';
	text_copy(copy, sizeof(copy), words);
	for (char *p = strtok_r(copy, " ", &save); p != NULL && n < 64; p = strtok_r(NULL, " ", &save))
		list[n++] = p;
	near = text_nearest(word, list, n);
	if (near != NULL)
		text_copy(to, cap, near);
}
