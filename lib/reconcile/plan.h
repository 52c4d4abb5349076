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
 * Rules of a map, "rule":"map", may say more, and several may be on one tag: each changes what the ones before it
 * left (reconcile/resolve.h).
 *	"from":"site.map:12"	where the map says it
 *	"if":[{"tag":"(0008,0060)","is":["CT","MR"]}, …]	only in objects of which all of it is true; also
 *		"not":[…], and "match":RE with "flags":"i". Old values count, before any rule; "" is absent or empty
 *	"when":"empty"		on set: only where the object has no value
 *	"template":TEXT		on set, instead of new: with {Keyword} for old values (reconcile/template.h)
 *	"op":"edit","re":RE,"flags":"gi","new":TEXT	what the pattern finds becomes TEXT, a template
 *	"path":"(0040,0275)[0].(0040,1001)"	in an item of a sequence, whose tag is "tag"
 *	"creator":"ACME 1.1","vr":"LO","tag":"(0019,0010)"	private: (0019,xx10) of the creator's block
 *
 * The time is chosen once: the same plan gives the same bytes.
 */
#ifndef MRI_RECONCILE_PLAN_H
#define MRI_RECONCILE_PLAN_H

#include <time.h>

#include "base/json.h"
#include "base/pattern.h"
#include "base/piece.h"
#include "dicom/edit.h"
#include "order/order.h"

#define PLAN_RULES_MAX	8192
#define PLAN_PATTERNS_MAX	512	/* regcomp() takes some 20 KB for each */
#define PLAN_VERSION	1
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
	const struct map *map;	/* reconcile/map.h, or NULL */
	const char *source;	/* whose import it is: host of the link; "" or NULL: none */
};

/* "KEYWORD=VALUE", cut in place. Unknown keyword, a tag or VR that is not for setting, a value that does not
 * fit: ERR_CONFIG (78). */
int plan_set_parse(char *text, struct plan_set *, struct err *);
/* No local patient id: ERR_NOINPUT. A value of the order that does not fit its VR: ERR_DATA naming the
 * field. */
int plan_make(json_t **, const struct plan_input *, struct err *);
int plan_time(const json_t *plan, time_t *, struct err *);

enum plan_op { PLAN_SET, PLAN_EMPTY, PLAN_REMOVE, PLAN_APPEND, PLAN_CONVERT, PLAN_EDIT };

#define PLAN_PATH_MAX	4	/* sequences around an element */

struct plan_rule {
	uint32_t tag;		/* of the top level */
	char vr[3];		/* of the element that changes */
	enum plan_op op;
	const char *text;	/* set, edit: text; convert: set that is declared, or NULL; else NULL */
	const json_t *items;	/* set or append of a sequence; else NULL */
	const char *source;	/* "irwf", "map", "set" */
	bool foreign;		/* "when" */
	struct edit_step path[PLAN_PATH_MAX]; size_t depth;	/* 0: the tag itself */
	uint32_t leaf;		/* what changes in the item, where there is a path */
	/* Until it is resolved: */
	bool if_empty, template;
	const char *creator, *from;	/* NULL: none */
	const struct plan_if *only;
	struct pattern *pattern; bool all;	/* edit; all: flag g */
};

/* Conditions that rules share. */
struct plan_condition {
	uint32_t tag;
	bool not;
	const json_t *values;	/* "is", "not" */
	struct pattern *pattern;	/* "match" */
};
struct plan_if { const json_t *doc; struct plan_condition *v; size_t n, number; struct plan_if *next; };

struct plan {
	json_t *doc;
	struct plan_rule *rules; size_t nrules;
	struct plan_if *ifs; size_t nifs;
	bool may_convert;
	bool resolve;		/* has rules that an object must resolve */
	/* of a resolved one: what its rules point to */
	char **texts; size_t ntexts;
};

/* Checks the document and indexes it (takes a reference). Tags that must not change (UIDs that
 * identify, pixel data): ERR_DATA. */
int plan_load(struct plan **, const json_t *, struct err *);
void plan_free(struct plan *);
const struct plan_rule *plan_rule_for(const struct plan *, uint32_t tag);	/* the first */
/* "(0040,0275)[0].(0040,1001)": at least one step, then the leaf. */
bool plan_path_parse(const char *, struct edit_step steps[PLAN_PATH_MAX], size_t *depth, uint32_t *leaf);
/* "(0010,0010)" both ways */
bool plan_tag_parse(const char *, uint32_t *);
char *plan_tag_text(uint32_t, char out[12]);
/* May no rule touch it? Group 0002, UIDs of study, series, instance and frame of reference, class,
 * pixel data, signatures. */
bool plan_untouchable(uint32_t tag);
/* Tags that mri-retag itself writes, and (0008,0005): for no map. */
bool plan_reserved(uint32_t tag);

struct plan_report {
	unsigned changed;	/* elements of the object that have another value now */
	bool converted;		/* to ISO_IR 192 */
	bool signatures;	/* (FFFA,FFFA) that no longer held are gone */
};

/* What plan_apply() and plan_verify() need in a jailed worker, for worker_start(): character sets, patterns. What
 * cannot be loaded is refused by name later. */
void plan_prepare(void *unused);
/* The pieces of one object (pieces_free them). plan_prepare() before. Anything but named elements stays
 * byte by byte. */
int plan_apply(const struct plan *, const struct object *, struct pieces *, struct plan_report *, struct err *);
/* Old values of all that the plan names, for a person: {"(0010,0010)":"…"}; a sequence is its number of
 * items. */
int plan_old(const struct plan *, const struct object *, json_t **, struct err *);

#endif
