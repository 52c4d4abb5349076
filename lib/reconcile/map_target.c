/* What a line changes: KEYWORD, (gggg,eeee), SEQUENCE[n].KEYWORD, ("CREATOR",gggg,ee) VR. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dicom/dict.h"
#include "reconcile/map_impl.h"
#include "reconcile/value.h"

#define WORD_MAX	160
#define LETTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* KEYWORD or (gggg,eeee). */
static const struct dict_entry *attribute(struct compile *c, char **at, uint32_t *tag)
{
	char word[WORD_MAX];
	const struct dict_entry *d = NULL;
	size_t n = 0;

	if (**at == '(') {
		if (!text_copyn(word, 12, *at, strlen(*at) < 11 ? strlen(*at) : 11) || !plan_tag_parse(word, tag)) {
			map_fault(c, "four hexadecimal digits each, as in (0008,103e)", "a \"(\" that begins no (gggg,eeee)");
			return NULL;
		}
		*at += 11;
		d = dict_by_tag(*tag);
		if (d == NULL)
			map_fault(c, (*tag >> 16) & 1 ? "name a private element by its creator: (\"ACME 1.1\",0019,10) LO = text"
			    : "look it up in PS3.6", "%s: no such tag in the data dictionary", word);
		return d;
	}
	n = strspn(*at, LETTERS);
	if (n == 0 || !text_copyn(word, sizeof word, *at, n)) {
		map_fault(c, "a line is TARGET = value, TARGET ?= value, TARGET - or TARGET s/pattern/text/",
		    "a line that begins with no attribute");
		return NULL;
	}
	d = dict_by_keyword(word);
	if (d == NULL) {
		/* the search costs more than the rest of a line: not for what is not told any more */
		map_unknown(c, "no such keyword in the data dictionary", word, c->faults < MAP_FAULTS_MAX
		    ? dict_nearest(word) : NULL);
		return NULL;
	}
	*at += n;
	*tag = d->tag;
	return d;
}

static bool item_number(struct compile *c, char **at, const char *keyword, unsigned *item)
{
	char number[8];
	char *end = strchr(*at, ']');
	uint64_t v = 0;

	if (end == NULL || !text_copyn(number, sizeof number, *at + 1, (size_t)(end - *at - 1)) ||
	    !text_u64(number, 9999, &v)) {
		map_fault(c, "items count from 0, as in RequestAttributesSequence[0].RequestedProcedureID",
		    "%s: a number of an item that is none", keyword);
		return false;
	}
	*item = (unsigned)v;
	*at = end + 1;
	return true;
}

static void add_text(char *to, size_t cap, const char *text)
{
	text_copy(to + strlen(to), cap - strlen(to), text);
}

/* May mri-retag change it at all? */
static bool allowed(struct compile *c, const struct dict_entry *d, uint32_t tag, bool step)
{
	if (tag == TAG(0x0008, 0x0005)) {
		map_fault(c, "--set SpecificCharacterSet=… says in which set the texts of the objects really are",
		    "%s: no map changes it: it follows from the texts", d->keyword);
	} else if (plan_reserved(tag)) {
		map_fault(c, "leave the line out", "%s: is written by mri-retag itself, older items are kept", d->keyword);
	} else if (plan_untouchable(tag)) {
		map_fault(c, "leave the line out", "%s: UIDs, signatures, pixel data and what describes them do not change",
		    d->keyword);
	} else if (step && strcmp(d->vr, "SQ") != 0) {
		map_fault(c, "an item number, [0], belongs to a sequence", "%s: has VR %s and no items", d->keyword, d->vr);
	} else {
		return true;
	}
	return false;
}

