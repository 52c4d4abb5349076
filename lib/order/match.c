/* Which entry of the order a study is (30-cli): scheduled, or not. */
#include <string.h>

#include "base/text.h"
#include "order/order.h"

/* Is want one of the backslash-separated values? */
static bool
has_value(const char *values, const char *want)
{
	size_t n = strlen(want);

	for (const char *p = values; p != NULL && *p != '\0';) {
		const char *end = strchr(p, '\\');
		size_t len = end != NULL ? (size_t)(end - p) : strlen(p);
		if (len == n && memcmp(p, want, n) == 0)
			return true;
		p = end != NULL ? end + 1 : NULL;
	}
	return false;
}

bool
order_entry_fits(const struct order_study *e, const struct study_key *key, bool sole)
{
	if (!text_given(e->study_uid) && !text_given(e->date) && !text_given(e->modality))
		return sole;
	if (text_given(e->study_uid) && (key->study_uid == NULL || strcmp(e->study_uid, key->study_uid) != 0))
		return false;
	if (text_given(e->date) && (key->date == NULL || strcmp(e->date, key->date) != 0))
		return false;
	if (text_given(e->modality) && !has_value(key->modalities, e->modality))
		return false;
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
same_accession(const struct order_study *a, const struct order_study *b)
{
	return text_given(a->accession) && text_given(b->accession) && strcmp(a->accession, b->accession) == 0 &&
	    same_text(a->accession_issuer, b->accession_issuer);
}

int
order_match(const struct order *o, const struct study_key *studies, size_t n, size_t self, int *entry,
    struct err *err)
{
	bool sole = n == 1;
	int found = ORDER_UNSCHEDULED;

	*entry = ORDER_UNSCHEDULED;
	if (self >= n)
		return err_set(err, ERR_INTERNAL, "study %zu of %zu", self, n);
	for (size_t i = 0; i < o->nstudies; i++) {
		if (!order_entry_fits(&o->studies[i], &studies[self], sole))
			continue;
		if (found != ORDER_UNSCHEDULED) {
			err_set(err, ERR_PERSON, "entries %d and %zu of the order both fit this study",
			    found + 1, i + 1);
			err_advise(err,
			    "give the entries a study_uid, or a date and a modality that tell them "
			    "apart");
			return err_rc(err->kind);
		}
		found = (int)i;
	}
	if (found == ORDER_UNSCHEDULED)
		return RC_OK;
	for (size_t s = 0; s < n; s++) {
		if (s == self)
			continue;
		if (order_entry_fits(&o->studies[found], &studies[s], sole)) {
			err_set(err, ERR_PERSON,
			    "entry %d of the order fits this study and another one of the import",
			    found + 1);
			err_advise(err, "give the entry the study_uid of the study that is meant");
			return err_rc(err->kind);
		}
		for (size_t i = 0; i < o->nstudies; i++)
			if ((int)i != found && same_accession(&o->studies[i], &o->studies[found]) &&
			    order_entry_fits(&o->studies[i], &studies[s], sole)) {
				err_set(err, ERR_PERSON,
				    "entries %d and %zu of the order put one accession number on two "
				    "studies",
				    found + 1, i + 1);
				return err_rc(err->kind);
			}
	}
	*entry = found;
	return RC_OK;
}

bool
order_wants(const struct order *o, const struct study_key *key, bool sole)
{
	if (o->want_all)
		return true;
	for (size_t i = 0; i < o->nstudies; i++)
		if (order_entry_fits(&o->studies[i], key, sole))
			return true;
	return false;
}
