/* Old values, for the person who reads a plan. */
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "reconcile/plan.h"
#include "reconcile/value.h"

#define SHOWN_MAX	1024	/* bytes of one old value; a longer one is told by its length */

static int count(const struct object *o, unsigned item, const struct element *el, void *arg, struct err *err)
{
	(void)o, (void)el, (void)err;
	*(unsigned *)arg = item + 1;
	return RC_OK;
}

static int items(const struct object *o, const struct element *el, char *out, size_t cap, struct err *err)
{
	struct buf b = BUF_INIT(cap);
	unsigned n = 0;
	int rc = el->length > 0 ? walk_items(o, el, count, &n, err) : RC_OK;

	if (rc == RC_OK)
		rc = buf_printf(&b, err, "[%u item%s]", n, n == 1 ? "" : "s");
	if (rc == RC_OK)
		text_copy(out, cap, b.data);
	buf_free(&b);
	return rc;
}

static int text(const struct object *o, const struct plan_rule *r, const char *declared, char *out, size_t cap,
    struct err *err)
{
	char raw[SHOWN_MAX + 1];
	struct err ignored;
	size_t len = 0;
	int rc = walk_text(o, r->tag, raw, sizeof raw, NULL, err);

	if (rc != RC_OK)
		return rc;
	if (charset_read(value_in_charset(r->vr) ? declared : "", r->vr, raw, strlen(raw), out, cap, &len, &ignored) != RC_OK)
		text_escape(out, cap, raw, strlen(raw));
	return RC_OK;
}

static int one(const struct object *o, const struct plan_rule *r, const char *declared, char *out, size_t cap,
    struct err *err)
{
	const struct element *el = walk_find(o, r->tag);
	struct buf b = BUF_INIT(cap);
	long long number = 0;
	bool found = false;
	struct err ignored;
	int rc = RC_OK;

	if (strcmp(r->vr, "SQ") == 0 || r->depth > 0)
		return items(o, el, out, cap, err);
	if (el->length > SHOWN_MAX) {
		rc = buf_printf(&b, err, "[%lu bytes]", (unsigned long)el->length);
	} else if (r->vr[0] == 'U' && (r->vr[1] == 'S' || r->vr[1] == 'L') &&
	    walk_number(o, r->tag, &number, &found, &ignored) == RC_OK && found) {
		rc = buf_printf(&b, err, "%lld", number);
	} else {
		return text(o, r, declared, out, cap, err);
	}
	if (rc == RC_OK)
		text_copy(out, cap, b.data);
	buf_free(&b);
	return rc;
}

int plan_old(const struct plan *p, const struct object *o, json_t **out, struct err *err)
{
	char declared[CHARSET_DECLARED_MAX], shown[SHOWN_MAX * 4 + 1], tag[12];
	size_t i = 0;
	int rc = walk_text(o, TAG(0x0008, 0x0005), declared, sizeof declared, NULL, err);

	*out = json_object();
	if (*out == NULL)
		return err_set(err, ERR_TEMP, "no memory for old values");
	for (i = 0; rc == RC_OK && i < p->nrules; i++) {
		json_t *v = NULL;

		if (walk_find(o, p->rules[i].tag) == NULL || p->rules[i].creator != NULL)
			continue;	/* where a private one stands each object says for itself */
		rc = one(o, &p->rules[i], declared, shown, sizeof shown, err);
		if (rc != RC_OK)
			break;
		v = json_string(shown);
		if (v == NULL || json_object_set_new(*out, plan_tag_text(p->rules[i].tag, tag), v) != 0)
			rc = err_set(err, ERR_TEMP, "no memory for old values");
	}
	if (rc != RC_OK) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}
