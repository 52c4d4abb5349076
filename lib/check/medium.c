/*
 * What the index of a medium (DICOMDIR, XDM) lists, against what came, both ways:
 * mri-unpack has compared them, here it is judged. Each index speaks for the
 * items that its package gave objects to; one that gave none speaks for all.
 */
#include <string.h>

#include "check/rules.h"

static long long
number(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

static bool
concerns(const struct check_study *s, const json_t *m)
{
	int package = (int)number(m, "package");
	bool gave = false;

	if (s->papers || package == 0)
		return true;
	for (size_t i = 0; i < s->nobjects; i++)
		if (s->objects[i].package == package)
			return true;
	for (size_t i = 0; i < s->npackages; i++)
		gave = gave || (s->packages[i].number == package && s->packages[i].objects > 0);
	return !gave;
}

/* What the index says of this study; NULL: nothing. */
static const json_t *
entry_of(const struct check_study *s, const json_t *m)
{
	const json_t *e = NULL;
	size_t i = 0;

	if (s->papers || s->nstudies == 0)
		return NULL;
	json_array_foreach(json_object_get(m, "studies"), i, e)
	    if (strcmp(json_text(e, "study_uid"), s->studies[s->self].study_uid) == 0) return e;
	return NULL;
}

bool
medium_lists(const struct check_study *s)
{
	const json_t *m = NULL;
	size_t i = 0;

	json_array_foreach(s->media, i, m)
	{
		const json_t *e = entry_of(s, m);
		/* one that is broken may have told of more */
		if (e != NULL && number(e, "instances") > 0 && *json_text(m, "broken") == '\0')
			return true;
	}
	return false;
}

/* Listed studies of which nothing came. */
static long long
studies_absent(const struct check_study *s, const json_t *m)
{
	const json_t *e = NULL;
	long long n = 0;
	size_t i = 0;

	json_array_foreach(json_object_get(m, "studies"), i, e)
	{
		bool came = number(e, "instances") == 0;
		for (size_t k = 0; k < s->nstudies && !came; k++)
			came = strcmp(json_text(e, "study_uid"), s->studies[k].study_uid) == 0;
		n += !came;
	}
	return n;
}

/* Instances of one study, or files that the index ties to none. */
static void
judge_entry(struct check_report *rep, const json_t *e, long long all, const char *what, const char *index)
{
	if (number(e, "absent") > 0)
		check_say(rep, POINT_LISTED_ABSENT, "%lld of the %lld %s that the %s lists are not there",
		    number(e, "absent"), all, what, index);
	if (number(e, "set_aside") > 0)
		check_say(rep, POINT_LISTED_ABSENT, "%lld of the %lld %s that the %s lists were set aside",
		    number(e, "set_aside"), all, what, index);
	if (number(e, "size") > 0)
		check_say(rep, POINT_LISTED_SIZE, "%lld of the %lld %s that the %s lists have another size",
		    number(e, "size"), all, what, index);
	if (number(e, "hash") > 0)
		check_say(rep, POINT_LISTED_HASH, "%lld of the %lld %s that the %s lists have another SHA-1",
		    number(e, "hash"), all, what, index);
	if (number(e, "other") > 0)
		check_say(rep, POINT_LISTED_OTHER, "%lld files are not the instances that the %s names them",
		    number(e, "other"), index);
	if (number(e, "moved") > 0)
		check_say(rep, POINT_LISTED_MOVED, "%lld instances lie under another name than the %s says",
		    number(e, "moved"), index);
	if (number(e, "unlisted") > 0)
		check_say(rep, POINT_UNLISTED, "%lld objects are there that the %s does not list",
		    number(e, "unlisted"), index);
}

static void
judge_medium(const struct check_study *s, struct check_report *rep, const json_t *m)
{
	const char *index = json_text(m, "index"), *broken = json_text(m, "broken");
	const json_t *e = entry_of(s, m), *loose = json_object_get(m, "no_study");
	size_t patients = json_array_size(json_object_get(m, "patients"));
	long long absent = 0;

	if (e != NULL)
		judge_entry(rep, e, number(e, "instances"), "instances", index);
	if (!concerns(s, m))
		return;
	if (json_is_true(json_object_get(m, "incomplete")))
		check_say(rep, POINT_PORTAL_ERROR, "the portal put an %s into it: something is missing", index);
	judge_entry(rep, loose, number(m, "listed"), "files", index);
	absent = studies_absent(s, m);
	if (absent > 0)
		check_say(rep, POINT_LISTED_STUDY, "%lld studies that the %s lists did not come", absent, index);
	if (*broken != '\0')
		check_say(rep, POINT_INDEX_BROKEN, "the %s cannot be believed: %s", index, broken);
	if (patients > 1)
		check_say(rep, POINT_MEDIUM_PATIENTS, "the %s is of %zu patients", index, patients);
}

/* Submission sets of XDM, each of one patient, that are not of the same one (ITI-32 allows it). */
static void
judge_sets(const struct check_study *s, struct check_report *rep)
{
	const json_t *first = NULL, *m = NULL;
	size_t i = 0;

	json_array_foreach(s->media, i, m)
	{
		const json_t *p = json_array_get(json_object_get(m, "patients"), 0);
		if (strcmp(json_text(m, "index"), "XDM metadata") != 0 || p == NULL || !concerns(s, m))
			continue;
		if (first == NULL)
			first = p;
		else if (strcmp(json_text(first, "id"), json_text(p, "id")) != 0) {
			check_say(rep, POINT_MEDIUM_PATIENTS, "the submission sets of the XDM medium are of several patients");
			return;
		}
	}
}

void
medium_judge(const struct check_study *s, struct check_report *rep)
{
	const json_t *m = NULL;
	size_t i = 0;

	json_array_foreach(s->media, i, m)
	    judge_medium(s, rep, m);
	judge_sets(s, rep);
}
