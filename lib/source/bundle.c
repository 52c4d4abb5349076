#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/bundle.h"

#define HEAD_BYTES	4096	/* a meta header is 400 bytes long; private information makes some longer */

struct bundle {
	const struct source_output *out;
	const struct source_offer *offer;
	struct instances *instances;
	struct stream *stream;
	struct pack pack;
	unsigned char *held;		/* BUNDLE_HELD bytes, the object under way */
	size_t nheld;
	uint64_t size;			/* of the object under way */
	bool packing;			/* pack is open */
	bool through;			/* the object was too large to hold: its bytes go to the package */
	bool skip;			/* it came before */
	char uid[INSTANCE_UID];		/* of the one that goes through */
	char name[32];			/* of its member */
	unsigned long count;		/* members */
};

int
bundle_new(struct bundle **out, const struct source_output *to, const struct source_offer *offer,
    struct instances *instances, struct err *err)
{
	struct bundle *b = calloc(1, sizeof(*b));

	*out = NULL;
	if (b == NULL || (b->held = malloc(BUNDLE_HELD)) == NULL) {
		free(b);
		return err_sys(err, ENOMEM, "cannot hold an object");
	}
	b->out = to;
	b->offer = offer;
	b->instances = instances;
	*out = b;
	return RC_OK;
}

void
bundle_again(struct bundle *b)
{
	pack_free(&b->pack);
	stream_close(b->stream);
	b->stream = NULL;
	b->packing = b->through = b->skip = false;
	b->nheld = 0;
	b->size = 0;
	b->count = 0;
	instances_forget(b->instances);
}

void
bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	pack_free(&b->pack);
	stream_close(b->stream);
	free(b->held);
	free(b);
}

uint64_t
bundle_bytes(const struct bundle *b)
{
	return (b->packing ? b->pack.at : 0) + b->nheld;
}

static int
open_pack(struct bundle *b, struct err *err)
{
	int rc = RC_OK;

	if (b->packing)
		return RC_OK;
	if ((rc = b->out->begin(b->out->arg, b->offer, MEDIA_ZIP, &b->stream, err)) != RC_OK)
		return rc;
	b->packing = true;
	return pack_begin(&b->pack, b->stream, err);
}

int
bundle_object(struct bundle *b, struct err *err)
{
	(void)err;
	b->nheld = 0;
	b->size = 0;
	b->through = b->skip = false;
	b->uid[0] = '\0';
	return RC_OK;
}

/* Names are labels: a number says more in a log than a UID, and betrays nothing. */
static void
next_name(struct bundle *b)
{
	snprintf(b->name, sizeof(b->name), "DICOM/%06lu", ++b->count);
}

/* Is what is held DICOM, and what is its UID? *again: it came before. */
static int
look(struct bundle *b, bool *again, struct err *err)
{
	enum media m = sniff(b->held, b->nheld < SNIFF_BYTES ? b->nheld : SNIFF_BYTES);
	struct instance *one = NULL;

	if (m != MEDIA_DICOM && m != MEDIA_DICOMDIR)
		return err_set(err, ERR_PROTOCOL, "the portal sent %s in place of an object",
		    m == MEDIA_HTML ? "a web page" : m == MEDIA_UNKNOWN ? "something unknown" : media_name(m));
	if (!instance_uid(b->held, b->nheld < HEAD_BYTES ? b->nheld : HEAD_BYTES, b->uid))
		b->uid[0] = '\0';
	one = b->uid[0] != '\0' ? instances_find(b->instances, b->uid) : NULL;
	*again = one != NULL && one->got;
	return RC_OK;
}

static int
go_through(struct bundle *b, struct err *err)
{
	int rc = look(b, &b->skip, err);

	b->through = true;
	if (rc != RC_OK || b->skip)
		return rc;
	next_name(b);
	if ((rc = open_pack(b, err)) != RC_OK || (rc = pack_open(&b->pack, b->name, err)) != RC_OK)
		return rc;
	return pack_data(&b->pack, b->held, b->nheld, err);
}

int
bundle_data(struct bundle *b, const void *data, size_t n, struct err *err)
{
	size_t part = 0;
	int rc = RC_OK;

	b->size += n;
	if (!b->through) {
		part = n < BUNDLE_HELD - b->nheld ? n : BUNDLE_HELD - b->nheld;
		memcpy(b->held + b->nheld, data, part);
		b->nheld += part;
		if (part == n)
			return RC_OK;
		if ((rc = go_through(b, err)) != RC_OK)
			return rc;
	}
	return b->skip ? RC_OK : pack_data(&b->pack, (const char *)data + part, n - part, err);
}

static int
count(struct bundle *b, const char *asked, struct err *err)
{
	struct instance *one = NULL;
	char made[INSTANCE_UID];
	int rc = RC_OK;

	/* without a meta header it is the one that was asked for, or one more */
	snprintf(made, sizeof(made), "?%lu", b->count);
	rc = instances_add(b->instances, b->uid[0] != '\0' ? b->uid : asked != NULL ? asked : made, &one, NULL, err);
	if (rc == RC_OK)
		instances_got(b->instances, one);
	return rc;
}

int
bundle_done(struct bundle *b, const char *asked, struct err *err)
{
	bool again = b->skip;
	int rc = b->through ? RC_OK : look(b, &again, err);

	if (rc == RC_OK && asked != NULL && b->uid[0] != '\0' && strcmp(asked, b->uid) != 0) {
		if (b->through && !b->skip)
			(void)pack_close(&b->pack, b->name, err);
		rc = err_set(err, ERR_PROTOCOL, "the portal sent another object than the one that was asked for");
	}
	if (rc != RC_OK || again)
		goto out;
	if (b->through) {
		rc = pack_close(&b->pack, b->name, err);
	} else {
		next_name(b);
		if ((rc = open_pack(b, err)) == RC_OK &&
		    (rc = pack_member(&b->pack, b->name, b->nheld, pack_crc(0, b->held, b->nheld), err)) == RC_OK)
			rc = pack_data(&b->pack, b->held, b->nheld, err);
	}
	if (rc == RC_OK)
		rc = count(b, asked, err);
out:
	b->nheld = 0;
	b->through = b->skip = false;
	return rc;
}

bool
bundle_drop(struct bundle *b)
{
	bool clean = !b->through || b->skip;

	b->nheld = 0;
	b->through = b->skip = false;
	return clean;
}

int
bundle_end(struct bundle *b, struct source_package *p, struct err *err)
{
	int rc = open_pack(b, err);

	if (rc != RC_OK || (rc = pack_end(&b->pack, p->sha256, err)) != RC_OK ||
	    (rc = stream_commit(b->stream, err)) != RC_OK)
		return rc;
	p->media = MEDIA_ZIP;
	p->bytes = b->pack.at;
	text_copy(p->type, sizeof(p->type), "application/zip");
	stream_close(b->stream);
	b->stream = NULL;
	return RC_OK;
}
