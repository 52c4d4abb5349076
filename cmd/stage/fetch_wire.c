#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/fetch_wire.h"

int
wire_send(struct chan *c, const json_t *j, int fd, struct err *err)
{
	struct buf b = BUF_INIT(CHAN_MSG_MAX);
	int rc = json_write(j, &b, err);

	if (rc == RC_OK)
		rc = chan_send(c, b.data, b.len, &fd, fd >= 0 ? 1 : 0, err);
	buf_wipe(&b);
	return rc;
}

int
wire_send_take(struct chan *c, json_t *j, int fd, struct err *err)
{
	int rc = j == NULL ? err_sys(err, ENOMEM, "cannot speak to the other process") : wire_send(c, j, fd, err);

	json_decref(j);
	return rc;
}

json_t *
wire_offer(const struct source_offer *o)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s, s:I, s:b}", "t", "offer",
	    "id", o->id, "media", o->media, "uid", o->study_uid, "date", o->date, "modalities", o->modalities,
	    "description", o->description, "name", o->patient_name, "pid", o->patient_id, "sex", o->patient_sex,
	    "accession", o->accession, "birth", o->patient_birth, "files", (json_int_t)o->files,
	    "document", o->document ? 1 : 0);
}

static int
copy(const json_t *j, const char *key, char **out, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, "the network process", key, &s, err);

	*out = NULL;
	if (rc == RC_OK && s != NULL && (*out = text_dup(s, err)) == NULL)
		rc = err_rc(err->kind);
	return rc;
}

static int
copy_date(const json_t *j, const char *key, char out[9], struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, "the network process", key, &s, err);

	if (rc != RC_OK || s == NULL || !time_parse_date(s, out))
		out[0] = '\0';
	return rc;
}

int
wire_offer_read(const json_t *j, struct source_offer *o, struct err *err)
{
	int rc = RC_OK;

	memset(o, 0, sizeof(*o));
	if ((rc = copy(j, "id", &o->id, err)) != RC_OK || (rc = copy(j, "media", &o->media, err)) != RC_OK ||
	    (rc = copy(j, "uid", &o->study_uid, err)) != RC_OK || (rc = copy(j, "modalities", &o->modalities, err)) != RC_OK ||
	    (rc = copy(j, "description", &o->description, err)) != RC_OK ||
	    (rc = copy(j, "name", &o->patient_name, err)) != RC_OK || (rc = copy(j, "pid", &o->patient_id, err)) != RC_OK ||
	    (rc = copy(j, "sex", &o->patient_sex, err)) != RC_OK || (rc = copy(j, "accession", &o->accession, err)) != RC_OK ||
	    (rc = copy_date(j, "date", o->date, err)) != RC_OK ||
	    (rc = copy_date(j, "birth", o->patient_birth, err)) != RC_OK ||
	    (rc = json_get_int(j, "the network process", "files", -1, &o->files, err)) != RC_OK ||
	    (rc = json_get_bool(j, "the network process", "document", false, &o->document, err)) != RC_OK)
		source_offer_free(o);
	else if (o->id == NULL || o->media == NULL) {
		source_offer_free(o);
		rc = err_set(err, ERR_PROTOCOL, "the network process left something out");
	}
	return rc;
}

json_t *
wire_question(const struct source_question *q)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "t", "question", "id", q->id, "type", q->type, "text", q->text,
	    "date", q->date ? 1 : 0);
}

int
wire_question_read(const json_t *j, struct source_question *q, struct err *err)
{
	int rc = RC_OK;

	memset(q, 0, sizeof(*q));
	if ((rc = copy(j, "id", &q->id, err)) != RC_OK || (rc = copy(j, "type", &q->type, err)) != RC_OK ||
	    (rc = copy(j, "text", &q->text, err)) != RC_OK ||
	    (rc = json_get_bool(j, "the network process", "date", false, &q->date, err)) != RC_OK)
		source_question_free(q);
	else if (q->id == NULL || q->type == NULL || q->text == NULL) {
		source_question_free(q);
		rc = err_set(err, ERR_PROTOCOL, "the network process left something out");
	}
	return rc;
}

static json_t *
texts(char *const *v, size_t n)
{
	json_t *list = json_array();
	size_t i = 0;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

json_t *
wire_portal(const struct source_portal *p)
{
	return json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:i}", "name", p->name,
	    "dicomweb", p->dicomweb, "user", p->user, "token", p->token, "password", p->password, "cert", p->cert,
	    "key", p->key, "allow", texts(p->allow, p->nallow), "prefix", texts(p->prefix, p->nprefix),
	    "connections", p->connections);
}

