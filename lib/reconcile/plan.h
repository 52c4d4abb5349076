/*
 * A plan: what mri-retag changes in the objects of one study, as a JSON
 * document that can be read, stored in the overlay, and held against the
 * result. It holds the new values; old ones are the objects'.
 *
 *	{"v":1,"time":"2026-11-24T06:27:41Z","tool":"mri-tools 0.1","scheduled":true,"entry":0,"order":SHA256,
 *	 "manifest":SHA256,"charset":"keep"|"ISO_IR 192","rules":[
 *	  {"tag":"(0010,0010)","keyword":"PatientName","op":"set","new":"…","rule":"irwf"}, …]}
 *
 * op: set (new: text, or an array of items for a sequence), empty (where present), remove,
 * append (new: items), convert (character set). An item is an object of "(gggg,eeee)": value, in which a value
 * is text, an array of items, {"old":"(gggg,eeee)"} (the object's own value, with "else": text where it
 * has none,
 * otherwise left out), {"old":…,"kept":true} (element as it stands in the first item of the sequence
 * that is replaced), or
 * {"changed":"irwf"|"set"} (the old values of all that this source changes).
 * "when":"foreign" on append: only where the object has a Patient ID that is not the new one.
 *
 * The time is chosen once: the same plan gives the same bytes.
 */
#ifndef MRI_RECONCILE_PLAN_H
#define MRI_RECONCILE_PLAN_H

#include <time.h>

#include "base/json.h"
#include "base/piece.h"
#include "dicom/walk.h"
#include "order/order.h"

#define PLAN_RULES_MAX	1024
#define PLAN_TOOL	"mri-tools"

struct plan_set { const char *keyword, *value; uint32_t tag; };	/* --set; strings borrowed */

struct plan_input {
	const struct order *order;
	int entry;		/* of order->studies, or ORDER_UNSCHEDULED */
	const char *order_sha256, *manifest_sha256;	/* "" without a spool */
	time_t time;
	const char *version;	/* of the tools */
	const char *organisation, *station;	/* "" unknown */
	const struct plan_set *sets; size_t nsets;
};

/* "KEYWORD=VALUE", cut in place. Unknown keyword, a tag or VR that is not for setting, a value that does not
 * fit: ERR_CONFIG (78). */
int plan_set_parse(char *text, struct plan_set *, struct err *);
/* No local patient id: ERR_NOINPUT. A value of the order that does not fit its VR: ERR_DATA naming the
 * field. */
int plan_make(json_t **, const struct plan_input *, struct err *);
int plan_time(const json_t *plan, time_t *, struct err *);

enum plan_op { PLAN_SET, PLAN_EMPTY, PLAN_REMOVE, PLAN_APPEND, PLAN_CONVERT };

struct plan_rule {
	uint32_t tag;
	char vr[3];
	enum plan_op op;
	const char *text;	/* set: text; convert: set that is declared, or NULL; else NULL */
	const json_t *items;	/* set or append of a sequence; else NULL */
	const char *source;	/* "irwf", "set" */
	bool foreign;		/* "when" */
};

struct plan {
	json_t *doc;
	struct plan_rule *rules; size_t nrules;
	bool may_convert;
};

/* Checks the document and indexes it (takes a reference). Tags that must not change (UIDs that
 * identify, pixel data): ERR_DATA. */
int plan_load(struct plan **, const json_t *, struct err *);
void plan_free(struct plan *);
const struct plan_rule *plan_rule_for(const struct plan *, uint32_t tag);
/* "(0010,0010)" both ways */
bool plan_tag_parse(const char *, uint32_t *);
char *plan_tag_text(uint32_t, char out[12]);
/* May no rule touch it? Group 0002, UIDs of study, series, instance and frame of reference, class,
 * pixel data, signatures. */
bool plan_untouchable(uint32_t tag);

struct plan_report {
	unsigned changed;	/* elements of the object that have another value now */
	bool converted;		/* to ISO_IR 192 */
	bool signatures;	/* (FFFA,FFFA) that no longer held are gone */
};

/* The pieces of one object (pieces_free them). charset_load() before. Anything but named elements stays
 * byte by byte. */
int plan_apply(const struct plan *, const struct object *, struct pieces *, struct plan_report *, struct err *);
/* Old values of all that the plan names, for a person: {"(0010,0010)":"…"}; a sequence is its number of
 * items. */
int plan_old(const struct plan *, const struct object *, json_t **, struct err *);

#endif
