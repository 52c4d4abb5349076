/* DICOM JSON (PS3.18 F): {"0020000D":{"vr":"UI","Value":["1.2.3"]}, …}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/time.h"
#include "source/dicomweb.h"

#define VALUE_MAX	1024	/* bytes of one value: a long text may have 10,240, names and UIDs do not */

const char *
dicomweb_text(const json_t *v, char number[32])
{
	if (json_is_object(v))
		v = json_object_get(v, "Alphabetic");
	if (json_is_string(v) && json_string_length(v) <= VALUE_MAX)
		return json_string_value(v);
	if (!json_is_integer(v))
		return "";
	snprintf(number, 32, "%lld", (long long)json_integer_value(v));
	return number;
}

/* First value as text; "" where there is none. */
static const char *
first(const json_t *entry, const char *tag, char number[32])
{
	return dicomweb_text(json_array_get(json_object_get(json_object_get(entry, tag), "Value"), 0), number);
}

static int
copy(const json_t *entry, const char *tag, char **out, struct err *err)
{
	char number[32];
	const char *s = first(entry, tag, number);

	*out = s[0] != '\0' ? text_dup(s, err) : NULL;
	return s[0] != '\0' && *out == NULL ? err_rc(err->kind) : RC_OK;
}

static long long
count_of(const json_t *entry, const char *tag)
{
	char number[32];
	uint64_t n = 0;

	return text_u64(first(entry, tag, number), INSTANCES_MAX, &n) ? (long long)n : -1;
}

int
dicomweb_offer(const json_t *entry, struct source_offer *o, struct err *err)
{
	char number[32];
	int rc = RC_OK;

	memset(o, 0, sizeof(*o));
	o->files = count_of(entry, "00201208");
	if (!json_is_object(entry) || !text_is_uid(first(entry, "0020000D", number)))
		return err_set(err, ERR_PROTOCOL, "the portal lists a study without its UID");
	if ((rc = copy(entry, "0020000D", &o->study_uid, err)) != RC_OK ||
	    (rc = copy(entry, "0020000D", &o->id, err)) != RC_OK ||
	    (rc = copy(entry, "00081030", &o->description, err)) != RC_OK ||
	    (rc = copy(entry, "00100010", &o->patient_name, err)) != RC_OK ||
	    (rc = copy(entry, "00100020", &o->patient_id, err)) != RC_OK ||
	    (rc = copy(entry, "00100040", &o->patient_sex, err)) != RC_OK ||
	    (rc = copy(entry, "00080050", &o->accession, err)) != RC_OK ||
	    (rc = json_join(json_object_get(json_object_get(entry, "00080061"), "Value"), '\\', VALUE_MAX,
	    &o->modalities, err)) != RC_OK)
		goto out;
	if (!time_parse_date(first(entry, "00080020", number), o->date))
		o->date[0] = '\0';
	if (!time_parse_date(first(entry, "00100030", number), o->patient_birth))
		o->patient_birth[0] = '\0';
	if ((o->media = text_dup("application/dicom", err)) == NULL)
		rc = err_rc(err->kind);
out:
	if (rc != RC_OK)
		source_offer_free(o);
	return rc;
}

int
dicomweb_instance(const json_t *entry, struct instances *t, bool *is_new, struct err *err)
{
	char number[32];
	const char *uid = first(entry, "00080018", number), *series = NULL;
	struct instance *i = NULL;
	int rc = RC_OK;

	if (!json_is_object(entry) || !text_is_uid(uid))
		return err_set(err, ERR_PROTOCOL, "the portal lists an object without its UID");
	if ((rc = instances_add(t, uid, &i, is_new, err)) != RC_OK)
		return rc;
	series = first(entry, "0020000E", number);
	if (text_is_uid(series))
		text_copy(i->series, sizeof(i->series), series);
	instances_list(t, i);
	return RC_OK;
}

bool
dicomweb_matches(const json_t *entry, const char *ask)
{
	static const struct { const char *keyword, *tag; } keys[] = {
		{ "StudyInstanceUID", "0020000D" }, { "AccessionNumber", "00080050" }, { "PatientID", "00100020" },
		{ "StudyDate", "00080020" },
	};
	char number[32];
	size_t i = 0, n = 0, len = 0;
	bool all = true;

	for (; *ask != '\0' && all; ask += len + (ask[len] == '&')) {
		len = strcspn(ask, "&");
		n = strcspn(ask, "=");
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (n < len && strlen(keys[i].keyword) == n && strncmp(ask, keys[i].keyword, n) == 0)
				break;
		if (i == sizeof(keys) / sizeof(keys[0]))
			return false;
		const char *v = first(entry, keys[i].tag, number);
		all = strlen(v) == len - n - 1 && strncmp(v, ask + n + 1, len - n - 1) == 0;
	}
	return all;
}