static int
read_texts(const json_t *list, char ***out, size_t *n, struct err *err)
{
	const json_t *one = NULL;
	size_t i = 0;

	if (json_array_size(list) > 0 && (*out = calloc(json_array_size(list), sizeof(**out))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's settings");
	json_array_foreach((json_t *)list, i, one) {
		if (!json_is_string(one) || ((*out)[*n] = text_dup(json_string_value(one), err)) == NULL)
			return err_set(err, ERR_INTERNAL, "a setting of a portal that is no text");
		(*n)++;
	}
	return RC_OK;
}

int
wire_portal_read(const json_t *j, struct source_portal *p, struct err *err)
{
	long long connections = 0;
	int rc = RC_OK;

	memset(p, 0, sizeof(*p));
	if ((rc = copy(j, "name", &p->name, err)) != RC_OK ||
	    (rc = copy(j, "dicomweb", &p->dicomweb, err)) != RC_OK || (rc = copy(j, "user", &p->user, err)) != RC_OK ||
	    (rc = copy(j, "token", &p->token, err)) != RC_OK || (rc = copy(j, "password", &p->password, err)) != RC_OK ||
	    (rc = copy(j, "cert", &p->cert, err)) != RC_OK || (rc = copy(j, "key", &p->key, err)) != RC_OK ||
	    (rc = read_texts(json_object_get(j, "allow"), &p->allow, &p->nallow, err)) != RC_OK ||
	    (rc = read_texts(json_object_get(j, "prefix"), &p->prefix, &p->nprefix, err)) != RC_OK ||
	    (rc = json_get_int(j, "the parent", "connections", 0, &connections, err)) != RC_OK)
		source_portal_free(p);
	else
		p->connections = (int)connections;
	return rc;
}

json_t *
wire_package(const struct source_package *p)
{
	return json_pack("{s:s, s:i, s:s, s:I, s:s, s:b, s:b, s:s}", "t", "done", "media", (int)p->media, "type", p->type,
	    "bytes", (json_int_t)p->bytes, "sha256", p->sha256, "plausible", p->plausible ? 1 : 0, "all", p->all ? 1 : 0,
	    "reason", p->reason);
}

int
wire_package_read(const json_t *j, struct source_package *p, struct err *err)
{
	const char *type = NULL, *sha = NULL, *reason = NULL, *where = "the network process";
	long long media = 0, bytes = 0;
	uint8_t sum[HASH_LEN];
	int rc = RC_OK;

	memset(p, 0, sizeof(*p));
	if ((rc = json_get_int(j, where, "media", 0, &media, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "type", &type, err)) != RC_OK ||
	    (rc = json_get_int(j, where, "bytes", 0, &bytes, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "sha256", &sha, err)) != RC_OK ||
	    (rc = json_get_bool(j, where, "plausible", false, &p->plausible, err)) != RC_OK ||
	    (rc = json_get_bool(j, where, "all", false, &p->all, err)) != RC_OK ||
	    (rc = json_get_str(j, where, "reason", &reason, err)) != RC_OK)
		return rc;
	if (media <= MEDIA_UNKNOWN || media > MEDIA_EMPTY || bytes <= 0 || sha == NULL || !text_unhex(sha, sum, sizeof(sum)))
		return err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	p->media = (enum media)media;
	p->bytes = (uint64_t)bytes;
	text_copy(p->sha256, sizeof(p->sha256), sha);
	text_copy(p->type, sizeof(p->type), type != NULL ? type : "");
	text_escape(p->reason, sizeof(p->reason), reason != NULL ? reason : "", reason != NULL ? strlen(reason) : 0);
	return RC_OK;
}

json_t *
wire_error(const struct err *e, const char *state)
{
	char text[ERR_TEXT_MAX], advice[ERR_ADVICE_MAX];

	/* A host's name may hold bytes that are not UTF-8: JSON takes none. */
	text_escape(text, sizeof(text), e->text, strlen(e->text));
	text_escape(advice, sizeof(advice), e->advice, strlen(e->advice));
	return json_pack("{s:s, s:i, s:s, s:s, s:s}", "t", "failed", "kind", (int)e->kind, "text", text,
	    "advice", advice, "state", state);
}

static const char *const states[] = {
	"credentials-wrong", "locked", "expired", "used-up", "not-found", "not-yet-available", "factor-needed",
	"terms-needed", "payment-needed", "captcha", "not-permitted", "rate-limited", "busy", "maintenance",
	"session-lost", "partial", "wrong-patient", "portal-changed", "unsupported", "network",
};

int
wire_error_read(const json_t *j, const char **state, struct err *err)
{
	const char *text = json_string_value(json_object_get(j, "text"));
	const char *advice = json_string_value(json_object_get(j, "advice"));
	const char *word = json_string_value(json_object_get(j, "state"));
	json_int_t kind = json_integer_value(json_object_get(j, "kind"));
	char shown[ERR_TEXT_MAX];
	size_t i = 0;

	*state = "";
	for (i = 0; word != NULL && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(word, states[i]) == 0)
			*state = states[i];
	if (kind <= ERR_NONE || kind > ERR_INTERNAL || text == NULL)
		return err_set(err, ERR_PROTOCOL, "the network process spoke nonsense");
	err_set(err, (enum err_kind)kind, "%s", text_escape(shown, sizeof(shown), text, strlen(text)));
	if (advice != NULL && advice[0] != '\0')
		err_advise(err, "%s", text_escape(shown, sizeof(shown), advice, strlen(advice)));
	return err_rc(err->kind);
}
