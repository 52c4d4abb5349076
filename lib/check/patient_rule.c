/* patient: every object of the study and the portal's list, against the order. */
#include <string.h>

#include "base/text.h"
#include "check/patient.h"
#include "check/rules.h"

#define NAMES_MAX 16 /* other names, and other ids, of one object */

struct identity_facts
check_asked(const struct order_patient *p)
{
	return (struct identity_facts){ .name = p->name,
		.birth_date = p->birth_date,
		.sex = p->sex,
		.id = p->id,
		.issuer = p->issuer,
		.other_names = (const char *const *)p->other_names,
		.nother_names = p->nother_names };
}

static enum check_point
point_of(enum identity v)
{
	switch (v) {
	case IDENTITY_LIKELY:
		return POINT_PATIENT_LIKELY;
	case IDENTITY_UNKNOWN:
		return POINT_PATIENT_UNKNOWN;
	case IDENTITY_DOUBTFUL:
		return POINT_PATIENT_DOUBTFUL;
	default:
		return POINT_PATIENT_MISMATCH;
	}
}

/* Both values side by side, for those who may see them. */
static int
show(struct check_report *rep, const struct identity_facts *a, const struct identity_facts *b,
    size_t objects, struct err *err)
{
	int rc = RC_OK;

	if ((rc = check_detail(rep, CHECK_PATIENT, "name", a->name, b->name, objects, err)) != RC_OK ||
	    (rc = check_detail(rep, CHECK_PATIENT, "birth_date", a->birth_date, b->birth_date, objects,
		 err)) != RC_OK ||
	    (rc = check_detail(rep, CHECK_PATIENT, "sex", a->sex, b->sex, objects, err)) != RC_OK)
		return rc;
	return check_detail(rep, CHECK_PATIENT, "id", a->id, b->id, objects, err);
}

/* "A\B" in place: pointers into text. */
static size_t
split(char *text, const char *out[NAMES_MAX])
{
	size_t n = 0;

	while (*text != '\0' && n < NAMES_MAX) {
		char *end = strchr(text, '\\');
		if (end != NULL)
			*end = '\0';
		if (*text != '\0')
			out[n++] = text;
		if (end == NULL)
			break;
		text = end + 1;
	}
	return n;
}

static size_t
split_ids(char *text, struct identity_id out[NAMES_MAX])
{
	const char *list[NAMES_MAX] = { NULL };
	size_t n = split(text, list);

	for (size_t i = 0; i < n; i++) {
		char *sep = strchr((char *)(uintptr_t)list[i], CHECK_ID_SEP);
		if (sep != NULL)
			*sep = '\0';
		out[i] = (struct identity_id){ list[i], sep != NULL ? sep + 1 : "" };
	}
	return n;
}

static int
judge_identity(const struct check_study *s, size_t i, const struct identity_facts *want,
    struct check_report *rep, struct err *err)
{
	const struct check_identity *id = &s->identities[i];
	const char *names[NAMES_MAX] = { NULL };
	struct identity_id ids[NAMES_MAX];
	char others[CHECK_TEXT_MAX], other_ids[CHECK_TEXT_MAX], reason[PATIENT_REASON_MAX];
	enum identity v = IDENTITY_MISMATCH;
	size_t count = 0;

	text_copy(others, sizeof others, id->other_names);
	struct identity_facts has = { .name = id->name,
		.birth_date = id->birth_date,
		.sex = id->sex,
		.id = id->id,
		.issuer = id->issuer,
		.other_names = names,
		.other_ids = ids };
	has.nother_names = split(others, names);
	text_copy(other_ids, sizeof other_ids, id->other_ids);
	has.nother_ids = split_ids(other_ids, ids);
	for (size_t k = 0; k < s->nobjects; k++)
		count += s->objects[k].identity == (int)i;
	patient_compare(want, &has, &v, reason);
	if (v == IDENTITY_MATCH)
		return RC_OK;
	if (count == s->nobjects)
		check_say(rep, point_of(v), "%s: %s", identity_word(v), reason);
	else
		check_say(rep, point_of(v), "%s in %zu of %zu objects: %s", identity_word(v), count,
		    s->nobjects, reason);
	return show(rep, want, &has, count, err);
}

