#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "dicom/dict.h"
#include "reconcile/irwf.h"
#include "reconcile/map.h"
#include "reconcile/value.h"

#define STATION_MAX	16	/* SH */
#define LO_MAX		64

int irwf_rule(json_t *rules, uint32_t tag, const char *op, json_t *value, const char *source, struct err *err)
{
	const struct dict_entry *d = dict_by_tag(tag);
	char text[12];
	json_t *rule = json_make(err, "{s:s, s:s, s:s, s:o*, s:s}", "tag", plan_tag_text(tag, text),
	    "keyword", d != NULL ? d->keyword : "", "op", op, "new", value, "rule", source);

	if (rule == NULL)
		return err_rc(err->kind);
	if (json_array_append_new(rules, rule) != 0)
		return err_set(err, ERR_TEMP, "no memory for a plan");
	return RC_OK;
}

/* A field of the order, held against the VR of the attribute it goes into. */
static int field(const char *name, const char *value, uint32_t tag, struct err *err)
{
	const struct dict_entry *d = dict_by_tag(tag);
	int rc = d == NULL ? err_set(err, ERR_INTERNAL, "no dictionary") : value_check(d->vr, value, err);

	if (rc == RC_OK)
		return RC_OK;
	err_wrap(err, "%s of the order", name);
	err_advise(err, "it goes into %s: correct the order, and check again", d != NULL ? d->keyword : "");
	return rc;
}

static int set_text(json_t *rules, const char *name, const char *value, uint32_t tag, struct err *err)
{
	int rc = field(name, value, tag, err);

	return rc == RC_OK ? irwf_rule(rules, tag, "set", json_string(value), "irwf", err) : rc;
}

static int patient(const struct order_patient *p, json_t *rules, struct err *err)
{
	int rc = RC_OK;

	if (!text_given(p->id)) {
		err_set(err, ERR_NOINPUT, "the order has no local patient id");
		err_advise(err, "complete it with mri-check --order FILE (patient.id), then retag");
		return RC_FAILED;
	}
	if (text_given(p->name))
		rc = set_text(rules, "patient.name", p->name, TAG(0x0010, 0x0010), err);
	if (rc == RC_OK)
		rc = set_text(rules, "patient.id", p->id, TAG(0x0010, 0x0020), err);
	/* A foreign issuer never stands beside a local id. */
	if (rc == RC_OK && text_given(p->issuer))
		rc = set_text(rules, "patient.issuer", p->issuer, TAG(0x0010, 0x0021), err);
	else if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0010, 0x0021), "empty", NULL, "irwf", err);
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0010, 0x0024), "empty", NULL, "irwf", err);
	if (rc == RC_OK && text_given(p->birth_date))
		rc = set_text(rules, "patient.birth_date", p->birth_date, TAG(0x0010, 0x0030), err);
	if (rc == RC_OK && text_given(p->sex))
		rc = set_text(rules, "patient.sex", p->sex, TAG(0x0010, 0x0040), err);
	return rc;
}

static int other_ids(json_t *rules, struct err *err)
{
	json_t *items = json_make(err, "[{s:{s:s}, s:{s:s}, s:s}]", "(0010,0020)", "old", "(0010,0020)",
	    "(0010,0021)", "old", "(0010,0021)", "(0010,0022)", "TEXT");
	int rc = RC_OK;

	if (items == NULL)
		return err_rc(err->kind);
	rc = irwf_rule(rules, TAG(0x0010, 0x1002), "append", items, "irwf", err);
	if (rc == RC_OK && json_object_set_new(json_array_get(rules, json_array_size(rules) - 1), "when",
	    json_string("foreign")) != 0)
		rc = err_set(err, ERR_TEMP, "no memory for a plan");
	return rc;
}

/* No entry of the order is this study: a foreign number must not meet one of ours. */
static int unscheduled(json_t *rules, struct err *err)
{
	int rc = irwf_rule(rules, TAG(0x0008, 0x0050), "set", json_string(""), "irwf", err);

	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0008, 0x0051), "empty", NULL, "irwf", err);
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0038, 0x0010), "empty", NULL, "irwf", err);
	return rc == RC_OK ? irwf_rule(rules, TAG(0x0038, 0x0014), "empty", NULL, "irwf", err) : rc;
}

static int put(json_t *item, const char *name, const char *value, uint32_t tag, struct err *err)
{
	char text[12];
	int rc = field(name, value, tag, err);

	if (rc == RC_OK && json_object_set_new(item, plan_tag_text(tag, text), json_string(value)) != 0)
		rc = err_set(err, ERR_TEMP, "no memory for a plan");
	return rc;
}

/* Request Attributes: from the order, with what describes the acquisition kept from the image. */
static int request(const struct order_study *s, json_t *rules, struct err *err)
{
	json_t *item = json_make(err, "{s:{s:s, s:b}, s:{s:s, s:b}}", "(0040,0007)", "old", "(0040,0007)",
	    "kept", 1,
	    "(0040,0008)", "old", "(0040,0008)", "kept", 1), *items = NULL;
	int rc = RC_OK;

	if (item == NULL)
		return err_rc(err->kind);
	if (text_given(s->description))
		rc = put(item, "studies.description", s->description, TAG(0x0032, 0x1060), err);
	if (rc == RC_OK && text_given(s->scheduled_step_id))
		rc = put(item, "studies.scheduled_step_id", s->scheduled_step_id, TAG(0x0040, 0x0009), err);
	if (rc == RC_OK && text_given(s->requested_procedure_id))
		rc = put(item, "studies.requested_procedure_id", s->requested_procedure_id, TAG(0x0040,
		    0x1001), err);
	if (rc == RC_OK && (items = json_make(err, "[O]", item)) == NULL)
		rc = err_rc(err->kind);
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0040, 0x0275), "set", items, "irwf", err);
	json_decref(item);
	return rc;
}

