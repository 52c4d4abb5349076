/* What can be found, by name and weight. A file of its own: the configuration knows the names, and no rule. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"

static const char *const rule_names[CHECK_RULES] = { "patient", "one_patient", "one_order", "complete",
	"readable", "consistent", "target", "permitted" };

/* The severity of everything that can be found: an error holds the item. */
const struct check_point_row check_points[] = {
	[POINT_BROKEN] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "broken" },
	[POINT_SHORT_PIXELS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "short" },
	[POINT_LONG_PIXELS] = { CHECK_READABLE, CHECK_WARNING, CHECK_FINDING, "long" },
	[POINT_NO_PIXELS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "no_pixels" },
	[POINT_FRAME] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "frame" },
	[POINT_UNDECODED] = { CHECK_READABLE, CHECK_WARNING, CHECK_UNKNOWN, "undecoded" },
	[POINT_FRAGMENTS] = { CHECK_READABLE, CHECK_ERROR, CHECK_FINDING, "fragments" },
	[POINT_OFFSETS] = { CHECK_READABLE, CHECK_WARNING, CHECK_FINDING, "offsets" },
	[POINT_BAD_UID] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "uid" },
	[POINT_META_DIFFERS] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "meta" },
	[POINT_CHARSET] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "charset" },
	[POINT_CHARSET_UNKNOWN] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_UNKNOWN, "charset_unknown" },
	[POINT_TYPE1] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "type1" },
	[POINT_TYPE2] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "type2" },
	[POINT_NO_MODALITY] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "modality" },
	[POINT_NO_STUDY_ID] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "study_id" },
	[POINT_OTHER_STUDY] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "other_study" },
	[POINT_NO_PATIENT_ASKED] = { CHECK_PATIENT, CHECK_ERROR, CHECK_UNKNOWN, "unasked" },
	[POINT_PATIENT_MISMATCH] = { CHECK_PATIENT, CHECK_ERROR, CHECK_FINDING, "mismatch" },
	[POINT_PATIENT_DOUBTFUL] = { CHECK_PATIENT, CHECK_ERROR, CHECK_FINDING, "doubtful" },
	[POINT_PATIENT_UNKNOWN] = { CHECK_PATIENT, CHECK_ERROR, CHECK_UNKNOWN, "unknown" },
	[POINT_PATIENT_LIKELY] = { CHECK_PATIENT, CHECK_WARNING, CHECK_FINDING, "likely" },
	[POINT_PATIENT_UNCLAIMED] = { CHECK_PATIENT, CHECK_WARNING, CHECK_UNKNOWN, "unclaimed" },
	[POINT_PATIENT_DOCUMENT] = { CHECK_PATIENT, CHECK_WARNING, CHECK_FINDING, "document" },
	[POINT_PATIENT_RECORD] = { CHECK_PATIENT, CHECK_ERROR, CHECK_FINDING, "record" },
	[POINT_PATIENTS] = { CHECK_ONE_PATIENT, CHECK_ERROR, CHECK_FINDING, "patients" },
	[POINT_SPELLINGS] = { CHECK_ONE_PATIENT, CHECK_WARNING, CHECK_FINDING, "spellings" },
	[POINT_ORDER_AMBIGUOUS] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "ambiguous" },
	[POINT_ORDER_UNMATCHED] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_FINDING, "unmatched" },
	[POINT_WORKLIST_NONE] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_UNKNOWN, "worklist_none" },
	[POINT_WORKLIST_MANY] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "worklist_many" },
	[POINT_WORKLIST_DIFFERS] = { CHECK_ONE_ORDER, CHECK_ERROR, CHECK_FINDING, "worklist_differs" },
	[POINT_WORKLIST_UNTIED] = { CHECK_ONE_ORDER, CHECK_WARNING, CHECK_FINDING, "worklist_untied" },
	[POINT_FEWER] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "fewer" },
	[POINT_MORE] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "more" }, /* portals count images, not files */
	[POINT_STUDY_ABSENT] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "absent" },
	[POINT_STUDY_UNCLAIMED] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "unlisted" },
	[POINT_UNCLAIMED] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_UNKNOWN, "unclaimed" },
	[POINT_PARTIAL] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "partial" },
	[POINT_IMPLAUSIBLE] = { CHECK_COMPLETE, CHECK_WARNING, CHECK_FINDING, "implausible" },
	[POINT_EMPTY] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "empty" },
	[POINT_CONFLICT] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "conflict" },
	[POINT_DUPLICATE] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "duplicate" },
	[POINT_PORTAL_ERROR] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "portal_error" },
	[POINT_LISTED_ABSENT] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "listed_absent" },
	[POINT_LISTED_STUDY] = { CHECK_COMPLETE, CHECK_ERROR, CHECK_FINDING, "listed_study" },
	[POINT_LISTED_OTHER] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_other" },
	[POINT_LISTED_MOVED] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "listed_moved" },
	[POINT_LISTED_SIZE] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_size" },
	[POINT_LISTED_HASH] = { CHECK_CONSISTENT, CHECK_ERROR, CHECK_FINDING, "listed_hash" },
	[POINT_UNLISTED] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "unlisted" },
	[POINT_INDEX_BROKEN] = { CHECK_CONSISTENT, CHECK_WARNING, CHECK_FINDING, "index_broken" },
	[POINT_MEDIUM_PATIENTS] = { CHECK_ONE_PATIENT, CHECK_WARNING, CHECK_FINDING, "medium_patients" },
	[POINT_TARGET_PATIENT] = { CHECK_TARGET, CHECK_ERROR, CHECK_FINDING, "other_patient" },
	[POINT_TARGET_ACCESSION] = { CHECK_TARGET, CHECK_ERROR, CHECK_FINDING, "accession" },
	[POINT_TARGET_PARTLY] = { CHECK_TARGET, CHECK_WARNING, CHECK_FINDING, "partly" },
	[POINT_TARGET_UNASKED] = { CHECK_TARGET, CHECK_WARNING, CHECK_UNKNOWN, "unasked" },
	[POINT_BASIS] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "basis" },
	[POINT_DESTINATION] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "destination" },
	[POINT_DEADLINE] = { CHECK_PERMITTED, CHECK_ERROR, CHECK_FINDING, "deadline" },
};
_Static_assert(sizeof check_points / sizeof *check_points == CHECK_POINTS, "every point has its severity");
_Static_assert(CHECK_POINTS <= CHECK_POINTS_MAX, "every point may be made stricter");
_Static_assert(POINT_OBJECT_LAST < 32, "points of objects are bits of 32");

const char *
check_rule_name(enum check_rule r)
{
	return rule_names[r];
}

bool
check_rule_find(const char *name, enum check_rule *out)
{
	char plain[32];

	text_copy(plain, sizeof plain, name);
	for (char *p = plain; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	for (int i = 0; i < CHECK_RULES; i++)
		if (strcmp(plain, rule_names[i]) == 0) {
			*out = (enum check_rule)i;
			return true;
		}
	return false;
}

const char *
check_verdict_name(enum check_verdict v)
{
	static const char *const names[] = { "pass", "unknown", "finding" };

	return names[v];
}

const char *
check_severity_name(enum check_severity s)
{
	return s == CHECK_ERROR ? "error" : "warning";
}

bool
check_point_name(size_t i, char *out, size_t cap, bool *error)
{
	if (i >= CHECK_POINTS)
		return false;
	snprintf(out, cap, "%s.%s", rule_names[check_points[i].rule], check_points[i].name);
	*error = check_points[i].severity == CHECK_ERROR;
	return true;
}
