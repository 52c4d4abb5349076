/*
 * What an object must have for an archive to take it and a viewer to show it:
 * attributes of type 1 that have no value, of type 2 that are not there at all
 * (PS3.5 7.4), by module (PS3.3). A part of the rule consistent.
 */
#include <string.h>

#include "base/text.h"
#include "check/rules.h"
#include "dicom/dict.h"

/* When a module, or an attribute of one, is called for. */
enum when {
	ALWAYS,
	IMAGE,		/* pixel data of any kind */
	INTEGER,	/* Pixel Data: no floats */
	COLOUR,		/* Pixel Data that is not compressed, with more than one sample */
	FRAMES		/* a SOP class of several frames */
};

struct required {
	uint32_t tag;
	int type;
	bool number;	/* US, of which 0 is no value */
	enum when when;
};

static const struct required required[] = {
	{ TAG(0x0008, 0x0016), 1, false, ALWAYS },	/* SOP Common, C.12.1 */
	{ TAG(0x0008, 0x0018), 1, false, ALWAYS },
	{ TAG(0x0020, 0x000d), 1, false, ALWAYS },	/* General Study, C.7.2.1; the date that is empty is none */
	{ TAG(0x0008, 0x0020), 2, false, ALWAYS },
	{ TAG(0x0008, 0x0030), 2, false, ALWAYS },
	{ TAG(0x0008, 0x0050), 2, false, ALWAYS },
	{ TAG(0x0008, 0x0090), 2, false, ALWAYS },
	{ TAG(0x0020, 0x000e), 1, false, ALWAYS },	/* General Series, C.7.3.1; Modality has a point of its own */
	{ TAG(0x0020, 0x0011), 2, false, ALWAYS },
	{ TAG(0x0010, 0x0010), 2, false, ALWAYS },	/* Patient, C.7.1.1 */
	{ TAG(0x0010, 0x0020), 2, false, ALWAYS },
	{ TAG(0x0010, 0x0030), 2, false, ALWAYS },
	{ TAG(0x0010, 0x0040), 2, false, ALWAYS },
	{ TAG(0x0020, 0x0013), 2, false, IMAGE },	/* General Image, C.7.6.1 */
	{ TAG(0x0028, 0x0002), 1, true, IMAGE },	/* Image Pixel, C.7.6.3; of floats C.7.6.24 */
	{ TAG(0x0028, 0x0004), 1, false, IMAGE },
	{ TAG(0x0028, 0x0010), 1, true, IMAGE },
	{ TAG(0x0028, 0x0011), 1, true, IMAGE },
	{ TAG(0x0028, 0x0100), 1, true, IMAGE },
	{ TAG(0x0028, 0x0101), 1, true, INTEGER },
	{ TAG(0x0028, 0x0102), 1, false, INTEGER },
	{ TAG(0x0028, 0x0103), 1, false, INTEGER },
	{ TAG(0x0028, 0x0006), 1, false, COLOUR },
	/* Multi-frame, C.7.6.6: type 1, but archives take an object without it as one of a single frame */
	{ TAG(0x0028, 0x0008), 2, false, FRAMES },
};

/* Storage classes whose images have the module Multi-frame, whatever the number of their frames. */
static const char *const of_frames[] = {
	"1.2.840.10008.5.1.4.1.1.2.1",		/* Enhanced CT, legacy converted */
	"1.2.840.10008.5.1.4.1.1.2.2",
	"1.2.840.10008.5.1.4.1.1.3.1",		/* Ultrasound Multi-frame */
	"1.2.840.10008.5.1.4.1.1.4.1",		/* Enhanced MR, in colour, legacy converted */
	"1.2.840.10008.5.1.4.1.1.4.3",
	"1.2.840.10008.5.1.4.1.1.4.4",
	"1.2.840.10008.5.1.4.1.1.6.2",		/* Enhanced US Volume */
	"1.2.840.10008.5.1.4.1.1.7.1",		/* Multi-frame Secondary Capture */
	"1.2.840.10008.5.1.4.1.1.7.2",
	"1.2.840.10008.5.1.4.1.1.7.3",
	"1.2.840.10008.5.1.4.1.1.7.4",
	"1.2.840.10008.5.1.4.1.1.12.1.1",	/* Enhanced XA, XRF */
	"1.2.840.10008.5.1.4.1.1.12.2.1",
	"1.2.840.10008.5.1.4.1.1.13.1.1",	/* X-Ray 3D, breast tomosynthesis */
	"1.2.840.10008.5.1.4.1.1.13.1.2",
	"1.2.840.10008.5.1.4.1.1.13.1.3",
	"1.2.840.10008.5.1.4.1.1.20",		/* Nuclear Medicine */
	"1.2.840.10008.5.1.4.1.1.66.4",		/* Segmentation */
	"1.2.840.10008.5.1.4.1.1.128.1",	/* PET, legacy converted; enhanced */
	"1.2.840.10008.5.1.4.1.1.130",
};

static bool
has_frames(const char *sop_class)
{
	for (size_t i = 0; i < sizeof of_frames / sizeof *of_frames; i++)
		if (strcmp(sop_class, of_frames[i]) == 0)
			return true;
	return false;
}

static long long
number(const struct object *d, uint32_t tag)
{
	struct err err = { 0 };
	long long n = 0;
	bool found = false;

	return walk_number(d, tag, &n, &found, &err) == RC_OK && found ? n : 0;
}

static bool
called_for(const struct object *d, const struct check_object *o, enum when when)
{
	bool integer = walk_find(d, TAG_PIXEL_DATA) != NULL;

	switch (when) {
	case ALWAYS: return true;
	case IMAGE: return o->image;
	case INTEGER: return integer;
	case COLOUR: return integer && !d->encapsulated && number(d, TAG(0x0028, 0x0002)) > 1;
	case FRAMES: return o->image && has_frames(o->sop_class);
	}
	return false;
}

static bool
satisfied(const struct object *d, const struct required *r)
{
	const struct element *e = walk_find(d, r->tag);

	if (e == NULL)
		return false;
	return r->type == 2 || (e->length > 0 && (!r->number || number(d, r->tag) > 0));
}

void
required_object(const struct object *d, struct check_object *o)
{
	for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
		const struct required *r = &required[i];
		enum check_point p = r->type == 1 ? POINT_TYPE1 : POINT_TYPE2;
		uint32_t *first = r->type == 1 ? &o->type1_tag : &o->type2_tag;
		if (!called_for(d, o, r->when) || satisfied(d, r))
			continue;
		if (*first == 0)
			*first = r->tag;
		o->points |= (uint32_t)1 << p;
	}
}

/* The first object that misses something, and what. */
static void
tell(const struct check_study *s, struct check_report *rep, enum check_point p, const char *text)
{
	check_say_objects(rep, s, p, text);
	for (size_t i = 0; i < s->nobjects; i++) {
		const struct check_object *o = &s->objects[i];
		uint32_t tag = p == POINT_TYPE1 ? o->type1_tag : o->type2_tag;
		const struct dict_entry *known = dict_by_tag(tag);
		if ((o->points & (uint32_t)1 << p) == 0 || tag == 0)
			continue;
		check_say(rep, p, "original/%05d: (%04x,%04x) %s", o->n, tag >> 16, tag & 0xffff,
		    known != NULL ? known->keyword : "");
		return;
	}
}

void
required_tell(const struct check_study *s, struct check_report *rep)
{
	tell(s, rep, POINT_TYPE1, "attribute without a value that archives require, or too long");
	tell(s, rep, POINT_TYPE2, "attribute missing that has to be there, be it empty");
}
