/*
 * complete: what the portal or medium claims, against what came, both ways. A
 * count that nobody claimed is unknown, not complete. Portals count images,
 * objects or frames, and do not say which: any of the three will do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/rules.h"

struct count {
	long long objects, images, frames, duplicates;
};

static struct count
count_objects(const struct check_study *s, int package)
{
	struct count c = { .duplicates = s->duplicates };

	for (size_t i = 0; i < s->nobjects; i++) {
		const struct check_object *o = &s->objects[i];
		if (package != 0 && o->package != package)
			continue;
		c.objects++;
		c.images += o->image;
		c.frames += o->image ? o->frames : 0;
	}
	return c;
}

/* Did the package give no object to any item? What its claim lists is then every item's matter. */
static bool
gave_nothing(const struct check_study *s, int package)
{
	for (size_t i = 0; i < s->npackages; i++)
		if (s->packages[i].number == package && s->packages[i].objects > 0)
			return false;
	return count_objects(s, package).objects == 0;
}

/* Does the claim speak of this item? */
static bool
concerns(const struct check_study *s, const struct claim *c)
{
	return count_objects(s, c->package).objects > 0 || gave_nothing(s, c->package);
}

static bool
agrees(const struct count *c, long long claimed)
{
	return claimed == c->objects || claimed == c->images || claimed == c->frames ||
	    claimed == c->objects + c->duplicates;
}

/* Is the claim's entry about the study? By UID, else by what else it gives. */
static bool
is_about(const struct claim_study *e, const struct study_key *key, bool sole)
{
	struct order_study o = { 0 };

	o.study_uid = e->study_uid;
	if (!text_given(e->study_uid)) {
		o.modality = e->modality;
		if (text_given(e->date) && strlen(e->date) == 8)
			memcpy(o.date, e->date, 9);
	}
	if (text_given(o.modality) && strchr(o.modality, '\\') != NULL)
		o.modality = NULL; /* several: the UID or the date must do */
	return order_entry_fits(&o, key, sole);
}

/* "fewer" or "more" than claimed */
static void
judge_count(struct check_report *rep, const struct count *c, long long claimed, const char *who)
{
	if (agrees(c, claimed))
		return;
	if (claimed > c->objects)
		check_say(rep, POINT_FEWER, "%s says %lld, %lld came", who, claimed, c->objects);
	else
		check_say(rep, POINT_MORE, "%s says %lld, %lld came", who, claimed, c->objects);
}

/* Claims of this study: the same number from each package is one number; different ones are parts. */
static bool
judge_study_claims(const struct check_study *s, struct check_report *rep)
{
	long long sum = 0, largest = -1, smallest = -1;
	struct count c = count_objects(s, 0);
	bool sole = s->nstudies == 1;

	for (size_t i = 0; i < s->nclaims; i++)
		for (size_t k = 0; k < s->claims[i].nstudies; k++) {
			const struct claim_study *e = &s->claims[i].studies[k];
			if (e->instances < 0 || !is_about(e, &s->studies[s->self], sole))
				continue;
			sum += e->instances;
			largest = e->instances > largest ? e->instances : largest;
			smallest = smallest < 0 || e->instances < smallest ? e->instances : smallest;
		}
	if (largest < 0)
		return false;
	if (!agrees(&c, sum)) /* several packages may each claim the whole */
		judge_count(rep, &c, smallest == largest ? largest : sum, "the portal's list");
	return true;
}

/* Claims of a whole package, which may hold several studies. */
static bool
judge_package_claims(const struct check_study *s, struct check_report *rep)
{
	bool any = false;

	for (size_t i = 0; i < s->nclaims; i++) {
		const struct claim *c = &s->claims[i];
		struct count mine = count_objects(s, c->package);
		struct count all = { .duplicates = s->duplicates };
		char who[48];

		if (c->total_instances < 0 || mine.objects == 0)
			continue;
		for (size_t k = 0; k < s->npackages; k++)
			if (s->packages[k].number == c->package)
				all.objects = s->packages[k].objects;
		if (all.objects == mine.objects) {
			all = mine;
		} else { /* images of other items are not counted here */
			all.images = all.frames = all.objects;
		}
		any = true;
		snprintf(who, sizeof who, "the claim of package %03d", c->package);
		judge_count(rep, &all, c->total_instances, who);
	}
	return any;
}

