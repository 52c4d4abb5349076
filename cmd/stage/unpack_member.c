/* The members of what a worker has open: of a ZIP, of a container, or the one file that a package is. */
#include <string.h>
#include "base/text.h"
#include "stage/unpack_side.h"

size_t side_members(const struct unpack_side *sd)
{
	return sd->zip ? zip_count(sd->zip) : sd->container ? container_count(sd->container) : 1;
}

void side_about(const struct unpack_side *sd, size_t i, struct side_about *a)
{
	memset(a, 0, sizeof *a);
	a->data = true;
	if (sd->zip) {
		const struct zip_member *m = zip_member(sd->zip, i);

		a->size = m->size;
		a->directory = m->directory;
		a->unreadable = m->symlink ? "a symbolic link" : m->unreadable;
	} else if (sd->container) {
		const struct container_member *m = container_member(sd->container, i);

		a->size = m->size;
		a->directory = m->directory;
		a->unreadable = m->unreadable;
		a->data = !m->twin;
	} else {
		a->size = sd->package->size;
	}
}

void side_label(const struct unpack_side *sd, size_t i, char out[UNPACK_LABEL])
{
	char name[4 * UNPACK_LABEL];	/* of longer ones the label has not even this */
	size_t n = sd->zip ? zip_name(zip_member(sd->zip, i), sd->names, name, sizeof name)
	    : sd->container ? container_name(sd->container, i, sd->names, name, sizeof name) : 0;

	text_escape(out, UNPACK_LABEL, name, n);
}

uint64_t side_content(const struct unpack_side *sd)
{
	uint64_t total = 0;
	struct side_about a;

	for (size_t i = 0; i < side_members(sd); i++) {
		side_about(sd, i, &a);
		total += a.size;	/* the readers cap each, and all together */
	}
	return total;
}

bool side_fits(const struct unpack_side *sd, uint32_t i, uint64_t size)
{
	return size <= ZIP_READ_MAX && (!sd->zip || zip_member(sd->zip, i)->packed <= ZIP_READ_MAX);
}

/* All of a container's member into memory that is large enough. */
static int read_container(struct container *c, uint32_t i, uint8_t *to, struct err *err)
{
	const void *p = NULL;
	size_t n = 1;
	int rc = container_begin(c, i, err);

	while (rc == RC_OK && n) {
		rc = container_more(c, &p, &n, err);
		if (rc == RC_OK && n)
			memcpy(to, p, n);
		to += n;
	}
	return rc;
}

int side_read(struct unpack_side *sd, uint32_t i, uint8_t *to, struct err *err)
{
	return sd->zip ? zip_read(sd->zip, i, to, err) : read_container(sd->container, i, to, err);
}

static int more_of_zip(void *r, const void **p, size_t *n, struct err *err)
{
	return zip_more(r, p, n, err);
}

static int more_of_container(void *c, const void **p, size_t *n, struct err *err)
{
	return container_more(c, p, n, err);
}

int side_begin(struct unpack_side *sd, size_t i, struct side_reader *r, struct err *err)
{
	int rc = RC_OK;

	r->zip = NULL;
	rc = sd->zip ? zip_begin(&r->zip, sd->zip, i, err) : container_begin(sd->container, i, err);
	r->more = sd->zip ? more_of_zip : more_of_container;
	r->source = sd->zip ? (void *)r->zip : (void *)sd->container;
	return rc;
}

void side_end(struct side_reader *r)
{
	zip_end(r->zip);
}