static int scheduled(const struct order_study *s, json_t *rules, struct err *err)
{
	json_t *items = NULL;
	int rc = set_text(rules, "studies.accession", text_given(s->accession) ? s->accession : "", TAG(0x0008,
	    0x0050), err);

	if (rc == RC_OK && text_given(s->accession_issuer) && text_given(s->accession)) {
		rc = field("studies.accession_issuer", s->accession_issuer, TAG(0x0040, 0x0031), err);
		/* PS3.3 10.17, Local Namespace Entity ID */
		if (rc == RC_OK && (items = json_make(err, "[{s:s}]", "(0040,0031)",
		    s->accession_issuer)) == NULL)
			rc = err_rc(err->kind);
		if (rc == RC_OK)
			rc = irwf_rule(rules, TAG(0x0008, 0x0051), "set", items, "irwf", err);
	} else if (rc == RC_OK) {
		rc = irwf_rule(rules, TAG(0x0008, 0x0051), "empty", NULL, "irwf", err);
	}
	/* The order's request, not merged with the foreign one: ours names no references and codes. */
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0008, 0x1032), "remove", NULL, "irwf", err);
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0008, 0x1110), "remove", NULL, "irwf", err);
	if (rc == RC_OK && text_given(s->admission_id))
		rc = set_text(rules, "studies.admission_id", s->admission_id, TAG(0x0038, 0x0010), err);
	else if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0038, 0x0010), "empty", NULL, "irwf", err);
	if (rc == RC_OK)
		rc = irwf_rule(rules, TAG(0x0038, 0x0014), "empty", NULL, "irwf", err);
	return rc == RC_OK ? request(s, rules, err) : rc;
}

int irwf_rules(const struct plan_input *in, json_t *rules, struct err *err)
{
	char when[TIME_TEXT_MAX];
	int rc = irwf_rule(rules, TAG(0x0008, 0x0015), "set", json_string(time_dicom_dt(in->time, when)),
	    "irwf", err);

	if (rc == RC_OK)
		rc = patient(&in->order->patient, rules, err);
	if (rc == RC_OK)
		rc = other_ids(rules, err);
	if (rc != RC_OK)
		return rc;
	if (in->entry == ORDER_UNSCHEDULED)
		return unscheduled(rules, err);
	if (in->entry < 0 || (size_t)in->entry >= in->order->nstudies)
		return err_set(err, ERR_DATA, "the check names entry %d of the order, which has %zu", in->entry,
		    in->order->nstudies);
	return scheduled(&in->order->studies[in->entry], rules, err);
}

/* Contributing Equipment (PS3.3 C.12.1.1.5): who handled it on the way; purpose from CID 7005. */
static int equipment(const struct plan_input *in, const char *when, json_t *rules, struct err *err)
{
	char station[STATION_MAX + 1], site[LO_MAX * 4 + 1], software[LO_MAX + 1];
	json_t *items = NULL, *item = NULL;
	struct err ignored;

	text_copy(station, sizeof station, in->station);
	text_copy(site, sizeof site, in->organisation);
	text_copy(software, sizeof software, in->version);
	items = json_make(err, "[{s:[{s:s, s:s, s:s}], s:s, s:s, s:s, s:s}]",
	    "(0040,a170)", "(0008,0100)", "MEDIM", "(0008,0102)", "DCM",
	    "(0008,0104)", "Portable Media Importer Equipment",
	    "(0008,0070)", PLAN_TOOL, "(0008,1090)", PLAN_TOOL, "(0018,1020)", software, "(0018,a002)", when);
	if (items == NULL)
		return err_rc(err->kind);
	item = json_array_get(items, 0);
	/* Names that do not fit are left out: nothing depends on them. */
	if (text_given(station) && value_check("SH", station, &ignored) == RC_OK)
		json_object_set_new(item, "(0008,1010)", json_string(station));
	if (text_given(site) && value_check("LO", site, &ignored) == RC_OK)
		json_object_set_new(item, "(0008,0080)", json_string(site));
	return irwf_rule(rules, TAG(0x0018, 0xa001), "append", items, "irwf", err);
}

/* The old values, with who, when and why. CORRECT: an operator's --set, COERCE: the
 * import itself, and what a site's maps say of all imports. */
static int original(const char *when, const char *source, const char *reason, json_t *rules, struct err *err)
{
	json_t *items = json_make(err, "[{s:{s:s}, s:s, s:s, s:{s:s, s:s}, s:s}]",
	    "(0400,0550)", "changed", source, "(0400,0562)", when, "(0400,0563)", PLAN_TOOL,
	    "(0400,0564)", "old", "(0008,0080)", "else", "", "(0400,0565)", reason);

	if (items == NULL)
		return err_rc(err->kind);
	return irwf_rule(rules, TAG(0x0400, 0x0561), "append", items, source, err);
}

int irwf_record(const struct plan_input *in, json_t *rules, struct err *err)
{
	char when[TIME_TEXT_MAX];
	bool sets = false;
	size_t i = 0;
	int rc = RC_OK;

	for (i = 0; i < in->nsets; i++)
		sets |= in->sets[i].tag != TAG(0x0008, 0x0005);	/* which says what is, and changes nothing */
	time_dicom_dt(in->time, when);
	rc = equipment(in, when, rules, err);
	if (rc == RC_OK)
		rc = original(when, "irwf", "COERCE", rules, err);
	if (rc == RC_OK && map_count(in->map) > 0)
		rc = original(when, "map", "COERCE", rules, err);
	if (rc == RC_OK && sets)
		rc = original(when, "set", "CORRECT", rules, err);
	return rc;
}
