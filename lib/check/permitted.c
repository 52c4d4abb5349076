/* permitted: a basis on record, destinations that are allowed, time left. */
#include <string.h>

#include "check/rules.h"
#include "order/basis.h"

static bool
in_list(const char *name, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, v[i]) == 0)
			return true;
	return false;
}

static bool
is_url(const char *s)
{
	return strchr(s, ':') != NULL;
}

int
rule_permitted(const struct check_study *s, struct check_report *rep, struct err *err)
{
	const struct order *o = s->order;
	struct err why = { 0 };

	(void)err;
	if (basis_check(o, s->basis_required, &why) != RC_OK)
		check_say(rep, POINT_BASIS, "%s", why.text);
	for (size_t i = 0; i < s->ndestinations; i++) {
		const char *d = s->destinations[i];
		if (!in_list(d, s->known, s->nknown) && (s->named_only || !is_url(d)))
			check_say(
			    rep, POINT_DESTINATION, "a destination that is asked for is not configured");
		else if (o->ndestinations > 0 &&
		    !in_list(d, (const char *const *)o->destinations, o->ndestinations))
			check_say(rep, POINT_DESTINATION,
			    "a destination that is asked for is not one of the order");
	}
	for (size_t i = 0; i < o->ndestinations && s->ndestinations == 0 && s->nknown > 0; i++)
		if (!in_list(o->destinations[i], s->known, s->nknown) &&
		    (s->named_only || !is_url(o->destinations[i])))
			check_say(rep, POINT_DESTINATION,
			    "destination %zu of the order is not configured", i + 1);
	if (s->purge_at != 0 && s->now >= s->purge_at)
		check_say(rep, POINT_DEADLINE, "the time of this import is over: it is due to be purged");
	check_pass(rep, CHECK_PERMITTED, "basis on record, deadline ahead");
	return RC_OK;
}
