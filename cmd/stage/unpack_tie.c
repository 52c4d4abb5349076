/* Which study a document belongs to, and why it is believed. */
#include <string.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

static int study_of(const struct unpack_run *run, const char *uid, size_t n)
{
	for (size_t i = 0; i < run->nitems; i++)
		if (run->items[i].study_uid && strlen(run->items[i].study_uid) == n &&
		    memcmp(run->items[i].study_uid, uid, n) == 0)
			return (int)i;
	return -1;
}

/* The study of the portal's list, where the document came as a package of its own. */
static const char *claimed(const struct unpack_run *run, const struct unpack_file *f)
{
	const struct unpack_package *p = &run->packages[f->package];

	if (!p->claimed || p->count != 1 || p->claim.nstudies != 1)
		return NULL;
	return p->claim.studies[0].study_uid;
}

/* The only one of the import's studies that the document names; -2: several. */
static int mentioned(const struct unpack_run *run, const struct unpack_file *f)
{
	int found = -1;

	for (const char *p = f->uids; p && *p;) {
		size_t n = strcspn(p, " ");
		int i = study_of(run, p, n);

		if (i >= 0 && found >= 0 && i != found)
			return -2;
		found = i >= 0 ? i : found;
		p += n + (p[n] != '\0');
	}
	return found;
}

static size_t studies(const struct unpack_run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->nitems; i++)
		n += run->items[i].study_uid != NULL;
	return n;
}

/* An entry of a worklist is of the study that its Study Instance UID names and of no other, whatever others say. */
static const char *scheduled(const struct unpack_file *f)
{
	return f->media == MEDIA_WORKLIST ? f->uids : NULL;
}

int unpack_tie(const struct unpack_run *run, struct unpack_file *f)
{
	const char *own = scheduled(f), *uid = own ? own : f->named ? f->named : claimed(run, f);
	int i = uid && uid[0] ? study_of(run, uid, strlen(uid)) : mentioned(run, f);

	if (uid && uid[0])
		f->tied = i < 0 ? "the study that it belongs to did not come" : own ? "it names the study" :
		    f->named ? "the metadata of the medium name its study" : "the portal's list names its study";
	else if (i >= 0)
		f->tied = "it names the study";
	else if (studies(run) == 1) {
		f->tied = "the only study of the import";
		i = 0;
	} else
		f->tied = i == -2 ? "it names several studies" : studies(run) ? "several studies, and nothing says which"
		    : "no study came";
	return i < 0 ? -1 : i;
}