static bool path(struct compile *c, char **at, struct target *t)
{
	const struct dict_entry *d = NULL;
	char tag[12], number[16];

	for (;;) {
		struct edit_step *step = &t->path[t->depth];

		d = attribute(c, at, &t->leaf);
		if (d == NULL)
			return false;
		add_text(t->text, sizeof t->text, d->keyword);
		if (t->depth == 0)
			t->tag = t->leaf;
		add_text(t->path_text, sizeof t->path_text, plan_tag_text(t->leaf, tag));
		if (**at != '[' && **at != '.')
			break;
		if (**at == '.') {
			map_fault(c, "say which item, as in RequestAttributesSequence[0].RequestedProcedureID",
			    "%s: a \".\" without the number of an item", d->keyword);
			return false;
		}
		if (t->depth == PLAN_PATH_MAX) {
			map_fault(c, NULL, "%s: more than %d sequences in a path", d->keyword, PLAN_PATH_MAX);
			return false;
		}
		if (!allowed(c, d, t->leaf, true) || !item_number(c, at, d->keyword, &step->item))
			return false;
		step->tag = t->leaf;
		t->depth++;
		(void)snprintf(number, sizeof number, "[%u].", step->item);
		add_text(t->text, sizeof t->text, number);
		add_text(t->path_text, sizeof t->path_text, number);
		if (**at != '.') {
			map_fault(c, "a line changes one element of it, as in RequestAttributesSequence[0].RequestedProcedureID",
			    "%s: an item as a whole", d->keyword);
			return false;
		}
		++*at;
	}
	if (t->depth == 0)
		t->path_text[0] = '\0';
	text_copy(t->vr, sizeof t->vr, d->vr);
	return allowed(c, d, t->leaf, false);
}

/* ("ACME 1.1",0019,10) VR */
static bool private(struct compile *c, char **at, struct target *t)
{
	static const char how[] = "as in (\"ACME 1.1\",0019,10) LO = text";
	char *quote = strchr(*at + 2, '"'), hex[5] = "", element[3] = "";
	uint8_t g[2], e = 0;
	struct err why = { 0 };
	size_t n = 0;

	if (quote == NULL || !text_copyn(t->creator, sizeof t->creator, *at + 2, (size_t)(quote - *at - 2)) ||
	    strnlen(quote, 10) < 10 || quote[1] != ',' || quote[6] != ',' || quote[9] != ')') {
		map_fault(c, how, "a private element that is not (\"CREATOR\",gggg,ee)");
		return false;
	}
	(void)text_copyn(hex, sizeof hex, quote + 2, 4);
	(void)text_copyn(element, sizeof element, quote + 7, 2);
	*at = map_blanks(quote + 10);
	if (!text_unhex(hex, g, 2) || !text_unhex(element, &e, 1) || (g[1] & 1) == 0 || (g[0] == 0 && g[1] < 9) ||
	    (g[0] == 0xff && g[1] == 0xff)) {
		map_fault(c, how, "a private element with a group that is not odd, or an element that is not two digits");
		return false;
	}
	if (t->creator[0] == '\0' || value_check("LO", t->creator, &why) != RC_OK || strchr(t->creator, '\\') != NULL) {
		map_fault(c, how, "the creator of a private element is no text of VR LO");
		return false;
	}
	t->tag = t->leaf = TAG((uint16_t)(g[0] << 8 | g[1]), e);
	(void)snprintf(t->text, sizeof t->text, "(\"%s\",%s,%s)", t->creator, hex, element);
	n = strspn(*at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n == 2) {
		(void)text_copyn(t->vr, sizeof t->vr, *at, 2);
		*at = map_blanks(*at + 2);
	} else if (**at == '-') {
		text_copy(t->vr, sizeof t->vr, "UN");
		return true;
	} else {
		map_fault(c, how, "%s: a private element needs its VR", t->text);
		return false;
	}
	if (!value_settable(t->vr)) {
		map_fault(c, "one of AE AS CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UC UL UR US UT",
		    "%s: VR %s has no value that can be given here", t->text, t->vr);
		return false;
	}
	return true;
}

bool map_target(struct compile *c, char **at, struct target *t)
{
	memset(t, 0, sizeof *t);
	return (*at)[0] == '(' && (*at)[1] == '"' ? private(c, at, t) : path(c, at, t);
}