/* The portal's list. In a study its objects carry the birth date; of papers only the list says one. */
static int
judge_claim(const struct check_study *s, const struct claim *c, const struct identity_facts *want,
    struct check_report *rep, struct err *err)
{
	struct identity_facts has = {
		.name = c->patient_name, .birth_date = c->patient_birth, .sex = c->patient_sex
	};
	char reason[PATIENT_REASON_MAX];
	enum identity v = IDENTITY_MATCH;

	has.no_birth_date = !s->papers && !text_given(has.birth_date);
	has.no_name = !s->papers && !text_given(has.name);
	patient_compare(want, &has, &v, reason);
	if (v == IDENTITY_MATCH)
		return RC_OK;
	check_say(rep, point_of(v), "the portal's list, %s: %s", identity_word(v), reason);
	has.birth_date = c->patient_birth;
	has.name = c->patient_name;
	has.id = c->patient_id;
	return show(rep, want, &has, 0, err);
}

/* What the text of documents says. Of a PDF beside objects, which say whose they are, it is a hint. */
static void
judge_documents(const struct check_study *s, size_t claims, struct check_report *rep)
{
	size_t agree = 0, contradict = 0, silent = 0;

	for (size_t i = 0; i < s->npapers_say; i++) {
		const struct check_paper *p = &s->papers_say[i];
		agree += p->says == PAPER_AGREES;
		if (p->says != PAPER_CONTRADICTS)
			continue;
		contradict++;
		check_say(rep, p->record ? POINT_PATIENT_RECORD
			: s->papers	 ? POINT_PATIENT_DOUBTFUL
					 : POINT_PATIENT_DOCUMENT,
		    "document %d says another birth date than the order's", p->n);
	}
	silent = s->npapers_say - agree - contradict;
	if (!s->papers)
		return;
	if (claims == 0 && agree + contradict == 0)
		check_say(rep, POINT_PATIENT_UNCLAIMED, "nobody says whose papers these are: look at them");
	else if (silent > 0)
		check_say(rep, POINT_PATIENT_UNCLAIMED, "%zu of %zu documents do not say whose they are: look at them",
		    silent, s->npapers_say);
}

int
rule_patient(const struct check_study *s, struct check_report *rep, struct err *err)
{
	const struct order_patient *p = &s->order->patient;
	struct identity_facts want = check_asked(p);
	size_t claims = 0;
	int rc = RC_OK;

	if (!text_given(p->id) && !text_given(p->name) && !text_given(p->birth_date)) {
		check_say(rep, POINT_NO_PATIENT_ASKED, "the order names no patient");
		return RC_OK;
	}
	for (size_t i = 0; i < s->nidentities; i++)
		if ((rc = judge_identity(s, i, &want, rep, err)) != RC_OK)
			return rc;
	if (s->identities_more)
		check_say(rep, POINT_PATIENT_MISMATCH, "more than %d patients", CHECK_IDENTITIES_MAX);
	for (size_t i = 0; i < s->nclaims; i++) {
		const struct claim *c = &s->claims[i];
		if (!text_given(c->patient_name) && !text_given(c->patient_birth))
			continue;
		claims++;
		if ((rc = judge_claim(s, c, &want, rep, err)) != RC_OK)
			return rc;
	}
	judge_documents(s, claims, rep);
	if (!s->papers && s->nidentities == 0)
		check_say(rep, POINT_PATIENT_UNKNOWN, "no object says whose it is");
	check_pass(rep, CHECK_PATIENT, "name and birth date agree with the order");
	return RC_OK;
}