/* Studies that a list has and the import has not, and the reverse. */
static void
judge_lists(const struct check_study *s, struct check_report *rep)
{
	bool sole = s->nstudies == 1, listed = false, mine = false;
	size_t absent = 0;

	for (size_t i = 0; i < s->nclaims; i++) {
		const struct claim *c = &s->claims[i];
		bool here = concerns(s, c);
		for (size_t k = 0; k < c->nstudies; k++) {
			bool came = false;
			for (size_t t = 0; t < s->nstudies && !came; t++)
				came = is_about(&c->studies[k], &s->studies[t], sole);
			absent += here && !came &&
			    (text_given(c->studies[k].study_uid) || c->studies[k].instances > 0);
			mine = mine || is_about(&c->studies[k], &s->studies[s->self], sole);
		}
		listed = listed || (here && c->nstudies > 0);
	}
	if (absent > 0)
		check_say(
		    rep, POINT_STUDY_ABSENT, "%zu studies of the portal's list did not come", absent);
	if (listed && !mine)
		check_say(rep, POINT_STUDY_UNCLAIMED, "a study that the portal's list does not have");
}

/* Papers of an import without any study: what a list promised as one came as a document, or not at all. */
static void
judge_promised(const struct check_study *s, struct check_report *rep)
{
	size_t promised = 0;

	for (size_t i = 0; i < s->nclaims && s->nstudies == 0; i++)
		if (text_given(s->claims[i].kind) && strcmp(s->claims[i].kind, "study") == 0)
			promised += s->claims[i].nstudies;
	if (promised > 0)
		check_say(rep, POINT_STUDY_ABSENT, "%zu studies of the portal's list came without an image",
		    promised);
}

static int
by_series_number(const void *a, const void *b)
{
	const struct check_object *const *x = a, *const *y = b;
	int d = strcmp((*x)->series_uid, (*y)->series_uid);

	return d != 0 ? d : ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Numbers that are missing between others of the same series: a hint, since scanners leave gaps too. */
static int
count_gaps(const struct check_study *s, long long *gaps, struct err *err)
{
	const struct check_object **v = NULL;

	*gaps = 0;
	if (s->nobjects < 2)
		return RC_OK;
	v = calloc(s->nobjects, sizeof *v);
	if (v == NULL)
		return err_set(err, ERR_TEMP, "no memory to sort %zu objects", s->nobjects);
	for (size_t i = 0; i < s->nobjects; i++)
		v[i] = &s->objects[i];
	qsort(v, s->nobjects, sizeof *v, by_series_number);
	for (size_t i = 1; i < s->nobjects; i++)
		if (strcmp(v[i]->series_uid, v[i - 1]->series_uid) == 0 && v[i - 1]->number >= 0 &&
		    v[i]->number - v[i - 1]->number > 1 && v[i]->number - v[i - 1]->number < 100000)
			*gaps += v[i]->number - v[i - 1]->number - 1;
	free(v);
	return RC_OK;
}

int
rule_complete(const struct check_study *s, struct check_report *rep, struct err *err)
{
	bool claimed = false;
	long long gaps = 0;
	int rc = RC_OK;

	if (s->partial)
		check_say(
		    rep, POINT_PARTIAL, "partial: something of its packages could not be had or read");
	for (size_t i = 0; i < s->nclaims; i++) {
		const struct claim *c = &s->claims[i];
		if (!s->papers && !concerns(s, c))
			continue;
		if (c->partial)
			check_say(rep, POINT_PARTIAL,
			    "the portal itself says that package %03d is not whole", c->package);
		if (!c->plausible)
			check_say(rep, POINT_IMPLAUSIBLE,
			    "package %03d does not look like what it is said to be", c->package);
	}
	if (s->papers) {
		if (s->documents == 0)
			check_say(rep, POINT_EMPTY, "no document");
		judge_promised(s, rep);
		check_pass(rep, CHECK_COMPLETE, "%zu documents", s->documents);
		return RC_OK;
	}
	if (s->nobjects == 0)
		check_say(rep, POINT_EMPTY, "no object");
	claimed = judge_study_claims(s, rep);
	claimed = judge_package_claims(s, rep) || claimed;
	claimed = medium_lists(s) || claimed;
	judge_lists(s, rep);
	if ((rc = count_gaps(s, &gaps, err)) != RC_OK)
		return rc;
	if (!claimed)
		check_say(rep, POINT_UNCLAIMED, "nobody said how many objects there should be; %zu came",
		    s->nobjects);
	else
		check_pass(rep, CHECK_COMPLETE, "%zu objects, as claimed", s->nobjects);
	if (gaps > 0 && !claimed)
		check_say(rep, POINT_UNCLAIMED, "%lld instance numbers are missing in between", gaps);
	else if (gaps > 0)
		check_pass(rep, CHECK_COMPLETE, "%lld instance numbers are missing in between", gaps);
	return RC_OK;
}
