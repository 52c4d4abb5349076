/*
 * Where documents go: archives take objects, and folders take documents too.
 * Papers are for folders only; of a study that is sent to archives alone the
 * documents stay, and somebody has to know.
 */
#include "stage/send_private.h"

static bool takes_documents(const struct send_destination *d)
{
	return d->target.kind == TARGET_FOLDER;
}

bool send_takes(const struct send_set *set, const struct send_destination *d)
{
	return set->nobjects || !set->ndocuments || takes_documents(d);
}

struct elsewhere { const struct send_set *set; bool all; };

static int look(const char *disk, void *arg, struct err *err)
{
	struct elsewhere *e = arg;
	struct journal_summary sum;
	int rc = journal_look(e->set->item, disk, &sum, err);

	if (rc == RC_OK && sum.confirmed && (size_t)sum.documents == e->set->ndocuments)
		e->all = true;
	return rc;
}

static void advise(struct err *err, const struct order *o)
{
	if (o && o->ndestinations)
		err_advise(err, "name a folder destination in the order (mri-check --order FILE), or one of it with -d");
	else
		err_advise(err, "name a folder destination (-d folder:DIR, or one in the order)");
}

int send_route(struct send_set *set, const struct order *o, const struct send_destination *list, size_t n,
    size_t *left, struct err *why, struct err *err)
{
	struct elsewhere e = { .set = set };
	bool folder = false;
	int rc = RC_OK;

	*left = 0;
	for (size_t i = 0; i < n; i++)
		folder |= takes_documents(&list[i]);
	set->records = folder;
	if (folder || !set->ndocuments)
		return RC_OK;
	if (!set->nobjects) {
		(void)err_set(err, ERR_PERSON, "papers have no destination that takes documents");
		advise(err, o);
		return err_rc(ERR_PERSON);
	}
	rc = journal_each(set->item, look, &e, err);
	if (rc != RC_OK || e.all)	/* a run before this one brought them to a folder */
		return rc;
	*left = set->ndocuments;
	(void)err_set(why, ERR_PERSON, "%zu %s not sent: archives take no documents in this version", *left,
	    *left == 1 ? "document was" : "documents were");
	advise(why, o);
	return RC_OK;
}
