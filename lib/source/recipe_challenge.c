/* Questions to a person: those of a portal, which a recipe maps to its inputs, and an input that is needed only now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/recipe_session.h"

#define ARRAY_MAX	((size_t)64 << 10)

int
recipe_ask_person(struct recipe_session *rs, const struct source_question *q, char **answer, struct err *err)
{
	int rc = RC_OK;

	*answer = NULL;
	if (rs->s->o.ask == NULL || rs->logins > 0) {
		rs->s->state = rs->logins > 0 ? "session-lost" : "factor-needed";
		err_set(err, ERR_DENIED, rs->logins > 0 ? "the portal ended the session and wants a new answer" :
		    "the portal wants one more answer");
		err_advise(err, "run the same again, with --factor for that answer");
		return err_rc(ERR_DENIED);
	}
	if ((rc = rs->s->o.ask(rs->s->o.ask_arg, q, answer, err)) != RC_OK && rs->s->state[0] == '\0')
		rs->s->state = "factor-needed";
	return rc;
}

/* A text, or, as DLX has it, [{"text": …, "language": …}]: the first one. */
static int
text_of(const json_t *j, char **out, struct err *err)
{
	if (json_is_array(j))
		j = json_array_get(j, 0);
	if (json_is_object(j))
		j = json_object_get(j, "text");
	return page_scalar(j, out, err);
}

static const struct recipe_node *
answer_of(const struct recipe_node *challenge, const char *type)
{
	const struct recipe_node *a = recipe_child(challenge, RT_ANSWER);

	while (a != NULL && strcmp(recipe_attr(a, "type"), type) != 0)
		a = recipe_next(a);
	return a;
}

/* The inputs that an answer's template names are asked for now. */
static int
need_all(struct recipe_session *rs, const char *text, struct err *err)
{
	char name[RECIPE_NAME_MAX], filter[RECIPE_FILTER_MAX];
	size_t n = 0;
	int rc = RC_OK;

	for (; *text != '\0' && rc == RC_OK; text += n > 0 ? n : 1)
		if ((n = recipe_placeholder(text, name, filter)) > 0 && recipe_input(rs->r, name) != NULL)
			rc = recipe_need(rs, name, err);
	return rc;
}

static int
make_answer(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *a,
    const struct source_question *q, struct buf *out, struct err *err)
{
	const char *value = recipe_attr(a, "value");
	char *given = NULL;
	int rc = RC_OK;

	if (value != NULL)
		return (rc = need_all(rs, value, err)) != RC_OK ? rc : recipe_expand(value, &it->vars, PLACE_PLAIN, out, err);
	if ((rc = recipe_ask_person(rs, q, &given, err)) == RC_OK &&
	    (rc = redact_add_as(&rs->s->secrets, "answer", given, err)) == RC_OK)
		rc = buf_puts(out, given, err);
	hash_wipe_text(&given);
	return rc;
}

static int
one(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, const json_t *j, json_t *list,
    struct err *err)
{
	struct source_question q = { 0 };
	struct buf answer = BUF_INIT(RECIPE_VALUE_MAX);
	const struct recipe_node *a = NULL;
	char *format = NULL, shown[64];
	int rc = RC_OK;

	if ((rc = page_scalar(json_object_get(j, recipe_attr(n, "id")), &q.id, err)) != RC_OK ||
	    (rc = page_scalar(json_object_get(j, recipe_attr(n, "type")), &q.type, err)) != RC_OK ||
	    (rc = text_of(json_object_get(j, recipe_attr(n, "text")), &q.text, err)) != RC_OK ||
	    (rc = page_scalar(json_object_get(j, recipe_attr(n, "format")), &format, err)) != RC_OK)
		goto out;
	if (q.text == NULL && (q.text = text_dup("", err)) == NULL)
		rc = err_rc(err->kind);
	else if (q.id == NULL || q.type == NULL)
		rc = err_set(err, ERR_PROTOCOL, "the portal asks a question without an id or a type");
	else if ((a = answer_of(n, q.type)) == NULL)
		rc = err_set(err, ERR_PROTOCOL, "the portal asks a question of the type %s, and the recipe has no answer for it",
		    text_escape(shown, sizeof(shown), q.type, strlen(q.type)));
	if (rc != RC_OK) {
		rs->s->state = "portal-changed";
		goto out;
	}
	q.date = format != NULL && strcmp(format, "DATE") == 0;
	if ((rc = buf_puts(&answer, "", err)) == RC_OK && (rc = make_answer(rs, it, a, &q, &answer, err)) == RC_OK &&
	    json_array_append_new(list, json_pack("{s:s, s:s}", recipe_attr(n, "id"), q.id, "answer", answer.data)) != 0)
		rc = err_set(err, ERR_DENIED, "an answer is not UTF-8 text");
out:
	free(format);
	source_question_free(&q);
	buf_wipe(&answer);
	return rc;
}

int
recipe_challenge(struct recipe_session *rs, struct recipe_item *it, const struct recipe_node *n, struct err *err)
{
	const json_t *asked = page_pointer(&it->at, recipe_attr(n, "json"));
	struct buf text = BUF_INIT(ARRAY_MAX);
	json_t *list = json_array();
	size_t i = 0, count = json_is_object(asked) ? 1 : json_array_size(asked);
	int rc = list == NULL ? err_sys(err, ENOMEM, "cannot write the answers") : RC_OK;

	if (rc == RC_OK && count > SOURCE_QUESTIONS_MAX)
		rc = err_set(err, ERR_PROTOCOL, "the portal asks more than %d questions", SOURCE_QUESTIONS_MAX);
	for (i = 0; i < count && rc == RC_OK; i++)
		rc = one(rs, it, n, json_is_object(asked) ? asked : json_array_get(asked, i), list, err);
	if (rc == RC_OK && (rc = json_write(list, &text, err)) == RC_OK)
		rc = recipe_set(rs, it, recipe_attr(n, "into"), text.data, false, true, err);
	recipe_tell(rs, n, "challenge: %zu question%s", count, count == 1 ? "" : "s");
	json_decref(list);
	buf_wipe(&text);
	return rc;
}
