/* Fuzz target: Weasis manifests, plain and packed, and links. main() replays files. */
#include <string.h>
#include "source/wadouri.h"
#include "source/weasis.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct weasis w;
	struct err err = { 0 };
	char link[2048], before[2048], *url = NULL;
	size_t len = n < sizeof link - 1 ? n : sizeof link - 1, objects = 0, i = 0;

	(void)weasis_is(data, n);
	if (!weasis_parse(data, n, &w, &err)) {
		for (i = 0; i < w.nstudies; i++) {
			objects += w.studies[i].list.listed;
			if (w.studies[i].archive >= w.narchives || !w.studies[i].offer.study_uid)
				__builtin_trap();
			if (w.studies[i].list.n && !wadouri_object(w.archives[w.studies[i].archive].base,
			    w.studies[i].offer.study_uid, &w.studies[i].list.v[0], NULL, &url, &err))
				free(url);
		}
		if (objects != w.objects || w.objects > INSTANCES_MAX)
			__builtin_trap();
		weasis_free(&w);
	} else if (err.kind == ERR_NONE)
		__builtin_trap();
	memcpy(link, data, len);
	link[len] = '\0';
	memcpy(before, link, len + 1);
	if (weasis_link(link) ? strlen(link) > strlen(before) : strcmp(link, before) != 0)
		__builtin_trap();
	return 0;
}
