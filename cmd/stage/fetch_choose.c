#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "check/patient.h"
#include "stage/fetch.h"

int
choose_patient(const struct order *o, const struct source_offer *offers, size_t n, char doubt[256], struct err *err)
{
	struct identity_facts a = { .name = o->patient.name, .birth_date = o->patient.birth_date,
	    .sex = o->patient.sex, .id = o->patient.id, .issuer = o->patient.issuer,
	    .other_names = (const char *const *)o->patient.other_names, .nother_names = o->patient.nother_names };
	struct identity_facts b = { 0 };
	enum identity verdict = IDENTITY_UNKNOWN;
	char reason[PATIENT_REASON_MAX];
	size_t i = 0;

	doubt[0] = '\0';
	if (!text_given(a.name) && !text_given(a.birth_date))
		return RC_OK;	/* nothing to compare with; mri-check will have the same trouble and say so */
	for (i = 0; i < n; i++) {
		b.name = offers[i].patient_name;
		b.birth_date = offers[i].patient_birth;
		b.sex = offers[i].patient_sex;
		if (!text_given(b.name) && !text_given(b.birth_date))
			continue;
		reason[0] = '\0';
		patient_compare(&a, &b, &verdict, reason);
		if (verdict == IDENTITY_MISMATCH) {
			err_set(err, ERR_PERSON, "entry %zu of the portal's list is another patient's: %s", i + 1, reason);
			err_advise(err, "nothing was downloaded; compare the order with the letter");
			return err_rc(ERR_PERSON);
		}
		if (verdict == IDENTITY_DOUBTFUL && doubt[0] == '\0')
			snprintf(doubt, 256, "entry %zu of the portal's list may be another patient's: %.180s", i + 1, reason);
	}
	return RC_OK;
}

/* One study in the list, papers not counted? */
static bool
sole_study(const struct source_offer *o, size_t n)
{
	const char *uid = NULL;
	size_t i = 0, studies = 0;

	for (i = 0; i < n; i++) {
		if (o[i].document && !text_given(o[i].study_uid))
			continue;
		if (text_given(o[i].study_uid) && uid != NULL && strcmp(uid, o[i].study_uid) == 0)
			continue;
		uid = text_given(o[i].study_uid) ? o[i].study_uid : NULL;
		studies++;
	}
	return studies == 1;
}

/* why: for --explain, static text. */
static bool
wanted(const struct order *o, const struct source_offer *f, bool sole, const char **why)
{
	struct study_key key = { f->study_uid, f->date[0] != '\0' ? f->date : NULL, f->modalities };
	bool is = false;

	*why = "the order wants no documents";
	if (f->document && !o->want_documents)
		return false;
	*why = "the order wants documents";
	if (f->document && !text_given(f->study_uid))
		return true;
	/* A list that says nothing about an entry can be judged by its content only. */
	*why = "the list says nothing of it, its content will";
	if (!text_given(key.study_uid) && !text_given(key.date) && !text_given(key.modalities))
		return true;
	is = order_wants(o, &key, sole);
	*why = !is ? "none of the studies of the order" : o->want_all ? "the order wants all studies" :
	    "a study of the order";
	return is;
}

int
choose_offers(const struct fetch *f, const struct order *o, const struct source_offer *offers, size_t n, bool *take,
    struct err *err)
{
	bool sole = sole_study(offers, n);
	const char *why = NULL;
	size_t i = 0, count = 0;

	if (n == 0) {
		err_set(err, ERR_REFUSED, "the portal's list is empty");
		err_advise(err, "ask the sender whether the study was released");
		return err_rc(ERR_REFUSED);
	}
	if (f->item > 0 && (size_t)f->item > n)
		return err_set(err, ERR_REFUSED, "there is no entry %ld: the portal's list has %zu", f->item, n);
	for (i = 0; i < n; i++) {
		if (f->item > 0) {
			take[i] = i + 1 == (size_t)f->item;
			why = take[i] ? "the entry of --item" : "not the entry of --item";
		} else if (f->study != NULL) {
			take[i] = text_given(offers[i].study_uid) && strcmp(offers[i].study_uid, f->study) == 0;
			why = take[i] ? "the study of --study" : "not the study of --study";
		} else {
			take[i] = wanted(o, &offers[i], sole, &why);
		}
		explain_offer(f, &offers[i], i + 1, take[i], why);
		count += take[i];
	}
	if (count > 0)
		return RC_OK;
	if (f->study != NULL)
		return err_set(err, ERR_REFUSED, "the study of --study is none of the %zu of the portal's list", n);
	err_set(err, ERR_PERSON, "none of the %zu entries of the portal's list is what the order asks for", n);
	err_advise(err, "--list shows them; nothing was downloaded");
	return err_rc(ERR_PERSON);
}

void
choose_print(struct cli *cli, const struct source_offer *o, size_t n, const struct order *order)
{
	bool sole = sole_study(o, n);
	char what[128], modalities[64];
	const char *why = NULL;
	json_t *j = NULL;
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if (cli->json) {
			j = json_pack("{s:i, s:s, s:I, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:b}", "v", 1, "type", "offer",
			    "item", (json_int_t)(i + 1), "kind", o[i].document ? "document" : "study",
			    "media", text_given(o[i].media) ? o[i].media : NULL, "study_uid", o[i].study_uid,
			    "date", o[i].date[0] != '\0' ? o[i].date : NULL, "modalities", o[i].modalities,
			    "description", o[i].description, "wanted", wanted(order, &o[i], sole, &why));
			if (j != NULL && o[i].files >= 0)
				json_object_set_new(j, "files", json_integer(o[i].files));
			if (j != NULL)
				cli_print_json(cli, j);
			json_decref(j);
			continue;
		}
		text_escape(what, sizeof(what), text_given(o[i].description) ? o[i].description : "-",
		    text_given(o[i].description) ? strlen(o[i].description) : 1);
		text_escape(modalities, sizeof(modalities), text_given(o[i].modalities) ? o[i].modalities : "-",
		    text_given(o[i].modalities) ? strlen(o[i].modalities) : 1);
		if (o[i].files >= 0)
			cli_print(cli, "%zu\t%s\t%s\t%s\t%lld\t%s", i + 1, o[i].document ? "document" : "study",
			    o[i].date[0] != '\0' ? o[i].date : "-", modalities, o[i].files, what);
		else
			cli_print(cli, "%zu\t%s\t%s\t%s\t-\t%s", i + 1, o[i].document ? "document" : "study",
			    o[i].date[0] != '\0' ? o[i].date : "-", modalities, what);
	}
}
